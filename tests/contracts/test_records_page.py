"""docs/records.md is what the registries say."""

import importlib.util
from pathlib import Path

import pytest

from glassnet import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location("make_records", DOCS / "make_records.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_is_current(maker):
    assert (DOCS / "records.md").read_text("utf-8") == maker.page(), "run `make records`"


@pytest.mark.parametrize("registry", [ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES], ids=lambda r: r.kind)
def test_every_record_has_a_row_with_formula_and_source(maker, registry):
    page = maker.page()
    for name, record in registry.items():
        assert f"| `{name}` |" in page
        assert record.latex and record.source


def test_every_row_has_as_many_cells_as_its_head(maker):
    widths: list[int] = []
    for line in maker.page().splitlines():
        if line.startswith("|"):
            widths.append(line.count("|"))
        elif widths:
            assert len(set(widths)) == 1
            widths = []
    assert len(set(widths)) <= 1
