"""One whole step by the reference mathematics, forward, backward and update, with every number of it by name."""

from dataclasses import dataclass

import numpy as np

from glassnet.formulas.elementary import constant
from glassnet.formulas.optimizers import Optimizer
from glassnet.network.architecture import Architecture
from glassnet.network.parameters import buffer_layout, parameter_layout
from glassnet.network.passes import Draws, Trace, backward, example_weights, forward, objective
from glassnet.network.updates import clip_gradient, gradient_norm, hold_frozen, update

__all__ = ["Descent", "run", "step"]


@dataclass(frozen=True)
class Descent:
    """How a step moves the parameters: rule, learning rate and weight decay of this step, bounds of the gradient."""

    rule: Optimizer
    eta: float
    decay: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None


def run(
    architecture: Architecture,
    theta: np.ndarray,
    buffers: np.ndarray,
    X: np.ndarray,
    Y: np.ndarray,
    weights: np.ndarray | None = None,
    draws: Draws | None = None,
    *,
    factors: bool = False,
) -> tuple[Trace, np.ndarray]:
    """Forward and backward over a batch X (n, d), Y (n, K), weights (n,): the trace and the gradient (P,).

    With draws the running statistics in `buffers` move; `factors` as in `passes.backward`.
    """
    views, statistics = parameter_layout(architecture).views(theta), buffer_layout(architecture).views(buffers)
    v = example_weights(architecture.reduction, len(X), weights, theta.dtype)
    with np.errstate(all="ignore"):
        trace = forward(architecture, views, statistics, X, draws)
        objective(architecture, views, trace, Y, v)
        return trace, backward(architecture, views, trace, Y, v, factors=factors)


def step(
    architecture: Architecture,
    theta: np.ndarray,
    buffers: np.ndarray,
    X: np.ndarray,
    Y: np.ndarray,
    weights: np.ndarray | None = None,
    draws: Draws | None = None,
    descent: Descent | None = None,
    slots: np.ndarray | None = None,
    carried: np.ndarray | None = None,
) -> Trace:
    """One step over a batch; theta (P,), buffers, slots (k, P) and carried change in place.

    Parameters
    ----------
    X, Y, weights : arrays (n, d), (n, K), (n,)
    draws : Draws, optional
        Of a training pass; without it dropout is idle and running statistics hold.
    descent : Descent, optional
        Without it, and without slots and carried, the parameters stay as they are.

    Returns
    -------
    Trace
        Also with what was given, y, v, W1, b1 and so on, eta and decay, and of an optimizer that is not at rest
        old_v_W1 and carried; where the gradient is bounded with gradient_norm and dW1_clipped; with the optimizer's
        slots v_W1, without their bias vhat_W1, and W1_new; in a
        training pass with the running statistics before and after, running_mean1 and running_mean1_new.

    >>> from glassnet import SGD, Dense
    >>> architecture = Architecture(1, (Dense(1, bias=False),), "half_squared_error", dtype="float64")
    >>> theta, slots, none = np.array([2.0]), np.zeros((0, 1)), np.zeros(0)
    >>> x, y = np.array([[1.0]]), np.array([[0.0]])
    >>> trace = step(architecture, theta, none, x, y, descent=Descent(SGD(), 0.5), slots=slots, carried=none)
    >>> trace["W1"].item(), trace["dW1"].item(), trace["W1_new"].item(), theta.item()
    (2.0, 2.0, 1.0, 1.0)
    """
    before, statistics = theta.copy(), buffers.copy()
    trace, gradient = run(architecture, theta, buffers, X, Y, weights, draws, factors=True)
    given = trace.given
    given |= {"y": Y, "v": example_weights(architecture.reduction, len(X), weights, theta.dtype)}
    given |= dict(parameter_layout(architecture).views(before).items())
    if trace.batch_normalized:
        _name_statistics(trace, statistics, buffers)
    if descent is not None and slots is not None and carried is not None:
        _descend(trace, descent, theta, gradient.copy(), slots, carried)
    return trace


def _name_statistics(trace: Trace, before: np.ndarray, after: np.ndarray) -> None:
    for piece in buffer_layout(trace.architecture).slices:
        if piece.layer in trace.batch_normalized:
            trace.given[f"running_{piece.name}"] = piece.view(before)
            trace[f"running_{piece.name}_new"] = piece.view(after.copy())


def _descend(
    trace: Trace, descent: Descent, theta: np.ndarray, gradient: np.ndarray, slots: np.ndarray, carried: np.ndarray
) -> None:
    """Clip and update; the trace keeps the gradient as the backward pass left it."""
    architecture, layout, rule = trace.architecture, parameter_layout(trace.architecture), descent.rule
    trace.given |= {"eta": descent.eta, "decay": descent.decay}
    hold_frozen(architecture, gradient)
    clip_gradient(gradient, gradient_norm(gradient), None, descent.clip_value)
    if descent.clip_norm is not None:
        trace["gradient_norm"] = norm = gradient_norm(gradient)
        clip_gradient(gradient, norm, descent.clip_norm, None)
    moving = [piece.name for piece in layout.slices if piece.name not in architecture.frozen]
    if descent.clip_norm is not None or descent.clip_value is not None:
        trace.tensors |= {f"d{name}_clipped": layout.views(gradient)[name] for name in moving}
    if slots.any() or tuple(carried.tolist()) != rule.carried:
        trace.given["carried"] = carried.copy()
        for slot, vector in zip(rule.slots, slots.copy(), strict=True):
            trace.given |= {f"old_{slot}_{name}": layout.views(vector)[name] for name in moving}
    update(architecture, rule, theta, gradient, slots, carried, descent.eta, descent.decay)
    kept = {name: row.copy() for name, row in zip(rule.slots, slots, strict=True)}
    kept |= {f"{name}hat": kept[name] / constant(theta, 1 - carried[place]) for name, place in rule.corrections.items()}
    for slot, vector in kept.items():
        trace.tensors |= {f"{slot}_{name}": layout.views(vector)[name] for name in moving}
    new = layout.views(theta.copy())
    trace.tensors |= {f"{name}_new": new[name] for name in new}
