"""`glassnet check`: text, JSON, exit codes."""

import json

import pytest

from glassnet.explain.worked import example_names

GOOD = """
title = "one neuron"
x = [0.5]
[[layers]]
activation = "sigmoid"
W = [[2.0]]
[[claims]]
step = 1
z1 = ["1.0"]
a1 = ["0.731"]
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "exam.toml"
        path.write_text(text, "utf-8")
        return path

    return write


def test_a_right_computation(run, file):
    done = run("check", file(GOOD))
    assert (done.code, done.err) == (0, "")
    assert "2 numbers: 2 ok" in done.out and "no slip" in done.out and "z1[1]" not in done.out


def test_all_shows_every_number(run, file):
    done = run("check", file(GOOD), "--all")
    assert "z1[1]" in done.out and "a1[1]" in done.out


def test_a_slip(run, file):
    done = run("check", file(GOOD.replace("0.731", "0.831")))
    assert done.code == 1
    lines = [line.strip() for line in done.out.splitlines()]
    start = lines.index("first slip: step 1, a1[1]")
    assert lines[start + 1 : start + 5] == [
        "a1 = g(z1)",
        "a1[1] = 1 / (1 + exp(-z1[1]))",
        "= 1 / (1 + exp(-1.0))",
        "= 0.731, not 0.831   (in exact arithmetic from the start: 0.731)",
    ]


def test_json(run):
    done = run("check", "lecture-23-bce", "--json")
    document = json.loads(done.out)
    assert done.code == 1 and set(document) == {"claims", "first_slip"}
    assert len(document["claims"]) == 91
    for claim in document["claims"]:
        assert set(claim) == {"step", "name", "index", "claimed", "exact", "verdict"}
    slip = document["first_slip"]
    assert (slip["step"], slip["name"], slip["index"], slip["claimed"]) == (1, "loss", [], "0.1122")
    assert slip["expected"] == pytest.approx(0.1127, abs=5e-5)


def test_json_without_a_slip(run):
    document = json.loads(run("check", "lecture-5-one-neuron", "--json").out)
    assert document["first_slip"] is None


def test_list(run):
    done = run("check", "--list")
    assert done.code == 0
    for name in example_names():
        assert name in done.out
    listed = json.loads(run("check", "--list", "--json").out)["examples"]
    assert [example["name"] for example in listed] == list(example_names())


@pytest.mark.parametrize("name", example_names())
def test_every_shipped_example(run, name):
    assert run("check", name).code == (1 if name == "lecture-23-bce" else 0)


def test_a_file_by_its_path_wins_over_nothing(run, file):
    file(GOOD)
    assert run("check", "exam.toml").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "say which FILE to check, or --list"),
        (["lecture-23"], "'lecture-23' is neither a file nor a shipped example"),
        (["missing.toml"], "cannot read missing.toml"),
        (["exam.toml"], "exam.toml: unknown key 'clains'; did you mean 'claims'?"),
    ],
)
def test_mistakes_are_one_line(run, file, words, message):
    file(GOOD.replace("[[claims]]", "[[clains]]"))
    assert message in run("check", *words).complaint


def test_help_names_the_examples(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert "lecture-23-bce" in run("check", "--help").out
