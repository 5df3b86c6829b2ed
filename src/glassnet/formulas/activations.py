"""Activation functions: one record each, the derivative beside the value.

Elementwise records hold `function(z, *constants)` and `derivative(z, a, *constants)` with a = function(z);
the one rowwise record, softmax, holds `function(z)` and `vjp(z, a, da)`, the product of da with its Jacobian.
"""

# pyright: reportMissingParameterType=false

from types import MappingProxyType

from glassnet.formulas.elementary import (
    absolute,
    constant,
    erf,
    exp,
    expm1,
    log1p,
    maximum,
    minimum,
    row_max,
    row_sum,
    tanh,
    where,
)
from glassnet.formulas.ranges import POSITIVE, Interval
from glassnet.formulas.records import Activation
from glassnet.formulas.registry import Registry, resolve

__all__ = ["ACTIVATIONS", "Activation", "activation"]

_INF = float("inf")


ACTIVATIONS: Registry[Activation] = Registry("activation")


def activation(spec: "str | Activation", **constants: float) -> Activation:
    """Look an activation up by name, alias or spec text, with its constants set.

    >>> activation("leaky_relu", alpha=0.2) == activation("leaky_relu(alpha=0.2)")
    True
    >>> activation("silu").name
    'swish'
    """
    return resolve(ACTIVATIONS, spec, constants)


def _register(record: Activation, *aliases: str) -> Activation:
    return ACTIVATIONS.add(record.name, record, aliases)


# --- the formulas, each with its record ---


def step(z):
    zero, one = constant(z, 0), constant(z, 1)
    return where(z >= zero, one, where(z < zero, zero, z))  # the inner choice lets a NaN through


_register(
    Activation(
        "step",
        step,
        None,
        r"g(z) = 1 \text{ if } z \ge 0 \text{ else } 0",
        r"g'(z) = 0 \text{ for } z \ne 0, \text{ undefined at } 0",
        "Rosenblatt (1958); lecture 5, perceptron example",
        range=Interval(0, 1),
        kinks=(0.0,),
    ),
    "heaviside",
    "threshold",
)


def identity(z):
    return z


def identity_derivative(z, a):
    return where(z == z, constant(z, 1), z)  # an array of ones; NaN stays NaN


_register(
    Activation(
        "identity",
        identity,
        identity_derivative,
        r"g(z) = z",
        r"g'(z) = 1",
        "lecture 5, output layer of a regression",
    ),
    "linear",
    "none",
)


def sigmoid(z):
    one = constant(z, 1)
    return one / (one + exp(-z))


def sigmoid_derivative(z, a):
    return a * (constant(z, 1) - a)


_register(
    Activation(
        "sigmoid",
        sigmoid,
        sigmoid_derivative,
        r"\sigma(z) = \frac{1}{1 + e^{-z}}",
        r"\sigma'(z) = \sigma(z)\,(1 - \sigma(z))",
        "lecture 23, logistic regression",
        range=Interval(0, 1, open=True),
        by_output=True,
    ),
    "logistic",
)


def hyperbolic_tangent(z):
    return tanh(z)


def tanh_derivative(z, a):
    return constant(z, 1) - a * a


_register(
    Activation(
        "tanh",
        hyperbolic_tangent,
        tanh_derivative,
        r"\tanh(z) = \frac{e^{z} - e^{-z}}{e^{z} + e^{-z}}",
        r"\tanh'(z) = 1 - \tanh^2(z)",
        "LeCun et al. (1998), Efficient BackProp",
        range=Interval(-1, 1, open=True),
        by_output=True,
    ),
)


def relu(z):
    return maximum(z, constant(z, 0))


def relu_derivative(z, a):
    return where(z > constant(z, 0), constant(z, 1), constant(z, 0))


_register(
    Activation(
        "relu",
        relu,
        relu_derivative,
        r"g(z) = \max(0, z)",
        r"g'(z) = 1 \text{ if } z > 0 \text{ else } 0",
        "Nair and Hinton (2010), ICML",
        range=Interval(0, _INF),
        initializer="he_normal",
        kinks=(0.0,),
        by_output=True,
    ),
    "rectifier",
)


def leaky_relu(z, alpha):
    return where(z > constant(z, 0), z, alpha * z)


def leaky_relu_derivative(z, a, alpha):
    return where(z > constant(z, 0), constant(z, 1), alpha)


_register(
    Activation(
        "leaky_relu",
        leaky_relu,
        leaky_relu_derivative,
        r"g(z) = z \text{ if } z > 0 \text{ else } \alpha z",
        r"g'(z) = 1 \text{ if } z > 0 \text{ else } \alpha",
        "Maas, Hannun and Ng (2013), ICML",
        initializer="he_normal",
        constants=MappingProxyType({"alpha": 0.01}),
        kinks=(0.0,),
    ),
    "leaky",
    "lrelu",
)


def elu(z, alpha):
    zero = constant(z, 0)
    return where(z > zero, z, alpha * expm1(minimum(z, zero)))


def elu_derivative(z, a, alpha):
    return where(z > constant(z, 0), constant(z, 1), a + alpha)


_register(
    Activation(
        "elu",
        elu,
        elu_derivative,
        r"g(z) = z \text{ if } z > 0 \text{ else } \alpha (e^{z} - 1)",
        r"g'(z) = 1 \text{ if } z > 0 \text{ else } g(z) + \alpha",
        "Clevert, Unterthiner and Hochreiter (2015)",
        initializer="he_normal",
        constants=MappingProxyType({"alpha": 1.0}),
        kinks=(0.0,),
    ),
)


def selu(z, alpha, scale):
    return scale * elu(z, alpha)


def selu_derivative(z, a, alpha, scale):
    return where(z > constant(z, 0), scale, a + scale * alpha)


_register(
    Activation(
        "selu",
        selu,
        selu_derivative,
        r"g(z) = \lambda z \text{ if } z > 0 \text{ else } \lambda \alpha (e^{z} - 1)",
        r"g'(z) = \lambda \text{ if } z > 0 \text{ else } g(z) + \lambda \alpha",
        "Klambauer et al. (2017), Self-Normalizing Neural Networks",
        initializer="lecun_normal",
        constants=MappingProxyType({"alpha": 1.6732632423543772, "scale": 1.0507009873554805}),
        kinks=(0.0,),
    ),
)


def softplus(z):
    return maximum(z, constant(z, 0)) + log1p(exp(-absolute(z)))


def softplus_derivative(z, a):
    return sigmoid(z)


_register(
    Activation(
        "softplus",
        softplus,
        softplus_derivative,
        r"g(z) = \log(1 + e^{z})",
        r"g'(z) = \sigma(z)",
        "Dugas et al. (2001)",
        range=POSITIVE,
        initializer="he_normal",
    ),
)


def swish(z):
    return z * sigmoid(z)


def swish_derivative(z, a):
    s = sigmoid(z)
    return s + a * (constant(z, 1) - s)


_register(
    Activation(
        "swish",
        swish,
        swish_derivative,
        r"g(z) = z\,\sigma(z)",
        r"g'(z) = \sigma(z) + g(z)\,(1 - \sigma(z))",
        "Elfwing, Uchibe and Doya (2018); Ramachandran, Zoph and Le (2017)",
        initializer="he_normal",
    ),
    "silu",
)


def gelu(z):
    half, root_half = constant(z, 0.5), constant(z, 0.7071067811865476)
    return z * half * (constant(z, 1) + erf(z * root_half))


def gelu_derivative(z, a):
    half, root_half = constant(z, 0.5), constant(z, 0.7071067811865476)
    density = constant(z, 0.3989422804014327) * exp(-half * z * z)
    return half * (constant(z, 1) + erf(z * root_half)) + z * density


_register(
    Activation(
        "gelu",
        gelu,
        gelu_derivative,
        r"g(z) = z\,\Phi(z) = \tfrac{z}{2}\bigl(1 + \operatorname{erf}(z / \sqrt{2})\bigr)",
        r"g'(z) = \Phi(z) + z\,\varphi(z)",
        "Hendrycks and Gimpel (2016)",
        initializer="he_normal",
    ),
)


def mish(z):
    return z * tanh(softplus(z))


def mish_derivative(z, a):
    t = tanh(softplus(z))
    return t + z * (constant(z, 1) - t * t) * sigmoid(z)


_register(
    Activation(
        "mish",
        mish,
        mish_derivative,
        r"g(z) = z \tanh(\log(1 + e^{z}))",
        r"g'(z) = t + z\,(1 - t^2)\,\sigma(z), \quad t = \tanh(\log(1 + e^{z}))",
        "Misra (2019)",
        initializer="he_normal",
    ),
)


def exponential(z):
    return exp(z)


def exponential_derivative(z, a):
    return a


_register(
    Activation(
        "exponential",
        exponential,
        exponential_derivative,
        r"g(z) = e^{z}",
        r"g'(z) = g(z)",
        "McCullagh and Nelder (1989), the log link of Poisson regression",
        range=POSITIVE,
        by_output=True,
    ),
    "exp",
)


def softmax(z):
    e = exp(z - row_max(z))
    return e / row_sum(e)


def softmax_vjp(z, a, da):
    return a * (da - row_sum(da * a))


_register(
    Activation(
        "softmax",
        softmax,
        None,
        r"a_k = \frac{e^{z_k}}{\sum_j e^{z_j}}",
        r"\frac{\partial a_k}{\partial z_j} = a_k (\delta_{kj} - a_j)",
        "Bridle (1990); lecture 5, output layer of a classification",
        range=Interval(0, 1, open=True),
        vjp=softmax_vjp,
    ),
)
