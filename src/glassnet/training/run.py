"""A training run, as the loop carries it and callbacks see it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from glassnet.engines.base import Data, Engine, Program, TrainState, dropout_layers
from glassnet.errors import InvalidParameterError
from glassnet.formulas.schedules import Schedule, schedule
from glassnet.network.own import values_of_own_formulas
from glassnet.network.parameters import Views, parameter_layout
from glassnet.training.callbacks import Callback, EarlyStopping, ReduceOnPlateau, TargetMetric
from glassnet.training.checkpoints import data_digest
from glassnet.training.history import History
from glassnet.training.problem import Solver
from glassnet.training.targets import are_classes

__all__ = ["Run"]


@dataclass
class Run:
    """A training run, as callbacks see it.

    Attributes
    ----------
    program, engine, data, validation
        What is trained, by what, on what.
    state : TrainState
        Weights and all else that changes; arrays change in place.
    history : History
        Records of the epochs so far.
    epochs : int
        Planned number of epochs.
    orders : callable, optional
        The order (n,) of the examples in an epoch, from 0, asked for once an epoch; by default drawn by the seed.
    at_epoch_end : bool
        False while steps of an unfinished epoch are in the state.
    """

    program: Program
    engine: Engine
    state: TrainState
    data: Data
    validation: Data | None
    epochs: int
    metrics: tuple[str, ...]
    callbacks: list[Callback]
    solver: Solver | None = None
    orders: Callable[[int], np.ndarray] | None = None
    history: History = field(default_factory=History)
    restore_best: bool = False
    at_epoch_end: bool = True
    stop_reason: str | None = None
    _fingerprint: dict[str, str] | None = None

    def stop(self, reason: str, *, final: bool = True) -> None:
        """End the run: inside an epoch after this step, else at once. The first reason given stands in the history.

        With `final=False` the run counts as broken off: a resume goes on.
        """
        if self.stop_reason is None:
            self.stop_reason = self.history.stopped = reason
            self.history.finished = final

    def counters(self, callback: Callback) -> dict[str, Any]:
        """What the callback has to remember, kept in the state and so in checkpoints."""
        place = next(i for i, other in enumerate(self.callbacks) if other is callback)  # equal ones may stand twice
        index = sum(type(other) is type(callback) for other in self.callbacks[:place])
        return self.state.counters.setdefault(f"{type(callback).__name__}{index or ''}", {})

    @cached_property
    def exclusive(self) -> bool:
        """Whether each example has one class: with softmax, or where all training targets stand for one."""
        architecture = self.program.architecture
        return architecture.output.g.rowwise or are_classes(architecture, self.data.Y)

    def keep_best(self) -> None:
        """Remember the weights of this moment as the best ones."""
        self.state.best = (self.state.theta.copy(), self.state.buffers.copy())

    @cached_property
    def parameters(self) -> Views:
        """Named views of the weights."""
        return parameter_layout(self.program.architecture).views(self.state.theta)

    @cached_property
    def schedules(self) -> dict[str, Schedule]:
        """What changes with time: "learning_rate", "weight_decay", "dropout1" and so on for each Dropout layer."""
        optimizer = self.program.optimizer
        layers = enumerate(dropout_layers(self.program.architecture), start=1)
        planned = {name: schedule(getattr(optimizer, name)) for name in ("learning_rate", "weight_decay")}
        return planned | {f"dropout{number}": layer.schedule for number, layer in layers}

    def values(self, quantity: str, times: np.ndarray) -> np.ndarray:
        """A scheduled quantity at times in epochs, float64; plateaus so far count."""
        factors = self.state.factors
        factor = factors.get(quantity, 1.0)
        if quantity.startswith("dropout"):
            factor *= factors.get("dropout", 1.0)
        return self.schedules[quantity].values(times, self.epochs) * factor

    def value(self, quantity: str, epoch: float) -> float:
        """A scheduled quantity, "learning_rate", "weight_decay" or "dropout1", at a time in epochs."""
        return float(self.values(quantity, np.array([epoch], np.float64))[0])

    def dropout_rates(self, times: np.ndarray) -> np.ndarray:
        """The rates (times, Dropout layers) at times in epochs."""
        layers = [quantity for quantity in self.schedules if quantity.startswith("dropout")]
        rates = np.empty((len(times), len(layers)))
        for i, quantity in enumerate(layers):
            rates[:, i] = self.values(quantity, times)
            bad = np.flatnonzero(~(rates[:, i] < 1))
            if len(bad):
                rate, epoch = rates[bad[0], i], times[bad[0]]
                raise InvalidParameterError(
                    f"Dropout: {self.schedules[quantity]} gives {rate:g} in epoch {epoch:g}; keep it below 1"
                )
        return rates

    def fingerprint(self) -> dict[str, str]:
        """The data and options that the end result depends on, as text."""
        if self._fingerprint is None:
            program = self.program
            self._fingerprint = {
                "training data": data_digest(self.data),
                "validation data": data_digest(self.validation),
                **{f"network {key}": str(value) for key, value in msgspec.structs.asdict(program.architecture).items()},
                **{f"values of {k}": str(v) for k, v in values_of_own_formulas(program.architecture).items()},
                "optimizer": str(program.optimizer),
                "batch_size": str(program.batch_size),
                "clip_norm": str(program.clip_norm),
                "clip_value": str(program.clip_value),
                "seed": str(program.seed),
                "order of examples": "drawn by the seed" if self.orders is None else "given",
                "engine": self.engine.name,
                "metrics": ", ".join(self.metrics),
                "callbacks": ", ".join(
                    repr(c) for c in self.callbacks if isinstance(c, EarlyStopping | ReduceOnPlateau | TargetMetric)
                ),
                "epochs": str(self.epochs) if any(s.needs_epochs for s in self.schedules.values()) else "any",
            }
        return self._fingerprint
