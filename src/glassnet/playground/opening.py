"""What a server opens with when a trained model is given: data that it fits, its settings and its weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import DataError
from glassnet.model import Network
from glassnet.network.architecture import Architecture
from glassnet.playground.limits import RefusedError
from glassnet.playground.portable import MisfitError, ends, taken
from glassnet.playground.problem import make_problem
from glassnet.playground.setup import Setup, merged
from glassnet.playground.tabular import Fitted, Table, checked_table

__all__ = ["TOYS_TO_TRY", "Opening", "Weights", "opened", "table_of_model"]

TOYS_TO_TRY = ("circle", "multi_gauss", "function")
"""Data for a network that comes without any: two inputs and classes, two inputs and numbers, one input."""


@dataclass(frozen=True)
class Weights:
    """Weights and running statistics of a network, for every session that has this network."""

    architecture: Architecture
    theta: np.ndarray
    buffers: np.ndarray

    def belong_to(self, other: Architecture) -> bool:
        """Whether the other network has the same layers."""
        return (self.architecture.inputs, self.architecture.layers) == (other.inputs, other.layers)


@dataclass(frozen=True)
class Opening:
    """The setup that a session begins with, and its weights."""

    setup: Setup
    weights: Weights

    @property
    def sizes(self) -> str:
        """The network's sizes as text."""
        return "-".join(map(str, self.weights.architecture.sizes))


def opened(network: Network, name: str, tables: Mapping[str, Table], starts: Sequence[Mapping[str, Any]]) -> Opening:
    """The network on the first of these setups whose task is its own, or else on the first that has its sizes.

    Raises
    ------
    RefusedError
        If it has what the playground has not, or fits none of them.
    """
    parts = (network.architecture, network.parameters.vector, network.buffers.vector, network.seed)
    found: list[Opening] = []
    refusals: list[RefusedError] = []
    for start in starts:
        base = make_problem(merged(Setup(), start), tables)
        try:
            problem, state = taken(parts, name, base, tables)
        except RefusedError as error:
            refusals.append(error)
            continue
        found.append(Opening(problem.setup, Weights(problem.architecture, state.theta, state.buffers)))
    if found:
        return min(found, key=lambda opening: opening.setup.loss != "auto")
    told = next((error for error in refusals if not isinstance(error, MisfitError)), refusals[0])
    if len(starts) == 1 or not isinstance(told, MisfitError):
        raise RefusedError(f"{name}: {str(told).removeprefix(f'{name}: ')}")
    raise RefusedError(
        f"{name}: no built-in problem has {ends(network.architecture)}; give the data that it was trained on: "
        f"glassnet play DATA --model {name}"
    )


def table_of_model(model: Any, name: str, title: str, frame: Any) -> Table:
    """The table as a table model sees it: its target, its classes, its preprocessing."""
    target = model.target_.name
    if not isinstance(target, str):
        raise RefusedError(f"{name} predicts several columns; the playground shows networks with one target")
    if target not in frame.columns:
        raise DataError(f"{title} has no column '{target}', which {name} predicts")
    model.preprocessing_.transform(frame.head(1), source=title)  # its columns are there
    return checked_table(title, frame, target, Fitted(model.preprocessing_, model.target_))
