"""The LaTeX document: it compiles, no line runs over the margin; without LaTeX, braces and environments close."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from explain.test_steps import CASES, X, build
from glassnet import Dense, Network
from glassnet.cli.explain import from_example, has_network
from glassnet.explain.expressing import derive_example
from glassnet.explain.look import Look
from glassnet.explain.places import Entry
from glassnet.explain.symbols import NOTATIONS
from glassnet.explain.typesetting import aligned, matrix, width
from glassnet.explain.worked import example_names, read_example


def derived(name: str, **options):
    if not has_network(name):
        return derive_example(read_example(name), Look(**options))
    asked = from_example(name)
    return asked.network.explain(asked.X, asked.y, optimizer=asked.rule, steps=asked.steps, **options)


def closes(latex: str) -> bool:
    """Every brace, environment and growing parenthesis that is opened is closed."""
    plain = re.sub(r"\\[{}]", "", latex)
    environments: list[str] = []
    for word, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", plain):
        if word == "begin":
            environments.append(name)
        elif not environments or environments.pop() != name:
            return False
    pairs = len(re.findall(r"\\left(?![a-z])", plain)) == len(re.findall(r"\\right(?![a-z])", plain))
    return not environments and pairs and plain.count("{") == plain.count("}")


def compiled(latex: str, folder) -> str:
    """What pdflatex says."""
    if shutil.which("pdflatex") is None:
        pytest.skip("the oracle pdflatex is missing")
    (folder / "board.tex").write_text(latex, "utf-8")
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "board.tex"]
    done = subprocess.run(words, cwd=folder, capture_output=True, timeout=100, check=False)
    log = (folder / "board.log").read_text("utf-8", errors="replace")
    assert done.returncode == 0, log[-2000:]
    return log


@pytest.mark.parametrize("name", example_names())
def test_the_examples_compile_within_the_margins(name, tmp_path):
    latex = derived(name).latex()
    assert closes(latex)
    assert "Overfull \\hbox" not in compiled(latex, tmp_path)


@pytest.mark.parametrize("style", NOTATIONS)
def test_every_notation_compiles(style, tmp_path):
    latex = derived("lecture-5-backpropagation", notation=style).latex()
    assert closes(latex)
    assert "Overfull \\hbox" not in compiled(latex, tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_network_closes(name):
    net, y, how = build(name)
    assert closes(net.explain(X, y, optimizer="nadam", steps=2, **how).latex())


@pytest.mark.parametrize(
    ("name", "rule", "digits"),
    [
        ("normalized output", "adam", 6),
        ("bounded entries", "nadam", 6),
        ("softmax inside", "adamw", 17),
        ("drawn slopes", "rmsprop", 12),
    ],
)
def test_long_lines_stay_within_the_margins(name, rule, digits, tmp_path):
    net, y, how = build(name)
    latex = net.explain(X, y, optimizer=rule, digits=digits, **how).latex()
    assert closes(latex)
    assert "Overfull \\hbox" not in compiled(latex, tmp_path)


def test_a_wide_network_compiles(tmp_path):
    net = Network(30, [Dense(12, "softmax"), Dense(10, "softmax")], dtype="float64", seed=1)
    derivation = net.explain(np.linspace(-1, 1, 30)[None], [3], optimizer="adam")
    latex = derivation.latex()
    assert closes(latex) and r"\cdots" in latex
    assert "Overfull \\hbox" not in compiled(latex, tmp_path)


def test_the_chain_rule_compiles(tmp_path):
    derivation = derived("ee514-two-outputs")
    for most in (64, 1):
        latex = derivation.chain("W1[1,1]", most=most).latex()
        assert closes(latex)
        assert "Overfull \\hbox" not in compiled(latex, tmp_path)


def test_the_three_iterations_read_like_a_lecture():
    latex = derived("lecture-23-bce").latex()
    for piece in (
        r"\section*{Step 1}",
        r"\section*{Step 3}",
        r"\subsection*{Forward pass}",
        r"\subsection*{Backward pass}",
        r"\subsection*{Update}",
        r"z^{(1)} &= \begin{pmatrix} 0.1 & 0.4 \\ 0.2 & 0.5 \end{pmatrix}" if False else r"\begin{pmatrix} 0.1 & 0.4",
        "The step took the loss from $J = 0.112877$ to $J = 0.0995359$",
        r"\section*{The loss, step by step}",
        "The same again, from the parameters that the step before ended with",
    ):
        assert piece in latex, piece


def test_what_does_not_close_is_seen():
    assert not closes(r"\begin{align*} x \end{gather*}") and not closes(r"{x") and not closes(r"\left( x")
    assert closes(r"\begin{align*} \left( x \leftarrow 1 \right) \end{align*}")


def test_lines_are_broken_where_they_are_too_long():
    line = derived("lecture-23-bce").board.line(Entry(1, "z1", (0, 0)))
    assert len(aligned(line)) == 1
    rows = aligned(line, 14.0)
    assert len(rows) > 2 and all(width(row) < 18 for row in rows)
    assert "".join(rows).count("W^{(1)}") == aligned(line)[0].count("W^{(1)}")


def test_matrices():
    assert matrix(np.array([1.0, 2.0]), 3) == r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"
    assert matrix(np.array([[3.0]]), 3) == "3"
    large = matrix(np.arange(100.0).reshape(10, 10), 3)
    assert r"\ddots" in large and r"\vdots" in large and "99" in large and "55" not in large
