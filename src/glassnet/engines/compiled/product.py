"""The matrix product's kernel: a small tile of C kept in registers while K runs.

    C[r, j] = start[r, j] + sum_k A[r, k] B[k, j]        r < rows, j < vectors * lanes

One number of A is spread over a vector and multiplied with `vectors` vectors of a row of B; `rows` times `vectors`
sums stay in registers, so each step of k costs rows + vectors loads for rows * vectors fused multiply-adds, and the
arithmetic units, not the memory, set the pace. A may be read with any two strides (so A^T needs no copy); rows of
B and C are contiguous. k runs upwards, one addition after another, whatever the tile: the bits of C[r, j] depend
neither on the tile's shape nor on its neighbours.

After Goto and Van de Geijn (2008), Anatomy of High-Performance Matrix Multiplication.
"""

# pyright: basic

from functools import cache

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from glassnet.engines.compiled import lanes as q

__all__ = ["kernel"]

_I64 = q.I64


@cache
def kernel(dtype, lanes_count, rows, vectors, masked):
    """The kernel for a tile of this shape, as a Numba intrinsic.

    (a, row_step, k_step, b, b_step, start, start_step, c, c_step, K, columns): pointers and steps in elements;
    `start` null means 0, and with step 0 it is one row added to all (a bias). Only the first `columns` columns are
    touched when `masked`; the mask falls on the last vector.
    """
    lanes = q.Lanes(dtype, lanes_count)
    fused = f"llvm.fmuladd.{q.suffix(lanes)}"
    vector = lanes.llvm
    pointer = types.CPointer(dtype)
    number = types.int64

    @intrinsic
    def tile(typingctx, a, row_step, k_step, b, b_step, start, start_step, c, c_step, K, columns):
        signature = types.void(
            pointer, number, number, pointer, number, pointer, number, pointer, number, number, number
        )

        def emit(context, builder, signature, arguments):
            a, row_step, k_step, b, b_step, start, start_step, c, c_step, K, columns = arguments
            zero = ir.Constant(vector, [ir.Constant(vector.element, 0.0)] * lanes_count)
            if masked:
                mask = q.tail(builder, lanes, ir.Constant(_I64, (vectors - 1) * lanes_count), columns)

            def place(base, j):
                return builder.bitcast(builder.gep(base, [ir.Constant(_I64, j * lanes_count)]), vector.as_pointer())

            def load(base, j):
                if masked and j == vectors - 1:
                    return q.masked_load(builder, lanes, place(base, j), mask)
                return q.plain_load(builder, lanes, place(base, j))

            def store(value, base, j):
                if masked and j == vectors - 1:
                    q.masked_store(builder, lanes, value, place(base, j), mask)
                else:
                    q.plain_store(builder, lanes, value, place(base, j))

            def row(base, step, r):
                return builder.gep(base, [builder.mul(step, ir.Constant(_I64, r))])

            tiles = [(r, j) for r in range(rows) for j in range(vectors)]

            # the sums begin at `start`, or at 0
            before = builder.block
            given, ready = builder.append_basic_block("given"), builder.append_basic_block("ready")
            loop, done = builder.append_basic_block("loop"), builder.append_basic_block("done")
            null = ir.Constant(start.type, None)
            builder.cbranch(builder.icmp_unsigned("!=", start, null), given, ready)
            builder.position_at_end(given)
            loaded = {(r, j): load(row(start, start_step, r), j) for r, j in tiles}
            builder.branch(ready)
            builder.position_at_end(ready)
            first = {}
            for t in tiles:
                first[t] = builder.phi(vector)
                first[t].add_incoming(zero, before)
                first[t].add_incoming(loaded[t], given)
            steps_a = [builder.mul(row_step, ir.Constant(_I64, r)) for r in range(rows)]
            builder.cbranch(builder.icmp_signed(">", K, ir.Constant(_I64, 0)), loop, done)

            # for k in range(K): sums[r, j] += a[r, k] * b[k, j]
            builder.position_at_end(loop)
            k, at_a, at_b = (builder.phi(kind) for kind in (_I64, a.type, b.type))
            sums = {t: builder.phi(vector) for t in tiles}
            row_b = [load(at_b, j) for j in range(vectors)]
            new = {}
            for r in range(rows):
                factor = q.spread(builder, builder.load(builder.gep(at_a, [steps_a[r]])), lanes_count)
                for j in range(vectors):
                    new[r, j] = q.llvm_function(builder, fused, vector, [vector] * 3, [factor, row_b[j], sums[r, j]])
            next_k = builder.add(k, ir.Constant(_I64, 1))
            for phi, begin, after in (
                (k, ir.Constant(_I64, 0), next_k),
                (at_a, a, builder.gep(at_a, [k_step])),
                (at_b, b, builder.gep(at_b, [b_step])),
                *((sums[t], first[t], new[t]) for t in tiles),
            ):
                phi.add_incoming(begin, ready)
                phi.add_incoming(after, loop)
            builder.cbranch(builder.icmp_signed("<", next_k, K), loop, done)

            # what has come out goes into C
            builder.position_at_end(done)
            for r, j in tiles:
                value = builder.phi(vector)
                value.add_incoming(first[r, j], ready)
                value.add_incoming(new[r, j], loop)
                first[r, j] = value
            for r, j in tiles:
                store(first[r, j], row(c, c_step, r), j)
            return context.get_dummy_value()

        return signature, emit

    return tile
