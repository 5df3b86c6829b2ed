"""Random bits from a counter: the same (seed, step, layer, index) gives the same 32 bits, in every engine.

The function is MurmurHash3 (x86, 32 bits; Austin Appleby, public domain, 2011) of the four 32-bit words
(seed high, step, layer, index) under the seed's low word. There is no state to keep, so a mask can be drawn
again for any step, in any order, by any number of threads. Arithmetic is on 64-bit integers masked to 32 bits,
which NumPy and Numba agree on.
"""

# pyright: reportMissingParameterType=false

from collections.abc import Callable

import numpy as np

__all__ = ["STREAMS", "bits", "fraction", "generator", "generators", "hash_prefix", "hash_word", "uniform"]

STREAMS = {"weights": 1, "order": 2, "split": 3, "toy": 4}
"""What random numbers are for; each purpose has a stream of its own. The orders of epochs come from `generators`."""

_MASK = np.uint64(0xFFFFFFFF)
_C1, _C2 = np.uint64(0xCC9E2D51), np.uint64(0x1B873593)
_FIVE, _ADD = np.uint64(5), np.uint64(0xE6546B64)
_F1, _F2 = np.uint64(0x85EBCA6B), np.uint64(0xC2B2AE35)
_R8, _R13, _R15, _R16, _R17, _R19 = (np.uint64(n) for n in (8, 13, 15, 16, 17, 19))
_BYTES = np.uint64(16)


def generator(seed: int, purpose: str, number: int = 0) -> np.random.Generator:
    """NumPy's generator for one purpose and number (a layer, an epoch): independent of those for all others.

    >>> bool(generator(0, "weights", 1).random() == generator(0, "order", 1).random())
    False
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(STREAMS[purpose], number)))


def generators(seed: int, purpose: str) -> Callable[[int], np.random.Generator]:
    """Generators by number for one purpose, where `generator` would cost too much: an epoch of a small network.

    NumPy's Philox under the key (seed, purpose), with the number as the highest word of its counter. There is one
    generator, which each call sets anew: draw from it before the next call.

    Source: Salmon et al. (2011), Parallel Random Numbers: As Easy as 1, 2, 3

    >>> at = generators(0, "order")
    >>> first, second = at(1).random(), at(2).random()
    >>> bool(at(1).random() == first != second)
    True
    """
    philox = np.random.Philox(key=[seed, STREAMS[purpose]])
    shared, state = np.random.Generator(philox), philox.state

    def at(number: int) -> np.random.Generator:
        state["state"]["counter"][3] = number
        philox.state = state
        return shared

    return at


def hash_word(h, word):
    """One MurmurHash3 block: mix a 32-bit word into the state h (both uint64 holding 32 bits)."""
    k = (word * _C1) & _MASK
    k = ((k << _R15) | (k >> _R17)) & _MASK
    h = h ^ ((k * _C2) & _MASK)
    h = ((h << _R13) | (h >> _R19)) & _MASK
    return (h * _FIVE + _ADD) & _MASK


def hash_end(h):
    """MurmurHash3's finalization of four words (16 bytes): every input bit reaches every output bit."""
    h = h ^ _BYTES
    h = ((h ^ (h >> _R16)) * _F1) & _MASK
    h = ((h ^ (h >> _R13)) * _F2) & _MASK
    return h ^ (h >> _R16)


def hash_prefix(seed: int, step: int, layer: int) -> np.uint64:
    """The state after (seed, step, layer), shared by all indices of one tensor of random bits."""
    h = np.uint64(seed & 0xFFFFFFFF)
    for word in ((seed >> 32) & 0xFFFFFFFF, step & 0xFFFFFFFF, layer & 0xFFFFFFFF):
        h = hash_word(h, np.uint64(word))
    return h


def bits(prefix, index):
    """32 random bits (in uint64) for each index (uint64, below 2^32)."""
    return hash_end(hash_word(prefix, index))


def fraction(bits):
    """Random bits as a number k / 2^24 in [0, 1)."""
    return (bits >> _R8) * 2.0**-24


def uniform(seed: int, step: int, layer: int, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform numbers k / 2^24 in [0, 1), exact in float32, for a tensor of the given shape.

    >>> bool((uniform(0, step=1, layer=2, shape=(2, 2)).ravel() == uniform(0, 1, 2, (4,))).all())
    True
    """
    index = np.arange(int(np.prod(shape)), dtype=np.uint64)
    return fraction(bits(hash_prefix(seed, step, layer), index)).reshape(shape)
