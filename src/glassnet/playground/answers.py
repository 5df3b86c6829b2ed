"""Answers about one example: its derivation and its computational graph, from the project's own `explain` and graphs.

They look at copies, so the state does not change.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.engines.base import Program, TrainState
from glassnet.explain.derivation import Derivation
from glassnet.explain.look import Look
from glassnet.explain.reading import derive_steps
from glassnet.formulas.optimizers import OPTIMIZERS, Optimizer
from glassnet.formulas.schedules import Schedule
from glassnet.gradients import network_graph
from glassnet.model import Network
from glassnet.network.architecture import Dropout
from glassnet.playground.limits import RefusedError
from glassnet.playground.problem import Problem
from glassnet.playground.way_back import Moment
from glassnet.training.targets import prepare
from glassnet.training.walking import walk

__all__ = ["Asked", "asked_example", "explanation", "graph_svg"]


@dataclass(frozen=True)
class Asked:
    """One example: its row of the training data or None, where it is shown, inputs (1, d) and target."""

    row: int | None
    shown: list[float]
    X: np.ndarray
    y: float


def asked_example(
    problem: Problem, row: int | None, x: tuple[float, ...] | None = None, y: float | None = None
) -> Asked:
    """A row of the training data, or a shown point with its target."""
    data = problem.dataset
    if x is None:
        if row is None:
            raise RefusedError("example: give a row of the training data, or a point x and its y", "example")
        if row >= len(data.X):
            raise RefusedError(f"example: there are {len(data.X)} training rows, counted from 0; got {row}", "example")
        return Asked(row, data.shown[row].tolist(), data.X[[row]], float(data.y[row]))
    if len(x) != 2 or not np.all(np.isfinite(x)):
        raise RefusedError("x: give the two shown coordinates of a point", "x")
    if y is None or (data.classes is not None and y not in range(len(data.classes))):
        rule = "a number" if data.classes is None else f"a class number from 0 to {len(data.classes) - 1}"
        raise RefusedError(f"y: the target must be {rule}", "y")
    return Asked(None, list(x), data.inputs_at(np.array([x], np.float64)), y)


def _network(problem: Problem, moment: Moment) -> Network:
    return Network.from_parts(problem.architecture, moment.theta, moment.buffers, problem.setup.seed)


def _rule_now(problem: Problem, epoch: float, run: Any) -> Optimizer:
    """The optimizer with the learning rate of this moment in the place of its schedule."""
    rule = problem.program.optimizer
    if not isinstance(rule.learning_rate, Schedule):
        return rule
    rate = float(run.value("learning_rate", epoch))
    return OPTIMIZERS[rule.name](learning_rate=rate, weight_decay=rule.weight_decay, **rule.constants)


def _derivation(problem: Problem, moment: Moment, rule: Optimizer, example: Asked, entries: int) -> Derivation:
    """What `Network.explain` shows, of the step that this rule would take from here with this example alone."""
    a, clip = problem.architecture, problem.program.clip_norm
    program = Program(a, rule, 1, clip, None, problem.setup.seed)
    state = TrainState(moment.theta.copy(), moment.buffers.copy(), moment.slots.copy(), moment.carried.copy())
    data = prepare(a, example.X, [example.y])
    traces = walk(program, state, data.X, data, training=False)
    return derive_steps(a, traces, rule, Look(entries=entries), clip_norm=clip)


def explanation(
    problem: Problem, moment: Moment, epoch: float, run: Any, example: Asked, entries: int
) -> dict[str, Any]:
    """Forward, loss, backward and update of the example, with what the reader should know about it."""
    rule = _rule_now(problem, epoch, run)
    network = _network(problem, moment)
    derivation = _derivation(problem, moment, rule, example, entries)
    notes: list[str] = []
    if problem.setup.batch_size > 1:
        notes.append(f"Training averages such gradients over batches of {problem.setup.batch_size} examples.")
    if any(isinstance(layer, Dropout) for layer in problem.architecture.layers):
        notes.append("Nothing is dropped here; in training, dropout would set some activations to 0.")
    if any(layer.norm is not None for layer in problem.architecture.dense):
        notes.append("Batch normalization uses its running averages here, as in prediction, not the batch's own.")
    return {
        "derivation": derivation.document(),
        "example": example.row,
        "shown": example.shown,
        "inputs": dict(zip(problem.dataset.inputs, example.X[0].tolist(), strict=True)),
        "y": example.y,
        "output": network.predict(example.X)[0].tolist(),
        "notes": notes,
    }


def graph_svg(problem: Problem, moment: Moment, example: Asked) -> str:
    """The computational graph of the example's loss, value and gradient at each node."""
    return network_graph(_network(problem, moment), example.X, [example.y]).svg()
