"""A user's formula, written with Tensor operations, as the functions that a record holds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.autograd import Tensor, enable_grad, no_grad

__all__ = ["ActivationFormula", "LossFormula"]


@dataclass(frozen=True)
class ActivationFormula:
    """A formula z -> a as the functions that an Activation record holds.

    Attributes
    ----------
    formula : callable
        `(z, *constants) -> a`, of Tensors.

    >>> import numpy as np
    >>> from glassnet.autograd import tanh
    >>> from glassnet.custom import ActivationFormula
    >>> ActivationFormula(tanh).derivative(np.array([0.0]), None).tolist()
    [1.0]
    """

    formula: Callable[..., Any]

    def __call__(self, z: Any, *constants: Any) -> Any:
        """The value."""
        with no_grad():
            return self.formula(Tensor(z), *map(float, constants)).value

    def derivative(self, z: Any, a: Any, *constants: Any) -> Any:
        """da/dz of an elementwise formula."""
        return self.vjp(z, a, np.ones_like(z), *constants)

    def vjp(self, z: Any, a: Any, da: Any, *constants: Any) -> Any:
        """The upstream gradient da times the Jacobian of each row."""
        tensor = Tensor(z, requires_grad=True)
        with enable_grad():
            self.formula(tensor, *map(float, constants)).backward(da)
        return tensor.grad if tensor.grad is not None else np.zeros_like(z)


@dataclass(frozen=True)
class LossFormula:
    """A formula (a, y) -> loss of each example as the functions that a Loss record holds.

    Attributes
    ----------
    formula : callable
        `(a, y, *constants) -> loss`, of Tensors (n, K); it gives (n,), or one value for each output (n, K).

    >>> import numpy as np
    >>> from glassnet.custom import LossFormula
    >>> square = LossFormula(lambda a, y: ((a - y) ** 2).sum(axis=1))
    >>> square.derivative(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]])).tolist()
    [[2.0, 4.0]]
    """

    formula: Callable[..., Any]

    def __call__(self, a: Any, y: Any, *constants: Any) -> Any:
        """The value of each output (n, K), or of each example (n, 1)."""
        with no_grad():
            value = self.formula(Tensor(a), Tensor(y), *map(float, constants)).value
        return value if value.ndim == np.ndim(a) else value[..., None]

    def derivative(self, a: Any, y: Any, *constants: Any) -> Any:
        """dL/da (n, K)."""
        tensor = Tensor(a, requires_grad=True)
        with enable_grad():
            self.formula(tensor, Tensor(y), *map(float, constants)).sum().backward()
        return tensor.grad if tensor.grad is not None else np.zeros_like(a)
