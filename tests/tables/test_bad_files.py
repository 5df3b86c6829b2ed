"""Bad files: one line that names the file, the place and the fix; never another error."""

import gzip
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.errors import DataError
from glassnet.tables import read_table


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_table(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message.replace(str(path), "FILE")


CSV_CASES = [
    (b"", "the file is empty"),
    (b"\xef\xbb\xbf", "the file is empty"),
    (b"\n \n", "the file is empty"),
    (b"a,b\n", "has a header but no rows; add rows"),
    (b"a,b", "has a header but no rows; add rows"),
    (b'"a",b\r\n', "has a header but no rows; add rows"),
    (b"a,a\n1,2\n", "the header names column 'a' twice (columns 1 and 2); rename"),
    (b"a,b, a\n1,2,3\n", "the header names column 'a' twice (columns 1 and 3); rename"),
    (b",a\n0,1\n", "column 1 has no name in the header line"),
    (b"a,b\n1,2\n3\n4,5,6\n", "line 3 has 1 cell, the header has 2"),
    (b"a,b\n1,2\n3,4,5\n", "line 3 has 3 cells, the header has 2"),
    (b'a,b\n"1\n1",2\n\n3,4,5\n', "line 5 has 3 cells, the header has 2"),
    (b'a,b\n1,2\n"3,4\n5,6\n', "line 3: a quoted cell is not closed"),
    (b'a,b\n"1"x,2\n', "line 2: a quoted cell is not closed, or text follows"),
    (b"a;b\n1;2\n", "the header is separated by semicolons; save the file with commas"),
    (b"a\tb\n1\t2\n", "the header is separated by tabs; save the file with commas"),
    (b"a,b\n1,\x00\n", "NUL byte at offset 6"),
    (b"a,b\n1,caf\xe9\n", "not UTF-8 text: byte 0xe9 at offset 9; save the file as UTF-8"),
    (b"\xef\xbb\xbfa\n\xff\n", "byte 0xff at offset 5"),
    ("a,b\n1,2\n".encode("utf-16"), "byte 0xff at offset 0 (it looks like UTF-16); save the file as UTF-8"),
]


@pytest.mark.parametrize(("data", "words"), CSV_CASES)
def test_bad_csv(tmp_path: Path, data: bytes, words: str):
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    assert words in refusal(path)
    if data:
        zipped = tmp_path / "t.csv.gz"
        zipped.write_bytes(gzip.compress(data))
        assert words in refusal(zipped)


def test_tsv_with_commas(tmp_path: Path):
    (tmp_path / "t.tsv").write_text("a,b\n1,2\n")
    assert "separated by commas; save the file with tabs" in refusal(tmp_path / "t.tsv")


def test_missing_file_names_the_nearest(tmp_path: Path):
    (tmp_path / "penguins.csv").write_text("a\n1\n")
    assert refusal(tmp_path / "pengiuns.csv") == "FILE: no such file; did you mean 'penguins.csv'?"
    assert refusal(tmp_path / "nowhere" / "t.csv") == "FILE: no such file; check the path"
    with pytest.raises(DataError, match="cannot be read"):
        read_table("bad\0name.csv")


def test_folder(tmp_path: Path):
    assert refusal(tmp_path) == "FILE: this is a folder, not a file; name a file in it"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission(tmp_path: Path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    (tmp_path / "t.csv").chmod(0)
    assert "cannot be read: Permission denied" in refusal(tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["t.xlsx", "table", "t.csv.zip"])
def test_unknown_kind_lists_the_known(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"PK whatever")
    message = refusal(tmp_path / name)
    assert "unknown kind of file" in message
    for known in (".csv", ".tsv", ".parquet", ".npz", "IDX"):
        assert known in message


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:12] + b"\xff" * 9 + data[21:]])
def test_damaged_gzip(tmp_path: Path, damage):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(damage(gzip.compress(b"a,b\n" + b"1,2\n" * 100)))
    assert "damaged gzip file" in refusal(path)


def test_bad_parquet(tmp_path: Path):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1 but no more")
    assert "not a whole Parquet file" in refusal(path)
    pl.DataFrame({"a": list(range(1000))}).write_parquet(path)
    data = path.read_bytes()
    path.write_bytes(data[:-30])
    assert "not a whole Parquet file" in refusal(path)
    pl.DataFrame({"a": []}).write_parquet(path)
    assert "no rows" in refusal(path)
    path.write_bytes(b"")
    assert "the file is empty" in refusal(path)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"X": np.ones((2, 2)), "y": np.ones(3)}, "the shapes are X (2, 2), y (3,); X must be (n, d) and y (n,)"),
        ({"X": np.ones((2, 2)), "y": np.ones((2, 1))}, "X must be (n, d) and y (n,)"),
        ({"X": np.ones(2), "y": np.ones(2)}, "X must be (n, d) and y (n,)"),
        ({"x": np.ones((2, 2)), "y": np.ones(2)}, "holds the arrays x, y; it must hold X and y only"),
        ({"X": np.ones((2, 2)), "y": np.ones(2), "w": np.ones(2)}, "holds the arrays X, y, w"),
        ({"X": np.array([[1, "a"]], dtype=object), "y": np.ones(1)}, "not an .npz file of plain arrays"),
        ({"X": np.ones((2, 2), dtype=complex), "y": np.ones(2)}, "Complex data not supported"),
        ({"X": np.ones((0, 2)), "y": np.ones(0)}, "0 sample(s)"),
        ({"X": np.ones((2, 0)), "y": np.ones(2)}, "0 feature(s)"),
    ],
)
def test_bad_npz(tmp_path: Path, arrays: dict[str, np.ndarray], words: str):
    path = tmp_path / "t.npz"
    np.savez(path, **arrays)  # pyright: ignore
    assert words in refusal(path)


def test_npz_that_is_none(tmp_path: Path):
    path = tmp_path / "t.npz"
    path.write_bytes(b"not a zip file")
    assert "not an .npz file" in refusal(path)
    np.save(tmp_path / "t.npy", np.ones(3))
    path.write_bytes((tmp_path / "t.npy").read_bytes())
    assert "not an .npz file" in refusal(path)
    np.savez(path, X=np.ones((50, 2)), y=np.ones(50))
    data = path.read_bytes()
    path.write_bytes(data[:-40])
    assert "not an .npz file" in refusal(path)
    at = len(data) // 2
    path.write_bytes(data[:at] + b"\xff\xff\xff" + data[at + 3 :])
    assert "not an .npz file" in refusal(path)


def whole_files(folder: Path) -> dict[str, bytes]:
    pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]}).write_parquet(folder / "t.parquet")
    np.savez_compressed(folder / "t.npz", X=np.ones((3, 2)), y=np.arange(3))
    (folder / "t.csv").write_text('a,b,c\n1,"x, y",2.5\n2,"z ""q""\n",NA\n')
    (folder / "t.tsv").write_text("a\tb\n1\t2024-01-01\n2\t2024-01-02T10:00\n")
    (folder / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,x\n"))
    (folder / "train-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 5, 6]))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@settings(deadline=None, derandomize=True, max_examples=400)
@given(data=st.data())
def test_damaged_files_are_read_or_refused_but_never_crash(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
):
    folder = tmp_path_factory.mktemp("damaged")
    whole = whole_files(folder)
    name = data.draw(st.sampled_from(sorted(whole)))
    content = bytearray(whole[name])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        damage = data.draw(st.binary(max_size=3) | st.sampled_from([b'"', b",", b"\n", b"\r", b"\xff"]))
        content[at : at + data.draw(st.integers(0, 4))] = damage
    content = content[: data.draw(st.just(len(content)) | st.integers(0, len(content)))]
    (folder / name).write_bytes(content)
    try:
        assert read_table(folder / name).height > 0
    except DataError as error:
        assert "\n" not in str(error) and name in str(error)
