"""Files to data frames: CSV, TSV, Parquet, NumPy's .npz and IDX."""

import io
import zipfile
from collections.abc import Collection
from pathlib import Path

import numpy as np
import polars as pl

from glassnet.errors import DataError, nearest
from glassnet.tables.csvtext import parse_csv
from glassnet.tables.frames import to_frame
from glassnet.tables.idx import looks_like_idx, read_idx, unzipped
from glassnet.tables.inference import infer_types

__all__ = ["read_table", "to_frame"]

KNOWN = ".csv, .tsv, .csv.gz, .tsv.gz, .parquet, .npz and IDX (…-idx3-ubyte, gzipped or not)"


def read_table(path: str | Path, *, text: Collection[str] = ()) -> pl.DataFrame:
    """Read the file at `path` into a data frame with types, by its suffix.

    Cells of CSV and TSV that are empty or NA, N/A, n/a, NaN, nan, null, NULL, None or ? are missing. The columns
    named in `text` are not given a type: at prediction, pass the names of the categorical columns, so that
    a category "007" is not read as the number 7.

    Raises
    ------
    DataError
        For whatever keeps the file from being read whole; the message names the file and the place.

    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "t.csv"
    >>> _ = file.write_text("a,b\\n1,x\\nNA,y\\n")
    >>> read_table(file).rows()
    [(1, 'x'), (None, 'y')]
    """
    path = Path(path)
    data = read_bytes(path)
    source = str(path)
    if not data:
        raise DataError(f"{source}: the file is empty; it must hold a table")
    suffix = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if suffix == "parquet":
        return read_parquet(data, source)
    if suffix == "npz":
        return read_npz(data, source)
    data = unzipped(data, source)
    if suffix in ("csv", "tsv"):
        return infer_types(parse_csv(data, "," if suffix == "csv" else "\t", source), text)
    if "idx3-ubyte" in path.name or "idx1-ubyte" in path.name or looks_like_idx(data):
        return read_idx(data, path)
    raise DataError(f"{source}: unknown kind of file '{path.suffix or path.name}'; known are {KNOWN}")


def read_bytes(path: Path) -> bytes:
    """Read a file whole; a missing file, a folder or a refusal is a DataError.

    >>> read_bytes(Path("no-such-file.csv"))
    Traceback (most recent call last):
    glassnet.errors.DataError: no-such-file.csv: no such file; check the path
    """
    try:
        return path.read_bytes()
    except IsADirectoryError:
        raise DataError(f"{path}: this is a folder, not a file; name a file in it") from None
    except FileNotFoundError:
        folder = path.parent
        beside = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        raise DataError(f"{path}: no such file{nearest(path.name, beside) or '; check the path'}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read: {reason}; check the path and its permissions") from None


def read_parquet(data: bytes, source: str) -> pl.DataFrame:
    """Read Parquet; the columns keep their types.

    >>> import io, polars as pl
    >>> file = io.BytesIO()
    >>> pl.DataFrame({"a": [1, 2]}).write_parquet(file)
    >>> read_parquet(file.getvalue(), "t.parquet")["a"].to_list()
    [1, 2]
    """
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except pl.exceptions.DuplicateError as error:
        raise DataError(f"{source}: duplicate column names ({one_line(error)}); rename one") from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise DataError(f"{source}: not a whole Parquet file ({one_line(error)}); write it again") from None
    if frame.height == 0:
        raise DataError(f"{source}: the file has no rows; add rows of data")
    return frame


def read_npz(data: bytes, source: str) -> pl.DataFrame:
    """Read a NumPy archive of X (n, d) and, unless it is only for prediction, y (n,): columns x1 … xd and y.

    >>> import io, numpy as np
    >>> file = io.BytesIO()
    >>> np.savez(file, X=[[1.0, 2.0]], y=[0])
    >>> read_npz(file.getvalue(), "t.npz").rows()
    [(1.0, 2.0, 0)]
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, KeyError, AttributeError, TypeError) as error:
        raise DataError(
            f"{source}: not an .npz file of plain arrays ({one_line(error)}); write it with "
            "np.savez(file, X=X, y=y), without objects"
        ) from None
    X, y = arrays.get("X"), arrays.get("y")
    if X is None or set(arrays) - {"X", "y"}:
        raise DataError(f"{source}: holds the arrays {', '.join(arrays) or 'none'}; it must hold X and y only")
    if X.ndim != 2 or (y is not None and y.shape != X.shape[:1]):
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise DataError(f"{source}: the shapes are {shapes}; X must be (n, d) and y (n,)")
    frame = to_frame(X, source=source)
    return frame if y is None else frame.hstack(to_frame(y[:, None], ["y"], source=source))


def one_line(error: BaseException) -> str:
    r"""The first line of an error's text.

    >>> one_line(ValueError("a\nb"))
    'a'
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
