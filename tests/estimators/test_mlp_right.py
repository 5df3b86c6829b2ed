"""Where scikit-learn 1.9 is wrong or crashes, and the MLP estimators are not; docs/scikit_learn.md lists them."""

import warnings

import numpy as np
import pytest
import sklearn
from scipy.optimize import approx_fprime
from scipy.special import log_softmax
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

from estimators.mlp_cases import apart, problem, quietly
from glassnet import DataError, DivergenceError, InvalidParameterError, MLPClassifier, MLPRegressor

THEY_ARE_WRONG = sklearn.__version__.startswith("1.9")
IRIS = load_iris(return_X_y=True)
WILD = {"hidden_layer_sizes": 100, "activation": "identity", "solver": "sgd", "learning_rate_init": 1.0}


def test_multi_output_lbfgs_follows_the_gradient_of_its_loss():
    """Linear regression has a closed form, and central differences know the gradient (issue 8349)."""
    _, _, X, Y = problem("multi-output")
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, tol=1e-9, max_iter=1000, random_state=0)
    model.fit(X, Y)
    A = np.hstack([X, np.ones((len(X), 1))])
    best = np.linalg.lstsq(A, Y, rcond=None)[0]
    np.testing.assert_allclose(np.vstack([model.coefs_[0], model.intercepts_[0]]), best, atol=1e-5)
    assert model.loss_ == pytest.approx(0.5 * np.mean((A @ best - Y) ** 2))

    network = quietly(MLPRegressor(hidden_layer_sizes=4, solver="lbfgs", max_iter=2).fit, X, Y).to_network()
    J, gradient = network.loss_and_gradient(X, Y)
    at = network.parameters.vector.copy()

    def value(theta):
        network.parameters.vector[:] = theta
        return network.loss(X, Y)

    numeric = approx_fprime(at, value, 1e-7)
    assert value(at) == pytest.approx(J) and np.allclose(gradient.vector, numeric, atol=1e-5)


def test_divergence_with_early_stopping_goes_back_to_the_best_weights():
    with pytest.warns(
        ConvergenceWarning, match=r"training diverged: NaN .* the best weights are kept, of iteration \d+"
    ):
        model = MLPRegressor(**WILD, early_stopping=True, max_iter=20000, random_state=0).fit(*IRIS)
    assert model.n_iter_ < 1000 and len(model.loss_curve_) == len(model.validation_scores_) == model.n_iter_
    assert np.isnan(model.validation_scores_[-1]) and isinstance(model.validation_scores_[-1], float)
    assert np.isfinite(model.validation_scores_[:-1]).all() and np.isfinite(model.predict(IRIS[0])).all()
    assert model.best_validation_score_ == max(model.validation_scores_[:-1])


def test_divergence_is_told_at_once():
    """Not after max_iter epochs of arithmetic on NaN."""
    for X, message in ((IRIS[0], "epoch"), (IRIS[0] * 1e306, "epoch 1, step 1")):
        with pytest.raises(ValueError, match="Solver produced non-finite parameter weights") as e:
            MLPRegressor(**WILD, max_iter=10**6, random_state=0).fit(X, IRIS[1])
        assert isinstance(e.value, DivergenceError) and message in str(e.value)


def test_partial_fit_after_early_stopping():
    theirs = TheirRegressor(early_stopping=True, random_state=0, max_iter=20)
    mine = MLPRegressor(early_stopping=True, random_state=0, max_iter=20)
    for model in (mine, theirs):
        quietly(model.fit, *IRIS)
        model.set_params(early_stopping=False)
    if THEY_ARE_WRONG:
        with pytest.raises(TypeError):
            theirs.partial_fit(*IRIS)
    before = mine.score(*IRIS)
    for _ in range(30):
        mine.partial_fit(*IRIS)
    assert mine.score(*IRIS) > before and mine.best_loss_ == min(mine.loss_curve_)


def test_early_stopping_may_be_switched_with_warm_start():
    for first in (True, False):
        model = MLPClassifier(early_stopping=first, warm_start=True, random_state=0, max_iter=8)
        quietly(model.fit, *IRIS)
        quietly(model.set_params(early_stopping=not first).fit, *IRIS)
        assert (model.best_loss_ is None) != first and len(model.loss_curve_) == 16


def test_classes_unseen_in_partial_fit():
    """With warm_start=True each part of the rows had to hold every class (issue 11758)."""
    X, y = IRIS
    mine, theirs = (c(warm_start=True, random_state=0) for c in (MLPClassifier, TheirClassifier))
    if THEY_ARE_WRONG:
        with pytest.raises(ValueError, match="warm_start can only be used"):
            theirs.partial_fit(X[:60], y[:60], classes=[0, 1, 2])
    for _ in range(60):
        for rows in (slice(0, 60), slice(60, 110), slice(110, 150)):
            mine.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    assert mine.classes_.tolist() == [0, 1, 2] and mine.predict_proba(X).shape == (150, 3)
    with pytest.raises(ValueError, match="`y` has classes not in"):
        mine.partial_fit(X[:2], [7, 1])


def test_a_regressor_has_no_partial_fit_with_lbfgs():
    if THEY_ARE_WRONG:
        assert hasattr(TheirRegressor(solver="lbfgs"), "partial_fit")
    assert not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit") and hasattr(MLPRegressor(), "partial_fit")
    assert not hasattr(MLPRegressor(optimizer="lbfgs"), "partial_fit")
    assert hasattr(MLPRegressor(solver="lbfgs", optimizer="adam"), "partial_fit")


def test_the_log_loss_is_exact_where_probabilities_round_to_0():
    """There scikit-learn clips the loss, but not its gradient, and line searches go astray."""
    X, y = 1e3 * IRIS[0], IRIS[1]
    options = {"solver": "lbfgs", "hidden_layer_sizes": (), "max_iter": 1, "alpha": 0.0, "random_state": 0}
    model = quietly(MLPClassifier(**options).fit, X, y)
    for W in model.coefs_:
        W[:] = [[-9, 0, 9]] * 4
    scores = X @ model.coefs_[0] + model.intercepts_[0]
    exact = -np.mean(log_softmax(scores, axis=1)[np.arange(150), y])
    assert model.to_network().loss(X, y) == pytest.approx(exact, rel=1e-12) and exact > 1e5


def test_weights_of_examples_count_in_batches_of_one():
    """Dividing by the batch's own weights would cancel them."""
    X, y = np.array([[0.0], [1.0]]), np.array([0.0, 1.0])
    weights = np.array([1.0, 1e-9])
    options = {"hidden_layer_sizes": (), "solver": "sgd", "batch_size": 1, "alpha": 0, "random_state": 0}
    options |= {"learning_rate_init": 0.05, "max_iter": 400, "tol": 0, "n_iter_no_change": np.inf, "momentum": 0}
    mine, theirs = (quietly(c(**options).fit, X, y, weights) for c in (MLPRegressor, TheirRegressor))
    start = quietly(MLPRegressor(**{**options, "max_iter": 1, "learning_rate_init": 1e-12}).fit, X, y)
    assert abs(mine.predict([[0.0]])[0]) < 1e-6
    assert abs(mine.coefs_[0] - start.coefs_[0]).max() < 1e-6, "the example that hardly counts has hardly moved W"
    if THEY_ARE_WRONG:
        assert abs(theirs.predict([[1.0]])[0] - 1) < 0.05


def test_lbfgs_keeps_float32():
    X, y = IRIS[0].astype(np.float32), IRIS[1]
    mine, theirs = (quietly(c(solver="lbfgs", max_iter=9).fit, X, y) for c in (MLPClassifier, TheirClassifier))
    assert mine.coefs_[0].dtype == np.float32
    if THEY_ARE_WRONG:
        assert theirs.coefs_[0].dtype == np.float64


def test_negative_weights_are_refused():
    with pytest.raises(DataError, match="sample_weight must hold finite numbers >= 0"):
        MLPClassifier().fit(*IRIS, sample_weight=np.r_[-1.0, np.ones(149)])


def test_another_shape_under_warm_start_is_told():
    for change in ({"hidden_layer_sizes": (5, 5)}, {"hidden_layer_sizes": 7}):
        mine, theirs = (c(6, warm_start=True, max_iter=2) for c in (MLPClassifier, TheirClassifier))
        for model in (mine, theirs):
            quietly(model.fit, *IRIS)
            model.set_params(**change)
        with pytest.raises(InvalidParameterError, match="keeps its shape: set warm_start=False"):
            mine.fit(*IRIS)
        if THEY_ARE_WRONG:
            with pytest.raises((ValueError, IndexError, AttributeError)), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs.fit(*IRIS)
                raise ValueError  # or it goes on with the old shape without a word


def test_counts_below_0_are_refused():
    with pytest.raises(DataError, match="poisson takes targets in"):
        MLPRegressor(loss="poisson").fit(IRIS[0], IRIS[1] - 1.0)


def test_verbose_speaks_under_lbfgs(capsys):
    """scikit-learn's asks SciPy, which has fallen silent (issue 10236)."""
    quietly(MLPRegressor(solver="lbfgs", verbose=True, max_iter=3, random_state=0).fit, *IRIS)
    assert [line.split(",")[0] for line in capsys.readouterr().out.splitlines()] == [
        f"Iteration {i}" for i in (1, 2, 3)
    ]


def test_the_same_but_for_the_clipping(monkeypatch):
    """With the clipping taken out of scikit-learn's, L-BFGS on unscaled digits is ours."""
    from sklearn.datasets import load_digits

    from estimators.mlp_cases import unclipped

    unclipped(monkeypatch)
    X, y = load_digits(return_X_y=True)
    options = {"solver": "lbfgs", "max_iter": 5, "hidden_layer_sizes": 20, "random_state": 3}
    mine, theirs = (quietly(c(**options).fit, X, y) for c in (MLPClassifier, TheirClassifier))
    assert apart(mine.coefs_[0], theirs.coefs_[0]) < 1e-9
