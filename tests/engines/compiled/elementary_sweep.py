"""The elementary functions on Lanes over all exponents, in units in the last place of the exact value.

As a program it sweeps coarsely for the processor that NUMBA_CPU_NAME names, and prints what is wrong, if anything.
"""

import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from scipy import special

from glassnet.engines.compiled import machine_code, stages
from glassnet.engines.compiled.coefficients import TABLES
from glassnet.engines.compiled.load_store import loader, store
from glassnet.engines.compiled.pointers import pointer_to
from glassnet.formulas import elementary
from tolerances import ELEMENTARY_ULP

STAGE = "test_elementary"
DTYPES = (np.float32, np.float64)
ONE = ("absolute", "erf", "exp", "expm1", "log", "log1p", "sign", "sqrt", "tanh")
TWO = ("maximum", "minimum", "xlogy")
EXACT = ("absolute", "maximum", "minimum", "sign")
WIDE = np.finfo(np.longdouble).nmant >= 63  # elsewhere (MSVC, Apple silicon) the truth for float64 is float64 itself
EXTRA = {np.float32: 0, np.float64: 0 if WIDE else 2}  # ulp for an inexact truth
NUMBA_TYPES = {str(dtype): dtype for dtype in TABLES}


def stage(name: str, dtype: str, function: Callable | None = None) -> Callable:
    """The stage (address of the result, addresses of the arguments; their length): result = name(arguments)."""
    function, element = function or getattr(elementary, name), NUMBA_TYPES[dtype]
    count = machine_code.vector_bytes() * 8 // element.bitwidth
    at, load = pointer_to(element), loader(element, count)

    def one(places, length):
        result, x, n = at(places[0]), at(places[1]), length[0]
        for i in range(0, n, count):
            store(result, i, n, function(load(x, i, n)))

    def two(places, length):
        result, x, y, n = at(places[0]), at(places[1]), at(places[2]), length[0]
        for i in range(0, n, count):
            store(result, i, n, function(load(x, i, n), load(y, i, n)))

    return two if name in TWO else one


def compiled(name: str, *arguments: np.ndarray, key: str = STAGE) -> np.ndarray:
    """The function's values by machine code."""
    result = np.empty_like(arguments[0])
    places = np.array([a.ctypes.data for a in (result, *arguments)])
    length = np.array([result.size])
    machine_code.function(key, name, str(result.dtype))(places.ctypes.data, length.ctypes.data)
    return result


def _erf(x: np.ndarray) -> np.ndarray:
    """erf x = 2/sqrt(pi) e^(-x^2) (x + 2 x^3 / 3 + 4 x^5 / 15 + ...): all terms have one sign, so none is lost."""
    a = np.minimum(np.abs(x), 7)
    term = total = a
    for k in range(3, 400, 2):
        term = term * (2 * a * a / k)
        total = total + term
    near = total * np.exp(-a * a) * 2 / np.sqrt(4 * np.arctan(np.longdouble(1)))
    return np.copysign(np.where(a < 7, near, a / 7), x)


def truth(name: str, *arguments: np.ndarray) -> np.ndarray:
    """The exact values, in a type with at least 11 digits more (where the system has one)."""
    wide = np.float64 if arguments[0].dtype == np.float32 else np.longdouble
    x, *y = (a.astype(wide) for a in arguments)
    if name == "erf":
        return _erf(x) if wide is np.longdouble and WIDE else special.erf(x.astype(np.float64))
    if name == "xlogy":
        return np.where((x == 0) & ~np.isnan(y[0]), 0, x * np.log(y[0]))
    return getattr(np, name)(x, *y)


def errors(actual: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Distance in ulp of the exact value; infinity counts as the number after the largest, only NaN equals NaN."""
    form = np.finfo(actual.dtype)
    beyond = np.minimum(np.ldexp(exact.dtype.type(1), form.maxexp), np.finfo(exact.dtype).max)
    exact, value = np.clip(exact, -beyond, beyond), np.clip(actual.astype(exact.dtype), -beyond, beyond)
    exponent = np.frexp(np.where(np.isnan(exact), 1, exact))[1] - 1
    ulp = np.ldexp(exact.dtype.type(1), np.maximum(exponent, form.minexp) - form.nmant)
    distance = np.abs(value - exact) / ulp
    return np.where(np.isnan(distance), np.where(np.isnan(actual) & np.isnan(exact), 0, np.inf), distance)


def sweep(dtype: type, step: int) -> np.ndarray:
    """Every `step`-th bit pattern of float32, or as many random ones of float64, and the ranges where much happens."""
    rng = np.random.default_rng(5)
    size = 2**32 // step
    if dtype is np.float32:
        patterns = np.arange(0, 2**32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)
    else:
        patterns = rng.integers(0, 2**64, size, dtype=np.uint64).view(np.float64)
    dense = [rng.uniform(-most, most, size // 8).astype(dtype) for most in (0.5, 1.5, 8, 100, 750)]
    return np.concatenate([patterns, *dense])


def worst(name: str, dtype: type, step: int, key: str = STAGE) -> tuple[float, str]:
    """The largest error of a sweep, and where."""
    x = sweep(dtype, step)
    arguments = (x, np.random.default_rng(6).permutation(x)) if name in TWO else (x,)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # NaNs with a payload, cast
        error = errors(compiled(name, *arguments, key=key), truth(name, *arguments))
    k = int(np.argmax(error))
    return float(error[k]), f"{name}({', '.join(repr(a[k]) for a in arguments)})"


def allowed(name: str, dtype: type) -> float:
    return 0 if name in EXACT else ELEMENTARY_ULP + EXTRA[dtype]


def scalar_calls(assembly: str) -> list[str]:
    """Lines of machine code that leave the function for another."""
    words = [line.split() for line in assembly.splitlines() if line.startswith("\t")]
    return [" ".join(w) for w in words if w[0].startswith("call") or w[0] in ("bl", "blr") or "@PLT" in w[-1]]


def complaints(step: int) -> Iterator[str]:
    for dtype in DTYPES:
        for name in (*ONE, *TWO):
            error, place = worst(name, dtype, step)
            if not error <= allowed(name, dtype):
                yield f"{place} is {error} ulp off"
            yield from scalar_calls(machine_code.assembly((STAGE, name, np.dtype(dtype).name)))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GLASSNET_CACHE"] = folder
        stages.STAGES[STAGE] = stage
        print("\n".join([f"{machine_code.vector_bytes()} bytes", *complaints(int(sys.argv[1]))]))
