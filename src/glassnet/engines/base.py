"""What an engine is: it runs whole networks, or refuses with reasons.

`training` draws the order of the examples, begins a run with the engine and asks for slices of steps; the engine does
the arithmetic and changes the state in place. Every engine gives the same numbers as the reference, to rounding.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from glassnet.errors import ArchitectureError, DataError, EngineError, InvalidParameterError, nearest
from glassnet.formulas.optimizers import Optimizer
from glassnet.network.architecture import Architecture, Dropout
from glassnet.network.parameters import buffer_layout, parameter_layout

__all__ = [
    "Data",
    "Engine",
    "Program",
    "Slice",
    "StepLog",
    "TrainState",
    "Training",
    "all_finite",
    "check_finite",
    "check_trainable",
    "choose",
    "dropout_layers",
    "fresh_state",
    "untrainable",
]

_ALONE = 8192  # numbers that OpenBLAS multiplies without further threads


@dataclass(frozen=True)
class Program:
    """All that stays fixed while a network trains.

    Attributes
    ----------
    clip_norm, clip_value : float or None
        Bounds for the gradient.
    batch_size : int
        Examples a step; the last step of an epoch may have fewer.
    seed : int
        Of dropout masks and drawn slopes.
    threads : int or None
        How many threads training may use; None: the engine's choice. No bit of the result depends on it.
    """

    architecture: Architecture
    optimizer: Optimizer
    batch_size: int
    clip_norm: float | None = None
    clip_value: float | None = None
    seed: int = 0
    threads: int | None = None


@dataclass(frozen=True)
class Data:
    """Training data: X (n, d) and Y (n, K) in the network's dtype, C-contiguous; weights (n,) float64 or None.

    For reduction "mean" the weights have mean 1 over all n examples (see `passes.example_weights`).
    """

    X: np.ndarray
    Y: np.ndarray
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.X)


@dataclass
class TrainState:
    """All that training changes, and so all that a checkpoint holds.

    theta (P,) parameters, buffers (B,) running statistics, slots (k, P) of the optimizer, carried (c,) its numbers
    per step (float64), step and epoch done so far, factors on scheduled quantities (after plateaus), counters of the
    callbacks, and the best weights so far where a callback keeps them. During a run the first four stay the arrays they
    are: what changes is written into them.
    """

    theta: np.ndarray
    buffers: np.ndarray
    slots: np.ndarray
    carried: np.ndarray
    step: int = 0
    epoch: int = 0
    factors: dict[str, float] = field(default_factory=dict)
    counters: dict[str, dict[str, Any]] = field(default_factory=dict)
    best: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True)
class Slice:
    """A stretch of steps, within an epoch or over several. All arrays are C-contiguous.

    order : (m,) int64, the examples in turn. bounds : (steps + 1,) int64; step i uses order[bounds[i] : bounds[i + 1]].
    None for the order: each step takes all examples as they lie.
    learning_rates, weight_decays : (steps,) float64. dropout_rates : (steps, number of Dropout layers) float64.
    """

    order: np.ndarray | None
    bounds: np.ndarray
    learning_rates: np.ndarray
    weight_decays: np.ndarray
    dropout_rates: np.ndarray


@dataclass(frozen=True)
class StepLog:
    """What came of a slice.

    losses, gradient_norms : (steps done,) loss L, without penalties, and norm of the objective's gradient (before
    clipping) of each step. penalties : (steps done,) what the weights before each step add to L. `bad` is the first
    non-finite tensor of the step after those, which was not taken; None when all went well.
    """

    losses: np.ndarray
    gradient_norms: np.ndarray
    penalties: np.ndarray
    bad: str | None = None


class Training(Protocol):
    """A run that an engine has begun; it may keep what it needs between slices."""

    def advance(self, work: Slice) -> StepLog:
        """Train through a slice of steps, changing the state in place; stop before a step that is not finite.

        `state.step` counts the steps done.
        """
        ...


class Engine(Protocol):
    """The protocol. Arrays come in the network's dtype and C-contiguous; `views` vectors are changed in place.

    Threads share an engine: what belongs to a run is kept in the `Training` that `begin` returns.
    """

    name: str

    def refuses(self, architecture: Architecture, optimizer: Optimizer | None = None) -> list[str]:
        """Reasons why this engine cannot run the network, or train it by the optimizer; empty when it can."""
        ...

    def predict(self, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Outputs (n, K); a row's output does not depend on the other rows, bit for bit.

        Raises DataError where X holds NaN or infinity: a large X is best looked through while it is in the cache.
        """
        ...

    def evaluate(
        self, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, data: Data
    ) -> tuple[float, np.ndarray]:
        """The loss L of a prediction pass over the data, without penalties, and the outputs (n, K)."""
        ...

    def loss_and_gradient(
        self, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, data: Data, threads: int | None = None
    ) -> tuple[float, np.ndarray]:
        """The objective of a prediction pass over the data, and its gradient (P,); `threads` as in `Program`."""
        ...

    def begin(self, program: Program, state: TrainState, data: Data) -> Training:
        """Make ready to train from this state, once a run.

        Until its end the arrays of the state stay the same. Between slices others may write into theta and buffers;
        slots and carried numbers are the run's own.
        """
        ...


def all_finite(array: np.ndarray) -> bool:
    """Whether no entry is NaN or infinite. Such an entry also spoils the sum of squares, which is quicker to find."""
    if array.dtype.kind == "f" and array.flags.c_contiguous and math.isfinite(_squares(array)):
        return True
    return bool(np.isfinite(array).all())


def _squares(array: np.ndarray) -> float:
    """The sum of squares of a contiguous array.

    Large ones not by BLAS: OpenBLAS would share the work among threads, and these spin for some 0.1 s afterwards, on
    the very cores that the network's own threads are about to use.
    """
    if array.size <= _ALONE:
        return float(np.vdot(array, array))
    flat = array.reshape(-1)
    return float(np.einsum("i,i->", flat, flat))


def check_finite(array: np.ndarray, name: str) -> None:
    """Refuse an array (n, ...) with NaN or infinity by a DataError that names the first such row."""
    if not all_finite(array):
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise DataError(f"{name} holds NaN or infinity, first in row {row}; drop or impute such rows")


def fresh_state(program: Program, theta: np.ndarray, buffers: np.ndarray) -> TrainState:
    """These weights (not copied), and an optimizer at rest."""
    rule = program.optimizer
    assert theta.shape == (parameter_layout(program.architecture).size,)
    assert buffers.shape == (buffer_layout(program.architecture).size,)
    slots = np.zeros((len(rule.slots), theta.size), theta.dtype)
    return TrainState(theta, buffers, slots, np.array(rule.carried, np.float64))


def dropout_layers(architecture: Architecture) -> list[Dropout]:
    """The Dropout layers in order, as `Slice.dropout_rates` counts them."""
    return [layer for layer in architecture.layers if isinstance(layer, Dropout)]


def untrainable(architecture: Architecture) -> str | None:
    """Why no gradient can pass through this network, if so."""
    last = len(architecture.dense)
    for number, layer in enumerate(architecture.dense, start=1):
        if not layer.g.trainable and not (number == last and architecture.objective.owns(layer.g)):
            return (
                f"layer {number}: '{layer.g.name}' has derivative 0 wherever it has one, so nothing can be learned "
                "through it; use 'sigmoid' or 'relu', or loss='perceptron' for one layer of step units"
            )
    return None


def check_trainable(architecture: Architecture) -> None:
    """Raise ArchitectureError where no gradient can pass."""
    reason = untrainable(architecture)
    if reason is not None:
        raise ArchitectureError(reason)


def choose(
    name: str, architecture: Architecture, engines: Sequence[Engine], optimizer: Optimizer | None = None
) -> Engine:
    """The engine of that name, or with "auto" the first that takes the network; EngineError lists the reasons."""
    names = [engine.name for engine in engines]
    if name != "auto" and name not in names:
        raise InvalidParameterError(f"unknown engine '{name}'{nearest(name, names)} (known: auto, {', '.join(names)})")
    reasons: list[str] = []
    for engine in engines:
        if name in ("auto", engine.name):
            against = engine.refuses(architecture, optimizer)
            if not against:
                return engine
            reasons += [f"{engine.name}: {reason}" for reason in against]
    raise EngineError(f"no engine can run this network ({'; '.join(reasons)})")
