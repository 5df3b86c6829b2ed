"""`glassnet lesson`: the list, a lesson's text, its figure, and mistakes."""

import json
import sys

import pytest

from glassnet.lessons import LESSONS, Claim, Result


def test_the_list_names_them_all(run):
    done = run("lesson", "list")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()[4:]] == list(LESSONS)
    assert run("lesson").out == done.out
    assert [one["name"] for one in json.loads(run("lesson", "list", "--json").out)["lessons"]] == list(LESSONS)


def test_a_lesson_shows_text_tables_and_verdicts(run):
    done = run("lesson", "linear-collapse")
    assert done.code == 0
    assert "one layer does not?" in done.out
    assert done.out.count("\nholds ") == 3
    assert "FAILS" not in done.out
    assert "--figure linear-collapse.png" in done.err


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_figure_is_written(run, tmp_path, kind):
    pytest.importorskip("matplotlib")
    done = run("lesson", "linear-collapse", "--figure", f"a.{kind}")
    assert done.code == 0
    assert (tmp_path / f"a.{kind}").stat().st_size > 10_000


def test_json_is_one_document(run):
    done = run("lesson", "linear-collapse", "--json", "--seed", "4")
    document = json.loads(done.out)
    assert document["seed"] == 4
    assert document["holds"] is True
    assert len(document["claims"]) == 3
    assert done.err == ""


def test_a_claim_that_fails_ends_with_1(run, monkeypatch):
    from glassnet.lessons.lesson import Lesson

    monkeypatch.setattr(Lesson, "run", lambda *_, **__: Result((), (Claim("2 + 2 = 5", False),)))
    done = run("lesson", "xor")
    assert done.code == 1
    assert "FAILS   2 + 2 = 5" in done.out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("xoor", "did you mean 'xor'?"),
        ("xor --seed -1", "--seed must be a whole number"),
        ("xor --figure a.gif", "a figure's file must end in .png, .svg, .pdf, got 'a.gif'"),
        ("universal-approximation --target import(os)", "--target 'import(os)' cannot be read"),
        ("xor --target x", "the lesson xor takes no option 'target'"),
        ("list --figure a.png", "--figure and --target need a lesson"),
        ("linear-collapse --figure no/a.png", "cannot write 'no/a.png'"),
    ],
)
def test_a_mistake_is_one_line(run, words, text):
    done = run("lesson", *words.split())
    assert done.code == 2
    assert text in done.err


def test_without_matplotlib_the_figure_is_refused_before_the_work_and_the_rest_goes_on(run, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("matplotlib", "glassnet.lessons.style"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delattr("glassnet.lessons.style", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'glassnet[plots]'" in run("lesson", "linear-collapse", "--figure", "a.png").complaint
    done = run("lesson", "linear-collapse")
    assert done.code == 0
    assert "needs matplotlib" in done.err
