"""One gradient, four ways: by hand, numerically, automatically, by PyTorch."""

from glassnet.gradients.ways import GradientComparison, TensorComparison, Way, compare_gradients

__all__ = ["GradientComparison", "TensorComparison", "Way", "compare_gradients"]
