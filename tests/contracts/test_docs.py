"""Docs cannot rot: public names are documented, examples run with warnings as errors, links resolve."""

import dataclasses
import doctest
import inspect
import re
import warnings
from pathlib import Path

import pytest

import glassnet
from oracles import import_or_skip

PACKAGE = Path(glassnet.__file__).parent
ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
MODULES = [
    ".".join(["glassnet", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__main__.py"
]
NAMES = sorted(set(glassnet.__all__) - {"__version__"})


# --- docstrings -------------------------------------------------------------------------------------------------


def docs_of(value) -> str:
    """The docstring, with those of the package's own base classes, whose parameters it inherits."""
    if not inspect.isclass(value):
        return inspect.getdoc(value) or ""
    own = [cls for cls in value.__mro__ if cls.__module__.startswith("glassnet") or cls is value]
    return "\n".join(cls.__doc__ or "" for cls in own)


def parameters_of(value) -> list[str]:
    """What people may pass: the signature without self and without what is private."""
    if dataclasses.is_dataclass(value):
        return [f.name for f in dataclasses.fields(value) if f.init and not f.name.startswith("_")]
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return []
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.kind not in open_ended and not p.name.startswith("_")]


def undocumented(name: str, value) -> list[str]:
    """What the documentation of a public name lacks: text, parameters, a runnable example, its methods' text."""
    if not inspect.isclass(value) and not inspect.isfunction(value):  # a registry: its class tells how to use it
        return [] if ">>>" in (type(value).__doc__ or "") else [f"{name} has no example"]
    # dataclass and msgspec write a signature for a docstring where there is none
    if not (value.__doc__ or "").strip() or value.__doc__.startswith(f"{value.__name__}("):
        return [f"{name} has no docstring"]
    if inspect.isclass(value) and issubclass(value, Exception):
        return []  # what raises it shows it
    text = docs_of(value)
    lacks = [f"{name}: parameter {p}" for p in parameters_of(value) if not re.search(rf"\b{p}\b", text)]
    if ">>>" not in value.__doc__:
        lacks.append(f"{name} has no example")
    for method, function in vars(value).items() if inspect.isclass(value) else ():
        if inspect.isfunction(function) and not method.startswith("_") and not inspect.getdoc(getattr(value, method)):
            lacks.append(f"{name}.{method} has no docstring")
    return lacks


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_documented(name):
    assert undocumented(name, getattr(glassnet, name)) == []


def test_a_poor_docstring_is_caught():
    class Silent: ...

    class Short:
        """Says little."""

        def __init__(self, width: int) -> None: ...

        def grow(self) -> None: ...

    assert undocumented("Silent", Silent) == ["Silent has no docstring"]
    lacks = ["Short: parameter width", "Short has no example", "Short.grow has no docstring"]
    assert undocumented("Short", Short) == lacks


# --- examples ---------------------------------------------------------------------------------------------------


def run_examples(tests: list[doctest.DocTest]) -> list[str]:
    """Run them with warnings as errors; returns the reports of those that fail."""
    reports: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in tests:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            runner.run(test, out=reports.append, clear_globs=False)
    return reports


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = import_or_skip(name)
    assert run_examples(doctest.DocTestFinder(exclude_empty=True).find(module, module.__name__)) == []


def blocks(text: str) -> list[tuple[int, str]]:
    """Line number and code of each block marked ```python."""
    found = re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(text[: match.start()].count("\n") + 2, match[1]) for match in found]


def run_page(text: str, name: str) -> None:
    """Run a page's blocks in order, in one namespace; a block with prompts is a doctest."""
    names: dict[str, object] = {"__name__": "__main__"}
    for line, code in blocks(text):
        if ">>>" in code:
            reports = run_examples([doctest.DocTestParser().get_doctest(code, names, name, name, line)])
            assert reports == [], "\n".join(reports)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                exec(compile("\n" * (line - 1) + code, name, "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_examples_of_pages_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_page(page.read_text("utf-8"), str(page))


@pytest.mark.parametrize("code", [">>> 1 + 1\n3\n", "import warnings\nwarnings.warn('old')\n", "1 / 0\n"])
def test_a_bad_block_is_caught(code):
    with pytest.raises((AssertionError, UserWarning, ZeroDivisionError)):
        run_page(f"text\n\n```python\n{code}```\n", "page")


# --- links and first words --------------------------------------------------------------------------------------


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def broken_links(text: str, page: Path) -> list[str]:
    """Relative links to files or headings that do not exist."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    broken: list[str] = []
    for target in re.findall(r"\]\(([^)\s]+)[^)]*\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            broken.append(target)
        elif anchor and file.suffix == ".md":
            there = text if file == page else file.read_text("utf-8")
            if anchor not in map(slug, re.findall(r"^#+ (.*)$", there, re.MULTILINE)):
                broken.append(target)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_relative_links_resolve(page):
    assert broken_links(page.read_text("utf-8"), page) == []


def test_a_broken_link_is_caught():
    text = "# Here it is\n[a](#here-it-is) [b](nowhere.md) [c](#there) [d](https://example.org)"
    assert broken_links(text, ROOT / "README.md") == ["nowhere.md", "#there"]


def test_every_page_can_be_found():
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert pages <= set(re.findall(r"\]\(([\w.-]+)", index))


def test_the_first_commands_of_the_readme_are_demo_and_test():
    commands = re.findall(r"^(?:\$ )?(make \w+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert commands[:2] == ["make demo", "make test"]
