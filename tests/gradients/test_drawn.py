"""The graph of a network's loss holds the numbers of its trace."""

import numpy as np
import pytest

from glassnet import ArchitectureError, AutogradError, BatchNorm, Dense, Dropout, Network, network_graph


def lecture() -> Network:
    """Lecture 5's 2-2-1 network."""
    net = Network(2, [Dense(2, "sigmoid"), Dense(1, "sigmoid")], loss="half_squared_error", dtype="float64")
    net.parameters.update(W1=[[0.4, 0.6], [0.3, 0.5]], b1=[0.1, 0.2], W2=[[0.7, 0.8]], b2=[0.3])
    return net


def shown(values) -> str:
    """As a node shows it."""
    values = np.asarray(values)
    digits = 4 if values.size == 1 else 3
    if values.size == 1:
        return f"{values.item():.{digits}g}".replace("-", "−")
    return str([[float(f"{v:.{digits}g}") for v in row] for row in np.atleast_2d(values)]).replace("-", "−")


def test_it_holds_the_numbers_of_the_trace():
    net = lecture()
    trace, nodes = net.trace([[0.5, 1.0]], [1.0]), network_graph(net, [[0.5, 1.0]], [1.0]).nodes
    by_name = {node.name: node for node in nodes}
    for name, values, slopes in [
        ("W₁", net.parameters["W1"], trace["dW1"]),
        ("W₂", net.parameters["W2"], trace["dW2"]),
        ("z₁", trace["z1"], trace["delta1"]),
        ("z₂", trace["z2"], trace["delta2"]),
        ("a₂", trace["a2"], trace["dL_da2"]),
        ("J", trace["loss"], 1.0),
    ]:
        assert (by_name[name].value, by_name[name].gradient) == (shown(values), shown(slopes)), name
    assert by_name["a₀"].kind == by_name["y"].kind == "constant"
    assert (nodes[-1].name, nodes[-1].kind) == ("J", "result")


def test_any_network_can_be_drawn():
    layers = [Dense(3, "relu", norm=BatchNorm()), Dropout(0.3), Dense(2, "softmax")]
    drawn = network_graph(Network(2, layers, l2=0.1), np.eye(2), [0, 1], [1.0, 3.0])
    assert {"gamma1", "zhat1", "s₁", "J"} <= {node.name for node in drawn.nodes} and drawn.svg().startswith("<svg")


def test_what_cannot_be_drawn():
    deep = Network(2, [Dense(2, "tanh")] * 60 + [Dense(1)])
    with pytest.raises(AutogradError, match="more than limit=200"):
        network_graph(deep, np.eye(2), [0.0, 1.0])
    with pytest.raises(ArchitectureError, match="step"):
        network_graph(Network(2, [Dense(1, "step")], "squared_error"), np.eye(2), [0.0, 1.0])
