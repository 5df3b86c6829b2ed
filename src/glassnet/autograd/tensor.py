"""Tensor: an array that remembers how it was computed."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from glassnet.autograd.tape import RULES, Node, Recorded, Rule, describe, is_recording, plain
from glassnet.errors import AutogradError, nearest

__all__ = ["Tensor", "apply", "floats"]

_ACCUMULATING = threading.Lock()  # threads may share parameters
PLAIN_UFUNCS = {
    *("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"),
    *("isfinite", "isnan", "isinf", "sign", "floor", "ceil", "signbit"),
}
"""NumPy's functions whose derivative is 0 or none: they give plain arrays."""


class Tensor(Recorded):
    """An array of floating point numbers that remembers how it was computed, so that `backward` can differentiate it.

    Parameters
    ----------
    value : number, sequence or array
        Copied. Python numbers and sequences become float64; float32 arrays stay float32.
    requires_grad : bool
        Whether derivatives by this tensor are wanted.
    name : str, optional
        What graphs and messages call it.
    dtype : optional
        Of the copy: a floating point type.

    Attributes
    ----------
    value : ndarray
        The numbers. A parameter's may be changed (`w.value -= 0.1 * w.grad`); a result's are read-only.
    grad : ndarray or None
        After `backward`: the derivative of the result by this tensor, in its shape; added up over several calls.

    Operators, indexing and comparison follow NumPy, broadcasting included. Comparisons give plain arrays.

    Raises
    ------
    AutogradError
        For integers, text, complex numbers; shapes that do not fit; use of a freed or changed graph.

    Examples
    --------
    d/dx sin(x^2) at x = 2 is cos(4) * 4:

    >>> from glassnet.autograd import Tensor, sin
    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> f = sin(x**2)
    >>> f.backward()
    >>> round(float(x.grad), 3)
    -2.615
    """

    __slots__ = ("__weakref__", "_value", "grad", "name", "node", "requires_grad")
    __hash__ = object.__hash__

    def __init__(self, value: Any, requires_grad: bool = False, name: str | None = None, *, dtype: Any = None) -> None:
        self._value = floats(value, dtype)
        self.requires_grad, self.name = bool(requires_grad), name
        self.grad: np.ndarray | None = None
        self.node: Node | None = None

    @classmethod
    def result(cls, value: Any, node: Node | None) -> "Tensor":
        """What an operation computed: read-only, with the node that made it."""
        tensor = cls.__new__(cls)
        array = np.asarray(value)
        array = array if array.base is None and array.flags.owndata else array.copy()  # a view could change
        array.flags.writeable = False
        tensor._value, tensor.node, tensor.grad, tensor.name = array, node, None, None
        tensor.requires_grad = node is not None
        return tensor

    # --- what it is ---------------------------------------------------------------------------------------------

    @property
    def value(self) -> np.ndarray:
        """The numbers."""
        return self._value

    @value.setter
    def value(self, new: Any) -> None:
        if self.node is not None:
            raise AutogradError(f"{describe(self)} is a result: its value cannot be set; compute it anew")
        array = floats(new, self.dtype) if new is not self._value else new
        if array.shape != self.shape:
            raise AutogradError(f"{describe(self)} keeps its shape: its value cannot become {array.shape}")
        self._value = array

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self._value.shape

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return self._value.ndim

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return self._value.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The array's dtype."""
        return self._value.dtype

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by hand, not by an operation that is recorded."""
        return self.node is None

    def __repr__(self) -> str:
        body = np.array2string(self._value, separator=", ", prefix="Tensor(")
        extra = f", name='{self.name}'" if self.name else ""
        extra += f", dtype={self.dtype}" if self.dtype != np.float64 else ""
        how = f", by {self.node.rule.name}" if self.node is not None else ", requires_grad=True"
        return f"Tensor({body}{extra}{how if self.requires_grad else ''})"

    def named(self, name: str) -> "Tensor":
        """The same tensor, with this name in graphs and messages."""
        self.name = name
        return self

    def item(self) -> float:
        """The one number that it holds, as a Python float."""
        if self.size != 1:
            raise AutogradError(f"{describe(self)} holds {self.size} numbers, not one: use .value, or take an entry")
        return float(self._value.reshape(()))

    def detach(self) -> "Tensor":
        """The same numbers without their history: no gradient passes."""
        return Tensor.result(self._value.copy(), None)

    def __float__(self) -> float:
        return self.item()

    def __bool__(self) -> bool:
        if self.size != 1:
            raise AutogradError(
                f"{describe(self)} is neither true nor false: use .value.any() or .value.all(), "
                "and where(condition, a, b) for a choice"
            )
        return bool(self._value.reshape(()))

    def __len__(self) -> int:
        if self.ndim == 0:
            raise AutogradError(f"{describe(self)} is one number: it has no length")
        return len(self._value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.requires_grad and is_recording():
            raise AutogradError(
                f"{describe(self)} would lose its gradient as a NumPy array: write .value where that is meant, "
                "or use a function of glassnet.autograd"
            )
        return np.array(self._value, dtype)

    # --- derivatives --------------------------------------------------------------------------------------------

    def backward(self, upstream: Any = None, *, retain_graph: bool = False) -> None:
        """Differentiate this tensor by all that it was computed from; the derivatives are added to each `grad`.

        Parameters
        ----------
        upstream : array, optional
            dL/dself in this tensor's shape; may be left out for one number (1 then).
        retain_graph : bool
            Keep what a second call needs. Otherwise the graph is freed.

        Raises
        ------
        AutogradError
            Without a graph, without `upstream` where it is needed, on a freed graph or changed values.
        """
        from glassnet.autograd.chain import cotangents

        order, found = cotangents(self, upstream)
        with _ACCUMULATING:
            for tensor in order:
                g = found[id(tensor)]
                tensor.grad = np.array(g) if tensor.grad is None else tensor.grad + g
        if not retain_graph:
            for tensor in order:
                if tensor.node is not None:
                    tensor.node.free()

    def zero_grad(self) -> None:
        """Forget the gradient, before the next backward pass adds to it."""
        self.grad = None

    # --- operators ----------------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> "Tensor":
        return apply("add", self, other)

    def __radd__(self, other: Any) -> "Tensor":
        return apply("add", other, self)

    def __sub__(self, other: Any) -> "Tensor":
        return apply("subtract", self, other)

    def __rsub__(self, other: Any) -> "Tensor":
        return apply("subtract", other, self)

    def __mul__(self, other: Any) -> "Tensor":
        return apply("multiply", self, other)

    def __rmul__(self, other: Any) -> "Tensor":
        return apply("multiply", other, self)

    def __truediv__(self, other: Any) -> "Tensor":
        return apply("divide", self, other)

    def __rtruediv__(self, other: Any) -> "Tensor":
        return apply("divide", other, self)

    def __pow__(self, other: Any) -> "Tensor":
        return apply("power", self, other)

    def __rpow__(self, other: Any) -> "Tensor":
        return apply("power", other, self)

    def __matmul__(self, other: Any) -> "Tensor":
        return apply("matmul", self, other)

    def __rmatmul__(self, other: Any) -> "Tensor":
        return apply("matmul", other, self)

    def __neg__(self) -> "Tensor":
        return apply("negative", self)

    def __pos__(self) -> "Tensor":
        return self

    def __abs__(self) -> "Tensor":
        return apply("absolute", self)

    def __iter__(self) -> Iterator["Tensor"]:
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __lt__(self, other: Any) -> Any:
        return self._value < plain(other)

    def __le__(self, other: Any) -> Any:
        return self._value <= plain(other)

    def __gt__(self, other: Any) -> Any:
        return self._value > plain(other)

    def __ge__(self, other: Any) -> Any:
        return self._value >= plain(other)

    def __eq__(self, other: Any) -> Any:
        return self._value == plain(other)

    def __ne__(self, other: Any) -> Any:
        return self._value != plain(other)

    # --- in place: within no_grad; elsewhere t += u is t = t + u, a new tensor ---------------------------------

    def __iadd__(self, other: Any) -> "Tensor":
        return self._in_place(np.add, other) if self._is_changeable("t = w + u") else self + other

    def __isub__(self, other: Any) -> "Tensor":
        return self._in_place(np.subtract, other) if self._is_changeable("t = w - u") else self - other

    def __imul__(self, other: Any) -> "Tensor":
        return self._in_place(np.multiply, other) if self._is_changeable("t = w * u") else self * other

    def __itruediv__(self, other: Any) -> "Tensor":
        return self._in_place(np.divide, other) if self._is_changeable("t = w / u") else self / other

    def __setitem__(self, index: Any, new: Any) -> None:
        if not self._is_changeable("t = where(condition, new, w)"):
            raise AutogradError(f"{describe(self)} is not changed in place: write t = where(condition, new, t)")
        self._value[plain(index)] = plain(new)

    def _is_changeable(self, instead: str) -> bool:
        """Whether it may change in place here: a parameter or constant within no_grad."""
        if self.requires_grad and self.node is None and is_recording():
            raise AutogradError(
                f"{describe(self)} requires a gradient and is not changed while operations are recorded: do it within "
                f"no_grad(), or compute another tensor, {instead}"
            )
        return not is_recording() and self._value.flags.writeable

    def _in_place(self, function: np.ufunc, other: Any) -> "Tensor":
        other = plain(other)
        try:
            function(self._value, other, out=self._value, casting="same_kind")
        except (TypeError, ValueError) as error:
            raise AutogradError(
                f"{describe(self)} keeps its shape and dtype: {describe(other)} does not fit into it"
            ) from error
        return self

    # --- shape and sums -----------------------------------------------------------------------------------------

    @property
    def T(self) -> "Tensor":  # noqa: N802  NumPy's word
        """The axes in reverse order."""
        return apply("transpose", self)

    def __getitem__(self, index: Any) -> "Tensor":
        return apply("index", self, index=_index(index))

    def reshape(self, *shape: Any) -> "Tensor":
        """The same numbers in another shape: `x.reshape(2, -1)`."""
        return apply("reshape", self, shape=shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> "Tensor":
        """The axes in this order, by default reversed."""
        return apply("transpose", self, axes=(axes[0] if len(axes) == 1 else axes) or None)

    def astype(self, dtype: Any) -> "Tensor":
        """The same numbers in another floating point type; the gradient comes back in this one."""
        return apply("astype", self, dtype=np.dtype(dtype))

    def sum(self, axis: Any = None, keepdims: bool = False) -> "Tensor":
        """Sum over the axes, by default all."""
        return apply("sum", self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> "Tensor":
        """Mean over the axes, by default all."""
        return apply("mean", self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> "Tensor":
        """Largest entry along the axes; equal ones share the gradient."""
        return apply("max", self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> "Tensor":
        """Smallest entry along the axes; equal ones share the gradient."""
        return apply("min", self, axis=axis, keepdims=keepdims)

    def dot(self, other: Any) -> "Tensor":
        """The matrix or inner product."""
        return apply("matmul", self, other)

    def clip(self, low: float | None = None, high: float | None = None) -> "Tensor":
        """The values, moved into [low, high]."""
        return apply("clip", self, low=low, high=high)

    # --- NumPy's functions on a Tensor --------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        if method == "__call__" and not options and name in RULES:
            return apply(name, *inputs)
        if method == "__call__" and not options and name in PLAIN_UFUNCS:
            return ufunc(*(plain(a) for a in inputs))
        if options.get("out") is not None:
            raise AutogradError(f"numpy.{name} cannot write a Tensor into an array: write a = a + t")
        raise _no_rule(name if method == "__call__" else f"{name}.{method}")

    def __array_function__(self, function: Any, types: Any, given: tuple[Any, ...], options: dict[str, Any]) -> Any:
        from glassnet.autograd import rules

        name = str(function.__name__)
        if name in ("shape", "ndim", "size"):
            return getattr(given[0], name)
        if name not in rules.FUNCTIONS:
            raise _no_rule(name)
        return rules.FUNCTIONS[name](*given, **options)


def apply(name: str, *arguments: Any, **settings: Any) -> Tensor:
    """Compute an operation of the table on Tensors, arrays and numbers, and record it where a gradient is wanted."""
    rule = RULES[name]
    arguments = tuple(a if isinstance(a, Tensor | int | float) else _constant(a, rule) for a in arguments)
    value = _evaluate(rule, arguments, settings)
    wanted = any(isinstance(a, Tensor) and a.requires_grad for a in arguments) and is_recording()
    return Tensor.result(value, Node(rule, arguments, settings) if wanted else None)


def _evaluate(rule: Rule, arguments: Sequence[Any], settings: dict[str, Any]) -> Any:
    try:
        return rule.value(*(plain(a) for a in arguments), **settings)
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        of = " and ".join(describe(a) for a in arguments)
        reason = _first_line(error)
        if "could not be broadcast" in reason:
            reason = "their shapes do not broadcast: from the right, axes must be equally long or 1"
        if rule.name == "matmul":
            reason = (
                "their shapes do not fit: the last axis of the first must be as long as the second last of the other"
            )
        raise AutogradError(f"{rule.name} of {of}: {reason}") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def floats(value: Any, dtype: Any) -> np.ndarray:
    """A writable copy as floating point numbers."""
    if isinstance(value, Tensor):
        raise AutogradError(f"{describe(value)} is a Tensor already: use it as it is, or its detach()")
    try:
        array = np.array(value, dtype)
    except (ValueError, TypeError) as error:
        raise AutogradError(f"a Tensor holds numbers, got a {type(value).__name__}: {_first_line(error)}") from error
    if array.dtype.kind in "iu" and not isinstance(value, np.ndarray | np.generic):
        array = array.astype(np.float64)  # Python's own numbers
    if array.dtype.kind != "f":
        advice = "write Tensor(x.astype(float)); labels and indices stay plain arrays"
        raise AutogradError(f"a Tensor holds floating point numbers, got {array.dtype}: {advice}")
    return array


def _constant(value: Any, rule: Rule) -> Any:
    """An operand that is no Tensor: an array or number of NumPy, or a sequence."""
    array = value if isinstance(value, np.ndarray | np.generic) else np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise AutogradError(f"{rule.name} takes Tensors, arrays and numbers, got a {type(value).__name__}")
    return array


def _index(index: Any) -> Any:
    """An index that nobody can change later."""
    if isinstance(index, tuple):
        return tuple(_index(i) for i in index)
    if isinstance(index, Tensor):
        raise AutogradError(f"{describe(index)} cannot be an index: use a plain array of whole numbers or booleans")
    return np.array(index) if isinstance(index, np.ndarray | list) else index


def _no_rule(name: str) -> AutogradError:
    from glassnet.autograd.rules import FUNCTIONS

    return AutogradError(
        f"numpy.{name} has no derivative here{nearest(name, FUNCTIONS)} (use x.value for its numbers "
        "without a gradient, or a function of glassnet.autograd)"
    )
