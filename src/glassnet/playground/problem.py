"""A setup with its data as a problem for an engine: architecture, optimizer, program, and the weights to begin with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.engines.base import Data, Engine, Program, TrainState, choose, fresh_state, untrainable
from glassnet.errors import GlassnetError, InvalidParameterError
from glassnet.formulas.losses import loss
from glassnet.formulas.optimizers import OPTIMIZERS, Optimizer, optimizer
from glassnet.formulas.registry import check_number
from glassnet.formulas.schedules import SCHEDULES, Schedule
from glassnet.model import ENGINES
from glassnet.network.architecture import Architecture, BatchNorm, Dense, Dropout, Layer
from glassnet.network.parameters import Layout, buffer_layout, initial_buffers, initial_parameters, parameter_layout
from glassnet.playground.data import dataset
from glassnet.playground.dataset import Dataset
from glassnet.playground.limits import RefusedError, at_most
from glassnet.playground.setup import LayerSetup, Setup
from glassnet.playground.tabular import Table
from glassnet.training.run import Run
from glassnet.training.targets import prepare

__all__ = ["PLANNED_EPOCHS", "Problem", "beginning", "carried_over", "make_problem", "playable_schedules"]

PLANNED_EPOCHS = 1_000
"""Length for which a schedule such as cosine plans, where the setup stops at no epoch."""


@dataclass(frozen=True)
class Problem:
    """All that stays fixed while a session trains."""

    setup: Setup
    dataset: Dataset
    program: Program
    engine: Engine
    train: Data
    test: Data

    @property
    def architecture(self) -> Architecture:
        """The network."""
        return self.program.architecture

    def run(self, state: TrainState) -> Run:
        """A run of this problem, as `Network.fit` would make it."""
        epochs = self.setup.stop.epoch or PLANNED_EPOCHS
        return Run(self.program, self.engine, state, self.train, None, epochs, (), [])


def make_problem(setup: Setup, tables: Mapping[str, Table], known: Problem | None = None) -> Problem:
    """Build and check all of it, or refuse with the field at fault; data that did not change is not drawn anew."""
    same = known is not None and (known.setup.data, known.setup.inputs) == (setup.data, setup.inputs)
    found = known.dataset if known is not None and same else dataset(setup, tables)
    architecture = _architecture(setup, found)
    at_most(architecture.parameter_count, "parameters", "parameters", "layers")
    reason = untrainable(architecture)
    if reason is not None:
        raise RefusedError(reason, "layers")
    rule = _optimizer(setup)
    program = Program(architecture, rule, setup.batch_size, setup.clip_norm, None, setup.seed)
    engine = choose("auto", architecture, ENGINES, rule)
    try:
        train, test = prepare(architecture, found.X, found.y), prepare(architecture, found.X_test, found.y_test)
    except GlassnetError as error:
        raise RefusedError(f"data: {error}; output activation and loss 'auto' suit any data", "data") from None
    return Problem(setup, found, program, engine, train, test)


def _named(field: str, make: Callable[[], Any]) -> Any:
    """What `make` gives; an error becomes one that names the field."""
    try:
        return make()
    except GlassnetError as error:
        raise RefusedError(f"{field}: {error}", field) from None


def _architecture(setup: Setup, data: Dataset) -> Architecture:
    layers: list[Layer] = []
    start = None if setup.initializer == "auto" else setup.initializer
    for i, layer in enumerate(setup.layers):
        layers += _named(f"layers.{i}", lambda layer=layer: _hidden(layer, start))
    activation = _output_activation(setup, data)
    outputs = 1 if data.classes is None else data.outputs if data.outputs > 2 or activation == "softmax" else 1
    layers.append(_named("output_activation", lambda: Dense(outputs, activation, initializer=start)))
    chosen = "" if setup.loss == "auto" else setup.loss
    return _named(
        "loss",
        lambda: Architecture(len(data.inputs), tuple(layers), chosen, l1=setup.l1, l2=setup.l2),
    )


def _hidden(layer: LayerSetup, start: str | None) -> list[Layer]:
    norm = BatchNorm() if layer.batch_norm else None
    dense = Dense(layer.units, layer.activation, norm, initializer=start)
    return [dense, Dropout(layer.dropout)] if layer.dropout else [dense]


def _output_activation(setup: Setup, data: Dataset) -> str:
    """What "auto" means: the link of the loss if it has one that suits, else what the task wants."""
    if setup.output_activation != "auto":
        return setup.output_activation
    link = None if setup.loss == "auto" else _named("loss", lambda: loss(setup.loss)).link
    if link is not None and link != "identity":
        return link
    return {"binary": "sigmoid", "classes": "softmax", "numbers": "identity"}[data.task]


def playable_schedules() -> dict[str, type[Schedule]]:
    """Schedules that are formulas of time; one that waits for a plateau needs a run with an end."""
    return {name: rule for name, rule in SCHEDULES.items() if not hasattr(rule, "patience")}


def _optimizer(setup: Setup) -> Optimizer:
    given = dict(setup.optimizer)
    name = given.pop("name", None)
    if not isinstance(name, str) or name not in OPTIMIZERS:
        raise RefusedError(f"optimizer.name: no optimizer '{name}' (known: {', '.join(OPTIMIZERS)})", "optimizer.name")
    for key, value in given.items():
        if not isinstance(value, int | float):
            raise RefusedError(f"optimizer.{key} must be a number, got {value!r}", f"optimizer.{key}")
    rule: Optimizer = _named("optimizer", lambda: optimizer(name, **given))
    if setup.schedule is None:
        return rule
    planned = _schedule(setup.schedule, rule.learning_rate)
    return _named("schedule", lambda: optimizer(name, **{**given, "learning_rate": planned}))


def _schedule(document: Mapping[str, Any], rate: Any) -> Schedule:
    given, kinds = dict(document), playable_schedules()
    name = given.pop("name", None)
    if name not in kinds:
        raise RefusedError(f"schedule.name: no schedule '{name}' (known: {', '.join(kinds)})", "schedule.name")

    def make() -> Schedule:
        numbers = {key: check_number("schedule", key, value) for key, value in given.items()}
        try:
            return kinds[name](**{"initial": rate, **numbers})
        except TypeError:
            raise InvalidParameterError(f"{name} has no such parameter as {', '.join(numbers)}") from None

    return _named("schedule", make)


# --- weights --------------------------------------------------------------------------------------------------------


def beginning(problem: Problem) -> TrainState:
    """The initial weights of the setup's seed, an optimizer at rest."""
    theta = initial_parameters(problem.architecture, problem.setup.seed)
    return fresh_state(problem.program, theta, initial_buffers(problem.architecture))


def carried_over(old: Problem, state: TrainState, new: Problem) -> TrainState:
    """The state of a run for a changed problem: weights of units that stay are kept, new units begin as at the start.

    So are the optimizer's slots, if the rule is the same; another rule begins at rest.
    """
    fresh = beginning(new)
    layers = _kept_layers(old.architecture, new.architecture)
    inputs = _kept_inputs(old.dataset.inputs, new.dataset.inputs)
    layouts = parameter_layout(old.architecture), parameter_layout(new.architecture)
    _keep(layouts, layers, inputs, state.theta, fresh.theta)
    buffers = buffer_layout(old.architecture), buffer_layout(new.architecture)
    _keep(buffers, layers, inputs, state.buffers, fresh.buffers)
    if type(old.program.optimizer) is type(new.program.optimizer):
        fresh.carried[:] = state.carried
        for before, after in zip(state.slots, fresh.slots, strict=True):
            _keep(layouts, layers, inputs, before, after)
    fresh.step, fresh.epoch = state.step, state.epoch
    return fresh


def _kept_layers(old: Architecture, new: Architecture) -> dict[int, int]:
    """New layer number -> old one: equal layers in front, equal ones behind, and what is left in turn."""
    a, b = old.dense[:-1], new.dense[:-1]
    most = min(len(a), len(b))
    front = next((i for i in range(most) if a[i] != b[i]), most)
    behind = next((i for i in range(most - front) if a[-1 - i] != b[-1 - i]), most - front)
    pairs = [(i, i) for i in range(most - behind)]
    pairs += [(len(a) - 1 - i, len(b) - 1 - i) for i in range(behind)]
    return {there + 1: here + 1 for here, there in pairs} | {len(b) + 1: len(a) + 1}


def _kept_inputs(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[list[int], list[int]]:
    """Places of the inputs of the same name, before and now."""
    both = [name for name in new if name in old]
    return [old.index(name) for name in both], [new.index(name) for name in both]


def _keep(
    layouts: tuple[Layout, Layout],
    layers: dict[int, int],
    inputs: tuple[list[int], list[int]],
    before: np.ndarray,
    after: np.ndarray,
) -> None:
    """Copy what both have of each tensor; W1 by the names of the inputs."""
    old, new = (layout.views(vector) for layout, vector in zip(layouts, (before, after), strict=True))
    for piece in layouts[1].slices:
        source = f"{piece.name.rstrip('0123456789')}{layers.get(piece.layer, 0)}"
        if source not in old:
            continue
        there, here = new[piece.name], old[source]
        rows = min(len(there), len(here))
        if piece.is_weight and piece.layer == 1 and source == "W1":
            there[:rows, inputs[1]] = here[:rows, inputs[0]]
        else:
            both = tuple(slice(min(a, b)) for a, b in zip(there.shape, here.shape, strict=True))
            there[both] = here[both]
