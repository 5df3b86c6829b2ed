"""Formulas as text and as LaTeX: a record's function on numbers that write down what is done with them.

    sigmoid of 1.2                      1 / (1 + exp(-1.2))
    binary cross-entropy of 0.8934      -(1.0 · log(0.8934) + (1 - 1.0) · log(1 - 0.8934))

Each `Words` also knows its value: a choice writes the branch that is taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.explain.arithmetic import EXACT, Arithmetic, decimal, digits, row
from glassnet.explain.arithmetic import total as plain_total

__all__ = ["USES", "WORDS", "Uses", "Words", "latex_number", "own_formula", "shown", "writing"]

SUM, PRODUCT, ATOM = 1, 2, 3
CLAMPS = (-100.0, 1e-12)  # that keep a loss finite; nobody writes them down


def shown(value: Any, figures: int = 6) -> str:
    """A number in so many significant figures.

    >>> shown(decimal("0.11270000001")), shown(decimal(3))
    ('0.1127', '3')
    """
    text = str(digits.nstr(value, figures, min_fixed=-5, max_fixed=9))
    return text[:-2] if text.endswith(".0") else text


def latex_number(text: str) -> str:
    """A number as LaTeX writes it.

    >>> latex_number("1e-08"), latex_number("0.25")
    ('1 \\\\cdot 10^{-8}', '0.25')
    """
    mantissa, e, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else text


@dataclass(frozen=True, eq=False)
class Words:
    """Text with its value; `level` says what binds weaker than the signs around it.

    >>> x, y = WORDS.number(2.0), WORDS.number(-3.0)
    >>> (x * (x + y) - y).text, (x / y).latex
    ('2.0 · (2.0 - 3.0) + 3.0', '\\\\frac{2.0}{-3.0}')
    """

    text: str
    value: Any
    level: int = ATOM
    latex: str = ""
    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __post_init__(self) -> None:
        object.__setattr__(self, "latex", self.latex or self.text)

    def within(self, level: int) -> "Words":
        """The same, in parentheses where it binds weaker, or begins with a minus."""
        if self.level >= level and not (level > SUM and self.text.startswith("-")):
            return self
        return Words(f"({self.text})", self.value, ATOM, rf"\left({self.latex}\right)")

    def _factor(self) -> "Words":
        return self if self.level >= PRODUCT else self.within(PRODUCT)

    def __neg__(self) -> "Words":
        if self.text.startswith("-") and self.level > SUM:
            return Words(self.text[1:], -self.value, self.level, self.latex[1:])
        inner = self.within(PRODUCT)
        return Words(f"-{inner.text}", -self.value, PRODUCT, f"-{inner.latex}")

    def __add__(self, other: Any) -> "Words":
        y = _words(other)
        if y is None:
            return NotImplemented
        if not self.text or not y.text:
            return self if self.text else y
        if y.text.startswith("-"):
            texts = f"{self.text} - {y.text[1:]}", f"{self.latex} - {y.latex[1:]}"
        else:
            texts = f"{self.text} + {y.text}", f"{self.latex} + {y.latex}"
        return Words(texts[0], self.value + y.value, SUM, texts[1])

    def __sub__(self, other: Any) -> "Words":
        y = _words(other)
        if y is None or not y.text:
            return NotImplemented if y is None else self
        if not self.text:
            return -y
        if y.text.startswith("-") and y.level > SUM:
            return self + -y
        right = y.within(PRODUCT)
        return Words(f"{self.text} - {right.text}", self.value - y.value, SUM, f"{self.latex} - {right.latex}")

    def __mul__(self, other: Any) -> "Words":
        y = _words(other)
        if y is None or not (self.text and y.text):
            return NotImplemented if y is None else NOTHING
        if y is self or (self.level == SUM and self.text == y.text):
            return self._squared()
        left, right = self._factor(), y.within(PRODUCT)
        latex = rf"{left.latex} \cdot {right.latex}"
        return Words(f"{left.text} · {right.text}", self.value * y.value, PRODUCT, latex)

    def _squared(self) -> "Words":
        base = self.within(ATOM)
        latex = rf"\left({base.latex}\right)" if base is self and "frac" in self.latex else f"{{{base.latex}}}"
        return Words(f"{base.text}^2", self.value * self.value, PRODUCT, f"{latex}^{{2}}")

    def __truediv__(self, other: Any) -> "Words":
        y = _words(other)
        if y is None:
            return NotImplemented
        value = self.value / y.value if y.value != 0 else digits.nan
        text = f"{self._factor().text} / {y.within(ATOM).text}"
        return Words(text, value, PRODUCT, rf"\frac{{{self.latex}}}{{{y.latex}}}")

    def __radd__(self, other: Any) -> "Words":
        left = _words(other)
        return NotImplemented if left is None else left + self

    def __rsub__(self, other: Any) -> "Words":
        left = _words(other)
        return NotImplemented if left is None else left - self

    def __rmul__(self, other: Any) -> "Words":
        left = _words(other)
        return NotImplemented if left is None else left * self

    def __rtruediv__(self, other: Any) -> "Words":
        left = _words(other)
        return NotImplemented if left is None else left / self

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
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 1.0 of a formula is a plain 1
    return WORDS.number(value) if isinstance(value, int | float | digits.mpf) else None


def _value(other: Any) -> Any:
    return other.value if isinstance(other, Words) else other


def _literal(value: Any) -> Words:
    if isinstance(value, str):
        return Words(value, decimal(value))
    text = shown(value, 10) if isinstance(value, digits.mpf) else repr(value)
    return Words(text, decimal(value), latex=latex_number(text))


def _constant(z: Any, value: Any) -> Words:
    return _literal(int(value) if float(value).is_integer() else value)


LATEX = {
    "exp": "e^{{{}}}",
    "expm1": r"\left(e^{{{}}} - 1\right)",
    "sqrt": r"\sqrt{{{}}}",
    "absolute": r"\left|{}\right|",
    "erf": r"\operatorname{{erf}}\left({}\right)",
    "sign": r"\operatorname{{sign}}\left({}\right)",
}
TEXT = {"expm1": "(exp({}) - 1)", "absolute": "|{}|"}
"""Functions that are not written as name(x), or \\name(x) in LaTeX."""


def _call(name: str) -> Callable[[Words], Words]:
    text = TEXT.get(name, f"{name}({{}})")
    latex = LATEX.get(name, rf"\{name}\left({{}}\right)")
    return lambda x: Words(text.format(x.text), EXACT.functions[name](x.value), ATOM, latex.format(x.latex))


def _log1p(x: Words) -> Words:
    inner = _literal(1) + x
    return Words(f"log({inner.text})", EXACT.functions["log1p"](x.value), ATOM, rf"\log\left({inner.latex}\right)")


def _extreme(name: str) -> Callable[[Words, Words], Words]:
    def apply(a: Words, b: Words) -> Words:
        value = EXACT.functions[f"{name}imum"](a.value, b.value)
        if any(side.value == decimal(clamp) for side in (a, b) for clamp in CLAMPS):
            return a if value == a.value else b
        return Words(f"{name}({a.text}, {b.text})", value, ATOM, rf"\{name}\left({a.latex}, {b.latex}\right)")

    return apply


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "constant": _constant,
    "where": lambda condition, a, b: a if condition else b,
    **{name: _call(name) for name in ("exp", "expm1", "log", "sqrt", "tanh", "erf", "absolute", "sign", "sin", "cos")},
    "log1p": _log1p,
    "maximum": _extreme("max"),
    "minimum": _extreme("min"),
    "xlogy": lambda x, y: x * _call("log")(y),
}
WORDS = Arithmetic(_literal, FUNCTIONS, lambda numbers: NOTHING, NOTHING, lambda name, value: _literal(value))


def writing(
    named: Callable[[str, Any], Words],
    number: Callable[[Any], Words] = _literal,
    most: int = 8,
    own: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None,
) -> Arithmetic:
    """An arithmetic that writes formulas with the names or the values of their constants, and sums of `most` terms.

    >>> eta = Words("eta", decimal(0.5), latex=r"\\eta")
    >>> A = writing(lambda name, value: eta, most=3)
    >>> (A.named("eta", 0.5) * A.total([WORDS.number(n) for n in range(1, 6)])).text
    'eta · (1 + 2 + … + 5)'
    """

    def total(terms: Any, of: int = 0) -> Words:
        """The sum; of so many terms, of which the first ones and the last are here."""
        if not isinstance(terms, np.ndarray | Sequence):
            return terms
        gap = of > len(terms)
        terms = [term for term in terms if term.text] or [NOTHING]
        if len(terms) <= most and not gap:
            return plain_total(terms)
        first = terms[:-1] if gap else terms[: max(most - 1, 1)]
        shown_first, last = plain_total(first), terms[-1].within(PRODUCT)
        value = digits.nan if gap else plain_total([term.value for term in terms])
        return Words(
            f"{shown_first.text} + … + {last.text}", value, SUM, rf"{shown_first.latex} + \dots + {last.latex}"
        )

    return Arithmetic(number, FUNCTIONS, lambda numbers: NOTHING, NOTHING, named, total, own, most)


def own_formula(name: str, function: Callable[..., Any], arrays: int, arguments: int) -> Callable[..., Any]:
    """A formula of the user's own as a name with its first arguments, computed in floating point.

    It takes so many arrays, and then its constants.
    """
    latex = rf"\operatorname{{{name}}}".replace("_", r"\_")

    def apply(*given: Any) -> Any:
        rows = [list(g) if isinstance(g, np.ndarray) else [g] for g in given[:arrays]]
        words = [word for group in rows[:arguments] for word in group]
        values = [np.array([[float(w.value) for w in group]]) for group in rows]
        constants = [float(g.value) for g in given[arrays:]]
        result = np.atleast_2d(function(*values, *constants))[0]
        text, symbols = ", ".join(w.text for w in words), ", ".join(w.latex for w in words)
        whole = [
            Words(f"{name}({text})", decimal(float(value)), ATOM, rf"{latex}\left({symbols}\right)") for value in result
        ]
        if not isinstance(given[0], np.ndarray):
            return whole[0]
        if len(whole) == 1:
            return row(whole)
        return row([Words(f"{w.text}[{k}]", w.value, ATOM, f"{w.latex}_{{{k}}}") for k, w in enumerate(whole, 1)])

    return apply


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
