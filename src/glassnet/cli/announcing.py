"""What `fit` says on stderr: the data, what was assumed, the network, how training ended, what to do next."""

from typing import TYPE_CHECKING, Any

from glassnet.training.callbacks import Callback

if TYPE_CHECKING:
    from glassnet.cli.fit import Fit
    from glassnet.cli.problems import Problem
    from glassnet.cli.screen import Screen
    from glassnet.cli.settings import Plan
    from glassnet.training.loop import Run

__all__ = ["announce_next", "announce_problem", "announce_training", "announcer"]

MOST_CLASSES = 10


def announce_problem(screen: "Screen", problem: "Problem", plan: "Plan") -> None:
    """The data, the task and why, and the split."""
    source, sizes = problem.source, problem.sizes
    screen.note(
        "data",
        f"{source.name} ({source.description}): {source.frame.height:,} rows, {source.frame.width - 1:,} columns "
        f"beside the target",
    )
    screen.note("task", f"{problem.task} of '{problem.target}' ({problem.why}){_classes(problem)}")
    if problem.without_target:
        screen.warn(f"{problem.without_target:,} rows have no '{problem.target}' and were left out")
    how = ", stratified" if problem.classes else ""
    screen.note("split", ", ".join(f"{n:,} {part}" for part, n in sizes.items() if n) + f" (seed {plan.seed}{how})")
    if problem.duplicates:
        rows = "1 row" if problem.duplicates == 1 else f"{problem.duplicates:,} rows"
        screen.warn(f"{rows} of the validation and test parts stand in an earlier part too: the scores flatter")


def _classes(problem: "Problem") -> str:
    if not problem.classes:
        return ""
    shown = ", ".join(map(str, problem.classes[:MOST_CLASSES])) + (", …" if len(problem.classes) > MOST_CLASSES else "")
    return f"; {len(problem.classes)} classes: {shown}"


class Announcer(Callback):
    """Say what will be trained, just before it is."""

    def __init__(self, screen: "Screen") -> None:
        self._screen = screen

    def on_train_begin(self, run: "Run") -> None:
        """The network, the engine and the optimizer."""
        architecture, program = run.program.architecture, run.program
        shape = "-".join(str(n) for n in architecture.sizes)
        hidden = {layer.activation for layer in architecture.dense[:-1]}
        self._screen.note(
            "network",
            f"{shape}, {', '.join(sorted(hidden)) or 'no hidden layer'}, {architecture.output.activation} output, "
            f"{architecture.parameter_count:,} parameters, {architecture.loss}, {architecture.dtype}",
        )
        rule = run.solver if run.solver is not None else program.optimizer
        self._screen.note(
            "training",
            f"{rule}, batches of {program.batch_size:,}, at most {run.epochs:,} epochs, engine {run.engine.name}"
            + (f", going on after epoch {run.state.epoch}" if run.state.epoch else ""),
        )


def announcer(screen: "Screen") -> Callback:
    """The callback that announces the network."""
    return Announcer(screen)


def announce_training(screen: "Screen", model: Any) -> None:
    """How the run ended."""
    history = model.history_
    best = f"; weights of epoch {history.best_epoch}" if history.best_epoch else ""
    screen.note("done", f"{history.epochs:,} epochs in {history.seconds:.1f} s: {history.stopped}{best}")


def announce_next(screen: "Screen", fit: "Fit") -> None:
    """What to do now."""
    if fit.out is None:
        screen.note("next", "keep the model with --out model.glassnet, then: glassnet predict model.glassnet DATA")
    else:
        screen.note("next", f"glassnet predict {fit.out} DATA; glassnet evaluate {fit.out} DATA")
