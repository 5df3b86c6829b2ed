"""Intervals: the range of an activation, the domain of a loss."""

from dataclasses import dataclass

import numpy as np

__all__ = ["ANY", "POSITIVE", "UNIT", "Interval"]


@dataclass(frozen=True)
class Interval:
    """[low, high], without the ends when `open`.

    >>> Interval(0, 1, open=True).inside(Interval(0, 1))
    True
    """

    low: float
    high: float
    open: bool = False

    def inside(self, other: "Interval") -> bool:
        """Whether every number of this interval lies in the other."""

        def end(mine: float, theirs: float, beyond: bool) -> bool:
            return beyond or (mine == theirs and (self.open or not other.open or abs(mine) == float("inf")))

        return end(self.low, other.low, self.low > other.low) and end(self.high, other.high, self.high < other.high)

    def holds(self, values: np.ndarray) -> bool:
        """Whether all values lie in the interval."""
        if self.open:
            return bool(np.all((values > self.low) & (values < self.high)))
        return bool(np.all((values >= self.low) & (values <= self.high)))

    def __str__(self) -> str:
        return f"({self.low:g}, {self.high:g})" if self.open else f"[{self.low:g}, {self.high:g}]"


_INF = float("inf")
ANY = Interval(-_INF, _INF, open=True)
POSITIVE = Interval(0, _INF, open=True)
UNIT = Interval(0, 1)
