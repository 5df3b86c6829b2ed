"""The folder of object code: found again, never stale, never trusted when broken, never in the way."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import glassnet
from glassnet.engines.compiled import machine_code

SOURCE = Path(glassnet.__file__).parent
SAY = "glassnet: making machine code for this processor, once; it takes some seconds ...\n"

PREDICT = """
import sys
from glassnet import Dense, Network
network = Network(1, [Dense(1, "relu"), Dense(1, "identity")], engine="compiled")
network.parameters["W1"], network.parameters["W2"] = [[1.0]], [[1.0]]
print(network.predict([[3.0]]).item(), "numba" in sys.modules)
"""
"""relu(3) through machine code, and whether Numba was wanted for it: three stages to compile."""


def predict(cache: Path | None, source: Path = SOURCE, **environment: Any) -> tuple[float, bool, str]:
    """The value, whether Numba was imported, and what stood on stderr, of another process."""
    return answer(start(cache, source, **environment))


def start(cache: Path | None, source: Path = SOURCE, **environment: Any) -> subprocess.Popen[str]:
    given = {**os.environ, "PYTHONPATH": str(source.parent), **environment}
    given.pop("GLASSNET_CACHE")
    given.pop("GLASSNET_QUIET", None)
    if cache is not None:
        given["GLASSNET_CACHE"] = str(cache)
    for name in [name for name, value in given.items() if value is None]:
        del given[name]
    command = [sys.executable, "-W", "error", "-c", PREDICT]
    return subprocess.Popen(command, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer(process: subprocess.Popen[str]) -> tuple[float, bool, str]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    value, numba = out.split()
    return float(value), numba == "True", err


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that two processes have filled at once."""
    cache = tmp_path_factory.mktemp("filled")
    for value, numba, said in map(answer, [start(cache), start(cache)]):
        assert value == 3 and (numba or not said) and said in ("", SAY)
    return cache


@pytest.fixture
def cache(filled: Path, tmp_path: Path) -> Path:
    """The same for this test alone."""
    return Path(shutil.copytree(filled, tmp_path / "cache"))


def objects(cache: Path) -> list[Path]:
    return sorted(cache.rglob("*.o"))


def test_two_processes_at_once_leave_whole_files_only(filled):
    """And nothing half-written beside them."""
    files = [path for path in filled.rglob("*") if path.is_file()]
    assert sorted(files) == objects(filled) and len(files) >= 3
    for path in files:
        content = path.read_bytes()
        assert hashlib.sha256(content[32:]).digest() == content[:32]


def test_a_second_process_finds_everything(filled):
    """Without Numba, and in silence."""
    assert predict(filled) == (3, False, "")


def test_the_first_process_says_so_once(cache):
    for path in objects(cache):
        path.unlink()
    assert predict(cache) == (3, True, SAY)
    assert predict(cache) == (3, False, "")


def edited(tmp_path: Path, file: str, old: str, new: str) -> Path:
    """A copy of the package with one line changed."""
    source = Path(shutil.copytree(SOURCE, tmp_path / "copy" / "glassnet", ignore=shutil.ignore_patterns("__pycache__")))
    text = (source / file).read_text()
    assert text.count(old) == 1
    (source / file).write_text(text.replace(old, new))
    return source


def test_an_edited_record_gives_the_new_value(cache, tmp_path):
    old = "    return maximum(z, constant(z, 0))\n"
    source = edited(
        tmp_path, "formulas/activations.py", old, "    return constant(z, 2) * maximum(z, constant(z, 0))\n"
    )
    value, numba, _ = predict(cache, source)
    assert (value, numba) == (6, True)
    assert predict(cache)[:2] == (3, False), "and the old source still has its own"


def test_an_edited_stage_is_compiled_anew(cache, tmp_path):
    """Or rather a new digest: here only a docstring has changed."""
    source = edited(tmp_path, "engines/compiled/stages.py", '"""By name: stages as factories of names."""', "")
    assert predict(cache, source)[:2] == (3, True)


@pytest.mark.parametrize("damage", ["truncated", "empty", "garbage", "one bit"])
def test_broken_object_code_is_made_anew(damage, cache):
    whole = {path: path.read_bytes() for path in objects(cache)}
    spoilt = next(path for path in whole if path.name.startswith("activation-relu"))
    content = bytearray(whole[spoilt])
    if damage == "one bit":
        content[len(content) // 2] ^= 4
    changed = {"truncated": content[:-100], "empty": b"", "garbage": b"\x7fELF" + os.urandom(5000), "one bit": content}
    spoilt.write_bytes(changed[damage])
    assert predict(cache) == (3, True, SAY)
    assert spoilt.read_bytes()[32:] and predict(cache) == (3, False, "")


def test_a_folder_that_cannot_be_written_to(cache, tmp_path):
    """A file in its place: even root cannot make a folder of it. The process compiles for itself."""
    file = tmp_path / "a file"
    file.write_text("in the way")
    value, numba, said = predict(file)
    assert (value, numba, said) == (3, True, SAY) and file.read_text() == "in the way"
    inside = next(cache.iterdir())
    shutil.rmtree(inside)
    inside.write_text("in the way")
    assert predict(cache) == (3, True, SAY)


def test_without_a_home(tmp_path, cache):
    """The user's folder is found by the system, or there is none: either way it works."""
    base = tmp_path / "xdg"
    (base / "glassnet" / "machine-code").mkdir(parents=True)
    for folder in cache.iterdir():
        shutil.copytree(folder, base / "glassnet" / "machine-code" / folder.name)
    if sys.platform not in ("win32", "darwin"):
        assert predict(None, HOME=None, XDG_CACHE_HOME=str(base)) == (3, False, "")
    assert predict(cache, HOME=None, USER=None, LOGNAME=None) == (3, False, "")


def test_the_folder_without_a_home_of_an_unknown_user(monkeypatch):
    monkeypatch.delenv("GLASSNET_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/nowhere")
    if sys.platform not in ("win32", "darwin"):
        assert machine_code.cache_folder().is_relative_to("/nowhere/.cache/glassnet/machine-code")

    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    key = ("transpose", "float32")
    assert machine_code._read(key) is None
    machine_code._write(key, b"code")


def test_the_folders_name_depends_on_all_that_code_depends_on(monkeypatch):
    def name() -> str:
        machine_code._digest.cache_clear()
        return machine_code._digest()

    now = name()
    assert now == name() and now == machine_code.cache_folder().name
    with monkeypatch.context() as patch:
        patch.setattr(machine_code, "processor", lambda: ("another", "+sse2"))
        assert name() != now
    with monkeypatch.context() as patch:
        patch.setattr(machine_code, "version", lambda package: "0.0")
        assert name() != now
    with monkeypatch.context() as patch:
        patch.setattr(machine_code, "vector_bytes", lambda: 8)
        assert name() != now
    assert name() == now
