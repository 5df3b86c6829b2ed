"""Your own activations and losses: written with Tensor operations, they become records that train.

    swish2 = custom.activation("swish2", lambda z: z * sigmoid(2 * z))
    Network(2, [Dense(8, swish2), Dense(1, "sigmoid")])

The derivative comes from the tape. The reference engine runs such a network; the compiled one refuses it, because its
cache of machine code would not know when the formula changes. A model file keeps the record's name, not its code:
define the record again before loading.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from glassnet.autograd import Tensor, enable_grad, no_grad
from glassnet.autograd import latex as formula_in_latex
from glassnet.errors import AutogradError, GlassnetError, InvalidParameterError
from glassnet.formulas.activations import ACTIVATIONS, Activation
from glassnet.formulas.initializers import initializer as initializer_record
from glassnet.formulas.losses import LOSSES, Loss
from glassnet.formulas.ranges import ANY, Interval
from glassnet.formulas.registry import Registry, check_number

__all__ = ["ActivationFormula", "LossFormula", "activation", "forget", "loss"]

PROBES = np.array([-3.17, -1.23, -0.41, 0.0, 0.37, 1.09, 2.71])
H = 6e-6  # of central differences: about the cube root of eps
TOLERANCE = 1e-5

Range = Interval | tuple[float, float]


@dataclass(frozen=True)
class ActivationFormula:
    """A formula z -> a as the functions that an Activation record holds.

    Attributes
    ----------
    formula : callable
        `(z, *constants) -> a`, of Tensors.

    >>> import numpy as np
    >>> from glassnet.autograd import tanh
    >>> ActivationFormula(tanh).derivative(np.array([0.0]), None).tolist()
    [1.0]
    """

    formula: Callable[..., Any]

    def __call__(self, z: Any, *constants: Any) -> Any:
        """The value."""
        with no_grad():
            return self.formula(Tensor(z), *map(float, constants)).value

    def derivative(self, z: Any, a: Any, *constants: Any) -> Any:
        """da/dz of an elementwise formula."""
        return self.vjp(z, a, np.ones_like(z), *constants)

    def vjp(self, z: Any, a: Any, da: Any, *constants: Any) -> Any:
        """The upstream gradient da times the Jacobian of each row."""
        tensor = Tensor(z, requires_grad=True)
        with enable_grad():
            self.formula(tensor, *map(float, constants)).backward(da)
        return tensor.grad if tensor.grad is not None else np.zeros_like(z)


@dataclass(frozen=True)
class LossFormula:
    """A formula (a, y) -> loss of each example as the functions that a Loss record holds.

    Attributes
    ----------
    formula : callable
        `(a, y, *constants) -> loss`, of Tensors (n, K); it gives (n,), or one value for each output (n, K).

    >>> import numpy as np
    >>> square = LossFormula(lambda a, y: ((a - y) ** 2).sum(axis=1))
    >>> square.derivative(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]])).tolist()
    [[2.0, 4.0]]
    """

    formula: Callable[..., Any]

    def __call__(self, a: Any, y: Any, *constants: Any) -> Any:
        """The value of each output (n, K), or of each example (n, 1)."""
        with no_grad():
            value = self.formula(Tensor(a), Tensor(y), *map(float, constants)).value
        return value if value.ndim == np.ndim(a) else value[..., None]

    def derivative(self, a: Any, y: Any, *constants: Any) -> Any:
        """dL/da (n, K)."""
        tensor = Tensor(a, requires_grad=True)
        with enable_grad():
            self.formula(tensor, Tensor(y), *map(float, constants)).sum().backward()
        return tensor.grad if tensor.grad is not None else np.zeros_like(a)


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
        constants=_constants(name, constants, limits),
        limits=MappingProxyType(dict(limits or {})),
        kinks=tuple(check_number(name, "kinks", kink) for kink in kinks),
        vjp=formula.vjp if rowwise else None,
    )
    with np.errstate(all="ignore"):
        _check_activation(record)
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
        constants=_constants(name, constants, limits),
        limits=MappingProxyType(dict(limits or {})),
        kinks=tuple(check_number(name, "kinks", kink) for kink in kinks),
    )
    with np.errstate(all="ignore"):
        _check_loss(record)
        if not latex:
            a, y = (Tensor(_inside(i)[:1], True, letter) for i, letter in ((record.domain, "a"), (record.targets, "y")))
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


# --- checks -----------------------------------------------------------------------------------------------------


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


def _constants(name: str, constants: Any, limits: Any) -> Mapping[str, float]:
    given, ends = dict(constants or {}), dict(limits or {})
    unknown = ends.keys() - given.keys()
    if unknown:
        raise InvalidParameterError(f"{name}: limits name no constant '{min(unknown)}'")
    return MappingProxyType({key: check_number(name, key, value, *ends.get(key, ())) for key, value in given.items()})


def _check_activation(record: Activation) -> None:
    """Try the formula on a few numbers; everything that training would trip over is said here."""
    z = np.tile(PROBES, (2, 1)) * [[1.0], [0.7]] if record.rowwise else PROBES[:, None] * [1.0, 0.7]
    a = _tried(record, "z", record.function, z)
    if a.shape != z.shape:
        raise InvalidParameterError(f"{record.name}: f must keep the shape of z, got {a.shape} for {z.shape}")
    _check_finite(record.name, "f", a, z)
    if not (np.all(a >= record.range.low) and np.all(a <= record.range.high)):
        odd = a[(a < record.range.low) | (a > record.range.high)][0]
        raise InvalidParameterError(f"{record.name}: f gives {odd:.6g}, outside of its range {record.range}")
    if record.rowwise:
        alone, what = np.concatenate([record.value(row[None]) for row in z]), "row for itself"
    else:
        alone, what = np.array([[record.value(np.array([[v]]))[0, 0] for v in row] for row in z]), "number for itself"
    if not np.allclose(a, alone, rtol=1e-9, atol=1e-12):
        advice = "" if record.rowwise else "; a function of whole rows needs rowwise=True"
        raise InvalidParameterError(f"{record.name}: f must compute each {what}{advice}")
    _check_float32(record, record.value(z.astype(np.float32)))
    upstream = np.cos(np.arange(z.size)).reshape(z.shape)  # any will do
    slope = record.backward(z, a, upstream)
    _check_finite(record.name, "the derivative of f", slope, z)
    _check_slope(record.name, lambda moved: record.value(moved) * upstream, z, slope, record.rowwise)


def _check_loss(record: Loss) -> None:
    """As `_check_activation`, on outputs of the domain and targets."""
    a, y = _inside(record.domain), _inside(record.targets)[::-1].copy()
    each = _tried(record, "a", record.function, a, y)
    if each.shape not in ((len(a), 1), a.shape):
        raise InvalidParameterError(
            f"{record.name}: f must give one loss for each example, {(len(a),)} for outputs {a.shape}, "
            f"got {each.shape[:-1] if each.shape[-1:] == (1,) else each.shape}"
        )
    _check_finite(record.name, "f", each, a)
    alone = np.concatenate([record.function(a[i : i + 1], y[i : i + 1], *record.constants.values()) for i in (0, 1, 2)])
    if not np.allclose(each, alone, rtol=1e-9, atol=1e-12):
        raise InvalidParameterError(f"{record.name}: f must compute each example for itself, without the others")
    _check_float32(record, record.function(np.float32(a), np.float32(y), *record.constants.values()))
    slope = record.slope(a, y)
    _check_finite(record.name, "the derivative of f", slope, a)
    constants = tuple(record.constants.values())
    _check_slope(record.name, lambda moved: record.function(moved, y, *constants), a, slope, rowwise=True)


def _inside(interval: Interval) -> np.ndarray:
    """Some numbers (3, 2) of an interval."""
    low = interval.low if np.isfinite(interval.low) else min(-2.0, interval.high - 4)
    high = interval.high if np.isfinite(interval.high) else max(2.0, low + 4)
    return low + (high - low) * np.array([[0.13, 0.52], [0.38, 0.81], [0.67, 0.29]])


def _tried(record: Any, letter: str, function: Any, *arrays: np.ndarray) -> np.ndarray:
    """The value, computed twice from the same numbers; what goes wrong is said in one line."""
    constants, name = tuple(record.constants.values()), record.name
    given = [Tensor(a, requires_grad=not i) for i, a in enumerate(arrays)]
    try:
        raw = function.formula(*given, *constants)
    except GlassnetError as error:
        raise InvalidParameterError(f"{name}: {error}") from error
    except (TypeError, ValueError, AttributeError, NameError, IndexError) as error:
        raise InvalidParameterError(f"{name}: f fails: {error}") from error
    if not isinstance(raw, Tensor):
        raise InvalidParameterError(
            f"{name}: f must give a Tensor, got a {type(raw).__name__}: write it with functions of glassnet.autograd"
        )
    if not raw.requires_grad:
        raise InvalidParameterError(
            f"{name}: f cannot be differentiated: its result does not come from {letter} by Tensor operations "
            "(comparisons, .value and detach() pass no gradient)"
        )
    if any(not np.array_equal(t.value, a) for t, a in zip(given, arrays, strict=True)):
        raise InvalidParameterError(f"{name}: f must not change its arguments")
    first, second = (function(*arrays, *constants) for _ in range(2))
    if not np.array_equal(first, second, equal_nan=True):
        raise InvalidParameterError(f"{name}: f must give the same every time (does it draw random numbers?)")
    return first


def _check_finite(name: str, what: str, values: np.ndarray, at: np.ndarray) -> None:
    bad = ~np.isfinite(values)
    if np.any(bad):
        place = at[bad][0] if bad.shape == at.shape else at[bad[..., 0]][0]
        raise InvalidParameterError(
            f"{name}: {what} is {values[bad][0]} at {np.array2string(np.asarray(place))}; where a branch must not be "
            "computed, give it other numbers: log(where(z > 0, z, 1))"
        )


def _check_float32(record: Any, value: np.ndarray) -> None:
    if value.dtype != np.float32:
        raise InvalidParameterError(
            f"{record.name}: f gives {value.dtype} for float32: use Python numbers in it, not arrays of NumPy"
        )


def _check_slope(name: str, f: Callable[[np.ndarray], Any], x: np.ndarray, slope: np.ndarray, rowwise: bool) -> None:
    """The derivative by the tape against central differences; places that look like a kink are left out."""
    for index in np.ndindex(x.shape):
        sides: list[float] = []
        for step in (H, 0.0, -H):
            moved = x.copy()
            moved[index] += step
            value = f(moved)
            sides.append(float(np.sum(value[index[0]] if rowwise else value[index])))
        up, down = (sides[0] - sides[1]) / H, (sides[1] - sides[2]) / H
        smooth = abs(up - down) <= 1e-3 * max(1.0, abs(up), abs(down))
        if smooth and not abs((up + down) / 2 - slope[index]) <= TOLERANCE * max(1.0, abs(up)):
            raise InvalidParameterError(
                f"{name}: at {x[index]:.4g} the derivative of f by its operations is {slope[index]:.6g}, but by "
                f"differences {(up + down) / 2:.6g} (.value and detach() pass no gradient)"
            )
