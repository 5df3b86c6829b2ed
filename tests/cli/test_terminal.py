"""On a terminal there is colour and a bar with the time left; NO_COLOR takes the colour away."""

import os
import sys

import pytest

pty = pytest.importorskip("pty")
CODE = "import sys; from glassnet.cli import main; sys.exit(main())"


def on_terminal(*words: str, **environment: str) -> str:
    """What a terminal of 100 columns is sent."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": "100", **environment})
        os.execv(sys.executable, [sys.executable, "-c", CODE, *words])
    sent = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        sent += piece
    os.waitpid(child, 0)
    os.close(terminal)
    return sent.decode()


def test_a_terminal_gets_colour_and_a_bar():
    sent = on_terminal("fit", "xor", "--rows", "60", "--epochs", "3")
    assert "\x1b[1m" in sent
    assert "3/3" in sent
    assert "\nepoch 1/3" not in sent


def test_no_color_leaves_the_results_plain():
    sent = on_terminal("fit", "xor", "--rows", "60", "--epochs", "3", "--quiet", NO_COLOR="1")
    assert "accuracy" in sent
    assert "\x1b" not in sent
