"""What a full-batch solver is given, and what it must offer."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np

from glassnet.engines.base import Data, Engine, all_finite
from glassnet.errors import InvalidParameterError
from glassnet.formulas.registry import Registry, parse_spec, spec_text
from glassnet.network.architecture import Architecture
from glassnet.network.parameters import buffer_layout, parameter_layout
from glassnet.network.passes import backward, example_weights, forward, objective
from glassnet.network.updates import trainable_runs

__all__ = ["SOLVERS", "After", "Problem", "Solver", "describe", "solver"]


@dataclass(frozen=True)
class Problem:
    """The objective J(theta) of one network on one data set, in float64 towards the solver."""

    architecture: Architecture
    engine: Engine
    buffers: np.ndarray
    data: Data
    threads: int | None = None

    def value_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """J and dJ/dtheta (P,); frozen tensors have gradient 0."""
        architecture = self.architecture
        value, gradient = self.engine.loss_and_gradient(
            architecture, theta.astype(architecture.dtype, copy=False), self.buffers, self.data, self.threads
        )
        if not architecture.frozen:
            return value, gradient.astype(np.float64, copy=False)
        masked = np.zeros(theta.size)
        for start, stop in trainable_runs(architecture):
            masked[start:stop] = gradient[start:stop]
        return value, masked

    def first_bad(self, theta: np.ndarray) -> str | None:
        """The first tensor of a pass with these weights that holds a NaN or an infinity, if any."""
        value, gradient = self.value_and_gradient(theta)
        if np.isfinite(value) and all_finite(gradient) and all_finite(theta):
            return None
        return self._first_bad(theta) or "loss"

    def _first_bad(self, theta: np.ndarray) -> str | None:
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

    >>> from glassnet.training.solvers import solver
    >>> solver("lbfgs(memory=20)").memory
    20
    """
    name, positional, named = parse_spec(spec, "solver")
    cls = SOLVERS[name]
    try:
        return cls(*positional, **named)
    except TypeError:
        raise InvalidParameterError(f"solver '{spec}': {name} takes {', '.join(f.name for f in fields(cls))}") from None


def describe(self: Any) -> str:
    """A solver as spec text."""
    return spec_text(self.name, {item.name: getattr(self, item.name) for item in fields(self)})
