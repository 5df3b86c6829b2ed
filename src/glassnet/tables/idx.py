"""The IDX format of MNIST: a magic number, the dimensions in big-endian, then unsigned bytes."""

import gzip
import zlib
from pathlib import Path

import numpy as np
import polars as pl

from glassnet.errors import DataError

__all__ = ["looks_like_idx", "parse_idx", "read_idx", "unzipped"]

IMAGES = b"\x00\x00\x08\x03"
LABELS = b"\x00\x00\x08\x01"


def looks_like_idx(data: bytes) -> bool:
    r"""Tell whether bytes start as a file of images or of labels.

    >>> looks_like_idx(b"\x00\x00\x08\x01\x00\x00\x00\x00")
    True
    """
    return data[:4] in (IMAGES, LABELS)


def unzipped(data: bytes, source: str) -> bytes:
    """Return the bytes, gunzipped when they are gzip.

    >>> unzipped(b"plain", "t.csv")
    b'plain'
    """
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{source}: damaged gzip file ({error}); fetch or write it again") from None


def parse_idx(data: bytes, source: str) -> np.ndarray:
    r"""Return the array of an IDX file of unsigned bytes: images (n, rows, columns) or labels (n,).

    Source: http://yann.lecun.com/exdb/mnist/

    >>> parse_idx(b"\x00\x00\x08\x01\x00\x00\x00\x02\x07\x09", "labels")
    array([7, 9], dtype=uint8)
    """
    if not looks_like_idx(data):
        raise DataError(
            f"{source}: not an IDX file: it starts with {data[:4].hex() or 'nothing'}, not 00000803 (images) "
            "or 00000801 (labels); check what the file is"
        )
    axes = data[3]
    start = 4 + 4 * axes
    if len(data) < start:
        raise DataError(f"{source}: the IDX header is cut off at {len(data)} bytes; fetch the file again")
    shape = tuple(int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes))
    wanted = 1
    for length in shape:
        wanted *= length
    if len(data) - start != wanted:
        size = " x ".join(map(str, shape))
        raise DataError(
            f"{source}: the IDX header promises {size} = {wanted} bytes, the file holds {len(data) - start}; "
            "fetch the file again"
        )
    if wanted == 0:
        raise DataError(f"{source}: the IDX file holds no data; fetch the file again")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def read_idx(data: bytes, path: Path) -> pl.DataFrame:
    r"""Turn an IDX file into columns p1 … (one per pixel, row by row) and `label`.

    The labels are those of the file beside it whose name has `labels` for `images` and `idx1` for `idx3`,
    gzipped or not; without that file there is no column `label`.

    >>> from pathlib import Path
    >>> read_idx(b"\x00\x00\x08\x01\x00\x00\x00\x02\x07\x09", Path("t10k-labels-idx1-ubyte"))["label"].to_list()
    [7, 9]
    """
    values = parse_idx(data, str(path))
    if values.ndim == 1:
        return pl.DataFrame({"label": values.astype(np.int64)})
    pixels = np.ascontiguousarray(values.reshape(len(values), -1).T)  # (pixels, n): a row is a column
    columns: dict[str, np.ndarray] = {f"p{i}": row for i, row in enumerate(pixels, start=1)}
    beside = labels_beside(path)
    if beside is not None:
        labels = parse_idx(unzipped(beside.read_bytes(), str(beside)), str(beside))
        if labels.shape != values.shape[:1]:
            raise DataError(
                f"{beside}: {len(labels)} labels for the {len(values)} images of {path}; "
                "put files that belong together in the folder"
            )
        columns["label"] = labels.astype(np.int64)
    return pl.DataFrame(columns)


def labels_beside(path: Path) -> Path | None:
    """Find the file of labels that belongs to a file of images.

    >>> from pathlib import Path
    >>> labels_beside(Path("nowhere/train-images-idx3-ubyte")) is None
    True
    """
    name = path.name.replace("images", "labels").replace("idx3", "idx1")
    if name == path.name:
        return None
    plain = name.removesuffix(".gz")
    for candidate in (name, plain, plain + ".gz"):
        if path.with_name(candidate).is_file():
            return path.with_name(candidate)
    return None
