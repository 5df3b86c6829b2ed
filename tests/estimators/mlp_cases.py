"""Data and fits for the MLP estimators' tests: ours beside scikit-learn's."""

import warnings

import numpy as np
from scipy.special import xlogy
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

from glassnet import MLPClassifier, MLPRegressor

THEIRS = {MLPClassifier: TheirClassifier, MLPRegressor: TheirRegressor}
N, D = 75, 5


def problem(name):
    """Estimator class, parameters, X and y of a task."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(N, D))
    scores = np.tanh(X @ rng.normal(size=(D, 3))) + 0.3 * rng.normal(size=(N, 3))
    return {
        "binary": (MLPClassifier, {}, X, np.where(scores[:, 0] > 0, "yes", "no")),
        "multiclass": (MLPClassifier, {}, X, scores.argmax(axis=1) + 3),
        "multilabel": (MLPClassifier, {}, X, (scores > 0).astype(int)),
        "regression": (MLPRegressor, {}, X, scores[:, 0]),
        "multi-output": (MLPRegressor, {}, X, scores),
        "poisson": (MLPRegressor, {"loss": "poisson"}, X, rng.poisson(np.exp(scores[:, 0]))),
        "poisson, multi-output": (MLPRegressor, {"loss": "poisson"}, X, rng.poisson(np.exp(scores[:, :2]))),
    }[name]


TASKS = ("binary", "multiclass", "multilabel", "regression", "multi-output", "poisson", "poisson, multi-output")


def quietly(method, *args, **kwargs):
    """Call without the words on convergence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return method(*args, **kwargs)


def unclipped(monkeypatch):
    """Take the clipping of probabilities out of scikit-learn's log-loss: where it clips, loss and gradient disagree."""
    from sklearn.neural_network import _multilayer_perceptron as theirs

    def log_loss(y, p, sample_weight=None):
        y, p = (np.hstack([1 - a, a]) if a.shape[1] == 1 else a for a in (y.astype(float), p))
        return -np.average(xlogy(y, p), weights=sample_weight, axis=0).sum()

    def binary_log_loss(y, p, sample_weight=None):
        return -np.average(xlogy(y, p) + xlogy(1 - y, 1 - p), weights=sample_weight, axis=0).sum()

    exact = {"log_loss": log_loss, "binary_log_loss": binary_log_loss}
    monkeypatch.setattr(theirs, "LOSS_FUNCTIONS", theirs.LOSS_FUNCTIONS | exact)


def apart(mine, theirs):
    """The largest relative difference of two arrays or numbers, by the largest entry; NaN counts as infinite."""
    mine, theirs = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
    if mine.shape != theirs.shape:
        return np.inf
    gap, size = np.max(np.abs(mine - theirs), initial=0.0), np.max(np.abs(theirs), initial=0.0)
    return np.inf if np.isnan(gap) else float(gap / size) if size else float(gap)
