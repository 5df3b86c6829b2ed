"""The matrix product's kernel: a small tile of C kept in registers while K runs.

    C[r, j] = start[r, j] + sum_k A[r, k] B[k, j]        r < rows, j < vectors * lanes

One number of A is spread over a vector and multiplied with `vectors` vectors of a row of B; `rows` times `vectors`
sums stay in registers, so each step of k costs rows + vectors loads for rows * vectors fused multiply-adds, and the
arithmetic units, not the memory, set the pace. A is read along its rows or its columns (so A^T needs no copy); rows of
B and C are contiguous. k runs upwards, one addition after another, whatever the tile: the bits of C[r, j] depend
neither on the tile's shape nor on its neighbours.

After Goto and Van de Geijn (2008), Anatomy of High-Performance Matrix Multiplication.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from functools import cache

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from glassnet.engines.compiled.codegen import I64, llvm_function, spread
from glassnet.engines.compiled.lanes import Lanes
from glassnet.engines.compiled.load_store import masked_load, masked_store, plain_load, plain_store, tail, vector_at
from glassnet.engines.compiled.pointers import ask

__all__ = ["kernel"]

_TOGETHER = {"rows": 4, "columns": 2}  # steps of k that one turn of the loop takes
_AHEAD = 8  # rows of B that a whole tile asks for before it needs them


@cache
def kernel(dtype, lanes_count, rows, vectors, masked, along):
    """The kernel for a tile of this shape, as a Numba intrinsic.

    (a, a_step, b, b_step, start, start_step, c, c_step, K, columns): pointers and steps in elements. A is read
    `along` "rows" (A[r, k] = a[r * a_step + k]) or "columns" (a[k * a_step + r], a transposed matrix). `start` null
    means 0, and with step 0 it is one row added to all (a bias). Only the first `columns` columns are touched when
    `masked`; the mask falls on the last vector, whose loads then cost the arithmetic units a turn each.
    """
    lanes = Lanes(dtype, lanes_count)
    vector, fused = lanes.llvm, f"llvm.fmuladd.{lanes.suffix}"
    pointer, number = types.CPointer(dtype), types.int64
    tiles = [(r, j) for r in range(rows) for j in range(vectors)]

    @intrinsic
    def tile(typingctx, a, a_step, b, b_step, start, start_step, c, c_step, K, columns):
        signature = types.void(pointer, number, pointer, number, pointer, number, pointer, number, number, number)

        def emit(context, builder, signature, arguments):
            a, a_step, b, b_step, start, start_step, c, c_step, K, columns = arguments
            zero = ir.Constant(vector, [ir.Constant(vector.element, 0.0)] * lanes_count)
            if masked:
                mask = tail(builder, lanes, ir.Constant(I64, (vectors - 1) * lanes_count), columns)

            def place(base, j):
                return vector_at(builder, lanes, base, ir.Constant(I64, j * lanes_count))

            def load(base, j):
                if masked and j == vectors - 1:
                    return masked_load(builder, lanes, place(base, j), mask)
                return plain_load(builder, lanes, place(base, j))

            def store(value, base, j):
                if masked and j == vectors - 1:
                    masked_store(builder, lanes, value, place(base, j), mask)
                else:
                    plain_store(builder, lanes, value, place(base, j))

            def moved(base, step, times):
                return builder.gep(base, [builder.mul(step, ir.Constant(I64, times))])

            def opaque(p):
                """The pointer, in a register of its own: LLVM would compute each row's from the last one's."""
                kind = ir.FunctionType(p.type, [p.type])
                return builder.call(ir.InlineAsm(kind, "", "=r,0", side_effect=False), [p])

            def loop(k0, sums0, together):
                """While `together` more fit below K: sums[r, j] += a[r, k] * b[k, j]. Returns k and the sums."""
                head, body, done = (builder.append_basic_block(name) for name in ("head", "body", "done"))
                before = builder.block
                builder.branch(head)
                builder.position_at_end(head)
                k = builder.phi(I64)
                sums = {t: builder.phi(vector) for t in tiles}
                next_k = builder.add(k, ir.Constant(I64, together))
                builder.cbranch(builder.icmp_signed("<=", next_k, K), body, done)
                builder.position_at_end(body)
                new = dict(sums)
                for u in range(together):
                    at_k = builder.add(k, ir.Constant(I64, u))
                    b_k = builder.gep(b, [builder.mul(at_k, b_step)])
                    row_b = [load(b_k, j) for j in range(vectors)]
                    if not masked:
                        ahead = moved(b_k, b_step, _AHEAD)
                        for j in range(vectors):
                            ask(builder, place(ahead, j))
                    if along == "columns":
                        a_k = builder.gep(a, [builder.mul(at_k, a_step)])
                        if not masked:
                            ask(builder, moved(a_k, a_step, _AHEAD))
                    for r in range(rows):
                        spot = (
                            builder.gep(a_k, [ir.Constant(I64, r)])
                            if along == "columns"
                            else builder.gep(a_r[r], [at_k])
                        )
                        factor = spread(builder, builder.load(spot), lanes_count)
                        for j in range(vectors):
                            operands = [factor, row_b[j], new[r, j]]
                            new[r, j] = llvm_function(builder, fused, vector, [vector] * 3, operands)
                builder.branch(head)
                for phi, first, after in ((k, k0, next_k), *((sums[t], sums0[t], new[t]) for t in tiles)):
                    phi.add_incoming(first, before)
                    phi.add_incoming(after, body)
                builder.position_at_end(done)
                return k, sums

            a_r = [opaque(moved(a, a_step, r)) for r in range(rows)] if along == "rows" else []
            # the sums begin at `start`, or at 0
            before = builder.block
            given, ready = builder.append_basic_block("given"), builder.append_basic_block("ready")
            builder.cbranch(builder.icmp_unsigned("!=", start, ir.Constant(start.type, None)), given, ready)
            builder.position_at_end(given)
            loaded = {(r, j): load(moved(start, start_step, r), j) for r, j in tiles}
            builder.branch(ready)
            builder.position_at_end(ready)
            sums = {}
            for t in tiles:
                sums[t] = builder.phi(vector)
                sums[t].add_incoming(zero, before)
                sums[t].add_incoming(loaded[t], given)
            k, sums = loop(ir.Constant(I64, 0), sums, _TOGETHER[along])
            k, sums = loop(k, sums, 1)
            for r, j in tiles:
                store(sums[r, j], moved(c, c_step, r), j)
            return context.get_dummy_value()

        return signature, emit

    return tile
