"""Interval arithmetic: numbers that may vary between two ends, with bounds of the derivative by each of them.

A choice that an interval leaves open takes both branches. `explain.hulls` uses the derivatives: plain intervals alone
would widen a (1 - a), where the number stands twice.
"""

from collections.abc import Callable
from typing import Any

from glassnet.explain.arithmetic import EXACT, Arithmetic, decimal, digits

__all__ = ["ANYTHING", "ONE", "RANGES", "ZERO", "Ends", "Range", "plus", "times", "union"]

Ends = tuple[Any, Any]  # low <= high, both mpf
_INF = digits.inf
ONE, ZERO = (digits.one, digits.one), (digits.zero, digits.zero)
ANYTHING = (-_INF, _INF)


# --- pairs of ends ----------------------------------------------------------------------------------------------


def _product(a: Any, b: Any) -> Any:
    return digits.zero if a == 0 or b == 0 else a * b


def plus(x: Ends, y: Ends) -> Ends:
    """Sum; infinite ends of opposite sign leave everything open."""
    low, high = x[0] + y[0], x[1] + y[1]
    return (-_INF if digits.isnan(low) else low, _INF if digits.isnan(high) else high)


def times(x: Ends, y: Ends) -> Ends:
    """Product."""
    corners = [_product(a, b) for a in x for b in y]
    return min(corners), max(corners)


def over(x: Ends) -> Ends:
    """1 / x."""
    if x[0] < 0 < x[1] or x == ZERO:
        return ANYTHING
    low = -_INF if x[1] == 0 else 1 / x[1]
    high = _INF if x[0] == 0 else 1 / x[0]
    return low, high


def union(x: Ends, y: Ends) -> Ends:
    """The smallest interval that holds both."""
    return min(x[0], y[0]), max(x[1], y[1])


def square(x: Ends) -> Ends:
    """x^2."""
    low, high = sorted((x[0] * x[0], x[1] * x[1]))
    return (digits.zero if x[0] <= 0 <= x[1] else low), high


# --- numbers with ends and slopes -------------------------------------------------------------------------------


class Range:
    """An interval, and for each varying number (by its place) bounds of the derivative.

    Comparisons give None where the intervals overlap: then `where` takes both branches.
    """

    __slots__ = ("ends", "slopes")
    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __init__(self, ends: Ends, slopes: "dict[int, Ends] | None" = None) -> None:
        self.ends, self.slopes = ends, slopes or {}

    def chain(self, ends: Ends, slope: Ends) -> "Range":
        """A function of this number alone, by its ends and the bounds of its derivative."""
        return Range(ends, {k: times(slope, s) for k, s in self.slopes.items()})

    def __neg__(self) -> "Range":
        return self.chain((-self.ends[1], -self.ends[0]), (-digits.one, -digits.one))

    def __add__(self, other: Any) -> "Range":
        y = _range(other)
        if y is None:
            return NotImplemented
        slopes = dict(self.slopes)
        for k, s in y.slopes.items():
            slopes[k] = plus(slopes[k], s) if k in slopes else s
        return Range(plus(self.ends, y.ends), slopes)

    def __mul__(self, other: Any) -> "Range":
        y = _range(other)
        if y is None:
            return NotImplemented
        slopes = {k: times(y.ends, s) for k, s in self.slopes.items()}
        for k, s in y.slopes.items():
            slopes[k] = plus(slopes.get(k, ZERO), times(self.ends, s))
        return Range(times(self.ends, y.ends), slopes)

    def __sub__(self, other: Any) -> "Range":
        y = _range(other)
        return NotImplemented if y is None else self + -y

    def __truediv__(self, other: Any) -> "Range":
        y = _range(other)
        if y is None:
            return NotImplemented
        inverse = over(y.ends)
        falling = times((-digits.one, -digits.one), square(inverse))
        return self * y.chain(inverse, ANYTHING if inverse == ANYTHING else falling)

    def __rsub__(self, other: Any) -> "Range":
        return -self + other

    def __rtruediv__(self, other: Any) -> "Range":
        y = _range(other)
        return NotImplemented if y is None else y / self

    __radd__ = __add__
    __rmul__ = __mul__

    def __lt__(self, other: Any) -> bool | None:
        (a, b), (c, d) = self.ends, _ends(other)
        return True if b < c else False if a >= d else None

    def __gt__(self, other: Any) -> bool | None:
        (a, b), (c, d) = self.ends, _ends(other)
        return True if a > d else False if b <= c else None

    def __ge__(self, other: Any) -> bool | None:
        less = self < other
        return None if less is None else not less

    def __le__(self, other: Any) -> bool | None:
        more = self > other
        return None if more is None else not more

    def __eq__(self, other: object) -> Any:
        if self is other:
            return True
        (a, b), (c, d) = self.ends, _ends(other)
        return False if b < c or d < a else True if a == b == c == d else None


def _range(value: Any) -> "Range | None":
    if isinstance(value, Range):
        return value
    return Range((decimal(value),) * 2) if isinstance(value, int | float | digits.mpf) else None


def _ends(value: Any) -> Ends:
    other = _range(value)
    assert other is not None, value
    return other.ends


def _either(a: Any, b: Any, slope: Callable[[Ends, Ends], Ends]) -> Range:
    """Both branches of a choice: a or b, whichever holds where."""
    a, b = _range(a), _range(b)
    assert a is not None and b is not None
    slopes = {k: slope(a.slopes.get(k, ZERO), b.slopes.get(k, ZERO)) for k in (*a.slopes, *b.slopes)}
    return Range(union(a.ends, b.ends), slopes)


def _where(condition: bool | None, a: Any, b: Any) -> Any:
    if condition is None:
        return _either(a, b, lambda s, t: ANYTHING)  # there may be a jump
    return a if condition else b


def _maximum(a: Any, b: Any) -> Any:
    larger = a >= b
    if larger is not None:
        return a if larger else b
    both = _either(a, b, union)
    return Range((max(_ends(a)[0], _ends(b)[0]), both.ends[1]), both.slopes)


def _minimum(a: Any, b: Any) -> Any:
    return -_maximum(-a, -b)


def _absolute(x: Range) -> Range:
    low, high = x.ends
    if low >= 0 or high <= 0:
        return x if low >= 0 else -x
    return x.chain((digits.zero, max(-low, high)), (-digits.one, digits.one))


def _sign(x: Range) -> Range:
    low, high = digits.mpf(digits.sign(x.ends[0])), digits.mpf(digits.sign(x.ends[1]))
    return x.chain((low, high), ZERO if low == high else ANYTHING)


def _rising(name: str, slope: Callable[[Ends, Ends], Ends]) -> Callable[[Range], Range]:
    """An increasing function, with its derivative's bounds from those of x and of the value."""
    exact = EXACT.functions[name]

    def apply(x: Range) -> Range:
        ends = (exact(x.ends[0]), exact(x.ends[1]))
        if digits.isnan(ends[1]):
            raise ZeroDivisionError(f"{name} of numbers below its domain")
        low = -_INF if digits.isnan(ends[0]) else ends[0]
        ends = (digits.zero, ends[1]) if name == "sqrt" and low < 0 else (low, ends[1])
        return x.chain(ends, slope((max(x.ends[0], _LOWEST[name]), x.ends[1]) if name in _LOWEST else x.ends, ends))

    return apply


_LOWEST = {"log": digits.zero, "log1p": -digits.one, "sqrt": digits.zero}


def _tanh_slope(x: Ends, t: Ends) -> Ends:
    low, high = square(t)
    return 1 - high, 1 - low


def _erf_slope(x: Ends, value: Ends) -> Ends:
    low, high = square(x)
    scale = 2 / digits.sqrt(digits.pi)
    return scale * EXACT.functions["exp"](-high), scale * EXACT.functions["exp"](-low)


def _wave(shift: int) -> Callable[[Range], Range]:
    """Cos (shift 0) or sin (shift 1): extremes where (x - shift pi/2) / pi is whole."""

    def bounds(ends: Ends, shift: int) -> Ends:
        if not ends[1] - ends[0] < 2 * digits.pi:
            return -digits.one, digits.one
        start, stop = (end / digits.pi - digits.mpf(shift) / 2 for end in ends)
        values = [digits.cos(end - shift * digits.pi / 2) for end in ends]
        first = int(digits.ceil(start))
        values += [digits.mpf(1 if k % 2 == 0 else -1) for k in range(first, int(digits.floor(stop)) + 1)]
        return min(values), max(values)

    return lambda x: x.chain(bounds(x.ends, shift), bounds(x.ends, shift - 1 if shift else -1))


RANGES = Arithmetic(
    lambda value: Range((decimal(value),) * 2),
    {
        "constant": lambda z, value: Range((decimal(value),) * 2),
        "where": _where,
        "exp": _rising("exp", lambda x, value: value),
        "expm1": _rising("expm1", lambda x, value: plus(value, ONE)),
        "log": _rising("log", lambda x, value: over(x)),
        "log1p": _rising("log1p", lambda x, value: over(plus(x, ONE))),
        "sqrt": _rising("sqrt", lambda x, value: over(plus(value, value))),
        "tanh": _rising("tanh", _tanh_slope),
        "erf": _rising("erf", _erf_slope),
        "absolute": _absolute,
        "sign": _sign,
        "maximum": _maximum,
        "minimum": _minimum,
        "xlogy": lambda x, y: x * RANGES.functions["log"](y) if x.ends != ZERO else x,
        "sin": _wave(1),
        "cos": _wave(0),
    },
    # the records use the largest only to shift the row, as in log-sum-exp; any number near it gives the same value
    row_max=lambda numbers: RANGES.number(max(sum(n.ends) / 2 for n in numbers)),
)
