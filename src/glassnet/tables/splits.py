"""Rows to parts: training, validation, test; seeded, and balanced in the classes or in the target's quantiles."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import DataError, InvalidParameterError
from glassnet.formulas.randomness import generator

if TYPE_CHECKING:
    import polars as pl

__all__ = ["quantile_groups", "shared_duplicates", "split_rows", "train_validation_split"]


def split_rows(
    n: int,
    *,
    fractions: Sequence[float] = (0.7, 0.15, 0.15),
    stratify: Any = None,
    seed: int = 0,
    source: str = "the data",
) -> tuple[np.ndarray, ...]:
    """Draw the rows 0 … n-1 into parts; return the sorted indices of each.

    The sizes are n times the fractions, rounded by largest remainders, and at least 1. With `stratify`,
    the class of each row (n,), each class is divided in the same way; the first part, for training, gets
    at least one row of each class while it has room.

    Raises
    ------
    DataError
        Fewer rows than parts.
    InvalidParameterError
        Fractions that do not add up to 1.

    >>> [part.tolist() for part in split_rows(10, fractions=(0.5, 0.5), stratify=[0] * 8 + [1] * 2)]
    [[1, 3, 6, 7, 8], [0, 2, 4, 5, 9]]
    """
    check_fractions(fractions)
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InvalidParameterError(f"seed must be an integer of at least 0, got {seed!r}")
    wanted = sum(fraction > 0 for fraction in fractions)
    if n < wanted:
        rows = "1 sample" if n == 1 else f"{n} samples"
        raise DataError(f"{source}: too few rows to split: {rows}, but {wanted} parts need {wanted} or more")
    codes = np.zeros(n, dtype=np.int64) if stratify is None else class_codes(stratify, n)
    order = generator(seed, "split").permutation(n)
    parts: list[np.ndarray] = []
    for size in part_sizes(n, fractions)[:-1]:
        taken = take(codes[order], size, each_class=not parts)
        parts.append(np.sort(order[taken]))
        order = order[~taken]
    return (*parts, np.sort(order))


def quantile_groups(values: Any, most: int = 20) -> np.ndarray:
    """Number (n,) numbers by quantile groups, for `stratify`: parts of a regression then cover the same targets.

    There are at most `most` groups, of 20 rows or more; several outputs are grouped by their first.

    >>> import numpy as np
    >>> quantile_groups(np.arange(60.0)[::-1], most=2).tolist() == [1] * 30 + [0] * 30
    True
    """
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[:, 0] if numbers.ndim == 2 else numbers
    groups = max(1, min(most, len(numbers) // 20))
    inner = np.quantile(numbers, np.arange(1, groups) / groups)
    return np.searchsorted(inner, numbers, side="left")


def check_fractions(fractions: Sequence[float]) -> None:
    """Refuse fractions that are negative or do not add up to 1.

    >>> check_fractions((0.7, 0.15, 0.15))
    """
    values = np.asarray(fractions, dtype=float)
    if values.ndim != 1 or not (values >= 0).all() or not abs(values.sum() - 1) < 1e-6:
        raise InvalidParameterError(f"fractions must be at least 0 and add up to 1, got {tuple(fractions)}")


def class_codes(stratify: Any, n: int) -> np.ndarray:
    """Number the classes from 0, for each row (n,).

    >>> class_codes(["b", "a", "b"], 3).tolist()
    [1, 0, 1]
    """
    classes = np.asarray(stratify)
    if classes.shape != (n,):
        raise InvalidParameterError(f"stratify must give a class for each of {n} rows, got {classes.shape}")
    return np.unique(classes, return_inverse=True)[1]


def largest_remainders(shares: np.ndarray, total: int) -> np.ndarray:
    """Round shares (k,) that add up to `total` so that the whole numbers do too.

    >>> import numpy as np
    >>> largest_remainders(np.array([7.0, 1.5, 1.5]), 10).tolist()
    [7, 2, 1]
    """
    shares = np.round(shares, 9)  # 0.7 * 10 is 7
    sizes = np.floor(shares).astype(np.int64)
    rest = shares - sizes
    ranked = np.argsort(-rest, kind="stable")  # the earlier first among equals
    sizes[ranked[: total - int(sizes.sum())]] += 1
    return sizes


def part_sizes(n: int, fractions: Sequence[float]) -> list[int]:
    """Number of rows in each part; a part that is asked for has at least one.

    >>> part_sizes(20, (0.7, 0.15, 0.15)), part_sizes(3, (0.7, 0.15, 0.15))
    ([14, 3, 3], [1, 1, 1])
    """
    shares = np.asarray(fractions, dtype=float)
    sizes = largest_remainders(shares / shares.sum() * n, n)
    while ((sizes == 0) & (shares > 0)).any():
        sizes[np.argmax((sizes == 0) & (shares > 0))] += 1
        sizes[np.argmax(sizes)] -= 1
    return sizes.tolist()


def take(codes: np.ndarray, size: int, *, each_class: bool) -> np.ndarray:
    """Choose `size` of the rows, in proportion from each class: a mask (n,). The first of each class are taken.

    With `each_class` the largest quotas give way until each class has a row, or none has two.

    >>> import numpy as np
    >>> take(np.array([0, 0, 1, 1]), 2, each_class=True).tolist()
    [True, False, True, False]
    """
    n = len(codes)
    if n == 0:
        return np.zeros(0, dtype=bool)
    _, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
    quota = largest_remainders(counts * (size / n), size)
    while each_class and quota.min() == 0 and quota.max() > 1:
        quota[quota.argmin()] += 1
        quota[quota.argmax()] -= 1
    by_class = np.argsort(codes, kind="stable")
    rank = np.empty(n, dtype=np.int64)  # place of each row within its class
    rank[by_class] = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(rank < quota[codes])


def train_validation_split(
    n: int, fraction: float = 0.15, stratify: Any = None, seed: int = 0, *, source: str = "the data"
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a `fraction` of the rows for validation; return the indices (training, validation).

    >>> train, validation = train_validation_split(10, 0.2)
    >>> len(train), len(validation)
    (8, 2)
    """
    if not 0 < fraction < 1:
        raise InvalidParameterError(f"validation fraction must lie between 0 and 1, got {fraction!r}")
    train, validation = split_rows(n, fractions=(1 - fraction, fraction), stratify=stratify, seed=seed, source=source)
    return train, validation


def shared_duplicates(frame: "pl.DataFrame", parts: Sequence[np.ndarray]) -> int:
    """Count the rows of later parts that stand, the same in every column, in an earlier part too.

    >>> import numpy as np, polars as pl
    >>> shared_duplicates(pl.DataFrame({"a": [1, 2, 1]}), (np.array([0, 1]), np.array([2])))
    1
    """
    if frame.width == 0:
        return 0
    hashes = frame.hash_rows(seed=0)  # 64 bits: two different rows of a million agree once in 10^7 tables
    shared, seen = 0, hashes[:0]
    for part in parts:
        rows = hashes[part]
        shared += int(rows.is_in(seen.implode()).sum())
        seen = seen.append(rows)
    return shared
