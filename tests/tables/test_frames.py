"""Arrays, lists and data frames of other libraries become one kind of data frame."""

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sparse

from glassnet.errors import DataError, InvalidParameterError
from glassnet.tables import to_frame, to_series


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", "longdouble", "i1", "i8", ">i4", "u1", "u8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numeric_arrays(dtype: str, order: str):
    X = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype, order=order)  # pyright: ignore
    frame = to_frame(X)
    assert frame.columns == ["x1", "x2"]
    np.testing.assert_array_equal(frame.to_numpy().astype(float), X.astype(float))
    X[:] = 0
    assert frame.to_numpy().any(), "the frame keeps its own values"


def test_object_arrays_with_numbers_are_numeric():
    frame = to_frame(np.array([[1, 2.5, True, "a"], [None, np.nan, np.bool_(False), "b"]], dtype=object))
    assert [str(d) for d in frame.dtypes] == ["Int64", "Float64", "Boolean", "String"]
    assert frame.rows() == [(1, 2.5, True, "a"), (None, None, False, "b")]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([1, decimal.Decimal("2.5"), np.float32(3)], [1.0, 2.5, 3.0]),
        ([1, True], [1, 1]),
        ([10**30, 1], [1e30, 1.0]),
        ([10**400, -(10**400)], [float("inf"), float("-inf")]),
        ([np.int8(3), None, pd.NA], [3, None, None]),
        (["a", None, float("nan")], ["a", None, None]),
        (["a", 1, 2.5], ["a", "1", "2.5"]),
        ([dt.date(2024, 1, 1), None], [dt.date(2024, 1, 1), None]),
        ([pd.Timestamp("2024-01-01 10:00", tz="Europe/Berlin"), pd.NaT], [dt.datetime(2024, 1, 1, 9), None]),
        ([None, None], [None, None]),
    ],
)
def test_lists_of_objects(cells: list[object], expected: list[object]):
    found = to_frame([[cell] for cell in cells])["x1"].to_list()
    assert found == expected
    assert [type(v) for v in found] == [type(v) for v in expected]


def test_arrays_of_strings_are_read_like_csv():
    assert to_frame(np.array([["1", "a"], ["NA", "b"]])).rows() == [(1, "a"), (None, "b")]
    assert to_frame(np.array([[b"1.5"], [b""]])).rows() == [(1.5,), (None,)]


def test_data_frames():
    data = {"a": [1, 2], "b": [0.5, None], "c": ["x", None], "d": [True, False]}
    truth = [(1, 0.5, "x", True), (2, None, None, False)]
    assert to_frame(pl.DataFrame(data)).rows() == truth
    assert to_frame(pl.LazyFrame(data)).rows() == truth
    assert to_frame(pa.table(data)).rows() == truth
    assert to_frame(pd.DataFrame(data)).with_columns(pl.col("b").fill_nan(None)).rows() == truth
    nullable = pd.DataFrame(data).convert_dtypes()
    assert to_frame(nullable).with_columns(pl.col("b").fill_nan(None)).rows() == truth


def test_pandas_kinds():
    frame = pd.DataFrame(
        {
            "category": pd.Categorical([3, 1, None]),
            "object": ["a", 1, None],
            "integer": pd.array([1, None, 3], dtype="Int64"),
            "boolean": pd.array([True, None, False], dtype="boolean"),
            "time": pd.to_datetime(["2024-01-01", None, "2024-01-02"]),
            "zoned": pd.to_datetime(["2024-01-01", None, "2024-01-02"]).tz_localize("Europe/Berlin"),
            7: [1.0, 2.0, 3.0],
        }
    )
    found = to_frame(frame).with_columns(pl.col("integer").cast(pl.Float64).fill_nan(None))
    assert found.columns[-1] == "7"
    assert found.rows()[0] == (
        "3", "a", 1.0, True, dt.datetime(2024, 1, 1), dt.datetime(2023, 12, 31, 23), 1.0,
    )  # fmt: skip
    assert found.rows()[1] == ("1", "1", None, None, None, None, 2.0)


def test_duplicate_names_are_refused():
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(DataError, match="two columns are named 'a'; rename"):
        to_frame(frame)
    with pytest.raises(DataError, match="two columns are named '1'; rename"):
        to_frame(pd.DataFrame([[1, 2]], columns=["1", 1]))
    with pytest.raises(DataError, match="two columns are named 'a'; rename"):
        to_frame(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]))
    with pytest.raises(DataError, match="two columns are named 'a'; rename"):
        to_frame([[1, 2]], names=["a", "a"])
    with pytest.raises(InvalidParameterError, match="3 names for 2 columns"):
        to_frame([[1, 2]], names=["a", "b", "c"])
    assert to_frame([[1, 2]], names=["a", "b"]).columns == ["a", "b"]


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (sparse.csr_array(np.eye(2)), "sparse input is not supported; pass a dense array"),
        (sparse.coo_matrix(np.eye(2)), "sparse"),
        (np.eye(2) * 1j, "Complex data not supported (column 'x1')"),
        ([[1, 2j]], "column 'x2', row 1: Complex data not supported"),
        (np.ones(3), "Reshape your data"),
        ([np.ones((2, 3)), np.ones((2, 2))], "the rows differ in shape; give each the same number of cells"),
        ([1, 2], "Expected 2D array, got 1D"),
        (3.0, "Expected 2D array, got 0D"),
        (np.ones((2, 2, 2)), "Expected 2D array, got 3D"),
        (pd.Series([1.0]), "Reshape your data"),
        ([[1, 2], [3]], "row 2 has 1 cells, row 1 has 2"),
        ([[1], [2, 3], [4]], "row 2 has 2 cells, row 1 has 1"),
        (np.ones((0, 3)), "0 sample(s) (shape=(0, 3)) while a minimum of 1 is required"),
        (np.ones((12, 0)), "0 feature(s) (shape=(12, 0)) while a minimum of 1 is required"),
        (pl.DataFrame({"a": []}), "0 sample(s)"),
        (pd.DataFrame(index=[0, 1]), "0 feature(s) (shape=(2, 0))"),
        ({"a": [1]}, "a dict is not a table"),
        ([[1, dt.date(2024, 1, 1)], [2, "x"]], "column 'x2', row 1 holds a date among other kinds"),
    ],
)
def test_what_is_no_table(X: object, words: str):
    with pytest.raises(DataError) as caught:
        to_frame(X, source="S")
    assert words in str(caught.value) and str(caught.value).startswith("S: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize("X", [np.array([[1.0], [{"a": 1}]], dtype=object), [[1.0], [object()]]])
def test_cells_that_are_objects_raise_the_type_error_that_scikit_learn_wants(X: object):
    with pytest.raises(TypeError, match=r"argument must be .* string.* number"):
        to_frame(X)
    with pytest.raises(DataError, match="column 'x1', row 2"):
        to_frame(X)


def test_objects_that_know_how_to_be_arrays():
    class Lazy:
        def __array__(self, dtype=None, copy=None):
            return np.eye(2)

    assert to_frame(Lazy()).rows() == [(1.0, 0.0), (0.0, 1.0)]


def test_series():
    assert to_series(pd.Series(["a", None]), "y").to_list() == ["a", None]
    assert to_series(np.array([[1], [2]]), "y").to_list() == [1, 2]
    assert to_series(pa.chunked_array([[1, 2]])).to_list() == [1, 2]
    with pytest.raises(DataError, match=r"'y' has shape \(2, 2\)"):
        to_series(np.eye(2))
    with pytest.raises(DataError, match="Complex data not supported"):
        to_series(np.array([1j]))
