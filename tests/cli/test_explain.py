"""`glassnet explain`: examples and models, forms, files, mistakes."""

import json

import pytest

from glassnet import read_example
from glassnet.explain.evaluation import evaluate
from glassnet.explain.places import Entry


def test_an_example(run):
    done = run("explain", "lecture-5-one-neuron", "--digits", "4")
    assert (done.code, done.err) == (0, "")
    assert "        = 0.5 · 2 + 1" in done.out.splitlines()
    assert "loss after the update: 0.0139" in done.out


def test_json(run):
    document = json.loads(run("explain", "lecture-23-bce", "--json").out)
    assert set(document) == {"title", "conventions", "given", "losses", "lines", "loss_after"}
    assert document["losses"][:2] == pytest.approx([0.112877, 0.0995359], abs=1e-6)
    z1 = next(line for line in document["lines"] if line["name"] == "z1" and line["step"] == 1)
    assert z1["values"] == pytest.approx([1.2, 1.8]) and z1["shape"] == [2]


@pytest.mark.parametrize(
    ("suffix", "first"), [("txt", "2-2-1"), ("md", "# 2-2-1"), ("tex", "\\doc"), ("html", "<!doc")]
)
def test_files(run, tmp_path, suffix, first):
    done = run("explain", "lecture-23-bce", "-o", f"board.{suffix}")
    assert done.code == 0 and done.out == "" and "written" in done.err
    assert (tmp_path / f"board.{suffix}").read_text("utf-8").startswith(first)


def test_a_row_through_a_model(run, model, good):
    done = run("explain", model, good, "--row", "3", "--optimizer", "sgd(0.1)", "--entries", "1")
    assert done.code == 0, done.err
    assert "W1_new" in done.out and "loss after the update" in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lecture-5-sine", "--chain", "W1[1,1]"], "there is no network; the derivatives above are the chain rule"),
        (["lecture-23"], "'lecture-23' is neither a file nor a shipped example; did you mean 'lecture-23-bce'?"),
        (["m.glassnet"], "cannot read m.glassnet: No such file or directory"),
        (["lecture-23-bce", "--digits", "0"], "--digits must be a whole number from 1 to 17, got '0'"),
        (["lecture-23-bce", "--format", "pdf"], "--format must be text, markdown, latex or html, got 'pdf'"),
        (["lecture-23-bce", "-o", "board.pdf"], "--out must end in .txt, .md, .tex, .html, or say --format"),
        (["lecture-23-bce", "--notation", "braces"], "unknown notation 'braces'"),
        (["lecture-23-bce", "--optimizer", "sgdd"], "unknown optimizer 'sgdd'; did you mean 'sgd'?"),
        (["missing.toml"], "cannot read missing.toml"),
    ],
)
def test_mistakes_are_one_line(run, words, message):
    assert message in run("explain", *words).complaint


def test_a_model_alone_has_no_row(run, model):
    assert f"say which DATA has the row: glassnet explain {model} DATA --row 1" in run("explain", model).complaint


def test_a_row_that_is_not_there(run, model, good):
    assert "--row must be a whole number from 1 to" in run("explain", model, good, "--row", "0").complaint


def test_all_steps_of_an_example(run):
    done = run("explain", "lecture-23-bce", "--digits", "4")
    assert [f"step {n} of 3" in done.out for n in (1, 2, 3, 4)] == [True, True, True, False]
    losses = [float(line.split(": ")[1]) for line in done.out.splitlines() if line.startswith("loss after")]
    exact = evaluate(read_example("lecture-23-bce").table, 4)  # in 50 digits, from the example alone
    assert losses == pytest.approx([float(exact[Entry(step, "loss", ())]) for step in (2, 3, 4)], rel=1e-3)
    assert "step 2" not in run("explain", "lecture-23-bce", "--steps", "1").out


def test_steps_of_an_example_without_an_optimizer(run):
    assert "steps=2 needs y and an optimizer" in run("explain", "ee514-two-outputs", "--steps", "2").complaint
    done = run("explain", "ee514-two-outputs", "--steps", "2", "--optimizer", "momentum(0.5)")
    assert done.code == 0 and "v_W1" in done.out


def test_the_chain_rule(run):
    done = run("explain", "ee514-two-outputs", "--chain", "W1[1,1]")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "dJ/dW1[1,1], 2 paths"
    assert done.out.splitlines()[-1] == "dJ/dW1[1,1] = 0.000438568"
    document = json.loads(run("explain", "ee514-two-outputs", "--chain", "W1[1,1]", "--json").out)
    assert document["value"] == pytest.approx(0.00043857, abs=5e-9) and len(document["paths"]) == 2
    assert "one path" in run("explain", "lecture-23-bce", "--chain", "b1[2]", "--step", "3").out


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_forms_of_the_chain_rule(run, form):
    done = run("explain", "ee514-two-outputs", "--chain", "W1[1,1]", "--format", form)
    assert done.code == 0 and "0.000438568" in done.out


def test_a_batch_through_a_model(run, model, good):
    done = run("explain", model, good, "--rows", "3", "--entries", "1", "--batch", "columns", "--training")
    assert done.code == 0, done.err
    assert "a batch is columns" in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "0"], "--steps must be a whole number from 1 to 1,000, got '0'"),
        (["--step", "4", "--chain", "W1[1,1]"], "--step must be a whole number from 1 to 3, got '4'"),
        (["--chain", "W9[1,1]"], "there is no W9"),
        (["--terms", "none"], "--terms must be a whole number"),
        (["--bias", "apart"], "bias must be 'separate' or 'unit', got 'apart'"),
        (["--batch", "lines"], "batch must be 'rows' or 'columns'"),
    ],
)
def test_mistakes_of_the_new_options(run, words, message):
    assert message in run("explain", "lecture-23-bce", *words).complaint
