"""What a check finds: a verdict on each number, and the first slip."""

from dataclasses import dataclass
from typing import Any

from glassnet.explain.worked import WorkedExample

__all__ = ["VERDICTS", "CheckReport", "Finding"]

VERDICTS = {
    "ok": "the exact value rounds to it",
    "rounding": "what the numbers before it give, within their rounding",
    "last_digit": "off by one unit in the last place",
    "follows": "right, given an earlier slip",
    "slip": "not what the numbers before it give",
}
"""Every verdict with its meaning; the first that applies holds."""


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

    >>> from glassnet import check
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
            **({"blank": self.example.blank} if self.example.blank else {}),
        }
