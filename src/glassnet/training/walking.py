"""Steps over all examples as they lie, each as a trace: the first epochs of a run, seen through."""

import numpy as np

from glassnet.engines.base import Data, Program, TrainState, untrainable
from glassnet.engines.reference import ReferenceEngine
from glassnet.network.parameters import buffer_layout, parameter_layout
from glassnet.network.passes import Draws, Trace, example_weights, forward, objective
from glassnet.network.step import Descent, step
from glassnet.training.run import Run

__all__ = ["walk"]


def walk(
    program: Program,
    state: TrainState,
    X: np.ndarray,
    data: Data | None,
    steps: int = 1,
    *,
    moving: bool = True,
    training: bool = True,
) -> list[Trace]:
    """Take some steps from a state (changed in place), each over all examples.

    The learning rate and all else that is scheduled go by a run of that many epochs, one step each. Every trace but the
    last ends where the next begins; the last is the forward pass and the loss after all updates, if there were any.

    Parameters
    ----------
    data : Data, optional
        Without it there is the forward pass on X alone.
    moving : bool
        Whether the program's optimizer moves the parameters.
    training : bool
        Whether masks are drawn and batch statistics used.

    Returns
    -------
    list of Trace
        One a step, and one more after updates.
    """
    architecture, theta, buffers = program.architecture, state.theta, state.buffers
    views, statistics = parameter_layout(architecture).views(theta), buffer_layout(architecture).views(buffers)
    blind = Data(X, np.zeros((len(X), 1), X.dtype)) if data is None else data
    run = Run(program, ReferenceEngine(), state, blind, None, steps, (), [])

    def draws(number: int) -> Draws | None:
        rates = run.dropout_rates(np.array([number], np.float64))[0]
        return Draws(program.seed, number + 1, tuple(rates.tolist())) if training else None

    def losses(number: int) -> Trace:
        """A forward pass with the present parameters, and its loss."""
        trace = forward(architecture, views, statistics, X, draws(number))
        trace.given |= {name: view.copy() for name, view in views.items()}
        if data is not None:
            v = example_weights(architecture.reduction, len(X), data.weights, theta.dtype)
            trace.given |= {"y": data.Y, "v": v}
            objective(architecture, views, trace, data.Y, v)
        return trace

    with np.errstate(all="ignore"):
        if data is None or untrainable(architecture) is not None:
            return [losses(0)]
        traces: list[Trace] = []
        for number in range(steps):
            eta, decay = (run.value(quantity, number) for quantity in ("learning_rate", "weight_decay"))
            descent = Descent(program.optimizer, eta, decay, program.clip_norm, program.clip_value) if moving else None
            weights, slots, carried = data.weights, state.slots, state.carried
            traces.append(
                step(architecture, theta, buffers, X, data.Y, weights, draws(number), descent, slots, carried)
            )
        return [*traces, losses(steps)] if moving else traces
