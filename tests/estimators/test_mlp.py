"""MLPClassifier and MLPRegressor as scikit-learn's users know them: contract, attributes, words, lists, files."""

import inspect
import pickle
import re
import warnings
from copy import deepcopy
from unittest import SkipTest

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.linear_model import PoissonRegressor
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from estimators.mlp_cases import THEIRS, quietly
from glassnet import DataError, GlassnetError, InvalidParameterError, MLPClassifier, MLPRegressor

BOTH = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
IRIS = load_iris(return_X_y=True)
SMALL = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}


SKIPPED = {
    "check_array_api_input": "needs the environment variable SCIPY_ARRAY_API, set by the user",
    "check_classifiers_multilabel_output_format_decision_function": "there is no decision_function",
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)])
def test_scikit_learns_contract(estimator, check):
    """check_estimator in full, without an expected failure; what scikit-learn itself skips is listed here."""
    try:
        check(estimator)
    except SkipTest as skip:
        assert check.func.__name__ in SKIPPED, skip
        raise


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("check", [check_dataframe_column_names_consistency, check_param_validation])
@BOTH
def test_scikit_learns_contract_for_its_own(cls, check):
    check(cls.__name__, cls(max_iter=5))


@BOTH
def test_the_constructor_is_scikit_learns_and_more(cls):
    """Names, order, defaults; what is more comes after, by keyword only, and changes nothing by default."""
    mine = list(inspect.signature(cls).parameters.values())
    theirs = list(inspect.signature(THEIRS[cls]).parameters.values())
    assert [str(p.replace(annotation=p.empty)) for p in mine[: len(theirs)]] == [str(p) for p in theirs]
    assert [p.kind for p in mine[: len(theirs)]] == [p.kind for p in theirs]
    assert all(p.kind is p.KEYWORD_ONLY for p in mine[len(theirs) :])


@BOTH
def test_every_fitted_attribute_of_scikit_learns_is_there(cls):
    X = pd.DataFrame(IRIS[0], columns=list("abcd"))
    for options in ({}, {"early_stopping": True}, {"solver": "lbfgs"}):
        mine, theirs = (quietly(c(**SMALL, **options).fit, X, IRIS[1]) for c in (cls, THEIRS[cls]))
        public = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
        assert public <= set(vars(mine)) | {"coefs_", "intercepts_"}
        for name in public - {"coefs_", "intercepts_", "feature_names_in_", "classes_"}:
            assert type(getattr(mine, name)) in (type(getattr(theirs, name)), float), name
        assert mine.feature_names_in_.tolist() == list("abcd")


# --- words ------------------------------------------------------------------------------------------------------------


def said(call):
    """The error's class and words, or the warnings', of a call."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            call()
        except Exception as error:
            return type(error), str(error)
    return [(w.category, str(w.message)) for w in seen if "overflow" not in str(w.message)]


X4, Y4 = [[1.0, 2], [2, 3], [3, 4], [4, 5]], [0, 0, 0, 1]
WORDS = {
    "hidden_layer_sizes": lambda c: c(hidden_layer_sizes=(3, 0)).fit(*IRIS),
    "alpha": lambda c: c(alpha=-1).fit(*IRIS),
    "solver": lambda c: c(solver="newton-cg").fit(*IRIS),
    "max_iter": lambda c: c(max_iter="many").fit(*IRIS),
    "NaN": lambda c: c().fit([[np.nan], [1.0]], [0, 1]),
    "lengths": lambda c: c().fit(X4, [0, 1]),
    "partial_fit with early stopping": lambda c: c(early_stopping=True).partial_fit(
        *IRIS, **({"classes": [0, 1, 2]} if c.__name__[3] == "C" else {})
    ),
    "few to validate": lambda c: c(early_stopping=True).fit(X4[1:], [0, 0, 0] if c.__name__[3] == "C" else Y4[1:]),
    "not fitted": lambda c: c().predict(X4),
    "features": lambda c: quietly(c(max_iter=2).fit, *IRIS).predict(X4),
    "not converged": lambda c: c(max_iter=2, random_state=0).fit(*IRIS),
    "batch too large": lambda c: quietly(c(max_iter=2, random_state=0, batch_size=1000).fit, *IRIS),
    "column vector": lambda c: quietly(c(max_iter=2, random_state=0).fit, IRIS[0], IRIS[1][:, None]),
    "y is None": lambda c: c().fit(X4, None),
    "continuous": lambda c: quietly(c(max_iter=2).fit, X4, [0.5, 1.5, 2.5, 1.5]),
}


def sorted_sets(words):
    """The words with what stands in braces in order: a set of strings prints as the process's hashing has it."""
    return re.sub(r"\{(.*?)\}", lambda found: "{" + ", ".join(sorted(found[1].split(", "))) + "}", words)


@pytest.mark.parametrize("case", WORDS)
@BOTH
def test_errors_and_warnings_in_scikit_learns_words(cls, case):
    mine, theirs = said(lambda: WORDS[case](cls)), said(lambda: WORDS[case](THEIRS[cls]))
    if isinstance(theirs, tuple):
        assert issubclass(mine[0], ValueError) and sorted_sets(mine[1]) == sorted_sets(theirs[1])
    else:
        assert mine == theirs


CLASSES_WORDS = {
    "stratified": lambda c: c(early_stopping=True).fit(X4, Y4),
    "no partial_fit": lambda c: c(solver="lbfgs").partial_fit(*IRIS),
    "first call": lambda c: c().partial_fit(X4, Y4),
    "other classes": lambda c: c().partial_fit(X4, Y4, classes=[0, 1]).partial_fit(X4, Y4, classes=[0, 2]),
    "unknown class": lambda c: c().partial_fit(X4, Y4, classes=[0, 1]).partial_fit(X4, [0, 0, 2, 3]),
    "warm start": lambda c: quietly(c(max_iter=2, warm_start=True).fit, *IRIS).fit(IRIS[0], IRIS[1] // 2),
}


@pytest.mark.parametrize("case", CLASSES_WORDS)
def test_errors_of_the_classifier_in_scikit_learns_words(case):
    mine, theirs = (said(lambda c=c: CLASSES_WORDS[case](c)) for c in (MLPClassifier, TheirClassifier))
    assert issubclass(mine[0], AttributeError if case == "no partial_fit" else ValueError) and mine[1] == theirs[1]


def test_constraints_are_both_libraries_errors():
    with pytest.raises(GlassnetError, match="The 'alpha' parameter of MLPClassifier must be"):
        MLPClassifier(alpha="much").fit(*IRIS)
    with pytest.raises(InvalidParameterError, match=r"unknown activation 'rellu'; did you mean 'relu'\? \(known: "):
        MLPClassifier(activation="rellu").fit(*IRIS)


def test_lbfgs_says_why_it_ended():
    X, y = IRIS
    for options in ({"max_iter": 3}, {"max_fun": 4}):
        kinds = [said(lambda c=c, o=options: c(solver="lbfgs", random_state=0, **o).fit(X, y)) for c in THEIRS]
        for (category, message), *more in kinds:
            assert category is ConvergenceWarning and not more
            assert re.match(r"lbfgs failed to converge after \d+ iteration\(s\) \(status=1\)", message)
            assert ("(max_iter=3)" in message) == ("max_iter" in options)


@BOTH
def test_verbose_prints_scikit_learns_lines(cls, capsys):
    options = {"max_iter": 60, "random_state": 1, "tol": 0.01, "n_iter_no_change": 3, "verbose": True}
    for more in ({}, {"early_stopping": True}, {"solver": "sgd", "learning_rate": "adaptive"}):
        lines = []
        for each in (cls, THEIRS[cls]):
            quietly(each(**options, **more).fit, *IRIS)
            lines.append(capsys.readouterr().out)
        assert lines[0] == lines[1] and "Iteration 3, loss = " in lines[0]


# --- weights as lists -------------------------------------------------------------------------------------------------


@BOTH
def test_edits_of_the_lists_take_effect(cls):
    X, y = IRIS
    model = quietly(cls(**SMALL).fit, X, y)
    method = "predict_proba" if cls is MLPClassifier else "predict"
    before = getattr(model, method)(X)
    model.coefs_[1][:] *= 2.0
    inside = getattr(model, method)(X)
    assert not np.allclose(inside, before)
    model.coefs_[1] = model.coefs_[1] / 2.0
    assert np.allclose(getattr(model, method)(X), before)
    model.intercepts_ = [b + 1 for b in model.intercepts_]
    expected = model.to_network().predict(X)
    assert not np.allclose(expected[:, -1], before[:, -1] if before.ndim == 2 else before)
    assert np.array_equal(model.activations(X)[-1], model.to_network().trace(X).output)
    model.coefs_[0] = np.zeros((3, 3))
    with pytest.raises(InvalidParameterError, match=r"coefs_\[0\] must have shape \(4, 6\), got \(3, 3\)"):
        model.predict(X)


def test_weights_put_into_an_estimator_never_fitted():
    """A worked example: one step of gradient descent on one row, by hand."""
    W1, W2 = np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0.0]]), np.array([[0.1], [0.2]])
    X, alpha, eta = np.array([[0.6, 0.8, 0.7]]), 0.1, 0.1
    options = {"solver": "sgd", "learning_rate_init": eta, "alpha": alpha, "momentum": 0, "activation": "logistic"}
    model = MLPClassifier(hidden_layer_sizes=2, max_iter=1, **options)
    model.coefs_, model.intercepts_ = [W1.copy(), W2.copy()], [np.full(2, 0.1), np.ones(1)]
    model.n_outputs_, model.n_layers_, model.out_activation_, model.n_features_in_ = 1, 3, "logistic", 3
    model.n_iter_, model.t_, model.loss_curve_, model.best_loss_ = 0, 0, [], np.inf
    model.partial_fit(X, [0], classes=[0, 1])
    h = 1 / (1 + np.exp(-(X @ W1 + 0.1)))
    delta2 = 1 / (1 + np.exp(-(h @ W2 + 1)))
    delta1 = delta2 @ W2.T * h * (1 - h)
    np.testing.assert_allclose(model.coefs_[0], W1 - eta * (X.T @ delta1 + alpha * W1), rtol=1e-12)
    np.testing.assert_allclose(model.coefs_[1], W2 - eta * (h.T @ delta2 + alpha * W2), rtol=1e-12)
    np.testing.assert_allclose(model.intercepts_[0], 0.1 - eta * delta1[0], rtol=1e-12)
    np.testing.assert_allclose(model.intercepts_[1], 1 - eta * delta2[0], rtol=1e-12)


def copies(model, path):
    joblib.dump(model, path)
    yield pickle.loads(pickle.dumps(model))
    yield deepcopy(model)
    yield joblib.load(path)
    yield joblib.load(path, mmap_mode="r")


@BOTH
def test_copies_predict_and_go_on_learning_alike(cls, tmp_path):
    X, y = IRIS
    model = quietly(cls(**SMALL, warm_start=True).fit, X, y)
    twins = list(copies(model, tmp_path / "model"))
    expected = model.predict(X)
    for _ in range(3):
        model.partial_fit(X, y)
    for twin in twins:
        assert np.array_equal(twin.predict(X), expected)
        twin.coefs_[0] = twin.coefs_[0].copy()
        for _ in range(3):
            twin.partial_fit(X, y)
        assert all(np.array_equal(a, b) for a, b in zip(twin.coefs_, model.coefs_, strict=True))
        twin.coefs_[0][:] = 0
        assert not np.array_equal(twin.predict(X), model.predict(X))
    fresh = clone(model)
    assert not hasattr(fresh, "coefs_") and fresh.get_params() == model.get_params()


# --- data -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@BOTH
def test_sparse_rows_are_dense_ones(cls, dtype, form):
    X, y = IRIS[0].astype(dtype) * (IRIS[0] > 2), IRIS[1]
    a, b = (quietly(cls(**SMALL).fit, each, y) for each in (X, form(X)))
    assert all(np.array_equal(p, q) for p, q in zip(a.coefs_, b.coefs_, strict=True)) and b.coefs_[0].dtype == dtype
    many = sparse.vstack([form(X)] * 60, format=form(X).format)
    assert np.array_equal(np.tile(a.predict(X), 60), b.predict(many))
    assert a.partial_fit(X, y).score(X, y) == b.partial_fit(form(X), y).score(X, y)


def test_a_sparse_matrix_too_large_to_be_dense_is_refused():
    X = sparse.csr_matrix((2**14, 2**19), dtype=np.float32)
    with pytest.raises(DataError, match="training makes it dense: 16384 x 524288 numbers would take 32 GiB"):
        MLPRegressor(hidden_layer_sizes=()).fit(X, np.zeros(2**14))


def test_dtype_follows_x_or_what_is_asked():
    X, y = IRIS
    for given, asked, expected in [("f4", None, "f4"), ("f8", None, "f8"), ("i8", None, "f8"), ("f8", "float32", "f4")]:
        model = quietly(MLPRegressor(**SMALL, dtype=asked).fit, X.astype(given), y)
        assert {a.dtype for a in [*model.coefs_, *model.intercepts_, model.predict(X)]} == {np.dtype(expected)}


def test_several_labels_at_once():
    X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    model = quietly(MLPClassifier(solver="lbfgs", hidden_layer_sizes=20, random_state=0).fit, X, Y)
    assert np.array_equal(model.predict(X), Y) and np.array_equal(model.predict_proba(X) > 0.5, Y)
    assert np.ptp(model.predict_proba(X).sum(axis=1)) > 0.5
    options = {"solver": "sgd", "learning_rate_init": 0.2, "activation": "logistic", "alpha": 1e-5}
    model = MLPClassifier(50, **options, random_state=0)
    for _ in range(100):
        model.partial_fit(X, Y, classes=range(5))
    assert model.score(X, Y) > 0.9


def test_poisson_without_hidden_layers_is_the_generalized_linear_model():
    rng = np.random.default_rng(0)
    X = np.linspace(0, 1, 100)[:, None]
    y = rng.poisson(np.exp(X[:, 0] + 1))
    theirs = PoissonRegressor(alpha=0, tol=1e-7).fit(X, y)
    mine = MLPRegressor(loss="poisson", hidden_layer_sizes=(), alpha=0, solver="lbfgs", tol=1e-7, random_state=0)
    np.testing.assert_allclose(mine.fit(X, y).predict(X), theirs.predict(X), rtol=1e-4)
    with pytest.raises(DataError, match="targets in"):
        mine.fit(X, -y)


def test_weights_count_as_repeated_rows_do():
    X, y = IRIS
    weights = np.random.default_rng(0).integers(0, 4, len(X))
    a = quietly(MLPClassifier(**SMALL, solver="lbfgs").fit, X, y, weights)
    b = quietly(MLPClassifier(**SMALL, solver="lbfgs").fit, X.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=1e-9)


def test_a_column_of_targets_warns():
    with pytest.warns(DataConversionWarning):
        quietly(MLPRegressor(**SMALL).fit, IRIS[0], IRIS[1][:, None])


def test_ctrl_c_keeps_what_was_learned(monkeypatch):
    from glassnet.estimators.mlp_rules import Tolerance

    real = Tolerance.on_epoch_end

    def impatient(self, run, record):
        real(self, run, record)
        if self.epochs == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Tolerance, "on_epoch_end", impatient)
    with pytest.warns(UserWarning, match="Training interrupted by user."):
        model = MLPClassifier(random_state=0).fit(*IRIS)
    assert model.n_iter_ == 3 and len(model.loss_curve_) == 3
    assert model.predict(IRIS[0]).shape == (150,)


def test_a_network_that_goes_on_keeps_its_shape():
    model = quietly(MLPClassifier(**SMALL, warm_start=True).fit, *IRIS)
    with pytest.raises(InvalidParameterError, match=r"the fitted network is 4-6-3, and .* now ask for 4-7-3"):
        model.set_params(hidden_layer_sizes=7).fit(*IRIS)


def test_their_regressor_is_compared_with_ours():
    assert {MLPClassifier: TheirClassifier, MLPRegressor: TheirRegressor} == THEIRS


@BOTH
@pytest.mark.parametrize("fault", ["nan", "infinity", "columns", "no rows", "one row"])
def test_a_plain_array_is_refused_in_scikit_learns_words(cls, fault):
    """Arrays that need no word pass by a short way; all others by scikit-learn's."""
    X, y = IRIS
    mine, theirs = (quietly(c(**SMALL).fit, X, y) for c in (cls, THEIRS[cls]))
    bad = X.copy()
    bad[3, 1] = {"nan": np.nan, "infinity": np.inf}.get(fault, 0)
    bad = {"columns": bad[:, :3], "no rows": bad[:0], "one row": bad[0]}.get(fault, bad)
    found = []
    for model in (mine, theirs):
        with pytest.raises(ValueError) as refused:
            model.predict(bad)
        found.append(str(refused.value).replace("an MLP", "MLP"))
    assert found[0] == found[1]


@BOTH
def test_every_way_to_give_rows_predicts_the_same(cls):
    X, y = IRIS
    model = quietly(cls(**SMALL).fit, X, y)
    expected = model.predict(X)
    for rows in (np.asfortranarray(X), X.tolist(), pd.DataFrame(X).to_numpy(), sparse.csr_array(X), X[:, :].copy()):
        assert np.array_equal(model.predict(rows), expected)
    assert np.array_equal(model.predict(X[::3]), expected[::3])


@BOTH
def test_each_parameter_and_attribute_is_documented_under_its_name(cls):
    """A notebook's table looks them up one by one."""
    _html_repr = pytest.importorskip("sklearn.utils._repr_html.common")
    model = quietly(cls(**SMALL).fit, *IRIS)
    attributes = [name for name in vars(model) if name.endswith("_") and not name.startswith("_")]
    for section, names in (("Parameters", model.get_params()), ("Attributes", attributes)):
        assert [name for name in names if not _html_repr.get_docstring(cls, section, name)] == []
