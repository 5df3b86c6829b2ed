"""What is wrong with a file is one line: the file, the place, the remedy."""

import copy
import json
import random

import pytest

from glassnet.errors import DataError
from glassnet.explain.checking import check
from glassnet.explain.worked import read_example, worked_example

GOOD = {
    "title": "t",
    "x": [1.0, 2.0],
    "y": [1.0],
    "loss": "half_squared_error",
    "optimizer": {"name": "sgd", "learning_rate": 0.5},
    "layers": [
        {"activation": "sigmoid", "W": [[0.1, 0.4], [0.2, 0.5]], "b": [0.3, 0.6]},
        {"activation": "sigmoid", "W": [[0.7, 0.8]], "b": [0.9]},
    ],
    "claims": [{"step": 1, "z1": ["1.2", "1.8"]}],
}
DROP = "(left out)"


def changed(path: str, value):
    """GOOD with another value at a path such as layers.0.W; DROP leaves the key out."""
    document = copy.deepcopy(GOOD)
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    place = document
    for part in parents:
        place = place[part]
    if value is DROP:
        del place[last]
    else:
        place[last] = value
    return document


CASES = [
    ("claim", [], "unknown key 'claim'; did you mean 'claims'?"),
    ("colour", 1, "unknown key 'colour' (known: title, source, loss"),
    ("title", 3, "title must be text in quotes, got 3"),
    ("x", DROP, "x is missing: the input, such as x = [1.0, 2.0]"),
    ("x", [], "x must be a list of numbers; write it like"),
    ("x", [1.0, "2"], "x holds '2' where a number should be; write it like"),
    ("x", [1.0, True], "x holds True where a number should be"),
    ("x", [1.0, float("nan")], "x holds a number that is too large, or not finite"),
    ("x", [[1.0, 2.0], [1.0]], "x has rows of different lengths"),
    ("x", [1.0], "layers[1].W is 2 x 2, but x gives 1 values: W must be (outputs, inputs), with 1 numbers in each row"),
    ("y", DROP, "loss half_squared_error needs y, the targets, such as y = [1.0]"),
    ("y", [1.0, 0.0], "y has the shape 2, but there are 1 examples with 1 outputs; write it like y = [1.0]"),
    ("loss", DROP, "y is given, but no loss"),
    ("loss", "half_sqared_error", "loss: unknown loss 'half_sqared_error'; did you mean 'half_squared_error'?"),
    ("loss", "cross_entropy", "loss: loss cross_entropy needs outputs that are a distribution"),
    ("loss", 3, "loss: loss must be a name"),
    ("reduction", "average", 'reduction must be "sum" or "mean" over the examples, got \'average\''),
    ("l2", -1, "l2 must be a number >= 0, got -1"),
    ("optimizer", {"name": "sgdd"}, "optimizer: unknown optimizer 'sgdd'; did you mean 'sgd'?"),
    ("optimizer", {"learning_rate": 0.5}, 'optimizer: write it like { name = "sgd", learning_rate = 0.5 }'),
    ("optimizer", {"name": "sgd", "rate": 0.5}, "optimizer: optimizer 'sgd': sgd takes learning_rate, weight_decay"),
    ("optimizer", {"name": "sgd", "learning_rate": "fast"}, "optimizer: "),
    ("layers", 3, "layers must be tables; write [[layers]]"),
    ("layers.0.activation", "sigmoidd", "layers[1].activation: unknown activation 'sigmoidd'; did you mean 'sigmoid'?"),
    ("layers.0.w", [[1]], "layers[1]: unknown key 'w'"),
    ("layers.0.W", DROP, "layers[1] lacks W, its weights as (outputs, inputs): here 2 numbers in each row"),
    ("layers.0.W", [0.1, 0.4], "layers[1].W must be a list of lists of numbers"),
    ("layers.1.W", [[0.7], [0.8]], "layers[2].W is 2 x 1, but layer 1 gives 2 values: W must be (outputs"),
    ("layers.1.W", [[0.7], [0.8]], "it seems to be transposed"),
    ("layers.0.b", [0.3], "layers[1].b has 1 numbers, but W has 2 rows: one bias for each output"),
    ("claims", DROP, "there are no claims; write [[claims]] with step = 1"),
    ("claims", [3], "claims must be tables; write [[claims]]"),
    ("claims.0.step", DROP, "claims[1] lacks its step; write step = 1"),
    ("claims.0.step", 0, "claims[1]: step must be a whole number from 1 to 1000, got 0"),
    ("claims.0.step", True, "claims[1]: step must be a whole number"),
    ("claims.0.zz1", ["1"], "claims[1]: unknown name 'zz1'; did you mean 'z1'? (there are: z1, a1, z2"),
    ("claims.0.W1", [["1"]], "claims[1]: "),
    ("claims.0.z1", ["1.2"], "claims[1]: z1 must have 2 numbers, got 1; a number that was not written down is \"\""),
    ("claims.0.z1", "1.2", "claims[1]: z1 must have 2 numbers"),
    ("claims.0.z1", [["1.2", "1.8"], ["1.2", "1.8"]], "claims[1]: z1 must have 2 numbers"),
    ("claims.0.z1", [["1.2"], "1.8"], "claims[1]: z1 must have 2 numbers"),
    ("claims.0.z1", {"a": 1}, "claims[1]: z1 must have 2 numbers"),
    ("claims.0.z1", ["1.2", "1,8"], "claims[1]: z1: '1,8' is no number; write the printed digits, such as \"1.8\""),
    ("claims.0.z1", ["1.2", "nan"], "claims[1]: z1: 'nan' is no number"),
    ("claims.0.z1", ["1.2", True], "claims[1]: z1: True is no number"),
    ("claims.0.z1", ["1.2", "1" * 100], "is no number"),
    ("claims.0.dW1", [["1", "2"]], "claims[1]: dW1 must have the shape 2 x 2"),
    ("claims", [{"step": 1, "loss": "1"}, {"step": 1, "loss": "1"}], "step 1 claims loss twice; write it once"),
    ("expressions", ["u = x"], "'expressions' and 'loss' are in one file"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "message"), CASES, ids=lambda v: str(v)[:30])
def test_a_mistake_is_named(path, value, message):
    with pytest.raises(DataError) as caught:
        worked_example(changed(path, value), "exam.toml")
    text = str(caught.value)
    assert text.startswith("exam.toml: ") and message in text and "\n" not in text


def test_the_good_one_is_good():
    assert check(GOOD).passed


def without(*keys):
    return {key: value for key, value in GOOD.items() if key not in keys}


@pytest.mark.parametrize(
    ("document", "claims", "message"),
    [
        (without("loss", "y", "optimizer"), {"step": 1, "loss": "1"}, "'loss' needs a loss; write loss = "),
        (without("optimizer"), {"step": 1, "W1_new": []}, "'W1_new' needs an optimizer; write optimizer = "),
        (without("optimizer"), {"step": 2, "z1": []}, "step 2: a second step needs an optimizer"),
        (without("loss", "y"), {"step": 1}, "an optimizer needs a loss"),
    ],
)
def test_what_a_claim_needs_is_said(document, claims, message):
    with pytest.raises(DataError, match="exam: ") as caught:
        worked_example(document | {"claims": [claims]}, "exam")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"expressions": [], "at": {}}, "expressions must be a list of text"),
        ({"expressions": ["u = x**2"]}, "uses 'x', which is not known there; write it above, or give it in at"),
        ({"expressions": ["f = 2*u", "u = x"], "at": {"x": 1}}, "uses 'u', which is not known there"),
        ({"expressions": ["x = 1"], "at": {"x": 1}}, "the name 'x' is taken"),
        ({"expressions": ["a_db = x"], "at": {"x": 1}}, "the name 'a_db' reads like a derivative"),
        ({"expressions": ["u = x"], "at": {"x": "2"}}, "at: x must be a finite number, got '2'"),
        ({"expressions": ["u = x"], "at": 3}, "at must give the variables"),
        ({"expressions": ["u"] * 21, "at": {}}, "21 expressions are more than 20"),
        ({"expressions": ["u = x"], "at": {"x": 1}, "claims": [{"du_dz": "1"}]}, "unknown name 'du_dz'"),
        ({"expressions": ["u = x"], "at": {"x": 1}, "claims": [{"step": 2, "u": "1"}]}, "expressions have one step"),
    ],
)
def test_expressions_are_checked(document, message):
    with pytest.raises(DataError) as caught:
        worked_example({"claims": [{"u": "1"}]} | document, "chain.toml")
    assert message in str(caught.value) and str(caught.value).startswith("chain.toml: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x = [1.0", "is not TOML: "),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"x = " + b"[" * 5000, "exam.toml is n"),
        (b"# " + b"x" * 1_000_001, "is larger than 1,000,000 bytes"),
    ],
)
def test_a_file_that_is_none(tmp_path, content, message):
    path = tmp_path / "exam.toml"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_example(path)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.toml", "cannot read nowhere.toml: No such file"),
        ("lecture-23-bc", "'lecture-23-bc' is neither a file nor a shipped example; did you mean 'lecture-23-bce'?"),
        ("zzz", "; shipped are ee514-two-outputs, "),
    ],
)
def test_a_name_that_is_none(source, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        read_example(source)
    assert message in str(caught.value)


def test_more_than_anybody_computes_by_hand_is_refused():
    document = {"x": [1.0] * 300, "layers": [{"W": [[0.1] * 300] * 100}], "claims": [{"step": 1, "z1": [""] * 100}]}
    with pytest.raises(DataError, match="30,000 weights, 1 examples and 1 steps are more than a computation by hand"):
        worked_example(document)


def test_a_claim_about_what_is_not_finite_is_refused():
    document = {"x": [0.0], "y": [1.0], "loss": "cross_entropy", "claims": [{"step": 1, "loss": "100"}]}
    with pytest.raises(DataError, match="step 1: loss, claimed as 100, is no finite number for this example"):
        check(document)


def test_numbers_that_run_away_do_not_hang():
    layer = {"activation": "exponential", "W": [[1000.0]]}
    document = {"x": [1000.0], "layers": [layer, layer, layer], "claims": [{"step": 1, "z1": ["1000000"]}]}
    assert check(document).passed


@pytest.mark.parametrize("written", [["1.2", "1.8"], [["1.2", "1.8"]], [["1.2"], ["1.8"]]])
def test_axes_of_one_may_be_left_out_or_put_in(written):
    assert check(GOOD | {"claims": [{"step": 1, "z1": written}]}).passed


def test_one_row_of_weights_may_be_a_plain_list():
    assert check(GOOD | {"claims": [{"step": 1, "dW2": ["-0.0079", "-0.0088"]}]}).passed


def test_one_number_may_stand_without_brackets():
    document = {"x": 2.0, "layers": [{"W": [[3.0]], "b": 1.0}], "claims": [{"step": 1, "z1": "7.0", "a1": ["7"]}]}
    assert check(document).passed


ODD = (
    None, True, 0, -1, 1e308, 1e-320, 10**400, "", "x", "1", "-1e9", "9e999", "nan", [], [[]], [1], [[1.0]], [["1"]],
    {}, {"a": 1}, [{}], "sgd(", "adam", "step", "softmax", "cross_entropy", "poisson", "exponential", "huber(delta=0)",
    "step(0.5)", [1.0, 2.0], ["1.2", ""], 3.5, "mean",
)  # fmt: skip
NAMES = ("loss", "l1", "x", "y", "reduction", "z1", "g2", "delta1", "step", "W", "b", "activation", "weight_decay")
BASES = (
    {**GOOD, "claims": [{"step": 1, "a2": ["0.5"], "dW1": [["1", "2"], ["3", "4"]]}, {"step": 3, "loss": "1"}]},
    {"expressions": ["u = x**2", "f = sin(u) / u"], "at": {"x": 2.0}, "claims": [{"u": "4", "df_dx": "1"}]},
)  # fmt: skip


def places(part, path=()):
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        yield (*path, key)
        yield from places(value, (*path, key))


@pytest.mark.parametrize("seed", range(4))
def test_nothing_but_one_line_comes_of_odd_documents(seed):
    chance, passed = random.Random(seed), 0
    for _ in range(150):
        document = copy.deepcopy(chance.choice(BASES))
        for _ in range(chance.choice((1, 1, 2, 3))):
            *parents, last = chance.choice(list(places(document)))
            part = document
            for key in parents:
                part = part[key]
            if isinstance(part, dict) and chance.random() < 0.2:
                last = chance.choice(NAMES)
            part[last] = copy.deepcopy(chance.choice(ODD))
        try:
            json.dumps(check(document).document(), allow_nan=False)
            passed += 1
        except DataError as error:
            assert "\n" not in str(error)
    assert passed
