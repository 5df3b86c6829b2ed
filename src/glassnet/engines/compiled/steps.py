"""Steps of training, and gradients, by machine code: memory and tapes, kept from slice to slice."""

from collections.abc import Callable
from dataclasses import dataclass
from weakref import ref

import numpy as np

from glassnet.engines.base import Data, Program, Slice
from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled import program as p
from glassnet.engines.compiled.division import Division
from glassnet.engines.compiled.machine_code import function
from glassnet.engines.compiled.memory import LINE, address, aligned, bits
from glassnet.engines.compiled.order import Mirror
from glassnet.engines.compiled.plan import plan_training
from glassnet.engines.compiled.threads import CALL, SPEED, borrowed, run_on, yield_address
from glassnet.formulas.optimizers import Optimizer
from glassnet.network.architecture import Architecture
from glassnet.network.parameters import buffer_layout

__all__ = ["Gradient", "Training"]

_SHARED_CALL = 1e7  # operations of all steps of a call that pay for starting a second thread


class Training:
    """Memory and tapes for steps of training, or for a gradient."""

    def __init__(
        self,
        architecture: Architecture,
        rule: Optimizer | None,
        clip_value: float | None,
        clip_norm: float | None,
        division: Division,
        batch: int,
        ordered: bool,
        threads: int | None = None,
    ) -> None:
        clipped = clip_norm is not None
        self.parts, self.pays = division.parts, division.pays
        plan = plan_training(architecture, division.block, rule, clip_value, clipped, ordered, self.parts > 0)
        self.architecture, self.plan, self.clip_norm, self.wanted = architecture, plan, clip_norm, threads
        self.step_work, self.ordered = 6.0 * batch * architecture.parameter_count, ordered
        count, self.size = architecture.parameter_count, 4 if architecture.dtype == "float32" else 8
        self.slot_step = -(-count * self.size // LINE) * LINE // self.size
        slots = len(rule.slots) if rule is not None else 0
        numbers = aligned((2 + slots + self.parts) * self.slot_step * self.size).view(architecture.dtype)
        rows = numbers.reshape(-1, self.slot_step)[:, :count]
        self.gradient, self.theta, self.slots, self.part_gradients = (
            rows[0],
            rows[1],
            rows[2 : 2 + slots],
            rows[2 + slots :],
        )
        self.works: list[np.ndarray] = []  # one for all threads, or one for each
        self.scratches: list[np.ndarray] = []  # one for each thread
        self.crews: dict[int, _Crew] = {}  # by the number of threads
        self.part_losses = np.zeros(max(1, self.parts))
        self.buffers = np.zeros(buffer_layout(architecture).size, architecture.dtype)
        self.carried = np.zeros((2, len(rule.carried) if rule is not None else 0))
        self.norms = np.zeros(3 * max(1, plan.panels))  # squares, squares after clipping by value, penalties
        self.function = function("train", architecture.dtype)
        self.carry = plan.tapes["carry"].copy() if rule is not None else None
        self.op = self._operands()
        self.held = lambda: None

    @classmethod
    def of(cls, program: Program, n: int, ordered: bool) -> "Training":
        """For a run on n examples, in an order or as they lie."""
        architecture, batch = program.architecture, min(program.batch_size, n)
        whole = any(layer.norm is not None for layer in architecture.dense)
        division, clips = Division.of(architecture, batch, whole=whole), (program.clip_value, program.clip_norm)
        return cls(architecture, program.optimizer, *clips, division, batch, ordered, program.threads)

    def _operands(self) -> np.ndarray:
        """Operands of `train` that are the same in every call."""
        op, plan, architecture = np.zeros(p.PROGRAM, np.int64), self.plan, self.architecture
        tapes = {p.ROWS_TAPE: "rows", p.COLUMNS_TAPE: "columns", p.MIDDLE_TAPE: "middle", p.END_TAPE: "end"}
        for field, name in tapes.items():
            op[field : field + 2] = plan.tape(name)
        op[p.BLOCK], op[p.INPUTS], op[p.TARGETS] = plan.block, architecture.inputs, architecture.output.units
        op[p.MEAN], op[p.PARTS] = architecture.reduction == "mean", self.parts
        op[p.PART_GRADIENTS], op[p.PART_LOSSES] = address(self.part_gradients), address(self.part_losses)
        op[p.PANELS], op[p.CLIP_NORM] = plan.panels, bits(self.clip_norm or 0.0)
        op[p.AVERAGE_PENALTY] = architecture.average_penalty
        if self.carry is not None:
            self.carry[0, 1] = address(self.carried)
            op[p.CARRY] = address(self.carry)
        return op

    def hold(self, data: Data, seed: int) -> None:
        """Write where everything lies into a frame that each thread's is copied from."""
        if self.held() is data:
            return
        fr = self.frame = np.zeros(f.FRAME, np.int64)
        self.held: Callable[[], Data | None] = ref(data)  # what some of the addresses below point to
        self.crews.clear()
        fr[f.YIELD] = yield_address()
        fr[f.THETA], fr[f.GRADIENT] = address(self.theta), address(self.gradient)
        fr[f.SLOTS], fr[f.SLOT_STEP] = address(self.slots), self.slot_step
        fr[f.BUFFERS] = address(self.buffers)
        fr[f.X], fr[f.Y], fr[f.SEED] = address(data.X), address(data.Y), seed
        fr[f.WEIGHTS] = 0 if data.weights is None else address(data.weights)
        fr[f.NORMS] = address(self.norms)

    def steps(self, work: Slice, step: int) -> tuple[np.ndarray, int]:
        """Take the steps of a slice: (losses, norms, penalties), and how many were finite.

        A step that was not has spoilt the arrays.
        """
        steps = len(work.bounds) - 1
        numbers = np.zeros((3, steps))
        op, found = self.op.copy(), address(numbers)
        op[p.STEPS], op[p.BOUNDS] = steps, address(work.bounds)
        op[p.ORDER] = 0 if work.order is None else address(work.order)
        op[p.LEARNING_RATES], op[p.WEIGHT_DECAYS] = address(work.learning_rates), address(work.weight_decays)
        op[p.DROPOUT_RATES], op[p.DROPOUTS] = address(work.dropout_rates), work.dropout_rates.shape[1]
        op[p.LOSSES], op[p.STEP_NORMS], op[p.PENALTIES] = found, found + 8 * steps, found + 16 * steps
        pays = self.pays and steps * self.step_work >= _SHARED_CALL
        wanted = self.wanted if pays or self.wanted is not None else 1
        with borrowed(wanted) as threads:
            crew = self.crews[threads] if threads in self.crews else self._crew(threads)
            crew.shared[:] = 0
            crew.frames[:] = crew.fresh  # machine code writes into them
            crew.frames[:, f.STEP] = step
            calls = [(self.function, address(op), frame) for frame in crew.addresses]
            run_on(calls, crew.shared, watched=steps * self.step_work > 3 * CALL * SPEED * threads)
            return numbers, int(crew.shared[f.DONE])

    def _crew(self, threads: int) -> "_Crew":
        """So many threads' frames, made once for the data that is held."""
        plan, shared, numbers = self.plan, np.zeros(f.BAD + f.PLACE * threads, np.int64), np.zeros((threads, f.NUMBERS))
        frames = aligned(threads * f.FRAME * 8).view(np.int64).reshape(threads, f.FRAME)
        frames[:] = self.frame
        frames[:, f.THREAD], frames[:, f.THREADS] = np.arange(threads), threads
        frames[:, f.SHARED] = address(shared)
        frames[:, f.COEFFICIENTS] = [address(row) for row in numbers]
        while len(self.works) < (threads if self.parts else 1):
            self.works.append(aligned(plan.work_bytes))
        work = [address(self.works[t if self.parts else 0]) for t in range(threads)]
        frames[:, f.WORK] = work
        for field, offset in ((f.LOSSES, plan.losses), (f.INPUT, plan.batch[0]), (f.TARGET, plan.batch[1])):
            frames[:, field] = [start + offset for start in work]
        while len(self.scratches) < threads:
            self.scratches.append(aligned(plan.packing + plan.scratch))
        frames[:, f.EDGE] = [address(panel) for panel in self.scratches[:threads]]
        frames[:, f.SCRATCH] = frames[:, f.EDGE] + plan.packing
        crew = self.crews[threads] = _Crew(shared, numbers, frames.copy(), frames, [address(row) for row in frames])
        return crew


@dataclass(frozen=True)
class _Crew:
    """What threads share, their numbers of a step, and their frames: as they begin, in use, and where those lie."""

    shared: np.ndarray
    numbers: np.ndarray
    fresh: np.ndarray
    frames: np.ndarray
    addresses: list[int]


class Gradient:
    """Memory for the objective on a number of examples, and its gradient."""

    def __init__(self, architecture: Architecture, n: int) -> None:
        division = Division.of(architecture, n, whole=False)  # running statistics: no batch need stay whole
        self.training = Training(architecture, None, None, None, division, n, False)
        theta, gradient = np.empty((2, architecture.parameter_count), architecture.dtype)
        self.theta = Mirror(architecture, theta, self.training.theta)
        self.gradient = Mirror(architecture, gradient, self.training.gradient)
        no_rates = np.zeros(1)
        self.work = Slice(None, np.array([0, n]), no_rates, no_rates, np.zeros((1, 0)))

    def at(self, theta: np.ndarray, buffers: np.ndarray, data: Data, threads: int | None) -> tuple[float, np.ndarray]:
        """See `Engine.loss_and_gradient`."""
        training = self.training
        training.hold(data, 0)
        training.wanted = threads
        self.theta.theirs[:] = theta
        self.theta.take()
        training.buffers[:] = buffers
        ((loss,), _, (penalties,)), _ = training.steps(self.work, 0)
        self.gradient.give()
        return float(loss + penalties), self.gradient.theirs.copy()
