"""The chain rule path by path: the lecture's two paths, and every kind of network against gradients and differences."""

import json

import numpy as np
import pytest

from explain.test_steps import CASES, X, build
from glassnet import Dense, Network, read_example
from glassnet.cli.explain import from_example
from glassnet.errors import InvalidParameterError
from tolerances import LECTURE, relative


def lecture():
    asked = from_example("ee514-two-outputs")
    return asked.network.explain(asked.X, asked.y)


def test_the_lectures_two_paths():
    """0.00043857 in all: each path's factors as the lecture names them."""
    chain = lecture().chain("W1[1,1]")
    assert len(chain.paths) == chain.count == 2
    assert abs(chain.value - 0.00043857) <= LECTURE * 1e-8
    assert [factor.text for factor in chain.paths[0].factors] == [
        "dJ/da2[1]", "da2[1]/dz2[1]", "dz2[1]/da1[1]", "da1[1]/dz1[1]", "dz1[1]/dW1[1,1]"
    ]  # fmt: skip
    assert [round(factor.value, 4) for factor in chain.paths[0].factors[:2]] == [0.7414, 0.1868]
    assert "0.000668396 - 0.000229828" in chain.text()


def test_the_lectures_one_path():
    chain = lecture().chain("W2[1,1]")
    assert chain.count == 1 and round(chain.value, 4) == 0.0822  # the lecture's 0.0821 comes from rounded factors
    assert [round(factor.value, 4) for factor in chain.paths[0].factors] == [0.7414, 0.1868, 0.5933]


def gradients(derivation, step: int) -> dict[str, np.ndarray]:
    trace = derivation.board.traces[step - 1]
    return {name[1:]: value for name, value in trace.items() if name[0] == "d" and name[1:] in trace.given}


@pytest.mark.parametrize("name", CASES)
def test_the_paths_add_up_to_the_gradient(name):
    """For some entries of every parameter, in the first and in the second step."""
    net, y, how = build(name)
    derivation = net.explain(X, y, optimizer="sgd(0.1)", steps=2, **how)
    for step in (1, 2):
        for tensor, values in gradients(derivation, step).items():
            for index in {(0,) * values.ndim, tuple(n - 1 for n in values.shape)}:
                chain = derivation.chain(f"{tensor}[{','.join(str(i + 1) for i in index)}]", step, most=5000)
                assert len(chain.paths) == chain.count > 0
                assert chain.value == pytest.approx(float(values[index]), rel=1e-8, abs=1e-12), (tensor, index, step)


@pytest.mark.parametrize("name", ["plain", "softmax without its link", "softmax inside", "penalties", "sample weights"])
def test_the_paths_add_up_to_the_difference(name):
    """Central differences of the loss, which know nothing of any chain rule."""
    net, y, how = build(name)
    derivation = net.explain(X, y, **how)
    weight, h = net.parameters["W1"], 1e-6
    losses = []
    for side in (h, -h):
        weight[1, 0] += side
        losses.append(net.loss(X, y, how.get("sample_weight")))
        weight[1, 0] -= side
    assert derivation.chain("W1[2,1]", most=5000).value == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-6)


def test_saturated_outputs_take_the_link():
    """Where the output has rounded to 1, dL/da and da/dz say nothing; delta does."""
    net = Network(1, [Dense(1, "sigmoid")], dtype="float64")
    net.parameters["W1"] = [[60.0]]
    derivation = net.explain([[1.0]], [0.0])
    chain = derivation.chain("W1[1,1]")
    assert chain.value == 1.0 == derivation.board.traces[0]["dW1"].item()
    assert [factor.text for factor in chain.paths[0].factors] == ["dJ/dz1[1]", "dz1[1]/dW1[1,1]"]
    assert any("taken in one" in note for note in chain.notes)


def test_softmax_has_cross_terms():
    net, y, _ = build("softmax")
    chain = net.explain(X[:1], y[:1]).chain("W2[1,1]")
    assert [path.factors[1].text for path in chain.paths] == ["da2[1]/dz2[1]", "da2[2]/dz2[1]"]


def test_too_many_paths_are_written_layer_by_layer():
    net = Network(2, [Dense(20, "tanh"), Dense(20, "tanh"), Dense(3)], dtype="float64", seed=1)
    derivation = net.explain(X[:1, :2], NUMBERS3, entries=2)
    chain = derivation.chain("W1[1,1]")
    assert chain.count == 60 and chain.paths
    few = derivation.chain("W1[1,1]", most=10)
    assert few.count == 60 and not few.paths and few.layers
    assert "60 paths are more than 10: layer by layer" in few.text()
    assert few.layers[-1].label == "dW1[1,1]" and relative(few.value, chain.value) < 1e-12
    assert few.layers[-2].label == "delta1[1]"


NUMBERS3 = np.array([[0.5, -0.2, 0.1]])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("W1", "write the parameter like W1[1,2] or b2[1], got 'W1'"),
        ("W1[0,1]", "W1 is 2 x 2, and indices count from 1"),
        ("W1[1]", "W1 is 2 x 2"),
        ("b1[3]", "b1 is 2, and indices"),
        ("W3[1,1]", "there is no W3 (there are: W1, b1, W2, b2)"),
        ("gamma1[1]", "there is no gamma1 (there are: W1, b1, W2, b2)"),
        ("loss", "write the parameter like W1[1,2]"),
    ],
)
def test_what_is_no_parameter(name, message):
    with pytest.raises(InvalidParameterError) as caught:
        lecture().chain(name)
    assert message in str(caught.value)


def test_no_backward_pass():
    net = Network(2, [Dense(1)], dtype="float64")
    with pytest.raises(InvalidParameterError, match="there is no backward pass"):
        net.explain([[1.0, 2.0]]).chain("W1[1,1]")
    for step in (0, 2, "1"):
        with pytest.raises(InvalidParameterError, match="step must be a whole number from 1 to 1"):
            lecture().chain("W1[1,1]", step)
    with pytest.raises(InvalidParameterError, match="most must be a whole number"):
        lecture().chain("W1[1,1]", most=0)


@pytest.mark.parametrize("most", [64, 1])
def test_every_form(most):
    chain = lecture().chain("W1[1,1]", most=most)
    assert json.loads(json.dumps(chain.document()))["value"] == chain.value
    page = chain.html()
    assert "<math" in page and "http" not in page and chain._repr_html_() in page
    for form in (chain.markdown(), chain.latex()):
        assert form.count("{") == form.count("}")
    assert chain._repr_markdown_() == chain.markdown() and str(chain) == chain.text()


def test_steps_of_an_example_are_all_its_steps():
    example = read_example("lecture-23-bce")
    assert from_example("lecture-23-bce").steps == example.steps == 3
