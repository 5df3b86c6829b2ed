"""Frames: what is packed comes back, and what is not a frame is refused."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from glassnet.playground.frames import pack, unpack

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
HEADERS = st.dictionaries(st.text().filter(lambda name: name not in ("type", "arrays")), JSON, max_size=4)
ARRAYS = st.dictionaries(
    st.text(min_size=1, max_size=8), arrays(np.float32, array_shapes(min_dims=0, max_dims=3, min_side=0)), max_size=3
)


@given(HEADERS, ARRAYS)
def test_a_frame_comes_back(header, given_arrays):
    frame = pack("snapshot", header, given_arrays)
    found, back = unpack(frame)
    assert {name: found[name] for name in header} == header and found["type"] == "snapshot"
    assert list(back) == list(given_arrays)
    for name, array in given_arrays.items():
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


@given(HEADERS, ARRAYS)
def test_arrays_begin_at_a_multiple_of_four(header, given_arrays):
    frame = pack("x", header, given_arrays)
    (length,) = struct.unpack_from("<I", frame)
    assert (4 + length) % 4 == 0 and len(frame) == 4 + length + 4 * sum(array.size for array in given_arrays.values())


@given(st.binary(max_size=200))
def test_bytes_that_are_no_frame_are_refused(data):
    try:
        unpack(data)
    except ValueError:
        return
    assert len(data) >= 4


@given(HEADERS, ARRAYS, st.integers(1, 40))
def test_a_frame_cut_short_is_refused(header, given_arrays, less):
    frame = pack("x", header, given_arrays)
    with pytest.raises(ValueError, match="not a frame"):
        unpack(frame[: max(0, len(frame) - less)])


def test_numbers_that_are_not_finite_are_null_in_headers():
    assert unpack(pack("x", {"loss": float("nan"), "a": [float("inf")]}))[0]["loss"] is None
