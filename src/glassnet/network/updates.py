"""The third pass: clipping and the update of the parameters by an optimizer's rule, in place."""

import numpy as np

from glassnet.formulas.elementary import constant
from glassnet.formulas.optimizers import Optimizer
from glassnet.network.architecture import Architecture
from glassnet.network.parameters import parameter_layout

__all__ = ["clip_gradient", "gradient_norm", "hold_frozen", "trainable_runs", "update"]


def gradient_norm(gradient: np.ndarray) -> float:
    """Euclidean norm, added up in float64; NaN and infinity stay."""
    wide = gradient.astype(np.float64, copy=False)
    return float(np.sqrt(wide @ wide))


def clip_gradient(gradient: np.ndarray, norm: float, clip_norm: float | None, clip_value: float | None) -> None:
    """Clip in place: first each entry to [-clip_value, clip_value], then the whole to norm clip_norm.

    `norm` is the gradient's norm before clipping. Source: Pascanu, Mikolov and Bengio (2013).
    """
    if clip_value is not None:
        np.clip(gradient, -clip_value, clip_value, out=gradient)
        norm = gradient_norm(gradient) if clip_norm is not None else norm
    if clip_norm is not None and norm > clip_norm:
        gradient *= constant(gradient, clip_norm / norm)


def hold_frozen(architecture: Architecture, gradient: np.ndarray) -> None:
    """Set the gradient of frozen tensors to 0, in place: they neither move nor count in its norm."""
    for piece in parameter_layout(architecture).slices if architecture.frozen else ():
        if piece.name in architecture.frozen:
            gradient[piece.start : piece.stop] = 0


def trainable_runs(architecture: Architecture) -> list[tuple[int, int]]:
    """The stretches [start, stop) of the parameter vector that training changes: all but the frozen tensors."""
    runs: list[tuple[int, int]] = []
    for piece in parameter_layout(architecture).slices:
        if piece.name in architecture.frozen:
            continue
        if runs and runs[-1][1] == piece.start:
            runs[-1] = (runs[-1][0], piece.stop)
        else:
            runs.append((piece.start, piece.stop))
    return runs


def update(
    architecture: Architecture,
    rule: Optimizer,
    theta: np.ndarray,
    gradient: np.ndarray,
    slots: np.ndarray,
    carried: np.ndarray,
    eta: float,
    decay: float,
) -> None:
    """One step of the rule on theta (P,), slots (k, P) and carried, all in place.

    Weights first decay by eta * decay * theta, outside the gradient; then the rule moves everything that is not
    frozen. Numbers of the step are computed in float64 and enter in the dtype of theta.
    """
    constants = tuple(rule.constants.values())
    carried[:] = rule.carry(tuple(carried.tolist()), *constants)
    step_numbers = rule.coefficients(eta, tuple(carried.tolist()), *constants)
    coefficients = tuple(constant(theta, number) for number in step_numbers)
    if decay:
        for piece in parameter_layout(architecture).slices:
            if piece.is_weight and piece.name not in architecture.frozen:
                theta[piece.start : piece.stop] *= constant(theta, 1 - eta * decay)
    for start, stop in trainable_runs(architecture):
        mine = tuple(slots[:, start:stop])
        new, new_slots = rule.update(theta[start:stop], gradient[start:stop], mine, coefficients)
        theta[start:stop] = new
        for slot, value in zip(mine, new_slots, strict=True):
            slot[...] = value
