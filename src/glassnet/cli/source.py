"""DATA: a file or a built-in data set, as a table with the name of its target."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glassnet.cli.rules import LARGEST_SEED, number, whole
from glassnet.errors import DataError, InvalidParameterError, nearest

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Source", "read_source"]

SUFFIX_TARGETS = {".npz": "y"}


@dataclass(frozen=True)
class Source:
    """A table, what to call it, and the target it comes with, if any."""

    name: str
    frame: "pl.DataFrame"
    target: str | None
    description: str

    def target_or(self, wanted: str | None) -> str:
        """The target asked for, or the table's own; without either an error that lists the columns."""
        from glassnet.tables.cells import listed

        columns = self.frame.columns
        if wanted is None and self.target is None:
            raise InvalidParameterError(
                f"{self.name}: say which column to predict with --target; the columns are: {listed(columns)}"
            )
        target = str(wanted if wanted is not None else self.target)
        if target not in columns:
            near = nearest(target, columns) or f"; the columns are: {listed(columns)}"
            raise DataError(f"--target: {self.name} has no column '{target}'{near}")
        return target


def read_source(
    data: str,
    *,
    noise: str | None = None,
    rows: str | None = None,
    seed: str = "0",
    text: Collection[str] = (),
) -> Source:
    """Read DATA: a name without folder and suffix is a built-in data set, if there is one; else it is a file.

    `text` names the columns that stay text, see `read_table`.

    >>> read_source("iris").target
    'species'
    """
    from glassnet.tables import dataset_names

    is_name = "." not in data and Path(data).name == data
    if is_name and data.replace("-", "_") in dataset_names():
        return _built_in(data, noise, rows, seed)
    if is_name and not Path(data).exists():
        near = nearest(data, dataset_names()) or f"; built in are {', '.join(dataset_names())}"
        raise DataError(f"'{data}' is neither a file nor a built-in data set{near}")
    for option, value in (("--noise", noise), ("--rows", rows)):
        if value is not None:
            raise InvalidParameterError(f"{option} is for toy problems, '{data}' is a file; leave it out")
    return _file(data, text)


def _built_in(name: str, noise: str | None, rows: str | None, seed: str) -> Source:
    from glassnet.tables import load_dataset

    n = None if rows is None else whole("--rows", rows, 2, 10_000_000)
    spread = None if noise is None else number("--noise", noise, 0, 0.5, open_high=False)
    drawn = whole("--seed", seed, 0, LARGEST_SEED)
    try:
        data = load_dataset(name, n=n, noise=spread, seed=drawn)
    except InvalidParameterError as error:  # a size or noise for real data
        option = "--rows" if str(error).startswith("n ") else "--noise"
        raise InvalidParameterError(f"{option} is for toy problems, '{name}' is real data; leave it out") from error
    return Source(data.name, data.frame, data.target, f"built-in: {data.description}")


def _file(path: str, text: Collection[str]) -> Source:
    from glassnet.tables import read_table

    frame = read_table(path, text=text)
    own = SUFFIX_TARGETS.get(Path(path).suffix.lower())
    if own is None and _is_idx(path, frame.columns):
        own = "label"
    return Source(path, frame, own if own in frame.columns else None, "file")


def _is_idx(path: str, columns: list[str]) -> bool:
    """IDX images become p1 … and label; nothing else has no suffix of a table."""
    name = Path(path).name.lower().removesuffix(".gz")
    return "label" in columns and not name.endswith((".csv", ".tsv", ".parquet", ".npz"))
