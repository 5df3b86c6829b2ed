"""A session as a program: for glassnet, PyTorch and Keras, with its weights.

The programs are text made from the problem; names of columns and classes enter it as Python literals only. Each has
`predict(X)` for inputs (n, d), with the session's weights, and `train(X, y)`, which begins anew with its settings.
"""

from collections.abc import Callable

from glassnet.playground.exports.for_glassnet import glassnet_program
from glassnet.playground.exports.for_keras import keras_program
from glassnet.playground.exports.for_pytorch import pytorch_program
from glassnet.playground.problem import Problem
from glassnet.playground.way_back import Moment

__all__ = ["PROGRAMS"]

PROGRAMS: dict[str, Callable[[Problem, Moment], str]] = {
    "python": glassnet_program,
    "pytorch": pytorch_program,
    "keras": keras_program,
}
"""Exports that are programs, by name."""
