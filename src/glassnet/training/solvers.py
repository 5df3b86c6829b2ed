"""Full-batch solvers: L-BFGS for any network, Newton-Raphson and least squares for networks of one layer.

They see all examples at once, work in float64, and count one iteration as one epoch.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np

from glassnet.engines.base import Data, Engine
from glassnet.errors import InvalidParameterError, SingularHessianError
from glassnet.formulas.registry import Registry, check_number, parse_spec, spec_text
from glassnet.network.architecture import Architecture, Dense, Dropout
from glassnet.network.parameters import Layout, buffer_layout, parameter_layout
from glassnet.network.passes import backward, example_weights, forward, objective
from glassnet.network.updates import trainable_runs

__all__ = ["LBFGS", "SOLVERS", "LeastSquares", "NewtonRaphson", "Problem", "Solver", "solver"]


@dataclass(frozen=True)
class Problem:
    """The objective J(theta) of one network on one data set, in float64 towards the solver."""

    architecture: Architecture
    engine: Engine
    buffers: np.ndarray
    data: Data

    def value_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """J and dJ/dtheta (P,); frozen tensors have gradient 0."""
        architecture = self.architecture
        value, gradient = self.engine.loss_and_gradient(
            architecture, theta.astype(architecture.dtype), self.buffers, self.data
        )
        masked = np.zeros(theta.size)
        for start, stop in trainable_runs(architecture):
            masked[start:stop] = gradient[start:stop]
        return value, masked

    def first_bad(self, theta: np.ndarray) -> str | None:
        """The first tensor of a pass with these weights that holds a NaN or an infinity, if any."""
        architecture, data = self.architecture, self.data
        statistics = buffer_layout(architecture).views(self.buffers)
        with np.errstate(all="ignore"):
            views = parameter_layout(architecture).views(theta.astype(architecture.dtype))
            bad = next((name for name, view in views.items() if not np.all(np.isfinite(view))), None)
            if bad is not None:
                return bad
            v = example_weights(architecture.reduction, len(data), data.weights, views.vector.dtype)
            trace = forward(architecture, views, statistics, data.X)
            objective(architecture, views, trace, data.Y, v)
            backward(architecture, views, trace, data.Y, v)
        return trace.first_bad()


After = Callable[[np.ndarray, float, float], bool]


class Solver(Protocol):
    """Minimizes a problem from theta; calls after(theta, loss, gradient norm) for each iteration, True ends it."""

    name: ClassVar[str]

    def refuses(self, architecture: Architecture) -> str | None:
        """Why this network is not for this solver, if so."""
        ...

    def minimize(self, problem: Problem, theta: np.ndarray, iterations: int, after: After) -> str:
        """Run; returns why it ended, "" when `after` or the number of iterations ended it."""
        ...


SOLVERS: Registry[Any] = Registry("solver")


def solver(spec: str) -> Solver:
    """A solver by name or spec text.

    >>> solver("lbfgs(memory=20)").memory
    20
    """
    name, positional, named = parse_spec(spec, "solver")
    cls = SOLVERS[name]
    try:
        return cls(*positional, **named)
    except TypeError:
        raise InvalidParameterError(f"solver '{spec}': {name} takes {', '.join(f.name for f in fields(cls))}") from None


def _describe(self: Any) -> str:
    return spec_text(self.name, {item.name: getattr(self, item.name) for item in fields(self)})


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS, SciPy's L-BFGS-B, on all examples at once.

    Ends when the largest entry of the gradient is below `tolerance`. Source: Liu and Nocedal (1989).

    >>> LBFGS().memory
    10
    """

    tolerance: float = 1e-6
    memory: int = 10
    name: ClassVar[str] = "lbfgs"
    __str__ = _describe

    def __post_init__(self) -> None:
        check_number("LBFGS", "tolerance", self.tolerance, 0)
        check_number("LBFGS", "memory", self.memory, 1)

    def refuses(self, architecture: Architecture) -> str | None:
        """See `Solver.refuses`."""
        drawn = any(not isinstance(layer, Dense) for layer in architecture.layers)
        if drawn or any(layer.norm is not None for layer in architecture.dense):
            return (
                "L-BFGS needs a loss that depends on the weights alone: leave dropout, drawn slopes and BatchNorm out"
            )
        return None

    def minimize(self, problem: Problem, theta: np.ndarray, iterations: int, after: After) -> str:
        """See `Solver.minimize`."""
        from scipy.optimize import OptimizeResult, minimize

        last: dict[bytes, float] = {}

        def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = problem.value_and_gradient(x)
            last.clear() if len(last) > 2 * iterations + 100 else None
            last[x.tobytes()] = float(np.linalg.norm(gradient))
            return value, gradient

        def callback(intermediate_result: OptimizeResult) -> None:
            x = intermediate_result.x
            norm = last.get(x.tobytes(), float("nan"))
            if after(x, float(intermediate_result.fun), norm):
                raise StopIteration

        options = {"maxiter": iterations, "maxcor": self.memory, "gtol": self.tolerance, "ftol": 0, "maxfun": 10**9}
        with np.errstate(all="ignore"):
            result = minimize(
                value_and_gradient,
                theta.astype(np.float64),
                jac=True,
                method="L-BFGS-B",
                callback=callback,
                options=options,
            )
        if result.nit >= iterations or result.status == 99:
            return ""
        return "L-BFGS converged" if result.success else "L-BFGS cannot lower the loss further"


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
    __str__ = _describe

    def __post_init__(self) -> None:
        check_number("NewtonRaphson", "tolerance", self.tolerance, 0)

    def refuses(self, architecture: Architecture) -> str | None:
        """See `Solver.refuses`."""
        loss, output = architecture.objective, architecture.output
        if not _one_plain_layer(architecture) or loss.canonical is None or output.g.name != loss.link:
            return (
                "Newton-Raphson is for one layer whose loss has that activation as its link: identity with "
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
    __str__ = _describe

    def refuses(self, architecture: Architecture) -> str | None:
        """See `Solver.refuses`."""
        fits = architecture.objective.name in ("squared_error", "half_squared_error")
        if not _one_plain_layer(architecture) or architecture.output.g.name != "identity" or not fits:
            return "least squares is for one layer with activation 'identity' and loss 'squared_error'"
        if architecture.l1 or architecture.frozen:
            return "least squares has no closed form with l1 or frozen tensors; use LBFGS()"
        return None

    def minimize(self, problem: Problem, theta: np.ndarray, iterations: int, after: After) -> str:
        """See `Solver.minimize`."""
        architecture, X, v = problem.architecture, design_matrix(problem), weights_of(problem)
        assert architecture.objective.canonical is not None
        root = np.sqrt(architecture.objective.canonical * v)[:, None]
        Y = problem.data.Y.astype(np.float64)
        ridge = np.sqrt(architecture.l2) * np.eye(architecture.inputs, X.shape[1])
        left, right = np.vstack([root * X, ridge]), np.vstack([root * Y, np.zeros((len(ridge), Y.shape[1]))])
        best = np.linalg.lstsq(left, right, rcond=None)[0].ravel()
        value, gradient = problem.value_and_gradient(best)
        after(best, value, float(np.linalg.norm(gradient)))
        return "solved in closed form"


for _solver, _aliases in (
    (LBFGS, ("l_bfgs",)),
    (NewtonRaphson, ("newton_raphson", "irls")),
    (LeastSquares, ("ols", "closed_form")),
):
    SOLVERS.add(_solver.name, _solver, _aliases)


# --- one layer --------------------------------------------------------------------------------------------------


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
    square[penalized, penalized] += architecture.l2
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
