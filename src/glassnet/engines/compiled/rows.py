"""Functions of a row, such as softmax: one row in each lane, so that a group of rows is computed at once.

A record like `e = exp(z - row_max(z)); return e / row_sum(e)` is called with a `Row`: a tile of memory that holds
column after column, each the numbers of as many rows as a vector has lanes. What it returns is not numbers but an
expression, which `at(expression, k)` computes for column k; `row_sum` and `row_max` run over the columns and give
Lanes, one number a row. No memory is needed for what stands between.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

import operator

from numba import types
from numba.core import cgutils
from numba.extending import (
    intrinsic,
    lower_builtin,
    make_attribute_wrapper,
    models,
    overload,
    register_model,
    type_callable,
)

from glassnet.engines.compiled import lanes as q
from glassnet.engines.compiled.translate import OPTIONS
from glassnet.formulas import elementary

__all__ = ["Row", "at", "row"]


class Row(types.Type):
    """Columns 0 to count-1 of a tile."""

    def __init__(self, lanes):
        self.lanes = lanes
        super().__init__(f"Row({lanes})")


class Expression(types.Type):
    """`function` of Rows, Expressions and Lanes, column by column."""

    def __init__(self, function, parts):
        self.function, self.parts = function, parts
        self.lanes = next(p.lanes for p in parts if isinstance(p, Row | Expression))
        super().__init__(f"Expression({function.__module__}.{function.__name__}, {parts})")


@register_model(Row)
class _RowModel(models.StructModel):
    def __init__(self, manager, fe_type):
        members = [
            ("p", types.CPointer(fe_type.lanes.dtype)),
            ("count", types.int64),
        ]
        super().__init__(manager, fe_type, members)


@register_model(Expression)
class _ExpressionModel(models.StructModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, [("parts", types.Tuple(fe_type.parts))])


for _name in ("p", "count"):
    make_attribute_wrapper(Row, _name, _name)
make_attribute_wrapper(Expression, "parts", "parts")


def row(lanes):
    """A function (p, count): the Row whose tile begins at p."""
    kind = Row(lanes)

    @intrinsic
    def make(typingctx, p, count):
        def emit(context, builder, signature, arguments):
            struct = cgutils.create_struct_proxy(kind)(context, builder)
            struct.p, struct.count = arguments
            return struct._getvalue()

        return kind(types.CPointer(lanes.dtype), types.int64), emit

    return make


def at(x, k):
    """Column k of an expression, as Lanes."""
    raise NotImplementedError


@overload(at, jit_options=OPTIONS)
def _at(x, k):
    if isinstance(x, q.Lanes):
        return lambda x, k: x
    if isinstance(x, Row):
        count = x.lanes.count
        load = q.load(x.lanes.dtype, count)
        return lambda x, k: load(x.p, k * count, (k + 1) * count)
    function = x.function
    if len(x.parts) == 1:
        return lambda x, k: function(at(x.parts[0], k))
    return lambda x, k: function(at(x.parts[0], k), at(x.parts[1], k))


def columns(x):
    """How many columns an expression has."""
    raise NotImplementedError


@overload(columns, jit_options=OPTIONS)
def _columns(x):
    if isinstance(x, Row):
        return lambda x: x.count
    index = next(i for i, part in enumerate(x.parts) if isinstance(part, Row | Expression))
    return lambda x: columns(x.parts[index])


def _build(kind):
    def emit(context, builder, signature, arguments):
        struct = cgutils.create_struct_proxy(kind)(context, builder)
        struct.parts = context.make_tuple(builder, types.Tuple(kind.parts), arguments)
        return struct._getvalue()

    return emit


def _is_row(*parts):
    return any(isinstance(part, Row | Expression) for part in parts)


def _lazy_operator(function):
    @type_callable(function)
    def _typer(context):
        return lambda *parts: Expression(function, parts) if _is_row(*parts) else None

    def _lower(context, builder, signature, arguments):
        return _build(signature.return_type)(context, builder, signature, arguments)

    kinds = (Row, Expression, q.Lanes)
    if function is operator.neg:
        pairs = [(Row,), (Expression,)]
    else:
        pairs = [(a, b) for a in kinds for b in kinds if (a, b) != (q.Lanes, q.Lanes)]
    for pair in pairs:
        lower_builtin(function, *pair)(_lower)


for _operator in (operator.add, operator.sub, operator.mul, operator.truediv, operator.neg):
    _lazy_operator(_operator)


def _lazy_function(function):
    @intrinsic
    def express(typingctx, x):
        kind = Expression(function, (x,))
        return kind(x), _build(kind)

    @overload(function, jit_options=OPTIONS)
    def _express(x):
        return (lambda x: express(x)) if _is_row(x) else None  # noqa: PLW0108


for _function in (elementary.exp, elementary.expm1, elementary.log, elementary.log1p, elementary.tanh):
    _lazy_function(_function)


@overload(elementary.row_sum, jit_options=OPTIONS)
def _row_sum(z):
    def add_up(z):
        total = at(z, 0)
        for k in range(1, columns(z)):
            total = total + at(z, k)
        return total

    return add_up if _is_row(z) else None


@overload(elementary.row_max, jit_options=OPTIONS)
def _row_max(z):
    def largest(z):
        best = at(z, 0)
        for k in range(1, columns(z)):
            best = elementary.maximum(best, at(z, k))
        return best

    return largest if _is_row(z) else None
