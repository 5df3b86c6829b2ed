"""predict, evaluate, summary, gradcheck and datasets on a trained model."""

import csv
import io
import json

import polars as pl
import pytest

from cli.samples import table, write_csv


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_predictions_are_csv_in_the_order_of_the_rows(run, model, good):
    done = run("predict", model, good)
    assert (done.code, done.err) == (0, "")
    rows = rows_of(done.out)
    assert list(rows[0]) == ["predicted_label", "p_neg", "p_pos"]
    assert len(rows) == 60
    right = sum(row["predicted_label"] == truth[3] for row, truth in zip(rows, table(), strict=True))
    assert right > 50
    assert all(abs(float(row["p_neg"]) + float(row["p_pos"]) - 1) < 1e-6 for row in rows)


def test_reordered_columns_and_no_target_give_the_same(run, model, good, tmp_path):
    write_csv(tmp_path / "moved.csv", [(k, b, a) for a, b, k, _ in table()], "kind,b,a")
    assert run("predict", model, "moved.csv").out == run("predict", model, good).out


def test_a_new_category_and_a_gap_are_taken(run, model, tmp_path):
    write_csv(tmp_path / "new.csv", [(0.9, 0.1, "never", "pos"), (0.9, "", "u", "pos")])
    assert len(rows_of(run("predict", model, "new.csv").out)) == 2


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "json"])
def test_a_file_by_its_suffix(run, model, good, tmp_path, suffix):
    done = run("predict", model, good, "-o", f"out.{suffix}")
    assert (done.code, done.out) == (0, "")
    path = tmp_path / f"out.{suffix}"
    read = {
        "csv": pl.read_csv,
        "tsv": lambda p: pl.read_csv(p, separator="\t"),
        "parquet": pl.read_parquet,
        "json": pl.read_json,
    }[suffix]
    assert read(path).columns == ["predicted_label", "p_neg", "p_pos"]
    assert read(path).height == 60


def test_only_and_append(run, model, good, tmp_path):
    assert run("predict", model, good, "--only").out.splitlines()[0] == "predicted_label"
    done = run("predict", model, good, "--append", "--only")
    assert done.out.splitlines()[0] == "a,b,kind,label,predicted_label"
    (tmp_path / "again.csv").write_text(done.out)
    assert "has a column 'predicted_label' already" in run("predict", model, "again.csv", "--append").complaint


def test_predictions_as_json(run, model, good):
    rows = json.loads(run("predict", model, good, "--json").out)
    assert len(rows) == 60
    assert set(rows[0]) == {"predicted_label", "p_neg", "p_pos"}


def test_evaluation(run, model, good):
    report = json.loads(run("evaluate", model, good, "--json", "--worst", 3).out)
    assert report["rows"] == 60
    assert report["accuracy"] > 0.8
    assert len(report["worst"]) <= 3
    for row in report["worst"]:
        assert table()[row["row"] - 1][3] == row["true"] != row["predicted"]
    assert [row["probability"] for row in report["worst"]] == sorted(
        (row["probability"] for row in report["worst"]), reverse=True
    )
    done = run("evaluate", model, good)
    for word in ("precision", "recall", "F1", "confusion matrix", "balanced accuracy"):
        assert word in done.out


def test_row_numbers_count_rows_without_a_target(run, model, tmp_path):
    rows = table()
    a, b, kind, label = rows[30]
    rows[30] = (a, b, kind, {"pos": "neg", "neg": "pos"}[label])
    rows[0] = (*rows[0][:3], "")
    write_csv(tmp_path / "gaps.csv", rows)
    done = run("evaluate", model, "gaps.csv", "--json")
    assert "1 row without 'label' left out" in done.err
    report = json.loads(done.out)
    assert report["rows"] == 59
    assert 31 in [row["row"] for row in report["worst"]]


def test_evaluation_of_a_regression(run):
    assert run("fit", "plane", "--rows", 80, "--epochs", 10, "-q", "-o", "p.glassnet").code == 0
    report = json.loads(run("evaluate", "p.glassnet", "plane", "--rows", 50, "--seed", 9, "--json").out)
    assert {"rmse", "mae", "r2", "worst"} <= set(report)
    assert len(report["worst"]) == 10
    assert "largest errors" in run("evaluate", "p.glassnet", "plane").out
    assert run("predict", "p.glassnet", "plane").out.splitlines()[0] == "predicted_y"
    assert "a number (training mean" in run("summary", "p.glassnet").out


def test_summary(run, model):
    text = run("summary", model).out
    for word in ("'label': neg, pos", "W1 (8, 5)", "standardized", "test accuracy", "60 epochs"):
        assert word in text
    report = json.loads(run("summary", model, "--json").out)
    assert report["kind"] == "TableClassifier"
    assert report["metrics"]["test_accuracy"] > 0.5


def test_a_right_gradient_passes(run, model, good):
    done = run("gradcheck", model, good, "--rows", 8)
    assert done.code == 0
    assert "the gradient is right" in done.out
    assert json.loads(run("gradcheck", model, good, "--rows", 8, "--json").out)["passed"] is True


def test_a_wrong_gradient_fails_with_1(run, model, good, monkeypatch):
    from glassnet.network import gradcheck

    right = gradcheck.backward

    def wrong(*arguments, **named):
        return 1.001 * right(*arguments, **named)

    monkeypatch.setattr(gradcheck, "backward", wrong)
    done = run("gradcheck", model, good, "--rows", 8, "--all")
    assert done.code == 1
    assert "WRONG" in done.out
    assert json.loads(run("gradcheck", model, good, "--rows", 8, "--all", "--json").out)["passed"] is False


def test_one_gradient_four_ways(run, model, good, monkeypatch):
    done = run("gradcheck", model, good, "--rows", 8, "--all-ways")
    assert done.code == 0
    for word in ("by hand", "numerical", "automatic", "pytorch", "passes", "seconds", "all ways agree"):
        assert word in done.out
    ways = json.loads(run("gradcheck", model, good, "--rows", 8, "--all-ways", "--json").out)["ways"]
    assert [way["name"] for way in ways] == ["by hand", "numerical", "automatic", "pytorch"]
    assert all(way["seconds"] is None or way["seconds"] > 0 for way in ways)

    from glassnet.network import gradcheck

    right = gradcheck.backward
    monkeypatch.setattr(gradcheck, "backward", lambda *given, **named: 1.001 * right(*given, **named))
    done = run("gradcheck", model, good, "--rows", 8, "--all-ways")
    assert done.code == 1
    assert "WRONG" in done.out and "DISAGREE" in done.out
    monkeypatch.setattr(gradcheck, "backward", lambda *given, **named: float("nan") * right(*given, **named))
    for words in ((), ("--all-ways",)):
        done = run("gradcheck", model, good, "--rows", 8, "--json", *words)
        assert done.code == 1 and json.loads(done.out)["passed"] is False


def test_datasets(run, tmp_path):
    assert "breast_cancer" in run("datasets").out
    names = [row["name"] for row in json.loads(run("datasets", "--json").out)["datasets"]]
    assert {"iris", "spiral"} <= set(names)
    assert run("datasets", "xor", "--rows", 20, "-o", "xor.csv").code == 0
    assert pl.read_csv(tmp_path / "xor.csv").shape == (20, 3)


def test_a_category_that_looks_like_a_number_stays_text(run, tmp_path):
    rows = [(a, b, f"{i % 2:03d}", label) for i, (a, b, _, label) in enumerate(table())]
    write_csv(tmp_path / "codes.csv", rows)
    words = ("fit", "codes.csv", "-t", "label", "--categorical", "kind", "--epochs", 2, "-q", "-o", "m.glassnet")
    assert run(*words).code == 0
    assert "kind" in run("summary", "m.glassnet").out
    assert run("predict", "m.glassnet", "codes.csv").code == 0
