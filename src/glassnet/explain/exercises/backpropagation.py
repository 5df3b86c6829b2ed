"""Forward, loss, backward and update by hand: every number that is asked for, with its formula."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glassnet.explain.evaluation import evaluate
from glassnet.explain.exercises.drawing import Order, draw, printed
from glassnet.explain.exercises.sheets import Answer, Given, Made, Question, Sheet
from glassnet.explain.places import Entry, indices
from glassnet.explain.quantities import Pass, Tensor
from glassnet.explain.symbols import notation
from glassnet.explain.words import WORDS, Words, latex_number
from glassnet.explain.worked import WorkedExample, worked_example

__all__ = ["backpropagation", "given_numbers", "network_words"]

SYMBOLS = notation("parentheses")


def backpropagation(wanted: Order, *, seed: int, steps: int, figures: int) -> Made:
    """Everything of the kind "backpropagation"."""
    assert wanted.loss is not None and wanted.rule is not None
    names = " and ".join(dict.fromkeys(str(g) for g in wanted.activations))
    title = f"Backpropagation by hand: {wanted.shape}, {names}, {wanted.loss.name}"
    document = {"title": title, **draw(wanted, seed, steps)}
    frame = worked_example(document | {"claims": [{"step": steps, "loss": "0"}]})
    assert isinstance(frame.table, Pass)
    board = _Board(frame, frame.table, evaluate(frame.table, steps), figures)
    asked = [tensor for tensor in frame.table.tensors.values() if _is_asked(tensor, frame.table)]
    blanks, answers = (
        [{"step": step} | {t.name: board.nested(t, step, write) for t in asked} for step in range(1, steps + 1)]
        for write in (lambda entry: "", board.shown)
    )
    rule = f"{wanted.rule.name}, learning rate {wanted.rule.learning_rate}"
    given = (
        Given(f"{network_words(wanted)} Loss: {wanted.loss.name}. Update: {rule}."),
        Given(f"W is (outputs, inputs), z = W a + b; round to {figures} significant figures where you have to."),
        *given_numbers(document),
        Given(latex=rf"L = {wanted.loss.latex} \qquad {wanted.rule.latex}"),
    )
    parts = tuple(part for step in range(1, steps + 1) for part in board.parts(step, asked, steps))
    remarks = {tensor.name: remark(tensor, frame.table) for tensor in asked}
    return document | {"claims": blanks}, document | {"claims": answers}, remarks, Sheet(title, given, parts)


def network_words(wanted: Order) -> str:
    """The layers in words."""
    layers = ", ".join(f"layer {number} with {g}" for number, g in enumerate(wanted.activations, start=1))
    return f"A {wanted.shape} network: {layers}."


def given_numbers(document: Mapping[str, Any]) -> Iterator[Given]:
    """x with y, and each W with its b: as matrices, and as the TOML file has them."""
    data = {name: document[name] for name in ("x", "y") if name in document}
    layers = ({f"W{n}": layer["W"], f"b{n}": layer["b"]} for n, layer in enumerate(document["layers"], start=1))
    for named in (data, *layers):
        formulas = [f"{_symbol(name)} = {_matrix(value)}" for name, value in named.items()]
        lines = [f"{name} = {value}" for name, value in named.items()]
        yield Given(latex=r" \qquad ".join(formulas), text="\n  ".join(lines))


def _symbol(name: str) -> str:
    return name if name in "xy" else f"{name[0]}^{{({name[1:]})}}"


def _matrix(value: list[Any]) -> str:
    rows = value if isinstance(value[0], list) else [[number] for number in value]
    inner = r" \\ ".join(" & ".join(f"{number:g}" for number in row) for row in rows)
    return rf"\begin{{pmatrix}} {inner} \end{{pmatrix}}"


def _is_asked(tensor: Tensor, table: Pass) -> bool:
    """Not the losses of single examples where there is one, nor factors that the loss's own link leaves out."""
    s = table.setting
    if tensor.name == "losses":
        return s.rows > 1
    left_out = s.linked and tensor.name in (f"dL_da{s.depth}", f"g{s.depth}")
    return not left_out


@dataclass(frozen=True)
class _Board:
    """Writes the numbers of a worked example: as claims, and as answers."""

    example: WorkedExample
    table: Pass
    exact: Mapping[Entry, Any]
    figures: int

    def shown(self, entry: Entry) -> str:
        """A number as the solution prints it."""
        return printed(self.exact[entry], self.figures)

    def nested(self, tensor: Tensor, step: int, write: Callable[[Entry], str]) -> Any:
        """Text for every entry, nested as a claim is."""

        def at(shape: tuple[int, ...], index: tuple[int, ...]) -> Any:
            if not shape:
                return write(Entry(step, tensor.name, index))
            return [at(shape[1:], (*index, i)) for i in range(shape[0])]

        flat = self.example.flat and tensor.per_example
        return at(tensor.shape[1:], (0,)) if flat else at(tensor.shape, ())

    def parts(self, step: int, asked: list[Tensor], steps: int) -> Iterator[tuple[str, tuple[Question, ...]]]:
        """Forward, loss, backward, update: each with its questions."""
        groups: dict[str, list[Question]] = {"forward": [], "loss": [], "backward": [], "update": []}
        for tensor in asked:
            groups[_part(tensor.name)].append(self._question(tensor, step))
        for name, questions in groups.items():
            yield f"Step {step}: {name}" if steps > 1 else name.capitalize(), tuple(questions)

    def _question(self, tensor: Tensor, step: int) -> Question:
        words = (f"layer {tensor.layer}, " if _part(tensor.name) != "loss" else "") + tensor.quantity.meaning
        entries = [Entry(step, tensor.name, index) for index in indices(tensor.shape)]
        template, depth = _own(tensor, self.table).get("latex", tensor.quantity.formula), self.table.setting.depth
        formula = SYMBOLS.formula(template, tensor.layer, depth)
        return Question(words, tuple(map(self._answer, entries)), formula, remark(tensor, self.table))

    def _answer(self, entry: Entry) -> Answer:
        alone = entry.name == "loss" and _is_alone(self.table)
        line = self.table.line(Entry(entry.step, "losses", (0,)) if alone else entry, ())
        numbers = line.compute(WORDS, *([self._number(e) for e in group] for group in line.inputs))
        index = self.example.index(entry)
        symbol = SYMBOLS.latex(entry.name, index, self.table.setting.depth)
        return Answer(symbol, self.example.label(entry, entry.step), numbers.latex, numbers.text, self.shown(entry))

    def _number(self, entry: Entry) -> Words:
        if entry.step == 0:
            return WORDS.number(self.table.data[entry])
        text = self.shown(entry)
        return Words(text, self.exact[entry], latex=latex_number(text))


def _part(name: str) -> str:
    if name.endswith("_new") or name[1:3] in ("_W", "_b"):
        return "update"
    if name in ("loss", "losses", "penalty"):
        return "loss"
    return "forward" if name[0] in "za" and name[1:].isdigit() else "backward"


def remark(tensor: Tensor, table: Pass) -> str:
    """The formula of a quantity as text."""
    return _own(tensor, table).get("text", tensor.text)


def _own(tensor: Tensor, table: Pass) -> Mapping[str, str]:
    """Formulas that are simpler here than in general: delta of a loss with its link, the loss of one example."""
    s = table.setting
    if tensor.name == f"delta{s.depth}" and s.linked and s.loss is not None and s.loss.canonical == 1:
        return {"latex": r"\delta_{l} = a_{l} - y", "text": f"delta{s.depth} = a{s.depth} - y"}
    return {"latex": "J = L(a_{l}, y)"} if tensor.name == "loss" and _is_alone(table) else {}


def _is_alone(table: Pass) -> bool:
    return table.setting.rows == 1 and "penalty" not in table.tensors
