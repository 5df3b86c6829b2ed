"""Tables on the playground: preprocessing as the estimators do it, and a plane through the space of the inputs.

Every choice of axes is an affine map between the shown plane and the inputs: two columns with the others at their
mean, or the two directions of largest variance (PCA).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import polars as pl

from glassnet.errors import nearest
from glassnet.playground.dataset import Axis, Dataset
from glassnet.playground.limits import RefusedError, at_most
from glassnet.playground.setup import DataSetup
from glassnet.tables.columns import NumericColumn
from glassnet.tables.datasets import REAL, load_dataset
from glassnet.tables.preprocessing import Preprocessing, fit_preprocessing
from glassnet.tables.splits import quantile_groups, split_rows
from glassnet.tables.targets import (
    ClassTarget,
    RegressionTarget,
    drop_missing_target,
    fit_class_target,
    fit_regression_target,
    infer_task,
    split_target,
)

__all__ = [
    "Fitted",
    "Plane",
    "Table",
    "Tables",
    "built_in_tables",
    "checked_table",
    "columns_document",
    "dataset_of_table",
]


@dataclass(frozen=True)
class Fitted:
    """What a trained model learned of its table: the inputs from the columns, and the target."""

    preprocessing: Preprocessing
    target: ClassTarget | RegressionTarget


@dataclass(frozen=True)
class Table:
    """An uploaded or built-in table; `target` is the column to predict unless the setup names another.

    `fitted` holds as long as this target is predicted from all columns.
    """

    title: str
    frame: pl.DataFrame
    target: str | None = None
    fitted: Fitted | None = None


class Tables(Mapping[str, Table]):
    """Tables by name, each read when it is first asked for."""

    def __init__(self, readers: Mapping[str, Callable[[], Table]]) -> None:
        self._readers = dict(readers)

    def __getitem__(self, name: str) -> Table:
        return self._readers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)

    def behind(self, name: str, table: Table) -> "Tables":
        """These tables behind another one, which takes the place of its namesake."""
        others = {other: reader for other, reader in self._readers.items() if other != name}
        return Tables({name: lambda: table, **others})


@cache
def _built_in(name: str) -> Table:
    data = load_dataset(name)
    return Table(data.description, data.frame, data.target)


def built_in_tables() -> Tables:
    """The real tables that come with scikit-learn, which takes a second to load, by name."""
    return Tables({name: partial(_built_in, name) for name in REAL})


def checked_table(title: str, frame: pl.DataFrame, target: str | None = None, fitted: Fitted | None = None) -> Table:
    """The table, within the limits of rows and columns."""
    at_most(frame.height, "rows", "rows")
    at_most(frame.width, "columns", "columns")
    return Table(title, frame, target, fitted)


def columns_document(table: Table) -> list[dict[str, Any]]:
    """Name, kind, missing cells and distinct values of each column."""
    return [
        {
            "name": column.name,
            "kind": "number" if column.dtype.is_numeric() else str(column.dtype).split("(")[0].lower(),
            "missing": column.null_count(),
            "distinct": column.n_unique(),
        }
        for column in table.frame
    ]


@dataclass(frozen=True)
class Plane:
    """Shown point c (2,) -> inputs origin + c @ basis; inputs z -> shown (z - origin) @ back."""

    labels: tuple[str, str]
    origin: np.ndarray
    basis: np.ndarray
    back: np.ndarray

    def inputs_at(self, shown: np.ndarray) -> np.ndarray:
        """Inputs (m, d) of shown points (m, 2)."""
        return self.origin + shown @ self.basis

    def shown(self, Z: np.ndarray) -> np.ndarray:
        """Shown points (m, 2) of inputs (m, d)."""
        return (Z - self.origin) @ self.back


def principal(Z: np.ndarray) -> Plane:
    """The plane of the two directions in which the training inputs vary most."""
    mean = Z.mean(axis=0)
    _, _, found = np.linalg.svd(Z - mean, full_matrices=False)
    directions = np.zeros((2, Z.shape[1]))
    directions[: len(found)] = found[:2]
    largest = directions[np.arange(2), np.abs(directions).argmax(axis=1)]
    directions *= np.where(largest < 0, -1.0, 1.0)[:, None]  # the sign is free; fix it
    return Plane(("component 1", "component 2"), mean, directions, directions.T)


def along_columns(names: tuple[str, str], learned: Preprocessing, Z: np.ndarray) -> Plane:
    """The plane of two numeric columns, in their own units; the other inputs stay at their mean."""
    origin, basis, back = Z.mean(axis=0), np.zeros((2, Z.shape[1])), np.zeros((Z.shape[1], 2))
    numeric = {column.name: column for column in learned.columns if isinstance(column, NumericColumn)}
    for axis, name in enumerate(names):
        if name not in numeric:
            known = nearest(name, numeric) or f" (numeric columns: {', '.join(numeric) or 'none'})"
            raise RefusedError(f"data.axes: '{name}' is no numeric column that is used{known}", "data.axes")
        place, column = learned.feature_names.index(name), numeric[name]
        basis[axis, place], back[place, axis] = 1 / column.scale, column.scale
        origin[place] = -column.center / column.scale
    return Plane(names, origin, basis, back)


def chosen_plane(spec: DataSetup, learned: Preprocessing, Z: np.ndarray) -> Plane:
    """The axes asked for; else the two columns there are, or PCA."""
    if isinstance(spec.axes, tuple):
        if spec.axes[0] == spec.axes[1]:
            raise RefusedError("data.axes: choose two different columns", "data.axes")
        return along_columns(spec.axes, learned, Z)
    names = learned.input_names
    if spec.axes is None and len(names) == 2 and all(isinstance(c, NumericColumn) for c in learned.columns):
        return along_columns((names[0], names[1]), learned, Z)
    return principal(Z)


def used_columns(spec: DataSetup, table: Table) -> tuple[pl.DataFrame, pl.Series]:
    """The chosen features, and the target."""
    target = spec.target or table.target or table.frame.columns[-1]
    for name, field in ((target, "data.target"), *((name, "data.features") for name in spec.features or ())):
        if name not in table.frame.columns:
            known = nearest(name, table.frame.columns)
            raise RefusedError(f"{field}: {table.title} has no column '{name}'{known}", field)
    features, y = split_target(table.frame, target, table.title)
    if spec.features is not None:
        wanted = [name for name in spec.features if name != target]
        if not wanted:
            raise RefusedError("data.features: choose at least one column that is not the target", "data.features")
        features = features.select(list(dict.fromkeys(wanted)))
    features, y, _ = drop_missing_target(features, y, table.title)
    return features, y


def _fitted_target(y: pl.Series, title: str) -> ClassTarget | RegressionTarget:
    """The classes, or mean and scale of the numbers."""
    task, _ = infer_task(y, title)
    return (fit_regression_target if task == "regression" else fit_class_target)(y, y.name, title)


def dataset_of_table(spec: DataSetup, table: Table) -> Dataset:
    """Split, learn the preprocessing from the training rows, encode the target, and choose the plane."""
    features, y = used_columns(spec, table)
    fitted = table.fitted if spec.features is None and y.name == table.target else None
    target = _fitted_target(y, table.title) if fitted is None else fitted.target
    numbers = isinstance(target, RegressionTarget)
    codes = target.encode(y, table.title)
    classes = None if numbers else tuple(str(label) for label in getattr(target, "classes", ()))
    at_most(len(classes or ()), "classes", "classes", "data.target")
    groups = quantile_groups(codes) if numbers else codes
    train, test = split_rows(
        len(codes),
        fractions=(spec.train_share, 1 - spec.train_share),
        stratify=groups,
        seed=spec.seed,
        source=table.title,
    )
    learned = fit_preprocessing(features[train], source=table.title) if fitted is None else fitted.preprocessing
    at_most(len(learned.feature_names), "inputs", "inputs after preprocessing", "data.features")
    Z = learned.transform(features, source=table.title)
    plane = chosen_plane(spec, learned, Z[train])
    shown = plane.shown(Z)
    low, high = shown.min(axis=0), shown.max(axis=0)
    margin = 0.05 * np.maximum(high - low, 1e-6)
    axes = [Axis(n, float(a), float(b)) for n, a, b in zip(plane.labels, low - margin, high + margin, strict=True)]
    return Dataset(
        "numbers" if classes is None else "binary" if len(classes) == 2 else "classes",
        learned.feature_names,
        Z[train],
        codes[train],
        Z[test],
        codes[test],
        shown[train],
        shown[test],
        (axes[0], axes[1]),
        plane.inputs_at,
        classes,
        target=y.name,
        scale=(float(getattr(target, "mean", 0.0)), float(getattr(target, "scale", 1.0))) if numbers else None,
        order=np.concatenate([train, test]),
        notes=tuple(f"{column.name}: {column.why}" for column in learned.dropped),
    )
