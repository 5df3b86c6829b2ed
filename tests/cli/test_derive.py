"""`glassnet derive`: the list, one derivation in every form, bad names and options."""

import json

import pytest

from glassnet import ACTIVATIONS, LOSSES


def test_the_list_names_every_activation_and_loss(run):
    done = run("derive", "list", "--json")
    assert done.code == 0
    assert {*ACTIVATIONS, *LOSSES, "delta", "l2"} <= {row["name"] for row in json.loads(done.out)["derivations"]}
    assert "the Jacobian of softmax" in run("derive").out


def test_a_derivation_in_the_terminal(run):
    done = run("derive", "cross_entropy")
    assert done.code == 0
    assert "= Σ_k y_k · (a_j - δ_kj)                  a_k cancels" in done.out
    assert "= a_j - y_j               the sum is 1" in done.out


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.tex", r"\documentclass"), ("a.md", "# sigmoid"), ("a.html", "<!doctype html>"), ("a.txt", "sigmoid: ")],
)
def test_a_file_in_the_form_that_it_ends_in(run, tmp_path, name, start):
    done = run("derive", "logistic", "--out", str(tmp_path / name))
    assert done.code == 0 and done.out == ""
    assert (tmp_path / name).read_text("utf-8").startswith(start)


def test_json(run):
    document = json.loads(run("derive", "tanh", "--json").out)
    assert document["parts"][0]["steps"][-1] == {
        "expression": "1 - a**2", "latex": "1 - a^{2}", "text": "1 - a²", "reason": "definition of a",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sigmod"], "nothing is derived for 'sigmod'; did you mean 'sigmoid'?"),
        (["list", "--out", "a.md"], "--format and --out need a NAME"),
        (["relu", "--format", "pdf"], "--format must be text, markdown, latex or html"),
        (["relu", "--out", "a.doc"], "--out must end in .txt, .md, .tex, .html"),
        (["relu", "--out", "nowhere/a.md"], "nowhere"),
    ],
)
def test_bad_names_and_options(run, words, message):
    assert message in run("derive", *words).complaint
