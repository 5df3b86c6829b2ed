"""The language of the proofs in SymPy: every expression as a formula of free symbols, for arrays of K entries."""

import ast
import itertools
from typing import Any

import pytest

from glassnet.explain.arithmetic import Arithmetic, row
from glassnet.explain.proofs import Equalities
from glassnet.explain.words import CLAMPS

sympy = pytest.importorskip("sympy")

REAL = {"z", "w", "W", "b", "theta", "g1", "g2", "g3", "g", "u", "m", "da", "below", "A", "above_W", "above_b"}
"""Free names that may be negative; all others are positive."""
P, Q = sympy.symbols("p q", positive=True)
RANK = {"W": 2, "A": 2, "above_W": 2}
KNOWN_NUMBERS = {0.7071067811865476: 1 / sympy.sqrt(2), 0.3989422804014327: 1 / sympy.sqrt(2 * sympy.pi)}


def symbol(name: str, *index: int) -> Any:
    """The free symbol of a name at an index."""
    signed = {"real": True} if name in REAL else {"positive": True}
    return sympy.Symbol("_".join([name, *map(str, index)]), **signed)


def curved(*numbers: Any) -> Any:
    """Any smooth function will do: bent, and with every argument in every derivative."""
    weighted = sum((i + 2) * x for i, x in enumerate(numbers))
    return sympy.exp(weighted / 7) + sum(x**2 * numbers[i - 1] for i, x in enumerate(numbers)) + weighted


def bent(x: Any) -> Any:
    return x**3 / 3 + sympy.exp(x)


FUNCTIONS = {
    **{name: getattr(sympy, name) for name in ("exp", "log", "sqrt", "tanh", "erf", "sign")},
    "abs": sympy.Abs,
    "max": sympy.Max,
    "min": sympy.Min,
    "kronecker": lambda i, j: sympy.Integer(int(i == j)),
    "F": curved,
    "g": bent,
    "dg": lambda x: x**2 + sympy.exp(x),
    "J": bent,
    "dJ": lambda x: x**2 + sympy.exp(x),
}


def parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class Algebra:
    """The expressions of some equalities, with their definitions, where sums have K terms."""

    def __init__(self, part: Equalities, size: int) -> None:
        self.size = size
        self.definitions: dict[str, tuple[list[str], ast.expr]] = {}
        for text in part.where:
            left, right = map(parsed, text.split(" = "))
            self.definitions[_base(left)] = ([n.id for n in _places(left)], right)

    def value(self, text: str, **index: int) -> Any:
        """An expression at an index."""
        return self._value(parsed(text), index, frozenset())

    def _named(self, name: str, places: list[Any], frozen: frozenset[str]) -> Any:
        if name in ("n", "pi"):
            return sympy.pi if name == "pi" else sympy.Integer(self.size)
        if name not in self.definitions or name in frozen:
            return symbol(name, *places)
        variables, formula = self.definitions[name]
        return self._value(formula, dict(zip(variables, places, strict=True)), frozen)

    def _rank(self, name: str) -> int:
        return len(self.definitions[name][0]) if name in self.definitions else RANK.get(name, 1)

    def _array(self, name: str, frozen: frozenset[str]) -> Any:
        shape = [range(self.size)] * self._rank(name)
        entries = [self._named(name, list(places), frozen) for places in itertools.product(*shape)]
        return sympy.Matrix(self.size, self.size ** (len(shape) - 1), entries)

    def _value(self, node: ast.expr, index: dict[str, Any], frozen: frozenset[str]) -> Any:
        def of(part: ast.expr) -> Any:
            return self._value(part, index, frozen)

        match node:
            case ast.Constant():
                return sympy.Integer(node.value)
            case ast.Name():
                return index[node.id] if node.id in index else self._named(node.id, [], frozen)
            case ast.Subscript(ast.Name(name)):
                return self._named(name, [of(place) for place in _places(node)], frozen)
            case ast.Subscript():
                i, j = ([*map(of, _places(node)), 0])[:2]
                return self._matrix(node.value, frozen)[i, j]
            case ast.UnaryOp():
                return -of(node.operand)
            case ast.BinOp():
                a, b = of(node.left), of(node.right)
                return {ast.Add: a + b, ast.Sub: a - b, ast.Mult: a * b, ast.Div: a / b, ast.Pow: a**b}[type(node.op)]
            case ast.Call(ast.Name("sum"), [ast.Name(letter), body]):
                return sum(self._value(body, {**index, letter: i}, frozen) for i in range(self.size))
            case ast.Call(ast.Name("d" | "partial"), [what, by]):
                return self._derivative(what, by, index, frozen)
            case ast.Call(ast.Name(name), arguments):
                return self._function(name, arguments, index, frozen)
        raise AssertionError(ast.unparse(node))

    def _function(self, name: str, arguments: list[ast.expr], index: dict[str, Any], frozen: frozenset[str]) -> Any:
        if name in self.definitions:
            (variable,), formula = self.definitions[name]
            inner = self._value(arguments[0], index, frozen)
            return self._value(formula, {variable: inner}, frozen)
        if name == "F":  # of all entries of an array, or of one number
            (of,) = arguments
            assert isinstance(of, ast.Name)
            alone = of.id == "w"
            return curved(self._named("w", [], frozen)) if alone else curved(*self._array(of.id, frozen))
        return FUNCTIONS[name](*(self._value(argument, index, frozen) for argument in arguments))

    def _matrix(self, node: ast.expr, frozen: frozenset[str]) -> Any:
        match node:
            case ast.Name():
                return self._array(node.id, frozen)
            case ast.Attribute():
                return self._matrix(node.value, frozen).T
            case ast.BinOp():
                return self._matrix(node.left, frozen) * self._matrix(node.right, frozen)
        raise AssertionError(ast.unparse(node))

    def _derivative(self, what: ast.expr, by: ast.expr, index: dict[str, Any], frozen: frozenset[str]) -> Any:
        """Let what the derivative is by stand as a symbol, derive, and put its definition back."""
        name = _base(by)
        variable = self._value(by, index, frozen | {name})
        result = sympy.diff(self._value(what, index, frozen | {name}), variable)
        if name not in self.definitions or name in frozen:
            return result
        places = itertools.product(range(self.size), repeat=len(self.definitions[name][0]))
        return result.subs({symbol(name, *p): self._named(name, list(p), frozen) for p in places})


def _base(node: ast.expr) -> str:
    match node:
        case ast.Name(name) | ast.Subscript(ast.Name(name)) | ast.Call(ast.Name(name)):
            return name
    raise AssertionError(ast.unparse(node))


def _places(node: ast.expr) -> list[Any]:
    match node:
        case ast.Subscript(_, ast.Tuple(places)):
            return places
        case ast.Subscript(_, place):
            return [place]
        case ast.Call(_, arguments):
            return arguments
    return []


# --- conditions -------------------------------------------------------------------------------------------------

a, y, z, w, delta, tau = (symbol(name) for name in ("a", "y", "z", "w", "delta", "tau"))
WHEN: dict[str, list[dict[Any, Any]]] = {
    "": [{}],
    "z > 0": [{z: P}],
    "z < 0": [{z: -P}],
    "w > 0": [{w: P}],
    "w < 0": [{w: -P}],
    "a > y": [{a: y + P}],
    "a < y": [{y: a + P}],
    "a - y == 1": [{a: 1, y: 0}],
    "a - y == -1": [{a: 0, y: 1}],
    "abs(a - y) <= delta": [{a: y + P, delta: P + Q}, {y: a + P, delta: P + Q}],
    "a - y > delta": [{a: y + delta + P}],
    "a - y < -delta": [{y: a + delta + P}],
}
"""Each condition as substitutions that fulfil it, in positive symbols."""


def cases(part: Equalities, size: int) -> list[dict[Any, Any]]:
    """Substitutions under which the equalities have to hold."""
    shares = {tau: Q / (1 + Q)}  # between 0 and 1
    if any("sign(g)" in step.expression for step in part.steps):
        return [{symbol("g"): P}, {symbol("g"): -P}]
    if part.when == "sum(k, y[k]) == 1":
        return [{symbol("y", size - 1): 1 - sum(symbol("y", k) for k in range(size - 1))}]
    sides = (
        [{z: P}, {z: -P}] if not part.when and any("z" in text.split() for text in _words(part)) else WHEN[part.when]
    )
    return [{**shares, **case} for case in sides]


def _words(part: Equalities) -> list[str]:
    """All names that stand in the expressions without an index."""
    texts = [step.expression for step in part.steps] + [side for text in part.where for side in text.split(" = ")]
    trees = [parsed(text) for text in texts]
    indexed = {id(n.value) for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Subscript)}
    return [n.id for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in indexed]


def free_indices(part: Equalities) -> tuple[str, ...]:
    """Index letters that no sum and no definition binds."""
    found: set[str] = set()

    def walk(node: ast.AST, bound: frozenset[str]) -> None:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sum":
            bound = bound | {node.args[0].id}  # pyright: ignore
            return walk(node.args[1], bound)
        if isinstance(node, ast.Subscript):
            found.update(n.id for n in _places(node) if isinstance(n, ast.Name) and n.id not in bound)
        for child in ast.iter_child_nodes(node):
            walk(child, bound)
        return None

    for step in part.steps:
        walk(parsed(step.expression), frozenset())
    return tuple(sorted(found))


# --- the records' functions -------------------------------------------------------------------------------------


def _number(value: Any) -> Any:
    if isinstance(value, sympy.Basic):
        return value
    return KNOWN_NUMBERS.get(value, sympy.nsimplify(value, rational=True))


def _where(condition: Any, a: Any, b: Any) -> Any:
    if isinstance(condition, bool):
        return a if condition else b
    return sympy.Piecewise((a, condition), (b, True))


def _clamped(function: Any) -> Any:
    """Bounds that only keep a loss finite are none of the mathematics."""

    def apply(a: Any, b: Any) -> Any:
        bounds = [x for x in (a, b) if x in map(_number, CLAMPS)]
        return next(x for x in (a, b) if x not in bounds) if bounds else function(a, b)

    return apply


SYMPY = Arithmetic(
    _number,
    {
        "constant": lambda z, value: _number(value),
        "where": _where,
        **{name: getattr(sympy, name) for name in ("exp", "log", "sqrt", "tanh", "erf", "sign")},
        "expm1": lambda x: sympy.exp(x) - 1,
        "log1p": lambda x: sympy.log(1 + x),
        "absolute": sympy.Abs,
        "maximum": _clamped(sympy.Max),
        "minimum": _clamped(sympy.Min),
        "xlogy": lambda x, y: x * sympy.log(y),
    },
    row_max=lambda numbers: symbol("m"),
)
"""The records' own functions on symbols. What is taken away from a row before exponentials may be any number m."""


def entries(name: str, size: int) -> Any:
    """A row of symbols."""
    return row([symbol(name, k) for k in range(size)])


# --- equality ---------------------------------------------------------------------------------------------------


def is_zero(difference: Any) -> bool:
    """Whether an expression is 0: by algebra."""
    for attempt in (lambda e: e, sympy.simplify, lambda e: sympy.simplify(sympy.expand_log(e.rewrite(sympy.exp)))):
        difference = attempt(sympy.sympify(difference))
        if difference == 0:
            return True
    return sympy.simplify(sympy.expand(sympy.logcombine(difference, force=True))) == 0


def at_random(expression: Any, rng: Any) -> Any:
    """The value where every symbol is a random number that suits it, with 30 digits."""
    numbers = {s: sympy.Float(rng.uniform(0.1, 0.9) * (1 if s.is_positive else rng.choice([-1, 1])), 30)
               for s in sorted(expression.free_symbols, key=str)}  # fmt: skip
    return sympy.N(expression.subs(numbers), 30)
