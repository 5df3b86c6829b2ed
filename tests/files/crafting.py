"""Files for the tests: a small good one, and any bad one with a right digest, made without `pack`."""

import hashlib
import json

import numpy as np
import pytest
import safetensors.numpy

from glassnet.errors import ModelFileError
from glassnet.files.container import pack, unpack

TENSORS = {
    "W1": np.arange(6, dtype=np.float32).reshape(2, 3) - 2.5,
    "b1": np.array([0.1, -0.0], np.float64),
    "slots.step": np.array(7, np.int64),
    "mask": np.array([1, 0, 255], np.uint8),
    "none": np.zeros((0, 4), np.float32),
}
DOCUMENT = {
    "classes": ["non", "ouï", "\ud800"],
    "metrics": {"loss": [0.1, None, 1e-300]},
    "deep": True,
    "n": 2**70,
}


def small() -> bytes:
    return pack(TENSORS, DOCUMENT, kind="network")


def resealed(raw: bytes) -> bytes:
    """Put the right digest into a safetensors file: written here a second time, from the format's text."""
    start = raw.index(b'"glassnet":"') + len(b'"glassnet":"')
    zeroed = raw[:start] + b"0" * 64 + raw[start + 64 :]
    return raw[:start] + hashlib.sha256(zeroed).hexdigest().encode() + raw[start + 64 :]


def crafted(tensors=TENSORS, text: str | None = None, /, **changes: object) -> bytes:
    """A file with a right digest, made without `pack`; `changes` replace parts of its description."""
    described = {"document": {}, "format_version": 1, "kind": "network", "written_by": "glassnet 0.1.0"}
    if text is None:
        parts = {k: v for k, v in (described | changes).items() if v is not ...}
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return resealed(safetensors.numpy.save(dict(tensors), metadata={"glassnet": "0" * 64 + text}))


def headed(header: str, body: bytes = b"") -> bytes:
    """A file with a right digest and any header whatever after the metadata."""
    text = '{"document":{},"format_version":1,"kind":"network","written_by":"x"}'.replace('"', '\\"')
    raw = ('{"__metadata__":{"glassnet":"' + "0" * 64 + text + header).encode()
    return resealed(len(raw).to_bytes(8, "little") + raw + body)


def one(dtype: str, shape: str, offsets: str, body: bytes) -> bytes:
    """A file with a right digest and one tensor, described however badly."""
    return headed(f'"}},"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}', body)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def refusal(data: bytes, **options: str) -> str:
    with pytest.raises(ModelFileError) as caught:
        unpack(data, source="m.glassnet", **options)
    message = str(caught.value)
    assert "m.glassnet" in message and message.isprintable()
    return message
