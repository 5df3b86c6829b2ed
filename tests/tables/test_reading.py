"""Well-formed files: what pandas reads, we read; what was written comes back."""

import csv
import datetime as dt
import gzip
import importlib.util
import io
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.tables import fit_preprocessing, infer_task, read_table, split_target
from glassnet.tables.csvtext import parse_csv
from glassnet.tables.inference import MISSING_MARKERS, infer_types


def write(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def penguins() -> Path:
    pytest.importorskip("palmerpenguins")
    spec = importlib.util.find_spec("palmerpenguins")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "data" / "penguins.csv"


def same_as_pandas(path: Path, separator: str = ",") -> None:
    frame = read_table(path)
    truth = pd.read_csv(path, sep=separator, keep_default_na=False, na_values=list(MISSING_MARKERS))
    assert frame.columns == [name.strip() for name in truth.columns]
    for name in frame.columns:
        ours, theirs = frame[name], truth[name]
        missing = theirs.isna().to_numpy()
        assert ours.is_null().to_numpy().tolist() == missing.tolist(), name
        if ours.dtype == pl.Date:
            ours = ours.dt.to_string()  # pandas leaves dates text
        if ours.dtype.is_numeric():
            np.testing.assert_array_equal(ours.drop_nulls().to_numpy(), theirs[~missing].to_numpy(float))
        else:
            assert ours.drop_nulls().to_list() == theirs[~missing].tolist(), name


def test_penguins_read_as_pandas_reads_them():
    path = penguins()
    same_as_pandas(path)
    frame = read_table(path)
    assert frame.shape == (344, 8)
    assert {c.name: str(c.dtype) for c in frame} == {
        "species": "String",
        "island": "String",
        "bill_length_mm": "Float64",
        "bill_depth_mm": "Float64",
        "flipper_length_mm": "Int64",
        "body_mass_g": "Int64",
        "sex": "String",
        "year": "Int64",
    }
    assert frame["sex"].null_count() == 11
    features, species = split_target(frame, "species")
    assert infer_task(species) == ("classification", "text with 3 distinct values")
    learned = fit_preprocessing(features)
    assert learned.transform(features).shape == (344, len(learned.feature_names))
    assert "sex=<missing>" in learned.feature_names and "body_mass_g is missing" in learned.feature_names


def test_raw_penguins_with_quotes_and_text():
    path = penguins().with_name("penguins-raw.csv")
    same_as_pandas(path)


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,4\n",
        "a,b\n1,2\n3,4",
        "a,b\r\n1,2\r\n3,4\r\n",
        "\ufeffa,b\n1,2\n",
        "a,b\n1,2\n\n3,4\n\n\n",
        "\n\na,b\n1,2\n",
        'a,b\n"x, y","say ""hi"""\n"two\nlines",z\n',
        'a,b\r\n"two\r\nlines",z\r\n',
        'a,b\n5" pipe,x\ny,z\n',
        "a,b\n,NA\n1.5,x\nnull,None\n",
        "a,b\n+5,1e-3\n-7,.5\n007,2.\n",
        "a,b\n1,1e300\n99999999999999999999,-1e-300\n",
        "naïve,b\nçà,1\nβ,2\n",
        "a\n1\n2\n",
        'a\n""\n2\n',
        "a,b\n 1, x\n2 ,y \n",
    ],
)
def test_small_files_read_as_pandas_reads_them(tmp_path: Path, text: str):
    same_as_pandas(write(tmp_path, text))


def test_tsv_and_gzip(tmp_path: Path):
    same_as_pandas(write(tmp_path, "a\tb\n1\tx,y\n", "t.tsv"), "\t")
    for name in ("t.csv.gz", "T.CSV.GZ"):
        assert read_table(write(tmp_path, gzip.compress(b"a,b\n1,x\n"), name)).rows() == [(1, "x")]
    assert read_table(write(tmp_path, gzip.compress(b"a\tb\n1\tx\n"), "t.tsv.gz")).rows() == [(1, "x")]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2"], [1, 2]),
        ([" 1 ", "007"], [1, 7]),
        (["1", "2.5"], [1.0, 2.5]),
        (["1", " NA "], [1, None]),
        (["1.5", *MISSING_MARKERS], [1.5] + [None] * len(MISSING_MARKERS)),
        (["true", "FALSE", "", "True"], [True, False, None, True]),
        (["2024-02-29", "?"], [dt.date(2024, 2, 29), None]),
        (["2024-02-29T10:00:00", "NA"], [dt.datetime(2024, 2, 29, 10), None]),
        (["2024-02-29 10:00:00.5"], [dt.datetime(2024, 2, 29, 10, 0, 0, 500_000)]),
        (
            ["2024-02-29T10:00:00+02:00", "2024-02-29T10:00:00Z"],
            [dt.datetime(2024, 2, 29, 8), dt.datetime(2024, 2, 29, 10)],
        ),
        (["1", "one"], ["1", "one"]),
        (["2023-02-29", "2024-02-29"], ["2023-02-29", "2024-02-29"]),
        (["24-2-3"], ["24-2-3"]),
        (["1", "true"], ["1", "true"]),
        (["1_000"], ["1_000"]),
        (["0x10"], ["0x10"]),
        (["a ", " b", "n/a"], ["a ", " b", None]),
        (["inf", "-Infinity"], [float("inf"), float("-inf")]),
        (["NA", ""], [None, None]),
    ],
)  # fmt: skip
def test_types_are_inferred(cells: list[str], expected: list[object]):
    found = infer_types(pl.DataFrame({"a": cells}))["a"].to_list()
    assert found == expected
    assert [type(v) for v in found] == [type(v) for v in expected]


@pytest.mark.parametrize("marker", ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "?", " NA "])
def test_each_marker_is_missing_in_each_kind_of_column(marker: str):
    for cell in ("7", "0.5", "true", "2024-01-01", "2024-01-01 10:00", "word"):
        assert infer_types(pl.DataFrame({"a": [cell, marker]}))["a"].is_null().to_list() == [False, True], cell


def test_columns_kept_as_text(tmp_path: Path):
    path = write(tmp_path, "zip,n\n007,1\n?,2\n")
    assert read_table(path).rows() == [(7, 1), (None, 2)]
    assert read_table(path, text=["zip"]).rows() == [("007", 1), (None, 2)]


def test_parquet_keeps_types(tmp_path: Path):
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [dt.date(2024, 1, 1), None], "d": [True, False]})
    frame.write_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").equals(frame)


def test_npz(tmp_path: Path):
    X, y = np.array([[1.0, np.nan], [3.0, 4.0]], dtype=np.float32), np.array(["a", "b"])
    np.savez(tmp_path / "t.npz", X=X, y=y)
    frame = read_table(tmp_path / "t.npz")
    assert frame.columns == ["x1", "x2", "y"]
    np.testing.assert_array_equal(frame.select("x1", "x2").to_numpy(), X)
    assert frame["y"].to_list() == ["a", "b"]
    np.savez_compressed(tmp_path / "u.npz", X=X)
    assert read_table(str(tmp_path / "u.npz")).columns == ["x1", "x2"]


# a lone carriage return is left without quotes by csv.writer before Python 3.13: no cell then, but the end of a line
CELLS = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=6)
NAME = st.text("abcxyzäß_ 1", min_size=1, max_size=5).map(str.strip).filter(bool)
NAMES = st.lists(NAME, min_size=1, max_size=4, unique=True)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(data=st.data(), names=NAMES, separator=st.sampled_from(",\t"), end=st.sampled_from(["\n", "\r\n"]))
def test_every_cell_written_comes_back(data: st.DataObject, names: list[str], separator: str, end: str):
    row = st.lists(CELLS, min_size=len(names), max_size=len(names))
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=separator, lineterminator=end)
    writer.writerows([names, *rows])
    frame = parse_csv(file.getvalue().encode(), separator, "t.csv")
    assert frame.columns == names
    assert frame.select(pl.all().fill_null("")).rows() == [tuple(row) for row in rows]


WORDS = st.text("pqrstuvwz ,\"\n'", min_size=1, max_size=5).filter(lambda w: w.strip() not in MISSING_MARKERS)
COLUMNS = st.sampled_from(
    [
        (pl.Int64, st.integers(-(2**63), 2**63 - 1)),
        (pl.Float64, st.floats(allow_nan=False).map(lambda v: v + 0.5 if v == round(v, 0) else v)),
        (pl.Boolean, st.booleans()),
        (pl.Date, st.dates(dt.date(1000, 1, 1))),
        (pl.String, WORDS),
    ]
)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(data=st.data(), n=st.integers(1, 6))
def test_typed_columns_written_by_polars_come_back(
    data: st.DataObject, n: int, tmp_path_factory: pytest.TempPathFactory
):
    columns = []
    for i in range(data.draw(st.integers(1, 4))):
        dtype, values = data.draw(COLUMNS)
        cells = [data.draw(values), *data.draw(st.lists(st.none() | values, min_size=n - 1, max_size=n - 1))]
        columns.append(pl.Series(f"c{i}", cells, dtype=dtype))
    frame = pl.DataFrame(columns)
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    frame.write_csv(path, quote_style="always")
    found = read_table(path)
    # A column whose numbers happen to be whole is read as integers.
    floats = [name for name in frame.columns if frame[name].dtype == pl.Float64]
    assert found.with_columns(pl.col(floats).cast(pl.Float64)).rows() == frame.rows()


def test_large_quoted_file_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("glassnet.tables.csvtext.ROWS_AT_ONCE", 3)
    text = "a,b\n" + "".join(f'{i},"x{i % 3}"\n' for i in range(10))
    frame = read_table(write(tmp_path, text))
    assert frame["a"].to_list() == list(range(10))
    assert frame["b"].to_list() == [f"x{i % 3}" for i in range(10)]
