"""One network being trained step by step, forth and back: the state of a session, without its thread.

Training is the engine's, cut into slices as `Network.fit` cuts them, so the same setup gives the same bits. Copies of
the state are kept on the way (keyframes); a step back restores the nearest one before its goal and trains up to it.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.engines.base import Data, TrainState
from glassnet.network.parameters import aligned_zeros, parameter_layout
from glassnet.playground.limits import RefusedError
from glassnet.playground.problem import Problem, beginning, carried_over, make_problem
from glassnet.playground.scores import judged, thinned
from glassnet.playground.setup import Setup, changed_fields, merged, setup_document
from glassnet.playground.tabular import Table
from glassnet.playground.way_back import Mark, Moment, Rows, WayBack
from glassnet.training.slices import Slices

__all__ = ["Example", "StoppedError", "Trainer"]

SLICE_SECONDS = 0.02  # so that commands and snapshots never wait long
KEYFRAME_SECONDS = 0.5  # of training between two keyframes, and so about the longest replay of a step back
RUN_UP = 64  # steps before a step back's goal where a keyframe is left, for the next step back


class StoppedError(Exception):
    """Training met a NaN or an infinity; `tensor` is the first one that holds it."""

    def __init__(self, tensor: str) -> None:
        super().__init__(tensor)
        self.tensor = tensor


@dataclass(frozen=True)
class Example:
    """The example of the next batch that was looked at last: `position` of `of`, row of the training data.

    `updated` says that it was the batch's last one, and the weights have moved.
    """

    row: int
    position: int
    of: int
    updated: bool


def _prepare(problem: Problem) -> None:
    """Take a step on a copy, so that the machine code is made here, in a command, and not while playing."""
    state = beginning(problem)
    work = Slices(problem.run(state), single=True).cut(0)
    problem.engine.begin(problem.program, state, problem.train).advance(work)


@dataclass
class Trainer:
    """A network, its data, its way so far.

    `first` counts the steps taken in the order of examples, `number` the setups that were in force, `rewritten` the
    times that the history was not only added to.
    """

    setup: Setup
    tables: Mapping[str, Table]
    number: int = 0
    data_number: int = 0
    rewritten: int = 0
    first: int = 0
    example: Example | None = None
    rows: Rows = field(default_factory=list)
    first_bad: str | None = None

    def __post_init__(self) -> None:
        self.problem = make_problem(self.setup, self.tables)
        _prepare(self.problem)
        self._begin(beginning(self.problem), 0)
        self._way = WayBack(self.moment())
        self._record()

    # --- where it stands ----------------------------------------------------------------------------------------

    @property
    def epoch(self) -> float:
        """Epochs done, with the fraction of the one that is under way."""
        return self.first / self.slices.per_epoch

    @property
    def keyframes(self) -> list[Moment]:
        """Copies of the state since the last change, the oldest first."""
        return self._way.keyframes

    @property
    def marks(self) -> list[Mark]:
        """What can be undone, the newest last."""
        return self._way.marks

    @property
    def can_undo(self) -> str | None:
        """What `undo` would take back."""
        return self.marks[-1].label if self.marks else None

    def moment(self) -> Moment:
        """A copy of the state."""
        s = self.state
        return Moment(s.theta.copy(), s.buffers.copy(), s.slots.copy(), s.carried.copy(), s.step, self.first)

    def _begin(self, state: TrainState, first: int) -> None:
        """Train on from this state; the engine may not keep what it knew of another."""
        self.state, self.first, self.example = state, first, None
        self.run = self.problem.run(state)
        self.slices = Slices(self.run, single=False, seconds=SLICE_SECONDS)
        self.slices.epochs = 10**9
        self._training = self.problem.engine.begin(self.problem.program, state, self.problem.train)
        self._kept_at = time.perf_counter()

    def _restore(self, moment: Moment) -> None:
        theta = aligned_zeros(moment.theta.size, moment.theta.dtype)
        theta[:] = moment.theta
        state = TrainState(theta, moment.buffers.copy(), moment.slots.copy(), moment.carried.copy(), moment.step)
        self._begin(state, moment.first)

    # --- training -----------------------------------------------------------------------------------------------

    def started(self) -> None:
        """Playing or stepping begins here: the place to which `undo` returns after a NaN."""
        self._keep_frame()
        self._way.started = self.keyframes[-1]

    def advance(self, most: int | None = None, *, record: bool = True) -> int:
        """Train one slice, at most so many steps; StoppedError leaves the last finite state."""
        before = self.moment()
        work = self.slices.cut(self.first, most)
        began = time.perf_counter()
        log = self._training.advance(work)
        done = len(log.losses)
        self.slices.took(max(done, 1), time.perf_counter() - began)
        self.first, self.example = self.first + done, None
        if log.bad is not None:
            self._stopped(log.bad)
        if record:
            self.judge(before)
        if time.perf_counter() - self._kept_at > KEYFRAME_SECONDS:
            self._keep_frame()
        return done

    def judge(self, before: Moment | None = None) -> None:
        """Add losses and scores to the history; where they are not finite, back to `before`, and StoppedError."""
        if not self._record():
            if before is not None:
                self._restore(before)
            self._stopped("loss")

    def _stopped(self, tensor: str) -> None:
        self.first_bad = tensor
        epoch = self._way.started.first / self.slices.per_epoch
        self._way.mark_start("the steps that ended in NaN", self.problem, self._rows_until(epoch))
        raise StoppedError(tensor)

    def left_in_epoch(self) -> int:
        """Steps to the end of the epoch."""
        return self.slices.per_epoch - self.first % self.slices.per_epoch

    def _record(self) -> bool:
        """Judge the weights of this moment; False, and nothing is written, where a number is not finite."""
        found = judged(self.problem, self.state)
        if found is None:
            return False
        row = (self.epoch, *found)
        if self.rows and self.rows[-1][0] >= row[0]:
            self.rows = [old for old in self.rows if old[0] < row[0]]
            self.rewritten += 1
        self.rows.append(row)
        rows = thinned(self.rows)
        self.rewritten += rows is not self.rows
        self.rows = rows
        return True

    def evaluate(self, data: Data) -> tuple[float, np.ndarray]:
        """Loss without penalties and outputs (n, K) of a prediction pass."""
        return self.problem.engine.evaluate(self.problem.architecture, self.state.theta, self.state.buffers, data)

    # --- steps forth and back -----------------------------------------------------------------------------------

    def step(self, unit: str, count: int = 1, deadline: float = math.inf) -> bool:
        """By example, batch or epoch. An example is looked at; after the last one of a batch the weights move.

        False if the deadline, of `time.perf_counter`, came first.
        """
        self.first_bad = None
        self.started()
        if unit == "example":
            for _ in range(count):
                self._next_example()
            return True
        width = self.slices.per_epoch
        goal = self.first + count if unit == "batch" else (self.first // width + count) * width
        return self._train_to(goal, deadline, record=True)

    def _train_to(self, goal: int, deadline: float, *, record: bool) -> bool:
        while self.first < goal and time.perf_counter() < deadline:
            self.advance(goal - self.first, record=record)
        return self.first >= goal

    def _next_example(self) -> None:
        rows = self.batch()
        position = (0 if self.example is None or self.example.updated else self.example.position) + 1
        last = position == len(rows)
        if last:
            self.advance(1)
        self.example = Example(int(rows[position - 1]), position, len(rows), last)

    def batch(self) -> np.ndarray:
        """The training rows of the next step, in turn."""
        work = self.slices.cut(self.first, 1)
        return np.arange(len(self.problem.train)) if work.order is None else work.order

    def back(self, unit: str, count: int = 1, deadline: float = math.inf) -> bool:
        """As many steps back, to the very same numbers; not beyond the last change, edit or reset.

        False if the deadline came first: then it stands further back than was asked for.
        """
        inside = 0 if self.example is None or self.example.updated else self.example.position
        if unit == "example":
            for _ in range(count):
                self._previous_example()
            return True
        width = self.slices.per_epoch
        ahead = 1 if inside else 0  # the examples looked at are the first step back
        goal = self.first + ahead - count if unit == "batch" else (-((-self.first - ahead) // width) - count) * width
        if self.first == self._way.first and not inside:
            self._no_further()
        return self._return_to(max(goal, self._way.first), deadline)

    def _no_further(self) -> None:
        what = f"; undo goes to before the {self.can_undo}" if self.can_undo else ""
        raise RefusedError(f"there are no steps before this one{what}", "step")

    def _previous_example(self) -> None:
        position = 0 if self.example is None or self.example.updated else self.example.position
        if position == 0:
            if self.first == self._way.first:
                self._no_further()
            self._return_to(self.first - 1)
            position = len(self.batch())
        rows = self.batch()
        self.example = Example(int(rows[position - 2]), position - 1, len(rows), False) if position > 1 else None

    def _return_to(self, goal: int, deadline: float = math.inf) -> bool:
        """Restore the last keyframe not after the goal and train up to it."""
        self.first_bad = None
        self.keyframes[:] = self._way.until(goal)
        self._restore(self.keyframes[-1])
        if self._train_to(goal - RUN_UP, deadline, record=False):
            self._keep_frame()
        arrived = self._train_to(goal, deadline, record=False)
        self.rows = self._rows_until(self.epoch)
        self.rewritten += 1
        self._record()
        return arrived

    def _rows_until(self, epoch: float) -> Rows:
        return [row for row in self.rows if row[0] <= epoch]

    # --- changes ------------------------------------------------------------------------------------------------

    def change(self, partial: Any) -> list[str]:
        """Merge a partial setup and apply it; returns the fields that changed."""
        new = merged(self.setup, partial)
        fields = changed_fields(setup_document(self.setup), setup_document(new))
        if fields:
            problem = make_problem(new, self.tables, self.problem)
            anew = {"initializer", "seed"} & set(fields)
            self._mark(f"change of {', '.join(fields[:3])}{' …' if len(fields) > 3 else ''}")
            self._apply(problem, None if anew else self.state)
        return fields

    def reset(self) -> None:
        """Back to the initial weights."""
        self._mark("reset")
        self._apply(self.problem, None)

    def new_weights(self) -> None:
        """The next seed, and its initial weights."""
        problem = make_problem(merged(self.setup, {"seed": (self.setup.seed + 1) % 2**32}), self.tables, self.problem)
        self._mark("new weights")
        self._apply(problem, None)

    def edit(self, tensor: str, index: tuple[int, ...], value: float) -> None:
        """Set one number of a tensor by hand."""
        layout = parameter_layout(self.problem.architecture)
        shapes = {piece.name: piece.shape for piece in layout.slices}
        if tensor not in shapes:
            raise RefusedError(f"tensor: there is no '{tensor}' (there are: {', '.join(shapes)})", "tensor")
        shape = shapes[tensor]
        if len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape, strict=False)):
            raise RefusedError(f"index: {tensor} has shape {list(shape)}, got {list(index)}", "index")
        if not abs(value) <= float(np.finfo(np.float32).max):
            raise RefusedError("value must be a finite number that float32 holds", "value")
        self._mark(f"edit of {tensor}[{','.join(map(str, index))}]")
        layout.views(self.state.theta)[tensor][index] = value
        self._settle(self.problem)

    def begin_with(self, theta: np.ndarray, buffers: np.ndarray) -> None:
        """Begin with these weights in the place of the initial ones."""
        self.state.theta[:], self.state.buffers[:] = theta, buffers
        self._settle(self.problem)

    def load(self, problem: Problem, state: TrainState) -> None:
        """Take over a whole network, such as an imported one."""
        self._mark("import")
        self._apply(problem, state, anew=True)

    def undo(self) -> str:
        """Return to before the last change, edit, reset, or steps that ended in NaN; says what was undone."""
        if not self.marks:
            raise RefusedError("there is nothing to undo")
        mark = self.marks.pop()
        self._hold(mark.problem)
        self._restore(mark.moment)
        self._way.begin(mark.keyframes)
        self.rows, self.first_bad = list(mark.rows), None
        self.rewritten += 1
        self._record()
        return mark.label

    def _mark(self, label: str) -> None:
        self._way.mark(label, self.problem, self.moment(), self.rows)

    def _hold(self, problem: Problem) -> None:
        _prepare(problem)
        self.data_number += problem.dataset is not self.problem.dataset
        self.problem, self.setup = problem, problem.setup
        self.number += 1

    def _apply(self, problem: Problem, state: TrainState | None, anew: bool = False) -> None:
        """Go on with a problem: from a state, or anew."""
        old, width = self.problem, self.slices.per_epoch
        self._hold(problem)
        if state is None or anew:
            self._begin(beginning(problem) if state is None else state, 0)
            self.rows, self.rewritten = [], self.rewritten + 1
        else:
            before = self.first
            self._begin(carried_over(old, state, problem), 0)
            now = self.slices.per_epoch  # another size of batch or data: on at the start of the next epoch
            self.first = before if now == width else -(-before // width) * now
        self._settle(problem)

    def _settle(self, problem: Problem) -> None:
        """After anything but training: a new first keyframe, a new judgement."""
        self._begin(self.state, self.first)
        self.first_bad = None
        self._way.begin([self.moment()])
        if not self._record():
            self.first_bad = "loss"

    def _keep_frame(self) -> None:
        """Keep a copy of the state, unless there is one of this step."""
        self._kept_at = time.perf_counter()
        if self.keyframes[-1].first != self.first:
            self._way.keep(self.moment())
