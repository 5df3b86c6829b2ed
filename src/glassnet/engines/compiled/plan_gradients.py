"""The end of a step in a plan: dW and db, panel by panel, and the update that follows them."""

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.draft import Draft
from glassnet.engines.compiled.packing import DEEP
from glassnet.engines.compiled.tapes import Tape
from glassnet.formulas.optimizers import Optimizer
from glassnet.network.architecture import Architecture
from glassnet.network.parameters import Slice

__all__ = ["Updates", "gradients"]

_PANEL = 4096  # parameters of a panel: few enough to stay in the nearest cache from gradient to update
_ROWS = 12  # and a multiple of so many rows: whole tiles of 6, or of 4


class Updates:
    """The update's instructions: for weights and for the rest, in one pass or, to clip by norm, in two.

    Without a rule there is only the first of the two, which adds the penalties' slope to the gradient.
    """

    def __init__(
        self, architecture: Architecture, rule: Optimizer | None, clip_value: float | None, clip_norm: bool
    ) -> None:
        forms = ("gradient",) if rule is None else ("gradient", "rule") if clip_norm else ("once",)
        tape, self.at_last, self.later = Tape(), "once" in forms, "rule" in forms
        name = rule.name if rule is not None else "sgd"  # any will do: none is applied
        self.first = name, forms[0]
        for form in forms:
            for weights in (True, False):
                l1, l2 = (architecture.l1, architecture.l2) if weights else (0.0, 0.0)
                clip = (1, float(clip_value)) if clip_value is not None else (0, 0.0)
                tape.add(("update", name, form, architecture.dtype), float(l1), float(l2), *clip, weights, 0)
        self.table = tape.resolve()

    def _address(self, row: int) -> int:
        return self.table.ctypes.data + 8 * f.WIDTH * row

    def at_once(self, weights: bool) -> int:
        """Address of the instruction that follows the gradient."""
        return self._address(0 if weights else 1)

    def at_end(self, weights: bool) -> int:
        """Address of the instruction that follows when the norm is known."""
        return self._address(2 if weights else 3)


def gradients(draft: Draft, updates: Updates, apart: bool) -> tuple[dict[str, Tape], int]:
    """The tapes of dW and db, of the update of a gradient that lies ready, and of the end of a step.

    And the number of panels in all. `apart`: parts of the batch are added up before the update.
    """
    columns, middle, end, panels = Tape(), Tape(), Tape(), 0
    here = None if apart else updates
    for name, piece in draft.pieces.items():
        if not draft.learns(name):
            continue
        first, weights, apply = panels, piece.is_weight, ("apply", draft.dtype)
        if weights:
            size, count = _weight_gradient(draft, columns, piece, first, here)
        elif name == f"b{piece.layer}":
            size, count = _bias_gradient(draft, columns, piece, first, here)
        else:  # gamma and beta, whose gradients the rows' pass has left
            size, count = piece.stop - piece.start, 1
            if here:
                columns.add(apply, here.at_once(False), piece.start, piece.stop, size, first, 1)
        panels += count
        if apart:
            middle.add(apply, updates.at_once(weights), piece.start, piece.stop, size, first, 0, 1)
        if updates.later:
            end.add(apply, updates.at_end(weights), piece.start, piece.stop, size, first)
    return {"columns": columns, "middle": middle, "end": end}, panels


def _weight_gradient(draft: Draft, tape: Tape, piece: Slice, first: int, updates: Updates | None) -> tuple[int, int]:
    """dW, and its update unless parts of the batch are to be added up; returns a panel's parameters, and the panels."""
    number, packs, narrow = piece.layer, draft.packs_gradient(piece.layer), draft.narrow(piece.layer)
    below, delta = draft.tensors[f"top{number - 1}"], draft.tensors[f"delta{number}"]
    left, right = (delta, below) if narrow else (below, delta)
    chunk = draft.chunk(delta.columns)
    wide = chunk or right.columns
    whole = DEEP if packs else _ROWS // 2 if narrow else _ROWS
    height = _height(wide, left.columns, whole)
    # where the batch has parts, each thread makes the whole gradient of its part
    tall = height if updates else _height(wide, left.columns + whole, whole, 1)
    tape.add(
        draft.multiply("weight_gradient", number, *(updates.first if updates else ())),
        *(draft.turned, *left.place, *right.place, piece.start, left.columns, right.columns),
        *(left.step, right.step, tall, chunk, first),
        *((updates.at_once(True), updates.at_last) if updates else (0, False)),
        number,
    )
    size = height * right.columns
    draft.scratch = max(draft.scratch, size, 2 * height * wide)  # two panels where one waits for its update
    return size, -(-left.columns // height) * -(-right.columns // wide)


def _bias_gradient(draft: Draft, tape: Tape, piece: Slice, first: int, updates: Updates | None) -> tuple[int, int]:
    """db, as `_weight_gradient`."""
    number, delta = piece.layer, draft.tensors[f"delta{piece.layer}"]
    size, chunk = delta.columns, draft.chunk(delta.columns)
    tape.add(
        ("bias_gradient", draft.dtype),
        *(*delta.place, piece.start, size, delta.step, chunk, first, updates.at_once(False) if updates else 0, number),
    )
    return size, -(-size // chunk) if chunk else 1


def _height(columns: int, rows: int, whole: int, panels: int = 4) -> int:
    """Rows of a panel: about _PANEL parameters, but so many panels, that threads can share them, and whole tiles."""
    return max(whole, min(_PANEL // columns, -(-rows // panels)) // whole * whole)
