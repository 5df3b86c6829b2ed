"""The results as tables: on the terminal, as a Markdown page, as JSON."""

import datetime
import json
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.speed.contenders import CORES
from benchmarks.speed.further import COLD_TARGET, START_UPS, WARM_TARGET, Growth, StartUp, TimeToLoss
from benchmarks.speed.rows import RowResult
from benchmarks.speed.timing import Plan, Spread
from glassnet.engines.compiled.packing import has_matrix_unit

__all__ = ["Report", "sections", "write_json", "write_markdown", "write_terminal"]

_UNITS = {"train": "a step", "predict": "a call", "fleet": "a network"}
_NAMES = {"glassnet": "glassnet", "torch": "PyTorch", "jax": "JAX", "sklearn": "scikit-learn"}

TIMED = """\
Per step of training: shuffling, gathering the batch from memory, forward and backward pass, Adam, by each contender's
usual entry (`Network.fit`, a loop, a jitted `lax.scan`, `MLPClassifier.fit`). Float32, ReLU and cross-entropy unless
said. Predictions go from a NumPy array to a NumPy array. Compilation and warm-up are not counted; start-up has a table
of its own. A ratio is the peer's time over glassnet's: the median over rounds in which all are measured one after
another, in rotating order, each in a process of its own (three fresh ones in turn, since where a process' pages lie
moves its times by some 5 %), with the range of the middle 80 %. Before anything is timed, all contenders reach the
same losses from the same weights and batches, and a learning rate that is 2 % off is found out. Each contender is
tried at several settings (threads, gathering, layout) and measured at its fastest, each time after 0.15 s of the same
work untimed, since a processor's cores need a while to come back from rest. On the rows with two classes scikit-learn
is made to compute two softmax outputs as the others do; its own single logistic output takes about 5 % less time."""


UNIT = (
    " This processor also has a matrix unit for bfloat16 (AMX). glassnet multiplies wide layers there, six products for"
    " one, at the accuracy of float32 (see engine.md); counted is the one. The peers compute float32 as they do by"
    " default: their modes for that unit keep 8 or 16 of its 24 digits."
)


@dataclass
class Report:
    """All that was measured in one run."""

    plan: Plan
    command: str
    versions: dict[str, str]
    absent: dict[str, str]
    rows: list[RowResult] = field(default_factory=list)
    peaks: dict[int, float] = field(default_factory=dict)
    start_up: StartUp | None = None
    growth: list[Growth] = field(default_factory=list)
    to_loss: list[TimeToLoss] = field(default_factory=list)


@dataclass(frozen=True)
class Section:
    """A table with its title and what must be said beside it."""

    title: str
    head: list[str]
    lines: list[list[str]]
    note: str = ""


def processor() -> str:
    """The processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def machine(report: Report) -> list[str]:
    """Facts about machine, versions and run; neither host nor paths."""
    installed = dict(report.versions)
    for package in ("numpy", "numba", "llvmlite", "jaxlib"):
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    peaks = ", ".join(f"{value:.0f} GFLOP/s on {n} core{'s' * (n > 1)}" for n, value in report.peaks.items())
    return [
        f"Machine: {processor()}, {CORES} cores, {platform.system()}; peak in float32 (FMA in registers): {peaks}",
        f"Versions: Python {platform.python_version()}, "
        + ", ".join(f"{_NAMES.get(key, key)} {value}" for key, value in installed.items()),
        f"Run: {datetime.date.today().isoformat()}, `{report.command}`, {report.plan.rounds} rounds of at least "
        f"{report.plan.least_seconds:g} s each",
        *(f"Left out: {_NAMES[key]} ({reason})" for key, reason in report.absent.items()),
    ]


def sections(report: Report) -> list[Section]:
    """All tables for which there are results."""
    made = [_ratios(report), _times(report), _shares(report), _start_up(report.start_up)]
    made += [*(_growth(table) for table in report.growth), _to_loss(report), _settings(report)]
    return [section for section in made if section is not None and section.lines]


def _ratios(report: Report) -> Section:
    peers = ["torch", "jax", "sklearn"]
    lines: list[list[str]] = []
    for row in report.rows:
        if row.workload.kind == "fleet":
            ((key, found),) = row.ratios.items()
            lines.append([row.workload.text, f"{_ratio(found, row.workload.targets.get(key))} (vs {key})", "", ""])
        else:
            wanted = row.workload.targets
            lines.append([row.workload.text, *(_ratio(row.ratios.get(k), wanted.get(k)) for k in peers)])
    head = ["workload", *(f"vs {_NAMES[key]}" for key in peers)]
    return Section("Peer's time over glassnet's", head, lines, "median (10-90 %), then the target and if it is reached")


def _ratio(found: Spread | None, target: float | None) -> str:
    if found is None:
        return "-"
    text = f"{_number(found.median)} ({_number(found.low)}-{_number(found.high)})"
    return text if target is None else f"{text}; {target:g} {_verdict(found.median >= target)}"


def _verdict(reached: bool) -> str:
    return "reached" if reached else "MISSED"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _times(report: Report) -> Section:
    keys = list(_NAMES)
    lines: list[list[str]] = []
    for row in report.rows:
        found = [row.seconds.get(key) for key in keys]
        cells = ["-" if values is None else _number(statistics.median(values) * 1e6) for values in found]
        rows = f"{row.workload.rows:,}"
        lines.append([f"{row.workload.text}: {_UNITS[row.workload.kind]}", rows, *cells, row.engine])
    return Section(
        "Times",
        ["workload", "rows", *(_NAMES[key] for key in keys), "glassnet's engine"],
        lines,
        "Medians, in microseconds. Inputs are random, targets those of a random teacher network.",
    )


def _shares(report: Report) -> Section:
    lines: list[list[str]] = []
    for row in report.rows:
        if row.share is None or row.gflops is None:
            continue
        target = row.workload.peak_target
        judged = "" if target is None else f"{target:.0%} {_verdict(row.share.median >= target)}"
        share = f"{row.share.median:.1%} ({row.share.low:.1%}-{row.share.high:.1%})"
        mflop = f"{row.workload.flops / 1e6:.3g}"
        lines.append([row.workload.text, mflop, _number(row.gflops.median), str(row.cores), share, judged])
    return Section(
        "glassnet's share of the processor's peak",
        ["workload", "MFLOP a step", "GFLOP/s", "cores used", "share of their peak", "target"],
        lines,
        "Counted are the products of forward and backward pass alone; the time includes all else. The peak, of fused "
        "multiply-adds in vectors, is measured in the same rounds." + (UNIT if has_matrix_unit() else ""),
    )


def _start_up(found: StartUp | None) -> Section | None:
    if found is None:
        return None
    lines = [
        [network, cache, f"{seconds:.2f} s", f"{target:g} s {_verdict(seconds <= target)}"]
        for network, times in found.seconds.items()
        for cache, seconds, target in (
            ("warm", statistics.median(times.warm), WARM_TARGET),
            ("cold (once a machine)", times.cold, COLD_TARGET),
        )
    ]
    return Section(
        "From `import glassnet` to the end of the first epoch, fresh process",
        ["network", "cache of compiled code", "seconds", "target"],
        lines,
        f"Warm: the median of {START_UPS} processes.",
    )


def _growth(found: Growth) -> Section:
    lines: list[list[str]] = []
    for i, value in enumerate(found.values):
        cells = [f"{value:,}", f"{found.flops[i] / 1e6:.3g}"]
        for series in (found.seconds.get(key) for key in ("glassnet", "torch")):
            if series is None:
                cells += ["-", "-"]
            else:
                cells += [_number(series[i] * 1e6), f"{series[i] / series[i - 1]:.2f}" if i else ""]
        lines.append(cells)
    head = [found.quantity, "MFLOP a step", "glassnet, us a step", "times", "PyTorch, us a step", "times"]
    return Section(f"Cost against work: {found.quantity}", head, lines, "From 32-64-64-2, batch 64, 12,800 rows.")


def _to_loss(report: Report) -> Section:
    lines: list[list[str]] = []
    for found in report.to_loss:
        for key, epochs in found.epochs.items():
            seconds = found.seconds.get(key)
            cells = ["not reached", "-", "-"]
            if seconds is not None:
                over = seconds / found.seconds["glassnet"] if "glassnet" in found.seconds else float("nan")
                cells = [str(epochs), f"{seconds * 1e3:.3g} ms", _number(over)]
            lines.append([found.workload.text, f"{found.loss:g}", _NAMES[key], *cells])
    return Section(
        "Time to a fixed training loss",
        ["workload", "loss", "contender", "epochs", "time", "over glassnet's"],
        lines,
        "Each shuffles by its own generator from the same first weights; the loss is the mean over an epoch's steps.",
    )


def _settings(report: Report) -> Section:
    keys = list(_NAMES)
    lines = [[row.workload.text, *(row.variants.get(key, "-") for key in keys)] for row in report.rows]
    return Section("The settings that were fastest, and measured", ["workload", *_NAMES.values()], lines)


# --- where it goes ----------------------------------------------------------------------------------------------


def write_terminal(report: Report) -> None:
    """On stdout."""
    console = Console(highlight=False) if Console().is_terminal else Console(highlight=False, width=180)
    for line in machine(report):
        console.print(line, markup=False)
    for section in sections(report):
        table = Table(title=section.title, title_justify="left", caption=section.note, caption_justify="left")
        for number, name in enumerate(section.head):
            table.add_column(name, justify="left" if number == 0 else "right", overflow="fold")
        for line in section.lines:
            table.add_row(*line)
        console.print(table)


def write_markdown(report: Report, path: Path) -> None:
    """A page for the docs."""
    parts = ["# Benchmarks", "Written by `python -m benchmarks.speed`; do not edit.", TIMED]
    parts.append("\n".join(f"- {line}" for line in machine(report)))
    for section in sections(report):
        parts.append(f"## {section.title}")
        if section.note:
            parts.append(section.note)
        parts.append("\n".join(_markdown_line(line) for line in _with_rule(section)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _with_rule(section: Section) -> list[list[str]]:
    return [section.head, ["---"] * len(section.head), *section.lines]


def _markdown_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def write_json(report: Report, path: Path) -> None:
    """Everything, with the seconds of every round."""
    content: dict[str, Any] = {"machine": machine(report), **asdict(report)}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
