"""Write docs/derivations.md from the proofs: `python docs/make_derivations.py` (or `make records`)."""

from pathlib import Path

from glassnet.explain.proofs import KINDS

PAGE = Path(__file__).parent / "derivations.md"

INTRODUCTION = """\
# The formulas, derived

Why each formula of [the formulas](records.md) and of backpropagation is what it is: lists of equalities, each with its
reason. The last expression of a list is the one that glassnet computes. SymPy verifies every equality in the tests, and
compares first and last expression with the functions that the networks run.

`glassnet derive sigmoid` shows one in the terminal; `glassnet derive sigmoid --out sigmoid.tex` (`.html`, `.md`) writes
it. In Python it is `derive("sigmoid")`, which shows itself in a notebook.

$\\delta_{kj}$ is 1 where $k = j$ and 0 elsewhere; $\\delta$ with a layer's number is $\\partial L / \\partial z$.

Written by `docs/make_derivations.py`: change the proofs, not this page.
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for kind, proofs in KINDS.items():
        parts.append(f"## {kind.capitalize()}\n")
        parts += [proof.markdown(3) for proof in proofs]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
