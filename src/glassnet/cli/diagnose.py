"""`glassnet diagnose DATA`: the lectures' debugging checklist, for data, a network and its training."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

from glassnet.cli.fit import Learning
from glassnet.cli.options import DATA, OUTPUT, Json, Quiet, option

if TYPE_CHECKING:
    from glassnet.cli.screen import Screen
    from glassnet.cli.settings import Plan

__all__ = ["Diagnose"]


@dataclass(frozen=True)
class Diagnose(Learning):
    """Go through the lectures' debugging checklist: data, first pass, first steps; say what is wrong and what to do.

    Takes the options of `fit` and trains copies for some seconds; ends with exit code 1 where something is wrong.
    """

    model: Annotated[
        str | None,
        option(
            "--model", value="MODEL", panel=DATA, help="Diagnose this trained model with DATA, not a fresh network."
        ),
    ] = None
    figure: Annotated[
        str | None,
        option("--figure", value="FILE", panel=OUTPUT, help="Draw what was measured: .png, .svg or .pdf."),
    ] = None
    json: Json = False
    quiet: Quiet = False
    verbose: Annotated[
        bool, option("--verbose", "-v", panel=OUTPUT, help="Each check with its rule, source and numbers.")
    ] = False

    def run(self) -> int:
        """Read, go through the checklist, report."""
        from glassnet.cli import settings
        from glassnet.cli.screen import Screen

        plan = settings.read_plan(self)
        _prove_figure(self)
        screen = Screen(json=self.json, quiet=self.quiet)
        diagnosis, name = (_of_model if self.model is not None else _of_data)(self, plan, screen)
        show(screen, diagnosis, verbose=self.verbose)
        if self.figure is not None:
            diagnosis.save_figure(self.figure)
            screen.note("figure", self.figure)
        screen.document({"data": name, "model": self.model, "figure": self.figure, **diagnosis.as_dict()})
        return 0 if diagnosis.healthy else 1


def _prove_figure(command: Diagnose) -> None:
    """Refuse a path that cannot be written, or a missing library, before anything is measured."""
    from pathlib import Path

    from glassnet.cli.names import for_option
    from glassnet.diagnosis.figure import check
    from glassnet.errors import InvalidParameterError
    from glassnet.files.atomic import prove_writable

    if command.figure is None:
        return
    for name, path in (("DATA", command.data), ("--test", command.test), ("--model", command.model)):
        if path is not None and Path(path).resolve() == Path(command.figure).resolve():
            raise InvalidParameterError(f"--figure and {name} are the same file {path}; choose another name")
    with for_option("--figure"):
        check(command.figure)
        prove_writable(command.figure)


def _of_data(command: Diagnose, plan: "Plan", screen: "Screen") -> tuple[Any, str]:
    """A fresh network, as `fit` would begin with it."""
    from glassnet import TableClassifier, TableRegressor, diagnose
    from glassnet.cli.announcing import announce_problem
    from glassnet.cli.problems import read_problem
    from glassnet.cli.training import in_options
    from glassnet.errors import InvalidParameterError

    problem = read_problem(command, plan)
    announce_problem(screen, problem, plan)
    kind = TableClassifier if problem.task == "classification" else TableRegressor
    try:
        found = diagnose(kind(**plan.parameters), *problem.training, validation=problem.validation, test=problem.test)
    except InvalidParameterError as error:
        raise InvalidParameterError(in_options(str(error))) from error
    return found, problem.source.name


ITS_OWN = frozenset(
    {"target", "task", "test", "categorical", "numeric", "drop", "weights", "scaling", "hidden", "activation", "loss",
     "dropout", "batch_norm", "initializer", "l1", "l2", "dtype", "label_smoothing", "engine", "threads"}
)  # fmt: skip
"""Options that a model has settled when it is trained."""


def _of_model(command: Diagnose, plan: "Plan", screen: "Screen") -> tuple[Any, str]:
    """A trained model as it stands, with the options of training that it was saved with, or that are given."""
    from glassnet import diagnose
    from glassnet.cli.models import load_table, read_for, rows_with_target
    from glassnet.errors import InvalidParameterError
    from glassnet.tables import split_rows

    for each in fields(Learning):
        if each.name in ITS_OWN and getattr(command, each.name) != each.default:
            option_name = f"--{each.name.replace('_', '-')}"
            raise InvalidParameterError(f"{option_name}: the model has its own; leave {option_name} or --model out")
    model = load_table(str(command.model))
    given = {name: value for name, value in plan.parameters.items() if name not in ("batch_norm", "random_state")}
    model.set_params(**given)
    source = read_for(model, command.data, noise=command.noise, rows=command.rows, seed=command.seed)
    X, y, _ = rows_with_target(model, source)
    screen.note("data", f"{source.name}, {len(X):,} rows with a target")
    shares = (1 - plan.validation, plan.validation)
    kept, held = split_rows(len(X), fractions=shares, seed=plan.seed, source=source.name)
    validation = (X[held], y[held]) if len(held) else None
    return diagnose(model, X[kept], y[kept], validation=validation), source.name


COLOURS = {"fine": "green", "look": "yellow", "wrong": "bold red", "skipped": "dim"}
STAGES = {"data": "the data", "start": "the first pass", "steps": "the first steps"}


def show(screen: "Screen", diagnosis: Any, *, verbose: bool) -> None:
    """A block for each stage, a line for each check, what to do below it; then the summary."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    for stage, title in STAGES.items():
        table = Table.grid(padding=(0, 2))
        table.add_column(min_width=7)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for finding in diagnosis.findings:
            if finding.stage != stage:
                continue
            verdict = Text(finding.verdict, COLOURS[finding.verdict])
            table.add_row(verdict, finding.title, finding.meaning)
            for label, text in _more(finding, verbose):
                table.add_row("", Text(label, "dim", justify="right"), Text(text, "" if label == "do" else "dim"))
        screen.show(Group("", Text(title, "bold"), table))
    screen.show(Group("", Text(diagnosis.summary, "bold" if diagnosis.healthy else "bold red")))


def _more(finding: Any, verbose: bool) -> list[tuple[str, str]]:
    lines = [("do", finding.advice)] if finding.advice else []
    if verbose:
        from glassnet.diagnosis.findings import number_text

        numbers = ", ".join(f"{name} {number_text(value)}" for name, value in finding.numbers.items())
        lines += [("rule", finding.rule), ("source", finding.source), *([("numbers", numbers)] if numbers else [])]
    return lines
