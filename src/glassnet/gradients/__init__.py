"""One gradient, four ways: by hand, numerically, automatically, by PyTorch; and the graph of a network's loss."""

from glassnet.gradients.drawn import network_graph
from glassnet.gradients.ways import GradientComparison, TensorComparison, Way, compare_gradients

__all__ = ["GradientComparison", "TensorComparison", "Way", "compare_gradients", "network_graph"]
