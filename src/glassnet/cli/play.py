"""`glassnet play [DATA] [--model MODEL]`: the playground, a page in the browser that shows a network learn."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from glassnet.cli.options import DATA, OUTPUT, Target, option

if TYPE_CHECKING:
    from socket import socket

    from glassnet.playground.rooms import Rooms

__all__ = ["Play"]

PORT = 8421
SERVER = "Server"
OPEN = (
    "listening at {host}, not at this machine alone: the link and all that is typed cross the network unencrypted, and "
    "whoever reads the link can use the playground. Only do this in a network that you trust."
)


@dataclass(frozen=True)
class Play:
    """Open the playground: watch a network learn in the browser, and touch everything."""

    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]",
            help="What to begin with: a table (.csv, .tsv, .parquet, .npz), built-in data: {datasets}; or a model file "
            "(.glassnet), shown on built-in data that it fits.",
            show_default=False,
        ),
    ] = None
    target: Target = None
    model: Annotated[
        str | None,
        option(
            "--model",
            "-m",
            value="MODEL",
            panel=DATA,
            help="Begin with a trained network: a model file that `fit --out` or the page wrote.",
        ),
    ] = None
    port: Annotated[
        str | None,
        option("--port", "-p", value="N", panel=SERVER, help=f"Port to listen at; {PORT}, or a free one."),
    ] = None
    host: Annotated[
        str | None,
        option(
            "--host",
            value="ADDRESS",
            panel=SERVER,
            help="Address of this machine to listen at; 127.0.0.1. Any other lets the network in: see the docs.",
        ),
    ] = None
    no_browser: Annotated[
        bool, option("--no-browser", panel=OUTPUT, help="Do not open a browser; the link stands on stdout.")
    ] = False

    def run(self) -> int:
        """Listen, read the data, say where, serve until Ctrl-C."""
        _check_installed()
        host, listener = self._listen()
        with listener:
            from glassnet.cli.beginning import rooms_for

            rooms, said = rooms_for(self.data, self.target, self.model)
            try:
                self._serve(rooms, said, host, listener)
            except KeyboardInterrupt:
                pass
            finally:
                rooms.close()
        return 0

    def _serve(self, rooms: "Rooms", said: str | None, host: str, listener: "socket") -> None:
        from glassnet.cli.screen import Screen
        from glassnet.playground import server
        from glassnet.playground.secrets_file import kept_secret
        from glassnet.playground.security import LOOPBACK, Keys

        screen = Screen()
        port: int = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        secret = kept_secret(port) if port == self._wanted_port() else None  # a port by chance does not come again
        keys = Keys(port, LOOPBACK if self.host is None else (shown,), secret)
        if said is not None:
            screen.note("model", said)
        if self.host is not None:
            screen.warn(OPEN.format(host=host))
        if not (server.STATIC / "index.html").exists():
            screen.warn("this copy has no built page: run `npm ci && npm run build` in web/, then load the page again")
        url = f"http://{shown}:{port}/?token={keys.launch}"
        print(url, flush=True)
        screen.note("playing", "open this link; it works once. Ctrl-C ends")
        if not self.no_browser:
            _open(url)
        server.serve(rooms, keys, listener)

    def _wanted_port(self) -> int:
        from glassnet.cli.rules import whole

        return PORT if self.port is None else whole("--port", self.port, 0, 65535)

    def _listen(self) -> "tuple[str, socket]":
        """The address and a socket that listens there; a port that was not asked for may be another free one."""
        from glassnet.errors import InvalidParameterError
        from glassnet.playground.server import listening

        host = "127.0.0.1" if self.host is None else self.host
        if host in ("0.0.0.0", "::", ""):
            raise InvalidParameterError(
                f"--host {host or 'without a name'}: name one address of this machine, such as 192.168.1.5; the page "
                "is only for those who ask for it by that address"
            )
        port = self._wanted_port()
        try:
            return host, listening(host, port)
        except OSError as error:
            if self.port is None:
                return host, listening(host, 0)
            raise InvalidParameterError(
                f"cannot listen at {host}:{port}: {error.strerror or error}; choose another --port, or leave it out"
            ) from None


def _check_installed() -> None:
    from importlib.util import find_spec

    from glassnet.errors import GlassnetError

    missing = [name for name in ("starlette", "uvicorn", "websockets") if find_spec(name) is None]
    if missing:
        raise GlassnetError(f'the playground needs {", ".join(missing)}: pip install "glassnet[play]"')


def _open(url: str) -> None:
    """In a thread: some browsers return late, and one that prints must not do it on stdout."""
    import threading
    import webbrowser

    def work() -> None:
        try:
            webbrowser.open(url)
        except webbrowser.Error as error:
            print(f"no browser could be opened ({error}): open the link yourself", file=sys.stderr)

    threading.Thread(target=work, daemon=True).start()
