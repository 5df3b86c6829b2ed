"""What `fit` says on stderr: the data, what was assumed, the network, how training ended, what to do next."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from glassnet.network.architecture import Dropout
from glassnet.training.callbacks import Callback

if TYPE_CHECKING:
    from glassnet.cli.fit import Fit
    from glassnet.cli.problems import Problem
    from glassnet.cli.screen import Screen
    from glassnet.cli.settings import Plan
    from glassnet.training.run import Run

__all__ = ["Announcer", "announce_next", "announce_training"]

MOST_NAMES = 10
KINDS = {"number": "numeric", "boolean": "true/false", "date": "date", "category": "categorical"}


class Announcer(Callback):
    """Say what is known, assumed and about to be trained, when nothing can be wrong with the options any more."""

    def __init__(self, screen: "Screen", problem: "Problem", plan: "Plan", *, verbose: bool) -> None:
        self._screen, self._problem, self._plan, self._verbose = screen, problem, plan, verbose
        self.model: Any = None

    def on_train_begin(self, run: "Run") -> None:
        """The data, the columns, the network, the way of training."""
        announce_problem(self._screen, self._problem, self._plan)
        announce_columns(self._screen, self.model.preprocessing_, verbose=self._verbose)
        announce_network(self._screen, run)


def announce_problem(screen: "Screen", problem: "Problem", plan: "Plan") -> None:
    """The data, the task and why, and the split."""
    source, sizes = problem.source, problem.sizes
    columns = f"{counted(source.frame.width - 1, 'column')} beside the target"
    screen.note("data", f"{source.name} ({source.description}), {source.frame.height:,} rows, {columns}")
    classes = f": {listed(problem.classes)}" if problem.classes else ""
    screen.note("task", f"{problem.task} of '{problem.target}', {problem.why}{classes}")
    if problem.without_target:
        screen.warn(f"{counted(problem.without_target, 'row')} without '{problem.target}' left out")
    how = ", stratified" if problem.classes else ", alike in the target"
    screen.note("split", ", ".join(f"{n:,} {part}" for part, n in sizes.items() if n) + f" (seed {plan.seed}{how})")
    if problem.duplicates:
        rows = counted(problem.duplicates, "row")
        screen.warn(f"{rows} of the validation and test parts stand, the same, in an earlier part: scores may flatter")


def announce_columns(screen: "Screen", preprocessing: Any, *, verbose: bool) -> None:
    """What was done with the columns: kinds, missing values, what was dropped and why."""
    from glassnet.cli.screen import grid, put
    from glassnet.tables import describe

    rows = describe(preprocessing)
    kinds = {word: sum(kind == name for _, kind, _ in rows) for name, word in KINDS.items()}
    used = ", ".join(counted(n, f"{word} column") for word, n in kinds.items() if n)
    filled = sum(name.endswith(" is missing") for name in preprocessing.feature_names)
    gaps = f"; gaps filled and marked in {filled:,}" if filled else ""
    screen.note(
        "columns",
        f"{used} to {counted(len(preprocessing.feature_names), 'input')}, scaling {preprocessing.scaling}{gaps}",
    )
    reasons: dict[str, list[str]] = {}
    for column in preprocessing.dropped:
        reasons.setdefault(column.why.split(":")[0], []).append(f"'{column.name}'")
    for why, names in reasons.items():
        screen.note("", f"left out: {listed(names)} ({why})")
    if verbose and not screen.quiet:
        put(sys.stderr, grid("columns", ["column", "kind", "becomes"], rows, left=3))


def announce_network(screen: "Screen", run: "Run") -> None:
    """The network, the engine and the optimizer."""
    architecture, program = run.program.architecture, run.program
    hidden = sorted({layer.activation for layer in architecture.dense[:-1]})
    hidden += sorted({f"dropout {layer.rate}" for layer in architecture.layers if isinstance(layer, Dropout)})
    output = f"{architecture.output.activation} output, {architecture.loss}"
    screen.note(
        "network",
        f"{'-'.join(map(str, architecture.sizes))}, {', '.join([*hidden, output])}, "
        f"{architecture.parameter_count:,} parameters, {architecture.dtype}",
    )
    batches = f"batches of {program.batch_size:,}"
    rule, rate = program.optimizer, program.optimizer.learning_rate
    how = str(run.solver) if run.solver is not None else f"{rule.name}, learning rate {rate}, {batches}"
    on = f", going on after epoch {run.state.epoch:,}" if run.state.epoch else ""
    screen.note("training", f"{how}, at most {counted(run.epochs, 'epoch')}, engine {run.engine.name}{on}")


def counted(n: int, what: str) -> str:
    """A number with its noun.

    >>> counted(1, "row"), counted(1200, "category column")
    ('1 row', '1,200 category columns')
    """
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def listed(names: Sequence[Any]) -> str:
    """The first names.

    >>> listed(range(12))
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 … (12 in all)'
    """
    shown = ", ".join(map(str, names[:MOST_NAMES]))
    return shown if len(names) <= MOST_NAMES else f"{shown} … ({len(names)} in all)"


def announce_training(screen: "Screen", model: Any) -> None:
    """How the run ended."""
    history = model.history_
    best = f"; the weights are the best ones, of epoch {history.best_epoch}" if history.best_epoch else ""
    reason = "" if history.stopped.startswith("after") else f", {history.stopped.replace('_', ' ')}"
    screen.note("done", f"{counted(history.epochs, 'epoch')} in {history.seconds:.1f} s{reason}{best}")


def announce_next(screen: "Screen", fit: "Fit") -> None:
    """What to do now."""
    if sys.stderr.isatty() and not screen.quiet:
        print(file=sys.stderr)
    if fit.out is None:
        screen.note("next", "keep the model: --out model.glassnet; then: glassnet predict model.glassnet DATA")
    else:
        screen.note("next", f"glassnet predict {fit.out} DATA; glassnet evaluate {fit.out} DATA")
