"""Full-batch solvers: L-BFGS for any network, Newton-Raphson and least squares for networks of one layer.

They see all examples at once, work in float64, and count one iteration as one epoch.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glassnet.formulas.registry import check_number
from glassnet.network.architecture import Architecture, Dense
from glassnet.network.updates import gradient_norm
from glassnet.training.one_layer import LeastSquares, NewtonRaphson, hessian
from glassnet.training.problem import SOLVERS, After, Problem, Solver, describe, solver

__all__ = ["LBFGS", "SOLVERS", "LeastSquares", "NewtonRaphson", "Problem", "Solver", "hessian", "solver"]


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS, SciPy's L-BFGS-B, on all examples at once.

    Ends when the largest entry of the gradient is below `tolerance`, or an iteration lowers the objective by less than
    the share `relative` of it (0: as long as anything is gained), or after so many `evaluations` of the objective and
    its gradient. `memory` is how many steps it remembers. Source: Liu and Nocedal (1989).

    >>> LBFGS().memory
    10
    """

    tolerance: float = 1e-6
    memory: int = 10
    relative: float = 0.0
    evaluations: int = 10**9
    name: ClassVar[str] = "lbfgs"
    __str__ = describe

    def __post_init__(self) -> None:
        check_number("LBFGS", "tolerance", self.tolerance, 0)
        check_number("LBFGS", "memory", self.memory, 1)
        check_number("LBFGS", "relative", self.relative, 0)
        check_number("LBFGS", "evaluations", self.evaluations, 1)

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
            last[x.tobytes()] = gradient_norm(gradient)
            return value, gradient

        def callback(intermediate_result: OptimizeResult) -> None:
            x = intermediate_result.x
            norm = last.get(x.tobytes(), float("nan"))
            if after(x, float(intermediate_result.fun), norm):
                raise StopIteration

        options = {
            "maxiter": iterations,
            "maxcor": self.memory,
            "gtol": self.tolerance,
            "ftol": self.relative,
            "maxfun": self.evaluations,
        }
        with np.errstate(all="ignore"):
            result = minimize(
                value_and_gradient,
                theta.astype(np.float64),
                jac=True,
                method="L-BFGS-B",
                callback=callback,
                options=options,
            )
        if result.status == 99 or (result.status == 1 and result.nit >= iterations):
            return ""
        if result.status == 1:
            return f"L-BFGS has used its {self.evaluations} evaluations"
        return "L-BFGS converged" if result.success else "L-BFGS converged to rounding: nothing lowers the loss further"


for _solver, _aliases in (
    (LBFGS, ("l_bfgs",)),
    (NewtonRaphson, ("newton_raphson", "irls")),
    (LeastSquares, ("ols", "closed_form")),
):
    SOLVERS.add(_solver.name, _solver, _aliases)
