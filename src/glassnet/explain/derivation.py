"""The complete pass over an example or a small batch, line by line, as a teacher writes it on a board.

Each line has its symbol, the formula in symbols, the formula with the numbers plugged in, the value and the shape. The
values are read from a `Trace`; the table of quantities only writes down how each one came about.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import ArchitectureError, InvalidParameterError
from glassnet.explain import rendering
from glassnet.explain.arithmetic import digits
from glassnet.explain.places import Entry, Index, Setting, indices
from glassnet.explain.quantities import Pass, Tensor
from glassnet.explain.symbols import entry_symbol, formula_symbols, notation
from glassnet.explain.words import WORDS, Words, latex_number
from glassnet.formulas.optimizers import Optimizer
from glassnet.network.architecture import Architecture, Dense, Dropout
from glassnet.network.passes import Trace

__all__ = ["Derivation", "Line", "Paragraph", "derive_pass"]


@dataclass(frozen=True)
class Line:
    """One number: its index from 1, the line in symbols and in numbers (text and LaTeX), the value."""

    label: str
    index: Index
    symbols: str
    numbers: str
    latex: str
    symbols_latex: str
    numbers_latex: str
    value: float
    shown: str


@dataclass(frozen=True)
class Paragraph:
    """One quantity: its formula, its shape, its values, and the lines of its first entries."""

    name: str
    meaning: str
    text: str
    formula: str
    shape: tuple[int, ...]
    values: np.ndarray
    lines: tuple[Line, ...]

    @property
    def left_out(self) -> int:
        """How many entries are not written out."""
        return self.values.size - len(self.lines)


@dataclass(frozen=True)
class Derivation:
    """A pass, ready to be shown.

    Attributes
    ----------
    title : str
        The network in one line.
    conventions : tuple of str
        How to read it: rows or columns, which reduction, where the bias is.
    paragraphs : tuple of Paragraph
        In the order of computation.
    loss_after : float or None
        The loss with the updated parameters, where there was an update.

    >>> from glassnet import Dense, Network
    >>> net = Network(1, [Dense(1, "sigmoid")], "half_squared_error", dtype="float64")
    >>> net.parameters["W1"], net.parameters["b1"] = [[0.5]], [1.0]
    >>> print(net.explain([[2.0]]).text().splitlines()[-3:])
    ['  a1[1] = 1 / (1 + exp(-z1[1]))', '        = 1 / (1 + exp(-2))', '        = 0.880797']
    """

    title: str
    conventions: tuple[str, ...]
    paragraphs: tuple[Paragraph, ...]
    loss_after: float | None

    def text(self) -> str:
        """For a terminal."""
        return rendering.text(self)

    def markdown(self) -> str:
        """Markdown with LaTeX, as GitHub, Jupyter and most editors show it."""
        return rendering.markdown(self)

    def latex(self) -> str:
        """A document for LaTeX, which needs amsmath and geometry only."""
        return rendering.latex(self)

    def html(self) -> str:
        """A page of its own, with MathML: nothing is loaded from anywhere."""
        return rendering.html(self)

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return rendering.document(self)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_html_(self) -> str:
        return rendering.html_body(self)

    def __str__(self) -> str:
        return self.text()


# --- from a trace -----------------------------------------------------------------------------------------------


def derive_pass(
    architecture: Architecture,
    parameters: Mapping[str, Any],
    trace: Trace,
    Y: np.ndarray | None,
    rule: Optimizer | None = None,
    loss_after: float | None = None,
    *,
    figures: int = 6,
    most: int = 4,
    style: str = "parentheses",
) -> Derivation:
    """Write down how every number of a trace came about.

    Parameters
    ----------
    architecture, parameters, trace, Y, rule
        The network, its W and b before the update, the pass, its targets (n, K) and the optimizer, if any.
    loss_after : float, optional
        The loss after the update.
    figures : int
        Significant figures of all numbers that are shown.
    most : int
        Entries that are written out of each quantity.
    style : str
        The notation, see `symbols.NOTATIONS`.

    Raises
    ------
    ArchitectureError
        If there are other layers than plain dense ones.
    InvalidParameterError
        If figures, most or style are none.
    """
    notation(style)
    for name, value, limit in (("digits", figures, 17), ("entries", most, 10_000)):
        if not 1 <= value <= limit:
            raise InvalidParameterError(f"explain: {name} must be a whole number from 1 to {limit}, got {value!r}")
    table = Pass(_setting(architecture, parameters, trace, Y, rule))
    board = _Board(table, trace, figures, style, flat=table.setting.rows == 1)
    parts = [board.paragraph(t, most) for t in table.tensors.values() if t.name in trace]
    return Derivation(_title(table.setting), _conventions(table.setting), tuple(parts), loss_after)


def _setting(
    architecture: Architecture, parameters: Mapping[str, Any], trace: Trace, Y: Any, rule: Optimizer | None
) -> Setting:
    for layer in architecture.layers:
        idle = isinstance(layer, Dropout)  # it acts in training only
        if not idle and (not isinstance(layer, Dense) or layer.norm is not None):
            kind = type(layer.norm if isinstance(layer, Dense) else layer).__name__
            raise ArchitectureError(f"explain writes down plain dense layers; this network has {kind}")
    given = {"a0": trace["a0"], **parameters} | ({} if Y is None else {"y": Y})
    data = {
        Entry(0, name, i): float(v) for name, values in given.items() for i, v in np.ndenumerate(np.asarray(values))
    }
    layers = architecture.dense
    return Setting(
        architecture.sizes,
        tuple(layer.g for layer in layers),
        tuple(layer.has_bias for layer in layers),
        len(trace["a0"]),
        data,
        None if Y is None else architecture.objective,
        architecture.reduction,
        architecture.l1 * architecture.penalty_share(len(trace["a0"])),
        architecture.l2 * architecture.penalty_share(len(trace["a0"])),
        rule,
    )


def _title(s: Setting) -> str:
    parts = [f"{'-'.join(map(str, s.sizes))} network", *map(str, s.activations)]
    parts += [str(s.loss)] if s.loss else []
    parts += [f"{s.rule.name} with learning rate {s.rule.learning_rate}"] if s.rule else []
    return ", ".join(parts)


def _conventions(s: Setting) -> tuple[str, ...]:
    lines = ["W is (outputs, inputs), z = W a + b, with the bias apart; indices count from 1"]
    if s.rows > 1:
        lines.append("the first index of x, z, a, delta is the example: a batch is rows")
    if s.loss is not None:
        weight = f"1/{s.rows}" if s.reduction == "mean" else "1"
        lines.append(
            f"the loss sums over the outputs and takes the {s.reduction} over the examples: each has the weight "
            f"v = {weight}, which is part of delta"
        )
    return tuple(lines)


@dataclass(frozen=True)
class _Board:
    """Writes paragraphs of one trace."""

    table: Pass
    trace: Trace
    figures: int
    style: str
    flat: bool

    def paragraph(self, tensor: Tensor, most: int) -> Paragraph:
        """A quantity with the lines of its first entries."""
        values = np.asarray(self.trace[tensor.name])
        lines = [self._line(Entry(1, tensor.name, i)) for i, _ in zip(indices(tensor.shape), range(most), strict=False)]
        formula = formula_symbols(tensor.quantity.formula, tensor.layer, self.style)
        shape = tensor.shape[1:] if self.flat and tensor.per_example else tensor.shape
        return Paragraph(
            tensor.name, tensor.quantity.meaning, tensor.text, formula, shape, values.reshape(shape), tuple(lines)
        )

    def _line(self, entry: Entry) -> Line:
        line = self.table.line(entry, ())
        symbols, numbers = (
            line.compute(WORDS, *([write(e) for e in group] for group in line.inputs))
            for write in (self._symbol, self._number)
        )
        index, value = self._index(entry), self._value(entry)
        return Line(
            self._label(entry), index, symbols.text, numbers.text, entry_symbol(entry.name, index, self.style),
            symbols.latex, numbers.latex, value, f"{value:.{self.figures}g}",
        )  # fmt: skip

    def _value(self, entry: Entry) -> float:
        if entry.step == 0:
            return self.table.data[entry]
        return float(np.asarray(self.trace[entry.name])[entry.index])

    def _number(self, entry: Entry) -> Words:
        value = self._value(entry)
        text = f"{value:.{self.figures}g}"
        return Words(text, digits.mpf(value), latex=latex_number(text))

    def _symbol(self, entry: Entry) -> Words:
        name = "x" if entry.name == "a0" else entry.name
        symbol = entry_symbol(name, self._index(entry), self.style)
        return Words(self._label(entry), digits.mpf(self._value(entry)), latex=symbol)

    def _index(self, entry: Entry) -> Index:
        tensor = self.table.tensors.get(entry.name)
        per_example = tensor.per_example if tensor else entry.name in ("a0", "y")
        return tuple(i + 1 for i in (entry.index[1:] if self.flat and per_example else entry.index))

    def _label(self, entry: Entry) -> str:
        name, index = "x" if entry.name == "a0" else entry.name, self._index(entry)
        return f"{name}[{','.join(map(str, index))}]" if index else name
