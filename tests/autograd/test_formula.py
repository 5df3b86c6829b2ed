"""Formulas read from the tape mean what was computed: SymPy evaluates them back."""

import numpy as np
import pytest

import glassnet.autograd as ag
from glassnet import AutogradError
from glassnet.autograd import Tensor, latex


def named(value=0.7, name="z"):
    return Tensor(value, requires_grad=True, name=name)


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda z: z * ag.sigmoid(2 * z), r"z \cdot \sigma(2 \cdot z)"),
        (lambda z: (z + 1) * (z - 2), r"\left(z + 1\right) \cdot \left(z - 2\right)"),
        (lambda z: z - (z + 1), r"z - \left(z + 1\right)"),
        (lambda z: (z - 1) + z, r"z - 1 + z"),
        (lambda z: (-z) ** 2, r"{\left(-z\right)}^{2}"),
        (lambda z: -(z**2), r"-{z}^{2}"),
        (lambda z: (z**2) ** 3, r"{\left({z}^{2}\right)}^{3}"),
        (lambda z: 1 / (1 + ag.exp(-z)), r"\frac{1}{1 + \exp(-z)}"),
        (lambda z: z * -3, r"z \cdot \left(-3\right)"),
        (lambda z: ag.log(ag.cosh(z)), r"\log(\cosh(z))"),
        (lambda z: abs(z) + ag.sqrt(z), r"|z| + \sqrt{z}"),
    ],
)
def test_parentheses_where_they_are_needed(f, text):
    assert latex(f(named())) == text


@pytest.mark.parametrize("seed", range(20))
def test_a_random_formula_reads_back_to_its_value(seed):
    sympy = pytest.importorskip("sympy")
    rng = np.random.default_rng(seed)
    tensors = [named(0.7, "x"), named(1.3, "y")]
    binary = [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / (b * b + 1)]
    unary = [lambda a: -a, ag.tanh, lambda a: a**2, lambda a: ag.exp(-a * a), lambda a: 2 - a]
    for _ in range(6):
        pick = [tensors[i] for i in rng.integers(len(tensors), size=2)]
        tensors.append(binary[rng.integers(4)](*pick) if rng.random() < 0.6 else unary[rng.integers(5)](pick[0]))
    text = latex(tensors[-1])
    for theirs, ours in ((r"\left(", "("), (r"\right)", ")"), (r"\cdot", "*"), (r"\operatorname", ""), ("\\", "")):
        text = text.replace(theirs, ours)
    while "frac" in text:  # the innermost first: \frac{a}{b}
        start = text.rindex("frac{")
        depth, marks = 0, []
        for i in range(start + 4, len(text)):
            depth += (text[i] == "{") - (text[i] == "}")
            if depth == 0:
                marks.append(i)
                if len(marks) == 2:
                    break
        top, bottom = text[start + 5 : marks[0]], text[marks[0] + 2 : marks[1]]
        text = f"{text[:start]}(({top})/({bottom})){text[marks[1] + 1 :]}"
    text = text.replace("{", "(").replace("}", ")").replace("^", "**")
    names = {"x": sympy.Float(0.7, 30), "y": sympy.Float(1.3, 30), "tanh": sympy.tanh, "exp": sympy.exp}
    assert float(sympy.sympify(text, locals=names)) == pytest.approx(tensors[-1].item(), rel=1e-6)


@pytest.mark.parametrize(
    "f",
    [
        lambda z: ag.where(z > 0, z, 0.0),
        lambda z: z[0],
        lambda z: z.sum(axis=0),
        lambda z: z * np.ones(2),
        lambda z: z.clip(0),
    ],
)
def test_what_a_formula_would_hide_is_refused(f):
    with pytest.raises(AutogradError, match="formula"):
        latex(f(named([1.0, 2.0])))


def test_unnamed_and_endless():
    with pytest.raises(AutogradError, match="needs names"):
        latex(Tensor(1.0, True) * 2)
    z = y = named()
    for _ in range(200):
        y = y * z
    with pytest.raises(AutogradError, match="longer than"):
        latex(y)
