"""Lines of the update: bounds of the gradient, what the optimizer keeps, the new parameters."""

from collections.abc import Callable
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from glassnet.explain.arithmetic import EXACT, Arithmetic, Number, decimal
from glassnet.explain.lines import Numbers
from glassnet.explain.places import Entry, Line, Place, indices
from glassnet.formulas.optimizers import Optimizer
from glassnet.formulas.schedules import Schedule

__all__ = ["bounded", "corrected", "norm", "slot", "update"]

CARRIED = MappingProxyType({2: ("power_1", "power_2"), 5: ("mu_product", "mu", "mu_next", "power_2", "t")})
"""Names of what a rule carries from step to step, by how many there are."""


class _Done:
    """The number 1 in a product, and what is subtracted from 1 to make it: nothing is written for either."""

    def __mul__(self, other: Number) -> Number:
        return other

    def __rsub__(self, other: Number) -> "_Done":
        return self

    def __rtruediv__(self, other: Number) -> Number:
        return self if isinstance(other, float) else other

    __rmul__ = __mul__


DONE = _Done()


class Becomes:
    """An old slot whose new value is known: in every rule the new slot is a multiple of the old one plus something."""

    def __init__(self, new: Number) -> None:
        self.new = new

    def __mul__(self, other: Number) -> "Becomes":
        return self

    def __add__(self, other: Number) -> Number:
        return self.new

    __rmul__, __radd__ = __mul__, __add__


# --- numbers of the step ----------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _numbers(
    rule: Optimizer, start: tuple[float, ...] | None, step: int, epochs: int
) -> tuple[Any, Any, tuple[Any, ...]]:
    """Learning rate, weight decay and what the rule carries, from the start on; a step is an epoch for schedules."""

    def now(value: float | Schedule) -> Any:
        return decimal(value.value(step - 1, max(step, epochs)) if isinstance(value, Schedule) else value)

    constants = tuple(map(decimal, rule.constants.values()))
    carried = tuple(map(decimal, rule.carried if start is None else start))
    for _ in range(step):
        carried = rule.carry(carried, *constants)
    return now(rule.learning_rate), now(rule.weight_decay), carried


def _of_step(at: Place) -> tuple[Any, Any, tuple[Any, ...]]:
    return _numbers(at.rule, at.setting.carried, at.step, at.setting.epochs)


def _carried(A: Arithmetic, at: Place) -> list[Number]:
    """What the rule carries, by name."""
    values = _of_step(at)[2]
    names = CARRIED.get(len(values), tuple(f"c{i}" for i in range(len(values))))
    return [A.named(name, value) for name, value in zip(names, values, strict=True)]


def _coefficients(A: Arithmetic, at: Place) -> tuple[Number, ...]:
    """The rule's coefficients for slots without bias; written out where the arithmetic writes."""
    rule, (eta, _, carried) = at.rule, _of_step(at)
    done: list[Any] = list(_carried(A, at)) if A.writes else list(carried)
    for place in rule.corrections.values():
        done[place] = DONE if A.writes else decimal(0)
    if A.writes:
        constants = (v if isinstance(v, bool) else A.named(k, v) for k, v in rule.constants.items())
        found = A(rule.coefficients)(A.named("eta", eta), tuple(done), *constants)
        return tuple(DONE if isinstance(c, float) else c for c in found)  # 1.0 is the one plain number among them
    return tuple(map(A.number, EXACT(rule.coefficients)(eta, tuple(done), *map(decimal, rule.constants.values()))))


# --- lines ------------------------------------------------------------------------------------------------------


def _moving(at: Place) -> list[Entry]:
    """Every entry of the gradient that counts."""
    found: list[Entry] = []
    for kind, layer, shape in at.setting.tensors():
        if f"{kind}{layer}" not in at.setting.frozen:
            found += [Entry(at.step, f"d{kind}{layer}", index) for index in indices(shape)]
    return found


def _limited(A: Arithmetic, at: Place, g: Number) -> Number:
    """An entry of the gradient within [-clip_value, clip_value]."""
    if at.setting.clip_value is None:
        return g
    bound = A.named("clip_value", at.setting.clip_value)
    return A.functions["minimum"](A.functions["maximum"](g, -bound), bound)


def norm(at: Place) -> Line:
    """The Euclidean norm of the gradient."""

    def compute(A: Arithmetic, g: Numbers) -> Number:
        def square(one: Number) -> Number:
            bounded = _limited(A, at, one)
            return bounded * bounded

        return A.functions["sqrt"](A.sum_of(square, g))

    return Line((tuple(_moving(at)),), compute)


def bounded(kind: str) -> Callable[[Place], Line]:
    """The gradient within its bounds: each entry first, then the norm of the whole."""

    def line(at: Place) -> Line:
        norms = (Entry(at.step, "gradient_norm", ()),) if at.setting.clip_norm is not None else ()

        def compute(A: Arithmetic, g: Numbers, norm: Numbers) -> Number:
            inside = _limited(A, at, g[0])
            for length in norm:
                bound = A.named("clip_norm", at.setting.clip_norm)
                inside = A.functions["where"](length > bound, inside * (bound / length), inside)
            return inside

        return Line(((at.entry(f"d{kind}"),), norms), compute)

    return line


def _gradient(at: Place, kind: str) -> Entry:
    name = f"d{kind}{at.layer}"
    return Entry(at.step, f"{name}_clipped" if at.setting.clipped else name, at.index)


def slot(name: str, kind: str) -> Callable[[Place], Line]:
    """The line of what an optimizer keeps for a parameter, from the gradient and its last value (0 at rest)."""

    def line(at: Place) -> Line:
        rule, full = at.rule, f"{name}_{kind}{at.layer}"
        number = rule.slots.index(name)
        given = () if at.setting.carried is None else (Entry(0, f"old_{full}", at.index),)
        old = (Entry(at.step - 1, full, at.index),) if at.step > 1 else given

        def compute(A: Arithmetic, g: Numbers, old: Numbers) -> Number:
            slots = [A.zero] * len(rule.slots)
            slots[number : number + 1] = old or [A.zero]
            return A(rule.update)(A.zero, *g, tuple(slots), _coefficients(A, at))[1][number]

        return Line(((_gradient(at, kind),), old), compute)

    return line


def corrected(name: str, kind: str) -> Callable[[Place], Line]:
    """A slot without the bias of its start at 0."""

    def line(at: Place) -> Line:
        place = at.rule.corrections[name]
        return Line(((at.entry(f"{name}_{kind}"),),), lambda A, s: s[0] / (A.number(1) - _carried(A, at)[place]))

    return line


def update(kind: str) -> Callable[[Place], Line]:
    """The line of a new parameter, from the old one, its gradient and the new slots."""

    def line(at: Place) -> Line:
        rule = at.rule
        eta, decay, _ = _of_step(at)
        hats = rule.corrections
        slots = tuple(at.entry(f"{name}{'hat' if name in hats else ''}_{kind}") for name in rule.slots)

        def compute(A: Arithmetic, theta: Numbers, g: Numbers, slots: Numbers) -> Number:
            start = theta[0]
            if kind == "W" and decay:
                start = (A.number(1) - A.named("eta", eta) * A.named("weight_decay", decay)) * start
            return A(rule.update)(start, *g, tuple(map(Becomes, slots)), _coefficients(A, at))[0]

        return Line(((at.parameter(f"{kind}{at.layer}", at.index),), (_gradient(at, kind),), slots), compute)

    return line
