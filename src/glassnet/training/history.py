"""What a training run leaves behind: one record an epoch, and why it ended."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["History"]


@dataclass
class History(Mapping[str, list[float]]):
    """Per epoch: loss, validation_loss, metrics, penalty, learning_rate, gradient_norm, seconds.

    `history["loss"]` is a list with one number an epoch: the loss L averaged over the epoch's steps as they were taken,
    while the weights moved. `validation_loss` is L at the epoch's end. Neither holds the penalties, so that the two can
    be compared: these stand in `penalty`, averaged as the loss is, where there are any. `gradient_norm` is the mean
    over the steps, before clipping; `seconds` counts the epoch alone (epochs that ran without a stop share their time
    evenly). A callback may add columns: `record["norm"] = ...` in its `on_epoch_end`.

    `stopped` says why the run ended, `best_epoch` (from 1) where the monitored quantity was best, if one was, `engine`
    which engine ran, `finished` whether one of the run's own rules ended it (so that a resume has nothing left to do).

    >>> history = History(records=[{"loss": 2.0}, {"loss": 1.0}], stopped="after 2 epochs")
    >>> history["loss"], history.epochs
    ([2.0, 1.0], 2)
    """

    records: list[dict[str, float]] = field(default_factory=list)
    stopped: str = ""
    engine: str = ""
    best_epoch: int | None = None
    finished: bool = False

    @property
    def epochs(self) -> int:
        """Number of epochs done."""
        return len(self.records)

    @property
    def seconds(self) -> float:
        """Time of all epochs."""
        return float(sum(record.get("seconds", 0.0) for record in self.records))

    def __getitem__(self, name: str) -> list[float]:
        if not any(name in record for record in self.records):
            raise KeyError(f"no '{name}' in the history (it has: {', '.join(self)})")
        return [record[name] for record in self.records if name in record]

    def __iter__(self) -> Iterator[str]:
        return iter(self.records[0] if self.records else ())

    def __len__(self) -> int:
        return len(self.records[0]) if self.records else 0

    def __repr__(self) -> str:
        last = ", ".join(f"{k}={v:.4g}" for k, v in self.records[-1].items()) if self.records else "no epochs"
        return f"History({self.epochs} epochs; last: {last}; stopped {self.stopped})"
