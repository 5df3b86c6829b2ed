"""Several optimizers from the same initial weights, beside the main run."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glassnet.playground.frames import pack
from glassnet.playground.limits import RefusedError
from glassnet.playground.setup import Setup, merged
from glassnet.playground.tabular import Table
from glassnet.playground.trainer import StoppedError, Trainer

__all__ = ["Race"]

POINTS = 100  # of each curve


class Race:
    """Trainers with the same setup but their optimizers, moved on in turn so that their curves grow together."""

    def __init__(
        self, setup: Setup, tables: Mapping[str, Table], optimizers: Sequence[Mapping[str, Any]], epochs: int
    ) -> None:
        self.epochs, self.done = epochs, 0
        self.stopped = False  # set by another thread to end it soon
        self.names: list[str] = []
        self.trainers: list[Trainer] = []
        self.failed: dict[int, str] = {}
        for i, optimizer in enumerate(optimizers):
            try:
                one = merged(setup, {"optimizer": dict(optimizer)})
                self.trainers.append(Trainer(one, tables))
            except RefusedError as error:
                raise RefusedError(f"optimizers.{i}: {error}", f"optimizers.{i}") from None
            self.names.append(str(one.optimizer["name"]))

    @property
    def finished(self) -> bool:
        """Whether all have come to the end, or to a NaN."""
        return self.stopped or self.done >= self.epochs or len(self.failed) == len(self.trainers)

    def advance(self) -> None:
        """Each of them as many epochs as there are between two points of a curve."""
        count = min(math.ceil(self.epochs / POINTS), self.epochs - self.done)
        for i, trainer in enumerate(self.trainers):
            if i in self.failed:
                continue
            try:
                goal = (self.done + count) * trainer.slices.per_epoch
                while trainer.first < goal and not self.stopped:
                    trainer.advance(goal - trainer.first, record=False)
                trainer.judge()
            except StoppedError as stopped:
                self.failed[i] = stopped.tensor
        self.done += count

    def frame(self, number: int) -> bytes:
        """The curves so far: array `curve0` (k, 5) and so on, in the columns of the history."""
        header = {
            "id": number,
            "names": self.names,
            "optimizers": [trainer.setup.optimizer for trainer in self.trainers],
            "epoch": self.done,
            "epochs": self.epochs,
            "finished": self.finished,
            "failed": {str(i): tensor for i, tensor in self.failed.items()},
        }
        curves = {f"curve{i}": np.array(trainer.rows).reshape(-1, 5) for i, trainer in enumerate(self.trainers)}
        return pack("race", header, curves)
