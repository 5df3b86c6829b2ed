"""Formulas as text, such as "u = x**2", evaluated to named Tensors. Nothing of the text is executed.

Python's parser reads the text, and this module walks the tree: numbers, names, + - * / ** @, a minus in front, and
functions of the table. Anything else is refused with its place.
"""

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.autograd.chain import cotangents
from glassnet.autograd.rules import FUNCTIONS
from glassnet.autograd.tape import RULES, plain
from glassnet.autograd.tensor import Tensor
from glassnet.errors import AutogradError, nearest

__all__ = ["Expressions", "expressions"]

LONGEST = 2_000
"""Characters of one expression; deeper trees than such a text can make would exhaust the parser."""

OPERATORS: dict[type[ast.AST], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.Pow: ("**", operator.pow),
    ast.MatMult: ("@", operator.matmul),
}
ADVICE: dict[type[ast.AST], str] = {
    ast.BitXor: "write x**2 for a power",
    ast.Compare: "write = once, for a name",
    ast.Attribute: "write sin(x), not np.sin(x) or x.sin()",
    ast.List: "give vectors and matrices as values in `at`",
}
CALLABLE: dict[str, Callable[..., Any]] = {
    name: function
    for name, function in FUNCTIONS.items()
    if name == "dot" or (name in RULES and name not in ("where", "concatenate", "reshape", "broadcast_to", "astype"))
} | {"abs": FUNCTIONS["absolute"], "ln": FUNCTIONS["log"]}
CONSTANTS = {"pi": math.pi, "e": math.e}


@dataclass(frozen=True)
class Expressions(Mapping[str, Tensor]):
    """Named tensors: the given values and the assigned expressions, in order.

    Attributes
    ----------
    tensors : dict of str to Tensor
    given : tuple of str
        Names of the given values; the others were computed.

    >>> from glassnet.autograd import expressions
    >>> chain = expressions(["u = x**2", "f = sin(u)"], at={"x": 2.0})
    >>> list(chain), float(chain["u"])
    (['x', 'u', 'f'], 4.0)
    """

    tensors: dict[str, Tensor]
    given: tuple[str, ...]

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    def derivatives(self) -> dict[str, Any]:
        """Each computed number by each name that it depends on: `du_dx`, `df_du`, `df_dx`, the chain rule's factors.

        In the order of the names; of vectors and matrices there are derivatives by them, not of them.

        >>> from glassnet.autograd import expressions
        >>> chain = expressions(["u = x**2", "f = sin(u)"], at={"x": 2.0})
        >>> {name: round(float(value), 3) for name, value in chain.derivatives().items()}
        {'du_dx': 4.0, 'df_dx': -2.615, 'df_du': -0.654}
        """
        found: dict[str, Any] = {}
        for name, output in self.tensors.items():
            if name in self.given or not output.requires_grad or output.size != 1:
                continue
            _, slopes = cotangents(output)
            for by, tensor in self.tensors.items():
                if tensor is not output and id(tensor) in slopes:
                    found[f"d{name}_d{by}"] = slopes[id(tensor)][()]
        return found


def expressions(texts: str | Sequence[str], at: Mapping[str, Any]) -> Expressions:
    """Evaluate formulas in order; each is `name = expression` and may use the names before it.

    Parameters
    ----------
    texts : str or sequence of str
        Such as "z = w*x + b". Numbers, names, + - * / ** @, parentheses, pi, e, and the functions sin, cos, tan, exp,
        log, sqrt, tanh, sigmoid, relu, abs, maximum, sum, mean and the others of the table.
    at : mapping of str to number or array
        Values of the names that no formula assigns; derivatives by all of them are known.

    Returns
    -------
    Expressions
        A mapping from name to Tensor.

    Raises
    ------
    AutogradError
        With the number of the expression and the column, for what cannot be read, an unknown name or function,
        shapes that do not fit, and a value that is not finite.

    >>> from glassnet.autograd import expressions
    >>> neuron = expressions(["z = w*x + b", "a = sigmoid(z)", "L = (a - 1)**2"], {"x": 2, "w": 0.5, "b": 1})
    >>> neuron["L"].backward()
    >>> round(float(neuron["w"].grad), 3)
    -0.05
    """
    names: dict[str, Tensor] = {}
    for name, value in at.items():
        _check_name(name, "at")
        try:
            whole = np.asarray(value).dtype.kind in "iu"
            names[name] = Tensor(np.asarray(value, float) if whole else value, True, name)
        except ValueError as error:
            raise AutogradError(f"at: {name} must be a number or an array of numbers: {error}") from error
        if not np.all(np.isfinite(names[name].value)):
            raise AutogradError(f"at: {name} must be finite, got {value!r}")
    for number, text in enumerate([texts] if isinstance(texts, str) else texts, start=1):
        reader = _Reader(text.strip() if isinstance(text, str) else text, f"expression {number}", names)
        name, body = reader.parse()
        try:
            value = reader.evaluate(body)
        except RecursionError:
            raise reader.fail(None, "nested too deeply; split it into several expressions") from None
        if not isinstance(value, Tensor):
            value = Tensor(value)
        elif value.name:  # "u = x" is another node than x
            value = value + 0.0
        names[name] = value.named(name)
    return Expressions(names, tuple(at))


def _check_name(name: Any, where: str) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        raise AutogradError(f"{where}: a name is a word such as x or w1, got {name!r}")
    if name in CALLABLE:
        raise AutogradError(f"{where}: '{name}' is a function; choose another name")


@dataclass(frozen=True)
class _Reader:
    """One expression: where it stands, and what its names mean."""

    text: str
    place: str
    names: Mapping[str, Tensor]

    def fail(self, node: Any, message: str) -> AutogradError:
        column = f", column {node.col_offset + 1}" if hasattr(node, "col_offset") else ""
        return AutogradError(f"{self.place}{column}: {' '.join(message.split())} (in {self._shown()})")

    def _shown(self) -> str:
        text = " ".join(self.text.split())
        return f"'{text}'" if len(text) <= 60 else f"'{text[:57]}...'"

    def parse(self) -> tuple[str, ast.expr]:
        """The name and the tree of what is assigned to it."""
        if not isinstance(self.text, str) or len(self.text) > LONGEST:
            raise AutogradError(f"{self.place} must be a text of at most {LONGEST:,} characters, like 'u = x**2'")
        try:
            body = ast.parse(self.text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            column = getattr(error, "offset", None)
            at = f", column {column}" if column else ""
            raise AutogradError(f"{self.place}{at}: cannot read {self._shown()}: write it like u = x**2") from error
        statement = body[0] if len(body) == 1 else None
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise AutogradError(f"{self.place}: {self._shown()} must be one assignment, like u = x**2")
        if len(statement.targets) > 1:
            raise self.fail(statement.targets[1], "one name takes one expression")
        name = statement.targets[0].id
        _check_name(name, self.place)
        if name in self.names:
            raise AutogradError(f"{self.place}: '{name}' has a value already; choose another name")
        return name, statement.value

    def evaluate(self, node: ast.expr) -> Any:
        """The value of a tree; each step must be finite."""
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return self._number(node, number)
            case ast.Name(id=name):
                return self._named(node, name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.evaluate(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.evaluate(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                sign, function = OPERATORS[type(op)]
                return self._computed(node, sign, function, [self.evaluate(left), self.evaluate(right)])
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                if name not in CALLABLE:
                    raise self.fail(node, f"unknown function '{name}'{nearest(name, CALLABLE)}")
                if any(isinstance(a, ast.Starred) for a in arguments):
                    raise self.fail(node, f"{name} takes its arguments one by one")
                return self._computed(node, name, CALLABLE[name], [self.evaluate(a) for a in arguments])
            case _:
                pass
        kind = node.func if isinstance(node, ast.Call) else getattr(node, "op", node)
        advice = ADVICE.get(type(kind), "there are numbers, names, + - * / ** @ and functions")
        raise self.fail(node, f"'{ast.unparse(node)[:60]}' is not understood: {advice}")

    def _number(self, node: ast.expr, number: float) -> np.float64:
        try:
            return np.float64(number)
        except OverflowError:
            raise self.fail(node, "the number is too large") from None

    def _named(self, node: ast.expr, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        if name in CONSTANTS:
            return np.float64(CONSTANTS[name])
        if name in CALLABLE:
            raise self.fail(node, f"'{name}' is a function: write {name}(x)")
        raise self.fail(node, f"'{name}' has no value{nearest(name, self.names)} (known: {', '.join(self.names)})")

    def _computed(self, node: ast.expr, what: str, function: Callable[..., Any], values: list[Any]) -> Any:
        try:
            with np.errstate(all="ignore"):
                result = function(*values)
        except AutogradError as error:
            raise self.fail(node, str(error)) from error
        except (TypeError, ValueError) as error:
            raise self.fail(node, f"{what}: {error}") from error
        if not np.all(np.isfinite(plain(result))):
            of = " and ".join(np.array2string(np.asarray(plain(v)), precision=6) for v in values)
            raise self.fail(node, f"{what} of {of} is not finite")
        return result
