"""`import glassnet` stays quick: it loads nothing heavy, which holds on every machine, as a clock would not."""

import subprocess
import sys

import pytest

HEAVY = ("numpy", "scipy", "numba", "sklearn", "polars", "pandas", "torch", "msgspec", "rich", "typer")


def loaded_by(code: str) -> set[str]:
    """Which of the heavy packages a fresh interpreter holds after this code."""
    report = f"{code}\nimport sys\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_nothing_heavy():
    assert loaded_by("import glassnet; glassnet.__version__; dir(glassnet)") == set()


def test_errors_load_nothing_heavy():
    assert loaded_by("from glassnet import GlassnetError") == set()


def test_a_heavy_import_is_seen():
    assert "numpy" in loaded_by("import glassnet, numpy")


def test_a_network_needs_neither_numba_nor_sklearn_nor_polars_to_be_built():
    code = "from glassnet import Dense, Architecture; Architecture(2, (Dense(1),))"
    assert loaded_by(code) <= {"numpy", "scipy", "msgspec"}


def test_the_playground_s_link_does_not_wait_for_the_built_in_tables():
    pytest.importorskip("uvicorn", reason="the playground's server is an extra: glassnet[play]")
    play = "import glassnet.playground.server as s; s.serve = lambda *_: None; from glassnet.cli import main"
    assert not {"sklearn", "pandas"} & loaded_by(f"{play}; main(['play', '--no-browser', '--port', '0'])")
