"""From an architecture to tapes: which stages run, in which order, on which parts of the work space.

The order is the lectures': forward through the layers, the loss, backward, the gradients, the update. A plan knows
offsets and sizes only, so one plan serves every network of an architecture, on any number of threads.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from glassnet.engines.compiled.draft import Draft
from glassnet.engines.compiled.plan_backward import backward, loss
from glassnet.engines.compiled.plan_forward import batch, forward
from glassnet.engines.compiled.plan_gradients import Updates, gradients
from glassnet.engines.compiled.tapes import Tape
from glassnet.formulas.optimizers import Optimizer
from glassnet.network.architecture import Architecture

__all__ = ["Plan", "plan_prediction", "plan_training"]


@dataclass(frozen=True)
class Plan:
    """Tapes by name, and what they need."""

    tapes: dict[str, np.ndarray]
    block: int
    work_bytes: int
    panels: int
    losses: int = 0  # where in the work space the losses lie,
    batch: tuple[int, int] = (0, 0)  # and the batch's inputs and targets, when they are copied there
    scratch: int = 0  # bytes for a panel of the gradient, or three tiles of a row function
    first: tuple[int, int, int] = (0, 0, 0)  # field, offset and step of the first layer's z
    packing: int = 0  # bytes for the tiles of a product

    def tape(self, name: str) -> tuple[int, int]:
        """Address and length of a tape."""
        table = self.tapes[name]
        return table.ctypes.data, len(table)


@lru_cache(maxsize=128)
def plan_prediction(architecture: Architecture, block: int, judged: bool) -> Plan:
    """Outputs, and if `judged` the losses, block by block; every thread works on rows of its own."""
    draft = Draft(architecture, block, training=False, drawn=False)
    if judged:
        batch(draft, ordered=False)
    forward(draft)
    if judged:
        loss(draft)
    z = draft.tensors["z1"]
    tapes, scratch = {"rows": draft.rows.resolve()}, draft.scratch * draft.size
    return Plan(tapes, block, draft.work, 0, scratch=scratch, first=(*z.place, z.step), packing=draft.packing)


@lru_cache(maxsize=128)
def plan_training(
    architecture: Architecture,
    block: int,
    rule: Optimizer | None,
    clip_value: float | None,
    clip_norm: bool,
    ordered: bool,
    apart: bool,
) -> Plan:
    """Steps of training by a rule, or the gradient alone without one (a prediction pass: nothing is drawn).

    `ordered`: the batch's examples are gathered in an order; `apart`: threads take parts of it (`drivers.train`).
    """
    draft = Draft(architecture, block, training=True, drawn=rule is not None)
    rows = _rows(draft, ordered)
    updates = Updates(architecture, rule, clip_value, clip_norm)
    tapes, panels = gradients(draft, updates, apart)
    updates.table[:, 6] = panels
    tables = {name: tape.resolve() for name, tape in {"rows": rows, **tapes}.items()}
    tables["updates"] = updates.table
    if rule is not None:
        carry = Tape()
        carry.add(("carry", rule.name), 0, *[0] * 6, *(float(c) for c in rule.constants.values()))
        tables["carry"] = carry.resolve()
    tensors, scratch = draft.tensors, draft.scratch * draft.size
    examples = (tensors["x"].offset, tensors["y"].offset) if ordered else (0, 0)
    return Plan(tables, block, draft.work, panels, tensors["losses"].offset, examples, scratch, packing=draft.packing)


def _rows(draft: Draft, ordered: bool) -> Tape:
    """The tape of a block's rows: forward and backward, and before them what turns W, which backward reads."""
    batch(draft, ordered)
    forward(draft)
    upward, draft.rows = draft.rows, Tape()
    loss(draft)
    backward(draft)
    rows = draft.turns + upward
    if draft.turns.rows:
        rows.add(("barrier",))
    return rows + draft.rows
