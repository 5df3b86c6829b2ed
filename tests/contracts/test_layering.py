"""Imports go one way.

`formulas <- network <- engines <- training <- model <- estimators <- {cli, playground}`. The whole map is data: each
room of the house (the first part of a module's name) with the rooms it may import. Imports for type checkers alone
do not count; imports inside functions do.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import glassnet

PACKAGE = Path(glassnet.__file__).parent

BELOW_MODEL = {"formulas", "network", "engines", "training", "tables", "files", "explain"}
BELOW_CLI = {
    *BELOW_MODEL,
    "model",
    "gradients",
    "estimators",
    "diagnosis",
    "loading",
    "__version__",
    "",
}  # "": the public names

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "formulas": set(),
    "autograd": set(),
    "tables": {"formulas.registry", "formulas.randomness"},
    "network": {"formulas"},
    "files": {"formulas", "network"},
    "explain": {"formulas", "network"},
    "engines": {"formulas", "network"},
    "custom": {"formulas", "autograd"},
    "training": {"formulas", "network", "engines", "tables"},
    "model": BELOW_MODEL,
    "gradients": {*BELOW_MODEL, "model", "autograd", "custom"},
    "estimators": {*BELOW_MODEL, "model"},
    "diagnosis": {*BELOW_MODEL, "model"},
    "loading": {*BELOW_MODEL, "model", "estimators"},
    "plots": BELOW_CLI,
    "report": {*BELOW_CLI, "plots"},
    "lessons": {*BELOW_CLI, "plots", "autograd", "custom"},
    "cli": {*BELOW_CLI, "plots", "report", "lessons", "playground"},
    "playground": {*BELOW_CLI, "lessons", "autograd"},
    "__main__": {"cli"},
}
"""Room -> rooms, or modules of rooms. Every room may import itself and `errors`."""

EXCEPTIONS: dict[str, set[str]] = {
    "files.container": {"__version__"},
    "training.checkpoints": {"files.atomic", "files.container"},
    "training.logs": {"files.atomic"},
}
"""Module -> what it may import besides."""

OUTSIDE: dict[str, set[str]] = {
    "errors": set(),
    "formulas": {"numpy", "scipy.special"},
    "autograd": {"numpy"},
}
"""Room -> packages that it may import besides the standard library, where that is limited."""


def imports(tree: ast.AST, module: str) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of each import that runs; `from a import b` gives a.b."""
    if isinstance(tree, ast.If) and "TYPE_CHECKING" in ast.unparse(tree.test):
        for node in tree.orelse:
            yield from imports(node, module)
        return
    if isinstance(tree, ast.Import):
        yield from ((tree.lineno, alias.name) for alias in tree.names)
    if isinstance(tree, ast.ImportFrom):
        parents = f"glassnet.{module}".split(".")[: -tree.level] if tree.level else []
        base = ".".join([*parents, *([tree.module] if tree.module else [])])
        yield from ((tree.lineno, f"{base}.{alias.name}") for alias in tree.names)
    for node in ast.iter_child_nodes(tree):
        yield from imports(node, module)


def within(name: str, places: set[str]) -> bool:
    """Whether a dotted name is one of the places or inside one."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


def faults(module: str, source: str) -> list[str]:
    """Every import of a module (its name without `glassnet.`) that the map does not allow."""
    room = module.split(".")[0]
    if room not in ALLOWED:
        return [f"{module}: put the room '{room}' into the map"]
    allowed = {room, "errors", *ALLOWED[room], *EXCEPTIONS.get(module, ())}
    found: list[str] = []
    for line, name in imports(ast.parse(source), module):
        top, _, inside = name.partition(".")
        if top == "glassnet":
            place = glassnet._PLACES.get(inside, inside)  # a public name stands for the module that holds it
            good = within(place, allowed)
        else:
            good = top in sys.stdlib_module_names or room not in OUTSIDE or within(name, OUTSIDE[room])
        if not good:
            found.append(f"{module}, line {line}: imports {name}")
    return found


MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"
}


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module):
    assert faults(module, MODULES[module].read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("formulas.losses", "from glassnet.network.passes import forward"),
        ("formulas.losses", "from scipy import optimize"),
        ("formulas.losses", "import sklearn.metrics"),
        ("network.passes", "from glassnet.engines import base"),
        ("network.passes", "def f():\n    from glassnet import Network"),
        ("network.passes", "import glassnet"),
        ("files.model_file", "from ..training.loop import train"),
        ("files.model_file", "from glassnet import __version__"),
        ("explain.text", "from glassnet.training.history import History"),
        ("training.loop", "from glassnet.files.container import pack"),
        ("training.loop", "from glassnet.model import Network"),
        ("tables.reading", "from glassnet.formulas.losses import loss"),
        ("autograd.tensor", "from glassnet.formulas import elementary"),
        ("autograd.tensor", "import scipy"),
        ("attic.junk", ""),
    ],
)
def test_a_bad_import_is_caught(module, source):
    assert faults(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("formulas.elementary", "import math\nimport numpy as np\nfrom scipy import special"),
        ("formulas.losses", "from glassnet.errors import DataError\nfrom .ranges import ANY"),
        (
            "network.passes",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from glassnet.model import Network",
        ),
        ("files.container", "from glassnet import __version__"),
        ("training.checkpoints", "from glassnet.files.container import pack"),
        ("cli.fit", "from glassnet import TableClassifier\nimport glassnet"),
    ],
)
def test_a_good_import_passes(module, source):
    assert faults(module, source) == []
