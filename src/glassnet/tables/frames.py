"""Data frames, arrays and lists in memory, to one kind of data frame."""

from collections.abc import Iterable, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from glassnet.errors import DataError, InvalidParameterError
from glassnet.tables.inference import infer_types
from glassnet.tables.objects import is_missing, series_from_array, series_from_objects

__all__ = ["array_of", "to_frame", "to_series"]


def to_frame(X: Any, names: Sequence[str] | None = None, *, source: str = "the data") -> pl.DataFrame:
    """Turn a data frame (pandas, polars, pyarrow), a 2-D array or a list of rows into a polars data frame.

    Columns of arrays and lists are named x1 … xd, or by `names`. Arrays of strings are read like CSV cells;
    text in data frames, lists and object arrays stays text. NaN stays and counts as missing.

    >>> to_frame([[1, "a"], [2.5, None]]).rows()
    [(1.0, 'a'), (2.5, None)]
    """
    if type(X).__module__.startswith("scipy.sparse"):
        raise DataError(f"{source}: sparse input is not supported; pass a dense array, such as X.toarray()")
    if isinstance(X, pl.DataFrame | pl.LazyFrame):
        frame = X.lazy().collect()
    elif hasattr(X, "columns"):
        frame = frame_from_dataframe(X, source)
    else:
        frame = frame_from_array(as_array(X, source), source)
    if names is not None:
        frame = renamed(frame, names, source)
    for length, what in ((frame.width, "feature"), (frame.height, "sample")):
        if length == 0:  # scikit-learn's words, which its checks look for
            shape = tuple(getattr(X, "shape", frame.shape))
            raise DataError(f"{source}: 0 {what}(s) (shape={shape}) while a minimum of 1 is required.")
    return frame


def renamed(frame: pl.DataFrame, names: Sequence[str], source: str) -> pl.DataFrame:
    """Give the columns of a frame other names.

    >>> import polars as pl
    >>> renamed(pl.DataFrame({"x1": [1]}), ["mass"], "the data").columns
    ['mass']
    """
    if len(names) != frame.width:
        raise InvalidParameterError(f"names: {len(names)} names for {frame.width} columns; give one to each")
    frame = frame.clone()
    frame.columns = unique_names(names, source)
    return frame


def unique_names(names: Iterable[Any], source: str) -> list[str]:
    """Return the names as strings; refuse a name that occurs twice.

    >>> unique_names(["a", 1], "the data")
    ['a', '1']
    """
    found: dict[str, None] = {}
    for name in map(str, names):
        if name in found:
            raise DataError(f"{source}: two columns are named '{name}'; rename one of them")
        found[name] = None
    return list(found)


def as_array(X: Any, source: str) -> np.ndarray:
    """Return X as a 2-D array (n, d); lists keep the type of each cell.

    >>> as_array([[1, "a"]], "the data").dtype
    dtype('O')
    """
    if isinstance(X, dict):
        raise DataError(f"{source}: a dict is not a table; pass a data frame, a 2-D array or a list of rows")
    array = array_of(X, source)
    if array.ndim == 1 and len(array) and isinstance(array[0], list | tuple):
        widths = [len(row) if isinstance(row, list | tuple) else 1 for row in array]
        row = next(i for i, width in enumerate(widths) if width != widths[0])
        raise DataError(f"{source}: row {row + 1} has {widths[row]} cells, row 1 has {widths[0]}; mend it")
    if array.ndim != 2:
        raise DataError(
            f"{source}: Expected 2D array, got {array.ndim}D of shape {array.shape}. Reshape your data: "
            "X.reshape(-1, 1) for a single feature, X.reshape(1, -1) for a single sample."
        )
    return array


def array_of(X: Any, source: str) -> np.ndarray:
    """Return X as an array; lists keep the type of each cell.

    >>> array_of([1, "a"], "the data").tolist()
    [1, 'a']
    """
    if isinstance(X, np.ma.MaskedArray):
        return np.ma.filled(X.astype(np.float64), np.nan) if X.dtype.kind in "biuf" else X.filled()
    try:
        return np.array(X, dtype=object) if isinstance(X, list | tuple) else np.asarray(X)
    except ValueError:
        raise DataError(f"{source}: the rows differ in shape; give each the same number of cells") from None


def frame_from_array(array: np.ndarray, source: str) -> pl.DataFrame:
    """Turn a 2-D array into columns x1 … xd.

    >>> import numpy as np
    >>> frame_from_array(np.array([["1", "a"], ["2", "b"]]), "the data").rows()
    [(1, 'a'), (2, 'b')]
    """
    names = [f"x{i}" for i in range(1, array.shape[1] + 1)]
    if array.dtype.kind in "SU":
        texts = array.astype(str).T
        return infer_types(pl.DataFrame([pl.Series(x, t.tolist()) for x, t in zip(names, texts, strict=True)]))
    columns = np.array(array.T, order="C")  # (d, n): a row is a column; a copy, since polars shares memory
    return pl.DataFrame([series_from_array(x, c, source) for x, c in zip(names, columns, strict=True)])


def frame_from_dataframe(X: Any, source: str) -> pl.DataFrame:
    """Turn a data frame of another library into polars, column by column.

    >>> import pandas as pd
    >>> frame_from_dataframe(pd.DataFrame({"a": [1, 2]}), "the data").rows()
    [(1,), (2,)]
    """
    names = unique_names(getattr(X, "column_names", X.columns), source)  # pyarrow: columns are its values
    try:
        native = nw.from_native(X, eager_only=True)
    except TypeError:
        kind = f"{type(X).__module__}.{type(X).__name__}"
        raise DataError(f"{source}: cannot read a {kind}; pass a pandas or polars frame, or an array") from None
    if not native.implementation.is_pandas_like():
        return native.to_polars()
    columns = zip(names, native.iter_columns(), strict=True)
    return pl.DataFrame([series_from_narwhals(name, column, source) for name, column in columns])


def series_from_narwhals(name: str, column: "nw.Series[Any]", source: str) -> pl.Series:
    """Turn a narwhals column into polars; categories become text.

    >>> import narwhals as nw, pandas as pd
    >>> column = nw.from_native(pd.Series([1.5, None]), series_only=True)
    >>> series_from_narwhals("a", column, "the data").to_list()
    [1.5, nan]
    """
    dtype = column.dtype
    if isinstance(dtype, nw.Categorical | nw.Enum):
        return pl.Series(name, [None if is_missing(c) else str(c) for c in column.to_list()], dtype=pl.String)
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    values = column.to_numpy()
    if values.dtype.kind in "biufM":
        return series_from_array(name, values, source)
    return series_from_objects(name, column.to_list(), source)


def to_series(values: Any, name: str = "y", *, source: str = "the data") -> pl.Series:
    """Turn a series (pandas, polars), a 1-D array or a list into a polars column.

    >>> to_series(["a", "b"]).to_list()
    ['a', 'b']
    """
    if isinstance(values, pl.Series):
        return values.alias(name)
    native = nw.from_native(values, pass_through=True, allow_series=True)
    if isinstance(native, nw.Series):
        return series_from_narwhals(name, native, source)
    array = array_of(values, source)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(f"{source}: '{name}' has shape {array.shape}; it must have one value for each row: (n,)")
    return series_from_array(name, array, source)
