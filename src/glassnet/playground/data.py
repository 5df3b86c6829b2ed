"""A setup's data as arrays: what is trained on, what is shown, and how a shown point becomes inputs."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from glassnet.errors import DataError
from glassnet.formulas.randomness import generator
from glassnet.playground.dataset import Axis, Dataset
from glassnet.playground.inputs import evaluated, features, features_anywhere
from glassnet.playground.limits import RefusedError, at_most
from glassnet.playground.setup import DataSetup, Setup
from glassnet.playground.tabular import Table, dataset_of_table
from glassnet.tables.datasets import TOYS, load_toy
from glassnet.tables.splits import quantile_groups, split_rows

__all__ = ["dataset"]

SIDE, LINE = 6.0, 3.0
FARTHEST = 1e6


def dataset(setup: Setup, tables: Mapping[str, Table]) -> Dataset:
    """The data that a setup describes; the same setup gives the same arrays."""
    spec = setup.data
    if spec.kind in TOYS:
        return _toy(setup)
    if spec.kind == "function":
        return _function(setup)
    if spec.kind == "points":
        return _points(setup)
    if spec.kind == "table":
        return _table(setup, tables)
    kinds = ", ".join((*TOYS, "function", "points", "table"))
    raise RefusedError(f"data.kind: no data '{spec.kind}' (known: {kinds})", "data.kind")


def _parts(spec: DataSetup, n: int, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if n < 2:
        raise RefusedError("there are fewer than two points: draw more", "data.points")
    train, test = split_rows(n, fractions=(spec.train_share, 1 - spec.train_share), stratify=groups, seed=spec.seed)
    return train, test


def _toy(setup: Setup) -> Dataset:
    toy = load_toy(setup.data.kind, setup.data.size, setup.data.noise, setup.data.seed)
    coordinates, y = toy.frame.select("x1", "x2").to_numpy(), toy.frame["y"].to_numpy()
    return _on_plane(setup, coordinates, y, ("0", "1") if toy.task == "classification" else None)


def _points(setup: Setup) -> Dataset:
    points = setup.data.points
    rows = np.array(points, np.float64).reshape(-1, 3)
    if np.abs(rows[:, :2]).max(initial=0) > FARTHEST:
        raise RefusedError(f"data.points: coordinates lie within ±{FARTHEST:g}", "data.points")
    if rows[:, 2].min(initial=0) < 0:
        raise RefusedError("data.points: a class is a number from 0", "data.points")
    classes = max(2, int(rows[:, 2].max(initial=0)) + 1)
    at_most(classes, "classes", "classes", "data.points")
    return _on_plane(setup, rows[:, :2], rows[:, 2].astype(np.int64), tuple(str(k) for k in range(classes)))


def _on_plane(setup: Setup, coordinates: np.ndarray, y: np.ndarray, classes: tuple[str, ...] | None) -> Dataset:
    def at(shown: np.ndarray) -> dict[str, np.ndarray]:
        return {"x1": shown[:, 0], "x2": shown[:, 1]}

    train, test = _parts(setup.data, len(y), y if classes else quantile_groups(y))
    reach = max(SIDE, float(np.ceil(np.abs(coordinates).max(initial=0))))
    X = features(setup.inputs, at(coordinates))
    return Dataset(
        "numbers" if classes is None else "binary" if len(classes) == 2 else "classes",
        setup.inputs,
        X[train],
        y[train],
        X[test],
        y[test],
        coordinates[train],
        coordinates[test],
        (Axis("x1", -reach, reach), Axis("x2", -reach, reach)),
        lambda shown: features_anywhere(setup.inputs, at(shown)),
        classes,
        order=np.concatenate([train, test]),
    )


def _function(setup: Setup) -> Dataset:
    spec = setup.data
    rng = generator(spec.seed, "toy")

    x = np.sort(rng.uniform(-LINE, LINE, spec.size))
    exact = evaluated(spec.expression, {"x": x}, "data.expression")
    y = exact + spec.noise * rng.standard_normal(spec.size)
    if np.abs(y).max() > FARTHEST:
        raise RefusedError(f"data.expression: values beyond ±{FARTHEST:g}; scale the formula down", "data.expression")
    shown, X = np.column_stack([x, y]), features(setup.inputs, {"x": x})
    train, test = _parts(spec, len(x), quantile_groups(x))
    low, high = float(y.min()), float(y.max())
    margin = 0.1 * max(high - low, 1e-3)
    axes = (Axis("x", -LINE, LINE), Axis("y", low - margin, high + margin))
    arrays = (X[train], y[train], X[test], y[test], shown[train], shown[test])

    def inputs_at(points: np.ndarray) -> np.ndarray:
        return features_anywhere(setup.inputs, {"x": points[:, 0]})

    return Dataset("numbers", setup.inputs, *arrays, axes, inputs_at, line=True, order=np.concatenate([train, test]))


def _table(setup: Setup, tables: Mapping[str, Table]) -> Dataset:
    name = setup.data.table or ""
    if name not in tables:
        known = ", ".join(tables) or "none"
        raise RefusedError(f"data.table: no table '{name}' here (there are: {known}); upload it again", "data.table")
    try:
        return dataset_of_table(setup.data, tables[name])
    except (DataError, pl.exceptions.PolarsError) as error:
        raise RefusedError(" ".join(str(error).split()), "data.table") from None
