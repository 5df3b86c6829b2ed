"""The commands in one group. The modules of the commands import what is heavy when they run, so --help is quick."""

from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperCommand

from glassnet import __version__
from glassnet.cli.check import Check
from glassnet.cli.datasets import Datasets
from glassnet.cli.derive import Derive
from glassnet.cli.diagnose import Diagnose
from glassnet.cli.evaluate import Evaluate
from glassnet.cli.exercise import Exercise
from glassnet.cli.explain import Explain
from glassnet.cli.fit import Fit
from glassnet.cli.gradcheck import Gradcheck
from glassnet.cli.lesson import Lesson
from glassnet.cli.names import with_names
from glassnet.cli.play import Play
from glassnet.cli.predict import Predict
from glassnet.cli.summary import Summary

__all__ = ["COMMANDS", "command_group"]

COMMANDS: tuple[type[Any], ...] = (
    Fit,
    Predict,
    Evaluate,
    Summary,
    Diagnose,
    Gradcheck,
    Explain,
    Derive,
    Check,
    Play,
    Exercise,
    Lesson,
    Datasets,
)


def command_group() -> Any:
    """The group of all commands; invoking one gives its dataclass, filled."""
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Try it: [bold]glassnet fit breast_cancer[/bold]",
    )
    app.callback()(about)
    for command in COMMANDS:
        app.command(command.__name__.lower(), cls=NamedCommand)(command)
    return typer.main.get_command(app)


class NamedCommand(TyperCommand):
    """A command whose help lists what the registries hold, so that a new record appears by itself."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Fill in the names, which loads the formulas, only when help is asked for."""
        for parameter in self.params:
            parameter.help = with_names(parameter.help or "")  # pyright: ignore[reportAttributeAccessIssue]
        super().format_help(ctx, formatter)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"glassnet {__version__}")
        raise typer.Exit


def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Train, judge and use multi-layer perceptrons on tables: the neural network you can see through."""
