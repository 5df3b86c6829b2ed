"""The reference engine: `network.passes` in NumPy, one step after another. It defines the truth."""

from dataclasses import dataclass

import numpy as np

from glassnet.engines.base import Data, Program, Slice, StepLog, TrainState, check_finite
from glassnet.formulas.optimizers import Optimizer
from glassnet.network.architecture import Architecture
from glassnet.network.parameters import buffer_layout, parameter_layout
from glassnet.network.passes import Draws, Trace, example_weights, forward, weighted_loss
from glassnet.network.step import run as run_pass
from glassnet.network.updates import clip_gradient, gradient_norm, hold_frozen, update

__all__ = ["ReferenceEngine", "ReferenceTraining"]

_ROWS = 4096  # rows of one prediction block: bounds memory, changes no bit


class ReferenceEngine:
    """NumPy, readable beside a lecture; takes every network."""

    name = "reference"

    def refuses(self, architecture: Architecture, optimizer: Optimizer | None = None) -> list[str]:
        """Nothing: every valid architecture runs here."""
        return []

    def predict(self, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, X: np.ndarray) -> np.ndarray:
        """See `Engine.predict`."""
        check_finite(X, "X")
        views = parameter_layout(architecture).views(theta)
        statistics = buffer_layout(architecture).views(buffers)
        out = np.empty((len(X), architecture.output.units), theta.dtype)
        with np.errstate(all="ignore"):
            for start in range(0, len(X), _ROWS):
                rows = slice(start, start + _ROWS)
                out[rows] = forward(architecture, views, statistics, X[rows], row_by_row=True).output
        return out

    def evaluate(
        self, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, data: Data
    ) -> tuple[float, np.ndarray]:
        """See `Engine.evaluate`."""
        views = parameter_layout(architecture).views(theta)
        statistics = buffer_layout(architecture).views(buffers)
        v = example_weights(architecture.reduction, len(data), data.weights, theta.dtype)
        total, outputs = 0.0, np.empty((len(data), architecture.output.units), theta.dtype)
        with np.errstate(all="ignore"):
            for start in range(0, len(data), _ROWS):
                rows = slice(start, start + _ROWS)
                trace = forward(architecture, views, statistics, data.X[rows])
                total += weighted_loss(architecture, trace, data.Y[rows], v[rows])
                outputs[rows] = trace.output
        return total, outputs

    def loss_and_gradient(
        self, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, data: Data, threads: int | None = None
    ) -> tuple[float, np.ndarray]:
        """See `Engine.loss_and_gradient`."""
        trace, gradient = run(architecture, theta, buffers, data, None)
        return trace["loss"], gradient

    def begin(self, program: Program, state: TrainState, data: Data) -> "ReferenceTraining":
        """See `Engine.begin`."""
        return ReferenceTraining(program, state, data)


@dataclass(frozen=True)
class ReferenceTraining:
    """A run on the reference engine."""

    program: Program
    state: TrainState
    data: Data

    def advance(self, work: Slice) -> StepLog:
        """See `Training.advance`."""
        numbers: list[tuple[float, float, float]] = []
        bad = None
        for i in range(len(work.learning_rates)):
            found, bad = self._step(work, i)
            if bad is not None:
                break
            numbers.append(found)
        losses, norms, penalties = np.array(numbers).reshape(-1, 3).T.copy()
        return StepLog(losses, norms, penalties, bad)

    def _step(self, work: Slice, i: int) -> tuple[tuple[float, float, float], str | None]:
        """Step i of the slice: loss without penalties, gradient's norm and penalties; what was not finite."""
        program, state, data = self.program, self.state, self.data
        architecture, eta, decay = program.architecture, float(work.learning_rates[i]), float(work.weight_decays[i])
        rows = slice(None) if work.order is None else work.order[work.bounds[i] : work.bounds[i + 1]]
        batch = Data(data.X[rows], data.Y[rows], None if data.weights is None else data.weights[rows])
        draws = Draws(program.seed, state.step + 1, tuple(work.dropout_rates[i].tolist()))
        buffers = state.buffers.copy()
        trace, gradient = run(architecture, state.theta, buffers, batch, draws)
        hold_frozen(architecture, gradient)
        with np.errstate(all="ignore"):
            norm = gradient_norm(gradient)
            if not (np.isfinite(trace["loss"]) and np.isfinite(norm)):
                return (0.0, 0.0, 0.0), trace.first_bad() or "gradient"
            before = state.theta.copy(), state.slots.copy(), state.carried.copy()
            clip_gradient(gradient, norm, program.clip_norm, program.clip_value)
            update(architecture, program.optimizer, state.theta, gradient, state.slots, state.carried, eta, decay)
        bad = first_bad_state(program, state.theta, state.slots, buffers)
        if bad is not None:
            state.theta[:], state.slots[:], state.carried[:] = before
            return (0.0, 0.0, 0.0), bad
        state.buffers[:] = buffers
        state.step += 1
        return (trace["loss"] - trace["penalty"], norm, trace["penalty"]), None


def run(
    architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, data: Data, draws: Draws | None
) -> tuple[Trace, np.ndarray]:
    """Forward and backward over a batch: the trace and the gradient (P,)."""
    return run_pass(architecture, theta, buffers, data.X, data.Y, data.weights, draws)


def first_bad_state(program: Program, theta: np.ndarray, slots: np.ndarray, buffers: np.ndarray) -> str | None:
    """The first tensor after an update with a NaN or an infinity, if any: W1_new, v_W1 of the optimizer, var1.

    An infinite slot or running variance would stay for good and quietly hold its weights still.
    """
    layout = parameter_layout(program.architecture)
    parts = [("{}_new", layout, theta)]
    parts += [(slot + "_{}", layout, row) for slot, row in zip(program.optimizer.slots, slots, strict=True)]
    parts.append(("{}", buffer_layout(program.architecture), buffers))
    for pattern, where, vector in parts:
        if not np.all(np.isfinite(vector)):
            views = where.views(vector)
            return next(pattern.format(name) for name, view in views.items() if not np.all(np.isfinite(view)))
    return None
