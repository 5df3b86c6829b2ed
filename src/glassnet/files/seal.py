"""The seal of a `.glassnet` file: its SHA-256, written into the file at a place known beforehand.

    8 bytes     length n of the header, little-endian                       (safetensors)
    n bytes     {"__metadata__":{"glassnet":"<64 hex digits><JSON>"},"W1":{"dtype":…},…}
    the rest    the tensors

The 64 digits are the SHA-256 of the whole file with those 64 characters replaced by "0". safetensors writes
its metadata first, so they stand at a fixed offset: nothing in the file has to be believed or parsed to find
them, and they are compared as text. The seal finds accidents; it is no signature, anybody can make one.
"""

import hashlib

import msgspec

from glassnet.errors import ModelFileError

__all__ = ["HEADER_LIMIT", "METADATA_KEY", "UNSEALED", "seal", "sealed_text"]

METADATA_KEY = "glassnet"
UNSEALED = "0" * 64
HEADER_LIMIT = 2**25  # bytes: 32 MiB of description; safetensors itself stops at 100 MB

_HEAD = b'{"__metadata__":{"glassnet":"'
_START = 8 + len(_HEAD)
_STOP = _START + 64
_FOREIGN = {
    b"PK\x03\x04": "a zip archive (PyTorch, Keras, .npz?)",
    b"\x89HDF": "an HDF5 file (Keras?)",
    b"\x93NUMPY": "a NumPy .npy file",
    b"\x80": "a pickle, which glassnet never opens",
    b"\x1f\x8b": "a gzip archive",
    b"{": "a JSON text",
}


class _Metadata(msgspec.Struct, forbid_unknown_fields=True):
    glassnet: str


class _Header(msgspec.Struct, rename={"metadata": "__metadata__"}):
    metadata: _Metadata


def seal(raw: bytes) -> bytes:
    """Return a safetensors file whose metadata begins with UNSEALED, with the digest in that place.

    Raises
    ------
    ModelFileError
        The header is too large to be read back.

    Examples
    --------
    >>> from safetensors.numpy import save
    >>> data = seal(save({}, metadata={METADATA_KEY: UNSEALED + "{}"}))
    >>> sealed_text(data, "memory")
    '{}'
    """
    if int.from_bytes(raw[:8], "little") > HEADER_LIMIT:
        limit = f"{HEADER_LIMIT >> 20} MiB"
        raise ModelFileError(f"cannot save: the document is larger than {limit}; keep bulk data in tensors")
    if raw[8:_STOP] != _HEAD + UNSEALED.encode():
        raise ModelFileError("cannot save: safetensors wrote an unknown header; install another version of it")
    return b"".join((raw[:_START], _digest(raw), memoryview(raw)[_STOP:]))


def sealed_text(data: bytes, source: str) -> str:
    """Check the seal and return what follows it: the description, still unparsed.

    Raises
    ------
    ModelFileError
        Not a glassnet file, or not every byte of it as it was written.

    Examples
    --------
    >>> sealed_text(b"", "a.glassnet")
    Traceback (most recent call last):
    glassnet.errors.ModelFileError: a.glassnet is empty: restore it from a copy, or save it again
    """
    damaged = ModelFileError(f"{source} is damaged or cut short: restore it from a copy, or save it again")
    if data[8:_START] != _HEAD:
        raise ModelFileError(f"{source} {_what_it_is(data)}")
    end = 8 + int.from_bytes(data[:8], "little")
    if not _STOP < end <= min(len(data), 8 + HEADER_LIMIT):
        raise damaged
    if data[_START:_STOP] != _digest(data):
        raise damaged
    try:
        text = msgspec.json.decode(memoryview(data)[8:end], type=_Header).metadata.glassnet
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{source} has a header that glassnet never writes: save it again") from error
    return text[len(UNSEALED) :]


def _digest(data: bytes) -> bytes:
    """SHA-256 with the digest's own place zeroed, as 64 lower-case hex digits; copies nothing."""
    sha = hashlib.sha256(memoryview(data)[:_START])
    sha.update(UNSEALED.encode())
    sha.update(memoryview(data)[_STOP:])
    return sha.hexdigest().encode()


def _what_it_is(data: bytes) -> str:
    """Say, for a person, what a file is that does not begin as ours do."""
    mend = "give the .glassnet file that glassnet saved"
    if not data:
        return "is empty: restore it from a copy, or save it again"
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= HEADER_LIMIT:
        return f"is not a glassnet file but other safetensors, or damaged: {mend}"
    for start, name in _FOREIGN.items():
        if data.startswith(start):
            return f"is not a glassnet file but {name}: {mend}"
    return f"is not a glassnet file, or cut short: {mend}"
