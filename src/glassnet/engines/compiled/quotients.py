"""Quotients and square roots of Lanes.

A processor divides slowly: 16 float32 take as long as 30 multiplications. AVX-512 also gives 1/b and 1/sqrt(x) to 14
bits at once; one step of Newton's method (Markstein, 1990) makes that the whole number, to less than 1 ulp. It holds
for numbers of ordinary size; a vector with any other (0, infinity, NaN, beyond 2^60) goes the slow way. `ratio` does
not look, for formulas that know.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

import operator

from llvmlite import ir
from numba.extending import intrinsic

from glassnet.engines.compiled.codegen import I32, llvm_function
from glassnet.engines.compiled.lanes import Lanes, binary, by_kind
from glassnet.engines.compiled.machine_code import vector_bytes

__all__ = ["ratio", "root"]

_HIGH = (127 + 60) << 23  # the bits of 2^60


def _ordinary(builder, x, power):
    """LLVM: for each lane, whether 2^-power <= x < 2^60, by the bits."""
    integers, low = ir.VectorType(I32, x.type.count), (127 - power) << 23
    above = builder.sub(builder.bitcast(x, integers), ir.Constant(integers, [low] * x.type.count))
    return builder.icmp_unsigned("<", above, ir.Constant(integers, [_HIGH - low] * x.type.count))


def _moderate(builder, x):
    """LLVM: for each lane, whether |x| < 2^60, by the bits."""
    integers = ir.VectorType(I32, x.type.count)
    size = builder.and_(builder.bitcast(x, integers), ir.Constant(integers, [0x7FFFFFFF] * x.type.count))
    return builder.icmp_unsigned("<", size, ir.Constant(integers, [_HIGH] * x.type.count))


def _either(builder, mask, quick, slow):
    """LLVM: quick() in the lanes of the mask, slow() in the others, which is left out when there are none.

    Lane by lane: a number's bits must not depend on which others stand beside it.
    """
    word = ir.IntType(mask.type.count)
    everywhere = builder.icmp_unsigned("==", builder.bitcast(mask, word), ir.Constant(word, -1))
    with builder.if_else(everywhere, likely=True) as (then, otherwise):
        with then:
            first, from_first = quick(), builder.block
        with otherwise:
            second, from_second = builder.select(mask, quick(), slow()), builder.block
    value = builder.phi(first.type)
    value.add_incoming(first, from_first)
    value.add_incoming(second, from_second)
    return value


def _has_estimate(x):
    """Whether there is an instruction for 14 bits of 1/x and of 1/sqrt(x)."""
    return vector_bytes() == 64 and x.type == ir.VectorType(ir.FloatType(), 16)


def _estimate(builder, name, x):
    """LLVM: 14 bits of 1/x (rcp) or 1/sqrt(x) (rsqrt)."""
    mask = ir.Constant(ir.IntType(16), -1)
    return llvm_function(builder, f"llvm.x86.avx512.{name}14.ps.512", x.type, [x.type, x.type, mask.type], [x, x, mask])


def _fused(builder, a, b, c):
    """LLVM: a b + c of 16 float32."""
    return llvm_function(builder, "llvm.fma.v16f32", a.type, [a.type] * 3, [a, b, c])


def _ratio(builder, a, b):
    """LLVM: a / b for b of ordinary size; a zero keeps its sign."""
    if not _has_estimate(a):
        return builder.fdiv(a, b)
    by = _estimate(builder, "rcp", b)
    near = builder.fmul(a, by)
    excess = _fused(builder, near, b, builder.fneg(a))
    return _fused(builder, builder.fneg(excess), by, near)


def _quotient(builder, a, b):
    """LLVM: a / b."""
    if not _has_estimate(a):
        return builder.fdiv(a, b)
    mask = builder.and_(_ordinary(builder, b, 60), _moderate(builder, a))
    return _either(builder, mask, lambda: _ratio(builder, a, b), lambda: builder.fdiv(a, b))


def _root(builder, x, suffix):
    """LLVM: sqrt(x)."""

    def exact():
        return llvm_function(builder, f"llvm.sqrt.{suffix}", x.type, [x.type], [x])

    def quick():
        by = _estimate(builder, "rsqrt", x)
        near, half = builder.fmul(x, by), builder.fmul(by, ir.Constant(x.type, [0.5] * x.type.count))
        return _fused(builder, _fused(builder, builder.fneg(near), near, x), half, near)

    return _either(builder, _ordinary(builder, x, 100), quick, exact) if _has_estimate(x) else exact()


binary(operator.truediv, by_kind(_quotient))


@intrinsic
def ratio(typingctx, a, b):
    """a / b to less than 1 ulp where 2^-60 <= b < 2^60 and |a| < 2^60 are known beforehand; NaN comes out as NaN."""
    if not isinstance(a, Lanes) or a != b:
        return None
    return a(a, b), lambda context, builder, signature, arguments: _ratio(builder, *arguments)


@intrinsic
def root(typingctx, x):
    """Square root, as the processor rounds it or to less than 1 ulp."""
    if not isinstance(x, Lanes):
        return None
    return x(x), lambda context, builder, signature, arguments: _root(builder, arguments[0], x.suffix)
