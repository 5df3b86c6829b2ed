"""Products on the processor's matrix unit (Intel AMX), at the accuracy of float32.

The unit multiplies bfloat16, numbers with the exponents of float32 and 8 binary digits, and adds up in float32. The 24
digits of a float32 are just three times 8, so every number is the sum of three of them,

    x = high + middle + low,        high = x rounded to 8 digits, middle = x - high rounded, low = the rest,

and a product is the sum of nine, of which the three smallest are together below half a unit in the last place:

    x y = low high + middle high + middle middle + high middle + high high + high low,

left of x and right of y. So the unit does six times the work, and is still about twice as fast as the fused
multiply-adds of AVX-512: 16 x 16 numbers of C take 32 steps of k in 16 cycles.

Its operands are tiles of 16 rows of 64 bytes. A tile of the left matrix A holds 16 rows and 32 steps of k; one of the
right matrix B has 16 columns, and 32 steps of k in 16 rows of pairs. In what order k runs is free if it is the same on
both sides: here k and k + 16 make a pair, so that a pair is two vectors of A or B as they lie, shifted into each other.
k runs upwards by 32, whatever the block of C: as in `product`, the bits of C[r, j] do not depend on where it stands.
Tiles are made just before they are multiplied, piece by piece in the thread's own memory, which is used again and again
and so stays in the core's own cache.

    left:  strip s, step d of depth: A[16 s : 16 s + 16, 32 d : 32 d + 32],  PIECES tiles in a row
    right: strip s, step d of depth: B[32 d : 32 d + 32, 16 s : 16 s + 16]

Sources: Intel, Architecture Instruction Set Extensions Programming Reference (2020), ch. 3; Henry, Tang and Heinecke
(2019), Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

import struct
from functools import cache

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.codegen import I64, llvm_function
from glassnet.engines.compiled.conversions import bits_of, from_bits, whole
from glassnet.engines.compiled.kit import Kit, compiled, integers, region, share
from glassnet.engines.compiled.lanes import shift_right
from glassnet.engines.compiled.load_store import store
from glassnet.engines.compiled.packing import DEEP, DEPTH, EDGE_BYTES, FAR, NEAR, NEAR_BYTES, PART, PIECES, STRIP, TILE
from glassnet.engines.compiled.pointers import after, call
from glassnet.engines.compiled.products import its_turn
from glassnet.engines.compiled.transposition import turner

__all__ = ["packed_affine", "packed_prediction", "packed_weight_gradient"]

_BYTE, _NOTHING = ir.IntType(8), ir.VoidType()
_WHOLE = 2 * STRIP  # rows and columns of a block of C: two tiles by two, in four of the eight registers
_SLICE = 4  # so deep at a time: two strips of B then stay in the nearest cache while those of A go by
# the six products, smallest first: from one to the next only one side's piece changes
_HIGH, _MIDDLE, _LOW = range(PIECES)
_TERMS = ((_LOW, _HIGH), (_MIDDLE, _HIGH), (_MIDDLE, _MIDDLE), (_HIGH, _MIDDLE), (_HIGH, _HIGH), (_HIGH, _LOW))


# --- packing ----------------------------------------------------------------------------------------------------------


def _packer(side, lie):
    """Functions (put_tiles, pack) that make the tiles of a matrix S (rows, columns) for a product: of a block, of all.

    `side` "left": as A, "right": as B. `lie` "straight": of S itself; "turned": of its transpose.
    """
    kit = Kit("float32")
    load, count, at_, turn = kit.load, kit.count, kit.pointer, turner(kit.dtype, kit.count)
    left, turned = side == "left", lie == "turned"
    tall, wide = (STRIP, DEEP) if left != turned else (DEEP, STRIP)  # of S in a tile

    @compiled
    def top(x):
        """x rounded to the digits of a bfloat16."""
        bits = bits_of(x)
        return from_bits((bits + whole(x, 0x8000)) & whole(x, -0x10000))

    @compiled
    def put(out, piece, x, y):
        pair = shift_right(bits_of(x), whole(x, 16)) | (bits_of(y) & whole(y, -0x10000))
        store(after(out, piece * (TILE // 4)), 0, count, from_bits(pair))

    @compiled
    def put_pairs(out, x, y):
        """The three pieces of the pairs (x, y), a row of each of the three tiles."""
        high_x, high_y = top(x), top(y)
        put(out, _HIGH, high_x, high_y)
        x, y = x - high_x, y - high_y
        middle_x, middle_y = top(x), top(y)
        put(out, _MIDDLE, middle_x, middle_y)
        put(out, _LOW, x - middle_x, y - middle_y)

    @compiled
    def put_right(p, step, rows, columns, out):
        """The tiles of a right block of 32 x 16, of which so much is there."""
        for r in range(STRIP):
            x = load(after(p, r * step), 0, columns if r < rows else 0)
            y = load(after(p, (r + STRIP) * step), 0, columns if r + STRIP < rows else 0)
            put_pairs(after(out, r * count), x, y)

    @compiled
    def put_left(p, step, rows, columns, out):
        """The tiles of a left block of 16 x 32, of which so much is there."""
        for r in range(STRIP):
            there = columns if r < rows else 0
            put_pairs(after(out, r * count), load(after(p, r * step), 0, there), load(after(p, r * step), count, there))

    @compiled
    def turn_half(p, step, rows, columns, out, out_step):
        """A block of at most 16 x 16 turned; what is not there is 0."""
        if rows < STRIP or columns < STRIP:
            for r in range(STRIP):
                store(after(out, r * out_step), 0, count, load(out, 0, 0))
        if rows > 0 and columns > 0:
            turn(p, step, min(rows, STRIP), min(columns, STRIP), out, out_step)

    @compiled
    def put_block(p, step, rows, columns, out, scratch):
        if left and turned:
            turn_half(p, step, rows, columns, scratch, DEEP)
            turn_half(after(p, STRIP * step), step, rows - STRIP, columns, after(scratch, STRIP), DEEP)
            put_left(scratch, DEEP, STRIP, DEEP, out)
        elif turned:
            turn_half(p, step, rows, columns, scratch, STRIP)
            turn_half(after(p, STRIP), step, rows, columns - STRIP, after(scratch, STRIP * STRIP), STRIP)
            put_right(scratch, STRIP, DEEP, STRIP, out)
        elif left:
            put_left(p, step, rows, columns, out)
        else:
            put_right(p, step, rows, columns, out)

    @compiled
    def put_tiles(S, step, rows, columns, r, c, tiles, scratch):
        """The tiles of the block of S at (r, c)."""
        p, out = after(S, r * step + c), at_(tiles)
        if r + tall <= rows and c + wide <= columns:
            put_block(p, step, tall, wide, out, scratch)  # without masks
        else:
            put_block(p, step, rows - r, columns - c, out, scratch)

    @compiled
    def pack(S, step, rows, columns, tiles, distance, scratch):
        """All tiles; `distance` is the bytes from strip to strip."""
        for r in range(0, rows, tall):
            for c in range(0, columns, wide):
                strip, deep = (r // tall, c // wide) if tall == STRIP else (c // wide, r // tall)
                put_tiles(S, step, rows, columns, r, c, tiles + strip * distance + deep * (PIECES * TILE), scratch)

    return put_tiles, pack


# --- multiplying ------------------------------------------------------------------------------------------------------


@cache
def _tiles(tall, wide):
    """Three Numba intrinsics on a block of C of `tall` by `wide` tiles, which stands in the unit's registers.

    begin(start, step): C = start (0: nothing; step 0: one row for all); add(a, a_distance, b, b_distance): C += A B for
    one step of depth; end(c, step): C to memory. Addresses; steps and distances in bytes.
    """
    number = types.int64
    register = {block: n for n, block in enumerate((i, j) for i in range(tall) for j in range(wide))}
    left, right = [4 + i for i in range(tall)], [6 + j for j in range(wide)]

    def say(builder, name, *operands):
        values = [ir.Constant(_BYTE, o) if isinstance(o, int) else o for o in operands]
        llvm_function(builder, f"llvm.x86.{name}", _NOTHING, [v.type for v in values], values)

    def move(builder, name, tile, address, step):
        say(builder, name, tile, builder.inttoptr(address, _BYTE.as_pointer()), step)

    def constant(n):
        return ir.Constant(I64, n)

    def each_of_c(builder, name, base, step):
        for (i, j), tile in register.items():
            row = builder.add(base, builder.mul(step, constant(STRIP * i)))
            move(builder, name, tile, builder.add(row, constant(4 * STRIP * j)), step)

    @intrinsic
    def begin(typingctx, start, step):
        def emit(context, builder, signature, arguments):
            with builder.if_else(builder.icmp_unsigned("!=", arguments[0], constant(0))) as (given, none):
                with given:
                    each_of_c(builder, "tileloadd64", *arguments)
                with none:
                    for tile in register.values():
                        say(builder, "tilezero", tile)
            return context.get_dummy_value()

        return types.void(number, number), emit

    @intrinsic
    def add(typingctx, a, a_distance, b, b_distance):
        def emit(context, builder, signature, arguments):
            a, a_distance, b, b_distance = arguments
            strips = {}
            for tiles, base, distance in ((left, a, a_distance), (right, b, b_distance)):
                for n, tile in enumerate(tiles):
                    strips[tile] = builder.add(base, builder.mul(distance, constant(n)))
            held = {}

            def want(tile, piece):
                """The piece of this strip in its register."""
                if held.get(tile) != piece:
                    held[tile] = piece
                    move(builder, "tileloadd64", tile, builder.add(strips[tile], constant(piece * TILE)), constant(64))

            for one, other in _TERMS:
                for i, j in register:
                    want(left[i], one)
                    want(right[j], other)
                    say(builder, "tdpbf16ps", register[i, j], left[i], right[j])
            return context.get_dummy_value()

        return types.void(*[number] * 4), emit

    @intrinsic
    def end(typingctx, c, step):
        def emit(context, builder, signature, arguments):
            each_of_c(builder, "tilestored64", *arguments)
            return context.get_dummy_value()

        return types.void(number, number), emit

    return begin, add, end


@intrinsic
def _begin(typingctx):
    """Make all eight registers tiles of 16 rows of 64 bytes."""

    def emit(context, builder, signature, arguments):
        words = struct.unpack("<8Q", struct.pack("<BB14x8H16x8B8x", 1, 0, *[64] * 8, *[16] * 8))
        place = cgutils.alloca_once(builder, ir.ArrayType(I64, 8))
        builder.store(ir.Constant(ir.ArrayType(I64, 8), [ir.Constant(I64, word) for word in words]), place)
        llvm_function(builder, "llvm.x86.ldtilecfg", _NOTHING, [place.type], [place])
        return context.get_dummy_value()

    return types.void(), emit


@intrinsic
def _end(typingctx):
    """Give the registers back: a thread without tiles is switched faster."""

    def emit(context, builder, signature, arguments):
        llvm_function(builder, "llvm.x86.tilerelease", _NOTHING, [], [])
        return context.get_dummy_value()

    return types.void(), emit


@compiled
def _nothing(first, last, job):
    """No work besides."""


def _block(besides=_nothing):
    """A function (a, a_distance, b, b_distance, depth, start, start_step, c, c_step, rows, columns, edge, first, last,
    job): a block of C = start + A B, of tiles `depth` deep; addresses, steps of start and C in numbers. `start` 0
    means 0. A block less than whole tiles is made in `edge` and copied.

    While the unit works, the processor has time for something else: besides(i, j, job), parts `first` to `last` of some
    other work, a few after each step.
    """
    kit = Kit("float32")
    at_, size, load, count = kit.pointer, kit.bytes, kit.load, kit.count
    (begin_22, add_22, end_22), (begin_21, add_21, end_21) = _tiles(2, 2), _tiles(2, 1)
    (begin_12, add_12, end_12), (begin_11, add_11, end_11) = _tiles(1, 2), _tiles(1, 1)

    @compiled
    def copy(source, step, target, target_step, rows, columns):
        for r in range(rows):
            for j in range(0, columns, count):
                store(after(target, r * target_step), j, columns, load(after(source, r * step), j, columns))

    @compiled
    def block(a, a_distance, b, b_distance, depth, start, start_step, c, c_step, rows, columns, edge, first, last, job):
        tall, wide, beside = rows > STRIP, columns > STRIP, rows % STRIP != 0 or columns % STRIP != 0
        s_step, place, to = start_step * size, c, c_step * size
        if beside:
            place, to = edge, _WHOLE * size
            if start != 0:
                copy(at_(start), start_step, at_(edge), _WHOLE, rows, columns)
                start, s_step = edge, to
        if tall and wide:
            begin_22(start, s_step)
        elif tall:
            begin_21(start, s_step)
        elif wide:
            begin_12(start, s_step)
        else:
            begin_11(start, s_step)
        for d in range(depth):
            x, y = a + d * (PIECES * TILE), b + d * (PIECES * TILE)
            if tall and wide:
                add_22(x, a_distance, y, b_distance)
            elif tall:
                add_21(x, a_distance, y, b_distance)
            elif wide:
                add_12(x, a_distance, y, b_distance)
            else:
                add_11(x, a_distance, y, b_distance)
            besides(first + (last - first) * d // depth, first + (last - first) * (d + 1) // depth, job)
        if tall and wide:
            end_22(place, to)
        elif tall:
            end_21(place, to)
        elif wide:
            end_12(place, to)
        else:
            end_11(place, to)
        if beside:
            copy(at_(edge), _WHOLE, at_(c), c_step, rows, columns)

    return block


def _multiplier(besides=_nothing):
    """A function (a, a_distance, b, b_distance, depth, start, start_step, c, c_step, rows, columns, edge, parts, job)
    like that of `_block`, but for any size, and besides it so many parts of other work.
    """
    size, block = Kit("float32").bytes, _block(besides)

    @compiled
    def add_on(
        a, a_distance, b, b_distance, depth, start, s_step, c, c_step, rows, columns, edge, done, blocks, parts, job
    ):
        for j in range(0, columns, _WHOLE):
            for i in range(0, rows, _WHOLE):
                s = start + (i * s_step + j) * size if start != 0 else 0
                first, done = parts * done // blocks, done + 1
                block(
                    *(
                        a + i // STRIP * a_distance,
                        a_distance,
                        b + j // STRIP * b_distance,
                        b_distance,
                        depth,
                        s,
                        s_step,
                    ),
                    *(c + (i * c_step + j) * size, c_step, min(rows - i, _WHOLE), min(columns - j, _WHOLE), edge),
                    *(first, parts * done // blocks, job),
                )
        return done

    @compiled
    def multiply(a, a_distance, b, b_distance, depth, start, start_step, c, c_step, rows, columns, edge, parts, job):
        most = _SLICE if depth <= 2 * _SLICE else depth  # more slices cost more for C than they bring
        blocks, done = (rows + _WHOLE - 1) // _WHOLE * ((columns + _WHOLE - 1) // _WHOLE), 0
        blocks *= (depth + most - 1) // most
        for d in range(0, depth, most):
            first, step = start, start_step
            if d > 0:
                first, step = c, c_step
            deep, far = min(depth - d, most), d * (PIECES * TILE)
            done = add_on(
                *(a + far, a_distance, b + far, b_distance, deep, first, step, c, c_step, rows, columns, edge),
                *(done, blocks, parts, job),
            )

    return multiply


def packed_affine(lie):
    """z = a W + b, this thread's part, as `products.affine`; operands as there, and where W's tiles are kept from a
    batch's first block to its last (field 0: they are made anew). With `lie` "turned" z = a W^T + b, of W as it lies,
    in chunks of what is then summed over.

    The tiles of a are made first, then those of W for a chunk of its columns. More than FAR rows by DEPTH would not fit
    into the core's own cache: then piece by piece.
    """
    kit, multiply = Kit("float32"), _multiplier()
    size, (_, pack_left), (_, pack_right) = kit.bytes, _packer("left", "straight"), _packer("right", lie)
    at_ = kit.pointer

    @compiled
    def pack_chunks(W, chunk, inputs, outputs, k, deep, c, columns, tiles, distance, edge):
        """The tiles of rows k to k + deep, columns c to c + columns, of W or its transpose; W lies chunk by chunk."""
        if lie == "straight":
            first = c // chunk * chunk
            step = min(chunk, outputs - first)
            place = W + (first * inputs + k * step + c - first) * size
            pack_right(at_(place), step, deep, columns, tiles, distance, edge)
        else:
            j = k
            while j < k + deep:
                first = j // chunk * chunk
                step = min(chunk, inputs - first)
                wide, out = min(first + step, k + deep) - j, tiles + (j - k) // DEEP * (PIECES * TILE)
                place = W + (first * outputs + c * step + j - first) * size
                pack_right(at_(place), step, columns, wide, out, distance, edge)
                j += wide

    def stage(op, fr):
        a0, W, z0, inputs, outputs = fr[op[2]] + op[3], fr[op[4]] + op[5], fr[op[8]] + op[9], op[10], op[11]
        a_step, z_step = op[12], op[13]
        chunk = op[14] if op[14] > 0 else outputs if lie == "straight" else inputs
        edge, near, far = fr[f.EDGE], fr[f.EDGE] + EDGE_BYTES, fr[f.EDGE] + EDGE_BYTES + NEAR_BYTES
        r0, r1, c0, c1 = region(fr, outputs, op[15])
        strips, strip = (outputs + STRIP - 1) // STRIP, PIECES * TILE
        _begin()
        for k in range(0, inputs, DEPTH):
            deep = min(inputs - k, DEPTH)
            depth = (deep + DEEP - 1) // DEEP
            distance = depth * (PIECES * TILE)
            for r in range(r0, r1, FAR):
                rows = min(r1 - r, FAR)
                pack_left(at_(a0 + (r * a_step + k) * size), a_step, rows, deep, far, distance, at_(edge))
                for c in range(c0, c1, NEAR):
                    columns, right = min(c1 - c, NEAR), near
                    if op[16] != 0:
                        right = fr[op[16]] + op[17] + k // DEEP * strip * strips + c // STRIP * distance
                    if op[16] == 0 or fr[f.FIRST_BLOCK] != 0:
                        pack_chunks(W, chunk, inputs, outputs, k, deep, c, columns, right, distance, at_(edge))
                    z = z0 + (r * z_step + c) * size
                    start, step = z, z_step
                    if k == 0:
                        start, step = fr[op[6]] + op[7] + c * size if op[6] != 0 else 0, 0
                    multiply(far, distance, right, distance, depth, start, step, z, z_step, rows, columns, edge, 0, 0)
        _end()

    return stage


def packed_prediction():
    """z = a W + b for all rows of a block, in prediction: W's tiles are made with the first block and kept.

    While a pair of strips of a is multiplied with all of W, the next pair is packed: inputs come from far away.
    op: as `products.affine`, but in the place of chunks field and offset of the tiles.
    """
    kit = Kit("float32")
    at_, size = kit.pointer, kit.bytes
    (put_tiles, pack_left), (_, pack_right) = _packer("left", "straight"), _packer("right", "straight")

    @compiled
    def put_next(first, last, job):
        """Some tiles of the next pair."""
        a, step, rows, inputs, depth, tiles, edge = job
        for t in range(first, last):
            r, c = t // depth * STRIP, t % depth * DEEP
            put_tiles(at_(a), step, rows, inputs, r, c, tiles + t * (PIECES * TILE), at_(edge))

    block = _block(put_next)

    def stage(op, fr):
        a0, W, z0, inputs, outputs = fr[op[2]] + op[3], fr[op[4]] + op[5], fr[op[8]] + op[9], op[10], op[11]
        a_step, z_step, rows = op[12], op[13], fr[f.ROWS]
        edge, ring, right, turn = fr[f.EDGE], fr[f.EDGE] + EDGE_BYTES, fr[op[14]] + op[15], 0
        pairs = (outputs + _WHOLE - 1) // _WHOLE
        _begin()
        for k in range(0, inputs, DEPTH):
            deep = min(inputs - k, DEPTH)
            depth = (deep + DEEP - 1) // DEEP
            strip = depth * (PIECES * TILE)
            pair, a = 2 * strip, a0 + k * size
            if fr[f.FIRST_BLOCK] != 0:
                pack_right(at_(W + k * outputs * size), outputs, deep, outputs, right, strip, at_(edge))
            pack_left(at_(a), a_step, min(rows, _WHOLE), deep, ring + turn * pair, strip, at_(edge))
            for i in range(0, rows, _WHOLE):
                here, turn, r = ring + turn * pair, 1 - turn, i + _WHOLE
                tiles = (max(0, min(rows - r, _WHOLE)) + STRIP - 1) // STRIP * depth
                for j in range(pairs):
                    c = j * _WHOLE
                    z = z0 + (i * z_step + c) * size
                    start, step = z, z_step
                    if k == 0:
                        start, step = fr[op[6]] + op[7] + c * size if op[6] != 0 else 0, 0
                    job = a + r * a_step * size, a_step, rows - r, deep, depth, ring + turn * pair, edge
                    block(
                        *(here, strip, right + j * pair, strip, depth, start, step, z, z_step),
                        *(min(rows - i, _WHOLE), min(outputs - c, _WHOLE), edge),
                        *(tiles * j // pairs, tiles * (j + 1) // pairs, job),
                    )
            right += (outputs + STRIP - 1) // STRIP * strip
        _end()

    return stage


def packed_weight_gradient():
    """dW = a^T delta by panels, as `products.weight_gradient`; operands as there.

    The tiles of a^T are made first, then those of delta for a chunk of W, whose panels follow each other in memory.
    A panel's update waits until the next one is multiplied and is done besides, PART parameters at a time: the unit
    multiplies while the processor divides, takes roots and waits for memory.
    """
    kit = Kit("float32")
    at_, size = kit.pointer, kit.bytes

    @compiled
    def update_parts(first, last, job):
        """Some parts of a panel, parameters low to high, whose first part has this number and gradient."""
        update, fr, low, high, number, gradient = job
        for part in range(first, last):
            fr[f.LO], fr[f.HI] = low + part * PART, min(low + (part + 1) * PART, high)
            fr[f.PANEL], fr[f.GRADIENT_OF_LO] = number + part, gradient + part * (PART * size)
            call(integers(update)[0], integers(update), fr)

    multiply = _multiplier(update_parts)
    (_, pack_left), (_, pack_right) = _packer("left", "turned"), _packer("right", "straight")

    def stage(op, fr):
        a0, d0, W, inputs, outputs = fr[op[2]] + op[3], fr[op[4]] + op[5], op[6], op[7], op[8]
        a_step, d_step, height, chunk = op[9], op[10], op[11], op[12] if op[12] != 0 else outputs
        panel, update = op[13], op[14]
        edge, near, far = fr[f.EDGE], fr[f.EDGE] + EDGE_BYTES, fr[f.EDGE] + EDGE_BYTES + NEAR_BYTES
        strips, chunks = (inputs + height - 1) // height, (outputs + chunk - 1) // chunk
        low, high, c0, c1 = 0, strips, 0, outputs
        if op[12] != 0:
            c0, c1 = share(fr, outputs, chunk)
        else:
            turn = its_turn(fr, op[16])
            low, high = strips * turn // fr[f.THREADS], strips * (turn + 1) // fr[f.THREADS]
        top, group = min(high * height, inputs), DEPTH // height * height
        most, half = (height * chunk + PART - 1) // PART, 0  # parts of a panel; which half of the scratch is free
        waits, parts = (update, fr, 0, 0, 0, 0), 0
        _begin()
        for r in range(0, fr[f.ROWS], FAR):
            rows = min(fr[f.ROWS] - r, FAR)
            depth = (rows + DEEP - 1) // DEEP
            distance = depth * (PIECES * TILE)
            again = r > 0 or fr[f.FIRST_BLOCK] == 0
            finish = update != 0 and fr[f.LAST_BLOCK] != 0 and r + rows == fr[f.ROWS]
            for g in range(low * height, top, group):
                wide = min(group, top - g)
                pack_left(at_(a0 + (r * a_step + g) * size), a_step, rows, wide, far, distance, at_(edge))
                for c in range(c0, c1, chunk):
                    columns = min(chunk, outputs - c)
                    pack_right(at_(d0 + (r * d_step + c) * size), d_step, rows, columns, near, distance, at_(edge))
                    for i in range(g, g + wide, height):
                        end = min(i + height, g + wide)
                        first = W + c * inputs + i * columns
                        start = fr[f.GRADIENT] + first * size
                        if finish and op[15] != 0 and not again:  # nobody else will want this gradient
                            start, half = fr[f.SCRATCH] + half * most * PART * size, 1 - half
                        left = far + (i - g) // STRIP * distance
                        before = start if again else 0
                        multiply(
                            *(left, distance, near, distance, depth, before, columns),
                            *(start, columns, end - i, columns, edge, parts, waits),
                        )
                        if finish:
                            number, last = (
                                panel + (i // height * chunks + c // chunk) * most,
                                first + (end - i) * columns,
                            )
                            waits, parts = (update, fr, first, last, number, start), (last - first + PART - 1) // PART
        update_parts(0, parts, waits)
        _end()

    return stage
