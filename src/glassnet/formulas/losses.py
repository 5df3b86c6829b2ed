"""Loss functions: one record each, the derivative beside the value.

A loss compares outputs `a` (n, K) with targets `y` (n, K) and sums over the K outputs of an example; examples
are then weighted and added up (`reduction="mean"` or `"sum"`). A loss owns its *link*: with that activation in
the output layer both the value and delta = dL/dz come from the pre-activation z, which is exact where
probabilities have long rounded to 0 or 1, and delta is simply `canonical` times (a - y).
"""

# pyright: reportMissingParameterType=false

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from glassnet.errors import ArchitectureError
from glassnet.formulas.activations import ACTIVATIONS, Activation
from glassnet.formulas.elementary import (
    absolute,
    constant,
    exp,
    log,
    log1p,
    maximum,
    minimum,
    row_max,
    row_sum,
    sign,
    where,
    xlogy,
)
from glassnet.formulas.ranges import ANY, POSITIVE, UNIT, Interval
from glassnet.formulas.registry import Registry, resolve, spec_text

__all__ = ["LOSSES", "Loss", "loss"]


@dataclass(frozen=True)
class Loss:
    """A loss with its derivative, as mathematics and as data.

    Attributes
    ----------
    function, derivative : callable
        `(a, y, *constants)` -> value of each output, and its derivative by a; elementwise.
    link : str or None
        The activation for which `linked` holds.
    linked, linked_derivative : callable or None
        `(z, a, y, *constants)` -> value and dL/dz from the pre-activation. `linked` of a rowwise loss gives one
        value a row.
    canonical : float or None
        The factor c in delta = c (a - y), where the link is the canonical one (then the Hessian by z is c times
        the activation's Jacobian).
    domain : Interval
        What the outputs a may be; an activation whose range leaves it is refused.
    targets : Interval
        What the targets y may be.
    simplex : bool
        Whether outputs and targets are distributions over the K classes.
    kinks : tuple of float
        Values of a - y where the derivative jumps.
    likelihood : str
        The distribution whose negative log-likelihood this is.
    """

    name: str
    function: Callable[..., Any]
    derivative: Callable[..., Any]
    latex: str
    derivative_latex: str
    source: str
    likelihood: str
    link: str | None = None
    linked: Callable[..., Any] | None = None
    linked_derivative: Callable[..., Any] | None = None
    linked_latex: str = ""
    canonical: float | None = None
    domain: Interval = ANY
    targets: Interval = ANY
    simplex: bool = False
    constants: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    limits: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))
    kinks: tuple[float, ...] = ()

    def _constants(self, z: Any) -> tuple[Any, ...]:
        return tuple(constant(z, c) for c in self.constants.values())

    def owns(self, activation: Activation) -> bool:
        """Whether value and delta come from the pre-activation of this output activation."""
        return self.linked is not None and activation.name == self.link

    def values(self, activation: Activation, z: Any, a: Any, y: Any) -> Any:
        """Loss of each example (n,), the sum over its outputs."""
        if self.linked is not None and self.owns(activation):
            each = self.linked(z, a, y, *self._constants(z))
        else:
            each = self.function(a, y, *self._constants(a))
        return np.sum(each, axis=-1)

    def slope(self, a: Any, y: Any) -> Any:
        """dL/da of each output (n, K)."""
        return self.derivative(a, y, *self._constants(a))

    def delta(self, activation: Activation, z: Any, a: Any, y: Any) -> Any:
        """dL/dz of the output layer (n, K), before the examples' weights."""
        if self.linked_derivative is not None and self.owns(activation):
            return self.linked_derivative(z, a, y, *self._constants(z))
        return activation.backward(z, a, self.slope(a, y))

    def check_output(self, activation: Activation, outputs: int) -> None:
        """Refuse an output layer on which this loss makes no sense, and say which to take."""
        advice = f"use '{self.link}'" if self.link else "use another activation or loss"
        if self.name == "perceptron" and activation.name != "step":
            raise ArchitectureError(f"loss perceptron is for step units, not {activation.name}; use 'step'")
        if self.simplex and activation.name != "softmax":
            raise ArchitectureError(
                f"loss {self.name} needs outputs that are a distribution over the classes, which {activation.name} "
                "does not give; use 'softmax', or binary_cross_entropy with 'sigmoid'"
            )
        if activation.name == "softmax" and outputs == 1:
            raise ArchitectureError(
                "softmax over one output is always 1; use 'sigmoid' with binary_cross_entropy, or K outputs"
            )
        if not activation.range.inside(self.domain):
            raise ArchitectureError(
                f"loss {self.name} is defined for outputs in {self.domain}, but {activation.name} gives "
                f"{activation.range}; {advice}"
            )

    def __str__(self) -> str:
        return spec_text(self.name, self.constants)


LOSSES: Registry[Loss] = Registry("loss")


def loss(spec: "str | Loss", **constants: float) -> Loss:
    """Look a loss up by name, alias or spec text, with its constants set.

    >>> loss("huber(delta=2)").constants["delta"]
    2.0
    >>> loss("mse").name
    'squared_error'
    """
    return resolve(LOSSES, spec, constants)


def default_loss(activation: Activation) -> str:
    """The loss whose link the output activation is: softmax -> cross_entropy, sigmoid -> binary_cross_entropy."""
    for name, record in LOSSES.items():
        if record.owns(activation):
            return name
    return "squared_error"


def _register(record: Loss, *aliases: str) -> Loss:
    assert record.link is None or record.link in ACTIVATIONS
    return LOSSES.add(record.name, record, aliases)


# --- the formulas -----------------------------------------------------------------------------------------------


def squared_error(a, y):
    return (a - y) * (a - y)


def squared_error_derivative(a, y):
    return constant(a, 2) * (a - y)


def half_squared_error(a, y):
    return constant(a, 0.5) * (a - y) * (a - y)


def half_squared_error_derivative(a, y):
    return a - y


def absolute_error(a, y):
    return absolute(a - y)


def absolute_error_derivative(a, y):
    return sign(a - y)


def huber(a, y, delta):
    r, half = absolute(a - y), constant(a, 0.5)
    return where(r <= delta, half * r * r, delta * (r - half * delta))


def huber_derivative(a, y, delta):
    return minimum(maximum(a - y, -delta), delta)


def quantile(a, y, tau):
    r = y - a
    return maximum(tau * r, (tau - constant(a, 1)) * r)


def quantile_derivative(a, y, tau):
    zero = constant(a, 0)
    return where(a > y, constant(a, 1) - tau, where(a < y, -tau, zero * (a - y)))


def poisson(a, y):
    return a - xlogy(y, a)


def poisson_derivative(a, y):
    zero = constant(a, 0)  # a count of 0 pulls with 1 even where a has underflowed to 0
    return constant(a, 1) - where(y == zero, zero, y / a)


def poisson_linked(z, a, y):
    return a - y * z


def difference(z, a, y):
    return a - y


def binary_cross_entropy(a, y):
    one, floor = constant(a, 1), constant(a, -100)
    return -(y * maximum(log(a), floor) + (one - y) * maximum(log1p(-a), floor))


def binary_cross_entropy_derivative(a, y):
    return (a - y) / maximum(a * (constant(a, 1) - a), constant(a, 1e-12))


def binary_cross_entropy_linked(z, a, y):
    return maximum(z, constant(z, 0)) - y * z + log1p(exp(-absolute(z)))


def cross_entropy(a, y):
    return -xlogy(y, a)


def cross_entropy_derivative(a, y):
    return where(y == constant(a, 0), -y, -y / a)


def cross_entropy_linked(z, a, y):
    s = z - row_max(z)
    return row_sum(y * (log(row_sum(exp(s))) - s))


def cross_entropy_linked_derivative(z, a, y):
    return a * row_sum(y) - y


def perceptron(a, y):
    return absolute(a - y)


def perceptron_linked(z, a, y):
    return (a - y) * z


_register(
    Loss(
        "squared_error",
        squared_error,
        squared_error_derivative,
        r"\sum_k (a_k - y_k)^2",
        r"2 (a_k - y_k)",
        "lecture 5, loss function definition",
        "normal, variance 1/2",
        link="identity",
        canonical=2.0,
    ),
    "mse",
    "mean_squared_error",
)
_register(
    Loss(
        "half_squared_error",
        half_squared_error,
        half_squared_error_derivative,
        r"\tfrac{1}{2} \sum_k (a_k - y_k)^2",
        r"a_k - y_k",
        "neural networks class 2, mean squared error of a single example",
        "normal, variance 1",
        link="identity",
        canonical=1.0,
    ),
    "half_mse",
)
_register(
    Loss(
        "absolute_error",
        absolute_error,
        absolute_error_derivative,
        r"\sum_k |a_k - y_k|",
        r"\operatorname{sign}(a_k - y_k)",
        "lecture 5, common loss functions",
        "Laplace, scale 1",
        kinks=(0.0,),
    ),
    "mae",
    "mean_absolute_error",
)
_register(
    Loss(
        "huber",
        huber,
        huber_derivative,
        r"\sum_k \tfrac{1}{2} r_k^2 \text{ if } |r_k| \le \delta \text{ else } \delta (|r_k| - \tfrac{\delta}{2})",
        r"\max(-\delta, \min(r_k, \delta)), \quad r_k = a_k - y_k",
        "Huber (1964), Robust Estimation of a Location Parameter",
        "normal in the middle, Laplace in the tails",
        constants=MappingProxyType({"delta": 1.0}),
        limits=MappingProxyType({"delta": (1e-12, 1e12)}),
    ),
)
_register(
    Loss(
        "quantile",
        quantile,
        quantile_derivative,
        r"\sum_k \max(\tau (y_k - a_k), (\tau - 1)(y_k - a_k))",
        r"1 - \tau \text{ if } a_k > y_k, \; -\tau \text{ if } a_k < y_k",
        "Koenker and Bassett (1978), Regression Quantiles",
        "asymmetric Laplace",
        constants=MappingProxyType({"tau": 0.5}),
        limits=MappingProxyType({"tau": (0.0, 1.0)}),
        kinks=(0.0,),
    ),
    "pinball",
)
_register(
    Loss(
        "poisson",
        poisson,
        poisson_derivative,
        r"\sum_k a_k - y_k \log a_k",
        r"1 - y_k / a_k",
        "McCullagh and Nelder (1989), Generalized Linear Models",
        "Poisson, without the constant log(y!)",
        link="exponential",
        linked=poisson_linked,
        linked_derivative=difference,
        linked_latex=r"e^{z_k} - y_k z_k",
        canonical=1.0,
        domain=POSITIVE,
        targets=Interval(0, 1e30),
    ),
)
_register(
    Loss(
        "binary_cross_entropy",
        binary_cross_entropy,
        binary_cross_entropy_derivative,
        r"-\sum_k \bigl( y_k \log a_k + (1 - y_k) \log(1 - a_k) \bigr)",
        r"\frac{a_k - y_k}{a_k (1 - a_k)}",
        "lecture 23, logistic regression",
        "Bernoulli, one for each output",
        link="sigmoid",
        linked=binary_cross_entropy_linked,
        linked_derivative=difference,
        linked_latex=r"\max(z_k, 0) - y_k z_k + \log(1 + e^{-|z_k|})",
        canonical=1.0,
        domain=UNIT,
        targets=UNIT,
    ),
    "bce",
    "log_loss",
    "binary_crossentropy",
)
_register(
    Loss(
        "cross_entropy",
        cross_entropy,
        cross_entropy_derivative,
        r"-\sum_k y_k \log a_k",
        r"-y_k / a_k",
        "introduction to neural networks, softmax and cross-entropy",
        "categorical",
        link="softmax",
        linked=cross_entropy_linked,
        linked_derivative=cross_entropy_linked_derivative,
        linked_latex=r"\log \sum_j e^{z_j} - \sum_k y_k z_k",
        canonical=1.0,
        domain=UNIT,
        targets=UNIT,
        simplex=True,
    ),
    "ce",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
)
_register(
    Loss(
        "perceptron",
        perceptron,
        half_squared_error_derivative,
        r"\sum_k |a_k - y_k|",
        r"a_k - y_k \text{ (the perceptron rule's error, not a derivative)}",
        "Rosenblatt (1958); lecture 5, perceptron",
        "none: the perceptron criterion",
        link="step",
        linked=perceptron_linked,
        linked_derivative=difference,
        linked_latex=r"(a_k - y_k)\, z_k",
        domain=UNIT,
        targets=UNIT,
    ),
)
