"""Bad data: exit code 2, one line that names the file and the place, nothing written, an old model untouched."""

import numpy as np
import pytest

from cli.samples import table, write_csv

ROWS = table()


def with_cell(row: int, column: int, value: object) -> list[list[object]]:
    rows = [list(r) for r in ROWS]
    rows[row][column] = value
    return rows


HEAD = b"a,b,label\n"
BAD_BYTES = {
    "empty": (b"", "empty"),
    "header_only": (HEAD, "no rows"),
    "too_few": (HEAD + b"1,2,x\n2,3,y\n", "too few rows to split"),
    "no_feature": (b"label\nx\ny\nx\ny\nx\ny\nx\ny\n", "no feature column"),
    "duplicate": (b"a,a,label\n1,2,x\n3,4,y\n", "names column 'a' twice"),
    "ragged": (HEAD + b"1,2,x\n3,4,5,y\n", "line 3 has 4 cells"),
    "nul": (HEAD + b"1,\x002,x\n", "NUL byte at offset 12"),
    "latin": (HEAD + "1,2,é\n".encode("latin-1"), "not UTF-8 text: byte 0xe9 at offset 14"),
}
BAD_CELLS = {
    "one_class": ([(*r[:3], "pos") for r in ROWS], "only one class, 'pos'"),
    "target_missing": ([(*r[:3], "") for r in ROWS], "missing in every row"),
    "features_missing": ([("", "NA", "", r[3]) for r in ROWS], "all values are missing"),
    "infinite": (with_cell(41, 0, "inf"), "column 'a', row 42: inf is not finite"),
    "beyond_float32": (with_cell(41, 1, "1e39"), "column 'b', row 42: 1e+39 is beyond the range of float32"),
}


@pytest.fixture
def old_model(tmp_path):
    path = tmp_path / "old.glassnet"
    path.write_bytes(b"precious")
    yield path
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("name", BAD_BYTES)
def test_a_bad_file_is_refused(run, tmp_path, old_model, name):
    data, words = BAD_BYTES[name]
    (tmp_path / f"{name}.csv").write_bytes(data)
    complaint = run("fit", f"{name}.csv", "--target", "label", "--out", old_model).complaint
    assert f"{name}.csv" in complaint
    assert words in complaint


@pytest.mark.parametrize("name", BAD_CELLS)
def test_bad_cells_are_refused(run, tmp_path, old_model, name):
    rows, words = BAD_CELLS[name]
    write_csv(tmp_path / f"{name}.csv", rows)
    complaint = run("fit", f"{name}.csv", "--target", "label", "--out", old_model).complaint
    assert f"{name}.csv" in complaint
    assert words in complaint
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"{name}.csv", "old.glassnet"])


@pytest.mark.parametrize("command", ["fit", "predict", "evaluate", "gradcheck"])
def test_a_missing_file_and_a_folder_are_refused(run, model, tmp_path, command):
    before = [] if command == "fit" else [model]
    assert "nope.csv: no such file" in run(command, *before, "nope.csv").complaint
    assert "this is a folder" in run(command, *before, tmp_path).complaint


def test_an_unknown_name_suggests_the_nearest(run):
    assert "'irs' is neither a file nor a built-in data set; did you mean 'iris'?" in run("fit", "irs").complaint
    assert "did you mean 'xor'?" in run("datasets", "xr").complaint


def test_the_target_must_be_said_and_be_there(run, good):
    assert "--target; the columns are: a, b, kind, label" in run("fit", good).complaint
    assert "has no column 'lable'; did you mean 'label'?" in run("fit", good, "--target", "lable").complaint


def test_rare_classes_need_a_training_row(run, tmp_path):
    rows = [(i, i * i % 7, "k", f"c{i}") for i in range(8)]
    write_csv(tmp_path / "rare.csv", rows)
    assert "no training row is left for class" in run("fit", "rare.csv", "-t", "label").complaint


def test_bom_and_crlf_are_fine(run, good, tmp_path):
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbf" + good.read_bytes().replace(b"\n", b"\r\n"))
    assert run("fit", "bom.csv", "-t", "label", "--epochs", 2).code == 0


def test_duplicates_across_the_split_are_reported(run, tmp_path):
    write_csv(tmp_path / "twice.csv", ROWS + ROWS)
    done = run("fit", "twice.csv", "-t", "label", "--epochs", 2)
    assert "stand, the same, in an earlier part" in done.err


def test_duplicates_in_an_own_test_table_are_reported(run, good, tmp_path):
    write_csv(tmp_path / "test.csv", [(lab, k, b, a) for a, b, k, lab in ROWS[:7]], "label,kind,b,a")
    done = run("fit", good, "-t", "label", "--test", "test.csv", "--epochs", 2)
    assert "7 rows of the validation and test parts stand, the same, in an earlier part" in done.err


# --- at prediction ----------------------------------------------------------------------------------------------


def test_text_in_a_numeric_column_is_refused(run, model, tmp_path):
    write_csv(tmp_path / "text.csv", with_cell(3, 0, "heavy"))
    (tmp_path / "out.csv").write_text("old")
    complaint = run("predict", model, "text.csv", "-o", "out.csv").complaint
    assert "text.csv: column 'a', row 4: 'heavy' is not a number" in complaint
    assert (tmp_path / "out.csv").read_text() == "old"


def test_missing_columns_are_refused(run, model, tmp_path):
    write_csv(tmp_path / "lacks.csv", [r[1:] for r in ROWS], "b,kind,label")
    for command in ("predict", "evaluate", "gradcheck"):
        assert "lacks.csv: no column 'a'" in run(command, model, "lacks.csv").complaint


def test_an_unknown_class_is_refused_in_evaluation(run, model, tmp_path):
    write_csv(tmp_path / "odd.csv", with_cell(4, 3, "odd"))
    assert "column 'label', row 5: 'odd' is none of the classes neg, pos" in run("evaluate", model, "odd.csv").complaint


@pytest.mark.parametrize("command", ["predict", "evaluate", "gradcheck", "summary"])
def test_a_damaged_model_is_refused(run, model_bytes, good, tmp_path, command):
    more = [] if command == "summary" else [good]
    for place in (0, len(model_bytes) // 2, len(model_bytes) - 1):
        damaged = bytearray(model_bytes)
        damaged[place] ^= 1
        (tmp_path / "bad.glassnet").write_bytes(damaged)
        assert "bad.glassnet" in run(command, "bad.glassnet", *more).complaint
    (tmp_path / "bad.glassnet").write_bytes(model_bytes[:-9])
    assert "cut short" in run(command, "bad.glassnet", *more).complaint
    assert "no such file" in run(command, "nope.glassnet", *more).complaint


def test_a_damaged_checkpoint_is_refused(run, good, tmp_path):
    words = ["fit", good, "-t", "label", "--hidden", 4, "--epochs", 2]
    assert run(*words, "--checkpoint", "c.ck").code == 0
    whole = (tmp_path / "c.ck").read_bytes()
    (tmp_path / "c.ck").write_bytes(whole[:-5])
    assert "--resume: c.ck is damaged or cut short" in run(*words, "--resume", "c.ck").complaint
    assert (tmp_path / "c.ck").read_bytes() == whole[:-5]
    assert "nope: there is no such file" in run(*words, "--resume", "nope").complaint


def test_a_checkpoint_of_other_options_is_refused(run, good):
    words = ["fit", good, "-t", "label", "--hidden", 4, "--epochs", 2]
    assert run(*words, "--checkpoint", "c.ck").code == 0
    assert "c.ck" in run(*words, "--seed", 1, "--resume", "c.ck").complaint


def test_npz_and_a_bare_network(run, tmp_path, good):
    from glassnet import Dense, Network

    np.savez(tmp_path / "t.npz", X=np.random.default_rng(0).random((40, 2)), y=np.arange(40) % 2)
    assert run("fit", "t.npz", "--epochs", 2).code == 0
    Network(2, [Dense(1)]).save(tmp_path / "bare.glassnet")
    assert "bare network" in run("predict", "bare.glassnet", good).complaint
    assert run("summary", "bare.glassnet").code == 0
