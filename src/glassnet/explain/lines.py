"""The lines of a hand computation: for each entry, what its formula names and one function that computes it.

A line function gets a `Place` (which network, step, layer and entry) and returns a `Line`: the entries that the
lecture's formula names, in groups, and `compute(arithmetic, *groups)`, which runs in any arithmetic. Activations,
losses and optimizers enter as their records' own functions. Lines of batch normalization, dropout and drawn slopes are
in `explain.layers`, those of the update in `explain.updates`.
"""

from operator import mul
from typing import Any

from glassnet.explain.arithmetic import Arithmetic, Number, is_own, row
from glassnet.explain.places import LEAVES, Entry, Line, Place
from glassnet.formulas.penalties import penalty_slope

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
    "weight_gradient",
]

Numbers = list[Number]


def dot(A: Arithmetic, x: Numbers, y: Numbers) -> Number:
    """The sum of products."""
    return A.sum_of(mul, x, y)


def _square(x: Number) -> Number:
    return x * x


def ones(at: Place, layer: int, examples: range) -> tuple[Entry, ...]:
    """Unit 0 of a layer, where the biases are its weights."""
    return tuple(Entry(0, f"one{layer}", (i,)) for i in examples) if at.setting.unit else ()


def _strengths(A: Arithmetic, at: Place) -> tuple[Number, Number]:
    """l1 and l2, or the share of them that the penalties have in this pass."""
    s = at.setting
    l1, l2 = (A.named(name, value) if value else A.zero for name, value in (("l1", s.l1), ("l2", s.l2)))
    n = A.number(s.rows)
    return (l1 / n if s.l1 else l1, l2 / n if s.l2 else l2) if s.average_penalty and s.rows > 1 else (l1, l2)


# --- forward ----------------------------------------------------------------------------------------------------


def pre_activation(at: Place) -> Line:
    """z = W a + b."""
    (i, k), below = at.index, at.layer - 1
    W = tuple(at.parameter(f"W{at.layer}", (k, j)) for j in range(at.setting.sizes[below]))
    b = (at.parameter(f"b{at.layer}", (k,)),) if at.setting.biases[below] else ()
    one = ones(at, below, range(i, i + 1)) if b else ()

    def compute(A: Arithmetic, W: Numbers, a: Numbers, b: Numbers, one: Numbers) -> Number:
        first = [dot(A, b, one)] if one else []
        return A.total([*first, dot(A, W, a), *(b if not one else [])])

    return Line((W, at.below(i), b, one), compute, once=True)


def activation(at: Place) -> Line:
    """a = g(z)."""
    (i, k), g = at.index, at.g
    if g.rowwise:
        return Line((at.before(i),), lambda A, z: A(g.function)(row(z), *A.constants(g.constants))[k])
    return Line(((at.before(i)[k],),), lambda A, z: A(g.function)(*z, *A.constants(g.constants)))


# --- the objective ----------------------------------------------------------------------------------------------


def losses(at: Place) -> Line:
    """L(a, y) of one example; exactly from z where the loss owns its link, as the network computes it."""
    (i,), loss, last = at.index, at.loss, at.setting.depth
    a, y, linked = at.units("a", last, i), at.target(i), loss.linked
    # the perceptron criterion alone has no form in a
    if at.setting.linked and linked is not None and (at.printed is None or loss.canonical is None):

        def from_z(A: Arithmetic, z: Numbers, a: Numbers, y: Numbers) -> Number:
            return A.total(A(linked)(row(z), row(a), row(y), *A.constants(loss.constants)))

        return Line((at.units(at.setting.before(last), last, i), a, y), from_z)

    def from_a(A: Arithmetic, a: Numbers, y: Numbers) -> Number:
        constants = A.constants(loss.constants)
        if is_own(loss.function):  # may mix the outputs
            return A.total(A(loss.function)(row(a), row(y), *constants))
        return A.total([A(loss.function)(*pair, *constants) for pair in zip(a, y, strict=True)])

    return Line((a, y), from_a)


def penalty(at: Place) -> Line:
    """l1 sum |W| + l2/2 sum W^2."""
    s = at.setting

    def compute(A: Arithmetic, W: Numbers) -> Number:
        l1, l2 = _strengths(A, at)
        first = [l1 * A.sum_of(A.functions["absolute"], W)] if s.l1 else []
        second = [l2 / A.number(2) * A.sum_of(_square, W)] if s.l2 else []
        return A.total(first + second)

    return Line((at.weights(),), compute)


def objective(at: Place) -> Line:
    """J: the losses' sum or mean, and the penalty."""
    rows = range(at.setting.rows)
    examples = tuple(Entry(at.step, "losses", (i,)) for i in rows)
    penalty = (Entry(at.step, "penalty", ()),) if at.setting.l1 or at.setting.l2 else ()
    shares = tuple(v for i in rows for v in at.share(i))

    def compute(A: Arithmetic, losses: Numbers, penalty: Numbers, v: Numbers) -> Number:
        return A.total([dot(A, v, losses) if v else at.weighted(A, A.total(losses)), *penalty])

    return Line((examples, penalty, shares), compute, once=True)


# --- backward ---------------------------------------------------------------------------------------------------


def output_slope(at: Place) -> Line:
    """dL/da of the output layer."""
    (i, k), loss = at.index, at.loss
    a, y = at.units("a", at.layer, i), at.target(i)

    def of_row(A: Arithmetic, a: Numbers, y: Numbers, v: Numbers) -> Number:
        return at.weighted(A, A(loss.derivative)(row(a), row(y), *A.constants(loss.constants))[k], *v)

    def compute(A: Arithmetic, a: Numbers, y: Numbers, v: Numbers) -> Number:
        return at.weighted(A, A(loss.derivative)(*a, *y, *A.constants(loss.constants)), *v)

    if is_own(loss.derivative):
        return Line((a, y, at.share(i)), of_row)
    return Line(((a[k],), (y[k],), at.share(i)), compute)


def hidden_slope(at: Place) -> Line:
    """dL by what leaves a hidden layer, W^T delta of the layer above."""
    (i, j), above = at.index, at.layer + 1
    W = tuple(at.parameter(f"W{above}", (k, j)) for k in range(at.setting.sizes[above]))
    return Line((W, at.units("delta", above, i)), dot, once=True)


def through(number: int) -> Any:
    """dL by what comes into the dropout or the drawn slopes behind a layer, of which it is the so-manieth."""

    def line(at: Place) -> Line:
        factor, out = LEAVES[type(at.setting.behind(at.layer)[number])]
        slopes = ((at.entry(f"dL_d{out}"),), (at.entry(factor),))
        return Line(slopes, lambda A, slope, factor: slope[0] * factor[0], once=True)

    return line


def derivative(at: Place) -> Line:
    """g'(z)."""
    slope, constants = at.g.derivative, at.g.constants
    assert slope is not None
    z = at.entry(at.setting.before(at.layer))
    return Line(((z,), (at.entry("a"),)), lambda A, z, a: A(slope)(*z, *a, *A.constants(constants)))


def delta(at: Place) -> Line:
    """dL/da times g'(z), or the row's product with the Jacobian."""
    (i, k), vjp = at.index, at.g.vjp
    if vjp is not None:
        rows = (at.before(i), at.units("a", at.layer, i), at.units("dL_da", at.layer, i))
        constants = at.g.constants
        return Line(rows, lambda A, z, a, da: A(vjp)(row(z), row(a), row(da), *A.constants(constants))[k])
    return Line(((at.entry("dL_da"),), (at.entry("g"),)), lambda A, da, slope: da[0] * slope[0], once=True)


def output_delta(at: Place) -> Line:
    """dL/da times g'(z) where both were written down, or the loss has no link; else from the link."""
    (i, k), loss, slope = at.index, at.loss, at.loss.linked_derivative
    factors = at.printed is not None and at.entry("dL_da") in at.printed and at.entry("g") in at.printed
    if not at.setting.linked or slope is None or factors:
        return delta(at)

    def compute(A: Arithmetic, z: Numbers, a: Numbers, y: Numbers, v: Numbers) -> Number:
        return at.weighted(A, A(slope)(row(z), row(a), row(y), *A.constants(loss.constants))[k], *v)

    return Line((at.before(i), at.units("a", at.layer, i), at.target(i), at.share(i)), compute)


def weight_gradient(at: Place) -> Line:
    """delta a^T, summed over the examples, and what the penalties add."""
    (k, j), s = at.index, at.setting
    examples = range(s.rows)
    deltas = tuple(at.units("delta", at.layer, i)[k] for i in examples)
    below = tuple(at.below(i)[j] for i in examples)
    W = (at.parameter(f"W{at.layer}", at.index),) if s.l1 or s.l2 else ()

    def compute(A: Arithmetic, delta: Numbers, a: Numbers, W: Numbers) -> Number:
        return A.total([dot(A, delta, a), *(A(penalty_slope)(w, *_strengths(A, at)) for w in W)])

    return Line((deltas, below, W), compute, once=not W)


def bias_gradient(at: Place) -> Line:
    """delta, summed over the examples."""
    examples = range(at.setting.rows)
    deltas = tuple(at.units("delta", at.layer, i)[at.index[0]] for i in examples)
    one = ones(at, at.layer - 1, examples)
    return Line((deltas, one), lambda A, delta, one: dot(A, delta, one) if one else A.total(delta), once=True)
