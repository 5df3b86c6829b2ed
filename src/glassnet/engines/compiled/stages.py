"""The stages: what a training step is made of, each a plain loop around a record's own function.

Every factory below takes names (a record, a dtype) and returns a function of two pointers, the operands `op` and
the thread's frame `fr` (see `frame`), which `machine_code` compiles. A tensor operand is two numbers: op[i] names
the frame's field that holds an address, op[i + 1] the distance in bytes. Rows FIRST <= r < LAST of a block are the
calling thread's; stages that work on columns or parameters take the thread's share of those instead.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

import math

from numba import njit, types

from glassnet.engines.compiled import elementary as _elementary  # noqa: F401  teaches Numba the elementary names
from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled import lanes as q
from glassnet.engines.compiled import program as p
from glassnet.engines.compiled.machine_code import vector_bytes
from glassnet.engines.compiled.product import kernel
from glassnet.engines.compiled.rows import at, row
from glassnet.engines.compiled.translate import OPTIONS, known
from glassnet.formulas import randomness
from glassnet.formulas.activations import ACTIVATIONS
from glassnet.formulas.elementary import maximum, minimum, sqrt, where
from glassnet.formulas.losses import LOSSES
from glassnet.formulas.optimizers import OPTIMIZERS
from glassnet.formulas.penalties import penalty_slope

__all__ = ["STAGES"]

_DTYPES = {"float32": types.float32, "float64": types.float64}
_integers = q.pointer(types.int64)
_doubles = q.pointer(types.float64)
_compiled = njit(**OPTIONS)
_AHEAD = 4  # rows that a gather asks for before it needs them
_DEPTH = 96  # of a product: so many rows of a tile's B stay in the nearest cache


class Kit:
    """The words of one dtype: vectors as wide as the processor's, pointers to numbers."""

    def __init__(self, dtype):
        self.dtype = _DTYPES[dtype]
        self.bytes = self.dtype.bitwidth // 8
        self.count = vector_bytes() // self.bytes
        self.lanes = q.Lanes(self.dtype, self.count)
        self.pointer = q.pointer(self.dtype)
        self.load = q.load(self.dtype, self.count)
        self.gather = q.gather(self.dtype, self.count)
        self.splat = q.vector_lanes(self.dtype, self.count)
        self.row = row(self.lanes)
        pointer = self.pointer

        @_compiled
        def tensor(op, fr, i):
            return pointer(fr[op[i]] + op[i + 1])

        count, gather = self.count, self.gather

        @_compiled
        def tile(p, step, rows, columns, out):
            """Rows into lanes: column k of the first `rows` rows from p becomes vector k of the tile `out`."""
            for k in range(columns):
                q.store(out, k * count, (k + 1) * count, gather(q.after(p, k), step, rows))
            return out

        self.tensor, self.tile = tensor, tile

    def constants(self, count, first):
        """A function of op: `count` numbers of a formula from op[first] on (bits of float64), as Lanes."""
        splat = self.splat
        return q.tuple_of(count, _compiled(lambda i, op: splat(q.number(op[first + i]))))


@_compiled
def _share(fr, columns, count):
    """This thread's share of the columns, in whole vectors."""
    groups = (columns + count - 1) // count
    low = groups * fr[f.THREAD] // fr[f.THREADS] * count
    return low, min(groups * (fr[f.THREAD] + 1) // fr[f.THREADS] * count, columns)


@_compiled
def _region(fr, columns, chunk):
    """This thread's part of a tensor: rows r0 to r1, columns c0 to c1.

    Rows with all their columns, or for `chunk` > 0 all rows of columns in chunks: what a wide layer's thread computes
    then comes from the part of W that the same thread updates, and W need not travel between the cores. (For the
    same reason a chunk's columns of W lie together in memory, all rows of one chunk after all rows of the last.)
    """
    if chunk == 0:
        return fr[f.FIRST], fr[f.LAST], 0, columns
    low, high = _share(fr, columns, chunk)
    return 0, fr[f.ROWS], low, high


# --- products -----------------------------------------------------------------------------------------------------


def product(along, dtype):
    """C = start + A B by tiles. fr[ARGUMENTS:]: a, a_step, b, b_step, start, start_step, c, c_step, M, N, K.

    `along` says how A lies: see `product.kernel`. The tiles are as large as the processor's registers hold.
    """
    kit = Kit(dtype)
    at_, size, lanes, rowwise = kit.pointer, kit.bytes, kit.count, along == "rows"
    tall, half = (8, 4) if vector_bytes() == 64 else (4, 2)  # of 32 vector registers, or of 16
    k83, k82, k81 = (kernel(kit.dtype, lanes, tall, v, True, along) for v in (3, 2, 1))
    k43, k42, k41 = (kernel(kit.dtype, lanes, half, v, True, along) for v in (3, 2, 1))
    k64, k24 = (kernel(kit.dtype, lanes, r, 4, True, along) for r in (6, 2))
    many = vector_bytes() == 64  # then 6 rows of 4 vectors waste less than 8 of 3
    k18, k14, k13, k12, k11 = (kernel(kit.dtype, lanes, 1, v, True, along) for v in (8, 4, 3, 2, 1))

    def one_row(op, fr):
        """As many sums side by side as hide the time of an addition."""
        a, b0, s0, c0, N, K = at_(fr[32]), fr[34], fr[36], fr[38], fr[41], fr[42]
        a_step, b_step, s_step, c_step = fr[33], fr[35], fr[37], fr[39]
        j = 0
        while j < N:
            left = N - j
            b, c = at_(b0 + j * size), at_(c0 + j * size)
            s = at_(s0 + j * size) if s0 != 0 else at_(0)
            if left > 7 * lanes:
                k18(a, a_step, b, b_step, s, s_step, c, c_step, K, left)
                j += 8 * lanes
            elif left > 3 * lanes:
                k14(a, a_step, b, b_step, s, s_step, c, c_step, K, left)
                j += 4 * lanes
            elif left > 2 * lanes:
                k13(a, a_step, b, b_step, s, s_step, c, c_step, K, left)
                j += 3 * lanes
            elif left > lanes:
                k12(a, a_step, b, b_step, s, s_step, c, c_step, K, left)
                j += 2 * lanes
            else:
                k11(a, a_step, b, b_step, s, s_step, c, c_step, K, left)
                j += lanes

    alone = _compiled(one_row)

    def stage(op, fr):
        a0, a_step, b0, b_step, s0, s_step, c0, c_step = fr[32], fr[33], fr[34], fr[35], fr[36], fr[37], fr[38], fr[39]
        M, N, K = fr[40], fr[41], fr[42]
        if M == 1 and rowwise:
            alone(op, fr)
            return
        row, deeper = (a_step, 1) if rowwise else (1, a_step)
        k0 = 0
        while True:
            depth = min(_DEPTH, K - k0)
            j = 0
            while j < N:
                left = N - j
                wide = many and left > 3 * lanes
                i = 0
                while i < M:
                    a, b = at_(a0 + (i * row + k0 * deeper) * size), at_(b0 + (k0 * b_step + j) * size)
                    c = at_(c0 + (i * c_step + j) * size)
                    s, t = c, c_step
                    if k0 == 0:
                        s, t = at_(s0 + (i * s_step + j) * size) if s0 != 0 else at_(0), s_step
                    if wide:
                        if M - i >= 6:
                            k64(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                            i += 6
                        elif M - i >= 2:
                            k24(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                            i += 2
                        else:
                            k14(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                            i += 1
                    elif M - i >= tall:
                        if left > 2 * lanes:
                            k83(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                        elif left > lanes:
                            k82(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                        else:
                            k81(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                        i += tall
                    elif M - i >= half:
                        if left > 2 * lanes:
                            k43(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                        elif left > lanes:
                            k42(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                        else:
                            k41(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                        i += half
                    else:
                        if left > 2 * lanes:
                            k13(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                        elif left > lanes:
                            k12(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                        else:
                            k11(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                        i += 1
                j += 4 * lanes if wide else 3 * lanes
            k0 += depth
            if k0 >= K:
                break

    return stage


def affine(dtype):
    """z = a W + b, this thread's part.

    op: product, a, W, b (field 0: none), z, in, out, steps of a and z, chunk of W, chunk by which threads share z.
    """
    size = Kit(dtype).bytes

    def stage(op, fr):
        inputs, outputs, a_step, z_step, chunk = op[10], op[11], op[12], op[13], op[14]
        r0, r1, c0, c1 = _region(fr, outputs, op[15])
        if r0 >= r1:
            return
        for c in range(c0, c1, chunk if chunk > 0 else outputs):
            columns = min(c1 - c, chunk) if chunk > 0 else outputs
            fr[32], fr[33] = fr[op[2]] + op[3] + r0 * a_step * size, a_step
            fr[34], fr[35] = fr[op[4]] + op[5] + c * inputs * size, columns
            fr[36], fr[37] = (fr[op[6]] + op[7] + c * size if op[6] != 0 else 0), 0
            fr[38], fr[39] = fr[op[8]] + op[9] + (r0 * z_step + c) * size, z_step
            fr[40], fr[41], fr[42] = r1 - r0, columns, inputs
            q.call(op[1], op, fr)

    return stage


def input_gradient(dtype):
    """dJ/da of the layer below = delta W^T, this thread's part.

    op: product, delta, W^T, da, out, in, steps of delta and da, chunk of W^T, chunk by which threads share da.
    """
    size = Kit(dtype).bytes

    def stage(op, fr):
        outputs, inputs, d_step, a_step, chunk = op[8], op[9], op[10], op[11], op[12]
        r0, r1, c0, c1 = _region(fr, inputs, op[13])
        if r0 >= r1:
            return
        for c in range(c0, c1, chunk if chunk > 0 else inputs):
            columns = min(c1 - c, chunk) if chunk > 0 else inputs
            fr[32], fr[33] = fr[op[2]] + op[3] + r0 * d_step * size, d_step
            fr[34], fr[35] = fr[op[4]] + op[5] + c * outputs * size, columns
            fr[36], fr[37] = 0, 0
            fr[38], fr[39] = fr[op[6]] + op[7] + (r0 * a_step + c) * size, a_step
            fr[40], fr[41], fr[42] = r1 - r0, columns, outputs
            q.call(op[1], op, fr)

    return stage


def transpose(dtype):
    """W^T (out, in) from W (in, out), once a batch; this thread's share of the inputs.

    op: W, W^T, in, out, chunk of W's columns (the outputs), chunk of W^T's (the inputs).
    """
    kit = Kit(dtype)
    tensor, turn, count = kit.tensor, q.turn(kit.dtype, kit.count), kit.count

    def stage(op, fr):
        if fr[f.FIRST_BLOCK] == 0:
            return
        W, T, inputs, outputs = tensor(op, fr, 1), tensor(op, fr, 3), op[5], op[6]
        wide, wide_t = op[7] if op[7] != 0 else outputs, op[8] if op[8] != 0 else inputs
        low, high = _share(fr, inputs, op[8] if op[8] != 0 else count)
        for i in range(low, high, count):
            first_t = i // wide_t * wide_t  # the chunk of W^T that row i of W goes to
            columns_t = min(wide_t, inputs - first_t)
            for first in range(0, outputs, wide):
                columns = min(wide, outputs - first)
                source = q.after(W, first * inputs + i * columns)
                for j in range(0, columns, count):
                    target = q.after(T, first_t * outputs + (first + j) * columns_t + i - first_t)
                    turn(q.after(source, j), columns, min(count, high - i), min(count, columns - j), target, columns_t)

    return stage


def weight_gradient(dtype):
    """dW = a^T delta by panels, and db = the sum of delta's rows. A first block begins at 0, later ones add.

    A panel is `height` rows of a chunk of W, or of all its columns (chunk 0). When an update is named, it follows at
    the end of the batch's last block, panel by panel, while the gradient is still in the nearest cache.
    op: product, a, delta, places of W and b in the parameters (b: -1 none), in, out, steps of a and delta, height,
    chunk, number of the first panel, the update's instructions for W and b (0 none), whether they are the whole of
    it, layer number.
    """
    kit = Kit(dtype)
    size, count, load, pointer, tensor = kit.bytes, kit.count, kit.load, kit.pointer, kit.tensor

    def stage(op, fr):
        W, b, inputs, outputs, a_step, d_step = op[6], op[7], op[8], op[9], op[10], op[11]
        height, panel, update, update_b = op[12], op[14], op[15], op[16]
        chunk = op[13] if op[13] != 0 else outputs
        rows, again = fr[f.ROWS], fr[f.FIRST_BLOCK] == 0
        finish = update != 0 and fr[f.LAST_BLOCK] != 0
        panels, chunks = (inputs + height - 1) // height, (outputs + chunk - 1) // chunk
        turn = (fr[f.THREAD] + op[18]) % fr[f.THREADS]  # small layers fall to different threads
        low, high, c0, c1 = 0, panels, 0, outputs
        if op[13] != 0:
            c0, c1 = _share(fr, outputs, chunk)
        else:
            low, high = panels * turn // fr[f.THREADS], panels * (turn + 1) // fr[f.THREADS]
        for c in range(c0, c1, chunk):
            columns = min(chunk, outputs - c)
            for strip in range(low, high):
                i, end = strip * height, min((strip + 1) * height, inputs)
                first = W + c * inputs + i * columns
                start = fr[f.GRADIENT] + first * size
                if finish and op[17] != 0 and not again:  # nobody else will want this gradient
                    start = fr[f.SCRATCH]
                fr[32], fr[33] = fr[op[2]] + op[3] + i * size, a_step
                fr[34], fr[35] = fr[op[4]] + op[5] + c * size, d_step
                fr[36], fr[37] = (start if again else 0), columns
                fr[38], fr[39] = start, columns
                fr[40], fr[41], fr[42] = end - i, columns, rows
                q.call(op[1], op, fr)
                if finish:
                    fr[f.LO], fr[f.HI] = first, first + (end - i) * columns
                    fr[f.PANEL], fr[f.GRADIENT_OF_LO] = panel + strip * chunks + c // chunk, start
                    q.call(_integers(update)[0], _integers(update), fr)
            if b >= 0 and (op[13] != 0 or turn == 0):
                delta, db = tensor(op, fr, 4), pointer(fr[f.GRADIENT] + b * size)
                end = c + columns
                for j in range(c, end, count):
                    total = load(db, j, end) if again else load(delta, j, end)
                    for r in range(0 if again else 1, rows):
                        total = total + load(q.after(delta, r * d_step), j, end)
                    q.store(db, j, end, total)
                if finish:
                    fr[f.LO], fr[f.HI], fr[f.PANEL] = b + c, b + end, panel + panels * chunks + c // chunk
                    fr[f.GRADIENT_OF_LO] = fr[f.GRADIENT] + (b + c) * size
                    q.call(_integers(update_b)[0], _integers(update_b), fr)

    return stage


# --- activations and losses ---------------------------------------------------------------------------------------


def activation(name, dtype):
    """a = g(z), this thread's part.  op: z, a, step (from row to row), columns, chunk; constants."""
    kit, record = Kit(dtype), ACTIVATIONS[name]
    tensor, load, count, make_row, tile, pointer = kit.tensor, kit.load, kit.count, kit.row, kit.tile, kit.pointer
    g, constants = known(record.function), kit.constants(len(record.constants), 8)

    def some(i, stop, state, z, a, c):
        q.store(a, i, stop, g(load(z, i, stop), *c))
        return state

    every = q.vectors_of(count, some)

    def elementwise(op, fr):
        z, a, step, columns, c = tensor(op, fr, 1), tensor(op, fr, 3), op[5], op[6], constants(op)
        r0, r1, c0, c1 = _region(fr, columns, op[7])
        if c1 - c0 == columns:  # one long row; the gaps between rows are computed too
            every(r0 * step, r1 * step, 0, z, a, c)
        else:
            for r in range(r0, r1):
                every(r * step + c0, r * step + c1, 0, z, a, c)

    def rowwise(op, fr):
        z, a, step, columns = tensor(op, fr, 1), tensor(op, fr, 3), op[5], op[6]
        scratch = pointer(fr[f.SCRATCH])
        for r in range(fr[f.FIRST], fr[f.LAST], count):
            rows = min(count, fr[f.LAST] - r)
            value = g(make_row(tile(q.after(z, r * step), step, rows, columns, scratch), columns))
            for k in range(columns):
                q.scatter(q.after(a, r * step + k), step, rows, at(value, k))

    return rowwise if record.rowwise else elementwise


def activation_backward(name, dtype):
    """dJ/dz from dJ/da: da g'(z), or the row's vector-Jacobian product.  op: z, a, da, dz, step, columns, chunk;
    constants."""
    kit, record = Kit(dtype), ACTIVATIONS[name]
    tensor, load, count, make_row, tile, pointer = kit.tensor, kit.load, kit.count, kit.row, kit.tile, kit.pointer
    constants = kit.constants(len(record.constants), 12)
    slope = known(record.vjp if record.rowwise else record.derivative)

    def some(i, stop, state, z, a, da, dz, c):
        q.store(dz, i, stop, load(da, i, stop) * slope(load(z, i, stop), load(a, i, stop), *c))
        return state

    every = q.vectors_of(count, some)

    def elementwise(op, fr):
        z, a, da, dz, step = tensor(op, fr, 1), tensor(op, fr, 3), tensor(op, fr, 5), tensor(op, fr, 7), op[9]
        r0, r1, c0, c1 = _region(fr, op[10], op[11])
        c = constants(op)
        if c1 - c0 == op[10]:
            every(r0 * step, r1 * step, 0, z, a, da, dz, c)
        else:
            for r in range(r0, r1):
                every(r * step + c0, r * step + c1, 0, z, a, da, dz, c)

    def rowwise(op, fr):
        z, a, da, dz, step = tensor(op, fr, 1), tensor(op, fr, 3), tensor(op, fr, 5), tensor(op, fr, 7), op[9]
        columns, scratch = op[10], pointer(fr[f.SCRATCH])
        for r in range(fr[f.FIRST], fr[f.LAST], count):
            rows = min(count, fr[f.LAST] - r)
            at_r, part = r * step, columns * count
            value = slope(
                make_row(tile(q.after(z, at_r), step, rows, columns, scratch), columns),
                make_row(tile(q.after(a, at_r), step, rows, columns, q.after(scratch, part)), columns),
                make_row(tile(q.after(da, at_r), step, rows, columns, q.after(scratch, 2 * part)), columns),
            )
            for k in range(columns):
                q.scatter(q.after(dz, at_r + k), step, rows, at(value, k))

    return rowwise if record.rowwise else elementwise


def loss(name, form, dtype):
    """Losses v L (float64) of this thread's rows, and with form "linked" delta = v dL/dz, with "plain" v dL/da.

    op: z, a, y, v, losses, gradient (field 0: not wanted), step of z and a, step of y, columns; constants.
    """
    kit, record = Kit(dtype), LOSSES[name]
    tensor, count, load, make_row, tile, pointer = kit.tensor, kit.count, kit.load, kit.row, kit.tile, kit.pointer
    splat = kit.splat
    linked, rowwise = form == "linked", record.simplex and form == "linked"
    value = known(record.linked if linked else record.function)
    slope = known(record.linked_derivative if linked else record.derivative)
    constants = kit.constants(len(record.constants), 16)

    @_compiled
    def by_columns(z, a, y, c):
        total = splat(0.0)
        for k in range(a.count):
            if linked:  # noqa: SIM108  the other branch may not compile
                total = total + value(at(z, k), at(a, k), at(y, k), *c)
            else:
                total = total + value(at(a, k), at(y, k), *c)
        return total

    @_compiled
    def slopes_by_columns(z, a, y, c, v, out, step, rows):
        for k in range(a.count):
            if linked:  # noqa: SIM108  the other branch may not compile
                d = slope(at(z, k), at(a, k), at(y, k), *c)
            else:
                d = slope(at(a, k), at(y, k), *c)
            zero = splat(0.0)
            q.scatter(q.after(out, k), step, rows, where(v > zero, d, zero) * v)

    @_compiled
    def slopes_by_row(z, a, y, c, v, out, step, rows):
        d, zero = slope(z, a, y, *c), splat(0.0)
        for k in range(a.count):
            q.scatter(q.after(out, k), step, rows, where(v > zero, at(d, k), zero) * v)

    values = _compiled(lambda z, a, y, c: value(z, a, y, *c)) if rowwise else by_columns
    slopes = slopes_by_row if rowwise else slopes_by_columns

    def stage(op, fr):
        z, a, y, v = tensor(op, fr, 1), tensor(op, fr, 3), tensor(op, fr, 5), tensor(op, fr, 7)
        losses, scratch = _doubles(fr[op[9]] + op[10]), pointer(fr[f.SCRATCH])
        step, y_step, columns, c = op[13], op[14], op[15], constants(op)
        part, zero = columns * count, splat(0.0)
        for r in range(fr[f.FIRST], fr[f.LAST], count):
            rows = min(count, fr[f.LAST] - r)
            a_r = make_row(tile(q.after(a, r * step), step, rows, columns, scratch), columns)
            y_r = make_row(tile(q.after(y, r * y_step), y_step, rows, columns, q.after(scratch, part)), columns)
            z_r = a_r
            if linked:
                z_r = make_row(tile(q.after(z, r * step), step, rows, columns, q.after(scratch, 2 * part)), columns)
            v_r = load(q.after(v, r), 0, rows)
            # a weight of 0 takes an example out, even one whose loss is infinite
            weighed = where(v_r > zero, values(z_r, a_r, y_r, c), zero) * v_r
            q.store(q.after(losses, r), 0, rows, q.widen(weighed))
            if op[11] != 0:
                slopes(z_r, a_r, y_r, c, v_r, q.after(tensor(op, fr, 11), r * step), step, rows)

    return stage


# --- what is drawn ------------------------------------------------------------------------------------------------

_prefix = known(randomness.hash_prefix)
_bits, _fraction = known(randomness.bits), known(randomness.fraction)


def dropout(dtype):
    """mask = 0 or 1/(1 - rate), d = a mask.  op: a, d, mask, step, columns, stream, number of the rate."""
    tensor, scalar = Kit(dtype).tensor, Kit(dtype).dtype

    def stage(op, fr):
        a, d, mask, step, columns = tensor(op, fr, 1), tensor(op, fr, 3), tensor(op, fr, 5), op[7], op[8]
        rate = _doubles(fr[f.RATES])[op[10]]
        prefix, kept = _prefix(fr[f.SEED], fr[f.STEP], op[9]), scalar(1.0 / (1.0 - rate))
        for r in range(fr[f.FIRST], fr[f.LAST]):
            row, index = r * step, (fr[f.ROW] + r) * columns
            for j in range(columns):
                drawn = _fraction(_bits(prefix, types.uint64(index + j)))
                m = kept if drawn >= rate else scalar(0)
                mask[row + j] = m
                d[row + j] = a[row + j] * m

    return stage


def randomized(dtype):
    """r = z or slope z, by the sign of z.  op: z, r, slope, step, columns, stream, drawn?, lower, upper (bits)."""
    tensor, scalar = Kit(dtype).tensor, Kit(dtype).dtype

    def stage(op, fr):
        z, out, slope, step, columns = tensor(op, fr, 1), tensor(op, fr, 3), tensor(op, fr, 5), op[7], op[8]
        lower, upper = q.number(op[11]), q.number(op[12])
        prefix = _prefix(fr[f.SEED], fr[f.STEP], op[9])
        for r in range(fr[f.FIRST], fr[f.LAST]):
            row, index = r * step, (fr[f.ROW] + r) * columns
            for j in range(columns):
                drawn = 0.5
                if op[10] != 0:
                    drawn = _fraction(_bits(prefix, types.uint64(index + j)))
                s = scalar(lower + (upper - lower) * drawn)
                if z[row + j] > scalar(0):
                    s = scalar(1)
                slope[row + j] = s
                out[row + j] = z[row + j] * s

    return stage


def multiply(dtype):
    """da = da * factor, back through a mask or drawn slopes.  op: da, factor, step."""
    kit = Kit(dtype)
    tensor, load, count = kit.tensor, kit.load, kit.count

    def some(i, stop, state, da, factor):
        q.store(da, i, stop, load(da, i, stop) * load(factor, i, stop))
        return state

    every = q.vectors_of(count, some)

    def stage(op, fr):
        every(fr[f.FIRST] * op[5], fr[f.LAST] * op[5], 0, tensor(op, fr, 1), tensor(op, fr, 3))

    return stage


# --- batch normalization ------------------------------------------------------------------------------------------


def normalize(form, dtype):
    """zhat = (z - mean) / sqrt(var + epsilon), s = gamma zhat + beta, and the scale 1 / sqrt(...) is kept.

    With form "batch" mean and var are the block's, which is the whole batch, and the running ones follow; each
    thread takes columns. With "running" these are used, and each thread takes its rows.
    op: z, zhat, s, scale, mean, var, gamma, beta, step, columns, momentum, epsilon.
    """
    kit, batch = Kit(dtype), form == "batch"
    tensor, load, count, splat = kit.tensor, kit.load, kit.count, kit.splat

    def stage(op, fr):
        z, zhat, s, scale = tensor(op, fr, 1), tensor(op, fr, 3), tensor(op, fr, 5), tensor(op, fr, 7)
        running_mean, running_var = tensor(op, fr, 9), tensor(op, fr, 11)
        gamma, beta, step, columns = tensor(op, fr, 13), tensor(op, fr, 15), op[17], op[18]
        one, momentum, epsilon = splat(1.0), q.number(op[19]), splat(q.number(op[20]))
        low, high = _share(fr, columns, count) if batch else (0, columns)
        first, last = (0, fr[f.ROWS]) if batch else (fr[f.FIRST], fr[f.LAST])
        for j in range(low, high, count):
            if batch:
                n = splat(1.0 * fr[f.ROWS])
                mean, var = splat(0.0), splat(0.0)
                for r in range(last):
                    mean = mean + load(q.after(z, r * step), j, columns)
                mean = mean / n
                for r in range(last):
                    d = load(q.after(z, r * step), j, columns) - mean
                    var = var + d * d
                var = var / n
                old, new = splat(1.0 - momentum), splat(momentum)
                unbiased = splat(1.0 * fr[f.ROWS] / max(fr[f.ROWS] - 1, 1))
                q.store(running_mean, j, high, old * load(running_mean, j, columns) + new * mean)
                q.store(running_var, j, high, old * load(running_var, j, columns) + new * var * unbiased)
                worst = load(running_var, j, columns) - load(running_var, j, columns)
                if q.lanes_sum(worst) != 0.0:  # true of NaN
                    _integers(fr[f.SHARED])[f.BAD + f.PLACE * fr[f.THREAD]] = 1
            else:
                mean, var = load(running_mean, j, columns), load(running_var, j, columns)
            by = one / sqrt(var + epsilon)
            if batch or fr[f.THREAD] == 0:
                q.store(scale, j, high, by)
            times, plus = load(gamma, j, columns), load(beta, j, columns)
            for r in range(first, last):
                x = (load(q.after(z, r * step), j, columns) - mean) * by
                q.store(q.after(zhat, r * step), j, high, x)
                q.store(q.after(s, r * step), j, high, times * x + plus)

    return stage


def normalize_backward(form, dtype):
    """dgamma, dbeta and dJ/dz (in place of dJ/ds); each thread takes columns.

    op: delta, zhat, scale, gamma, dgamma, dbeta, step, columns. A first block begins the sums at 0, later ones add.
    """
    kit, batch = Kit(dtype), form == "batch"
    tensor, load, count, splat = kit.tensor, kit.load, kit.count, kit.splat

    def stage(op, fr):
        delta, zhat, scale, gamma = tensor(op, fr, 1), tensor(op, fr, 3), tensor(op, fr, 5), tensor(op, fr, 7)
        dgamma, dbeta, step, columns = tensor(op, fr, 9), tensor(op, fr, 11), op[13], op[14]
        low, high = _share(fr, columns, count)
        rows, zero, n = fr[f.ROWS], splat(0.0), splat(1.0 * fr[f.ROWS])
        for j in range(low, high, count):
            along, total = zero, zero
            for r in range(rows):
                d = load(q.after(delta, r * step), j, columns)
                along = along + d * load(q.after(zhat, r * step), j, columns)
                total = total + d
            factor = load(gamma, j, columns) * load(scale, j, columns)
            for r in range(rows):
                d = load(q.after(delta, r * step), j, columns)
                if batch:  # through mean and var, which depend on every row
                    d = d - total / n - load(q.after(zhat, r * step), j, columns) * (along / n)
                q.store(q.after(delta, r * step), j, high, d * factor)
            if fr[f.FIRST_BLOCK] == 0:
                along, total = along + load(dgamma, j, columns), total + load(dbeta, j, columns)
            q.store(dgamma, j, high, along)
            q.store(dbeta, j, high, total)

    return stage


# --- the batch ----------------------------------------------------------------------------------------------------


def batch(dtype):
    """This thread's rows of the batch's inputs, targets and weights v.  op: inputs, targets, v, columns of both.

    Examples that come in an order are copied side by side; else the block's inputs and targets are used where they
    lie (the driver has set INPUT and TARGET).
    """
    kit = Kit(dtype)
    pointer, load, count, tensor, size = kit.pointer, kit.load, kit.count, kit.tensor, kit.bytes

    def some(i, stop, state, source, target):
        q.store(target, i, stop, load(source, i, stop))
        return state

    every = q.vectors_of(count, some)

    def stage(op, fr):
        v, inputs, columns = tensor(op, fr, 5), op[7], op[8]
        weights, scale, first = _doubles(fr[f.WEIGHTS]), q.number(fr[f.SCALE]), fr[f.ROW]
        if fr[f.ORDER] != 0:
            x, y = tensor(op, fr, 1), tensor(op, fr, 3)
            order, last = _integers(fr[f.ORDER]), fr[f.LAST] - 1
            for r in range(fr[f.FIRST], fr[f.LAST]):
                e = order[first + r]
                ahead = pointer(fr[f.X] + order[first + min(r + _AHEAD, last)] * inputs * size)
                for i in range(0, min(inputs, 64 * count), 64 // size):
                    q.prefetch(ahead, i)
                every(0, inputs, 0, pointer(fr[f.X] + e * inputs * size), q.after(x, r * inputs))
                every(0, columns, 0, pointer(fr[f.Y] + e * columns * size), q.after(y, r * columns))
        for r in range(fr[f.FIRST], fr[f.LAST]):
            if fr[f.WEIGHTS] != 0:
                e = _integers(fr[f.ORDER])[first + r] if fr[f.ORDER] != 0 else first + r
                v[r] = weights[e] * scale
            else:
                v[r] = scale

    return stage


# --- the update ---------------------------------------------------------------------------------------------------


def carry(name):
    """The optimizer's numbers of step HI with learning rate LO (bits), in float64.  op: carried by turns; constants."""
    cls = OPTIMIZERS[name]
    rule = cls()
    carry_, coefficients = known(cls.carry), known(cls.coefficients)
    many = len(rule.carried)
    read = q.tuple_of(many, _compiled(lambda i, p: p[i]))
    constants = q.tuple_of(len(rule.constants), _compiled(lambda i, op: q.number(op[8 + i])))

    @_compiled
    def put(i, p, values):
        p[i] = values[i]

    keep = q.each_of(many, put)

    def stage(op, fr):
        eta, step = q.number(fr[f.LO]), fr[f.HI]
        new = carry_(read(_doubles(op[1] + 8 * many * (step % 2))), *constants(op))
        keep(_doubles(op[1] + 8 * many * ((step + 1) % 2)), new)
        numbers, out = coefficients(eta, new, *constants(op)), _doubles(fr[f.COEFFICIENTS])
        for i in range(len(numbers)):
            out[i] = numbers[i]

    return stage


def _sum(count):
    """A function (values, start): start + the `count` values of a tuple."""
    if count == 0:
        return _compiled(lambda values, start: start)
    before, last = _sum(count - 1), count - 1
    return _compiled(lambda values, start: before(values, start) + values[last])


def update(name, form, dtype):
    """Parameters LO <= p < HI: the end of the gradient, and the rule.

    Form "once" does all; to clip by the norm of all gradients, "gradient" adds the penalties' slope and clips by
    value, and when the norm is known "rule" scales and applies the rule. What a panel adds to the squared norm is
    noted under PANEL, for "gradient" also what it adds after clipping by value. (A panel adds few enough terms for
    its own dtype. Where they overflow, the step counts as not finite, and the reference, in float64, decides.)
    op: l1, l2 (bits), clip by value?, clip_value (bits), whether these decay, panels.
    """
    kit, cls = Kit(dtype), OPTIMIZERS[name]
    pointer, load, count, size, splat = kit.pointer, kit.load, kit.count, kit.bytes, kit.splat
    rule, slots, slope = known(cls.update), len(cls.slots), known(penalty_slope)
    numbers = len(cls.coefficients(0.1, cls.carry(cls.carried, *cls().constants.values()), *cls().constants.values()))
    read_slots = q.tuple_of(slots, _compiled(lambda k, p, step, i, n: load(q.after(p, k * step), i, n)))
    read_numbers = q.tuple_of(numbers, _compiled(lambda k, p: splat(p[k])))
    write_slots = q.each_of(slots, _compiled(lambda k, p, step, i, n, new: q.store(q.after(p, k * step), i, n, new[k])))
    plus_all = _sum(slots)
    gradient_here, rule_here = form != "rule", form != "gradient"

    def some(i, n, sums, theta, gradient, slot, step, coefficients, penalized, l1, l2, clips, bound, decay, scale):
        total, clipped, worst = sums
        g, w = load(gradient, i, n), load(theta, i, n)
        if gradient_here:
            if penalized:
                g = g + slope(w, l1, l2)
            total = q.fused(g, g, total)
            if clips:
                g = minimum(maximum(g, -bound), bound)
        else:
            g = g * scale
        if rule_here:
            w, new = rule(w * decay, g, read_slots(slot, step, i, n), coefficients)
            q.store(theta, i, n, w)
            write_slots(slot, step, i, n, new)
            together = plus_all(new, w)
            worst = worst + (together - together)  # 0 as long as all is finite
        else:
            q.store(gradient, i, n, g)
            clipped = q.fused(g, g, clipped)
        return total, clipped, worst

    every = q.vectors_of(count, some)

    def stage(op, fr):
        low, high, step = fr[f.LO], fr[f.HI], fr[f.SLOT_STEP]
        theta, gradient = pointer(fr[f.THETA] + low * size), pointer(fr[f.GRADIENT_OF_LO])
        slot, given = pointer(fr[f.SLOTS] + low * size), _doubles(fr[f.COEFFICIENTS])
        l1, l2, penalized = splat(q.number(op[1])), splat(q.number(op[2])), op[1] != 0 or op[2] != 0
        clips, bound, scale = op[3] != 0, splat(q.number(op[4])), splat(given[f.CLIP])
        decay = splat(given[f.DECAY] if op[5] != 0 else 1.0)
        zero = splat(0.0)
        total, clipped, worst = every(
            *(0, high - low, (zero, zero, zero), theta, gradient, slot, step),
            *(read_numbers(given), penalized, l1, l2, clips, bound, decay, scale),
        )
        if gradient_here:
            _doubles(fr[f.NORMS])[fr[f.PANEL]] = q.lanes_sum(q.widen(total))
        if not rule_here:
            _doubles(fr[f.NORMS])[op[6] + fr[f.PANEL]] = q.lanes_sum(q.widen(clipped))
        if rule_here and q.lanes_sum(worst) != 0.0:  # true of NaN
            _integers(fr[f.SHARED])[f.BAD + f.PLACE * fr[f.THREAD]] = 1

    return stage


def apply(dtype):
    """An update's instruction on this thread's share of the panels of a range.  op: instruction, start, stop, panel
    size, number of the first panel, whether to wait for the batch's last block.
    """

    bytes_ = Kit(dtype).bytes

    def stage(op, fr):
        if op[6] != 0 and fr[f.LAST_BLOCK] == 0:
            return
        start, stop, size = op[2], op[3], op[4]
        panels = (stop - start + size - 1) // size
        for some in range(panels * fr[f.THREAD] // fr[f.THREADS], panels * (fr[f.THREAD] + 1) // fr[f.THREADS]):
            fr[f.LO], fr[f.HI], fr[f.PANEL] = start + some * size, min(start + (some + 1) * size, stop), op[5] + some
            fr[f.GRADIENT_OF_LO] = fr[f.GRADIENT] + fr[f.LO] * bytes_
            q.call(_integers(op[1])[0], _integers(op[1]), fr)

    return stage


# --- the drivers --------------------------------------------------------------------------------------------------


@_compiled
def wait_for_all(fr):
    """The barrier: go on when every thread has come here as often as this one."""
    threads = fr[f.THREADS]
    if threads > 1:
        shared = _integers(fr[f.SHARED])
        arrived = q.atomic_add(shared, f.ARRIVED, 1) + 1
        goal, spins = (arrived + threads - 1) // threads * threads, 0
        while q.atomic_load(shared, f.ARRIVED) < goal:
            spins += 1
            if spins > 4000:  # the other thread is not running: let it
                q.call_plain(fr[f.YIELD])
                spins = 0


def barrier():
    """Wait for the other threads."""

    def stage(op, fr):
        wait_for_all(fr)

    return stage


@_compiled
def play(tape, instructions, fr):
    """Call the stages of a tape in turn."""
    for i in range(instructions):
        op = _integers(tape + i * (8 * f.WIDTH))
        q.call(op[0], op, fr)


def _enter_block(size):
    """A function (fr, first row, rows, columns of X and Y, bytes of an output row): set the frame for a block."""

    @_compiled
    def enter(fr, row, rows, inputs, targets, outputs):
        fr[f.ROW], fr[f.ROWS] = row, rows
        fr[f.FIRST_BLOCK], fr[f.LAST_BLOCK] = row == 0, row + rows == fr[f.COUNT]
        groups = (rows + 7) // 8
        fr[f.FIRST] = min(groups * fr[f.THREAD] // fr[f.THREADS] * 8, rows)
        fr[f.LAST] = min(groups * (fr[f.THREAD] + 1) // fr[f.THREADS] * 8, rows)
        if fr[f.ORDER] == 0:
            fr[f.INPUT], fr[f.TARGET] = fr[f.X] + row * inputs * size, fr[f.Y] + row * targets * size

    return enter


def predict(dtype):
    """All rows, block by block.  op: tape, instructions, block, columns of X and Y, addresses of outputs and losses."""
    size = Kit(dtype).bytes
    enter = _enter_block(size)

    def stage(op, fr):
        block, inputs, targets, outputs, losses = op[3], op[4], op[5], op[6], op[7]
        row, before = 0, q.flush_denormals()
        while row < fr[f.COUNT] and _integers(fr[f.SHARED])[f.STOP] == 0:
            rows = min(block, fr[f.COUNT] - row)
            enter(fr, row, rows, inputs, targets, 0)
            fr[f.OUTPUT], fr[f.LOSSES] = outputs + row * targets * size, losses + row * 8
            play(op[1], op[2], fr)
            row += rows
        q.restore_denormals(before)

    return stage


def train(dtype):
    """Steps of training. `program` names the operands; sets SHARED[DONE] to the steps done.

    A batch is worked through in blocks. Either all threads share each block, or, when a batch has many blocks of a
    small network, threads take parts of the batch (PARTS of them, however many threads there are), each with memory
    of its own and a gradient of its own; these are added up in the parts' order.
    """
    kit = Kit(dtype)
    size, count = kit.bytes, vector_bytes() // 8
    enter, load, spread = _enter_block(size), q.load(types.float64, count), q.vector_lanes(types.float64, count)
    pointer, load_some, lanes = kit.pointer, kit.load, kit.count

    @_compiled
    def add_up(p, n):
        total = spread(0.0)
        for i in range(0, n, count):
            total = total + load(p, i, n)
        return q.lanes_sum(total)

    @_compiled
    def share_blocks(op, fr, shared, n):
        """All threads through every block; returns the loss, and whether to go on."""
        row, loss = 0, 0.0
        while row < n:
            rows = min(op[p.BLOCK], n - row)
            enter(fr, row, rows, op[p.INPUTS], op[p.TARGETS], 0)
            if fr[f.THREAD] == 0 and shared[f.STOP] != 0:
                shared[f.DECISION] = 1
            play(op[p.ROWS_TAPE], op[p.ROWS_TAPE + 1], fr)
            wait_for_all(fr)
            if shared[f.DECISION] != 0:
                return loss, False
            loss += add_up(_doubles(fr[f.LOSSES]), rows)
            play(op[p.COLUMNS_TAPE], op[p.COLUMNS_TAPE + 1], fr)
            row += rows
            if row < n:
                wait_for_all(fr)
        return loss, True

    @_compiled
    def share_parts(op, fr, shared, n):
        """Each thread through parts of its own, alone; then the parts' gradients and losses are added up."""
        thread, threads, gradient = fr[f.THREAD], fr[f.THREADS], fr[f.GRADIENT]
        blocks = (n + op[p.BLOCK] - 1) // op[p.BLOCK]
        parts, losses = min(op[p.PARTS], blocks), _doubles(op[p.PART_LOSSES])
        fr[f.THREAD], fr[f.THREADS] = 0, 1
        for part in range(thread, parts, threads):
            fr[f.GRADIENT] = op[p.PART_GRADIENTS] + part * fr[f.SLOT_STEP] * size
            first, loss = blocks * part // parts, 0.0
            for block in range(first, blocks * (part + 1) // parts):
                if shared[f.STOP] != 0:
                    shared[f.DECISION] = 1
                    break
                row = block * op[p.BLOCK]
                rows = min(op[p.BLOCK], n - row)
                enter(fr, row, rows, op[p.INPUTS], op[p.TARGETS], 0)
                fr[f.FIRST_BLOCK], fr[f.LAST_BLOCK] = block == first, 0
                play(op[p.ROWS_TAPE], op[p.ROWS_TAPE + 1], fr)
                loss += add_up(_doubles(fr[f.LOSSES]), rows)
                play(op[p.COLUMNS_TAPE], op[p.COLUMNS_TAPE + 1], fr)
            losses[part] = loss
        fr[f.THREAD], fr[f.THREADS], fr[f.GRADIENT], fr[f.LAST_BLOCK] = thread, threads, gradient, 1
        wait_for_all(fr)
        if shared[f.DECISION] != 0:
            return 0.0, False
        low, high = _share(fr, op[p.PARAMETERS], lanes)
        out, step = pointer(gradient), fr[f.SLOT_STEP]
        some = pointer(op[p.PART_GRADIENTS])
        for i in range(low, high, lanes):
            total = load_some(some, i, high)
            for part in range(1, parts):
                total = total + load_some(q.after(some, part * step), i, high)
            q.store(out, i, high, total)
        total_loss = 0.0
        for part in range(parts):
            total_loss += losses[part]
        wait_for_all(fr)
        return total_loss, True

    def stage(op, fr):
        shared, given = _integers(fr[f.SHARED]), _doubles(fr[f.COEFFICIENTS])
        bounds, rates = _integers(op[p.BOUNDS]), _doubles(op[p.LEARNING_RATES])
        decays, losses, norms = _doubles(op[p.WEIGHT_DECAYS]), _doubles(op[p.LOSSES]), _doubles(op[p.STEP_NORMS])
        carry_instruction, squares = _integers(op[p.CARRY]), _doubles(fr[f.NORMS])
        clip, before = q.number(op[p.CLIP_NORM]), q.flush_denormals()
        done, going = 0, True
        while done < op[p.STEPS] and going:
            n = bounds[done + 1] - bounds[done]
            fr[f.COUNT], fr[f.STEP] = n, fr[f.STEP] + 1
            if op[p.ORDER] != 0:
                fr[f.ORDER] = op[p.ORDER] + 8 * bounds[done]
            fr[f.RATES] = op[p.DROPOUT_RATES] + 8 * done * op[p.DROPOUTS]
            fr[f.SCALE] = q.bits_of_number(1.0 / n if op[p.MEAN] != 0 else 1.0)
            if op[p.CARRY] != 0:
                fr[f.LO] = q.bits_of_number(rates[done])
                fr[f.HI] = done
                q.call(carry_instruction[0], carry_instruction, fr)
                given[f.DECAY] = 1.0 - rates[done] * decays[done]
            if op[p.PARTS] > 0:
                loss, going = share_parts(op, fr, shared, n)
            else:
                loss, going = share_blocks(op, fr, shared, n)
            if not going:
                break
            play(op[p.MIDDLE_TAPE], op[p.MIDDLE_TAPE + 1], fr)
            if clip > 0.0:
                wait_for_all(fr)
                norm = math.sqrt(add_up(_doubles(fr[f.NORMS] + 8 * op[p.PANELS]), op[p.PANELS]))
                given[f.CLIP] = clip / norm if norm > clip else 1.0
            play(op[p.END_TAPE], op[p.END_TAPE + 1], fr)
            wait_for_all(fr)
            norm = math.sqrt(add_up(squares, op[p.PANELS]))
            if fr[f.THREAD] == 0:
                losses[done], norms[done] = loss, norm
            going = loss - loss == 0.0 and norm - norm == 0.0
            for t in range(fr[f.THREADS]):
                going = going and shared[f.BAD + f.PLACE * t] == 0
            if going:
                done += 1
        if fr[f.THREAD] == 0:
            shared[f.DONE] = done
        q.restore_denormals(before)

    return stage


STAGES = {
    "product": product,
    "affine": affine,
    "input_gradient": input_gradient,
    "transpose": transpose,
    "weight_gradient": weight_gradient,
    "activation": activation,
    "activation_backward": activation_backward,
    "loss": loss,
    "dropout": dropout,
    "randomized": randomized,
    "multiply": multiply,
    "normalize": normalize,
    "normalize_backward": normalize_backward,
    "batch": batch,
    "carry": carry,
    "update": update,
    "apply": apply,
    "barrier": barrier,
    "predict": predict,
    "train": train,
}
"""By name: stages as factories of names."""
