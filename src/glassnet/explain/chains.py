"""A chain of expressions as a table of lines: u = x**2, f = sin(u), with df_du, du_dx and df_dx as lines of their own.

The derivative of an expression by what stands directly in it is the partial one; further down the chain rule takes
over: df_dx is the sum of df_dp times dp_dx over all p in the formula of f that depend on x.
"""

import math
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from glassnet.explain.arithmetic import Arithmetic, Number
from glassnet.explain.expressions import Expression
from glassnet.explain.places import Entry, Index, Line
from glassnet.explain.quantities import Quantity, Tensor

__all__ = ["Chain"]


def _scalar(*_: Any) -> tuple[int, ...]:
    return ()


def _no_line(*_: Any) -> Line:
    raise AssertionError("the lines of expressions are made by their Chain")


@dataclass(frozen=True)
class Chain:
    """Expressions that use one another and given variables, as a table of lines like `quantities.Pass`.

    With `whole` all are whole numbers, which nothing rounds, and nobody asks for derivatives. `blank` are names whose
    formula was left open.

    >>> from glassnet.explain.expressions import parse
    >>> chain = Chain((parse("u = x**2"), parse("f = sin(u)")), {"x": 2.0})
    >>> list(chain.tensors)
    ['u', 'du_dx', 'f', 'df_du', 'df_dx']
    """

    expressions: tuple[Expression, ...]
    at: Mapping[str, float]
    whole: bool = False
    blank: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Expression]:
        """Expressions by name."""
        return {expression.name: expression for expression in self.expressions}

    @cached_property
    def below(self) -> dict[str, set[str]]:
        """For each expression all names that it depends on."""
        found: dict[str, set[str]] = {}
        for expression in self.expressions:
            names = expression.names
            found[expression.name] = set(names).union(*(found.get(name, set()) for name in names))
        return found

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Values and derivatives by name, in the order of computation."""
        order = [*self.at, *self.by_name]
        found: dict[str, Tensor] = {}
        for name, expression in self.by_name.items():
            found[name] = _tensor(name, f"{name} = {expression.text}")
            inside = () if self.whole else self.below[name]
            for inner in sorted(inside, key=order.index, reverse=True):
                found[f"d{name}_d{inner}"] = _tensor(f"d{name}_d{inner}", self._rule(name, inner))
        return found

    @cached_property
    def data(self) -> dict[Entry, float]:
        """The given values."""
        return {Entry(0, name, ()): value for name, value in self.at.items()}

    def entries(self) -> Iterator[tuple[str, Index]]:
        """Each name with its index, which is empty."""
        yield from ((name, ()) for name in self.tensors)

    def limits(self, entry: Entry) -> tuple[float, float]:
        """What an entry can be at all: anything."""
        return -math.inf, math.inf

    def _entry(self, name: str) -> Entry:
        return Entry(0 if name in self.at else 1, name, ())

    def _terms(self, outer: str, inner: str) -> list[tuple[str, str | None]]:
        """The chain rule: (p, dp_d inner) for each name p in the outer formula that leads to the inner one."""
        leading = [p for p in self.by_name[outer].names if p == inner or inner in self.below.get(p, ())]
        return [(p, None if p == inner else f"d{p}_d{inner}") for p in leading]

    def _is_partial(self, outer: str, p: str) -> bool:
        """Whether d outer / d p is the partial derivative: no other name in the formula depends on p."""
        return all(p not in self.below.get(other, ()) for other in self.by_name[outer].names if other != p)

    def _rule(self, outer: str, inner: str) -> str:
        def term(p: str, factor: str | None) -> str:
            partial = self.by_name[outer].derivative(p).text
            if factor is None:
                return partial
            whole = partial if partial.isidentifier() else f"({partial})"
            return f"d{outer}_d{p} * {factor}" if self._is_partial(outer, p) else f"{whole} * {factor}"

        return f"d{outer}_d{inner} = {' + '.join(term(*pair) for pair in self._terms(outer, inner))}"

    def line(self, entry: Entry, printed: Container[Entry] | None = None) -> Line:
        """How a value or a derivative is computed."""
        if entry.name in self.by_name:
            expression = self.by_name[entry.name]
            names = expression.names
            values = tuple(self._entry(name) for name in names)
            return Line((values,), lambda A, x: expression.value(A, dict(zip(names, x, strict=True))))
        outer, inner = self._pair(entry.name)
        return self._derivative_line(self.by_name[outer], inner)

    def _pair(self, name: str) -> tuple[str, str]:
        return next((a, b) for a in self.by_name for b in self.below[a] if f"d{a}_d{b}" == name)

    def _derivative_line(self, outer: Expression, inner: str) -> Line:
        names, terms = outer.names, self._terms(outer.name, inner)
        values = tuple(self._entry(name) for name in names)
        written = [p for p, factor in terms if factor is not None and self._is_partial(outer.name, p)]
        partials = tuple(Entry(1, f"d{outer.name}_d{p}", ()) for p in written)
        factors = tuple(Entry(1, factor, ()) for _, factor in terms if factor is not None)

        def compute(A: Arithmetic, x: list[Number], first: list[Number], second: list[Number]) -> Number:
            at, known, rest = dict(zip(names, x, strict=True)), dict(zip(written, first, strict=True)), iter(second)
            result: Number = None
            for p, factor in terms:
                part = known[p] if p in known else outer.derivative(p).value(A, at)
                part = part if factor is None else part * next(rest)
                result = part if result is None else result + part
            return result

        return Line((values, partials, factors), compute)


def _tensor(name: str, text: str) -> Tensor:
    return Tensor(Quantity(name, "expression", name, text, _scalar, _no_line), 0, name, text, ())
