"""The end of a fit: the training itself, the fitted attributes, and the words where it did not come to a rest."""

import warnings
from typing import Any

import numpy as np
from scipy.special import xlogy
from sklearn.exceptions import ConvergenceWarning

from glassnet.errors import DivergenceError
from glassnet.estimators.mlp_rules import Reported, Tolerance
from glassnet.network.passes import penalty
from glassnet.training.loop import train
from glassnet.training.run import Run

__all__ = ["NonFiniteWeightsError", "descend", "reported_as", "solve"]

_AT_REST = "L-BFGS converged", "Newton-Raphson converged", "solved in closed form"
_NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
)


class NonFiniteWeightsError(DivergenceError, ValueError):
    """A divergence, as the ValueError that scikit-learn raises for it."""


def reported_as(model: Any, Y: np.ndarray, weights: np.ndarray | None) -> Reported:
    """scikit-learn's form of the two losses that it knows for numbers."""
    if model._kind() != "numbers" or model.loss not in ("squared_error", "poisson"):
        return Reported()
    if model.loss == "squared_error":
        return Reported(share=1 / Y.shape[1])
    constants = np.sum(xlogy(Y, Y) - Y, axis=1)
    return Reported(constant=float(np.average(constants, weights=weights)))


def descend(model: Any, run: Run, *, incremental: bool) -> None:
    """Train by steps; then the attributes, and the words of scikit-learn where it did not come to a rest."""
    tolerance = next(callback for callback in run.callbacks if isinstance(callback, Tolerance))
    try:
        train(run)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=4)
    except DivergenceError as error:
        _diverged(run, tolerance, error)
    if tolerance.restore_best and run.state.best is not None:
        run.state.theta[:], run.state.buffers[:] = run.state.best
    model.n_iter_ = tolerance.epochs
    model.t_ += tolerance.epochs * len(run.data)
    model.loss_ = model.loss_curve_[-1] if model.loss_curve_ else float("nan")
    model.best_loss_ = None if model.early_stopping else min(model.loss_curve_, default=float("inf"))
    model.best_validation_score_ = max(model.validation_scores_) if model.validation_scores_ else None
    model._no_improvement_count = run.counters(tolerance).get("count", 0)
    if run.stop_reason == f"after {run.epochs} epochs" and not incremental:
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) reached and the optimization hasn't "
            "converged yet.",
            ConvergenceWarning,
            stacklevel=4,
        )


def _diverged(run: Run, tolerance: Tolerance, error: DivergenceError) -> None:
    """Go back to the best weights where some are kept, and say so; else it is an error."""
    message = f"{_NOT_FINITE} ({error})"
    if not tolerance.restore_best or run.state.best is None or not tolerance.epochs:
        raise NonFiniteWeightsError(message, epoch=error.epoch, step=error.step, tensor=error.tensor) from error
    tolerance.epochs += 1
    for curve in (tolerance.losses, tolerance.validation_losses, tolerance.scores):
        curve.append(float("nan"))
    best = run.history.best_epoch
    warnings.warn(f"{error}; the best weights are kept, of iteration {best}", ConvergenceWarning, stacklevel=5)


def solve(model: Any, run: Run) -> None:
    """Let a full-batch solver run."""
    try:
        train(run)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=4)
    except DivergenceError as error:
        raise NonFiniteWeightsError(
            f"{_NOT_FINITE} ({error})", epoch=error.epoch, step=error.step, tensor=error.tensor
        ) from error
    model.n_iter_ = run.history.epochs
    records = run.history.records or [_where_it_began(run)]
    model.loss_ = reported_as(model, run.data.Y, run.data.weights).loss(records[-1])
    if run.history.stopped in _AT_REST:
        return
    at_the_limit = run.history.epochs >= model.max_iter
    status, reason = (2, run.history.stopped) if "rounding" in run.history.stopped else (1, run.history.stopped)
    name = "" if run.solver is None else run.solver.name
    advice = f"\nIncrease the number of iterations to improve the convergence (max_iter={model.max_iter})."
    warnings.warn(
        f"{name} failed to converge after {model.n_iter_} iteration(s) (status={status}):\n{reason}\n"
        f"{advice if at_the_limit else ''}\n"
        "You might also want to scale the data, with standardize=True or as shown in:\n"
        "    https://scikit-learn.org/stable/modules/preprocessing.html",
        ConvergenceWarning,
        stacklevel=4,
    )


def _where_it_began(run: Run) -> dict[str, float]:
    """The record of weights that a solver left as they were."""
    net, state = run.program.architecture, run.state
    loss, _ = run.engine.evaluate(net, state.theta, state.buffers, run.data)
    return {"loss": loss, "penalty": penalty(net, run.parameters, len(run.data))}
