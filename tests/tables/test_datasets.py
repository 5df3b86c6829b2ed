"""Built-in data: the tables are scikit-learn's, the toys have the geometry that they promise."""

import numpy as np
import polars as pl
import pytest
import sklearn.datasets

from glassnet.errors import InvalidParameterError
from glassnet.tables import dataset_names, infer_task, load_dataset
from glassnet.tables.datasets import REAL, TOYS


def points(name: str, **options: float) -> tuple[np.ndarray, np.ndarray]:
    data = load_dataset(name, **options)  # pyright: ignore
    return data.frame.select("x1", "x2").to_numpy(), data.frame["y"].to_numpy()


@pytest.mark.parametrize("name", dataset_names())
def test_every_data_set(name: str):
    data = load_dataset(name)
    assert data.name == name and data.target in data.frame.columns and data.description and data.source
    assert all(c == c.lower() and c.isidentifier() for c in data.frame.columns)
    assert data.frame.null_count().sum_horizontal().item() == 0
    assert infer_task(data.frame[data.target])[0] == data.task


@pytest.mark.parametrize("name", REAL)
def test_real_tables_are_scikit_learns(name: str):
    data = load_dataset(name)
    options = {"scaled": False} if name == "diabetes" else {}
    truth = getattr(sklearn.datasets, f"load_{name}")(**options)
    np.testing.assert_array_equal(data.frame.drop(data.target).to_numpy(), truth.data)
    y = data.frame[data.target]
    if name in ("iris", "wine", "breast_cancer"):
        assert y.to_list() == truth.target_names[truth.target].tolist()
    else:
        np.testing.assert_array_equal(y.to_numpy(), truth.target)
    for option in ({"n": 10}, {"noise": 0.1}):
        with pytest.raises(InvalidParameterError, match=f"is for toy problems, '{name}' is real data"):
            load_dataset(name, **option)  # pyright: ignore


def test_names_are_clean():
    assert load_dataset("iris").frame.columns == [
        "sepal_length_cm", "sepal_width_cm", "petal_length_cm", "petal_width_cm", "species",
    ]  # fmt: skip
    assert "od280_od315_of_diluted_wines" in load_dataset("wine").frame.columns


@pytest.mark.parametrize("name", TOYS)
def test_toys_are_seeded_and_sized(name: str):
    one, same = load_dataset(name, n=101, seed=3), load_dataset(name, n=101, seed=3)
    assert one.frame.equals(same.frame) and one.frame.height == 101
    assert not one.frame.equals(load_dataset(name, n=101, seed=4).frame)
    label = one.frame["y"].to_numpy()
    assert (np.diff(label) != 0).sum() > 20, "the classes come mixed"
    X, y = points(name, n=1000, noise=0.5)
    assert np.isfinite(X).all() and np.abs(X).max() < 14
    if TOYS[name].task == "classification":
        assert sorted(set(y)) == [0, 1] and abs(y.mean() - 0.5) < 0.2
    X, y = points(name, n=1000, noise=0.0)
    assert np.abs(X).max() < 6.1
    assert load_dataset(name, n=2, noise=0.0).frame.height == 2


def test_geometry_without_noise():
    X, y = points("circle", noise=0.0)
    r = np.hypot(*X.T)
    assert (r[y == 1] < 2.5).all() and (r[y == 0] >= 3.5).all() and r.max() <= 5
    X, y = points("xor", noise=0.0)
    assert ((X.prod(axis=1) > 0) == (y == 1)).all() and np.abs(X).min() >= 0.3
    X, y = points("gauss", n=20_000, noise=0.0)
    np.testing.assert_allclose(X[y == 1].mean(axis=0), [2, 2], atol=0.05)
    np.testing.assert_allclose(X[y == 0].var(axis=0), [0.5, 0.5], atol=0.03)
    X, y = points("gauss", n=20_000, noise=0.5)
    np.testing.assert_allclose(X[y == 0].var(axis=0), [4, 4], atol=0.2)
    X, y = points("plane", noise=0.0)
    np.testing.assert_allclose(y, X.sum(axis=1) / 10, atol=1e-12)
    X, y = points("spiral", noise=0.0)
    angle = np.hypot(*X.T) / 5 * 1.75 * 2 * np.pi + np.where(y == 1, 0, np.pi)
    np.testing.assert_allclose(X, np.hypot(*X.T)[:, None] * np.column_stack([np.sin(angle), np.cos(angle)]), atol=1e-9)
    X, y = points("multi-gauss", n=5000, noise=0.0)
    peak = np.linalg.norm(X - [-4, 2.5], axis=1) < 0.3
    dip = np.linalg.norm(X - [0, 2.5], axis=1) < 0.3
    assert (y[peak] > 0.84).all() and (y[dip] < -0.84).all() and np.abs(y).max() <= 1
    far = np.abs(X[:, 1]) < 0.4
    assert (y[far] == 0).all()


@pytest.mark.parametrize("name", ["circle", "xor"])
def test_noise_moves_what_decides_not_what_is_shown(name: str):
    X, y = points(name, n=2000, noise=0.5)
    clean = np.hypot(*X.T) < 2.5 if name == "circle" else X.prod(axis=1) > 0
    assert 0.05 < (clean != (y == 1)).mean() < 0.5


def test_bad_arguments():
    with pytest.raises(InvalidParameterError, match="no built-in data set 'irsi'; did you mean 'iris'"):
        load_dataset("irsi")
    with pytest.raises(InvalidParameterError, match="no built-in data set 'qqq'; known are iris, wine"):
        load_dataset("qqq")
    for options, words in (
        ({"n": 1}, "n must be an integer of at least 2, got 1"),
        ({"n": 2.5}, "n must be an integer"),
        ({"noise": 0.6}, "noise must lie between 0 and 0.5, got 0.6"),
        ({"noise": float("nan")}, "noise must lie between 0 and 0.5"),
        ({"seed": -1}, "seed must be an integer of at least 0, got -1"),
    ):
        with pytest.raises(InvalidParameterError, match=words):
            load_dataset("xor", **options)
    assert load_dataset("multi-gauss").name == "multi_gauss"
    assert isinstance(load_dataset("xor").frame, pl.DataFrame)
