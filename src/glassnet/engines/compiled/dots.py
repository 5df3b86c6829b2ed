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

from glassnet.engines.compiled.codegen import I64, llvm_function, shuffled
from glassnet.engines.compiled.lanes import Lanes
from glassnet.engines.compiled.load_store import masked_load, masked_store, plain_load, plain_store, tail, vector_at

__all__ = ["dots"]


def _add_up(builder, vectors):
    """LLVM: the vector of which lane n is the sum of all lanes of vector n."""
    count, apart = len(vectors), 1
    while apart < count:
        stay = [n if not n & apart else count + n for n in range(count)]
        come = [n + apart if not n & apart else count + n - apart for n in range(count)]
        for i in range(0, count, 2 * apart):
            a, b = vectors[i], vectors[i + apart]
            vectors[i] = builder.fadd(shuffled(builder, a, b, stay), shuffled(builder, a, b, come))
        apart *= 2
    return vectors[0]


@cache
def dots(dtype, count, units):
    """The kernel for `units` columns of C, as a Numba intrinsic: count / units rows at a time.

    (a, a_step, w, w_step, n, b, c, c_step, rows): pointers, steps in elements; b null means 0.
    """
    lanes, together = Lanes(dtype, count), count // units
    vector, pointer, number = lanes.llvm, types.CPointer(dtype), types.int64
    undefined = ir.Constant(vector, ir.Undefined)

    def constant(i):
        return ir.Constant(I64, i)

    def picked(builder, x, lane):
        """LLVM: lane(k) of x in lane k."""
        return shuffled(builder, x, undefined, [lane(k) for k in range(count)])

    @intrinsic
    def block(typingctx, a, a_step, w, w_step, n, b, c, c_step, rows):
        def emit(context, builder, signature, arguments):
            a, a_step, w, w_step, n, b, c, c_step, rows = arguments
            zero = ir.Constant(vector, [ir.Constant(vector.element, 0.0)] * count)
            mask = tail(builder, lanes, constant(0), constant(units))
            whole = builder.and_(builder.sub(n, constant(1)), constant(-count))  # before the last vector
            rest = tail(builder, lanes, whole, n)
            rows_w = [builder.gep(w, [builder.mul(w_step, constant(o))]) for o in range(units)]

            def at(base, i):
                return vector_at(builder, lanes, base, i)

            def fused(x, y, z):
                return llvm_function(builder, f"llvm.fmuladd.{lanes.suffix}", vector, [vector] * 3, [x, y, z])

            last_w = [masked_load(builder, lanes, at(p, whole), rest) for p in rows_w]
            bias = cgutils.alloca_once_value(builder, zero)
            with builder.if_then(builder.icmp_unsigned("!=", b, ir.Constant(b.type, None))):
                part = masked_load(builder, lanes, at(b, constant(0)), mask)
                builder.store(picked(builder, part, lambda k: k % units), bias)
            bias = builder.load(bias)
            places = [cgutils.alloca_once(builder, vector) for _ in range(count)]
            with cgutils.for_range_slice(builder, constant(0), rows, constant(together), intp=I64) as (r, _):
                left = builder.sub(rows, r)
                last = builder.sub(left, constant(1))
                top = builder.gep(a, [builder.mul(a_step, r)])

                def row(i):
                    """Row r + i, or the last one."""
                    there = builder.select(builder.icmp_signed("<", constant(i), last), constant(i), last)
                    return builder.gep(top, [builder.mul(a_step, there)])

                rows_a = [row(i) for i in range(together)]
                for p in places:
                    builder.store(zero, p)
                with cgutils.for_range_slice(builder, constant(0), whole, constant(count), intp=I64) as (k, _):
                    x = [plain_load(builder, lanes, at(p, k)) for p in rows_a]
                    for o, p in enumerate(rows_w):
                        y = plain_load(builder, lanes, at(p, k))
                        for i in range(together):
                            place = places[i * units + o]
                            builder.store(fused(x[i], y, builder.load(place)), place)
                x = [masked_load(builder, lanes, at(p, whole), rest) for p in rows_a]
                sums = [
                    fused(x[i], last_w[o], builder.load(places[i * units + o]))
                    for i in range(together)
                    for o in range(units)
                ]
                total = builder.fadd(_add_up(builder, sums), bias)
                below = builder.gep(c, [builder.mul(c_step, r)])
                dense = builder.icmp_signed("==", c_step, constant(units))
                full = builder.icmp_signed(">=", left, constant(together))
                with builder.if_else(builder.and_(dense, full)) as (then, otherwise):
                    with then:
                        plain_store(builder, lanes, total, at(below, constant(0)))
                    with otherwise:
                        for i in range(together):
                            with builder.if_then(builder.icmp_signed("<", constant(i), left)):
                                part = picked(builder, total, lambda k, i=i: (i * units + k) % count)
                                place = at(below, builder.mul(c_step, constant(i)))
                                masked_store(builder, lanes, part, place, mask)
            return context.get_dummy_value()

        return types.void(pointer, number, pointer, number, number, pointer, pointer, number, number), emit

    return block
