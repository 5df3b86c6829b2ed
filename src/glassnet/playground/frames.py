"""Binary frames: a JSON header, then float32 arrays.

uint32 little endian   length of the header in bytes
header                 UTF-8 JSON, padded with spaces so that the arrays begin at a multiple of 4
arrays                 float32 little endian, one after the other, as `arrays` of the header names them
"""

import struct
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

__all__ = ["pack", "unpack"]

LENGTH = struct.Struct("<I")


def pack(kind: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> bytes:
    """One frame of type `kind`.

    >>> import numpy as np
    >>> frame = pack("snapshot", {"epoch": 2}, {"theta": np.array([1.0, 2.0])})
    >>> header, arrays = unpack(frame)
    >>> header["epoch"], arrays["theta"].tolist(), len(frame) % 4
    (2, [1.0, 2.0], 0)
    """
    given = {name: np.asarray(array, "<f4") for name, array in (arrays or {}).items()}
    shapes = [{"name": name, "shape": array.shape} for name, array in given.items()]
    text = msgspec.json.encode({"type": kind, **header, "arrays": shapes})  # NaN and infinity become null
    text += b" " * (-(LENGTH.size + len(text)) % 4)
    return b"".join([LENGTH.pack(len(text)), text, *(array.tobytes() for array in given.values())])


def unpack(frame: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a frame; ValueError if it is not whole."""
    if len(frame) < LENGTH.size:
        raise ValueError("not a frame: shorter than its length field")
    (length,) = LENGTH.unpack_from(frame)
    place = LENGTH.size + length
    if place > len(frame):
        raise ValueError("not a frame: the header is cut off")
    try:
        header = msgspec.json.decode(frame[LENGTH.size : place])
        shapes = [(item["name"], tuple(item["shape"])) for item in header["arrays"]]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise ValueError(f"not a frame: {error}") from error
    arrays: dict[str, np.ndarray] = {}
    for name, shape in shapes:
        count = int(np.prod(shape, dtype=np.int64))
        if place + 4 * count > len(frame):
            raise ValueError(f"not a frame: array {name} is cut off")
        arrays[name] = np.frombuffer(frame, "<f4", count, place).reshape(shape)
        place += 4 * count
    if place != len(frame):
        raise ValueError("not a frame: there is more than its arrays")
    return header, arrays
