"""IDX files, made by hand byte by byte."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from glassnet.errors import DataError
from glassnet.tables import read_table

PIXELS = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(2, 2, 3)
IMAGES = struct.pack(">IIII", 0x803, 2, 2, 3) + PIXELS.tobytes()
LABELS = struct.pack(">II", 0x801, 2) + bytes([7, 250])


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"),
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"),
    ],
)
def test_images_with_labels(tmp_path: Path, images: str, labels: str):
    for name, data in ((images, IMAGES), (labels, LABELS)):
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    frame = read_table(tmp_path / images)
    assert frame.columns == ["p1", "p2", "p3", "p4", "p5", "p6", "label"]
    assert frame.rows() == [(0, 1, 2, 3, 4, 5, 7), (6, 7, 8, 9, 10, 11, 250)]
    assert str(frame["p1"].dtype) == "UInt8"
    assert read_table(tmp_path / labels)["label"].to_list() == [7, 250]


def test_images_alone_and_by_magic_bytes(tmp_path: Path):
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(LABELS)  # of another prefix
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(IMAGES)
    assert "label" not in read_table(tmp_path / "t10k-images-idx3-ubyte").columns
    (tmp_path / "pictures.bin").write_bytes(IMAGES)
    assert read_table(tmp_path / "pictures.bin").shape == (2, 6)
    (tmp_path / "pictures.gz").write_bytes(gzip.compress(IMAGES))
    assert read_table(tmp_path / "pictures.gz").shape == (2, 6)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"\x00\x00", "not an IDX file: it starts with 0000"),
        (b"\x00\x00\x0d\x03" + IMAGES[4:], "starts with 00000d03, not 00000803 (images) or 00000801 (labels)"),
        (IMAGES[:10], "the IDX header is cut off at 10 bytes"),
        (IMAGES[:-1], "promises 2 x 2 x 3 = 12 bytes, the file holds 11"),
        (IMAGES + b"x", "promises 2 x 2 x 3 = 12 bytes, the file holds 13"),
        (struct.pack(">IIII", 0x803, 2**32 - 1, 2**32 - 1, 2**32 - 1), "the file holds 0"),
        (struct.pack(">IIII", 0x803, 0, 28, 28), "holds no data"),
    ],
)
def test_bad_idx(tmp_path: Path, data: bytes, words: str):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert words in str(caught.value) and str(path) in str(caught.value)


def test_labels_of_another_length_and_damaged_labels(tmp_path: Path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(IMAGES)
    labels = tmp_path / "train-labels-idx1-ubyte"
    labels.write_bytes(struct.pack(">II", 0x801, 3) + b"abc")
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte: 3 labels for the 2 images"):
        read_table(tmp_path / "train-images-idx3-ubyte")
    labels.write_bytes(IMAGES)
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte: 2 labels|labels"):
        read_table(tmp_path / "train-images-idx3-ubyte")
    labels.write_bytes(LABELS[:-1])
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte: the IDX header promises 2 = 2 bytes"):
        read_table(tmp_path / "train-images-idx3-ubyte")
