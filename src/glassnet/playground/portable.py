"""Models in and out: a model file becomes a setup with its weights, and a session becomes a model file or JSON."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from glassnet.engines.base import TrainState, fresh_state
from glassnet.errors import GlassnetError
from glassnet.files.model_file import as_tensors, network_bytes, network_from_bytes
from glassnet.network.architecture import Architecture, BatchNorm, Dense, Dropout
from glassnet.network.parameters import aligned_zeros
from glassnet.playground.limits import RefusedError, at_most
from glassnet.playground.problem import Problem, make_problem
from glassnet.playground.setup import merged, setup_document
from glassnet.playground.tabular import Table
from glassnet.playground.trainer import Trainer
from glassnet.playground.way_back import Moment

__all__ = ["MisfitError", "Parts", "ends", "imported", "model_bytes", "session_document", "taken"]

Parts = tuple[Architecture, np.ndarray, np.ndarray, int]
"""A network: architecture, theta, buffers and seed."""


class MisfitError(RefusedError):
    """A model has other inputs or outputs than the data."""


def model_bytes(problem: Problem, moment: Moment) -> bytes:
    """A `.glassnet` file, as `Network.save` writes it."""
    return network_bytes(problem.architecture, moment.theta, moment.buffers, problem.setup.seed)


def session_document(problem: Problem, moment: Moment, rows: list[tuple[float, ...]]) -> dict[str, Any]:
    """Setup, weights by name and the history, as plain JSON types."""
    names = ("epoch", "loss_train", "loss_test", "score_train", "score_test")
    tensors = as_tensors(problem.architecture, moment.theta, moment.buffers)
    return {
        "setup": setup_document(problem.setup),
        "step": moment.step,
        "architecture": msgspec.to_builtins(problem.architecture),
        "inputs": problem.dataset.inputs,
        "classes": problem.dataset.classes,
        "tensors": {name: np.asarray(tensor, np.float64).tolist() for name, tensor in tensors.items()},
        "history": [dict(zip(names, row, strict=True)) for row in rows],
    }


def imported(data: bytes, name: str, trainer: Trainer) -> tuple[Problem, TrainState]:
    """The problem and state with the network of a model file; nothing of the file is executed."""
    return taken(network_from_bytes(data, name), name, trainer.problem, trainer.tables)


def taken(parts: Parts, name: str, present: Problem, tables: Mapping[str, Table]) -> tuple[Problem, TrainState]:
    """The problem and state with this network, on the data of the present problem.

    Output activation and loss become "auto" where that means the same, so that other data can follow.
    """
    architecture, theta, buffers, seed = parts
    for what, odd in _foreign(architecture).items():
        if odd:
            raise RefusedError(f"{name}: the playground has no {what}; train and look at this model in Python")
    at_most(len(architecture.dense) - 1, "layers", "hidden layers")
    at_most(architecture.parameter_count, "parameters", "parameters")
    given = {"layers": _layers(architecture), "l1": architecture.l1, "l2": architecture.l2, "seed": seed % 2**32}
    auto = {"output_activation": "auto", "loss": "auto"}
    named = {"output_activation": architecture.output.activation, "loss": architecture.loss}
    problem = make_problem(merged(present.setup, given | auto), tables, present)
    found = problem.architecture
    if (found.output.activation, found.loss) != (architecture.output.activation, architecture.loss):
        try:
            problem = make_problem(merged(present.setup, given | named), tables, present)
        except GlassnetError:  # its output does not suit these data; where its sizes do not either, that is the reason
            if found.sizes != architecture.sizes:
                raise _misfit(architecture, found) from None
            raise
    return problem, _state(problem, architecture, theta, buffers)


def ends(architecture: Architecture) -> str:
    """How many inputs and outputs, in words."""
    counts = {"input": architecture.inputs, "output": architecture.output.units}
    return " and ".join(f"{count} {word}{'s' if count > 1 else ''}" for word, count in counts.items())


def _layers(architecture: Architecture) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for layer in architecture.layers[:-1]:
        if isinstance(layer, Dense):
            found.append({"units": layer.units, "activation": layer.activation, "batch_norm": layer.norm is not None})
        elif isinstance(layer, Dropout):
            found[-1]["dropout"] = float(layer.rate)
    return found


def _foreign(architecture: Architecture) -> dict[str, bool]:
    """What a network may have and the playground has not."""
    layers = architecture.layers
    return {
        "layer without bias": not all(layer.bias for layer in architecture.dense),
        "randomized leaky ReLU": not all(isinstance(layer, Dense | Dropout) for layer in layers),
        "dropout on the inputs": isinstance(layers[0], Dropout),
        "dropout by a schedule": any(isinstance(layer, Dropout) and isinstance(layer.rate, str) for layer in layers),
        "normalized output layer": architecture.output.norm is not None,
        "batch normalization with other numbers": any(
            layer.norm not in (None, BatchNorm()) for layer in architecture.dense
        ),
        "sum over the examples": architecture.reduction != "mean",
        "averaged penalty": architecture.average_penalty,
        "label smoothing": architecture.label_smoothing != 0,
        "frozen tensors": bool(architecture.frozen),
    }


def _state(problem: Problem, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray) -> TrainState:
    """The imported weights as a state of the problem that the setup made; the present data must fit them."""
    if problem.architecture.sizes != architecture.sizes:
        raise _misfit(architecture, problem.architecture)
    aligned = aligned_zeros(theta.size, problem.architecture.dtype)
    aligned[:] = theta
    return fresh_state(problem.program, aligned, buffers.astype(problem.architecture.dtype))


def _misfit(model: Architecture, data: Architecture) -> MisfitError:
    there, here = ends(model), ends(data)
    return MisfitError(f"the model has {there}, but the present data give {here}; choose such data or inputs first")
