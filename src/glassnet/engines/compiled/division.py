"""How a batch is divided among threads."""

from dataclasses import dataclass

from glassnet.network.architecture import Architecture

__all__ = ["Division"]

_BLOCK = 256  # rows of a block, unless a batch must stay whole,
_PART_BLOCK = 128  # or threads take parts of it
_PARTS = 8  # parts, at most
_COLUMN, _ROW = 100, 2000  # operations that a number of a row, and a row, cost beside the products: a rough guess
_PART_STEP = 2e6  # operations of a step above which a second thread pays for parts,
_SHARED_STEP = 3e6  # and for sharing blocks, counting products alone
_TRAVEL = 0.21  # numbers that rows leave, for each parameter that travels instead of them
_MOST_PARAMETERS = 1 << 17  # of which every part has a gradient


@dataclass(frozen=True)
class Division:
    """Blocks of so many rows, and how threads share the work.

    `parts` 0: all threads share each block. Else the batch is cut into so many parts, whatever the number of threads,
    each with a gradient of its own: then what travels between the cores is W and the gradient, once a step, and not
    half of every activation. `pays`: whether a second thread is worth its while.
    """

    block: int
    parts: int
    pays: bool

    @classmethod
    def of(cls, architecture: Architecture, batch: int, *, whole: bool) -> "Division":
        """For batches of so many examples, which may have to stay `whole`, in one block."""
        parameters, units = architecture.parameter_count, sum(layer.units for layer in architecture.dense)
        products = 6.0 * batch * parameters
        others = batch * (_COLUMN * (architecture.inputs + units) + _ROW)
        left = batch * (architecture.inputs + 3 * units)  # numbers that rows leave: inputs, z, a and delta
        shared = cls(batch if whole else min(batch, _BLOCK), 0, products >= _SHARED_STEP)
        if whole or products + others < _PART_STEP or parameters > min(_MOST_PARAMETERS, _TRAVEL * left):
            return shared
        if batch > _BLOCK:
            return cls(_PART_BLOCK, min(_PARTS, -(-batch // _PART_BLOCK)), pays=True)
        return cls(-(-batch // 16) * 8, 2, pays=True)
