"""A student's file with a mistake in it: one clear line each, and exit code 2."""

import pytest

GOOD = """title = "homework"
loss = "binary_cross_entropy"
optimizer = { name = "sgd", learning_rate = 0.5 }
x = [1.0, 2.0]
y = [1.0]

[[layers]]
activation = "sigmoid"
W = [[0.1, 0.4], [0.2, 0.5]]
b = [0.3, 0.6]

[[layers]]
activation = "sigmoid"
W = [[0.7, 0.8]]
b = [0.9]

[[claims]]
step = 1
z1 = ["1.2", "1.8"]
a2 = ["0.8933"]
"""
COUNTS = 'units = [2, 1]\nrows = 4\n\n[[claims]]\nparameters = "3"\n'
CHAIN = 'expressions = ["f = x**2"]\nat = { x = 1.0 }\n\n[[claims]]\nf = "1"\n'

MISTAKES = [
    # the file
    (GOOD, '"1.2"', '"1.2', "Unclosed array (at line 19, column 14); a quote or a bracket is missing"),
    (GOOD, '"1.8"]', '"1.8"', "Unclosed array (at line 20, column 1); a quote or a bracket is missing"),
    (GOOD, '"1.2"', "“1.2”", "text stands in straight quotes"),
    (GOOD, "y = [1.0]", "y: [1.0]", "every line is key = value"),
    (GOOD, 'title = "homework"', "// homework", "a remark begins with #"),
    (GOOD, "[[layers]]", "[layers]", "begins with double brackets: [[layers]]"),
    (GOOD, "[[claims]]", "[claims]", "write [[claims]] above each step's numbers"),
    (GOOD, 'a2 = ["0.8933"]', 'z1 = ["1.2", "1.8"]', "a key stands once"),
    (GOOD, GOOD, "", "x is missing: the input, such as x = [1.0, 2.0]"),
    # what is given
    (GOOD, "loss =", "los =", "unknown key 'los'; did you mean 'loss'?"),
    (GOOD, 'title = "homework"', "title = 3", "title must be text in quotes, got 3"),
    (GOOD, "x = [1.0, 2.0]\n", "", "x is missing"),
    (GOOD + "x = [1.0, 2.0]\n", "x = [1.0, 2.0]\n", "", "x stands below [[layers]] or [[claims]]"),
    (GOOD, "x = [1.0, 2.0]", "x = [1e308, 2.0]", "x holds a number that is too large"),
    (GOOD, "y = [1.0]\n", "", "loss binary_cross_entropy needs y"),
    (GOOD, "y = [1.0]", "y = [2.0]", "y: loss binary_cross_entropy is for targets in [0, 1]"),
    (GOOD, "y = [1.0]", "y = [1.0, 0.0]", "y has the shape 2, but there are 1 examples with 1 outputs"),
    (GOOD, "binary_cross_entropy", "crossentropy", "did you mean 'cross_entropy'?"),
    (GOOD, "binary_cross_entropy", "cross_entropy", "use 'softmax', or binary_cross_entropy with 'sigmoid'"),
    (GOOD, '"sgd"', '"sdg"', "unknown optimizer 'sdg'; did you mean 'sgd'?"),
    (GOOD, "learning_rate = 0.5", "learning_rate = -0.5", "learning_rate must be a number >= 0, got -0.5"),
    (GOOD, "learning_rate", "lr", "sgd takes learning_rate, weight_decay"),
    (GOOD, '"sigmoid"', '"sigmod"', "layers[1].activation: unknown activation 'sigmod'; did you mean 'sigmoid'?"),
    (GOOD, "[[0.1, 0.4], [0.2, 0.5]]", "[[0.1, 0.4, 1], [0.2, 0.5, 1]]", "it seems to be transposed"),
    (GOOD, "[[0.1, 0.4], [0.2, 0.5]]", "[[0.1, 0.4], [0.2]]", "layers[1].W has rows of different lengths"),
    (GOOD, "[[0.7, 0.8]]", "[0.7, 0.8]", "layers[2].W must be a list of lists of numbers"),
    (GOOD, "[[0.7, 0.8]]", '[["0.7", "0.8"]]', "layers[2].W holds '0.7' where a number should be"),
    (GOOD, "[0.9]", "[0.9, 1.0]", "layers[2].b has 2 numbers, but W has 1 rows"),
    (GOOD, "W = [[0.7", "w = [[0.7", "layers[2]: unknown key 'w' (known: activation, W, b)"),
    (GOOD, "b = [0.9]", "y = [0.9]", "unknown key 'y'; it belongs above the first [[layers]]"),
    # what is claimed
    (GOOD, '"1.2"', '"1,2"', "'1,2' is no number; write the printed digits, such as \"1.2\""),
    (GOOD, '["1.2", "1.8"]', "[1,2, 1,8]", "z1 must have 2 numbers, got 4"),
    (GOOD, '["1.2", "1.8"]', '["1.2"]', 'z1 must have 2 numbers, got 1; a number that was not written down is ""'),
    (GOOD, '"1.2"', '"6/5"', "'6/5' is no number"),
    (GOOD, '"1.2"', '"1.2..."', "'1.2...' is no number"),
    (GOOD, '"1.2"', "nan", "nan is no number"),
    (GOOD, "z1 =", "z3 =", "unknown name 'z3' (there are: z1, a1"),
    (GOOD, "z1 =", '"z1[1]" =', "unknown name 'z1[1]'; write all of z1 as a list"),
    (GOOD, "z1 =", "W1 =", "'W1' is given; what a step makes of it is 'W1_new'"),
    (GOOD, "step = 1\n", "", "claims[1] lacks its step; write step = 1"),
    (GOOD, "step = 1", "step = 0", "step must be a whole number from 1 to 1000, got 0"),
    (GOOD, "step = 1", 'step = "1"', "step must be a whole number from 1 to 1000, got '1'"),
    (GOOD + '[[claims]]\nstep = 1\nz1 = ["1", "2"]\n', "homework", "h", "step 1 claims z1 twice; write it once"),
    # expressions and shapes
    (CHAIN, "x**2", "2x", "write products with *, such as 2 * x"),
    (CHAIN, "x**2", "x^2", "a power is written x**2"),
    (CHAIN, "x**2", "e**x", "e to the x is exp(x)"),
    (CHAIN, "x**2", "u**2", "uses 'u', which is not known there"),
    (CHAIN, "x**2", "log(x - 1)", "is no finite number for this example; check at"),
    (CHAIN, "f = x**2", "x**2", "write it like 'f = sin(u)'"),
    (CHAIN, 'f = "1"', 'g = "1"', "unknown name 'g' (there are: f, df_dx)"),
    (COUNTS, "[2, 1]", "[2, -1]", "units must be the inputs and the units of each layer"),
    (COUNTS, "rows = 4", "rows = 0", "rows must be a whole number of examples"),
    (COUNTS, "parameters =", "parameter =", "did you mean 'parameters'?"),
    (COUNTS, "rows = 4", 'loss = "mse"', "'units' and 'loss' are in one file; write shapes and a network in two"),
]


@pytest.mark.parametrize(("text", "old", "new", "message"), MISTAKES, ids=lambda word: None)
def test_a_mistake_gets_one_clear_line(run, tmp_path, text, old, new, message):
    assert old in text
    path = tmp_path / "homework.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = run("check", path)
    assert done.code == 2
    assert message in done.complaint
    assert str(path) in done.complaint


@pytest.mark.parametrize("text", [GOOD, CHAIN, COUNTS], ids=["network", "expressions", "shapes"])
def test_without_a_mistake_it_is_checked(run, tmp_path, text):
    path = tmp_path / "homework.toml"
    path.write_text(text, encoding="utf-8")
    assert run("check", path).code == 0


@pytest.mark.parametrize("text", ["", "__", "  "])
def test_a_blank_is_no_mistake(run, tmp_path, text):
    path = tmp_path / "homework.toml"
    path.write_text(GOOD.replace('"1.2"', f'"{text}"'), encoding="utf-8")
    done = run("check", path)
    assert done.code == 0
    assert "1 not yet filled in" in done.out
