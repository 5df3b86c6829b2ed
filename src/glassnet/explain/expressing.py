"""Worked examples without a network, written out: chains of expressions, and losses of given outputs."""

import re
from collections.abc import Iterator

import numpy as np

from glassnet.explain.arithmetic import Arithmetic, decimal
from glassnet.explain.chains import Chain
from glassnet.explain.derivation import Derivation, Given, Line, Paragraph, Step
from glassnet.explain.evaluation import evaluate
from glassnet.explain.look import Look
from glassnet.explain.places import Entry, indices
from glassnet.explain.quantities import Tensor
from glassnet.explain.words import Words, latex_number, writing
from glassnet.explain.worked import WorkedExample

__all__ = ["derive_example"]

NAMES = {"a0": "x", "dL_da0": r"\frac{\partial J}{\partial x}", "losses": "L", "loss": "J", "y": "y"}


def derive_example(example: WorkedExample, look: Look) -> Derivation:
    """Write an example without a network out; its values are exact, from the example's data alone.

    >>> from glassnet.explain.worked import read_example
    >>> print(derive_example(read_example("lecture-5-sine"), Look(digits=4)).paragraphs[-1].lines[0].numbers)
    -0.6536 · 4
    """
    writer = _Writer(example, look)
    tensors = sorted(example.table.tensors.values(), key=lambda t: _part(t) == "backward")
    chain = isinstance(example.table, Chain)
    title = f"{example.title} ({example.source})" if example.source else example.title
    said = "a derivative such as df_dx is the whole one, over all paths from x to f"
    return Derivation(
        title,
        (said,) if chain else ("x is the output itself; the loss sums over the outputs",),
        tuple(writer.given()),
        (Step(1, (), tuple(map(writer.paragraph, tensors)), None, None),),
        "J",
        look.digits,
        None,
    )


def _part(tensor: Tensor) -> str:
    """Values come first, then derivatives."""
    if tensor.quantity.meaning != "expression":
        return tensor.part
    return "backward" if re.fullmatch(r"d\w+_d\w+", tensor.name) else "forward"


def _latex(name: str) -> str:
    """A name as a symbol: t11 is t with the index 11, df_dx a fraction."""
    fraction = re.fullmatch(r"d(\w+)_d(\w+)", name)
    if name in NAMES or fraction is None:
        letters, _, digits = re.sub(r"(?<=[a-zA-Z])(\d+)$", r" \1", name).partition(" ")
        word = letters if len(letters) == 1 else rf"\operatorname{{{letters}}}"
        return NAMES.get(name) or (f"{word}_{{{digits}}}" if digits else word)
    return rf"\frac{{d {_latex(fraction[1])}}}{{d {_latex(fraction[2])}}}"


class _Writer:
    """Writes the lines of one example."""

    def __init__(self, example: WorkedExample, look: Look) -> None:
        self.example, self.table, self.look = example, example.table, look
        self.values = evaluate(example.table)
        self.arithmetic: Arithmetic = writing(lambda name, value: self._shown(float(value)), most=look.terms)

    def _shown(self, value: float) -> Words:
        text = self.look.number(value)
        return Words(text, decimal(value), latex=latex_number(text))

    def _value(self, entry: Entry) -> float:
        return float(self.table.data[entry] if entry.step == 0 else self.values[entry])

    def _symbol(self, entry: Entry) -> Words:
        places = ",".join(map(str, self.example.index(entry)))
        symbol = _latex(entry.name)
        latex = f"{symbol}_{{{places}}}" if places and "frac" not in symbol else symbol
        return Words(self.example.label(entry, 1).replace("a0", "x"), decimal(self._value(entry)), latex=latex)

    def given(self) -> Iterator[Given]:
        """The data."""
        for name in dict.fromkeys(entry.name for entry in self.table.data):
            values = np.array([v for entry, v in self.table.data.items() if entry.name == name])
            word = "x" if name == "a0" else name
            yield Given(word, word, _latex(name), values if len(values) > 1 else values.reshape(()))

    def paragraph(self, tensor: Tensor) -> Paragraph:
        """One name with its line."""
        entries = [Entry(1, tensor.name, index) for index in indices(tensor.shape)]
        shape = self.example.shape(tensor)
        values = np.array([self._value(entry) for entry in entries]).reshape(shape)
        lines = tuple(map(self._line, entries[: self.look.entries]))
        quantity, is_name = tensor.quantity, tensor.quantity.meaning == "expression"
        pair = re.fullmatch(r"d(\w+)_d(\w+)", tensor.name)
        named = f"derivative of {pair[1]} by {pair[2]}" if pair else f"value of {tensor.name}"
        formula = f"{lines[0].latex} = {lines[0].symbols_latex}"
        return Paragraph(
            tensor.name, named if is_name else quantity.meaning, tensor.text, "" if is_name else quantity.why,
            (formula,), _latex(tensor.name), shape,
            values, lines, "", 0, _part(tensor), self.look.digits,
        )  # fmt: skip

    def _line(self, entry: Entry) -> Line:
        line = self.table.line(entry, ())
        symbols = line.compute(self.arithmetic, *([self._symbol(e) for e in group] for group in line.inputs))
        plugged = line.compute(
            self.arithmetic, *([self._shown(self._value(e)) for e in group] for group in line.inputs)
        )
        label, value = self._symbol(entry), self._value(entry)
        index = self.example.index(entry)
        return Line(
            label.text, index, symbols.text, plugged.text, label.latex, symbols.latex, plugged.latex, value,
            self.look.number(value),
        )  # fmt: skip
