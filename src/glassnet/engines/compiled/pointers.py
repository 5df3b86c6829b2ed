"""What machine code does with an address: a pointer to numbers, a cache line, a number that threads share, a call."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from functools import cache

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from glassnet.engines.compiled.codegen import I32, llvm_function

__all__ = [
    "after",
    "ask",
    "atomic_add",
    "atomic_load",
    "call",
    "call_plain",
    "claim",
    "pointer_to",
    "prefetch",
]


# --- pointers to numbers ------------------------------------------------------------------------------------------


@cache
def pointer_to(dtype):
    """A function of an address (int64): a pointer to numbers of this dtype."""

    @intrinsic
    def at(typingctx, address):
        return types.CPointer(dtype)(types.int64), lambda context, builder, signature, arguments: builder.inttoptr(
            arguments[0], context.get_value_type(types.CPointer(dtype))
        )

    return at


@intrinsic
def after(typingctx, p, n):
    """The pointer n elements on."""
    return p(p, types.int64), lambda context, builder, signature, arguments: builder.gep(arguments[0], [arguments[1]])


# --- cache lines --------------------------------------------------------------------------------------------------


def ask(builder, p, write=False):
    """LLVM: ask for the cache line of p ahead of its use."""
    place = builder.bitcast(p, ir.IntType(8).as_pointer())
    how = [ir.Constant(I32, n) for n in (int(write), 3, 1)]  # to write it?, keep close, data
    llvm_function(builder, "llvm.prefetch.p0", ir.VoidType(), [place.type, I32, I32, I32], [place, *how])


def _asking(write):
    @intrinsic
    def ask_for(typingctx, p, i):
        def emit(context, builder, signature, arguments):
            ask(builder, builder.gep(arguments[0], [arguments[1]]), write)
            return context.get_dummy_value()

        return types.void(p, types.int64), emit

    return ask_for


prefetch = _asking(write=False)
"""(p, i): ask for the cache line of p[i] ahead of its use."""

claim = _asking(write=True)
"""(p, i): as `prefetch`, for this core alone: where another core has read the line, to write it takes longest."""


# --- numbers that threads share -----------------------------------------------------------------------------------


@intrinsic
def atomic_add(typingctx, p, i, value):
    """p[i] += value, seen by all threads in one order; returns what was there before."""

    def emit(context, builder, signature, arguments):
        return builder.atomic_rmw("add", builder.gep(arguments[0], [arguments[1]]), arguments[2], "seq_cst")

    return types.int64(types.CPointer(types.int64), types.int64, types.int64), emit


@intrinsic
def atomic_load(typingctx, p, i):
    """p[i] as the other threads last wrote it."""

    def emit(context, builder, signature, arguments):
        return builder.load_atomic(builder.gep(arguments[0], [arguments[1]]), "seq_cst", 8)

    return types.int64(types.CPointer(types.int64), types.int64), emit


# --- calls --------------------------------------------------------------------------------------------------------


@intrinsic
def call(typingctx, address, operands, frame):
    """Call the stage at an address: a C function of two pointers to int64."""

    def emit(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in arguments[1:]])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return types.void(types.int64, operands, frame), emit


@intrinsic
def call_plain(typingctx, address):
    """Call a C function without arguments, such as the system's `sched_yield`."""

    def emit(context, builder, signature, arguments):
        kind = ir.FunctionType(I32, [])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.int64), emit
