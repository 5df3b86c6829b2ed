"""The records' formulas in other arithmetics than NumPy's: the same plain function on other numbers.

A record's function calls the names of `formulas.elementary` and helpers of its own module. An `Arithmetic` runs a
copy of the function in which these names mean other functions: exact ones here (`EXACT`, 50 digits), intervals in
`explain.intervals`, text in `explain.words`. So the mathematics stands in the records alone.

Rowwise records take a row of numbers: a NumPy array of objects.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType, SimpleNamespace
from typing import Any

import mpmath
import numpy as np

from glassnet.errors import InvalidParameterError
from glassnet.formulas import elementary

__all__ = ["EXACT", "Arithmetic", "Number", "decimal", "digits", "is_own", "row", "total"]

Number = Any  # mpf, Range, Words …: whatever an arithmetic calculates with
DIGITS = 50
LARGEST_EXPONENT = 1e8

digits = mpmath.MPContext()
digits.dps = DIGITS


class Arithmetic:
    """Numbers of one kind, and what the elementary functions do with them.

    Parameters
    ----------
    number : callable
        A float, int or decimal text as a number of this kind.
    functions : mapping
        A function for each name of `formulas.elementary` but `row_max` and `row_sum`, on single numbers. More names
        (sin, cos …) may be there for expressions.
    row_max : callable, optional
        The largest of a row.
    zero : number, optional
        What stands for a term that is not there.
    named : callable, optional
        `(name, value) -> number` of the numbers that have names, such as eta: arithmetics that write formulas have it.
    total : callable, optional
        The sum of a row or a list.
    most : int, optional
        Terms of a sum that are written out; of longer ones only these are evaluated.
    own : callable, optional
        What to do with a formula of the user's own, which is no plain function of numbers.

    >>> from glassnet.formulas.activations import sigmoid
    >>> digits.nstr(EXACT(sigmoid)(EXACT.number("1.2")), 20)
    '0.76852478349901764293'
    """

    def __init__(
        self,
        number: Callable[[Any], Number],
        functions: Mapping[str, Callable[..., Number]],
        row_max: Callable[[Any], Number] | None = None,
        zero: Number = None,
        named: Callable[[str, Any], Number] | None = None,
        total: Callable[..., Number] | None = None,
        own: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None,
        most: int | None = None,
    ) -> None:
        self.number = number
        self.writes = named is not None
        self.named = named or (lambda name, value: number(value))
        self.total: Callable[..., Number] = total or _total
        self.own, self.most = own or _refused, most
        self.zero = number(0) if zero is None else zero
        self.functions = {name: _over_rows(function) for name, function in functions.items()}
        self.functions["row_sum"] = self.total
        self.functions["row_max"] = row_max or self._largest
        self._twins: dict[Any, Any] = {}

    def _largest(self, numbers: Any) -> Number:
        most = numbers[0]
        for other in numbers[1:]:
            most = self.functions["maximum"](most, other)
        return most

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, calculating in this arithmetic."""
        if function not in self._twins:
            if is_own(function):
                return self.own(function)
            plain: Any = function
            scope = dict(plain.__globals__)
            twin = FunctionType(plain.__code__, scope, plain.__name__, plain.__defaults__, plain.__closure__)
            self._twins[function] = twin
            for name in plain.__code__.co_names:
                helper = scope.get(name)
                if helper is math:
                    scope[name] = SimpleNamespace(sqrt=self.functions["sqrt"])
                home = getattr(helper, "__module__", "") or ""
                if home == elementary.__name__:
                    scope[name] = self.functions[helper.__name__]  # pyright: ignore[reportOptionalMemberAccess]
                elif isinstance(helper, FunctionType) and home.startswith("glassnet.formulas."):
                    scope[name] = self(helper)
        return self._twins[function]

    def sum_of(self, term: Callable[..., Number], *groups: Sequence[Number]) -> Number:
        """The sum of a term over groups of equally many numbers; where only some are shown, of the first and the last.

        >>> EXACT.sum_of(lambda x, y: x * y, [1, 2], [3, 4])
        11
        """
        n = len(groups[0])
        if self.most is None or n <= self.most:
            return self.total([term(*numbers) for numbers in zip(*groups, strict=True)])
        places = [*range(max(self.most - 1, 1)), n - 1]
        return self.total([term(*(group[i] for group in groups)) for i in places], n)

    def constants(self, values: Mapping[str, float]) -> tuple[Number, ...]:
        """A record's settable numbers."""
        return tuple(self.named(name, value) for name, value in values.items())


def is_own(function: Any) -> bool:
    """Whether this is a formula of the user's own (`glassnet.custom`): it computes floats on arrays alone."""
    return not isinstance(function, FunctionType)


def _refused(function: Any) -> Any:
    raise InvalidParameterError(
        "a formula of your own has no exact arithmetic: explain shows it, check cannot judge it"
    )


def row(numbers: Any) -> Any:
    """Numbers of any kind as a row for rowwise records."""
    out = np.empty(len(numbers), dtype=object)
    for i, number in enumerate(numbers):
        out[i] = number
    return out


def total(numbers: Any) -> Number:
    """The sum of a row, or of a list; the number itself if it is one already."""
    if not isinstance(numbers, np.ndarray | Sequence):
        return numbers
    result, *others = numbers
    for number in others:
        result = result + number
    return result


_total = total


def _over_rows(function: Callable[..., Number]) -> Callable[..., Number]:
    """The function, entry by entry where a row is given."""

    def apply(*arguments: Any) -> Any:
        sizes = [len(a) for a in arguments if isinstance(a, np.ndarray)]
        if not sizes:
            return function(*arguments)
        return row([function(*(a[i] if isinstance(a, np.ndarray) else a for a in arguments)) for i in range(sizes[0])])

    return apply


# --- exact: 50 decimal digits -----------------------------------------------------------------------------------


def decimal(value: Any) -> Any:
    """A number as it is written: 0.1 is one tenth, not the nearest double.

    >>> decimal(0.1) * 10 == 1
    True
    """
    return digits.mpf(repr(value) if isinstance(value, float) else value)


def _exp(x: Any) -> Any:
    if abs(x) > LARGEST_EXPONENT:
        return digits.inf if x > 0 else digits.zero
    return digits.exp(x)


def _on(low: float, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function on [low, infinity); below it there is no real value."""
    return lambda x: function(x) if x >= low else digits.nan


def _where(condition: Any, a: Any, b: Any) -> Any:
    return a if condition else b


def _log1p(x: Any) -> Any:
    return digits.log1p(x) if x > -1 else -digits.inf


EXACT = Arithmetic(
    decimal,
    {
        "constant": lambda z, value: decimal(value),
        "where": _where,
        "exp": _exp,
        "expm1": lambda x: digits.expm1(x) if abs(x) < 1 else _exp(x) - 1,
        "log": _on(0, digits.log),
        "log1p": _on(-1, _log1p),
        "sqrt": _on(0, digits.sqrt),
        "tanh": lambda x: digits.tanh(x) if abs(x) < 1000 else digits.sign(x),
        "erf": digits.erf,
        "absolute": abs,
        "sign": digits.sign,
        "maximum": lambda a, b: a if a >= b else b,
        "minimum": lambda a, b: a if a <= b else b,
        "xlogy": lambda x, y: digits.zero if x == 0 else x * _on(0, digits.log)(y),
        "sin": digits.sin,
        "cos": digits.cos,
    },
)
