"""Write what docs/playground*.md take from the code, between their marks: `python docs/make_playground.py`."""

import json
import re
from pathlib import Path

from glassnet.playground.limits import LIMITS
from glassnet.playground.setup import Setup, setup_document

PAGES = [Path(__file__).parent / name for name in ("playground.md", "playground_protocol.md")]
MARKS = re.compile(r"(<!-- (\w+), from the code -->\n)(.*?)(<!-- /\2 -->)", re.DOTALL)
BYTES = 2**20

WORDS = {
    "layers": "hidden layers",
    "units": "units of a hidden layer",
    "parameters": "parameters",
    "inputs": "inputs after preprocessing",
    "classes": "classes",
    "points": "points, drawn or of a toy problem",
    "rows": "rows of a table",
    "columns": "columns of a table",
    "upload_bytes": "size of an upload, in MB",
    "tables": "uploads that a page keeps; the oldest makes room",
    "expression": "characters of a formula",
    "steps": "steps at once",
    "racers": "optimizers in a race",
    "race_epochs": "epochs of a race",
    "undo": "changes that undo takes back",
    "sessions": "pages at a time",
    "message_bytes": "size of a message to the server, in MB",
}
"""The limits that a user can meet."""


def limits() -> str:
    """The limits as a table."""
    numbers = {name: getattr(LIMITS, name) // (BYTES if name.endswith("bytes") else 1) for name in WORDS}
    rows = [f"| {WORDS[name]} | {number:,} |" for name, number in numbers.items()]
    return "\n".join(["| what | at most |", "| --- | --- |", *rows]) + "\n"


def setup() -> str:
    """The usual setup."""
    return f"```json\n{json.dumps(setup_document(Setup()), indent=1)}\n```\n"


PARTS = {"limits": limits, "setup": setup}


def filled(page: str) -> str:
    """A page with its marked parts as the code is now."""
    return MARKS.sub(lambda match: f"{match[1]}{PARTS[match[2]]()}{match[4]}", page)


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(filled(path.read_text("utf-8")), encoding="utf-8")
