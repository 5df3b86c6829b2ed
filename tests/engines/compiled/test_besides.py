"""Other work among the products of the matrix unit: every part of it once, in order, evenly spread."""

import pytest

from glassnet.engines.compiled.besides import besides
from glassnet.engines.compiled.packed_product import places


@pytest.mark.parametrize(("units", "spots"), [(0, 4), (1, 1), (7, 3), (256, 128), (100, 128), (5, 1000), (1600, 1599)])
def test_every_unit_has_its_turn(units, spots):
    """After n of the places n / places of the units are done, to less than one; the rest comes at the end."""
    start, go, rest = (function.py_func for function in besides(lambda u, job: [*job, u]))
    work = start(units, spots, [])
    for n in range(1, spots + 1):
        work = go(work)
        assert n * units / spots - 1 - n / 2**16 < len(work[-1]) <= n * units / spots
    assert rest(work) == list(range(units))


def test_a_product_may_end_early():
    """A product with fewer places than it said leaves more for the end."""
    start, go, rest = (function.py_func for function in besides(lambda u, job: [*job, u]))
    assert rest(go(start(10, 4, []))) == list(range(10))


@pytest.mark.parametrize(
    ("shape", "blocks"), [((64, 64), 4), ((49, 17), 2), ((48, 32), 1), ((16, 200), 0), ((33, 16), 0), ((32, 49), 2)]
)
def test_places_are_in_whole_blocks(shape, blocks):
    """So many in each step of depth of a block that has two tiles each way; never 0: something is divided by it."""
    for often in (4, 8):
        assert places(often).py_func(*shape, 5) == max(1, blocks * 5 * often)
