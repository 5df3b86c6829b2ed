"""Expressions such as f = sin(u): parsed, evaluated in any arithmetic, differentiated by the rules of a first course.

The text becomes Python's syntax tree, of which only arithmetic and a few functions of one number are allowed.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from glassnet.errors import DataError, nearest
from glassnet.explain.arithmetic import Arithmetic, Number, digits

__all__ = ["DERIVATIVES", "Expression", "parse"]

DERIVATIVES = {
    "sin": "cos(u)",
    "cos": "-sin(u)",
    "exp": "exp(u)",
    "log": "1 / u",
    "sqrt": "1 / (2 * sqrt(u))",
    "tanh": "1 - tanh(u)**2",
    "absolute": "sign(u)",
    "sign": "0 * u",
}
ABBREVIATIONS = {
    "tan": "sin(u) / cos(u)",
    "sigmoid": "1 / (1 + exp(-u))",
    "abs": "absolute(u)",
    "relu": "(u + absolute(u)) / 2",
}
LONGEST, HIGHEST_POWER = 600, 64
ZERO, ONE = ast.Constant(0), ast.Constant(1)


@dataclass(frozen=True)
class Expression:
    """A name with its formula; `names` are what the formula uses, in order.

    >>> f = parse("f = x**2 * sin(u)")
    >>> f.text, f.names, f.derivative("u").text
    ('x ** 2 * sin(u)', ('x', 'u'), 'x ** 2 * cos(u)')
    """

    name: str
    tree: ast.expr

    @property
    def text(self) -> str:
        """The formula."""
        return ast.unparse(self.tree)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Variables and expressions that stand in the formula."""
        return tuple(dict.fromkeys(_names(self.tree)))

    def derivative(self, name: str) -> "Expression":
        """The partial derivative by one of its names."""
        return replace(self, tree=_derivative(self.tree, name))

    def value(self, A: Arithmetic, at: Mapping[str, Number]) -> Number:
        """The value in an arithmetic, given the values of its names."""
        return _value(self.tree, A, at)


def parse(text: str) -> Expression:
    """Read `name = formula`.

    Raises
    ------
    DataError
        If it is no such thing; the message is one line.

    >>> parse("f = sni(x)")
    Traceback (most recent call last):
    glassnet.errors.DataError: 'f = sni(x)': unknown function 'sni'; did you mean 'sin'?
    """
    try:
        assert len(text) <= LONGEST
        (assignment,) = ast.parse(text.strip()).body
        assert isinstance(assignment, ast.Assign)
        (target,) = assignment.targets
        assert isinstance(target, ast.Name)
    except (SyntaxError, ValueError, AssertionError, RecursionError, MemoryError):
        product = re.search(r"\d[A-Za-z(]", text)
        advice = "write products with *, such as 2 * x" if product else "write it like 'f = sin(u)'"
        raise DataError(f"cannot read expression {text[:LONGEST]!r}; {advice}") from None
    try:
        return Expression(target.id, _checked(assignment.value))
    except DataError as error:
        raise DataError(f"{text!r}: {error}") from None


def _checked(node: ast.expr) -> ast.expr:
    """The tree, of allowed nodes only, with abbreviations written out."""
    if isinstance(node, ast.Name):
        return node
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _checked(node.operand)
        return ast.UnaryOp(node.op, inner) if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return ast.BinOp(_checked(node.left), node.op, ast.Constant(_exponent(node.right)))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        return ast.BinOp(_checked(node.left), node.op, _checked(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
        name, known = node.func.id, sorted({*DERIVATIVES, *ABBREVIATIONS})
        if name not in known:
            near = nearest(name, known) or f" (known: {', '.join(known)})"
            raise DataError(f"unknown function '{name}'{near}")
        inner = _checked(node.args[0])
        return _substitute(ABBREVIATIONS[name], inner) if name in ABBREVIATIONS else ast.Call(node.func, [inner], [])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
        raise DataError(f"'{ast.unparse(node)}' is not allowed; a power is written {ast.unparse(node.left)}**2")
    raise DataError(f"'{ast.unparse(node)}' is not allowed; use + - * / **, numbers, names and functions of one value")


def _exponent(node: ast.expr) -> int:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        value = None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= HIGHEST_POWER:
        return value
    raise DataError(
        f"the exponent '{ast.unparse(node)}' must be a whole number up to {HIGHEST_POWER}; e to the x is exp(x)"
    )


def _substitute(formula: str, inner: ast.expr) -> ast.expr:
    """A formula in u, with an expression for u."""

    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return inner if node.id == "u" else node

    return Put().visit(ast.parse(formula, mode="eval").body)


def _names(node: ast.AST) -> Iterator[str]:
    """Names in the order of the text; that of a function is none of them."""
    if isinstance(node, ast.Name):
        yield node.id
    for child in node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node):
        yield from _names(child)


# --- value and derivative ---------------------------------------------------------------------------------------


def _value(node: ast.expr, A: Arithmetic, at: Mapping[str, Number]) -> Number:
    match node:
        case ast.Name():
            return at[node.id]
        case ast.Constant():
            return A.functions["constant"](None, node.value)
        case ast.UnaryOp():
            return -_value(node.operand, A, at)
        case ast.BinOp(left, ast.Pow(), ast.Constant(int(exponent))):
            return _power(_value(left, A, at), exponent, A)
        case ast.BinOp():
            a, b = _value(node.left, A, at), _value(node.right, A, at)
            match node.op:
                case ast.Add():
                    return a + b
                case ast.Sub():
                    return a - b
                case ast.Mult():
                    return a * b
                case _:
                    return a / b if not isinstance(b, digits.mpf) or b != 0 else digits.nan
        case _:
            assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            return A.functions[node.func.id](_value(node.args[0], A, at))


def _power(x: Number, exponent: int, A: Arithmetic) -> Number:
    if exponent < 0:
        below = _power(x, -exponent, A)
        return A.number(1) / below if not isinstance(below, digits.mpf) or below != 0 else digits.nan
    result = x if exponent else A.number(1)
    for _ in range(exponent - 1):
        result = result * x
    return result


def _is(node: ast.expr, number: int) -> bool:
    return isinstance(node, ast.Constant) and node.value == number


def _times(a: ast.expr, b: ast.expr) -> ast.expr:
    if _is(a, 0) or _is(b, 0):
        return ZERO
    return b if _is(a, 1) else a if _is(b, 1) else ast.BinOp(a, ast.Mult(), b)


def _plus(a: ast.expr, op: ast.operator, b: ast.expr) -> ast.expr:
    if _is(b, 0):
        return a
    if _is(a, 0):
        return b if isinstance(op, ast.Add) else ast.UnaryOp(ast.USub(), b)
    return ast.BinOp(a, op, b)


def _derivative(node: ast.expr, name: str) -> ast.expr:
    match node:
        case ast.Name():
            return ONE if node.id == name else ZERO
        case ast.Constant():
            return ZERO
        case ast.UnaryOp():
            return _plus(ZERO, ast.Sub(), _derivative(node.operand, name))
        case ast.BinOp(left, ast.Pow(), ast.Constant(int(n))):
            power = left if n == 2 else ast.BinOp(left, ast.Pow(), ast.Constant(n - 1))
            return ZERO if n == 0 else _times(_times(ast.Constant(n), power), _derivative(left, name))
        case ast.BinOp(left, op, right):
            da, db = _derivative(left, name), _derivative(right, name)
            if isinstance(op, ast.Add | ast.Sub):
                return _plus(da, op, db)
            if isinstance(op, ast.Mult):
                return _plus(_times(da, right), ast.Add(), _times(left, db))
            above = _plus(_times(da, right), ast.Sub(), _times(left, db))
            whole = _is(db, 0)
            below = right if whole else ast.BinOp(right, ast.Pow(), ast.Constant(2))
            return ast.BinOp(da if whole else above, ast.Div(), below) if not _is(above, 0) else ZERO
        case _:
            assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            outer = _substitute(DERIVATIVES[node.func.id], node.args[0])
            return _times(outer, _derivative(node.args[0], name))
