"""Where the parameters lie in the engine's own copies: W of wide layers chunk by chunk, of narrow ones turned; and
which products go to the matrix unit.
"""

import numpy as np

from glassnet.engines.compiled.machine_code import vector_bytes
from glassnet.engines.compiled.packing import has_matrix_unit
from glassnet.network.architecture import Architecture
from glassnet.network.parameters import parameter_layout

__all__ = ["Mirror", "chunk_of", "is_narrow", "is_packed"]

_PACKED = 1 / 32  # 1/inputs + 1/units + 1/rows up to which packing pays: what is packed, for each multiplication


def chunk_of(columns: int) -> int:
    """Into what chunks of columns a wide layer's tensors are shared out; 0 for one that is not wide."""
    return 64 if columns >= 128 else 0


def is_narrow(dtype: str, inputs: int, units: int) -> bool:
    """Whether a layer has so few units that training multiplies along its inputs: W is kept as (units, inputs)."""
    return units <= 12 and inputs * (4 if dtype == "float32" else 8) >= vector_bytes()


def is_packed(dtype: str, inputs: int, units: int, rows: int, *, training: bool) -> bool:
    """Whether a layer's products with blocks of so many rows go to the processor's matrix unit."""
    if dtype != "float32" or (training and is_narrow(dtype, inputs, units)) or not has_matrix_unit():
        return False
    return 1 / inputs + 1 / units + 1 / rows <= _PACKED


class Mirror:
    """A vector of the network's, theirs (..., P), and one of the engine's own, mine, for the same numbers.

    All but the W that are moved lies as in the network's vector.
    """

    def __init__(self, architecture: Architecture, theirs: np.ndarray, mine: np.ndarray) -> None:
        self.theirs, self.pairs = theirs, []
        above, done = theirs.shape[:-1], 0
        for piece in parameter_layout(architecture).slices:
            if not piece.is_weight:
                continue
            start, stop, (outputs, inputs) = piece.start, piece.stop, piece.shape
            chunk = chunk_of(outputs) or int(is_narrow(architecture.dtype, inputs, outputs))  # turned: by columns
            if not chunk:
                continue
            self.pairs.append((theirs[..., done:start], mine[..., done:start]))
            W, done = theirs[..., start:stop].reshape(*above, inputs, outputs), stop
            for c in range(0, outputs, chunk):
                columns = min(chunk, outputs - c)
                part = mine[..., start + c * inputs : start + (c + columns) * inputs]
                self.pairs.append((W[..., c : c + columns], part.reshape(*above, inputs, columns)))
        self.pairs.append((theirs[..., done:], mine[..., done:]))

    def take(self) -> None:
        """Copy from the network's vector to the engine's."""
        for theirs, mine in self.pairs:
            mine[...] = theirs

    def give(self) -> None:
        """Copy back."""
        for theirs, mine in self.pairs:
            theirs[...] = mine
