"""The column to predict: which one it is, what kind of task it makes, and its values as numbers."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import numpy as np
import polars as pl

from glassnet.errors import DataError, nearest
from glassnet.tables.cells import as_numbers, as_texts, check_range, first, listed, no_column
from glassnet.tables.frames import array_of, to_frame, to_series

__all__ = [
    "ClassTarget",
    "RegressionTarget",
    "Task",
    "drop_missing_target",
    "fit_class_target",
    "fit_regression_target",
    "infer_task",
    "split_target",
]

Label = str | int | float | bool
Task = Literal["classification", "regression"]
MOST_CLASSES = 20  # integers with more distinct values are a quantity


class ClassTarget(msgspec.Struct, frozen=True):
    """The classes of a classification, sorted, and their codes 0 … K-1.

    >>> target = ClassTarget(("cat", "dog"))
    >>> target.encode(["dog", "cat"]).tolist()
    [1, 0]
    >>> target.decode([1, 1]).tolist()
    ['dog', 'dog']
    """

    classes: tuple[Label, ...]
    name: str = "y"

    def encode(self, values: Any, source: str = "the data") -> np.ndarray:
        """Return the codes (n,), int64, of labels (n,); a label that is none of the classes is a DataError.

        >>> ClassTarget((False, True)).encode([True, False]).tolist()
        [1, 0]
        """
        labels = present_target(to_series(values, self.name, source=source), source)
        classes = np.asarray(self.classes)
        if isinstance(self.classes[0], str):
            codes = as_texts(labels).replace_strict(
                list(self.classes), list(range(len(classes))), default=None, return_dtype=pl.Int64
            )
            known = codes.is_not_null()
        else:
            reads = "boolean" if isinstance(self.classes[0], bool) else "number"
            found = as_numbers(labels, reads, source).to_numpy()
            places = np.searchsorted(classes, found).clip(max=len(classes) - 1)
            codes, known = pl.Series(places), pl.Series(classes[places] == found)
        if not known.all():
            row = first(~known)
            raise DataError(
                f"{source}: column '{self.name}', row {row + 1}: {labels[row]!r} is none of the classes "
                f"{listed(self.classes)}{nearest(str(labels[row]), map(str, self.classes))}"
            )
        return codes.cast(pl.Int64).to_numpy(writable=True)

    def decode(self, codes: Any) -> np.ndarray:
        """Return the labels of codes, of the kind that the classes are.

        >>> ClassTarget((3, 5)).decode([0, 1]).tolist()
        [3, 5]
        """
        return np.asarray(self.classes)[np.asarray(codes, dtype=np.int64)]


class RegressionTarget(msgspec.Struct, frozen=True):
    """A target to be learned standardized, (y - mean) / scale, and mapped back; several outputs as tuples.

    >>> target = RegressionTarget("price", mean=10.0, scale=2.0)
    >>> target.encode([12.0]).tolist(), target.decode([1.0]).tolist()
    ([1.0], [12.0])
    """

    name: str | tuple[str, ...]
    mean: float | tuple[float, ...]
    scale: float | tuple[float, ...]

    def encode(self, values: Any, source: str = "the data") -> np.ndarray:
        """Return the standardized values, (n,) or (n, K), float64.

        >>> RegressionTarget(("a", "b"), (0.0, 1.0), (1.0, 2.0)).encode([[1.0, 5.0]]).tolist()
        [[1.0, 2.0]]
        """
        y = target_numbers(values, self.name, source)
        outputs = 1 if isinstance(self.mean, float | int) else len(self.mean)
        if (y.ndim == 1) != (isinstance(self.mean, float | int)) or (y.ndim == 2 and y.shape[1] != outputs):
            raise DataError(f"{source}: the target has shape {y.shape}, but training had {outputs} output(s)")
        return (y - np.asarray(self.mean)) / np.asarray(self.scale)

    def decode(self, values: Any) -> np.ndarray:
        """Return predictions in the units of the target.

        >>> RegressionTarget("price", 10.0, 2.0).decode([0.5]).tolist()
        [11.0]
        """
        return np.asarray(values, dtype=np.float64) * np.asarray(self.scale) + np.asarray(self.mean)


def infer_task(column: pl.Series, source: str = "the data") -> tuple[Task, str]:
    """Tell from the target whether the task is classification or regression, and why.

    >>> import polars as pl
    >>> infer_task(pl.Series("y", [0, 1, 2, 0]))
    ('classification', 'integer with 3 distinct values')
    """
    dtype, distinct = column.dtype, column.drop_nulls().n_unique()
    values = "1 distinct value" if distinct == 1 else f"{distinct} distinct values"
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return "classification", f"text with {values}"
    if dtype == pl.Boolean:
        return "classification", "true or false"
    if dtype.is_integer() and distinct <= MOST_CLASSES:
        return "classification", f"integer with {values}"
    if dtype.is_integer():
        return "regression", f"integer with {values}, more than {MOST_CLASSES}"
    if dtype.is_numeric():
        return "regression", "decimal number"
    if dtype == pl.Null:
        raise DataError(f"{source}: the target '{column.name}' is missing in every row; choose another target")
    raise DataError(
        f"{source}: the target '{column.name}' holds {dtype}, neither classes nor numbers; "
        "choose another target, or write it as numbers"
    )


def split_target(frame: pl.DataFrame, target: str, source: str = "the data") -> tuple[pl.DataFrame, pl.Series]:
    """Return the other columns, and the target column.

    >>> import polars as pl
    >>> features, y = split_target(pl.DataFrame({"a": [1], "y": [0]}), "y")
    >>> features.columns, y.to_list()
    (['a'], [0])
    """
    if target not in frame.columns:
        raise no_column([target], frame.columns, source)
    if frame.width == 1:
        raise DataError(f"{source}: no feature column: '{target}' is the only one; add the columns to learn from")
    return frame.drop(target), frame[target]


def drop_missing_target(
    features: pl.DataFrame, target: pl.Series, source: str = "the data"
) -> tuple[pl.DataFrame, pl.Series, int]:
    """Leave out the rows without a target; return also how many they were.

    >>> import polars as pl
    >>> features, y, dropped = drop_missing_target(pl.DataFrame({"a": [1, 2]}), pl.Series("y", [None, 0]))
    >>> features["a"].to_list(), y.to_list(), dropped
    ([2], [0], 1)
    """
    if target.dtype.is_float():
        target = target.fill_nan(None)
    present = target.is_not_null()
    if not present.any():
        raise DataError(f"{source}: the target '{target.name}' is missing in every row; choose another target")
    dropped = len(present) - int(present.sum())
    return (features.filter(present), target.filter(present), dropped) if dropped else (features, target, 0)


def present_target(target: pl.Series, source: str) -> pl.Series:
    """Return the target; refuse a missing value in it.

    >>> import polars as pl
    >>> present_target(pl.Series("y", [1]), "t.csv").to_list()
    [1]
    """
    missing = target.is_null() | target.is_nan() if target.dtype.is_float() else target.is_null()
    if missing.any():
        raise DataError(
            f"{source}: the target '{target.name}' is missing (NaN) in row {first(missing) + 1}; "
            "fill it in, or leave out the row"
        )
    return target


def fit_class_target(values: Any, name: str = "y", source: str = "the data") -> ClassTarget:
    """Learn the classes: the distinct labels, sorted.

    >>> fit_class_target(["dog", "cat", "dog"]).classes
    ('cat', 'dog')
    """
    labels = present_target(to_series(values, name, source=source), source)
    dtype = labels.dtype
    if dtype.is_numeric():
        check_range(labels.cast(pl.Float64).to_numpy()[:, None], [name], source)
    if dtype.is_float() and (fractional := labels != labels.round(0)).any():
        raise DataError(
            f"{source}: Unknown label type: the target '{name}' is continuous "
            f"({labels[first(fractional)]:g} in row {first(fractional) + 1}); use regression, or give classes"
        )
    if dtype.is_decimal() or not (dtype.is_numeric() or dtype == pl.Boolean or dtype.is_(pl.String)):
        if not isinstance(dtype, pl.Categorical | pl.Enum):
            raise DataError(f"{source}: Unknown label type: the target '{name}' holds {dtype}; give classes")
        labels = labels.cast(pl.String)
    classes = tuple(labels.unique().sort().to_list())
    if len(classes) < 2:
        found = f"only one class, {classes[0]!r}" if classes else "no class"
        raise DataError(f"{source}: the target '{name}' holds {found}; a classifier needs two or more classes")
    return ClassTarget(classes, name)


def fit_regression_target(values: Any, name: str | Sequence[str] = "y", source: str = "the data") -> RegressionTarget:
    """Learn mean and standard deviation of the target (n,), or of each output of (n, K).

    A target that does not vary has scale 1.

    >>> fit_regression_target([1.0, 3.0], "price")
    RegressionTarget(name='price', mean=2.0, scale=1.0)
    """
    name = name if isinstance(name, str) else tuple(name)
    y = target_numbers(values, name, source)
    if len(y) == 0:
        raise DataError(f"{source}: the target has no rows; add rows of data")
    mean, scale = y.mean(axis=0), y.std(axis=0)
    scale = np.where((scale > 0) & (y.min(axis=0) < y.max(axis=0)), scale, 1.0)
    if y.ndim == 1:
        return RegressionTarget(name, float(mean), float(scale))
    names = name if isinstance(name, tuple) else tuple(f"{name}{i}" for i in range(1, y.shape[1] + 1))
    return RegressionTarget(names, tuple(mean.tolist()), tuple(scale.tolist()))


def target_numbers(values: Any, name: str | tuple[str, ...], source: str) -> np.ndarray:
    """Return the target as float64, (n,) or (n, K), all finite.

    >>> target_numbers([1, 2], "y", "t.csv").tolist()
    [1.0, 2.0]
    """
    if not hasattr(values, "shape"):
        values = array_of(values, source)
    if len(values.shape) == 2:
        frame = to_frame(values, source=source)
        return np.column_stack([target_numbers(column, column.name, source) for column in frame])
    label = name if isinstance(name, str) else ", ".join(name)
    column = present_target(to_series(values, label, source=source), source)
    y = present_target(as_numbers(column, "number", source), source).cast(pl.Float64).to_numpy()
    check_range(y[:, None], [label], source)
    return y
