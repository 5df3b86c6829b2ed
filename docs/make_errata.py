"""Write docs/errata.md: the lectures' slips of calculation from the checker, those in formulas from the table here.

`python docs/make_errata.py` (or `make records`). `tests/contracts/test_errata.py` shows each slip of a formula.
"""

from pathlib import Path

from glassnet.cli.check import beyond
from glassnet.explain.checking import check
from glassnet.explain.findings import VERDICTS, CheckReport, Finding
from glassnet.explain.worked import example_names

PAGE = Path(__file__).parent / "errata.md"

INTRODUCTION = """\
# Errata of the lectures

What does not hold in the five lecture documents that glassnet implements; [the lectures' equations](lectures.md) names
them, and says where they only differ in convention. The first part is what `glassnet check` finds in their worked
examples, all of whose printed numbers come with glassnet: `glassnet check lecture-23-bce` shows it in a terminal, and
[worked examples](worked_examples.md) says how it judges. The second part is formulas; a test shows each of them.

Written by `docs/make_errata.py`: change the examples or the table there, not this page.
"""

FORMULAS = (
    (
        "log loss without a minus",
        "Lecture 23, section 1",
        r"$\ell = y \log \hat y + (1 - y) \log(1 - \hat y)$",
        r"$-\ell$ is the loss: what is printed grows as the prediction gets better",
    ),
    (
        "parentheses in the likelihood",
        "Lecture 23, log-likelihood",
        "$e^{-w x + b}$",
        "$e^{-(w x + b)}$: the bias would enter with the wrong sign",
    ),
    (
        "sign in the logistic objective",
        "Lecture 23, loss minimization",
        r"$y \log(1 + e^{z}) + (1 - y) \log(1 + e^{z})$",
        r"$y \log(1 + e^{-z}) + (1 - y) \log(1 + e^{z})$: what is printed does not depend on $y$",
    ),
    (
        "shape of the first weights",
        "Lecture 23, final form",
        r"$W_1 \in \mathbb{R}^{k \times d}$, then a matrix of $d$ rows and $k$ columns, then "
        r"$W_1^\top \tilde x$",
        "$W_1 x$ with $W_1$ of $k$ rows, as its worked example has it",
    ),
    (
        "bias added twice",
        "Lecture 23, final form",
        r"$W_2^\top \tilde u + b_2$ with $\tilde u_0 = 1$ and $W_2 \in \mathbb{R}^{k}$",
        r"$W_2^\top u + b_2$: the augmented $\tilde u$ has $k + 1$ entries, and its weight $w_0$ "
        "would be the bias",
    ),
    (
        "size of the input",
        "Lecture 23, algorithm 2.1",
        r"no augmentation, but $x \in \mathbb{R}^{d+1}$",
        r"$x \in \mathbb{R}^{d}$, which is what its sums run over",
    ),
    (
        "index of the first weights",
        "Lecture 23, section 3.2",
        r"$a_i = \sum_j x_j w_{ji} + b_i$, and $\partial a_i / \partial w_{ij} = x_j$",
        r"$\partial a_i / \partial w_{ji} = x_j$; or $w_{ij}$ in both",
    ),
    (
        "gradient of the last layer",
        "Lecture 5, backpropagation algorithm",
        r"$\delta_L$, then the gradients for $l = L - 1$ to $1$",
        "the loop has to begin with the gradients of layer $L$, which the update uses",
    ),
    (
        "squares inside a norm",
        "EE514, backpropagation example",
        r"$\tfrac12 \lVert (\hat y_1 - y_1)^2 - (\hat y_2 - y_2)^2 \rVert^2$",
        r"$\tfrac12 \lVert \hat y - y \rVert^2$, which gives its 0.2984",
    ),
    (
        "input of the second layer",
        "EE514, backpropagation example",
        r"$z_{2,1} = w_{2,1}^\top x + b_{2,1}$",
        r"$z_{2,1} = w_{2,1}^\top a_1 + b_{2,1}$, which gives its 1.106",
    ),
    (
        "log loss with half a minus",
        "EE514, vectorization",
        r"$-y \log a + (1 - y) \log(1 - a)$",
        r"$-y \log a - (1 - y) \log(1 - a)$, whose derivative is the one printed below it",
    ),
    (
        "minus before the squared error",
        "Introduction, handwritten loss",
        r"$-\tfrac1{2n} \sum (\hat y - t)^2$",
        r"$\tfrac1{2n} \sum (\hat y - t)^2$, whose gradient its updates follow downhill",
    ),
    (
        "factor of the handwritten gradient",
        "Introduction, handwritten gradient",
        r"$2 (\sigma(z) - t)\, \sigma'(z)\, a$ for one example",
        r"$(\sigma(z) - t)\, \sigma'(z)\, a$: the half cancels the 2",
    ),
    (
        "index of the handwritten weights",
        "Introduction, handwritten forward pass",
        r"$z_i = \sum_l x_l w_{li}$",
        r"$z_i = \sum_l x_l w_{il}$, as in the line above it",
    ),
    (
        "bias unit of the second layer",
        "Introduction, two-layer network",
        r"$z_k = \sum_{j=0}^{M} w_{kj} a_j$ with $z_0 = 1$",
        "$a_0 = 1$, as later in the same lecture",
    ),
    (
        "output delta of any loss",
        "Introduction, deep networks",
        r"$\delta = (\hat y - y) \odot \sigma'(z)$ for $\mathcal{L}(\hat y, y)$",
        r"only for half the squared error; in general $\partial \mathcal{L} / \partial \hat y \odot "
        r"\sigma'(z)$",
    ),
)
"""Slip, where, what is printed, what holds."""


def cells(*texts: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(texts)} |"


def row(finding: Finding) -> str:
    """One number with what is right."""
    after = "" if finding.expected is None else beyond(finding.claimed, finding.expected, 0)
    right = f"`{finding.numbers}` = {after}"
    verdict = finding.verdict.replace("_", " ")
    return cells(
        str(finding.step),
        f"`{finding.label}`",
        finding.claimed,
        verdict,
        right,
        beyond(finding.claimed, finding.exact, 0),
    )


def section(report: CheckReport) -> str:
    """The numbers of one example that its own numbers do not give."""
    example, counts = report.example, report.counts
    shown = [finding for finding in report.findings if finding.verdict in ("slip", "last_digit")]
    count = ", ".join(f"{n} {verdict.replace('_', ' ')}" for verdict, n in counts.items() if n)
    head = f"### {example.source}: {example.title}\n\n`glassnet check {example.name}`: {count}.\n"
    if not shown:
        return head
    columns = ("step", "number", "printed", "verdict", "from the numbers before it", "exact, from the start")
    lines = [cells(*columns), cells(*["---"] * len(columns)), *map(row, shown)]
    return "\n".join([head, *lines]) + "\n"


def page() -> str:
    """The whole page."""
    reports = [check(name) for name in example_names()]
    deviating = [report for report in reports if report.counts["ok"] < len(report.findings)]
    right = [report.example.name for report in reports if report not in deviating]
    words = "\n".join(f"- **{verdict.replace('_', ' ')}**: {meaning}" for verdict, meaning in VERDICTS.items())
    names = ", ".join(f"`{name}`" for name in right)
    numeric = ["## Numbers\n", words + "\n", f"All numbers are ok in {names}.\n", *map(section, deviating)]
    formulas = [cells("slip", "where", "printed", "what holds"), cells(*["---"] * 4), *(cells(*r) for r in FORMULAS)]
    return "\n".join([INTRODUCTION, *numeric, "## Formulas\n", *formulas]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
