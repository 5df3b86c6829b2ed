"""The other product's kernel, for matrices with few columns: sums along the rows of both.

    C[r, o] = b[o] + sum_i A[r, i] W[o, i]        r < rows, o < units

Vectors run along i, so that a layer of 3 units uses all lanes too. As many rows times units as a vector has lanes are
computed at once, each sum in a register of its own; then the registers are added up across their lanes, all of them
together: in log2(lanes) rounds, in each of which pairs of vectors s apart are made one, whose lanes are the sums of
lanes s apart of the one and of the other. The order of additions is the same for every C[r, o].
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from functools import cache

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from glassnet.engines.compiled import lanes as q

__all__ = ["dots"]


def _add_up(builder, vectors):
    """LLVM: the vector of which lane n is the sum of all lanes of vector n."""
    count, apart = len(vectors), 1
    while apart < count:
        stay = [n if not n & apart else count + n for n in range(count)]
        come = [n + apart if not n & apart else count + n - apart for n in range(count)]
        for i in range(0, count, 2 * apart):
            a, b = vectors[i], vectors[i + apart]
            first, second = (
                builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(q.I32, count), pick)) for pick in (stay, come)
            )
            vectors[i] = builder.fadd(first, second)
        apart *= 2
    return vectors[0]


@cache
def dots(dtype, count, units):
    """The kernel for `units` columns and count / units rows of C, as a Numba intrinsic.

    (a, a_step, w, w_step, n, b, c, c_step, left): pointers, steps in elements; b null means 0. Only `left` rows are
    there.
    """
    lanes, rows = q.Lanes(dtype, count), count // units
    vector, pointer, number = lanes.llvm, types.CPointer(dtype), types.int64
    suffix = q.suffix(lanes)

    @intrinsic
    def block(typingctx, a, a_step, w, w_step, n, b, c, c_step, left):
        def emit(context, builder, signature, arguments):
            a, a_step, w, w_step, n, b, c, c_step, left = arguments
            last = builder.sub(left, ir.Constant(q.I64, 1))
            zero = ir.Constant(vector, [ir.Constant(vector.element, 0.0)] * count)

            def constant(i):
                return ir.Constant(q.I64, i)

            def at(base, i):
                return builder.bitcast(builder.gep(base, [i]), vector.as_pointer())

            def row(r):
                """Row r, or the last one."""
                there = builder.icmp_signed("<", constant(r), last)
                return builder.gep(a, [builder.mul(a_step, builder.select(there, constant(r), last))])

            rows_a = [row(r) for r in range(rows)]
            rows_w = [builder.gep(w, [builder.mul(w_step, constant(o))]) for o in range(units)]

            def add(sums, load):
                x = [load(p) for p in rows_a]
                for o, p in enumerate(rows_w):
                    y = load(p)
                    for r in range(rows):
                        operands = [x[r], y, sums[r * units + o]]
                        sums[r * units + o] = q.llvm_function(
                            builder, f"llvm.fmuladd.{suffix}", vector, [vector] * 3, operands
                        )
                return sums

            # whole vectors, then what is left
            places = [cgutils.alloca_once_value(builder, zero) for _ in range(count)]
            whole = builder.and_(n, constant(-count))
            with cgutils.for_range_slice(builder, constant(0), whole, constant(count), intp=q.I64) as (i, _):
                sums = add([builder.load(p) for p in places], lambda p: q.plain_load(builder, lanes, at(p, i)))
                for s, p in zip(sums, places, strict=True):
                    builder.store(s, p)
            with builder.if_then(builder.icmp_signed("<", whole, n)):
                mask = q.tail(builder, lanes, whole, n)
                sums = add(
                    [builder.load(p) for p in places],
                    lambda p: q.masked_load(builder, lanes, at(p, whole), mask),
                )
                for s, p in zip(sums, places, strict=True):
                    builder.store(s, p)
            total = _add_up(builder, [builder.load(p) for p in places])
            # b in each row's lanes
            mask = q.tail(builder, lanes, constant(0), constant(units))
            given = builder.icmp_unsigned("!=", b, ir.Constant(b.type, None))
            nothing = ir.Constant(mask.type, None)
            bias = q.masked_load(builder, lanes, at(b, constant(0)), builder.select(given, mask, nothing))
            undefined = ir.Constant(vector, ir.Undefined)
            spread = [k % units for k in range(count)]
            total = builder.fadd(
                total, builder.shuffle_vector(bias, undefined, ir.Constant(ir.VectorType(q.I32, count), spread))
            )
            together = builder.icmp_signed("==", c_step, constant(units))
            with builder.if_else(together) as (then, otherwise):
                with then:
                    mask_all = q.tail(builder, lanes, constant(0), builder.mul(left, constant(units)))
                    q.masked_store(builder, lanes, total, at(c, constant(0)), mask_all)
                with otherwise:
                    for r in range(rows):
                        with builder.if_then(builder.icmp_signed("<", constant(r), left)):
                            pick = [(r * units + k) % count for k in range(count)]
                            part = builder.shuffle_vector(
                                total, undefined, ir.Constant(ir.VectorType(q.I32, count), pick)
                            )
                            q.masked_store(builder, lanes, part, at(c, builder.mul(c_step, constant(r))), mask)
            return context.get_dummy_value()

        return types.void(pointer, number, pointer, number, number, pointer, pointer, number, number), emit

    return block
