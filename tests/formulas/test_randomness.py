"""The counter-based hash against MurmurHash3 elsewhere, and coarse statistics of its bits."""

import struct

import numpy as np
import pytest
from sklearn.utils import murmurhash3_32

from glassnet.formulas.randomness import STREAMS, bits, generator, generators, hash_end, hash_prefix, uniform


def word(seed, step, layer, index) -> int:
    return int(bits(hash_prefix(seed, step, layer), np.array([index], np.uint64))[0])


@pytest.mark.parametrize("seed", [0, 1, 7, 2**31, 2**32 - 1, 2**32, 2**40 + 3, 2**64 - 1])
def test_equals_murmurhash3_of_scikit_learn(seed):
    high, low = seed >> 32, seed & 0xFFFFFFFF
    for step, layer, index in [(0, 0, 0), (1, 2, 3), (2**32 - 1, 5, 2**32 - 1), (123456, 7, 999_999)]:
        key = struct.pack("<4I", high, step, layer, index)
        assert word(seed, step, layer, index) == murmurhash3_32(key, low, positive=True)


def fmix32(h: int) -> int:
    """MurmurHash3's published finalizer, in plain integers."""
    h = ((h ^ h >> 16) * 0x85EBCA6B) & 0xFFFFFFFF
    h = ((h ^ h >> 13) * 0xC2B2AE35) & 0xFFFFFFFF
    return h ^ h >> 16


def test_finalizer():
    """fmix32 maps 0 to 0 and 1 to 0x514E28B7, and is a bijection; the length 16 goes in before it."""
    assert fmix32(0) == 0 and fmix32(1) == 0x514E28B7
    h = np.arange(200_000, dtype=np.uint64)
    mixed = hash_end(h ^ np.uint64(16))
    assert len(np.unique(mixed)) == len(h)
    assert [int(m) for m in mixed[:50]] == [fmix32(i) for i in range(50)]
    assert mixed.max() < 2**32


def chi_square(u, cells=64) -> float:
    counts = np.bincount((u * cells).astype(int), minlength=cells)
    expected = len(u) / cells
    return float(((counts - expected) ** 2 / expected).sum())


LIMIT = 63 + 6 * np.sqrt(2 * 63)  # six standard deviations of chi-square with 63 degrees of freedom


@pytest.mark.parametrize("seed", [0, 1, 42, 2**40])
@pytest.mark.parametrize("step", [1, 2, 1000])
def test_uniform(seed, step):
    u = uniform(seed, step, 2, (64, 1000)).ravel()
    assert u.min() >= 0 and u.max() < 1
    assert np.array_equal(u, u.astype(np.float32).astype(np.float64))  # exact in float32
    assert chi_square(u) < LIMIT
    assert chi_square((u * 64) % 1) < LIMIT  # lower bits too
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 6 / np.sqrt(len(u))


def test_neighbouring_steps_layers_and_seeds_are_independent():
    base, n = uniform(5, 10, 2, (64_000,)), 64_000
    for other in (
        uniform(5, 11, 2, (n,)),
        uniform(5, 10, 3, (n,)),
        uniform(6, 10, 2, (n,)),
        uniform(5 + 2**32, 10, 2, (n,)),
    ):
        assert abs(np.corrcoef(base, other)[0, 1]) < 6 / np.sqrt(n)
        pairs = (base * 8).astype(int) * 8 + (other * 8).astype(int)
        assert chi_square((pairs + 0.5) / 64) < LIMIT


def test_the_statistics_can_fail():
    u = uniform(0, 1, 2, (64_000,))
    assert chi_square(u**1.05) > LIMIT
    assert chi_square(np.floor(u * 32) / 32) > LIMIT


def test_shape_and_repeatability():
    assert np.array_equal(uniform(1, 2, 3, (4, 5)).ravel(), uniform(1, 2, 3, (20,)))
    assert uniform(1, 2, 3, ()).shape == ()
    assert uniform(1, 2, 3, (0, 4)).shape == (0, 4)
    assert not np.any(uniform(1, 2, 3, (50,)) == uniform(1, 2, 4, (50,)))


def test_numbered_generators_depend_on_seed_purpose_and_number_alone():
    at = generators(5, "order")
    first = [at(number).integers(0, 2**63, 9).tolist() for number in (0, 1, 2**40)]
    at(1).random(3, dtype=np.float32)  # half a word is left over
    again = [at(number).integers(0, 2**63, 9).tolist() for number in (2**40, 1, 0)]
    assert first == again[::-1] == [generators(5, "order")(k).integers(0, 2**63, 9).tolist() for k in (0, 1, 2**40)]
    others = [generators(seed, purpose)(k) for seed in (5, 6, 2**63 - 1) for purpose in STREAMS for k in (0, 1)]
    drawn = [rng.integers(0, 2**63, 9).tolist() for rng in (*others, *(generator(5, p, 0) for p in STREAMS))]
    assert len({number for numbers in drawn for number in numbers}) == 9 * len(drawn)


def test_numbered_generators_are_uniform_along_and_across_numbers():
    at = generators(0, "order")
    drawn = np.stack([at(number).random(64) for number in range(1000)])
    assert chi_square(drawn.ravel()) < LIMIT and chi_square(drawn.T.ravel()[:64_000:7]) < LIMIT
    assert abs(np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]) < 6 / np.sqrt(64_000)
