"""Stages that multiply on the processor's matrix unit: the same as those of `products`, for large float32 matrices."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.kit import Kit, compiled, integers, own_panels, region
from glassnet.engines.compiled.matrix_unit import configure, release
from glassnet.engines.compiled.packed_product import block_product, multiplier
from glassnet.engines.compiled.packer import packer, put_eighth, put_halves, put_left_eighth, put_left_halves
from glassnet.engines.compiled.packing import (
    DEEP,
    DEPTH,
    EDGE_BYTES,
    FAR,
    NEAR,
    NEAR_BYTES,
    PART,
    PIECES,
    QUARTERS,
    STRIP,
    TILE,
    WHOLE,
)
from glassnet.engines.compiled.pointers import call

__all__ = ["packed_affine", "packed_prediction", "packed_weight_gradient"]

_KIT = Kit("float32")
_at, _SIZE = _KIT.pointer, _KIT.bytes


def _chunk_packer(lie):
    """A function that packs a part of W, which lies chunk by chunk, or of its transpose."""
    _, pack = packer("right", lie)

    @compiled
    def pack_chunks(W, chunk, inputs, outputs, k, deep, c, columns, tiles, distance, edge):
        """The tiles of rows k to k + deep, columns c to c + columns."""
        if lie == "straight":
            first = c // chunk * chunk
            step = min(chunk, outputs - first)
            place = W + (first * inputs + k * step + c - first) * _SIZE
            pack(_at(place), step, deep, columns, tiles, distance, edge)
        else:
            j = k
            while j < k + deep:
                first = j // chunk * chunk
                step = min(chunk, inputs - first)
                wide, out = min(first + step, k + deep) - j, tiles + (j - k) // DEEP * (PIECES * TILE)
                place = W + (first * outputs + c * step + j - first) * _SIZE
                pack(_at(place), step, columns, wide, out, distance, edge)
                j += wide

    return pack_chunks


def packed_affine(lie):
    """z = a W + b, this thread's part, as `products.affine`; operands as there, and where W's tiles are kept from a
    batch's first block to its last (field 0: they are made anew). With `lie` "turned" z = a W^T + b, of W as it lies,
    in chunks of what is then summed over.

    The tiles of a are made first, then those of W for a chunk of its columns; while these are used, those of the next
    chunk, if it is a whole one. More than FAR rows by DEPTH would not fit into the core's own cache: then piece by
    piece.
    """
    ahead, pack_right, (_, pack_left) = lie == "straight", _chunk_packer(lie), packer("left", "straight")
    multiply = multiplier(put_halves, put_eighth) if ahead else multiplier()

    def stage(op, fr):
        a0, W, z0, inputs, outputs = fr[op[2]] + op[3], fr[op[4]] + op[5], fr[op[8]] + op[9], op[10], op[11]
        a_step, z_step = op[12], op[13]
        chunk = op[14] if op[14] > 0 else outputs if lie == "straight" else inputs
        edge, near, far = fr[f.EDGE], fr[f.EDGE] + EDGE_BYTES, fr[f.EDGE] + EDGE_BYTES + 2 * NEAR_BYTES
        r0, r1, c0, c1 = region(fr, outputs, op[15])
        strips, strip, turn = (outputs + STRIP - 1) // STRIP, PIECES * TILE, 0
        configure()
        for k in range(0, inputs, DEPTH):
            deep = min(inputs - k, DEPTH)
            depth = (deep + DEEP - 1) // DEEP
            distance = depth * (PIECES * TILE)
            for r in range(r0, r1, FAR):
                rows = min(r1 - r, FAR)
                pack_left(_at(a0 + (r * a_step + k) * _SIZE), a_step, rows, deep, far, distance, _at(edge))
                own = op[15] != 0 or fr[f.THREADS] == 1  # of W: else half of it is the other core's, and comes late
                whole, halves, anew = deep // DEEP * DEEP, 0, op[16] == 0 or fr[f.FIRST_BLOCK] != 0
                for c in range(c0, c1, NEAR):
                    columns, right, following = min(c1 - c, NEAR), near, near
                    if op[16] != 0:  # kept
                        right = fr[op[16]] + op[17] + k // DEEP * strip * strips + c // STRIP * distance
                        following = right + NEAR // STRIP * distance
                    elif ahead and own:
                        right, turn = near + turn * NEAR_BYTES, 1 - turn
                        following = near + turn * NEAR_BYTES
                    if anew:
                        done = whole if halves > 0 else 0
                        place = right + done // DEEP * strip
                        pack_right(
                            W, chunk, inputs, outputs, k + done, deep - done, c, columns, place, distance, _at(edge)
                        )
                    halves, job = 0, (W, 0, right, distance)
                    if ahead and anew and own and c + 2 * NEAR <= c1:
                        first = (c + NEAR) // chunk * chunk
                        wide = min(chunk, outputs - first)
                        place = W + (first * inputs + k * wide + c + NEAR - first) * _SIZE
                        halves, job = whole // DEEP * (NEAR // STRIP * 2), (place, wide, following, distance)
                    z = z0 + (r * z_step + c) * _SIZE
                    start, step = z, z_step
                    if k == 0:
                        start, step = fr[op[6]] + op[7] + c * _SIZE if op[6] != 0 else 0, 0
                    multiply(
                        *(far, distance, right, distance, depth, start, step, z, z_step, rows, columns, edge),
                        *(halves, job),
                    )
        release()

    return stage


def packed_prediction():
    """z = a W + b for all rows of a block, in prediction: W's tiles are made with the first block and kept.

    While a pair of strips of a is multiplied with all of W, the next pair is packed: inputs come from far away.
    op: as `products.affine`, but in the place of chunks field and offset of the tiles.
    """
    (_, pack_left), (_, pack_right) = packer("left", "straight"), packer("right", "straight")

    block = block_product(put_left_halves, put_left_eighth)

    def stage(op, fr):
        a0, W, z0, inputs, outputs = fr[op[2]] + op[3], fr[op[4]] + op[5], fr[op[8]] + op[9], op[10], op[11]
        a_step, z_step, rows = op[12], op[13], fr[f.ROWS]
        edge, ring, right, turn = fr[f.EDGE], fr[f.EDGE] + EDGE_BYTES, fr[op[14]] + op[15], 0
        pairs = (outputs + WHOLE - 1) // WHOLE
        configure()
        for k in range(0, inputs, DEPTH):
            deep = min(inputs - k, DEPTH)
            depth = (deep + DEEP - 1) // DEEP
            strip = depth * (PIECES * TILE)
            pair, a = 2 * strip, a0 + k * _SIZE
            if fr[f.FIRST_BLOCK] != 0:
                pack_right(_at(W + k * outputs * _SIZE), outputs, deep, outputs, right, strip, _at(edge))
            pack_left(_at(a), a_step, min(rows, WHOLE), deep, ring + turn * pair, strip, _at(edge))
            for i in range(0, rows, WHOLE):
                here, turn, r = ring + turn * pair, 1 - turn, i + WHOLE
                halves = (max(0, min(rows - r, WHOLE)) + STRIP - 1) // STRIP * depth * 2
                for j in range(pairs):
                    c = j * WHOLE
                    z = z0 + (i * z_step + c) * _SIZE
                    start, step = z, z_step
                    if k == 0:
                        start, step = fr[op[6]] + op[7] + c * _SIZE if op[6] != 0 else 0, 0
                    job = a + r * a_step * _SIZE, a_step, rows - r, deep, depth, ring + turn * pair
                    block(
                        *(here, strip, right + j * pair, strip, depth, start, step, z, z_step),
                        *(min(rows - i, WHOLE), min(outputs - c, WHOLE), edge),
                        *(halves * j // pairs, halves * (j + 1) // pairs, job),
                    )
            right += (outputs + STRIP - 1) // STRIP * strip
        release()

    return stage


def packed_weight_gradient():
    """dW = a^T delta by panels, as `products.weight_gradient`; operands as there.

    The tiles of a^T are made first, then those of delta for a chunk of W, whose panels follow each other in memory.
    A panel's update waits until the next one is multiplied and is done besides, PART parameters at a time and
    QUARTERS of these in a step: the unit multiplies while the processor computes and waits for memory.
    """

    @compiled
    def update_one(part, job):
        """A part of a panel, parameters low to high, with this number and gradient."""
        update, fr, low, high, number, gradient = job
        fr[f.LO], fr[f.HI] = min(low + part * PART, high), min(low + (part + 1) * PART, high)
        fr[f.PANEL], fr[f.GRADIENT_OF_LO], fr[f.MORE] = number, gradient + part * (PART * _SIZE), part > 0
        call(integers(update)[0], integers(update), fr)

    @compiled
    def update_parts(first, last, job):
        for part in range(first * QUARTERS, last * QUARTERS):
            update_one(part, job)

    @compiled
    def update_eighth(n, four, job):
        """Every second eighth is a quarter."""
        if n % 2 == 1:
            update_one(four * QUARTERS + n // 2, job)

    multiply = multiplier(update_parts, update_eighth)
    (_, pack_left), (_, pack_right) = packer("left", "turned"), packer("right", "straight")

    def stage(op, fr):
        a0, d0, W, inputs, outputs = fr[op[2]] + op[3], fr[op[4]] + op[5], op[6], op[7], op[8]
        a_step, d_step, height, chunk = op[9], op[10], op[11], op[12] if op[12] != 0 else outputs
        panel, update = op[13], op[14]
        edge, near, far = fr[f.EDGE], fr[f.EDGE] + EDGE_BYTES, fr[f.EDGE] + EDGE_BYTES + 2 * NEAR_BYTES
        strips = (inputs + height - 1) // height
        low, high, c0, c1 = own_panels(op, fr, strips, outputs, chunk)
        top, group = min(high * height, inputs), DEPTH // height * height
        half = 0  # which half of the scratch is free
        waits, parts = (update, fr, 0, 0, 0, 0), 0
        configure()
        for r in range(0, fr[f.ROWS], FAR):
            rows = min(fr[f.ROWS] - r, FAR)
            depth = (rows + DEEP - 1) // DEEP
            distance = depth * (PIECES * TILE)
            again = r > 0 or fr[f.FIRST_BLOCK] == 0
            finish = update != 0 and fr[f.LAST_BLOCK] != 0 and r + rows == fr[f.ROWS]
            for g in range(low * height, top, group):
                wide = min(group, top - g)
                pack_left(_at(a0 + (r * a_step + g) * _SIZE), a_step, rows, wide, far, distance, _at(edge))
                for c in range(c0, c1, chunk):
                    columns = min(chunk, outputs - c)
                    pack_right(_at(d0 + (r * d_step + c) * _SIZE), d_step, rows, columns, near, distance, _at(edge))
                    for i in range(g, g + wide, height):
                        end = min(i + height, g + wide)
                        first = W + c * inputs + i * columns
                        start = fr[f.GRADIENT] + first * _SIZE
                        if finish and op[15] != 0 and not again:  # nobody else will want this gradient
                            start, half = fr[f.SCRATCH] + half * height * chunk * _SIZE, 1 - half
                        left = far + (i - g) // STRIP * distance
                        before = start if again else 0
                        multiply(
                            *(left, distance, near, distance, depth, before, columns),
                            *(start, columns, end - i, columns, edge, parts, waits),
                        )
                        if finish:
                            number = panel + c // chunk * strips + i // height  # each thread's side by side
                            last = first + (end - i) * columns
                            waits = update, fr, first, last, number, start
                            parts = (last - first + QUARTERS * PART - 1) // (QUARTERS * PART)
        update_parts(0, parts, waits)
        fr[f.MORE] = 0
        release()

    return stage
