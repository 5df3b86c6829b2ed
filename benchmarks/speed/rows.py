"""The table: every workload by every contender, and its share of the processor's peak."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.speed.check import check_fault, check_row
from benchmarks.speed.contenders import CORES
from benchmarks.speed.processes import AbsentError, Worker
from benchmarks.speed.timing import Contender, Plan, Spread, best_variant, calibrate, measured_afresh, ratio
from benchmarks.speed.workloads import Workload

__all__ = ["Cast", "RowResult", "assemble", "run_fleet", "run_row", "say"]

_PLACE = "benchmarks.speed.contenders"
_PEERS = {  # key -> module, and the environments it is tried in
    "torch": (f"{_PLACE}.torch_eager", [{}]),
    "jax": (f"{_PLACE}.jax_scan", [{}, {"NPROC": "1"}] if CORES > 1 else [{}]),
    "sklearn": (f"{_PLACE}.sklearn_mlp", [{}]),
}


@dataclass
class Cast:
    """Who takes part: glassnet, the peers by key (several processes where environments differ), the peak's meter."""

    ours: Worker
    peers: dict[str, list[Worker]]
    peak: Worker
    names: dict[str, str]
    versions: dict[str, str]
    absent: dict[str, str]

    def everyone(self) -> dict[str, list[Worker]]:
        """Key -> workers, glassnet first."""
        return {"glassnet": [self.ours], **self.peers}


@dataclass
class RowResult:
    """What came of a row; times in seconds a step, a call, or a network, by key."""

    workload: Workload
    engine: str
    variants: dict[str, str]
    seconds: dict[str, list[float]]
    ratios: dict[str, Spread] = field(default_factory=dict)
    cores: int = 1
    gflops: Spread | None = None
    share: Spread | None = None
    disagreement: float = 0.0


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def assemble(compile_torch: bool) -> Cast:
    """Start all processes; who is not installed is named and left out."""
    cast = Cast(Worker(f"{_PLACE}.ours"), {}, Worker("benchmarks.speed.peak"), {"glassnet": "glassnet"}, {}, {})
    cast.versions["glassnet"] = cast.ours.call("about")[1]
    for key, (module, environments) in _PEERS.items():
        extra = {"BENCH_TORCH_COMPILE": "1"} if compile_torch and key == "torch" else {}
        try:
            cast.peers[key] = [Worker(module, {**environment, **extra}) for environment in environments]
        except AbsentError as reason:
            cast.absent[key] = str(reason)
            say(f"left out: {key} ({reason})")
            continue
        name, version = cast.peers[key][0].call("about")
        cast.names[key], cast.versions[key] = name, version
    return cast


def _candidates(key: str, workers: Sequence[Worker], workload: Workload) -> list[Contender]:
    return [Contender(key, worker, variant) for worker in workers for variant in worker.call("load", workload)]


def check(cast: Cast, workload: Workload) -> float:
    """All variants of all contenders compute the same; and the check notices a planted fault in each peer."""
    ours = ("glassnet", cast.ours)
    peers = {key: [(cast.names[key], worker) for worker in workers] for key, workers in cast.peers.items()}
    worst = check_row(workload, ours, peers)
    if workload.kind == "train":
        for several in peers.values():
            check_fault(workload, ours, several[0])
    return worst


def run_row(cast: Cast, workload: Workload, plan: Plan) -> RowResult:
    """Check, choose the variants, and measure."""
    disagreement = check(cast, workload)
    say(f"{workload.text}: all agree (largest difference {disagreement:.1e}); choosing settings")
    chosen = [
        best_variant(_candidates(key, workers, workload), workload, plan) for key, workers in cast.everyone().items()
    ]
    engine = cast.ours.call("engine", chosen[0].variant)
    peaks: dict[int, list[float]] = {1: [], CORES: []}

    def meter() -> None:
        for cores, values in peaks.items():
            values.append(cast.peak.call("measure", cores))

    train = workload.kind == "train"
    by_variant = measured_afresh(chosen, workload, plan, meter if train else lambda: None)
    seconds = dict(zip((c.name for c in chosen), by_variant.values(), strict=True))
    result = RowResult(workload, engine, {c.name: c.variant for c in chosen}, seconds)
    result.disagreement = disagreement
    ours = seconds["glassnet"]
    result.ratios = {key: ratio(values, ours) for key, values in seconds.items() if key != "glassnet"}
    if train:
        _add_shares(result, chosen[0], peaks)
    _tell(result, cast.names)
    return result


def _add_shares(result: RowResult, ours: Contender, peaks: Mapping[int, list[float]]) -> None:
    """glassnet's GFLOP/s beside the peak of as many cores as it kept busy, measured in the same rounds."""
    busy = Spread.of([t.cpu_seconds / t.seconds for t in ours.timings]).median
    result.cores = CORES if busy > (1 + CORES) / 2 else 1
    gflops = [result.workload.flops / s / 1e9 for s in result.seconds["glassnet"]]
    result.gflops = Spread.of(gflops)
    result.share = Spread.of([g / p for g, p in zip(gflops, peaks[result.cores], strict=True)])


def run_fleet(cast: Cast, workload: Workload, plan: Plan) -> RowResult:
    """Many networks by two Python threads, beside one network after another."""
    variants = cast.ours.call("load", workload)
    contenders = [Contender("glassnet", cast.ours, variant) for variant in variants]
    for contender in contenders:
        calibrate(contender, workload, plan.least_seconds)
    measured = measured_afresh(contenders, workload, plan)
    one, two = measured.values()
    result = RowResult(
        workload,
        cast.ours.call("engine", variants[0]),
        {"glassnet": variants[1]},
        {"glassnet": two, variants[0]: one},
        {variants[0]: ratio(one, two)},
    )
    _tell(result, cast.names)
    return result


def _tell(result: RowResult, names: Mapping[str, str]) -> None:
    parts = [f"{names.get(key, key)} {r.median:.2f} times" for key, r in result.ratios.items()]
    say(f"{result.workload.text}: {Spread.of(result.seconds['glassnet']).median * 1e6:.2f} us; " + ", ".join(parts))
