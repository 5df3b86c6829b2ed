"""Built-in data: five real tables that come with scikit-learn, and toy problems with noise and size."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from glassnet.errors import InvalidParameterError, nearest
from glassnet.formulas.randomness import generator
from glassnet.tables import toys
from glassnet.tables.targets import Task

__all__ = ["Dataset", "dataset_names", "load_dataset"]

DEFAULT_SIZE = 500
DEFAULT_NOISE = 0.1


@dataclass(frozen=True)
class Dataset:
    """A table with the name of its target, its task, what it is and where it comes from.

    >>> load_dataset("iris").frame.shape
    (150, 5)
    """

    name: str
    frame: pl.DataFrame
    target: str
    task: Task
    description: str
    source: str


@dataclass(frozen=True)
class Real:
    """A table that scikit-learn brings; `loader` is the name of the function that reads it."""

    loader: str
    target: str
    task: Task
    description: str
    source: str


@dataclass(frozen=True)
class Toy:
    """A problem on the plane, drawn anew for each size, noise and seed."""

    draw: toys.Toy
    task: Task
    description: str


PLAYGROUND = "drawn by glassnet after TensorFlow Playground's geometry"

REAL: dict[str, Real] = {
    "iris": Real(
        "load_iris", "species", "classification", "150 flowers of three species, four lengths", "Fisher (1936)"
    ),
    "wine": Real(
        "load_wine", "cultivar", "classification", "178 wines of three cultivars, 13 analyses", "Forina (1988)"
    ),
    "breast_cancer": Real(
        "load_breast_cancer",
        "diagnosis",
        "classification",
        "569 tumours, malignant or benign, 30 measures of cell nuclei",
        "Wolberg, Street, Mangasarian (1995)",
    ),
    "digits": Real(
        "load_digits",
        "digit",
        "classification",
        "1797 handwritten digits of 8 x 8 pixels",
        "Alpaydin, Kaynak (1998)",
    ),
    "diabetes": Real(
        "load_diabetes",
        "progression",
        "regression",
        "442 patients, ten measures, the progress of diabetes after a year",
        "Efron, Hastie, Johnstone, Tibshirani (2004)",
    ),
}

TOYS: dict[str, Toy] = {
    "circle": Toy(toys.circle, "classification", "a disc inside a ring"),
    "xor": Toy(toys.xor, "classification", "four squares, the opposite ones alike"),
    "gauss": Toy(toys.gauss, "classification", "two round clouds"),
    "spiral": Toy(toys.spiral, "classification", "two arms wound about each other"),
    "moons": Toy(toys.moons, "classification", "two half circles that interlock"),
    "plane": Toy(toys.plane, "regression", "a slope over the plane"),
    "multi_gauss": Toy(toys.multi_gauss, "regression", "six hills and hollows in turn"),
}


def dataset_names() -> tuple[str, ...]:
    """Names that `load_dataset` knows: the real tables first, then the toys.

    >>> dataset_names()[:3]
    ('iris', 'wine', 'breast_cancer')
    """
    return (*REAL, *TOYS)


def load_dataset(name: str, *, n: int | None = None, noise: float | None = None, seed: int = 0) -> Dataset:
    """Return a built-in data set.

    Toys take the number of points `n` (500), `noise` from 0 to 0.5 (0.1) and a `seed`; they have the inputs
    x1 and x2 and the target `y`. Real tables take neither size nor noise.

    Raises
    ------
    InvalidParameterError
        An unknown name, a size or noise out of range, or one for a real table.

    >>> load_dataset("spiral", n=100, noise=0.0).frame.columns
    ['x1', 'x2', 'y']
    """
    key = name.replace("-", "_")
    if key in REAL:
        for option, value in (("n", n), ("noise", noise)):
            if value is not None:
                raise InvalidParameterError(f"{option} is for toy problems, '{key}' is real data; leave it out")
        return load_real(key)
    if key in TOYS:
        return load_toy(key, n, noise, seed)
    names = dataset_names()
    hint = nearest(key, names) or f"; known are {', '.join(names)}"
    raise InvalidParameterError(f"no built-in data set '{name}'{hint}")


def load_real(name: str) -> Dataset:
    """Read a table of scikit-learn, with names in snake_case and classes as words.

    >>> load_real("wine").frame["cultivar"].unique().sort().to_list()
    ['class_0', 'class_1', 'class_2']
    """
    import sklearn.datasets

    entry = REAL[name]
    loader: Callable[..., Any] = getattr(sklearn.datasets, entry.loader)
    bunch = loader(scaled=False) if name == "diabetes" else loader()
    columns = {snake_case(f): bunch.data[:, i] for i, f in enumerate(bunch.feature_names)}
    y = bunch.target
    if name == "digits":
        y = y.astype(np.int64)
    elif entry.task == "classification":
        y = [str(bunch.target_names[code]) for code in y]
    frame = pl.DataFrame({**columns, entry.target: y})
    return Dataset(name, frame, entry.target, entry.task, entry.description, f"{entry.source}, by scikit-learn")


def snake_case(name: str) -> str:
    """Lower case, with underscores for all else than letters and digits.

    >>> snake_case("sepal length (cm)"), snake_case("od280/od315_of_diluted_wines")
    ('sepal_length_cm', 'od280_od315_of_diluted_wines')
    """
    return re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_")


def load_toy(name: str, n: int | None, noise: float | None, seed: int) -> Dataset:
    """Draw a toy problem; the rows are in random order.

    >>> load_toy("xor", 10, 0.0, 0).frame.height
    10
    """
    n = DEFAULT_SIZE if n is None else n
    noise = DEFAULT_NOISE if noise is None else noise
    if not isinstance(n, int | np.integer) or n < 2:
        raise InvalidParameterError(f"n must be an integer of at least 2, got {n!r}")
    if not 0 <= noise <= 0.5:
        raise InvalidParameterError(f"noise must lie between 0 and 0.5, got {noise!r}")
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InvalidParameterError(f"seed must be an integer of at least 0, got {seed!r}")
    rng = generator(seed, "toy")
    X, y = TOYS[name].draw(n, noise, rng)
    order = rng.permutation(n)
    frame = pl.DataFrame({"x1": X[order, 0], "x2": X[order, 1], "y": y[order]})
    source = "scikit-learn's make_moons, enlarged" if name == "moons" else PLAYGROUND
    return Dataset(name, frame, "y", TOYS[name].task, TOYS[name].description, source)
