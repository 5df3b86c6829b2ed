"""Beside the table: start-up, cost against work, time to a fixed loss."""

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace

from benchmarks.speed.rows import Cast, say
from benchmarks.speed.timing import Contender, Plan, best_variant, interleave
from benchmarks.speed.workloads import WORKLOADS, Workload

__all__ = ["GROWTH", "LOSS_TARGETS", "Growth", "StartUp", "TimeToLoss", "cost_against_work", "start_up", "time_to_loss"]

_FIRST_EPOCH = """
import sys
import time
start = time.perf_counter()
import glassnet
import numpy as np
inputs, *hidden, outputs = map(int, sys.argv[1].split("-"))
rng = np.random.default_rng(0)
X = rng.standard_normal((2048, inputs), dtype=np.float32)
y = np.arange(2048) % outputs
layers = [*(glassnet.Dense(units, "relu") for units in hidden), glassnet.Dense(outputs, "softmax")]
net = glassnet.Network(inputs, layers)
net.fit(X, y, optimizer=glassnet.Adam(1e-3), batch_size=int(sys.argv[2]), epochs=1, metrics=())
print(time.perf_counter() - start)
"""
START_UPS = 5
"""Processes with a warm cache."""
_STARTED = ("2-8-8-2", "784-512-512-10")
WARM_TARGET, COLD_TARGET = 0.7, 15.0


@dataclass(frozen=True)
class Start:
    """Seconds with an empty cache, and with the cache that this left."""

    cold: float
    warm: list[float]


@dataclass(frozen=True)
class StartUp:
    """By row: seconds from `import glassnet` to the end of the first epoch, in fresh processes."""

    seconds: dict[str, Start]


def start_up() -> StartUp:
    """The first row, and a wide one, which has the most to compile."""
    return StartUp({name: _start(WORKLOADS[name]) for name in _STARTED})


def _start(workload: Workload) -> Start:
    say(f"start-up: fresh processes, {workload.text}")
    with tempfile.TemporaryDirectory() as folder:
        cold, *warm = [_first_epoch(workload, folder) for _ in range(START_UPS + 1)]
    return Start(cold, warm)


def _first_epoch(workload: Workload, cache: str) -> float:
    environment = {**os.environ, "GLASSNET_CACHE": cache}
    command = [sys.executable, "-c", _FIRST_EPOCH, workload.name, str(workload.batch)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the first epoch failed in a fresh process:\n{done.stderr}")
    return float(done.stdout)


@dataclass(frozen=True)
class Growth:
    """Microseconds a step as one quantity doubles; `seconds[key]` has one entry a value."""

    quantity: str
    values: list[int]
    flops: list[float]
    seconds: dict[str, list[float]]


_BASE = Workload("base", (32, 64, 64, 2), 12_800, 64)
GROWTH: dict[str, dict[int, Workload]] = {
    "width": {w: replace(_BASE, name=f"width {w}", sizes=(32, w, w, 2)) for w in (32, 64, 128, 256, 512)},
    "hidden layers": {d: replace(_BASE, name=f"depth {d}", sizes=(32, *[64] * d, 2)) for d in (1, 2, 4, 8)},
    "batch": {b: replace(_BASE, name=f"batch {b}", batch=b, rows=20_480) for b in (16, 32, 64, 128, 256, 512, 1024)},
    "rows": {n: replace(_BASE, name=f"rows {n}", rows=n) for n in (3_200, 6_400, 12_800, 25_600, 51_200, 102_400)},
}


def cost_against_work(cast: Cast, plan: Plan) -> list[Growth]:
    """glassnet and PyTorch, each at its best variant at every point."""
    keys = [key for key in ("glassnet", "torch") if key in cast.everyone()]
    tables: list[Growth] = []
    for quantity, points in GROWTH.items():
        say(f"cost against work: {quantity}")
        seconds: dict[str, list[float]] = {key: [] for key in keys}
        for workload in points.values():
            chosen = [_best(cast, key, workload, plan) for key in keys]
            measured = interleave(chosen, workload, plan.rounds)
            for key, values in zip(keys, measured.values(), strict=True):
                seconds[key].append(statistics.median(values))
        tables.append(Growth(quantity, list(points), [w.flops for w in points.values()], seconds))
    return tables


def _best(cast: Cast, key: str, workload: Workload, plan: Plan) -> Contender:
    workers = cast.everyone()[key]
    candidates = [Contender(key, worker, variant) for worker in workers for variant in worker.call("load", workload)]
    return best_variant(candidates, workload, plan)


@dataclass(frozen=True)
class TimeToLoss:
    """Epochs and seconds until the epoch's mean training loss was at most `loss`; None: not within the epochs tried."""

    workload: Workload
    loss: float
    epochs: dict[str, int | None]
    seconds: dict[str, float]


LOSS_TARGETS = {"32-64-64-2": (0.1, 60), "784-128-10": (0.1, 15)}
"""Row -> loss to reach, epochs to try."""


def time_to_loss(cast: Cast, plan: Plan) -> list[TimeToLoss]:
    """How many epochs each contender needs is found first, not timed; then as many epochs are timed, a few times."""
    return [_time_to_loss(cast, WORKLOADS[name], *target, plan) for name, target in LOSS_TARGETS.items()]


def _time_to_loss(cast: Cast, workload: Workload, loss: float, most: int, plan: Plan) -> TimeToLoss:
    say(f"time to loss {loss}: {workload.text}")
    epochs: dict[str, int | None] = {}
    runners: list[Contender] = []
    for key in cast.everyone():
        runner = _best(cast, key, workload, plan)
        curve = runner.worker.call("losses", runner.variant, most, None)
        epochs[key] = next((number for number, value in enumerate(curve, start=1) if value <= loss), None)
        if epochs[key] is not None:
            runner.times = epochs[key] or 1
            runners.append(runner)
    measured = interleave(runners, workload, plan.trials) if runners else {}
    seconds = {
        runner.name: statistics.median(values) * workload.steps * runner.times
        for runner, values in zip(runners, measured.values(), strict=True)
    }
    return TimeToLoss(workload, loss, epochs, seconds)
