"""What the vector kernel often says to LLVM: copies of a number, lanes picked out of vectors, LLVM's own functions."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from llvmlite import ir
from numba.core import cgutils

__all__ = ["I1", "I32", "I64", "llvm_function", "numbers", "shuffled", "spread"]

I64, I32, I1 = ir.IntType(64), ir.IntType(32), ir.IntType(1)


def llvm_function(builder, name, result, arguments, values):
    """LLVM: call one of its own functions; the types of its result and of its arguments, then the arguments."""
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), name)
    return builder.call(function, values)


def spread(builder, scalar, count):
    """LLVM: `count` copies of a scalar."""
    vector = ir.VectorType(scalar.type, count)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(I32, 0))
    return shuffled(builder, first, ir.Constant(vector, ir.Undefined), [0] * count)


def numbers(count, element=I64):
    """The constant 0, 1, 2, ..."""
    return ir.Constant(ir.VectorType(element, count), list(range(count)))


def shuffled(builder, a, b, picks):
    """LLVM: the lanes that `picks` names, counted through a and then b."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(picks)), list(picks)))
