"""The compiled engine: whole slices of training in one call, on preallocated memory, without the interpreter's lock."""

import numpy as np

from glassnet.engines.base import Data, Program, Slice, StepLog, TrainState, check_finite
from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.machine_code import unavailable
from glassnet.engines.compiled.memory import address
from glassnet.engines.compiled.order import Mirror
from glassnet.engines.compiled.steps import Gradient, Training
from glassnet.engines.compiled.sweeps import Arrays, Sweep
from glassnet.engines.compiled.threads import CALL, SPEED, borrowed, run_on
from glassnet.engines.reference import ReferenceEngine
from glassnet.formulas.optimizers import Optimizer
from glassnet.formulas.penalties import penalty_value
from glassnet.network.architecture import Architecture
from glassnet.network.parameters import parameter_layout

__all__ = ["CompiledEngine"]

_ROWS = (1, 16, 192)  # rows of a block in prediction: the smallest that will do
_SHARED_ROWS = 3e7  # operations of a prediction above which a second thread pays
_PART = 32  # rows of which each thread has a multiple
_GRADIENTS = 4  # networks and numbers of examples for whose gradients memory is kept


class CompiledEngine:
    """Machine code for this processor; takes every network whose formulas are glassnet's own."""

    name = "compiled"

    def __init__(self) -> None:
        self._sweeps: dict[tuple[int, int, bool], tuple[Architecture, list[Sweep]]] = {}
        self._gradients: dict[tuple[int, int], tuple[Architecture, list[Gradient]]] = {}

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
        """See `Engine.predict`. Where a first z is not finite, the reference decides: the inputs are at fault, or the
        numbers are so large that they leave the range of float32 here, and there they may not.
        """
        n = len(X)
        if n > _ROWS[-1]:
            outputs, spoilt = self._sweep(architecture, theta, buffers, X, None, None, None)
            return ReferenceEngine().predict(architecture, theta, buffers, X) if spoilt else outputs
        # a few rows: the same, by the shortest way
        sweep, ready = self._take(architecture, 1 if n == 1 else _block(n), False)
        outputs = np.empty((n, sweep.outputs), theta.dtype)
        frame = sweep.frame
        if sweep.held[0] is not theta or sweep.held[1] is not buffers:
            sweep.held = theta, buffers
            frame[f.THETA], frame[f.BUFFERS] = address(theta), address(buffers)
        frame[f.X], frame[f.COUNT], sweep.op[6] = address(X), n, address(outputs)
        sweep.function(*sweep.addresses)
        spoilt = sweep.spoilt()
        ready.append(sweep)
        return ReferenceEngine().predict(architecture, theta, buffers, X) if spoilt else outputs

    def evaluate(
        self, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, data: Data
    ) -> tuple[float, np.ndarray]:
        """See `Engine.evaluate`."""
        losses = np.empty(len(data))
        outputs, spoilt = self._sweep(architecture, theta, buffers, data.X, data.Y, data.weights, losses)
        if spoilt:  # as in `predict`
            check_finite(data.X, "X")
            return ReferenceEngine().evaluate(architecture, theta, buffers, data)
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
    ) -> tuple[np.ndarray, bool]:
        """Outputs of all rows, and losses with the targets Y; each thread takes rows of its own. And whether any first
        z was not finite.
        """
        n = len(X)
        block = _block(n)
        sweep, ready = self._take(architecture, block, losses is not None)
        outputs = np.empty((n, sweep.outputs), theta.dtype)
        scale = 1.0 / n if architecture.reduction == "mean" and n else 1.0
        arrays = Arrays(theta, buffers, X, Y, weights, outputs, losses, scale)
        if n * sweep.row_work < _SHARED_ROWS or n < 2 * _PART:
            sweep.run(arrays, 0, n)
            spoilt = sweep.spoilt()
        else:
            spoilt = self._share(architecture, block, sweep, arrays)
        ready.append(sweep)
        return outputs, spoilt

    def _share(self, architecture: Architecture, block: int, first: Sweep, arrays: Arrays) -> bool:
        """Many rows: in rounds of about 0.1 s, each shared by as many threads as may be had; whether any was spoilt."""
        n, judged = len(arrays.X), arrays.losses is not None
        with borrowed(None) as threads:
            others = [self._take(architecture, block, judged) for _ in range(threads - 1)]
            sweeps = [first, *(sweep for sweep, _ in others)]
            most = max(1, int(CALL * SPEED / first.row_work) // _PART) * threads
            parts = -(-n // _PART)
            for start in range(0, parts, most):
                some = min(most, parts - start)
                ends = [min((start + some * t // threads) * _PART, n) for t in range(threads + 1)]
                shares = zip(sweeps, ends[:-1], ends[1:], strict=True)
                run_on([sweep.call(arrays, low, high) for sweep, low, high in shares if low < high])
            spoilt = [sweep.spoilt() for sweep in sweeps]
            for sweep, ready in others:
                ready.append(sweep)
            return any(spoilt)

    def _take(self, architecture: Architecture, block: int, judged: bool) -> tuple[Sweep, list[Sweep]]:
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
            return Sweep(architecture, block, judged), kept[1]

    def loss_and_gradient(
        self, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, data: Data, threads: int | None = None
    ) -> tuple[float, np.ndarray]:
        """See `Engine.loss_and_gradient`."""
        key = (id(architecture), len(data))  # as for `_take`
        kept = self._gradients.get(key)
        if kept is None:
            if len(self._gradients) >= _GRADIENTS:
                self._gradients.clear()
            kept = self._gradients.setdefault(key, (architecture, []))
        try:
            gradient = kept[1].pop()
        except IndexError:
            gradient = Gradient(architecture, len(data))
        found = gradient.at(theta, buffers, data, threads)
        kept[1].append(gradient)
        return found

    # --- training -------------------------------------------------------------------------------------------------

    def begin(self, program: Program, state: TrainState, data: Data) -> "_Run":
        """See `Engine.begin`."""
        return _Run(program, state, data)


class _Run:
    """A training run; see `engines.base.Training`."""

    def __init__(self, program: Program, state: TrainState, data: Data) -> None:
        self.program, self.state, self.data = program, state, data
        self._made: dict[bool, tuple[Training, Mirror, Mirror]] = {}
        self._given: Training | None = None  # whose slots are the state's

    def _training(self, ordered: bool) -> tuple[Training, Mirror, Mirror]:
        """Memory and tapes, for examples in an order or as they lie; and theta and slots beside the engine's own."""
        if ordered not in self._made:
            training, state = Training.of(self.program, len(self.data), ordered), self.state
            training.hold(self.data, self.program.seed)
            pairs = (state.theta, training.theta), (state.slots, training.slots)
            theta, slots = (Mirror(self.program.architecture, *pair) for pair in pairs)
            self._made[ordered] = training, theta, slots
        return self._made[ordered]

    def advance(self, work: Slice) -> StepLog:
        """See `engines.base.Training`."""
        state, steps = self.state, len(work.learning_rates)
        numbers = np.empty((3, steps))  # losses, gradient norms, penalties
        done, bad = 0, None
        while done < steps and bad is None:
            some = self._try(work, done, steps, numbers)
            if done + some < steps:  # the next step is not finite: come here again, and let the reference see
                self._try(work, done, done + some, numbers)
                self._given = None
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
        state, part = self.state, _part(work, first, last - first)
        training, theta, slots = self._training(work.order is not None)
        theta.take()
        if self._given is not training:
            slots.take()
        self._given = None
        training.buffers[:], training.carried[0] = state.buffers, state.carried
        found, some = training.steps(part, state.step)
        if some == last - first:
            numbers[:, first:last] = found
            if self.program.architecture.frozen:
                numbers[2, first:last] += self._frozen_penalties(np.diff(part.bounds))
            state.step += some
            theta.give()
            slots.give()
            self._given = training
            state.buffers[:], state.carried[:] = training.buffers, training.carried[some % 2]
        return some

    def _frozen_penalties(self, examples: np.ndarray) -> np.ndarray | float:
        """What weights that no update sees add to the penalties of steps over so many examples."""
        architecture, total = self.program.architecture, 0.0
        for piece in parameter_layout(architecture).slices:
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
