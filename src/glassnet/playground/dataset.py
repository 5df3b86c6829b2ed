"""What a session learns from and shows: arrays, axes, and the way from a shown point to inputs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

__all__ = ["UNIT_SIDE", "Axis", "Dataset", "Task"]

UNIT_SIDE = 20
"""Points along a side of the small pictures of inputs and units."""

Task = Literal["binary", "classes", "numbers"]


@dataclass(frozen=True)
class Axis:
    """One side of the shown box."""

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class Dataset:
    """Training and test data, and the plane on which they are shown.

    X (n, d), y (n,) class numbers or numbers; shown (n, 2) their coordinates on the page; the same of the test data.
    `inputs_at` turns shown points (m, 2) into inputs (m, d), NaN where a formula is not finite. `line` says that there
    is one input: the second shown coordinate is then the target. `order` (n + m,) are the rows of the source: training,
    then test. `scale` is (mean, spread) of a target that is learned standardized.
    """

    task: Task
    inputs: tuple[str, ...]
    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    shown: np.ndarray
    shown_test: np.ndarray
    axes: tuple[Axis, Axis]
    inputs_at: Callable[[np.ndarray], np.ndarray]
    classes: tuple[str, ...] | None = None
    line: bool = False
    target: str = "y"
    scale: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    order: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    _grids: dict[int, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @property
    def outputs(self) -> int:
        """How many classes there are to tell apart, or 1 for numbers."""
        return len(self.classes) if self.classes else 1

    def grid(self, side: int) -> np.ndarray:
        """Shown points of the box, row by row from the top: (side * side, 2), or (side, 2) on a line."""
        x, y = (np.linspace(axis.low, axis.high, side) for axis in self.axes)
        if self.line:
            return np.column_stack([x, np.zeros(side)])
        across, down = np.meshgrid(x, y[::-1])
        return np.column_stack([across.ravel(), down.ravel()])

    def grid_inputs(self, side: int) -> np.ndarray:
        """Inputs of the grid's points, computed once: every snapshot asks for them."""
        if side not in self._grids:
            self._grids[side] = self.inputs_at(self.grid(side))
        return self._grids[side]

    def grid_shape(self, side: int) -> tuple[int, int]:
        """Rows and columns of such a grid."""
        return (1, side) if self.line else (side, side)

    def pictures(self, columns: np.ndarray, side: int) -> np.ndarray:
        """What was computed at the grid's points, a column each (points, k), as pictures (k, rows, side)."""
        return columns.T.reshape(-1, *self.grid_shape(side))

    def input_pictures(self) -> np.ndarray:
        """Each input over the box, small (d, 20, 20); NaN where a formula is not finite."""
        return self.pictures(self.grid_inputs(UNIT_SIDE), UNIT_SIDE)
