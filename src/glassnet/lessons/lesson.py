"""What a lesson is: a question, an experiment that gives tables and claims, and a figure of its data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import cleandoc
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from glassnet.errors import InvalidParameterError, WriteError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "Claim", "Lesson", "Result", "Table"]

FIGURES = (".png", ".svg", ".pdf")
"""Kinds of files that a figure can be written to."""


@dataclass(frozen=True)
class Claim:
    """A sentence with its measured numbers, and whether they bear it out."""

    text: str
    holds: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "holds", bool(self.holds))  # NumPy's, which JSON does not take


@dataclass(frozen=True)
class Table:
    """Numbers of one run: `rows` of cells under `columns`; the first column names the row."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Result:
    """What an experiment found: tables and claims for the reader, and `data` for the figure."""

    tables: tuple[Table, ...]
    claims: tuple[Claim, ...]
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every claim holds."""
        return all(claim.holds for claim in self.claims)

    def check(self) -> None:
        """Assert every claim.

        Raises
        ------
        AssertionError
            With the claims that the numbers do not bear out.

        >>> Result((), (Claim("2 + 2 = 5", False),)).check()
        Traceback (most recent call last):
        AssertionError: 2 + 2 = 5
        """
        broken = [claim.text for claim in self.claims if not claim.holds]
        if broken:
            raise AssertionError("; ".join(broken))


@dataclass(frozen=True)
class Lesson:
    """One claim of the theory, as an experiment.

    Attributes
    ----------
    module : str
        The module's name; the lesson's name is its last part, with hyphens.
    document : str
        The module's docstring: the question in the first line, then the text.
    lectures : str
        Where the claim stands.
    experiment : callable
        From a seed, and the options in `options`, to a Result; the same seed gives the same Result.
    figure : callable
        From a Result to a figure of matplotlib, in the house style.
    options : mapping of str to str
        Options that the experiment takes besides the seed, with their default text.
    """

    module: str
    document: str | None
    lectures: str
    experiment: Callable[..., Result]
    figure: Callable[[Result], "Figure"]
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What `glassnet lesson` calls it.

        >>> from glassnet.lessons import lesson
        >>> lesson("linear-collapse").name
        'linear-collapse'
        """
        return self.module.rpartition(".")[2].replace("_", "-")

    @property
    def question(self) -> str:
        """The first line of the text."""
        return (self.document or "").partition("\n")[0].strip()

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The text below the question."""
        text = cleandoc((self.document or "").partition("\n")[2])
        return tuple(" ".join(part.split()) for part in text.split("\n\n"))

    def run(self, seed: int = 0, **options: str) -> Result:
        """Do the experiment.

        Parameters
        ----------
        seed : int
            Of data and networks.
        **options : str
            Those in `options`.

        Raises
        ------
        InvalidParameterError
            For an option that the lesson does not take.
        """
        for name in options:
            if name not in self.options:
                takes = ", ".join(self.options) or "none besides the seed"
                raise InvalidParameterError(f"the lesson {self.name} takes no option '{name}' (options: {takes})")
        return self.experiment(seed, **options)

    def draw(self, result: Result) -> "Figure":
        """The figure of a result.

        Raises
        ------
        InvalidParameterError
            If matplotlib is not installed.
        """
        with house_style().worn():
            return self.figure(result)

    def save(self, result: Result, path: str | Path) -> None:
        """Write the figure to a .png, .svg or .pdf file; the same result gives the same picture.

        Raises
        ------
        InvalidParameterError
            If matplotlib is not installed, or the file's name ends otherwise.
        WriteError
            If the file cannot be written.
        """
        check_figure_file(path)
        style = house_style()
        with style.worn():
            try:
                style.write(self.figure(result), Path(path))
            except OSError as error:
                raise WriteError(f"cannot write '{path}': {error.strerror or error}") from error


def check_figure_file(path: str | Path) -> None:
    """Refuse a file name that does not say which picture is meant."""
    if Path(path).suffix.lower() not in FIGURES:
        raise InvalidParameterError(f"a figure's file must end in {', '.join(FIGURES)}, got '{path}'")


def house_style() -> ModuleType:
    """The module `style`, which needs matplotlib."""
    try:
        from glassnet.lessons import style
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise InvalidParameterError("figures need matplotlib: pip install 'glassnet[plots]'") from error
    return style
