"""The lectures' worked examples, number by number; where a lecture slips, what it should have printed."""

import math

import numpy as np
import pytest

from glassnet import SGD, Dense, Network
from tolerances import LECTURE

X5, X23 = [[0.5, 1.0]], [[1.0, 2.0]]


def network(loss, W1, b1, W2, b2) -> Network:
    net = Network(len(W1[0]), [Dense(len(W1), "sigmoid"), Dense(len(W2), "sigmoid")], loss, dtype="float64")
    for name, values in (("W1", W1), ("b1", b1), ("W2", W2), ("b2", b2)):
        net.parameters[name] = values
    return net


def prints_as(value, printed: str) -> bool:
    """Whether the number rounds to what is printed."""
    decimals = len(printed.partition(".")[2])
    return bool(abs(float(value) - float(printed)) <= LECTURE * 10.0**-decimals)


def check(trace, printed, slips=()):
    """Every printed number holds; a slip (name, index, wrong, right) does not, and the right one does."""
    wrong = {(name, i): (was, right) for name, i, was, right in slips}
    for name, texts in printed.items():
        values = np.ravel(trace[name])
        assert len(values) == len(texts.split()), name
        for i, text in enumerate(texts.split()):
            if text != "-":
                assert prints_as(values[i], text), f"{name}[{i}] is {values[i]}, the lecture prints {text}"
    for (name, i), (was, right) in wrong.items():
        value = np.ravel(trace[name])[i]
        assert not prints_as(value, was) and prints_as(value, right), f"{name}[{i}] is {value}"


FORWARD = network("half_mse", [[0.5, 0.3], [0.2, 0.4]], [0.1, 0.2], [[0.6, 0.7]], [0.3])
BACKPROP = network("half_mse", [[0.4, 0.6], [0.3, 0.5]], [0.1, 0.2], [[0.7, 0.8]], [0.3])
LOGISTIC = network("bce", [[0.1, 0.4], [0.2, 0.5]], [0.3, 0.6], [[0.7, 0.8]], [0.9])
TWO_OUTPUTS = network("half_mse", [[0.15, 0.2], [0.25, 0.3]], [0.35, 0.35], [[0.4, 0.45], [0.5, 0.55]], [0.6, 0.6])


def test_lecture_5_perceptron():
    """z = 0.3, so the step unit fires."""
    net = Network(3, [Dense(1, "step")], dtype="float64")
    net.parameters["W1"], net.parameters["b1"] = [[0.5, -0.3, 0.8]], [1.0]
    trace = net.trace([[2.0, 3.0, -1.0]])
    check(trace, {"z1": "0.3", "a1": "1"})


def test_lecture_5_forward_pass():
    check(FORWARD.trace(X23), {"z1": "1.2 1.2", "a1": "0.769 0.769", "z2": "1.299", "a2": "0.786"})


def test_lecture_5_backpropagation():
    trace = BACKPROP.trace(X5, [1.0], optimizer=SGD(0.5))
    check(
        trace,
        {
            "z1": "0.9 0.85",
            "a1": "0.711 0.701",
            "delta2": "-0.033",
            "dW2": "- -0.023",
            "db2": "-0.033",
            "dW1": "-0.0024 - -0.0028 -",
            "W1_new": "0.4012 0.6024 0.3014 0.5028",
            "b1_new": "0.1024 0.2028",
        },
    )
    # the lecture goes on with three digits, and the last one drifts
    slips = [
        ("z2", 0, "1.359", "1.358"),
        ("a2", 0, "0.796", "0.795"),
        ("loss", 0, "0.0208", "0.0209"),
        ("g2", 0, "0.162", "0.163"),
        ("delta1", 0, "-0.0047", "-0.0048"),
        ("delta1", 1, "-0.0055", "-0.0056"),
        ("W2_new", 0, "0.7115", "0.7118"),
        ("W2_new", 1, "0.8115", "0.8117"),
        ("b2_new", 0, "0.3165", "0.3166"),
    ]
    check(trace, {}, slips)
    assert prints_as(0.5 * (1 - 0.796) ** 2, "0.0208")


def test_lecture_5_one_neuron():
    """y = sigma(w x + b) with the squared error, w = 0.5, b = 1, x = 2."""
    net = Network(1, [Dense(1, "sigmoid")], "squared_error", dtype="float64")
    net.parameters["W1"], net.parameters["b1"] = [[0.5]], [1.0]
    check(
        net.trace([[2.0]], [1.0], optimizer=SGD(0.1)),
        {
            "z1": "2",
            "a1": "0.881",
            "loss": "0.014",
            "dL_da1": "-0.238",
            "g1": "0.105",
            "delta1": "-0.025",
            "dW1": "-0.05",
            "db1": "-0.025",
            "W1_new": "0.505",
            "b1_new": "1.0025",
        },
    )


def test_lecture_23_first_iteration():
    check(
        LOGISTIC.trace(X23, [1.0], optimizer=SGD(0.5)),
        {
            "z1": "1.2 1.8",
            "a1": "0.7685 0.8581",
            "dL_da2": "-1.119",
            "g2": "0.0953",
            "g1": "0.1779 0.1217",
            "db2": "-0.1067",
            "dW2": "-0.0820 -0.0916",
            "dW1": "-0.0133 -0.0266 -0.0104 -0.0208",
            "db1": "-0.0133 -0.0104",
            "W2_new": "0.7410 0.8458",
            "b2_new": "0.9534",
            "W1_new": "0.1066 0.4133 0.2052 0.5104",
            "b1_new": "0.3066 0.6052",
        },
        # -log(0.8934) is 0.1127 (and 0.1129 before rounding), not 0.1122
        [
            ("z2", 0, "2.1244", "2.1245"),
            ("a2", 0, "0.8934", "0.8933"),
            ("loss", 0, "0.1122", "0.1129"),
            ("dW2", 0, "-0.08196", "-0.08203"),
        ],
    )
    assert prints_as(-math.log(0.8934), "0.1127") and not prints_as(-math.log(0.8934), "0.1122")


def test_lecture_23_later_iterations():
    """z in iteration 2 is 0.7410 * 0.7757 + 0.8458 * 0.8618 + 0.9534 = 2.2571 and not 2.1885; all after it is off."""
    net, losses = network("bce", [[0.1, 0.4], [0.2, 0.5]], [0.3, 0.6], [[0.7, 0.8]], [0.9]), []
    for iteration in (1, 2, 3):
        trace = net.trace(X23, [1.0], optimizer=SGD(0.5))
        losses.append(trace["loss"])
        if iteration == 2:
            slips = [("z2", 0, "2.1885", "2.2571"), ("a2", 0, "0.8993", "0.9053"), ("loss", 0, "0.1061", "0.0995")]
            check(trace, {"z1": "1.2399 1.8312"}, slips)
        for name in net.parameters:
            net.parameters[name] = trace[f"{name}_new"]
    assert prints_as(losses[2], "0.0889")
    assert losses[0] > losses[1] > losses[2]


def test_two_outputs():
    trace = TWO_OUTPUTS.trace([[0.05, 0.1]], [[0.01, 0.99]])
    check(
        trace,
        {
            "z1": "0.3775 0.3925",
            "a1": "0.5933 0.5969",
            "z2": "1.106 1.225",
            "a2": "0.7514 0.7729",
            "loss": "0.2984",
            "dL_da2": "0.7414 -",
            "g2": "0.1868 -",
            "dW1": "0.00043857 - - -",
        },
        [("dW2", 0, "0.0821", "0.0822")],
    )


def test_the_comparison_can_fail():
    trace = FORWARD.trace(X23)
    with pytest.raises(AssertionError, match=r"the lecture prints 0\.787"):
        check(trace, {"a2": "0.787"})
    with pytest.raises(AssertionError, match="a2"):
        check(trace, {}, [("a2", 0, "0.786", "0.785")])
    assert not prints_as(float("nan"), "0.1")
