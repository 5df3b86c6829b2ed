"""One page's socket: commands in, replies and snapshots out.

A page is told what it does not know yet: setup, data and history when they changed, and snapshots at most 30 times a
second. Each is drawn only when the one before has been sent, so a slow reader gets fewer, never older ones.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from glassnet.playground import commands as c
from glassnet.playground.answers import asked_example, explanation, graph_svg
from glassnet.playground.frames import pack
from glassnet.playground.limits import RefusedError
from glassnet.playground.messages import hello_frame
from glassnet.playground.race import Race
from glassnet.playground.rooms import Rooms
from glassnet.playground.session import Session
from glassnet.playground.telling import Notice, Told, refused
from glassnet.playground.views import Watch

__all__ = ["PROTOCOL", "Connection"]

PROTOCOL = "glassnet-1"
PERIOD = 1 / 30  # seconds between snapshots
RACE_PERIOD = 0.1
TAKEN_OVER, TOO_MANY = 4001, 4002
PATIENCE = 0.7  # seconds until a command that takes long is explained
PREPARING = "One moment: machine code for this network is being made. It is kept, so this happens once."
LONG: dict[type[c.Command], str] = {c.Step: "One moment: these are many steps."}
T = TypeVar("T")


class Connection:
    """A socket that was accepted, and what its page knows."""

    def __init__(self, socket: WebSocket, rooms: Rooms) -> None:
        self.socket, self.rooms = socket, rooms
        self.told, self.watch = Told(), Watch()
        self.session: Session | None = None
        self._sending, self._news = asyncio.Lock(), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._last = self._raced = 0.0
        self._race: Race | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until the page goes."""
        try:
            while True:
                message = await self.socket.receive()
                if message["type"] == "websocket.disconnect":
                    break
                await self._command(message.get("text") or message.get("bytes") or "")
        except WebSocketDisconnect:
            pass
        finally:
            self.end_race()
            for task in self._tasks:
                task.cancel()
            if self.session is not None:
                self.rooms.left(self.session, self)

    # --- commands -----------------------------------------------------------------------------------------------

    async def _command(self, text: str | bytes) -> None:
        number = c.command_id(text)
        try:
            command = c.decode(text)
            await self._patiently(command)
            await self.tell(snapshot=False)
        except (WebSocketDisconnect, asyncio.CancelledError):
            raise
        except Exception as error:  # every error is an answer; the session lives on
            message, field = refused(error)
            await self.send(pack("error", {"id": number, "message": message, "field": field}))
            return
        await self.send(pack("done", {"id": number}))
        if not isinstance(command, c.Ping):
            self._news.set()  # a snapshot that knows of it follows

    async def _patiently(self, command: Any) -> None:
        """Handle a command, and say what is going on where it takes long."""
        work = asyncio.ensure_future(self._handle(command))
        try:
            done, _ = await asyncio.wait({work}, timeout=PATIENCE)
            if not done:
                said = LONG.get(type(command), PREPARING)
                await self.send(pack("notice", {"level": "info", "text": said, "undo": False, "passing": True}))
            await work
        finally:
            work.cancel()

    async def _handle(self, command: Any) -> None:
        if isinstance(command, c.Hello):
            await self._hello(command)
            return
        if self.session is None:
            raise RefusedError("say hello first")
        self.session.used = time.monotonic()
        await HANDLERS[type(command)](self, self.session, command)

    async def _hello(self, command: c.Hello) -> None:
        if self.session is not None:
            raise RefusedError("this page has said hello already")
        session, notice = await asyncio.to_thread(self.rooms.enter, command.session, command.setup)
        before = self.rooms.join(session, self)
        self.session = session
        if before is not None:
            await before.leave(TAKEN_OVER, "the session went on in another tab")
        session.on_change = lambda: self._from_thread(self._news.set)
        session.on_notice = lambda notice: self._from_thread(lambda: self._notify(notice))
        await self.send(hello_frame(session.name, session.tables, self.rooms.start))
        await self.tell()
        if notice is not None:
            await self.send(notice.frame())
        self._keep(self._snapshots())

    def _keep(self, work: Any) -> None:
        task: asyncio.Task[None] = self._loop.create_task(self._explained(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _explained(self, work: Any) -> None:
        """Whatever goes wrong beside a command is told, and ends nothing but itself."""
        try:
            await work
        except WebSocketDisconnect:
            pass
        except Exception as error:
            await self.send(Notice("error", refused(error)[0]).frame())

    def _from_thread(self, work: Callable[[], Any]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work)

    def _notify(self, notice: Notice) -> None:
        self._keep(self.send(notice.frame()))

    async def ask(self, work: Callable[[], T]) -> T:
        """Let the session's thread do this."""
        assert self.session is not None
        return await asyncio.wrap_future(self.session.ask(work))

    # --- what goes out ------------------------------------------------------------------------------------------

    async def send(self, frame: bytes) -> None:
        """One frame; frames never overtake each other."""
        async with self._sending:
            await self._send(frame)

    async def _send(self, frame: bytes) -> None:
        if self.socket.application_state == WebSocketState.CONNECTED:
            await self.socket.send_bytes(frame)

    async def tell(self, *, snapshot: bool = True) -> None:
        """All that the page does not know yet; the snapshot only if it is time."""
        session = self.session
        if session is None:
            return
        async with self._sending:
            if not snapshot and time.monotonic() - self._last < PERIOD and not session.differs(self.told):
                return
            self._last = time.monotonic()
            sight = await self.ask(lambda: session.look(self.told))
            for frame in sight.frames:
                await self._send(frame)
            await self._send(await asyncio.to_thread(sight.snapshot, self.watch))

    async def _snapshots(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(max(0.0, self._last + PERIOD - time.monotonic()))
            self._news.clear()
            await self._explained(self.tell())

    def begin_race(self, race: Race, number: int) -> None:
        """Let it run beside everything else."""
        self._race = race
        self._keep(self._run_race(race, number))

    def end_race(self) -> None:
        """Break the race off, if there is one."""
        if self._race is not None:
            self._race.stopped = True
            self._race = None

    async def _run_race(self, race: Race, number: int) -> None:
        while not race.finished:
            await asyncio.to_thread(race.advance)
            if race.stopped:
                return
            if race.finished or time.monotonic() - self._raced > RACE_PERIOD:
                self._raced = time.monotonic()
                await self.send(race.frame(number))

    async def leave(self, code: int, reason: str) -> None:
        """Close the socket from this side."""
        for task in self._tasks:
            task.cancel()
        if self.socket.application_state == WebSocketState.CONNECTED:
            await self.socket.close(code, reason)


# --- what each command does -------------------------------------------------------------------------------------------

Handler = Callable[[Connection, Session, Any], Awaitable[None]]
HANDLERS: dict[type[c.Command], Handler] = {}


def handler(kind: type[c.Command]) -> Callable[[Handler], Handler]:
    """Put a command's handler into the table."""

    def register(function: Handler) -> Handler:
        HANDLERS[kind] = function
        return function

    return register


def changes(kind: type[c.Command], work: Callable[[Session, Any], object]) -> None:
    """A command that does something in the session's thread, and is seen afterwards."""

    async def handle(connection: Connection, session: Session, command: Any) -> None:
        def act() -> None:
            work(session, command)
            session.changed()

        await connection.ask(act)

    HANDLERS[kind] = handle


changes(c.Change, lambda session, command: session.trainer.change(command.setup))
changes(c.Play, lambda session, command: session.play(command.speed))
changes(c.Pause, lambda session, _: session.halt())
changes(c.Step, lambda session, command: session.step(command.unit, command.count, back=command.back))
changes(c.Reset, lambda session, _: session.trainer.reset())
changes(c.NewWeights, lambda session, _: session.trainer.new_weights())
changes(c.Edit, lambda session, command: session.trainer.edit(command.tensor, command.index, command.value))
changes(c.Undo, lambda session, _: session.undo())
changes(c.AddPoints, lambda session, command: session.add_points(command.points))
changes(c.RemovePoints, lambda session, command: session.remove_points(command.indexes))


@handler(c.WatchFor)
async def watch(connection: Connection, session: Session, command: c.WatchFor) -> None:
    """From the next snapshot on."""
    connection.watch = command.over(connection.watch)


@handler(c.Explain)
async def explain(connection: Connection, session: Session, command: c.Explain) -> None:
    """Another thread derives it from a copy."""

    def copied() -> tuple[Any, ...]:
        trainer = session.trainer
        return trainer.problem, trainer.moment(), trainer.epoch, trainer.run

    problem, moment, epoch, run = await connection.ask(copied)
    example = asked_example(problem, command.example, command.x, command.y)
    found = await asyncio.to_thread(explanation, problem, moment, epoch, run, example, command.entries)
    await connection.send(pack("explanation", {"id": command.id, **found}))


@handler(c.GraphOf)
async def graph(connection: Connection, session: Session, command: c.GraphOf) -> None:
    """Another thread draws it from a copy."""
    problem, moment = await connection.ask(lambda: (session.trainer.problem, session.trainer.moment()))
    example = asked_example(problem, command.example)
    svg = await asyncio.to_thread(graph_svg, problem, moment, example)
    await connection.send(pack("graph", {"id": command.id, "svg": svg}))


@handler(c.Race)
async def race(connection: Connection, session: Session, command: c.Race) -> None:
    """`done` says that it has begun; its frames say how it goes, the last one `finished`."""
    connection.end_race()
    setup = await connection.ask(lambda: session.trainer.setup)
    found = await asyncio.to_thread(Race, setup, session.tables, command.optimizers, command.epochs)
    connection.begin_race(found, command.id)


@handler(c.StopRace)
async def stop_race(connection: Connection, session: Session, command: c.StopRace) -> None:
    """What it has shown stays."""
    connection.end_race()


@handler(c.Ping)
async def ping(connection: Connection, session: Session, command: c.Ping) -> None:
    """Nothing but `done`."""
