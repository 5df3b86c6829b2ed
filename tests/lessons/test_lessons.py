"""Every lesson's claims hold, its figure is drawn, and the claims can fail."""

import json
import pkgutil
from dataclasses import asdict

import numpy as np
import pytest

import glassnet.lessons
from glassnet.cli.lesson import document
from glassnet.errors import InvalidParameterError, WriteError
from glassnet.lessons import LESSONS, Claim, Result, lesson
from glassnet.lessons.xor import TARGETS, XOR, X, certificate, margins, separable

FRAME = {"lesson", "style", "tables"}


@pytest.fixture(scope="module", params=LESSONS)
def done(request):
    one = lesson(request.param)
    return one, one.run(seed=0)


def test_claims_hold(done):
    one, result = done
    result.check()
    assert result.claims
    assert json.loads(json.dumps(document(one, result, seed=0), allow_nan=False))["holds"]
    assert one.question.endswith("?")
    assert one.paragraphs


def test_tables_are_whole_and_finite(done):
    _, result = done
    for table in result.tables:
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert all(np.isfinite(cell) for row in table.rows for cell in row if isinstance(cell, int | float))


def test_figure_is_drawn_1200_pixels_wide(done, tmp_path):
    pytest.importorskip("matplotlib")
    one, result = done
    one.save(result, tmp_path / "figure.png")
    from matplotlib.image import imread

    assert imread(tmp_path / "figure.png").shape[1] == 1200
    figure = one.draw(result)
    assert figure.get_suptitle()


def test_every_file_is_listed():
    files = {module.name for module in pkgutil.iter_modules(glassnet.lessons.__path__)} - FRAME
    assert {name.replace("-", "_") for name in LESSONS} == files
    assert [lesson(name).name for name in LESSONS] == list(LESSONS)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    one = lesson("zero-initialization")
    first, again, other = (str([asdict(t) for t in one.run(seed).tables]) for seed in (3, 3, 4))
    assert first == again != other


def test_a_figure_is_the_same_file_again(tmp_path):
    pytest.importorskip("matplotlib")
    one = lesson("linear-collapse")
    result = one.run(seed=0)
    for kind in ("svg", "pdf", "png"):
        for name in "ab":
            one.save(result, tmp_path / f"{name}.{kind}")
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_a_broken_claim_is_named():
    result = Result((), (Claim("water is wet", True), Claim("2 + 2 = 5", False)))
    assert not result.holds
    with pytest.raises(AssertionError, match=r"^2 \+ 2 = 5$"):
        result.check()


@pytest.mark.parametrize(
    ("act", "error", "text"),
    [
        (lambda path: lesson("xoor"), InvalidParameterError, "did you mean 'xor'"),
        (lambda path: lesson("xor").run(0, target="x"), InvalidParameterError, "takes no option 'target'"),
        (lambda path: lesson("xor").save(Result((), ()), "a.gif"), InvalidParameterError, r"\.png, \.svg, \.pdf"),
        (
            lambda path: lesson("linear-collapse").save(lesson("linear-collapse").run(0), path / "no" / "a.png"),
            WriteError,
            "cannot write",
        ),
    ],
)
def test_mistakes_are_one_line(act, error, text, tmp_path):
    with pytest.raises(error, match=text):
        act(tmp_path)


# --- single lessons ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TARGETS)
def test_the_linear_program_agrees_with_a_search_of_all_lines(name):
    y = np.array(TARGETS[name])
    angles, offsets = np.meshgrid(np.linspace(0, 2 * np.pi, 361), np.linspace(-2, 2, 401))
    z = X @ np.array([np.cos(angles).ravel(), np.sin(angles).ravel()]) + offsets.ravel()  # (4, lines)
    assert separable(X, y) == bool(np.any(np.all((z > 0) == (y[:, None] == 1), axis=0)))


def test_the_certificate_needs_no_trust():
    u = certificate(X, XOR)
    assert u.min() >= 0
    np.testing.assert_allclose(u @ margins(X, XOR), 0, atol=1e-12)
    np.testing.assert_allclose(u.sum(), 1)
