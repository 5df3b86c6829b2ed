"""Put a run of `glassnet diagnose` into docs/diagnose.md: `python docs/make_diagnose.py` (or `make records`).

The numbers of a run depend a little on the processor, so the test compares the checks and the verdicts only.
"""

import contextlib
import io
import re
from pathlib import Path

from glassnet.cli import main

PAGE = Path(__file__).parent / "diagnose.md"
COMMAND = "glassnet diagnose breast_cancer --lr 10"
BLOCK = re.compile(r"```text\n\$ glassnet diagnose.*?```\n", re.DOTALL)
WIDTH = 150


def sample() -> str:
    """The command with what it prints, as a block; lines that are too long for a page end in an ellipsis."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main([*COMMAND.split()[1:], "--quiet"])
    lines = [line if len(line) <= WIDTH else f"{line[: WIDTH - 2]} …" for line in out.getvalue().strip().splitlines()]
    return "\n".join(["```text", f"$ {COMMAND}", *lines, "```", ""])


def verdicts(page: str) -> list[tuple[str, str]]:
    """Verdict and question of each line of a block."""
    block = BLOCK.search(page)
    assert block is not None
    found = re.findall(r"^(fine|look|wrong|skipped) +(.*?\?)", block[0], re.MULTILINE)
    return [(str(verdict), str(question)) for verdict, question in found]


def page() -> str:
    """The whole page, with a new run in it."""
    block = sample()
    return BLOCK.sub(lambda _: block, PAGE.read_text("utf-8"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
