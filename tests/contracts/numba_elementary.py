"""What each elementary name means to Numba: for one number by libm, for one row by a loop.

The proof that records compile needs no more; an engine will bring SIMD versions of its own.
"""

import math
from types import FunctionType

import numpy as np
from numba import types
from numba.extending import overload

from glassnet.formulas import elementary

JIT = {"error_model": "numpy"}


def _row(function, numpy_function):
    overload(function, jit_options=JIT)(lambda z: lambda z: numpy_function(z))


@overload(elementary.constant, jit_options=JIT)
def _constant(z, value):
    dtype = z.dtype if isinstance(z, types.Array) else z
    return lambda z, value: dtype(value)


@overload(elementary.where, jit_options=JIT)
def _where(condition, a, b):
    assert a == b, f"where({a}, {b}): both choices must have one dtype"
    return lambda condition, a, b: a if condition else b


@overload(elementary.maximum, jit_options=JIT)
def _maximum(a, b):
    assert a == b, f"maximum({a}, {b}): both must have one dtype"
    return lambda a, b: a if (a >= b or a != a) else b


@overload(elementary.minimum, jit_options=JIT)
def _minimum(a, b):
    assert a == b, f"minimum({a}, {b}): both must have one dtype"
    return lambda a, b: a if (a <= b or a != a) else b


@overload(elementary.xlogy, jit_options=JIT)
def _xlogy(x, y):
    if isinstance(x, types.Array):
        return lambda x, y: np.where(x == 0, x, x * np.log(y))
    zero = x(0)
    return lambda x, y: zero if (x == zero and y == y) else x * np.log(y)


def _elementwise(function, numpy_function):
    overload(function, jit_options=JIT)(lambda x: lambda x: numpy_function(x))


for _function, _numpy in (
    (elementary.exp, np.exp),
    (elementary.expm1, np.expm1),
    (elementary.log, np.log),
    (elementary.log1p, np.log1p),
    (elementary.sqrt, np.sqrt),
    (elementary.tanh, np.tanh),
    (elementary.absolute, np.absolute),
    (elementary.sign, np.sign),
):
    _elementwise(_function, _numpy)

_row(elementary.row_max, np.max)
_row(elementary.row_sum, np.sum)


@overload(elementary.erf, jit_options=JIT)
def _erf(x):
    return lambda x: math.erf(x)


_known = set()


def know_helpers(function):
    """Let Numba call the plain functions of `formulas` that this one calls, such as softplus inside mish."""
    for name in function.__code__.co_names:
        helper = function.__globals__.get(name)
        ours = isinstance(helper, FunctionType) and helper.__module__.startswith("glassnet.formulas.")
        if ours and helper not in _known and not helper.__module__.endswith(".elementary"):
            _known.add(helper)
            know_helpers(helper)
            overload(helper, strict=False, jit_options=JIT)(lambda *arguments, _helper=helper: _helper)
