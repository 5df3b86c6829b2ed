"""Every activation and loss once more, in Tensor operations: written for the oracle, without a look at `formulas`.

A record that is not in these tables is a user's own; its formula is in Tensor operations already.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.autograd import (
    Tensor,
    erf,
    exp,
    expm1,
    log,
    log_softmax,
    maximum,
    minimum,
    relu,
    sigmoid,
    softmax,
    softplus,
    tanh,
    where,
)
from glassnet.custom import ActivationFormula, LossFormula
from glassnet.errors import InvalidParameterError
from glassnet.formulas.records import Activation, Loss

__all__ = ["ACTIVATIONS", "LINKED", "LOSSES", "activate", "losses"]


def _elu(z: Any, alpha: float) -> Any:
    return where(z > 0, z, alpha * expm1(minimum(z, 0.0)))


def _huber(a: Any, y: Any, delta: float) -> Any:
    r = abs(a - y)
    return where(r <= delta, r**2 / 2, delta * (r - delta / 2))


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "step": lambda z: Tensor(np.asarray(z.value >= 0, z.dtype)),
    "identity": lambda z: z,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": lambda z, alpha: where(z > 0, z, alpha * z),
    "elu": _elu,
    "selu": lambda z, alpha, scale: scale * _elu(z, alpha),
    "softplus": softplus,
    "swish": lambda z: z * sigmoid(z),
    "gelu": lambda z: z * (1 + erf(z / math.sqrt(2))) / 2,
    "mish": lambda z: z * tanh(softplus(z)),
    "exponential": exp,
    "softmax": softmax,
}
"""`(z, *constants) -> a`."""

LOSSES: dict[str, Callable[..., Any]] = {
    "squared_error": lambda a, y: (a - y) ** 2,
    "half_squared_error": lambda a, y: (a - y) ** 2 / 2,
    "absolute_error": lambda a, y: abs(a - y),
    "huber": _huber,
    "quantile": lambda a, y, tau: maximum(tau * (y - a), (tau - 1) * (y - a)),
    "poisson": lambda a, y: a - y * log(a),
    "binary_cross_entropy": lambda a, y: -(y * log(a) + (1 - y) * log(1 - a)),
}
"""`(a, y, *constants) -> value of each output`."""

LINKED: dict[str, Callable[..., Any]] = {
    "poisson": lambda z, a, y: exp(z) - y * z,
    "binary_cross_entropy": lambda z, a, y: softplus(z) - y * z,
    "cross_entropy": lambda z, a, y: -y * log_softmax(z),
    "perceptron": lambda z, a, y: (a.detach() - y) * z,  # the criterion: the step unit's answer is a constant
}
"""`(z, a, y) -> value of each output`, from the pre-activation, where the loss owns the output activation."""


def activate(record: Activation, z: Any) -> Any:
    """a = g(z), on the tape."""
    own = record.function.formula if isinstance(record.function, ActivationFormula) else None
    return _known("activation", record.name, own or ACTIVATIONS.get(record.name))(z, *record.constants.values())


def losses(record: Loss, output: Activation, z: Any, a: Any, y: Tensor) -> Any:
    """The loss of each example (n,), on the tape."""
    if record.owns(output) and record.name in LINKED:
        return LINKED[record.name](z, a, y).sum(axis=-1)
    own = record.function.formula if isinstance(record.function, LossFormula) else None
    formula = _known("loss", record.name, own or LOSSES.get(record.name))
    each = formula(a, y, *record.constants.values())
    return each.sum(axis=-1) if each.ndim == 2 else each


def _known(kind: str, name: str, formula: Any) -> Any:
    if formula is None:
        raise InvalidParameterError(f"{kind} '{name}' has no Tensor version: define it with glassnet.custom.{kind}")
    return formula
