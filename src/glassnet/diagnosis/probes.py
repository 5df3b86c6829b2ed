"""Three short trainings of copies: the first steps watched, a small batch overfitted, a range test of the rate.

All go through the one training loop; what is read of them comes from callbacks and traces.
"""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from glassnet.engines.base import Data
from glassnet.errors import DivergenceError
from glassnet.formulas.optimizers import Adam
from glassnet.formulas.schedules import Exponential
from glassnet.model import Network
from glassnet.network.architecture import Architecture, Dense, Dropout
from glassnet.network.passes import Trace
from glassnet.training.callbacks import Callback, TargetMetric

if TYPE_CHECKING:
    from glassnet.diagnosis.case import Case
    from glassnet.training.run import Run

__all__ = ["FirstSteps", "RangeTest", "first_steps", "overfitted", "plain", "range_test"]

EPOCHS, FEWEST, MOST, LOOKS = 3, 100, 600, 40  # watched: so many epochs, within so many steps; how often looked at
SMALL, PATIENT, RATE = 16, 400, 0.01  # a small batch, steps to overfit it, and Adam's rate for that
LOWEST, HIGHEST, SWEEP = 1e-7, 10.0, 160  # rates of the range test, and its steps


# --- the first steps --------------------------------------------------------------------------------------------


@dataclass
class FirstSteps(Callback):
    """What was seen in the first steps.

    losses : of each step. at : the steps (from 1) that were looked at; for each of them and each layer 1 to L
    gradient_norms |dW_l| on the probe, and update_ratios |W_l new - W_l| / |W_l|. last : the trace after the last step.
    diverged : what the loop said, if a number was not finite.
    """

    probe: tuple[np.ndarray, np.ndarray]
    steps: int
    losses: list[float] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    gradient_norms: list[list[float]] = field(default_factory=list)
    update_ratios: list[list[float]] = field(default_factory=list)
    last: Trace | None = None
    diverged: str = ""
    _looks: frozenset[int] = frozenset()
    _before: np.ndarray | None = None

    def on_train_begin(self, run: "Run") -> None:
        """Choose the steps to look at."""
        self._looks = frozenset(np.unique(np.linspace(1, self.steps, LOOKS).round().astype(int)).tolist())
        self._before = run.state.theta.copy()

    def on_batch_end(self, run: "Run", loss: float) -> None:
        """Note the loss; at some steps the layers' gradients and updates."""
        self.losses.append(loss)
        step = len(self.losses)
        if step in self._looks:
            self._look(run, step)
        self._before = run.state.theta.copy() if step + 1 in self._looks else None
        if step >= self.steps:
            run.stop("enough was seen", final=False)

    def _look(self, run: "Run", step: int) -> None:
        architecture = run.program.architecture
        now = Network.from_parts(architecture, run.state.theta, run.state.buffers, run.program.seed)
        assert self._before is not None
        before = Network.from_parts(architecture, self._before, run.state.buffers).parameters
        layers = range(1, len(architecture.dense) + 1)
        self.last = now.trace(*self.probe)
        self.at.append(step)
        self.gradient_norms.append([_norm(self.last[f"dW{n}"]) for n in layers])
        moved = [_norm(now.parameters[f"W{n}"] - before[f"W{n}"]) for n in layers]
        sizes = [_norm(before[f"W{n}"]) for n in layers]
        self.update_ratios.append([a / b if b else math.nan for a, b in zip(moved, sizes, strict=True)])


def first_steps(case: "Case") -> FirstSteps:
    """Train a copy for some epochs as it would be trained, and watch it."""
    per_epoch = math.ceil(len(case.data) / case.fit["batch_size"])
    watch = FirstSteps(case.probe, int(np.clip(EPOCHS * per_epoch, FEWEST, MOST)))
    planned = max(case.fit["epochs"], math.ceil(watch.steps / per_epoch))
    try:
        _train(case, watch, optimizer=case.rule, epochs=planned)
    except DivergenceError as error:
        watch.diverged = f"NaN or infinity in {error.tensor} at step {error.step}"
    return watch


def _train(case: "Case", callback: Callback, rows: Any = slice(None), **changed: Any) -> None:
    weights = case.data.weights
    case.copy().fit(
        case.data.X[rows],
        case.data.Y[rows],
        sample_weight=None if weights is None else weights[rows],
        callbacks=[callback],
        metrics=(),
        **{**case.fit, **changed},
    )


def _norm(values: np.ndarray) -> float:
    with np.errstate(over="ignore"):
        return float(np.linalg.norm(values.astype(np.float64)))


# --- a small batch ----------------------------------------------------------------------------------------------


def plain(architecture: Architecture, *, linear: bool = False) -> Architecture:
    """The same network without what holds it back: no dropout, penalties, label smoothing or frozen tensors.

    With `linear` of the output layer alone: linear, logistic or softmax regression.
    """
    layers = tuple(layer for layer in architecture.layers if not isinstance(layer, Dropout))
    if linear:
        output = architecture.output
        layers = (Dense(output.units, output.activation),)
    return msgspec.structs.replace(architecture, layers=layers, l1=0.0, l2=0.0, label_smoothing=0.0, frozen=())


def overfitted(case: "Case") -> tuple[int, float, float]:
    """Train a copy, without dropout and penalties, on a few different rows; returns (rows, first, best loss)."""
    pool = case.sample()
    _, different = np.unique(case.data.X[pool], axis=0, return_index=True)
    rows = np.random.default_rng(case.network.seed).permutation(pool[np.sort(different)])[:SMALL]
    copy = case.copy(plain(case.architecture))
    X, Y = case.data.X[rows], case.data.Y[rows]
    first = float(np.mean(copy.trace(X, Y)["losses"]))
    scale = len(rows) if copy.architecture.reduction == "sum" else 1
    enough = TargetMetric("loss", 0.01 * case.constant_loss * scale)
    try:
        history = copy.fit(X, Y, optimizer=Adam(RATE), batch_size=len(rows), epochs=PATIENT, callbacks=[enough])
    except DivergenceError:
        return len(rows), first, math.nan
    return len(rows), first, min(history["loss"]) / scale


# --- the range test ---------------------------------------------------------------------------------------------


@dataclass
class RangeTest(Callback):
    """The loss as the learning rate grows by the same factor a step (Smith 2017).

    The loss is that of the same rows after each step, so that no luck of the batch is in it. `limit` is the rate at
    which it has risen above its lowest by half of the first loss (or of `unit`, if that is more); None if it never
    does. `suggested` is a tenth of the rate where the loss is lowest, or of the limit where it never falls.
    """

    probe: Data
    unit: float
    rates: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    limit: float | None = None

    def on_batch_end(self, run: "Run", loss: float) -> None:
        """Note rate and loss; end where the loss has risen too far."""
        per_epoch = math.ceil(len(run.data) / run.program.batch_size)
        self.rates.append(run.value("learning_rate", len(self.rates) / per_epoch))
        value, _ = run.engine.evaluate(run.program.architecture, run.state.theta, run.state.buffers, self.probe)
        self.losses.append(float(value))
        if not value <= min(self.losses) + 0.5 * max(self.losses[0], self.unit):  # also where it is NaN
            self.limit = self.rates[-1]
            run.stop("the loss rises", final=False)
        elif self.rates[-1] >= HIGHEST:
            run.stop("the highest rate is reached", final=False)

    @property
    def suggested(self) -> float:
        """A learning rate to begin with, of one significant figure."""
        lowest = int(np.nanargmin(self.losses)) if self.losses else 0
        fell = bool(self.losses) and self.losses[lowest] < self.losses[0] - 0.1 * max(self.losses[0], self.unit)
        top = self.rates[lowest] if fell else self.limit or HIGHEST / 10
        return float(f"{top / 10:.0e}")


def range_test(case: "Case") -> RangeTest:
    """Train a copy with a rate that grows from 1e-7 to 10."""
    size = min(case.fit["batch_size"], len(case.data))
    rows = case.sample(size * (SWEEP + 1))
    per_epoch = math.ceil(len(rows) / size)
    probe = Data(*case.probe)
    test = RangeTest(probe, case.constant_loss * (len(probe) if case.architecture.reduction == "sum" else 1))
    growth = Exponential(LOWEST, factor=(HIGHEST / LOWEST) ** (per_epoch / SWEEP))
    rule = dataclasses.replace(case.rule, learning_rate=growth)
    try:
        _train(case, test, rows, optimizer=rule, epochs=math.ceil((SWEEP + 1) / per_epoch))
    except DivergenceError:
        if test.limit is None:
            test.limit = test.rates[-1] if test.rates else LOWEST
    return test
