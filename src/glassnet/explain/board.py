"""The board: writes down, line by line, how every number of some traces came about."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from glassnet.explain.arithmetic import Arithmetic, decimal, digits, is_own
from glassnet.explain.derivation import Given, Line, Paragraph, Step
from glassnet.explain.kinds import ACTIVATION, DERIVATIVE, LOSS, LOSSES, OUTPUT_SLOPE
from glassnet.explain.look import Look
from glassnet.explain.places import Entry, Index, Setting, indices
from glassnet.explain.quantities import Pass, Tensor
from glassnet.explain.typesetting import matrix
from glassnet.explain.words import Words, latex_number, own_formula, writing
from glassnet.network.passes import Trace

__all__ = ["Board"]

TURNED = {
    r"W_{l} a_{l-1}": r"W_{l}^\top a_{l-1}",
    r"a_{l-1} W_{l}^\top": r"a_{l-1} W_{l}",
    r"W_{l+1}^\top \delta_{l+1}": r"W_{l+1} \delta_{l+1}",
    r"\delta_{l+1} W_{l+1}": r"\delta_{l+1} W_{l+1}^\top",
    r"\delta_{l} a_{l-1}^\top": r"a_{l-1} \delta_{l}^\top",
    r"\delta_{l}^\top a_{l-1}": r"a_{l-1}^\top \delta_{l}",
    "<W{l}> <a{l-1}>": r"<W{l}>^\top <a{l-1}>",
    r"<W{l+1}>^\top <delta{l+1}>": "<W{l+1}> <delta{l+1}>",
    r"<delta{l}> <a{l-1}>^\top": r"<a{l-1}> <delta{l}>^\top",
}
"""Products with W as (outputs, inputs) -> the same with W as (inputs, outputs)."""


@dataclass(frozen=True)
class Board:
    """Writes the lines of some traces; `table` says how each number is computed."""

    table: Pass
    traces: Sequence[Trace]
    look: Look

    @property
    def setting(self) -> Setting:
        """The network."""
        return self.table.setting

    @property
    def flat(self) -> bool:
        """Whether there is one example, without an index of its own."""
        return self.setting.rows == 1

    # --- arithmetics ---

    @cached_property
    def symbols(self) -> Arithmetic:
        """Writes formulas with the names of constants."""

        def named(name: str, value: Any) -> Words:
            text, latex = self.look.symbols.constant(name)
            return Words(text, decimal(value), latex=latex)

        return writing(named, self._shown, self.look.terms, self._own)

    @cached_property
    def numbers(self) -> Arithmetic:
        """Writes formulas with the values of constants."""
        return writing(lambda name, value: self._shown(value), self._shown, self.look.terms, self._own)

    def _shown(self, value: Any) -> Words:
        if isinstance(value, int):
            return Words(str(value), decimal(value))
        text = self.look.number(float(value))
        return Words(text, decimal(value), latex=latex_number(text))

    @cached_property
    def _names(self) -> dict[Any, tuple[str, int, int]]:
        """The user's own formulas -> name, number of arrays, and how many of them are written."""
        found: dict[Any, tuple[str, int, int]] = {}
        for g in self.setting.activations:
            found |= {g.function: (g.name, 1, 1), g.derivative: (f"{g.name}'", 2, 1), g.vjp: (f"{g.name}'", 3, 3)}
        loss = self.setting.loss
        if loss is not None:
            found |= {loss.function: (loss.name, 2, 2), loss.derivative: (f"{loss.name}'", 2, 2)}
        return {function: entry for function, entry in found.items() if function is not None and is_own(function)}

    def _own(self, function: Callable[..., Any]) -> Callable[..., Any]:
        name, arrays, arguments = self._names[function]
        return own_formula(name, function, arrays, arguments)

    # --- entries ---

    def value(self, entry: Entry) -> float:
        """The value, as the traces have it."""
        if entry.step == 0:
            return self.table.data[entry]
        return float(np.asarray(self.traces[entry.step - 1][entry.name])[entry.index])

    def per_example(self, name: str) -> bool:
        """Whether the first index of a quantity is the example."""
        tensor = self.table.tensors.get(name)
        return tensor.per_example if tensor else name in ("a0", "y", "v") or name.startswith(("one", "u_"))

    def index(self, entry: Entry) -> Index:
        """The index as people write it, from 1."""
        return tuple(i + 1 for i in (entry.index[1:] if self.flat and self.per_example(entry.name) else entry.index))

    def label(self, entry: Entry, step: int) -> Words:
        """The symbol of an entry in a line of a step: the new W of the step before is W now."""
        before = 0 < entry.step < step
        name = entry.name.removesuffix("_new") if before else entry.name
        index, per_example = self.index(entry), self.per_example(entry.name)
        symbols, depth = self.look.symbols, self.setting.depth
        text = symbols.text(name, index, depth, per_example)
        latex = symbols.latex(name, index, depth, per_example)
        if name[0] == "g" and name[1:].isdigit() and int(name[1:]) in self.setting.norms:
            latex = f"g'({symbols.latex(f's{name[1:]}', index, depth, per_example)})"
        if before and not entry.name.endswith("_new"):  # what the optimizer kept
            text, latex = f"old {text}", rf"{latex}^{{\text{{old}}}}"
        return Words(text, digits.mpf(self.value(entry)), latex=latex)

    def number(self, entry: Entry) -> Words:
        """The value of an entry as it is shown."""
        value = self.value(entry)
        text = self.look.number(value)
        return Words(text, digits.mpf(value), latex=latex_number(text))

    # --- what is written ---

    def step(self, number: int) -> Step:
        """Everything of one step."""
        trace = self.traces[number - 1]
        parts = [self.paragraph(t, number) for t in self.table.tensors.values() if t.name in trace]
        later = self.traces[number]["loss"] if number < len(self.traces) and "loss" in self.traces[number] else None
        loss = float(trace["loss"]) if "loss" in trace else None
        return Step(number, self.parameters(number), tuple(parts), loss, None if later is None else float(later))

    def paragraph(self, tensor: Tensor, step: int) -> Paragraph:
        """A quantity with the lines of its first entries."""
        values = np.asarray(self.traces[step - 1][tensor.name])
        shape = tensor.shape[1:] if self.flat and tensor.per_example else tensor.shape
        values = values.reshape(shape)
        values = self._turned(values, tensor.name)
        shape = values.shape
        quantity, symbols, depth = tensor.quantity, self.look.symbols, self.setting.depth
        return Paragraph(
            tensor.name,
            quantity.meaning,
            symbols.words(tensor.text, depth),
            quantity.why,
            tuple(self._formulas(tensor)),
            symbols.latex(tensor.name, (), depth, tensor.per_example),
            shape,
            values,
            tuple(self.lines(tensor, step)),
            self._product(tensor, step),
            tensor.layer,
            tensor.part,
            self.look.digits,
        )

    def _turned(self, values: np.ndarray, name: str) -> np.ndarray:
        """Matrices the way round that the notation has them: examples as columns, weights by (input, output)."""
        symbols = self.look.symbols
        across = symbols.batch == "columns" if self.per_example(name) else symbols.order == "in,out"
        return values.T if across and values.ndim == 2 and not (self.flat and self.per_example(name)) else values

    def lines(self, tensor: Tensor, step: int) -> Iterator[Line]:
        """The lines of a quantity's first entries."""
        for index, _ in zip(indices(tensor.shape), range(self.look.entries), strict=False):
            yield self.line(Entry(step, tensor.name, index))

    def line(self, entry: Entry) -> Line:
        """How one number came about."""
        line, step = self.table.line(entry, ()), entry.step
        symbols = line.compute(self.symbols, *([self.label(e, step) for e in group] for group in line.inputs))
        numbers = line.compute(self.numbers, *([self.number(e) for e in group] for group in line.inputs))
        label, value = self.label(entry, step), self.value(entry)
        return Line(
            label.text, self.index(entry), symbols.text, numbers.text, label.latex, symbols.latex, numbers.latex, value,
            self.look.number(value),
        )  # fmt: skip

    def _formulas(self, tensor: Tensor) -> Iterator[str]:
        """The formula of the table, and the one of the record that it uses."""
        s, quantity, symbols = self.setting, tensor.quantity, self.look.symbols
        formula = quantity.rows if quantity.rows and not self.flat and symbols.batch == "rows" else quantity.formula
        if quantity is LOSS:
            formula = self._objective()
        if quantity is LOSSES and self.flat:
            formula = "L = L(a_{l}, y)"
        if quantity is OUTPUT_SLOPE and self.flat and not s.weighted:
            formula = formula.replace("v L'", "L'")
        if quantity in (LOSSES, LOSS, OUTPUT_SLOPE):
            formula = formula.replace("L", symbols.letter("losses")[1])
        for way, turned in TURNED.items() if symbols.order == "in,out" else ():
            if way in formula:
                formula = formula.replace(way, turned)
                break
        if tensor.layer:
            formula = formula.replace("a_{l-1}", f"{s.leaving(tensor.layer - 1)}_{{l-1}}")
            if quantity is ACTIVATION:
                letter = s.activations[tensor.layer - 1].latex.partition("(z)")
                formula = formula.replace("g", letter[0] if letter[1] else "g", 1)
                formula = formula.replace("(z_{l})", f"({s.before(tensor.layer)}_{{l}})")
        if quantity is DERIVATIVE:
            yield s.activations[tensor.layer - 1].derivative_latex
            return
        yield symbols.formula(formula, tensor.layer, s.depth)
        if quantity is ACTIVATION:
            yield s.activations[tensor.layer - 1].latex
        if quantity is LOSSES and s.loss is not None:
            yield f"{symbols.letter('losses')[1]} = {symbols.of_loss(s.loss.latex)}"
        if quantity is OUTPUT_SLOPE and s.loss is not None:
            yield f"{symbols.letter('losses')[1]}' = {symbols.of_loss(s.loss.derivative_latex)}"

    def _objective(self) -> str:
        """How the losses of the examples add up."""
        s = self.setting
        mean = rf"\frac{{1}}{{{s.rows}}} " if s.reduction == "mean" else ""
        total = r"\sum_i v_i L_i" if s.weighted else "L" if self.flat else rf"{mean}\sum_i L_i"
        return f"J = {total}{' + R' if s.l1 or s.l2 else ''}"

    def _product(self, tensor: Tensor, step: int) -> str:
        """The whole quantity with matrices plugged in, for one example."""
        template = tensor.quantity.matrices
        if not template or not self.flat or self.setting.unit or self.setting.clipped:
            return ""
        layer, trace = tensor.layer, self.traces[step - 1]
        if self.look.symbols.order == "in,out":
            template = TURNED.get(template.removesuffix(" + <b{l}>"), template) + (
                " + <b{l}>" if "<b{l}>" in template else ""
            )
        template = template.replace("a{l-1}", f"{self.setting.leaving(layer - 1)}{{l-1}}")
        for part, number in (("{l}", layer), ("{l-1}", layer - 1), ("{l+1}", layer + 1)):
            template = template.replace(part, str(number))
        template = template if f"b{layer}" in trace else template.replace(f" + <b{layer}>", "")

        def put(match: "re.Match[str]") -> str:
            values = self._turned(np.asarray(trace[match[1]]), match[1])
            numbers = matrix(values[0] if self.per_example(match[1]) else values, self.look.digits)
            return numbers if values.size > 1 else rf"\left({numbers}\right)"

        rate = latex_number(self.look.number(float(trace["eta"]))) if "eta" in trace else ""
        return re.sub(r"<(\w+)>", put, template.replace("<eta>", rate))

    def given(self, names: Sequence[str], step: int = 1) -> Iterator[Given]:
        """What a step starts from, of these names."""
        trace, symbols, depth = self.traces[step - 1], self.look.symbols, self.setting.depth
        for name in names:
            per_example, array = self.per_example(name), np.asarray(trace[name], np.float64)
            array = array[0] if per_example and self.flat else array
            array = self._turned(array, name)
            word = "x" if name == "a0" else name
            yield Given(word, symbols.words(word, depth), symbols.latex(word, (), depth), array)

    def data(self) -> tuple[Given, ...]:
        """Inputs and targets."""
        weights = ("v",) if self.setting.weighted else ()
        return tuple(self.given(("a0", *(name for name in ("y", *weights) if name in self.traces[0]))))

    def parameters(self, step: int) -> tuple[Given, ...]:
        """W and b as a step finds them."""
        return tuple(self.given([f"{kind}{layer}" for kind, layer, _ in self.setting.tensors()], step))
