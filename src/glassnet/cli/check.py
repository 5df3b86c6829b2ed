"""`glassnet check FILE`: is each number of a computation by hand right? Which is the first that is not, and why?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassnet.cli.options import OUTPUT, Json, Quiet, option
from glassnet.errors import InvalidParameterError

if TYPE_CHECKING:
    from glassnet.cli.screen import Screen

__all__ = ["Check", "beyond"]

STYLES = {"ok": "green", "rounding": "cyan", "last_digit": "cyan", "follows": "yellow", "slip": "bold red"}


@dataclass(frozen=True)
class Check:
    """Check a computation by hand, number by number, and fail (exit code 1) where it slips.

    Each number is ok, rounding, last digit (one unit off), follows (right, given an earlier slip) or a slip; shown are
    those that are not ok, and the first slip with its formula. docs/worked_examples.md describes the file.
    """

    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]",
            help="A worked example (.toml), or the name of one that comes with glassnet: {examples}.",
            show_default=False,
        ),
    ] = None
    everything: Annotated[bool, option("--all", panel=OUTPUT, help="Show every number, not only those not ok.")] = False
    examples: Annotated[bool, option("--list", panel=OUTPUT, help="List the examples that come with glassnet.")] = False
    json: Json = False
    quiet: Quiet = False

    def run(self) -> int:
        """Read, check, report."""
        from glassnet import check
        from glassnet.cli.screen import Screen

        screen = Screen(json=self.json, quiet=self.quiet)
        if self.examples:
            return show_examples(screen)
        if self.file is None:
            raise InvalidParameterError("say which FILE to check, or --list for the examples that come with glassnet")
        report = check(self.file)
        show(screen, report, everything=self.everything)
        screen.document(report.document())
        return 0 if report.passed else 1


def show_examples(screen: "Screen") -> int:
    """What comes with glassnet."""
    from glassnet.cli.screen import grid
    from glassnet.explain.worked import example_names, read_example

    keys = ("name", "title", "source")
    found = [read_example(name) for name in example_names()]
    rows = [[getattr(example, key) for key in keys] for example in found]
    screen.show(grid("worked examples", keys, rows, left=3))
    screen.document({"examples": [dict(zip(keys, row, strict=True)) for row in rows]})
    if not screen.json:
        screen.note("next", "glassnet check NAME")
    return 0


def show(screen: "Screen", report: Any, *, everything: bool) -> None:
    """The numbers, how many there are of each verdict, and the first slip."""
    from rich.text import Text

    from glassnet.cli.screen import grid

    example = report.example
    shown = [finding for finding in report.findings if everything or finding.verdict != "ok"]
    rows = [
        [
            f"step {finding.step}",
            finding.label,
            Text(_word(finding.verdict), STYLES[finding.verdict]),
            finding.claimed,
            "" if finding.expected is None else beyond(finding.claimed, finding.expected),
            beyond(finding.claimed, finding.exact),
        ]
        for finding in shown
    ]
    title = f"{example.title} ({example.source})" if example.source else example.title
    head = ["", "number", "verdict", "written", "from the numbers before it", "exact"]
    screen.show(grid(title, head, rows, left=3) if rows else Text(f"\n{title}", "bold"))
    counts = ", ".join(f"{n} {_word(verdict)}" for verdict, n in report.counts.items() if n)
    n = len(report.findings)
    screen.show("", f"{n} {'number' if n == 1 else 'numbers'}: {counts}" if n else "no number is written down")
    if example.blank:
        screen.show(f"{example.blank} not yet filled in")
    screen.show(*(_slip_lines(report.first_slip) if report.findings else ()))


def _word(verdict: str) -> str:
    return verdict.replace("_", " ")


def beyond(claimed: str, value: float, more: int = 2) -> str:
    """A value with two digits more than were written down."""
    mantissa = claimed.lower().partition("e")[0]
    if mantissa != claimed or abs(value) >= 1e15:
        return f"{value:.6g}"
    return f"{value:.{len(mantissa.partition('.')[2]) + more}f}"


def _slip_lines(slip: Any) -> list[Any]:
    """The first slip: its line as a formula, for the entry, with the numbers, and what comes out."""
    from rich.text import Text

    if slip is None:
        return ["no slip"]
    right = "no number" if slip.expected is None else f"{beyond(slip.claimed, slip.expected, 0)}, not {slip.claimed}"
    exact = f"   (in exact arithmetic from the start: {beyond(slip.claimed, slip.exact, 0)})"
    name, width = slip.label, len(slip.label)
    lines = [f"{'':{width}} = {text}" for text in dict.fromkeys((slip.symbols, slip.numbers))]
    lines[0] = f"{name} = {slip.symbols}"
    lines.append(f"{'':{width}} = {right}{exact}")
    head = Text(f"\nfirst slip: step {slip.step}, {name}", STYLES["slip"])
    return [head, f"   {slip.formula}", *(f"   {line}" for line in lines)]
