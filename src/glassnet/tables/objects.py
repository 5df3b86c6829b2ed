"""Arrays and Python objects of one column, to a column with a type."""

import datetime
import decimal
import numbers
from typing import Any

import numpy as np
import polars as pl

from glassnet.errors import DataError

__all__ = ["CellTypeError", "is_missing", "series_from_array", "series_from_objects"]

MISSING_TYPES = ("NAType", "NaTType")  # pandas.NA and NaT, which need not be installed to be known


class CellTypeError(DataError, TypeError):
    """A cell holds an object that is neither a number, a text, a boolean nor a date."""


def series_from_array(name: str, values: np.ndarray, source: str) -> pl.Series:
    """Turn a 1-D array into a column.

    >>> import numpy as np
    >>> series_from_array("x1", np.array([1, None], dtype=object), "the data").to_list()
    [1, None]
    """
    kind = values.dtype.kind
    if kind == "c":
        raise DataError(f"{source}: Complex data not supported (column '{name}'); pass real numbers")
    if kind == "O":
        return series_from_objects(name, values.tolist(), source)
    if kind in "SU":
        return pl.Series(name, values.astype(str).tolist(), dtype=pl.String)
    if kind == "f" and values.dtype.itemsize not in (4, 8):
        values = values.astype(np.float64)
    if kind == "M":
        return pl.Series(name, values.astype("datetime64[us]"))
    if kind not in "biuf":
        raise CellTypeError(
            f"{source}: column '{name}' has type {values.dtype}; the argument must be a string or a number"
        )
    return pl.Series(name, values.astype(values.dtype.newbyteorder("="), copy=False))


def is_missing(value: Any) -> bool:
    """Tell whether a Python object stands for a missing value: None, NaN, NaT or NA.

    >>> is_missing(float("nan")), is_missing("")
    (True, False)
    """
    if value is None or type(value).__name__ in MISSING_TYPES:
        return True
    return isinstance(value, float | np.floating | decimal.Decimal) and bool(value != value)


def series_from_objects(name: str, values: list[Any], source: str) -> pl.Series:
    """Turn Python objects into a column: booleans, integers, decimals, dates or text; numbers among text are text.

    >>> series_from_objects("x1", [1, "two", None], "the data").to_list()
    ['1', 'two', None]
    """
    cells = [None if is_missing(value) else value for value in values]
    kinds = {type(cell) for cell in cells if cell is not None}

    def all_are(*types: type) -> bool:
        return all(issubclass(kind, types) for kind in kinds)

    if not kinds:
        return pl.Series(name, cells, dtype=pl.Null)
    if all_are(bool, np.bool_):
        return pl.Series(name, [None if c is None else bool(c) for c in cells], dtype=pl.Boolean)
    if all_are(numbers.Real, decimal.Decimal, np.bool_):
        return series_from_numbers(name, cells, all_are(numbers.Integral, np.bool_))
    if all_are(datetime.datetime):
        return pl.Series(name, [None if c is None else in_utc(c) for c in cells], dtype=pl.Datetime("us"))
    if all_are(datetime.date) and not any(issubclass(kind, datetime.datetime) for kind in kinds):
        return pl.Series(name, cells, dtype=pl.Date)
    if all_are(str, numbers.Real, decimal.Decimal, np.bool_):
        return pl.Series(name, [None if c is None else str(c) for c in cells], dtype=pl.String)
    raise odd_cell(name, cells, source)


def series_from_numbers(name: str, cells: list[Any], integral: bool) -> pl.Series:
    """Integers of 64 bits where they fit, else decimals.

    >>> series_from_numbers("x1", [1, 10**30], True).dtype
    Float64
    """
    if integral and all(c is None or -(2**63) <= int(c) < 2**63 for c in cells):
        return pl.Series(name, [None if c is None else int(c) for c in cells], dtype=pl.Int64)
    return pl.Series(name, [None if c is None else as_float(c) for c in cells], dtype=pl.Float64)


def as_float(value: Any) -> float:
    """A number as a float; an integer too large for one becomes infinite, and is refused where it is used.

    >>> as_float(10**400)
    inf
    """
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def in_utc(time: datetime.datetime) -> datetime.datetime:
    """A time without zone, in UTC where it had one.

    >>> import datetime as dt
    >>> in_utc(dt.datetime(2024, 1, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2))))
    datetime.datetime(2024, 1, 1, 0, 0)
    """
    return time if time.tzinfo is None else time.astimezone(datetime.UTC).replace(tzinfo=None)


def odd_cell(name: str, cells: list[Any], source: str) -> DataError:
    """Build the error for the first cell that no column can hold.

    >>> print(odd_cell("x1", [1, {}], "the data"))
    the data: column 'x1', row 2 holds a dict; the argument must be a string or a real number
    """
    good = (numbers.Real, decimal.Decimal, np.bool_, str)
    row = next(i for i, c in enumerate(cells) if c is not None and not isinstance(c, good))
    place = f"{source}: column '{name}', row {row + 1}"
    if isinstance(cells[row], numbers.Complex):
        return DataError(f"{place}: Complex data not supported; pass real numbers")
    kind = type(cells[row]).__name__
    if isinstance(cells[row], datetime.date):
        return DataError(f"{place} holds a {kind} among other kinds of values; make the column one kind")
    return CellTypeError(f"{place} holds a {kind}; the argument must be a string or a real number")
