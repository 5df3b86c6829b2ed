"""The cells of one column as numbers or as text; a cell that cannot be is named with its row."""

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import polars as pl

from glassnet.errors import DataError, nearest
from glassnet.tables.columns import Reads
from glassnet.tables.inference import MISSING_MARKERS, parse_booleans, parse_dates, parse_numbers

__all__ = ["FLOAT32_MAX", "as_numbers", "as_texts", "check_range", "first", "listed", "no_column"]

FLOAT32_MAX = float(np.finfo(np.float32).max)
MICROSECONDS_A_DAY = 86_400e6
EXACT_INTEGERS = 2.0**53


def first(mask: pl.Series) -> int:
    """Index of the first True.

    >>> import polars as pl
    >>> first(pl.Series([False, True]))
    1
    """
    return int(mask.fill_null(False).arg_true()[0])


def listed(names: Iterable[object], most: int = 12) -> str:
    """Names for a message of one line.

    >>> listed(["a", "b", "c"], most=2)
    'a, b … (3 in all)'
    """
    names = list(names)
    shown = ", ".join(str(name) for name in islice(names, most))
    return shown if len(names) <= most else f"{shown} … ({len(names)} in all)"


def no_column(missing: Sequence[str], present: Sequence[str], source: str) -> DataError:
    """Build the error for columns that a table lacks.

    >>> print(no_column(["mas"], ["mass", "sex"], "t.csv"))
    t.csv: no column 'mas'; did you mean 'mass'? The columns are: mass, sex
    """
    what = f"column '{missing[0]}'" if len(missing) == 1 else f"columns {listed(map(repr, missing))}"
    near = nearest(missing[0], present) or ";"
    start = "The" if near.endswith("?") else "the"
    return DataError(f"{source}: no {what}{near} {start} columns are: {listed(present)}")


def as_texts(column: pl.Series) -> pl.Series:
    """The cells as text: 3.0 is "3", so that 3 and 3.0 are one category; NaN is missing.

    >>> import polars as pl
    >>> as_texts(pl.Series([3.0, 0.5, None])).to_list()
    ['3', '0.5', None]
    """
    if not column.dtype.is_float():
        return column.cast(pl.String)
    column = column.cast(pl.Float64).fill_nan(None)
    whole = (column == column.round(0)) & (column.abs() < EXACT_INTEGERS)
    integers = column.set(~whole, None).cast(pl.Int64).cast(pl.String)
    return integers.zip_with(whole.fill_null(False), column.cast(pl.String))


def as_numbers(column: pl.Series, reads: Reads, source: str) -> pl.Series:
    """The cells as a numeric column: false and true as 0 and 1, dates as days since 1970-01-01.

    A column of text is read as its kind; the first cell that is none raises DataError.

    >>> import polars as pl
    >>> as_numbers(pl.Series("mass", [" 1.5", "NA"]), "number", "t.csv").to_list()
    [1.5, None]
    >>> as_numbers(pl.Series("mass", ["1", "heavy"]), "number", "t.csv")
    Traceback (most recent call last):
    glassnet.errors.DataError: t.csv: column 'mass', row 2: 'heavy' is not a number; correct it, or leave it empty
    """
    dtype = column.dtype
    if isinstance(dtype, pl.Categorical | pl.Enum):
        column, dtype = column.cast(pl.String), pl.String()
    if dtype == pl.String:
        return numbers_in_text(column, reads, source)
    if dtype == pl.Null:
        return column.cast(pl.Float64)
    dates = isinstance(dtype, pl.Date | pl.Datetime)
    if not (dates or dtype.is_numeric() or dtype == pl.Boolean):
        raise DataError(f"{source}: column '{column.name}' holds {dtype}, which cannot be read; drop the column")
    if dates != (reads == "date"):
        found, wanted = ("dates", f"{reads}s") if dates else ("numbers", "dates")
        raise DataError(f"{source}: column '{column.name}' holds {found} where training had {wanted}; mend it")
    if dates:
        return days(column)
    return column.cast(pl.Float64) if dtype == pl.Boolean or dtype.is_decimal() else column


def days(column: pl.Series) -> pl.Series:
    """Dates and times as days since 1970-01-01.

    >>> import datetime as dt, polars as pl
    >>> days(pl.Series([dt.date(1970, 1, 2), None])).to_list()
    [1.0, None]
    """
    if column.dtype == pl.Date:
        return column.cast(pl.Int32).cast(pl.Float64)
    return column.dt.epoch("us").cast(pl.Float64) / MICROSECONDS_A_DAY


def numbers_in_text(column: pl.Series, reads: Reads, source: str) -> pl.Series:
    """Read a text column as numbers, booleans or dates.

    >>> import polars as pl
    >>> numbers_in_text(pl.Series(["true", "0", ""]), "boolean", "t.csv").to_list()
    [1.0, 0.0, None]
    """
    texts = column.str.strip_chars()
    if reads == "date":
        found = days(parse_dates(texts))
    elif reads == "boolean":
        found = parse_numbers(texts)
        found = found.zip_with(found.is_not_null(), parse_booleans(texts).cast(pl.Float64))
    else:
        found = parse_numbers(texts)
    bad = found.is_null() & texts.is_not_null() & ~texts.is_in(MISSING_MARKERS)
    if bad.any():
        row = first(bad)
        what = {"number": "a number", "boolean": "true or false", "date": "a date (YYYY-MM-DD)"}[reads]
        raise DataError(
            f"{source}: column '{column.name}', row {row + 1}: {column[row]!r} is not {what}; "
            "correct it, or leave it empty"
        )
    return found


def check_range(values: np.ndarray, names: Sequence[str], source: str, first_row: int = 0) -> None:
    """Refuse infinities and values beyond float32 in values (n, d); NaN passes.

    >>> import numpy as np
    >>> check_range(np.array([[1.0], [np.inf]]), ["mass"], "t.csv")
    Traceback (most recent call last):
    glassnet.errors.DataError: t.csv: column 'mass', row 2: inf is not finite; correct it, or leave it empty
    """
    large = np.abs(values) > FLOAT32_MAX
    if not large.any():
        return
    row, column = (int(i[0]) for i in np.nonzero(large))
    value = values[row, column]
    why = "is not finite" if np.isinf(value) else "is beyond the range of float32 (3.4e38)"
    raise DataError(
        f"{source}: column '{names[column]}', row {first_row + row + 1}: {value:g} {why}; correct it, or leave it empty"
    )
