"""The elementary functions that every formula is written with.

A record's function is plain Python on these names. NumPy evaluates it on whole arrays; Numba compiles the very
same function for one element (`tests/contracts/test_records_compile.py` proves it for each record, value and
dtype). Three habits make that possible:

* numbers enter through `constant(z, 0.01)`, which has the dtype of `z`: a bare literal is weak in NumPy and wide
  in Numba (`1 + float32` is float64 there);
* a choice is `where(condition, a, b)`, not `if`;
* functions of a row use `row_max` and `row_sum`, which keep the axis that they reduce.
"""

# pyright: reportMissingParameterType=false

import numpy as np

__all__ = [
    "absolute",
    "constant",
    "erf",
    "exp",
    "expm1",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "row_max",
    "row_sum",
    "sign",
    "sqrt",
    "tanh",
    "where",
    "xlogy",
]


def constant(z, value):
    """Return `value` in the dtype of `z`."""
    return getattr(z, "dtype", np.dtype(np.float64)).type(value)


def where(condition, a, b):
    """Return a where the condition holds, else b; a and b have one dtype."""
    return np.where(condition, a, b)[()]


def exp(x):
    """e^x."""
    return np.exp(x)


def expm1(x):
    """e^x - 1, exact near 0."""
    return np.expm1(x)


def log(x):
    """Natural logarithm."""
    return np.log(x)


def log1p(x):
    """log(1 + x), exact near 0."""
    return np.log1p(x)


def sqrt(x):
    """Square root."""
    return np.sqrt(x)


def tanh(x):
    """Hyperbolic tangent."""
    return np.tanh(x)


def erf(x):
    """Error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    from scipy.special import erf as of_scipy  # loading it costs more than an epoch of a small network

    return of_scipy(x)


def absolute(x):
    """|x|."""
    return np.absolute(x)


def sign(x):
    """-1, 0 or 1; NaN stays NaN."""
    return np.sign(x)


def maximum(a, b):
    """The larger of two; NaN wins."""
    return np.maximum(a, b)


def minimum(a, b):
    """The smaller of two; NaN wins."""
    return np.minimum(a, b)


def xlogy(x, y):
    """x log(y), and 0 where x = 0 whatever y is."""
    from scipy.special import xlogy as of_scipy

    return of_scipy(x, y)


def row_max(z):
    """Largest entry of each row: (n, K) -> (n, 1)."""
    return np.max(z, axis=-1, keepdims=True)


def row_sum(z):
    """Sum of each row: (n, K) -> (n, 1)."""
    return np.sum(z, axis=-1, keepdims=True)
