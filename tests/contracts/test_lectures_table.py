"""docs/lectures.md is true: each row names a function that exists and equals the equation written out in NumPy.

A check is a function of no arguments that returns pairs (what glassnet computes, what the lecture's equation gives).
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from pydoc import locate
from typing import Any

import numpy as np
import pytest

from glassnet import BatchNorm, Dense, Dropout, Network, check_gradients, compare_gradients
from glassnet.autograd import Tensor, expressions, gradient, sigmoid, sin
from glassnet.engines.base import Data
from glassnet.formulas import activations, losses, optimizers
from glassnet.formulas.initializers import initializer
from glassnet.formulas.randomness import generator
from glassnet.network.passes import penalty, penalty_gradient, weighted_loss
from glassnet.network.updates import clip_gradient
from glassnet.training.solvers import LeastSquares, NewtonRaphson, Problem, hessian
from tolerances import relative

PAGE = Path(__file__).parents[2] / "docs" / "lectures.md"
TOLERANCE = 1e-12  # relative, float64

Pairs = Iterator[tuple[Any, Any]]
CHECKS: dict[str, Callable[[], Pairs]] = {}

Z = np.array([-30.0, -2.5, -0.3, 0.0, 0.7, 4.0])
X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.5], [1.1, 0.2]])
NUMBERS = np.array([1.5, -0.2, 0.4, 2.0])
BINARY = np.array([1, 0, 0, 1])
CLASSES = np.array([2, 0, 1, 2])
ONE_HOT = np.eye(3)[CLASSES]
A, Y = np.array([[0.2, 0.5, 0.3], [0.7, 0.1, 0.2]]), np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


def check(row: str) -> Callable[[Callable[[], Pairs]], Callable[[], Pairs]]:
    def register(function: Callable[[], Pairs]) -> Callable[[], Pairs]:
        CHECKS[row] = function
        return function

    return register


def sigma(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def two_layers(hidden: str, output: str, units: int, loss: str = "", **options: Any) -> Network:
    net = Network(2, [Dense(3, hidden), Dense(units, output)], loss, dtype="float64", seed=5, **options)
    net.parameters["b1"] = [0.1, -0.2, 0.3]
    return net


def weights(net: Network) -> tuple[np.ndarray, ...]:
    return tuple(net.parameters[name] for name in ("W1", "b1", "W2", "b2"))


# --- the forward pass -------------------------------------------------------------------------------------------


@check("pre-activation")
def _() -> Pairs:
    net = two_layers("tanh", "sigmoid", 1)
    W1, b1, W2, b2 = weights(net)
    trace = net.trace(X[:1])
    yield trace["z1"][0], W1 @ X[0] + b1
    yield trace["z2"][0], W2 @ trace["a1"][0] + b2


@check("activation")
def _() -> Pairs:
    trace = two_layers("tanh", "sigmoid", 1).trace(X)
    yield trace["a1"], np.tanh(trace["z1"])
    yield trace["a2"], sigma(trace["z2"])


@check("batch")
def _() -> Pairs:
    net = two_layers("tanh", "sigmoid", 1)
    W1, b1, _, _ = weights(net)
    yield net.trace(X)["z1"].T, W1 @ X.T + b1[:, None]


@check("two layers")
def _() -> Pairs:
    net = two_layers("sigmoid", "sigmoid", 1)
    W1, b1, W2, b2 = weights(net)
    yield net.predict(X), [sigma(W2 @ sigma(W1 @ x + b1) + b2) for x in X]


@check("neuron")
def _() -> Pairs:
    net = Network(3, [Dense(1, "step")], dtype="float64")  # the perceptron of lecture 5
    net.parameters["W1"], net.parameters["b1"] = [[0.5, -0.3, 0.8]], [1.0]
    yield net.trace([[2.0, 3.0, -1.0]])["z1"], [[0.3]]
    yield net.predict([[2.0, 3.0, -1.0]]), [[1.0]]


@check("linear layers collapse")
def _() -> Pairs:
    net = two_layers("identity", "identity", 2)
    W1, b1, W2, b2 = weights(net)
    yield net.predict(X), X @ (W2 @ W1).T + (W2 @ b1 + b2)


@check("parameter count")
def _() -> Pairs:
    net = Network(3, [Dense(4, "relu"), Dense(3, "relu"), Dense(1)])
    yield net.architecture.parameter_count, (3 * 4 + 4) + (4 * 3 + 3) + (3 * 1 + 1)


@check("decision")
def _() -> Pairs:
    net = two_layers("tanh", "softmax", 3)
    yield net.predict_classes(X), [int(np.argmax(row)) for row in net.predict(X)]


# --- activations ------------------------------------------------------------------------------------------------


@check("step")
def _() -> Pairs:
    yield activations.step(Z), [1.0 if z >= 0 else 0.0 for z in Z]


@check("identity")
def _() -> Pairs:
    yield activations.identity(Z), Z


@check("sigmoid")
def _() -> Pairs:
    yield activations.sigmoid(Z), 1 / (1 + np.exp(-Z))


@check("sigmoid derivative")
def _() -> Pairs:
    yield activations.sigmoid_derivative(Z, activations.sigmoid(Z)), sigma(Z) * (1 - sigma(Z))


@check("tanh")
def _() -> Pairs:
    yield activations.hyperbolic_tangent(Z), (np.exp(Z) - np.exp(-Z)) / (np.exp(Z) + np.exp(-Z))


@check("tanh from sigmoid")
def _() -> Pairs:
    yield activations.hyperbolic_tangent(Z), 2 * sigma(2 * Z) - 1
    yield activations.hyperbolic_tangent(Z), (np.exp(2 * Z) - 1) / (np.exp(2 * Z) + 1)


@check("tanh derivative")
def _() -> Pairs:
    yield activations.tanh_derivative(Z, np.tanh(Z)), 1 - np.tanh(Z) ** 2


@check("relu")
def _() -> Pairs:
    yield activations.relu(Z), [max(0.0, z) for z in Z]


@check("relu derivative")
def _() -> Pairs:
    yield activations.relu_derivative(Z, activations.relu(Z)), [1.0 if z > 0 else 0.0 for z in Z]


@check("leaky relu")
def _() -> Pairs:
    yield activations.leaky_relu(Z, 0.01), [z if z > 0 else 0.01 * z for z in Z]


@check("leaky relu derivative")
def _() -> Pairs:
    yield activations.leaky_relu_derivative(Z, Z, 0.01), [1.0 if z > 0 else 0.01 for z in Z]


@check("elu")
def _() -> Pairs:
    yield activations.elu(Z, 1.5), [z if z > 0 else 1.5 * (np.exp(z) - 1) for z in Z]


@check("swish")
def _() -> Pairs:
    yield activations.swish(Z), Z / (1 + np.exp(-Z))


@check("softmax")
def _() -> Pairs:
    yield activations.softmax(Z[None]), softmax(Z[None])


@check("softmax shift")
def _() -> Pairs:
    yield activations.softmax(Z[None] + 1000), softmax(Z[None] - Z.max())


@check("softmax derivative")
def _() -> Pairs:
    z = Z[None, 1:]
    a, da = softmax(z), np.arange(5.0)[None]
    jacobian = np.diag(a[0]) - np.outer(a[0], a[0])
    yield activations.softmax_vjp(z, a, da)[0], da[0] @ jacobian


# --- losses -----------------------------------------------------------------------------------------------------


@check("squared error")
def _() -> Pairs:
    yield losses.squared_error(A, Y).sum(axis=1), ((A - Y) ** 2).sum(axis=1)


@check("squared error derivative")
def _() -> Pairs:
    yield losses.squared_error_derivative(A, Y), 2 * (A - Y)


@check("half squared error")
def _() -> Pairs:
    yield losses.half_squared_error(A, Y).sum(axis=1), ((A - Y) ** 2).sum(axis=1) / 2


@check("half squared error derivative")
def _() -> Pairs:
    yield losses.half_squared_error_derivative(A, Y), A - Y


def _errors(loss: str, reduction: str) -> tuple[float, np.ndarray]:
    net = two_layers("tanh", "identity", 1, loss, reduction=reduction)
    return net.loss(X, NUMBERS), net.predict(X)[:, 0] - NUMBERS


@check("mean, 1/n")
def _() -> Pairs:
    value, error = _errors("squared_error", "mean")
    yield value, (error**2).sum() / 4


@check("mean, 1/2m")
def _() -> Pairs:
    value, error = _errors("half_squared_error", "mean")
    yield value, (error**2).sum() / (2 * 4)


@check("sum")
def _() -> Pairs:
    value, error = _errors("squared_error", "sum")
    yield value, (error**2).sum()


@check("sum, 1/2")
def _() -> Pairs:
    value, error = _errors("half_squared_error", "sum")
    yield value, (error**2).sum() / 2


@check("absolute error")
def _() -> Pairs:
    yield losses.absolute_error(A, Y).sum(axis=1), np.abs(A - Y).sum(axis=1)


@check("binary cross-entropy")
def _() -> Pairs:
    yield losses.binary_cross_entropy(A, Y), -(Y * np.log(A) + (1 - Y) * np.log(1 - A))


@check("binary cross-entropy derivative")
def _() -> Pairs:
    yield losses.binary_cross_entropy_derivative(A, Y), (A - Y) / (A * (1 - A))
    yield losses.binary_cross_entropy_derivative(A, Y), -Y / A + (1 - Y) / (1 - A)


@check("logistic regression")
def _() -> Pairs:
    y = np.array([1.0, 0, 1, 0, 1, 0])
    yield losses.binary_cross_entropy_linked(Z, sigma(Z), y).sum(), (np.log(1 + np.exp(Z)) - y * Z).sum()


@check("cross-entropy")
def _() -> Pairs:
    yield losses.cross_entropy(A, Y).sum(axis=1), -(Y * np.log(A)).sum(axis=1)


@check("cross-entropy, all examples")
def _() -> Pairs:
    net = two_layers("tanh", "softmax", 3, reduction="sum")
    yield net.loss(X, CLASSES), -np.sum(ONE_HOT * np.log(net.predict(X)))


@check("log-sum-exp")
def _() -> Pairs:
    z = np.log(A) + 7
    yield losses.cross_entropy_linked(z, A, Y)[:, 0], np.log(np.exp(z).sum(axis=1)) - (Y * z).sum(axis=1)


@check("empirical risk")
def _() -> Pairs:
    net = two_layers("tanh", "sigmoid", 1)
    trace, y = net.trace(X), BINARY[:, None].astype(float)
    each = [-np.log(p if t else 1 - p) for p, t in zip(trace["a2"][:, 0], BINARY, strict=True)]
    yield weighted_loss(net.architecture, trace, y, np.full(4, 1 / 4)), sum(each) / 4


# --- the backward pass ------------------------------------------------------------------------------------------


@check("output delta")
def _() -> Pairs:
    trace = two_layers("sigmoid", "tanh", 1, "squared_error", reduction="sum").trace(X, NUMBERS)
    a = trace["a2"]
    yield trace["delta2"], 2 * (a - NUMBERS[:, None]) * (1 - a**2)


@check("output delta, sigmoid and half squared error")
def _() -> Pairs:
    trace = two_layers("sigmoid", "sigmoid", 1, "half_squared_error", reduction="sum").trace(X, BINARY)
    a = trace["a2"]
    yield trace["delta2"], (a - BINARY[:, None]) * a * (1 - a)


@check("output delta, sigmoid and binary cross-entropy")
def _() -> Pairs:
    record, g = losses.loss("binary_cross_entropy"), activations.activation("sigmoid")
    z = np.log(A / (1 - A))
    yield record.delta(g, z, A, Y), A - Y
    yield record.slope(A, Y) * A * (1 - A), A - Y


@check("output delta, softmax and cross-entropy")
def _() -> Pairs:
    record, g = losses.loss("cross_entropy"), activations.activation("softmax")
    yield record.delta(g, np.log(A), A, Y), A - Y


@check("hidden delta")
def _() -> Pairs:
    net = two_layers("tanh", "softmax", 3)
    trace = net.trace(X, CLASSES)
    for i in range(4):
        back = net.parameters["W2"].T @ trace["delta2"][i]
        yield trace["delta1"][i], back * (1 - np.tanh(trace["z1"][i]) ** 2)


@check("weight gradient")
def _() -> Pairs:
    trace = two_layers("tanh", "softmax", 3).trace(X[:1], CLASSES[:1])
    yield trace["dW2"], np.outer(trace["delta2"][0], trace["a1"][0])
    yield trace["dW1"], np.outer(trace["delta1"][0], X[0])


@check("bias gradient")
def _() -> Pairs:
    trace = two_layers("tanh", "softmax", 3).trace(X[:1], CLASSES[:1])
    yield trace["db2"], trace["delta2"][0]
    yield trace["db1"], trace["delta1"][0]


@check("one weight")
def _() -> Pairs:
    net = two_layers("sigmoid", "sigmoid", 1)
    trace = net.trace(X[:1], BINARY[:1])
    u, W2 = trace["a1"][0], net.parameters["W2"][0]
    error = trace["a2"][0, 0] - BINARY[0]
    yield trace["dW1"], [[error * W2[i] * u[i] * (1 - u[i]) * X[0, j] for j in range(2)] for i in range(3)]


@check("two paths")
def _() -> Pairs:
    net = Network(2, [Dense(2, "sigmoid"), Dense(2, "sigmoid")], "half_squared_error", dtype="float64")
    p = net.parameters
    p["W1"], p["b1"] = [[0.15, 0.2], [0.25, 0.3]], [0.35, 0.35]
    p["W2"], p["b2"] = [[0.4, 0.45], [0.5, 0.55]], [0.6, 0.6]
    x, y = np.array([0.05, 0.1]), np.array([0.01, 0.99])
    a1 = sigma(p["W1"] @ x + p["b1"])
    a2 = sigma(p["W2"] @ a1 + p["b2"])
    paths = [(a2[k] - y[k]) * a2[k] * (1 - a2[k]) * p["W2"][k, 0] * a1[0] * (1 - a1[0]) * x[0] for k in range(2)]
    trace = net.trace([x], [y])
    yield trace["dW1"][0, 0], sum(paths)
    yield round(trace["loss"], 4), 0.2984  # as on the slide
    yield round(float(trace["dW2"][0, 0]), 4), 0.0822  # the slide, from rounded factors: 0.0821


@check("batch average")
def _() -> Pairs:
    net = two_layers("tanh", "softmax", 3)
    alone = [net.trace(X[i : i + 1], CLASSES[i : i + 1]) for i in range(4)]
    together = net.trace(X, CLASSES)
    for name in ("W1", "b1", "W2", "b2"):
        yield together[f"d{name}"], sum(trace[f"d{name}"] for trace in alone) / 4


@check("L2 penalty")
def _() -> Pairs:
    net = two_layers("tanh", "softmax", 3, l2=0.01)
    W1, _, W2, _ = weights(net)
    value = 0.01 / 2 * ((W1**2).sum() + (W2**2).sum())
    yield penalty(net.architecture, net.parameters, 1), value
    yield net.loss(X, CLASSES), two_layers("tanh", "softmax", 3).loss(X, CLASSES) + value


@check("L2 gradient")
def _() -> Pairs:
    net = two_layers("tanh", "softmax", 3, l2=0.01)
    W1, b1, W2, b2 = weights(net)
    gradient = np.zeros_like(net.parameters.vector)
    penalty_gradient(net.architecture, net.parameters, gradient, 1)
    views = net.parameters.layout.views(gradient)
    for name, expected in (("W1", 0.01 * W1), ("W2", 0.01 * W2), ("b1", 0 * b1), ("b2", 0 * b2)):
        yield views[name], expected


@check("chain rule")
def _() -> Pairs:
    for x in (2.0, -0.7):
        yield gradient(lambda t: sin(t**2))(x), np.cos(x**2) * 2 * x


@check("computational graph")
def _() -> Pairs:
    found = expressions(["u = x**2", "f = sin(u)"], at={"x": 2.0}).derivatives()
    yield found["df_dx"], found["df_du"] * found["du_dx"]
    yield [found["df_du"], found["du_dx"]], [np.cos(4.0), 4.0]


@check("neuron's gradient")
def _() -> Pairs:
    x, b, y = 2.0, 1.0, 1.0
    w = Tensor(0.5, requires_grad=True)
    ((sigmoid(w * x + b) - y) ** 2).backward()
    a = sigma(2.0)
    yield w.grad, 2 * (a - y) * a * (1 - a) * x


@check("three ways")
def _() -> Pairs:
    result = compare_gradients(two_layers("tanh", "softmax", 3), X, CLASSES, max_per_tensor=None)
    for tensor in result.tensors:
        assert tensor.errors["numerical"] <= 1e-6
        yield 1 + tensor.errors["automatic"], 1.0


@check("numerical gradient")
def _() -> Pairs:
    net, h = two_layers("tanh", "sigmoid", 1), 2.0**-17
    report = check_gradients(net, X, BINARY, max_per_tensor=None)
    tensor = next(t for t in report.tensors if t.name == "b2")

    def objective(shift: float) -> float:
        moved = two_layers("tanh", "sigmoid", 1)
        moved.parameters["b2"] = net.parameters["b2"] + shift
        return moved.loss(X, BINARY)

    yield round(tensor.numeric, 8), round((objective(h) - objective(-h)) / (2 * h), 8)


# --- learning ---------------------------------------------------------------------------------------------------


@check("update")
def _() -> Pairs:
    net = two_layers("tanh", "softmax", 3)
    trace = net.trace(X, CLASSES, optimizer="sgd(0.5)")
    for name in ("W1", "b1", "W2", "b2"):
        yield trace[f"{name}_new"], net.parameters[name] - 0.5 * trace[f"d{name}"]


@check("gradient descent")
def _() -> Pairs:
    yield optimizers.sgd(Z, Z**2, (), (0.1,))[0], Z - 0.1 * Z**2


@check("adam")
def _() -> Pairs:
    rule, theta, m, v = optimizers.Adam(0.1), Z.copy(), np.zeros(6), np.zeros(6)
    mine, slots, carried = Z.copy(), (np.zeros(6), np.zeros(6)), rule.carried
    for t in range(1, 4):
        g = np.sin(theta) + t
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        theta = theta - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        carried = rule.carry(carried, *rule.constants.values())
        mine, slots = optimizers.adam(mine, g, slots, rule.coefficients(0.1, carried, *rule.constants.values()))
        yield mine, theta


@check("rmsprop")
def _() -> Pairs:
    theta, (s,) = optimizers.rmsprop(Z, Z + 1, (np.ones(6),), (0.1, 0.9, 1 - 0.9, 1e-8))
    yield s, 0.9 + 0.1 * (Z + 1) ** 2
    yield theta, Z - 0.1 * (Z + 1) / (np.sqrt(0.9 + 0.1 * (Z + 1) ** 2) + 1e-8)


@check("momentum")
def _() -> Pairs:
    theta, (v,) = optimizers.heavy_ball(Z, Z + 1, (np.ones(6),), (0.1, 1.0, 0.9))
    yield v, 0.9 + Z + 1
    yield theta, Z - 0.1 * (0.9 + Z + 1)


@check("clipping")
def _() -> Pairs:
    for scale in (0.1, 1.0):
        clipped, norm = Z * scale, float(np.linalg.norm(Z * scale))
        clip_gradient(clipped, norm, 5.0, None)
        yield clipped, Z * scale * min(1.0, 5.0 / norm)


@check("least squares")
def _() -> Pairs:
    net = Network(2, [Dense(1)], "squared_error", dtype="float64")
    net.fit(X, NUMBERS, optimizer=LeastSquares())
    D = np.hstack([np.ones((4, 1)), X])
    w = np.linalg.inv(D.T @ D) @ D.T @ NUMBERS
    yield np.append(net.parameters["b1"], net.parameters["W1"]), w


@check("newton")
def _() -> Pairs:
    net = Network(2, [Dense(1, "sigmoid")], reduction="sum", l2=0.1, dtype="float64", seed=1)
    theta, D = net.parameters.vector.copy(), np.hstack([X, np.ones((4, 1))])
    a = sigma(D @ theta)
    H = D.T @ np.diag(a * (1 - a)) @ D + np.diag([0.1, 0.1, 0.0])
    gradient = D.T @ (a - BINARY) + 0.1 * theta * [1, 1, 0]
    problem = Problem(net.architecture, net.engine, np.zeros(0), Data(X, BINARY[:, None].astype(float)))
    yield hessian(problem, theta), H
    net.fit(X, BINARY, optimizer=NewtonRaphson(), epochs=1)
    yield net.parameters.vector, theta - np.linalg.solve(H, gradient)


@check("xavier")
def _() -> Pairs:
    W = initializer("xavier").weights(seed=0, layer=1, fan_in=40, fan_out=60)
    uniform = generator(0, "weights", 1).uniform(-1, 1, (60, 40))
    yield W, np.sqrt(6 / (40 + 60)) * uniform


@check("he")
def _() -> Pairs:
    W = initializer("he").weights(seed=0, layer=1, fan_in=40, fan_out=60)
    yield W, np.sqrt(2 / 40) * generator(0, "weights", 1).standard_normal((60, 40))


@check("dropout")
def _() -> Pairs:
    net = Network(2, [Dense(50, "tanh"), Dropout(0.5), Dense(1)], dtype="float64")
    trace = net.trace(X, training=True)
    kept = trace["d1"] != 0
    assert 60 < kept.sum() < 140  # of 200
    yield trace["d1"], trace["a1"] * kept / (1 - 0.5)


@check("batch normalization")
def _() -> Pairs:
    net = Network(2, [Dense(3, "tanh", norm=BatchNorm()), Dense(1)], dtype="float64")
    net.parameters["gamma1"], net.parameters["beta1"] = [1.0, 2.0, 0.5], [0.0, 1.0, -1.0]
    trace = net.trace(X, training=True)
    z = trace["z1"]
    normalized = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5)
    yield trace["s1"], [1.0, 2.0, 0.5] * normalized + [0.0, 1.0, -1.0]


# --- the page ---------------------------------------------------------------------------------------------------


def rows() -> dict[str, list[str]]:
    """Row name -> equation, places, function, from the tables that begin with `row`."""
    found: dict[str, list[str]] = {}
    for part in re.findall(r"^\| row \|.*?\n((?:\|.*\n)+)", PAGE.read_text("utf-8"), re.MULTILINE):
        for line in part.splitlines()[1:]:
            name, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
            assert name not in found, f"two rows are called {name}"
            found[name] = cells
    return found


ROWS = rows()


def wrong(pairs: Pairs) -> list[str]:
    """The pairs that differ; a NaN differs from everything."""
    results = [(np.asarray(a, np.float64), np.asarray(e, np.float64)) for a, e in pairs]
    assert results
    return [f"{a} is not {e}" for a, e in results if a.shape != e.shape or not relative(a, e) <= TOLERANCE]


def test_every_row_has_a_check_and_every_check_a_row():
    assert list(ROWS) == list(CHECKS)


@pytest.mark.parametrize("row", ROWS)
def test_row_names_a_function_that_exists(row):
    equation, places, function = ROWS[row]
    assert equation.count("$") % 2 == 0 and "$" in equation
    assert places
    assert locate(function.strip("` |")) is not None, function


@pytest.mark.parametrize("row", CHECKS)
def test_equation_holds(row):
    assert wrong(CHECKS[row]()) == []


@pytest.mark.parametrize("fault", [1.001, float("nan")])
def test_a_planted_fault_is_caught(fault, monkeypatch):
    true = activations.sigmoid_derivative
    monkeypatch.setattr(activations, "sigmoid_derivative", lambda z, a: fault * true(z, a))
    assert wrong(CHECKS["sigmoid derivative"]())
