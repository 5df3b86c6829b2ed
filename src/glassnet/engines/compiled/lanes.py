"""Vectors of the processor as a Numba type: the few lines of LLVM on which everything else here is plain Python.

A `Lanes` value holds as many numbers as one register does (16 float32 with AVX-512, 8 with AVX2, 4 with SSE2 or
NEON). Arithmetic, comparison and choice act on all of them at once, as on a short NumPy array, so that a record's
function, written for one number z, computes `lanes` of them when it is given a vector: `one / (one + exp(-z))` is a
handful of vector instructions. Nothing depends on what a compiler's vectorizer sees fit to do, and the last, partly
filled vector of an array runs through the same instructions as the others: a number's bits do not depend on its place.

How a function becomes instructions: Numba reads it and looks up every operation for the types of its operands, and
here it is told what to do when they are Lanes. It is told in three ways.

    operators    type_callable(+) says which type x + y has, lower_builtin(+) writes the instruction for it
    intrinsics   a new function, such as `fused`: it returns its signature and `emit`, which writes the instructions
    overloads    Python in place of a name of `formulas.elementary`, such as `where`, when it is given Lanes

What writes instructions is Python that runs while Numba compiles: builder.fadd(a, b) computes nothing, but adds the
line `%c = fadd <16 x float> %a, %b` to the text that LLVM then turns into machine code, and a loop around it adds many.
Functions that take a `builder` say so: "LLVM: ...".

    codegen        what is said to LLVM often               load_store, gather   from memory and into it
    lanes          the type, and what acts lane by lane     transposition        a block's rows to columns
    quotients      a / b and square roots                   pointers             addresses, cache lines, calls
    conversions    numbers to Lanes and back                unrolled, denormals  loops; numbers that count as 0

On these stand exp, log ... (`instructions`, `elementary`), functions of rows (`rows`, `groups`), the kernels of the
products (`product`, `dots`, `matrix_unit`) and the `stages`. Numba compiles ahead of time here and is imported only for
that (see `machine_code`).
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

import operator

from llvmlite import ir
from llvmlite.ir import IRBuilder
from numba import types
from numba.extending import intrinsic, lower_builtin, models, overload, register_model, type_callable

from glassnet.engines.compiled.codegen import I1, I32, I64, llvm_function
from glassnet.engines.compiled.translate import OPTIONS
from glassnet.formulas import elementary

__all__ = ["INTEGER_OF", "Lanes", "binary", "by_kind", "fused", "select", "shift_left", "shift_right"]

_ELEMENTS = {
    types.float32: ir.FloatType(),
    types.float64: ir.DoubleType(),
    types.int32: I32,
    types.int64: I64,
    types.boolean: I1,
}
_NAMES = {types.float32: "f32", types.float64: "f64", types.int32: "i32", types.int64: "i64"}
INTEGER_OF = {types.float32: types.int32, types.float64: types.int64}


# --- the type -----------------------------------------------------------------------------------------------------


class Lanes(types.Type):
    """`count` numbers of one dtype (float32, float64, int32, int64, or boolean for a mask)."""

    def __init__(self, dtype, count):
        self.dtype, self.count = dtype, count
        super().__init__(f"Lanes({dtype}, {count})")

    @property
    def llvm(self):
        """The LLVM vector type."""
        return ir.VectorType(_ELEMENTS[self.dtype], self.count)

    @property
    def suffix(self):
        """How the names of LLVM's functions of such vectors end."""
        return f"v{self.count}{_NAMES[self.dtype]}"

    @property
    def item_bytes(self):
        """Bytes of one of the numbers, to which they are aligned in memory."""
        return self.dtype.bitwidth // 8

    @property
    def mask(self):
        """The type of a comparison of two of these."""
        return Lanes(types.boolean, self.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, fe_type.llvm)


# --- operators ----------------------------------------------------------------------------------------------------


def binary(function, emits, result=lambda lanes: lanes):
    """Let `function(a, b)` of two equal Lanes be what emits[dtype](builder, a, b) writes."""

    @type_callable(function)
    def _typer(context):
        return lambda a, b: result(a) if isinstance(a, Lanes) and a == b and a.dtype in emits else None

    @lower_builtin(function, Lanes, Lanes)
    def _lower(context, builder, signature, arguments):
        return emits[signature.args[0].dtype](builder, *arguments)


def by_kind(float_=None, integer=None, mask=None):
    """A table for `binary`."""
    table = {types.float32: float_, types.float64: float_, types.int32: integer, types.int64: integer}
    return {dtype: emit for dtype, emit in {**table, types.boolean: mask}.items() if emit is not None}


def _comparison(function, sign, of_floats=IRBuilder.fcmp_ordered):
    emits = by_kind(
        lambda builder, a, b: of_floats(builder, sign, a, b), lambda builder, a, b: builder.icmp_signed(sign, a, b)
    )
    binary(function, emits, lambda lanes: lanes.mask)


binary(operator.add, by_kind(IRBuilder.fadd, IRBuilder.add))
binary(operator.sub, by_kind(IRBuilder.fsub, IRBuilder.sub))
binary(operator.mul, by_kind(IRBuilder.fmul, IRBuilder.mul))
binary(operator.and_, by_kind(None, IRBuilder.and_, IRBuilder.and_))
binary(operator.or_, by_kind(None, IRBuilder.or_, IRBuilder.or_))
binary(operator.xor, by_kind(None, IRBuilder.xor))
_comparison(operator.lt, "<")
_comparison(operator.le, "<=")
_comparison(operator.gt, ">")
_comparison(operator.ge, ">=")
_comparison(operator.eq, "==")
_comparison(operator.ne, "!=", IRBuilder.fcmp_unordered)  # NaN differs from everything


@type_callable(operator.neg)
def _type_neg(context):
    return lambda a: a if isinstance(a, Lanes) and a.dtype in INTEGER_OF else None


@lower_builtin(operator.neg, Lanes)
def _lower_neg(context, builder, signature, arguments):
    return builder.fneg(arguments[0])


@type_callable(operator.invert)
def _type_invert(context):
    return lambda a: a if isinstance(a, Lanes) and a.dtype not in INTEGER_OF else None


@lower_builtin(operator.invert, Lanes)
def _lower_invert(context, builder, signature, arguments):
    return builder.not_(arguments[0])


# --- functions ----------------------------------------------------------------------------------------------------


@intrinsic
def fused(typingctx, a, b, c):
    """a b + c, in one rounding where the processor has the instruction."""

    def emit(context, builder, signature, arguments):
        return llvm_function(builder, f"llvm.fmuladd.{a.suffix}", a.llvm, [a.llvm] * 3, arguments)

    return a(a, b, c), emit


@intrinsic
def shift_left(typingctx, x, y):
    """Bits of integers moved up."""
    return x(x, y), lambda context, builder, signature, arguments: builder.shl(*arguments)


@intrinsic
def shift_right(typingctx, x, y):
    """Bits of integers moved down, zeros coming in."""
    return x(x, y), lambda context, builder, signature, arguments: builder.lshr(*arguments)


@intrinsic
def select(typingctx, condition, a, b):
    """a where the condition holds, else b."""
    if not isinstance(a, Lanes) or a != b:
        return None
    return a(condition, a, b), lambda context, builder, signature, arguments: builder.select(*arguments)


@overload(elementary.where, jit_options=OPTIONS)
def _where(condition, a, b):
    if isinstance(a, Lanes):
        assert a == b, f"where({a}, {b}): both choices must have one dtype"
        return lambda condition, a, b: select(condition, a, b)  # noqa: PLW0108
    return None
