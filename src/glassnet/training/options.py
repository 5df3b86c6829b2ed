"""The options of `Network.fit`, checked and put together as a program and its data."""

from numbers import Real
from typing import Any

import numpy as np

from glassnet.engines.base import Data
from glassnet.errors import InvalidParameterError, nearest
from glassnet.formulas.optimizers import OPTIMIZERS, Optimizer, optimizer
from glassnet.network.architecture import Architecture
from glassnet.tables.splits import train_validation_split
from glassnet.training.metrics import default_metrics
from glassnet.training.solvers import SOLVERS, Solver, solver
from glassnet.training.targets import are_classes, by_class, check_weights, prepare, scaled, targets_as_classes

Validation = float | tuple[Any, ...] | None


def hold_out(
    architecture: Architecture, seed: int, data: Data, spec: Validation, class_weight: dict[int, float] | None
) -> tuple[Data, Data | None]:
    """The examples to train on and those to judge by, as `validation` asks."""
    if isinstance(spec, tuple | list):
        if len(spec) not in (2, 3):
            raise InvalidParameterError("validation must be a share such as 0.2, (X, y) or (X, y, weights)")
        own = prepare(architecture, *spec, suffix=" of validation")
        return data, by_class(architecture, own, class_weight)
    given: Any = 0.0 if spec is None else spec
    fraction = float(given) if isinstance(given, Real) and not isinstance(given, bool) else -1.0
    if not 0 <= fraction < 1:
        raise InvalidParameterError(f"validation must be a share from 0 to below 1, or (X, y), got {spec!r}")
    if fraction == 0:
        return data, None
    stratified = default_metrics(architecture) or are_classes(architecture, data.Y)
    classes = targets_as_classes(data.Y) if stratified else None
    kept, held = train_validation_split(len(data), fraction, classes, seed)
    return _take(architecture, data, kept, "training"), _take(architecture, data, held, "validation")


def _take(architecture: Architecture, data: Data, rows: np.ndarray, part: str) -> Data:
    weights = None if data.weights is None else check_weights(data.weights[rows], f"sample_weight of the {part} share")
    return Data(data.X[rows], data.Y[rows], scaled(architecture, weights))


def checked_seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise InvalidParameterError(f"seed must be a whole number from 0 to 2^63 - 1, got {seed!r}")
    return int(seed)


def whole_number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InvalidParameterError(f"{name} must be a whole number >= 1, got {value!r}")
    return int(value)


def checked_bound(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else 0.0
    if not 0 < number < float("inf"):
        raise InvalidParameterError(f"{name} must be a finite number > 0 or None, got {value!r}")
    return number


def solver_of(rule: Any) -> Solver | None:
    if isinstance(rule, str):
        return solver(rule) if rule.split("(")[0] in SOLVERS else None
    return rule if isinstance(rule, tuple(SOLVERS.values())) else None


def first_order(rule: Any) -> Optimizer:
    names = [*OPTIMIZERS, *SOLVERS]
    if isinstance(rule, str):
        word = rule.split("(")[0]
        if word in SOLVERS:
            raise InvalidParameterError(
                f"'{word}' is a solver, which takes no single steps: it is for fit; use one of {', '.join(OPTIMIZERS)}"
            )
        if word not in OPTIMIZERS:
            raise InvalidParameterError(
                f"unknown optimizer '{rule}'{nearest(word, names)} (known: {', '.join(names)}; solvers are for fit)"
            )
        return optimizer(rule)
    if not isinstance(rule, Optimizer):
        raise InvalidParameterError(f"optimizer must be one of {', '.join(names)}, such as Adam(1e-3), got {rule!r}")
    return rule
