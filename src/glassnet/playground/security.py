"""Who may talk to the playground: one guard in front of every route and of the socket.

    Host             exactly an address that the server listens at, so that no foreign name leads here (DNS rebinding)
    Origin           that address too, where there is one; a socket and an unsafe method must have it
    Sec-Fetch-Site   same-origin on unsafe methods, where the browser says
    token            the launch URL holds one that works once; it becomes a cookie, HttpOnly and SameSite=Strict
    answers          nothing but this page's own files, no sniffing, no frames

A request that breaks a rule is refused before anything of it is read.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

__all__ = ["LOOPBACK", "Guard", "Keys"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
SAFE_METHODS = ("GET", "HEAD")
USED = "This launch link has been used. Stop `glassnet play` with Ctrl-C and start it again for a new one."
MISSING = "This page opens by the link that `glassnet play` printed in the terminal."


class Keys:
    """The address, the launch token that works once, and the cookie that it becomes; `secret` is its value."""

    def __init__(self, port: int, hosts: tuple[str, ...] = LOOPBACK, secret: str | None = None) -> None:
        self.port = port
        self.hosts = frozenset(f"{host}:{port}" for host in hosts) | (frozenset(hosts) if port == 80 else frozenset())
        self.launch: str | None = secrets.token_urlsafe(32)
        self.secret = secret or secrets.token_urlsafe(32)
        self.cookie = f"glassnet-{port}"

    def spend(self, token: str) -> bool:
        """Whether this is the launch token, which then is spent."""
        right = self.launch is not None and hmac.compare_digest(token.encode(), self.launch.encode())
        if right:
            self.launch = None
        return right

    def admits(self, cookies: str) -> bool:
        """Whether a Cookie header holds the secret."""
        try:
            morsel = SimpleCookie(cookies).get(self.cookie)
        except CookieError:
            return False
        return morsel is not None and hmac.compare_digest(morsel.value.encode(), self.secret.encode())


class Guard:
    """The rules, around an application."""

    def __init__(self, app: App, keys: Keys) -> None:
        self.app, self.keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, exchange the token for a cookie, or let through."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = _Headers(scope)
        host = headers.one("host")
        reason = self._reason(scope, headers)
        sender = _with_headers(send, self._policy(host or ""))
        if reason is None and scope["type"] == "http" and scope["path"] == "/":
            token = parse_qs(scope["query_string"].decode("latin-1")).get("token")
            if token is not None:
                await self._enter(token[-1], headers, receive, sender)
                return
        if reason is None and not self.keys.admits(headers.one("cookie") or ""):
            reason = MISSING
        if reason is not None:
            await _refuse(scope, receive, sender, reason)
            return
        await self.app(scope, receive, sender)

    def _reason(self, scope: Scope, headers: "_Headers") -> str | None:
        """Why a request is refused, whoever sends it."""
        host, origin = headers.one("host"), headers.one("origin")
        unsafe = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if host not in self.keys.hosts:
            return "The address of this page is not the playground's: open the link that `glassnet play` printed."
        if origin is None and (unsafe or headers.count("origin")):
            return "A request that changes something must come from the playground's own page."
        if origin is not None and origin != f"http://{host}":
            return "This request comes from another page than the playground's."
        if unsafe and scope["type"] == "http" and (headers.one("sec-fetch-site") or "same-origin") != "same-origin":
            return "This request comes from another site than the playground's."
        return None

    async def _enter(self, token: str, headers: "_Headers", receive: Receive, send: Send) -> None:
        known = self.keys.admits(headers.one("cookie") or "")
        if not self.keys.spend(token) and not known:
            await _answer(send, 403, USED if self.keys.launch is None else MISSING)
            return
        cookie = f"{self.keys.cookie}={self.keys.secret}; HttpOnly; SameSite=Strict; Path=/"
        await _answer(send, 303, "", [(b"location", b"/"), (b"set-cookie", cookie.encode())])

    def _policy(self, host: str) -> list[tuple[bytes, bytes]]:
        socket = f" ws://{host}" if host in self.keys.hosts else ""
        content = (
            f"default-src 'self'; connect-src 'self'{socket}; img-src 'self' data: blob:; object-src 'none'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return [
            (b"content-security-policy", content.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"cache-control", b"no-store"),
        ]


class _Headers:
    """Headers by name; one that comes twice counts as none."""

    def __init__(self, scope: Scope) -> None:
        self._pairs = [(name.lower(), value.decode("latin-1")) for name, value in scope["headers"]]

    def count(self, name: str) -> int:
        return sum(key == name.encode() for key, _ in self._pairs)

    def one(self, name: str) -> str | None:
        found = [value for key, value in self._pairs if key == name.encode()]
        return found[0] if len(found) == 1 else None


def _with_headers(send: Send, more: list[tuple[bytes, bytes]]) -> Send:
    async def sender(message: MutableMapping[str, Any]) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return sender


async def _answer(send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    body = text.encode()
    plain = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*plain, *(headers or [])]})
    await send({"type": "http.response.body", "body": body})


async def _refuse(scope: Scope, receive: Receive, send: Send, reason: str) -> None:
    """403, in plain words; a socket is refused before it is accepted."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    await _answer(send, 403, reason)
