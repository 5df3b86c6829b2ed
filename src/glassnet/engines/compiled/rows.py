"""Functions of a row, such as softmax: one row in each lane, so that a group of rows is computed at once.

A record like `e = exp(z - row_max(z)); return e / row_sum(e)` is called with a row, which has one of two forms:

* a `Row` is a tile of memory that holds column after column, each the numbers of as many rows as a vector has lanes;
* `Registers` hold a few columns, so many as the type says. No loop over them is left in the machine code, and what one
  formula after another asks for, as the exponentials of softmax and of its loss, LLVM computes once.

What the record returns is not numbers but an expression, which `at(expression, k)` computes for column k; `row_sum`
and `row_max` run over the columns and give Lanes, one number a row. No memory is needed for what stands between.
How rows of either form are read and written: `groups`.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

import operator
from functools import reduce

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, lower_builtin, models, overload, register_model, type_callable

from glassnet.engines.compiled.codegen import I64
from glassnet.engines.compiled.lanes import Lanes
from glassnet.engines.compiled.load_store import plain_load, vector_at
from glassnet.engines.compiled.translate import OPTIONS
from glassnet.formulas import elementary

__all__ = ["Registers", "Row", "at", "by_column", "column", "made"]


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


def made(context, builder, kind, values):
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


def column(context, builder, kind, value, k):
    """LLVM: column k of an expression, as Lanes; of Registers k is a plain number."""
    if isinstance(kind, Lanes):
        return value
    if isinstance(kind, Registers):
        return builder.extract_value(value, k)
    if isinstance(kind, Row):
        start = builder.mul(k, ir.Constant(I64, kind.lanes.count))
        return plain_load(builder, kind.lanes, vector_at(builder, kind.lanes, builder.extract_value(value, 0), start))
    parts = [column(context, builder, part, builder.extract_value(value, i), k) for i, part in enumerate(kind.parts)]
    return _call(context, builder, kind.function, kind.lanes, parts)


@intrinsic
def at(typingctx, x, k):
    """Column k of a Row, or of an expression of Rows."""

    def emit(context, builder, signature, arguments):
        return column(context, builder, x, *arguments)

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
            columns = (column(context, builder, z, arguments[0], k) for k in range(z.columns))
            return reduce(lambda a, b: _call(context, builder, combine, z.lanes, [a, b]), columns)

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
            return made(context, builder, signature.return_type, values)

        return Expression(function, parts.types)(parts), emit

    return express


def _lazy_operator(function):
    @type_callable(function)
    def _typer(context):
        return lambda *parts: Expression(function, parts) if _is_row(*parts) else None

    def _lower(context, builder, signature, arguments):
        return made(context, builder, signature.return_type, arguments)

    kinds = (Row, Registers, Expression, Lanes)
    if function is operator.neg:
        pairs = [(kind,) for kind in kinds[:-1]]
    else:
        pairs = [(a, b) for a in kinds for b in kinds if (a, b) != (Lanes, Lanes)]
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
