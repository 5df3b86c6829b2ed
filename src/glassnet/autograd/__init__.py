"""Automatic differentiation: a Tensor remembers how it was computed, and the chain rule walks back through it.

    forward    y = f(a, b)              each operation computes its value and keeps its arguments
    backward   dL/da = dL/dy * dy/da    upstream gradient times local gradient, added up where a is used several times

It shares no formula with the rest of glassnet, so that it can check them.

>>> from glassnet.autograd import Tensor, sin
>>> x = Tensor(2.0, requires_grad=True)
>>> sin(x**2).backward()
>>> round(float(x.grad), 3)
-2.615
"""

from glassnet.autograd import rules as _rules
from glassnet.autograd.expression import Expressions, expressions
from glassnet.autograd.formula import latex
from glassnet.autograd.functional import grad, gradient, value_and_gradient
from glassnet.autograd.graphs import Graph, graph
from glassnet.autograd.rules import (
    arctan,
    broadcast_to,
    clip,
    concatenate,
    cos,
    cosh,
    dot,
    erf,
    exp,
    expm1,
    log,
    log1p,
    log_softmax,
    logsumexp,
    matmul,
    maximum,
    mean,
    minimum,
    relu,
    reshape,
    sigmoid,
    sin,
    sinh,
    softmax,
    softplus,
    sqrt,
    square,
    stack,
    tan,
    tanh,
    transpose,
    where,
)
from glassnet.autograd.tape import RULES, enable_grad, no_grad
from glassnet.autograd.tensor import Tensor

# NumPy's names, which are Python's too
abs = _rules.absolute  # noqa: A001
max = _rules.max_  # noqa: A001
min = _rules.min_  # noqa: A001
sum = _rules.sum_  # noqa: A001

__all__ = [
    "RULES",
    "Expressions",
    "Graph",
    "Tensor",
    "abs",
    "arctan",
    "broadcast_to",
    "clip",
    "concatenate",
    "cos",
    "cosh",
    "dot",
    "enable_grad",
    "erf",
    "exp",
    "expm1",
    "expressions",
    "grad",
    "gradient",
    "graph",
    "latex",
    "log",
    "log1p",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "no_grad",
    "relu",
    "reshape",
    "sigmoid",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "stack",
    "sum",
    "tan",
    "tanh",
    "transpose",
    "value_and_gradient",
    "where",
]
