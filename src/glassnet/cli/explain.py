"""`glassnet explain EXAMPLE`, `glassnet explain MODEL DATA --row 3`: every number of one pass, as on a board."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from glassnet.cli.options import DATA, OUTPUT, Json, option
from glassnet.errors import InvalidParameterError

__all__ = ["Explain"]


@dataclass(frozen=True)
class Explain:
    """Write a pass down as a teacher does on a board: each formula, the numbers plugged in, the value, the shape.

    Forward, loss, backward and, with an optimizer, the update; the first step of a worked example, or one row of a
    table through a model.
    """

    source: Annotated[
        str,
        typer.Argument(
            metavar="EXAMPLE|MODEL",
            help="A worked example (.toml, or one of {examples}), or a model file that `fit --out` wrote.",
            show_default=False,
        ),
    ]
    data: Annotated[
        str | None,
        typer.Argument(metavar="[DATA]", help="With a MODEL: the table, with its target.", show_default=False),
    ] = None
    row: Annotated[str, option("--row", value="N", panel=DATA, help="Which row of DATA, from 1 on.")] = "1"
    optimizer: Annotated[
        str | None,
        option(
            "--optimizer", value="RULE", panel=DATA, help="Update with this, such as 'sgd(0.5)'; one of {optimizers}."
        ),
    ] = None
    form: Annotated[
        str | None,
        option(
            "--format", value="FORM", panel=OUTPUT, help="text, markdown, latex or html; by default what --out ends in."
        ),
    ] = None
    out: Annotated[
        str | None, option("--out", "-o", value="FILE", panel=OUTPUT, help="Write here: .txt, .md, .tex or .html.")
    ] = None
    digits: Annotated[str, option("--digits", value="N", panel=OUTPUT, help="Significant figures of each number.")] = (
        "6"
    )
    entries: Annotated[
        str, option("--entries", value="N", panel=OUTPUT, help="How many entries of each quantity are written out.")
    ] = "4"
    notation: Annotated[
        str,
        option("--notation", value="NAME", panel=OUTPUT, help="Of LaTeX and HTML: parentheses, brackets or subscript."),
    ] = "parentheses"
    json: Json = False

    def run(self) -> int:
        """Trace, write down, show."""
        from glassnet.cli.forms import form_of, show_or_write
        from glassnet.cli.rules import whole
        from glassnet.cli.screen import Screen

        form = form_of(self.form, self.out)
        network, X, y, rule = from_example(self.source) if is_example(self.source) else self._from_model()
        derivation = network.explain(
            X,
            y,
            optimizer=self.optimizer if self.optimizer is not None else rule,
            digits=whole("--digits", self.digits, 1, 17),
            entries=whole("--entries", self.entries, 1, 10_000),
            notation=self.notation,
        )
        screen = Screen(json=self.json)
        show_or_write(screen, getattr(derivation, form)(), form, self.out)
        screen.document(derivation.document())
        return 0

    def _from_model(self) -> tuple[Any, Any, Any, None]:
        """One row of a table, as the network of a model sees it."""
        from glassnet.cli.models import load_table, read_for, rows_with_target
        from glassnet.cli.rules import whole
        from glassnet.explain.worked import read_example

        if self.data is None:
            if not Path(self.source).exists():
                read_example(self.source)  # says that it is neither, and what comes nearest
            raise InvalidParameterError(f"say which DATA has the row: glassnet explain {self.source} DATA --row 1")
        model = load_table(self.source)
        table = read_for(model, self.data, noise=None, rows=None, seed="0")
        X, y, _ = rows_with_target(model, table)
        i = whole("--row", self.row, 1, len(y)) - 1
        inputs = model.transform_inputs(X, source=table.name)[i : i + 1]
        return model.network_, inputs, model.target_.encode(y, table.name)[i : i + 1], None


def is_example(source: str) -> bool:
    """Whether this is a worked example: a TOML file, or a shipped one by its name."""
    from glassnet.explain.worked import example_names

    return source.lower().endswith(".toml") or source in example_names()


def from_example(source: str) -> tuple[Any, Any, Any, Any]:
    """The network of a worked example with its numbers, x, y and the optimizer."""
    import numpy as np

    from glassnet import Dense, Network, read_example
    from glassnet.explain.places import Entry
    from glassnet.explain.quantities import Pass

    example = read_example(source)
    if not isinstance(example.table, Pass) or not example.table.setting.depth:
        raise InvalidParameterError(f"{source} has no network to explain; glassnet check {source} judges its numbers")
    s = example.table.setting

    def given(name: str, *shape: int) -> Any:
        return np.reshape([s.data[Entry(0, name, index)] for index in np.ndindex(*shape)], shape)

    layers = [Dense(n, str(g), bias=bias) for n, g, bias in zip(s.sizes[1:], s.activations, s.biases, strict=True)]
    loss = "" if s.loss is None else str(s.loss)
    network = Network(s.sizes[0], layers, loss, reduction=s.reduction, l1=s.l1, l2=s.l2, dtype="float64")
    for name, view in network.parameters.items():
        view[...] = given(name, *view.shape)
    y = None if s.loss is None else given("y", s.rows, s.sizes[-1])
    return network, given("a0", s.rows, s.sizes[0]), y, s.rule
