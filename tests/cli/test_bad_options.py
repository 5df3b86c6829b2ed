"""Nonsense and misspelt options: one line that names the option and the rule, before anything is read or written."""

import pytest

NONSENSE = {
    "--epochs": ["0", "-1", "2.5", "many"],
    "--hidden": ["64,x", "0", "-3", "1000000000", "1000000,1000000"],
    "--lr": ["-1", "0", "nan", "inf", "fast"],
    "--dropout": ["1.5", "1", "-0.1", "nan"],
    "--seed": ["-1", "x", "99999999999"],
    "--batch-size": ["0", "x"],
    "--threads": ["0", "-1", "1.5", "all"],
    "--patience": ["-1"],
    "--validation": ["1", "-0.1", "x"],
    "--test-fraction": ["1.5"],
    "--l1": ["-1"],
    "--l2": ["nan"],
    "--weight-decay": ["-1"],
    "--label-smoothing": ["2"],
    "--clip-norm": ["0"],
    "--clip-value": ["-1"],
    "--time-budget": ["0"],
    "--target-metric": ["x", "foo=1", "accuracy=x"],
    "--noise": ["0.1"],
    "--rows": ["9"],
    "--weights": ["nope"],
    "--categorical": ["nope"],
    "--numeric": ["nope"],
    "--drop": ["nope", "label"],
    "--test": ["nope.csv"],
    "--resume": ["nope"],
    "--out": ["no/such/m.glassnet", "."],
    "--checkpoint": ["no/such/c.ck", "good.csv"],
    "--csv-log": ["no/such/log.csv"],
}
MISSPELT = {
    ("--activation", "rellu"): "relu",
    ("--loss", "crossentropy"): "cross_entropy",
    ("--optimizer", "adm"): "adam",
    ("--optimizer", "lbgfs"): "lbfgs",
    ("--schedule", "cosin"): "cosine",
    ("--initializer", "he_norml"): "he_normal",
    ("--scaling", "standart"): "standard",
    ("--dtype", "float23"): "float32",
    ("--task", "clasification"): "classification",
    ("--class-weight", "balance"): "balanced",
    ("--engine", "reference_"): "reference",
    ("--drop", "kin"): "kind",
}
UNFIT = {
    "--task regression": "'pos' is not a number",
    "--loss quantile(tau=2)": "--loss",
    "--schedule step(factor=-1)": "--schedule",
    "--hidden none --optimizer lbfgs --checkpoint c.ck": "lbfgs",
    "--validation 0.6 --test-fraction 0.5": "leave no rows",
    "--out a --checkpoint a": "the same file",
    "--hidden none --activation selu(alpha=1": "--activation",
}


@pytest.mark.parametrize(("option", "value"), [(o, v) for o, values in NONSENSE.items() for v in values])
def test_nonsense_is_refused(run, good, tmp_path, option, value):
    complaint = run("fit", good.name, "-t", "label", option, value).complaint
    assert option in complaint or (option == "--test" and value in complaint)
    assert [path.name for path in tmp_path.iterdir()] == ["good.csv"]


@pytest.mark.parametrize(("option", "word"), MISSPELT)
def test_a_misspelt_name_suggests_the_nearest(run, good, option, word):
    complaint = run("fit", good.name, "-t", "label", option, word).complaint
    assert option in complaint
    assert f"did you mean '{MISSPELT[option, word]}'?" in complaint


@pytest.mark.parametrize("words", UNFIT)
def test_options_that_do_not_fit_are_refused(run, good, tmp_path, words):
    complaint = run("fit", good.name, "-t", "label", *words.split()).complaint
    assert UNFIT[words] in complaint
    assert [path.name for path in tmp_path.iterdir()] == ["good.csv"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("fit iris --epoch 3", "no option '--epoch'; did you mean '--epochs'?"),
        ("fit iris -epochs 3", "no option '-epochs'; did you mean '--epochs'?"),
        ("fit iris --epochs", "--epochs needs a value"),
        ("fitt iris", "no command 'fitt'; did you mean 'fit'?"),
        ("fit", "missing argument DATA"),
        ("predict", "missing argument MODEL"),
        ("fit iris more", "unexpected extra argument"),
        ("--verion", "no option '--verion'; did you mean '--version'?"),
        ("fit iris --noise 0.1", "--noise is for toy problems, 'iris' is real data"),
        ("fit spiral --noise 2", "--noise must be a number >= 0 and <= 0.5"),
        ("fit spiral --rows 1", "--rows must be a whole number"),
        ("fit diabetes --class-weight balanced", "--class-weight is for classification"),
        ("fit diabetes --loss cross_entropy", "--loss"),
        ("datasets --out a.csv", "--out needs the NAME"),
        ("datasets iris --out a.xlsx", "--out must end in"),
    ],
)
def test_usage_is_told_in_one_line(run, words, said):
    assert said in run(*words.split()).complaint


def test_outputs_never_overwrite_inputs(run, good, model):
    before = good.read_bytes(), model.read_bytes()
    words = ("fit", good, "-t", "label")
    assert "the same file" in run(*words, "--out", good).complaint
    assert "the same file" in run(*words, "--csv-log", "./good.csv").complaint
    assert "the same file" in run("predict", model, good, "-o", good).complaint
    assert "--out must end in" in run("predict", model, good, "-o", model).complaint
    assert (good.read_bytes(), model.read_bytes()) == before


def test_divergence_names_the_place_and_saves_nothing(run, good, tmp_path):
    old = tmp_path / "old.glassnet"
    old.write_bytes(b"precious")
    words = ["--lr", "1e30", "--activation", "identity", "--optimizer", "sgd", "-q"]
    complaint = run("fit", good, "-t", "label", *words, "-o", old).complaint
    assert "training diverged: NaN or infinity in" in complaint
    assert "at epoch 1, step" in complaint
    assert "try a smaller --lr" in complaint
    assert old.read_bytes() == b"precious"
