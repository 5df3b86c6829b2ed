"""Expressions: their derivatives against numerical ones, the chain rule's lines, and what is not allowed."""

import mpmath
import pytest

from glassnet.errors import DataError
from glassnet.explain.arithmetic import EXACT, digits
from glassnet.explain.chains import Chain
from glassnet.explain.checking import check
from glassnet.explain.evaluation import evaluate
from glassnet.explain.expressions import parse
from glassnet.explain.places import Entry

FORMULAS = [
    "sin(x)", "cos(x)", "exp(x)", "log(x)", "sqrt(x)", "tanh(x)", "tan(x)", "sigmoid(x)", "x**3", "x**-2", "x**0",
    "-x", "+x", "3", "x * sin(x)", "sin(x) / x", "2 / x", "x / 2", "1 - x", "x - 1", "(x + 1)**2 * exp(-x**2)",
    "log(1 + exp(x))", "x * x - x / (x + 3)",
]  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_derivative_is_the_numerical_one(formula):
    expression = parse(f"f = {formula}")
    derivative = expression.derivative("x")
    for x in ("0.7", "1.3", "2.9"):
        expected = digits.diff(lambda v: expression.value(EXACT, {"x": v}), digits.mpf(x))
        assert abs(derivative.value(EXACT, {"x": digits.mpf(x)}) - expected) < 1e-30


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_value_is_that_of_mpmath(formula):
    names = {"sigmoid": lambda v: 1 / (1 + mpmath.exp(-v)), "x": mpmath.mpf("1.3")}
    names |= {name: getattr(mpmath, name) for name in ("sin", "cos", "exp", "log", "sqrt", "tanh", "tan")}
    expected = eval(formula, {"__builtins__": {}}, names)
    assert abs(mpmath.mpf(parse(f"f = {formula}").value(EXACT, {"x": digits.mpf("1.3")})) - expected) < 1e-14


def test_total_derivatives_go_over_all_paths():
    """f = u v with u = x^2, v = sin(u): every derivative against a numerical one of the composed function."""
    chain = Chain((parse("u = x**2"), parse("v = sin(u)"), parse("f = u * v + x")), {"x": 1.2})
    values = evaluate(chain)
    assert list(chain.tensors) == ["u", "du_dx", "v", "dv_du", "dv_dx", "f", "df_dv", "df_du", "df_dx"]

    def f(x):
        return x**2 * mpmath.sin(x**2) + x

    def f_of_u(u):
        return u * mpmath.sin(u)

    expected = {
        "df_dx": mpmath.diff(f, 1.2),
        "df_du": mpmath.diff(f_of_u, 1.44),
        "dv_dx": mpmath.diff(lambda x: mpmath.sin(x**2), 1.2),
        "df_dv": 1.44,
    }
    assert chain.tensors["df_dx"].text == "df_dx = v * du_dx + df_dv * dv_dx + 1"
    assert chain.tensors["df_du"].text == "df_du = v + df_dv * dv_du"
    for name, value in expected.items():
        assert float(values[Entry(1, name, ())]) == pytest.approx(float(value), rel=1e-9), name


def test_a_chain_of_three():
    document = {"expressions": ["u = 3*x", "v = u**2", "f = exp(-v)"], "at": {"x": 0.2}}
    claims = {"u": "0.6", "v": "0.36", "df_dv": "-0.6977", "dv_du": "1.2", "dv_dx": "3.6", "df_dx": "-2.5116"}
    report = check(document | {"claims": [claims]})
    assert report.passed
    (rounded,) = [finding for finding in report.findings if finding.name == "df_dx"]
    assert rounded.verdict == "ok"  # -0.69767... times 3.6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("f", "cannot read expression 'f'"),
        ("f = ", "cannot read expression"),
        ("f = x; g = x", "cannot read expression"),
        ("f.a = x", "cannot read expression"),
        ("f = g = x", "cannot read expression"),
        ("f = " + "(" * 250 + "x" + ")" * 250, "cannot read expression"),
        ("f = x" + " + x" * 200, "cannot read expression"),
        ("f = __import__('os')", "unknown function '__import__'"),
        ("f = x.real", "'x.real' is not allowed"),
        ("f = [x]", "'[x]' is not allowed"),
        ("f = x if x else 1", "is not allowed"),
        ("f = sin(x, x)", "is not allowed"),
        ("f = 'x'", "is not allowed"),
        ("f = True", "is not allowed"),
        ("f = x ** 0.5", "the exponent '0.5' must be a whole number up to 64"),
        ("f = x ** 1000", "the exponent '1000' must be a whole number up to 64"),
        ("f = 9 ** 9 ** 9", "the exponent '9 ** 9' must be a whole number up to 64"),
    ],
)
def test_anything_else_is_refused(text, message):
    with pytest.raises(DataError) as caught:
        parse(text)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "x", "value", "slope"), [("relu(x)", -2.0, "0", "0"), ("abs(x)", -2.0, "2", "-1"),
                                                           ("relu(x)", 3.0, "3", "1")])  # fmt: skip
def test_a_kinked_function_has_its_slope_on_each_side(text, x, value, slope):
    claims = {"f": value, "df_dx": slope}
    report = check({"expressions": [f"f = {text}"], "at": {"x": x}, "claims": [claims]})
    assert report.counts["ok"] == 2
