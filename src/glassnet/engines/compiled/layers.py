"""Stages of what stands between the products: activations, the loss, masks, the batch itself."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from numba import types

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.conversions import number, widen
from glassnet.engines.compiled.kit import Kit, compiled, doubles, integers, region
from glassnet.engines.compiled.load_store import store
from glassnet.engines.compiled.pointers import after, prefetch
from glassnet.engines.compiled.rows import by_column
from glassnet.engines.compiled.translate import known
from glassnet.engines.compiled.unrolled import vectors_of
from glassnet.formulas import randomness
from glassnet.formulas.activations import ACTIVATIONS
from glassnet.formulas.elementary import row_sum, where
from glassnet.formulas.losses import LOSSES

__all__ = [
    "activation",
    "activation_backward",
    "batch",
    "dropout",
    "loss",
    "multiply",
    "randomized",
]

_AHEAD = 4  # rows that a gather asks for before it needs them


# --- activations and losses ---------------------------------------------------------------------------------------


def activation(name, dtype, fixed=None):
    """a = g(z), this thread's part.  op: z, a, step (from row to row), columns, chunk; constants.

    `fixed`: of a function of rows, which have so many columns and no gaps.
    """
    kit, record = Kit(dtype), ACTIVATIONS[name]
    tensor, load, count, pointer, (read, write) = kit.tensor, kit.load, kit.count, kit.pointer, kit.rows(fixed)
    g, constants = known(record.function), kit.constants(len(record.constants), 8)

    def some(i, stop, state, z, a, c):
        store(a, i, stop, g(load(z, i, stop), *c))
        return state

    every = vectors_of(count, some)

    def elementwise(op, fr):
        z, a, step, columns, c = tensor(op, fr, 1), tensor(op, fr, 3), op[5], op[6], constants(op)
        r0, r1, c0, c1 = region(fr, columns, op[7])
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
            value = g(read(after(z, r * step), step, rows, columns, scratch))
            write(after(a, r * step), step, rows, columns, value)

    return rowwise if record.rowwise else elementwise


def activation_backward(name, dtype):
    """dJ/dz from dJ/da: da g'(z), or the row's vector-Jacobian product.  op: z, a, da, dz, step, columns, chunk;
    constants."""
    kit, record = Kit(dtype), ACTIVATIONS[name]
    tensor, load, count, pointer, (read, write) = kit.tensor, kit.load, kit.count, kit.pointer, kit.rows()
    constants = kit.constants(len(record.constants), 12)
    slope = known(record.vjp if record.rowwise else record.derivative)

    def some(i, stop, state, z, a, da, dz, c):
        store(dz, i, stop, load(da, i, stop) * slope(load(z, i, stop), load(a, i, stop), *c))
        return state

    every = vectors_of(count, some)

    def elementwise(op, fr):
        z, a, da, dz, step = tensor(op, fr, 1), tensor(op, fr, 3), tensor(op, fr, 5), tensor(op, fr, 7), op[9]
        r0, r1, c0, c1 = region(fr, op[10], op[11])
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
                read(after(z, at_r), step, rows, columns, scratch),
                read(after(a, at_r), step, rows, columns, after(scratch, part)),
                read(after(da, at_r), step, rows, columns, after(scratch, 2 * part)),
            )
            write(after(dz, at_r), step, rows, columns, value)

    return rowwise if record.rowwise else elementwise


def loss(name, form, dtype, fixed=None):
    """Losses v L (float64) of this thread's rows, and with form "linked" delta = v dL/dz, with "plain" v dL/da.

    With form "joint" a row's outputs a, as of softmax, are made here from z, and stay in registers; else as "linked".
    `fixed`: all rows have so many columns and no gaps.
    op: z, a, y, v, losses, gradient (field 0: not wanted), step of z and a, step of y, columns; constants.
    """
    kit, record = Kit(dtype), LOSSES[name]
    tensor, count, load, splat, pointer = kit.tensor, kit.count, kit.load, kit.splat, kit.pointer
    read, write = kit.rows(fixed)
    linked, joint = form != "plain", form == "joint"
    rowwise = record.simplex and linked
    link = known(ACTIVATIONS[record.link].function) if joint else None
    constants = kit.constants(len(record.constants), 16)

    def of_rows(function):
        """A formula as a function (z, a, y, constants) of rows; most are of one column, and so applied to each."""
        if rowwise:
            return compiled(lambda z, a, y, c: function(z, a, y, *c))
        each = by_column(function)
        if linked:
            return compiled(lambda z, a, y, c: each((z, a, y, *c)))
        return compiled(lambda z, a, y, c: each((a, y, *c)))

    value = of_rows(known(record.linked if linked else record.function))
    slope = of_rows(known(record.linked_derivative if linked else record.derivative))
    total = compiled(lambda x: x if rowwise else row_sum(x))

    @compiled
    def weighed(x, v):
        """v x; a weight of 0 takes an example out, even one whose loss is infinite."""
        zero = splat(0.0)
        return where(v > zero, x, zero) * v

    weighed_slopes = by_column(weighed)

    @compiled
    def outputs(z, a, r, step, rows, columns, scratch):
        """z and a of some rows; z is a where nobody asks for it."""
        first = read(after(z if joint else a, r * step), step, rows, columns, scratch)
        if joint:
            return first, link(first)
        if linked:
            rest = after(scratch, 2 * columns * count)
            return read(after(z, r * step), step, rows, columns, rest), first
        return first, first

    def stage(op, fr):
        z, a, y, v = tensor(op, fr, 1), tensor(op, fr, 3), tensor(op, fr, 5), tensor(op, fr, 7)
        losses, scratch = doubles(fr[op[9]] + op[10]), pointer(fr[f.SCRATCH])
        step, y_step, columns, c = op[13], op[14], op[15], constants(op)
        for r in range(fr[f.FIRST], fr[f.LAST], count):
            rows = min(count, fr[f.LAST] - r)
            y_r = read(after(y, r * y_step), y_step, rows, columns, after(scratch, columns * count))
            z_r, a_r = outputs(z, a, r, step, rows, columns, scratch)
            v_r = load(after(v, r), 0, rows)
            store(after(losses, r), 0, rows, widen(weighed(total(value(z_r, a_r, y_r, c)), v_r)))
            if op[11] != 0:
                slopes = weighed_slopes((slope(z_r, a_r, y_r, c), v_r))
                write(after(tensor(op, fr, 11), r * step), step, rows, columns, slopes)

    return stage


# --- what is drawn ------------------------------------------------------------------------------------------------

_prefix = known(randomness.hash_prefix)
_bits, _fraction = known(randomness.bits), known(randomness.fraction)


def dropout(dtype):
    """mask = 0 or 1/(1 - rate), d = a mask.  op: a, d, mask, step, columns, stream, number of the rate."""
    tensor, scalar = Kit(dtype).tensor, Kit(dtype).dtype

    def stage(op, fr):
        a, d, mask, step, columns = tensor(op, fr, 1), tensor(op, fr, 3), tensor(op, fr, 5), op[7], op[8]
        rate = doubles(fr[f.RATES])[op[10]]
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
        lower, upper = number(op[11]), number(op[12])
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
        store(da, i, stop, load(da, i, stop) * load(factor, i, stop))
        return state

    every = vectors_of(count, some)

    def stage(op, fr):
        every(fr[f.FIRST] * op[5], fr[f.LAST] * op[5], 0, tensor(op, fr, 1), tensor(op, fr, 3))

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
        store(target, i, stop, load(source, i, stop))
        return state

    every = vectors_of(count, some)

    def stage(op, fr):
        v, inputs, columns = tensor(op, fr, 5), op[7], op[8]
        weights, scale, first = doubles(fr[f.WEIGHTS]), number(fr[f.SCALE]), fr[f.ROW]
        if fr[f.ORDER] != 0:
            x, y = tensor(op, fr, 1), tensor(op, fr, 3)
            order, last = integers(fr[f.ORDER]), fr[f.LAST] - 1
            for r in range(fr[f.FIRST], fr[f.LAST]):
                e = order[first + r]
                ahead = pointer(fr[f.X] + order[first + min(r + _AHEAD, last)] * inputs * size)
                for i in range(0, min(inputs, 64 * count), 64 // size):
                    prefetch(ahead, i)
                every(0, inputs, 0, pointer(fr[f.X] + e * inputs * size), after(x, r * inputs))
                every(0, columns, 0, pointer(fr[f.Y] + e * columns * size), after(y, r * columns))
        for r in range(fr[f.FIRST], fr[f.LAST]):
            if fr[f.WEIGHTS] != 0:
                e = integers(fr[f.ORDER])[first + r] if fr[f.ORDER] != 0 else first + r
                v[r] = weights[e] * scale
            else:
                v[r] = scale

    return stage
