"""`glassnet evaluate MODEL DATA`: scores, and where the model is wrong."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from glassnet.cli.options import DATA, OUTPUT, Data, Json, Model, Noise, Quiet, Rows, option

if TYPE_CHECKING:
    from glassnet.cli.screen import Screen

__all__ = ["Evaluate"]


@dataclass(frozen=True)
class Evaluate:
    """Judge a model on a table that has the target: scores, confusions, and the worst errors.

    Rows are counted from 1, the header not counted.
    """

    model: Model
    data: Data
    worst: Annotated[str, option("--worst", value="K", panel=OUTPUT, help="How many of the worst rows to list.")] = "10"
    noise: Noise = None
    rows: Rows = None
    seed: Annotated[str, option("--seed", value="N", panel=DATA, help="Of the points of a toy problem.")] = "0"
    json: Json = False
    quiet: Quiet = False

    def run(self) -> int:
        """Load, predict, compare."""
        from glassnet.cli.announcing import counted
        from glassnet.cli.models import load_table, read_for, rows_with_target
        from glassnet.cli.rules import whole
        from glassnet.cli.screen import Screen

        most = whole("--worst", self.worst, 0)
        screen = Screen(json=self.json, quiet=self.quiet)
        model = load_table(self.model)
        source = read_for(model, self.data, noise=self.noise, rows=self.rows, seed=self.seed)
        X, y, places = rows_with_target(model, source)
        if len(places) < source.frame.height:
            screen.warn(f"{counted(source.frame.height - len(places), 'row')} without '{y.name}' left out")
        report = judged(model, X, y, places, source.name, most)
        screen.note("data", f"{source.name} ({source.description}): {len(places):,} rows")
        show(screen, report)
        screen.document({"model": self.model, "data": source.name, "rows": len(places), **report})
        return 0


def judged(model: Any, X: Any, y: Any, places: Any, source: str, most: int) -> dict[str, Any]:
    """Scores and worst errors; `places` are the rows in the file, from 0."""
    from glassnet.estimators import judging

    if hasattr(model, "classes_"):
        codes, classes = model.target_.encode(y, source), model.classes_.tolist()
        P = model.predict_proba(X, source=source)
        scores = judging.class_scores(codes, P, classes)
        worst = judging.worst_classes(codes, P, classes, most)
        report = {"task": "classification", **scores}
        report["most_confused"] = judging.confused_pairs(scores["confusion_matrix"], classes)
    else:
        truth, found = judging.true_numbers(model, y, source), model.predict(X, source=source)
        worst = judging.worst_numbers(truth, found, most)
        report = {"task": "regression", **judging.number_scores(truth, found)}
    report["worst"] = [{**row, "row": int(places[row["row"] - 1]) + 1} for row in worst]
    return report


def show(screen: "Screen", report: dict[str, Any]) -> None:
    """Tables on stdout."""
    from glassnet.cli import results

    screen.show(results.comparison("scores", {"network": report}))
    if report["task"] == "classification":
        screen.show(results.per_class(report), *results.confusions(report))
        if len(report["classes"]) <= results.MOST_CLASSES:
            screen.show(*results.confused(report))
    screen.show(*results.worst(report["worst"]))
