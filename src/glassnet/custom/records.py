"""Records of the user's own: activation, loss, and taking them out again."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from glassnet.autograd import Tensor, enable_grad
from glassnet.autograd import latex as formula_in_latex
from glassnet.custom.checks import check_activation, check_loss, inside
from glassnet.custom.formulas import ActivationFormula, LossFormula
from glassnet.errors import AutogradError, InvalidParameterError
from glassnet.formulas.activations import ACTIVATIONS, Activation
from glassnet.formulas.initializers import initializer as initializer_record
from glassnet.formulas.losses import LOSSES, Loss
from glassnet.formulas.ranges import ANY, Interval
from glassnet.formulas.registry import Registry, check_number

__all__ = ["activation", "forget", "loss"]

Range = Interval | tuple[float, float]


def activation(
    name: str,
    f: Callable[..., Any],
    *,
    rowwise: bool = False,
    range: Range = ANY,  # noqa: A002  the record's word
    initializer: str = "glorot_uniform",
    constants: Mapping[str, float] | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    kinks: tuple[float, ...] = (),
    latex: str = "",
    source: str = "",
) -> Activation:
    """Make an activation of your own; `Dense(8, record)` and `Dense(8, "name")` take it from then on.

    Defining a name again replaces it, also in networks that use it.

    Parameters
    ----------
    name : str
        A word in lower case that glassnet has not given away.
    f : callable
        `(z, *constants) -> a`, written with operators and functions of `glassnet.autograd`; z is a Tensor (n, K).
    rowwise : bool
        Whether f is a function of each row (like softmax) and not of each number.
    range : (low, high) or Interval
        All values that a can take; a loss may ask for it. By default any.
    initializer : str
        The initial weights that suit it.
    constants : mapping, optional
        Numbers that f takes besides, with their values: `Dense(8, "swish2(beta=3)")` sets them anew.
    limits : mapping, optional
        Lowest and highest value of a constant.
    kinks : tuple of float
        Where the derivative jumps; the gradient check leaves these places out.
    latex, source : str
        For people: the formula and where it comes from. Without `latex` the formula is read from the operations.

    Raises
    ------
    InvalidParameterError
        When f is not what an activation must be: the same shape and dtype, finite, differentiable, the same every
        time, each number (or row) for itself.

    >>> from glassnet import Dense, Network, custom
    >>> from glassnet.autograd import sigmoid
    >>> swish2 = custom.activation("swish2", lambda z, beta: z * sigmoid(beta * z), constants={"beta": 2.0})
    >>> net = Network(2, [Dense(8, swish2), Dense(1, "sigmoid")])
    >>> net.engine.name
    'reference'
    >>> custom.forget("swish2")
    """
    _check_name(name, ACTIVATIONS, f)
    formula = ActivationFormula(f)
    record = Activation(
        name,
        formula,
        None if rowwise else formula.derivative,
        latex,
        r"g'(z), \text{ by automatic differentiation}",
        source or "your own",
        range=_interval(name, "range", range),
        initializer=str(initializer_record(initializer)),
        **_numbers(name, constants, limits, kinks),
        vjp=formula.vjp if rowwise else None,
    )
    with np.errstate(all="ignore"):
        check_activation(record)
        if not latex:
            z = Tensor(1.0 if not rowwise else [1.0, 2.0], requires_grad=True, name="z")
            record = replace(record, latex=f"g(z) = {_written(name, f, [z], record)}")
    return ACTIVATIONS.put(name, record)


def loss(
    name: str,
    f: Callable[..., Any],
    *,
    domain: Range = ANY,
    targets: Range = ANY,
    constants: Mapping[str, float] | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    kinks: tuple[float, ...] = (),
    latex: str = "",
    source: str = "",
) -> Loss:
    """Make a loss of your own; `Network(loss=record)` and `Network(loss="name")` take it from then on.

    Defining a name again replaces it, also in networks that use it.

    Parameters
    ----------
    name : str
        A word in lower case that glassnet has not given away.
    f : callable
        `(a, y, *constants) -> loss`, of Tensors a and y (n, K): outputs and targets. It gives the loss of each example
        (n,), or a value for each output (n, K), which are added up. Examples are weighted and averaged afterwards.
    domain, targets : (low, high) or Interval
        What outputs and targets may be. By default any.
    constants : mapping, optional
        Numbers that f takes besides, with their values.
    limits : mapping, optional
        Lowest and highest value of a constant.
    kinks : tuple of float
        Values of a - y where the derivative jumps; the gradient check leaves these places out.
    latex, source : str
        For people: the formula and where it comes from. Without `latex` the formula is read from the operations.

    Raises
    ------
    InvalidParameterError
        When f is not what a loss must be: a value for each example, finite, differentiable by a, the same every time,
        each example for itself.

    >>> from glassnet import Dense, Network, custom
    >>> from glassnet.autograd import log, exp
    >>> logcosh = custom.loss("logcosh", lambda a, y: log((exp(a - y) + exp(y - a)) / 2))
    >>> Network(2, [Dense(1)], loss=logcosh).loss([[0.0, 0.0]], [0.0])
    0.0
    >>> custom.forget("logcosh")
    """
    _check_name(name, LOSSES, f)
    formula = LossFormula(f)
    record = Loss(
        name,
        formula,
        formula.derivative,
        latex,
        r"\text{by automatic differentiation}",
        source or "your own",
        "",
        domain=_interval(name, "domain", domain),
        targets=_interval(name, "targets", targets),
        **_numbers(name, constants, limits, kinks),
    )
    with np.errstate(all="ignore"):
        check_loss(record)
        if not latex:
            a, y = (Tensor(inside(i)[:1], True, letter) for i, letter in ((record.domain, "a"), (record.targets, "y")))
            record = replace(record, latex=_written(name, f, [a, y], record))
    return LOSSES.put(name, record)


def forget(name: str) -> None:
    """Take an activation or a loss of your own out again; networks that use it stop working.

    Parameters
    ----------
    name : str
        The name it was made with.

    >>> from glassnet import custom
    >>> from glassnet.autograd import tanh
    >>> record = custom.activation("tanh_again", tanh)
    >>> custom.forget("tanh_again")
    """
    found = [registry for registry in (ACTIVATIONS, LOSSES) if name in registry and _is_own(registry[name])]
    if not found:
        raise InvalidParameterError(f"'{name}' is no activation or loss of your own")
    for registry in found:
        registry.remove(name)


def _written(name: str, f: Callable[..., Any], given: list[Tensor], record: Any) -> str:
    """The formula in LaTeX, read from the tape; where that cannot show it, the name."""
    try:
        with enable_grad():
            return formula_in_latex(f(*given, *record.constants.values()))
    except AutogradError:
        letters = ", ".join(str(t.name) for t in given)
        return rf"\operatorname{{{name}}}({letters})".replace("_", r"\_")


# --- names, numbers and the formula as text -----------------------------------------------------------------------


def _is_own(record: Any) -> bool:
    return isinstance(record.function, ActivationFormula | LossFormula)


def _check_name(name: Any, registry: Registry[Any], f: Any) -> None:
    if not isinstance(name, str) or not name.isidentifier() or name != name.lower():
        raise InvalidParameterError(f"name must be a word in lower case, such as 'swish2', got {name!r}")
    if name in registry and not (name in list(registry) and _is_own(registry[name])):
        raise InvalidParameterError(f"{registry.kind} '{name}' is one of glassnet's own: choose another name")
    if not callable(f):
        raise InvalidParameterError(f"{name}: f must be a function of Tensors, got {f!r}")


def _interval(name: str, what: str, given: Any) -> Interval:
    if isinstance(given, Interval):
        return given
    try:
        low, high = (float(end) for end in given)
    except (TypeError, ValueError):
        raise InvalidParameterError(f"{name}: {what} must be (low, high), got {given!r}") from None
    if not low < high:
        raise InvalidParameterError(f"{name}: {what} must go from a lower to a higher number, got {given!r}")
    return Interval(low, high, open=low == -np.inf or high == np.inf)


def _numbers(name: str, constants: Any, limits: Any, kinks: Any) -> dict[str, Any]:
    """The fields that hold numbers."""
    given, ends = dict(constants or {}), dict(limits or {})
    unknown = ends.keys() - given.keys()
    if unknown:
        raise InvalidParameterError(f"{name}: limits name no constant '{min(unknown)}'")
    given = {key: check_number(name, key, value, *ends.get(key, ())) for key, value in given.items()}
    places = tuple(check_number(name, "kinks", kink) for kink in kinks)
    return {"constants": MappingProxyType(given), "limits": MappingProxyType(ends), "kinks": places}
