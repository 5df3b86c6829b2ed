"""A session: a trainer in a thread of its own, which takes commands between slices and copies for snapshots."""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

import numpy as np

from glassnet.playground.limits import LIMITS, RefusedError, at_most
from glassnet.playground.messages import data_frame, history_frame, setup_frame
from glassnet.playground.opening import Weights
from glassnet.playground.setup import Setup
from glassnet.playground.tabular import Table
from glassnet.playground.telling import Notice, Sight, Told
from glassnet.playground.trainer import StoppedError, Trainer

__all__ = ["Session"]

T = TypeVar("T")
STEP_SECONDS = 10.0  # for the steps of one command; a page can pause between commands only
UPLOADED = "upload-"  # and a number: the id of a table
CLOCK = 0.25  # seconds over which epochs are counted for the speed shown
AHEAD = 0.2  # seconds that a slowed run may lag behind and catch up


class Session:
    """One page's network. All that it does runs in its thread; `ask` puts work there and gives a future."""

    def __init__(
        self, name: str, tables: Mapping[str, Table], setup: Setup | None = None, weights: Weights | None = None
    ) -> None:
        self.name, self.tables = name, dict(tables)
        self.trainer = Trainer(setup or Setup(), self.tables)
        if weights is not None and weights.belong_to(self.trainer.problem.architecture):
            self.trainer.begin_with(weights.theta, weights.buffers)
        self.playing, self.status = False, "ready"
        self.speed: float | None = None
        self.revision = self._uploads = 0
        self.used = time.monotonic()
        self.on_change: Callable[[], None] = lambda: None
        self.on_notice: Callable[[Notice], None] = lambda notice: None
        self._since, self._done = 0.0, 0  # of a slowed run
        self._rate = (time.perf_counter(), 0.0, 0.0)  # since, epoch then, epochs a second
        self._inbox: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"playground {name}", daemon=True)
        self._thread.start()

    def ask(self, work: Callable[[], T]) -> "Future[T]":
        """Do this between two slices."""
        future: Future[T] = Future()
        self._inbox.put((work, future))
        return future

    def close(self) -> None:
        """End the thread after what it is doing."""
        self._inbox.put(None)

    # --- its thread ---------------------------------------------------------------------------------------------

    def _work(self) -> None:
        wait: float | None = None
        while True:
            try:
                asked = self._inbox.get(timeout=wait) if wait != 0 else self._inbox.get_nowait()
            except queue.Empty:
                wait = self._play()
                continue
            if asked is None:
                return
            work, future = asked
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:
                    future.set_exception(error)
            wait = 0 if self.playing else None

    def _play(self) -> float | None:
        """A slice, if it is time; returns how long to wait for commands before the next."""
        try:
            wait = self._advance()
        except StoppedError as stopped:
            self._met_nan(stopped)
            wait = None
        except Exception as error:  # whatever it is, the session lives on and says so
            self.halt(f"stopped: {error}")
            self.on_notice(Notice("error", f"training stopped: {error}"))
            wait = None
        return wait

    def _advance(self) -> float | None:
        trainer, stop = self.trainer, self.trainer.setup.stop
        most: int | None = None
        if stop.loss is not None:
            most = trainer.left_in_epoch()
        if stop.epoch is not None and trainer.epoch < stop.epoch:
            left = stop.epoch * trainer.slices.per_epoch - trainer.first
            most = left if most is None else min(most, left)
        if self.speed is not None:
            due = self._due(self.speed)
            if due < 1:
                return min(0.05, (1 - due) / (self.speed * trainer.slices.per_epoch))
            most = int(due) if most is None else min(most, int(due))
        before = trainer.epoch
        self._done += trainer.advance(most)
        self._measure()
        self.changed()
        self._stop_rules(before)
        return 0 if self.playing else None

    def _due(self, speed: float) -> float:
        """Steps that a run slowed to so many epochs a second may take now."""
        now, per_second = time.perf_counter(), speed * self.trainer.slices.per_epoch
        due = (now - self._since) * per_second - self._done
        if due > max(1.0, AHEAD * per_second):  # it cannot keep up: no debt
            self._since, self._done = now, 0
            due = 1.0
        return due

    def _stop_rules(self, before: float) -> None:
        trainer, stop = self.trainer, self.trainer.setup.stop
        if stop.epoch is not None and before < stop.epoch <= trainer.epoch:
            self._reached(f"epoch {stop.epoch:,} reached")
        elif stop.loss is not None and trainer.epoch.is_integer() and trainer.rows[-1][1] <= stop.loss:
            self._reached(f"training loss {trainer.rows[-1][1]:.4g} is not above {stop.loss:g}")

    def _reached(self, why: str) -> None:
        self.halt(f"stopped: {why}")
        self.on_notice(Notice("info", f"Stopped: {why}."))

    def _met_nan(self, stopped: StoppedError) -> None:
        text = (
            f"NaN or infinity in {stopped.tensor} at epoch {self.trainer.epoch:.4g}: stopped before that step, with "
            "the last finite weights. Try a smaller learning rate, or clip the gradient; undo returns to where this "
            "training began."
        )
        self.halt(f"stopped: NaN or infinity in {stopped.tensor}")
        self.on_notice(Notice("error", text, undo=True))

    def _measure(self) -> None:
        since, epoch, rate = self._rate
        now = time.perf_counter()
        if now - since > CLOCK:
            rate = max(0.0, self.trainer.epoch - epoch) / (now - since)
            self._rate = (now, self.trainer.epoch, rate)

    def changed(self) -> None:
        """Something can be seen that could not before."""
        self.revision += 1
        self.on_change()

    # --- what is asked of it ------------------------------------------------------------------------------------

    def play(self, speed: float | None = None) -> None:
        """Train until something stops it; at most `speed` epochs a second."""
        if not self.playing:
            self.trainer.first_bad = None
            self.trainer.started()
        self.playing, self.speed, self.status = True, speed, "playing"
        self._since, self._done = time.perf_counter(), 0
        self._rate = (time.perf_counter(), self.trainer.epoch, 0.0)
        self.changed()

    def halt(self, status: str = "ready") -> None:
        """Pause."""
        self.playing, self.status = False, status
        self._rate = (0.0, 0.0, 0.0)
        self.changed()

    def step(self, unit: str, count: int, *, back: bool) -> None:
        """Steps forth or back; pauses first."""
        self.halt()
        try:
            deadline = time.perf_counter() + STEP_SECONDS
            if not (self.trainer.back if back else self.trainer.step)(unit, count, deadline):
                text = f"These steps take long: stopped after {STEP_SECONDS:g} s, at epoch {self.trainer.epoch:.4g}."
                self.on_notice(Notice("info", text))
        except StoppedError as stopped:
            self._met_nan(stopped)
        self.changed()

    def undo(self) -> None:
        """Take the last change back."""
        self.halt()
        self.trainer.undo()

    def add_table(self, table: Table) -> str:
        """Keep an uploaded table; the oldest that is not in use makes room. Returns its id."""
        mine = [name for name in self.tables if name.startswith(UPLOADED)]
        used = self.trainer.setup.data.table
        while len(mine) >= LIMITS.tables:
            oldest = next(name for name in mine if name != used)
            mine.remove(oldest)
            del self.tables[oldest]
        self._uploads += 1
        name = f"{UPLOADED}{self._uploads}"
        self.tables[name] = table
        return name

    def add_points(self, points: tuple[tuple[float, float, int], ...]) -> None:
        """Draw points; other data of the plane become points first."""
        self._points([*self._drawn(), *points])

    def remove_points(self, indexes: tuple[int, ...]) -> None:
        """Take points away, counted as the page has them: the training rows, then the test rows."""
        drawn, data = self._drawn(), self.trainer.problem.dataset
        order = data.order
        gone = {int(order[i]) for i in indexes if i < len(order)}
        self._points([point for row, point in enumerate(drawn) if row not in gone])

    def _drawn(self) -> list[tuple[float, float, int]]:
        setup, data = self.trainer.setup, self.trainer.problem.dataset
        if setup.data.kind == "points":
            return list(setup.data.points)
        if setup.data.kind == "table" or data.classes is None:
            raise RefusedError(
                "points are drawn on a plane of x1 and x2 with classes; choose such data first", "points"
            )
        shown = np.vstack([data.shown, data.shown_test])
        labels = np.concatenate([data.y, data.y_test])
        rows = np.argsort(data.order)
        return [
            (round(float(a), 4), round(float(b), 4), int(k))
            for (a, b), k in zip(shown[rows], labels[rows], strict=True)
        ]

    def _points(self, points: list[tuple[float, float, int]]) -> None:
        at_most(len(points), "points", "points", "points")
        self.trainer.change({"data": {"kind": "points", "points": points}})

    def differs(self, told: Told) -> bool:
        """Whether the page lacks more than numbers."""
        trainer = self.trainer
        return (told.setup, told.data, told.rewritten) != (trainer.number, trainer.data_number, trainer.rewritten)

    def look(self, told: Told) -> Sight:
        """What a page that was told this much does not know yet; `told` is brought up to date."""
        trainer, frames = self.trainer, []
        if (told.setup, told.undo) != (trainer.number, trainer.can_undo):
            frames.append(setup_frame(trainer))
        if told.data != trainer.data_number:
            frames.append(data_frame(trainer))
        rows = trainer.rows[told.rows :]
        if told.rewritten != trainer.rewritten:
            frames.append(history_frame(trainer.rows))
            rows = []
        told.setup, told.undo, told.data = trainer.number, trainer.can_undo, trainer.data_number
        told.rewritten, told.rows, told.revision = trainer.rewritten, len(trainer.rows), self.revision
        return Sight(tuple(frames), trainer.problem, trainer.moment(), self._header(), rows)

    def _header(self) -> dict[str, Any]:
        trainer = self.trainer
        _, loss_train, loss_test, score_train, score_test = trainer.rows[-1] if trainer.rows else (float("nan"),) * 5
        return {
            "number": trainer.number,
            "playing": self.playing,
            "status": self.status,
            "epoch": trainer.epoch,
            "step": trainer.first,
            "epochs_per_second": self._rate[2],
            "learning_rate": trainer.run.value("learning_rate", trainer.epoch),
            "loss_train": loss_train,
            "loss_test": loss_test,
            "score_train": score_train,
            "score_test": score_test,
            "first_bad": trainer.first_bad,
            "example": trainer.example,
            "can_undo": trainer.can_undo,
        }
