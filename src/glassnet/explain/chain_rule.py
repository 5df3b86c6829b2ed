"""The chain rule for one parameter, ready to be shown: each path with its factors, their product, and the sum."""

import math
import re
from dataclasses import dataclass
from html import escape
from typing import Any

from glassnet.explain import rendering, typesetting
from glassnet.explain.derivation import Line
from glassnet.explain.words import latex_number

__all__ = ["ChainRule", "Factor", "Path"]

SAID = (
    "Every path from the loss back to the parameter gives one product of partial derivatives; they add up to the whole."
)


@dataclass(frozen=True)
class Factor:
    """One partial derivative: as text, in LaTeX, its value."""

    text: str
    latex: str
    value: float


@dataclass(frozen=True)
class Path:
    """The factors from the loss to the parameter, and their product."""

    factors: tuple[Factor, ...]

    @property
    def value(self) -> float:
        """The product."""
        return math.prod(factor.value for factor in self.factors)


@dataclass(frozen=True)
class ChainRule:
    """The derivative of the loss by one parameter, as a sum over paths.

    Attributes
    ----------
    name : str
        The parameter, such as W1[1,2].
    text_symbol, symbol : str
        The derivative as text and in LaTeX.
    count : int
        How many paths there are.
    paths : tuple of Path
        All of them; none where they are too many.
    layers : tuple of Line
        Then, the same layer by layer: dL_da, delta and the gradient.
    value : float
        The sum, or the gradient that the trace has.
    notes : tuple of str
        What a reader should know.
    digits : int
        Significant figures.
    """

    name: str
    text_symbol: str
    symbol: str
    count: int
    paths: tuple[Path, ...]
    layers: tuple[Line, ...]
    value: float
    notes: tuple[str, ...]
    digits: int

    @property
    def _head(self) -> str:
        return "one path" if self.count == 1 else f"{self.count} paths"

    def _number(self, value: float) -> str:
        return f"{value:.{self.digits}g}"

    def _product(self, path: Path) -> str:
        numbers = [self._number(factor.value) for factor in path.factors]
        return " · ".join(f"({n})" if i and n.startswith("-") else n for i, n in enumerate(numbers))

    def text(self, width: int = 0) -> str:
        """For a terminal, in lines of that width (0: as long as they are)."""
        out = [f"{self.text_symbol}, {self._head}", *(f"  {note}" for note in self.notes)]
        for number, path in enumerate(self.paths, 1):
            if self.count > 1:
                out += ["", f"path {number}"]
            out.append(f"  {' · '.join(factor.text for factor in path.factors)}")
            out += [f"    = {self._product(path)}", f"    = {self._number(path.value)}"]
        for line in self.layers:
            steps = dict.fromkeys((line.symbols, line.numbers, line.shown))
            out += [f"  {line.label if not i else ' ' * len(line.label)} = {s}" for i, s in enumerate(steps)]
        if self.count > 1:
            out.append("")
            if self.paths:
                out.append(f"{self.text_symbol} = {self._sum(rendered=False)}")
            out.append(f"{self.text_symbol} = {self._number(self.value)}")
        return "\n".join(row for line in out for row in rendering.wrapped(line, width))

    def _sum(self, *, rendered: bool) -> str:
        numbers = [self._number(path.value) for path in self.paths]
        signs = [f" - {n[1:]}" if n.startswith("-") else f" + {n}" for n in numbers]
        whole = "".join(signs).removeprefix(" + ")
        whole = f"-{whole[3:]}" if whole.startswith(" - ") else whole
        return re.sub(r"e([+-]?\d+)", lambda m: rf" \cdot 10^{{{int(m[1])}}}", whole) if rendered else whole

    def _rows(self) -> list[tuple[str, list[str]]]:
        """In LaTeX: for each path its factors, the numbers and the product; or the layers' lines."""
        if not self.paths:
            return [(line.latex, typesetting.latex_steps(line)) for line in self.layers]
        rows: list[tuple[str, list[str]]] = []
        for number, path in enumerate(self.paths, 1):
            symbols = r" \cdot ".join(factor.latex for factor in path.factors)
            values = [latex_number(self._number(factor.value)) for factor in path.factors]
            product = r" \cdot ".join(rf"\left({v}\right)" if i and v[0] == "-" else v for i, v in enumerate(values))
            name = self.symbol if self.count == 1 else f"p_{{{number}}}"
            rows.append((name, [symbols, product, latex_number(self._number(path.value))]))
        if self.count > 1:
            names = " + ".join(f"p_{{{number}}}" for number in range(1, self.count + 1))
            rows.append((self.symbol, [names, self._sum(rendered=True), latex_number(self._number(self.value))]))
        return rows

    def _aligned(self) -> list[str]:
        out: list[str] = []
        for symbol, steps in self._rows():
            line = Line("", (), "", "", symbol, steps[0], steps[1] if len(steps) > 2 else steps[0], 0.0, steps[-1])
            out += typesetting.aligned(line)
        return out

    def markdown(self) -> str:
        """Markdown with LaTeX."""
        out = [
            f"# The chain rule for ${self.symbol}$: {self._head}",
            "",
            SAID,
            "",
            *(f"- {note}" for note in self.notes),
            "",
            "$$",
        ]
        out += [r"\begin{aligned}", " \\\\\n".join(self._aligned()), r"\end{aligned}", "$$"]
        return "\n".join(out) + "\n"

    def latex(self) -> str:
        """A document for LaTeX."""
        out = [typesetting.PREAMBLE + rf"\section*{{The chain rule for ${self.symbol}$: {self._head}}}"]
        out += [SAID, *(rf"\newline {typesetting.escaped(note)}." for note in self.notes)]
        out += [r"\begin{align*}", " \\\\\n".join(self._aligned()), r"\end{align*}", r"\end{document}"]
        return "\n".join(out) + "\n"

    def html(self) -> str:
        """A page of its own, with MathML."""
        return rendering.page(f"The chain rule for {self.name}", self._repr_html_())

    def document(self) -> dict[str, Any]:
        """For JSON."""
        paths = [
            {
                "factors": [{"text": f.text, "latex": f.latex, "value": f.value} for f in path.factors],
                "value": path.value,
            }
            for path in self.paths
        ]
        return {"name": self.name, "count": self.count, "paths": paths, "value": self.value, "notes": list(self.notes)}

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{escape(note)}</p>" for note in (SAID, *self.notes))
        head = f"<h1>The chain rule for {escape(self.name)}: {self._head}</h1>"
        return f"{head}{notes}{rendering.equations(self._rows())}"

    def __str__(self) -> str:
        return self.text()
