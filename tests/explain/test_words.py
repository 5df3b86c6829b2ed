"""What is written is what is computed: the text of every line, evaluated by Python, gives the line's value."""

import math
import re

import numpy as np
import pytest

from explain.test_table import network, table_of, targets
from glassnet import ACTIVATIONS
from glassnet.explain.arithmetic import decimal
from glassnet.explain.evaluation import evaluate
from glassnet.explain.places import Entry
from glassnet.explain.words import WORDS, Words

NAMES = {name: getattr(math, name) for name in ("exp", "log", "sqrt", "tanh", "erf")}
NAMES |= {"max": max, "min": min, "abs": abs, "sign": np.sign}


def computed(text: str, **names) -> float:
    """The text as Python."""
    text = text.replace("·", "*").replace("^", "**").replace("'", "_slope")
    return eval(re.sub(r"\|([^|]*)\|", r"abs(\1)", text), {"__builtins__": {}}, NAMES | dict(names))


SMOOTH = [name for name, g in ACTIVATIONS.items() if g.trainable]


@pytest.mark.parametrize("hidden", SMOOTH)
@pytest.mark.parametrize(
    ("output", "loss", "rule"),
    [
        ("sigmoid", "binary_cross_entropy", "sgd(0.5)"),
        ("softmax", "cross_entropy", "adam(0.1)"),
        ("identity", "huber", "momentum(0.1)"),
        ("tanh", "absolute_error", "rmsprop(0.1)"),
        ("exponential", "poisson", "adamw(0.1)"),
    ],
)
def test_a_line_reads_as_it_is_computed(hidden, output, loss, rule):
    net, Y = network(hidden, output, loss, l1=0.02, l2=0.1, reduction="mean"), targets(loss)
    table = table_of(net, Y, rule, n=2)
    values = evaluate(table, 2) | {entry: decimal(value) for entry, value in table.data.items()}
    for step, (name, index) in ((step, pair) for step in (1, 2) for pair in table.entries()):
        line = table.line(Entry(step, name, index), ())
        words = [[Words(repr(float(values[e])), values[e]) for e in group] for group in line.inputs]
        result = line.compute(WORDS, *words)
        exact = float(values[Entry(step, name, index)])
        assert float(result.value) == pytest.approx(exact, rel=1e-9, abs=1e-12), name
        assert computed(result.text) == pytest.approx(exact, rel=1e-6, abs=1e-9), (name, result.text)
        assert result.latex.count("{") == result.latex.count("}") and "·" not in result.latex


def test_latex():
    x, y = Words("z1[1]", decimal(2.0), latex="z_{1,1}"), WORDS.number(-0.5)
    sigmoid = WORDS(ACTIVATIONS["sigmoid"].function)
    assert sigmoid(x).latex == r"\frac{1}{1 + e^{-z_{1,1}}}"
    assert (x * y - y).latex == r"z_{1,1} \cdot \left(-0.5\right) + 0.5"
    assert (x * (x + y)).latex == r"z_{1,1} \cdot \left(z_{1,1} - 0.5\right)"
    assert (-(x - y)).latex == r"-\left(z_{1,1} + 0.5\right)"
