"""Write docs/explain.md: how to write training out, and two derivations: `python docs/make_explain.py`."""

import re
from pathlib import Path

from glassnet.cli.explain import from_example
from glassnet.explain.derivation import Derivation
from glassnet.explain.symbols import NOTATIONS

PAGE = Path(__file__).parent / "explain.md"

INTRODUCTION = """\
# Training, written out

Written by `docs/make_explain.py`: change the text there, or the sentences in `src/glassnet/explain`, not this page.

`glassnet explain` writes training down as a teacher does on a board: forward pass, loss, backward pass and update, each
line with its symbol, the formula in symbols, the formula with the numbers plugged in, the value and the shape. Every
number is read from a trace of the reference engine; none is computed anew for the page.

```sh
glassnet explain lecture-23-bce                          # all three steps of a lecture's example, in the terminal
glassnet explain lecture-23-bce -o board.tex             # for LaTeX; also .html, .md and .txt
glassnet explain homework.toml --steps 5 --digits 4
glassnet explain penguins.glassnet penguins.csv --row 3 --optimizer "sgd(0.1)"
glassnet explain ee514-two-outputs --chain "W1[1,1]"     # the chain rule, path by path
glassnet explain lecture-23-bce --notation lecture-23    # in the lecture's own symbols
```

## In Python

```python
from glassnet import Dense, Network

net = Network(2, [Dense(2, "tanh"), Dense(1, "sigmoid")], dtype="float64", seed=1)
board = net.explain([[0.5, 1.0]], [1.0], optimizer="adam(0.1)", steps=3)
assert len(board.steps) == 3 and board.loss_after < board.steps[0].loss

line = next(part for part in board.paragraphs if part.name == "z1").lines[0]
assert line.symbols == "W1[1,1] · x[1] + W1[1,2] · x[2] + b1[1]"

chain = board.chain("W1[1,2]", step=2)
assert abs(chain.value - board.board.traces[1]["dW1"][0, 1]) < 1e-12
```

In a notebook the result shows itself. It has `text()`, `markdown()`, `latex()`, `html()` and `document()` (for JSON);
the page of `html()` is MathML and loads nothing, the document of `latex()` needs amsmath, geometry and graphicx.

`net.trace(X, y, optimizer=...)` is one step of it as numbers by name; `net.explain` reads the same traces.

## What it takes

| option | what it does |
| --- | --- |
| `steps`, `--steps` | so many steps, each over all examples given; momentum, Adam's m and v and schedules go on |
| `training=True`, `--training` | dropout's masks as drawn, batch statistics; without it a prediction pass |
| `sample_weight`, `class_weight`, `clip_norm`, `clip_value` | as `fit` takes them |
| `digits`, `--digits` | significant figures of every number |
| `entries`, `--entries` | how many entries of each quantity are written out; the shape tells how many there are |
| `terms`, `--terms` | how many terms of a long sum |
| `notation`, `--notation` | the symbols; see below |
| `bias`, `--bias` | `separate`, or `unit`: the bias as the weight $w_0$ of a unit that is always 1 |
| `batch`, `--batch` | examples as `rows` or as `columns` |

It takes every layer, activation, loss and optimizer that glassnet has, and your own formulas (`glassnet.custom`), which
are written by their names. A pass with a number that is not finite is refused, and the first bad tensor is named.

The steps are those of training: `net.explain(X, y, optimizer=rule, steps=k)` ends at the weights at which
`net.fit(X, y, optimizer=rule, batch_size=len(X), epochs=k)` ends (with `training=True` where masks are drawn or batch
statistics used). A test compares them for every kind of layer and every optimizer, and evaluates the printed text of
every line on its own.

## Notations

The lectures write the same things differently. Each derivation says at its top how to read it.

"""
ONE = """
## One neuron

`glassnet explain lecture-5-one-neuron --digits 4 --format markdown`: Lecture 5's gradient calculation.

"""
CHAIN = """
## The chain rule, path by path

`--chain "W1[1,1]"` writes the derivative by one weight as a sum over all paths from the loss back to it: one factor for
each edge of the path. EE514's network has two paths to its first weight:

"""
AFTER = """
Any activation, softmax (whose outputs all depend on one another), dropout, batch normalization (whose examples do) and
penalties have their paths too. In a deep network there are very many: above 64 (`most` in Python) the chain rule is
written layer by layer instead, with what the paths share taken out. That is backpropagation.
"""


def notations() -> str:
    """The notations as a table."""
    rows = ["| name | as in | pre-activation, activation | weight | output, target | loss | rate | bias | batch |"]
    rows.append("| --- " * 9 + "|")
    for n in NOTATIONS.values():
        z, a, W = (f"${n.latex(name, index, 9)}$" for name, index in (("z2", (1,)), ("a2", (1,)), ("W2", (1, 2))))
        output = n.output[1] if n.output else n.latex("a2", (), 9)
        row = [f"`{n.name}`", n.where, f"{z}, {a}", W, f"${output}$, ${n.target[1]}$", f"${n.letter('loss')[1]}$"]
        rows.append(f"| {' | '.join([*row, f'${n.rate[1]}$', n.bias, n.batch])} |")
    rows.append("\nThe weight is the one to unit 1 of layer 2 from unit 2 of layer 1.")
    return "\n".join(rows) + "\n"


def derivation(name: str, **options: int) -> Derivation:
    """A worked example, written out."""
    asked = from_example(name)
    return asked.network.explain(asked.X, asked.y, optimizer=asked.rule, steps=asked.steps, **options)


def lowered(markdown: str) -> str:
    """Without the title, and with its headings two levels down."""
    body = markdown.partition("\n")[2].lstrip("\n")
    return re.sub(r"^#", "###", body, flags=re.MULTILINE)


def page() -> str:
    """The whole page."""
    one = lowered(derivation("lecture-5-one-neuron", digits=4).markdown())
    chain = lowered(derivation("ee514-two-outputs").chain("W1[1,1]").markdown())
    return "".join([INTRODUCTION, notations(), ONE, one, CHAIN, chain, AFTER])


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
