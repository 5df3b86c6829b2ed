"""Loss functions: one record each, the derivative beside the value.

A loss compares outputs `a` (n, K) with targets `y` (n, K) and sums over the K outputs of an example; examples
are then weighted and added up (`reduction="mean"` or `"sum"`). A loss owns its *link*: with that activation in
the output layer both the value and delta = dL/dz come from the pre-activation z, which is exact where
probabilities have long rounded to 0 or 1, and delta is simply `canonical` times (a - y).
"""

# pyright: reportMissingParameterType=false

from types import MappingProxyType

from glassnet.formulas.activations import ACTIVATIONS
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
from glassnet.formulas.ranges import POSITIVE, UNIT, Interval
from glassnet.formulas.records import Activation, Loss
from glassnet.formulas.registry import Registry, resolve

__all__ = ["LOSSES", "Loss", "loss"]


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


# --- the formulas, each with its record ---


def squared_error(a, y):
    return (a - y) * (a - y)


def squared_error_derivative(a, y):
    return constant(a, 2) * (a - y)


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


def half_squared_error(a, y):
    return constant(a, 0.5) * (a - y) * (a - y)


def half_squared_error_derivative(a, y):
    return a - y


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


def absolute_error(a, y):
    return absolute(a - y)


def absolute_error_derivative(a, y):
    return sign(a - y)


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


def huber(a, y, delta):
    r, half = absolute(a - y), constant(a, 0.5)
    return where(r <= delta, half * r * r, delta * (r - half * delta))


def huber_derivative(a, y, delta):
    return minimum(maximum(a - y, -delta), delta)


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


def quantile(a, y, tau):
    r = y - a
    return maximum(tau * r, (tau - constant(a, 1)) * r)


def quantile_derivative(a, y, tau):
    zero = constant(a, 0)
    return where(a > y, constant(a, 1) - tau, where(a < y, -tau, zero * (a - y)))


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


def poisson(a, y):
    return a - xlogy(y, a)


def poisson_derivative(a, y):
    zero = constant(a, 0)  # a count of 0 pulls with 1 even where a has underflowed to 0
    return constant(a, 1) - where(y == zero, zero, y / a)


def poisson_linked(z, a, y):
    return a - y * z


def difference(z, a, y):
    return a - y


_register(
    Loss(
        "poisson",
        poisson,
        poisson_derivative,
        r"\sum_k (a_k - y_k \log a_k)",
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


def binary_cross_entropy(a, y):
    one, floor = constant(a, 1), constant(a, -100)
    return -(y * maximum(log(a), floor) + (one - y) * maximum(log1p(-a), floor))


def binary_cross_entropy_derivative(a, y):
    return (a - y) / maximum(a * (constant(a, 1) - a), constant(a, 1e-12))


def binary_cross_entropy_linked(z, a, y):
    return maximum(z, constant(z, 0)) - y * z + log1p(exp(-absolute(z)))


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


def cross_entropy(a, y):
    return -xlogy(y, a)


def cross_entropy_derivative(a, y):
    return where(y == constant(a, 0), -y, -y / a)


def cross_entropy_linked(z, a, y):
    s = z - row_max(z)
    return row_sum(y * (log(row_sum(exp(s))) - s))


def cross_entropy_linked_derivative(z, a, y):
    return a * row_sum(y) - y


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


def perceptron(a, y):
    return absolute(a - y)


def perceptron_linked(z, a, y):
    return (a - y) * z


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
