"""`glassnet exercise`: a new exercise with friendly numbers, its worksheet and its solution."""

from dataclasses import dataclass
from typing import Annotated, Any

from glassnet.cli.options import DATA, NETWORK, OUTPUT, TRAINING, Json, option

__all__ = ["Exercise"]


@dataclass(frozen=True)
class Exercise:
    """Make a new exercise for a class: a worksheet with blanks, and its solution; the same seed makes the same one.

    As text, Markdown, LaTeX, and as a TOML file to fill in, which `glassnet check` marks.
    """

    kind: Annotated[
        str,
        option(
            "--kind",
            value="KIND",
            panel=DATA,
            help="backpropagation (number by number), shapes (and parameter counts), function (write the formula).",
        ),
    ] = "backpropagation"
    layers: Annotated[
        str, option("--layers", value="N,N,…", panel=NETWORK, help="Inputs, then the units of each layer.")
    ] = "2,2,1"
    activation: Annotated[
        str,
        option(
            "--activation",
            value="NAME",
            panel=NETWORK,
            help="One for all layers, or one for each with commas: {activations}.",
        ),
    ] = "sigmoid"
    loss: Annotated[
        str | None,
        option(
            "--loss",
            value="NAME",
            panel=NETWORK,
            help="By default the one that belongs to the last activation; one of {losses}.",
        ),
    ] = None
    optimizer: Annotated[
        str, option("--optimizer", value="RULE", panel=TRAINING, help="The update, with its numbers: {optimizers}.")
    ] = "sgd(0.5)"
    steps: Annotated[str, option("--steps", value="N", panel=TRAINING, help="Updates to compute, up to 5.")] = "1"
    rows: Annotated[
        str, option("--rows", value="N", panel=DATA, help="Examples; for shapes the rows of the batch.")
    ] = "1"
    seed: Annotated[str, option("--seed", value="N", panel=DATA, help="Of the numbers.")] = "0"
    digits: Annotated[
        str, option("--digits", value="N", panel=OUTPUT, help="Significant figures of the solution, up to 10.")
    ] = "4"
    form: Annotated[
        str, option("--format", value="FORM", panel=OUTPUT, help="Of what is printed: text, markdown, latex or toml.")
    ] = "text"
    solution: Annotated[
        bool, option("--solution", panel=OUTPUT, help="Print the solution in place of the worksheet.")
    ] = False
    output: Annotated[
        str | None,
        option(
            "--output",
            "-o",
            value="DIR",
            panel=OUTPUT,
            help="Write worksheet and solution into this folder, each as .md, .tex and .toml.",
        ),
    ] = None
    json: Json = False

    def run(self) -> int:
        """Make, then show or write."""
        from glassnet import exercise
        from glassnet.cli.rules import LARGEST_SEED, choice, units, whole
        from glassnet.cli.screen import Screen
        from glassnet.errors import InvalidParameterError
        from glassnet.explain.exercises import FORMS, KINDS

        screen = Screen(json=self.json)
        form = choice("--format", self.form, FORMS)
        sizes = units("--layers", self.layers)
        if len(sizes) < 2:
            raise InvalidParameterError("--layers must be the inputs and the units of each layer, such as 2,2,1")
        if self.output is not None and (self.solution or self.form != "text"):
            raise InvalidParameterError("--output writes all files; leave --format and --solution out")
        made = exercise(
            choice("--kind", self.kind, tuple(KINDS)),
            layers=sizes,
            activation=self.activation,
            loss=self.loss,
            optimizer=self.optimizer,
            rows=whole("--rows", self.rows, 1),
            steps=whole("--steps", self.steps, 1),
            digits=whole("--digits", self.digits, 1),
            seed=whole("--seed", self.seed, 0, LARGEST_SEED),
        )
        written = [] if self.output is None else _save(made, self.output)
        if self.output is None:
            screen.show((made.solution if self.solution else made.worksheet)(form).rstrip("\n"))
        for path in written:
            screen.note("written", path)
        screen.document(_document(made, written))
        return 0


def _save(made: Any, folder: str) -> list[str]:
    """Write all files into a folder, which is made if need be."""
    from pathlib import Path

    from glassnet.errors import WriteError
    from glassnet.files.atomic import write_text

    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"--output: cannot make the folder {folder}: {error.strerror or error}") from None
    files = {str(Path(folder) / name): content for name, content in made.files().items()}
    for path, content in files.items():
        write_text(path, content)
    return list(files)


def _document(made: Any, written: list[str]) -> dict[str, Any]:
    return {"kind": made.kind, "worksheet": made.blanks, "solution": made.answers, "files": written}
