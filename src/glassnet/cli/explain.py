"""`glassnet explain EXAMPLE`, `glassnet explain MODEL DATA --row 3`: every number of some steps, as on a board."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from glassnet.cli.options import DATA, OUTPUT, Form, Json, Out, option
from glassnet.errors import InvalidParameterError

__all__ = ["Explain"]


@dataclass(frozen=True)
class Explain:
    """Write training down as a teacher does on a board: each formula, the numbers plugged in, the value, the shape.

    Forward, loss, backward and, with an optimizer, the update; all steps of a worked example, or one row of a table
    through a model. With --chain the chain rule for one weight, path by path.
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
    rows: Annotated[
        str | None,
        option("--rows", value="N", panel=DATA, help="So many rows of DATA, from --row on, as one small batch."),
    ] = None
    optimizer: Annotated[
        str | None,
        option(
            "--optimizer", value="RULE", panel=DATA, help="Update with this, such as 'sgd(0.5)'; one of {optimizers}."
        ),
    ] = None
    steps: Annotated[
        str | None,
        option("--steps", value="N", panel=DATA, help="How many; by default all that EXAMPLE has, else 1."),
    ] = None
    training: Annotated[
        bool, option("--training", panel=DATA, help="Draw dropout's masks, and use the batch's statistics.")
    ] = False
    chain: Annotated[
        str | None,
        option("--chain", value="WEIGHT", panel=OUTPUT, help="Only the chain rule for this, such as 'W1[1,1]'."),
    ] = None
    step: Annotated[str, option("--step", value="N", panel=OUTPUT, help="The step that --chain is about.")] = "1"
    form: Form = None
    out: Out = None
    digits: Annotated[str, option("--digits", value="N", panel=OUTPUT, help="Significant figures of each number.")] = (
        "6"
    )
    entries: Annotated[
        str, option("--entries", value="N", panel=OUTPUT, help="How many entries of each quantity are written out.")
    ] = "4"
    terms: Annotated[
        str, option("--terms", value="N", panel=OUTPUT, help="How many terms of a long sum are written out.")
    ] = "8"
    notation: Annotated[
        str,
        option(
            "--notation",
            value="NAME",
            panel=OUTPUT,
            help="parentheses, brackets, subscript, or as a lecture has it: lecture-5, class-2, lecture-23, "
            "introduction, ee514.",
        ),
    ] = "parentheses"
    bias: Annotated[
        str | None,
        option("--bias", value="WAY", panel=OUTPUT, help="separate, or unit: the weight of a unit 0 that is always 1."),
    ] = None
    batch: Annotated[
        str | None, option("--batch", value="WAY", panel=OUTPUT, help="Examples as rows or as columns.")
    ] = None
    json: Json = False

    def run(self) -> int:
        """Trace, write down, show."""
        from glassnet.cli.forms import form_of, show_or_write
        from glassnet.cli.rules import whole
        from glassnet.cli.screen import Screen

        form = form_of(self.form, self.out)
        derivation = self._derivation()
        result: Any = derivation
        if self.chain is not None:
            result = derivation.chain(self.chain, whole("--step", self.step, 1, len(derivation.steps)))
        screen = Screen(json=self.json)
        if form == "text" and self.out is None:
            screen.show(on_screen(result))
        else:
            show_or_write(screen, getattr(result, form)(), form, self.out)
        screen.document(result.document())
        return 0

    def _steps(self, usual: int) -> int:
        from glassnet.cli.rules import whole

        return usual if self.steps is None else whole("--steps", self.steps, 1, 1000)

    def _derivation(self) -> Any:
        from glassnet.cli.rules import whole

        look: dict[str, Any] = {
            "digits": whole("--digits", self.digits, 1, 17),
            "entries": whole("--entries", self.entries, 1, 10_000),
            "terms": whole("--terms", self.terms, 1, 10_000),
            "notation": self.notation,
            "bias": self.bias,
            "batch": self.batch,
        }
        if is_example(self.source) and not has_network(self.source):
            from glassnet.explain.expressing import derive_example
            from glassnet.explain.look import Look
            from glassnet.explain.worked import read_example

            return derive_example(read_example(self.source), Look(**look))
        asked = from_example(self.source) if is_example(self.source) else self._from_model()
        rule = self.optimizer if self.optimizer is not None else asked.rule
        steps, training = self._steps(asked.steps), self.training
        derivation = asked.network.explain(asked.X, asked.y, optimizer=rule, steps=steps, training=training, **look)
        return replace(derivation, title=asked.title) if asked.title else derivation

    def _from_model(self) -> "Asked":
        """Some rows of a table, as the network of a model sees them."""
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
        first = whole("--row", self.row, 1, len(y)) - 1
        count = 1 if self.rows is None else whole("--rows", self.rows, 1, len(y) - first)
        inputs = model.transform_inputs(X, source=table.name)[first : first + count]
        return Asked(model.network_, inputs, model.target_.encode(y, table.name)[first : first + count])


@dataclass(frozen=True)
class Asked:
    """A network with what it is to be explained on."""

    network: Any
    X: Any
    y: Any
    rule: Any = None
    steps: int = 1
    title: str = ""


def on_screen(result: Any) -> Any:
    """The text in the terminal's width, headings in bold; in a pipe as it is."""
    import sys

    if not sys.stdout.isatty():
        return result.text()
    from rich.console import Console
    from rich.text import Text

    text = Text()
    for line in result.text(Console().width - 1).splitlines():
        text.append(f"{line}\n", "bold" if line[:1].strip() else "dim" if line.startswith("  and ") else "")
    return text


def is_example(source: str) -> bool:
    """Whether this is a worked example: a TOML file, or a shipped one by its name."""
    from glassnet.explain.worked import example_names

    return source.lower().endswith(".toml") or source in example_names()


def has_network(source: str) -> bool:
    """Whether this example is about a network; else it is about expressions, or the loss of a given output."""
    from glassnet.explain.quantities import Pass
    from glassnet.explain.worked import read_example

    table = read_example(source).table
    return isinstance(table, Pass) and table.setting.depth > 0


def from_example(source: str) -> Asked:
    """The network of a worked example with its numbers, x, y and the optimizer, and as many steps as it has."""
    import numpy as np

    from glassnet import Dense, Network, read_example
    from glassnet.explain.places import Entry
    from glassnet.explain.quantities import Pass

    example = read_example(source)
    assert isinstance(example.table, Pass), source
    s = example.table.setting

    def given(name: str, *shape: int) -> Any:
        return np.reshape([s.data[Entry(0, name, index)] for index in np.ndindex(*shape)], shape)

    layers = [Dense(n, str(g), bias=bias) for n, g, bias in zip(s.sizes[1:], s.activations, s.biases, strict=True)]
    loss = "" if s.loss is None else str(s.loss)
    network = Network(s.sizes[0], layers, loss, reduction=s.reduction, l1=s.l1, l2=s.l2, dtype="float64")
    for name, view in network.parameters.items():
        view[...] = given(name, *view.shape)
    y = None if s.loss is None else given("y", s.rows, s.sizes[-1])
    steps = example.steps if s.rule is not None else 1
    title = f"{example.title} ({example.source})" if example.source else example.title
    return Asked(network, given("a0", s.rows, s.sizes[0]), y, s.rule, max(steps, 1), title)
