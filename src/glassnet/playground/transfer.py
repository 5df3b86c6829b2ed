"""Upload, import and export: the routes beside the socket. A request names its session; a name is never a path."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from glassnet.playground.exports import PROGRAMS
from glassnet.playground.limits import LIMITS, RefusedError
from glassnet.playground.messages import table_document
from glassnet.playground.portable import imported, model_bytes, session_document
from glassnet.playground.problem import Problem
from glassnet.playground.rooms import Rooms
from glassnet.playground.session import Session
from glassnet.playground.setup import setup_document
from glassnet.playground.telling import refused
from glassnet.playground.uploads import shown_name, uploaded_table
from glassnet.playground.way_back import Moment

__all__ = ["transfer_routes"]

Answer = Callable[[Request, Session], Awaitable[Response]]
FILES = {
    "model": ("network.glassnet", "application/octet-stream"),
    "python": ("network_glassnet.py", "text/x-python; charset=utf-8"),
    "pytorch": ("network_pytorch.py", "text/x-python; charset=utf-8"),
    "keras": ("network_keras.py", "text/x-python; charset=utf-8"),
    "json": ("network.json", "application/json"),
}
"""Export -> name of the file and its type."""


def transfer_routes(rooms: Rooms) -> list[Route]:
    """The three routes."""

    def route(path: str, answer: Answer, method: str) -> Route:
        async def guarded(request: Request) -> Response:
            try:
                return await answer(request, rooms.find(request.query_params.get("session")))
            except ClientDisconnect:
                return Response(status_code=400)
            except Exception as error:  # a page gets one line, whatever it was
                message, field = refused(error)
                return _json({"error": message, "field": field}, 413 if field == "size" else 400)

        return Route(path, guarded, methods=[method])

    return [
        route("/upload", upload, "POST"),
        route("/import", import_model, "POST"),
        route("/export/{kind}", export, "GET"),
    ]


def _json(document: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")


async def _body(request: Request) -> bytes:
    """The request's bytes; one that is too long is refused before it is read to its end."""
    most = LIMITS.upload_bytes
    too_long = RefusedError(f"the file is longer than {most // 2**20} MB; take fewer rows or columns", "size")
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > most:
        raise too_long
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > most:
            raise too_long
        parts.append(part)
    return b"".join(parts)


async def upload(request: Request, session: Session) -> Response:
    """A CSV becomes a table of the session."""
    data = await _body(request)
    table = await asyncio.to_thread(uploaded_table, data, request.query_params.get("name", ""))
    name = await asyncio.wrap_future(session.ask(lambda: session.add_table(table)))
    document = table_document(name, table)
    return _json({"table": name, **document})


async def import_model(request: Request, session: Session) -> Response:
    """A model file becomes the session's network."""
    data = await _body(request)
    name = shown_name(request.query_params.get("name", ""), "the model file")

    def take() -> dict[str, Any]:
        problem, state = imported(data, name, session.trainer)
        session.halt()
        session.trainer.load(problem, state)
        session.changed()
        return setup_document(problem.setup)

    return _json({"setup": await asyncio.wrap_future(session.ask(take))})


async def export(request: Request, session: Session) -> Response:
    """The session as a file to keep."""
    kind = request.path_params["kind"]
    if kind not in FILES:
        raise RefusedError(f"no export '{kind}' (there are: {', '.join(FILES)})", "kind")

    def copied() -> tuple[Problem, Moment, list[tuple[float, ...]]]:
        return session.trainer.problem, session.trainer.moment(), list(session.trainer.rows)

    problem, moment, rows = await asyncio.wrap_future(session.ask(copied))
    content = await asyncio.to_thread(_content, kind, problem, moment, rows)
    name, media = FILES[kind]
    return Response(content, media_type=media, headers={"content-disposition": f'attachment; filename="{name}"'})


def _content(kind: str, problem: Problem, moment: Moment, rows: list[tuple[float, ...]]) -> bytes:
    if kind == "model":
        return model_bytes(problem, moment)
    if kind == "json":
        return msgspec.json.format(msgspec.json.encode(session_document(problem, moment, rows)), indent=1)
    return PROGRAMS[kind](problem, moment).encode()
