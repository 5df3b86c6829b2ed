"""The table of operations: each with its value in NumPy and its vector-Jacobian products.

A row is `rule(name, value, vjp of the first argument, vjp of the second, ...)`. A vjp takes `(g, y, *arguments)`, the
upstream gradient g = dL/dy, the result y and the arguments, and gives dL/dargument = g times the local gradient: the
chain rule at one node of the computational graph. The vjps are written with operations of this table, so that they
run on plain arrays, and on Tensors where a gradient is to be differentiated again.

`rule` also returns the function that people call: on a Tensor it is recorded, on plain numbers it gives plain numbers.
Where a derivative jumps, a choice is made: relu'(0) = 0, |x|' = 0 at 0, equal maxima share the gradient, and clip
passes it at its ends.

Source of the rules: Griewank and Walther (2008), Evaluating Derivatives, chapter 3; Giles (2008), Collected Matrix
Derivative Results, for the matrix product.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassnet.autograd.tape import RULES, Rule, Vjp
from glassnet.autograd.tensor import Tensor, apply
from glassnet.errors import AutogradError

__all__ = ["FUNCTIONS"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""The functions that people call, by name."""


def rule(
    name: str,
    value: Callable[..., Any],
    *vjps: Vjp,
    says: str,
    text: str = "",
    latex: str = "",
    each: Callable[[int], Vjp] | None = None,
) -> Callable[..., Any]:
    """Put a row into the table; returns the function for people."""
    RULES[name] = Rule(name, value, vjps, text or name, latex or rf"\operatorname{{{name}}}", says, each)
    settings = [] if isinstance(value, np.ufunc) else list(inspect.signature(value).parameters.values())[len(vjps) :]
    names = [parameter.name for parameter in settings]

    def function(*arguments: Any, **given: Any) -> Any:
        if each is None:
            count = len(vjps)
            if len(arguments) < count or len(arguments) > count + len(names):
                raise AutogradError(f"{name} takes {count} tensor{'s' * (count > 1)}, got {len(arguments)}")
            given = {**dict(zip(names, arguments[count:], strict=False)), **given}
            arguments = arguments[:count]
        recorded = any(isinstance(a, Tensor) for a in arguments)
        return apply(name, *arguments, **given) if recorded else value(*arguments, **given)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = says
    tensors = [] if each is not None else ["x"] if len(vjps) == 1 else ["a", "b"]
    function.__signature__ = inspect.Signature(  # pyright: ignore[reportFunctionMemberAccess]
        [inspect.Parameter(word, inspect.Parameter.POSITIONAL_ONLY) for word in tensors] + settings
    )
    FUNCTIONS[name] = function
    return function


# --- arithmetic -------------------------------------------------------------------------------------------------

add = rule("add", np.add, lambda g, y, a, b: g, lambda g, y, a, b: g, text="{} + {}", latex="{} + {}", says="a + b.")
subtract = rule(
    "subtract", np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g, text="{} − {}", latex="{} - {}", says="a - b."
)
multiply = rule(
    "multiply",
    np.multiply,
    lambda g, y, a, b: g * b,
    lambda g, y, a, b: g * a,
    text="{} · {}",
    latex=r"{} \cdot {}",
    says="a b, elementwise.",
)
divide = rule(
    "divide",
    np.divide,
    lambda g, y, a, b: g / b,
    lambda g, y, a, b: -g * y / b,
    text="{} / {}",
    latex=r"\frac{{{}}}{{{}}}",
    says="a / b, elementwise.",
)
negative = rule("negative", np.negative, lambda g, y, x: -g, text="−{}", latex="-{}", says="-x.")


def _power_by_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    return g * b * a ** where(b == 0, 1.0, b - 1)  # a^0 is constant, also at a = 0


rule(
    "power",
    np.power,
    _power_by_base,
    lambda g, y, a, b: g * y * log(where(a == 0, 1.0, a)),
    text="{}^{}",
    latex="{{{}}}^{{{}}}",
    says="a to the power b.",
)
power = FUNCTIONS["power"]


def _rows_and_columns(g: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """A vector on the left is a row, one on the right a column; g as the matrices that their product would be."""
    n, m = 1 if a.ndim == 1 else a.shape[-2], 1 if b.ndim == 1 else b.shape[-1]
    batch = g.shape[: g.ndim - (a.ndim > 1) - (b.ndim > 1)]
    A = reshape(a, shape=(1, a.shape[0])) if a.ndim == 1 else a
    B = reshape(b, shape=(b.shape[0], 1)) if b.ndim == 1 else b
    return reshape(g, shape=(*batch, n, m)), A, B


def _swap(x: Any) -> Any:
    return transpose(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    G, _, B = _rows_and_columns(g, a, b)
    product = matmul(G, _swap(B))
    return product if a.ndim > 1 else reshape(product, shape=(*product.shape[:-2], product.shape[-1]))


def _matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    G, A, _ = _rows_and_columns(g, a, b)
    product = matmul(_swap(A), G)
    return product if b.ndim > 1 else reshape(product, shape=product.shape[:-1])


matmul = rule(
    "matmul",
    np.matmul,
    _matmul_left,
    _matmul_right,
    text="{} @ {}",
    latex="{} {}",
    says="The matrix product a b; a vector is a row on the left and a column on the right, more axes are a batch.",
)

# --- elementwise functions --------------------------------------------------------------------------------------

absolute = rule("absolute", np.abs, lambda g, y, x: g * np.sign(_plain(x)), text="|{}|", latex="|{}|", says="|x|.")
exp = rule("exp", np.exp, lambda g, y, x: g * y, latex=r"\exp", says="e^x.")
expm1 = rule("expm1", np.expm1, lambda g, y, x: g * (y + 1), says="e^x - 1, exact near 0.")
log = rule("log", np.log, lambda g, y, x: g / x, latex=r"\log", says="Natural logarithm.")
log1p = rule("log1p", np.log1p, lambda g, y, x: g / (1 + x), says="log(1 + x), exact near 0.")
sqrt = rule("sqrt", np.sqrt, lambda g, y, x: g / (2 * y), text="√{}", latex=r"\sqrt{{{}}}", says="Square root.")
square = rule("square", np.square, lambda g, y, x: g * 2 * x, text="{}²", latex="{}^2", says="x^2.")
sin = rule("sin", np.sin, lambda g, y, x: g * cos(x), latex=r"\sin", says="Sine, x in radians.")
cos = rule("cos", np.cos, lambda g, y, x: -g * sin(x), latex=r"\cos", says="Cosine, x in radians.")
tan = rule("tan", np.tan, lambda g, y, x: g * (1 + y * y), latex=r"\tan", says="Tangent, x in radians.")
arctan = rule("arctan", np.arctan, lambda g, y, x: g / (1 + x * x), latex=r"\arctan", says="Inverse tangent.")
sinh = rule("sinh", np.sinh, lambda g, y, x: g * cosh(x), latex=r"\sinh", says="Hyperbolic sine.")
cosh = rule("cosh", np.cosh, lambda g, y, x: g * sinh(x), latex=r"\cosh", says="Hyperbolic cosine.")
tanh = rule("tanh", np.tanh, lambda g, y, x: g * (1 - y * y), latex=r"\tanh", says="Hyperbolic tangent.")


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0, 1, e) / (1 + e)


def _erf(x: Any) -> Any:
    x = np.asarray(x)
    return np.array([math.erf(v) for v in x.ravel().tolist()], x.dtype if x.dtype.kind == "f" else None).reshape(
        x.shape
    )


sigmoid = rule("sigmoid", _sigmoid, lambda g, y, x: g * y * (1 - y), text="σ", latex=r"\sigma", says="1 / (1 + e^-x).")
softplus = rule(
    "softplus",
    lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    lambda g, y, x: g * sigmoid(x),
    says="log(1 + e^x).",
)
relu = rule(
    "relu", lambda x: np.maximum(x, 0), lambda g, y, x: where(x > 0, g, 0.0), says="max(0, x); its slope at 0 is 0."
)
erf = rule(
    "erf",
    _erf,  # of Python's math module: SciPy's serves the formulas that this one is to check
    lambda g, y, x: g * (2 / math.sqrt(math.pi)) * exp(-x * x),
    says="Error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x.",
)

# --- choices ----------------------------------------------------------------------------------------------------


def _share(g: Any, a: Any, b: Any) -> Any:
    """What the larger of two receives: all, or half where they are equal."""
    return g * ((a > b) + 0.5 * (a == b))


maximum = rule(
    "maximum",
    np.maximum,
    lambda g, y, a, b: _share(g, a, b),
    lambda g, y, a, b: _share(g, b, a),
    text="max",
    latex=r"\max",
    says="The larger of two; equal ones share the gradient.",
)
minimum = rule(
    "minimum",
    np.minimum,
    lambda g, y, a, b: _share(g, b, a),
    lambda g, y, a, b: _share(g, a, b),
    text="min",
    latex=r"\min",
    says="The smaller of two; equal ones share the gradient.",
)
clip = rule(
    "clip",
    lambda x, low=None, high=None: np.clip(x, low, high),
    lambda g, y, x, low=None, high=None: g * (_plain(x) == _plain(y)),
    says="The values, moved into [low, high].",
)
rule(
    "where",
    lambda a, b, condition: np.where(condition, a, b),
    lambda g, y, a, b, condition: where(condition, g, 0.0),
    lambda g, y, a, b, condition: where(condition, 0.0, g),
    says="a where the condition holds, else b.",
)


def where(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition holds, else b.

    Both are computed everywhere, and 0 times an infinite slope is NaN: write `log(where(x > 0, x, 1))`, not
    `where(x > 0, log(x), 0)`.
    """
    chosen = np.array(_plain(condition), bool)
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return apply("where", a, b, condition=chosen)
    return np.where(chosen, a, b)


FUNCTIONS["where"] = where

# --- sums and other reductions ----------------------------------------------------------------------------------


def _plain(x: Any) -> Any:
    return x.value if isinstance(x, Tensor) else x


def _kept(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """A reduced array with its axes put back as axes of length 1."""
    if keepdims or axis is None:
        return g if keepdims else reshape(g, shape=(1,) * x.ndim)
    reduced = {a % x.ndim for a in ((axis,) if np.ndim(axis) == 0 else axis)}
    return reshape(g, shape=tuple(1 if i in reduced else n for i, n in enumerate(x.shape)))


def _count(x: Any, y: Any) -> float:
    return x.size / max(y.size, 1)


def _extreme(g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    best = _plain(x) == _plain(_kept(y, x, axis, keepdims))
    return _kept(g, x, axis, keepdims) * (best / best.sum(axis=axis, keepdims=True))


def _logsumexp(x: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    top = np.max(x, axis=axis, keepdims=True)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=axis)


def _softmax(x: Any, axis: Any = -1) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


sum_ = rule(
    "sum",
    lambda x, axis=None, keepdims=False: np.sum(x, axis=axis, keepdims=keepdims),
    lambda g, y, x, axis=None, keepdims=False: _kept(g, x, axis, keepdims),
    latex=r"\sum",
    says="Sum over the axes, by default all.",
)
mean = rule(
    "mean",
    lambda x, axis=None, keepdims=False: np.mean(x, axis=axis, keepdims=keepdims),
    lambda g, y, x, axis=None, keepdims=False: _kept(g, x, axis, keepdims) / _count(x, y),
    says="Mean over the axes, by default all.",
)
max_ = rule(
    "max",
    lambda x, axis=None, keepdims=False: np.max(x, axis=axis, keepdims=keepdims),
    _extreme,
    latex=r"\max",
    says="Largest entry along the axes, by default all; equal ones share the gradient.",
)
min_ = rule(
    "min",
    lambda x, axis=None, keepdims=False: np.min(x, axis=axis, keepdims=keepdims),
    _extreme,
    latex=r"\min",
    says="Smallest entry along the axes, by default all; equal ones share the gradient.",
)
logsumexp = rule(
    "logsumexp",
    _logsumexp,
    lambda g, y, x, axis=-1, keepdims=False: _kept(g, x, axis, keepdims) * softmax(x, axis=axis),
    says="log of the sum of e^x along an axis, by default the last.",
)
softmax = rule(
    "softmax",
    _softmax,
    lambda g, y, x, axis=-1: y * (g - sum_(g * y, axis=axis, keepdims=True)),
    says="e^x over its sum along an axis, by default the last.",
)
log_softmax = rule(
    "log_softmax",
    lambda x, axis=-1: x - _logsumexp(x, axis, True),
    lambda g, y, x, axis=-1: g - exp(y) * sum_(g, axis=axis, keepdims=True),
    says="log of softmax, exact where softmax rounds to 0.",
)

# --- shape ------------------------------------------------------------------------------------------------------

reshape = rule(
    "reshape",
    lambda x, shape: np.reshape(x, shape),  # noqa: PLW0108  the names of its settings are read
    lambda g, y, x, shape: reshape(g, shape=x.shape),
    says="The same numbers in another shape.",
)
transpose = rule(
    "transpose",
    lambda x, axes=None: np.transpose(x, axes),
    lambda g, y, x, axes=None: transpose(
        g, axes=None if axes is None else tuple(np.argsort([a % x.ndim for a in axes]).tolist())
    ),
    text="{}ᵀ",
    latex="{}^T",
    says="The axes in the given order, by default reversed.",
)
broadcast_to = rule(
    "broadcast_to",
    lambda x, shape: np.broadcast_to(x, shape),  # noqa: PLW0108
    lambda g, y, x, shape: g,
    says="The same numbers, repeated to a larger shape.",
)
astype = rule(
    "astype",
    lambda x, dtype: np.asarray(x).astype(dtype),
    lambda g, y, x, dtype: g,
    says="The same numbers in another floating point type.",
)


def _scatter(x: Any, index: Any, shape: tuple[int, ...]) -> np.ndarray:
    out = np.zeros(shape, np.asarray(x).dtype)
    np.add.at(out, index, x)
    return out


take = rule(
    "index",
    lambda x, index: x[index],
    lambda g, y, x, index: _put(g, index=index, shape=x.shape),
    text="{}[…]",
    latex=r"{}[\dots]",
    says="x[index], as in NumPy.",
)
_put = rule(
    "scatter",
    _scatter,
    lambda g, y, x, index, shape: take(g, index=index),
    says="Zeros of a shape with x added at an index: the counterpart of indexing.",
)


def _concatenate_vjp(position: int) -> Vjp:
    def vjp(g: Any, y: Any, *parts: Any, axis: int = 0) -> Any:
        start = sum(np.shape(_plain(p))[axis] for p in parts[:position])
        cut = [slice(None)] * g.ndim
        cut[axis] = slice(start, start + parts[position].shape[axis])
        return take(g, index=tuple(cut))

    return vjp


rule(
    "concatenate", lambda *parts, axis=0: np.concatenate(parts, axis), each=_concatenate_vjp, says="Join along an axis."
)


def concatenate(tensors: Sequence[Any], axis: int = 0) -> Any:
    """Join along an axis that they have."""
    return apply("concatenate", *tensors, axis=axis)


def stack(tensors: Sequence[Any], axis: int = 0) -> Any:
    """Join along a new axis."""
    shapes = {np.shape(_plain(t)) for t in tensors}
    if len(shapes) != 1:
        raise AutogradError(f"stack joins tensors of one shape, got {', '.join(map(str, sorted(shapes))) or 'none'}")
    shape = list(shapes.pop())
    place = axis % (len(shape) + 1)
    return concatenate([reshape(t, shape=(*shape[:place], 1, *shape[place:])) for t in tensors], axis)


def dot(a: Any, b: Any) -> Any:
    """The matrix or inner product; with a number, the multiple."""
    return matmul(a, b) if np.ndim(_plain(a)) and np.ndim(_plain(b)) else multiply(a, b)


FUNCTIONS.update(concatenate=concatenate, stack=stack, dot=dot)
for _inner in ("index", "scatter"):
    del FUNCTIONS[_inner]
