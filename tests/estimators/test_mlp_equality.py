"""The heart of "drop-in": the same parameters, random state included, give scikit-learn's numbers, step by step."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier as TheirClassifier

from estimators.mlp_cases import TASKS, THEIRS, apart, problem, quietly, unclipped
from glassnet import MLPClassifier, MLPRegressor

EQUAL = 1e-9
HIDDEN = {"hidden_layer_sizes": (7, 5), "activation": "tanh", "random_state": 4, "alpha": 0.03}
RULES = {
    "sgd": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.02},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.02},
    "momentum of 1": {"solver": "sgd", "momentum": 1.0, "learning_rate_init": 1e-4},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 3e-3, "n_iter_no_change": 2},
    "adam": {"solver": "adam", "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3, "learning_rate_init": 0.01},
    "lbfgs": {"solver": "lbfgs"},
}
ENGINES = ("compiled", "reference")


def comparable(rules):
    """All tasks by these rules, but for the one where scikit-learn's loss and gradient are of two functions."""
    return [(t, r) for t in TASKS for r in rules if (t, r) != ("multi-output", "lbfgs")]  # see test_mlp_right.py


def fits(task, options, engine="auto", weights=None):
    cls, more, X, y = problem(task)
    options = {**HIDDEN, "max_iter": 25, "batch_size": 20, **more, **options}
    given = () if weights is None else (weights,)
    mine = quietly(cls(**options, engine=engine).fit, X, y, *given)
    theirs = quietly(THEIRS[cls](**options).fit, X, y, *given)
    return mine, theirs, X


def check_equal(mine, theirs, X, tolerance=EQUAL):
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(mine, name) == getattr(theirs, name), name
    for a, b in zip([*mine.coefs_, *mine.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True):
        assert a.dtype == b.dtype and apart(a, b) <= tolerance
    assert apart(mine.loss_, theirs.loss_) <= tolerance
    for name in ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"):
        expected = getattr(theirs, name, "none")
        if isinstance(expected, str) or expected is None:
            assert getattr(mine, name, "none") == expected, name
        else:
            assert isinstance(getattr(mine, name), list) == isinstance(expected, list)
            assert apart(getattr(mine, name), expected) <= tolerance, name
    for method in ("predict", "predict_proba", "predict_log_proba"):
        if hasattr(theirs, method):
            actual, expected = getattr(mine, method)(X), getattr(theirs, method)(X)
            assert actual.dtype == expected.dtype and actual.shape == expected.shape
            same = np.array_equal(actual, expected)
            assert same if expected.dtype.kind in "UO" else apart(actual, expected) <= 10 * tolerance


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("task", "rule"), comparable(RULES))
def test_the_same_numbers_step_by_step(task, rule, engine):
    for shuffle in (False, True):
        check_equal(*fits(task, {**RULES[rule], "shuffle": shuffle}, engine))


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_every_activation(activation, solver, monkeypatch):
    options = {"activation": activation, "solver": solver}
    if solver == "lbfgs":
        unclipped(monkeypatch)
    check_equal(*fits("multiclass", options))
    check_equal(*fits("regression", {**options, "hidden_layer_sizes": 6}))
    check_equal(*fits("binary", {**options, "hidden_layer_sizes": ()}))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("task", "rule"), comparable(["nesterov", "adam", "lbfgs"]))
def test_sample_weights_in_full_batches(task, rule, engine):
    """In mini-batches scikit-learn divides by each batch's own weights, which cancels them in batches of one."""
    weights = np.random.default_rng(1).choice([0, 0.5, 1, 3.0], 75)
    check_equal(*fits(task, {**RULES[rule], "batch_size": 75}, engine, weights))


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression", "poisson", "multi-output"])
@pytest.mark.parametrize("rule", ["nesterov", "adaptive", "adam"])
def test_early_stopping(task, rule):
    options = {**RULES[rule], "early_stopping": True, "n_iter_no_change": 4, "max_iter": 60, "validation_fraction": 0.3}
    check_equal(*fits(task, options))


@pytest.mark.parametrize("rule", ["nesterov", "adam", "invscaling", "adaptive"])
@pytest.mark.parametrize("tol", [1e-3, 5e-3, 0.05])
def test_ends_at_the_same_epoch(rule, tol):
    mine, theirs, X = fits("multiclass", {**RULES[rule], "tol": tol, "max_iter": 400, "learning_rate_init": 0.05})
    assert mine.n_iter_ == theirs.n_iter_ < 400
    assert mine._no_improvement_count == theirs._no_improvement_count
    check_equal(mine, theirs, X, 1e-7)


@pytest.mark.parametrize("rule", ["nesterov", "invscaling", "adaptive", "adam"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_partial_fit_and_warm_start(task, rule):
    cls, more, X, y = problem(task)
    options = {**HIDDEN, "batch_size": 20, **more, **RULES[rule]}
    models = cls(**options), THEIRS[cls](**options)
    classes = {} if cls is MLPRegressor else {"classes": np.unique(y)}
    for _ in range(12):
        for model in models:
            model.partial_fit(X[:50], y[:50], **classes)
    check_equal(*models, X)
    for model in models:
        quietly(model.set_params(warm_start=True, max_iter=7).fit, X, y)
    check_equal(*models, X)
    for model in models:
        quietly(model.set_params(max_iter=4, alpha=0.5).fit, X, y)
        model.set_params(warm_start=False).partial_fit(X[20:], y[20:])
    check_equal(*models, X)


def test_weights_set_by_hand():
    _, _, X, y = problem("multiclass")
    mine, theirs, _ = fits("multiclass", {})
    rng = np.random.default_rng(0)
    for model in (mine, theirs):
        rng = np.random.default_rng(0)
        model.coefs_ = [rng.normal(size=W.shape) for W in model.coefs_]
        model.intercepts_[1] = np.full(5, 0.25)
        model.intercepts_[0][:] = 0.5
        quietly(model.set_params(warm_start=True, shuffle=False, max_iter=3).fit, X, y)
    check_equal(mine, theirs, X)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_float32_stays_near(solver):
    cls, _, X, y = problem("multiclass")
    options = {**HIDDEN, "solver": solver, "max_iter": 20, "batch_size": 20}
    X = X.astype(np.float32)
    models = [quietly(c(**options).fit, X, y) for c in (cls, THEIRS[cls])]
    assert all(W.dtype == np.float32 for W in models[0].coefs_) and models[0].predict_proba(X).dtype == np.float32
    check_equal(*models, X, 1e-3)


def test_a_randomstate_object_and_none():
    _, _, X, y = problem("multiclass")
    models = [
        quietly(cls(**{**HIDDEN, "random_state": np.random.RandomState(3)}, batch_size=20, max_iter=9).fit, X, y)
        for cls in (MLPClassifier, TheirClassifier)
    ]
    check_equal(*models, X)
    a, b = (quietly(MLPClassifier(max_iter=2).fit, X, y).coefs_[0] for _ in range(2))
    assert not np.array_equal(a, b)


def test_a_wrong_number_is_seen():
    mine, theirs, X = fits("multiclass", RULES["adam"])
    theirs.coefs_[0][0, 0] *= 1 + 1e-7
    with pytest.raises(AssertionError):
        check_equal(mine, theirs, X)
    mine, theirs, X = fits("multiclass", RULES["adam"])
    _, _, _, y = problem("multiclass")
    quietly(mine.set_params(optimizer="adam(0.01, beta_1=0.8, beta_2=0.95, epsilon=1e-3)").fit, X, y)
    with pytest.raises(AssertionError):  # Kingma and Ba's first form
        check_equal(mine, theirs, X)
