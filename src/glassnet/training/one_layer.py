"""Networks of one layer, solved: Newton-Raphson for generalized linear models, least squares in closed form."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glassnet.errors import SingularHessianError
from glassnet.formulas.registry import check_number
from glassnet.network.architecture import Architecture, Dropout
from glassnet.network.parameters import Layout, buffer_layout, parameter_layout
from glassnet.network.passes import example_weights, forward
from glassnet.training.problem import After, Problem, describe

__all__ = ["LeastSquares", "NewtonRaphson", "design_matrix", "hessian", "weights_of"]


@dataclass(frozen=True)
class NewtonRaphson:
    """Newton-Raphson with line search for a network of one layer: iteratively reweighted least squares.

    With the canonical link delta = c (a - y), so the Hessian is c X^T A X with A the activation's Jacobian; the step
    solves H p = -gradient, and is halved until it lowers the loss enough (Armijo). Linear, logistic, softmax and
    Poisson regression. Source: McCullagh and Nelder (1989), section 2.5.

    >>> NewtonRaphson().tolerance
    1e-09
    """

    tolerance: float = 1e-9
    name: ClassVar[str] = "newton"
    __str__ = describe

    def __post_init__(self) -> None:
        check_number("NewtonRaphson", "tolerance", self.tolerance, 0)

    def refuses(self, architecture: Architecture) -> str | None:
        """See `Solver.refuses`."""
        loss, output = architecture.objective, architecture.output
        if not _one_plain_layer(architecture) or loss.canonical is None or output.g.name != loss.link:
            return (
                "Newton-Raphson is for one Dense layer, without hidden ones, whose loss has that activation as its "
                "link: identity with "
                "squared_error, sigmoid with binary_cross_entropy, softmax with cross_entropy, exponential with poisson"
            )
        if architecture.l1 or architecture.frozen:
            return "Newton-Raphson needs a smooth objective in all weights: leave l1 and frozen tensors out"
        if architecture.parameter_count > 5000:
            return f"Newton-Raphson solves with a {architecture.parameter_count:,}-square Hessian; use LBFGS()"
        return None

    def minimize(self, problem: Problem, theta: np.ndarray, iterations: int, after: After) -> str:
        """See `Solver.minimize`."""
        theta = theta.astype(np.float64)
        value, gradient = problem.value_and_gradient(theta)
        first = 0.0
        for _ in range(iterations):
            H, smallest = _checked(hessian(problem, theta), problem.architecture, first)
            first = first or smallest
            if np.max(np.abs(gradient)) <= self.tolerance:
                return "Newton-Raphson converged"
            step = -np.linalg.solve(H, gradient)
            promised = -float(gradient @ step)
            theta, value, gradient, moved = _line_search(problem, theta, value, gradient, step)
            if after(theta, value, float(np.linalg.norm(gradient))):
                return ""
            if not moved or promised <= np.finfo(problem.architecture.dtype).eps * abs(value):
                return "Newton-Raphson converged to rounding"
        return ""


@dataclass(frozen=True)
class LeastSquares:
    """The closed-form solution of linear regression, (X^T X + l2)^-1 X^T y by an orthogonal factorization.

    For one layer with identity activation and squared_error or half_squared_error; the bias is never penalized.
    Where columns are linearly dependent the solution of least norm is taken.

    >>> LeastSquares().name
    'least_squares'
    """

    name: ClassVar[str] = "least_squares"
    __str__ = describe

    def refuses(self, architecture: Architecture) -> str | None:
        """See `Solver.refuses`."""
        fits = architecture.objective.name in ("squared_error", "half_squared_error")
        if not _one_plain_layer(architecture) or architecture.output.g.name != "identity" or not fits:
            return "least squares is for one Dense layer, without hidden ones: 'identity' with loss 'squared_error'"
        if architecture.l1 or architecture.frozen:
            return "least squares has no closed form with l1 or frozen tensors; use LBFGS()"
        return None

    def minimize(self, problem: Problem, theta: np.ndarray, iterations: int, after: After) -> str:
        """See `Solver.minimize`."""
        architecture, X, v = problem.architecture, design_matrix(problem), weights_of(problem)
        assert architecture.objective.canonical is not None
        root = np.sqrt(architecture.objective.canonical * v)[:, None]
        Y = problem.data.Y.astype(np.float64)
        ridge = np.sqrt(architecture.l2 * architecture.penalty_share(len(X))) * np.eye(architecture.inputs, X.shape[1])
        left, right = np.vstack([root * X, ridge]), np.vstack([root * Y, np.zeros((len(ridge), Y.shape[1]))])
        best = np.linalg.lstsq(left, right, rcond=None)[0].ravel()
        value, gradient = problem.value_and_gradient(best)
        after(best, value, float(np.linalg.norm(gradient)))
        return "solved in closed form"


def _one_plain_layer(architecture: Architecture) -> bool:
    layers = architecture.layers
    return len(layers) == 1 and not isinstance(layers[0], Dropout) and architecture.output.norm is None


def weights_of(problem: Problem) -> np.ndarray:
    """The examples' weights v (n,) in float64."""
    return example_weights(problem.architecture.reduction, len(problem.data), problem.data.weights, np.float64)


def design_matrix(problem: Problem) -> np.ndarray:
    """X with a column of ones for the bias: (n, d + 1), so that theta is its coefficients, row by row."""
    X = problem.data.X.astype(np.float64)
    return np.hstack([X, np.ones((len(X), 1))]) if problem.architecture.output.has_bias else X


def hessian(problem: Problem, theta: np.ndarray) -> np.ndarray:
    """d2J/dtheta2 (P, P) of a one-layer network with canonical link."""
    architecture, X, v = problem.architecture, design_matrix(problem), weights_of(problem)
    layout: Layout = parameter_layout(architecture)
    wide = Architecture(architecture.inputs, architecture.layers, architecture.loss, dtype="float64")
    no_buffers = buffer_layout(wide).views(np.zeros(0))
    trace = forward(wide, layout.views(theta), no_buffers, X[:, : architecture.inputs])
    g, z, a = architecture.output.g, trace["z1"], trace["a1"]
    d, K = X.shape[1], architecture.output.units
    H = np.zeros((d, K, d, K))
    for k in range(K):
        unit = np.zeros_like(a)
        unit[:, k] = 1
        jacobian_row = g.backward(z, a, unit)  # da_k / dz_j for all j
        for j in range(K) if g.rowwise else (k,):
            H[:, k, :, j] = (X * (v * jacobian_row[:, j])[:, None]).T @ X
    assert architecture.objective.canonical is not None
    square = architecture.objective.canonical * H.reshape(d * K, d * K)
    penalized = np.arange(d * K) < architecture.inputs * K
    square[penalized, penalized] += architecture.l2 * architecture.penalty_share(len(X))
    return square


def _checked(H: np.ndarray, architecture: Architecture, first: float) -> tuple[np.ndarray, float]:
    """The Hessian, made regular where only softmax's free sum makes it singular, and its smallest eigenvalue.

    Dependent features show in the Hessian scaled to a unit diagonal, where units of measurement play no part;
    separable classes in an eigenvalue that shrinks towards 0 from step to step (`first` is its first value).
    """
    K = architecture.output.units
    if architecture.output.g.rowwise:
        # softmax does not change when the same number is added to all K scores: hold that sum still
        free = 0 if architecture.l2 == 0 else architecture.inputs * K
        for start in range(free, len(H), K):
            block = slice(start, start + K)
            H[block, block] += np.mean(np.diag(H)[block]) / K or 1 / K
    smallest = float(np.linalg.eigvalsh(H)[0])
    root = np.sqrt(np.maximum(np.diag(H), 0))
    scaled = np.linalg.eigvalsh(H / np.outer(root, root)) if np.all(root > 0) else np.zeros(len(H))
    small = np.sum(~(scaled > 1e-13 * scaled[-1]))
    if small or smallest < 1e-7 * first:
        cause = (
            f"rank {len(H) - small} of {len(H)}: features are linearly dependent or constant"
            if not first
            else "it vanishes: the classes are separable, and the weights grow without bound"
        )
        raise SingularHessianError(
            f"the Hessian is singular ({cause}); set l2=1e-4, drop the features that tell nothing new, or use LBFGS()"
        )
    return H, smallest


def _line_search(
    problem: Problem, theta: np.ndarray, value: float, gradient: np.ndarray, step: np.ndarray
) -> tuple[np.ndarray, float, np.ndarray, bool]:
    """Halve the step until J falls by a share of what the slope promises (Armijo, c = 1e-4)."""
    slope, length = float(gradient @ step), 1.0
    for _ in range(40):
        candidate = theta + length * step
        new_value, new_gradient = problem.value_and_gradient(candidate)
        if np.isfinite(new_value) and new_value <= value + 1e-4 * length * slope:
            return candidate, new_value, new_gradient, True
        length /= 2
    return theta, value, gradient, False
