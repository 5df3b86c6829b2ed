"""What the playground's tests share: an application with a page that has come in, commands, and frames by type."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the playground's server is an extra: glassnet[play]")

import anyio
from starlette.testclient import TestClient

from glassnet.playground.frames import unpack
from glassnet.playground.rooms import Rooms
from glassnet.playground.security import Keys
from glassnet.playground.server import application
from glassnet.playground.setup import Setup, merged
from glassnet.playground.tabular import built_in_tables
from glassnet.playground.trainer import Trainer

__all__ = ["BASE", "ORIGIN", "SMALL", "Page", "playground", "trainer"]

BASE = "http://127.0.0.1:8421"
ORIGIN = {"origin": BASE}
SMALL = {"data": {"size": 60}, "layers": [{"units": 3}], "batch_size": 8}
"""A setup that trains in no time."""
PATIENCE = 180
"""Seconds that a test waits for a frame, each on its own: a process that was stopped meanwhile has lost one of them."""


def trainer(*partials: dict[str, Any]) -> Trainer:
    """A trainer for the small setup, changed."""
    setup = merged(Setup(), SMALL)
    for partial in partials:
        setup = merged(setup, partial)
    return Trainer(setup, built_in_tables())


class Page:
    """A page's end of the socket."""

    def __init__(self, client: TestClient, socket: Any) -> None:
        self.client, self.socket, self.number, self.began = client, socket, 0, 0
        self.seen: list[tuple[dict[str, Any], dict[str, np.ndarray]]] = []

    def receive(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        frame = unpack(self.socket.receive_bytes())
        self.seen.append(frame)
        return frame

    def until(self, *kinds: str, number: int | None = None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The next frame of one of these types, for this command if one is named."""
        while True:
            header, arrays = self.receive()
            if header["type"] in kinds and (number is None or header["id"] == number):
                return header, arrays

    def send(self, text: str | bytes) -> None:
        if isinstance(text, bytes):
            self.socket.send_bytes(text)
        else:
            self.socket.send_text(text)

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Send a command; its `done` or `error`."""
        self.number += 1
        self.began = len(self.seen)
        self.send(json.dumps({"do": do, "id": self.number, **fields}))
        return self.until("done", "error", number=self.number)[0]

    def do(self, do: str, **fields: Any) -> None:
        """Send a command, which must succeed."""
        answer = self.ask(do, **fields)
        assert answer["type"] == "done", answer

    def refused(self, do: str, **fields: Any) -> dict[str, Any]:
        """Send a command, which must be refused."""
        answer = self.ask(do, **fields)
        assert answer["type"] == "error", answer
        return answer

    def notice(self) -> dict[str, Any]:
        """The first notice since the last command was sent: it may come before `done`."""
        there = [header for header, _ in self.seen[self.began :] if header["type"] == "notice"]
        return there[0] if there else self.until("notice")[0]

    def snapshot(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """A snapshot of now: one follows every command."""
        self.do("watch")
        return self.until("snapshot")

    def last(self, kind: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The last frame of a type so far."""
        return next(frame for frame in reversed(self.seen) if frame[0]["type"] == kind)

    @property
    def session(self) -> str:
        return self.last("hello")[0]["session"]


@contextmanager
def connected(client: TestClient) -> Iterator[Page]:
    """A page that has come in and not said hello yet."""
    socket = client.websocket_connect(
        BASE.replace("http", "ws") + "/socket", subprotocols=["glassnet-1"], headers=ORIGIN
    )
    page = Page(client, socket)
    socket.receive = lambda: _patiently(page)  # the client's own waits for ever
    with socket:
        yield page


def _patiently(page: Page) -> Any:
    """The next message; a test that would wait for ever fails, and says what came before."""

    async def message() -> Any:
        for _ in range(PATIENCE):
            with anyio.move_on_after(1):
                return await page.socket._send_rx.receive()
        return None

    found = page.socket.portal.call(message)
    if found is None:
        kinds = ", ".join(header["type"] for header, _ in page.seen) or "nothing"
        pytest.fail(f"no frame for {PATIENCE} s; seen so far: {kinds}")
    return found


@contextmanager
def playground(start: dict[str, Any] | None = None) -> Iterator[TestClient]:
    """An application whose client has the cookie."""
    keys, rooms = Keys(8421), Rooms(built_in_tables(), SMALL if start is None else start)
    with TestClient(application(rooms, keys), base_url=BASE, follow_redirects=False) as client:
        assert client.get(f"/?token={keys.launch}").status_code == 303
        yield client
