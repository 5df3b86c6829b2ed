"""`fit`: what it assumes, reports and writes."""

import json
import subprocess
import sys

import numpy as np
import pytest

from cli.samples import table, write_csv
from glassnet.engines.reference import ReferenceEngine

REQUIRED = {"task", "rows", "engine", "seed", "epochs", "train_seconds", "model", "test", "baselines"}
QUICK = ("--hidden", "8", "--epochs", "5")


def fit_json(run, *words):
    done = run("fit", *words, "--json", "-q")
    assert done.code == 0, done.err
    assert done.err == ""
    return json.loads(done.out)


def test_json_of_a_classification(run, good):
    report = fit_json(run, good, "-t", "label", *QUICK)
    assert set(report) >= REQUIRED
    assert report["task"] == "classification"
    assert report["rows"] == 60
    assert report["split"] == {"training": 42, "validation": 9, "test": 9}
    assert set(report["test"]) >= {"accuracy", "log_loss", "confusion_matrix"}
    assert set(report["baselines"]) == {"constant", "logistic_regression"}
    assert sum(map(sum, report["test"]["confusion_matrix"])) == 9
    assert report["model"] is None


def test_json_of_a_regression(run):
    report = fit_json(run, "diabetes", "--epochs", 5)
    assert set(report) >= REQUIRED
    assert set(report["test"]) == {"rmse", "mae", "r2"}
    assert set(report["baselines"]) == {"constant", "linear_regression"}


def test_results_go_to_stdout_and_notes_to_stderr(run, good):
    done = run("fit", good, "-t", "label", *QUICK)
    assert done.code == 0
    for word in ("balanced accuracy", "log-loss", "logistic regression", "constant", "confusion matrix"):
        assert word in done.out
        assert word not in done.err
    for word in (
        "classification of 'label', text with 2 distinct values",
        "42 training, 9 validation, 9 test",
        "3 columns",
    ):
        assert word in done.err
    assert [line for line in done.err.splitlines() if line.startswith("epoch 5/5")]
    assert "\x1b" not in done.out + done.err
    assert not [line for line in done.out.splitlines() if line != line.rstrip()]


def test_quiet_leaves_stderr_empty(run, good):
    done = run("fit", good, "-t", "label", *QUICK, "--quiet")
    assert done.err == ""
    assert "accuracy" in done.out


def test_verbose_describes_each_column(run, good):
    assert "2 categories: u, v" in run("fit", good, "-t", "label", *QUICK, "--verbose").err


def test_what_was_left_out_is_said(run, tmp_path):
    rows = [(a, 7, f"id{i}", label) for i, (a, _, _, label) in enumerate(table())]
    write_csv(tmp_path / "t.csv", [*rows, (0.5, 7, "id", "")])
    done = run("fit", "t.csv", "-t", "label", *QUICK)
    assert "1 row without 'label' left out" in done.err
    assert "left out: 'b' (constant)" in done.err
    assert "'kind' (text that differs in every row" in done.err


def test_every_option_is_taken(run, good, tmp_path):
    write_csv(tmp_path / "test.csv", table(30, seed=1))
    words = (
        "--task classification --test test.csv --validation 0.2 --categorical kind --numeric a --scaling robust "
        "--hidden 8,4 --activation elu(alpha=0.5) --loss binary_cross_entropy --dropout 0.1 --batch-norm "
        "--initializer he_normal --l1 1e-5 --l2 1e-3 --dtype float64 --optimizer adamw --lr 0.01 "
        "--schedule step(factor=0.5,every=2) --batch-size 16 --epochs 4 --patience 3 --weight-decay 0.01 "
        "--label-smoothing 0.1 --class-weight balanced --clip-norm 5 --clip-value 1 --time-budget 60 "
        "--target-metric validation_accuracy=2 --seed 3 --engine reference --threads 2 --csv-log log.csv "
        "--out m.glassnet --checkpoint c.ck"
    )
    report = fit_json(run, good, "-t", "label", *words.split())
    assert report["split"] == {"training": 48, "validation": 12, "test": 30}
    assert report["network"]["sizes"] == [5, 8, 4, 1]
    assert report["model"] == "m.glassnet"
    assert (tmp_path / "log.csv").read_text().startswith("epoch,loss,")
    assert {"m.glassnet", "c.ck"} <= {path.name for path in tmp_path.iterdir()}


def test_threads_reach_the_engine(run, good, monkeypatch):
    seen = []

    class Spy(ReferenceEngine):
        def begin(self, program, state, data):
            seen.append(program.threads)
            return super().begin(program, state, data)

    monkeypatch.setattr("glassnet.model.ENGINES", [Spy()])
    fit_json(run, good, "-t", "label", *QUICK)
    fit_json(run, good, "-t", "label", *QUICK, "--threads", 2)
    assert seen == [None, 2]


def test_the_engine_that_ran_is_said(run, good):
    for words, engine in ((), "compiled"), (("--engine", "reference"), "reference"):
        done = run("fit", good, "-t", "label", *QUICK, "--json", *words)
        assert json.loads(done.out)["engine"] == engine
        assert f"engine {engine}" in done.err


def test_weights_and_drop(run, tmp_path):
    rows = [(a, b, 1 + i % 3, label) for i, (a, b, _, label) in enumerate(table())]
    write_csv(tmp_path / "w.csv", rows)
    report = fit_json(run, "w.csv", "-t", "label", "--weights", "kind", "--drop", "b", *QUICK, "-o", "m.glassnet")
    assert report["inputs"] == ["a"]
    assert run("evaluate", "m.glassnet", "w.csv").code == 0


def test_no_test_and_no_validation_part(run, good):
    report = fit_json(run, good, "-t", "label", *QUICK, "--test-fraction", 0, "--validation", 0)
    assert report["split"] == {"training": 60, "validation": 0, "test": 0}
    assert report["test"] is None
    assert run("fit", good, "-t", "label", *QUICK, "--test-fraction", 0).code == 0


def test_a_solver(run, good):
    report = fit_json(run, good, "-t", "label", "--hidden", "none", "--optimizer", "lbfgs", "--l2", "0.01")
    assert report["network"]["sizes"][1:] == [1]


def test_a_toy_with_noise_and_size(run):
    report = fit_json(run, "spiral", "--noise", 0.2, "--rows", 100, *QUICK)
    assert report["rows"] == 100


def test_idx_images_know_their_labels(run, tmp_path):
    pixels, labels = np.random.default_rng(0).integers(0, 255, (40, 2, 2)), np.arange(40) % 2
    for name, axes, values in (("images-idx3", (40, 2, 2), pixels), ("labels-idx1", (40,), labels)):
        head = bytes([0, 0, 8, len(axes)]) + b"".join(n.to_bytes(4, "big") for n in axes)
        (tmp_path / f"t-{name}-ubyte").write_bytes(head + values.astype(np.uint8).tobytes())
    assert fit_json(run, "t-images-idx3-ubyte", *QUICK)["target"] == "label"


def test_a_class_of_many_names_the_most_confused(run):
    done = run("fit", "digits", "--hidden", 8, "--epochs", 1, "-q")
    assert done.code == 0
    assert "confusion matrix" in done.out


@pytest.mark.parametrize("words", [("iris", "--hidden", "4,4"), ("diabetes", "--dropout", "0.2")])
def test_the_same_seed_gives_the_same_file(run, tmp_path, words):
    for name in ("a", "b"):
        fit_json(run, *words, "--epochs", 4, "--out", f"{name}.glassnet")
    assert (tmp_path / "a.glassnet").read_bytes() == (tmp_path / "b.glassnet").read_bytes()
    fit_json(run, *words, "--epochs", 4, "--out", "c.glassnet", "--seed", 1)
    assert (tmp_path / "a.glassnet").read_bytes() != (tmp_path / "c.glassnet").read_bytes()


def test_two_processes_write_the_same_file(good, tmp_path):
    for hash_seed in ("1", "2"):
        code = "import sys; from glassnet.cli import main; sys.exit(main())"
        words = ["fit", "good.csv", "-t", "label", *QUICK, "-q", "-o", f"{hash_seed}.glassnet"]
        environment = {"PYTHONHASHSEED": hash_seed, "PATH": "/usr/bin:/bin"}
        subprocess.run(
            [sys.executable, "-c", code, *words], check=True, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL
        )
    assert (tmp_path / "1.glassnet").read_bytes() == (tmp_path / "2.glassnet").read_bytes()


def test_penguins_with_the_defaults(run):
    palmerpenguins = pytest.importorskip("palmerpenguins")
    path = f"{palmerpenguins.__path__[0]}/data/penguins.csv"
    assert fit_json(run, path, "--target", "species")["test"]["accuracy"] >= 0.95


def test_digits_with_the_defaults(run):
    report = fit_json(run, "digits", "--epochs", 40)
    assert report["test"]["accuracy"] >= 0.96
