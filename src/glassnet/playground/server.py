"""The playground's web application: the built page, the socket, upload, import and export."""

import asyncio
import socket as sockets
import threading
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from glassnet.playground.connection import PROTOCOL, Connection
from glassnet.playground.rooms import Rooms
from glassnet.playground.security import App, Guard, Keys
from glassnet.playground.transfer import transfer_routes

__all__ = ["STATIC", "application", "serve"]

STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
}
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>glassnet playground</title>
<h1>The playground's page is not built</h1>
<p>This copy of glassnet was installed without it. In the project's folder, with Node.js:</p>
<pre>cd web
npm ci
npm run build</pre>
<p>Then load this page again. The server itself is running.</p></html>
"""


def application(rooms: Rooms, keys: Keys, static: Path = STATIC) -> App:
    """The routes, behind the guard."""

    async def page(request: Request) -> Response:
        return built_file(static, request.url.path)

    async def talk(socket: WebSocket) -> None:
        if PROTOCOL not in socket.scope["subprotocols"]:
            await socket.close(1002)
            return
        await socket.accept(PROTOCOL)
        await Connection(socket, rooms).run()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        yield
        rooms.close()

    routes = [WebSocketRoute("/socket", talk), *transfer_routes(rooms), Route("/{path:path}", page, methods=["GET"])]
    return Guard(Starlette(routes=routes, lifespan=lifespan), keys)


def built_file(static: Path, path: str) -> Response:
    """A file of the built page; only the names found there are known, so a path leads nowhere else."""
    files = [file for file in static.rglob("*") if file.is_file() and not file.is_symlink()]
    known = {f"/{file.relative_to(static).as_posix()}": file for file in files}
    file = known.get("/index.html" if path == "/" else path)
    if file is None and path == "/":
        return HTMLResponse(NOT_BUILT)
    if file is None or file.suffix not in TYPES:
        return PlainTextResponse("There is nothing here.", 404)
    return FileResponse(file, media_type=TYPES[file.suffix])


def listening(host: str, port: int) -> sockets.socket:
    """A socket that listens there; OSError if it cannot be."""
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    found = sockets.socket(family, sockets.SOCK_STREAM)
    found.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(128)
    except OSError:
        found.close()
        raise
    return found


def serve(rooms: Rooms, keys: Keys, listener: sockets.socket, settings: Mapping[str, Any] | None = None) -> None:
    """Serve until Ctrl-C."""
    import uvicorn

    from glassnet.playground.limits import LIMITS

    threading.Thread(target=lambda: dict(rooms.tables), daemon=True).start()  # read while the browser comes
    config = uvicorn.Config(
        application(rooms, keys),
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        ws="websockets-sansio",
        ws_max_size=LIMITS.message_bytes,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
        **(settings or {}),
    )
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))
