"""Where the packed tiles of a matrix lie, and whether this computer has a unit to multiply them: see `packer`."""

import ctypes
import platform
import sys
from functools import cache

from glassnet.engines.compiled.machine_code import processor, vector_bytes

__all__ = [
    "DEEP",
    "DEPTH",
    "EDGE_BYTES",
    "FAR",
    "HIGH",
    "KEPT_BYTES",
    "LOW",
    "MIDDLE",
    "NEAR",
    "NEAR_BYTES",
    "PACKING_BYTES",
    "PIECES",
    "STRIP",
    "TILE",
    "TURN_BYTES",
    "WHOLE",
    "has_matrix_unit",
    "right_bytes",
]

STRIP = 16  # rows of the left matrix, or columns of the right one, in a tile
DEEP = 32  # steps of the sum in a tile
TILE = 1024  # bytes of a tile
PIECES = 3  # tiles for the digits of a float32, in this order
HIGH, MIDDLE, LOW = range(PIECES)
WHOLE = 2 * STRIP  # rows and columns of a block of C: two tiles by two, in four of the unit's eight registers
FAR, NEAR, DEPTH = 256, 32, 832  # rows of A, columns of B, and steps of k, that are packed at a time
KEPT_BYTES = 640 << 10  # of tiles of W that stay near while the rows of a prediction go by
EDGE_BYTES = 4 * WHOLE**2  # of a block of C that is made beside it,
TURN_BYTES = 4 * STRIP * DEEP  # and of a block that is turned before it is packed
NEAR_BYTES = NEAR // STRIP * (DEPTH // DEEP) * PIECES * TILE
FAR_BYTES = FAR // STRIP * (DEPTH // DEEP) * PIECES * TILE
PACKING_BYTES = (
    EDGE_BYTES + TURN_BYTES + 2 * NEAR_BYTES + FAR_BYTES
)  # two: of which one is packed while the other is used

_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA = 158, 0x1023, 18


def right_bytes(inputs: int, units: int) -> int:
    """Bytes for all tiles of W."""
    return -(-inputs // DEEP) * -(-units // STRIP) * PIECES * TILE


@cache
def has_matrix_unit() -> bool:
    """Whether this processor has AMX for bfloat16, and this process may use it."""
    if not {"+amx-tile", "+amx-bf16"} <= set(processor()[1].split(",")) or vector_bytes() != 64:
        return False
    return sys.platform == "linux" and platform.machine() == "x86_64" and _allowed()


def _allowed() -> bool:
    """Ask Linux, which wants to be asked once a process, since the unit's registers make a thread's state 8 KB larger.

    It refuses where a thread's stack for signals is too small for that.
    """
    return ctypes.CDLL(None).syscall(_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA) == 0
