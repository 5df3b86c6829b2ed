"""Whatever is wrong with a `.glassnet` file, it is refused, with one error class and one line."""

import numpy as np
import pytest
import safetensors.numpy

from files.crafting import TENSORS, crafted, headed, one, refusal, resealed, small
from glassnet.errors import ModelFileError
from glassnet.files import seal as seal_module
from glassnet.files.container import unpack
from glassnet.files.tensors import DTYPES

# --- damage ---


def test_every_flipped_bit_is_refused():
    data = bytearray(small())
    assert len(data) <= 4096
    for bit in range(8 * len(data)):
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ModelFileError):
            unpack(bytes(data), source="memory")
        data[bit // 8] ^= 1 << bit % 8
    assert bytes(data) == small()


def test_every_truncation_is_refused():
    data = small()
    for length in range(len(data)):
        with pytest.raises(ModelFileError):
            unpack(data[:length], source="memory")


@pytest.mark.parametrize("extra", [b"\0", b" ", b"\n", small()[:100], small()], ids=len)
def test_appended_bytes_are_refused(extra: bytes):
    refusal(small() + extra)
    refusal(extra + small())


def test_the_digest_is_compared_as_text():
    data = small()
    assert data[37:101].upper() != data[37:101]
    assert "damaged" in refusal(data[:37] + data[37:101].upper() + data[101:])


def test_the_digest_comes_before_every_parser(monkeypatch: pytest.MonkeyPatch):
    def explode(*_: object, **__: object) -> None:
        pytest.fail("parsed before it was verified")

    data = small()
    monkeypatch.setattr("glassnet.files.seal.msgspec.json.decode", explode)
    monkeypatch.setattr("glassnet.files.container.parse", explode)
    monkeypatch.setattr("glassnet.files.tensors.load", explode)
    for position in (0, 5, 20, 60, 120, len(data) - 1):
        refusal(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
    with pytest.raises(pytest.fail.Exception):
        unpack(data, source="memory")


def test_a_hostile_file_with_a_right_digest_is_refused_or_read_and_nothing_else():
    """Whoever changes a bit and makes the digest anew gets the one error, or a file within the rules."""
    data, read, refused = small(), 0, 0
    header = 8 + int.from_bytes(data[:8], "little")
    for bit in range(64 + 8 * len(b'{"__metadata__":{"glassnet":"') + 512, 8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            box = unpack(resealed(bytes(changed)), source="memory")
        except ModelFileError:
            refused += 1
            continue
        read += 1
        assert all(np.isfinite(t).all() and t.dtype.name in DTYPES for t in box.tensors.values())
    assert refused > 4 * (header - 101)
    assert read > 100


# --- right digest, wrong contents ---

ENVELOPE = '{"document":%s,"format_version":1,"kind":"network","written_by":"x"}'
NAN = np.array([0.0, np.nan], np.float32)
REFUSED = {
    "nan": (crafted({"W2": NAN}), "tensor 'W2': it holds nan at [1]"),
    "infinity": (crafted({"W2": np.full((2, 1), -np.inf)}), "tensor 'W2': it holds -inf at [0, 0]"),
    "scalar nan": (crafted({"W2": np.array(np.nan)}), "it holds nan at []"),
    "later": (crafted(format_version=2, written_by="glassnet 9.1"), "version 2, written by glassnet 9.1;"),
    "later, strange": (crafted({}, '{"format_version": 3,"x":NaN}'), "format version 3, its writer unknown;"),
    "negative": (crafted(format_version=-1), "format version -1"),
    "true": (crafted(format_version=True), "never writes"),
    "float": (crafted(format_version=1.0), "never writes"),
    "no version": (crafted(format_version=...), "never writes"),
    "kind": (crafted(kind="pickle"), "unknown kind 'pickle', written by glassnet 0.1.0"),
    "kind list": (crafted(kind=["network"]), "never writes"),
    "no kind": (crafted(kind=...), "never writes"),
    "document": (crafted(document=[1]), "never writes"),
    "writer": (crafted(written_by=None), "never writes"),
    "more": (crafted(time="now"), "never writes"),
    "list": (crafted({}, "[1]"), "never writes"),
    "no json": (crafted({}, "{"), "never writes"),
    "deep json": (crafted({}, "[" * 100_000), "never writes"),
    "many digits": (crafted({}, "9" * 10_000), "never writes"),
    "nan json": (crafted(document={"a": float("nan")}), "never writes"),
    "huge float": (crafted({}, ENVELOPE % '{"a":1e999}'), "never writes"),
    "name": (crafted({"a b": np.zeros(1)}), "tensor 'a b': a name is"),
    "name newline": (crafted({"a\n": np.zeros(1)}), r"tensor 'a\n': a name is"),
    "name path": (crafted({"../a": np.zeros(1)}), "a name is"),
    "name digit": (crafted({"1a": np.zeros(1)}), "a name is"),
    "name empty": (crafted({"": np.zeros(1)}), "a name is"),
    "dtype": (crafted({"a": np.zeros(1, np.float16)}), "its dtype is float16"),
    "bool": (crafted({"a": np.zeros(1, bool)}), "its dtype is bool"),
    "bfloat": (one("BF16", '[1]', "[0,2]", b"ab"), "inconsistent"),
    "shape": (one("F32", '[2]', "[0,4]", b"abcd"), "inconsistent"),
    "offsets": (one("F32", '[1]', "[4,0]", b"abcd"), "inconsistent"),
    "hole": (one("F32", '[1]', "[4,8]", b"abcdefgh"), "inconsistent"),
    "tail": (one("F32", '[1]', "[0,4]", b"abcde"), "inconsistent"),
    "huge": (one("F32", '[0,9223372036854775808]', "[0,0]", b""), "inconsistent"),
    "dims": (one("U8", f"[1{',1' * 99}]", "[0,1]", b"a"), "inconsistent"),
    "two keys": (headed('","pickle":"x"}}'), "never writes"),
    "no header": (headed('"'), "never writes"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_right_digest_wrong_contents(case: str):
    data, words = REFUSED[case]
    assert resealed(data) == data
    assert words in refusal(data)


def test_the_crafting_itself_is_sound():
    """Else the tests above would be green for the wrong reason."""
    assert unpack(crafted(), source="memory").tensors.keys() == TENSORS.keys()
    ok = one("F32", "[1]", "[0,4]", bytes(4))
    assert unpack(ok, source="memory").tensors["a"] == 0


@pytest.mark.parametrize("spaced", ['{"b":1,"a":2}', '{"a": 1}', '{"a":1,"a":1}', '{"a":1.00}', '{"a":"é"}'])
def test_a_document_that_is_not_canonical_is_refused(spaced: str):
    assert "never writes" in refusal(crafted({}, ENVELOPE % spaced))
    assert unpack(crafted({}, ENVELOPE % '{"a":1}'), source="m").document == {"a": 1}


# --- files that are something else ---


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"x", "not a glassnet file, or cut short"),
        (b"PK\x03\x04" + bytes(40), "a zip archive"),
        (b"\x80\x04\x95\x0b\0\0\0\0\0\0\0.", "a pickle, which glassnet never opens"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "an HDF5 file"),
        (b"\x93NUMPY" + bytes(40), "a NumPy"),
        (b'{"layers": [1, 2, 3]}' * 9, "a JSON text"),
        (safetensors.numpy.save({"a": np.zeros(2)}), "other safetensors"),
        (safetensors.numpy.save({}, metadata={"format": "pt"}), "other safetensors"),
        (bytes(1000), "not a glassnet file"),
        (b"\xff" * 1000, "not a glassnet file"),
        (b"\xff" * 8 + small()[8:], "damaged or cut short"),
        (bytes(8) + small()[8:], "damaged or cut short"),
    ],
)
def test_what_it_is_instead(data: bytes, words: str):
    assert words in refusal(data)


def test_a_header_length_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch):
    data = small()
    monkeypatch.setattr(seal_module, "HEADER_LIMIT", 200)
    assert "damaged" in refusal(data)
