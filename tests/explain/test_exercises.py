"""Exercises: friendly numbers, solutions that PyTorch confirms and the checker finds right, sheets that compile."""

import itertools
import shutil
import subprocess

import numpy as np
import pytest

from explain import hand
from glassnet import ACTIVATIONS, LOSSES, OPTIMIZERS, check, exercise
from glassnet.errors import ArchitectureError, GlassnetError, InvalidParameterError
from glassnet.explain.exercises import FORMS, KINDS
from glassnet.explain.exercises.toml import toml_text
from glassnet.explain.worked import worked_example

SHAPES = [(2, 1), (2, 2, 1), (3, 2, 2), (2, 3, 2, 1)]
BOUNDED = {"sigmoid": (0, 1), "tanh": (-1, 1)}


def numbers(made):
    """Every claim of a solution as (step, name) -> array of floats."""
    blocks = made.answers["claims"]
    return {(b["step"], k): np.array(v, dtype=float) for b in blocks for k, v in b.items() if k != "step"}


@pytest.mark.parametrize("seed", range(20))
def test_a_solution_is_right_and_its_numbers_friendly(seed):
    layers = SHAPES[seed % len(SHAPES)]
    activation = ("sigmoid", "tanh", "relu", "leaky_relu")[seed // 4 % 4]
    names = ",".join([activation] * (len(layers) - 2) + ["sigmoid"])
    made = exercise(layers=layers, activation=names, seed=seed, steps=1 + seed % 2, digits=3 + seed % 3)
    report = check(made.answers)
    assert report.counts["ok"] == len(report.findings) >= 10
    for (_, name), array in numbers(made).items():
        if name.startswith(("dW", "db")):
            assert (np.abs(array) > 0.004).all()
        if name[0] == "a" and name[1:].isdigit() and names.split(",")[int(name[1:]) - 1] in BOUNDED:
            low, high = BOUNDED[names.split(",")[int(name[1:]) - 1]]
            assert ((low + 0.07 * (high - low) < array) & (array < high - 0.07 * (high - low))).all()
        if name[0] == "g" and name[1:].isdigit():
            assert (np.abs(array) > 0).all()
    given = [*made.answers["x"], *made.answers["layers"][0]["b"]]
    assert all(round(number, 1) == number for number in given)


@pytest.mark.parametrize(
    ("output", "loss", "rule"),
    [*((output, loss, "sgd") for output, loss in hand.OUTPUTS), *(("sigmoid", "squared_error", r) for r in OPTIMIZERS)],
)
def test_pytorch_finds_the_same_numbers(output, loss, rule):
    epsilon = "" if rule in ("sgd", "momentum", "nesterov") else ", epsilon=1e-8"
    made = exercise(
        layers=(2, 3, 2), activation=f"tanh,{output}", loss=loss, optimizer=f"{rule}(0.1{epsilon})", rows=2, steps=2,
        digits=8, seed=1,
    )  # fmt: skip
    document = made.answers | {"reduction": "sum", "l1": 0.0, "l2": 0.0, "loss": loss}
    arrays = [np.array(document[name]) for name in ("x", "y")]
    parts = [[np.array(layer[kind]) for layer in document["layers"]] for kind in ("W", "b")]
    right = hand._run((*arrays, *parts), document, 2)
    for key, array in numbers(made).items():
        if key in right:
            assert np.allclose(array, right[key].reshape(array.shape), rtol=1e-6, atol=1e-12), key


@pytest.mark.parametrize("name", [n for n, r in ACTIVATIONS.items() if r.trainable])
def test_every_activation_has_an_exercise(name):
    layers = (2, 2, 2) if ACTIVATIONS[name].rowwise else (2, 2, 1)
    made = exercise(layers=layers, activation=f"{name},{'softmax' if ACTIVATIONS[name].rowwise else 'identity'}")
    assert check(made.answers).counts["ok"] == len(check(made.answers).findings)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_an_exercise(name):
    record = LOSSES[name]
    made = exercise(layers=(2, 2), activation="identity" if record.link is None else record.link, loss=name)
    assert check(made.answers).counts["ok"] == len(check(made.answers).findings)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_makes_the_same(kind):
    one, two, other = (exercise(kind, layers=(2, 2, 1), seed=seed) for seed in (7, 7, 8))
    assert one.answers == two.answers
    assert kind == "shapes" or one.answers != other.answers


@pytest.mark.parametrize("kind", KINDS)
def test_blanks_are_not_yet_filled_in_and_answers_are_right(kind, tmp_path):
    made = exercise(kind, layers=(2, 3, 1), seed=1)
    for side in ("worksheet", "solution"):
        path = tmp_path / f"{side}.toml"
        path.write_text(getattr(made, side)("toml"), "utf-8")
        report = check(path)
        assert report.passed
        assert (report.example.blank > 0) is (side == "worksheet")
        assert (len(report.findings) > 0) is (side == "solution")


@pytest.mark.parametrize("kind", KINDS)
def test_toml_is_read_back_as_it_was(kind):
    import tomllib

    made = exercise(kind, layers=(2, 3, 1), seed=1, rows=1)
    assert tomllib.loads(made.solution("toml")) == made.answers
    assert tomllib.loads(toml_text({"title": 'a "b" \\ c\n', "x": [1e-9]})) == {"title": 'a "b" \\ c\n', "x": [1e-9]}


def test_a_wrong_count_is_a_slip_and_what_follows_from_it_is_not():
    made = exercise("shapes", layers=(3, 4, 2))
    claims = made.answers["claims"][0] | {"parameters1": "12", "parameters": "22"}  # the biases forgotten
    report = check(made.answers | {"claims": [claims]})
    assert report.first_slip is not None and report.first_slip.name == "parameters1"
    assert report.first_slip.numbers == "4.0 · 3.0 + 4.0" or report.first_slip.expected == 16
    assert {f.name: f.verdict for f in report.findings if f.verdict != "ok"} == {
        "parameters1": "slip", "parameters": "follows",
    }  # fmt: skip
    off_by_one = check(made.answers | {"claims": [made.answers["claims"][0] | {"parameters2": "9"}]})
    assert off_by_one.first_slip is not None  # nothing is rounded, so one less is wrong


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "softplus", "exponential", "identity"])
def test_the_formula_is_the_network_and_a_wrong_one_is_found(activation):
    made = exercise("function", layers=(2, 2, 1), activation=f"{activation},identity", seed=4)
    (formula,) = made.answers["expressions"]
    assert check(made.answers).counts["ok"] == 1
    turned = formula.replace("x1", "x0").replace("x2", "x1").replace("x0", "x2")
    assert not check(made.answers | {"expressions": [turned]}).passed
    layers = ["h = x1 + x2", formula]
    assert check(made.answers | {"expressions": layers}).counts["ok"] == 1


def test_a_student_s_slip_is_named():
    made = exercise(seed=7)
    claims = {key: value for key, value in made.answers["claims"][0].items() if key in ("step", "z1", "a1", "z2")}
    claims["a1"] = [claims["a1"][0], "0.1234"]
    report = check(made.answers | {"claims": [claims]})
    assert report.first_slip is not None and report.first_slip.label == "a1[2]"


@pytest.mark.parametrize(("kind", "form", "solved"), list(itertools.product(KINDS, FORMS, [False, True])))
def test_every_sheet_is_written(kind, form, solved):
    made = exercise(kind, layers=(2, 2, 1), rows=1, steps=2 if kind == "backpropagation" else 1)
    text = (made.solution if solved else made.worksheet)(form)
    blank = {"toml": '""', "text": "____"}.get(form, r"\underline{\hspace")
    if (kind, form) != ("function", "toml"):
        assert (blank in text.replace(r"\underline{\hspace{6cm}}", "")) is not solved
    assert text.count("{") == text.count("}")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
@pytest.mark.parametrize("kind", KINDS)
def test_the_latex_compiles(kind, tmp_path):
    made = exercise(kind, layers=(2, 2, 2), activation="tanh,softmax" if kind != "function" else "tanh", rows=2)
    for name in ("worksheet", "solution"):
        (tmp_path / f"{name}.tex").write_text(getattr(made, name)("latex"), "utf-8")
        command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", f"{name}.tex"]
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "shape"}, "unknown kind 'shape'; did you mean 'shapes'?"),
        ({"layers": (2,)}, "layers must be inputs and units"),
        ({"layers": (2, 0)}, "layers must be inputs and units"),
        ({"layers": (9, 9, 9)}, "162 weights are more than a hand computes"),
        ({"activation": "relu,relu,relu"}, "3 names for 2 layers"),
        ({"activation": "rellu"}, "did you mean 'relu'"),
        ({"activation": "step,sigmoid"}, "no gradient passes through step in layer 1"),
        ({"loss": "cross_entropy"}, "softmax over one output"),
        ({"loss": "mse2"}, "unknown loss"),
        ({"optimizer": "sdg"}, "did you mean 'sgd'"),
        ({"steps": 9}, "steps must be a whole number from 1 to 5"),
        ({"rows": 0}, "rows must be a whole number"),
        ({"digits": 20}, "digits must be a whole number"),
        ({"kind": "function", "activation": "gelu"}, "gelu cannot be written in an expression"),
        ({"kind": "function", "layers": (4, 4, 4, 4)}, "letters; take fewer units"),
    ],
)
def test_what_cannot_be_made_is_refused(options, message):
    with pytest.raises((InvalidParameterError, ArchitectureError), match=message):
        exercise(**options)


def test_an_unknown_form_is_named():
    with pytest.raises(GlassnetError, match="unknown form 'tex'"):
        exercise("shapes").worksheet("tex")


def test_an_open_expression_is_blank():
    example = worked_example({"expressions": ["f = "], "at": {"x": 1.0}, "claims": [{"f": "1"}]})
    assert (example.blank, example.claims) == (1, ())
    with pytest.raises(GlassnetError, match="uses 'f', which is not known there; it is still blank"):
        worked_example({"expressions": ["f = ", "g = f + 1"], "at": {"x": 1.0}, "claims": [{"f": "1"}]})
