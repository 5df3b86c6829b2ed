"""The steps of a run, cut into slices for the engine: order of the examples, batches, scheduled values."""

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.engines.base import Slice
from glassnet.formulas.randomness import generators
from glassnet.training.run import Run

__all__ = ["Slices", "epoch_order"]

_SECONDS = 0.1  # of a slice, so that Ctrl-C and progress work;
_COPIES, _MOST_SECONDS = 2.4e-7, 0.5  # more for many numbers of a state, whose copies then take a hundredth of it
_FIRST, _GROWTH = 4, 32  # steps of the first slice, and how much longer the next one may be
_MOST_STEPS, _MOST_EXAMPLES = 8_192, 1_000_000  # of a slice: what the cache holds is drawn fastest


def epoch_order(seed: int, epoch: int, n: int) -> np.ndarray:
    """The order (n,) of the examples in an epoch (from 0): a permutation that seed and epoch alone determine.

    >>> sorted(epoch_order(0, epoch=3, n=5).tolist())
    [0, 1, 2, 3, 4]
    """
    return generators(seed, "order")(epoch).permutation(n)


class Slices:
    """Cuts the steps of a run, counted from 0, into slices of about 0.1 s, or up to 0.5 s for many parameters.

    A slice lies within an epoch or ends with one, and then may go over the ends of epochs before: of at most `epochs`
    epochs in all. With `single` it is one step. `seconds` is how long a slice should take.
    """

    def __init__(self, run: Run, *, single: bool, seconds: float | None = None) -> None:
        state = run.state.theta.size + run.state.slots.size
        self._seconds = max(_SECONDS, min(_COPIES * state, _MOST_SECONDS)) if seconds is None else seconds
        self._run, self.epochs = run, 1
        self._n, self._size = len(run.data), min(run.program.batch_size, len(run.data))
        self.per_epoch = -(-self._n // self._size)
        sizes = np.minimum(self._size, self._n - self._size * np.arange(self.per_epoch, dtype=np.float64))
        self.shares = np.stack(
            [sizes, np.ones(self.per_epoch), sizes]
        )  # of a step's loss, norm, penalties in its epoch
        self._most = 1 if single else max(1, min(_MOST_STEPS, _MOST_EXAMPLES // self._size))
        self._wanted = min(_FIRST, self._most)
        self._marks: tuple[Any, ...] = (-1, -1)
        self._orders_of, self._drawn = run.orders or self._shuffled(run.program.seed), (-1, np.empty(0, np.int64))

    def _shuffled(self, seed: int) -> Callable[[int], np.ndarray]:
        generator = generators(seed, "order")
        return lambda epoch: generator(epoch).permutation(self._n)

    def cut(self, first: int, most: int | None = None) -> Slice:
        """The next slice, from step `first` on; of at most so many steps, and then it may end anywhere."""
        run = self._run
        epoch, start = divmod(first, self.per_epoch)
        length = self._length(start)
        stop = start + (length if most is None else min(length, most))
        if self._marks[:2] != (start, stop):
            self._marks = start, stop, *self._marked(start, stop)
        bounds, epochs, within = self._marks[2:]
        times = epoch + epochs + within
        return Slice(
            self._orders(epoch, -(-stop // self.per_epoch), bounds[0], bounds[-1]),
            bounds - bounds[0],
            run.values("learning_rate", times),
            run.values("weight_decay", times),
            run.dropout_rates(times),
        )

    def _marked(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the steps from start to stop: where their examples begin and end, their epochs, and when within these."""
        epochs, within = np.divmod(np.arange(start, stop + 1), self.per_epoch)
        return epochs * self._n + within * self._size, epochs[:-1], within[:-1] / self.per_epoch

    def took(self, steps: int, seconds: float) -> None:
        """Let the measured time of a slice decide the length of the next."""
        wanted = min(_GROWTH * self._wanted, int(steps * self._seconds / max(seconds, 1e-9)))
        self._wanted = max(1, min(wanted, self._most))

    def _length(self, start: int) -> int:
        left = self.per_epoch - start
        if self._wanted < left:
            return -(-left // -(-left // self._wanted))  # in equal parts: what begins and ends a slice has its cost
        return left + min((self._wanted - left) // self.per_epoch, self.epochs - 1) * self.per_epoch

    def _orders(self, epoch: int, epochs: int, start: int, stop: int) -> np.ndarray | None:
        """Entries start to stop of the orders of some epochs; a batch of all examples needs none."""
        if self.per_epoch == 1:
            return None
        orders = [self._order(epoch + i) for i in range(epochs)]
        order = orders[0] if epochs == 1 else np.concatenate(orders)
        return order[start:stop]

    def _order(self, epoch: int) -> np.ndarray:
        if self._drawn[0] != epoch:
            self._drawn = epoch, self._orders_of(epoch)
        return self._drawn[1]
