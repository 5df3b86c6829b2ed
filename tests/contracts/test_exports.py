"""The public names: listed once, typed in the stub, importable, and exported by the module that holds them."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import glassnet
from oracles import import_or_skip

PACKAGE = Path(glassnet.__file__).parent
NAMES = sorted(set(glassnet.__all__) - {"__version__"})


def stub_places(source: str) -> dict[str, str]:
    """Public name -> module, from the `from module import name as name` lines of a stub."""
    imports = [node for node in ast.parse(source).body if isinstance(node, ast.ImportFrom)]
    return {
        a.name: str(node.module).removeprefix("glassnet.") for node in imports for a in node.names if a.name == a.asname
    }


def test_stub_and_package_list_the_same_names():
    assert stub_places((PACKAGE / "__init__.pyi").read_text("utf-8")) == glassnet._PLACES


def test_a_name_missing_from_the_stub_is_seen():
    assert stub_places("from glassnet.model import Network as Network\nimport os\nfrom a import b\n") == {
        "Network": "model"
    }


@pytest.mark.parametrize("name", NAMES)
def test_name_is_importable_and_exported(name):
    value = getattr(glassnet, name)
    module = import_module(f"glassnet.{glassnet._PLACES[name]}")
    assert value is getattr(module, name)
    assert name in module.__all__
    assert name in dir(glassnet)


def test_names_are_listed_once():
    assert len(set(glassnet.__all__)) == len(glassnet.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Netwerk'"):
        _ = glassnet.Netwerk


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_all_of_a_module_exists(path):
    tree = ast.parse(path.read_text("utf-8"))
    bodies = [n for n in tree.body if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "__all__"]
    if not bodies or (path.parent == PACKAGE and path.name == "__init__.py"):
        return
    exported = ast.literal_eval(bodies[0].value)
    bound = set(
        dir(
            import_or_skip(
                ".".join(["glassnet", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
            )
        )
    )
    assert set(exported) <= bound
