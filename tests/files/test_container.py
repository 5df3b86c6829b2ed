"""The `.glassnet` file: what comes back is what went in, and the same bytes every time."""

import ast
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from files.crafting import DOCUMENT, TENSORS, refusal, resealed, same, small
from glassnet.errors import InvalidParameterError, ModelFileError, WriteError
from glassnet.files import container as container_module
from glassnet.files import seal as seal_module
from glassnet.files.container import KINDS, pack, read_container, unpack, write_container
from glassnet.files.tensors import DTYPES

# --- what comes back ---


def test_everything_comes_back():
    box = unpack(small(), source="memory", kind="network")
    assert (box.kind, box.version, box.document) == ("network", 1, DOCUMENT)
    assert list(box.tensors) == sorted(TENSORS)
    for name, tensor in TENSORS.items():
        assert same(box.tensors[name], tensor)
        assert box.tensors[name].flags.writeable


def test_arrays_share_no_memory_with_the_bytes():
    data = small()
    unpack(data, source="memory").tensors["W1"][:] = 9
    assert same(unpack(data, source="memory").tensors["W1"], TENSORS["W1"])


def test_any_memory_order_and_byte_order_gives_the_same_file():
    other = {
        "W1": np.asfortranarray(TENSORS["W1"]).astype(">f4"),
        "b1": np.repeat(TENSORS["b1"], 2)[::2],
    }
    plain = {name: TENSORS[name] for name in other}
    assert pack(other, {}, kind="network") == pack(plain, {}, kind="network")
    assert pack(dict(reversed(TENSORS.items())), DOCUMENT, kind="network") == small()


def test_the_file_keeps_lists_for_tuples():
    assert unpack(pack({}, {"a": (1, (2,))}, kind="network"), source="memory").document == {"a": [1, [2]]}


NAMES = st.from_regex(r"\A[A-Za-z][A-Za-z0-9_.]{0,8}\Z")
FINITE = {"allow_nan": False, "allow_infinity": False}
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda name: hnp.arrays(
        name,
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
        elements=hnp.from_dtype(np.dtype(name), **(FINITE if "float" in name else {})),
    )
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(**FINITE) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    st.dictionaries(NAMES, ARRAYS, max_size=5),
    st.dictionaries(st.text(), VALUES),
    st.sampled_from(list(KINDS)),
)
def test_round_trip(tensors, document, kind):
    data = pack(tensors, document, kind=kind)
    box = unpack(data, source="memory", kind=kind)
    assert box.document == document
    assert json.dumps(box.document, sort_keys=True) == json.dumps(document, sort_keys=True)  # -0.0, 1 and True
    assert box.tensors.keys() == tensors.keys()
    assert all(same(box.tensors[name], tensors[name]) for name in tensors)
    assert pack(box.tensors, box.document, kind=kind) == data


# --- the outside truth ---


def test_safetensors_reads_the_same_tensors(tmp_path: Path):
    write_container(tmp_path / "m.glassnet", TENSORS, DOCUMENT, kind="network")
    loaded = safetensors.numpy.load_file(tmp_path / "m.glassnet")
    assert loaded.keys() == TENSORS.keys()
    assert all(same(loaded[name], TENSORS[name]) for name in TENSORS)
    with safetensors.safe_open(tmp_path / "m.glassnet", framework="np") as stream:
        metadata = stream.metadata()
    assert list(metadata) == ["glassnet"]
    assert json.loads(metadata["glassnet"][64:])["document"] == DOCUMENT


def test_the_digest_is_sha256_of_the_file_with_its_place_zeroed():
    data = small()
    start = data.index(b'"glassnet":"') + 12
    digest = data[start : start + 64]
    assert hashlib.sha256(data.replace(digest, b"0" * 64)).hexdigest().encode() == digest
    assert resealed(data) == data


def test_known_answer(monkeypatch: pytest.MonkeyPatch):
    """The bytes, written by hand: they must not drift between releases of glassnet, safetensors or Python."""
    monkeypatch.setattr(container_module, "__version__", "0.1.0")
    digest = "ff695e5c9d4b30a34a9fa29cf025911e03479c90ad62258b8100f62e36f1718a"  # from sha256sum
    header = (
        '{"__metadata__":{"glassnet":"' + digest + r"{\"document\":{\"a\":[1,0.5]},\"format_version\":1,"
        r'\"kind\":\"network\",\"written_by\":\"glassnet 0.1.0\"}"},'
        '"b1":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    ).encode()
    header += b" " * (-len(header) % 8)
    by_hand = len(header).to_bytes(8, "little") + header + b"\x00\x00\x80\x3f\x00\x00\x00\xc0"
    assert pack({"b1": np.array([1, -2], np.float32)}, {"a": [1, 0.5]}, kind="network") == by_hand


PROGRAM = """
import numpy as np, hashlib
from glassnet.files.container import pack
tensors = {name: np.arange(3, dtype=d) for name in ("z", "a", "W1", "m.n") for d in ("float32",)}
tensors |= {name + d: np.ones(5, d) for name in ("q", "c") for d in ("float64", "uint8", "int64")}
data = pack(tensors, {k: {j: 0.1 for j in "xyz"} for k in "fedcba"}, kind="checkpoint")
print(hashlib.sha256(data).hexdigest())
"""


def test_byte_for_byte_in_every_process():
    answers = set()
    for seed in ("0", "1", "2", "777"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
        )
        answers.add(run.stdout)
    assert len(answers) == 1


# --- kinds and paths ---


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_another_kind_says_where_to_take_it(kind: str):
    data = pack({}, {}, kind=kind)
    for wanted in KINDS:
        if wanted == kind:
            assert unpack(data, source="m", kind=wanted).kind == kind
        else:
            message = refusal(data, kind=wanted)
            assert KINDS[kind] in message and wanted.replace("_", " ") in message
    assert "--resume" in KINDS["checkpoint"]


def test_an_unknown_kind_is_the_callers_mistake():
    with pytest.raises(InvalidParameterError, match="did you mean 'checkpoint'"):
        pack({}, {}, kind="checkpoints")
    with pytest.raises(InvalidParameterError, match="kind must be one of network"):
        unpack(small(), source="m", kind="")


def test_paths_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ModelFileError, match=r"none\.glassnet: there is no such file"):
        read_container(tmp_path / "none.glassnet")
    with pytest.raises(ModelFileError, match="is a folder"):
        read_container(tmp_path)
    (tmp_path / "empty").touch()
    with pytest.raises(ModelFileError, match="empty is empty"):
        read_container(tmp_path / "empty")
    with pytest.raises(ModelFileError, match="Not a directory"):
        read_container(tmp_path / "empty" / "m.glassnet")
    with pytest.raises(ModelFileError, match="null"):
        read_container("a\0b")
    with pytest.raises(ModelFileError, match="device or a pipe"):
        read_container(os.devnull)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")  # nobody writes to it: reading must not wait
        with pytest.raises(ModelFileError, match="device or a pipe"):
            read_container(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match=r"x\\ny"):
        read_container("x\ny")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(container_module.os, "open", refuse)
    with pytest.raises(ModelFileError, match="Permission denied; check the path and its permissions"):
        read_container(tmp_path / "empty")


# --- what may not be written ---


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"W1": np.array([[0, 1], [np.nan, 2]])}, r"tensor 'W1': it holds nan at \[1, 0\]"),
        ({"W1": np.array([np.inf], np.float32)}, r"tensor 'W1': it holds inf at \[0\]"),
        ({"W1": np.zeros(2, np.float16)}, "its dtype is float16; use float32"),
        ({"W1": np.zeros(2, bool)}, "its dtype is bool"),
        ({"W1": np.zeros(2, complex)}, "its dtype is complex128"),
        ({"W1": np.array([{}])}, "its dtype is object"),
        ({"W1": np.array(["a"])}, "its dtype is <U1"),
        ({"W1": [1.0, 2.0]}, "it is a list; make it a NumPy array"),
        ({"W1": np.float64(1)}, "it is a float64; make it"),
        ({"W 1": np.zeros(2)}, "tensor 'W 1': a name is"),
        ({"__metadata__": np.zeros(2)}, "a name is"),
        ({"Wé": np.zeros(2)}, "a name is"),
        ({"W1\n": np.zeros(2)}, "a name is"),
        ({1: np.zeros(2)}, "tensor 1: a name is"),
    ],
)
def test_tensors_that_may_not_be_written(tensors, words: str, tmp_path: Path):
    with pytest.raises(ModelFileError, match=words):
        write_container(tmp_path / "m", tensors, {}, kind="network")
    assert not list(tmp_path.iterdir())


def test_a_document_too_large_to_read_back_is_refused_on_writing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(seal_module, "HEADER_LIMIT", 2000)
    assert unpack(pack({}, {"a": "x" * 1500}, kind="network"), source="m").document["a"][0] == "x"
    with pytest.raises(ModelFileError, match="the document is larger than"):
        pack({}, {"a": "x" * 2000}, kind="network")


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "m.glassnet"
    write_container(path, TENSORS, DOCUMENT, kind="network")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match="No space left on device"):
        write_container(path, {}, {}, kind="network")
    assert path.read_bytes() == small()
    assert list(tmp_path.iterdir()) == [path]


# --- nothing is executed ---


def test_nothing_imports_or_runs_what_a_file_says():
    folder = Path(str(container_module.__file__)).parent
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"pickle", "marshal", "shelve", "importlib", "joblib", "dill"} & set(names), file
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec", "compile", "__import__"}, file
