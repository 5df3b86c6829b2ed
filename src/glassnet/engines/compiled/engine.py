"""The compiled engine: whole slices of training in one call, on preallocated memory, without the interpreter's lock."""

import ctypes
import struct
from typing import Any

import numpy as np

from glassnet.engines.base import Data, Program, Slice, StepLog, TrainState, check_finite
from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled import program as p
from glassnet.engines.compiled.machine_code import function, unavailable
from glassnet.engines.compiled.plan import Order, plan_prediction, plan_training
from glassnet.engines.compiled.threads import borrowed, run_on, yield_address
from glassnet.engines.reference import ReferenceEngine
from glassnet.formulas.optimizers import Optimizer
from glassnet.formulas.penalties import penalty_value
from glassnet.network.architecture import Architecture
from glassnet.network.parameters import buffer_layout, parameter_layout
from glassnet.network.passes import penalty, penalty_gradient

__all__ = ["CompiledEngine"]

_BLOCK = 256  # rows of a block in training, unless a batch must stay whole
_PARTS, _PART_PARAMETERS = 8, 1 << 16  # parts of a batch of many blocks, for networks of at most so many parameters
_ROWS = (1, 16, 128)  # rows of a block in prediction: the smallest that will do
_SPEED = 5e10  # floating-point operations a second of one thread, roughly: for decisions, never for results
_SHARED_STEP = 3e6  # operations of a step above which a second thread pays
_SHARED_ROWS = 1e7  # and of a prediction
_GRADIENTS = 4  # networks and numbers of examples for whose gradients memory is kept
_LINE = 64  # bytes of a cache line: arrays begin at one
_CALL = 0.1  # seconds of one call, roughly: what Ctrl-C waits for


class CompiledEngine:
    """Machine code for this processor; takes every network whose formulas are glassnet's own."""

    name = "compiled"

    def __init__(self) -> None:
        self._sweeps: dict[tuple[int, int, bool], tuple[Architecture, list[_Sweep]]] = {}
        self._gradients: dict[tuple[int, int], tuple[Architecture, list[Training]]] = {}

    def __reduce__(self) -> tuple[type["CompiledEngine"], tuple[()]]:
        return CompiledEngine, ()  # memory and addresses stay here

    def refuses(self, architecture: Architecture, optimizer: Optimizer | None = None) -> list[str]:
        """Formulas that are not glassnet's own: the cache of machine code does not know when they change."""
        reasons = [] if (reason := unavailable()) is None else [reason]
        own = "glassnet.formulas."
        foreign = [g for layer in architecture.dense if not (g := layer.g).function.__module__.startswith(own)]
        reasons += [f"activation '{g.name}' is not one of glassnet's own" for g in foreign]
        if not architecture.objective.function.__module__.startswith(own):
            reasons.append(f"loss '{architecture.objective.name}' is not one of glassnet's own")
        if optimizer is not None and not type(optimizer).__module__.startswith(own):
            reasons.append(f"optimizer {type(optimizer).__name__} is not one of glassnet's own")
        return reasons

    # --- without training -----------------------------------------------------------------------------------------

    def predict(self, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, X: np.ndarray) -> np.ndarray:
        """See `Engine.predict`."""
        n = len(X)
        if n > _ROWS[-1]:
            return self._sweep(architecture, theta, buffers, X, None, None, None)
        # a few rows: the same, by the shortest way
        sweep, ready = self._take(architecture, 1 if n == 1 else _block(n), False)
        outputs = np.empty((n, sweep.outputs), theta.dtype)
        frame = sweep.frame
        if sweep.held[0] is not theta or sweep.held[1] is not buffers:
            sweep.held = theta, buffers
            frame[f.THETA], frame[f.BUFFERS] = _address(theta), _address(buffers)
        frame[f.X], frame[f.COUNT], sweep.op[6] = _address(X), n, _address(outputs)
        sweep.function(*sweep.addresses)
        spoilt = sweep.spoilt()
        ready.append(sweep)
        if spoilt:
            check_finite(X, "X")
        return outputs

    def evaluate(
        self, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, data: Data
    ) -> tuple[float, np.ndarray]:
        """See `Engine.evaluate`."""
        losses = np.empty(len(data))
        outputs = self._sweep(architecture, theta, buffers, data.X, data.Y, data.weights, losses)
        return float(losses.sum()), outputs

    def _sweep(
        self,
        architecture: Architecture,
        theta: np.ndarray,
        buffers: np.ndarray,
        X: np.ndarray,
        Y: np.ndarray | None,
        weights: np.ndarray | None,
        losses: np.ndarray | None,
    ) -> np.ndarray:
        """Outputs of all rows, and losses with the targets Y; each thread takes rows of its own."""
        n = len(X)
        block = _block(n)
        sweep, ready = self._take(architecture, block, losses is not None)
        outputs = np.empty((n, sweep.outputs), theta.dtype)
        scale = 1.0 / n if architecture.reduction == "mean" and n else 1.0
        arrays = _Arrays(theta, buffers, X, Y, weights, outputs, losses, scale)
        if n * sweep.row_work < _SHARED_ROWS or n < 2 * block:
            sweep.run(arrays, 0, n)
            spoilt = sweep.spoilt()
        else:
            spoilt = self._share(architecture, block, sweep, arrays)
        ready.append(sweep)
        if spoilt:
            check_finite(X, "X")
        return outputs

    def _share(self, architecture: Architecture, block: int, first: "_Sweep", arrays: "_Arrays") -> bool:
        """Many rows: in rounds of about 0.1 s, each shared by as many threads as may be had; whether any was spoilt."""
        n, judged = len(arrays.X), arrays.losses is not None
        with borrowed(None) as threads:
            others = [self._take(architecture, block, judged) for _ in range(threads - 1)]
            sweeps = [first, *(sweep for sweep, _ in others)]
            most = max(1, int(_CALL * _SPEED / first.row_work) // block) * threads
            blocks = -(-n // block)
            for start in range(0, blocks, most):
                some = min(most, blocks - start)
                ends = [min((start + some * t // threads) * block, n) for t in range(threads + 1)]
                shares = zip(sweeps, ends[:-1], ends[1:], strict=True)
                run_on([sweep.call(arrays, low, high) for sweep, low, high in shares if low < high])
            spoilt = [sweep.spoilt() for sweep in sweeps]
            for sweep, ready in others:
                ready.append(sweep)
            return any(spoilt)

    def _take(self, architecture: Architecture, block: int, judged: bool) -> tuple["_Sweep", list["_Sweep"]]:
        """Memory for a sweep, one that lies ready or a new one, and the list to put it back on.

        A network's architecture is known by its identity: comparing it would take longer than predicting a row.
        """
        key = (id(architecture), block, judged)
        kept = self._sweeps.get(key)
        if kept is None:
            if len(self._sweeps) > 64:
                self._sweeps.clear()
            kept = self._sweeps.setdefault(key, (architecture, []))
        try:
            return kept[1].pop(), kept[1]
        except IndexError:
            return _Sweep(architecture, block, judged), kept[1]

    def loss_and_gradient(
        self, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, data: Data
    ) -> tuple[float, np.ndarray]:
        """See `Engine.loss_and_gradient`."""
        training, ready = self._gradient_memory(architecture, len(data))
        training.hold(data, 0)
        training.order.copy(theta, training.theta, back=False)
        training.buffers[:] = buffers
        bounds, no_rates = np.array([0, len(data)]), np.zeros((1, 0))
        (losses, *_), _ = training.steps(bounds, None, np.zeros(1), np.zeros(1), no_rates, 0)
        views = parameter_layout(architecture).views(theta)
        gradient = np.empty_like(theta)
        training.order.copy(gradient, training.gradient, back=True)
        training.data = None  # what lies ready keeps no one's data
        ready.append(training)
        penalty_gradient(architecture, views, gradient, len(data))
        return float(losses[0]) + penalty(architecture, views, len(data)), gradient

    def _gradient_memory(self, architecture: Architecture, n: int) -> tuple["Training", list["Training"]]:
        """Memory for the gradient of n examples, and the list to put it back on; the last few are kept."""
        key = (id(architecture), n)  # as for `_take`
        kept = self._gradients.get(key)
        if kept is None:
            if len(self._gradients) >= _GRADIENTS:
                self._gradients.clear()
            kept = self._gradients.setdefault(key, (architecture, []))
        try:
            return kept[1].pop(), kept[1]
        except IndexError:
            return Training(architecture, None, None, None, min(n, _BLOCK), n, False), kept[1]

    # --- training -------------------------------------------------------------------------------------------------

    def begin(self, program: Program, state: TrainState, data: Data) -> "_Run":
        """See `Engine.begin`."""
        return _Run(program, state, data)


class _Arrays:
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
        self.theta, self.buffers, self.inputs, self.outputs = (_address(a) for a in (theta, buffers, X, outputs))
        self.judged = None
        if Y is not None and losses is not None:
            weighed = 0 if weights is None else _address(weights)
            self.judged = _address(Y), weighed, _address(losses), _bits(scale)


class _Sweep:
    """Memory and tape for the outputs of rows by one thread."""

    def __init__(self, architecture: Architecture, block: int, judged: bool) -> None:
        self.plan = plan_prediction(architecture, block, judged)
        self.work = _aligned(self.plan.work_bytes)
        self.frame, self.op = (ctypes.c_int64 * f.FRAME)(), (ctypes.c_int64 * f.WIDTH)()
        self.shared = (ctypes.c_int64 * (f.BAD + f.PLACE))()
        self.held: tuple[np.ndarray | None, np.ndarray | None] = None, None  # whose addresses the frame has
        self.inputs, self.outputs = architecture.inputs, architecture.output.units
        self.row_work = 2.0 * architecture.parameter_count
        self.size = 4 if architecture.dtype == "float32" else 8
        fr = self.frame
        self.scratch = _aligned(self.plan.scratch)
        fr[f.THREADS], fr[f.WORK], fr[f.SCRATCH] = 1, _address(self.work), _address(self.scratch)
        fr[f.SHARED] = ctypes.addressof(self.shared)
        self.op[1], self.op[2] = self.plan.tape("rows")
        self.op[3], self.op[4], self.op[5], self.op[8] = block, self.inputs, self.outputs, not judged
        self.function = function("predict", architecture.dtype)
        self.addresses = ctypes.addressof(self.op), ctypes.addressof(fr)

    def call(self, arrays: _Arrays, first: int, last: int) -> tuple[Any, int, int]:
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
        """Whether it met inputs that are not finite since it was asked last."""
        met, self.shared[f.BAD] = self.shared[f.BAD] != 0, 0
        return met

    def run(self, arrays: _Arrays, first: int, last: int) -> None:
        """Compute rows first to last, here."""
        self.call(arrays, first, last)
        self.function(*self.addresses)


class Training:
    """Memory and tapes for steps of training, or for a gradient."""

    def __init__(
        self,
        architecture: Architecture,
        rule: Optimizer | None,
        clip_value: float | None,
        clip_norm: float | None,
        block: int,
        batch: int,
        ordered: bool,
        threads: int | None = None,
    ) -> None:
        few = architecture.parameter_count <= _PART_PARAMETERS
        self.parts = min(_PARTS, -(-batch // block)) if batch > block and few else 0
        clipped = clip_norm is not None
        plan = plan_training(architecture, block, rule, clip_value, clipped, ordered, self.parts > 0)
        self.architecture, self.plan, self.clip_norm, self.wanted = architecture, plan, clip_norm, threads
        self.step_work, self.ordered = 6.0 * batch * architecture.parameter_count, ordered
        count, self.size = architecture.parameter_count, 4 if architecture.dtype == "float32" else 8
        self.slot_step = -(-count * self.size // _LINE) * _LINE // self.size
        slots = len(rule.slots) if rule is not None else 0
        numbers = _aligned((2 + slots + self.parts) * self.slot_step * self.size).view(architecture.dtype)
        rows = numbers.reshape(-1, self.slot_step)[:, :count]
        self.theta, self.gradient, self.slots, self.part_gradients = (
            rows[0],
            rows[1],
            rows[2 : 2 + slots],
            rows[2 + slots :],
        )
        self.works: list[np.ndarray] = []  # one for all threads, or one for each
        self.scratches: list[np.ndarray] = []  # one for each thread
        self.part_losses = np.zeros(max(1, self.parts))
        self.order = Order.of(architecture)
        self.buffers = np.zeros(buffer_layout(architecture).size, architecture.dtype)
        self.carried = np.zeros((2, len(rule.carried) if rule is not None else 0))
        self.norms = np.zeros(3 * max(1, plan.panels))  # squares, squares after clipping by value, penalties
        self.function = function("train", architecture.dtype)
        self.carry = plan.tapes["carry"].copy() if rule is not None else None
        self.op = self._operands()

    def _operands(self) -> np.ndarray:
        """Operands of `train` that are the same in every call."""
        op, plan, architecture = np.zeros(p.PROGRAM, np.int64), self.plan, self.architecture
        tapes = {p.ROWS_TAPE: "rows", p.COLUMNS_TAPE: "columns", p.MIDDLE_TAPE: "middle", p.END_TAPE: "end"}
        for field, name in tapes.items():
            op[field : field + 2] = plan.tape(name)
        op[p.BLOCK], op[p.INPUTS], op[p.TARGETS] = plan.block, architecture.inputs, architecture.output.units
        op[p.MEAN], op[p.PARTS] = architecture.reduction == "mean", self.parts
        op[p.PART_GRADIENTS], op[p.PART_LOSSES] = _address(self.part_gradients), _address(self.part_losses)
        op[p.PARAMETERS], op[p.PANELS], op[p.CLIP_NORM] = self.theta.size, plan.panels, _bits(self.clip_norm or 0.0)
        op[p.AVERAGE_PENALTY] = architecture.average_penalty
        if self.carry is not None:
            self.carry[0, 1] = _address(self.carried)
            op[p.CARRY] = _address(self.carry)
        return op

    def hold(self, data: Data, seed: int) -> None:
        """Write where everything lies into a frame that each thread's is copied from."""
        fr = self.frame = np.zeros(f.FRAME, np.int64)
        self.data: Data | None = data  # what some of the addresses below point to
        fr[f.YIELD] = yield_address()
        fr[f.THETA], fr[f.GRADIENT] = _address(self.theta), _address(self.gradient)
        fr[f.SLOTS], fr[f.SLOT_STEP] = _address(self.slots), self.slot_step
        fr[f.BUFFERS] = _address(self.buffers)
        fr[f.X], fr[f.Y], fr[f.SEED] = _address(data.X), _address(data.Y), seed
        fr[f.WEIGHTS] = 0 if data.weights is None else _address(data.weights)
        fr[f.NORMS] = _address(self.norms)

    def steps(
        self,
        bounds: np.ndarray,
        order: np.ndarray | None,
        learning_rates: np.ndarray,
        weight_decays: np.ndarray,
        dropout_rates: np.ndarray,
        step: int,
    ) -> tuple[np.ndarray, int]:
        """Take these steps: (losses, norms, penalties), and how many were finite.

        A step that was not has spoilt the arrays.
        """
        steps, plan = len(bounds) - 1, self.plan
        numbers_of_steps = np.zeros((3, steps))
        losses, norms, penalties = numbers_of_steps
        op = self.op.copy()
        op[p.STEPS], op[p.BOUNDS], op[p.ORDER] = steps, _address(bounds), 0 if order is None else _address(order)
        op[p.LEARNING_RATES], op[p.WEIGHT_DECAYS] = _address(learning_rates), _address(weight_decays)
        op[p.DROPOUT_RATES], op[p.DROPOUTS] = _address(dropout_rates), dropout_rates.shape[1]
        op[p.LOSSES], op[p.STEP_NORMS], op[p.PENALTIES] = _address(losses), _address(norms), _address(penalties)
        wanted = self.wanted if self.step_work >= _SHARED_STEP or self.wanted is not None else 1
        with borrowed(wanted) as threads:
            shared = np.zeros(f.BAD + f.PLACE * threads, np.int64)
            numbers = np.zeros((threads, f.NUMBERS))
            frames = np.repeat(self.frame[None], threads, axis=0)
            frames[:, f.THREAD], frames[:, f.THREADS] = np.arange(threads), threads
            frames[:, f.SHARED], frames[:, f.STEP] = _address(shared), step
            frames[:, f.COEFFICIENTS] = [_address(row) for row in numbers]
            while len(self.works) < (threads if self.parts else 1):
                self.works.append(_aligned(plan.work_bytes))
            work = [_address(self.works[t if self.parts else 0]) for t in range(threads)]
            frames[:, f.WORK] = work
            for field, offset in ((f.LOSSES, plan.losses), (f.INPUT, plan.batch[0]), (f.TARGET, plan.batch[1])):
                frames[:, field] = [start + offset for start in work]
            while len(self.scratches) < threads:
                self.scratches.append(_aligned(plan.scratch))
            frames[:, f.SCRATCH] = [_address(panel) for panel in self.scratches[:threads]]
            calls = [(self.function, _address(op), _address(row)) for row in frames]
            run_on(calls, shared, watched=steps * self.step_work > 3 * _CALL * _SPEED * threads)
            return numbers_of_steps, int(shared[f.DONE])


class _Run:
    """A training run; see `engines.base.Training`."""

    def __init__(self, program: Program, state: TrainState, data: Data) -> None:
        self.program, self.state, self.data = program, state, data
        self._trainings: dict[bool, Training] = {}

    def _training(self, ordered: bool) -> Training:
        """Memory and tapes, for examples in an order or as they lie."""
        if ordered not in self._trainings:
            self._trainings[ordered] = self._made(ordered)
        return self._trainings[ordered]

    def _made(self, ordered: bool) -> Training:
        program, data = self.program, self.data
        architecture, batch = program.architecture, min(program.batch_size, len(data))
        whole = any(layer.norm is not None for layer in architecture.dense)
        training = Training(
            architecture,
            program.optimizer,
            program.clip_value,
            program.clip_norm,
            batch if whole else min(batch, _BLOCK),
            batch,
            ordered,
            program.threads,
        )
        training.hold(data, program.seed)
        return training

    def advance(self, work: Slice) -> StepLog:
        """See `engines.base.Training`."""
        state, steps = self.state, len(work.learning_rates)
        numbers = np.empty((3, steps))  # losses, gradient norms, penalties
        done, bad = 0, None
        while done < steps and bad is None:
            some = self._try(work, done, steps, numbers)
            if done + some < steps:  # the next step is not finite: come here again, and let the reference see
                self._try(work, done, done + some, numbers)
                log = ReferenceEngine().begin(self.program, state, self.data).advance(_part(work, done + some, 1))
                bad, theirs = log.bad, (log.losses, log.gradient_norms, log.penalties)
                numbers[:, done + some : done + some + len(log.losses)] = theirs
                some += len(log.losses)
            done += some
        losses, norms, penalties = numbers[:, :done]
        return StepLog(losses, norms, penalties, bad)

    def _try(self, work: Slice, first: int, last: int, numbers: np.ndarray) -> int:
        """Steps first to last of a slice, on copies; returns how many were finite. If all were, the state is theirs."""
        if first == last:
            return 0
        state, training, part = self.state, self._training(work.order is not None), _part(work, first, last - first)
        training.order.copy(state.theta, training.theta, back=False)
        training.order.copy(state.slots, training.slots, back=False)
        training.buffers[:], training.carried[0] = state.buffers, state.carried
        found, some = training.steps(
            part.bounds, part.order, part.learning_rates, part.weight_decays, part.dropout_rates, state.step
        )
        if some == last - first:
            numbers[:, first:last] = found
            numbers[2, first:last] += self._frozen_penalties(np.diff(part.bounds))
            state.step += some
            training.order.copy(state.theta, training.theta, back=True)
            training.order.copy(state.slots, training.slots, back=True)
            state.buffers[:], state.carried[:] = training.buffers, training.carried[some % 2]
        return some

    def _frozen_penalties(self, examples: np.ndarray) -> np.ndarray | float:
        """What weights that no update sees add to the penalties of steps over so many examples."""
        architecture, total = self.program.architecture, 0.0
        for piece in parameter_layout(architecture).slices if architecture.frozen else ():
            if piece.is_weight and piece.name in architecture.frozen:
                W = self.state.theta[piece.start : piece.stop].astype(np.float64)
                total += float(penalty_value(W, architecture.l1, architecture.l2).sum())
        return total / examples if architecture.average_penalty else total


def _part(work: Slice, first: int, steps: int) -> Slice:
    """Some steps of a slice, in the form machine code reads."""
    last = first + steps
    bounds = np.ascontiguousarray(work.bounds[first : last + 1], np.int64)
    return Slice(
        None if work.order is None else np.ascontiguousarray(work.order, np.int64),
        bounds,
        *(
            np.ascontiguousarray(values[first:last], np.float64)
            for values in (work.learning_rates, work.weight_decays, work.dropout_rates)
        ),
    )


def _block(n: int) -> int:
    """Rows of a block for a prediction of so many."""
    return next((rows for rows in _ROWS if n <= rows), _ROWS[-1])


def _address(array: np.ndarray) -> int:
    if not array.size:
        return 0
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, BufferError):  # read-only or with gaps: the slow way, 1 us
        return array.__array_interface__["data"][0]


def _bits(x: float) -> int:
    return struct.unpack("<q", struct.pack("<d", x))[0]


def _aligned(count: int) -> np.ndarray:
    """Zeroed bytes that begin at a cache line."""
    raw = np.zeros(count + _LINE, np.uint8)
    start = -_address(raw) % _LINE
    return raw[start : start + count]
