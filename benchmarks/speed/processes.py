"""Every contender lives in a process of its own, with its own threads and environment; only one works at a time."""

import gc
import importlib
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from benchmarks.speed.workloads import FULL_BATCH_EPOCHS, Workload, data

__all__ = ["LEAD_IN", "AbsentError", "Stand", "Timing", "Worker", "WorkerError"]

LEAD_IN = 0.15
"""Seconds of untimed work before each measurement."""


class AbsentError(Exception):
    """The contender cannot be imported here."""


class WorkerError(Exception):
    """A call failed in the worker; the message holds its traceback."""


@dataclass(frozen=True)
class Timing:
    """Wall-clock and processor seconds of a measurement."""

    seconds: float
    cpu_seconds: float


class Stand:
    """What a worker does for the benchmark: it holds the trainers of one workload, one a variant."""

    def __init__(self, contender: Any) -> None:
        self.contender = contender
        self.workload: Workload | None = None
        self.trainers: dict[str, Any] = {}

    def about(self) -> tuple[str, str]:
        """Name and version."""
        return self.contender.NAME, self.contender.VERSION

    def load(self, workload: Workload) -> list[str]:
        """Make the trainers of a workload; returns their variants."""
        self.trainers.clear()
        self.workload = workload
        make = self.contender.Fleet if workload.kind == "fleet" else self.contender.Trainer
        self.trainers = {variant: make(workload, variant) for variant in self.contender.variants(workload)}
        return list(self.trainers)

    def keep(self, variants: list[str]) -> None:
        """Forget the other variants."""
        self.trainers = {variant: self.trainers[variant] for variant in variants}

    def engine(self, variant: str) -> str:
        """Which of glassnet's engines runs."""
        return self.trainers[variant].engine

    def measure(self, variant: str, times: int) -> Timing:
        """Time `times` epochs from the first weights, or `times` calls of predict, in a process that is at work.

        The same work runs untimed for LEAD_IN seconds before: a virtual machine's second core, once idle, gives
        nothing for up to 0.1 s, and whether that falls into a short measurement says nothing about the contender.
        """
        assert self.workload is not None
        trainer = self.trainers[variant]
        unit = FULL_BATCH_EPOCHS if self.workload.kind == "train" and self.workload.full_batch else 1
        trainer.restart()
        gc.collect()
        gc.disable()
        begun = time.perf_counter()
        while time.perf_counter() - begun < LEAD_IN:
            self._work(trainer, unit)
        trainer.restart()
        cpu, start = time.process_time(), time.perf_counter()
        self._work(trainer, times)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
        gc.enable()
        return Timing(seconds, cpu_seconds)

    def _work(self, trainer: Any, times: int) -> None:
        assert self.workload is not None
        if self.workload.kind != "predict":
            trainer.train(times)
            return
        X = data(self.workload)[0]
        for _ in range(times):
            trainer.predict(X)

    def losses(self, variant: str, epochs: int, orders: list[np.ndarray] | None) -> list[float]:
        """Mean losses of epochs from the first weights."""
        trainer = self.trainers[variant]
        trainer.restart()
        return [float(loss) for loss in trainer.train(epochs, orders, record=True)]

    def orders(self, variant: str, epochs: int) -> list[np.ndarray]:
        """glassnet's orders of the rows."""
        return self.trainers[variant].orders(epochs)

    def probabilities(self, variant: str) -> np.ndarray:
        """Predictions (n, K) at the first weights."""
        assert self.workload is not None
        trainer = self.trainers[variant]
        trainer.restart()
        return trainer.predict(data(self.workload)[0])

    def with_learning_rate(self, factor: float) -> list[str]:
        """Load the same workload with another learning rate: the fault that the check must find."""
        assert self.workload is not None
        return self.load(replace(self.workload, learning_rate=self.workload.learning_rate * factor))


class Worker:
    """A process that imports one module and answers calls to its `serve()` object, or to a Stand for a contender.

    Raises AbsentError where the module cannot be imported.
    """

    def __init__(self, module: str, environment: Mapping[str, str] | None = None) -> None:
        self._module, self._environment = module, environment
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        before = dict(os.environ)
        os.environ.update(environment or {})
        try:
            self._process = spawn.Process(target=_serve, args=(theirs, module), daemon=True)
            self._process.start()
        finally:
            os.environ.clear()
            os.environ.update(before)
        theirs.close()
        failure = self._pipe.recv()
        if failure is not None:
            raise AbsentError(failure)

    def afresh(self) -> "Worker":
        """Another process like this one."""
        return Worker(self._module, self._environment)

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method there and wait for its answer."""
        self._pipe.send((method, arguments))
        try:
            failure, answer = self._pipe.recv()
        except EOFError:
            raise WorkerError(f"the process ended during {method}") from None
        if failure is not None:
            raise WorkerError(failure)
        return answer


def _serve(pipe: Connection, module: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the main process, and daemons with it
    try:
        imported = importlib.import_module(module)
    except ImportError as error:
        pipe.send(str(error))
        return
    pipe.send(None)
    served = imported.serve() if hasattr(imported, "serve") else Stand(imported)
    while True:
        try:
            method, arguments = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((None, getattr(served, method)(*arguments)))
        except Exception:
            pipe.send((traceback.format_exc(), None))
