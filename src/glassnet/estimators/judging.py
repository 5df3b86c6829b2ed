"""How good are predictions: scores, the worst errors, the classes most confused, and two baselines.

Pure functions. Rows are counted from 1 in what people read.
"""

import warnings
from typing import Any, cast

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    log_loss,
    mean_absolute_error,
    precision_recall_fscore_support,
    r2_score,
    root_mean_squared_error,
)

__all__ = [
    "baselines",
    "class_scores",
    "confused_pairs",
    "evaluation",
    "number_scores",
    "true_numbers",
    "worst_classes",
    "worst_numbers",
]

Scores = dict[str, Any]
LEAST_STEPS, MOST_STEPS, WORK = 100, 2000, 3e10


def evaluation(model: Any, X: Any, y: Any, *, source: str = "the data") -> Scores:
    """Scores of a fitted table estimator on rows X with the true targets y.

    >>> from glassnet import TableClassifier, load_dataset
    >>> data = load_dataset("iris")
    >>> X, y = data.frame.drop(data.target), data.frame[data.target]
    >>> sorted(evaluation(TableClassifier(epochs=5).fit(X, y), X, y))[:3]
    ['accuracy', 'balanced_accuracy', 'classes']
    """
    if hasattr(model, "classes_"):
        codes = model.target_.encode(y, source)
        return class_scores(codes, model.predict_proba(X, source=source), model.classes_.tolist())
    return number_scores(true_numbers(model, y, source), model.predict(X, source=source))


def true_numbers(model: Any, y: Any, source: str = "the data") -> np.ndarray:
    """The target (n,) of a regression as it stands in the table, checked like in training."""
    plain = type(model.target_)(model.target_.name, 0.0, 1.0)
    return plain.encode(y, source)


def class_scores(codes: np.ndarray, P: np.ndarray, classes: list[Any]) -> Scores:
    """Scores for true codes (n,) and probabilities P (n, K).

    log_loss is the mean of -ln P[true]; balanced_accuracy the mean recall of the classes that occur.

    >>> scores = class_scores(np.array([0, 1]), np.array([[0.9, 0.1], [0.6, 0.4]]), ["a", "b"])
    >>> scores["accuracy"], scores["confusion_matrix"]
    (0.5, [[1, 0], [1, 0]])
    """
    K, found = len(classes), P.argmax(axis=1)
    counts = confusion_matrix(codes, found, labels=np.arange(K))  # (K true, K predicted)
    each: Any = precision_recall_fscore_support(codes, found, labels=np.arange(K), zero_division=cast("Any", 0.0))
    precision, recall, f1, support = each
    occurs = support > 0
    return {
        "accuracy": float(accuracy_score(codes, found)),
        "log_loss": float(log_loss(codes, P, labels=np.arange(K))),
        "balanced_accuracy": float(recall[occurs].mean()),
        "classes": classes,
        "confusion_matrix": counts.tolist(),
        "per_class": [
            {"class": name, "precision": float(p), "recall": float(r), "f1": float(f), "rows": int(s)}
            for name, p, r, f, s in zip(classes, precision, recall, f1, support, strict=True)
        ],
    }


def number_scores(y: np.ndarray, predicted: np.ndarray) -> Scores:
    """Root mean squared error, mean absolute error and R^2; R^2 of fewer than two rows is None.

    >>> number_scores(np.array([1.0, 3.0]), np.array([1.0, 2.0]))
    {'rmse': 0.7071067811865476, 'mae': 0.5, 'r2': 0.5}
    """
    return {
        "rmse": float(root_mean_squared_error(y, predicted)),
        "mae": float(mean_absolute_error(y, predicted)),
        "r2": float(r2_score(y, predicted)) if len(y) > 1 else None,
    }


def worst_classes(codes: np.ndarray, P: np.ndarray, classes: list[Any], most: int = 10) -> list[Scores]:
    """The rows most confidently wrong: wrong, and the highest probability of the predicted class first.

    >>> worst_classes(np.array([0, 1]), np.array([[0.2, 0.8], [0.6, 0.4]]), ["a", "b"], 1)
    [{'row': 1, 'true': 'a', 'predicted': 'b', 'probability': 0.8, 'probability_of_true': 0.2}]
    """
    found = P.argmax(axis=1)
    confidence = P[np.arange(len(P)), found]
    wrong = np.flatnonzero(found != codes)
    order = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    return [
        {
            "row": int(i) + 1,
            "true": classes[codes[i]],
            "predicted": classes[found[i]],
            "probability": float(confidence[i]),
            "probability_of_true": float(P[i, codes[i]]),
        }
        for i in order
    ]


def worst_numbers(y: np.ndarray, predicted: np.ndarray, most: int = 10) -> list[Scores]:
    """The rows with the largest |predicted - true|, the largest first.

    >>> worst_numbers(np.array([1.0, 3.0]), np.array([1.0, 2.0]), 1)
    [{'row': 2, 'true': 3.0, 'predicted': 2.0, 'error': -1.0}]
    """
    error = predicted - y
    order = np.argsort(-np.abs(error), kind="stable")[:most]
    return [
        {"row": int(i) + 1, "true": float(y[i]), "predicted": float(predicted[i]), "error": float(error[i])}
        for i in order
    ]


def confused_pairs(counts: list[list[int]], classes: list[Any], most: int = 5) -> list[Scores]:
    """Pairs of a true class and the class it was taken for, the most frequent first; only pairs that occur.

    >>> confused_pairs([[5, 2], [1, 4]], ["a", "b"], 1)
    [{'true': 'a', 'predicted': 'b', 'count': 2, 'share': 0.2857142857142857}]
    """
    matrix = np.asarray(counts)
    off = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-off, axis=None, kind="stable")[:most]
    pairs = [(int(place) // len(matrix), int(place) % len(matrix)) for place in order]
    return [
        {
            "true": classes[i],
            "predicted": classes[j],
            "count": int(off[i, j]),
            "share": float(off[i, j] / matrix[i].sum()),
        }
        for i, j in pairs
        if off[i, j] > 0
    ]


def baselines(model: Any, training: tuple[Any, Any], test: tuple[Any, Any]) -> dict[str, Scores]:
    """Scores on the test rows of two simple models, learned on the training rows that the network learned from.

    "constant" always predicts the classes' shares, or the mean; "logistic_regression" or "linear_regression" sees
    the same preprocessed inputs as the network.

    >>> from glassnet import TableRegressor, load_dataset
    >>> data = load_dataset("diabetes")
    >>> part = data.frame.drop(data.target), data.frame[data.target]
    >>> list(baselines(TableRegressor(epochs=2).fit(*part), part, part))
    ['constant', 'linear_regression']
    """
    X, X_test = model.transform_inputs(training[0]), model.transform_inputs(test[0])
    if hasattr(model, "classes_"):
        y, y_test = model.target_.encode(training[1]), model.target_.encode(test[1])
        rivals: dict[str, Any] = {
            "constant": DummyClassifier(strategy="prior"),
            "logistic_regression": LogisticRegression(max_iter=_steps(X, len(model.classes_))),
        }
        classes = model.classes_.tolist()
        return {
            name: class_scores(y_test, _fitted(rival, X, y).predict_proba(X_test), classes)
            for name, rival in rivals.items()
        }
    y, y_test = true_numbers(model, training[1]), true_numbers(model, test[1])
    rivals = {"constant": DummyRegressor(), "linear_regression": LinearRegression()}
    return {name: number_scores(y_test, _fitted(rival, X, y).predict(X_test)) for name, rival in rivals.items()}


def _steps(X: np.ndarray, K: int) -> int:
    """Enough iterations to converge on small data, and no more than some minutes of work on large data."""
    return int(np.clip(WORK / (X.size * K), LEAST_STEPS, MOST_STEPS))


def _fitted(rival: Any, X: np.ndarray, y: np.ndarray) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a baseline that is nearly there will do
        return rival.fit(X, y)
