"""Exercises: the three kinds, each as a document (TOML, which the checker reads) and a sheet (for people)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from glassnet.errors import InvalidParameterError, nearest
from glassnet.explain.exercises.backpropagation import backpropagation
from glassnet.explain.exercises.drawing import Order, order
from glassnet.explain.exercises.formula import network_function
from glassnet.explain.exercises.shapes import shapes
from glassnet.explain.exercises.sheets import SHEET_FORMS, Made, Sheet
from glassnet.explain.exercises.toml import toml_text
from glassnet.formulas.optimizers import optimizer as optimizer_of

__all__ = ["FORMS", "KINDS", "Exercise", "exercise"]

FORMS = (*SHEET_FORMS, "toml")
SUFFIXES = {"markdown": ".md", "latex": ".tex", "toml": ".toml"}
MOST_WEIGHTS, MOST_STEPS, MOST_ROWS, MOST_FIGURES = 60, 5, 4, 10
MOST_UNITS, MOST_LAYERS = 1_000_000, 20
HEADS = {
    False: "Fill in the blanks between the quotes, then run: glassnet check worksheet.toml",
    True: "The solution of worksheet.toml; glassnet check solution.toml finds every number right.",
}


@dataclass(frozen=True)
class Kind:
    """A kind of exercise: what is asked for, how it is made, and whether the network is trained in it."""

    words: str
    make: Callable[..., Made]
    trained: bool = False
    drawn: bool = True


KINDS: Mapping[str, Kind] = {
    "backpropagation": Kind("forward, loss, backward and update, number by number", backpropagation, trained=True),
    "shapes": Kind("the shapes of all matrices and vectors, and how many parameters there are", shapes, drawn=False),
    "function": Kind("the network as one formula of its inputs", network_function),
}


@dataclass(frozen=True)
class Exercise:
    """A worksheet with blanks and its solution, each for people and as a worked example for the checker.

    Attributes
    ----------
    kind : str
        One of "backpropagation", "shapes", "function".
    blanks, answers : dict
        The worked example with blanks, and filled in: what `glassnet.check` takes.
    sheet : Sheet
        The page for people.
    remarks : dict
        What stands beside the names in the TOML file.

    >>> made = exercise(layers=(2, 2, 1), seed=7)
    >>> print(made.worksheet("text").splitlines()[0])
    Backpropagation by hand: 2-2-1, sigmoid, binary_cross_entropy
    >>> from glassnet import check
    >>> check(made.answers).counts["ok"] == len(check(made.answers).findings) > 0
    True
    """

    kind: str
    blanks: dict[str, Any]
    answers: dict[str, Any]
    remarks: dict[str, str]
    sheet: Sheet

    def worksheet(self, form: str = "markdown") -> str:
        """With blanks, as "text", "markdown", "latex" or "toml"."""
        return self._written(form, solved=False)

    def solution(self, form: str = "markdown") -> str:
        """With the answers, in the same forms."""
        return self._written(form, solved=True)

    def _written(self, form: str, *, solved: bool) -> str:
        if form == "toml":
            return toml_text(self.answers if solved else self.blanks, self.remarks, HEADS[solved])
        if form not in SHEET_FORMS:
            known = f" (there are: {', '.join(FORMS)})"
            raise InvalidParameterError(f"exercise: unknown form '{form}'{nearest(form, FORMS) or known}")
        return SHEET_FORMS[form](self.sheet, solved)

    def files(self) -> dict[str, str]:
        """Names and contents of all files: worksheet and solution, each as .md, .tex and .toml."""
        sides: dict[str, Callable[[str], str]] = {"worksheet": self.worksheet, "solution": self.solution}
        return {f"{name}{end}": write(form) for name, write in sides.items() for form, end in SUFFIXES.items()}

    def _repr_markdown_(self) -> str:
        return self.worksheet("markdown")

    def __str__(self) -> str:
        return self.worksheet("text")


def exercise(
    kind: str = "backpropagation",
    *,
    layers: tuple[int, ...] = (2, 2, 1),
    activation: str = "sigmoid",
    loss: str | None = None,
    optimizer: str = "sgd(0.5)",
    rows: int = 1,
    steps: int = 1,
    digits: int = 4,
    seed: int = 0,
) -> Exercise:
    """Make a new exercise with friendly numbers; the same seed makes the same one.

    Parameters
    ----------
    kind : {"backpropagation", "shapes", "function"}
        Forward, loss, backward and update by hand; shapes and parameter counts; the network as one formula.
    layers : tuple of int
        Inputs, then the units of each layer.
    activation : str
        One name for all layers (the loss's link takes the place of one that does not suit the loss in the last), or
        one for each with commas.
    loss : str, optional
        By default the one whose link the last activation is.
    optimizer : str
        The update rule with its numbers.
    rows, steps : int
        Examples; steps of training.
    digits : int
        Significant figures of the solution.
    seed : int
        Of the numbers.

    Raises
    ------
    InvalidParameterError, ArchitectureError
        If something is unknown or does not fit, or the network is too large for a hand.

    Source: the worked examples of Lectures 5 and 23, and EE514.

    >>> exercise("shapes", layers=(3, 4, 2)).answers["claims"][0]["parameters"]
    '26'
    """
    if kind not in KINDS:
        known = f"; there are {', '.join(KINDS)}"
        raise InvalidParameterError(f"exercise: unknown kind '{kind}'{nearest(kind, KINDS) or known}")
    chosen = KINDS[kind]
    _check(layers, rows, steps, digits, drawn=chosen.drawn)
    rule = optimizer_of(optimizer) if chosen.trained else None
    wanted: Order = order(tuple(layers), activation, loss, rule, rows, trained=chosen.trained)
    blanks, answers, remarks, sheet = chosen.make(wanted, seed=seed, steps=steps, figures=digits)
    return Exercise(kind, blanks, answers, remarks, sheet)


def _check(layers: tuple[int, ...], rows: int, steps: int, figures: int, *, drawn: bool) -> None:
    whole = all(isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= MOST_UNITS for n in layers)
    if not 2 <= len(layers) <= MOST_LAYERS or not whole:
        raise InvalidParameterError(
            f"exercise: layers must be inputs and units of each layer, such as 2,2,1; got {','.join(map(str, layers))}"
        )
    limits = {"rows": (rows, MOST_ROWS if drawn else MOST_UNITS), "steps": (steps, MOST_STEPS),
              "digits": (figures, MOST_FIGURES)}  # fmt: skip
    for name, (value, most) in limits.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise InvalidParameterError(f"exercise: {name} must be a whole number from 1 to {most}, got {value!r}")
    weights = sum(m * n for m, n in pairwise(layers))
    if drawn and weights > MOST_WEIGHTS:
        raise InvalidParameterError(
            f"exercise: {weights} weights are more than a hand computes (at most {MOST_WEIGHTS}); take fewer units, or "
            "the kind shapes"
        )
