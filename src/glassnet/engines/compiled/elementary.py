"""exp, log, tanh, erf ... on vectors of the processor: what `formulas.elementary` is when it is given `Lanes`.

Each function is plain Python on vectors: it reduces its argument to a short range, evaluates a polynomial there (or a
quotient of two), and puts the result together, without a branch and without a call of the system's scalar library.
NaN, infinities, signed zeros and gradual underflow come out as NumPy's and SciPy's do. `sqrt`, `absolute`, `sign`,
`maximum` and `minimum` are exact; every other docstring states the largest error found, in units in the last place.
`tests/engines/compiled/test_elementary.py` looks for it again, with older processors' instructions too.

Two tricks recur. Adding 1.5 * 2^23 (2^52 in float64) to a number rounds it to a whole number, which then sits in the
low bits of the sum: rounding and conversion to an integer, in one addition that every processor has. And ln 2 is
split into a short number, whose product with a whole number is exact, and a small rest, so that x - n ln 2 does not
lose the digits it is there for (Cody and Waite, Software Manual for the Elementary Functions, 1980).
"""

# pyright: basic, reportAttributeAccessIssue=false, reportCallIssue=false

import math

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic, overload

from glassnet.engines.compiled.coefficients import TABLES
from glassnet.engines.compiled.lanes import (
    CONTRACT,
    Lanes,
    bits_of,
    from_bits,
    select,
    shift_left,
    shift_right,
    splat,
    whole,
)
from glassnet.formulas import elementary

__all__ = ["magnitude", "on_lanes", "polynomial", "root", "with_sign"]

INF, NAN = math.inf, math.nan
LOG2_E = 1.4426950408889634
INLINE = {"error_model": "numpy", "nogil": True, "forceinline": True}


def on_lanes(function):
    """Register `build`: given the table of a dtype, it returns what `function` is on Lanes of that dtype."""

    def register(build):
        compiled = {dtype: build(table) for dtype, table in TABLES.items()}
        typer = lambda x, *_: compiled.get(x.dtype) if isinstance(x, Lanes) else None  # noqa: E731
        overload(function, strict=False, jit_options=INLINE)(typer)
        return build

    return register


# --- instructions -------------------------------------------------------------------------------------------------


def polynomial(coefficients):
    """A function of x: c0 + c1 x + c2 x^2 + ..., from the highest power down (Horner)."""

    @intrinsic
    def at(typingctx, x):
        def emit(context, builder, signature, arguments):
            *lower, total = (ir.Constant(x.llvm, [ir.Constant(x.llvm.element, c)] * x.count) for c in coefficients)
            for c in reversed(lower):
                total = builder.fadd(builder.fmul(total, arguments[0], flags=CONTRACT), c, flags=CONTRACT)
            return total

        return x(x), emit

    return at


def _instruction(name, x, operands):
    def emit(context, builder, signature, arguments):
        kind = ir.FunctionType(x.llvm, [x.llvm] * len(operands))
        instruction = f"llvm.{name}.v{x.count}f{x.dtype.bitwidth}"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, instruction), arguments)

    return x(*operands), emit


@intrinsic
def root(typingctx, x):
    """The square root, rounded correctly."""
    return _instruction("sqrt", x, [x])


@intrinsic
def magnitude(typingctx, x):
    """x without its sign."""
    return _instruction("fabs", x, [x])


@intrinsic
def with_sign(typingctx, x, y):
    """x with the sign of y."""
    return _instruction("copysign", x, [x, y])


# --- exact functions ----------------------------------------------------------------------------------------------


@on_lanes(elementary.sqrt)
def _sqrt(table):
    return lambda x: root(x)


@on_lanes(elementary.absolute)
def _absolute(table):
    return lambda x: magnitude(x)


@on_lanes(elementary.sign)
def _sign(table):
    def sign(x):
        zero, one = splat(x, 0.0), splat(x, 1.0)
        return select(x > zero, one, select(x < zero, -one, select(x == zero, zero, x)))

    return sign


@on_lanes(elementary.maximum)
def _maximum(table):
    def maximum(a, b):
        larger = select(b > a, b, a)  # a where either is NaN; one instruction, and all there is when b is a constant
        return select(b != b, b, larger)

    return maximum


@on_lanes(elementary.minimum)
def _minimum(table):
    def minimum(a, b):
        smaller = select(b < a, b, a)  # a where either is NaN
        return select(b != b, b, smaller)

    return minimum


# --- exponentials -------------------------------------------------------------------------------------------------


@on_lanes(elementary.exp)
def _exp(table):
    """e^x = 2^n e^r with n = round(x / ln 2) and a polynomial for e^r, |r| <= ln(2) / 2.

    2^n goes in as two factors, because n may leave the range of exponents on both sides while the result does not.
    Within @exp@ ulp.
    """
    lowest, highest = table.exp_range
    digits, high, low = table.digits, table.ln2_high, table.ln2_low
    magic = 1.5 * 2.0**digits + 2 * table.bias
    power = polynomial((1.0, 1.0, *table.exp))

    def exp(x):
        x = select(x < splat(x, lowest), splat(x, lowest), select(x > splat(x, highest), splat(x, highest), x))
        t = x * splat(x, LOG2_E) + splat(x, magic)  # n + 2 bias in its low bits
        n = t - splat(x, magic)
        r = x - n * splat(x, high) - n * splat(x, low)
        first = shift_right(bits_of(t), whole(x, 1))  # the half of n, with one bias
        second = bits_of(t) - first
        y = power(r) * from_bits(shift_left(first, whole(x, digits)))
        return y * from_bits(shift_left(second, whole(x, digits)))

    return exp


@on_lanes(elementary.expm1)
def _expm1(table):
    """e^x - 1 = 2^n (e^r - 1) + (2^n - 1) with n and r as in exp; halves throughout, as 2^n may overflow before e^x.

    Within @expm1@ ulp.
    """
    lowest, highest = table.expm1_range
    digits, high, low = table.digits, table.ln2_high, table.ln2_low
    magic, tiny = 1.5 * 2.0**digits + table.bias - 1, 2.0 ** (-table.digits - 2)
    tail = polynomial(table.exp)

    def expm1(x):
        c = select(x < splat(x, lowest), splat(x, lowest), select(x > splat(x, highest), splat(x, highest), x))
        t = c * splat(x, LOG2_E) + splat(x, magic)  # n - 1 + bias in its low bits
        n = t - splat(x, magic)
        r = c - n * splat(x, high) - n * splat(x, low)
        scale = from_bits(shift_left(bits_of(t), whole(x, digits)))
        y = scale * (r + r * r * tail(r)) + (scale - splat(x, 0.5))
        return select(magnitude(x) < splat(x, tiny), x, y + y)

    return expm1


@on_lanes(elementary.tanh)
def _tanh(table):
    """tanh |x| = |x| + |x|^3 P(x^2) / Q(x^2) up to @tanhend@, and 1 - 2 / (e^(2 |x|) + 1) from there; one division.

    Within @tanh@ ulp.
    """
    end = table.tanh_end
    numerator, denominator = polynomial(table.tanh_numerator), polynomial(table.tanh_denominator)

    def tanh(x):
        one, a = splat(x, 1.0), magnitude(x)
        z, near = a * a, a < splat(x, end)
        p = select(near, a * z * numerator(z), splat(x, -2.0))
        q = select(near, denominator(z), elementary.exp(a + a) + one)
        return with_sign(select(near, a, one) + p / q, x)

    return tanh


@on_lanes(elementary.erf)
def _erf(table):
    """erf |x| = |x| + |x| P(x^2) / Q(x^2) up to @erfend@, and 1 - e^(-x^2) R(|x|) / S(|x|) from there; one division.

    The quotients are what Cody (Mathematics of Computation 23, 1969) proposes. Within @erf@ ulp.
    """
    end, last = table.erf_end, table.erf_last
    near_numerator, near_denominator = polynomial(table.erf_numerator), polynomial(table.erf_denominator)
    far_numerator, far_denominator = polynomial(table.erfc_numerator), polynomial(table.erfc_denominator)

    def erf(x):
        one, a = splat(x, 1.0), magnitude(x)
        a = select(a > splat(x, last), splat(x, last), a)
        z, near = a * a, a < splat(x, end)
        p = select(near, a * near_numerator(z), -elementary.exp(-z) * far_numerator(a))
        q = select(near, near_denominator(z), far_denominator(a))
        return with_sign(select(near, a, one) + p / q, x)

    return erf


# --- logarithms ---------------------------------------------------------------------------------------------------


def _logarithm(u, f, minus_k):
    """log u, given u = 2^k (1 + f) with 1/sqrt(2) <= 1 + f < sqrt(2)."""


@on_lanes(_logarithm)
def _logarithm_on_lanes(table):
    """k ln 2 + log(1 + f), where s = f / (2 + f) makes log(1 + f) = log((1 + s) / (1 - s)), a series in odd powers of
    s, which is written f - f^2/2 + s (f^2/2 + s^2 P(s^2)) so that f itself, exact, carries the precision.
    """
    high, low = table.ln2_high, table.ln2_low
    tail = polynomial(table.log)

    def logarithm(u, f, minus_k):
        zero = splat(u, 0.0)
        s = f / (splat(u, 2.0) + f)
        half, z = splat(u, 0.5) * f * f, s * s
        small = half - s * (half + z * tail(z)) + minus_k * splat(u, low)
        y = f - small - minus_k * splat(u, high)
        edge = select(u == zero, splat(u, -INF), select(u < zero, splat(u, NAN), u))
        return select((u > zero) & (u < splat(u, INF)), y, edge)

    return logarithm


@on_lanes(elementary.log)
def _log(table):
    """log x, with k and f read from the bits of x = 2^k (1 + f); denormal numbers are scaled up first.

    Within @log@ ulp.
    """
    digits, bias, root_half = table.digits, table.bias, table.root_half
    one, fraction = bias << digits, (1 << digits) - 1
    magic_bits, magic = (bias + digits) << digits, 2.0**digits + bias
    smallest, lift = 2.0 ** (1 - bias), digits + 1
    lift_factor, lifted_magic = 2.0**lift, magic + lift

    def log(x):
        denormal = x < splat(x, smallest)
        i = bits_of(select(denormal, x * splat(x, lift_factor), x)) + whole(x, one - root_half)
        k = from_bits(shift_right(i, whole(x, digits)) | whole(x, magic_bits))
        minus_k = select(denormal, splat(x, lifted_magic), splat(x, magic)) - k
        m = from_bits((i & whole(x, fraction)) + whole(x, root_half))
        return _logarithm(x, m - splat(x, 1.0), minus_k)

    return log


@on_lanes(elementary.log1p)
def _log1p(table):
    """log u with u = 1 + x = 2^k (1 + f), but f = 2^-k x - (1 - 2^-k): that keeps the digits of x that u has lost.

    Where k = 0, f is x itself. Within @log1p@ ulp.
    """
    digits, bias, root_half = table.digits, table.bias, table.root_half
    one, fraction, twice_bias = bias << digits, (1 << digits) - 1, 2 * bias
    magic_bits, magic = (bias + digits) << digits, 2.0**digits + bias
    large = 2.0 ** (digits + 2)  # from here on u has lost nothing that counts

    def log1p(x):
        u = splat(x, 1.0) + x
        i = bits_of(u) + whole(x, one - root_half)
        k = shift_right(i, whole(x, digits))
        scale = from_bits(shift_left(whole(x, twice_bias) - k, whole(x, digits)))
        m = from_bits((i & whole(x, fraction)) + whole(x, root_half))
        f = select(u < splat(x, large), x * scale - (splat(x, 1.0) - scale), m - splat(x, 1.0))
        return _logarithm(u, f, splat(x, magic) - from_bits(k | whole(x, magic_bits)))

    return log1p


@on_lanes(elementary.xlogy)
def _xlogy(table):
    """x log y, and 0 where x = 0 unless y is NaN. Within @xlogy@ ulp."""

    def xlogy(x, y):
        zero = splat(x, 0.0)
        return select((x == zero) & (y == y), zero, x * elementary.log(y))

    return xlogy
