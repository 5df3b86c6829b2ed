"""The training loop, the only one: order of the examples, schedules, hooks, history, divergence, resume."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.engines.base import Slice, StepLog, dropout_layers
from glassnet.errors import DivergenceError, InvalidParameterError, ResumeError
from glassnet.formulas.randomness import generator
from glassnet.formulas.schedules import ReduceOnPlateau as PlateauSchedule
from glassnet.network.parameters import parameter_layout
from glassnet.network.passes import penalty
from glassnet.network.updates import gradient_norm
from glassnet.training.callbacks import Callback, EarlyStopping, ReduceOnPlateau
from glassnet.training.checkpoints import Checkpoint, load_checkpoint
from glassnet.training.history import History
from glassnet.training.metrics import METRICS
from glassnet.training.problem import Problem, Solver
from glassnet.training.run import Run

__all__ = ["epoch_order", "train"]

_SLICE_SECONDS = 0.1


def epoch_order(seed: int, epoch: int, n: int) -> np.ndarray:
    """The order (n,) of the examples in an epoch (from 0): a permutation that seed and epoch alone determine.

    >>> sorted(epoch_order(0, epoch=3, n=5).tolist())
    [0, 1, 2, 3, 4]
    """
    return generator(seed, "order", epoch).permutation(n)


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
    planned: dict[str, Any] = {q: getattr(run.program.optimizer, q) for q in ("learning_rate", "weight_decay")}
    drawn = dropout_layers(run.program.architecture)
    planned |= {f"dropout{number}": layer.schedule for number, layer in enumerate(drawn, start=1)}
    own: list[Callback] = []
    for quantity, rule in planned.items():
        if isinstance(rule, PlateauSchedule):
            own.append(ReduceOnPlateau.of(rule, quantity))
    for callback in run.callbacks:
        if not isinstance(callback, Callback):
            raise InvalidParameterError(f"callbacks must be Callback objects, got {callback!r}")
    if sum(isinstance(c, EarlyStopping) and c.restore_best for c in run.callbacks) > 1:
        raise InvalidParameterError("two EarlyStopping callbacks restore weights; set restore_best=False in one")
    return sorted([*own, *run.callbacks], key=lambda callback: isinstance(callback, Checkpoint))


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
    while run.stop_reason is None and run.solver is None:
        if run.state.epoch >= run.epochs:
            run.stop(f"after {run.epochs} epochs", final=False)
            break
        _one_epoch(run)
    for callback in run.callbacks:
        callback.on_train_end(run)


def _one_epoch(run: Run) -> None:
    start, epoch = time.perf_counter(), run.state.epoch
    for callback in run.callbacks:
        callback.on_epoch_begin(run)
    if run.stop_reason is not None:
        return
    run.at_epoch_end = False
    losses, norms, whole = _steps(run)
    sizes = np.full(len(losses), run.program.batch_size, float)
    if whole:
        sizes[-1] = len(run.data) - run.program.batch_size * (len(losses) - 1)
        run.state.epoch += 1
    run.at_epoch_end = whole
    last = epoch + (len(losses) - 1) / _steps_per_epoch(run)
    _finish_epoch(
        run, float(np.average(losses, weights=sizes)), float(norms.mean()), run.value("learning_rate", last), start
    )


def _steps_per_epoch(run: Run) -> int:
    return -(-len(run.data) // run.program.batch_size)


def _steps(run: Run) -> tuple[np.ndarray, np.ndarray, bool]:
    """All steps of an epoch, in slices that end after about 0.1 s; whether the epoch was completed."""
    size, total, epoch = run.program.batch_size, _steps_per_epoch(run), run.state.epoch
    order = epoch_order(run.program.seed, epoch, len(run.data))
    one_by_one = any(type(c).on_batch_end is not Callback.on_batch_end for c in run.callbacks)
    done, count = 0, 1 if one_by_one else 4
    logs: list[StepLog] = []
    while done < total and run.stop_reason is None:
        count = min(count, total - done)
        began = time.perf_counter()
        work = _slice(run, order[done * size : (done + count) * size], epoch, done, count, total)
        with np.errstate(all="ignore"):  # what is not finite is an error below, not a warning
            log = run.engine.advance(run.program, run.state, run.data, work)
        logs.append(log)
        if log.bad is not None:
            raise _divergence(run, run.state.step + 1, log.bad)
        done += count
        for callback in run.callbacks:
            if one_by_one:
                callback.on_batch_end(run, float(log.losses[-1]))
            callback.on_slice_end(run, done / total)
        seconds = time.perf_counter() - began
        count = 1 if one_by_one else max(1, min(4 * count, int(count * _SLICE_SECONDS / max(seconds, 1e-9))))
    losses = np.concatenate([log.losses for log in logs])
    return losses, np.concatenate([log.gradient_norms for log in logs]), done == total


def _slice(run: Run, order: np.ndarray, epoch: int, done: int, count: int, total: int) -> Slice:
    times = [epoch + (done + i) / total for i in range(count)]
    rates = [run.dropout_rates(t) for t in times]
    return Slice(
        order,
        np.array([run.value("learning_rate", t) for t in times]),
        np.array([run.value("weight_decay", t) for t in times]),
        np.array(rates, np.float64).reshape(count, -1),
    )


def _finish_epoch(run: Run, loss: float, norm: float, learning_rate: float | None, start: float) -> None:
    """Measure, record, and let the callbacks see it."""
    program, state = run.program, run.state
    with np.errstate(over="ignore"):
        parameter_norm = gradient_norm(state.theta)
    if not np.isfinite(parameter_norm):
        raise _divergence(run, state.step, "the norm of the parameters")
    record = {"loss": loss}
    judged, prefix = (run.data, "") if run.validation is None else (run.validation, "validation_")
    if run.validation is not None or run.metrics:
        value, outputs = run.engine.evaluate(program.architecture, state.theta, state.buffers, judged)
        if not np.isfinite(value):
            raise _divergence(run, state.step, f"{prefix}loss")
        if run.validation is not None:
            record["validation_loss"] = value
        for name in run.metrics:
            record[f"{prefix}{name}"] = METRICS[name].measure(judged.Y, outputs, judged.weights, run.exclusive)
    if program.architecture.l1 or program.architecture.l2:
        record["penalty"] = penalty(program.architecture, parameter_layout(program.architecture).views(state.theta))
    if learning_rate is not None:
        record["learning_rate"] = learning_rate
    record["gradient_norm"] = norm
    record["parameter_norm"] = parameter_norm
    record["seconds"] = time.perf_counter() - start
    run.history.records.append(record)
    for callback in run.callbacks:
        callback.on_epoch_end(run, record)


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
    problem = Problem(run.program.architecture, run.engine, run.state.buffers, run.data)
    bad = problem.first_bad(run.state.theta)
    if bad is not None:
        raise _divergence(run, 1, bad)
    clock = [time.perf_counter()]

    def after(theta: np.ndarray, loss: float, norm: float) -> bool:
        wrong = None if np.isfinite(loss) and np.isfinite(norm) else problem.first_bad(theta) or "loss"
        if wrong is not None:
            raise _divergence(run, run.state.step + 1, wrong)
        run.state.step += 1
        run.state.theta[:] = theta
        run.state.epoch += 1
        fitted = loss - penalty(problem.architecture, parameter_layout(problem.architecture).views(theta))
        _finish_epoch(run, fitted, norm, None, clock[0])
        clock[0] = time.perf_counter()
        return run.stop_reason is not None or run.state.epoch >= run.epochs

    if run.stop_reason is None:
        ended = solver.minimize(problem, run.state.theta, run.epochs, after)
        run.stop(ended or f"after {run.epochs} epochs", final=bool(ended))
