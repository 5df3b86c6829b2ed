"""`glassnet diagnose`: exit codes, text, JSON, a trained model, bad options."""

import json

import pytest


def test_a_healthy_table(run):
    done = run("diagnose", "breast_cancer", "-q")
    assert done.code == 0
    assert "nothing is wrong" in done.out
    assert "is the first loss right?" in done.out


def test_a_fault_is_told_with_what_to_do(run):
    done = run("diagnose", "breast_cancer", "-q", "--lr", "10")
    assert done.code == 1
    assert "begin with learning_rate" in done.out
    assert "take --lr" in done.out


def test_json(run):
    done = run("diagnose", "breast_cancer", "--json", "-q", "--lr", "1e-7")
    document = json.loads(done.out)
    assert (done.code, document["first"], document["healthy"]) == (1, "learning_rate", False)


def test_a_trained_model(run, good, model):
    done = run("diagnose", good, "--model", model, "--json", "-q")
    assert json.loads(done.out)["data"] == str(good)
    assert done.code in (0, 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--figure", "a.doc"], "--figure: a figure must be a .png, .svg or .pdf file"),
        (["--figure", "nowhere/a.png"], "--figure: "),
        (["--lr", "0"], "--lr must be a number > 0"),
    ],
)
def test_bad_options(run, good, words, message):
    pytest.importorskip("matplotlib")
    assert message in run("diagnose", good, "-t", "label", *words).complaint


def test_options_that_a_model_has_settled(run, good, model):
    assert "--hidden: the model has its own" in run("diagnose", good, "--model", model, "--hidden", "4").complaint
