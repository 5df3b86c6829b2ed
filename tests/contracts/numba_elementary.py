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


@overload(elementary.constant, jit_options=JIT)
def _constant(z, value):
    if not isinstance(z, types.Array | types.Float):
        return None
    dtype = z.dtype if isinstance(z, types.Array) else z
    return lambda z, value: dtype(value)


@overload(elementary.where, jit_options=JIT)
def _where(condition, a, b):
    if not isinstance(a, types.Array | types.Float):
        return None
    assert a == b, f"where({a}, {b}): both choices must have one dtype"
    return lambda condition, a, b: a if condition else b


@overload(elementary.maximum, jit_options=JIT)
def _maximum(a, b):
    if not isinstance(a, types.Array | types.Float):
        return None
    assert a == b, f"maximum({a}, {b}): both must have one dtype"
    return lambda a, b: a if (a >= b or a != a) else b


@overload(elementary.minimum, jit_options=JIT)
def _minimum(a, b):
    if not isinstance(a, types.Array | types.Float):
        return None
    assert a == b, f"minimum({a}, {b}): both must have one dtype"
    return lambda a, b: a if (a <= b or a != a) else b


@overload(elementary.xlogy, jit_options=JIT)
def _xlogy(x, y):
    if not isinstance(x, types.Array | types.Float):
        return None  # vectors of the compiled engine, which has its own
    if isinstance(x, types.Array):
        return lambda x, y: np.where(x == 0, x, x * np.log(y))
    zero = x(0)
    return lambda x, y: zero if (x == zero and y == y) else x * np.log(y)


def _same(function, numpy_function):
    """Numba's own version of a NumPy function stands for the elementary one."""

    def choose(x):
        if not isinstance(x, types.Array | types.Float):
            return None

        def apply(x):
            return numpy_function(x)

        return apply

    overload(function, strict=False, jit_options=JIT)(choose)


for _function, _numpy in (
    (elementary.exp, np.exp),
    (elementary.expm1, np.expm1),
    (elementary.log, np.log),
    (elementary.log1p, np.log1p),
    (elementary.sqrt, np.sqrt),
    (elementary.tanh, np.tanh),
    (elementary.absolute, np.absolute),
    (elementary.sign, np.sign),
    (elementary.erf, math.erf),
    (elementary.row_max, np.max),
    (elementary.row_sum, np.sum),
):
    _same(_function, _numpy)


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
