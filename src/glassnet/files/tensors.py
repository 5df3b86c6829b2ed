"""The tensors of a `.glassnet` file: few dtypes, plain names, finite numbers, on writing and on reading."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from glassnet.errors import ModelFileError

__all__ = ["DTYPES", "loaded", "saved"]

DTYPES = ("float32", "float64", "int64", "uint8")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")


def saved(tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the tensors as safetensors wants them: dense, rows first, little-endian.

    Raises
    ------
    ModelFileError
        A tensor that is no array, or breaks a rule of this module; the message names it.

    Examples
    --------
    >>> saved({"W1": np.array([[1.0, np.nan]])})
    Traceback (most recent call last):
    glassnet.errors.ModelFileError: cannot save tensor 'W1': it holds nan at [0, 1]; make every number finite
    """
    for name, tensor in tensors.items():
        fault = _fault(name, tensor)
        if fault:
            raise ModelFileError(f"cannot save tensor {name!r}: {fault}")
    return {n: np.asarray(t, dtype=t.dtype.newbyteorder("<"), order="C") for n, t in tensors.items()}


def loaded(data: bytes, source: str) -> dict[str, NDArray[Any]]:
    """Let safetensors read a file whose seal is right, and check each tensor as strictly as on writing.

    Returns
    -------
    dict of str to array
        Sorted by name; each array is writable memory of its own.

    Raises
    ------
    ModelFileError
        Shapes that do not fit the bytes, an unknown dtype, a bad name, a number that is not finite.

    Examples
    --------
    >>> from safetensors.numpy import save
    >>> loaded(save({"b1": np.zeros(2)}), "memory")
    {'b1': array([0., 0.])}
    """
    try:
        tensors = load(data)
    except (SafetensorError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise ModelFileError(f"{source} is inconsistent: {error}; save it again") from error
    for name, tensor in tensors.items():
        fault = _fault(name, tensor)
        if fault:
            raise ModelFileError(f"{source} is inconsistent: tensor {name!r}: {fault}")
    return {name: t if t.flags.writeable else t.copy() for name, t in sorted(tensors.items())}


def _fault(name: str, tensor: NDArray[Any]) -> str:
    """Return what is wrong with a tensor and how to mend it, or ""."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return 'a name is letters, digits, "_" and ".", a letter first; rename it'
    if not isinstance(tensor, np.ndarray):
        return f"it is a {type(tensor).__name__}; make it a NumPy array"
    if tensor.dtype.name not in DTYPES:
        return f"its dtype is {tensor.dtype}; use {', '.join(DTYPES)}"
    finite = np.isfinite(tensor)
    if not finite.all():
        place = np.unravel_index(int(np.argmin(finite)), tensor.shape)
        return f"it holds {float(tensor[place])} at {[int(i) for i in place]}; make every number finite"
    return ""
