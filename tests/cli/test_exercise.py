"""`glassnet exercise`: sheets on stdout, files in a folder, the way to `glassnet check` and back."""

import json

import pytest


def test_a_worksheet_and_its_solution(run):
    words = ["exercise", "--layers", "2,2,1", "--activation", "sigmoid", "--steps", "1", "--seed", "7"]
    sheet, solution = run(*words), run(*words, "--solution")
    assert (sheet.code, solution.code) == (0, 0)
    assert "z1[1] = ________" in sheet.out
    assert "________" not in solution.out
    assert run(*words).out == sheet.out


def test_files_that_the_checker_reads(run, tmp_path):
    folder = tmp_path / "class"
    done = run("exercise", "--kind", "shapes", "--layers", "3,4,2", "--rows", "32", "-o", folder)
    assert (done.code, done.out) == (0, "")
    ends = (".md", ".tex", ".toml")
    assert {path.name for path in folder.iterdir()} == {f"{n}{end}" for n in ("worksheet", "solution") for end in ends}
    blank, solved = run("check", folder / "worksheet.toml"), run("check", folder / "solution.toml", "--json")
    assert (blank.code, solved.code) == (0, 0)
    assert "no number is written down" in blank.out and "13 not yet filled in" in blank.out
    assert "blank" not in json.loads(solved.out)
    assert json.loads(run("check", folder / "worksheet.toml", "--json").out)["blank"] == 13
    filled = (folder / "worksheet.toml").read_text("utf-8").replace('parameters1 = ""', 'parameters1 = "12"')
    (folder / "worksheet.toml").write_text(filled, "utf-8")
    marked = run("check", folder / "worksheet.toml")
    assert marked.code == 1
    assert "1 number: 1 slip" in marked.out and "12 not yet filled in" in marked.out and "= 16, not 12" in marked.out


def test_json(run):
    document = json.loads(run("exercise", "--kind", "function", "--json").out)
    assert document["worksheet"]["expressions"] == ["f = "]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--kind", "shapess"], "--kind must be backpropagation, shapes or function; did you mean 'shapes'?"),
        (["--layers", "2"], "--layers must be the inputs and the units of each layer"),
        (["--layers", "2,x"], "--layers must be whole numbers"),
        (["--format", "pdf"], "--format must be text, markdown, latex or toml"),
        (["--seed", "-1"], "--seed must be a whole number from 0"),
        (["--steps", "two"], "--steps must be a whole number >= 1"),
        (["--loss", "crossentropy"], "did you mean"),
        (["-o", "x", "--solution"], "--output writes all files"),
    ],
)
def test_bad_options(run, words, message):
    assert message in run("exercise", *words).complaint


def test_a_file_where_the_folder_should_be(run, tmp_path):
    (tmp_path / "taken").write_text("")
    assert "--output: cannot make the folder" in run("exercise", "-o", tmp_path / "taken").complaint
