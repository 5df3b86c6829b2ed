"""Hand backpropagation = central differences = PyTorch's autograd, on every allowed combination."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest

from glassnet import ACTIVATIONS, LOSSES, Architecture, ArchitectureError, BatchNorm, Dense, Dropout
from glassnet.engines.base import untrainable
from glassnet.network.architecture import RandomizedLeakyReLU
from glassnet.network.gradcheck import check_gradient
from glassnet.network.parameters import buffer_layout, initial_buffers, initial_parameters, parameter_layout
from glassnet.network.passes import Draws, backward, example_weights, forward, objective
from tolerances import GRADIENT, TORCH, relative

VARIANTS = ["plain", "dropout", "batch_norm", "randomized"]
N, SEED = 8, 3


def layers(variant, hidden, output, units):
    """One hidden layer of the variant and the output layer."""
    out = Dense(units, output)
    match variant:
        case "plain":
            return (Dense(3, hidden), out)
        case "dropout":
            return (Dropout(0.25), Dense(3, hidden), Dropout(0.5), out)
        case "batch_norm":
            return (Dense(3, hidden, norm=BatchNorm()), Dense(units, output, norm=BatchNorm()))
        case "randomized":
            return (Dense(3, "identity"), RandomizedLeakyReLU(), Dense(3, hidden, bias=False), out)
    raise AssertionError(variant)


def build(variant, output, loss, units, **options):
    """The architecture, or None where it is refused or cannot be trained (tests/formulas holds the table)."""
    hidden = output if ACTIVATIONS[output].trainable else "tanh"
    try:
        net = Architecture(3, layers(variant, hidden, output, units), loss, dtype="float64", **options)
    except ArchitectureError:
        return None
    return net if untrainable(net) is None else None


@dataclass
class Case:
    net: Architecture
    theta: np.ndarray
    buffers: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    weights: np.ndarray | None


def case(net, weighted, seed=SEED) -> Case:
    """Random parameters of every kind, inputs, and targets in the loss's own set."""
    rng = np.random.default_rng(seed)
    theta = initial_parameters(net, seed) + rng.normal(size=parameter_layout(net).size) * 0.3
    for name, view in parameter_layout(net).views(theta).items():
        view[...] += 0.5 * name.startswith("b")  # b and beta, so that no relu layer is dead
    buffers = initial_buffers(net) + rng.uniform(0, 0.5, buffer_layout(net).size)
    X, shape = rng.normal(size=(N, net.inputs)), (N, net.output.units)
    record = net.objective
    if record.simplex:
        Y = rng.dirichlet(np.ones(shape[1]), N)
    elif record.name == "perceptron":
        Y = (np.arange(N)[:, None] + np.arange(shape[1])) % 2 * 1.0
    elif record.targets.high == 1:
        Y = rng.uniform(0, 1, shape)
    else:
        Y = rng.poisson(2, shape).astype(float) if record.targets.low == 0 else rng.normal(size=shape) * 1.5
    weights = rng.uniform(0.2, 2, N)
    if net.reduction == "mean":
        weights /= weights.mean()
    return Case(net, theta, buffers, X, Y, weights if weighted else None)


def backpropagated(c: Case):
    """Trace, objective and gradient of a training pass by our own hand-written backward pass."""
    views = parameter_layout(c.net).views(c.theta)
    statistics = buffer_layout(c.net).views(c.buffers.copy())
    v = example_weights(c.net.reduction, N, c.weights, np.float64)
    trace = forward(c.net, views, statistics, c.X, Draws(SEED, 1))
    objective(c.net, views, trace, c.Y, v)
    return views, v, trace, views.layout.views(backward(c.net, views, trace, c.Y, v))


OPTIONS = list(itertools.product((1, 3), ("mean", "sum"), (False, True), (False, True)))
PAIRS = [
    (variant, output, loss)
    for variant, output, loss in itertools.product(VARIANTS, ACTIVATIONS, LOSSES)
    if build(variant, output, loss, 3) is not None
]


def cases(variant, output, loss):
    """Outputs x reduction x sample weights x penalties."""
    for units, reduction, weighted, penalized in OPTIONS:
        l1, l2 = (0.02, 0.05) if penalized else (0.0, 0.0)
        net = build(variant, output, loss, units, reduction=reduction, l1=l1, l2=l2)
        if net is not None:
            yield case(net, weighted)


def one_thread():
    """PyTorch, where it is installed; on tiny tensors its threads only wait for each other."""
    pytest.importorskip("torch").set_num_threads(1)


def test_every_allowed_combination_is_here():
    allowed = {(output, loss) for _, output, loss in PAIRS}
    assert {output for output, _ in allowed} == set(ACTIVATIONS)
    assert {loss for _, loss in allowed} == set(LOSSES)
    assert len(PAIRS) == len(VARIANTS) * len(allowed)
    assert len(allowed) >= 5 * 13 + 4 + 2 + 1 + 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("variant", "output", "loss"), PAIRS)
def test_backpropagation_equals_differences(variant, output, loss):
    for c in cases(variant, output, loss):
        report = check_gradient(
            c.net, c.theta, c.buffers, c.X, c.Y, c.weights, tolerance=GRADIENT, max_per_tensor=4, seed=SEED
        )
        assert report.passed, f"{c.net}\n{report}"
        assert all(tensor.compared > 0 for tensor in report.tensors), f"{c.net}\n{report}"
        assert sum(tensor.at_kinks for tensor in report.tensors) == 0, "choose other data"


@pytest.mark.parametrize(("variant", "output", "loss"), PAIRS)
def test_backpropagation_equals_torch(variant, output, loss):
    one_thread()
    from glassnet.gradients.by_torch import objective_and_gradient

    for c in list(cases(variant, output, loss))[1::3]:  # 1 4 7 10 13: others than above
        views, v, trace, mine = backpropagated(c)
        value, theirs = objective_and_gradient(c.net, views, trace, c.Y, v)
        if loss != "perceptron":  # its error signal is no derivative of its value
            assert abs(trace["loss"] - value) <= TORCH * max(1, abs(value)), str(c.net)
        assert set(theirs) == set(mine)
        assert np.linalg.norm(mine.vector) > 1e-3, "nothing to compare"
        for name, gradient in theirs.items():
            # what all but vanishes beside the rest is measured against the rest
            gap = np.linalg.norm(mine[name] - gradient)
            scale = max(np.linalg.norm(gradient), 1e-4 * np.linalg.norm(mine.vector))
            assert gap <= TORCH * scale, f"{name} of {c.net}: {gap / scale:.1e}"


def test_the_torch_comparison_can_fail():
    one_thread()
    from glassnet.gradients.by_torch import objective_and_gradient

    c = next(cases("plain", "tanh", "squared_error"))
    views, v, trace, mine = backpropagated(c)
    _, theirs = objective_and_gradient(c.net, views, trace, c.Y, v)
    for name, gradient in theirs.items():
        assert relative(mine[name], gradient) <= TORCH
        assert not relative(mine[name] * 1.001, gradient) <= TORCH
        assert not relative(np.where(gradient == gradient.flat[0], np.nan, mine[name]), gradient) <= TORCH


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_depths(depth):
    """Hidden layers of different activations in one network, softmax among them."""
    kinds = ["tanh", "softmax", "gelu", "leaky_relu(alpha=0.2)", "mish"][:depth]
    net = Architecture(3, (*(Dense(4, kind) for kind in kinds), Dense(3, "softmax")), dtype="float64", l2=0.01)
    c = case(net, weighted=True)
    report = check_gradient(net, c.theta, c.buffers, c.X, c.Y, c.weights, tolerance=GRADIENT, max_per_tensor=None)
    assert report.passed and sum(t.compared for t in report.tensors) == net.parameter_count, str(report)


@pytest.mark.parametrize(
    ("activation", "loss"), [("elu(alpha=0.7)", "huber(delta=0.3)"), ("leaky_relu(alpha=0.3)", "quantile(tau=0.9)")]
)
def test_set_constants(activation, loss):
    net = Architecture(3, (Dense(4, activation), Dense(2, activation)), loss, dtype="float64")
    c = case(net, weighted=False)
    report = check_gradient(net, c.theta, c.buffers, c.X, c.Y, tolerance=GRADIENT, max_per_tensor=None)
    assert report.passed, str(report)


def test_a_frozen_layer_normalizes_by_its_running_statistics():
    net = Architecture(
        3, (Dense(3, "tanh", norm=BatchNorm()), Dense(2, "tanh", norm=BatchNorm())), dtype="float64", frozen=("1",)
    )
    c = case(net, weighted=False)
    report = check_gradient(net, c.theta, c.buffers, c.X, c.Y, tolerance=GRADIENT, max_per_tensor=None)
    assert report.passed, str(report)
    before = c.buffers.copy()
    views, statistics = parameter_layout(net).views(c.theta), buffer_layout(net).views(c.buffers)
    forward(net, views, statistics, c.X, Draws(0, 1))
    held = buffer_layout(net).views(before)
    assert np.array_equal(statistics["mean1"], held["mean1"]) and np.array_equal(statistics["var1"], held["var1"])
    assert not np.any(statistics["mean2"] == held["mean2"])


HIDDEN = [name for name, record in ACTIVATIONS.items() if record.trainable]
TRAINED = [name for name in LOSSES if name != "perceptron"]


@pytest.mark.parametrize("loss", TRAINED)
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_hidden_activation_under_every_loss(variant, hidden, loss):
    """With the output activation that the loss has for its link (identity where it has none)."""
    output = LOSSES[loss].link or "identity"
    net = Architecture(3, layers(variant, hidden, output, 3), loss, dtype="float64", l2=0.05)
    c = case(net, weighted=True)
    report = check_gradient(
        net, c.theta, c.buffers, c.X, c.Y, c.weights, tolerance=GRADIENT, max_per_tensor=4, seed=SEED
    )
    assert report.passed and not report.moved, f"{net}\n{report}"


def test_weights_of_examples_are_repetitions():
    """Weight 3 is the example three times; weight 0 is the example left out, whatever its loss."""
    net = Architecture(3, (Dense(4, "tanh"), Dense(1, "sigmoid")), dtype="float64")
    c = case(net, weighted=False)
    counts = np.array([3, 0, 1, 2, 1, 1, 0, 4])
    weighted = Case(net, c.theta, c.buffers, c.X.copy(), c.Y, counts / counts.mean())
    _, _, trace, mine = backpropagated(weighted)
    rows = np.repeat(np.arange(N), counts)
    views = parameter_layout(net).views(c.theta)
    v = example_weights("mean", len(rows), None, np.float64)
    repeated = forward(net, views, buffer_layout(net).views(c.buffers), c.X[rows])
    objective(net, views, repeated, c.Y[rows], v)
    assert trace["loss"] == pytest.approx(repeated["loss"], rel=1e-13)
    assert relative(mine.vector, backward(net, views, repeated, c.Y[rows], v)) <= 1e-13
