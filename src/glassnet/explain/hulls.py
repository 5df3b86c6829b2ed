"""All values that a formula can take while its numbers vary within their printed rounding.

Where the derivative by a number keeps its sign, the formula is monotone in it and its extremes lie at the number's
ends: there they are evaluated, exactly. Only around a turning point the interval is halved, a few times.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from glassnet.explain.arithmetic import EXACT, Arithmetic, Number, digits
from glassnet.explain.intervals import ANYTHING, ONE, RANGES, Ends, Range, plus, times, union

__all__ = ["hull"]

HALVINGS = 6


def hull(
    compute: Callable[[Arithmetic, list[Number]], Number],
    box: Sequence[Ends],
    *,
    once: bool = False,
    halvings: int = HALVINGS,
) -> Ends:
    """All values of a formula whose numbers lie in the box.

    Parameters
    ----------
    compute : callable
        `(arithmetic, numbers) -> number`.
    box : sequence of (low, high)
        Where each number lies; low = high for one that is known.
    once : bool
        Whether each number stands once in a sum of products.
    halvings : int
        How often an interval around a turning point may be halved.

    Raises
    ------
    ZeroDivisionError
        If the formula has no value anywhere in the box.

    >>> from glassnet.explain.arithmetic import decimal
    >>> low, high = hull(lambda A, n: n[0] * (1 - n[0]), [(decimal("0.76845"), decimal("0.76855"))])
    >>> digits.nstr(low, 8), digits.nstr(high, 8)
    ('0.1778809', '0.1779346')
    """
    if once:
        return compute(RANGES, [Range(ends) for ends in box]).ends
    numbers = [Range(ends, {i: ONE} if ends[0] < ends[1] else {}) for i, ends in enumerate(box)]
    value: Range = compute(RANGES, list(numbers))
    loose = [i for i, (low, high) in value.slopes.items() if not (low >= 0 or high <= 0)]
    if not loose:
        falling = {i for i, (low, _) in value.slopes.items() if low < 0}
        low = _at(compute, [ends[i in falling] for i, ends in enumerate(box)])
        high = _at(compute, [ends[i not in falling] for i, ends in enumerate(box)])
        return value.ends if digits.isnan(low) or digits.isnan(high) else (min(low, high), max(low, high))
    if halvings < len(loose):  # each number wants at least one
        return _common(value.ends, _centred(compute, box, value.slopes))
    i = max(loose, key=lambda k: _weight(box[k], value.slopes[k]))
    low, high = box[i]
    middle = (low + high) / 2
    halves = [[*box[:i], half, *box[i + 1 :]] for half in ((low, middle), (middle, high))]
    return union(*(hull(compute, half, halvings=halvings - 1) for half in halves))


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
