"""200 correct computations without a false alarm, and 200 with one slip each, found at its place.

The computations are made line by line with PyTorch (`hand`), not by the table of quantities.
"""

import numpy as np
import pytest

from explain.hand import PER_EXAMPLE, Plant, autograd, claims, draw, printed
from glassnet.explain.checking import check
from tolerances import TORCH, relative

EXAMPLES, CHUNKS = 200, 8
LARGEST = 1e4  # a computation that has run away is none that anybody does by hand
KINDS = ("sign", "index", "digits", "other", "other")


def write(numbers, figures):
    return {key: np.vectorize(lambda v: printed(v, figures), otypes=[object])(array) for key, array in numbers.items()}


def tame(numbers, most: float = LARGEST) -> bool:
    return all(np.isfinite(array).all() and np.abs(array).max() < most for array in numbers.values())


def computations(chunk: int):
    """A share of the first `EXAMPLES` computations, with their generators of random numbers."""
    seeds = (seed for seed in range(10 * EXAMPLES) if tame(draw(seed).numbers))
    for number, seed in zip(range(EXAMPLES), seeds, strict=False):
        if number % CHUNKS == chunk:
            yield draw(seed), np.random.default_rng(10_000 + seed)


def spoil(computation, rng, figures):
    """One slip of a real kind at any line, where it can be seen."""
    keys = list(computation.numbers)
    for i in rng.permutation(len(keys)):
        plant = Plant(*keys[i], str(rng.choice(KINDS)), figures, bool(rng.integers(2)), rng)
        numbers = computation.spoiled(plant)
        if plant.index is not None and tame(numbers, 100 * LARGEST):
            return plant, numbers
    raise AssertionError("no line of this computation can be spoiled")


def place(computation, plant):
    """Step, name and index as the checker writes them."""
    per_example = plant.name.startswith(PER_EXAMPLE)
    index = plant.index[1:] if computation.flat and per_example else plant.index
    return plant.step, plant.name, tuple(i + 1 for i in index)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_false_alarm(chunk):
    for computation, rng in computations(chunk):
        texts = write(computation.numbers, int(rng.integers(3, 6)))
        some = {key: text for key, text in texts.items() if rng.random() < 0.5} or texts
        for written in (texts, some):
            report = check(claims(computation, written))
            assert report.counts["ok"] == len(report.findings) > 0, report.findings


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_one_slip_is_found_at_its_place(chunk):
    for computation, rng in computations(chunk):
        figures = int(rng.integers(3, 6))
        plant, numbers = spoil(computation, rng, figures)
        texts = write(numbers, figures)
        texts[plant.step, plant.name][plant.index] = plant.text
        report = check(claims(computation, texts))
        slip = report.first_slip
        assert slip is not None, (plant, "not found")
        assert (slip.step, slip.name, slip.index) == place(computation, plant), (plant, slip)
        if not plant.carried:
            assert report.counts["slip"] == 1, (plant, report.counts)


def test_the_computations_are_right():
    """Line by line is what PyTorch's own backward pass gives."""
    for seed in range(40):
        computation = draw(seed)
        if tame(computation.numbers) and computation.document["loss"] != "perceptron":  # whose delta is no derivative
            for name, gradient in autograd(computation).items():
                assert relative(computation.numbers[1, name], gradient) < TORCH, (seed, name)
