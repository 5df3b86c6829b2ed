"""The pages and the picture that scripts in docs/ write are what the code says now."""

import importlib.util
import re
from pathlib import Path

import pytest

from glassnet.cli.app import COMMANDS, command_group

DOCS = Path(__file__).parents[2] / "docs"


def script(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_line_page_is_current():
    assert (DOCS / "command_line.md").read_text("utf-8") == script("make_command_line").page(), "run `make records`"


def test_the_lessons_page_is_current():
    assert (DOCS / "lessons.md").read_text("utf-8") == script("make_lessons").page(), "run `make records`"


def test_the_playground_s_pages_are_current():
    from glassnet.playground.problem import PLANNED_EPOCHS
    from glassnet.playground.views import VIEWS
    from glassnet.tables.datasets import TOYS

    maker = script("make_playground")
    for page in maker.PAGES:
        text = page.read_text("utf-8")
        assert maker.MARKS.search(text) and text == maker.filled(text), "run `make records`"
    protocol = maker.PAGES[1].read_text("utf-8")
    assert f"`what`: {', '.join(VIEWS)} |" in protocol
    assert f"{', '.join(TOYS)}, function, points, table;" in protocol
    assert f"else for {PLANNED_EPOCHS:,} epochs" in protocol
    for name in ("hello", "setup", "data", "history", "snapshot", "explanation", "graph", "race", "notice"):
        assert f"| `{name}` | " in protocol


def test_the_picture_is_current():
    assert (DOCS / "see_through.svg").read_text("utf-8") == script("make_picture").draw(), "run `make records`"


def test_the_graphs_are_current():
    for name, make in script("make_autograd").PICTURES.items():
        assert (DOCS / f"{name}.svg").read_text("utf-8") == make().svg(), "run `make records`"


def test_every_function_of_the_tape_is_on_its_page():
    import glassnet.autograd as autograd

    words = set(re.findall(r"\w+", (DOCS / "autograd.md").read_text("utf-8")))
    assert set(autograd.__all__) - {"RULES", "Expressions", "Graph", "enable_grad"} <= words


@pytest.mark.parametrize("command", [c.__name__.lower() for c in COMMANDS])
def test_every_option_is_documented(command):
    page = (DOCS / "command_line.md").read_text("utf-8")
    section = page.split(f"## glassnet {command}\n")[1].split("\n## ")[0]
    for parameter in command_group().commands[command].params:
        for name in parameter.opts if parameter.param_type_name == "option" and parameter.name != "help" else ():
            assert f"{name}" in section
        assert parameter.name == "help" or parameter.help


def test_the_page_of_derivations_is_current():
    assert (DOCS / "explain.md").read_text("utf-8") == script("make_explain").page(), "run `make records`"


def test_the_errata_page_is_current():
    assert (DOCS / "errata.md").read_text("utf-8") == script("make_errata").page(), "run `make records`"
