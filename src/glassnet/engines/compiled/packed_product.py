"""Products of packed matrices on the matrix unit: C = start + A B, block by block of two tiles by two.

k runs upwards by 32, whatever the block of C: as in `product`, the bits of C[r, j] do not depend on where it stands.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from glassnet.engines.compiled.kit import Kit, compiled
from glassnet.engines.compiled.load_store import store
from glassnet.engines.compiled.matrix_unit import adder, tiles
from glassnet.engines.compiled.packing import PIECES, STRIP, TILE, WHOLE
from glassnet.engines.compiled.pointers import after

__all__ = ["multiplier", "places"]

_SLICE = 4  # so deep at a time: two strips of B then stay in the nearest cache while those of A go by
_KIT = Kit("float32")
_load, _at, _COUNT, _SIZE = _KIT.load, _KIT.pointer, _KIT.count, _KIT.bytes
(_begin_22, _, _end_22), (_begin_21, _add_21, _end_21) = tiles(2, 2), tiles(2, 1)
(_begin_12, _add_12, _end_12), (_begin_11, _add_11, _end_11) = tiles(1, 2), tiles(1, 1)


@compiled
def _copy(source, step, target, target_step, rows, columns):
    for r in range(rows):
        for j in range(0, columns, _COUNT):
            store(after(target, r * target_step), j, columns, _load(after(source, r * step), j, columns))


def _step(go, often):
    """A function (a, a_distance, b, b_distance, work): a step of depth for two tiles by two, its 24 products in so many
    parts and `go` after each; returns the work.
    """

    def first_parts(n):
        if n == 0:
            return compiled(lambda a, a_distance, b, b_distance, work: work)
        before, add = first_parts(n - 1), adder(2, 2, n - 1, often)

        @compiled
        def some(a, a_distance, b, b_distance, work):
            work = before(a, a_distance, b, b_distance, work)
            add(a, a_distance, b, b_distance)
            return go(work)

        return some

    return first_parts(often)


def places(often):
    """A function (rows, columns, depth): at how many places of a product, of tiles `depth` deep, other work has its
    turn if that is so often in a step; only in blocks of two tiles by two.
    """

    @compiled
    def count(rows, columns, depth):
        blocks = (rows + STRIP - 1) // WHOLE * ((columns + STRIP - 1) // WHOLE)
        return max(1, blocks * depth * often)

    return count


def _block_product(go, often):
    """A function (a, a_distance, b, b_distance, depth, start, start_step, c, c_step, rows, columns, edge, work): as
    `multiplier`, for a block of two tiles by two or less.
    """
    step_22 = _step(go, often)

    @compiled
    def block(a, a_distance, b, b_distance, depth, start, start_step, c, c_step, rows, columns, edge, work):
        tall, wide, beside = rows > STRIP, columns > STRIP, rows % STRIP != 0 or columns % STRIP != 0
        s_step, place, to = start_step * _SIZE, c, c_step * _SIZE
        if beside:
            place, to = edge, WHOLE * _SIZE
            if start != 0:
                _copy(_at(start), start_step, _at(edge), WHOLE, rows, columns)
                start, s_step = edge, to
        if tall and wide:
            _begin_22(start, s_step)
        elif tall:
            _begin_21(start, s_step)
        elif wide:
            _begin_12(start, s_step)
        else:
            _begin_11(start, s_step)
        for d in range(depth):
            x, y = a + d * (PIECES * TILE), b + d * (PIECES * TILE)
            if tall and wide:
                work = step_22(x, a_distance, y, b_distance, work)
            elif tall:
                _add_21(x, a_distance, y, b_distance)
            elif wide:
                _add_12(x, a_distance, y, b_distance)
            else:
                _add_11(x, a_distance, y, b_distance)
        if tall and wide:
            _end_22(place, to)
        elif tall:
            _end_21(place, to)
        elif wide:
            _end_12(place, to)
        else:
            _end_11(place, to)
        if beside:
            _copy(_at(edge), WHOLE, _at(c), c_step, rows, columns)
        return work

    return block


def multiplier(go, often):
    """A function (a, a_distance, b, b_distance, depth, start, start_step, c, c_step, rows, columns, edge, work):
    C = start + A B, of tiles `depth` deep; addresses, steps of start and C in numbers. `start` 0 means 0. Blocks less
    than whole tiles are made in `edge` and copied.

    At its `places`, so many in a step of depth, it does work = go(work), and returns the work: see `besides`.
    """
    block = _block_product(go, often)

    @compiled
    def add_on(a, a_distance, b, b_distance, depth, start, s_step, c, c_step, rows, columns, edge, work):
        for j in range(0, columns, WHOLE):
            for i in range(0, rows, WHOLE):
                s = start + (i * s_step + j) * _SIZE if start != 0 else 0
                work = block(
                    *(a + i // STRIP * a_distance, a_distance, b + j // STRIP * b_distance, b_distance),
                    *(depth, s, s_step),
                    *(c + (i * c_step + j) * _SIZE, c_step, min(rows - i, WHOLE), min(columns - j, WHOLE), edge, work),
                )
        return work

    @compiled
    def multiply(a, a_distance, b, b_distance, depth, start, start_step, c, c_step, rows, columns, edge, work):
        most = _SLICE if depth <= 2 * _SLICE else depth  # more slices cost more for C than they bring
        for d in range(0, depth, most):
            first, step = start, start_step
            if d > 0:
                first, step = c, c_step
            deep, far = min(depth - d, most), d * (PIECES * TILE)
            work = add_on(
                *(a + far, a_distance, b + far, b_distance, deep, first, step, c, c_step, rows, columns, edge, work)
            )
        return work

    return multiply
