"""The MLP estimators' parameters: what each may be, and what network, rule and rates they stand for."""

from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, InvalidParameterError, Options, StrOptions

from glassnet import errors
from glassnet.formulas.activations import Activation, activation
from glassnet.formulas.initializers import Initializer
from glassnet.formulas.losses import Loss
from glassnet.formulas.losses import loss as loss_record
from glassnet.formulas.optimizers import Adam, Momentum, Nesterov, Optimizer, optimizer
from glassnet.formulas.ranges import POSITIVE
from glassnet.formulas.registry import parse_spec
from glassnet.formulas.schedules import Schedule, schedule
from glassnet.network.architecture import Architecture, BatchNorm, Dense, Dropout, Layer
from glassnet.training.callbacks import Callback
from glassnet.training.options import first_order, solver_of
from glassnet.training.solvers import LBFGS, SOLVERS, Solver

__all__ = [
    "CONSTRAINTS",
    "STOCHASTIC",
    "ParameterError",
    "architecture",
    "hidden_units",
    "output_of",
    "rule",
    "rule_key",
]

STOCHASTIC = ("sgd", "adam")
_LEAST_GAIN = 2.220446049250313e-09  # of SciPy's L-BFGS-B, at which scikit-learn leaves it
_SKLEARN_NAMES = {"sigmoid": "logistic", "exponential": "exp"}
_FOR_CLASSES = ("cross_entropy", "binary_cross_entropy", "perceptron")
_FOR_NUMBERS = ("poisson", "quantile", "perceptron")
_positive = Interval(Real, 0, None, closed="neither")
_flag: list[Any] = ["boolean"]

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [str, Activation, list, tuple],
    "loss": [str, Loss],
    "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [_positive],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": _flag,
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": _flag,
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": _flag,
    "early_stopping": _flag,
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [_positive],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    # what scikit-learn does not have
    "optimizer": [str, Optimizer, *SOLVERS.values(), None],
    "schedule": [str, Schedule, None],
    "initializer": [str, Initializer, None],
    "dropout": [Interval(Real, 0, 1, closed="left"), str, Schedule],
    "batch_norm": _flag,
    "clip_norm": [_positive, None],
    "clip_value": [_positive, None],
    "monitor": [str, None],
    "restore_best": ["boolean", None],
    "callbacks": [list, tuple, Callback],
    "standardize": _flag,
    "warm_start_optimizer": _flag,
    "dtype": [StrOptions({"float32", "float64"}), None],
    "engine": [str],
    "threads": [Interval(Integral, 1, None, closed="left"), None],
    "progress": _flag,
}


class ParameterError(errors.InvalidParameterError, InvalidParameterError):
    """A parameter outside its constraints, in scikit-learn's words: caught as either library's error."""


def hidden_units(sizes: Any) -> list[int]:
    """The hidden layers' units; one number is one layer."""
    units = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    if np.any(np.array(units) <= 0):
        raise errors.InvalidParameterError(f"hidden_layer_sizes must be > 0, got {units}.")
    return units


def output_of(loss: Any, kind: str, K: int) -> tuple[str, str, str]:
    """The network's loss, its output activation, and scikit-learn's name of that.

    `kind` is "multiclass", "classes" (two, or several labels at once) or "numbers". "log_loss", "squared_error" (half
    of it) and "poisson" mean what they do in scikit-learn; all else is a name of our own losses.
    """
    if kind == "numbers":
        name = "half_squared_error" if loss == "squared_error" else loss
        record = loss_record(name)
        if record.name in _FOR_CLASSES:
            raise errors.InvalidParameterError(
                f"loss '{record.name}' is for classification; use 'squared_error', 'poisson' or 'huber'"
            )
        link = "exponential" if record.domain == POSITIVE else "identity"
    else:
        one_of_many = kind == "multiclass"
        name = ("cross_entropy" if one_of_many else "binary_cross_entropy") if loss == "log_loss" else loss
        record = loss_record(name)
        if record.name in _FOR_NUMBERS or (record.simplex and not one_of_many):
            raise errors.InvalidParameterError(f"loss '{record.name}' is not for these classes; use 'log_loss'")
        link = "softmax" if one_of_many and record.name != "binary_cross_entropy" else "sigmoid"
    return str(record), link, _SKLEARN_NAMES.get(link, link)


def _hidden_activations(model: Any, count: int) -> list[str]:
    given = model.activation
    if isinstance(given, str | Activation):
        return [str(activation(given))] * count
    if len(given) != count:
        raise errors.InvalidParameterError(
            f"activation lists {len(given)} activations for {count} hidden layers; give one for each, or one for all"
        )
    return [str(activation(each)) for each in given]


def architecture(model: Any, inputs: int, outputs: int, kind: str, dtype: str, mean_weight: float) -> Architecture:
    """The network that an estimator's parameters describe.

    alpha is divided by the sum of the examples' weights: by their number, with `average_penalty`, and by their mean.
    """
    units = hidden_units(model.hidden_layer_sizes)
    norm, start = BatchNorm() if model.batch_norm else None, model.initializer
    start = None if start is None or start == "auto" else str(start)
    layers: list[Layer] = []
    for n, g in zip(units, _hidden_activations(model, len(units)), strict=True):
        layers.append(Dense(n, g, norm=norm, initializer=start))
        if model.dropout != 0:
            layers.append(Dropout(model.dropout))
    loss, link, _ = output_of(model.loss, kind, outputs)
    return Architecture(
        inputs,
        (*layers, Dense(outputs, link, initializer=start)),
        loss,
        l2=model.alpha / mean_weight,
        label_smoothing=getattr(model, "label_smoothing", 0.0),
        dtype=dtype,  # pyright: ignore[reportArgumentType]
        average_penalty=True,
    )


def rule(model: Any) -> Optimizer | Solver:
    """The optimizer or full-batch solver, with its learning rate or schedule."""
    chosen = _rule_without_schedule(model)
    if model.schedule is None:
        return chosen
    if not isinstance(chosen, Optimizer):
        raise errors.InvalidParameterError(
            f"schedule is for rules that have a learning rate, not for {chosen.name}; leave it out"
        )
    rate = chosen.learning_rate
    initial = rate.initial if isinstance(rate, Schedule) else rate
    return replace(chosen, learning_rate=schedule(model.schedule, initial=initial))


def _rule_without_schedule(model: Any) -> Optimizer | Solver:
    given, rate = model.optimizer, float(model.learning_rate_init)
    if given is not None:
        solver = solver_of(given)
        if solver is not None or not isinstance(given, str):
            return solver or first_order(given)
        first_order(given)  # says which names there are
        _, positional, named = parse_spec(given, "optimizer")
        own = bool(positional) or "learning_rate" in named
        return optimizer(given) if own else optimizer(given, learning_rate=rate)
    if model.solver == "sgd":
        cls = Nesterov if model.nesterovs_momentum else Momentum
        return cls(rate, momentum=float(model.momentum), rate_inside=True)
    if model.solver == "adam":
        return Adam(rate, 0.0, float(model.beta_1), float(model.beta_2), float(model.epsilon), epsilon_hat=True)
    return LBFGS(tolerance=float(model.tol), relative=_LEAST_GAIN, evaluations=int(model.max_fun))


def rule_key(chosen: Optimizer) -> tuple[Any, ...]:
    """What of a rule its slots depend on: with another key they mean something else."""
    return chosen.name, *chosen.slots, *(v for k, v in chosen.constants.items() if k == "rate_inside")
