"""What a check says, and what all of them say together."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from glassnet.diagnosis.case import Case

__all__ = [
    "FINE",
    "LOOK",
    "SKIPPED",
    "WRONG",
    "Check",
    "Diagnosis",
    "Finding",
    "Judgement",
    "Verdict",
    "graded",
    "number_text",
]

Verdict = Literal["fine", "look", "wrong", "skipped"]
FINE: Verdict = "fine"
LOOK: Verdict = "look"
WRONG: Verdict = "wrong"
SKIPPED: Verdict = "skipped"


@dataclass(frozen=True)
class Judgement:
    """What one check found: the verdict, what it means, what to do (empty where nothing is to be done), the numbers."""

    verdict: Verdict
    meaning: str
    advice: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One line of the checklist.

    Attributes
    ----------
    name : str
        A word for programs, such as "first_loss".
    title : str
        The question that it answers.
    stage : {"data", "start", "steps"}
        Before training, at the first weights, or in the first steps.
    rule : str
        What is measured, and the thresholds.
    source : str
        The lecture or paper that asks for it, or gives the threshold.
    judge : callable
        Case -> Judgement.

    >>> from glassnet.diagnosis import CHECKS
    >>> CHECKS[0].name
    'inputs'
    """

    name: str
    title: str
    stage: str
    rule: str
    source: str
    judge: Callable[["Case"], Judgement]


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    name, title, stage, rule, source : str
        Those of the check.
    verdict : {"fine", "look", "wrong", "skipped"}
        "look" is unusual and may be meant; "wrong" keeps a network from learning, or makes its scores worthless.
    meaning, advice : str
        One sentence what it means, one what to do; no advice where all is well.
    numbers : dict
        What was measured, by name.

    >>> Finding("first_loss", "is the first loss right?", "start", "", "", "fine", "0.69, as it should be").verdict
    'fine'
    """

    name: str
    title: str
    stage: str
    rule: str
    source: str
    verdict: Verdict
    meaning: str
    advice: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Diagnosis:
    """All findings, in the order of the checklist; print it, or read it as data.

    Attributes
    ----------
    findings : tuple of Finding
    series : dict
        What the figure shows: step by step `loss`, and per layer `gradient_norms`, `update_ratios`; `activations` at
        the start and after the first steps; the `range_test`.

    Examples
    --------
    >>> import numpy as np
    >>> from glassnet import Dense, Network, diagnose
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> diagnosis = diagnose(Network(4, [Dense(16, "relu"), Dense(1, "sigmoid")]), X, X[:, 0] * X[:, 1] > 0)
    >>> diagnosis.healthy, diagnosis["first_loss"].verdict
    (True, 'fine')
    """

    findings: tuple[Finding, ...]
    series: dict[str, Any] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> Finding:
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise KeyError(f"no finding '{name}' (there are: {', '.join(f.name for f in self.findings)})")

    def of(self, verdict: Verdict) -> tuple[Finding, ...]:
        """The findings with this verdict."""
        return tuple(finding for finding in self.findings if finding.verdict == verdict)

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.of(WRONG)

    @property
    def first(self) -> Finding | None:
        """Where to begin: the first that is wrong, which others may follow from; None when nothing is."""
        return next(iter(self.of(WRONG)), None)

    @property
    def summary(self) -> str:
        """One sentence: how many of each, and where to begin."""
        counts = {verdict: len(self.of(verdict)) for verdict in (WRONG, LOOK, FINE, SKIPPED)}
        text = ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n)
        if self.first is None:
            return f"{text}: nothing is wrong"
        others = "; others may follow from it" if counts[WRONG] > 1 else ""
        return f"{text}: begin with {self.first.name}{others}"

    def as_dict(self) -> dict[str, Any]:
        """The whole as plain data for JSON; a number that is not finite is None."""
        rows = [{key: _plain(value) for key, value in vars(finding).items()} for finding in self.findings]
        return {
            "healthy": self.healthy,
            "first": self.first.name if self.first else None,
            "findings": rows,
            "series": _plain(self.series),
        }

    def __str__(self) -> str:
        lines: list[str] = []
        for finding in self.findings:
            lines.append(f"{finding.verdict:<8} {finding.name}: {finding.meaning}")
            lines += [f"{'':8} -> {finding.advice}"] if finding.advice else []
        return "\n".join([*lines, self.summary])

    def save_figure(self, path: Any) -> None:
        """Draw the measurements into a .png, .svg or .pdf file (needs `pip install 'glassnet[plots]'`)."""
        from glassnet.diagnosis.figure import save

        save(self, path)


def graded(value: float, look: float, wrong: float) -> Verdict:
    """The verdict on a number that should be small: "look" from one bound on, "wrong" from the other, or if NaN.

    >>> graded(0.2, 0.1, 0.5), graded(float("nan"), 0.1, 0.5)
    ('look', 'wrong')
    """
    return FINE if value < look else LOOK if value < wrong else WRONG


def number_text(value: Any) -> str:
    """A measured value for people.

    >>> number_text(0.123456), number_text(["W1", "W2"]), number_text(None)
    ('0.1235', 'W1 W2', 'none')
    """
    if isinstance(value, list | tuple):
        return " ".join(map(number_text, value)) or "none"
    return "none" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
