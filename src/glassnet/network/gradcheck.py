"""Is a gradient right? Central differences in float64, tensor by tensor.

    dJ/dtheta_i  ~  (J(theta + h e_i) - J(theta - h e_i)) / (2 h)

The pass that is checked is a training pass (batch statistics, one fixed draw of every mask). A coordinate whose two
sides lie on different sides of a kink (a ReLU switching, an absolute error changing sign) has no derivative to compare
with; it is counted and left out.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from glassnet.network.architecture import Architecture
from glassnet.network.parameters import buffer_layout, parameter_layout
from glassnet.network.passes import Draws, Trace, backward, example_weights, forward, objective

__all__ = [
    "FixedPass",
    "GradientReport",
    "TensorReport",
    "check_gradient",
    "check_pass",
    "compare",
    "numerical_gradient",
]

TOLERANCE = 1e-6
NUDGE = 1e-3
MOVED = f"(the weights were moved by about {NUDGE:g}: at their own values all entries of some tensor are at a kink)"


@dataclass(frozen=True)
class TensorReport:
    """One tensor: how many entries were compared, left out at kinks, and how far the two gradients are apart.

    `error` is |analytic - numeric| / max(|analytic|, |numeric|) in Euclidean norms over the compared entries; where
    both norms are below the rounding of the differences themselves it is measured against that instead.
    """

    name: str
    shape: tuple[int, ...]
    compared: int
    at_kinks: int
    error: float
    worst_index: tuple[int, ...]
    analytic: float
    numeric: float
    passed: bool

    @property
    def verdict(self) -> str:
        """Either ok, WRONG, or "not compared" where every entry is at a kink."""
        return "not compared" if not self.compared else "ok" if self.passed else "WRONG"


@dataclass(frozen=True)
class GradientReport:
    """The check of a whole gradient; `passed` is True when every tensor was compared and is within the tolerance.

    `moved` says that the weights were moved a little at random first, because at their own values every entry of some
    tensor is at a kink (zero biases and a row of zeros put every ReLU there).
    """

    tensors: tuple[TensorReport, ...]
    tolerance: float
    moved: bool = False

    @property
    def passed(self) -> bool:
        """Whether all tensors agree; an error that is NaN does not."""
        return all(tensor.passed for tensor in self.tensors)

    def __str__(self) -> str:
        lines = [f"{'tensor':<10}{'shape':<14}{'compared':>9}{'kinks':>7}{'error':>11}  verdict"]
        for t in self.tensors:
            wrong = f": at {t.worst_index} {t.analytic:.6g}, numerically {t.numeric:.6g}"
            verdict = t.verdict + (wrong if t.verdict == "WRONG" else "")
            lines.append(f"{t.name:<10}{t.shape!s:<14}{t.compared:>9}{t.at_kinks:>7}{t.error:>11.1e}  {verdict}")
        if self.moved:
            lines.append(MOVED)
        return "\n".join(lines)


@dataclass(frozen=True)
class FixedPass:
    """A training pass in float64 with everything fixed but theta.

    buffers are the running statistics, X (n, d), Y (n, K), v (n,) the weights of the examples.
    """

    architecture: Architecture
    buffers: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    v: np.ndarray
    draws: Draws

    @classmethod
    def of(
        cls,
        architecture: Architecture,
        buffers: np.ndarray,
        X: np.ndarray,
        Y: np.ndarray,
        sample_weight: np.ndarray | None,
        seed: int,
    ) -> "FixedPass":
        """The first training pass over these examples, all in float64."""
        return cls(
            msgspec.structs.replace(architecture, dtype="float64"),
            buffers.astype(np.float64),
            X.astype(np.float64),
            Y.astype(np.float64),
            example_weights(architecture.reduction, len(X), sample_weight, np.float64),
            Draws(seed, 1),
        )

    def forward(self, theta: np.ndarray) -> Trace:
        """Carry the examples forward, to the loss."""
        views = parameter_layout(self.architecture).views(theta)
        statistics = buffer_layout(self.architecture).views(self.buffers.copy())
        with np.errstate(all="ignore"):
            trace = forward(self.architecture, views, statistics, self.X, self.draws)
            objective(self.architecture, views, trace, self.Y, self.v)
        return trace

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """The gradient (P,) by backpropagation."""
        views = parameter_layout(self.architecture).views(theta)
        trace = self.forward(theta)
        with np.errstate(all="ignore"):
            return backward(self.architecture, views, trace, self.Y, self.v)

    def sides(self, trace: Trace) -> list[np.ndarray]:
        """On which side of each kink every unit and residual lies."""
        found: list[np.ndarray] = []
        for number, layer in enumerate(self.architecture.dense, start=1):
            s = trace[f"s{number}"] if f"s{number}" in trace else trace[f"z{number}"]
            found += [s > kink for kink in layer.g.kinks]
            if f"slope{number}" in trace:
                found.append(s > 0)
        found += [trace.output - self.Y > kink for kink in self.architecture.objective.kinks]
        return found


def check_gradient(
    architecture: Architecture,
    theta: np.ndarray,
    buffers: np.ndarray,
    X: np.ndarray,
    Y: np.ndarray,
    sample_weight: np.ndarray | None = None,
    *,
    tolerance: float = TOLERANCE,
    max_per_tensor: int | None = 100,
    seed: int = 0,
) -> GradientReport:
    """Compare backpropagation with central differences; see the module's text.

    Parameters
    ----------
    theta, buffers, X, Y
        Parameters (P,), running statistics, inputs (n, d), targets (n, K).
    tolerance : float
        Largest relative error of a tensor that passes.
    max_per_tensor : int or None
        Entries compared in each tensor, drawn by `seed`; None compares all.
    """
    fixed = FixedPass.of(architecture, buffers, X, Y, sample_weight, seed)
    return check_pass(fixed, theta.astype(np.float64), tolerance, max_per_tensor, seed)[0]


def check_pass(
    fixed: FixedPass, theta: np.ndarray, tolerance: float, max_per_tensor: int | None, seed: int
) -> tuple[GradientReport, np.ndarray]:
    """The report, and the weights that it holds for: theta, or theta moved off the kinks."""
    report = compare(fixed.gradient, fixed, theta, tolerance, max_per_tensor, seed)
    if all(tensor.compared for tensor in report.tensors):
        return report, theta
    moved = theta + NUDGE * np.random.default_rng(seed).normal(size=theta.shape)
    return replace(compare(fixed.gradient, fixed, moved, tolerance, max_per_tensor, seed), moved=True), moved


def compare(
    gradient: Callable[[np.ndarray], np.ndarray],
    fixed: FixedPass,
    theta: np.ndarray,
    tolerance: float,
    max_per_tensor: int | None,
    seed: int,
) -> GradientReport:
    """Judge any gradient function (theta -> (P,)) against differences of the pass."""
    analytic, rng = gradient(theta), np.random.default_rng(seed)
    loss = abs(fixed.forward(theta)["loss"])
    reports: list[TensorReport] = []
    for piece in parameter_layout(fixed.architecture).slices:
        indices = np.arange(piece.start, piece.stop)
        if max_per_tensor is not None and len(indices) > max_per_tensor:
            indices = np.sort(rng.choice(indices, max_per_tensor, replace=False))
        numeric, smooth = numerical_gradient(fixed, theta, indices)
        mine, theirs = analytic[indices[smooth]], numeric[smooth]
        gap, noise = np.abs(mine - theirs), 1e-9 * max(loss, 1e-3)
        scale = max(float(np.linalg.norm(mine)), float(np.linalg.norm(theirs)), noise / TOLERANCE)
        error = float(np.linalg.norm(mine - theirs)) / scale
        worst = int(np.argmax(gap)) if len(gap) else 0
        place = np.unravel_index(int(indices[smooth][worst]) - piece.start, piece.shape[::-1]) if len(gap) else ()
        reports.append(
            TensorReport(
                piece.name,
                piece.shape,
                int(smooth.sum()),
                int((~smooth).sum()),
                error,
                tuple(int(i) + 1 for i in place[::-1]),
                float(mine[worst]) if len(gap) else 0.0,
                float(theirs[worst]) if len(gap) else 0.0,
                bool(smooth.any()) and error <= tolerance,
            )
        )
    return GradientReport(tuple(reports), tolerance)


def numerical_gradient(fixed: FixedPass, theta: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Central differences at these indices, and whether each stayed clear of kinks."""
    differences, smooth = np.zeros(len(indices)), np.ones(len(indices), bool)
    for i, index in enumerate(indices):
        # h balances truncation (h^2) against rounding (eps / h); a power of two adds no rounding of its own
        h = 2.0 ** np.round(np.log2(6e-6 * max(1.0, abs(theta[index]))))
        moved = theta.copy()
        moved[index] = theta[index] + h
        up = fixed.forward(moved)
        moved[index] = theta[index] - h
        down = fixed.forward(moved)
        differences[i] = (up["loss"] - down["loss"]) / (2 * h)
        smooth[i] = all(np.array_equal(a, b) for a, b in zip(fixed.sides(up), fixed.sides(down), strict=True))
    return differences, smooth
