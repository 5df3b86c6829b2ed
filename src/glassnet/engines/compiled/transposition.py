"""Blocks of a matrix turned, rows to columns, in registers."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from functools import cache

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from glassnet.engines.compiled.codegen import I64, shuffled
from glassnet.engines.compiled.lanes import Lanes
from glassnet.engines.compiled.load_store import masked_load, masked_store, plain_load, plain_store, tail, vector_at

__all__ = ["turner"]


def _turned(builder, vectors):
    """LLVM: the columns of these rows, in log2(count) rounds; in each, vectors s apart exchange the lanes s apart."""
    count, apart = len(vectors), 1
    while apart < count:
        low = [n if not n & apart else count + n - apart for n in range(count)]
        high = [n + apart if not n & apart else count + n for n in range(count)]
        for i in range(count):
            if not i & apart:
                a, b = vectors[i], vectors[i + apart]
                vectors[i], vectors[i + apart] = (shuffled(builder, a, b, picks) for picks in (low, high))
        apart *= 2
    return vectors


@cache
def turner(dtype, count):
    """A function (p, step, rows, columns, out, out_step): out[j, i] = p[i, j] for a block of at most count x count."""
    lanes = Lanes(dtype, count)

    def row(builder, base, step, i):
        return vector_at(builder, lanes, base, builder.mul(step, ir.Constant(I64, i)))

    def turn_whole(builder, p, step, rows, columns, out, out_step):
        """Without masks, which cost more than the exchange."""
        vectors = [plain_load(builder, lanes, row(builder, p, step, i)) for i in range(count)]
        for i, vector in enumerate(_turned(builder, vectors)):
            plain_store(builder, lanes, vector, row(builder, out, out_step, i))

    def turn_part(builder, p, step, rows, columns, out, out_step):
        zero = ir.Constant(I64, 0)

        def part(i, these, those):
            """The mask of row i: `those` columns if it is one of `these` rows, else nothing."""
            there = builder.icmp_signed("<", ir.Constant(I64, i), these)
            return tail(builder, lanes, zero, builder.select(there, those, zero))

        vectors = [masked_load(builder, lanes, row(builder, p, step, i), part(i, rows, columns)) for i in range(count)]
        for i, vector in enumerate(_turned(builder, vectors)):
            masked_store(builder, lanes, vector, row(builder, out, out_step, i), part(i, columns, rows))

    @intrinsic
    def turn_block(typingctx, p, step, rows, columns, out, out_step):
        def emit(context, builder, signature, arguments):
            _, _, rows, columns, _, _ = arguments
            full = ir.Constant(I64, count)
            whole = builder.and_(builder.icmp_signed(">=", rows, full), builder.icmp_signed(">=", columns, full))
            with builder.if_else(whole) as (all_of_it, some_of_it):
                with all_of_it:
                    turn_whole(builder, *arguments)
                with some_of_it:
                    turn_part(builder, *arguments)
            return context.get_dummy_value()

        pointer = types.CPointer(dtype)
        return types.void(pointer, types.int64, types.int64, types.int64, pointer, types.int64), emit

    return turn_block
