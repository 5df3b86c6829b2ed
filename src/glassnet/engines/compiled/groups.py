"""Groups of rows, as many as a vector has lanes: from memory into the forms that `rows` computes with, and back.

For either form there are two functions. read(p, step, rows, columns, scratch) makes a row of the first `rows` rows from
p on, `step` apart; write(p, step, rows, columns, value) stores an expression there.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from glassnet.engines.compiled.codegen import I64, shuffled
from glassnet.engines.compiled.gather import gatherer, scatter
from glassnet.engines.compiled.load_store import (
    masked_load,
    masked_store,
    plain_load,
    plain_store,
    store,
    tail,
    vector_at,
)
from glassnet.engines.compiled.pointers import after
from glassnet.engines.compiled.rows import Registers, Row, at, column, made
from glassnet.engines.compiled.translate import compiled

__all__ = ["in_memory", "in_registers"]


def in_memory(lanes):
    """read, by way of a tile in `scratch`, and write: for any number of columns."""
    kind, count, gather = Row(lanes), lanes.count, gatherer(lanes.dtype, lanes.count)

    @intrinsic
    def tile(typingctx, p, count):
        def emit(context, builder, signature, arguments):
            return made(context, builder, kind, arguments)

        return kind(p, types.int64), emit

    @compiled
    def read(p, step, rows, columns, scratch):
        for k in range(columns):
            store(scratch, k * count, (k + 1) * count, gather(after(p, k), step, rows))
        return tile(scratch, columns)

    @compiled
    def write(p, step, rows, columns, value):
        for k in range(columns):
            scatter(after(p, k), step, rows, at(value, k))

    return read, write


def in_registers(lanes, columns):
    """read and write for so many columns, of rows that follow upon each other without a gap: whole vectors."""
    kind = Registers(lanes, columns)

    def whole(builder, rows):
        return builder.icmp_signed("==", rows, ir.Constant(I64, lanes.count))

    def places(builder, p, rows):
        """LLVM: where each vector of a group lies, and which of its lanes belong to the first `rows` rows."""
        stop = builder.mul(rows, ir.Constant(I64, columns))
        for start in (ir.Constant(I64, j * lanes.count) for j in range(columns)):
            yield vector_at(builder, lanes, p, start), tail(builder, lanes, start, stop)

    @intrinsic
    def load_group(typingctx, p, rows):
        def emit(context, builder, signature, arguments):
            with builder.if_else(whole(builder, arguments[1]), likely=True) as (then, otherwise):
                with then:
                    full = [plain_load(builder, lanes, place) for place, _ in places(builder, *arguments)]
                    from_full = builder.block
                with otherwise:
                    part = [masked_load(builder, lanes, *where) for where in places(builder, *arguments)]
                    from_part = builder.block
            vectors = [builder.phi(lanes.llvm) for _ in range(columns)]
            for vector, *values in zip(vectors, full, part, strict=True):
                for value, block in zip(values, (from_full, from_part), strict=True):
                    vector.add_incoming(value, block)
            return made(context, builder, kind, _apart(builder, vectors))

        return kind(p, types.int64), emit

    @intrinsic
    def store_group(typingctx, p, rows, value):
        def emit(context, builder, signature, arguments):
            *group, value_ = arguments
            vectors = _together(builder, [column(context, builder, value, value_, k) for k in range(columns)])
            with builder.if_else(whole(builder, arguments[1]), likely=True) as (then, otherwise):
                with then:
                    for vector, (place, _) in zip(vectors, places(builder, *group), strict=True):
                        plain_store(builder, lanes, vector, place)
                with otherwise:
                    for vector, where in zip(vectors, places(builder, *group), strict=True):
                        masked_store(builder, lanes, vector, *where)
            return context.get_dummy_value()

        return types.void(p, types.int64, value), emit

    read = compiled(lambda p, step, rows, columns, scratch: load_group(p, rows))
    write = compiled(lambda p, step, rows, columns, value: store_group(p, rows, value))
    return read, write


def _dealt(builder, vectors, order):
    """LLVM: as many vectors as there are, made of their lanes in this order: from one after the other."""
    count, dealt = vectors[0].type.count, []
    for j in range(len(vectors)):
        value, picks = vectors[0], order[j * count : (j + 1) * count]
        lanes = [pick if pick < count else 0 for pick in picks]
        for n, vector in enumerate(vectors[1:], 1):
            lanes = [
                count + pick % count if pick // count == n else lane for pick, lane in zip(picks, lanes, strict=True)
            ]
            value, lanes = shuffled(builder, value, vector, lanes), list(range(count))
        dealt.append(value)
    return dealt


def _apart(builder, vectors):
    """LLVM: vectors of rows as they lie in memory, (row 0, row 1, ...), to columns."""
    columns, count = len(vectors), vectors[0].type.count
    if columns % 2:
        return _dealt(builder, vectors, [i * columns + k for k in range(columns) for i in range(count)])
    apart = [None] * columns
    for odd in (0, 1):
        half = [
            shuffled(builder, a, b, range(odd, 2 * count, 2)) for a, b in zip(vectors[::2], vectors[1::2], strict=True)
        ]
        apart[odd::2] = _apart(builder, half)
    return apart


def _together(builder, columns):
    """LLVM: the inverse of `_apart`."""
    width, count = len(columns), columns[0].type.count
    if width % 2:
        places = [divmod(n, width) for n in range(width * count)]
        return _dealt(builder, columns, [k * count + i for i, k in places])
    halves = zip(_together(builder, columns[::2]), _together(builder, columns[1::2]), strict=True)
    picks = [i // 2 + i % 2 * count for i in range(2 * count)]
    return [shuffled(builder, a, b, part) for a, b in halves for part in (picks[:count], picks[count:])]
