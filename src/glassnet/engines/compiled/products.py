"""Stages that multiply matrices: z = a W + b and back, dW and db."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.dots import dots
from glassnet.engines.compiled.kit import Kit, compiled, integers, its_turn, own_panels, region, share
from glassnet.engines.compiled.load_store import store
from glassnet.engines.compiled.machine_code import vector_bytes
from glassnet.engines.compiled.pointers import after, call
from glassnet.engines.compiled.product import kernel
from glassnet.engines.compiled.transposition import turner

__all__ = ["affine", "bias_gradient", "few", "product", "transpose", "weight_gradient"]

_NEAR = 4096  # numbers of a that stay in the nearest cache
_DEPTH = 400  # of a product: so many rows of a tile's B stay near, and its sums in registers


def product(along, dtype):
    """C = start + A B by tiles. The frame holds its arguments, A to K.

    `along` says how A lies: see `product.kernel`. The tiles are as large as the processor's registers hold.
    """
    kit = Kit(dtype)
    at_, size, lanes, rowwise = kit.pointer, kit.bytes, kit.count, along == "rows"
    tall, half = (8, 4) if vector_bytes() == 64 else (4, 2)  # of 32 vector registers, or of 16
    some, fewer, one = (_strip(kit, rows, along) for rows in (tall, half, 1))
    k64, k24, k14, k18 = (kernel(kit.dtype, lanes, r, v, True, along) for r, v in ((6, 4), (2, 4), (1, 4), (1, 8)))
    whole = kernel(kit.dtype, lanes, 6, 4, False, along)
    tower = kernel(kit.dtype, lanes, 2 * tall, 1, True, along)  # of one vector: as many sums as hide an addition's time
    many = vector_bytes() == 64  # then 6 rows of 4 vectors waste less than 8 of 3

    def one_row(op, fr):
        """As many sums side by side as hide the time of an addition."""
        a, b0, s0, c0, N, K = at_(fr[f.A]), fr[f.B], fr[f.START], fr[f.C], fr[f.N], fr[f.K]
        a_step, b_step, s_step, c_step = fr[f.A_STEP], fr[f.B_STEP], fr[f.START_STEP], fr[f.C_STEP]
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
            else:
                one(a, a_step, b, b_step, s, s_step, c, c_step, K, left)
                j += 3 * lanes

    alone = compiled(one_row)

    def stage(op, fr):
        a0, b0, s0, c0, M, N, K = fr[f.A], fr[f.B], fr[f.START], fr[f.C], fr[f.M], fr[f.N], fr[f.K]
        a_step, b_step, s_step, c_step = fr[f.A_STEP], fr[f.B_STEP], fr[f.START_STEP], fr[f.C_STEP]
        if M == 1 and rowwise:
            alone(op, fr)
            return
        row, deeper = (a_step, 1) if rowwise else (1, a_step)
        parts, k0 = (K + _DEPTH - 1) // _DEPTH, 0
        deep = (K + parts - 1) // parts if parts > 0 else 0
        while True:
            depth = min(deep, K - k0)
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
                        if M - i >= 6 and left >= 4 * lanes:
                            whole(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                            i += 6
                        elif M - i >= 6:
                            k64(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                            i += 6
                        elif M - i >= 2:
                            k24(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                            i += 2
                        else:
                            k14(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                            i += 1
                    elif left <= lanes and not rowwise and M - i >= 2 * tall:
                        tower(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                        i += 2 * tall
                    elif M - i >= tall:
                        some(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                        i += tall
                    elif M - i >= half:
                        fewer(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                        i += half
                    else:
                        one(a, a_step, b, b_step, s, t, c, c_step, depth, left)
                        i += 1
                j += 4 * lanes if wide else 3 * lanes
            k0 += depth
            if k0 >= K:
                break

    return stage


def _strip(kit, rows, along):
    """The kernel of so many rows for up to three vectors of columns."""
    lanes = kit.count
    three, two, one = (kernel(kit.dtype, lanes, rows, vectors, True, along) for vectors in (3, 2, 1))

    @compiled
    def strip(a, a_step, b, b_step, start, start_step, c, c_step, K, left):
        if left > 2 * lanes:
            three(a, a_step, b, b_step, start, start_step, c, c_step, K, left)
        elif left > lanes:
            two(a, a_step, b, b_step, start, start_step, c, c_step, K, left)
        else:
            one(a, a_step, b, b_step, start, start_step, c, c_step, K, left)

    return strip


@compiled
def multiply_out(address, op, fr, a, a_step, b, b_step, start, start_step, c, c_step, rows, columns, depth):
    """Hand the product at `address` its arguments and call it."""
    fr[f.A], fr[f.A_STEP], fr[f.B], fr[f.B_STEP] = a, a_step, b, b_step
    fr[f.START], fr[f.START_STEP], fr[f.C], fr[f.C_STEP] = start, start_step, c, c_step
    fr[f.M], fr[f.N], fr[f.K] = rows, columns, depth
    call(address, op, fr)


def affine(dtype):
    """z = a W + b, this thread's part; and back, dJ/da = delta W^T, which is the same with W^T and without b.

    op: product, a, W, b (field 0: none), z, in, out, steps of a and z, chunk of W, chunk by which threads share z.
    """
    size = Kit(dtype).bytes

    def stage(op, fr):
        inputs, outputs, a_step, z_step, chunk = op[10], op[11], op[12], op[13], op[14]
        r0, r1, c0, c1 = region(fr, outputs, op[15])
        if r0 >= r1:
            return
        for c in range(c0, c1, chunk if chunk > 0 else outputs):
            columns = min(c1 - c, chunk) if chunk > 0 else outputs
            b = fr[op[6]] + op[7] + c * size if op[6] != 0 else 0
            multiply_out(
                *(op[1], op, fr, fr[op[2]] + op[3] + r0 * a_step * size, a_step),
                *(fr[op[4]] + op[5] + c * inputs * size, columns),
                *(b, 0, fr[op[8]] + op[9] + (r0 * z_step + c) * size, z_step, r1 - r0, columns, inputs),
            )

    return stage


def few(dtype):
    """z = a W^T + b of a layer of few units, whose W lies as (out, in): see `dots`.

    op: a, W, b (field 0: none), z, in, out, steps of a and z.
    """
    kit = Kit(dtype)
    tensor, at_, count = kit.tensor, kit.pointer, kit.count
    most = min(4, count)
    block, two, one = (dots(kit.dtype, count, units) for units in (most, 2, 1))

    def stage(op, fr):
        a, W, b, z = tensor(op, fr, 1), tensor(op, fr, 3), at_(0), tensor(op, fr, 7)
        inputs, outputs, a_step, z_step = op[9], op[10], op[11], op[12]
        if op[5] != 0:
            b = tensor(op, fr, 5)
        units = most if outputs >= most else min(outputs, 2)
        # rows in strips that stay near while the units go by
        strip = max(count, _NEAR // a_step // count * count)
        for r in range(fr[f.FIRST], fr[f.LAST], strip):
            rows, x, y = min(fr[f.LAST] - r, strip), after(a, r * a_step), after(z, r * z_step)
            for first in range(0, outputs, units):
                o = min(first, outputs - units)  # the last ones may be made twice, alike
                w, c, bias = after(W, o * inputs), after(y, o), after(b, o) if op[5] != 0 else b
                if units == most:
                    block(x, a_step, w, inputs, inputs, bias, c, z_step, rows)
                elif units == 2:
                    two(x, a_step, w, inputs, inputs, bias, c, z_step, rows)
                else:
                    one(x, a_step, w, inputs, inputs, bias, c, z_step, rows)

    return stage


def transpose(dtype):
    """W^T (out, in) from W (in, out), once a batch; this thread's share of the inputs.

    op: W, W^T, in, out, chunk of W's columns (the outputs), chunk of W^T's (the inputs).
    """
    kit = Kit(dtype)
    tensor, turn, count = kit.tensor, turner(kit.dtype, kit.count), kit.count

    def stage(op, fr):
        if fr[f.FIRST_OWN] == 0:
            return
        W, T, inputs, outputs = tensor(op, fr, 1), tensor(op, fr, 3), op[5], op[6]
        wide, wide_t = op[7] if op[7] != 0 else outputs, op[8] if op[8] != 0 else inputs
        low, high = share(fr, inputs, op[8] if op[8] != 0 else count)
        for i in range(low, high, count):
            first_t = i // wide_t * wide_t  # the chunk of W^T that row i of W goes to
            columns_t = min(wide_t, inputs - first_t)
            for first in range(0, outputs, wide):
                columns = min(wide, outputs - first)
                source = after(W, first * inputs + i * columns)
                for j in range(0, columns, count):
                    target = after(T, first_t * outputs + (first + j) * columns_t + i - first_t)
                    turn(after(source, j), columns, min(count, high - i), min(count, columns - j), target, columns_t)

    return stage


def weight_gradient(dtype):
    """dW = a^T delta by panels (of a layer of few units dW^T = delta^T a). A first block begins at 0, later ones add.

    A panel is `height` rows of a chunk of W, or of all its columns (chunk 0). When an update is named, it follows at
    the end of the batch's last block, panel by panel, while the gradient is still in the nearest cache.
    op: product, a, delta, place of W in the parameters, in, out, steps of a and delta, height, chunk, number of the
    first panel, the update's instruction (0: none), whether it is the whole of it, layer number.
    """
    size = Kit(dtype).bytes

    def stage(op, fr):
        W, inputs, outputs, a_step, d_step, height = op[6], op[7], op[8], op[9], op[10], op[11]
        panel, update, chunk = op[13], op[14], op[12] if op[12] != 0 else outputs
        rows, again = fr[f.ROWS], fr[f.FIRST_BLOCK] == 0
        finish = update != 0 and fr[f.LAST_BLOCK] != 0
        panels, chunks = (inputs + height - 1) // height, (outputs + chunk - 1) // chunk
        low, high, c0, c1 = own_panels(op, fr, panels, outputs, chunk)
        for c in range(c0, c1, chunk):
            columns = min(chunk, outputs - c)
            for strip in range(low, high):
                i, end = strip * height, min((strip + 1) * height, inputs)
                first = W + c * inputs + i * columns
                start = fr[f.GRADIENT] + first * size
                if finish and op[15] != 0 and not again:  # nobody else will want this gradient
                    start = fr[f.SCRATCH]
                before = start if again else 0
                multiply_out(
                    *(op[1], op, fr, fr[op[2]] + op[3] + i * size, a_step, fr[op[4]] + op[5] + c * size, d_step),
                    *(before, columns, start, columns, end - i, columns, rows),
                )
                if finish:
                    fr[f.LO], fr[f.HI] = first, first + (end - i) * columns
                    fr[f.PANEL], fr[f.GRADIENT_OF_LO] = panel + strip * chunks + c // chunk, start
                    call(integers(update)[0], integers(update), fr)

    return stage


def bias_gradient(dtype):
    """db = the sum of delta's rows, and the update, as `weight_gradient`; a chunk is a panel.

    op: delta, place of b in the parameters, out, step of delta, chunk (0: one thread takes all), number of the first
    panel, the update's instruction (0: none), layer number.
    """
    kit = Kit(dtype)
    size, count, load, pointer, tensor, zero = kit.bytes, kit.count, kit.load, kit.pointer, kit.tensor, kit.splat

    def stage(op, fr):
        delta, b, outputs, step, update = tensor(op, fr, 1), op[3], op[4], op[5], op[8]
        chunk, rows, again = op[6] if op[6] != 0 else outputs, fr[f.ROWS], fr[f.FIRST_BLOCK] == 0
        low, high = 0, outputs
        if op[6] != 0:
            low, high = share(fr, outputs, chunk)
        elif its_turn(fr, op[9]) != 0:
            return
        db = pointer(fr[f.GRADIENT] + b * size)
        for c in range(low, high, chunk):
            end = min(c + chunk, outputs)
            for j in range(c, end, count):
                s0 = load(db, j, end) if again else zero(0.0)
                s1 = s2 = s3 = zero(0.0)  # side by side, or each addition would wait for the last
                r = 0
                while r + 4 <= rows:
                    row = after(delta, r * step)
                    s0, s1 = s0 + load(row, j, end), s1 + load(after(row, step), j, end)
                    s2, s3 = s2 + load(after(row, 2 * step), j, end), s3 + load(after(row, 3 * step), j, end)
                    r += 4
                while r < rows:
                    s0 = s0 + load(after(delta, r * step), j, end)
                    r += 1
                store(db, j, end, (s0 + s1) + (s2 + s3))
            if update != 0 and fr[f.LAST_BLOCK] != 0:
                fr[f.LO], fr[f.HI], fr[f.PANEL] = b + c, b + end, op[7] + c // chunk
                fr[f.GRADIENT_OF_LO] = fr[f.GRADIENT] + (b + c) * size
                call(integers(update)[0], integers(update), fr)

    return stage
