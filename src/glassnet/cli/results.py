"""Scores as tables: several models side by side, the confusion matrix, each class, the worst errors."""

from collections.abc import Mapping
from typing import Any

from glassnet.cli.screen import grid, plain_number

__all__ = ["comparison", "confusions", "per_class", "worst"]

MOST_CLASSES = 12
BETTER = {"accuracy": max, "log_loss": min, "balanced_accuracy": max, "rmse": min, "mae": min, "r2": max}
TITLES = {"log_loss": "log-loss", "balanced_accuracy": "balanced accuracy", "rmse": "RMSE", "mae": "MAE", "r2": "R²"}


def comparison(title: str, scores: Mapping[str, Mapping[str, Any]]) -> Any:
    """Models in rows and scores in columns; the best of each column is bold."""
    from rich.text import Text

    names = [name for name in BETTER if name in next(iter(scores.values()))]
    best = {
        name: BETTER[name]((s[name] for s in scores.values() if s[name] is not None), default=None) for name in names
    }
    rows: list[list[Any]] = []
    for model, score in scores.items():
        cells = [
            Text(plain_number(score[name]), "bold" if len(scores) > 1 and score[name] == best[name] else "")
            for name in names
        ]
        rows.append([model.replace("_", " "), *cells])
    return grid(title, ["", *(TITLES.get(name, name) for name in names)], rows)


def confusions(scores: Mapping[str, Any]) -> list[Any]:
    """The confusion matrix, or for many classes the pairs most often confused."""
    from rich.text import Text

    classes, counts = [str(c) for c in scores["classes"]], scores["confusion_matrix"]
    if len(classes) > MOST_CLASSES:
        return confused(scores)
    rows = [
        [
            name,
            *(
                Text(str(n) if n or i == j else "·", "bold" if i == j else "" if n else "dim")
                for j, n in enumerate(row)
            ),
        ]
        for i, (name, row) in enumerate(zip(classes, counts, strict=True))
    ]
    return [grid("confusion matrix: rows are true, columns predicted", ["", *classes], rows)]


def confused(scores: Mapping[str, Any], most: int = 5) -> list[Any]:
    """The pairs of classes most often confused, if any are."""
    from glassnet.estimators.judging import confused_pairs

    pairs = confused_pairs(scores["confusion_matrix"], scores["classes"], most)
    rows = [[str(p["true"]), str(p["predicted"]), str(p["count"]), f"{p['share']:.1%}"] for p in pairs]
    head = ["true", "taken for", "rows", "of the class"]
    return [grid("most confused classes", head, rows, left=2)] if rows else []


def per_class(scores: Mapping[str, Any]) -> Any:
    """Precision, recall, F1 and rows of each class."""
    rows = [
        [str(c["class"]), *(plain_number(c[key]) for key in ("precision", "recall", "f1")), f"{c['rows']:,}"]
        for c in scores["per_class"]
    ]
    return grid("each class", ["", "precision", "recall", "F1", "rows"], rows)


def worst(rows: list[dict[str, Any]]) -> list[Any]:
    """The rows with the worst errors, if there are errors."""
    if not rows:
        return []
    if "probability" in rows[0]:
        table = [[f"{r['row']:,}", str(r["true"]), str(r["predicted"]), f"{r['probability']:.4f}"] for r in rows]
        return [grid("most confidently wrong", ["row", "true", "predicted", "probability"], table, left=0)]
    table = [[f"{r['row']:,}", *(plain_number(r[key]) for key in ("true", "predicted", "error"))] for r in rows]
    return [grid("largest errors", ["row", "true", "predicted", "error"], table, left=0)]
