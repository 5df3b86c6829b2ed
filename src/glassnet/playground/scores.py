"""The history of a trainer: losses and scores of training and test data as training goes on."""

import math

from glassnet.engines.base import TrainState
from glassnet.playground.problem import Problem
from glassnet.playground.way_back import Rows
from glassnet.training.metrics import METRICS

__all__ = ["ROWS", "judged", "thinned"]

ROWS = 2_000
"""Of the history; then every second one is left out."""


def judged(problem: Problem, state: TrainState) -> tuple[float, ...] | None:
    """Losses and scores (train, test, train, test) of these weights; None where a loss is not finite."""
    losses: list[float] = []
    scores: list[float] = []
    measure = METRICS["r2" if problem.dataset.task == "numbers" else "accuracy"].measure
    for data in (problem.train, problem.test):
        loss, outputs = problem.engine.evaluate(problem.architecture, state.theta, state.buffers, data)
        losses.append(loss)
        if not math.isfinite(loss):
            return None
        scores.append(measure(data.Y, outputs, None, True))
    return (*losses, *scores)


def thinned(rows: Rows) -> Rows:
    """The rows, or where there are too many every second one and the last."""
    return rows[:-1:2] + rows[-1:] if len(rows) > ROWS else rows
