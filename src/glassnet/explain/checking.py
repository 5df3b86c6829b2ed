"""The checker of hand computations: is each number that was written down right, and if not, why not?

A number is judged against two things: the exact value, from the example's data alone (50 digits), and all values that
its formula can give from the numbers before it as they were written down, each anywhere within its rounding. A number
before it that was not written down counts as exact, or as carried on, unrounded, from those that were.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from glassnet.errors import DataError
from glassnet.explain.arithmetic import Arithmetic, Number, decimal, digits
from glassnet.explain.chains import Chain
from glassnet.explain.claims import Claim
from glassnet.explain.evaluation import evaluate
from glassnet.explain.findings import CheckReport, Finding
from glassnet.explain.given import LARGEST
from glassnet.explain.hulls import hull
from glassnet.explain.intervals import Ends
from glassnet.explain.places import Entry
from glassnet.explain.wording import Wording
from glassnet.explain.words import USES, Uses
from glassnet.explain.worked import WorkedExample, read_example, worked_example

__all__ = ["check"]


WRONG = ("slip", "follows")
NEGLIGIBLE = digits.mpf(10) ** -30


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


class _Judge:
    """One check: exact values, verdicts so far, and what is obtainable from what was written down."""

    def __init__(self, example: WorkedExample) -> None:
        self.example, self.table = example, example.table
        self.rounded = not (isinstance(self.table, Chain) and self.table.whole)
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
            if not abs(found[entry]) <= LARGEST:
                label = self.example.label(entry, entry.step)
                raise DataError(
                    f"{self.example.name}: step {entry.step}: {label}, claimed as {claim.text}, is no finite number "
                    f"for this example; check {'at' if isinstance(self.table, Chain) else 'x, W and b'}"
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
            return hull(compute, known, once=line.once)
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
        if not self.rounded:
            return claim.value, claim.value
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
        units = 1 if self.rounded else 0  # what is counted is right or wrong
        if any(_near(claim, ends, units) for ends in [self._point(entry), *clean]):
            return "last_digit"
        return "follows" if any(_near(claim, ends, units) for ends in soiled) else "slip"

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
        entry, index = claim.entry, self.example.index(claim.entry)
        exact = float(self.value(entry))
        if verdict == "ok":
            return Finding(entry.step, entry.name, index, claim.text, verdict, exact)
        wording = Wording(self.example, self.claims, self.used, self._middle)
        symbols, numbers = wording.symbols(entry), wording.numbers(entry)
        expected = float(numbers.value) if abs(numbers.value) <= LARGEST else None
        lines = (self.table.tensors[entry.name].text, symbols.text, numbers.text)
        return Finding(entry.step, entry.name, index, claim.text, verdict, exact, expected, *lines)

    def _middle(self, entry: Entry) -> Any:
        """A number for an entry that was not written down: in the middle of what it can be."""
        ends = self.carried(entry)
        return self.value(entry) if ends is None else (ends[0] + ends[1]) / 2


def _near(claim: Claim, ends: Ends, units: int) -> bool:
    """Whether one of these values rounds to the claim, or to a number so many units in the last place away."""
    reach = claim.unit * (digits.mpf(units) + digits.mpf(1) / 2) + NEGLIGIBLE * max(1, abs(claim.value))
    return bool(claim.value - reach <= ends[1] and ends[0] <= claim.value + reach)
