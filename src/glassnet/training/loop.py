"""The training loop, the only one: slices for the engine, hooks, history, divergence, resume."""

import math
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from glassnet.engines.base import StepLog, Training
from glassnet.errors import DivergenceError, InvalidParameterError, ResumeError
from glassnet.formulas.schedules import ReduceOnPlateau as PlateauSchedule
from glassnet.network.passes import penalty
from glassnet.training.callbacks import Callback, EarlyStopping, ReduceOnPlateau, epochs_ahead, needs
from glassnet.training.checkpoints import Checkpoint, load_checkpoint
from glassnet.training.history import History
from glassnet.training.metrics import METRICS
from glassnet.training.problem import Problem, Solver
from glassnet.training.run import Run
from glassnet.training.slices import Slices

__all__ = ["train"]


def train(run: Run, resume: str | Path | None = None) -> History:
    """Train until a rule ends it; `run.state` holds the weights, the history is returned.

    Raises
    ------
    DivergenceError
        At the first NaN or infinity; the state keeps the last finite weights.
    ResumeError
        If the checkpoint is of other data or options.
    """
    run.callbacks = _arranged(run)
    run.metrics = _measured(run)
    run.restore_best = any(isinstance(c, EarlyStopping) and c.restore_best for c in run.callbacks)
    run.history.engine = run.engine.name
    if run.solver is not None:
        _check_solver(run, run.solver, resume)
    if resume is not None:
        load_checkpoint(resume, run.state, run.history, run.fingerprint(), run.epochs)
    with ExitStack() as stack:
        for callback in reversed(run.callbacks):
            stack.callback(callback.close, run)
        if not run.history.finished:
            _epochs(run)
        if run.restore_best and run.state.best is not None:
            run.state.theta[:], run.state.buffers[:] = run.state.best
    return run.history


def _arranged(run: Run) -> list[Callback]:
    """Callbacks in the order they run: those that a schedule asks for, the user's own, checkpoints last."""
    plateaus = {quantity: rule for quantity, rule in run.schedules.items() if isinstance(rule, PlateauSchedule)}
    own = [ReduceOnPlateau.of(rule, quantity) for quantity, rule in plateaus.items()]
    for callback in run.callbacks:
        if not isinstance(callback, Callback):
            raise InvalidParameterError(f"callbacks must be Callback objects, got {callback!r}")
    if sum(isinstance(c, EarlyStopping) and c.restore_best for c in run.callbacks) > 1:
        raise InvalidParameterError("two EarlyStopping callbacks restore weights; set restore_best=False in one")
    return sorted([*own, *run.callbacks], key=lambda callback: isinstance(callback, Checkpoint))


def _measured(run: Run) -> tuple[str, ...]:
    """The metrics asked for, and those that a callback watches."""
    prefix = "" if run.validation is None else "validation_"
    watched = {str(getattr(callback, "monitor", None)) for callback in run.callbacks}
    return (*run.metrics, *(name for name in METRICS if name not in run.metrics and f"{prefix}{name}" in watched))


def _check_solver(run: Run, solver: Solver, resume: str | Path | None) -> None:
    reason = solver.refuses(run.program.architecture)
    if reason is not None:
        raise InvalidParameterError(reason)
    if resume is not None or any(isinstance(c, Checkpoint) for c in run.callbacks):
        raise ResumeError(
            f"{solver.name} keeps its memory to itself and cannot be resumed; leave checkpoint and resume out"
        )


def _epochs(run: Run) -> None:
    run.stop_reason, run.history.stopped = None, ""
    # checkpoints begin first: they prove their path before a log is begun anew
    for callback in sorted(run.callbacks, key=lambda callback: not isinstance(callback, Checkpoint)):
        callback.on_train_begin(run)
    if run.solver is not None:
        _solve(run, run.solver)
    elif run.stop_reason is None:
        _descend(run)
    for callback in run.callbacks:
        callback.on_train_end(run)


def _descend(run: Run) -> None:
    """Stretch after stretch of epochs: one at a time where anything is to be done at its end."""
    single = needs(run.callbacks, "on_batch_end")
    judged = run.validation is not None or bool(run.metrics)
    stops = single or judged or needs(run.callbacks, "on_epoch_begin")
    slices = Slices(run, single=single)
    training: Training | None = None
    while run.stop_reason is None:
        if run.state.epoch >= run.epochs:
            run.stop(f"after {run.epochs} epochs", final=False)
            break
        start = time.perf_counter()
        for callback in run.callbacks:
            callback.on_epoch_begin(run)
        if run.stop_reason is not None:
            break
        slices.epochs = 1 if stops else epochs_ahead(run)
        if training is None:
            training = run.engine.begin(run.program, run.state, run.data)
        _stretch(run, slices, training, start, single=single)


def _stretch(run: Run, slices: Slices, training: Training, start: float, *, single: bool) -> None:
    """From the beginning of an epoch to its end, or to that of a later one, or to a stop inside."""
    first, done, share = run.state.epoch * slices.per_epoch, 0, 0.0
    logs: list[StepLog] = []
    rates: list[np.ndarray] = []
    run.at_epoch_end = False
    while run.stop_reason is None and share < 1:
        began = time.perf_counter()
        work = slices.cut(first + done)
        log = training.advance(work)
        logs.append(log)
        rates.append(work.learning_rates)
        if log.bad is not None:
            _close_epochs(run, slices, logs, rates, start)
            raise _divergence(run, run.state.step + 1, log.bad)
        done += len(log.losses)
        share = min(1.0, done / slices.per_epoch)
        for callback in run.callbacks:
            if single:
                callback.on_batch_end(run, float(log.losses[-1]))
            callback.on_slice_end(run, share)
        slices.took(len(log.losses), time.perf_counter() - began)
    _close_epochs(run, slices, logs, rates, start)


def _close_epochs(run: Run, slices: Slices, logs: list[StepLog], rates: list[np.ndarray], start: float) -> None:
    """Record the whole epochs of a stretch, or the one that a rule stopped inside; none of an epoch that failed."""
    numbers = np.concatenate([(log.losses, log.gradient_norms, log.penalties) for log in logs], axis=1)
    epochs, rest = divmod(numbers.shape[1], slices.per_epoch)
    whole, width = epochs > 0, slices.per_epoch
    if not whole and logs[-1].bad is None:
        epochs, width, rest = 1, rest, 0
    if not epochs:
        return
    count = epochs * width
    means = _means(numbers[:, :count].reshape(3, epochs, width), slices.shares[:, :width]).T.tolist()
    rates_at_end = np.concatenate(rates)[width - 1 : count : width].tolist()
    judged, penalized = _judged(run), _penalized(run)
    seconds = (time.perf_counter() - start) / epochs
    for number, (rate, (loss, norm, penalties)) in enumerate(zip(rates_at_end, means, strict=True), start=1):
        run.state.epoch += whole
        run.at_epoch_end = whole and number == epochs and not rest
        found = judged | {"penalty": penalties} if penalized else judged
        _record(run, {"loss": loss, **found, "learning_rate": rate, "gradient_norm": norm, "seconds": seconds})


def _means(steps: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The mean of each row of numbers over each epoch's steps, (3, epochs, steps) to (3, epochs)."""
    return np.add.reduce(steps * shares[:, None], axis=2) / np.add.reduce(shares, axis=1)[:, None]


def _record(run: Run, record: dict[str, float]) -> None:
    run.history.records.append(record)
    for callback in run.callbacks:
        callback.on_epoch_end(run, record)


def _penalized(run: Run) -> bool:
    return bool(run.program.architecture.l1 or run.program.architecture.l2)


def _judged(run: Run) -> dict[str, float]:
    """What is measured on the weights of this moment."""
    program, state = run.program, run.state
    found: dict[str, float] = {}
    judged, prefix = (run.data, "") if run.validation is None else (run.validation, "validation_")
    if run.validation is not None or run.metrics:
        value, outputs = run.engine.evaluate(program.architecture, state.theta, state.buffers, judged)
        if not math.isfinite(value):
            raise _divergence(run, state.step, f"{prefix}loss")
        if run.validation is not None:
            found["validation_loss"] = float(value)
        for name in run.metrics:
            found[f"{prefix}{name}"] = METRICS[name].measure(judged.Y, outputs, judged.weights, run.exclusive)
    return found


def _divergence(run: Run, step: int, tensor: str) -> DivergenceError:
    epoch = run.history.epochs + 1
    rate = run.value("learning_rate", epoch - 1) if run.solver is None else None
    advice = f"try a smaller learning rate than {rate:g}, clip_norm=5" if rate is not None else "try l2=1e-4"
    return DivergenceError(
        f"training diverged: NaN or infinity in {tensor} at epoch {epoch}, step {step}; {advice}, or standardized "
        "inputs",
        epoch=epoch,
        step=step,
        tensor=tensor,
    )


def _solve(run: Run, solver: Solver) -> None:
    """Let a full-batch solver run; one iteration is one epoch."""
    problem = Problem(run.program.architecture, run.engine, run.state.buffers, run.data, run.program.threads)
    bad = problem.first_bad(run.state.theta)
    if bad is not None:
        raise _divergence(run, 1, bad)
    clock = [time.perf_counter()]

    def after(theta: np.ndarray, loss: float, norm: float) -> bool:
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise _divergence(run, run.state.step + 1, problem.first_bad(theta) or "loss")
        run.state.step += 1
        run.state.theta[:] = theta
        run.state.epoch += 1
        penalties = penalty(problem.architecture, run.parameters, len(problem.data))
        judged = _judged(run) | ({"penalty": penalties} if _penalized(run) else {})
        seconds = time.perf_counter() - clock[0]
        _record(run, {"loss": loss - penalties, **judged, "gradient_norm": norm, "seconds": seconds})
        clock[0] = time.perf_counter()
        return run.stop_reason is not None or run.state.epoch >= run.epochs

    if run.stop_reason is None:
        ended = solver.minimize(problem, run.state.theta, run.epochs, after)
        run.stop(ended or f"after {run.epochs} epochs", final=bool(ended))
