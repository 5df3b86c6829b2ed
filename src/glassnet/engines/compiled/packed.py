"""Products with W on the processor's matrix unit: the same as those of `products`, for large float32 matrices."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.besides import besides
from glassnet.engines.compiled.kit import Kit, compiled, region
from glassnet.engines.compiled.matrix_unit import configure, release
from glassnet.engines.compiled.packed_product import multiplier, places
from glassnet.engines.compiled.packer import (
    TURNED_PARTS,
    packer,
    put_left_row,
    put_right_row,
    put_right_turned,
    spaces,
)
from glassnet.engines.compiled.packing import DEEP, DEPTH, FAR, NEAR, NEAR_BYTES, PIECES, STRIP, TILE, WHOLE

__all__ = ["packed_affine", "packed_prediction"]

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
    straight = lie == "straight"
    pack_right, (_, pack_left) = _chunk_packer(lie), packer("left", "straight")
    start_next, go, rest = besides(put_right_row if straight else put_right_turned)
    units = NEAR if straight else TURNED_PARTS * NEAR // STRIP
    multiply, count = multiplier(go, 4), places(4)

    @compiled
    def source(W, chunk, inputs, outputs, k, c, tiles, distance, turn):
        """The job of `put_right_...`: W's tiles from row k and column c on."""
        if straight:
            first = c // chunk * chunk
            step = min(chunk, outputs - first)
            return W + (first * inputs + k * step + c - first) * _SIZE, step, tiles, distance
        return W, chunk, outputs, inputs, c, k, tiles, distance, turn

    def stage(op, fr):
        a0, W, z0, inputs, outputs = fr[op[2]] + op[3], fr[op[4]] + op[5], fr[op[8]] + op[9], op[10], op[11]
        a_step, z_step = op[12], op[13]
        chunk = op[14] if op[14] > 0 else outputs if straight else inputs
        edge, turn, near, far = spaces(fr)
        r0, r1, c0, c1 = region(fr, outputs, op[15])
        strips, strip, half = (outputs + STRIP - 1) // STRIP, PIECES * TILE, 0
        own = op[15] != 0 or fr[f.THREADS] == 1  # of W: else half of it is the other core's, and comes late
        kept, anew = op[16] != 0, op[16] == 0 or fr[f.FIRST_BLOCK] != 0
        configure()
        for k in range(0, inputs, DEPTH):
            deep = min(inputs - k, DEPTH)
            depth = (deep + DEEP - 1) // DEEP
            distance = depth * (PIECES * TILE)
            for r in range(r0, r1, FAR):
                rows, ready = min(r1 - r, FAR), 0
                pack_left(_at(a0 + (r * a_step + k) * _SIZE), a_step, rows, deep, far, distance, _at(edge))
                at_once = NEAR if own else 2 * NEAR
                for c in range(c0, c1, at_once):
                    columns, right, following = min(c1 - c, at_once), near, near
                    if kept:
                        right = fr[op[16]] + op[17] + k // DEEP * strip * strips + c // STRIP * distance
                        following = right + NEAR // STRIP * distance
                    elif own:
                        right, half = near + half * NEAR_BYTES, 1 - half
                        following = near + half * NEAR_BYTES
                    if anew:
                        place = right + ready // DEEP * strip
                        pack_right(
                            W, chunk, inputs, outputs, k + ready, deep - ready, c, columns, place, distance, _at(edge)
                        )
                    ready = deep // DEEP * DEEP if anew and own and c + 2 * NEAR <= c1 else 0
                    work = start_next(
                        *(ready // DEEP * units, count(rows, columns, depth)),
                        source(W, chunk, inputs, outputs, k, min(c + NEAR, c1 - 1), following, distance, turn),
                    )
                    z = z0 + (r * z_step + c) * _SIZE
                    start, step = z, z_step
                    if k == 0:
                        start, step = fr[op[6]] + op[7] + c * _SIZE if op[6] != 0 else 0, 0
                    rest(
                        multiply(
                            *(far, distance, right, distance, depth, start, step),
                            *(z, z_step, rows, columns, edge, work),
                        )
                    )
        release()

    return stage


def packed_prediction():
    """z = a W + b for all rows of a block, in prediction: W's tiles are made with the first block and kept.

    While a pair of strips of a is multiplied with all of W, the next pair is packed: inputs come from far away.
    op: as `products.affine`, but in the place of chunks field and offset of the tiles.
    """
    (_, pack_left), (_, pack_right) = packer("left", "straight"), packer("right", "straight")
    start_a, go_a, rest_a = besides(put_left_row)
    multiply, count = multiplier(go_a, 8), places(8)

    def stage(op, fr):
        a0, W, z0, inputs, outputs = fr[op[2]] + op[3], fr[op[4]] + op[5], fr[op[8]] + op[9], op[10], op[11]
        a_step, z_step, rows = op[12], op[13], fr[f.ROWS]
        (edge, _, ring, _), right, turn = spaces(fr), fr[op[14]] + op[15], 0
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
                here, turn, tall = ring + turn * pair, 1 - turn, min(rows - i, WHOLE)
                ahead = max(0, min(rows - i - WHOLE, WHOLE))
                units = depth * WHOLE if ahead > 0 else 0
                of_a = start_a(
                    *(units, count(tall, outputs, depth)),
                    (a + (i + WHOLE) * a_step * _SIZE, a_step, ahead, deep, ring + turn * pair, strip),
                )
                z = z0 + i * z_step * _SIZE
                start, step = z, z_step
                if k == 0:
                    start, step = fr[op[6]] + op[7] if op[6] != 0 else 0, 0
                of_a = multiply(*(here, strip, right, strip, depth, start, step, z, z_step, tall, outputs, edge, of_a))
                rest_a(of_a)
            right += (outputs + STRIP - 1) // STRIP * strip
        release()

    return stage
