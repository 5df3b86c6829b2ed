"""fit and partial_fit of the MLP estimators: network, state and rules for the training loop."""

import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from sklearn.utils import check_random_state

from glassnet.engines.base import Program, TrainState, check_trainable, choose, fresh_state
from glassnet.errors import InvalidParameterError, nearest
from glassnet.estimators.mlp_outcome import descend, reported_as, solve
from glassnet.estimators.mlp_parameters import architecture, output_of, rule, rule_key
from glassnet.estimators.mlp_rows import MOST_BYTES, Rows, class_table, data_of, dense, given, weights_of
from glassnet.estimators.mlp_rules import Lines, Shuffles, Tolerance
from glassnet.estimators.scaling import learned
from glassnet.formulas.optimizers import Adam, Optimizer
from glassnet.model import ENGINES, Network
from glassnet.network.architecture import Architecture
from glassnet.network.parameters import aligned_zeros, initial_buffers, initial_parameters, parameter_layout
from glassnet.training.callbacks import Callback
from glassnet.training.progress import Progress
from glassnet.training.run import Run

__all__ = ["fit"]

_CURVES = "loss_curve_", "validation_loss_curve_", "validation_scores_"
_PAST = (*_CURVES, "best_loss_", "best_validation_score_", "_no_improvement_count", "_state", "_rule_key", "_shuffles")
_CLIPPED = "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"


def fit(model: Any, X: Any, y: Any, sample_weight: Any, validation_data: Any = None, *, incremental: bool) -> Any:
    """One fit, or one epoch for `partial_fit`; sets the fitted attributes and returns the model."""
    first = not hasattr(model, "coefs_") or (not model.warm_start and not incremental)
    checked, Y = model._validate_input(X, y, incremental, first)
    table = class_table(model, Y)
    rows = Rows(checked, Y, weights_of(model, checked, Y, sample_weight, table))
    held = None if validation_data is None else given(model, validation_data, table)
    if incremental and model.early_stopping:
        raise InvalidParameterError("partial_fit does not support early_stopping=True")
    _check_monitor(model, held is not None or model.early_stopping)
    mode = Mode(rule(model), first, incremental, model.warm_start_optimizer and not first and not incremental)
    _check_mode(model, mode)
    if not mode.exact or not hasattr(model, "_random_state"):
        model._random_state = check_random_state(model.random_state)
    if first:
        _begin(model, rows)
    else:
        _go_on(model, rows)
    if model.early_stopping and held is None and not mode.solves:
        strata = Y if Y.dtype == bool and Y.shape[1] == 1 else None
        rows, held = rows.split(model.validation_fraction, model._random_state, strata)
    run = _run(model, rows, held, mode)
    if mode.solves:
        solve(model, run)
    else:
        descend(model, run, incremental=incremental)
    model.history_ = run.history
    return model


@dataclass(frozen=True)
class Mode:
    """How a fit goes about it: its rule; whether from new weights, for one epoch, or just where the last one ended."""

    rule: Any
    first: bool
    incremental: bool
    exact: bool

    @property
    def solves(self) -> bool:
        """Whether a full-batch solver does it."""
        return not isinstance(self.rule, Optimizer)


_OF_STEPS = "monitor", "restore_best", "clip_norm", "clip_value"


def _check_mode(model: Any, mode: Mode) -> None:
    """Refuse what only training by steps has, where a solver does it."""
    for name in _OF_STEPS if mode.solves else ():
        if getattr(model, name) is not None:
            raise InvalidParameterError(f"{name} is for training by steps, not for {mode.rule.name}; leave it out")


def _check_monitor(model: Any, judged: bool) -> None:
    """Refuse to watch what will not be there."""
    measured = ("r2", "rmse", "mae") if model._kind() == "numbers" else ("accuracy",)
    known = ("loss", *(f"validation_{name}" for name in ("loss", *measured)))
    if model.monitor is None:
        return
    if model.monitor not in known:
        hint = nearest(model.monitor, known)
        raise InvalidParameterError(f"unknown monitor '{model.monitor}'{hint} (known: {', '.join(known)})")
    if model.monitor != "loss" and not judged:
        raise InvalidParameterError(
            f"monitor='{model.monitor}' needs validation data: give fit validation_data=(X, y), or set "
            "early_stopping=True"
        )


# --- the network ------------------------------------------------------------------------------------------------------


def _begin(model: Any, rows: Rows) -> None:
    """A new network, with weights drawn by the random state, and no past."""
    for name in _PAST:
        vars(model).pop(name, None)
    dtype = model.dtype or rows.X.dtype.name
    net = architecture(model, rows.X.shape[1], rows.Y.shape[1], model._kind(), dtype, 1.0)
    standardize_target = getattr(model, "standardize_target", False)
    if standardize_target and net.output.g.name != "identity":
        raise InvalidParameterError(
            f"standardize_target needs a linear output, and loss '{model.loss}' has an {net.output.g.name} one"
        )
    check_trainable(net)
    model._scales = learned(
        dense(rows.X, dtype, most=MOST_BYTES) if model.standardize else None,
        rows.Y if standardize_target else None,
        rows.weights,
    )
    rng, drawn = model._random_state, model.initializer is not None or len(net.layers) > len(net.dense)
    seed = int(rng.randint(np.iinfo(np.int32).max)) if drawn else 0
    if model.initializer is not None:
        theta = initial_parameters(net, seed)
    else:
        theta = _as_scikit_learn_draws(net, rng, logistic=str(model.activation) in ("logistic", "sigmoid"))
    model._hold(model._network_of(net, theta, initial_buffers(net), seed))
    model.n_iter_, model.t_ = 0, 0
    model.n_layers_, model.n_outputs_ = len(net.sizes), rows.Y.shape[1]
    model.out_activation_ = output_of(model.loss, model._kind(), model.n_outputs_)[2]


def _as_scikit_learn_draws(net: Architecture, rng: Any, *, logistic: bool) -> np.ndarray:
    """W and b uniform within sqrt(6 / (fan_in + fan_out)), or sqrt(2 / ...) with logistic hidden layers; as it draws.

    Source: Glorot and Bengio (2010), in scikit-learn's form.
    """
    theta = aligned_zeros(parameter_layout(net).size, net.dtype)
    views = parameter_layout(net).views(theta)
    factor = 2.0 if logistic else 6.0
    for number, (fan_in, fan_out) in enumerate(pairwise(net.sizes), start=1):
        bound = np.sqrt(factor / (fan_in + fan_out))
        views[f"W{number}"].T[...] = rng.uniform(-bound, bound, (fan_in, fan_out))
        shift = rng.uniform(-bound, bound, fan_out)
        if f"b{number}" in views:
            views[f"b{number}"][...] = shift
        else:
            views[f"gamma{number}"][...] = 1
    return theta


def _go_on(model: Any, rows: Rows) -> None:
    """The network that is there, by the parameters of today."""
    old = model._current()
    if not old.parameters.vector.flags.writeable:
        model._thaw()
        old = model._network
    net = architecture(model, rows.X.shape[1], rows.Y.shape[1], model._kind(), old.architecture.dtype, 1.0)
    if net.tensors() != old.architecture.tensors():
        raise InvalidParameterError(
            f"the fitted network is {'-'.join(map(str, old.architecture.sizes))}, and X, y and hidden_layer_sizes now "
            f"ask for {'-'.join(map(str, net.sizes))}; a network that goes on learning keeps its shape: set "
            "warm_start=False, or clone the estimator"
        )
    check_trainable(net)
    model._hold(old)  # what was put into the lists is in the network now, and the lists show it
    old.architecture, old.engine, old.threads = net, choose(model.engine, net, ENGINES), model.threads


# --- the run ----------------------------------------------------------------------------------------------------------


def _run(model: Any, rows: Rows, held: Rows | None, mode: Mode) -> Run:
    network: Network = model._network
    mean_weight = 1.0 if rows.weights is None else float(np.mean(rows.weights))
    if network.architecture.l2 != (l2 := model.alpha / mean_weight):
        network.architecture = msgspec.structs.replace(network.architecture, l2=l2)
    net = network.architecture
    data = data_of(model, net, rows)
    validation = None if held is None else data_of(model, net, held, " of validation")
    program = Program(
        net,
        Adam() if mode.solves else mode.rule,
        len(data) if mode.solves else _batch_size(model.batch_size, len(data)),
        model.clip_norm,
        model.clip_value,
        network.seed,
        model.threads,
    )
    engine = network.engine
    if engine.refuses(net, program.optimizer):
        engine = choose(model.engine, net, ENGINES, program.optimizer)
    state = model._state = _state(model, program, mode)
    own = [model.callbacks] if isinstance(model.callbacks, Callback) else list(model.callbacks)
    callbacks = [*own, *([Progress()] if model.progress else [])]
    if not mode.solves:
        callbacks.insert(0, _tolerance(model, rows, validation is not None))
    elif model.verbose:
        callbacks.insert(0, Lines(reported_as(model, rows.Y, rows.weights)))
    metrics = () if validation is None else (model._metric,)
    epochs = state.epoch + (1 if mode.incremental else model.max_iter)
    solver = mode.rule if mode.solves else None
    orders = None if mode.solves else _orders(model, len(data), exact=mode.exact)
    return Run(program, engine, state, data, validation, epochs, metrics, callbacks, solver, orders)


def _batch_size(given: Any, n: int) -> int:
    if given == "auto":
        return min(200, n)
    if given > n:
        warnings.warn(_CLIPPED, stacklevel=5)
    return min(int(given), n)


def _state(model: Any, program: Program, mode: Mode) -> TrainState:
    """The state to train from: an optimizer at rest, or where the last call left it."""
    key = None if mode.solves else rule_key(program.optimizer)
    old, same = getattr(model, "_state", None), getattr(model, "_rule_key", None) == key
    model._rule_key = key
    if old is not None and same and not mode.solves and (mode.incremental or mode.exact):
        return old
    network = model._network
    state = fresh_state(program, network.parameters.vector, network.buffers.vector)
    if old is not None and not mode.first:
        state.step, state.counters, state.best = old.step, old.counters, old.best
    return state


def _orders(model: Any, n: int, *, exact: bool) -> Any:
    if not model.shuffle:
        return lambda epoch: np.arange(n)
    kept = getattr(model, "_shuffles", None)
    if not exact or kept is None or len(kept.order) != n:
        model._shuffles = Shuffles(model._random_state, np.arange(n))
    return model._shuffles


def _tolerance(model: Any, rows: Rows, judged: bool) -> Tolerance:
    """scikit-learn's end of an epoch, writing into the estimator's curves."""
    score = f"validation_{model._metric}" if judged else None
    monitor = model.monitor or (score if model.early_stopping else None)
    plain_sgd = model.solver == "sgd" and model.optimizer is None and model.schedule is None
    curves = {name: getattr(model, name, None) or [] for name in _CURVES}
    for name, curve in curves.items():
        setattr(model, name, curve if judged or name == "loss_curve_" else None)
    return Tolerance(
        model.tol,
        model.n_iter_no_change,
        None if monitor == "loss" else monitor,
        score,
        model.early_stopping if model.restore_best is None else model.restore_best,
        model.learning_rate if plain_sgd else "constant",
        model.power_t,
        model.t_,
        reported_as(model, rows.Y, rows.weights),
        bool(model.verbose),
        *curves.values(),
    )
