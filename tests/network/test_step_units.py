"""Step units: they predict, gradients cannot pass, and the perceptron rule trains one layer of them."""

import numpy as np
import pytest

from glassnet import SGD, Architecture, ArchitectureError, Dense, Network
from glassnet.engines.base import check_trainable, untrainable
from glassnet.errors import InvalidParameterError

GATE_INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)


def test_predicts():
    net = Network(2, [Dense(2, "step"), Dense(1, "step")], "mse", dtype="float64")
    net.parameters["W1"], net.parameters["b1"] = [[1, 1], [-1, -1]], [-0.5, 1.5]
    net.parameters["W2"], net.parameters["b2"] = [[1, 1]], [-1.5]
    assert net.predict(GATE_INPUTS).ravel().tolist() == [0, 1, 1, 0]  # XOR by hand
    trace = net.trace(GATE_INPUTS, [0, 1, 1, 0])
    assert trace["loss"] == 0 and "delta2" not in trace


@pytest.mark.parametrize(
    "layers",
    [
        [Dense(2, "step"), Dense(1, "sigmoid")],
        [Dense(2, "tanh"), Dense(2, "step"), Dense(1)],
        [Dense(2, "step"), Dense(1, "step")],
        [Dense(1, "step")] * 2,  # one and the same layer twice: the first is still hidden
    ],
)
def test_training_through_steps_is_refused(layers):
    net = Network(2, layers)
    for act in (
        lambda: net.fit(GATE_INPUTS, [0, 1, 1, 0]),
        lambda: net.loss_and_gradient(GATE_INPUTS, [0, 1, 1, 0]),
        lambda: check_trainable(net.architecture),
    ):
        with pytest.raises(ArchitectureError, match=r"layer \d: 'step' has derivative 0 .* use 'sigmoid' or 'relu'"):
            act()
    assert net.predict(GATE_INPUTS).shape == (4, 1)


def test_a_step_output_needs_the_perceptron_loss():
    assert "loss='perceptron'" in untrainable(Architecture(2, (Dense(1, "step"),), "mse"))
    assert untrainable(Architecture(2, (Dense(1, "step"),))) is None
    assert untrainable(Architecture(2, (Dense(3, "tanh"), Dense(1, "step")))) is None
    with pytest.raises(InvalidParameterError, match="use 'step'"):
        Network(2, [Dense(1, "sigmoid")], "perceptron")


@pytest.mark.parametrize("gate", [[0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 1, 0]], ids=["and", "or", "nand"])
@pytest.mark.parametrize("seed", range(5))
def test_the_perceptron_rule_learns_separable_gates(gate, seed):
    """Rosenblatt's theorem: finitely many updates, one example at a time."""
    net = Network(2, [Dense(1, "step")], seed=seed, dtype="float64")
    net.fit(GATE_INPUTS, gate, optimizer=SGD(0.5), batch_size=1, epochs=50)
    assert net.predict(GATE_INPUTS).ravel().tolist() == gate
    done = net.parameters.vector.copy()
    net.fit(GATE_INPUTS, gate, optimizer=SGD(0.5), batch_size=1, epochs=3)
    assert np.array_equal(done, net.parameters.vector)  # no mistake, no update


def test_one_update_of_the_perceptron_rule():
    """w <- w + eta (y - a) x, b <- b + eta (y - a)."""
    net = Network(2, [Dense(1, "step")], dtype="float64")
    net.parameters["W1"], net.parameters["b1"] = [[1.0, -2.0]], [0.25]
    trace = net.trace([[1.0, 3.0]], [1], optimizer=SGD(0.5))
    assert trace["a1"].tolist() == [[0]]
    assert trace["W1_new"].tolist() == [[1.5, -0.5]] and trace["b1_new"].tolist() == [0.75]


def test_xor_is_not_learned():
    net = Network(2, [Dense(1, "step")], dtype="float64")
    net.fit(GATE_INPUTS, [0, 1, 1, 0], optimizer=SGD(0.5), batch_size=1, epochs=100)
    assert net.predict(GATE_INPUTS).ravel().tolist() != [0, 1, 1, 0]
