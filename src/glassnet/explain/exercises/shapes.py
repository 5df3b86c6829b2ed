"""The shapes of all matrices and vectors, and how many parameters there are."""

from typing import Any

from glassnet.explain.counting import counted, counting
from glassnet.explain.evaluation import evaluate
from glassnet.explain.exercises.drawing import Order
from glassnet.explain.exercises.sheets import Answer, Given, Made, Question, Sheet
from glassnet.explain.words import WORDS

__all__ = ["shapes"]


def shapes(wanted: Order, *, seed: int, steps: int, figures: int) -> Made:
    """Everything of the kind "shapes"; nothing is drawn for it."""
    title = f"Shapes and parameters: a {wanted.shape} network, {wanted.rows} rows"
    table = counting(wanted.sizes, wanted.rows)
    values = {entry.name: str(int(value)) for entry, value in evaluate(table).items()}

    def answer(name: str) -> Answer:
        numbers = {k: WORDS.number(str(int(v))) for k, v in table.at.items()}
        numbers |= {k: WORDS.number(v) for k, v in values.items()}
        line = table.by_name[name].value(WORDS, numbers)
        return Answer(rf"\text{{{name.replace('_', ' ')}}}", name, line.latex, line.text, values[name])

    questions = tuple(
        Question(words, tuple(answer(name) for name, _ in counts)) for words, counts in counted(len(wanted.sizes) - 1)
    )
    sizes = ", ".join(f"n{layer} = {n}" for layer, n in enumerate(wanted.sizes))
    given = (
        Given(
            f"A network with {sizes} (inputs, then the units of each layer), and m = {wanted.rows} examples as rows."
        ),
        Given("Every layer has biases. W is (outputs, inputs); a batch is rows, so z and a are (examples, units)."),
    )
    document: dict[str, Any] = {"title": title, "units": list(wanted.sizes), "rows": wanted.rows}
    sheet = Sheet(title, given, (("", questions),))
    return document | {"claims": [dict.fromkeys(values, "")]}, document | {"claims": [values]}, {}, sheet
