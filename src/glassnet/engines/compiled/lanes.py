"""Vectors of the processor as a Numba type: the few lines of LLVM on which everything else here is plain Python.

A `Lanes` value holds as many numbers as one register does (16 float32 with AVX-512, 8 with AVX2, 4 with SSE2 or
NEON). Arithmetic, comparison and choice act on all of them at once, so that a record's function, written for one
number z, computes `lanes` of them when it is given a vector: `one / (one + exp(-z))` is a handful of vector
instructions. Nothing depends on what a compiler's vectorizer sees fit to do, and the last, partly filled vector of
an array runs through the same instructions as the others: a number's bits do not depend on its place.

Numba compiles ahead of time here and is imported only for that (see `machine_code`).
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

import operator
from functools import cache

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, overload, register_model, type_callable

from glassnet.engines.compiled.machine_code import is_x86, vector_bytes
from glassnet.engines.compiled.translate import OPTIONS
from glassnet.formulas import elementary

__all__ = [
    "Lanes",
    "bits_of",
    "call",
    "claim",
    "from_bits",
    "fused",
    "gather",
    "lanes_sum",
    "load",
    "pointer",
    "prefetch",
    "ratio",
    "root",
    "scatter",
    "shift_left",
    "shift_right",
    "splat",
    "store",
    "turn",
    "vector_lanes",
    "whole",
    "widen",
]

_njit = njit(**OPTIONS)
I64, I32, I1 = ir.IntType(64), ir.IntType(32), ir.IntType(1)
_ELEMENTS = {
    types.float32: ir.FloatType(),
    types.float64: ir.DoubleType(),
    types.int32: I32,
    types.int64: I64,
    types.boolean: I1,
}
_NAMES = {types.float32: "f32", types.float64: "f64", types.int32: "i32", types.int64: "i64"}
INTEGER_OF = {types.float32: types.int32, types.float64: types.int64}
FLOAT_OF = {integer: float_ for float_, integer in INTEGER_OF.items()}


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
    def mask(self):
        """The type of a comparison of two of these."""
        return Lanes(types.boolean, self.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, fe_type.llvm)


def _same(a, b):
    return isinstance(a, Lanes) and a == b


def _binary(function, by_kind, result):
    """Let `function(a, b)` of two equal Lanes be one instruction."""

    @type_callable(function)
    def _typer(context):
        return lambda a, b: result(a) if _same(a, b) and a.dtype in by_kind else None

    @lower_builtin(function, Lanes, Lanes)
    def _lower(context, builder, signature, arguments):
        return by_kind[signature.args[0].dtype](builder, *arguments)


def _for(float_=None, integer=None, mask=None):
    table = {types.float32: float_, types.float64: float_, types.int32: integer, types.int64: integer}
    return {dtype: emit for dtype, emit in {**table, types.boolean: mask}.items() if emit is not None}


_binary(operator.add, _for(lambda q, a, b: q.fadd(a, b), lambda q, a, b: q.add(a, b)), lambda t: t)
_binary(operator.sub, _for(lambda q, a, b: q.fsub(a, b), lambda q, a, b: q.sub(a, b)), lambda t: t)
_binary(operator.mul, _for(lambda q, a, b: q.fmul(a, b), lambda q, a, b: q.mul(a, b)), lambda t: t)
_binary(operator.truediv, _for(lambda q, a, b: _quotient(q, a, b)), lambda t: t)  # noqa: PLW0108
_binary(operator.and_, _for(None, lambda q, a, b: q.and_(a, b), lambda q, a, b: q.and_(a, b)), lambda t: t)
_binary(operator.or_, _for(None, lambda q, a, b: q.or_(a, b), lambda q, a, b: q.or_(a, b)), lambda t: t)
_binary(operator.xor, _for(None, lambda q, a, b: q.xor(a, b)), lambda t: t)
for _operator, _sign in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.eq, "=="),
):
    _binary(
        _operator,
        _for(
            lambda q, a, b, s=_sign: q.fcmp_ordered(s, a, b),
            lambda q, a, b, s=_sign: q.icmp_signed(s, a, b),
        ),
        lambda t: t.mask,
    )
_binary(
    operator.ne,
    _for(lambda q, a, b: q.fcmp_unordered("!=", a, b), lambda q, a, b: q.icmp_signed("!=", a, b)),
    lambda t: t.mask,
)


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


# --- quotients and roots ------------------------------------------------------------------------------------------
#
# A processor divides slowly: 16 float32 take as long as 30 multiplications. AVX-512 also gives 1/b and 1/sqrt(x) to 14
# bits at once; one step of Newton's method (Markstein, 1990) makes that the whole number, to less than 1 ulp. It holds
# for numbers of ordinary size; a vector with any other (0, infinity, NaN, beyond 2^60) goes the slow way. `ratio`
# does not look, for formulas that know.


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
    suffix_ = f"v{a.type.count}f32"
    return llvm_function(builder, f"llvm.fma.{suffix_}", a.type, [a.type] * 3, [a, b, c])


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


@intrinsic
def ratio(typingctx, a, b):
    """a / b to less than 1 ulp where 2^-60 <= b < 2^60 and |a| < 2^60 are known beforehand; NaN comes out as NaN."""
    if not _same(a, b):
        return None
    return a(a, b), lambda context, builder, signature, arguments: _ratio(builder, *arguments)


def _root(builder, x):
    """LLVM: sqrt(x)."""
    suffix_ = f"v{x.type.count}{'f32' if isinstance(x.type.element, ir.FloatType) else 'f64'}"
    exact = lambda: llvm_function(builder, f"llvm.sqrt.{suffix_}", x.type, [x.type], [x])  # noqa: E731
    if not _has_estimate(x):
        return exact()

    def quick():
        by = _estimate(builder, "rsqrt", x)
        near, half = builder.fmul(x, by), builder.fmul(by, ir.Constant(x.type, [0.5] * x.type.count))
        return _fused(builder, _fused(builder, builder.fneg(near), near, x), half, near)

    return _either(builder, _ordinary(builder, x, 100), quick, exact)


@intrinsic
def root(typingctx, x):
    """Square root, as the processor rounds it or to less than 1 ulp."""
    if not isinstance(x, Lanes):
        return None
    return x(x), lambda context, builder, signature, arguments: _root(builder, arguments[0])


# --- making and changing vectors ----------------------------------------------------------------------------------


def spread(builder, scalar, count):
    """LLVM: `count` copies of a scalar."""
    vector = ir.VectorType(scalar.type, count)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(I32, 0))
    zeros = ir.Constant(ir.VectorType(I32, count), [ir.Constant(I32, 0)] * count)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)


def _numbers(count, element=I64):
    return ir.Constant(ir.VectorType(element, count), [ir.Constant(element, i) for i in range(count)])


def llvm_function(builder, name, result, arguments, values):
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), name)
    return builder.call(function, values)


def suffix(lanes):
    return f"v{lanes.count}{_NAMES[lanes.dtype]}"


@intrinsic
def splat(typingctx, like, value):
    """Copies of the scalar `value` in all lanes, cast to the dtype of `like`."""
    if not isinstance(like, Lanes):
        return None
    signature = like(like, value)

    def emit(context, builder, signature, arguments):
        scalar = context.cast(builder, arguments[1], value, like.dtype)
        return spread(builder, scalar, like.count)

    return signature, emit


@cache
def vector_lanes(dtype, count):
    """A function of one scalar: `count` copies of it, as Lanes of this dtype."""
    lanes = Lanes(dtype, count)

    @intrinsic
    def spread_over(typingctx, value):
        def emit(context, builder, signature, arguments):
            return spread(builder, context.cast(builder, arguments[0], value, dtype), count)

        return lanes(value), emit

    return spread_over


def _convert(name, target, emit, doc):
    def convert(typingctx, x):
        if not isinstance(x, Lanes):
            return None
        lanes = target(x)
        return lanes(x), lambda context, builder, signature, arguments: emit(builder, arguments[0], x, lanes)

    convert.__name__, convert.__doc__ = name, doc
    return intrinsic(convert)


_to_bits = lambda x: Lanes(INTEGER_OF[x.dtype], x.count)  # noqa: E731
_to_float = lambda x: Lanes(FLOAT_OF[x.dtype], x.count)  # noqa: E731
bits_of = _convert(
    "bits_of", _to_bits, lambda q, a, x, t: q.bitcast(a, t.llvm), "The bits of floats as integers of the same width."
)
from_bits = _convert(
    "from_bits", _to_float, lambda q, a, x, t: q.bitcast(a, t.llvm), "Integers read as the bits of floats."
)
widen = _convert(
    "widen",
    lambda x: Lanes(types.float64, x.count),
    lambda q, a, x, t: a if x == t else q.fpext(a, t.llvm),
    "As float64, as many lanes.",
)


@intrinsic
def fused(typingctx, a, b, c):
    """a b + c, in one rounding where the processor has the instruction."""

    def emit(context, builder, signature, arguments):
        vector = a.llvm
        return llvm_function(builder, f"llvm.fmuladd.{suffix(a)}", vector, [vector] * 3, arguments)

    return a(a, b, c), emit


@intrinsic
def whole(typingctx, like, value):
    """Copies of a whole number, as integers of the width of `like`."""
    lanes = Lanes(INTEGER_OF.get(like.dtype, like.dtype), like.count)

    def emit(context, builder, signature, arguments):
        return spread(builder, context.cast(builder, arguments[1], value, lanes.dtype), lanes.count)

    return lanes(like, value), emit


@intrinsic
def shift_left(typingctx, x, y):
    """Bits of integers moved up."""
    return x(x, y), lambda context, builder, signature, arguments: builder.shl(*arguments)


@intrinsic
def shift_right(typingctx, x, y):
    """Bits of integers moved down, zeros coming in."""
    return x(x, y), lambda context, builder, signature, arguments: builder.lshr(*arguments)


@intrinsic
def lanes_sum(typingctx, x):
    """The sum of all lanes, halves added to halves: an order that is always the same."""

    def emit(context, builder, signature, arguments):
        vector, count = arguments[0], x.count
        while count > 1:
            count //= 2
            pick = [
                ir.Constant(ir.VectorType(I32, count), [ir.Constant(I32, i + o) for i in range(count)])
                for o in (0, count)
            ]
            low, high = (builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), p) for p in pick)
            vector = builder.fadd(low, high)
        return builder.extract_element(vector, ir.Constant(I32, 0))

    return x.dtype(x), emit


# --- the elementary names that are one instruction ----------------------------------------------------------------


def _choose(typingctx, condition, a, b):
    if not _same(a, b):
        return None
    return a(condition, a, b), lambda context, builder, signature, arguments: builder.select(*arguments)


select = intrinsic(_choose)


@overload(elementary.where, jit_options=OPTIONS)
def _where(condition, a, b):
    if isinstance(a, Lanes):
        assert a == b, f"where({a}, {b}): both choices must have one dtype"
        return lambda condition, a, b: select(condition, a, b)  # noqa: PLW0108
    return None


@overload(elementary.constant, jit_options=OPTIONS)
def _constant(z, value):
    if isinstance(z, Lanes):
        return lambda z, value: splat(z, value)  # noqa: PLW0108
    return None


# --- memory -----------------------------------------------------------------------------------------------------


@cache
def pointer(dtype):
    """A function of an address (int64): a pointer to numbers of this dtype."""

    @intrinsic
    def at(typingctx, address):
        return types.CPointer(dtype)(types.int64), lambda context, builder, signature, arguments: builder.inttoptr(
            arguments[0], context.get_value_type(types.CPointer(dtype))
        )

    return at


def tail(builder, lanes, start, stop):
    """LLVM: the mask of the lanes i with start + i < stop."""
    left = spread(builder, builder.sub(stop, start), lanes.count)
    return builder.icmp_signed("<", _numbers(lanes.count), left)


def _align(lanes):
    return 8 if lanes.dtype in (types.float64, types.int64) else 4


def masked_load(builder, lanes, place, mask):
    """LLVM: the lanes of the mask from memory, 0 in the others."""
    vector, masks = lanes.llvm, ir.VectorType(I1, lanes.count)
    return llvm_function(
        builder,
        f"llvm.masked.load.{suffix(lanes)}.p0",
        vector,
        [vector.as_pointer(), I32, masks, vector],
        [place, ir.Constant(I32, _align(lanes)), mask, ir.Constant(vector, None)],
    )


def masked_store(builder, lanes, value, place, mask):
    """LLVM: the lanes of the mask into memory."""
    vector, masks = lanes.llvm, ir.VectorType(I1, lanes.count)
    llvm_function(
        builder,
        f"llvm.masked.store.{suffix(lanes)}.p0",
        ir.VoidType(),
        [vector, vector.as_pointer(), I32, masks],
        [value, place, ir.Constant(I32, _align(lanes)), mask],
    )


def plain_load(builder, lanes, place):
    """LLVM: all lanes from memory, of any alignment beyond the element's."""
    value = builder.load(place)
    value.align = _align(lanes)
    return value


def plain_store(builder, lanes, value, place):
    """LLVM: all lanes into memory."""
    builder.store(value, place).align = _align(lanes)


@cache
def load(dtype, count):
    """A function (p, i, n): the lanes p[i : i + count], of which those at n and beyond are 0 and not touched."""
    lanes = Lanes(dtype, count)

    @intrinsic
    def load_lanes(typingctx, p, i, n):
        signature = lanes(types.CPointer(dtype), types.int64, types.int64)

        def emit(context, builder, signature, arguments):
            p, i, n = arguments
            place = builder.bitcast(builder.gep(p, [i]), lanes.llvm.as_pointer())
            whole_ = builder.icmp_signed("<=", builder.add(i, ir.Constant(I64, count)), n)
            with builder.if_else(whole_) as (then, otherwise):
                with then:
                    full, from_full = plain_load(builder, lanes, place), builder.block
                with otherwise:
                    part, from_part = masked_load(builder, lanes, place, tail(builder, lanes, i, n)), builder.block
            value = builder.phi(lanes.llvm)
            value.add_incoming(full, from_full)
            value.add_incoming(part, from_part)
            return value

        return signature, emit

    return load_lanes


@intrinsic
def store(typingctx, p, i, n, value):
    """p[i : i + count] = value, for the places before n."""
    if not isinstance(value, Lanes):
        return None
    signature = types.void(types.CPointer(value.dtype), types.int64, types.int64, value)

    def emit(context, builder, signature, arguments):
        p, i, n, vector = arguments
        place = builder.bitcast(builder.gep(p, [i]), value.llvm.as_pointer())
        whole_ = builder.icmp_signed("<=", builder.add(i, ir.Constant(I64, value.count)), n)
        with builder.if_else(whole_) as (then, otherwise):
            with then:
                plain_store(builder, value, vector, place)
            with otherwise:
                masked_store(builder, value, vector, place, tail(builder, value, i, n))
        return context.get_dummy_value()

    return signature, emit


def _places(builder, p, stride, count, element):
    """LLVM: `count` addresses from p on, `stride` elements apart."""
    steps = builder.mul(_numbers(count), spread(builder, stride, count))
    base = spread(builder, builder.ptrtoint(p, I64), count)
    bytes_ = spread(builder, ir.Constant(I64, 8 if isinstance(element, ir.DoubleType) else 4), count)
    return builder.inttoptr(builder.add(base, builder.mul(steps, bytes_)), ir.VectorType(element.as_pointer(), count))


def _is_wide(lanes):
    """Whether these are the 16 float32 of AVX-512, which takes a base and 16 short steps: half the work for memory."""
    return vector_bytes() == 64 and (lanes.dtype, lanes.count) == (types.float32, 16)


def _steps(builder, p, stride):
    """LLVM: p, and the distances of 16 numbers from it, `stride` apart."""
    steps = builder.mul(_numbers(16, I32), spread(builder, builder.trunc(stride, I32), 16))
    return builder.bitcast(p, ir.IntType(8).as_pointer()), steps


@cache
def gather(dtype, count):
    """A function (p, stride, n): the lanes p[0], p[stride], ... of which only the first n are touched."""
    lanes = Lanes(dtype, count)

    @intrinsic
    def gather_lanes(typingctx, p, stride, n):
        signature = lanes(types.CPointer(dtype), types.int64, types.int64)

        def emit(context, builder, signature, arguments):
            p, stride, n = arguments
            mask = tail(builder, lanes, ir.Constant(I64, 0), n)
            if _is_wide(lanes):
                operands = [ir.Constant(lanes.llvm, None), *_steps(builder, p, stride), mask, ir.Constant(I32, 4)]
                name = "llvm.x86.avx512.mask.gather.dps.512"
                return llvm_function(builder, name, lanes.llvm, [o.type for o in operands], operands)
            places = _places(builder, p, stride, count, _ELEMENTS[dtype])
            return llvm_function(
                builder,
                f"llvm.masked.gather.{suffix(lanes)}.v{count}p0",
                lanes.llvm,
                [places.type, I32, mask.type, lanes.llvm],
                [places, ir.Constant(I32, _align(lanes)), mask, ir.Constant(lanes.llvm, None)],
            )

        return signature, emit

    return gather_lanes


@intrinsic
def scatter(typingctx, p, stride, n, value):
    """p[0], p[stride], ... = the first n lanes of value."""
    signature = types.void(types.CPointer(value.dtype), types.int64, types.int64, value)

    def emit(context, builder, signature, arguments):
        p, stride, n, vector = arguments
        mask = tail(builder, value, ir.Constant(I64, 0), n)
        if _is_wide(value):
            place, steps = _steps(builder, p, stride)
            operands = [place, mask, steps, vector, ir.Constant(I32, 4)]
            name = "llvm.x86.avx512.mask.scatter.dps.512"
            llvm_function(builder, name, ir.VoidType(), [o.type for o in operands], operands)
            return context.get_dummy_value()
        places = _places(builder, p, stride, value.count, _ELEMENTS[value.dtype])
        llvm_function(
            builder,
            f"llvm.masked.scatter.{suffix(value)}.v{value.count}p0",
            ir.VoidType(),
            [value.llvm, places.type, I32, mask.type],
            [vector, places, ir.Constant(I32, _align(value)), mask],
        )
        return context.get_dummy_value()

    return signature, emit


@cache
def turn(dtype, count):
    """A function (p, step, rows, columns, out, out_step): out[j, i] = p[i, j] for a block of at most count x count.

    In log2(count) rounds; in each, vectors s apart exchange the lanes s apart.
    """
    lanes = Lanes(dtype, count)

    @intrinsic
    def turn_block(typingctx, p, step, rows, columns, out, out_step):
        pointer_ = types.CPointer(dtype)
        signature = types.void(pointer_, types.int64, types.int64, types.int64, pointer_, types.int64)

        def place(builder, base, step, i):
            far = builder.gep(base, [builder.mul(step, ir.Constant(I64, i))])
            return builder.bitcast(far, lanes.llvm.as_pointer())

        def emit(context, builder, signature, arguments):
            p, step, rows, columns, out, out_step = arguments
            zero, full = ir.Constant(I64, 0), ir.Constant(I64, count)

            def part(i, these, those):
                """The mask of row i: `those` columns if it is one of `these` rows, else nothing."""
                there = builder.icmp_signed("<", ir.Constant(I64, i), these)
                return tail(builder, lanes, zero, builder.select(there, those, zero))

            def turn_all(read, write):
                vectors = [read(place(builder, p, step, i), i) for i in range(count)]
                apart = 1
                while apart < count:
                    for i in range(count):
                        if i & apart:
                            continue
                        a, b = vectors[i], vectors[i + apart]
                        low = [n if not n & apart else count + n - apart for n in range(count)]
                        high = [n + apart if not n & apart else count + n for n in range(count)]
                        vectors[i], vectors[i + apart] = (
                            builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, count), pick))
                            for pick in (low, high)
                        )
                    apart *= 2
                for i, vector in enumerate(vectors):
                    write(vector, place(builder, out, out_step, i), i)

            whole = builder.and_(builder.icmp_signed(">=", rows, full), builder.icmp_signed(">=", columns, full))
            with builder.if_else(whole) as (all_of_it, some_of_it):
                with all_of_it:  # without masks, which cost more than the exchange
                    turn_all(
                        lambda at, i: plain_load(builder, lanes, at),
                        lambda vector, at, i: plain_store(builder, lanes, vector, at),
                    )
                with some_of_it:
                    turn_all(
                        lambda at, i: masked_load(builder, lanes, at, part(i, rows, columns)),
                        lambda vector, at, i: masked_store(builder, lanes, vector, at, part(i, columns, rows)),
                    )
            return context.get_dummy_value()

        return signature, emit

    return turn_block


def _asking(write):
    @intrinsic
    def ask(typingctx, p, i):
        def emit(context, builder, signature, arguments):
            place = builder.bitcast(builder.gep(arguments[0], [arguments[1]]), ir.IntType(8).as_pointer())
            numbers = [ir.Constant(I32, n) for n in (int(write), 3, 1)]  # to write it?, keep close, data
            llvm_function(builder, "llvm.prefetch.p0", ir.VoidType(), [place.type, I32, I32, I32], [place, *numbers])
            return context.get_dummy_value()

        return types.void(p, types.int64), emit

    return ask


prefetch = _asking(write=False)
"""(p, i): ask for the cache line of p[i] ahead of its use."""

claim = _asking(write=True)
"""(p, i): as `prefetch`, for this core alone: where another core has read the line, to write it takes longest."""


# --- calls and threads --------------------------------------------------------------------------------------------


@intrinsic
def call(typingctx, address, operands, frame):
    """Call the stage at an address: a C function of two pointers to int64."""
    signature = types.void(types.int64, operands, frame)

    def emit(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in arguments[1:]])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return signature, emit


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


@intrinsic
def call_plain(typingctx, address):
    """Call a C function without arguments, such as the system's `sched_yield`."""

    def emit(context, builder, signature, arguments):
        kind = ir.FunctionType(I32, [])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.int64), emit


# --- small things that stages say often ---------------------------------------------------------------------------


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


@intrinsic
def after(typingctx, p, n):
    """The pointer n elements on."""
    return p(p, types.int64), lambda context, builder, signature, arguments: builder.gep(arguments[0], [arguments[1]])


def tuple_of(count, item):
    """A function (*arguments): the tuple (item(0, *arguments), item(1, *arguments), ...) of `count` entries."""
    if count == 0:
        return _njit(lambda *arguments: ())
    before, last = tuple_of(count - 1, item), count - 1
    return _njit(lambda *arguments: (*before(*arguments), item(last, *arguments)))


def each_of(count, action):
    """A function (*arguments) that calls action(0, *arguments), action(1, *arguments), ... `count` times."""
    if count == 0:
        return _njit(lambda *arguments: None)
    before, last = each_of(count - 1, action), count - 1

    @_njit
    def in_turn(*arguments):
        before(*arguments)
        action(last, *arguments)

    return in_turn


def vectors_of(count, body):
    """A function (start, stop, state, *arguments): `state = body(i, stop of the vector, state, *arguments)` for each.

    Whole vectors first, for which `body` is compiled without a mask, then the last, partly filled one.
    """
    body = _njit(body)

    @_njit
    def run(start, stop, state, *arguments):
        full = start + (stop - start) // count * count
        for i in range(start, full, count):
            state = body(i, i + count, state, *arguments)
        if full < stop:
            state = body(full, stop, state, *arguments)
        return state

    return run
