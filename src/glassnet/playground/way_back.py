"""The way back of a trainer: copies of its state since the last change (keyframes), and marks of what was before it."""

from dataclasses import dataclass

import numpy as np

from glassnet.playground.limits import LIMITS
from glassnet.playground.problem import Problem

__all__ = ["Mark", "Moment", "Rows", "WayBack"]

Rows = list[tuple[float, ...]]
"""A history: epoch, losses and scores of training and test data."""


@dataclass(frozen=True)
class Moment:
    """A copy of all that training changes, at a number of steps."""

    theta: np.ndarray
    buffers: np.ndarray
    slots: np.ndarray
    carried: np.ndarray
    step: int
    first: int

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.theta.nbytes + self.buffers.nbytes + self.slots.nbytes + self.carried.nbytes


@dataclass(frozen=True)
class Mark:
    """Where `undo` returns to: all of the trainer before something was done."""

    label: str
    problem: Problem
    moment: Moment
    keyframes: list[Moment]
    rows: Rows


class WayBack:
    """Keyframes from the last change on, the one where training started last, and the marks, the newest last."""

    def __init__(self, moment: Moment) -> None:
        self.marks: list[Mark] = []
        self.begin([moment])

    def begin(self, keyframes: list[Moment]) -> None:
        """Go on with these keyframes alone."""
        self.keyframes = list(keyframes)
        self.started = self.keyframes[0]

    @property
    def first(self) -> int:
        """The step where the way back ends."""
        return self.keyframes[0].first

    def keep(self, moment: Moment) -> None:
        """Keep one more keyframe; when there are too many, every second of all but the newest goes."""
        self.keyframes.append(moment)
        most = max(4, min(LIMITS.keyframes, LIMITS.keyframe_bytes // max(1, moment.nbytes)))
        if len(self.keyframes) > most:
            self.keyframes = self.keyframes[: -most // 2 : 2] + self.keyframes[-most // 2 :]

    def until(self, goal: int) -> list[Moment]:
        """The keyframes not after this step."""
        return [frame for frame in self.keyframes if frame.first <= goal]

    # --- marks ------------------------------------------------------------------------------------------------------

    def mark(self, label: str, problem: Problem, moment: Moment, rows: Rows) -> None:
        """Remember this moment; a control that is dragged makes one mark."""
        dragged = bool(self.marks) and self.marks[-1].label == label and self.first == moment.first
        if dragged and len(self.keyframes) == 1 and label not in ("reset", "new weights"):
            return
        self._push(Mark(label, problem, moment, list(self.keyframes), list(rows)))

    def mark_start(self, label: str, problem: Problem, rows: Rows) -> None:
        """Remember the moment where training started last; `rows` reach up to it."""
        self._push(Mark(label, problem, self.started, self.until(self.started.first), rows))

    def _push(self, mark: Mark) -> None:
        self.marks.append(mark)
        while len(self.marks) > 1 and (len(self.marks) > LIMITS.undo or self._memory() > LIMITS.keyframe_bytes):
            del self.marks[0]

    def _memory(self) -> int:
        frames = {id(f): f.nbytes for mark in self.marks for f in (*mark.keyframes, mark.moment)}
        return sum((frames | {id(f): f.nbytes for f in self.keyframes}).values())
