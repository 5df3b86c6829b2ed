"""Tables to arrays: the preprocessing learned in training, applied to any table with the same columns."""

from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl

from glassnet.errors import DataError
from glassnet.tables.cells import FLOAT32_MAX, as_numbers, as_texts, check_range, no_column
from glassnet.tables.columns import (
    MISSING,
    OTHER,
    CategoricalColumn,
    DroppedColumn,
    NumericColumn,
    Scaling,
)
from glassnet.tables.fitting import fit_preprocessing_columns

__all__ = ["Preprocessing", "constant_features", "describe", "fit_preprocessing"]

CELLS_AT_ONCE = 1 << 19  # a block of numbers stays within the processor's cache


class Preprocessing(msgspec.Struct, frozen=True):
    """What turns a table into inputs of a network: one record for each column, in order.

    Learned by `fit_preprocessing`; `msgspec.json` writes and reads it.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"mass": [1.0, 3.0, None], "island": ["A", "B", "A"]})
    >>> learned = fit_preprocessing(frame)
    >>> learned.feature_names
    ('mass', 'mass is missing', 'island=A', 'island=B', 'island=<other>')
    >>> learned.transform(frame).tolist()[0]
    [-1.0, 0.0, 1.0, 0.0, 0.0]
    """

    columns: tuple[NumericColumn | CategoricalColumn, ...]
    dropped: tuple[DroppedColumn, ...] = ()
    scaling: Scaling = "standard"

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the d inputs, in order."""
        return tuple(name for column in self.columns for name in column.feature_names)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the columns that a table must have."""
        return tuple(column.name for column in self.columns)

    def transform(self, frame: pl.DataFrame, *, source: str = "the data") -> np.ndarray:
        """Return the inputs (n, d), float64, of the rows of `frame`; `source` names it in errors.

        The order of the columns is free, others are ignored. Missing values are filled in; a category that
        training did not show goes to "<other>".

        Raises
        ------
        DataError
            A column is missing, has text for numbers, or a value infinite or beyond float32.

        >>> import polars as pl
        >>> learned = fit_preprocessing(pl.DataFrame({"a": [0.0, 2.0], "b": [0.0, 4.0]}))
        >>> learned.transform(pl.DataFrame({"b": [4], "a": [0]})).tolist()
        [[-1.0, 1.0]]
        """
        lacking = [name for name in self.input_names if name not in frame.columns]
        if lacking:
            raise no_column(lacking, frame.columns, source)
        Z = np.zeros((frame.height, len(self.feature_names)))  # (n, d)
        numeric: list[NumericColumn] = []
        places: list[int] = []
        start = 0
        for column in self.columns:
            if isinstance(column, CategoricalColumn):
                fill_one_hot(Z, start, column, frame[column.name])
            else:
                numeric.append(column)
                places.append(start)
            start += len(column.feature_names)
        if numeric:
            fill_numeric(Z, places, numeric, frame, source)
        return Z


def fill_one_hot(Z: np.ndarray, start: int, column: CategoricalColumn, cells: pl.Series) -> None:
    """Set the ones of a categorical column in Z (n, d), from input `start` on.

    >>> import numpy as np, polars as pl
    >>> Z = np.zeros((2, 2))
    >>> fill_one_hot(Z, 0, CategoricalColumn("c", ("a", "<other>")), pl.Series(["a", "z"]))
    >>> Z.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    other = len(column.categories) - 1
    codes = (
        as_texts(cells)
        .fill_null(MISSING)
        .replace_strict(list(column.categories), list(range(other + 1)), default=other, return_dtype=pl.Int64)
    )
    Z[np.arange(len(Z)), start + codes.to_numpy()] = 1.0


def fill_numeric(
    Z: np.ndarray, places: list[int], columns: list[NumericColumn], frame: pl.DataFrame, source: str
) -> None:
    """Set the inputs of the numeric columns in Z (n, d), block by block of rows.

    >>> import numpy as np, polars as pl
    >>> Z = np.zeros((2, 1))
    >>> fill_numeric(Z, [0], [NumericColumn("a", 0.0, False, 1.0, 2.0)], pl.DataFrame({"a": [1, 5]}), "t.csv")
    >>> Z.tolist()
    [[0.0], [2.0]]
    """
    names = [column.name for column in columns]
    numbers = pl.DataFrame([as_numbers(frame[column.name], column.reads, source) for column in columns])
    fill = np.array([column.fill for column in columns])
    center = np.array([column.center for column in columns])
    scale = np.array([column.scale for column in columns])
    flagged = np.flatnonzero([column.indicator for column in columns])
    # A slice is written several times as fast as a list of places.
    where = slice(places[0], places[-1] + 1) if places[-1] - places[0] + 1 == len(places) else np.array(places)
    step = max(1, CELLS_AT_ONCE // len(columns))
    for start in range(0, len(Z), step):
        values = numbers.slice(start, step).cast(pl.Float64).to_numpy()  # (rows, columns), NaN where missing
        rows = Z[start : start + step]
        missing = np.isnan(values)
        if missing.any():
            rows[:, np.array(places)[flagged] + 1] = missing[:, flagged]
            values = np.where(missing, fill, values)
        check_range(values, names, source, start)
        scaled = (values - center) / scale
        check_scaled(scaled, values, names, source, start)
        rows[:, where] = scaled


def check_scaled(scaled: np.ndarray, values: np.ndarray, names: Sequence[str], source: str, first_row: int) -> None:
    """Refuse numbers that lie so far from those of training that float32 cannot hold them scaled.

    >>> import numpy as np
    >>> check_scaled(np.ones((1, 1)), np.ones((1, 1)), ["a"], "t.csv", 0)
    """
    if scaled.max() <= FLOAT32_MAX and scaled.min() >= -FLOAT32_MAX:
        return
    row, column = (int(i[0]) for i in np.nonzero(~(np.abs(scaled) <= FLOAT32_MAX)))
    raise DataError(
        f"{source}: column '{names[column]}', row {first_row + row + 1}: {values[row, column]:g} is too far "
        "from the values in training to be scaled; correct it, or leave it empty"
    )


def fit_preprocessing(
    frame: pl.DataFrame,
    *,
    scaling: Scaling = "standard",
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    drop: Sequence[str] = (),
    source: str = "the data",
) -> Preprocessing:
    """Learn from the rows of `frame`, the training part only, what each column becomes.

    Arguments
    ---------
    scaling
        "standard": (x - mean) / standard deviation; "minmax": to [0, 1]; "robust": (x - median) /
        interquartile range; "none". All of the values that are there; a missing one becomes the median.
    categorical, numeric, drop
        Names of columns to be read so, whatever their type; names of columns to leave out.

    Raises
    ------
    InvalidParameterError
        An option names no column, or a column twice.
    DataError
        No column is left, or a column cannot be read; `source` names the table.

    >>> import polars as pl
    >>> fit_preprocessing(pl.DataFrame({"a": [1, 2], "b": [7, 7]})).dropped
    (DroppedColumn(name='b', why='constant: every value is 7'),)
    """
    columns, dropped = fit_preprocessing_columns(frame, scaling, categorical, numeric, drop, source)
    return Preprocessing(columns, dropped, scaling)


SCALED = {
    "standard": "standardized: (x − {center:.6g}) / {scale:.6g}",
    "minmax": "to [0, 1]: (x − {center:.6g}) / {scale:.6g}",
    "robust": "by median and quartiles: (x − {center:.6g}) / {scale:.6g}",
    "none": "as it is",
}


def describe(preprocessing: Preprocessing) -> list[tuple[str, str, str]]:
    """Rows (column, kind, what is done) to show to the user, the dropped columns last.

    >>> describe(Preprocessing((CategoricalColumn("island", ("Biscoe", "Dream", "<other>")),)))
    [('island', 'category', '2 categories: Biscoe, Dream; unseen values to <other>')]
    """
    rows: list[tuple[str, str, str]] = []
    for column in preprocessing.columns:
        if isinstance(column, CategoricalColumn):
            rows.append((column.name, "category", describe_categories(column)))
            continue
        done = SCALED[preprocessing.scaling].format(center=column.center, scale=column.scale)
        if column.reads == "date":
            done = f"days since 1970-01-01, {done}"
        mark = ", marked by a second input" if column.indicator else ""
        rows.append((column.name, column.reads, f"{done}; missing becomes {column.fill:.6g}{mark}"))
    rows += [(column.name, "dropped", column.why) for column in preprocessing.dropped]
    return rows


def describe_categories(column: CategoricalColumn) -> str:
    """Say which categories have an input of their own.

    >>> describe_categories(CategoricalColumn("c", ("a", "<missing>", "<other>")))
    '1 category: a; missing is one of its own; unseen values to <other>'
    """
    known = [category for category in column.categories if category not in (MISSING, OTHER)]
    shown = ", ".join(known[:5]) + (", …" if len(known) > 5 else "")
    count = "1 category" if len(known) == 1 else f"{len(known)} categories"
    missing = "; missing is one of its own" if MISSING in column.categories else ""
    return f"{count}: {shown}{missing}; unseen values to {OTHER}"


def constant_features(Z: np.ndarray) -> np.ndarray:
    """Tell which inputs never vary in Z (n, d), such as "<other>" without a training example: (d,) booleans.

    Their weights learn nothing and may start at zero, so that an unseen value changes nothing.

    >>> import numpy as np
    >>> constant_features(np.array([[1.0, 0.0], [2.0, 0.0]])).tolist()
    [False, True]
    """
    if len(Z) == 0:
        return np.ones(Z.shape[1], dtype=bool)
    return np.asarray(Z.min(axis=0) == Z.max(axis=0))
