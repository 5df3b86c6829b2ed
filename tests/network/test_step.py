"""A whole step as a trace: what training does in one epoch of one batch, and PyTorch's optimizers in one step."""

import numpy as np
import pytest

from glassnet import OPTIMIZERS, Architecture, BatchNorm, Dense, Network, optimizer
from glassnet.network.parameters import initial_buffers, initial_parameters, parameter_layout
from glassnet.network.passes import Draws
from glassnet.network.step import Descent, step
from tolerances import TORCH, relative

X, Y = np.array([[0.5, -1.0], [2.0, 0.3], [-0.4, 0.8]]), np.array([[1.0], [0.0], [1.0]])


def state(architecture: Architecture, rule) -> tuple[np.ndarray, ...]:
    theta = initial_parameters(architecture, 1)
    return theta, initial_buffers(architecture), np.zeros((len(rule.slots), theta.size)), np.array(rule.carried)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.1, "clip_value": 0.05}])
def test_two_steps_are_two_epochs(name, options):
    """The bits of the reference engine."""
    layers = (Dense(3, "tanh", norm=BatchNorm()), Dense(1, "sigmoid"))
    net = Network(2, layers, l2=0.1, dtype="float64", seed=1, engine="reference")
    rule = optimizer(name)
    theta, buffers, slots, carried = state(net.architecture, rule)
    for number in (1, 2):
        descent = Descent(rule, rule.learning_rate, rule.weight_decay, **options)
        trace = step(net.architecture, theta, buffers, X, Y, None, Draws(1, number), descent, slots, carried)
    net.fit(X, Y, optimizer=rule, batch_size=3, epochs=2, shuffle=False, **options)
    assert np.array_equal(theta, net.parameters.vector) and np.array_equal(buffers, net.buffers.vector)
    assert np.array_equal(trace["W1_new"], net.parameters["W1"])
    assert np.array_equal(trace["running_var1_new"], net.buffers["var1"])


def test_it_names_what_it_starts_from_and_keeps_it():
    architecture = Architecture(2, (Dense(3, "tanh"), Dense(1)), dtype="float64")
    rule = optimizer("adam")
    theta, buffers, slots, carried = state(architecture, rule)
    before = theta.copy()
    weights = np.array([1.0, 0.5, 1.5])
    trace = step(architecture, theta, buffers, X, Y, weights, None, Descent(rule, 0.1), slots, carried)
    views = parameter_layout(architecture).views(before)
    assert all(np.array_equal(trace[name], views[name]) for name in views)
    assert not np.array_equal(trace["W1"], trace["W1_new"])
    assert np.array_equal(trace["v"], weights / 3) and trace["eta"] == 0.1 and np.array_equal(trace["y"], Y)
    assert "W1" in trace and "W1" not in list(trace)  # given, not computed
    assert relative(trace["mhat_W1"], trace["dW1"]) < 1e-12  # in the first step the corrected mean is the gradient
    assert relative(trace["vhat_W1"], trace["dW1"] ** 2) < 1e-12


def test_frozen_tensors_stay_and_do_not_count():
    architecture = Architecture(2, (Dense(3, "tanh"), Dense(1)), dtype="float64", frozen=("W1",))
    rule = optimizer("momentum")
    theta, buffers, slots, carried = state(architecture, rule)
    trace = step(architecture, theta, buffers, X, Y, None, None, Descent(rule, 0.1, clip_norm=9.0), slots, carried)
    assert np.array_equal(trace["W1"], trace["W1_new"]) and "v_W1" not in trace and np.any(trace["dW1"])
    moving = np.sqrt(sum(np.sum(trace[f"d{name}"] ** 2) for name in ("b1", "W2", "b2")))
    assert trace["gradient_norm"] == pytest.approx(moving, rel=1e-12)


@pytest.mark.parametrize(("name", "theirs"), [("sgd", "SGD"), ("adam", "Adam"), ("rmsprop", "RMSprop")])
def test_pytorch_takes_the_same_step(name, theirs):
    torch = pytest.importorskip("torch")
    net = Network(2, [Dense(3, "tanh"), Dense(1)], "squared_error", dtype="float64", seed=2)
    tensors = {key: torch.tensor(np.array(value), requires_grad=True) for key, value in net.parameters.items()}
    options = {"alpha": 0.9, "eps": 1e-8} if name == "rmsprop" else {}
    rule = getattr(torch.optim, theirs)(tensors.values(), lr=0.05, **options)
    hidden = torch.tanh(torch.tensor(X) @ tensors["W1"].T + tensors["b1"])
    (((hidden @ tensors["W2"].T + tensors["b2"]) - torch.tensor(Y)) ** 2).mean().backward()
    rule.step()
    trace = net.trace(X, Y, optimizer=f"{name}(0.05)")
    for key, value in tensors.items():
        assert relative(trace[f"{key}_new"], value.detach().numpy()) < TORCH, key
