"""Lanes from memory and into it.

The last vector of an array is partly filled: its loads and stores have a *mask*, and lanes beyond the array's end are
neither read nor written. They are 0 in the register. A whole vector goes without the mask, which costs time.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from functools import cache

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from glassnet.engines.compiled.codegen import I32, I64, llvm_function, numbers, spread
from glassnet.engines.compiled.lanes import Lanes

__all__ = ["loader", "masked_load", "masked_store", "plain_load", "plain_store", "store", "tail", "vector_at"]


# --- LLVM ---------------------------------------------------------------------------------------------------------


def vector_at(builder, lanes, p, i):
    """LLVM: where the vector lies that begins with p[i]."""
    return builder.bitcast(builder.gep(p, [i]), lanes.llvm.as_pointer())


def tail(builder, lanes, start, stop):
    """LLVM: the mask of the lanes i with start + i < stop."""
    left = spread(builder, builder.sub(stop, start), lanes.count)
    return builder.icmp_signed("<", numbers(lanes.count), left)


def masked_load(builder, lanes, place, mask):
    """LLVM: the lanes of the mask from memory, 0 in the others."""
    operands = [place, ir.Constant(I32, lanes.item_bytes), mask, ir.Constant(lanes.llvm, None)]
    name = f"llvm.masked.load.{lanes.suffix}.p0"
    return llvm_function(builder, name, lanes.llvm, [o.type for o in operands], operands)


def masked_store(builder, lanes, value, place, mask):
    """LLVM: the lanes of the mask into memory."""
    operands = [value, place, ir.Constant(I32, lanes.item_bytes), mask]
    name = f"llvm.masked.store.{lanes.suffix}.p0"
    llvm_function(builder, name, ir.VoidType(), [o.type for o in operands], operands)


def plain_load(builder, lanes, place):
    """LLVM: all lanes from memory, of any alignment beyond the element's."""
    value = builder.load(place)
    value.align = lanes.item_bytes
    return value


def plain_store(builder, lanes, value, place):
    """LLVM: all lanes into memory."""
    builder.store(value, place).align = lanes.item_bytes


def _is_whole(builder, lanes, i, n):
    return builder.icmp_signed("<=", builder.add(i, ir.Constant(I64, lanes.count)), n)


# --- as Numba sees it ---------------------------------------------------------------------------------------------


@cache
def loader(dtype, count):
    """A function (p, i, n): the lanes p[i : i + count], of which those at n and beyond are 0 and not touched."""
    lanes = Lanes(dtype, count)

    @intrinsic
    def load_lanes(typingctx, p, i, n):
        def emit(context, builder, signature, arguments):
            p, i, n = arguments
            place = vector_at(builder, lanes, p, i)
            with builder.if_else(_is_whole(builder, lanes, i, n)) as (then, otherwise):
                with then:
                    full, from_full = plain_load(builder, lanes, place), builder.block
                with otherwise:
                    part, from_part = masked_load(builder, lanes, place, tail(builder, lanes, i, n)), builder.block
            value = builder.phi(lanes.llvm)
            value.add_incoming(full, from_full)
            value.add_incoming(part, from_part)
            return value

        return lanes(types.CPointer(dtype), types.int64, types.int64), emit

    return load_lanes


@intrinsic
def store(typingctx, p, i, n, value):
    """p[i : i + count] = value, for the places before n."""
    if not isinstance(value, Lanes):
        return None

    def emit(context, builder, signature, arguments):
        p, i, n, vector = arguments
        place = vector_at(builder, value, p, i)
        with builder.if_else(_is_whole(builder, value, i, n)) as (then, otherwise):
            with then:
                plain_store(builder, value, vector, place)
            with otherwise:
                masked_store(builder, value, vector, place, tail(builder, value, i, n))
        return context.get_dummy_value()

    return types.void(types.CPointer(value.dtype), types.int64, types.int64, value), emit
