"""docs/errata.md is true: each slip of a formula is shown to be one, and what is said to hold does.

A check returns (what the printed formula gives, what holds by the page, what glassnet or the lecture's own number is).
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import Dense, Network
from glassnet.formulas.losses import LOSSES
from tolerances import relative

PAGE = Path(__file__).parents[2] / "docs" / "errata.md"
PRINTED = 1e-4  # relative, against a number with four digits

Check = tuple[Any, Any, Any]
CHECKS: dict[str, Callable[[], Check]] = {}

BCE, HALF = LOSSES["binary_cross_entropy"], LOSSES["half_squared_error"]
P, Y = np.array([0.9, 0.2, 0.6]), np.array([1.0, 0.0, 1.0])
X, W, B = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.5]]), np.array([0.8, -0.4]), 0.3
Z = X @ W + B


def check(slip: str) -> Callable[[Callable[[], Check]], Callable[[], Check]]:
    def register(function: Callable[[], Check]) -> Callable[[], Check]:
        CHECKS[slip] = function
        return function

    return register


def sigma(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def neuron(loss: str, **options: Any) -> Network:
    net = Network(2, [Dense(1, "sigmoid")], loss, dtype="float64", **options)
    net.parameters["W1"], net.parameters["b1"] = [W], [B]
    return net


def two_layers() -> Network:
    net = Network(2, [Dense(3, "tanh"), Dense(1, "sigmoid")], dtype="float64", seed=5)
    net.parameters["b1"], net.parameters["b2"] = [0.1, -0.2, 0.3], [0.4]
    return net


@check("log loss without a minus")
def _() -> Check:
    printed = Y * np.log(P) + (1 - Y) * np.log(1 - P)
    return printed, -printed, BCE.function(P, Y)


@check("parentheses in the likelihood")
def _() -> Check:
    return 1 / (1 + np.exp(-(X @ W) + B)), 1 / (1 + np.exp(-(X @ W + B))), neuron("bce").predict(X)[:, 0]


@check("sign in the logistic objective")
def _() -> Check:
    def objective(y: Any) -> Any:
        return y * np.log(1 + np.exp(Z)) + (1 - y) * np.log(1 + np.exp(Z))

    assert np.array_equal(objective(Y), objective(1 - Y))
    right = Y * np.log(1 + np.exp(-Z)) + (1 - Y) * np.log(1 + np.exp(Z))
    return objective(Y), right, neuron("bce").trace(X, Y)["losses"]


@check("shape of the first weights")
def _() -> Check:
    """With as many inputs as units both can be computed, and they differ: the lecture's own example is W x."""
    W1, b1, x = np.array([[0.1, 0.4], [0.2, 0.5]]), np.array([0.3, 0.6]), np.array([1.0, 2.0])
    return W1.T @ x + b1, W1 @ x + b1, [1.2, 1.8]


@check("bias added twice")
def _() -> Check:
    net = two_layers()
    W2, b2, u = net.parameters["W2"][0], net.parameters["b2"][0], net.trace(X[:1])["a1"][0]
    with pytest.raises(ValueError):
        W2 @ np.array([1.0, *u])  # k weights, k + 1 entries
    return np.array([b2, *W2]) @ np.array([1.0, *u]) + b2, W2 @ u + b2, net.trace(X[:1])["z2"][0, 0]


@check("size of the input")
def _() -> Check:
    net = two_layers()
    W1, b1 = net.parameters["W1"], net.parameters["b1"]
    augmented = np.array([1.0, *X[0]])
    sums = W1 @ augmented[:2] + b1  # i = 1 ... d of an x with d + 1 entries, its first the 1
    return sums, W1 @ X[0] + b1, net.trace(X[:1])["z1"][0]


@check("index of the first weights")
def _() -> Check:
    """dz_1 / dw of every weight by differences: the row that w_1j fill in z = sum_j x_j w_ji is a column."""
    x, weights = np.array([0.5, -1.0]), np.array([[0.1, 0.4], [0.2, 0.5]])
    numeric = np.zeros((2, 2))
    for place in np.ndindex(2, 2):
        moved = weights.copy()
        moved[place] += 1e-6
        numeric[place] = ((x @ moved) - (x @ weights))[0] / 1e-6
    printed, right = np.zeros((2, 2)), np.zeros((2, 2))
    printed[0, :], right[:, 0] = x, x
    return printed, right, np.round(numeric, 8)


@check("gradient of the last layer")
def _() -> Check:
    net = two_layers()
    trace, y = net.trace(X, [1, 0, 1]), np.array([[1.0], [0.0], [1.0]])
    delta, printed, right = {2: (trace["a2"] - y) / 3}, {}, {}
    right["dW2"] = delta[2].T @ trace["a1"]
    for layer in range(2 - 1, 0, -1):
        delta[layer] = (delta[layer + 1] @ net.parameters[f"W{layer + 1}"]) * (1 - trace[f"a{layer}"] ** 2)
        printed[f"dW{layer}"] = right[f"dW{layer}"] = delta[layer].T @ trace[f"a{layer - 1}"]
    names = ("dW1", "dW2")
    shape = trace["dW2"].shape
    flat = [np.concatenate([part.get(n, np.zeros(shape)).ravel() for n in names]) for part in (printed, right, trace)]
    return flat[0], flat[1], flat[2]


@check("squares inside a norm")
def _() -> Check:
    r = np.array([0.7514, 0.7729]) - np.array([0.01, 0.99])
    return 0.5 * (r[0] ** 2 - r[1] ** 2) ** 2, 0.5 * r @ r, 0.2984


@check("input of the second layer")
def _() -> Check:
    w, b = np.array([0.4, 0.45]), 0.6
    return w @ np.array([0.05, 0.1]) + b, w @ np.array([0.5933, 0.5969]) + b, 1.106


@check("log loss with half a minus")
def _() -> Check:
    """The derivative printed below it, by differences of both."""

    def slope(loss: Callable[[Any], Any]) -> Any:
        return (loss(P + 1e-6) - loss(P - 1e-6)) / 2e-6

    printed = slope(lambda a: -Y * np.log(a) + (1 - Y) * np.log(1 - a))
    right = slope(lambda a: -Y * np.log(a) - (1 - Y) * np.log(1 - a))
    return printed, right, -(Y / P - (1 - Y) / (1 - P))


@check("minus before the squared error")
def _() -> Check:
    residuals = sigma(Z) - Y
    return -(residuals @ residuals) / 6, residuals @ residuals / 6, neuron("half_mse").loss(X, Y)


@check("factor of the handwritten gradient")
def _() -> Check:
    a = sigma(Z[0])
    right = (a - Y[0]) * a * (1 - a) * X[0]
    return 2 * right, right, neuron("half_mse").trace(X[:1], Y[:1])["dW1"][0]


@check("index of the handwritten weights")
def _() -> Check:
    net = Network(2, [Dense(2)], dtype="float64", seed=2)
    weights = net.parameters["W1"]
    return X[0] @ weights, [X[0] @ weights[i] for i in range(2)], net.trace(X[:1])["z1"][0]


@check("bias unit of the second layer")
def _() -> Check:
    """Without a_0 = 1 the sum from j = 0 has no bias; z_0 is not in it."""
    net = two_layers()
    W2, b2, a = net.parameters["W2"][0], net.parameters["b2"], net.trace(X[:1])["a1"][0]
    w = np.array([*b2, *W2])
    return w @ np.array([0.0, *a]), w @ np.array([1.0, *a]), net.trace(X[:1])["z2"][0, 0]


@check("output delta of any loss")
def _() -> Check:
    a = sigma(Z[:, None])
    y = Y[:, None]
    net = neuron("bce", reduction="sum")
    return (a - y) * a * (1 - a), BCE.derivative(a, y) * a * (1 - a), net.trace(X, Y)["delta1"]


def slips() -> list[str]:
    part = re.search(r"^\| slip \|.*?\n((?:\|.*\n)+)", PAGE.read_text("utf-8"), re.MULTILINE)
    assert part is not None
    return [line.strip("|").split(" | ")[0].strip() for line in part[1].splitlines()[1:]]


def test_every_slip_has_a_check_and_every_check_a_slip():
    assert slips() == list(CHECKS)


@pytest.mark.parametrize("slip", CHECKS)
def test_the_slip_is_one_and_what_holds_holds(slip):
    printed, right, truth = CHECKS[slip]()
    by_hand = slip in ("squares inside a norm", "input of the second layer")  # compared with printed digits
    assert relative(right, truth) < (10 * PRINTED if by_hand else 1e-6)
    assert not relative(printed, truth) < 0.01


def test_a_formula_that_is_right_would_not_pass_as_a_slip():
    _, right, truth = CHECKS["squares inside a norm"]()
    assert relative(right, truth) < 0.01
