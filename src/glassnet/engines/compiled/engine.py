"""The compiled engine: whole slices of training in one call, on preallocated memory, without the interpreter's lock."""

import ctypes
import os
import struct
import sys
import threading
from typing import Any

import numpy as np

from glassnet.engines.base import Data, Program, Slice, StepLog, TrainState
from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.machine_code import function
from glassnet.engines.compiled.plan import Plan, plan_prediction, plan_training
from glassnet.engines.reference import ReferenceEngine
from glassnet.network.architecture import Architecture, BatchNorm, Dense
from glassnet.network.parameters import parameter_layout
from glassnet.network.passes import penalty, penalty_gradient

__all__ = ["CompiledEngine"]


def _aligned(nbytes: int) -> np.ndarray:
    raw = np.zeros(nbytes + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + nbytes]


def _yield_address() -> int:
    library = ctypes.windll.kernel32 if sys.platform == "win32" else ctypes.CDLL(None)
    name = "SwitchToThread" if sys.platform == "win32" else "sched_yield"
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0


class Training:
    """A training run's memory and tapes; see `engines.base.Training`."""

    def __init__(self, program: Program, state: TrainState, data: Data) -> None:
        self.program, self.state, self.data = program, state, data
        architecture = program.architecture
        self.threads = program.threads or 1
        block = min(program.batch_size, len(data))
        if all(not (isinstance(x, Dense) and x.norm) for x in architecture.layers):
            block = min(block, 256)
        self.plan = plan_training(
            architecture, block, program.optimizer, program.clip_value, program.clip_norm is not None, True
        )
        self.work = _aligned(self.plan.work_bytes)
        self.gradient = np.zeros_like(state.theta)
        self.carried = np.zeros((2, max(1, len(state.carried))))
        self.carry = self.plan.tapes["carry"].copy()
        self.carry[0, 1] = self.carried.ctypes.data
        self.norms = np.zeros(2 * max(1, self.plan.panels))
        self.shared = np.zeros(f.BAD + f.PLACE * self.threads, np.int64)
        self.numbers = np.zeros((self.threads, f.NUMBERS))
        self.frames = np.zeros((self.threads, f.FRAME), np.int64)
        fr = self.frames
        fr[:, f.THREAD] = np.arange(self.threads)
        fr[:, f.THREADS] = self.threads
        fr[:, f.SHARED] = self.shared.ctypes.data
        fr[:, f.YIELD] = _yield_address()
        fr[:, f.THETA] = state.theta.ctypes.data
        fr[:, f.GRADIENT] = self.gradient.ctypes.data
        fr[:, f.SLOTS] = state.slots.ctypes.data
        fr[:, f.SLOT_STEP] = state.theta.size
        fr[:, f.BUFFERS] = state.buffers.ctypes.data
        fr[:, f.WORK] = self.work.ctypes.data
        fr[:, f.X], fr[:, f.Y] = data.X.ctypes.data, data.Y.ctypes.data
        fr[:, f.WEIGHTS] = 0 if data.weights is None else data.weights.ctypes.data
        fr[:, f.NORMS] = self.norms.ctypes.data
        fr[:, f.COEFFICIENTS] = [row.ctypes.data for row in self.numbers]
        fr[:, f.LOSSES] = self.work.ctypes.data + self.plan.losses
        batch = next(row for row in self.plan.tapes["rows"] if row[7] == architecture.inputs and row[1] == f.WORK)
        fr[:, f.INPUT] = self.work.ctypes.data + batch[2]
        fr[:, f.TARGET] = self.work.ctypes.data + batch[4]
        self.op = np.zeros(f.WIDTH + 8, np.int64)
        self.run = function("train", architecture.dtype)

    def advance(self, work: Slice) -> StepLog:
        program, state = self.program, self.state
        steps = len(work.learning_rates)
        losses, norms = np.empty(steps), np.empty(steps)
        rates = np.ascontiguousarray(work.dropout_rates)
        self.carried[0, : len(state.carried)] = state.carried
        clip = struct.unpack("<q", struct.pack("<d", program.clip_norm or 0.0))[0]
        tapes = [*self.plan.tape("rows"), *self.plan.tape("columns"), *self.plan.tape("end")]
        self.op[1:25] = [
            *tapes, self.plan.block, program.architecture.inputs, program.architecture.output.units, steps,
            work.bounds.ctypes.data, work.order.ctypes.data, work.learning_rates.ctypes.data, work.weight_decays.ctypes.data,
            rates.ctypes.data, rates.shape[1], losses.ctypes.data, norms.ctypes.data, self.plan.panels,
            self.carry.ctypes.data, 0, 0, program.architecture.reduction == "mean", clip,
        ]
        self.frames[:, f.STEP] = state.step
        self.shared[:] = 0
        op, frames = self.op.ctypes.data, self.frames.ctypes.data
        helpers = [
            threading.Thread(target=self.run, args=(op, frames + t * 8 * f.FRAME)) for t in range(1, self.threads)
        ]
        for helper in helpers:
            helper.start()
        self.run(op, frames)
        for helper in helpers:
            helper.join()
        done = int(self.shared[f.DONE])
        state.step += done
        state.carried[:] = self.carried[done % 2, : len(state.carried)]
        return StepLog(losses[:done], norms[:done], None if done == steps else "something")
