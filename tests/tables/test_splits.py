"""Splits: every row once, sizes exact, classes balanced, the same for the same seed."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.errors import DataError, InvalidParameterError
from glassnet.tables import shared_duplicates, split_rows, train_validation_split

FRACTIONS = st.sampled_from([(0.7, 0.15, 0.15), (0.8, 0.2), (0.5, 0.25, 0.25), (1 / 3, 1 / 3, 1 / 3), (1.0,)])


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    classes=st.lists(st.integers(0, 6), min_size=3, max_size=80),
    fractions=FRACTIONS,
    seed=st.integers(0, 2**32),
    stratified=st.booleans(),
)
def test_every_row_once_and_classes_in_proportion(classes, fractions, seed, stratified):
    n, y = len(classes), np.array(classes)
    parts = split_rows(n, fractions=fractions, stratify=y if stratified else None, seed=seed)
    assert np.sort(np.concatenate(parts)).tolist() == list(range(n))
    for part, fraction in zip(parts, fractions, strict=True):
        assert (np.diff(part) > 0).all() and len(part) >= 1
        assert abs(len(part) - n * fraction) < 1 or n < 8
    if not stratified:
        return
    share = len(parts[0]) / n
    for label in np.unique(y):
        size = (y == label).sum()
        assert (y[parts[0]] == label).sum() - size * share < 1 or size * share < 1
    if len(parts[0]) >= len(np.unique(y)):
        assert set(y[parts[0]]) == set(y), "training sees each class when it has room"


def test_exact_sizes():
    assert [len(p) for p in split_rows(100)] == [70, 15, 15]
    assert [len(p) for p in split_rows(150, stratify=np.repeat([0, 1, 2], 50))] == [105, 23, 22]
    assert [len(p) for p in split_rows(3)] == [1, 1, 1]
    assert [len(p) for p in split_rows(10, fractions=(0.8, 0.2, 0.0))] == [8, 2, 0]
    train, validation = train_validation_split(1000, 0.1, np.repeat(["a", "b"], [900, 100]), 3)
    assert (len(train), len(validation)) == (900, 100)
    assert (validation >= 900).sum() == 10


def test_seeded():
    y = np.random.default_rng(0).integers(0, 3, 200)
    one, same, other = (split_rows(200, stratify=y, seed=s) for s in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, same, strict=True))
    assert any(len(a) != len(b) or (a != b).any() for a, b in zip(one, other, strict=True))
    # A known answer: the same seed gives the same rows in later versions too.
    assert [p.tolist() for p in split_rows(8, seed=5)] == KNOWN


KNOWN = [[0, 1, 2, 5, 6, 7], [3], [4]]


def test_each_row_is_as_likely_in_each_part():
    counts = sum(np.isin(np.arange(20), split_rows(20, seed=seed)[0]) for seed in range(600))
    assert abs(counts / 600 - 0.7).max() < 0.08


def test_single_members_do_not_crash():
    parts = split_rows(10, stratify=np.arange(10))
    assert [len(p) for p in parts] == [7, 2, 1]
    y = np.array([0] * 50 + [1])
    for seed in range(20):
        assert 50 in split_rows(51, stratify=y, seed=seed)[0], "a single member goes to training"


def test_too_few_rows_and_bad_arguments():
    with pytest.raises(DataError, match=r"t\.csv: too few rows to split: 2 samples, but 3 parts need 3 or more"):
        split_rows(2, source="t.csv")
    with pytest.raises(DataError, match="too few rows to split: 1 sample,"):
        train_validation_split(1, 0.5)
    for fractions in ((0.7, 0.2), (1.2, -0.2), (float("nan"), 1.0)):
        with pytest.raises(InvalidParameterError, match="fractions must be at least 0 and add up to 1"):
            split_rows(10, fractions=fractions)
    for fraction in (0.0, 1.0, -1, float("nan")):
        with pytest.raises(InvalidParameterError, match="validation fraction must lie between 0 and 1"):
            train_validation_split(10, fraction)
    with pytest.raises(InvalidParameterError, match="stratify must give a class for each of 10 rows"):
        split_rows(10, stratify=[0, 1])
    for seed in (-1, 0.5, "a"):
        with pytest.raises(InvalidParameterError, match="seed must be an integer of at least 0"):
            split_rows(10, seed=seed)  # pyright: ignore


def test_shared_duplicates_against_counting_by_hand():
    rng = np.random.default_rng(0)
    for _ in range(20):
        n = 60
        a, b = rng.integers(0, 4, n), rng.choice(["x", "y", None], n)
        c = rng.choice([0.0, 1.5, np.nan], n)
        frame = pl.DataFrame({"a": a, "b": pl.Series(b.tolist(), dtype=pl.String), "c": c})
        parts = split_rows(n, seed=int(rng.integers(100)))
        rows = [str(row) for row in frame.rows()]
        seen: set[str] = set()
        expected = 0
        for part in parts:
            expected += sum(rows[i] in seen for i in part)
            seen |= {rows[i] for i in part}
        assert shared_duplicates(frame, parts) == expected > 0
    assert shared_duplicates(pl.DataFrame({"a": list(range(100))}), split_rows(100)) == 0
    assert shared_duplicates(pl.DataFrame({"a": [1, 1]}), (np.array([0, 1]),)) == 0, "within one part"
    assert shared_duplicates(pl.DataFrame(), ()) == 0
