"""Measure glassnet beside PyTorch, JAX and scikit-learn, and print the table of ratios.

    python -m benchmarks.speed                            everything
    python -m benchmarks.speed --rows 2-8-8-2,784-128-10 --quick
    python -m benchmarks.speed --markdown docs/benchmarks.md --json speed.json

First of all it checks that the contenders compute the same numbers, and stops if they do not. Progress goes to stderr,
the tables to stdout.
"""

import argparse
import statistics
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.speed import further
from benchmarks.speed.check import DisagreementError
from benchmarks.speed.contenders import CORES
from benchmarks.speed.processes import AbsentError, WorkerError
from benchmarks.speed.report import Report, write_json, write_markdown, write_terminal
from benchmarks.speed.rows import Cast, assemble, run_fleet, run_row
from benchmarks.speed.timing import Plan
from benchmarks.speed.workloads import WORKLOADS

FURTHER = ("start-up", "growth", "time-to-loss")
FULL, QUICK = Plan(), Plan(rounds=3, processes=1, trials=1, least_seconds=0.03)


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.splitlines()[0])
    known = ", ".join([*WORKLOADS, *FURTHER])
    parser.add_argument("--rows", metavar="NAME,...", help=f"only these, of: {known}")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"rounds of measurement (default {FULL.rounds})")
    parser.add_argument("--quick", action="store_true", help="few and short rounds: does it run, not how fast")
    parser.add_argument("--torch-compile", action="store_true", help="try torch.compile too (needs a C++ compiler)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page for the docs there")
    options = parser.parse_args()
    options.chosen = options.rows.split(",") if options.rows else [*WORKLOADS, *FURTHER]
    unknown = [name for name in options.chosen if name not in WORKLOADS and name not in FURTHER]
    if unknown:
        parser.error(f"unknown row '{unknown[0]}' (known: {known})")
    if options.rounds is not None and options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    return options


def command_of(options: argparse.Namespace) -> str:
    """What was asked for, without the names of files."""
    words = ["python -m benchmarks.speed"]
    words += [f"--rows {options.rows}"] if options.rows else []
    words += [f"--rounds {options.rounds}"] if options.rounds else []
    words += ["--quick"] if options.quick else []
    words += ["--torch-compile"] if options.torch_compile else []
    return " ".join(words)


def measure(cast: Cast, report: Report, chosen: list[str], plan: Plan) -> None:
    """Fill the report."""
    for cores in sorted({1, CORES}):
        report.peaks[cores] = statistics.median(cast.peak.call("measure", cores) for _ in range(15))
    for name, workload in WORKLOADS.items():
        if name in chosen:
            report.rows.append((run_fleet if workload.kind == "fleet" else run_row)(cast, workload, plan))
    if "start-up" in chosen:
        report.start_up = further.start_up()
    brief = replace(plan, rounds=min(plan.rounds, 5), trials=min(plan.trials, 2))
    if "growth" in chosen:
        report.growth = further.cost_against_work(cast, brief)
    if "time-to-loss" in chosen:
        report.to_loss = further.time_to_loss(cast, plan)


def main() -> None:
    """Run what was asked for; exit with 1 and one line where contenders disagree."""
    options = parse()
    plan = QUICK if options.quick else FULL
    if options.rounds is not None:
        plan = replace(plan, rounds=options.rounds)
    try:
        cast = assemble(options.torch_compile)
        report = Report(plan, command_of(options), cast.versions, cast.absent)
        measure(cast, report, options.chosen, plan)
    except DisagreementError as error:
        sys.exit(f"the contenders do not compute the same, nothing is timed. {error}")
    except AbsentError as error:
        sys.exit(f"cannot run: {error}")
    except WorkerError as error:
        sys.exit(f"a contender failed:\n{error}")
    except KeyboardInterrupt:
        sys.exit("stopped")
    write_terminal(report)
    if options.json:
        write_json(report, options.json)
    if options.markdown:
        write_markdown(report, options.markdown)


if __name__ == "__main__":
    main()
