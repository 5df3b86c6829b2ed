"""One contiguous vector of numbers, and the named views into it.

Each W is stored input-major, (in, out) in memory, which is what the products want; the view is its transpose,
(out, in), as in the lectures. Gradients and optimizer slots share the layout.
"""

import math
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from glassnet.errors import InvalidParameterError, nearest
from glassnet.formulas.initializers import initializer
from glassnet.network.architecture import Architecture

__all__ = [
    "Layout",
    "Slice",
    "Views",
    "aligned_zeros",
    "buffer_layout",
    "initial_buffers",
    "initial_parameters",
    "parameter_layout",
]


@dataclass(frozen=True)
class Slice:
    """Where one tensor lies in the vector.

    `shape` is what people see: (out, in) for a weight matrix, (units,) else.
    """

    name: str
    layer: int
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def is_weight(self) -> bool:
        """Whether penalties and weight decay apply: W only, never biases, gamma or beta."""
        return len(self.shape) == 2

    def view(self, vector: np.ndarray) -> np.ndarray:
        """The tensor as a view into the vector; W comes as the transpose of what is stored."""
        return vector[self.start : self.stop].reshape(self.shape[::-1]).T


@dataclass(frozen=True)
class Layout:
    """The tensors of a vector, in order."""

    slices: tuple[Slice, ...]

    @property
    def size(self) -> int:
        """Length of the vector."""
        return self.slices[-1].stop if self.slices else 0

    def views(self, vector: np.ndarray) -> "Views":
        """Named views into a vector of this layout."""
        return Views(self, vector)


class Views(MutableMapping[str, np.ndarray]):
    """Named views into one vector: `views["W1"]` is (out, in); assignment copies into place.

    >>> net = Architecture(2, (__import__("glassnet").Dense(1),))
    >>> views = parameter_layout(net).views(np.zeros(3))
    >>> views["W1"] = [[1, 2]]
    >>> views.vector.tolist()
    [1.0, 2.0, 0.0]
    """

    def __init__(self, layout: Layout, vector: np.ndarray) -> None:
        assert vector.shape == (layout.size,), (vector.shape, layout.size)
        self.layout, self.vector = layout, vector
        self._views = {piece.name: piece.view(vector) for piece in layout.slices}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._views:
            words = ", ".join(self._views)
            raise InvalidParameterError(f"no tensor '{name}'{nearest(name, self._views)} (there are: {words})")
        return self._views[name]

    def __contains__(self, name: object) -> bool:
        return name in self._views

    def __setitem__(self, name: str, values: Any) -> None:
        view, given = self[name], np.asarray(values)
        if given.shape != view.shape:
            raise InvalidParameterError(f"{name} has shape {view.shape}, got values of shape {given.shape}")
        if not np.all(np.isfinite(given)):
            raise InvalidParameterError(f"{name}: the values hold NaN or infinity")
        view[...] = given

    def __delitem__(self, name: str) -> None:
        raise InvalidParameterError(f"{name} is part of the architecture and cannot be deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name}: {view.shape}" for name, view in self.items()) + "}"


def _lay_out(tensors: list[tuple[str, int, tuple[int, ...]]]) -> Layout:
    start, slices = 0, []
    for name, layer, shape in tensors:
        stop = start + math.prod(shape)
        slices.append(Slice(name, layer, shape, start, stop))
        start = stop
    return Layout(tuple(slices))


@lru_cache(maxsize=256)
def parameter_layout(architecture: Architecture) -> Layout:
    """Layout of all that is learned: W, b, gamma, beta of each layer."""
    return _lay_out(architecture.tensors())


@lru_cache(maxsize=256)
def buffer_layout(architecture: Architecture) -> Layout:
    """Layout of what is saved but never optimized: running mean and variance of batch normalization."""
    normed = [(n, layer) for n, layer in enumerate(architecture.dense, start=1) if layer.norm is not None]
    return _lay_out([(f"{name}{n}", n, (layer.units,)) for n, layer in normed for name in ("mean", "var")])


def aligned_zeros(size: int, dtype: Any) -> np.ndarray:
    """A vector that begins at a cache line (64 bytes): machine code then reads W a quarter faster."""
    raw = np.zeros(size + 64 // np.dtype(dtype).itemsize, dtype)
    start = -raw.ctypes.data % 64 // raw.itemsize
    return raw[start : start + size]


def initial_parameters(architecture: Architecture, seed: int) -> np.ndarray:
    """Initial vector: weights by the layers' initializers, biases and beta 0, gamma 1."""
    layout = parameter_layout(architecture)
    vector = aligned_zeros(layout.size, architecture.dtype)
    for piece in layout.slices:
        layer = architecture.dense[piece.layer - 1]
        if piece.is_weight:
            rule = initializer(layer.initializer or layer.g.initializer)
            fan_out, fan_in = piece.shape
            piece.view(vector)[...] = rule.weights(seed, piece.layer, fan_in, fan_out)
        elif piece.name.startswith("gamma"):
            piece.view(vector)[...] = 1
    return vector


def initial_buffers(architecture: Architecture) -> np.ndarray:
    """Initial running statistics: mean 0, variance 1."""
    layout = buffer_layout(architecture)
    vector = np.zeros(layout.size, architecture.dtype)
    for piece in layout.slices:
        piece.view(vector)[...] = piece.name.startswith("var")
    return vector
