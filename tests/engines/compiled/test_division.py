"""How a batch is divided: every row once, whatever the network; and where a second thread and parts pay."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet import BatchNorm, Dense
from glassnet.engines.compiled.division import Division
from glassnet.network.architecture import Architecture


def net(*sizes: int, norm: bool = False) -> Architecture:
    hidden = (Dense(units, "relu", norm=BatchNorm() if norm else None) for units in sizes[1:-1])
    return Architecture(sizes[0], (*hidden, Dense(sizes[-1], "softmax")))


def parts_of(division: Division, batch: int) -> list[int]:
    """Rows of each part, as `drivers.train` cuts them: whole blocks, as evenly as may be."""
    blocks = -(-batch // division.block)
    parts = min(division.parts, blocks)
    ends = [min(blocks * part // parts * division.block, batch) for part in range(parts + 1)]
    return [stop - start for start, stop in pairwise(ends)]


@given(st.lists(st.integers(2, 700), min_size=2, max_size=5), st.integers(1, 30_000), st.booleans())
@settings(deadline=None, derandomize=True, max_examples=500)
def test_every_row_belongs_to_one_part(sizes, batch, whole):
    division = Division.of(net(*sizes), batch, whole=whole)
    assert 1 <= division.block <= (batch if whole else max(256, 8))
    if whole:
        assert division == Division(batch, 0, pays=division.pays)
    if division.parts:
        parts = parts_of(division, batch)
        assert division.pays and sum(parts) == batch and min(parts) > 0
        assert max(parts) - min(parts) <= max(division.block, 16), "about as much work for each"


@pytest.mark.parametrize(
    ("sizes", "batch", "division"),
    [
        ((2, 8, 8, 2), 16, Division(16, 0, pays=False)),  # the lectures' first network: one thread, one block
        ((32, 64, 64, 2), 64, Division(64, 0, pays=False)),  # what would travel takes as long as what is shared
        ((32, 64, 64, 2), 128, Division(64, 2, pays=True)),  # halves
        ((4, 32, 16, 4), 10_000, Division(128, 8, pays=True)),  # a full batch of a small network
        ((64, 256, 256, 256, 10), 256, Division(256, 0, pays=True)),  # many parameters: blocks are shared
        ((784, 512, 512, 10), 128, Division(128, 0, pays=True)),
    ],
)
def test_networks_of_the_benchmarks(sizes, batch, division):
    assert Division.of(net(*sizes), batch, whole=False) == division
