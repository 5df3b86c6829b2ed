"""The checker of gradients can fail: planted faults are called WRONG, kinks are counted, nothing passes in silence."""

import numpy as np
import pytest

from glassnet import Architecture, BatchNorm, Dense, Network, check_gradients
from glassnet.network.gradcheck import FixedPass, GradientReport, check_gradient, compare
from glassnet.network.parameters import initial_buffers, initial_parameters, parameter_layout
from glassnet.network.passes import Draws, example_weights
from tolerances import GRADIENT

NET = Architecture(3, (Dense(4, "tanh"), Dense(2, "sigmoid")), "squared_error", dtype="float64")
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 3)), RNG.uniform(size=(6, 2))
THETA = initial_parameters(NET, 1)


def judged(fault) -> GradientReport:
    """The report on the true gradient after a fault."""
    v = example_weights("mean", len(X), None, np.float64)
    fixed = FixedPass(NET, initial_buffers(NET), X, Y, v, Draws(0, 1))
    return compare(lambda theta: fault(fixed.gradient(theta)), fixed, THETA, GRADIENT, None, 0)


def test_the_right_gradient_passes():
    report = judged(lambda g: g)
    assert report.passed and str(report).count("ok") == 4 and "WRONG" not in str(report)
    assert [t.name for t in report.tensors] == ["W1", "b1", "W2", "b2"]
    assert sum(t.compared for t in report.tensors) == NET.parameter_count
    assert all(0 < t.error <= GRADIENT for t in report.tensors)


@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2"])
@pytest.mark.parametrize("fault", ["factor", "nan", "infinite", "sign", "swap", "zero"])
def test_a_planted_fault_is_wrong(name, fault):
    piece = next(s for s in parameter_layout(NET).slices if s.name == name)

    def spoil(gradient):
        part = gradient[piece.start : piece.stop]  # a view
        match fault:
            case "factor":
                part *= 1.001
            case "nan":
                part[-1] = np.nan
            case "infinite":
                part[0] = np.inf
            case "sign":
                part *= -1
            case "swap":
                part[[0, -1]] = part[[-1, 0]]
            case "zero":
                part[:] = 0
        return gradient

    report = judged(spoil)
    assert not report.passed
    assert [t.name for t in report.tensors if not t.passed] == [name]
    line = next(line for line in str(report).splitlines() if line.startswith(name))
    assert "WRONG: at" in line


def test_the_place_is_named_in_lecture_order():
    """Row and column of W, from 1, though the vector stores it input-major."""
    piece = next(s for s in parameter_layout(NET).slices if s.name == "W1")

    def spoil(gradient):
        piece.view(gradient)[3, 1] += 1
        return gradient

    wrong = next(t for t in judged(spoil).tensors if t.name == "W1")
    assert wrong.worst_index == (4, 2) and wrong.shape == (4, 3)
    assert wrong.analytic == pytest.approx(wrong.numeric + 1)


@pytest.mark.parametrize(
    ("room", "record", "fault"),
    [
        ("tanh", "derivative", lambda z, a: 1 - a),
        ("sigmoid", "derivative", lambda z, a: a * (1 - a) * 1.001),
        ("tanh", "derivative", lambda z, a: np.where(z == z.max(), np.nan, 1 - a * a)),
    ],
)
def test_a_wrong_record_is_caught(monkeypatch, room, record, fault):
    from glassnet.network import architecture as module

    real = module._activation

    def wrong(name):
        from dataclasses import replace

        return replace(real(name), **{record: fault}) if name == room else real(name)

    monkeypatch.setattr(module, "_activation", wrong)
    report = check_gradient(NET, THETA, initial_buffers(NET), X, Y)
    assert not report.passed and "WRONG" in str(report)


def test_kinks_are_left_out_and_counted():
    """An input of zeros with zero biases puts every relu unit on its kink: the weights are moved a little first."""
    net = Architecture(2, (Dense(3, "relu"), Dense(1)), dtype="float64")
    report = check_gradient(net, initial_parameters(net, 0), initial_buffers(net), np.zeros((1, 2)), np.ones((1, 1)))
    assert report.moved and report.passed and all(t.compared for t in report.tensors)
    assert "the weights were moved by about 0.001" in str(report)
    here = check_gradient(
        net, initial_parameters(net, 0) + 0.1, initial_buffers(net), np.zeros((1, 2)), np.ones((1, 1))
    )
    assert not here.moved and here.passed


def test_what_was_not_compared_does_not_pass():
    net = Architecture(2, (Dense(3, "relu"), Dense(1)), dtype="float64")
    v = example_weights("mean", 1, None, np.float64)
    fixed = FixedPass(net, initial_buffers(net), np.zeros((1, 2)), np.ones((1, 1)), v, Draws(0, 1))
    report = compare(fixed.gradient, fixed, initial_parameters(net, 0), GRADIENT, None, 0)
    by_name = {t.name: t for t in report.tensors}
    assert by_name["b1"].compared == 0 and by_name["b1"].at_kinks == 3 and by_name["b2"].compared == 1
    assert by_name["b1"].verdict == "not compared" and not report.passed and "not compared" in str(report)


def test_kinks_of_the_loss():
    net = Architecture(2, (Dense(1),), "absolute_error", dtype="float64")
    theta = np.array([1.0, 1.0, 0.0])
    report = check_gradient(net, theta, initial_buffers(net), np.ones((1, 2)), np.full((1, 1), 2.0))
    assert report.moved and report.passed


def test_sampling_is_bounded_and_reproducible():
    net = Architecture(20, (Dense(30, "tanh", norm=BatchNorm()), Dense(1)), dtype="float32")
    theta, data = initial_parameters(net, 0), (RNG.normal(size=(5, 20)), RNG.normal(size=(5, 1)))
    first = check_gradient(net, theta, initial_buffers(net), *data, max_per_tensor=7, seed=5)
    again = check_gradient(net, theta, initial_buffers(net), *data, max_per_tensor=7, seed=5)
    assert [t.compared for t in first.tensors] == [7] * 4 + [1]
    assert first == again and first.passed


def test_nothing_is_changed_by_checking():
    net = Network(3, [Dense(4, "tanh", norm=BatchNorm()), Dense(1, "sigmoid")], seed=2)
    theta, buffers = net.parameters.vector.copy(), net.buffers.vector.copy()
    assert check_gradients(net, X, np.arange(6) % 2, sample_weight=np.arange(6) + 1).passed
    assert np.array_equal(theta, net.parameters.vector) and np.array_equal(buffers, net.buffers.vector)


@pytest.mark.parametrize("penalties", [{"l1": 0.3}, {"l2": 0.7}, {"l1": 0.2, "l2": 0.5}])
def test_averaged_penalties(penalties):
    """Of m examples: 1/m of the penalties in the objective and in its gradient; and the reference's is the engine's."""
    plain = Network(3, [Dense(4, "tanh"), Dense(2)], dtype="float64", seed=1)
    net = Network(3, [Dense(4, "tanh"), Dense(2)], dtype="float64", seed=1, average_penalty=True, **penalties)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    assert check_gradients(net, X, Y).passed
    W = np.concatenate([net.parameters["W1"].ravel(), net.parameters["W2"].ravel()])
    added = penalties.get("l1", 0) * np.abs(W).sum() + penalties.get("l2", 0) / 2 * W @ W
    assert net.loss(X, Y) - plain.loss(X, Y) == pytest.approx(added / 7)
    slopes = net.loss_and_gradient(X, Y)[1]["W1"] - plain.loss_and_gradient(X, Y)[1]["W1"]
    W1 = net.parameters["W1"]
    expected = (penalties.get("l1", 0) * np.sign(W1) + penalties.get("l2", 0) * W1) / 7
    np.testing.assert_allclose(slopes, expected, atol=1e-12)
