"""The checker of hand computations: is each number that was written down right, and if not, why not?

A number is judged against two things: the exact value, from the example's data alone (50 digits), and all values that
its formula can give from the numbers before it as they were written down, each anywhere within its rounding. A number
before it that was not written down counts as exact, or as carried on, unrounded, from those that were.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from glassnet.errors import DataError
from glassnet.explain.arithmetic import EXACT, Arithmetic, Number, decimal, digits
from glassnet.explain.chains import Chain
from glassnet.explain.intervals import Ends, hull
from glassnet.explain.lines import Entry, Line
from glassnet.explain.quantities import Pass
from glassnet.explain.words import USES, WORDS, Uses, Words, shown
from glassnet.explain.worked import Claim, WorkedExample, read_example, worked_example

__all__ = ["VERDICTS", "CheckReport", "Finding", "check", "evaluate"]

VERDICTS = {
    "ok": "the exact value rounds to it",
    "rounding": "what the numbers before it give, within their rounding",
    "last_digit": "off by one unit in the last place",
    "follows": "right, given an earlier slip",
    "slip": "not what the numbers before it give",
}
"""Every verdict with its meaning; the first that applies holds."""

WRONG = ("slip", "follows")
NEGLIGIBLE = digits.mpf(10) ** -30
LONGEST = 240


@dataclass(frozen=True)
class Finding:
    """One number that was written down, and what is to be said about it.

    Attributes
    ----------
    step : int
        From 1.
    name : str
        Of the quantity, such as "delta2".
    index : tuple of int
        Place in it, from 1: (unit,), (row, column) of a matrix, (example, unit) for several examples, () for a number.
    claimed : str
        The printed digits.
    verdict : str
        One of `VERDICTS`.
    exact : float
        From the example's data alone.
    expected : float or None
        What the formula gives from the numbers before it, as they were written down.
    formula, symbols, numbers : str
        The line for the whole quantity, for this entry, and with the numbers plugged in; empty for an ok.
    """

    step: int
    name: str
    index: tuple[int, ...]
    claimed: str
    verdict: str
    exact: float
    expected: float | None = None
    formula: str = ""
    symbols: str = ""
    numbers: str = ""

    @property
    def label(self) -> str:
        """Name and place, such as W1_new[1,2]."""
        return f"{self.name}[{','.join(map(str, self.index))}]" if self.index else self.name

    def document(self) -> dict[str, Any]:
        """For JSON."""
        keys = ("step", "name", "index", "claimed", "exact", "verdict")
        return {key: list(self.index) if key == "index" else getattr(self, key) for key in keys}


@dataclass(frozen=True)
class CheckReport:
    """What a check found.

    Attributes
    ----------
    example : WorkedExample
        What was checked.
    findings : tuple of Finding
        One for each number that was written down, in the order of computation.

    >>> report = check("lecture-23-bce")
    >>> report.passed, report.first_slip.label, report.first_slip.claimed, round(report.first_slip.expected, 4)
    (False, 'loss', '0.1122', 0.1127)
    """

    example: WorkedExample
    findings: tuple[Finding, ...]

    @property
    def first_slip(self) -> Finding | None:
        """The first number, in the order of computation, that the ones before it do not give."""
        return next((finding for finding in self.findings if finding.verdict == "slip"), None)

    @property
    def passed(self) -> bool:
        """Whether there is no slip."""
        return self.first_slip is None

    @property
    def counts(self) -> dict[str, int]:
        """How many numbers there are of each verdict."""
        return {verdict: sum(finding.verdict == verdict for finding in self.findings) for verdict in VERDICTS}

    def document(self) -> dict[str, Any]:
        """For JSON."""
        slip = self.first_slip
        more = ("expected", "formula", "symbols", "numbers")
        return {
            "claims": [finding.document() for finding in self.findings],
            "first_slip": None if slip is None else slip.document() | {key: getattr(slip, key) for key in more},
        }


def check(example: str | Path | Mapping[str, Any] | WorkedExample) -> CheckReport:
    """Judge every number that a worked example claims.

    Parameters
    ----------
    example : str, Path, mapping or WorkedExample
        A TOML file, the name of a shipped example, or what such a file holds.

    Returns
    -------
    CheckReport
        With a `Finding` for each number, and the first slip.

    Raises
    ------
    DataError
        If it is no worked example.

    >>> report = check({"x": [0.5], "layers": [{"activation": "sigmoid", "W": [[2.0]]}],
    ...                 "claims": [{"step": 1, "z1": ["1.0"], "a1": ["0.713"]}]})
    >>> [(finding.label, finding.verdict) for finding in report.findings]
    [('z1[1]', 'ok'), ('a1[1]', 'slip')]
    >>> report.first_slip.symbols, report.first_slip.numbers
    ('1 / (1 + exp(-z1[1]))', '1 / (1 + exp(-1.0))')
    """
    if isinstance(example, Mapping):
        example = worked_example(example)
    elif not isinstance(example, WorkedExample):
        example = read_example(example)
    judge = _Judge(example)
    return CheckReport(example, tuple(judge.findings()))


def evaluate(table: Pass | Chain, steps: int = 1) -> dict[Entry, Any]:
    """Every entry of the first steps from the data alone, in 50 digits and in the order of computation.

    What has no value (a division by 0, a logarithm of a negative number) is NaN.

    >>> values = evaluate(read_example("lecture-5-one-neuron").table)
    >>> shown(values[Entry(1, "loss", ())])
    '0.0142093'
    """
    known: dict[Entry, Any] = {entry: decimal(value) for entry, value in table.data.items()}
    given = len(known)
    for step in range(1, steps + 1):
        for name, index in table.entries():
            entry = Entry(step, name, index)
            line = table.line(entry)
            try:
                known[entry] = line.compute(EXACT, *([known[e] for e in group] for group in line.inputs))
            except ZeroDivisionError:
                known[entry] = digits.nan
    return dict(islice(known.items(), given, None))


class _Judge:
    """One check: exact values, verdicts so far, and what is obtainable from what was written down."""

    def __init__(self, example: WorkedExample) -> None:
        self.example, self.table = example, example.table
        self.claims: dict[Entry, Claim] = {claim.entry: claim for claim in example.claims}
        self.verdicts: dict[Entry, str] = {}
        self.values: dict[Entry, Ends | None] = {}  # what an entry stands for, to those that are computed from it
        self.tainted: dict[Entry, bool] = {}
        self._used: dict[Entry, tuple[Entry, ...]] = {}

    def findings(self) -> Iterator[Finding]:
        """Judge all claims in the order of computation."""
        for entry in self.exact:
            claim = self.claims.get(entry)
            if claim is not None:
                verdict = self.verdicts[entry] = self._verdict(claim)
                yield self._finding(claim, verdict)

    # --- values ---

    @cached_property
    def exact(self) -> dict[Entry, Any]:
        """Every entry up to the last step with a claim, in the order of computation."""
        found = evaluate(self.table, self.example.steps)
        for entry, claim in self.claims.items():
            if not digits.isfinite(found[entry]):
                label = self.example.label(entry, entry.step)
                raise DataError(
                    f"{self.example.name}: step {entry.step}: {label}, claimed as {claim.text}, is no finite number "
                    "for this example; check x, W and b"
                )
        return found

    def value(self, entry: Entry) -> Any:
        """The exact value, also of what is given."""
        return decimal(self.table.data[entry]) if entry.step == 0 else self.exact[entry]

    def used(self, entry: Entry) -> tuple[Entry, ...]:
        """The entries that the formula of an entry really uses."""
        if entry not in self._used:
            line = self.table.line(entry, self.claims)
            result = line.compute(USES, *([Uses({e}) for e in group] for group in line.inputs))
            self._used[entry] = tuple(e for group in line.inputs for e in group if e in result)
        return self._used[entry]

    def _obtainable(self, entry: Entry, stands_for: Callable[[Entry], Ends | None]) -> Ends | None:
        """What the formula gives; None where it has no value for what was written down."""
        used = list(dict.fromkeys(self.used(entry)))
        box = [stands_for(e) for e in used]
        known = [ends for ends in box if ends is not None]
        if len(known) < len(box):
            return None
        if all(ends == self._point(e) for e, ends in zip(used, known, strict=True)):
            return self._point(entry)
        line = self.table.line(entry, self.claims)

        def compute(A: Arithmetic, numbers: list[Number]) -> Number:
            at = dict(zip(used, numbers, strict=True))
            return line.compute(A, *([at[e] if e in at else A.number(0) for e in group] for group in line.inputs))

        try:
            return hull(compute, known)
        except ZeroDivisionError:
            return None

    def _point(self, entry: Entry) -> Ends:
        return self.value(entry), self.value(entry)

    # --- what was written down ---

    def carried(self, entry: Entry) -> Ends | None:
        """What an entry stands for: as written down, or carried on from what was written down before it."""
        waiting = [entry]
        while waiting:
            this = waiting[-1]
            missing = [e for e in self.used(this) if e not in self.values] if self._open(this) else []
            if missing:
                waiting += missing
            else:
                waiting.pop()
                self._settle(this)
        return self.values[entry]

    def _open(self, entry: Entry) -> bool:
        return entry not in self.values and entry.step > 0

    def _settle(self, entry: Entry) -> None:
        if entry in self.values:
            return
        if entry.step == 0:
            self.values[entry], self.tainted[entry] = self._point(entry), False
            return
        ends, claim = self._obtainable(entry, self.values.__getitem__), self.claims.get(entry)
        if claim is None:
            self.values[entry], self.tainted[entry] = ends, any(self.tainted[e] for e in self.used(entry))
            return
        # a number that can only be what is printed was never rounded
        unrounded = ends == self._point(entry) and abs(claim.value - self.value(entry)) <= NEGLIGIBLE
        self.values[entry] = self._point(entry) if unrounded else self._printed(claim)
        self.tainted[entry] = self.verdicts.get(entry) in WRONG

    def _printed(self, claim: Claim) -> Ends:
        """All values that round to what is printed, and that the quantity can take."""
        low, high = claim.value - claim.unit / 2, claim.value + claim.unit / 2
        least, most = map(digits.mpf, self.table.limits(claim.entry))
        return (max(low, least), min(high, most)) if max(low, least) <= min(high, most) else (low, high)

    # --- the verdict ---

    def _verdict(self, claim: Claim) -> str:
        entry = claim.entry
        if _near(claim, self._point(entry), 0):
            return "ok"
        clean, soiled = self._candidates(entry)
        if any(_near(claim, ends, 0) for ends in clean):
            return "rounding"
        if any(_near(claim, ends, 1) for ends in [self._point(entry), *clean]):
            return "last_digit"
        return "follows" if any(_near(claim, ends, 1) for ends in soiled) else "slip"

    def _candidates(self, entry: Entry) -> tuple[list[Ends], list[Ends]]:
        """What the numbers before it give: without an earlier slip among them, and with one."""
        clean: list[Ends] = []
        soiled: list[Ends] = []
        used = self.used(entry)
        for e in used:
            self.carried(e)
        written = [e for e in used if e in self.claims]
        exact_else = self._obtainable(entry, lambda e: self.values[e] if e in self.claims else self._point(e))
        carried_else = self._obtainable(entry, self.values.__getitem__)
        for ends, sources in ((exact_else, written), (carried_else, used)):
            if ends is not None:
                (soiled if any(self.tainted[e] for e in sources) else clean).append(ends)
        return clean, soiled

    # --- what is said ---

    def _finding(self, claim: Claim, verdict: str) -> Finding:
        entry, example = claim.entry, self.example
        exact = float(self.value(entry))
        index = example.index(entry)
        if verdict == "ok":
            return Finding(entry.step, entry.name, index, claim.text, verdict, exact)
        formula = self.table.tensors[entry.name].text
        numbers = self._worded(entry, self._number)
        symbols = self._worded(entry, lambda e: Words(example.label(e, entry.step), self._number(e).value))
        expected = float(numbers.value) if digits.isfinite(numbers.value) else None
        texts = (words.text for words in (symbols, numbers))
        return Finding(entry.step, entry.name, index, claim.text, verdict, exact, expected, formula, *texts)

    def _worded(self, entry: Entry, name: Callable[[Entry], Words], depth: int = 3) -> Words:
        """The line of an entry as text; lines before it that were not written down are put in, if that stays short."""
        line = self.table.line(entry, self.claims)
        words = {e: self._word(e, name, depth) for e in self.used(entry)}
        result = _in_words(line, words)
        if len(result.text) > LONGEST and depth:
            return self._worded(entry, name, 0)
        return result

    def _word(self, entry: Entry, name: Callable[[Entry], Words], depth: int) -> Words:
        if entry.step == 0 or entry in self.claims or not depth:
            return name(entry)
        return self._worded(entry, name, depth - 1)

    def _number(self, entry: Entry) -> Words:
        if entry.step == 0:
            return WORDS.number(self.table.data[entry])
        if entry in self.claims:
            return Words(self.claims[entry].text, self.claims[entry].value)
        value = self._worded(entry, self._number, 1).value
        return Words(shown(value), value)


def _in_words(line: Line, words: Mapping[Entry, Words]) -> Words:
    unused = WORDS.number(0)
    try:
        return line.compute(WORDS, *([words.get(e, unused) for e in group] for group in line.inputs))
    except ZeroDivisionError:
        return Words("undefined", digits.nan)


def _near(claim: Claim, ends: Ends, units: int) -> bool:
    """Whether one of these values rounds to the claim, or to a number so many units in the last place away."""
    reach = claim.unit * (digits.mpf(units) + digits.mpf(1) / 2) + NEGLIGIBLE * max(1, abs(claim.value))
    return bool(claim.value - reach <= ends[1] and ends[0] <= claim.value + reach)
