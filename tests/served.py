"""The playground's real server for tests, `glassnet play` in a process of its own, and words for its page."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["START", "fragment", "playing", "press"]

START = "import sys; from glassnet.cli import main; sys.exit(main())"


@contextmanager
def playing(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the one line that it prints."""
    command = [sys.executable, "-c", START, "play", "--no-browser", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    patience = threading.Timer(60, process.kill)
    patience.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        patience.cancel()
        yield process, line
    finally:
        patience.cancel()
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def fragment(**state: Any) -> str:
    """A page's state as it stands in its address."""
    return "#" + base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")


def press(visit: Any, name: str) -> None:
    """Click a button of the page."""
    visit.page.get_by_role("button", name=name, exact=True).click()
