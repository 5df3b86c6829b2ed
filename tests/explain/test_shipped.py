"""The lectures' worked examples: their verdicts, by formulas written out here and all corners of the printed digits."""

import itertools
import math
from collections.abc import Callable

import pytest

from glassnet.explain.checking import check
from glassnet.explain.findings import VERDICTS
from glassnet.explain.worked import example_names, read_example

DEVIATING = ("ee514-two-outputs", "lecture-23-bce", "lecture-5-backpropagation", "lecture-5-backpropagation-terms")
Key = tuple[int, str]  # step and label


def sigma(z):
    return 1 / (1 + math.exp(-z))


def slope(a):
    return a * (1 - a)


Lines = dict[Key, tuple[tuple[Key, ...], Callable[..., float]]]


def two_layer_lines(steps: int, x, eta: float, loss, loss_slope) -> Lines:
    """A 2-2-1 sigmoid network, line by line, in the order of computation."""
    lines: Lines = {}
    for t in range(1, steps + 1):

        def old(name, t=t):
            kind, _, index = name.partition("[")
            return (0, name) if t == 1 else (t - 1, f"{kind}_new[{index}")

        def put(name, before, function, t=t):
            lines[t, name] = tuple(key if isinstance(key, tuple) else (t, key) for key in before), function

        for k in "12":
            inputs = (old(f"W1[{k},1]"), old(f"W1[{k},2]"), old(f"b1[{k}]"))
            put(f"z1[{k}]", inputs, lambda w, v, b: w * x[0] + v * x[1] + b)
            put(f"a1[{k}]", (f"z1[{k}]",), sigma)
        inputs = (old("W2[1,1]"), old("W2[1,2]"), "a1[1]", "a1[2]", old("b2[1]"))
        put("z2[1]", inputs, lambda w, v, a, c, b: w * a + v * c + b)
        put("a2[1]", ("z2[1]",), sigma)
        put("loss", ("a2[1]",), loss)
        put("dL_da2[1]", ("a2[1]",), loss_slope)
        put("g2[1]", ("a2[1]",), slope)
        put("delta2[1]", ("dL_da2[1]", "g2[1]"), lambda d, g: d * g)
        for k in "12":
            put(f"dW2[1,{k}]", ("delta2[1]", f"a1[{k}]"), lambda d, a: d * a)
        put("db2[1]", ("delta2[1]",), lambda d: d)
        for k in "12":
            put(f"dL_da1[{k}]", (old(f"W2[1,{k}]"), "delta2[1]"), lambda w, d: w * d)
        for k in "12":
            put(f"g1[{k}]", (f"a1[{k}]",), slope)
        for k in "12":
            put(f"delta1[{k}]", (f"dL_da1[{k}]", f"g1[{k}]"), lambda d, g: d * g)
        for k, j in itertools.product("12", "12"):
            put(f"dW1[{k},{j}]", (f"delta1[{k}]",), lambda d, j=j: d * x[int(j) - 1])
        for k in "12":
            put(f"db1[{k}]", (f"delta1[{k}]",), lambda d: d)
        for k, j in itertools.product("12", "12"):
            put(f"W1_new[{k},{j}]", (old(f"W1[{k},{j}]"), f"dW1[{k},{j}]"), lambda w, d: w - eta * d)
        for k in "12":
            put(f"b1_new[{k}]", (old(f"b1[{k}]"), f"db1[{k}]"), lambda b, d: b - eta * d)
        for k in "12":
            put(f"W2_new[1,{k}]", (old(f"W2[1,{k}]"), f"dW2[1,{k}]"), lambda w, d: w - eta * d)
        put("b2_new[1]", (old("b2[1]"), "db2[1]"), lambda b, d: b - eta * d)
    return lines


def judge(lines: Lines, given: dict[str, float], claims: dict[Key, str]) -> dict[Key, str]:
    """The verdicts in floats: every corner of what was printed, through whatever was not."""
    exact = {(0, name): value for name, value in given.items()}
    for key, (before, function) in lines.items():
        exact[key] = function(*(exact[k] for k in before))
    half = {key: 0.5 * 10.0 ** -len(text.partition(".")[2]) for key, text in claims.items()}
    verdicts: dict[Key, str] = {}

    def leaves(key, carry: bool):
        for k in lines[key][0]:
            if k in claims or k[0] == 0 or not carry:
                yield k
            else:
                yield from leaves(k, carry)

    def value(key, at, carry: bool):
        before, function = lines[key]
        return function(*(at[k] if k in at else value(k, at, carry) for k in before))

    def candidates(key, carry: bool):
        found = list(dict.fromkeys(leaves(key, carry)))
        moving = [k for k in found if k in claims and not known_exactly(k)]
        ends = [(float(claims[k]) - half[k], float(claims[k]) + half[k]) for k in moving]
        corners = itertools.product(*ends)
        fixed = {k: exact[k] for k in found}
        values = [value(key, fixed | dict(zip(moving, corner, strict=True)), carry) for corner in corners]
        return min(values), max(values), any(verdicts.get(k) in ("slip", "follows") for k in found)

    def known_exactly(key):
        if key[0] == 0:
            return True
        return abs(float(claims[key]) - exact[key]) < 1e-12 and all(
            k[0] == 0 or (k in claims and known_exactly(k)) for k in lines[key][0]
        )

    for key in lines:
        if key not in claims:
            continue
        c, h = float(claims[key]), half[key]
        both = [candidates(key, carry) for carry in (False, True)]

        def near(low, high, reach, c=c):
            return low - reach - 1e-12 <= c <= high + reach + 1e-12

        clean = [(low, high) for low, high, soiled in both if not soiled]
        if near(exact[key], exact[key], h):
            verdicts[key] = "ok"
        elif any(near(low, high, h) for low, high in clean):
            verdicts[key] = "rounding"
        elif any(near(low, high, 3 * h) for low, high in [(exact[key],) * 2, *clean]):
            verdicts[key] = "last_digit"
        else:
            verdicts[key] = "follows" if any(near(low, high, 3 * h) for low, high, _ in both) else "slip"
    return verdicts


LECTURE_23 = two_layer_lines(3, (1.0, 2.0), 0.5, lambda a: -math.log(a), lambda a: -1 / a)
LECTURE_5 = two_layer_lines(1, (0.5, 1.0), 0.5, lambda a: 0.5 * (a - 1) ** 2, lambda a: a - 1)
WEIGHTS = ("W1[1,1]", "W1[1,2]", "W1[2,1]", "W1[2,2]", "b1[1]", "b1[2]", "W2[1,1]", "W2[1,2]", "b2[1]")


@pytest.mark.parametrize(
    ("name", "lines", "given"),
    [
        ("lecture-23-bce", LECTURE_23, (0.1, 0.4, 0.2, 0.5, 0.3, 0.6, 0.7, 0.8, 0.9)),
        ("lecture-5-backpropagation", LECTURE_5, (0.4, 0.6, 0.3, 0.5, 0.1, 0.2, 0.7, 0.8, 0.3)),
    ],
)
def test_every_verdict_of_the_long_examples(name, lines, given):
    report = check(name)
    mine = {(finding.step, finding.label): finding.verdict for finding in report.findings}
    claims = {(finding.step, finding.label): finding.claimed for finding in report.findings}
    assert mine == judge(lines, dict(zip(WEIGHTS, given, strict=True)), claims)


def test_the_slips_of_lecture_23():
    """The loss of the first iteration, z of the second, and what comes after."""
    report = check("lecture-23-bce")
    slips = [(finding.step, finding.label) for finding in report.findings if finding.verdict == "slip"]
    assert slips[:3] == [(1, "loss"), (2, "a1[1]"), (2, "z2[1]")]
    found = {(finding.step, finding.label): finding for finding in report.findings}
    for key, claimed, expected in (((1, "loss"), "0.1122", 0.1127), ((2, "z2[1]"), "2.1885", 2.2571)):
        assert found[key].claimed == claimed and found[key].expected == pytest.approx(expected, abs=5e-5)
    assert [step for step, _ in slips].count(1) == 1
    assert report.counts == {"ok": 19, "rounding": 16, "last_digit": 2, "follows": 35, "slip": 19}


@pytest.mark.parametrize("name", [name for name in example_names() if name != "lecture-23-bce"])
def test_no_other_example_has_a_slip(name):
    report = check(name)
    assert report.passed and report.counts["follows"] == report.counts["last_digit"] == 0
    assert (report.counts["rounding"] > 0) == (name in DEVIATING)


@pytest.mark.parametrize("name", example_names())
def test_an_example_says_where_it_comes_from(name):
    example = read_example(name)
    assert example.title and example.source.startswith(("Lecture 5", "Lecture 23", "EE514"))


def test_figures_of_the_lectures():
    """The numbers that everybody remembers are there, under their names."""
    wanted = {
        "lecture-5-perceptron": ("a1[1]", "1"),
        "lecture-5-forward": ("a2[1]", "0.786"),
        "lecture-5-sine": ("df_dx", "-2.615"),
        "lecture-5-squared-error": ("loss", "1.44"),
        "lecture-5-cross-entropy": ("loss", "0.36"),
        "lecture-5-backpropagation": ("loss", "0.0208"),
        "lecture-5-one-neuron": ("loss", "0.014"),
        "ee514-two-outputs": ("loss", "0.2984"),
        "ee514-xor": ("a2[2,1]", "1"),
    }
    for name, (label, claimed) in wanted.items():
        assert any((f.label, f.claimed) == (label, claimed) for f in check(name).findings), name


def test_every_verdict_occurs():
    found = {finding.verdict for name in example_names() for finding in check(name).findings}
    assert found == set(VERDICTS)
