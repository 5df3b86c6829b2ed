"""Interleaved rounds: every contender is measured once a round, so that what disturbs the machine disturbs them all."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from benchmarks.speed.processes import Timing, Worker
from benchmarks.speed.workloads import FULL_BATCH_EPOCHS, Workload

__all__ = ["Contender", "Plan", "Spread", "best_variant", "interleave", "measured_afresh", "ratio"]

_BREATH = 0.005  # seconds between two measurements, in which the last one's idle threads fall asleep


@dataclass(frozen=True)
class Plan:
    """How carefully to measure: rounds, rounds for the choice among variants, least seconds of a measurement.

    The rounds are divided among `processes` of each contender, one after another: where the pages of a process lie in
    memory moves its times by some 5 %, for as long as it lives.
    """

    rounds: int = 15
    processes: int = 3
    trials: int = 3
    least_seconds: float = 0.3


@dataclass
class Contender:
    """Someone at one of his variants, ready to be measured; `times` epochs or calls make one measurement."""

    name: str
    worker: Worker
    variant: str
    times: int = 1
    timings: list[Timing] = field(default_factory=list)

    def measure(self) -> Timing:
        """One measurement."""
        time.sleep(_BREATH)
        return self.worker.call("measure", self.variant, self.times)

    def afresh(self, workload: Workload) -> "Contender":
        """The same in a process of its own, at work already."""
        fresh = replace(self, worker=self.worker.afresh())
        fresh.worker.call("load", workload)
        fresh.worker.call("keep", [self.variant])
        fresh.measure()
        return fresh


@dataclass(frozen=True)
class Spread:
    """Median, and the range that holds the middle 80 %."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of these numbers."""
        return cls(statistics.median(values), *(float(q) for q in np.quantile(values, [0.1, 0.9])))


def calibrate(contender: Contender, workload: Workload, least_seconds: float) -> None:
    """Set `times` so that a measurement takes long enough; the first measurements are the warm-up."""
    unit = FULL_BATCH_EPOCHS if workload.kind == "train" and workload.full_batch else 1
    contender.times = unit
    contender.measure()  # compiles
    while (seconds := contender.measure().seconds) < least_seconds:
        grown = contender.times * min(1.1 * least_seconds / seconds, 100.0)
        contender.times = unit * max(contender.times // unit + 1, math.ceil(grown / unit))


def per_unit(contender: Contender, timing: Timing, workload: Workload) -> float:
    """Seconds of a step, a call of predict, or the training of one network."""
    units = {"train": workload.steps, "predict": 1, "fleet": workload.networks}[workload.kind]
    return timing.seconds / (contender.times * units)


def interleave(
    contenders: Sequence[Contender], workload: Workload, rounds: int, before: Callable[[], None] = lambda: None
) -> dict[str, list[float]]:
    """Seconds a unit of each contender in each round; the order rotates. Timings are kept in the contenders."""
    seconds: dict[str, list[float]] = {f"{c.name}, {c.variant}": [] for c in contenders}
    for number in range(rounds):
        before()
        first = number % len(contenders)
        for contender in [*contenders[first:], *contenders[:first]]:
            timing = contender.measure()
            contender.timings.append(timing)
            seconds[f"{contender.name}, {contender.variant}"].append(per_unit(contender, timing, workload))
    return seconds


def measured_afresh(
    contenders: Sequence[Contender], workload: Workload, plan: Plan, before: Callable[[], None] = lambda: None
) -> dict[str, list[float]]:
    """As `interleave`, all rounds of a plan: the first of them in these processes, the others in fresh ones."""
    shares = [len(part) for part in np.array_split(range(plan.rounds), min(plan.processes, plan.rounds))]
    seconds = interleave(contenders, workload, shares[0], before)
    for rounds in shares[1:]:
        fresh = [contender.afresh(workload) for contender in contenders]
        for name, values in interleave(fresh, workload, rounds, before).items():
            seconds[name] += values
        for contender in fresh:
            contender.worker.close()
    return seconds


def best_variant(candidates: Sequence[Contender], workload: Workload, plan: Plan) -> Contender:
    """Measure all variants of one contender and take the fastest; the others are forgotten."""
    for candidate in candidates:
        calibrate(candidate, workload, plan.least_seconds)
    if len(candidates) == 1:
        return candidates[0]
    seconds = interleave(candidates, workload, plan.trials)
    medians = [statistics.median(values) for values in seconds.values()]
    best = candidates[medians.index(min(medians))]
    for worker in {id(c.worker): c.worker for c in candidates}.values():
        worker.call("keep", [best.variant] if worker is best.worker else [])
    best.timings.clear()
    return best


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> Spread:
    """Their time over ours, round by round."""
    return Spread.of([a / b for a, b in zip(theirs, ours, strict=True)])
