"""The board: writes down, line by line, how every number of some traces came about."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from glassnet.explain.arithmetic import Arithmetic, decimal, digits, is_own
from glassnet.explain.derivation import Given, Line, Paragraph, Step
from glassnet.explain.general import general, product
from glassnet.explain.look import Look
from glassnet.explain.places import Entry, Index, Setting, indices
from glassnet.explain.quantities import Pass, Tensor
from glassnet.explain.words import Words, latex_number, own_formula, writing
from glassnet.network.passes import Trace

__all__ = ["Board"]


@dataclass(frozen=True)
class _Written(Sequence[Words]):
    """Entries as words, each written when it is asked for: of a long sum only the ends are."""

    entries: Sequence[Entry]
    write: Callable[[Entry], Words]

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, i: Any) -> Any:
        return self.write(self.entries[i])


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
        kept = entry.name.startswith("old_")  # by the optimizer, from before the first step
        before = 0 < entry.step < step or kept
        name = entry.name.removesuffix("_new").removeprefix("old_") if before else entry.name
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
        values = self.turned(values, tensor.name)
        shape = values.shape
        quantity, symbols, depth = tensor.quantity, self.look.symbols, self.setting.depth
        text = tensor.text if self.flat or tensor.name[:2] != "db" else tensor.text.replace("= delta", "= sum of delta")
        return Paragraph(
            tensor.name,
            quantity.meaning,
            symbols.words(text, depth),
            quantity.why,
            tuple(general(self.setting, self.look.symbols, tensor)),
            symbols.latex(tensor.name, (), depth, tensor.per_example),
            shape,
            values,
            tuple(self.lines(tensor, step)),
            product(self, tensor, step),
            tensor.layer,
            tensor.part,
            self.look.digits,
        )

    def turned(self, values: np.ndarray, name: str) -> np.ndarray:
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
        symbols = line.compute(self.symbols, *(_Written(group, lambda e: self.label(e, step)) for group in line.inputs))
        numbers = line.compute(self.numbers, *(_Written(group, self.number) for group in line.inputs))
        label, value = self.label(entry, step), self.value(entry)
        return Line(
            label.text, self.index(entry), symbols.text, numbers.text, label.latex, symbols.latex, numbers.latex, value,
            self.look.number(value),
        )  # fmt: skip

    def given(self, names: Sequence[str], step: int = 1) -> Iterator[Given]:
        """What a step starts from, of these names."""
        trace, symbols, depth = self.traces[step - 1], self.look.symbols, self.setting.depth
        for name in names:
            per_example, array = self.per_example(name), np.asarray(trace[name], np.float64)
            array = array[0] if per_example and self.flat else array
            array = self.turned(array, name)
            word = "x" if name == "a0" else name
            yield Given(word, symbols.words(word, depth), symbols.latex(word, (), depth), array)

    def data(self) -> tuple[Given, ...]:
        """Inputs and targets."""
        weights = ("v",) if self.setting.weighted else ()
        return tuple(self.given(("a0", *(name for name in ("y", *weights) if name in self.traces[0]))))

    def parameters(self, step: int) -> tuple[Given, ...]:
        """W and b as a step finds them."""
        return tuple(self.given([f"{kind}{layer}" for kind, layer, _ in self.setting.tensors()], step))
