"""The processor's matrix unit (Intel AMX) as Numba sees it, and how it multiplies at the accuracy of float32.

The unit multiplies bfloat16, numbers with the exponents of float32 and 8 binary digits, and adds up in float32. The 24
digits of a float32 are just three times 8, so every number is the sum of three of them,

    x = high + middle + low,        high = x rounded to 8 digits, middle = x - high rounded, low = the rest,

and a product is the sum of nine, of which the three smallest are together below half a unit in the last place:

    x y = low high + middle high + middle middle + high middle + high high + high low,

left of x and right of y. So the unit does six times the work, and is still about twice as fast as the fused
multiply-adds of AVX-512: 16 x 16 numbers of C take 32 steps of k in 16 cycles.

Its operands are tiles of 16 rows of 64 bytes, in eight registers. How they are made: `packer`; how a product of any
size is made of them: `packed_product`; the stages: `packed`.

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

from glassnet.engines.compiled.codegen import I64, llvm_function
from glassnet.engines.compiled.packing import HIGH, LOW, MIDDLE, STRIP, TILE

__all__ = ["adder", "configure", "release", "tiles"]

_BYTE, _NOTHING, _NUMBER = ir.IntType(8), ir.VoidType(), types.int64
# the six products, smallest first: from one to the next only one side's piece changes
_TERMS = ((LOW, HIGH), (MIDDLE, HIGH), (MIDDLE, MIDDLE), (HIGH, MIDDLE), (HIGH, HIGH), (HIGH, LOW))


@intrinsic
def configure(typingctx):
    """Make all eight registers tiles of 16 rows of 64 bytes."""

    def emit(context, builder, signature, arguments):
        words = struct.unpack("<8Q", struct.pack("<BB14x8H16x8B8x", 1, 0, *[64] * 8, *[16] * 8))
        place = cgutils.alloca_once(builder, ir.ArrayType(I64, 8))
        builder.store(ir.Constant(ir.ArrayType(I64, 8), [ir.Constant(I64, word) for word in words]), place)
        llvm_function(builder, "llvm.x86.ldtilecfg", _NOTHING, [place.type], [place])
        return context.get_dummy_value()

    return types.void(), emit


@intrinsic
def release(typingctx):
    """Give the registers back: a thread without tiles is switched faster."""

    def emit(context, builder, signature, arguments):
        llvm_function(builder, "llvm.x86.tilerelease", _NOTHING, [], [])
        return context.get_dummy_value()

    return types.void(), emit


# --- a block of C -------------------------------------------------------------------------------------------------


def _say(builder, name, *operands):
    values = [ir.Constant(_BYTE, o) if isinstance(o, int) else o for o in operands]
    llvm_function(builder, f"llvm.x86.{name}", _NOTHING, [v.type for v in values], values)


def _move(builder, name, tile, address, step):
    _say(builder, name, tile, builder.inttoptr(address, _BYTE.as_pointer()), step)


def _constant(n):
    return ir.Constant(I64, n)


def _registers(tall, wide):
    """Which register each tile of C stands in."""
    return {block: n for n, block in enumerate((i, j) for i in range(tall) for j in range(wide))}


@cache
def tiles(tall, wide):
    """Three Numba intrinsics on a block of C of `tall` by `wide` tiles, which stands in the unit's registers.

    begin(start, step): C = start (0: nothing; step 0: one row for all); add(a, a_distance, b, b_distance): C += A B for
    one step of depth; end(c, step): C to memory. Addresses; steps and distances in bytes.
    """
    register = _registers(tall, wide)

    def each_of_c(builder, name, base, step):
        for (i, j), tile in register.items():
            row = builder.add(base, builder.mul(step, _constant(STRIP * i)))
            _move(builder, name, tile, builder.add(row, _constant(4 * STRIP * j)), step)

    @intrinsic
    def begin(typingctx, start, step):
        def emit(context, builder, signature, arguments):
            with builder.if_else(builder.icmp_unsigned("!=", arguments[0], _constant(0))) as (given, none):
                with given:
                    each_of_c(builder, "tileloadd64", *arguments)
                with none:
                    for tile in register.values():
                        _say(builder, "tilezero", tile)
            return context.get_dummy_value()

        return types.void(_NUMBER, _NUMBER), emit

    @intrinsic
    def end(typingctx, c, step):
        def emit(context, builder, signature, arguments):
            each_of_c(builder, "tilestored64", *arguments)
            return context.get_dummy_value()

        return types.void(_NUMBER, _NUMBER), emit

    return begin, adder(tall, wide), end


@cache
def adder(tall, wide, part=0, parts=1):
    """`add` of `tiles`, or one of so many equal parts of it, which follow each other."""
    register, left, right = _registers(tall, wide), [4 + i for i in range(tall)], [6 + j for j in range(wide)]
    products = [(i, j, *term) for term in _TERMS for i, j in register]
    first, last = len(products) * part // parts, len(products) * (part + 1) // parts

    @intrinsic
    def add(typingctx, a, a_distance, b, b_distance):
        def emit(context, builder, signature, arguments):
            a, a_distance, b, b_distance = arguments
            strips = {}
            for tiles, base, distance in ((left, a, a_distance), (right, b, b_distance)):
                for n, tile in enumerate(tiles):
                    strips[tile] = builder.add(base, builder.mul(distance, _constant(n)))
            held = {}  # the piece of its strip that a register holds
            for n, (i, j, one, other) in enumerate(products[:last]):
                for tile, piece in ((left[i], one), (right[j], other)):
                    if held.get(tile) != piece:
                        held[tile] = piece
                        if n >= first:
                            place = builder.add(strips[tile], _constant(piece * TILE))
                            _move(builder, "tileloadd64", tile, place, _constant(64))
                if n >= first:
                    _say(builder, "tdpbf16ps", register[i, j], left[i], right[j])
            return context.get_dummy_value()

        return types.void(*[_NUMBER] * 4), emit

    return add
