"""Metrics by name, scikit-learn's, from targets and outputs (n, K)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from glassnet.errors import InvalidParameterError
from glassnet.formulas.registry import Registry
from glassnet.network.architecture import Architecture
from glassnet.training.targets import targets_as_classes

__all__ = ["METRICS", "Metric", "default_metrics", "higher_is_better"]


@dataclass(frozen=True)
class Metric:
    """A number that judges outputs: `measure(Y, outputs, weights, exclusive)`, and whether higher is better.

    `exclusive` says that each example has one class; else several labels may be right at once.
    """

    name: str
    measure: Callable[[np.ndarray, np.ndarray, np.ndarray | None, bool], float]
    higher_is_better: bool


METRICS: Registry[Metric] = Registry("metric")


def accuracy(Y: np.ndarray, outputs: np.ndarray, weights: np.ndarray | None, exclusive: bool) -> float:
    """Share of examples whose most probable class is the right one; with several labels an example, of those all of
    whose labels are right, as scikit-learn counts it.
    """
    if not exclusive:
        right = np.all((Y > 0.5) == (outputs > 0.5), axis=1)
    else:
        right = targets_as_classes(Y) == targets_as_classes(outputs)
    return float(np.count_nonzero(right) / len(right) if weights is None else np.average(right, weights=weights))


def rmse(Y: np.ndarray, outputs: np.ndarray, weights: np.ndarray | None, exclusive: bool) -> float:
    """Root of the mean squared error, averaged over outputs."""
    from sklearn.metrics import root_mean_squared_error

    return float(root_mean_squared_error(Y, outputs, sample_weight=weights))


def mae(Y: np.ndarray, outputs: np.ndarray, weights: np.ndarray | None, exclusive: bool) -> float:
    """Mean absolute error, averaged over outputs."""
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(Y, outputs, sample_weight=weights))


def r2(Y: np.ndarray, outputs: np.ndarray, weights: np.ndarray | None, exclusive: bool) -> float:
    """Coefficient of determination R^2, averaged over outputs; 0 for a single example.

    As in scikit-learn, whose checks would take longer than an epoch of a small network: of a constant output 1 where
    it is met exactly, else 0.
    """
    if len(Y) < 2:
        return 0.0
    targets, predictions = Y.astype(np.float64, copy=False), outputs.astype(np.float64, copy=False)
    left = _mean((targets - predictions) ** 2, weights)
    spread = _mean((targets - _mean(targets, weights)) ** 2, weights)
    varies = spread > 0
    return float(np.where(varies, 1.0 - left / np.where(varies, spread, 1.0), left == 0).sum() / len(spread))


def _mean(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Mean of each column (n, K), weighed."""
    if weights is None:
        return np.add.reduce(values, axis=0) / len(values)
    return np.average(values, axis=0, weights=weights)


for _metric in (
    Metric("accuracy", accuracy, True),
    Metric("rmse", rmse, False),
    Metric("mae", mae, False),
    Metric("r2", r2, True),
):
    METRICS.add(_metric.name, _metric)


def default_metrics(architecture: Architecture) -> tuple[str, ...]:
    """("accuracy",) for the cross-entropies and the perceptron, none else."""
    classes = architecture.objective.name in ("cross_entropy", "binary_cross_entropy", "perceptron")
    return ("accuracy",) if classes else ()


def higher_is_better(monitor: str) -> bool:
    """Whether a history's column is better when higher; losses, norms and unknown names are better low.

    >>> higher_is_better("validation_accuracy"), higher_is_better("loss")
    (True, False)
    """
    name = monitor.removeprefix("validation_")
    return name in METRICS and METRICS[name].higher_is_better


def check_metrics(names: Sequence[str]) -> tuple[str, ...]:
    """The names, each a known metric."""
    if isinstance(names, str):
        raise InvalidParameterError(f"metrics must be a sequence of names, got '{names}'; write metrics=['{names}']")
    return tuple(METRICS[name].name for name in names)
