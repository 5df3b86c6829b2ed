"""Callbacks that write the history down: CSV and TensorBoard."""

import csv
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassnet.errors import InvalidParameterError, WriteError
from glassnet.files.atomic import shown
from glassnet.training.callbacks import Callback, late

if TYPE_CHECKING:
    from glassnet.training.run import Run

__all__ = ["CSVLog", "TensorBoard"]


@dataclass
class CSVLog(Callback):
    """Write the history to a CSV file, a line an epoch, as the run goes on.

    >>> CSVLog("history.csv").path
    'history.csv'
    """

    path: str | Path
    _file: Any = field(default=None, repr=False, compare=False)
    _names: list[str] = field(default_factory=list, repr=False, compare=False)

    def on_train_begin(self, run: "Run") -> None:
        """Open the file; after a resume the epochs before are written again."""
        with self._explained():
            self._file = Path(self.path).open("w", newline="", encoding="utf-8")  # noqa: SIM115  closed in close()
        self._names = []
        for number, record in enumerate(run.history.records, start=1):
            self._write(number, record)

    @late
    def on_epoch_end(self, run: "Run", record: dict[str, float]) -> None:
        """Write a line."""
        self._write(run.history.epochs, record)

    def _write(self, number: int, record: dict[str, float]) -> None:
        writer = csv.writer(self._file)
        with self._explained():
            if not self._names:
                self._names = list(record)
                writer.writerow(["epoch", *self._names])
            writer.writerow([number, *(repr(float(record[n])) if n in record else "" for n in self._names)])
            self._file.flush()

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self, run: "Run") -> None:
        """Close the file."""
        if self._file is not None:
            with suppress(OSError):  # every line was flushed; a line that could not be has been reported
                self._file.close()
            self._file = None


@dataclass
class TensorBoard(Callback):
    """Write every number of the history as a TensorBoard scalar (needs `pip install 'glassnet[tensorboard]'`).

    >>> TensorBoard("runs/first").folder
    'runs/first'
    """

    folder: str | Path
    _writer: Any = field(default=None, repr=False, compare=False)

    def on_train_begin(self, run: "Run") -> None:
        """Open the log folder."""
        try:
            from tensorboardX import SummaryWriter  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise InvalidParameterError(
                "TensorBoard needs tensorboardX, which is not installed: pip install 'glassnet[tensorboard]'"
            ) from error
        again = run.history.epochs + 1 if run.history.epochs else None  # epochs lost in a crash are written anew
        try:
            self._writer = SummaryWriter(str(self.folder), purge_step=again)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    @late
    def on_epoch_end(self, run: "Run", record: dict[str, float]) -> None:
        """Write one scalar for each column."""
        for name, value in record.items():
            self._writer.add_scalar(name, value, run.history.epochs)

    def close(self, run: "Run") -> None:
        """Flush and close."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _unwritable(path: str | Path, error: OSError) -> WriteError:
    return WriteError(f"cannot write the log {shown(path)}: {error.strerror}; choose another path")
