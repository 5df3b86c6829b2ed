"""`glassnet derive NAME`: a formula derived in symbols, equality by equality, each with its reason."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from glassnet.cli.options import Form, Json, Out

if TYPE_CHECKING:
    from glassnet.cli.screen import Screen

__all__ = ["Derive"]


@dataclass(frozen=True)
class Derive:
    """Derive a formula in symbols, as a list of equalities: an activation, a loss with its link, backpropagation.

    Every equality is verified by SymPy in glassnet's tests, and the last expression is what glassnet computes.
    """

    name: Annotated[str, typer.Argument(metavar="NAME", help="list, or one of {proofs}.")] = "list"
    form: Form = None
    out: Out = None
    json: Json = False

    def run(self) -> int:
        """List, or find and show."""
        from glassnet import derive
        from glassnet.cli.forms import form_of, show_or_write
        from glassnet.cli.screen import Screen
        from glassnet.errors import InvalidParameterError

        screen = Screen(json=self.json)
        form = form_of(self.form, self.out)
        if self.name == "list":
            if self.form is not None or self.out is not None:
                raise InvalidParameterError("--format and --out need a NAME: glassnet derive sigmoid --out sigmoid.tex")
            return show_names(screen)
        proof = derive(self.name)
        show_or_write(screen, getattr(proof, form)(), form, self.out)
        screen.document(proof.document())
        return 0


def show_names(screen: "Screen") -> int:
    """What is derived, by kind."""
    from glassnet.cli.screen import grid
    from glassnet.explain.proofs import KINDS

    for kind, proofs in KINDS.items():
        screen.show(grid(kind, ["name", "what is derived"], [[proof.name, proof.title] for proof in proofs], left=2))
    documents = [{"name": p.name, "title": p.title, "kind": kind} for kind, proofs in KINDS.items() for p in proofs]
    screen.document({"derivations": documents})
    if not screen.json:
        screen.note("next", "glassnet derive NAME")
    return 0
