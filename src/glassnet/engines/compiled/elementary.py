"""exp, log, tanh, erf ... on vectors of the processor: what `formulas.elementary` is when it is given `Lanes`.

Each function is plain Python on vectors: it reduces its argument to a short range, evaluates a polynomial there (or a
quotient of two), and puts the result together, without a branch of its own and without a call of the system's scalar
library. NaN, infinities, signed zeros and gradual underflow come out as NumPy's and SciPy's do (in a slice of
training numbers that small count as 0: see `denormals`). Each docstring states the largest error found, in units in
the last place (ulp), as float32 / float64, with fused multiply-add and without it;
`tests/engines/compiled/test_elementary.py` looks for larger ones, with older processors' instructions too.

Two tricks recur. Adding 1.5 * 2^23 (2^52 in float64) to a number rounds it to a whole number, which then sits in the
low bits of the sum: rounding and conversion to an integer, in one addition that every processor has. And ln 2 is
split into a short number, whose product with a whole number is exact, and a small rest, so that x - n ln 2 does not
lose the digits it is there for (Cody and Waite, Software Manual for the Elementary Functions, 1980).
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

import math

from glassnet.engines.compiled.conversions import bits_of, from_bits, splat, whole
from glassnet.engines.compiled.instructions import magnitude, on_lanes, polynomial, with_sign
from glassnet.engines.compiled.lanes import fused, select, shift_left, shift_right
from glassnet.engines.compiled.quotients import ratio
from glassnet.formulas import elementary

__all__ = []

INF, NAN = math.inf, math.nan
LOG2_E, LN_2 = 1.4426950408889634, 0.6931471805599453


# --- exponentials -------------------------------------------------------------------------------------------------


@on_lanes(elementary.exp)
def _exp(table):
    """e^x = 2^n e^r with n = round(x / ln 2) and a polynomial for e^r, |r| <= ln(2) / 2.

    2^n goes in as two factors, because n may leave the range of exponents on both sides while the result does not.
    Error: 0.91 / 0.88 ulp; 1.2 / 1.2 without fma.
    """
    lowest, highest = table.exp_range
    digits, high, low = table.digits, table.ln2_high, table.ln2_low
    magic = 1.5 * 2.0**digits + 2 * table.bias
    power = polynomial((1.0, 1.0, *table.exp))

    def exp(x):
        x = select(x < splat(x, lowest), splat(x, lowest), select(x > splat(x, highest), splat(x, highest), x))
        t = fused(x, splat(x, LOG2_E), splat(x, magic))  # n + 2 bias in its low bits
        n = t - splat(x, magic)
        r = fused(n, splat(x, -low), fused(n, splat(x, -high), x))
        first = shift_right(bits_of(t), whole(x, 1))  # the half of n, with one bias
        second = bits_of(t) - first
        y = power(r) * from_bits(shift_left(first, whole(x, digits)))
        return y * from_bits(shift_left(second, whole(x, digits)))

    return exp


@on_lanes(elementary.expm1)
def _expm1(table):
    """e^x - 1 = 2^n (e^r - 1) + (2^n - 1) with n and r as in exp; halves throughout, as 2^n may overflow before e^x.

    Error: 1.6 / 1.9 ulp; 1.7 / 2.1 without fma.
    """
    lowest, highest = table.expm1_range
    digits, high, low = table.digits, table.ln2_high, table.ln2_low
    magic, tiny = 1.5 * 2.0**digits + table.bias - 1, 2.0 ** (-table.digits - 2)
    tail = polynomial(table.exp)

    def expm1(x):
        c = select(x < splat(x, lowest), splat(x, lowest), select(x > splat(x, highest), splat(x, highest), x))
        t = fused(c, splat(x, LOG2_E), splat(x, magic))  # n - 1 + bias in its low bits
        n = t - splat(x, magic)
        r = fused(n, splat(x, -low), fused(n, splat(x, -high), c))
        scale = from_bits(shift_left(bits_of(t), whole(x, digits)))
        y = fused(scale, fused(r * r, tail(r), r), scale - splat(x, 0.5))
        return select(magnitude(x) < splat(x, tiny), x, y + y)

    return expm1


@on_lanes(elementary.tanh)
def _tanh(table):
    """tanh |x| = v / (v + 1) with v = (e^(2 |x|) - 1) / 2 = 2^n (e^(2h) - 1) / 2 + (2^n - 1) / 2, 2 |x| = 2h + n ln 2.

    The quotient feels an error of v only by 1 / (v + 1) of it, so n ln 2 may be rounded. Beyond the number where tanh
    rounds to 1 nothing changes: 2^n stays in range as one factor, and v in the range of `ratio`.
    Error: 2.6 / 2.6 ulp, with fma and without.
    """
    last, digits = table.tanh_last, table.digits
    magic = 1.5 * 2.0**digits + table.bias
    tail = polynomial(tuple(2.0 ** (k + 1) * c for k, c in enumerate(table.exp)))  # (e^(2h) - 1 - 2h) / (2h^2)

    def tanh(x):
        half, a = splat(x, 0.5), magnitude(x)
        a = select(a > splat(x, last), splat(x, last), a)
        t = fused(a, splat(x, 2 * LOG2_E), splat(x, magic))  # n + bias in its low bits
        h = fused(t - splat(x, magic), splat(x, -LN_2 / 2), a)
        scale = from_bits(shift_left(bits_of(t), whole(x, digits)))
        v = fused(scale, fused(h * h, tail(h), h), fused(scale, half, -half))
        return with_sign(ratio(v, v + splat(x, 1.0)), x)

    return tanh


@on_lanes(elementary.erf)
def _erf(table):
    """erf |x| = |x| + |x| P(x^2) / Q(x^2) near 0, and 1 - e^(-x^2) R(|x|) / S(|x|) further out.

    One division (the form: Cody, Mathematics of Computation 23, 1969). Error: 1.3 / 1.3 ulp; 1.3 / 1.5 without fma.
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
        return with_sign(select(near, a, one) + ratio(p, q), x)

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
        s = ratio(f, splat(u, 2.0) + f)
        half, z = splat(u, 0.5) * f * f, s * s
        small = half - s * (half + z * tail(z)) + minus_k * splat(u, low)
        y = f - small - minus_k * splat(u, high)
        edge = select(u == zero, splat(u, -INF), select(u < zero, splat(u, NAN), u))
        return select((u > zero) & (u < splat(u, INF)), y, edge)

    return logarithm


@on_lanes(elementary.log)
def _log(table):
    """log x, with k and f read from the bits of x = 2^k (1 + f); denormal numbers are scaled up first.

    Error: 0.83 / 0.83 ulp; 0.87 / 0.85 without fma.
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

    Where k = 0, f is x itself. Error: 1.5 / 1.4 ulp, with fma and without.
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
    """x log y, and 0 where x = 0 unless y is NaN. Error: 1.7 / 1.7 ulp, with fma and without."""

    def xlogy(x, y):
        zero = splat(x, 0.0)
        return select((x == zero) & (y == y), zero, x * elementary.log(y))

    return xlogy
