"""A real browser on the playground's real page: Chromium through Playwright, if both are here and the page is built."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from glassnet.playground.frames import unpack
from served import playing

STATIC = Path(__file__).parents[2] / "src" / "glassnet" / "playground" / "static"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
EXPECTED = ("WebSocket connection to", "Failed to load resource: net::ERR_")
"""What a browser itself says on its console when a server goes away; nothing else may stand there."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser. Closed with the module: Playwright's loop and other tests' loops do not share a thread."""
    pytest.importorskip("playwright", reason="playwright, which drives the browser, is not installed")
    if not (STATIC / "index.html").exists():
        pytest.skip("playwright has no page to open: run `npm ci && npm run build` in web/")
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip("playwright has no browser: Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield browser
        browser.close()


@dataclass
class Server:
    """A running `glassnet play`, and the cookies with which further pages come in."""

    process: "subprocess.Popen[str]"
    link: str
    cookies: list[Any] = field(default_factory=list)

    @property
    def base(self) -> str:
        """The address without the token."""
        return self.link.split("?")[0]


@pytest.fixture(scope="module")
def _state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The servers' secrets lie in a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSNET_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="module")
def server(_state: None) -> Iterator[Server]:
    """One server for a module's tests: each page is a session of its own."""
    with playing("--port", "0") as (process, link):
        yield Server(process, link)


@pytest.fixture
def server_of() -> type[Server]:
    """For a server of a test's own."""
    return Server


class Visit:
    """A page, what it said on the console, and the last frame of each type that came to it."""

    def __init__(self, context: Any, server: Server, fragment: str) -> None:
        self.context, self.server = context, server
        self.errors: list[str] = []
        self.expected = EXPECTED
        self.frames: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        if server.cookies:
            context.add_cookies(server.cookies)
        self.page = context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._received))
        self.page.goto((server.base if server.cookies else server.link) + fragment)
        self.page.wait_for_selector(".network", timeout=120_000)  # the first page may wait for machine code
        server.cookies = context.cookies()

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(self.expected):
            self.errors.append(message.text)

    def _received(self, payload: bytes) -> None:
        header, arrays = unpack(payload)
        self.frames[header["type"]] = (header, {name: array.copy() for name, array in arrays.items()})

    @property
    def theta(self) -> bytes:
        """The parameters of the last snapshot, bit for bit."""
        return self.frames["snapshot"][1]["theta"].tobytes()

    @property
    def now(self) -> dict[str, Any]:
        """The header of the last snapshot."""
        return self.frames["snapshot"][0]

    def until(self, what: Callable[[], object], seconds: float = 30) -> None:
        """Wait until something holds; the browser goes on meanwhile."""
        for _ in range(int(seconds * 20)):
            if what():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"not within {seconds} s; last: {self.now}")

    def text(self, selector: str) -> str:
        """What stands there."""
        return str(self.page.locator(selector).first.inner_text())


@pytest.fixture
def visit(chromium: Any, server: Server) -> Iterator[Callable[..., Visit]]:
    """Open the page in a window of its own; at the end its console must be empty."""
    visits: list[Visit] = []

    def open_page(fragment: str = "", *, phone: bool = False, walk: bool = False, at: Server | None = None) -> Visit:
        size = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 900}
        context = chromium.new_context(
            viewport=size,
            has_touch=phone,
            is_mobile=phone,
            accept_downloads=True,
            reduced_motion="reduce",  # what scrolls is where it belongs at once, however busy the machine is
        )
        if not walk:
            context.add_init_script("localStorage.setItem('walked', 'yes')")
        visits.append(Visit(context, at or server, fragment))
        return visits[-1]

    yield open_page
    for each in visits:
        each.context.close()
    assert [error for each in visits for error in each.errors] == []
