"""`glassnet lesson NAME`: a claim of the theory as an experiment, with the numbers of this run and a figure."""

import textwrap
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassnet.cli.options import DATA, OUTPUT, Json, option

if TYPE_CHECKING:
    from glassnet.cli.screen import Screen
    from glassnet.lessons import Lesson as Experiment
    from glassnet.lessons import Result, Table

__all__ = ["Lesson"]

WIDTH = 100


@dataclass(frozen=True)
class Lesson:
    """Run a lesson: a question, an experiment, and what it shows; exit code 1 where a claim does not hold."""

    name: Annotated[str, typer.Argument(metavar="NAME", help="list, or one of {lessons}.")] = "list"
    figure: Annotated[
        str | None,
        option("--figure", "-f", value="FILE", panel=OUTPUT, help="Write the figure here: .png, .svg or .pdf."),
    ] = None
    target: Annotated[
        str | None,
        option(
            "--target",
            value="FORMULA",
            panel=DATA,
            help='What to approximate, such as "sin(3*x)" of x, or of x1 and x2; for universal-approximation.',
        ),
    ] = None
    seed: Annotated[str, option("--seed", value="N", panel=DATA, help="Of data and networks.")] = "0"
    json: Json = False

    def run(self) -> int:
        """List, or run, show and draw."""
        from glassnet.cli.rules import LARGEST_SEED, whole
        from glassnet.cli.screen import Screen
        from glassnet.errors import AutogradError, InvalidParameterError
        from glassnet.lessons import lesson
        from glassnet.lessons.lesson import check_figure_file, house_style

        screen = Screen(json=self.json)
        if self.name == "list":
            return self._list(screen)
        chosen, seed = lesson(self.name), whole("--seed", self.seed, 0, LARGEST_SEED)
        if self.figure is not None:  # before the work, not after it
            check_figure_file(self.figure)
            house_style()
        try:
            result = chosen.run(seed, **({} if self.target is None else {"target": self.target}))
        except AutogradError as error:
            raise InvalidParameterError(f"--target '{self.target}' cannot be read: {error}") from error
        show(screen, chosen, result)
        if self.figure is not None:
            chosen.save(result, self.figure)
            screen.note("written", self.figure)
        elif not self.json:
            screen.note("figure", figure_advice(chosen.name))
        screen.document(document(chosen, result, seed))
        return 0 if result.holds else 1

    def _list(self, screen: "Screen") -> int:
        from glassnet.cli.screen import grid
        from glassnet.errors import InvalidParameterError
        from glassnet.lessons import LESSONS, lesson

        if self.figure is not None or self.target is not None:
            raise InvalidParameterError("--figure and --target need a lesson: glassnet lesson NAME --figure FILE.png")
        listed = [lesson(name) for name in LESSONS]
        screen.show(grid("lessons", ["name", "question"], [[one.name, one.question] for one in listed], left=2))
        screen.document({"lessons": [{"name": o.name, "question": o.question, "lectures": o.lectures} for o in listed]})
        if not self.json:
            screen.note("next", "glassnet lesson NAME --figure FILE.png")
        return 0


def figure_advice(name: str) -> str:
    """How to get the figure, in one line."""
    from importlib.util import find_spec

    how = f"glassnet lesson {name} --figure {name}.png"
    return how if find_spec("matplotlib") else f"needs matplotlib: pip install 'glassnet[plots]', then {how}"


def show(screen: "Screen", chosen: "Experiment", result: "Result") -> None:
    """Question, text, tables, and each claim with its verdict."""
    from rich.text import Text

    text = [textwrap.fill(part, WIDTH) for part in chosen.paragraphs]
    screen.show(Text(chosen.question, "bold"), "", "\n\n".join(text))
    for table in result.tables:
        screen.show(shown(table))
    screen.show("")
    for claim in result.claims:
        mark = Text("holds   ", "green") if claim.holds else Text("FAILS   ", "bold red")
        screen.show(mark + Text(textwrap.fill(claim.text, WIDTH, subsequent_indent=" " * 8)))
    screen.show("", Text(f"see {chosen.lectures}", "dim"))


def shown(table: "Table") -> Any:
    """A table with its numbers in four figures."""
    from glassnet.cli.screen import grid, plain_number

    def cell(value: Any) -> str:
        if isinstance(value, int):
            return f"{value:,}"
        return plain_number(float(value)) if isinstance(value, float) else str(value)

    return grid(table.title, list(table.columns), [[cell(value) for value in row] for row in table.rows], left=1)


def document(chosen: "Experiment", result: "Result", seed: int) -> dict[str, Any]:
    """The JSON document."""
    return {
        "lesson": chosen.name,
        "question": chosen.question,
        "lectures": chosen.lectures,
        "seed": seed,
        "tables": [asdict(table) for table in result.tables],
        "claims": [asdict(claim) for claim in result.claims],
        "holds": result.holds,
    }
