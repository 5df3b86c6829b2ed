"""The elementary functions that are an instruction or a few: sqrt, absolute, sign, maximum, minimum; and polynomials.

They are exact but for `sqrt` (see `quotients.root`). `maximum` and `minimum` return NaN when either argument is NaN, as
NumPy's do.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic, overload

from glassnet.engines.compiled.codegen import llvm_function
from glassnet.engines.compiled.coefficients import TABLES
from glassnet.engines.compiled.conversions import splat
from glassnet.engines.compiled.lanes import Lanes, select
from glassnet.engines.compiled.quotients import root
from glassnet.engines.compiled.translate import OPTIONS
from glassnet.formulas import elementary

__all__ = ["magnitude", "on_lanes", "polynomial", "root", "with_sign"]


def on_lanes(function):
    """Register `build`: given the table of a dtype, it returns what `function` is on Lanes of that dtype."""

    def register(build):
        compiled = {dtype: build(table) for dtype, table in TABLES.items()}
        typer = lambda x, *_: compiled.get(x.dtype) if isinstance(x, Lanes) else None  # noqa: E731
        overload(function, strict=False, jit_options=OPTIONS)(typer)
        return build

    return register


def polynomial(coefficients):
    """A function of x: c0 + c1 x + c2 x^2 + ..., from the highest power down (Horner)."""

    @intrinsic
    def at(typingctx, x):
        def emit(context, builder, signature, arguments):
            *lower, total = (ir.Constant(x.llvm, [ir.Constant(x.llvm.element, c)] * x.count) for c in coefficients)
            for c in reversed(lower):
                operands = [total, arguments[0], c]
                total = llvm_function(builder, f"llvm.fmuladd.{x.suffix}", x.llvm, [x.llvm] * 3, operands)
            return total

        return x(x), emit

    return at


def _instruction(name, x, operands):
    def emit(context, builder, signature, arguments):
        kind = ir.FunctionType(x.llvm, [x.llvm] * len(operands))
        instruction = f"llvm.{name}.v{x.count}f{x.dtype.bitwidth}"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, instruction), arguments)

    return x(*operands), emit


@intrinsic
def magnitude(typingctx, x):
    """x without its sign."""
    return _instruction("fabs", x, [x])


@intrinsic
def with_sign(typingctx, x, y):
    """x with the sign of y."""
    return _instruction("copysign", x, [x, y])


@on_lanes(elementary.sqrt)
def _sqrt(table):
    def sqrt(x):
        return root(x)

    return sqrt


@on_lanes(elementary.absolute)
def _absolute(table):
    def absolute(x):
        return magnitude(x)

    return absolute


@on_lanes(elementary.sign)
def _sign(table):
    def sign(x):
        zero, one = splat(x, 0.0), splat(x, 1.0)
        return select(x > zero, one, select(x < zero, -one, select(x == zero, zero, x)))

    return sign


@on_lanes(elementary.maximum)
def _maximum(table):
    def maximum(a, b):
        larger = select(b > a, b, a)  # a where either is NaN; one instruction, and all there is when b is a constant
        return select(b != b, b, larger)

    return maximum


@on_lanes(elementary.minimum)
def _minimum(table):
    def minimum(a, b):
        smaller = select(b < a, b, a)  # a where either is NaN
        return select(b != b, b, smaller)

    return minimum
