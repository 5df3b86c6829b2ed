"""From numbers to Lanes and back, and from Lanes of one type to those of another.

Where an argument is called `like`, only its type counts.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from functools import cache

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from glassnet.engines.compiled.codegen import I32, I64, shuffled, spread
from glassnet.engines.compiled.lanes import INTEGER_OF, Lanes
from glassnet.engines.compiled.translate import OPTIONS
from glassnet.formulas import elementary

__all__ = [
    "bits_of",
    "bits_of_number",
    "from_bits",
    "lanes_sum",
    "number",
    "splat",
    "spreader",
    "whole",
    "widen",
]

_FLOAT_OF = {integer: float_ for float_, integer in INTEGER_OF.items()}


# --- a number in all lanes, and all lanes in a number -------------------------------------------------------------


@cache
def spreader(dtype, count):
    """A function of one scalar: `count` copies of it, as Lanes of this dtype."""
    lanes = Lanes(dtype, count)

    @intrinsic
    def spread_over(typingctx, value):
        def emit(context, builder, signature, arguments):
            return spread(builder, context.cast(builder, arguments[0], value, dtype), count)

        return lanes(value), emit

    return spread_over


@intrinsic
def splat(typingctx, like, value):
    """Copies of the scalar `value` in all lanes, cast to the dtype of `like`."""
    if not isinstance(like, Lanes):
        return None

    def emit(context, builder, signature, arguments):
        return spread(builder, context.cast(builder, arguments[1], value, like.dtype), like.count)

    return like(like, value), emit


@overload(elementary.constant, jit_options=OPTIONS)
def _constant(z, value):
    if isinstance(z, Lanes):
        return lambda z, value: splat(z, value)  # noqa: PLW0108
    return None


@intrinsic
def whole(typingctx, like, value):
    """Copies of a whole number, as integers of the width of `like`."""
    lanes = Lanes(INTEGER_OF.get(like.dtype, like.dtype), like.count)

    def emit(context, builder, signature, arguments):
        return spread(builder, context.cast(builder, arguments[1], value, lanes.dtype), lanes.count)

    return lanes(like, value), emit


@intrinsic
def lanes_sum(typingctx, x):
    """The sum of all lanes, halves added to halves: an order that is always the same."""

    def emit(context, builder, signature, arguments):
        vector, count = arguments[0], x.count
        while count > 1:
            count //= 2
            halves = range(count), range(count, 2 * count)
            low, high = (shuffled(builder, vector, ir.Constant(vector.type, ir.Undefined), half) for half in halves)
            vector = builder.fadd(low, high)
        return builder.extract_element(vector, ir.Constant(I32, 0))

    return x.dtype(x), emit


# --- the same bits, and more of them ------------------------------------------------------------------------------


def _reading(x, lanes):
    """What an intrinsic of x returns that reads its bits as others."""
    return lanes(x), lambda context, builder, signature, arguments: builder.bitcast(arguments[0], lanes.llvm)


@intrinsic
def bits_of(typingctx, x):
    """The bits of floats as integers of the same width."""
    return _reading(x, Lanes(INTEGER_OF[x.dtype], x.count))


@intrinsic
def from_bits(typingctx, x):
    """Integers read as the bits of floats."""
    return _reading(x, Lanes(_FLOAT_OF[x.dtype], x.count))


@intrinsic
def widen(typingctx, x):
    """As float64, as many lanes."""
    lanes = Lanes(types.float64, x.count)

    def emit(context, builder, signature, arguments):
        return arguments[0] if x == lanes else builder.fpext(arguments[0], lanes.llvm)

    return lanes(x), emit


@intrinsic
def number(typingctx, bits):
    """An operand's bits as the float64 that they are."""

    def emit(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), emit


@intrinsic
def bits_of_number(typingctx, x):
    """A float64's bits as an int64."""
    return types.int64(types.float64), lambda context, builder, signature, arguments: builder.bitcast(arguments[0], I64)
