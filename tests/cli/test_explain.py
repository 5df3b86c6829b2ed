"""`glassnet explain`: examples and models, forms, files, mistakes."""

import json

import pytest


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
        (["lecture-5-sine"], "lecture-5-sine has no network to explain; glassnet check lecture-5-sine judges"),
        (["lecture-5-squared-error"], "has no network to explain"),
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
