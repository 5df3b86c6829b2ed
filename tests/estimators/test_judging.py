"""Scores, worst errors, confused pairs and baselines, against scikit-learn and by hand."""

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

from glassnet import TableClassifier, TableRegressor, load_dataset
from glassnet.errors import DataError
from glassnet.estimators import judging

P = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5], [0.1, 0.7, 0.2], [0.6, 0.3, 0.1], [0.05, 0.9, 0.05]])
CODES = np.array([0, 2, 0, 1, 0])
CLASSES = ["a", "b", "c"]


def test_class_scores_agree_with_sklearn():
    scores, found = judging.class_scores(CODES, P, CLASSES), P.argmax(axis=1)
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(CODES, found))
    assert scores["log_loss"] == pytest.approx(-np.log(P[np.arange(5), CODES]).mean())
    assert scores["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(CODES, found))
    assert scores["confusion_matrix"] == [[1, 2, 0], [1, 0, 0], [0, 0, 1]]
    assert [c["rows"] for c in scores["per_class"]] == [3, 1, 1]


def test_a_class_without_rows_does_not_count_in_the_balance():
    scores = judging.class_scores(np.array([0, 1]), P[[0, 2]], CLASSES)
    assert scores["balanced_accuracy"] == 1
    assert scores["per_class"][2]["recall"] == 0


def test_a_certain_error_has_a_finite_log_loss():
    scores = judging.class_scores(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]), ["a", "b"])
    assert 10 < scores["log_loss"] < 1000


def test_number_scores():
    y, predicted = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 3.0])
    assert judging.number_scores(y, predicted) == {
        "rmse": pytest.approx(np.sqrt(2 / 3)),
        "mae": pytest.approx(2 / 3),
        "r2": pytest.approx(metrics.r2_score(y, predicted)),
    }
    assert judging.number_scores(y[:1], predicted[:1])["r2"] is None


def test_the_most_confidently_wrong_come_first():
    rows = judging.worst_classes(CODES, P, CLASSES)
    assert [row["row"] for row in rows] == [5, 3, 4]
    assert rows[0] == {"row": 5, "true": "a", "predicted": "b", "probability": 0.9, "probability_of_true": 0.05}
    assert judging.worst_classes(CODES, P, CLASSES, 0) == []
    assert judging.worst_classes(P.argmax(axis=1), P, CLASSES) == []


def test_the_largest_errors_come_first():
    rows = judging.worst_numbers(np.array([1.0, 2.0, 3.0]), np.array([1.5, 0.0, 3.0]), 2)
    assert [(row["row"], row["error"]) for row in rows] == [(2, -2.0), (1, 0.5)]


def test_confused_pairs():
    pairs = judging.confused_pairs([[1, 2, 0], [1, 0, 0], [0, 0, 1]], CLASSES)
    assert [(p["true"], p["predicted"], p["count"]) for p in pairs] == [("a", "b", 2), ("b", "a", 1)]
    assert pairs[0]["share"] == pytest.approx(2 / 3)
    assert judging.confused_pairs([[3, 0], [0, 2]], ["a", "b"]) == []


def test_the_baselines_of_classes():
    data = load_dataset("iris")
    part = data.frame.drop(data.target), data.frame[data.target]
    scores = judging.baselines(TableClassifier(epochs=2).fit(*part), part, part)
    assert scores["constant"]["accuracy"] == pytest.approx(1 / 3)
    assert scores["constant"]["log_loss"] == pytest.approx(np.log(3))
    assert scores["logistic_regression"]["accuracy"] > 0.95


def test_the_baselines_of_numbers_are_least_squares_and_the_mean():
    x = np.linspace(0, 1, 50)
    frame, y = pl.DataFrame({"x": x, "z": x**2}), pl.Series("y", 3 * x - 1)
    scores = judging.baselines(TableRegressor(epochs=2).fit(frame, y), (frame, y), (frame, y))
    assert scores["constant"]["r2"] == pytest.approx(0)
    assert scores["linear_regression"]["rmse"] < 1e-9


def test_evaluation_uses_the_units_of_the_target_and_names_the_source():
    x = np.linspace(0, 1, 50)
    frame, y = pl.DataFrame({"x": x}), pl.Series("y", 1000 * x)
    model = TableRegressor(epochs=2).fit(frame, y)
    expected = np.sqrt(((model.predict(frame) - y.to_numpy()) ** 2).mean())
    assert judging.evaluation(model, frame, y)["rmse"] == pytest.approx(expected)
    with pytest.raises(DataError, match=r"here\.csv"):
        judging.evaluation(model, pl.DataFrame({"z": x}), y, source="here.csv")
