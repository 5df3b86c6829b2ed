"""What a page is told: notices, what it knows already, what it has to be told of a session, errors in one line."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import GlassnetError
from glassnet.playground.frames import pack
from glassnet.playground.limits import RefusedError
from glassnet.playground.messages import theta_shown
from glassnet.playground.views import Look, Watch, look_at
from glassnet.playground.way_back import Moment

__all__ = ["Notice", "Sight", "Told", "refused"]


@dataclass(frozen=True)
class Notice:
    """A line for the user."""

    level: str
    text: str
    undo: bool = False

    def frame(self) -> bytes:
        """As a message."""
        return pack("notice", {"level": self.level, "text": self.text, "undo": self.undo})


@dataclass
class Told:
    """What a page has been told: the numbers of setup, data and history, and how many of its rows."""

    setup: int = -1
    undo: str | None = None
    data: int = -1
    rewritten: int = -1
    rows: int = 0
    revision: int = -1


@dataclass(frozen=True)
class Sight:
    """What a page has to be told, copied in one go between two slices; `frames()` draws it in any thread."""

    frames: tuple[bytes, ...]
    problem: Any
    moment: Moment
    header: dict[str, Any]
    rows: list[tuple[float, ...]]

    def snapshot(self, watch: Watch) -> bytes:
        """The snapshot, with what is watched."""
        seen = look_at(Look(self.problem, self.moment, watch))
        arrays = {"theta": theta_shown(self.problem, self.moment.theta), **seen.arrays}
        if self.rows:
            arrays["history"] = np.array(self.rows)
        return pack("snapshot", {**self.header, **seen.header}, arrays)


def refused(error: BaseException) -> tuple[str, str | None]:
    """Message and field of an error that a command met; one line, whatever it was."""
    if isinstance(error, RefusedError):
        return " ".join(str(error).split()), error.field
    if isinstance(error, GlassnetError):
        return " ".join(str(error).split()), None
    return f"this is a bug in glassnet: {type(error).__name__}: {' '.join(str(error).split())[:200]}", None
