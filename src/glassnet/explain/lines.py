"""The lines of a hand computation: for each entry, what its formula names and one function that computes it.

A line function gets a `Place` (which network, step, layer and entry) and returns a `Line`: the entries that the
lecture's formula names, in groups, and `compute(arithmetic, *groups)`, which runs in any arithmetic. Activations,
losses and optimizers enter as their records' own functions.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from glassnet.explain.arithmetic import Arithmetic, Number, decimal, row, total
from glassnet.explain.places import Entry, Line, Place
from glassnet.formulas.optimizers import Optimizer
from glassnet.formulas.penalties import penalty_slope
from glassnet.formulas.schedules import Schedule

__all__ = [
    "activation",
    "bias_gradient",
    "delta",
    "derivative",
    "hidden_slope",
    "losses",
    "objective",
    "output_delta",
    "output_slope",
    "penalty",
    "pre_activation",
    "slot",
    "update",
    "weight_gradient",
]

Numbers = list[Number]


def _dot(x: Numbers, y: Numbers) -> Number:
    return total([a * b for a, b in zip(x, y, strict=True)])


# --- forward ----------------------------------------------------------------------------------------------------


def pre_activation(at: Place) -> Line:
    """z = W a + b."""
    (i, k), below = at.index, at.layer - 1
    W = tuple(at.parameter(f"W{at.layer}", (k, j)) for j in range(at.setting.sizes[below]))
    b = (at.parameter(f"b{at.layer}", (k,)),) if at.setting.biases[below] else ()
    return Line((W, at.units("a", below, i), b), lambda A, W, a, b: total([_dot(W, a), *b]), once=True)


def activation(at: Place) -> Line:
    """a = g(z)."""
    (i, k), g = at.index, at.g
    if g.rowwise:
        return Line((at.units("z", at.layer, i),), lambda A, z: A(g.function)(row(z))[k])
    return Line(((at.entry("z"),),), lambda A, z: A(g.function)(*z, *A.constants(g.constants)))


# --- the objective ----------------------------------------------------------------------------------------------


def losses(at: Place) -> Line:
    """L(a, y) of one example; exactly from z where the loss owns its link, as the network computes it."""
    (i,), loss, last = at.index, at.loss, at.setting.depth
    a, y, linked = at.units("a", last, i), at.target(i), loss.linked
    # the perceptron criterion alone has no form in a
    if at.setting.linked and linked is not None and (at.printed is None or loss.canonical is None):

        def from_z(A: Arithmetic, z: Numbers, a: Numbers, y: Numbers) -> Number:
            return total(A(linked)(row(z), row(a), row(y), *A.constants(loss.constants)))

        return Line((at.units("z", last, i), a, y), from_z)

    def from_a(A: Arithmetic, a: Numbers, y: Numbers) -> Number:
        constants = A.constants(loss.constants)
        return total([A(loss.function)(*pair, *constants) for pair in zip(a, y, strict=True)])

    return Line((a, y), from_a)


def penalty(at: Place) -> Line:
    """l1 sum |W| + l2/2 sum W^2."""
    s = at.setting

    def compute(A: Arithmetic, W: Numbers) -> Number:
        first = [A.number(s.l1) * total([A.functions["absolute"](w) for w in W])] if s.l1 else []
        second = [A.number(s.l2) / A.number(2) * total([w * w for w in W])] if s.l2 else []
        return total(first + second)

    return Line((at.weights(),), compute)


def objective(at: Place) -> Line:
    """J: the losses' sum or mean, and the penalty."""
    examples = tuple(Entry(at.step, "losses", (i,)) for i in range(at.setting.rows))
    penalty = (Entry(at.step, "penalty", ()),) if at.setting.l1 or at.setting.l2 else ()
    return Line(
        (examples, penalty), lambda A, losses, penalty: total([at.weighted(A, total(losses)), *penalty]), once=True
    )


# --- backward ---------------------------------------------------------------------------------------------------


def output_slope(at: Place) -> Line:
    """dL/da of the output layer."""
    loss = at.loss
    a = at.units("a", at.layer, at.index[0])[at.index[1]]

    def compute(A: Arithmetic, a: Numbers, y: Numbers) -> Number:
        return at.weighted(A, A(loss.derivative)(*a, *y, *A.constants(loss.constants)))

    return Line(((a,), (Entry(0, "y", at.index),)), compute)


def hidden_slope(at: Place) -> Line:
    """dL/da of a hidden layer, W^T delta of the layer above."""
    (i, j), above = at.index, at.layer + 1
    W = tuple(at.parameter(f"W{above}", (k, j)) for k in range(at.setting.sizes[above]))
    return Line((W, at.units("delta", above, i)), lambda A, W, delta: _dot(W, delta), once=True)


def derivative(at: Place) -> Line:
    """g'(z)."""
    slope, constants = at.g.derivative, at.g.constants
    assert slope is not None
    return Line(((at.entry("z"),), (at.entry("a"),)), lambda A, z, a: A(slope)(*z, *a, *A.constants(constants)))


def delta(at: Place) -> Line:
    """dL/da times g'(z), or the row's product with the Jacobian."""
    (i, k), vjp = at.index, at.g.vjp
    if vjp is not None:
        rows = tuple(at.units(name, at.layer, i) for name in ("z", "a", "dL_da"))
        return Line(rows, lambda A, z, a, da: A(vjp)(row(z), row(a), row(da))[k])
    return Line(((at.entry("dL_da"),), (at.entry("g"),)), lambda A, da, slope: da[0] * slope[0], once=True)


def output_delta(at: Place) -> Line:
    """dL/da times g'(z) where both were written down, or the loss has no link; else from the link."""
    (i, k), loss, slope = at.index, at.loss, at.loss.linked_derivative
    factors = at.printed is not None and at.entry("dL_da") in at.printed and at.entry("g") in at.printed
    if not at.setting.linked or slope is None or factors:
        return delta(at)

    def compute(A: Arithmetic, z: Numbers, a: Numbers, y: Numbers) -> Number:
        return at.weighted(A, A(slope)(row(z), row(a), row(y), *A.constants(loss.constants))[k])

    return Line((at.units("z", at.layer, i), at.units("a", at.layer, i), at.target(i)), compute)


def weight_gradient(at: Place) -> Line:
    """delta a^T, summed over the examples, and what the penalties add."""
    (k, j), s = at.index, at.setting
    examples = range(s.rows)
    deltas = tuple(at.units("delta", at.layer, i)[k] for i in examples)
    below = tuple(at.units("a", at.layer - 1, i)[j] for i in examples)
    W = (at.parameter(f"W{at.layer}", at.index),) if s.l1 or s.l2 else ()

    def compute(A: Arithmetic, delta: Numbers, a: Numbers, W: Numbers) -> Number:
        strengths = [A.number(strength) if strength else A.zero for strength in (s.l1, s.l2)]
        return total([_dot(delta, a), *(A(penalty_slope)(w, *strengths) for w in W)])

    return Line((deltas, below, W), compute, once=not W)


def bias_gradient(at: Place) -> Line:
    """delta, summed over the examples."""
    deltas = tuple(at.units("delta", at.layer, i)[at.index[0]] for i in range(at.setting.rows))
    return Line((deltas,), lambda A, delta: total(delta), once=True)


# --- update -----------------------------------------------------------------------------------------------------


class Becomes:
    """An old slot whose new value is known: in every rule the new slot is a multiple of the old one plus something."""

    def __init__(self, new: Number) -> None:
        self.new = new

    def __mul__(self, other: Number) -> "Becomes":
        return self

    def __add__(self, other: Number) -> Number:
        return self.new

    __rmul__, __radd__ = __mul__, __add__


@lru_cache(maxsize=4096)
def _step_numbers(rule: Optimizer, step: int) -> tuple[Any, tuple[Any, ...]]:
    """What weights shrink by, and the rule's coefficients; a step is an epoch for schedules."""

    def now(value: float | Schedule) -> Any:
        return decimal(value.value(step - 1, step) if isinstance(value, Schedule) else value)

    eta, constants = now(rule.learning_rate), tuple(map(decimal, rule.constants.values()))
    carried = tuple(map(decimal, rule.carried))
    for _ in range(step):
        carried = rule.carry(carried, *constants)
    return 1 - eta * now(rule.weight_decay), rule.coefficients(eta, carried, *constants)


def slot(number: int, kind: str) -> Callable[[Place], Line]:
    """The line of what an optimizer keeps for W or b, from the gradient and its last value (0 at first)."""

    def line(at: Place) -> Line:
        rule = at.setting.rule
        assert rule is not None
        old = (Entry(at.step - 1, f"{rule.slots[number]}_{kind}{at.layer}", at.index),) if at.step > 1 else ()

        def compute(A: Arithmetic, g: Numbers, old: Numbers) -> Number:
            slots = [A.zero] * len(rule.slots)
            slots[number : number + 1] = old or [A.zero]
            coefficients = tuple(map(A.number, _step_numbers(rule, at.step)[1]))
            return A(rule.update)(A.zero, *g, tuple(slots), coefficients)[1][number]

        return Line(((at.entry(f"d{kind}"),), old), compute)

    return line


def update(kind: str) -> Callable[[Place], Line]:
    """The line of the new W or b, from the old one, its gradient and the new slots."""

    def line(at: Place) -> Line:
        rule = at.setting.rule
        assert rule is not None
        shrink, coefficients = _step_numbers(rule, at.step)
        slots = tuple(at.entry(f"{name}_{kind}") for name in rule.slots)

        def compute(A: Arithmetic, theta: Numbers, g: Numbers, slots: Numbers) -> Number:
            start = theta[0] * A.number(shrink) if kind == "W" and shrink != 1 else theta[0]
            return A(rule.update)(start, *g, tuple(map(Becomes, slots)), tuple(map(A.number, coefficients)))[0]

        return Line(((at.parameter(f"{kind}{at.layer}", at.index),), (at.entry(f"d{kind}"),), slots), compute)

    return line
