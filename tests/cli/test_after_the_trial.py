"""What a trial by strangers broke once."""

import os
import subprocess
import sys

import numpy as np
import pytest

import glassnet
from cli.samples import table, write_csv
from glassnet.cli import training

FAST = ("-t", "label", "--hidden", "4", "--epochs", "3", "-q")


@pytest.mark.parametrize("change", ["class", "column", "text"])
def test_a_test_table_that_cannot_be_judged_is_refused_before_training(run, good, tmp_path, change):
    rows = table(20, seed=5)
    head = "a,b,kind,label"
    if change == "class":
        rows[3] = (*rows[3][:3], "dodo")
    elif change == "text":
        rows[3] = ("high", *rows[3][1:])
    else:
        head = "z,b,kind,label"
    other = write_csv(tmp_path / "other.csv", rows, head)
    result = run("fit", good, *FAST, "--test", other, "-o", "m.glassnet")
    assert "other.csv" in result.complaint and not (tmp_path / "m.glassnet").exists()


def test_a_model_is_saved_before_it_is_judged(run, good, tmp_path, monkeypatch):
    def interrupted(model, problem):
        raise KeyboardInterrupt

    monkeypatch.setattr("glassnet.cli.reporting.judged", interrupted)
    result = run("fit", good, *FAST, "-o", "m.glassnet")
    assert result.code == 130 and "the model is in m.glassnet, without test scores" in result.err
    assert glassnet.load(tmp_path / "m.glassnet").metrics_ == {}


def test_the_scores_are_in_the_file_in_the_end(run, good, tmp_path):
    assert run("fit", good, *FAST, "-o", "m.glassnet").code == 0
    assert 0 <= glassnet.load(tmp_path / "m.glassnet").metrics_["test_accuracy"] <= 1


def test_the_perceptron_trains(run):
    result = run("fit", "gauss", "--noise", 0, "--loss", "perceptron", "--hidden", "none", "-q")
    assert result.code == 0 and "1.0000" in result.out
    assert "no hidden layers" in run("fit", "gauss", "--loss", "perceptron", "-q").complaint


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("iris --label-smoothing 0.1 --loss squared_error", "--label-smoothing"),
        ("iris --dropout step(2)", "--dropout"),
        ("iris --activation step", "--activation"),
        ("iris --optimizer newton", "--optimizer"),
        ("iris --optimizer lbfgs --lr 0.1", "--lr"),
        ("iris --optimizer lbfgs --weight-decay 0.1", "--weight-decay"),
        ("iris --optimizer lbfgs --schedule cosine", "--schedule"),
        ("iris --lr 0.1 --optimizer adam(0.5)", "--lr"),
        ("iris --lr 0.1 --schedule constant(0.3)", "--lr"),
        ("iris --patience 5 --validation 0", "--patience"),
        ("iris --test banana", "--test"),
        ("iris --out", "glassnet fit --help"),
    ],
)
def test_errors_name_the_option(run, words, named):
    assert named in run("fit", *words.split()).complaint


def test_in_options_keeps_what_it_does_not_know():
    assert training.in_options("nothing to see") == "nothing to see"


def test_regressions_can_end_at_a_metric(run):
    result = run("fit", "plane", "--target-metric", "validation_r2=0.5", "--json", "-q")
    assert result.code == 0 and "validation_r2 reached 0.5" in result.out


SCRIPT = "import sys; from glassnet.cli import main; sys.exit(main(['fit', 'iris', '--epochs', '2', *sys.argv[1:]]))"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_streams_that_are_full_or_closed_are_no_bug(unbuffered, monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
        assert done.returncode == 2 and "cannot write the results: No space left" in done.stderr
        assert (
            subprocess.run(
                [sys.executable, "-c", SCRIPT], stdout=subprocess.DEVNULL, stderr=full, check=False
            ).returncode
            == 2
        )
    closed = f'{sys.executable} -c "{SCRIPT}" -q >&-'
    assert subprocess.run(closed, shell=True, stderr=subprocess.PIPE, check=False).returncode == 0


def test_masked_entries_are_missing():
    masked = np.ma.masked_equal([[0.0, 1.0], [1.0, 2.0], [3.0, 4.0]], 4.0)
    with pytest.raises(glassnet.DataError, match="X has masked entries"):
        glassnet.Network(2, [glassnet.Dense(1)]).fit(masked, [0.0, 1.0, 2.0])
    model = glassnet.TableRegressor((), epochs=1).fit(masked, [0.0, 1.0, 2.0])
    assert "x2 is missing" in model.preprocessing_.feature_names
