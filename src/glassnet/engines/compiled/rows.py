"""Functions of a row, such as softmax: one row in each lane, so that a group of rows is computed at once.

A record like `e = exp(z - row_max(z)); return e / row_sum(e)` is called with a row, which has one of two forms:

* a `Row` is a tile of memory that holds column after column, each the numbers of as many rows as a vector has lanes;
* `Registers` hold a few columns, so many as the type says. No loop over them is left in the machine code, and what one
  formula after another asks for, as the exponentials of softmax and of its loss, LLVM computes once.

What the record returns is not numbers but an expression, which `at(expression, k)` computes for column k; `row_sum`
and `row_max` run over the columns and give Lanes, one number a row. No memory is needed for what stands between.
`in_memory` and `in_registers` read and write rows of either form, in the same words.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

import operator

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, overload, register_model, type_callable

from glassnet.engines.compiled import lanes as q
from glassnet.engines.compiled.translate import OPTIONS
from glassnet.formulas import elementary

__all__ = ["by_column", "in_memory", "in_registers"]

_njit = njit(**OPTIONS)


class Row(types.Type):
    """Columns 0 to count-1 of a tile."""

    columns = None  # known when it runs

    def __init__(self, lanes):
        self.lanes = lanes
        super().__init__(f"Row({lanes})")


class Registers(types.Type):
    """So many columns."""

    def __init__(self, lanes, columns):
        self.lanes, self.columns = lanes, columns
        super().__init__(f"Registers({lanes}, {columns})")


class Expression(types.Type):
    """`function` of rows, Expressions and Lanes, column by column."""

    def __init__(self, function, parts):
        self.function, self.parts = function, parts
        self.first = next(i for i, part in enumerate(parts) if _is_row(part))
        self.lanes, self.columns = parts[self.first].lanes, parts[self.first].columns
        super().__init__(f"Expression({function.__module__}.{function.__name__}, {parts})")

    @property
    def key(self):
        """What makes two of these one type: not the name, which another function may have."""
        return self.function, self.parts


def _is_row(*parts):
    return any(isinstance(part, Row | Registers | Expression) for part in parts)


@register_model(Row)
class _RowModel(models.StructModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, [("p", types.CPointer(fe_type.lanes.dtype)), ("count", types.int64)])


@register_model(Registers)
class _RegistersModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, ir.ArrayType(fe_type.lanes.llvm, fe_type.columns))


@register_model(Expression)
class _ExpressionModel(models.StructModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, [(f"part{i}", part) for i, part in enumerate(fe_type.parts)])


def _made(context, builder, kind, values):
    """LLVM: a value of several members."""
    made = ir.Constant(context.get_value_type(kind), ir.Undefined)
    for i, value in enumerate(values):
        made = builder.insert_value(made, value, i)
    return made


# --- columns of an expression -------------------------------------------------------------------------------------


def _call(context, builder, function, kind, values):
    """LLVM: a function of numbers of one kind, which Numba translates."""
    named = context.typing_context.resolve_value_type(function)
    signature = named.get_call_type(context.typing_context, (kind,) * len(values), {})
    return context.get_function(named, signature)(builder, values)


def _column(context, builder, kind, value, k):
    """LLVM: column k of an expression, as Lanes; of Registers k is a plain number."""
    if isinstance(kind, q.Lanes):
        return value
    if isinstance(kind, Registers):
        return builder.extract_value(value, k)
    if isinstance(kind, Row):
        start = builder.mul(k, ir.Constant(q.I64, kind.lanes.count))
        place = builder.gep(builder.extract_value(value, 0), [start])
        return q.plain_load(builder, kind.lanes, builder.bitcast(place, kind.lanes.llvm.as_pointer()))
    parts = [
        _column(context, builder, part, builder.extract_value(value, i), k) for i, part in enumerate(kind.parts)
    ]
    return _call(context, builder, kind.function, kind.lanes, parts)


@intrinsic
def at(typingctx, x, k):
    """Column k of a Row, or of an expression of Rows."""

    def emit(context, builder, signature, arguments):
        return _column(context, builder, x, *arguments)

    return x.lanes(x, types.int64), emit


@intrinsic
def count_of(typingctx, x):
    """How many columns a Row, or an expression of Rows, has."""

    def emit(context, builder, signature, arguments):
        kind, value = x, arguments[0]
        while isinstance(kind, Expression):
            kind, value = kind.parts[kind.first], builder.extract_value(value, kind.first)
        return builder.extract_value(value, 1)

    return types.int64(x), emit


def _over_columns(function, combine):
    """Let `function` of a row be combine(combine(column 0, column 1), column 2) ..."""

    @intrinsic
    def of_registers(typingctx, z):
        def emit(context, builder, signature, arguments):
            value = _column(context, builder, z, arguments[0], 0)
            for k in range(1, z.columns):
                column = _column(context, builder, z, arguments[0], k)
                value = _call(context, builder, combine, z.lanes, [value, column])
            return value

        return z.lanes(z), emit

    def of_tile(z):
        value = at(z, 0)
        for k in range(1, count_of(z)):
            value = combine(value, at(z, k))
        return value

    @overload(function, jit_options=OPTIONS)
    def _over(z):
        if not _is_row(z):
            return None
        return (lambda z: of_registers(z)) if z.columns else of_tile  # noqa: PLW0108


_over_columns(elementary.row_sum, operator.add)
_over_columns(elementary.row_max, elementary.maximum)


# --- expressions --------------------------------------------------------------------------------------------------


def by_column(function):
    """A function of a tuple of rows and Lanes: the expression of what `function` is of each column."""

    @intrinsic
    def express(typingctx, parts):
        def emit(context, builder, signature, arguments):
            values = [builder.extract_value(arguments[0], i) for i in range(len(parts))]
            return _made(context, builder, signature.return_type, values)

        return Expression(function, parts.types)(parts), emit

    return express


def _lazy_operator(function):
    @type_callable(function)
    def _typer(context):
        return lambda *parts: Expression(function, parts) if _is_row(*parts) else None

    def _lower(context, builder, signature, arguments):
        return _made(context, builder, signature.return_type, arguments)

    kinds = (Row, Registers, Expression, q.Lanes)
    if function is operator.neg:
        pairs = [(kind,) for kind in kinds[:-1]]
    else:
        pairs = [(a, b) for a in kinds for b in kinds if (a, b) != (q.Lanes, q.Lanes)]
    for pair in pairs:
        lower_builtin(function, *pair)(_lower)


for _operator in (operator.add, operator.sub, operator.mul, operator.truediv, operator.neg):
    _lazy_operator(_operator)


def _lazy_function(function):
    express = by_column(function)

    @overload(function, jit_options=OPTIONS)
    def _express(x):
        return (lambda x: express((x,))) if _is_row(x) else None


for _function in (elementary.exp, elementary.expm1, elementary.log, elementary.log1p, elementary.tanh):
    _lazy_function(_function)


# --- groups of rows, from memory and back -------------------------------------------------------------------------
#
# read(p, step, rows, columns, scratch) makes a row of the first `rows` rows from p on, `step` apart, at most as many
# as a vector has lanes; write(p, step, rows, columns, value) stores an expression.


def in_memory(lanes):
    """read, by way of a tile in `scratch`, and write: for any number of columns."""
    kind, count, gather = Row(lanes), lanes.count, q.gather(lanes.dtype, lanes.count)

    @intrinsic
    def tile(typingctx, p, count):
        def emit(context, builder, signature, arguments):
            return _made(context, builder, kind, arguments)

        return kind(p, types.int64), emit

    @_njit
    def read(p, step, rows, columns, scratch):
        for k in range(columns):
            q.store(scratch, k * count, (k + 1) * count, gather(q.after(p, k), step, rows))
        return tile(scratch, columns)

    @_njit
    def write(p, step, rows, columns, value):
        for k in range(columns):
            q.scatter(q.after(p, k), step, rows, at(value, k))

    return read, write


def in_registers(lanes, columns):
    """read and write for so many columns, of rows that follow upon each other without a gap: whole vectors."""
    kind = Registers(lanes, columns)

    def whole(builder, rows):
        return builder.icmp_signed("==", rows, ir.Constant(q.I64, lanes.count))

    def places(builder, p, rows):
        """LLVM: where each vector of a group lies, and which of its lanes belong to the first `rows` rows."""
        stop = builder.mul(rows, ir.Constant(q.I64, columns))
        for start in (ir.Constant(q.I64, j * lanes.count) for j in range(columns)):
            place = builder.bitcast(builder.gep(p, [start]), lanes.llvm.as_pointer())
            yield place, q.tail(builder, lanes, start, stop)

    @intrinsic
    def load(typingctx, p, rows):
        def emit(context, builder, signature, arguments):
            with builder.if_else(whole(builder, arguments[1]), likely=True) as (then, otherwise):
                with then:
                    full = [q.plain_load(builder, lanes, place) for place, _ in places(builder, *arguments)]
                    from_full = builder.block
                with otherwise:
                    part = [q.masked_load(builder, lanes, *where) for where in places(builder, *arguments)]
                    from_part = builder.block
            vectors = [builder.phi(lanes.llvm) for _ in range(columns)]
            for vector, *values in zip(vectors, full, part, strict=True):
                for value, block in zip(values, (from_full, from_part), strict=True):
                    vector.add_incoming(value, block)
            return _made(context, builder, kind, _apart(builder, vectors))

        return kind(p, types.int64), emit

    @intrinsic
    def store(typingctx, p, rows, value):
        def emit(context, builder, signature, arguments):
            *group, value_ = arguments
            vectors = _together(builder, [_column(context, builder, value, value_, k) for k in range(columns)])
            with builder.if_else(whole(builder, arguments[1]), likely=True) as (then, otherwise):
                with then:
                    for vector, (place, _) in zip(vectors, places(builder, *group), strict=True):
                        q.plain_store(builder, lanes, vector, place)
                with otherwise:
                    for vector, where in zip(vectors, places(builder, *group), strict=True):
                        q.masked_store(builder, lanes, vector, *where)
            return context.get_dummy_value()

        return types.void(p, types.int64, value), emit

    read = _njit(lambda p, step, rows, columns, scratch: load(p, rows))
    write = _njit(lambda p, step, rows, columns, value: store(p, rows, value))
    return read, write


def _shuffled(builder, a, b, picks):
    """LLVM: the lanes that `picks` names, of a and then b."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(q.I32, len(picks)), list(picks)))


def _dealt(builder, vectors, order):
    """LLVM: as many vectors as there are, made of their lanes in this order: from one after the other."""
    count, dealt = vectors[0].type.count, []
    for j in range(len(vectors)):
        value, picks = vectors[0], order[j * count : (j + 1) * count]
        lanes = [pick if pick < count else 0 for pick in picks]
        for n, vector in enumerate(vectors[1:], 1):
            lanes = [count + pick % count if pick // count == n else lane for pick, lane in zip(picks, lanes, strict=True)]
            value, lanes = _shuffled(builder, value, vector, lanes), list(range(count))
        dealt.append(value)
    return dealt


def _apart(builder, vectors):
    """LLVM: vectors of rows as they lie in memory, (row 0, row 1, ...), to columns."""
    columns, count = len(vectors), vectors[0].type.count
    if columns % 2:
        return _dealt(builder, vectors, [i * columns + k for k in range(columns) for i in range(count)])
    apart = [None] * columns
    for odd in (0, 1):
        half = [
            _shuffled(builder, a, b, range(odd, 2 * count, 2)) for a, b in zip(vectors[::2], vectors[1::2], strict=True)
        ]
        apart[odd::2] = _apart(builder, half)
    return apart


def _together(builder, columns):
    """LLVM: the inverse of `_apart`."""
    width, count = len(columns), columns[0].type.count
    if width % 2:
        places = [divmod(n, width) for n in range(width * count)]
        return _dealt(builder, columns, [k * count + i for i, k in places])
    halves = zip(_together(builder, columns[::2]), _together(builder, columns[1::2]), strict=True)
    picks = [i // 2 + i % 2 * count for i in range(2 * count)]
    return [_shuffled(builder, a, b, part) for a, b in halves for part in (picks[:count], picks[count:])]
