"""Formulas that are not glassnet's own: a file can keep their name, not their code, and so keeps some of their values.

They tell, when the file is read, whether the name still means the same formula.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glassnet.network.architecture import Architecture

__all__ = ["changed", "values_of_own_formulas"]

PROBES = np.array([[-3.17, -0.41, 0.0, 0.37, 2.71]])
OUTPUTS, TARGETS = np.array([[0.3, 0.6]]), np.array([[0.2, 0.7]])
TOLERANCE = 1e-6  # relative: machines round differently, formulas differ by more

Values = Mapping[str, Sequence[float | None]]


def values_of_own_formulas(architecture: Architecture) -> dict[str, list[float | None]]:
    """Values of each formula of the user's own, by "activation swish2" or "loss logcosh"; None where not finite."""
    with np.errstate(all="ignore"):
        found = {f"activation {g}": g.value(PROBES) for g in (layer.g for layer in architecture.dense) if _is_own(g)}
        loss = architecture.objective
        if _is_own(loss):
            constants = tuple(loss.constants.values())
            found[f"loss {loss}"] = loss.function(OUTPUTS, TARGETS, *constants)
    return {name: [float(v) if np.isfinite(v) else None for v in np.ravel(a)] for name, a in sorted(found.items())}


def changed(architecture: Architecture, saved: Values) -> str | None:
    """The first formula of the user's own that gives other values than the saved ones, if any."""
    now = values_of_own_formulas(architecture)
    for name in {**now, **saved}:
        mine, theirs = now.get(name, []), list(saved.get(name, []))
        same = len(mine) == len(theirs) and all(
            (a is None) == (b is None) and (a is None or b is None or abs(a - b) <= TOLERANCE * max(1.0, abs(b)))
            for a, b in zip(mine, theirs, strict=True)
        )
        if not same:
            return name
    return None


def _is_own(record: Any) -> bool:
    return not record.function.__module__.startswith("glassnet.formulas.")
