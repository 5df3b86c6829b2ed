"""Interval arithmetic over printed digits: all values that a formula can take while its numbers may vary.

A `Range` holds two ends and, for each varying number, bounds of the derivative by it. Where that derivative keeps its
sign, the formula is monotone in the number and its extremes lie at the number's ends: `hull` evaluates them there,
exactly. Only around a turning point it halves the interval, and a choice that a kink leaves open takes both branches.
So 0.7685 (1 - 0.7685) is not widened because the number stands there twice.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from glassnet.explain.arithmetic import EXACT, Arithmetic, Number, decimal, digits

__all__ = ["RANGES", "Ends", "Range", "hull"]

Ends = tuple[Any, Any]  # low <= high, both mpf
HALVINGS = 6
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

    def _merge(self, other: "Range", mine: Ends, theirs: Ends) -> dict[int, Ends]:
        slopes = {k: times(mine, s) for k, s in self.slopes.items()}
        for k, s in other.slopes.items():
            slopes[k] = plus(slopes.get(k, ZERO), times(theirs, s))
        return slopes

    def __neg__(self) -> "Range":
        return self.chain((-self.ends[1], -self.ends[0]), (-digits.one, -digits.one))

    def __add__(self, other: Any) -> "Range":
        y = _range(other)
        return NotImplemented if y is None else Range(plus(self.ends, y.ends), self._merge(y, ONE, ONE))

    def __mul__(self, other: Any) -> "Range":
        y = _range(other)
        return NotImplemented if y is None else Range(times(self.ends, y.ends), self._merge(y, y.ends, self.ends))

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


# --- the hull ---------------------------------------------------------------------------------------------------


def hull(compute: Callable[[Arithmetic, list[Number]], Number], box: Sequence[Ends], halvings: int = HALVINGS) -> Ends:
    """All values of a formula whose numbers lie in the box.

    Parameters
    ----------
    compute : callable
        `(arithmetic, numbers) -> number`.
    box : sequence of (low, high)
        Where each number lies; low = high for one that is known.

    Raises
    ------
    ZeroDivisionError
        If the formula has no value anywhere in the box.

    >>> low, high = hull(lambda A, n: n[0] * (1 - n[0]), [(decimal("0.76845"), decimal("0.76855"))])
    >>> digits.nstr(low, 8), digits.nstr(high, 8)
    ('0.1778809', '0.1779346')
    """
    numbers = [Range(ends, {i: ONE} if ends[0] < ends[1] else {}) for i, ends in enumerate(box)]
    value = _range(compute(RANGES, list(numbers)))
    assert value is not None
    loose = [i for i, (low, high) in value.slopes.items() if not (low >= 0 or high <= 0)]
    if not loose:
        falling = {i for i, (low, _) in value.slopes.items() if low < 0}
        low = _at(compute, [ends[i in falling] for i, ends in enumerate(box)])
        high = _at(compute, [ends[i not in falling] for i, ends in enumerate(box)])
        return value.ends if digits.isnan(low) or digits.isnan(high) else (min(low, high), max(low, high))
    if not halvings:
        return _common(value.ends, _centred(compute, box, value.slopes))
    i = max(loose, key=lambda k: _weight(box[k], value.slopes[k]))
    low, high = box[i]
    middle = (low + high) / 2
    halves = [[*box[:i], half, *box[i + 1 :]] for half in ((low, middle), (middle, high))]
    return union(*(hull(compute, half, halvings - 1) for half in halves))


def _at(compute: Any, point: list[Any]) -> Any:
    """The value at a point; NaN on a pole."""
    try:
        return compute(EXACT, point)
    except ZeroDivisionError:
        return digits.nan


def _centred(compute: Any, box: Sequence[Ends], slopes: Mapping[int, Ends]) -> Ends:
    """The mean value theorem: the value in the middle, and what the slopes can add on the way from there."""
    middles = [(low + high) / 2 for low, high in box]
    value = _at(compute, middles)
    ends = (value, value)
    for i, slope in slopes.items():
        ends = plus(ends, times(slope, (box[i][0] - middles[i], box[i][1] - middles[i])))
    return ANYTHING if digits.isnan(value) else ends


def _common(x: Ends, y: Ends) -> Ends:
    return max(x[0], y[0]), min(x[1], y[1])


def _weight(ends: Ends, slope: Ends) -> Any:
    """How much a number can move the value; a jump most."""
    return (ends[1] - ends[0]) * max(-slope[0], slope[1])
