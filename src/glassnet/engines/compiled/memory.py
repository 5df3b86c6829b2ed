"""Memory for machine code, and where it lies."""

import ctypes
import struct

import numpy as np

__all__ = ["LINE", "address", "aligned", "bits"]

LINE = 64  # bytes of a cache line: arrays begin at one


def address(array: np.ndarray) -> int:
    """Where an array lies; 0 for an empty one."""
    if not array.size:
        return 0
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, BufferError):  # read-only or with gaps: the slow way, 1 us
        return array.__array_interface__["data"][0]


def bits(x: float) -> int:
    """A float64 as the int64 of the same bits."""
    return struct.unpack("<q", struct.pack("<d", x))[0]


def aligned(count: int) -> np.ndarray:
    """Zeroed bytes that begin at a cache line."""
    raw = np.zeros(count + LINE, np.uint8)
    start = -address(raw) % LINE
    return raw[start : start + count]
