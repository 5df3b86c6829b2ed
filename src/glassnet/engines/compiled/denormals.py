"""Numbers too small for a whole fraction: counted as 0 while machine code runs, as x86 allows a thread to ask for."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from glassnet.engines.compiled.codegen import I32, llvm_function
from glassnet.engines.compiled.machine_code import is_x86

__all__ = ["flush_denormals", "restore_denormals"]

_FLUSH = 0x8040  # bits of the x86 control register: results and operands that are denormal count as 0


def _control_word(builder, change):
    """LLVM: read the x86 control register of floating-point arithmetic, write change(word), return the word."""
    place = cgutils.alloca_once(builder, I32)
    llvm_function(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), [place.type], [place])
    word = builder.load(place)
    builder.store(change(word), place)
    llvm_function(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [place.type], [place])
    return word


@intrinsic
def flush_denormals(typingctx):
    """Let numbers below 2^-126 (2^-1022) be 0 on this thread; returns what `restore_denormals` takes.

    A unit that has died leaves momenta that fade for ever; as denormals they would slow each step tenfold.
    """

    def emit(context, builder, signature, arguments):
        if not is_x86():
            return ir.Constant(I32, 0)
        return _control_word(builder, lambda word: builder.or_(word, ir.Constant(I32, _FLUSH)))

    return types.int32(), emit


@intrinsic
def restore_denormals(typingctx, before):
    """Undo `flush_denormals`."""

    def emit(context, builder, signature, arguments):
        if is_x86():
            _control_word(builder, lambda word: arguments[0])
        return context.get_dummy_value()

    return types.void(types.int32), emit
