"""Claims of the theory as experiments that run: `glassnet lesson xor`.

One file is one lesson: its docstring holds the question and the text, `experiment` makes the numbers, and `figure`
draws them. What a lesson claims is measured anew in each run, and a test runs them all. A new lesson is a new file and
its name below, in the order in which the lectures come to it.

>>> from glassnet.lessons import LESSONS, lesson
>>> "xor" in LESSONS
True
>>> lesson("linear-collapse").run(seed=0).holds
True
"""

from importlib import import_module
from typing import cast

from glassnet.errors import InvalidParameterError, nearest
from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSONS", "Claim", "Lesson", "Result", "Table", "lesson"]

LESSONS: tuple[str, ...] = (
    "perceptron",
    "xor",
    "linear-collapse",
    "special-cases",
    "universal-approximation",
    "depth-width",
    "capacity",
    "vanishing-gradients",
    "dying-relu",
    "zero-centred",
    "input-normalization",
    "batch-normalization",
    "classification-loss",
    "outliers",
    "learning-rate",
    "batch-size",
    "optimizer-race",
    "zero-initialization",
    "xavier-he",
    "log-sum-exp",
    "backpropagation-cost",
    "regularization",
    "early-stopping",
    "test-set-tuning",
)


def lesson(name: str) -> Lesson:
    """The lesson of this name.

    Raises
    ------
    InvalidParameterError
        If there is none.

    >>> lesson("xor").question
    'Why can a single unit not compute XOR, and what does a hidden layer change?'
    """
    if name not in LESSONS:
        advice = nearest(name, LESSONS) or f" (there are: {', '.join(LESSONS)})"
        raise InvalidParameterError(f"there is no lesson '{name}'{advice}")
    return cast("Lesson", import_module(f"glassnet.lessons.{name.replace('-', '_')}").LESSON)
