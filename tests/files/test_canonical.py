"""One JSON value, one text; and what JSON does not hold is named with its place."""

import enum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.errors import ModelFileError
from glassnet.files.canonical import canonical, parse, plain
from glassnet.files.container import pack


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"h": [{"loss": float("nan")}]}, r"document\.h\[0\]\.loss: nan is not finite; use None"),
        ({"h": float("-inf")}, r"document\.h: -inf is not finite"),
        ({"h": np.float64("nan")}, r"document\.h: nan is not finite"),
        ({1: 2}, "its key 1 is not a str"),
        ({"a": {None: 2}}, r"document\.a: its key None is not a str"),
        ({"a": b"x"}, "JSON has no builtins.bytes"),
        ({"a": {1, 2}}, "JSON has no builtins.set"),
        ({"a": np.int64(1)}, "JSON has no numpy.int64"),
        ({"a": np.zeros(2)}, r"JSON has no numpy.ndarray; .*\.tolist\(\)"),
        ({"a": Colour.RED}, "Colour"),
        ({"a": 10**5000}, "cannot save the document: .*digits"),
    ],
)
def test_what_json_does_not_hold(value, words: str):
    with pytest.raises(ModelFileError, match=words) as caught:
        pack({}, value, kind="network")
    assert str(caught.value).isprintable()


def test_a_list_inside_itself():
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(ModelFileError, match="recursion"):
        pack({}, {"a": loop}, kind="network")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": None, "B": True}, '{"B":true,"a":null,"b":1}'),
        ([0.1, 1e16, 1e-7, -0.0, 5e-324, 1.0, np.float64(0.1)], "[0.1,1e+16,1e-07,-0.0,5e-324,1.0,0.1]"),
        ('é\ud800\n"\\', r'"\u00e9\ud800\n\"\\"'),
        ((1, (2,)), "[1,[2]]"),
    ],
)
def test_known_texts(value: object, text: str):
    assert canonical(plain(value)) == text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(VALUES)
def test_parsing_gives_the_value_and_its_text_back(value: object):
    text = canonical(plain(value))
    assert text.isascii()
    assert parse(text) == value
    assert canonical(parse(text)) == text
