"""Standardization of inputs and targets around a network, and how it is folded into the weights."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from glassnet.network.architecture import Architecture
from glassnet.network.parameters import aligned_zeros, buffer_layout, parameter_layout

__all__ = ["Scaling", "folded", "learned"]


@dataclass(frozen=True)
class Scaling:
    """x' = (x - mean) / deviation of the inputs, y' of the targets; None leaves them as they are."""

    of_inputs: Any = None
    of_targets: Any = None

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """What the network sees of rows X (n, d)."""
        return X if self.of_inputs is None else np.ascontiguousarray(self.of_inputs.transform(X), X.dtype)

    def targets(self, Y: np.ndarray) -> np.ndarray:
        """What the network learns of targets Y (n, K)."""
        return Y if self.of_targets is None else self.of_targets.transform(Y)

    def targets_back(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs (n, K) in the units of the targets."""
        return outputs if self.of_targets is None else self.of_targets.inverse_transform(outputs)


def learned(X: np.ndarray | None, Y: np.ndarray | None, weights: np.ndarray | None) -> Scaling:
    """Means and deviations of the training rows; None: not asked for."""
    each = (None if A is None else StandardScaler().fit(A, sample_weight=weights) for A in (X, Y))
    return Scaling(*each)


def folded(
    net: Architecture, theta: np.ndarray, buffers: np.ndarray, scaling: Scaling
) -> tuple[Architecture, np.ndarray, np.ndarray]:
    """Copies of theta and buffers that take raw inputs and give outputs in the targets' units.

    W_1 <- W_1 / s and b_1 <- b_1 - W_1 m / s; with batch normalization the running mean moves by W_1 m / s instead.
    Behind the last layer W_L <- t W_L, b_L <- t b_L + u, for targets of mean u and deviation t.
    """
    new, statistics = aligned_zeros(theta.size, theta.dtype), buffers.copy()
    new[:] = theta
    views, last = parameter_layout(net).views(new), len(net.dense)
    if scaling.of_inputs is not None:
        views["W1"][...] = views["W1"] / scaling.of_inputs.scale_
        shift = views["W1"] @ scaling.of_inputs.mean_
        if net.dense[0].norm is None:
            views["b1"][...] = views["b1"] - shift
        else:
            buffer_layout(net).views(statistics)["mean1"][...] += shift
    if scaling.of_targets is not None:
        scale = scaling.of_targets.scale_
        views[f"W{last}"][...] = views[f"W{last}"] * scale[:, None]
        views[f"b{last}"][...] = views[f"b{last}"] * scale + scaling.of_targets.mean_
    return net, new, statistics
