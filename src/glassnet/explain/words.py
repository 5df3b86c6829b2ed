"""Formulas as text: a record's function on numbers that write down what is done with them.

    sigmoid of 1.2                      1 / (1 + exp(-1.2))
    binary cross-entropy of 0.8934      -(1.0 · log(0.8934) + (1 - 1.0) · log(1 - 0.8934))

Each `Words` also knows its value: a choice writes the branch that is taken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from glassnet.explain.arithmetic import EXACT, Arithmetic, decimal, digits

__all__ = ["USES", "WORDS", "Uses", "Words", "shown"]

SUM, PRODUCT, ATOM = 1, 2, 3
CLAMPS = (-100.0, 1e-12)  # that keep a loss finite; nobody writes them down


def shown(value: Any, figures: int = 6) -> str:
    """A number in so many significant figures.

    >>> shown(decimal("0.11270000001")), shown(decimal(3))
    ('0.1127', '3')
    """
    text = str(digits.nstr(value, figures, min_fixed=-5, max_fixed=9))
    return text[:-2] if text.endswith(".0") else text


@dataclass(frozen=True, eq=False)
class Words:
    """Text with its value; `level` says what binds weaker than the signs around it.

    >>> x, y = WORDS.number(2.0), WORDS.number(-3.0)
    >>> (x * (x + y) - y).text
    '2.0 · (2.0 - 3.0) + 3.0'
    """

    text: str
    value: Any
    level: int = ATOM
    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def within(self, level: int) -> str:
        """The text, in parentheses where it binds weaker, or begins with a minus."""
        return f"({self.text})" if self.level < level or (level > SUM and self.text.startswith("-")) else self.text

    def __neg__(self) -> "Words":
        if self.text.startswith("-") and self.level > SUM:
            return Words(self.text[1:], -self.value, self.level)
        return Words(f"-{self.within(PRODUCT)}", -self.value, PRODUCT)

    def __add__(self, other: Any) -> "Words":
        y = _words(other)
        if y is None:
            return NotImplemented
        if not self.text or not y.text:
            return self if self.text else y
        joined = f"{self.text} - {y.text[1:]}" if y.text.startswith("-") else f"{self.text} + {y.text}"
        return Words(joined, self.value + y.value, SUM)

    def __sub__(self, other: Any) -> "Words":
        y = _words(other)
        if y is None or not y.text:
            return NotImplemented if y is None else self
        if not self.text:
            return -y
        joined = f"{self.text} + {y.text[1:]}" if y.text.startswith("-") and y.level > SUM else ""
        return Words(joined or f"{self.text} - {y.within(PRODUCT)}", self.value - y.value, SUM)

    def __mul__(self, other: Any) -> "Words":
        y = _words(other)
        if y is None or not (self.text and y.text):
            return NotImplemented if y is None else NOTHING
        left = self.text if self.level >= PRODUCT else f"({self.text})"
        return Words(f"{left} · {y.within(PRODUCT)}", self.value * y.value, PRODUCT)

    def __truediv__(self, other: Any) -> "Words":
        y = _words(other)
        if y is None:
            return NotImplemented
        left = self.text if self.level >= PRODUCT else f"({self.text})"
        return Words(f"{left} / {y.within(ATOM)}", self.value / y.value if y.value != 0 else digits.nan, PRODUCT)

    def __radd__(self, other: Any) -> "Words":
        return WORDS.number(other) + self

    def __rsub__(self, other: Any) -> "Words":
        return WORDS.number(other) - self

    def __rmul__(self, other: Any) -> "Words":
        return WORDS.number(other) * self

    def __rtruediv__(self, other: Any) -> "Words":
        return WORDS.number(other) / self

    def __lt__(self, other: Any) -> bool:
        return self.value < _value(other)

    def __le__(self, other: Any) -> bool:
        return self.value <= _value(other)

    def __gt__(self, other: Any) -> bool:
        return self.value > _value(other)

    def __ge__(self, other: Any) -> bool:
        return self.value >= _value(other)

    def __eq__(self, other: object) -> bool:
        return self.value == _value(other)


NOTHING = Words("", digits.zero)
"""A term that is not there, or a shift that changes nothing: sums leave it out."""


def _words(value: Any) -> "Words | None":
    if isinstance(value, Words):
        return value
    return WORDS.number(value) if isinstance(value, int | float | digits.mpf) else None


def _value(other: Any) -> Any:
    return other.value if isinstance(other, Words) else other


def _literal(value: Any) -> Words:
    if isinstance(value, str):
        return Words(value, decimal(value))
    text = shown(value, 10) if isinstance(value, digits.mpf) else repr(value)
    return Words(text, decimal(value))


def _constant(z: Any, value: Any) -> Words:
    return _literal(int(value) if float(value).is_integer() else value)


def _call(name: str) -> Callable[[Words], Words]:
    return lambda x: Words(f"{name}({x.text})", EXACT.functions[name](x.value))


def _log1p(x: Words) -> Words:
    return Words(f"log({(_literal(1) + x).text})", EXACT.functions["log1p"](x.value))


def _expm1(x: Words) -> Words:
    return Words(f"(exp({x.text}) - 1)", EXACT.functions["expm1"](x.value))


def _extreme(name: str) -> Callable[[Words, Words], Words]:
    def apply(a: Words, b: Words) -> Words:
        value = EXACT.functions[f"{name}imum"](a.value, b.value)
        if any(side.value == decimal(clamp) for side in (a, b) for clamp in CLAMPS):
            return a if value == a.value else b
        return Words(f"{name}({a.text}, {b.text})", value)

    return apply


WORDS = Arithmetic(
    _literal,
    {
        "constant": _constant,
        "where": lambda condition, a, b: a if condition else b,
        **{name: _call(name) for name in ("exp", "log", "sqrt", "tanh", "erf", "sign", "sin", "cos")},
        "expm1": _expm1,
        "log1p": _log1p,
        "absolute": lambda x: Words(f"|{x.text}|", abs(x.value)),
        "maximum": _extreme("max"),
        "minimum": _extreme("min"),
        "xlogy": lambda x, y: x * Words(f"log({y.text})", EXACT.functions["log"](y.value)),
    },
    row_max=lambda numbers: NOTHING,
    zero=NOTHING,
)


# --- which numbers a formula uses -------------------------------------------------------------------------------


class Uses(frozenset[Any]):
    """The names of all numbers that a result depends on.

    >>> from glassnet.formulas.activations import sigmoid_derivative
    >>> set(USES(sigmoid_derivative)(Uses({"z"}), Uses({"a"})))
    {'a'}
    """

    def join(self, *others: Any) -> "Uses":
        """The names of this result and of others; plain numbers have none."""
        known = [other for other in others if isinstance(other, Uses | int | float | digits.mpf)]
        if len(known) < len(others):
            return NotImplemented
        return Uses(self.union(*(other for other in known if isinstance(other, Uses))))

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = join  # pyright: ignore[reportAssignmentType]
    __truediv__ = __rtruediv__ = __neg__ = join
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = join  # pyright: ignore[reportAssignmentType]
    __hash__ = frozenset.__hash__


def _all(*numbers: Any) -> Uses:
    return Uses().join(*numbers)


USES = Arithmetic(
    lambda value: Uses(),
    {name: _all for name in WORDS.functions if not name.startswith("row_")} | {"constant": lambda z, value: Uses()},
)
