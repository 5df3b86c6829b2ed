"""The computational graph of a network's own loss."""

from typing import Any

import numpy as np

from glassnet.autograd import Graph, graph
from glassnet.engines.base import check_trainable
from glassnet.gradients.by_tape import objective
from glassnet.model import Network
from glassnet.network.gradcheck import FixedPass
from glassnet.training.targets import prepare

__all__ = ["network_graph"]


def network_graph(
    network: Network, X: Any, y: Any, sample_weight: Any = None, *, limit: int = 200, numbers: int = 4
) -> Graph:
    """Draw the forward pass of a network as a computational graph, with value | gradient at each node.

    It is the training pass that `check_gradients` checks, in float64, computed by automatic differentiation: W1, z1,
    a1 ... to the objective J. A notebook shows the result; `svg()`, `dot()` and `mermaid()` give text.

    Parameters
    ----------
    network : Network
    X, y : arrays
        One example or a few.
    sample_weight : array (n,), optional
    limit : int
        The most nodes that are drawn.
    numbers : int
        Arrays with at most so many entries are shown in numbers, larger ones by their shape.

    Raises
    ------
    AutogradError
        For a graph with more nodes than the limit.

    >>> from glassnet import Dense, Network, network_graph
    >>> net = Network(2, [Dense(2, "sigmoid"), Dense(1, "sigmoid")])
    >>> nodes = network_graph(net, [[0.5, 1.0]], [1]).nodes
    >>> nodes[0].title, nodes[-1].title
    ('W₁', 'J = sum(losses)')
    """
    check_trainable(network.architecture)
    data = prepare(network.architecture, X, y, sample_weight)
    fixed = FixedPass.of(network.architecture, network.buffers.vector, data.X, data.Y, data.weights, network.seed)
    theta = network.parameters.vector.astype(np.float64)
    loss, _ = objective(fixed, theta, fixed.forward(theta))
    return graph(loss, limit=limit, numbers=numbers)
