"""Outputs of rows, and their losses, by machine code: memory and tape of one thread."""

import ctypes
from typing import Any

import numpy as np

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.machine_code import function
from glassnet.engines.compiled.memory import address, aligned, bits
from glassnet.engines.compiled.plan import plan_prediction
from glassnet.network.architecture import Architecture

__all__ = ["Arrays", "Sweep"]


class Arrays:
    """What a sweep reads and writes, with the addresses."""

    def __init__(
        self,
        theta: np.ndarray,
        buffers: np.ndarray,
        X: np.ndarray,
        Y: np.ndarray | None,
        weights: np.ndarray | None,
        outputs: np.ndarray,
        losses: np.ndarray | None,
        scale: float,
    ) -> None:
        self.X, self.losses = X, losses
        self.theta, self.buffers, self.inputs, self.outputs = (address(a) for a in (theta, buffers, X, outputs))
        self.judged = None
        if Y is not None and losses is not None:
            weighed = 0 if weights is None else address(weights)
            self.judged = address(Y), weighed, address(losses), bits(scale)


class Sweep:
    """Memory and tape for the outputs of rows by one thread."""

    def __init__(self, architecture: Architecture, block: int, judged: bool) -> None:
        self.plan = plan_prediction(architecture, block, judged)
        self.work = aligned(self.plan.work_bytes)
        self.frame, self.op = (ctypes.c_int64 * f.FRAME)(), (ctypes.c_int64 * f.WIDTH)()
        self.shared = (ctypes.c_int64 * (f.BAD + f.PLACE))()
        self.held: tuple[np.ndarray | None, np.ndarray | None] = None, None  # whose addresses the frame has
        self.inputs, self.outputs = architecture.inputs, architecture.output.units
        self.row_work = 2.0 * architecture.parameter_count
        self.size = 4 if architecture.dtype == "float32" else 8
        fr = self.frame
        self.scratch = aligned(self.plan.packing + self.plan.scratch)
        fr[f.THREADS], fr[f.WORK], fr[f.EDGE] = 1, address(self.work), address(self.scratch)
        fr[f.SCRATCH] = fr[f.EDGE] + self.plan.packing
        fr[f.SHARED] = ctypes.addressof(self.shared)
        self.op[1], self.op[2] = self.plan.tape("rows")
        self.op[3], self.op[4], self.op[5] = block, self.inputs, self.outputs
        self.op[8], self.op[9], self.op[10] = self.plan.first
        self.function = function("predict", architecture.dtype)
        self.addresses = ctypes.addressof(self.op), ctypes.addressof(fr)

    def call(self, arrays: Arrays, first: int, last: int) -> tuple[Any, int, int]:
        """The call that computes rows first to last."""
        fr, op, width = self.frame, self.op, self.outputs * self.size
        self.held = None, None
        fr[f.THETA], fr[f.BUFFERS] = arrays.theta, arrays.buffers
        fr[f.X], fr[f.COUNT] = arrays.inputs + first * self.inputs * self.size, last - first
        op[6] = arrays.outputs + first * width
        if arrays.judged is not None:
            targets, weights, losses, fr[f.SCALE] = arrays.judged
            fr[f.Y], op[7] = targets + first * width, losses + first * 8
            fr[f.WEIGHTS] = weights + first * 8 if weights else 0
        return self.function, *self.addresses

    def spoilt(self) -> bool:
        """Whether a first z was not finite since it was asked last: then inputs may not be."""
        met, self.shared[f.BAD] = self.shared[f.BAD] != 0, 0
        return met

    def run(self, arrays: Arrays, first: int, last: int) -> None:
        """Compute rows first to last, here."""
        self.call(arrays, first, last)
        self.function(*self.addresses)
