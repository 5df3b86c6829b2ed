"""The pass on the board: its values are those of the trace, and what is plugged in gives them."""

import json
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from explain.test_words import computed
from glassnet import ACTIVATIONS, LOSSES, OPTIMIZERS, Dense, Dropout, Network
from glassnet.errors import InvalidParameterError
from glassnet.explain.mathml import mathml
from glassnet.explain.symbols import NOTATIONS

X, Y = np.array([[0.5, -1.0], [2.0, 0.3]]), np.array([[1.0], [0.0]])


def network(**options) -> Network:
    net = Network(2, [Dense(3, "tanh"), Dense(1, "sigmoid")], seed=4, dtype="float64", **options)
    net.parameters["b1"] = [0.1, -0.2, 0.3]
    return net


def balanced(latex: str) -> bool:
    return latex.count("{") == latex.count("}") and latex.count(r"\left") - latex.count(r"\leftarrow") == latex.count(
        r"\right"
    )


@pytest.mark.parametrize("rule", ["sgd(0.5)", "momentum(0.1)", "adam(0.1)"])
@pytest.mark.parametrize("n", [1, 2])
def test_values_are_read_and_lines_give_them(n, rule):
    net = network(l2=0.1)
    trace = net.trace(X[:n], Y[:n], optimizer=rule)
    derivation = net.explain(X[:n], Y[:n], optimizer=rule, digits=17, entries=100, terms=100)
    names = [part.name for part in derivation.paragraphs]
    assert set(names) == set(trace) - {"a0"}
    for part in derivation.paragraphs:
        assert np.array_equal(part.values.ravel(), np.ravel(trace[part.name])), part.name
        assert part.left_out == 0 and len(part.lines) == part.values.size
        for line in part.lines:
            assert computed(line.numbers) == pytest.approx(line.value, rel=1e-9, abs=1e-12), (line.label, line.numbers)


def test_the_loss_after_the_update():
    net = network(l2=0.1)
    derivation = net.explain(X, Y, optimizer="sgd(0.5)")
    trace = net.trace(X, Y, optimizer="sgd(0.5)")
    for name in net.parameters:
        net.parameters[name] = trace[f"{name}_new"]
    assert derivation.loss_after == pytest.approx(net.loss(X, Y), rel=1e-12)


def test_less_is_given_less():
    assert [part.name for part in network().explain(X).paragraphs] == ["z1", "a1", "z2", "a2"]
    assert network().explain(X).steps[0].loss is None
    assert network().explain(X).loss_after is None
    derivation = network().explain(X, Y, entries=2)
    assert derivation.paragraphs[0].left_out == 4 and "and 4 more" in derivation.text()
    assert derivation.loss_after is None


def test_how_it_looks():
    net = Network(1, [Dense(1, "sigmoid")], "squared_error", dtype="float64")
    net.parameters["W1"], net.parameters["b1"] = [[0.5]], [1.0]
    text = net.explain([[2.0]], [1.0], optimizer="sgd(0.1)", digits=4).text()
    for line in (
        "z1 = W1 x + b1   (pre-activation, shape 1)",
        "  z1[1] = W1[1,1] · x[1] + b1[1]",
        "  W1_new[1,1] = W1[1,1] - eta · dW1[1,1]",
        "        = 0.5 · 2 + 1",
        "  dW1[1,1] = delta1[1] · x[1]",
        "              = 0.5 - 0.1 · (-0.05006)",
        "loss after the update: 0.0139",
    ):
        assert line in text.splitlines(), line


@pytest.mark.parametrize("style", NOTATIONS)
def test_every_form(style):
    derivation = network().explain(X, Y, optimizer="adam(0.1)", notation=style)
    for form in (derivation.markdown(), derivation.latex()):
        assert balanced(form) and "·" not in form
        assert not re.search(r"\^\{[^{}]*\}\^", form)  # a double superscript
    assert derivation.latex().count(r"\begin{align*}") == len(derivation.paragraphs)
    page = derivation.html()
    assert "http" not in page and "<script" not in page
    body = page.split("<body>")[1].split("</body>")[0]
    tree = ET.fromstring(f"<body>{body}</body>")
    assert len(list(tree.iter("math"))) > 50
    document = json.loads(json.dumps(derivation.document(), allow_nan=False))
    assert document["lines"][0]["name"] == "z1" and document["loss_after"] == derivation.loss_after


def test_the_notations():
    symbols = {style: network().explain(X[:1], notation=style).paragraphs[0].lines[0].latex for style in NOTATIONS}
    assert symbols == {
        "parentheses": "z^{(1)}_{1}",
        "brackets": "z^{[1]}_{1}",
        "subscript": "z_{1;1}",
        "lecture-5": "z^{(1)}_{1}",
        "class-2": "z^{(1)}_{1}",
        "lecture-23": "a^{(1)}_{1}",
        "introduction": "z^{(1)}_{1}",
        "ee514": "z^{[1]}_{1}",
    }


@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize("hidden", [name for name, g in ACTIVATIONS.items() if g.trainable])
def test_every_record_can_be_shown(hidden, rule):
    net = Network(2, [Dense(2, hidden), Dense(1)], seed=4, dtype="float64")
    ET.fromstring(f"<body>{net.explain(X, Y, optimizer=rule).html().split('<body>')[1].split('</body>')[0]}</body>")


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_can_be_shown(loss):
    link = LOSSES[loss].link or "identity"
    units = 2 if link == "softmax" else 1
    net = Network(2, [Dense(units, link)], loss, seed=4, dtype="float64")
    targets = np.eye(2)[[0, 1]] if link == "softmax" else Y
    derivation = net.explain(X, targets)
    assert "loss" in [part.name for part in derivation.paragraphs] and balanced(derivation.latex())
    assert "<math" in derivation.html()


def test_dropout_is_idle_in_a_prediction():
    net = Network(2, [Dense(3, "relu"), Dropout(0.5), Dense(1)], seed=4)
    trace = net.trace(X, Y)
    part = next(p for p in net.explain(X, Y, digits=9).paragraphs if p.name == "z2")
    assert np.array_equal(part.values, trace["z2"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"digits": 0}, "digits must be a whole number from 1 to 17, got 0"),
        ({"entries": 0}, "entries must be a whole number from 1 to 10000, got 0"),
        ({"notation": "bracket"}, "unknown notation 'bracket'; did you mean 'brackets'?"),
        ({"notation": "x"}, "unknown notation 'x'; known are parentheses, brackets, subscript, lecture-5, class-2"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(InvalidParameterError) as caught:
        network().explain(X, Y, **options)
    assert message in str(caught.value)


def test_notebooks():
    derivation = network().explain(X, Y)
    assert derivation._repr_markdown_() == derivation.markdown()
    assert derivation._repr_html_() in derivation.html()
    assert str(derivation) == derivation.text()


def test_mathml():
    assert mathml(r"\frac{1}{2} a'") == (
        '<math displaystyle="true"><mrow><mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>'
        "<msup><mi>a</mi><mrow><mo>′</mo></mrow></msup></mrow></math>"
    )
    assert mathml("a < b").count("&lt;") == 1
    assert mathml("= -1 - 2").count('<mo form="prefix">') == 1
    with pytest.raises(InvalidParameterError, match="no MathML for the LaTeX command"):
        mathml(r"\oint x")
