"""The MLP estimators inside scikit-learn: pipelines, searches, ensembles, calibration, routing, output, notebooks."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import BaggingRegressor, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from glassnet import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_iris(return_X_y=True)
MODEL = MLPClassifier(8, max_iter=60, learning_rate_init=0.02, random_state=0)
THEIRS = TheirClassifier(8, max_iter=60, learning_rate_init=0.02, random_state=0)


def test_a_pipeline_on_a_table():
    frame = pd.DataFrame(X, columns=list("abcd")).assign(kind=np.where(X[:, 0] > 5.8, "large", "small"))
    columns = ColumnTransformer([("number", StandardScaler(), list("abcd")), ("word", OneHotEncoder(), ["kind"])])
    pipeline = make_pipeline(columns.set_output(transform="default"), MODEL).fit(frame, Y)
    assert pipeline.score(frame, Y) > 0.95
    plain = ColumnTransformer(
        [("number", StandardScaler(), list("abcd")), ("word", OneHotEncoder(sparse_output=False), ["kind"])]
    )
    named = make_pipeline(plain, MODEL).set_output(transform="pandas").fit(frame, Y)
    assert named[-1].feature_names_in_[0] == "number__a" and named.score(frame, Y) > 0.95


@pytest.mark.parametrize("jobs", [1, 2])
def test_searches(jobs):
    grid = {"mlpclassifier__alpha": [1e-4, 1.0], "mlpclassifier__activation": ["tanh", "gelu"]}
    search = GridSearchCV(make_pipeline(StandardScaler(), MODEL), grid, cv=3, n_jobs=jobs).fit(X, Y)
    assert search.best_score_ > 0.9 and search.best_estimator_.predict(X).shape == (150,)
    halving = HalvingRandomSearchCV(
        MODEL, {"alpha": [1e-4, 1e-2, 1.0], "dropout": [0.0, 0.1]}, random_state=0, cv=3, n_jobs=jobs, min_resources=60
    )
    assert halving.fit(X, Y).best_score_ > 0.6


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_scores_across_jobs_are_scikit_learns(backend):
    import joblib

    with joblib.parallel_backend(backend):
        mine, theirs = (cross_val_score(model, X, Y, cv=4, n_jobs=2) for model in (MODEL, THEIRS))
    assert np.array_equal(mine, theirs)


def test_ensembles_and_calibration():
    for meta in (
        CalibratedClassifierCV(MODEL, cv=3),
        StackingClassifier([("a", MODEL), ("b", LogisticRegression(max_iter=1000))], cv=3),
        VotingClassifier([("a", MODEL), ("b", LogisticRegression(max_iter=1000))], voting="soft"),
        OneVsRestClassifier(MODEL),
    ):
        assert meta.fit(X, Y).score(X, Y) > 0.9, meta
    Xd, yd = load_diabetes(return_X_y=True)
    regressor = MLPRegressor(
        hidden_layer_sizes=8, max_iter=60, learning_rate_init=0.02, standardize=True, random_state=0
    )
    assert BaggingRegressor(regressor, 3, random_state=0).fit(Xd, yd).predict(Xd).shape == (442,)
    scaled = TransformedTargetRegressor(regressor, transformer=StandardScaler()).fit(Xd, yd)
    assert scaled.score(Xd, yd) > 0.3


def test_inspection_is_scikit_learns():
    mine, theirs = MODEL.fit(X, Y), THEIRS.fit(X, Y)
    importances = [permutation_importance(m, X, Y, n_repeats=3, random_state=0).importances for m in (mine, theirs)]
    assert np.array_equal(*importances)
    averages = [partial_dependence(m, X, [2], grid_resolution=5)["average"] for m in (mine, theirs)]
    np.testing.assert_allclose(*averages, rtol=1e-7)
    probabilities = [cross_val_predict(m, X, Y, cv=3, method="predict_proba") for m in (mine, theirs)]
    np.testing.assert_allclose(*probabilities, rtol=1e-6)
    options = {"cv": 3, "train_sizes": [0.5, 1.0], "shuffle": True, "random_state": 0}
    curves = [learning_curve(m, X, Y, **options) for m in (mine, theirs)]
    assert all(np.array_equal(a, b) for a, b in zip(*curves, strict=True))
    selector = SequentialFeatureSelector(clone(MODEL).set_params(max_iter=10), n_features_to_select=1, cv=2).fit(X, Y)
    assert selector.get_support().sum() == 1


def test_weights_and_validation_data_are_routed():
    weights = np.r_[np.full(75, 2.0), np.full(75, 0.5)]
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPClassifier(4, max_iter=5, random_state=0)
        model.set_fit_request(sample_weight=True, validation_data=True).set_score_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        pipeline.fit(X, Y, sample_weight=weights, validation_data=(X[:50], Y[:50]))
        assert len(pipeline[-1].validation_scores_) == 5
        scaled = StandardScaler().fit_transform(X)
        alone = MLPClassifier(4, max_iter=5, random_state=0).fit(scaled, Y, weights)
        assert np.array_equal(pipeline[-1].coefs_[0], alone.coefs_[0])
        scores = cross_val_score(pipeline, X, Y, cv=3, params={"sample_weight": weights})
        assert scores.shape == (3,)
        model.set_partial_fit_request(classes=True, sample_weight=True)


def test_how_a_notebook_shows_it():
    html = MLPClassifier(hidden_layer_sizes=(30,), dropout=0.25, activation="gelu")._repr_html_()
    assert "MLPClassifier" in html and "0.25" in html and "gelu" in html
    assert repr(MLPClassifier(dropout=0.25)) == "MLPClassifier(dropout=0.25)"
    assert "user-set" in html and "fitted" in MODEL.fit(X, Y)._repr_html_()
