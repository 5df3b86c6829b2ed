"""From text to types: what a column of CSV cells holds, and which cells are missing."""

from collections.abc import Callable, Collection

import polars as pl

__all__ = ["MISSING_MARKERS", "infer_column", "infer_types", "parse_booleans", "parse_dates", "parse_numbers"]

MISSING_MARKERS = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "?")

BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
DAY = r"^\d{4}-\d{2}-\d{2}"
TIME_FORMATS = (
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
)


def infer_types(frame: pl.DataFrame, text: Collection[str] = ()) -> pl.DataFrame:
    """Give each text column of `frame` its type; the columns named in `text` stay text.

    >>> import polars as pl
    >>> frame = infer_types(pl.DataFrame({"a": ["1", "NA"], "b": ["0.5", "2"], "c": ["x", "?"]}))
    >>> frame.rows()
    [(1, 0.5, 'x'), (None, 2.0, None)]
    """
    return pl.DataFrame([blank_missing(s) if s.name in text else infer_column(s) for s in frame])


def infer_column(texts: pl.Series) -> pl.Series:
    """Read a text column as integers, decimals, booleans, dates or times, else leave it text.

    One cell that fits none of them makes the whole column text.

    >>> import polars as pl
    >>> infer_column(pl.Series("day", ["2024-02-29", ""])).to_list()
    [datetime.date(2024, 2, 29), None]
    """
    for parse in (parse_integers, parse_numbers):  # first without the cost of stripping each cell
        if (found := fitting(texts, parse)) is not None:
            return found
    stripped = texts.str.strip_chars()
    for parse in (parse_integers, parse_numbers, parse_booleans, parse_days, parse_times):
        if (found := fitting(stripped, parse)) is not None:
            return found
    return blank_missing(texts)


def fitting(texts: pl.Series, parse: Callable[[pl.Series], pl.Series]) -> pl.Series | None:
    """Return the parsed column when all that could not be parsed is a missing marker.

    >>> import polars as pl
    >>> fitting(pl.Series(["1", "one"]), parse_integers) is None
    True
    """
    parsed = parse(texts)
    unread = texts.filter(parsed.is_null()).unique().drop_nulls()
    if not unread.is_in(MISSING_MARKERS).all():
        return None
    return parsed if parsed.null_count() < len(parsed) else parsed.cast(pl.Null)


def blank_missing(texts: pl.Series) -> pl.Series:
    """Replace the missing markers of a text column by nulls.

    >>> import polars as pl
    >>> blank_missing(pl.Series(["a", " NA ", "?"])).to_list()
    ['a', None, None]
    """
    missing = texts.str.strip_chars().is_in(MISSING_MARKERS)
    return texts.set(missing, None) if missing.any() else texts


def parse_integers(texts: pl.Series) -> pl.Series:
    """Integers of 64 bits, null where a cell is none.

    >>> import polars as pl
    >>> parse_integers(pl.Series(["007", "1.5"])).to_list()
    [7, None]
    """
    return texts.cast(pl.Int64, strict=False)


def parse_numbers(texts: pl.Series) -> pl.Series:
    """Decimal numbers, null where a cell is none or NaN.

    >>> import polars as pl
    >>> parse_numbers(pl.Series(["1e3", "nan", "x"])).to_list()
    [1000.0, None, None]
    """
    return texts.cast(pl.Float64, strict=False).fill_nan(None)


def parse_booleans(texts: pl.Series) -> pl.Series:
    """`true` and `false`, also True and TRUE; null for all else.

    >>> import polars as pl
    >>> parse_booleans(pl.Series(["True", "false", "yes"])).to_list()
    [True, False, None]
    """
    return texts.replace_strict(list(BOOLEANS), list(BOOLEANS.values()), default=None, return_dtype=pl.Boolean)


def parse_dates(texts: pl.Series) -> pl.Series:
    """Days (2024-02-29), or else times, of ISO 8601; null where a cell is neither.

    >>> import polars as pl
    >>> parse_dates(pl.Series(["2024-02-29", "2023-02-29"])).to_list()
    [datetime.date(2024, 2, 29), None]
    """
    days = parse_days(texts)
    return parse_times(texts) if days.null_count() == len(days) else days


def parse_days(texts: pl.Series) -> pl.Series:
    """Days as YYYY-MM-DD, null where a cell is none.

    >>> import polars as pl
    >>> parse_days(pl.Series(["2024-02-29", "24-2-2"])).to_list()
    [datetime.date(2024, 2, 29), None]
    """
    return texts.set(~texts.str.contains(DAY + "$"), None).str.to_date("%Y-%m-%d", strict=False)


def parse_times(texts: pl.Series) -> pl.Series:
    """Times such as 2024-02-29T12:30:00 or with +02:00, all in UTC; one format for the whole column.

    >>> import polars as pl
    >>> parse_times(pl.Series(["2024-02-29 12:30", "x"])).to_list()
    [datetime.datetime(2024, 2, 29, 12, 30), None]
    """
    candidates = texts.set(~texts.str.contains(DAY + "[T ]"), None)
    best = pl.Series(texts.name, [None] * len(texts), dtype=pl.Datetime("us"))
    if candidates.null_count() == len(candidates):
        return best
    for form in TIME_FORMATS:
        zone = "UTC" if form.endswith("z") else None
        times = candidates.str.to_datetime(form, time_unit="us", strict=False, time_zone=zone)
        if times.null_count() < best.null_count():
            best = times.dt.replace_time_zone(None)
    return best
