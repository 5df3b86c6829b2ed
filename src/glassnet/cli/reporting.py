"""The results of `fit`: scores on the test rows beside the baselines, as tables and as one JSON document."""

from typing import TYPE_CHECKING, Any

from glassnet.cli import results

if TYPE_CHECKING:
    from glassnet.cli.fit import Fit
    from glassnet.cli.problems import Problem
    from glassnet.cli.screen import Screen
    from glassnet.cli.settings import Plan

__all__ = ["document", "judged", "show"]

Report = dict[str, Any]


def judged(model: Any, problem: "Problem") -> Report:
    """Scores on the test rows: `test` of the network, `baselines` of the simple models."""
    from glassnet.estimators.judging import baselines, evaluation

    if problem.test is None:
        return {"test": None, "baselines": {}}
    return {
        "test": evaluation(model, *problem.test, source="the test rows"),
        "baselines": baselines(model, problem.training, problem.test),
    }


def show(screen: "Screen", problem: "Problem", report: Report) -> None:
    """Tables on stdout."""
    scores = report["test"]
    if scores is None:
        return
    n, rivals = problem.sizes["test"], dict(reversed(report["baselines"].items()))
    screen.show(results.comparison(f"{n:,} test rows, unseen in training", {"network": scores, **rivals}))
    if problem.classes:
        screen.show(*results.confusions(scores))


def document(fit: "Fit", model: Any, problem: "Problem", plan: "Plan", report: Report) -> Report:
    """The JSON document."""
    history, architecture = model.history_, model.network_.architecture
    return {
        "task": problem.task,
        "data": problem.source.name,
        "target": problem.target,
        "classes": list(problem.classes) or None,
        "rows": sum(problem.sizes.values()),
        "split": problem.sizes,
        "rows_without_target": problem.without_target,
        "shared_duplicates": problem.duplicates,
        "inputs": list(model.preprocessing_.feature_names),
        "dropped": {column.name: column.why for column in model.preprocessing_.dropped},
        "network": {
            "sizes": list(architecture.sizes),
            "parameters": architecture.parameter_count,
            "loss": architecture.loss,
        },
        "engine": history.engine,
        "seed": plan.seed,
        "epochs": history.epochs,
        "best_epoch": history.best_epoch,
        "stopped": history.stopped,
        "train_seconds": history.seconds,
        "model": fit.out,
        **report,
    }
