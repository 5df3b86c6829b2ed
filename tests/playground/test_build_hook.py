"""The build hook: it builds the page when it has to, leaves a fresh one alone, and never keeps the rest out."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="the build backend is not installed here")

ROOT = Path(__file__).parents[2]
NPM = """#!{python}
import pathlib, sys
pathlib.Path("calls").open("a").write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1:] == ["run", "build"]:
    static = pathlib.Path("../src/glassnet/playground/static")
    static.mkdir(parents=True, exist_ok=True)
    (static / "index.html").write_text("page")
"""


@pytest.fixture(scope="module")
def hook():
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a page to build, and an npm that notes what it was asked."""
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (web / "package.json").write_text("{}")
    (web / "src" / "main.ts").write_text("1")
    tools = tmp_path / "tools"
    tools.mkdir()
    write_npm(tools, NPM.format(python=sys.executable))
    monkeypatch.setenv("PATH", str(tools))
    return tmp_path


def write_npm(tools: Path, text: str) -> None:
    (tools / "npm").write_text(text)
    (tools / "npm").chmod(0o755)


def calls(project: Path) -> list[str]:
    file = project / "web" / "calls"
    return file.read_text().splitlines() if file.exists() else []


def test_the_page_is_built_once_and_again_when_a_source_is_newer(hook, project):
    assert hook.built(project) is None
    assert calls(project) == ["ci --no-audit --no-fund", "run build"]
    index = project / hook.STATIC / "index.html"
    later = index.stat().st_mtime + 10
    os.utime(index, (later, later))
    assert hook.built(project) is None and len(calls(project)) == 2
    for place in ("node_modules/x.js", "tests/a.test.ts"):  # nothing that the page is made from
        file = project / "web" / place
        file.parent.mkdir(exist_ok=True)
        file.write_text("1")
        os.utime(file, (later + 10, later + 10))
    assert hook.built(project) is None and len(calls(project)) == 2
    os.utime(project / "web" / "src" / "main.ts", (later + 10, later + 10))
    assert hook.built(project) is None and len(calls(project)) == 4


def test_without_npm_it_says_so(hook, project, monkeypatch):
    monkeypatch.setenv("PATH", str(project / "nowhere"))
    assert hook.built(project) == "npm is not installed"


def test_a_build_that_fails_is_told_with_its_last_words(hook, project):
    write_npm(project / "tools", f"#!{sys.executable}\nimport sys\nsys.exit('no network\\nat all')\n")
    assert hook.built(project) == "`npm ci --no-audit --no-fund` failed: no network / at all"


def test_without_sources_there_is_nothing_to_build(hook, tmp_path):
    assert "no folder web/" in hook.built(tmp_path)
    (tmp_path / hook.STATIC).mkdir(parents=True)
    (tmp_path / hook.STATIC / "index.html").write_text("page")
    assert hook.built(tmp_path) is None


@pytest.mark.parametrize(("version", "asked"), [("editable", False), ("standard", True)])
def test_a_missing_page_is_a_warning_and_an_editable_install_builds_nothing(hook, project, monkeypatch, version, asked):
    monkeypatch.setenv("PATH", str(project / "nowhere"))
    warnings: list[str] = []

    class App:
        display_warning = staticmethod(warnings.append)

    found = hook.PlaygroundHook(str(project), {}, None, None, "", "wheel", App())
    found.initialize(version, {})
    assert bool(warnings) == asked
    if asked:
        assert "npm is not installed" in warnings[0] and "Node.js" in warnings[0]
