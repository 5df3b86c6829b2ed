"""Lanes from places that lie apart, as the column of a matrix, and into them."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from functools import cache

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from glassnet.engines.compiled.codegen import I32, I64, llvm_function, numbers, spread
from glassnet.engines.compiled.lanes import Lanes
from glassnet.engines.compiled.load_store import tail
from glassnet.engines.compiled.machine_code import vector_bytes

__all__ = ["gatherer", "scatter"]


def _is_wide(lanes):
    """Whether these are the 16 float32 of AVX-512, which takes a base and 16 short steps: half the work for memory."""
    return vector_bytes() == 64 and (lanes.dtype, lanes.count) == (types.float32, 16)


def _steps(builder, p, stride):
    """LLVM: p, and the distances of 16 numbers from it, `stride` apart."""
    steps = builder.mul(numbers(16, I32), spread(builder, builder.trunc(stride, I32), 16))
    return builder.bitcast(p, ir.IntType(8).as_pointer()), steps


def _places(builder, lanes, p, stride):
    """LLVM: addresses from p on, `stride` elements apart."""
    steps = builder.mul(numbers(lanes.count), spread(builder, stride, lanes.count))
    base = spread(builder, builder.ptrtoint(p, I64), lanes.count)
    bytes_ = spread(builder, ir.Constant(I64, lanes.item_bytes), lanes.count)
    pointers = ir.VectorType(lanes.llvm.element.as_pointer(), lanes.count)
    return builder.inttoptr(builder.add(base, builder.mul(steps, bytes_)), pointers)


@cache
def gatherer(dtype, count):
    """A function (p, stride, n): the lanes p[0], p[stride], ... of which only the first n are touched."""
    lanes = Lanes(dtype, count)

    @intrinsic
    def gather_lanes(typingctx, p, stride, n):
        def emit(context, builder, signature, arguments):
            p, stride, n = arguments
            mask, nothing = tail(builder, lanes, ir.Constant(I64, 0), n), ir.Constant(lanes.llvm, None)
            if _is_wide(lanes):
                operands = [nothing, *_steps(builder, p, stride), mask, ir.Constant(I32, lanes.item_bytes)]
                name = "llvm.x86.avx512.mask.gather.dps.512"
            else:
                operands = [_places(builder, lanes, p, stride), ir.Constant(I32, lanes.item_bytes), mask, nothing]
                name = f"llvm.masked.gather.{lanes.suffix}.v{count}p0"
            return llvm_function(builder, name, lanes.llvm, [o.type for o in operands], operands)

        return lanes(types.CPointer(dtype), types.int64, types.int64), emit

    return gather_lanes


@intrinsic
def scatter(typingctx, p, stride, n, value):
    """p[0], p[stride], ... = the first n lanes of value."""

    def emit(context, builder, signature, arguments):
        p, stride, n, vector = arguments
        mask = tail(builder, value, ir.Constant(I64, 0), n)
        if _is_wide(value):
            place, steps = _steps(builder, p, stride)
            operands = [place, mask, steps, vector, ir.Constant(I32, value.item_bytes)]
            name = "llvm.x86.avx512.mask.scatter.dps.512"
        else:
            operands = [vector, _places(builder, value, p, stride), ir.Constant(I32, value.item_bytes), mask]
            name = f"llvm.masked.scatter.{value.suffix}.v{value.count}p0"
        llvm_function(builder, name, ir.VoidType(), [o.type for o in operands], operands)
        return context.get_dummy_value()

    return types.void(types.CPointer(value.dtype), types.int64, types.int64, value), emit
