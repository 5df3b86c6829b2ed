"""The table of four ways: what it says, and that it can say WRONG."""

import numpy as np
import pytest

import glassnet.autograd as ag
from glassnet import ArchitectureError, BatchNorm, Dense, Dropout, Network, compare_gradients, custom
from glassnet.gradients import ways

X, Y = np.random.default_rng(0).normal(size=(8, 2)), np.arange(8) % 2


def net(**options):
    layers = [Dense(3, "tanh", norm=BatchNorm()), Dropout(0.2), Dense(4, "relu"), Dense(1, "sigmoid")]
    return Network(2, layers, l2=0.1, **options)


def test_four_ways_agree_and_cost_what_they_cost():
    pytest.importorskip("torch")
    result = compare_gradients(net(), X, Y, np.arange(8) + 1.0)
    assert result.passed and [way.name for way in result.ways] == ["by hand", "numerical", "automatic", "pytorch"]
    numerical = result.ways[1]
    assert (numerical.forward, numerical.backward) == (2 * result.compared, 0)
    assert result.compared == net().architecture.parameter_count
    assert all((way.forward, way.backward) == (1, 1) for way in (result.ways[0], *result.ways[2:]))
    assert all(way.seconds > 0 for way in result.ways)
    assert all(t.errors["automatic"] <= 1e-12 and 0 < t.errors["numerical"] <= 1e-6 for t in result.tensors)
    text = str(result)
    assert "1 + 1" in text and "seconds" in text and "WRONG" not in text and text.count(" ok") == len(result.tensors)


@pytest.mark.parametrize("penalty", [{"l1": 0.3}, {}])
def test_averaged_penalties_agree(penalty):
    pytest.importorskip("torch")
    network = net(average_penalty=True, **penalty)
    assert compare_gradients(network, X, Y).passed
    whole = net(**penalty).trace(X, Y)
    assert network.trace(X, Y)["penalty"] == pytest.approx(whole["penalty"] / len(X))


def test_nothing_changes_by_comparing():
    network = net(dtype="float32")
    theta, buffers = network.parameters.vector.copy(), network.buffers.vector.copy()
    compare_gradients(network, X, Y)
    assert np.array_equal(theta, network.parameters.vector) and np.array_equal(buffers, network.buffers.vector)


@pytest.mark.parametrize("factor", [1 + 1e-6, np.nan, -1])
def test_a_wrong_way_is_named(monkeypatch, factor):
    right = ways.value_and_gradient

    def wrong(*given):
        value, gradient = right(*given)
        gradient[:6] *= factor  # W1
        return value, gradient

    monkeypatch.setattr(ways, "value_and_gradient", wrong)
    result = compare_gradients(net(), X, Y)
    assert [t.name for t in result.tensors if not t.passed] == ["W1"] and not result.passed
    assert "WRONG" in next(line for line in str(result).splitlines() if line.startswith("W1"))


def test_without_pytorch_the_others_run(monkeypatch):
    monkeypatch.setattr(ways, "find_spec", lambda name: None)
    result = compare_gradients(net(), X, Y)
    assert result.passed and "pytorch: not run, PyTorch is not installed" in str(result)


def test_your_own_records_are_compared_too():
    try:
        own = custom.activation("swish2", lambda z, beta: z * ag.sigmoid(beta * z), constants={"beta": 2})
        cosh = custom.loss("logcosh", lambda a, y: ag.log(ag.cosh(a - y)))
        result = compare_gradients(Network(2, [Dense(3, own), Dense(1)], loss=cosh), X, Y)
        assert result.passed and all(t.errors["automatic"] <= 1e-12 for t in result.tensors)
        assert "pytorch: not run" in str(result)
    finally:
        custom.forget("swish2")
        custom.forget("logcosh")


def test_kinks_are_moved_off():
    network = Network(2, [Dense(3, "relu"), Dense(1)], dtype="float64")
    result = compare_gradients(network, np.zeros((1, 2)), [1.0])
    assert result.passed and result.moved and "moved" in str(result)


def test_a_network_that_cannot_learn_is_refused():
    with pytest.raises(ArchitectureError, match="step"):
        compare_gradients(Network(2, [Dense(3, "step"), Dense(1)]), X, Y)
