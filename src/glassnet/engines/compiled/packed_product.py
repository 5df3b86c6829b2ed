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

__all__ = ["block_product", "multiplier"]

_EIGHTHS = 8
_SLICE = 4  # so deep at a time: two strips of B then stay in the nearest cache while those of A go by
_KIT = Kit("float32")
_load, _at, _COUNT, _SIZE = _KIT.load, _KIT.pointer, _KIT.count, _KIT.bytes
(_begin_22, _add_22, _end_22), (_begin_21, _add_21, _end_21) = tiles(2, 2), tiles(2, 1)
(_begin_12, _add_12, _end_12), (_begin_11, _add_11, _end_11) = tiles(1, 2), tiles(1, 1)


@compiled
def _copy(source, step, target, target_step, rows, columns):
    for r in range(rows):
        for j in range(0, columns, _COUNT):
            store(after(target, r * target_step), j, columns, _load(after(source, r * step), j, columns))


@compiled
def _nothing(first, last, job):
    """No work besides."""


def _interleaved(eighth, besides):
    """A function (a, a_distance, b, b_distance, first, last, job): a step of depth for two tiles by two, and in it a
    part of the other work: eight times three products and an eighth.

    So finely, since the processor looks only some hundred instructions ahead: what stands in one piece between the
    products of two steps keeps the unit waiting.
    """
    a_part = [adder(2, 2, n, _EIGHTHS) for n in range(_EIGHTHS)]

    def after_part(n):
        """The first n parts of the step, each followed by its eighth."""
        if n == 0:
            return compiled(lambda a, a_distance, b, b_distance, part, job: None)
        before, add, last = after_part(n - 1), a_part[n - 1], n - 1

        @compiled
        def some(a, a_distance, b, b_distance, part, job):
            before(a, a_distance, b, b_distance, part, job)
            add(a, a_distance, b, b_distance)
            eighth(last, part, job)

        return some

    both = after_part(_EIGHTHS)

    @compiled
    def step(a, a_distance, b, b_distance, first, last, job):
        if first < last:
            both(a, a_distance, b, b_distance, first, job)
            besides(first + 1, last, job)
        else:
            _add_22(a, a_distance, b, b_distance)

    return step


def _in_turn(besides):
    """As `_interleaved`: a step, and then the other work."""

    @compiled
    def step(a, a_distance, b, b_distance, first, last, job):
        _add_22(a, a_distance, b, b_distance)
        besides(first, last, job)

    return step


def block_product(besides=_nothing, eighth=None):
    """A function (a, a_distance, b, b_distance, depth, start, start_step, c, c_step, rows, columns, edge, first, last,
    job): a block of C = start + A B, of tiles `depth` deep; addresses, steps of start and C in numbers. `start` 0
    means 0. A block less than whole tiles is made in `edge` and copied.

    While the unit works, the processor has time for something else: besides(i, j, job), parts `first` to `last` of some
    other work, a few after each step; or, if it is given, eighth(n, part, job), the n-th eighth of a part, among the
    products of a step.
    """
    step_22 = _interleaved(eighth, besides) if eighth else _in_turn(besides)

    @compiled
    def block(a, a_distance, b, b_distance, depth, start, start_step, c, c_step, rows, columns, edge, first, last, job):
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
            low, high = first + (last - first) * d // depth, first + (last - first) * (d + 1) // depth
            if tall and wide:
                step_22(x, a_distance, y, b_distance, low, high, job)
                continue
            if tall:
                _add_21(x, a_distance, y, b_distance)
            elif wide:
                _add_12(x, a_distance, y, b_distance)
            else:
                _add_11(x, a_distance, y, b_distance)
            besides(low, high, job)
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

    return block


def multiplier(besides=_nothing, eighth=None):
    """A function (a, a_distance, b, b_distance, depth, start, start_step, c, c_step, rows, columns, edge, parts, job)
    like that of `block_product`, but for any size, and besides it so many parts of other work.
    """
    block = block_product(besides, eighth)

    @compiled
    def add_on(
        a, a_distance, b, b_distance, depth, start, s_step, c, c_step, rows, columns, edge, done, blocks, parts, job
    ):
        for j in range(0, columns, WHOLE):
            for i in range(0, rows, WHOLE):
                s = start + (i * s_step + j) * _SIZE if start != 0 else 0
                first, done = parts * done // blocks, done + 1
                block(
                    *(a + i // STRIP * a_distance, a_distance, b + j // STRIP * b_distance, b_distance),
                    *(depth, s, s_step),
                    *(c + (i * c_step + j) * _SIZE, c_step, min(rows - i, WHOLE), min(columns - j, WHOLE), edge),
                    *(first, parts * done // blocks, job),
                )
        return done

    @compiled
    def multiply(a, a_distance, b, b_distance, depth, start, start_step, c, c_step, rows, columns, edge, parts, job):
        most = _SLICE if depth <= 2 * _SLICE else depth  # more slices cost more for C than they bring
        blocks, done = (rows + WHOLE - 1) // WHOLE * ((columns + WHOLE - 1) // WHOLE), 0
        blocks *= (depth + most - 1) // most
        for d in range(0, depth, most):
            first, step = start, start_step
            if d > 0:
                first, step = c, c_step
            deep, far = min(depth - d, most), d * (PIECES * TILE)
            done = add_on(
                *(a + far, a_distance, b + far, b_distance, deep, first, step, c, c_step, rows, columns, edge),
                *(done, blocks, parts, job),
            )

    return multiply
