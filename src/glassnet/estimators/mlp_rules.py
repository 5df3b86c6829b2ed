"""What scikit-learn does at the end of each epoch, as one callback: curves, tolerance, learning rate, words."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import RandomState

from glassnet.training.callbacks import Callback, check_watched, late, watched
from glassnet.training.metrics import higher_is_better

if TYPE_CHECKING:
    from glassnet.training.run import Run

__all__ = ["Lines", "Reported", "Shuffles", "Tolerance"]

_SMALLEST_RATE = 1e-6  # at or below it "adaptive" ends the run instead of dividing by 5
_MANY = 10**9


@dataclass(frozen=True)
class Reported:
    """How scikit-learn reports a loss: share * L + constant + penalty.

    The share is 1/K for squared errors of K outputs, which it averages where its gradient is of their sum; the constant
    is that of the Poisson deviance, which does not depend on the weights.
    """

    share: float = 1.0
    constant: float = 0.0

    def loss(self, record: dict[str, float]) -> float:
        """The objective of an epoch's record, as a number of `loss_curve_`."""
        return self.share * record["loss"] + self.constant + record.get("penalty", 0.0)

    def validation_loss(self, record: dict[str, float]) -> float:
        """The same of the validation data, to which no penalty belongs."""
        return self.share * record["validation_loss"] + self.constant


@dataclass
class Shuffles:
    """scikit-learn's order of the examples: each epoch shuffles the order of the one before.

    The same RandomState gives the same orders as there.
    """

    rng: RandomState
    order: np.ndarray

    def __call__(self, epoch: int) -> np.ndarray:
        """The next epoch's order (n,)."""
        moves = np.arange(len(self.order))
        self.rng.shuffle(moves)
        self.order = self.order[moves]
        return self.order


@dataclass
class Lines(Callback):
    """Print a line for each iteration of a solver, as for each epoch of training by steps."""

    reported: Reported

    @late
    def on_epoch_end(self, run: "Run", record: dict[str, float]) -> None:
        """Number and loss."""
        print(f"Iteration {run.history.epochs}, loss = {self.reported.loss(record):.8f}")


@dataclass
class Tolerance(Callback):
    """End the run, or divide the learning rate by 5, when what is watched has stopped improving by `tol`.

    It ends when that has been so for more than `patience` epochs in a row. `monitor` None watches the objective on the
    training data, as reported. `rate` says what becomes of the learning rate: "constant"; "adaptive", divided by 5
    instead of ending, while it is above 1e-6; "invscaling", divided by (seen + 1)^power_t when so many examples have
    been seen, of which `before` in earlier fits.

    `losses`, `validation_losses` and `scores` are extended by an entry an epoch.
    """

    tol: float
    patience: float
    monitor: str | None = None
    score: str | None = None
    restore_best: bool = False
    rate: str = "constant"
    power_t: float = 0.5
    before: int = 0
    reported: Reported = Reported()
    verbose: bool = False
    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    epochs: int = field(default=0, init=False)
    _seen: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def on_train_begin(self, run: "Run") -> None:
        """Look whether the monitored number will be there, and for what earlier calls have counted."""
        check_watched(self, run, self.monitor)
        self._seen = run.counters(self)

    def epochs_ahead(self, run: "Run") -> int:
        """Before patience can be at an end, nothing is to be done; best weights and rates need each epoch's end."""
        if self.restore_best or self.rate == "invscaling":
            return 1
        return int(min(max(1, self.patience + 1 - self._seen.get("count", 0)), _MANY))

    def on_epoch_end(self, run: "Run", record: dict[str, float]) -> None:
        """Extend the curves; count; stop or change the rate."""
        self.epochs += 1
        self.losses.append(self.reported.loss(record))
        if "validation_loss" in record:
            self.validation_losses.append(self.reported.validation_loss(record))
        if self.score is not None:
            self.scores.append(watched(self, record, self.score))
        self._speak()
        self._compare(run, record)
        if self.rate == "invscaling":
            seen = self.before + self.epochs * len(run.data)
            run.state.factors["learning_rate"] = (seen + 1) ** -self.power_t
        if self._seen["count"] > self.patience:
            self._at_an_end(run)

    def _speak(self) -> None:
        if self.verbose:
            print(f"Iteration {self.epochs}, loss = {self.losses[-1]:.8f}")
            if self.score is not None:
                print(f"Validation score: {self.scores[-1]:f}")

    def _compare(self, run: "Run", record: dict[str, float]) -> None:
        """Better by less than tol counts as not improved, but is remembered as the best all the same."""
        seen = self._seen
        value = self.losses[-1] if self.monitor is None else watched(self, record, self.monitor)
        sign = -1.0 if self.monitor is not None and higher_is_better(self.monitor) else 1.0
        name = "best" if self.monitor is None else f"best {self.monitor}"
        best = seen.get(name, sign * math.inf)
        worse = sign * value > sign * best - self.tol
        seen["count"] = seen.get("count", 0) + 1 if worse else 0
        if sign * value < sign * best:
            seen[name] = value
            if self.restore_best:
                run.keep_best()
                run.history.best_epoch = run.history.epochs

    def _at_an_end(self, run: "Run") -> None:
        what = "Training loss" if self.monitor is None else "Validation score"
        if self.monitor is not None and self.monitor != self.score:
            what = self.monitor
        message = f"{what} did not improve more than tol={self.tol:f} for {self.patience} consecutive epochs."
        rate = run.value("learning_rate", run.state.epoch)
        if self.rate == "adaptive" and rate > _SMALLEST_RATE:
            factors = run.state.factors
            factors["learning_rate"] = factors.get("learning_rate", 1.0) / 5.0
            self._seen["count"] = 0
            end = f"Setting learning rate to {rate / 5.0:f}"
        else:
            run.stop(message)
            end = "Learning rate too small. Stopping." if self.rate == "adaptive" else "Stopping."
        if self.verbose:
            print(f"{message} {end}")
