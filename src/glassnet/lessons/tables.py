"""Data that several lessons train on: real tables as arrays, and two moons in parts."""

import numpy as np

__all__ = ["Part", "moons_in_parts", "numbers", "standardized"]

Part = tuple[np.ndarray, np.ndarray]


def numbers(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, d) of a built-in table in their own units, and targets (n,); classes as numbers from 0.

    >>> X, y = numbers("iris")
    >>> X.shape, np.bincount(y).tolist()
    ((150, 4), [50, 50, 50])
    """
    from glassnet import load_dataset

    data = load_dataset(name)
    X, y = data.frame.drop(data.target).to_numpy().astype(float), data.frame[data.target].to_numpy()
    return X, y.astype(float) if y.dtype.kind == "f" else np.unique(y, return_inverse=True)[1]


def standardized(X: np.ndarray) -> np.ndarray:
    """Each column with mean 0 and standard deviation 1; a constant one with 0.

    >>> standardized(np.array([[1.0, 7.0], [3.0, 7.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1)


def moons_in_parts(*sizes: int, seed: int) -> list[Part]:
    """Two noisy moons, about [-2, 2] on each side, shuffled; parts of these sizes, each with inputs and labels.

    >>> [len(y) for _, y in moons_in_parts(60, 20, seed=1)]
    [60, 20]
    """
    from glassnet.tables.toys import moons

    rng = np.random.default_rng(seed)
    X, y = moons(sum(sizes), 0.3, rng)
    order, cuts = rng.permutation(len(y)), np.cumsum(sizes)[:-1]
    return list(zip(np.split(X[order] / 3, cuts), np.split(y[order], cuts), strict=True))
