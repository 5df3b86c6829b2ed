"""The `.glassnet` file: safetensors with one metadata key that seals and describes the rest.

The key holds a SHA-256 of the file (see `seal`) and canonical JSON: `document`, `format_version`, `kind` and
`written_by`; no times, no paths. One key, because safetensors writes several in random order: so equal
contents are equal files. Nothing in a file is executed; kinds and dtypes come from closed lists. What the
document means, and whether the tensors have the shapes it asks for, the caller checks.

Source of the format: https://github.com/huggingface/safetensors#format
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from safetensors.numpy import save

from glassnet import __version__
from glassnet.errors import InvalidParameterError, ModelFileError, nearest
from glassnet.files.atomic import AnyPath, shown, write_bytes
from glassnet.files.canonical import canonical, parse, plain
from glassnet.files.seal import METADATA_KEY, UNSEALED, seal, sealed_text
from glassnet.files.tensors import loaded, saved

__all__ = [
    "FORMAT_VERSION",
    "KINDS",
    "Container",
    "pack",
    "read_container",
    "unpack",
    "write_container",
]

FORMAT_VERSION = 1
KINDS = {
    "network": "a network: open it with glassnet.Network.load",
    "table_classifier": "a table classifier: open it with glassnet.TableClassifier.load",
    "table_regressor": "a table regressor: open it with glassnet.TableRegressor.load",
    "checkpoint": "a checkpoint of a training run: give it to --resume",
}

_ENVELOPE = {"document", "format_version", "kind", "written_by"}


@dataclass(frozen=True)
class Container:
    """What a `.glassnet` file holds, checked.

    Attributes
    ----------
    kind : str
        One of KINDS.
    version : int
        The file's format version.
    tensors : dict of str to array
        Sorted by name; finite; each one writable memory of its own, in the machine's byte order.
    document : dict
        Plain JSON values.
    """

    kind: str
    version: int
    tensors: dict[str, NDArray[Any]]
    document: dict[str, Any]


def pack(tensors: Mapping[str, NDArray[Any]], document: Mapping[str, Any], *, kind: str) -> bytes:
    """Return the bytes of a `.glassnet` file; the same contents give the same bytes.

    Parameters
    ----------
    tensors : mapping of str to array
        Names are letters, digits, "_" and ".", a letter first. Any shape and memory order; dtypes are
        float32, float64, int64 and uint8; floats are finite.
    document : mapping
        dict, list, str, int, finite float, bool and None, with str keys. A missing number is None.
    kind : str
        One of KINDS.

    Raises
    ------
    InvalidParameterError
        `kind` is none of KINDS.
    ModelFileError
        A tensor or a value that breaks the rules above; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> data = pack({"W1": np.eye(2)}, {"classes": ["no", "yes"]}, kind="network")
    >>> box = unpack(data, source="memory")
    >>> box.kind, box.document, box.tensors["W1"].shape
    ('network', {'classes': ['no', 'yes']}, (2, 2))
    """
    _check_kind(kind)
    flat = saved(tensors)
    try:
        text = canonical(
            {
                "document": plain(document),
                "format_version": FORMAT_VERSION,
                "kind": kind,
                "written_by": f"glassnet {__version__}",
            }
        )
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits; a list inside itself
        raise ModelFileError(f"cannot save the document: {error}; simplify it") from error
    return seal(save(flat, metadata={METADATA_KEY: UNSEALED + text}))


def unpack(data: bytes, *, source: str, kind: str | None = None) -> Container:
    """Check every byte of a `.glassnet` file and return its contents; the inverse of `pack`.

    Parameters
    ----------
    data : bytes
        The whole file.
    source : str
        What messages call it: the path.
    kind : str, optional
        The kind wanted, one of KINDS; None takes any.

    Raises
    ------
    ModelFileError
        For whatever is wrong with the file: one flipped bit, a missing byte, another format, version or
        kind, a NaN. The message names the file, says what it is instead, and what to do.
    InvalidParameterError
        `kind` is none of KINDS.

    Examples
    --------
    >>> data = bytearray(pack({}, {}, kind="network"))
    >>> data[-1] ^= 1
    >>> unpack(bytes(data), source="a.glassnet")
    Traceback (most recent call last):
    glassnet.errors.ModelFileError: a.glassnet is damaged or cut short: restore it from a copy, or save it again
    """
    if kind is not None:
        _check_kind(kind)
    source = shown(source)
    description = _description(sealed_text(data, source), source)
    found = description["kind"]
    if kind not in (None, found):
        raise ModelFileError(f"{source} is {KINDS[found]} (here a {kind.replace('_', ' ')} is wanted)")
    return Container(found, FORMAT_VERSION, loaded(data, source), description["document"])


def write_container(
    path: AnyPath, tensors: Mapping[str, NDArray[Any]], document: Mapping[str, Any], *, kind: str
) -> None:
    """Write `pack(tensors, document, kind=kind)` to `path`, atomically: see `atomic.write_bytes`.

    Raises
    ------
    InvalidParameterError, ModelFileError
        As `pack`, before anything is written.
    WriteError
        The file could not be written; the old one is still there.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_container(f"{folder}/a.glassnet", {"b1": np.zeros(3)}, {}, kind="network")
    ...     read_container(f"{folder}/a.glassnet", kind="network").tensors["b1"]
    array([0., 0., 0.])
    """
    write_bytes(path, pack(tensors, document, kind=kind))


def read_container(path: AnyPath, *, kind: str | None = None) -> Container:
    """Read and check a `.glassnet` file; takes memory for about twice its size.

    Raises
    ------
    ModelFileError, InvalidParameterError
        As `unpack`; also for a file that is missing, a folder, or one that may not be read.

    Examples
    --------
    >>> read_container("no-such-file.glassnet")
    Traceback (most recent call last):
    glassnet.errors.ModelFileError: cannot read no-such-file.glassnet: there is no such file; check the path
    """
    source = shown(path)
    try:
        with open(path, "rb", opener=_open_at_once) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise ModelFileError(f"cannot read {source}: it is a device or a pipe; give a file")
            data = stream.read()
    except FileNotFoundError as error:
        raise ModelFileError(f"cannot read {source}: there is no such file; check the path") from error
    except IsADirectoryError as error:
        raise ModelFileError(f"cannot read {source}: it is a folder; give a file inside it") from error
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise ModelFileError(f"cannot read {source}: {cause}; check the path and its permissions") from error
    return unpack(data, source=os.fspath(path), kind=kind)


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise InvalidParameterError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}{nearest(kind, KINDS)}")


def _description(text: str, source: str) -> dict[str, Any]:
    """Parse the sealed text; the version first, since another one may mean everything else differently."""
    strange = ModelFileError(f"{source} has a description that glassnet never writes: save it again")
    try:
        value = parse(text)
        if not isinstance(value, dict) or type(value.get("format_version")) is not int:
            raise strange
        if value["format_version"] != FORMAT_VERSION:
            raise _unknown(source, value, f"is of format version {value['format_version']}")
        if canonical(value) != text:
            raise strange
    except (ValueError, RecursionError) as error:
        raise strange from error
    if value.keys() != _ENVELOPE or not isinstance(value["document"], dict):
        raise strange
    if not isinstance(value["written_by"], str) or not isinstance(value["kind"], str):
        raise strange
    if value["kind"] not in KINDS:
        raise _unknown(source, value, f"is of the unknown kind {value['kind'][:40]!r}")
    return value


def _unknown(source: str, value: dict[str, Any], what: str) -> ModelFileError:
    writer = value.get("written_by")
    by = f"written by {shown(writer[:40])}" if isinstance(writer, str) else "its writer unknown"
    mend = f"upgrade glassnet {__version__}: pip install --upgrade glassnet"
    return ModelFileError(f"{source} {what}, {by}; {mend}")
