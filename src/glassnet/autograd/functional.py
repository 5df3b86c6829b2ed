"""Derivatives without bookkeeping: `grad` of a result, `gradient` of a function."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassnet.autograd.chain import cotangents, ordered
from glassnet.autograd.tape import describe, enable_grad
from glassnet.autograd.tensor import Tensor, apply
from glassnet.errors import AutogradError

__all__ = ["grad", "gradient", "value_and_gradient"]


def grad(
    output: Tensor, inputs: Tensor | Sequence[Tensor], upstream: Any = None, *, create_graph: bool = False
) -> list[Any]:
    """The derivatives of an output by some of the tensors that it was computed from; no tensor's `grad` changes.

    Parameters
    ----------
    output : Tensor
        One number, or any tensor with `upstream` given.
    inputs : Tensor or sequence of Tensor
        Parameters or results on the way.
    upstream : array, optional
        dL/doutput.
    create_graph : bool
        Return Tensors that can be differentiated again. The graph of `output` stays in any case.

    Returns
    -------
    list of ndarray, or of Tensor
        In the order and the shapes of the inputs.

    Raises
    ------
    AutogradError
        When the output does not depend on an input.

    Examples
    --------
    The second derivative of x^3 is 6 x:

    >>> from glassnet.autograd import Tensor, grad
    >>> x = Tensor(2.0, requires_grad=True)
    >>> [first] = grad(x**3, [x], create_graph=True)
    >>> [second] = grad(first, [x])
    >>> float(second)
    12.0
    """
    _, found = cotangents(output, upstream, create_graph=create_graph)
    inputs = [inputs] if isinstance(inputs, Tensor) else inputs
    for tensor in inputs:
        if id(tensor) not in found:
            raise AutogradError(f"{describe(output)} does not depend on {describe(tensor)}")
    return [found[id(tensor)] for tensor in inputs]


def value_and_gradient(f: Callable[..., Any], argument: int | Sequence[int] = 0) -> Callable[..., tuple[Any, Any]]:
    """Make a function that gives the value of f and its gradient.

    Parameters
    ----------
    f : callable
        Of Tensors; it gives one number.
    argument : int or sequence of int
        By which arguments to differentiate; for a sequence the gradient is a tuple.

    Returns
    -------
    callable
        With the arguments of f, as numbers and arrays. What f does not depend on has gradient 0.

    >>> from glassnet.autograd import sin, value_and_gradient
    >>> value, slope = value_and_gradient(lambda x: sin(x**2))(2.0)
    >>> round(float(value), 3), round(float(slope), 3)
    (-0.757, -2.615)
    """
    places = (argument,) if isinstance(argument, int) else tuple(argument)

    def both(*arguments: Any, **named: Any) -> tuple[Any, Any]:
        if max(places) >= len(arguments):
            raise AutogradError(
                f"a gradient by argument {max(places)}, but the function was called with {len(arguments)}"
            )
        with enable_grad():
            # an alias of a Tensor, so that f's use of it here is told from its use elsewhere
            own = {
                i: apply("add", arguments[i], 0) if isinstance(arguments[i], Tensor) else Tensor(arguments[i])
                for i in places
            }
            for tensor in own.values():
                tensor.requires_grad = True
            y = f(*(own.get(i, a) for i, a in enumerate(arguments)), **named)
            if not isinstance(y, Tensor):
                raise AutogradError(f"the function must give a Tensor, got {type(y).__name__}: {y!r}")
            if not y.requires_grad:
                return _out(y, False), _result(places, argument, [np.zeros(t.shape, t.dtype) for t in own.values()])
            mine = {id(t) for t in own.values()}
            nested = any(t.is_leaf and id(t) not in mine for t in ordered(y))
            _, found = cotangents(y, create_graph=nested)
            slopes = [found.get(id(t), np.zeros(t.shape, t.dtype)) for t in own.values()]
        return _out(y, nested), _result(places, argument, [_out(s, nested) for s in slopes])

    return both


def gradient(f: Callable[..., Any], argument: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Make a function that gives the gradient of f; it can be differentiated again.

    Parameters
    ----------
    f : callable
        Of Tensors; it gives one number.
    argument : int or sequence of int
        By which arguments to differentiate; for a sequence the gradient is a tuple.

    >>> from glassnet.autograd import gradient, tanh
    >>> float(gradient(tanh)(0.0))
    1.0
    >>> float(gradient(gradient(lambda x: x**3))(2.0))
    12.0
    """
    both = value_and_gradient(f, argument)
    return lambda *arguments, **named: both(*arguments, **named)[1]


def _out(value: Any, nested: bool) -> Any:
    """A Tensor where an outer derivative needs it, else plain numbers."""
    if nested:
        return value
    return (value.value if isinstance(value, Tensor) else value)[()]


def _result(places: tuple[int, ...], argument: Any, slopes: list[Any]) -> Any:
    return slopes[0] if isinstance(argument, int) else tuple(slopes[places.index(i)] for i in places)
