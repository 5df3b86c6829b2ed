"""Progress on stderr: a bar with the time left on a terminal, one line an epoch elsewhere. stdout is for data."""

import os
import statistics
import sys
from typing import TYPE_CHECKING, Any

from glassnet.training.callbacks import Callback, late

if TYPE_CHECKING:
    from glassnet.training.run import Run

__all__ = ["Progress"]

_SHOWN = ("loss", "validation_loss", "validation_accuracy", "accuracy", "validation_r2", "r2")
_RECENT = 20  # epochs from which the time left is estimated


def summary(record: dict[str, float]) -> str:
    """The numbers of an epoch that a reader wants to see.

    >>> summary({"loss": 0.51234567, "learning_rate": 0.1})
    'loss 0.5123'
    """
    return "  ".join(f"{name} {record[name]:.4g}" for name in _SHOWN if name in record)


def short(record: dict[str, float]) -> str:
    """The two numbers that fit beside a bar in 80 columns: the loss that is watched, and the first metric.

    >>> short({"loss": 0.5, "validation_loss": 0.51234567, "validation_accuracy": 0.9})
    'loss 0.512  accuracy 0.9'
    """
    prefix = "validation_" if "validation_loss" in record else ""
    shown = [name for name in _SHOWN if name == f"{prefix}loss" or (name.startswith(prefix) and "loss" not in name)]
    return "  ".join(f"{name.removeprefix(prefix)} {record[name]:.3g}" for name in shown if name in record)


class Progress(Callback):
    """Show how far the run is. NO_COLOR is honoured.

    `fit(..., verbose=1)` adds it.

    >>> from glassnet import Dense, Network
    >>> history = Network(1, [Dense(1)]).fit([[0.0], [1.0]], [0.0, 1.0], epochs=2, callbacks=[Progress()])
    """

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._first = 0

    def on_train_begin(self, run: "Run") -> None:
        """Draw the bar, if there is a terminal."""
        self._first = run.history.epochs
        if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[numbers]}"),
            console=Console(stderr=True),
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),  # else data would land on stderr
        )
        self._task = self._bar.add_task("training", total=run.epochs, completed=run.state.epoch, numbers="")
        self._bar.start()

    def on_slice_end(self, run: "Run", done: float) -> None:
        """Move the bar inside an epoch."""
        if self._bar is not None:
            self._bar.update(self._task, completed=run.state.epoch + done)

    @late
    def on_epoch_end(self, run: "Run", record: dict[str, float]) -> None:
        """Move the bar, or print a line. The first epoch, which may make machine code, tells nothing of the rest."""
        number = run.history.epochs
        if self._bar is not None:
            if number == self._first + 1:
                self._bar.reset(self._task, completed=number)
            self._bar.update(
                self._task, description=f"epoch {number}/{run.epochs}", completed=number, numbers=short(record)
            )
            return
        if sys.stderr is None:
            return
        some = [record["seconds"] for record in run.history.records[max(self._first, number - _RECENT) : number]]
        left = f"  {statistics.median_low(some) * (run.epochs - number):.0f} s left" if len(some) > 1 else ""
        print(f"epoch {number}/{run.epochs}  {summary(record)}{left}", file=sys.stderr, flush=True)

    def close(self, run: "Run") -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
