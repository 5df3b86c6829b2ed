"""Callbacks: what may look at a run, or end it, at its beginnings and ends.

What a callback must remember across a checkpoint it keeps in `run.counters(self)`, numbers by name; the object
itself holds settings only.

An engine stops where a hook needs it to, and not where none does: small networks train faster so. Overriding
`on_batch_end` stops it after every step, which costs them dearly; overriding `on_epoch_begin` or `on_epoch_end`, at the
border between epochs. An `on_epoch_end` that reads the record, and not the weights, may say so with `@late`: short
epochs then run on for about 0.1 s, and the hook is called for each of them afterwards. One that will surely not act
within the next few epochs may say how many, by `epochs_ahead`.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from glassnet.engines.base import dropout_layers
from glassnet.errors import InvalidParameterError, nearest
from glassnet.formulas.registry import check_number
from glassnet.training.metrics import METRICS, higher_is_better

if TYPE_CHECKING:
    from glassnet.training.run import Run

__all__ = [
    "Callback",
    "EarlyStopping",
    "ReduceOnPlateau",
    "TargetMetric",
    "TimeBudget",
    "check_watched",
    "epochs_ahead",
    "late",
    "needs",
    "watched",
]

_LATE: set[Callable[..., None]] = set()
_Hook = TypeVar("_Hook", bound=Callable[..., None])


def late(hook: _Hook) -> _Hook:
    """Mark an `on_epoch_end` that may be called up to about 0.1 s late, when later epochs have changed the weights.

    The history ends with the epoch that the hook is called for; `run.at_epoch_end` is true for the last of a stretch,
    whose weights are the present ones. A stop ends the run after the stretch.
    """
    _LATE.add(hook)
    return hook


class Callback:
    """Base class: override the hooks you need.

    >>> class Print(Callback):
    ...     def on_epoch_end(self, run, record):
    ...         print(run.state.epoch, record["loss"])
    """

    def on_train_begin(self, run: "Run") -> None:
        """Before the first epoch, or the first after a resume."""

    def on_epoch_begin(self, run: "Run") -> None:
        """Before an epoch; `run.state.epoch` epochs are done."""

    def on_batch_end(self, run: "Run", loss: float) -> None:
        """After each step; overriding this slows small networks down a lot."""

    def on_slice_end(self, run: "Run", done: float) -> None:
        """After about 0.1 s of steps; `done` is the share of the epoch, 1 also where later epochs are done too."""

    def on_epoch_end(self, run: "Run", record: dict[str, float]) -> None:
        """After an epoch, with its record of the history."""

    def epochs_ahead(self, run: "Run") -> int:
        """How many epochs may run before `on_epoch_end` has to be called for them: it acts on none but the last."""
        return 1

    def on_train_end(self, run: "Run") -> None:
        """After the last epoch; `run.history.stopped` says why."""

    def close(self, run: "Run") -> None:
        """Always called last, after errors too: let go of files and screens."""


def needs(callbacks: Sequence[Callback], hook: str) -> bool:
    """Whether the engine has to stop for this hook: a callback overrides it and does not say that it may come late."""
    own = [getattr(type(callback), hook) for callback in callbacks]
    return any(each is not getattr(Callback, hook) and each not in _LATE for each in own)


def epochs_ahead(run: "Run") -> int:
    """How many epochs may run before a callback has to hear of them; never more than are left."""
    waiting = [callback for callback in run.callbacks if needs([callback], "on_epoch_end")]
    return max(1, min([run.epochs - run.state.epoch, *(callback.epochs_ahead(run) for callback in waiting)]))


def watched(owner: Callback, record: dict[str, float], monitor: str) -> float:
    """The monitored number, or an error that says what there is."""
    if monitor in record:
        return record[monitor]
    hint = nearest(monitor, [*record, *METRICS])
    advice = "; give validation=0.2, or watch 'loss'" if monitor.startswith("validation") else hint
    raise InvalidParameterError(
        f"{type(owner).__name__}: the history has no '{monitor}'{advice} (it has: {', '.join(record)})"
    )


def improved(value: float, best: float | None, monitor: str, min_delta: float) -> bool:
    """Whether value is better than best by more than min_delta."""
    if best is None:
        return True
    return value > best + min_delta if higher_is_better(monitor) else value < best - min_delta


def check_watched(owner: Callback, run: "Run", monitor: str | None) -> None:
    """Refuse before the first epoch what cannot be there after it."""
    if monitor is not None and monitor.startswith("validation_") and run.validation is None:
        watched(owner, {"loss": 0.0, **dict.fromkeys(run.metrics, 0.0)}, monitor)


@dataclass
class EarlyStopping(Callback):
    """End the run when `monitor` has not improved by `min_delta` for `patience` epochs; go back to the best weights.

    With monitor="loss" it ends when the training loss stops improving by a tolerance. The best weights are those of
    the best epoch, also where it was better by less than `min_delta`.

    Source: Prechelt (1998), Early Stopping - But When?

    >>> EarlyStopping(patience=5)
    EarlyStopping(monitor='validation_loss', patience=5, min_delta=0.0, restore_best=True)
    """

    monitor: str = "validation_loss"
    patience: int = 10
    min_delta: float = 0.0
    restore_best: bool = True

    def __post_init__(self) -> None:
        check_number("EarlyStopping", "patience", self.patience, 1)
        check_number("EarlyStopping", "min_delta", self.min_delta, 0)

    def on_train_begin(self, run: "Run") -> None:
        """Look whether the monitored number will be there."""
        check_watched(self, run, self.monitor)

    def on_epoch_end(self, run: "Run", record: dict[str, float]) -> None:
        """Count epochs without improvement; keep the best weights."""
        seen, value = run.counters(self), watched(self, record, self.monitor)
        if improved(value, seen.get("best"), self.monitor, 0.0):
            seen["best"] = value
            if self.restore_best:
                run.keep_best()
            if self.restore_best or not run.restore_best:
                run.history.best_epoch = run.history.epochs
        if improved(value, seen.get("reference"), self.monitor, self.min_delta):
            seen.update(reference=value, wait=0)
            return
        seen["wait"] = seen.get("wait", 0) + 1
        if seen["wait"] >= self.patience:
            run.stop(f"{self.monitor} has not improved for {self.patience} epochs")


@dataclass
class ReduceOnPlateau(Callback):
    """Multiply the learning rate by `factor` when `monitor` has not improved for `patience` epochs.

    `quantity` may also be "weight_decay", "dropout" (every Dropout layer) or "dropout2" (the second one); `minimum`
    bounds what is left of it, as a share of the schedule's value.
    Without `monitor` it watches validation_loss where there is one, else loss; only a change by more than `min_delta`
    counts as better.

    >>> ReduceOnPlateau(patience=3).factor
    0.1
    """

    monitor: str | None = None
    factor: float = 0.1
    patience: int = 10
    min_delta: float = 1e-4
    minimum: float = 0.0
    quantity: str = "learning_rate"

    def __post_init__(self) -> None:
        check_number("ReduceOnPlateau", "factor", self.factor, 0, 1, open_high=True)
        check_number("ReduceOnPlateau", "patience", self.patience, 1)
        check_number("ReduceOnPlateau", "min_delta", self.min_delta, 0)
        check_number("ReduceOnPlateau", "minimum", self.minimum, 0, 1)
        if re.fullmatch(r"learning_rate|weight_decay|dropout([1-9]\d*)?", self.quantity) is None:
            raise InvalidParameterError(
                f"ReduceOnPlateau: quantity must be learning_rate, weight_decay, dropout or dropout1, dropout2 ..., "
                f"got {self.quantity!r}"
            )

    @classmethod
    def of(cls, rule: Any, quantity: str) -> "ReduceOnPlateau":
        """The callback that a schedule record `ReduceOnPlateau(initial, ...)` stands for."""
        share = min(rule.minimum / rule.initial, 1.0) if rule.initial else 0.0
        return cls(rule.monitor, rule.factor, rule.patience, rule.min_delta, share, quantity)

    def on_train_begin(self, run: "Run") -> None:
        """Look whether the monitored number and the quantity are there."""
        check_watched(self, run, self.monitor)
        layers = len(dropout_layers(run.program.architecture))
        if self.quantity.startswith("dropout") and int(self.quantity[7:] or 1) > layers:
            raise InvalidParameterError(f"ReduceOnPlateau: no {self.quantity}: the network has {layers} Dropout layers")

    def on_epoch_end(self, run: "Run", record: dict[str, float]) -> None:
        """Count epochs without improvement; scale when patience is at its end."""
        monitor = self.monitor or ("validation_loss" if "validation_loss" in record else "loss")
        seen, value = run.counters(self), watched(self, record, monitor)
        if improved(value, seen.get("best"), monitor, self.min_delta):
            seen.update(best=value, wait=0)
            return
        seen["wait"] = seen.get("wait", 0) + 1
        if seen["wait"] >= self.patience:
            seen["wait"] = 0
            factors = run.state.factors
            factors[self.quantity] = max(factors.get(self.quantity, 1.0) * self.factor, self.minimum)


@dataclass
class TargetMetric(Callback):
    """End the run as soon as `monitor` reaches `value`.

    >>> TargetMetric("validation_accuracy", 0.95)
    TargetMetric(monitor='validation_accuracy', value=0.95)
    """

    monitor: str
    value: float

    def __post_init__(self) -> None:
        check_number("TargetMetric", "value", self.value)

    def on_train_begin(self, run: "Run") -> None:
        """Look whether the monitored number will be there."""
        check_watched(self, run, self.monitor)

    def on_epoch_end(self, run: "Run", record: dict[str, float]) -> None:
        """Compare, by the metric's direction."""
        now = watched(self, record, self.monitor)
        if now >= self.value if higher_is_better(self.monitor) else now <= self.value:
            run.stop(f"{self.monitor} reached {self.value:g}")


@dataclass
class TimeBudget(Callback):
    """End the run after `seconds` of training, at the latest about 0.1 s or one step after them.

    >>> TimeBudget(60).seconds
    60
    """

    seconds: float
    _start: float = field(default=0.0, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_number("TimeBudget", "seconds", self.seconds, 0, open_low=True)

    def on_train_begin(self, run: "Run") -> None:
        """Start the clock; time before a checkpoint counts."""
        self._start = time.perf_counter() - run.history.seconds

    def on_slice_end(self, run: "Run", done: float) -> None:
        """Look at the clock."""
        if time.perf_counter() - self._start >= self.seconds:
            run.stop(f"time budget of {self.seconds:g} s is used up", final=False)

    @late
    def on_epoch_end(self, run: "Run", record: dict[str, float]) -> None:
        """Look at the clock."""
        self.on_slice_end(run, 1.0)
