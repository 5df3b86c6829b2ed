"""Write docs/records.md from the registries: `python docs/make_records.py` (or `make records`)."""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from glassnet import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES

PAGE = Path(__file__).parent / "records.md"

INTRODUCTION = """\
# The formulas

Every activation, loss, optimizer, initializer and schedule that glassnet has, read from its registries by
`docs/make_records.py`: change the record, not this page. A name, or one of its other names, is what the command
line, model files and Python take; numbers go in parentheses, as in `leaky_relu(alpha=0.2)`.

$z$ is a pre-activation, $a = g(z)$ an activation, $y$ a target, $g$ (of an optimizer) the gradient of the parameters
$\\theta$, $\\eta$ the learning rate, and $t$ (of a schedule) the time in epochs of a run of $T$ epochs.
"""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def formula(latex: str) -> str:
    """A formula that may stand in a cell: its own bars would end the cell."""
    return f"${latex.replace('|', chr(92) + 'vert{}')}$" if latex else "—"


def numbers(constants: Mapping[str, Any]) -> str:
    """Constants with their values."""
    return ", ".join(f"`{name}={value!r}`" for name, value in constants.items()) or "—"


def aliases(registry: Any, name: str) -> str:
    """The other names of a record."""
    return ", ".join(f"`{alias}`" for alias, of in registry._aliases.items() if of == name) or "—"


def defaults(cls: Any) -> dict[str, Any]:
    """Fields of a class that have a default, with it."""
    return {item.name: item.default for item in fields(cls) if item.default is not MISSING}


def opening(registry: Any, name: str, *formulas: str) -> list[str]:
    """The first cells of a row: name, other names, formulas."""
    return [f"`{name}`", aliases(registry, name), *map(formula, formulas)]


def activation_row(name: str, r: Any) -> list[str]:
    """One activation."""
    first = opening(ACTIVATIONS, name, r.latex, r.derivative_latex)
    return [*first, str(r.range), numbers(r.constants), r.source]


def loss_row(name: str, r: Any) -> list[str]:
    """One loss."""
    link = f"`{r.link}`" if r.link else "—"
    first = opening(LOSSES, name, r.latex, r.derivative_latex)
    return [*first, link, formula(r.linked_latex), numbers(r.constants), r.likelihood, r.source]


def sections() -> Iterable[str]:
    """The page, piece by piece."""
    yield INTRODUCTION
    yield "## Activations\n"
    yield table(
        ("name", "other names", "formula", "derivative", "range", "constants", "source"),
        (activation_row(name, r) for name, r in ACTIVATIONS.items()),
    )
    yield (
        "## Losses\n\n"
        "The loss of one example; examples then add up by `reduction`. With the *link* in the output layer, value and\n"
        "$\\delta = \\partial L / \\partial z$ come from the pre-activation, by the formula in its column.\n"
    )
    yield table(
        (
            "name",
            "other names",
            "formula",
            "derivative by $a_k$",
            "link",
            "from $z$",
            "constants",
            "likelihood",
            "source",
        ),
        (loss_row(name, r) for name, r in LOSSES.items()),
    )
    yield "## Optimizers\n"
    yield table(
        ("name", "other names", "update", "numbers and defaults", "source"),
        ([*opening(OPTIMIZERS, name, r.latex), numbers(defaults(r)), r.source] for name, r in OPTIMIZERS.items()),
    )
    yield "## Initializers\n"
    yield table(
        ("name", "other names", "distribution", "constants", "source"),
        ([*opening(INITIALIZERS, name, r.latex), numbers(r.constants), r.source] for name, r in INITIALIZERS.items()),
    )
    yield "## Schedules\n\n$\\eta_0$ is the first number of each, `initial`.\n"
    yield table(
        ("name", "other names", "value", "numbers and defaults", "source"),
        ([*opening(SCHEDULES, name, r.latex), numbers(defaults(r)), r.source] for name, r in SCHEDULES.items()),
    )


def page() -> str:
    """The whole page."""
    return "\n".join(sections())


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
