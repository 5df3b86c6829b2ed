"""The same gradient in four ways, side by side, with errors and costs.

    by hand     backpropagation as the lectures derive it: one pass forward, one backward
    numerical   central differences: two passes forward for each parameter
    automatic   the forward pass on glassnet's own tape, then the chain rule: one forward, one backward
    pytorch     the same network in PyTorch, where it is installed

Automatic differentiation and PyTorch share no formula with backpropagation, only the drawn masks and slopes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from glassnet.engines.base import check_trainable
from glassnet.errors import InvalidParameterError
from glassnet.gradients.by_tape import value_and_gradient
from glassnet.model import Network
from glassnet.network.gradcheck import MOVED, FixedPass, check_pass
from glassnet.network.parameters import buffer_layout, parameter_layout
from glassnet.training.targets import prepare

__all__ = ["EXACT", "GradientComparison", "TensorComparison", "Way", "compare_gradients"]

EXACT = 1e-10  # relative: what two exact ways in float64 may differ by
FLOOR = 1e-4  # of the whole gradient: a tensor that all but vanishes beside the rest is measured against the rest
REPEATS = 3  # the shortest time counts


@dataclass(frozen=True)
class Way:
    """How the gradient was computed, and what it cost: passes through the network, and seconds.

    `skipped` says why a way was not taken; "" where it was.
    """

    name: str
    forward: int
    backward: int
    seconds: float
    tolerance: float
    skipped: str = ""

    @property
    def passes(self) -> str:
        """In words: "1 forward, 1 backward"."""
        return f"{self.forward:,} forward" + (f", {self.backward} backward" if self.backward else "")


@dataclass(frozen=True)
class TensorComparison:
    """One tensor: the norm of its gradient by hand, and each other way's relative distance from it."""

    name: str
    shape: tuple[int, ...]
    norm: float
    errors: dict[str, float]
    passed: bool


@dataclass(frozen=True)
class GradientComparison:
    """All tensors and ways; `print` shows the table, `passed` says whether all ways agree.

    Attributes
    ----------
    tensors : tuple of TensorComparison
    ways : tuple of Way
        By hand first.
    compared : int
        Entries that the numerical way compared.
    moved : bool
        Whether the weights were moved a little first, off the kinks.
    """

    tensors: tuple[TensorComparison, ...]
    ways: tuple[Way, ...]
    compared: int
    moved: bool = False

    @property
    def passed(self) -> bool:
        """Whether all ways agree on all tensors; a NaN does not."""
        return all(tensor.passed for tensor in self.tensors)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Head and rows as text: the tensors, then what each way cost."""
        names = [way.name for way in self.ways]
        head = ["tensor", "shape", *names, "verdict"]
        rows: list[list[str]] = []
        for t in self.tensors:
            errors = [f"{t.errors[name]:.1e}" if name in t.errors else "-" for name in names[1:]]
            shape = " x ".join(map(str, t.shape))
            rows.append([t.name, shape, f"|{t.norm:.4g}|", *errors, "ok" if t.passed else "WRONG"])
        rows.append(["passes", "", *(f"{w.forward} + {w.backward}" if not w.skipped else "-" for w in self.ways), ""])
        rows.append(["seconds", "", *(f"{w.seconds:.2g}" if not w.skipped else "-" for w in self.ways), ""])
        return head, rows

    def notes(self) -> list[str]:
        """What the table needs said."""
        lines = ["by hand: the gradient's norm; the others: relative distance from it; passes: forward + backward"]
        lines += [f"{way.name}: not run, {way.skipped}" for way in self.ways if way.skipped]
        return [*lines, MOVED] if self.moved else lines

    def __str__(self) -> str:
        head, rows = self.table()
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = [
            "  ".join(c.ljust(w) if i in (0, 1) else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
            for r in [head, *rows]
        ]
        return "\n".join([*(line.rstrip() for line in lines), *self.notes()])


def compare_gradients(
    network: Network,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    tolerance: float = 1e-6,
    max_per_tensor: int | None = 100,
) -> GradientComparison:
    """Compute the gradient by hand, numerically, automatically and by PyTorch; say how far they are apart.

    All in float64, on a training pass: batch statistics, one draw of every mask.

    Parameters
    ----------
    network : Network
    X, y : arrays
        A few examples are enough.
    sample_weight : array (n,), optional
    tolerance : float
        The largest relative error of the numerical way that passes; the exact ways have 1e-10.
    max_per_tensor : int or None
        Entries of each tensor that the numerical way compares, drawn by the network's seed; None compares all.

    Returns
    -------
    GradientComparison
        Errors of each tensor, passes and seconds of each way; `print` shows them as a table.

    >>> import numpy as np
    >>> from glassnet import Dense, Network, compare_gradients
    >>> net = Network(2, [Dense(3, "tanh"), Dense(1, "sigmoid")])
    >>> result = compare_gradients(net, np.eye(2), [0, 1])
    >>> result.passed, [way.name for way in result.ways][:3]
    (True, ['by hand', 'numerical', 'automatic'])
    """
    check_trainable(network.architecture)
    data = prepare(network.architecture, X, y, sample_weight)
    fixed = FixedPass.of(network.architecture, network.buffers.vector, data.X, data.Y, data.weights, network.seed)
    theta = network.parameters.vector.astype(np.float64)
    start = time.perf_counter()
    report, theta = check_pass(fixed, theta, tolerance, max_per_tensor, network.seed)
    numerical_seconds = time.perf_counter() - start
    entries = sum(t.compared + t.at_kinks for t in report.tensors)
    by_hand, seconds = _timed(lambda: fixed.gradient(theta))
    ways = [
        Way("by hand", 1, 1, seconds, 0.0),
        Way("numerical", 2 * entries, 0, numerical_seconds, tolerance),
    ]
    gradients: dict[str, np.ndarray] = {}
    for name, function in (("automatic", _automatic), ("pytorch", _pytorch)):
        try:
            gradients[name], seconds = _timed(function(fixed, theta))
            ways.append(Way(name, 1, 1, seconds, EXACT))
        except InvalidParameterError as reason:
            ways.append(Way(name, 0, 0, float("nan"), EXACT, str(reason)))
    tensors: list[TensorComparison] = []
    for piece, checked in zip(parameter_layout(fixed.architecture).slices, report.tensors, strict=True):
        mine = by_hand[piece.start : piece.stop]
        least = FLOOR * float(np.linalg.norm(by_hand))
        errors = {"numerical": checked.error}
        for name, gradient in gradients.items():
            errors[name] = _distance(mine, gradient[piece.start : piece.stop], least)
        limits = {way.name: way.tolerance for way in ways}
        agree = all(error <= limits[name] for name, error in errors.items())
        norm = float(np.linalg.norm(mine))
        tensors.append(TensorComparison(piece.name, piece.shape, norm, errors, checked.passed and agree))
    return GradientComparison(tuple(tensors), tuple(ways), entries, report.moved)


def _timed(function: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    """The result, and the shortest of a few times."""
    runs: list[tuple[float, np.ndarray]] = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = function()
        runs.append((time.perf_counter() - start, result))
    return runs[-1][1], min(seconds for seconds, _ in runs)


def _distance(mine: np.ndarray, theirs: np.ndarray, least: float) -> float:
    scale = max(float(np.linalg.norm(mine)), float(np.linalg.norm(theirs)), least)
    return float(np.linalg.norm(mine - theirs)) / scale if scale != 0 else 0.0


def _automatic(fixed: FixedPass, theta: np.ndarray) -> Callable[[], np.ndarray]:
    trace = fixed.forward(theta)
    return lambda: value_and_gradient(fixed, theta, trace)[1]


def _pytorch(fixed: FixedPass, theta: np.ndarray) -> Callable[[], np.ndarray]:
    if find_spec("torch") is None:
        raise InvalidParameterError("PyTorch is not installed (pip install torch)")
    from glassnet.gradients.by_torch import objective_and_gradient

    layout = parameter_layout(fixed.architecture)
    trace, statistics = fixed.forward(theta), buffer_layout(fixed.architecture).views(fixed.buffers)

    def gradient() -> np.ndarray:
        vector = np.zeros_like(theta)
        views = layout.views(theta)
        found = objective_and_gradient(fixed.architecture, views, trace, fixed.Y, fixed.v, statistics)[1]
        for name, view in layout.views(vector).items():
            view[...] = found[name]
        return vector

    return gradient
