"""The network as one formula of its inputs: the answer is an expression, checked by its value."""

from glassnet.errors import InvalidParameterError
from glassnet.explain.arithmetic import digits
from glassnet.explain.evaluation import evaluate
from glassnet.explain.exercises.backpropagation import given_numbers, network_words
from glassnet.explain.exercises.drawing import Order, draw, printed
from glassnet.explain.exercises.sheets import Answer, Given, Made, Question, Sheet
from glassnet.explain.expressions import LONGEST
from glassnet.explain.given import read_setting
from glassnet.explain.places import Entry
from glassnet.explain.quantities import Pass
from glassnet.explain.words import WORDS, Words

__all__ = ["network_function"]

WRITTEN = {
    "identity": ("{}", "{}"),
    "sigmoid": ("sigmoid({})", r"\sigma\left({}\right)"),
    "tanh": ("tanh({})", r"\tanh\left({}\right)"),
    "relu": ("relu({})", r"\operatorname{{relu}}\left({}\right)"),
    "exponential": ("exp({})", r"\exp\left({}\right)"),
    "softplus": ("log(1 + exp({}))", r"\log\left(1 + \exp\left({}\right)\right)"),
}
"""Activations that an expression can hold: as text that `explain.expressions` reads, and as LaTeX."""
FIGURES = 10


def network_function(wanted: Order, *, seed: int, steps: int, figures: int) -> Made:
    """Everything of the kind "function"."""
    refused = next((g.name for g in wanted.activations if g.name not in WRITTEN), None)
    if refused is not None:
        raise InvalidParameterError(
            f"activation: {refused} cannot be written in an expression; take one of {', '.join(WRITTEN)}"
        )
    title = f"The network as a function: {wanted.shape}, {' and '.join(dict.fromkeys(map(str, wanted.activations)))}"
    drawn = draw(wanted, seed, 1)
    table = Pass(read_setting(drawn)[0])
    outputs = wanted.sizes[-1]
    names = ["f"] if outputs == 1 else [f"f{k + 1}" for k in range(outputs)]
    formulas = [_formula(wanted, table, k) for k in range(outputs)]
    for formula in formulas:
        if len(formula.text) + len("f12 = ") > LONGEST:
            raise InvalidParameterError(
                f"layers: the formula would have {len(formula.text):,} letters; take fewer units"
            )
    exact = evaluate(table)
    values = [printed(exact[Entry(1, f"a{len(wanted.sizes) - 1}", (0, k))], FIGURES) for k in range(outputs)]
    inputs = [f"x{j + 1}" for j in range(wanted.sizes[0])]
    at = dict(zip(inputs, drawn["x"], strict=True))
    document = {"title": title, "at": at, "claims": [dict(zip(names, values, strict=True))]}
    blanks = document | {"expressions": [f"{name} = " for name in names]}
    solved = document | {
        "expressions": [f"{name} = {formula.text}" for name, formula in zip(names, formulas, strict=True)]
    }
    answers = tuple(
        Answer(_function(name, inputs), f"{name}({', '.join(inputs)})", formula.latex, formula.text, formula.text)
        for name, formula in zip(names, formulas, strict=True)
    )
    given = (
        Given(f"{network_words(wanted)} W is (outputs, inputs), z = W a + b."),
        *(line for line in given_numbers(drawn) if not line.text.startswith("x")),
    )
    words = f"write the output as one formula of {', '.join(inputs)}"
    remarks = {name: f"its value where {', '.join(f'{k} = {v}' for k, v in at.items())}" for name in names}
    sheet = Sheet(title, given, (("", (Question(words, answers, wide=True),)),))
    order = ("title", "expressions", "at", "claims")
    return {k: blanks[k] for k in order}, {k: solved[k] for k in order}, remarks, sheet


def _function(name: str, inputs: list[str]) -> str:
    letters = ", ".join(f"x_{{{each[1:]}}}" for each in inputs)
    return f"f_{{{name[1:]}}}({letters})" if name[1:] else f"f({letters})"


def _formula(wanted: Order, table: Pass, output: int) -> Words:
    """The formula of an output, from the inside out: the lines of z with the formulas of the a before them."""
    nothing = digits.zero
    units = [Words(f"x{j + 1}", nothing, latex=f"x_{{{j + 1}}}") for j in range(wanted.sizes[0])]
    for layer, g in enumerate(wanted.activations, start=1):
        text, latex = WRITTEN[g.name]
        sums = [_pre_activation(table, layer, k, units) for k in range(wanted.sizes[layer])]
        units = [
            z if g.name == "identity" else Words(text.format(z.text), nothing, latex=latex.format(z.latex))
            for z in sums
        ]
    chosen = units[output]
    return Words(chosen.text.replace(" · ", " * "), nothing, latex=chosen.latex)


def _pre_activation(table: Pass, layer: int, k: int, units: list[Words]) -> Words:
    line = table.line(Entry(1, f"z{layer}", (0, k)), ())
    weights, _, *others = (
        [WORDS.number(table.data[e]) if e.step == 0 else None for e in group] for group in line.inputs
    )
    return line.compute(WORDS, weights, units, *others)
