"""The forward pass against a triple loop, batch normalization against PyTorch, dropout, and row independence."""

import math

import msgspec
import numpy as np
import pytest

from glassnet import ACTIVATIONS, Architecture, BatchNorm, Dense, Dropout, Network, RandomizedLeakyReLU
from glassnet.engines.reference import ReferenceEngine
from glassnet.network.parameters import buffer_layout, initial_buffers, initial_parameters, parameter_layout
from glassnet.network.passes import Draws, example_weights, forward, penalty
from tolerances import TORCH, relative

PLAIN = {
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: max(0.0, z),
    "identity": lambda z: z,
    "gelu": lambda z: z / 2 * (1 + math.erf(z / math.sqrt(2))),
}


def prepared(net, seed=0):
    """Parameters with biases that are not 0, running statistics that are not 0 and 1."""
    rng = np.random.default_rng(seed)
    theta = initial_parameters(net, seed)
    theta += (rng.normal(size=theta.shape) * 0.1).astype(theta.dtype)
    buffers = initial_buffers(net)
    buffers += rng.uniform(0, 0.5, buffers.shape).astype(buffers.dtype)
    return theta, buffers


def run(net, theta, buffers, X, draws=None, **options):
    return forward(net, parameter_layout(net).views(theta), buffer_layout(net).views(buffers), X, draws, **options)


@pytest.mark.parametrize("hidden", PLAIN)
@pytest.mark.parametrize("row_by_row", [False, True])
def test_triple_loop(hidden, row_by_row):
    """z_j = sum_i W_ji a_i + b_j, in plain Python."""
    net = Architecture(4, (Dense(5, hidden), Dense(3, hidden), Dense(2, "sigmoid")), dtype="float64")
    theta, buffers = prepared(net)
    X, views = np.random.default_rng(1).normal(size=(6, 4)), parameter_layout(net).views(theta)
    trace = run(net, theta, buffers, X, row_by_row=row_by_row)
    for n, row in enumerate(X):
        a = [float(x) for x in row]
        for l, kind in enumerate((hidden, hidden, "sigmoid"), start=1):  # noqa: E741
            W, b = views[f"W{l}"], views[f"b{l}"]
            z = [sum(float(W[j, i]) * a[i] for i in range(len(a))) + float(b[j]) for j in range(len(b))]
            a = [PLAIN[kind](x) for x in z]
            assert relative(trace[f"z{l}"][n], z) <= 1e-14
            assert relative(trace[f"a{l}"][n], a) <= 1e-14
    assert np.array_equal(trace.output, trace["a3"])


@pytest.mark.parametrize("batches", [1, 5])
def test_batch_normalization_against_torch(batches):
    torch = pytest.importorskip("torch")
    net = Architecture(3, (Dense(4, "identity", norm=BatchNorm(momentum=0.3, epsilon=1e-3)), Dense(1)), dtype="float64")
    theta, buffers = initial_parameters(net, 0), initial_buffers(net)
    views, statistics = parameter_layout(net).views(theta), buffer_layout(net).views(buffers)
    theirs = torch.nn.BatchNorm1d(4, eps=1e-3, momentum=0.3, dtype=torch.float64)
    rng = np.random.default_rng(0)
    views["gamma1"], views["beta1"] = rng.uniform(0.5, 2, 4), rng.normal(size=4)
    with torch.no_grad():
        theirs.weight[:], theirs.bias[:] = torch.tensor(views["gamma1"]), torch.tensor(views["beta1"])
    for step in range(batches):
        X = rng.normal(size=(7 + step, 3)) * 3 + 1
        trace = run(net, theta, buffers, X, Draws(0, step))
        expected = theirs(torch.tensor(X @ views["W1"].T)).detach().numpy()
        assert relative(trace["s1"], expected) <= TORCH
    assert relative(statistics["mean1"], theirs.running_mean.numpy()) <= TORCH
    assert relative(statistics["var1"], theirs.running_var.numpy()) <= TORCH
    theirs.eval()
    before = buffers.copy()
    trace = run(net, theta, buffers, X)
    assert relative(trace["s1"], theirs(torch.tensor(X @ views["W1"].T)).detach().numpy()) <= TORCH
    assert np.array_equal(before, buffers)  # prediction changes nothing


def test_a_batch_of_one_normalizes_to_beta():
    net = Architecture(3, (Dense(4, "tanh", norm=BatchNorm()), Dense(1)), dtype="float64")
    theta, buffers = initial_parameters(net, 0), initial_buffers(net)
    trace = run(net, theta, buffers, np.ones((1, 3)), Draws(0, 1))
    assert not trace["s1"].any() and np.all(np.isfinite(buffers))


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.9])
def test_dropout_mask(rate):
    net = Architecture(2, (Dense(100, "tanh"), Dropout(rate), Dense(1)), dtype="float64")
    theta, buffers = prepared(net)
    X, n = np.random.default_rng(0).normal(size=(500, 2)), 50_000
    mask = run(net, theta, buffers, X, Draws(0, 1))["mask1"]
    kept = mask > 0
    assert np.all(np.isin(mask, [0, 1 / (1 - rate)]))
    assert abs(kept.mean() - (1 - rate)) <= 5 * np.sqrt(rate * (1 - rate) / n)
    assert np.abs(kept.mean(axis=0) - (1 - rate)).max() <= 6 * np.sqrt(rate * (1 - rate) / 500)
    other = run(net, theta, buffers, X, Draws(0, 2))["mask1"]
    assert np.array_equal(mask, run(net, theta, buffers, X, Draws(0, 1))["mask1"])
    assert rate == 0 or not np.array_equal(mask, other)
    given = run(net, theta, buffers, X, Draws(0, 1, rates=(0.7,)))["mask1"]
    assert abs((given > 0).mean() - 0.3) <= 5 * np.sqrt(0.21 / n)


def test_masks_of_layers_differ_and_inputs_can_be_dropped():
    net = Architecture(
        50, (Dropout(0.5), Dense(50, "identity"), RandomizedLeakyReLU(), Dropout(0.5), Dense(1)), dtype="float64"
    )
    theta, buffers = prepared(net)
    X = np.random.default_rng(0).normal(size=(40, 50))
    trace = run(net, theta, buffers, X, Draws(0, 1))
    assert np.array_equal(trace["d0"], X * trace["mask0"])
    assert abs(np.corrcoef(trace["mask0"].ravel(), trace["mask1"].ravel())[0, 1]) < 0.1
    slope, z = trace["slope1"], trace["z1"]
    below = slope[z <= 0]
    assert np.all(slope[z > 0] == 1) and below.min() >= 0.125 and below.max() <= 1 / 3
    assert abs(below.mean() - (0.125 + 1 / 3) / 2) <= 5 * (1 / 3 - 0.125) / np.sqrt(12 * below.size)
    assert np.array_equal(trace["r1"], np.where(z > 0, z, slope * z))


def test_prediction_draws_nothing():
    net = Architecture(
        5, (Dropout(0.5), Dense(4, "identity"), RandomizedLeakyReLU(0.2, 0.4), Dropout(0.5), Dense(1)), dtype="float64"
    )
    theta, buffers = prepared(net)
    X = np.random.default_rng(0).normal(size=(10, 5))
    trace = run(net, theta, buffers, X)
    assert not any(name.startswith("mask") for name in trace)
    assert np.allclose(trace["slope1"][trace["z1"] <= 0], 0.3)
    bare = Architecture(5, (Dense(4, "leaky_relu(alpha=0.30000000000000004)"), Dense(1)), dtype="float64")
    assert relative(trace.output, run(bare, theta, buffers, X).output) <= 1e-15
    engine = ReferenceEngine()
    assert np.array_equal(engine.predict(net, theta, buffers, X), engine.predict(net, theta, buffers, X))


def rows_are_independent(net, theta, buffers, X) -> bool:
    """predict(X)[i], predict(X[i:i+1]) and a permuted predict are the same bits."""
    engine = ReferenceEngine()
    whole = engine.predict(net, theta, buffers, X)
    rng = np.random.default_rng(0)
    perm = rng.permutation(len(X))
    some = {0, len(X) - 1, *rng.integers(0, len(X), 20).tolist()}
    ones = all(np.array_equal(engine.predict(net, theta, buffers, X[i : i + 1])[0], whole[i]) for i in some)
    tail = np.array_equal(engine.predict(net, theta, buffers, X[3:]), whole[3:])
    return bool(
        ones and tail and np.array_equal(engine.predict(net, theta, buffers, X[perm]), whole[perm])
    ) and not np.any(np.isnan(whole))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [1, 7, 64, 300])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_row_does_not_depend_on_its_neighbours(name, width, dtype):
    output = Dense(3, name) if name == "softmax" else Dense(3, name, norm=BatchNorm())
    net = Architecture(width, (Dense(width, name), Dense(width, "tanh", bias=False), output), "mse", dtype=dtype)
    theta, buffers = prepared(net)
    X = np.random.default_rng(1).normal(size=(53, width)).astype(dtype)
    assert rows_are_independent(net, theta, buffers, X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [7, 64])
def test_row_independence_across_blocks(width, dtype):
    """Also where a block of 4096 rows ends."""
    net = Architecture(width, (Dense(width, "gelu"), Dense(width, "softmax"), Dense(3, "softmax")), dtype=dtype)
    theta, buffers = prepared(net)
    X = np.random.default_rng(2).normal(size=(4096 + 37, width)).astype(dtype)
    assert rows_are_independent(net, theta, buffers, X)
    engine, whole = ReferenceEngine(), ReferenceEngine().predict(net, theta, buffers, X)
    for i in (4094, 4095, 4096, 4097):
        assert np.array_equal(engine.predict(net, theta, buffers, X[i : i + 1])[0], whole[i])


def test_row_independence_can_fail():
    """The whole batch in one product does depend on the batch, somewhere: the row loop is needed."""

    class Whole(ReferenceEngine):
        def predict(self, architecture, theta, buffers, X):
            return run(architecture, theta, buffers, X - X.mean(axis=0)).output

    net = Architecture(7, (Dense(7, "tanh"), Dense(3)), dtype="float32")
    theta, buffers = prepared(net)
    X = np.random.default_rng(1).normal(size=(50, 7)).astype(np.float32)
    engine = Whole()
    assert not np.array_equal(engine.predict(net, theta, buffers, X[:1]), engine.predict(net, theta, buffers, X)[:1])


def test_example_weights():
    assert example_weights("mean", 4, None, np.float64).tolist() == [0.25] * 4
    assert example_weights("sum", 4, None, np.float32).tolist() == [1] * 4
    assert example_weights("mean", 3, np.array([0.5, 0, 2.5]), np.float64).tolist() == [0.5 / 3, 0, 2.5 / 3]
    assert example_weights("sum", 3, np.array([1, 0, 3]), np.float64).tolist() == [1, 0, 3]
    assert example_weights("mean", 2, np.zeros(2), np.float64).tolist() == [0, 0]


def test_penalty_is_on_weights_only():
    net = Architecture(2, (Dense(2, "tanh", norm=BatchNorm()), Dense(1)), l1=0.5, l2=0.25)
    theta = np.full(parameter_layout(net).size, 100, np.float32)
    views = parameter_layout(net).views(theta)
    views["W1"], views["W2"] = [[1, -2], [0, 0.5]], [[-3, 2]]
    expected = 0.5 * (3.5 + 5) + 0.125 * (5.25 + 13)
    assert penalty(net, views, 10) == expected
    averaged = msgspec.structs.replace(net, average_penalty=True)
    assert penalty(averaged, views, 10) == pytest.approx(expected / 10)


def test_trace_names_the_first_bad_tensor():
    net = Architecture(2, (Dense(2, "tanh"), Dense(1)))
    theta, buffers = prepared(net)
    assert run(net, theta, buffers, np.ones((1, 2), np.float32)).first_bad() is None
    theta[-1] = np.nan
    assert run(net, theta, buffers, np.ones((1, 2), np.float32)).first_bad() == "z2"
    with np.errstate(invalid="ignore"):
        assert run(net, theta, buffers, np.full((1, 2), np.inf, np.float32)).first_bad() == "a0"


def test_a_trace_says_what_it_holds():
    net = Network(2, [Dense(2, "tanh"), Dense(1)])
    forward_only = net.trace([[1.0, 2.0]])
    with pytest.raises(KeyError, match=r"no tensor 'delta1'.*give y for the loss"):
        forward_only["delta1"]
    assert "z1 (1, 2)" in repr(forward_only) and "delta1" not in forward_only
