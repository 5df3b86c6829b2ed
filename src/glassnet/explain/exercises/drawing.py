"""Friendly numbers: one decimal, no saturated and no dead unit, gradients that are not tiny."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np

from glassnet.errors import InvalidParameterError
from glassnet.explain.arithmetic import digits
from glassnet.explain.evaluation import evaluate
from glassnet.explain.given import read_setting
from glassnet.explain.places import Entry, Setting
from glassnet.explain.quantities import Pass
from glassnet.formulas.activations import Activation, activation
from glassnet.formulas.losses import Loss, default_loss, loss
from glassnet.formulas.optimizers import Optimizer

__all__ = ["Order", "draw", "order", "printed"]

TRIES = 1500
MARGIN, AWAY = 0.08, 0.1  # of a bounded output from its ends, of a pre-activation from 0
SMALLEST, LARGEST, STEEPEST = 0.005, 4.0, 5.0
EXACTLY = 1e-25
INPUTS = (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)


@dataclass(frozen=True)
class Order:
    """What an exercise is to be about: a network, checked."""

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    loss: Loss | None
    rule: Optimizer | None
    rows: int

    @property
    def shape(self) -> str:
        """Such as 2-2-1."""
        return "-".join(map(str, self.sizes))


def order(
    sizes: tuple[int, ...], names: str, loss_name: str | None, rule: Optimizer | None, rows: int, *, trained: bool
) -> Order:
    """Activations for the layers (one for all, or one each), and the loss that suits the last."""
    depth = len(sizes) - 1
    given = [activation(part) for part in _parts(names)]
    if len(given) not in (1, depth):
        raise InvalidParameterError(
            f"activation: {len(given)} names for {depth} layers with weights; give one for all, or one for each"
        )
    chosen = given * depth if len(given) == 1 else given
    if not trained:
        return Order(sizes, tuple(chosen), None, None, rows)
    record = loss(loss_name if loss_name is not None else default_loss(chosen[-1]))
    if len(given) == 1 and record.link is not None and not _suits(record, chosen[-1], sizes[-1]):
        chosen[-1] = activation(record.link)
    record.check_output(chosen[-1], sizes[-1])
    for number, g in enumerate(chosen, start=1):
        if not g.trainable and not (number == depth and record.owns(g)):
            raise InvalidParameterError(f"activation: no gradient passes through {g.name} in layer {number}")
    return Order(sizes, tuple(chosen), record, rule, rows)


def _suits(record: Loss, g: Activation, outputs: int) -> bool:
    try:
        record.check_output(g, outputs)
    except ValueError:
        return False
    return True


def _parts(names: str) -> list[str]:
    """Names between commas; those inside parentheses part nothing."""
    parts, depth = [""], 0
    for letter in names:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def draw(wanted: Order, seed: int, steps: int) -> dict[str, Any]:
    """A worked example without claims: the first of many whose numbers are friendly, or the friendliest."""
    rng, best, least = np.random.default_rng(seed), dict[str, Any](), math.inf
    for _ in range(TRIES):
        document = _numbers(wanted, rng)
        table = Pass(read_setting(document)[0])
        strain = _strain(table.setting, evaluate(table, steps))
        if strain < least:
            best, least = document, strain
        if strain == 0:
            break
    return best


def _numbers(wanted: Order, rng: np.random.Generator) -> dict[str, Any]:
    def friendly(*shape: int) -> Any:
        return (rng.integers(1, 10, shape) * rng.choice([-1, 1], shape) / 10).tolist()

    inputs = wanted.sizes[0]
    x = [rng.choice(INPUTS, inputs, replace=inputs > len(INPUTS)).tolist() for _ in range(wanted.rows)]
    layers = [
        {"activation": str(g), "W": friendly(n, m), "b": friendly(n)}
        for g, (m, n) in zip(wanted.activations, pairwise(wanted.sizes), strict=True)
    ]
    document: dict[str, Any] = {}
    y = [] if wanted.loss is None else _targets(wanted, rng)
    if wanted.loss is not None:
        document["loss"] = str(wanted.loss)
    if wanted.loss is not None and wanted.rule is not None:
        rate = wanted.rule.learning_rate
        told = {"name": wanted.rule.name, "learning_rate": rate if isinstance(rate, float) else str(rate)}
        document["optimizer"] = told | dict(wanted.rule.constants)
    document["x"] = x[0] if wanted.rows == 1 else x
    if wanted.loss is not None:
        document["y"] = y[0] if wanted.rows == 1 else y
    return document | {"layers": layers}


def _targets(wanted: Order, rng: np.random.Generator) -> Any:
    record, shape, outputs = wanted.loss, (wanted.rows, wanted.sizes[-1]), wanted.activations[-1].range
    assert record is not None
    if wanted.activations[-1].rowwise:
        return np.eye(shape[1])[rng.integers(shape[1], size=shape[0])].tolist()
    if record.name == "poisson":
        return rng.integers(0, 4, shape).astype(float).tolist()
    if math.isfinite(outputs.low) and math.isfinite(outputs.high):
        return rng.choice([float(max(outputs.low, record.targets.low)), float(outputs.high)], shape).tolist()
    return (rng.integers(1, 16, shape) / 10).tolist()


# --- what is friendly -------------------------------------------------------------------------------------------


def _strain(s: Setting, values: Mapping[Entry, Any]) -> int:
    """How many numbers are not friendly."""
    return sum(_unfriendly(s, entry, float(value)) for entry, value in values.items()) + 5 * _dead(s, values)


def _unfriendly(s: Setting, entry: Entry, value: float) -> bool:
    if not math.isfinite(value):
        return True
    if entry.name == "loss":
        return not SMALLEST < value < LARGEST
    if entry.name.startswith("z"):
        return not AWAY / 2 < abs(value) < LARGEST
    if entry.name.startswith(("dW", "db")):
        return not SMALLEST < abs(value) < STEEPEST
    if entry.name.startswith("a"):
        ends = s.activations[int(entry.name[1:]) - 1]
        low, high = ends.range.low, ends.range.high
        bounded = math.isfinite(low) and math.isfinite(high) and ends.trainable
        return bounded and not low + MARGIN * (high - low) < value < high - MARGIN * (high - low)
    return False


def _dead(s: Setting, values: Mapping[Entry, Any]) -> int:
    """Units whose slope is nearly 0 for every example: hardly any gradient passes through them."""
    slopes: dict[tuple[int, str, int], float] = {}
    for entry, value in values.items():
        g = s.activations[int(entry.name[1:]) - 1] if entry.name[0] == "z" else None
        if g is not None and g.derivative is not None:
            z = np.float64(float(value))
            key = (entry.step, entry.name, entry.index[1])
            slopes[key] = max(slopes.get(key, 0.0), abs(float(g.slope(z, g.value(z)))))
    return sum(slope < AWAY / 4 for slope in slopes.values())


def printed(value: Any, figures: int) -> str:
    """A number as somebody writes it down: so many significant figures, and none where it ends sooner.

    >>> printed(digits.mpf("0.08195812"), 4), printed(digits.mpf("1.2"), 4), printed(digits.mpf(-2), 4)
    ('0.08196', '1.2', '-2')
    """
    short = Decimal(str(digits.nstr(value, 12))).normalize()
    if abs(value - digits.mpf(str(short))) < EXACTLY and len(short.as_tuple().digits) <= figures:
        return f"{short:f}"
    decimals = max(figures - 1 - int(digits.floor(digits.log10(abs(value)))), 0)
    return f"{Decimal(str(digits.nstr(value, 40))):.{decimals}f}"
