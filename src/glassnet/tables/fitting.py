"""What the training part of a table teaches about each of its columns."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
import polars as pl

from glassnet.errors import DataError, InvalidParameterError, nearest
from glassnet.tables.cells import as_numbers, as_texts, check_range
from glassnet.tables.columns import (
    MISSING,
    OTHER,
    CategoricalColumn,
    DroppedColumn,
    NumericColumn,
    Reads,
    Scaling,
)

__all__ = ["fit_preprocessing_columns", "learn_categories", "learn_numbers", "measure"]

FEW_ROWS = 20  # up to here a value that occurs once may be a category, and text with all values distinct too
MOST_CATEGORIES = 100

Column = NumericColumn | CategoricalColumn


def fit_preprocessing_columns(
    frame: pl.DataFrame,
    scaling: Scaling,
    categorical: Sequence[str],
    numeric: Sequence[str],
    drop: Sequence[str],
    source: str,
) -> tuple[tuple[Column, ...], tuple[DroppedColumn, ...]]:
    """Learn the columns that are used, and those that are dropped.

    >>> import polars as pl
    >>> fit_preprocessing_columns(pl.DataFrame({"a": ["u", "v"]}), "standard", (), (), (), "t.csv")[0]
    (CategoricalColumn(name='a', categories=('u', 'v', '<other>')),)
    """
    check_options(frame.columns, scaling, {"categorical": categorical, "numeric": numeric, "drop": drop})
    if frame.height == 0:
        raise DataError(f"{source}: no rows to learn from; add rows of data")
    used: list[Column] = []
    dropped: list[DroppedColumn] = []
    for column in frame:
        name = column.name
        if name in drop:
            learned = DroppedColumn(name, "left out on request")
        elif column.null_count() == len(column):
            learned = DroppedColumn(name, "all values are missing")
        elif name in categorical or (is_text(column) and name not in numeric):
            learned = learn_categories(column, forced=name in categorical, source=source)
        else:
            learned = learn_numbers(column, scaling, source)
        if isinstance(learned, DroppedColumn):
            dropped.append(learned)
        else:
            used.append(learned)
    if not used:
        samples = "1 sample" if frame.height == 1 else f"{frame.height} samples"
        reasons = "; ".join(f"'{c.name}': {c.why}" for c in dropped[:5])
        raise DataError(f"{source}: no feature column is left in {samples} ({reasons}); add a column that varies")
    return tuple(used), tuple(dropped)


def check_options(columns: Sequence[str], scaling: str, options: dict[str, Sequence[str]]) -> None:
    """Refuse an unknown scaling, and options that name no column or one column twice.

    >>> check_options(["a"], "standard", {"drop": ["a"]})
    """
    if scaling not in get_args(Scaling):
        known = ", ".join(get_args(Scaling))
        raise InvalidParameterError(
            f"scaling must be one of {known}, got {scaling!r}{nearest(str(scaling), get_args(Scaling))}"
        )
    taken: dict[str, str] = {}
    for option, names in options.items():
        if isinstance(names, str):
            raise InvalidParameterError(f"{option} must be a list of column names, got the text {names!r}")
        for name in names:
            if name not in columns:
                hint = nearest(name, columns) or "; check the name"
                raise InvalidParameterError(f"{option} names {name!r}, which is no column of the table{hint}")
            if taken.setdefault(name, option) != option:
                raise InvalidParameterError(f"{option} and {taken[name]} both name {name!r}; choose one")


def is_text(column: pl.Series) -> bool:
    """Tell whether a column holds text.

    >>> import polars as pl
    >>> is_text(pl.Series(["a"])), is_text(pl.Series([1]))
    (True, False)
    """
    return isinstance(column.dtype, pl.String | pl.Categorical | pl.Enum)


def learn_categories(column: pl.Series, *, forced: bool, source: str) -> CategoricalColumn | DroppedColumn:
    """Learn the categories of a column, or why it is of no use; `forced` keeps what looks like an identifier.

    >>> import polars as pl
    >>> learn_categories(pl.Series("c", ["b", "a", None]), forced=False, source="t.csv").categories
    ('a', 'b', '<missing>', '<other>')
    """
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        raise DataError(f"{source}: column '{column.name}' holds {column.dtype}, not values; drop the column")
    texts = as_texts(column)
    present = texts.drop_nulls()
    n_missing = len(texts) - len(present)
    if len(present) == 0:
        return DroppedColumn(column.name, "all values are missing")
    counts = present.value_counts(sort=False, name="count")
    distinct, many = len(counts), len(present) > FEW_ROWS
    if distinct == 1 and not n_missing:
        return DroppedColumn(column.name, f"constant: every value is {present[0]!r}")
    if many and distinct == len(present) and not forced:
        return DroppedColumn(column.name, "text that differs in every row, like an identifier")
    frequent = (
        counts.filter((pl.col("count") >= (2 if many else 1)) & ~pl.col(column.name).is_in([MISSING, OTHER]))
        .sort(["count", column.name], descending=[True, False])
        .head(MOST_CATEGORIES)
    )
    if frequent.height == 0:
        return DroppedColumn(column.name, "no value occurs twice")
    kept = in_order(frequent[column.name], numbers=column.dtype.is_numeric())
    return CategoricalColumn(column.name, (*kept, *([MISSING] if n_missing else []), OTHER))


def in_order(texts: pl.Series, *, numbers: bool) -> list[str]:
    """Sort categories by their text, or by value where they are numbers.

    >>> import polars as pl
    >>> in_order(pl.Series(["10", "9"]), numbers=True)
    ['9', '10']
    """
    return sorted(texts.to_list(), key=float) if numbers else sorted(texts.to_list())


def learn_numbers(column: pl.Series, scaling: Scaling, source: str) -> NumericColumn | DroppedColumn:
    """Learn fill, center and scale of a numeric column, or why it is of no use.

    >>> import polars as pl
    >>> learn_numbers(pl.Series("a", [1.0, 3.0, None]), "standard", "t.csv")
    NumericColumn(name='a', fill=2.0, indicator=True, center=2.0, scale=1.0, reads='number')
    """
    reads: Reads = "number"
    if column.dtype == pl.Boolean:
        reads = "boolean"
    elif isinstance(column.dtype, pl.Date | pl.Datetime):
        reads = "date"
    numbers = as_numbers(column, reads, source).cast(pl.Float64).fill_null(float("nan")).to_numpy()
    check_range(numbers[:, None], [column.name], source)
    present = numbers[~np.isnan(numbers)]
    indicator = len(present) < len(numbers)
    if len(present) == 0:
        return DroppedColumn(column.name, "all values are missing")
    if present.min() == present.max() and not indicator:
        return DroppedColumn(column.name, f"constant: every value is {column[0]}")
    center, scale = measure(present, scaling)
    return NumericColumn(column.name, float(np.median(present)), indicator, center, scale, reads)


def measure(values: np.ndarray, scaling: Scaling) -> tuple[float, float]:
    """Return (center, scale) of values (n,), all finite; the scale is never zero.

    Where the quartiles are equal, "robust" divides by the standard deviation (scikit-learn: by 1).

    >>> import numpy as np
    >>> measure(np.array([1.0, 3.0]), "minmax")
    (1.0, 2.0)
    """
    least, most = float(values.min()), float(values.max())
    if scaling == "none":
        return 0.0, 1.0
    if least == most:  # kept for its missing values only
        return least, 1.0
    if scaling == "minmax":
        return least, most - least
    unit = max(abs(least), abs(most))  # so that squares of tiny values do not vanish
    spread = float(np.std(values / unit)) * unit or most - least
    if scaling == "standard":
        return float(np.mean(values)), spread
    lower, middle, upper = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
    return middle, (upper - lower) or spread
