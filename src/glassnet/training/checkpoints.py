"""Checkpoints: the whole training state in one file, with a fingerprint of the data and options it belongs to."""

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np

from glassnet.engines.base import Data, TrainState
from glassnet.errors import InvalidParameterError, ModelFileError, ResumeError
from glassnet.files.atomic import prove_writable, shown
from glassnet.files.container import read_container, write_container
from glassnet.formulas.registry import check_number
from glassnet.training.callbacks import Callback, late
from glassnet.training.history import History

if TYPE_CHECKING:
    from glassnet.training.run import Run

__all__ = ["Checkpoint", "data_digest", "load_checkpoint", "save_checkpoint"]


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    fingerprint: dict[str, str]
    step: Annotated[int, msgspec.Meta(ge=0)]
    epoch: Annotated[int, msgspec.Meta(ge=0)]
    factors: dict[str, float]
    counters: dict[str, dict[str, float | None]]
    columns: list[str]  # of the history, in order, which JSON objects would lose
    rows: list[list[float | None]]
    stopped: str
    finished: bool
    best_epoch: int | None


def data_digest(data: Data | None) -> str:
    """SHA-256 of shapes, dtypes and bytes of the data; "none" without data."""
    if data is None:
        return "none"
    digest = hashlib.sha256()
    for array in (data.X, data.Y, data.weights):
        digest.update(f"{None if array is None else (array.shape, array.dtype.str)}".encode())
        digest.update(b"" if array is None else np.ascontiguousarray(array).data)
    return digest.hexdigest()


def save_checkpoint(path: str | Path, state: TrainState, history: History, fingerprint: dict[str, str]) -> None:
    """Write state and history in one atomic step.

    Raises
    ------
    WriteError
        If the file cannot be written; the old one is still there.
    InvalidParameterError
        If a callback's counters hold anything but numbers.
    """
    tensors = {"theta": state.theta, "buffers": state.buffers, "slots": state.slots, "carried": state.carried}
    if state.best is not None:
        tensors |= {"best.theta": state.best[0], "best.buffers": state.best[1]}
    columns = list(dict.fromkeys(name for record in history.records for name in record))
    document = _Document(
        fingerprint,
        state.step,
        state.epoch,
        state.factors,
        _numbers(state.counters),
        columns,
        [[record.get(name) for name in columns] for record in history.records],
        history.stopped,
        history.finished,
        history.best_epoch,
    )
    write_container(path, tensors, msgspec.to_builtins(document), kind="checkpoint")


def _numbers(counters: dict[str, dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    try:
        return {
            owner: {name: None if value is None else float(value) for name, value in numbers.items()}
            for owner, numbers in counters.items()
        }
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(f"run.counters of a callback must hold numbers: {error}") from error


def load_checkpoint(
    path: str | Path, state: TrainState, history: History, fingerprint: dict[str, str], epochs: int | None = None
) -> None:
    """Put a checkpoint's state and history into these, in place; after an error nothing has changed.

    `epochs` is the planned length, which may not be less than what the checkpoint has done.

    Raises
    ------
    ModelFileError
        If the file is not a whole checkpoint of this network.
    ResumeError
        If it belongs to other data or other options; the message says which.
    """
    container = read_container(path, kind="checkpoint")
    try:
        document = msgspec.convert(container.document, _Document)
    except msgspec.ValidationError as error:
        raise ModelFileError(f"{shown(path)} is not a checkpoint that this version reads: {error}") from error
    _compare(path, document.fingerprint, fingerprint)
    if epochs is not None and document.epoch > epochs:
        raise ResumeError(
            f"cannot resume from {shown(path)}: it has done {document.epoch} epochs, more than epochs={epochs}; "
            "ask for more epochs, or train anew"
        )
    if any(len(row) != len(document.columns) for row in document.rows) or document.epoch != len(document.rows):
        raise ModelFileError(f"{shown(path)} is not a checkpoint that this version reads: its history is not whole")
    records = [{k: v for k, v in zip(document.columns, row, strict=True) if v is not None} for row in document.rows]
    tensors = container.tensors
    mine = {"theta": state.theta, "buffers": state.buffers, "slots": state.slots, "carried": state.carried}
    best = {"best.theta": state.theta, "best.buffers": state.buffers} if "best.theta" in tensors else {}
    for name, like in {**mine, **best}.items():
        theirs = tensors.get(name)
        if theirs is None or theirs.shape != like.shape or theirs.dtype != like.dtype:
            raise ModelFileError(f"{shown(path)}: tensor {name} does not fit the network")
    for name, array in mine.items():
        array[...] = tensors[name]
    state.best = (tensors["best.theta"].copy(), tensors["best.buffers"].copy()) if best else None
    state.step, state.epoch = document.step, document.epoch
    state.factors, state.counters = document.factors, document.counters
    history.records[:], history.stopped = records, document.stopped
    history.finished, history.best_epoch = document.finished, document.best_epoch


def _compare(path: str | Path, theirs: dict[str, str], ours: dict[str, str]) -> None:
    different: list[str] = []
    for key in {**ours, **theirs}:
        mine, other = ours.get(key, "none"), theirs.get(key, "none")
        if mine != other:
            what = key.replace("_", " ")
            different.append(what if "data" in key else f"{what} ({other} in the checkpoint, {mine} now)")
    if different:
        raise ResumeError(
            f"cannot resume from {shown(path)}, these are different: {', '.join(different)}; "
            "give the same data and options, or train anew"
        )


@dataclass
class Checkpoint(Callback):
    """Save the whole training state at epoch ends, at most once in `interval` seconds, and at the end of the run.

    Short epochs between which nothing needs to be done run on for about 0.1 s; the state is saved after the last.
    A run killed at any moment goes on from the last one with `fit(..., resume=path)` and ends with bit-identical
    weights (same machine and versions).

    >>> Checkpoint("run.checkpoint").interval
    1.0
    """

    path: str | Path
    interval: float = 1.0
    _last: float = field(default=0.0, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_number("Checkpoint", "interval", self.interval, 0)

    def on_train_begin(self, run: "Run") -> None:
        """Prove that the file can be written before hours of work depend on it."""
        prove_writable(self.path)
        self._last = time.monotonic()

    @late
    def on_epoch_end(self, run: "Run", record: dict[str, float]) -> None:
        """Save, unless the last save was less than `interval` ago, or the state is not that of the epoch's end."""
        if run.at_epoch_end and time.monotonic() - self._last >= self.interval:
            self._save(run)

    def on_train_end(self, run: "Run") -> None:
        """Save the end; a run that stopped inside an epoch keeps its last epoch's end."""
        if run.at_epoch_end:
            self._save(run)

    def _save(self, run: "Run") -> None:
        save_checkpoint(self.path, run.state, run.history, run.fingerprint())
        self._last = time.monotonic()
