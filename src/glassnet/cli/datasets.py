"""`glassnet datasets`: the built-in data, and a way to write one to a file."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassnet.cli.options import DATA, OUTPUT, Json, Noise, Rows, option
from glassnet.errors import InvalidParameterError

if TYPE_CHECKING:
    from glassnet.cli.screen import Screen

__all__ = ["Datasets"]


@dataclass(frozen=True)
class Datasets:
    """List the built-in data sets, or write one to a file."""

    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One of {datasets}; all if not given.", show_default=False)
    ] = None
    out: Annotated[
        str | None,
        option("--out", "-o", value="FILE", panel=OUTPUT, help="Write NAME here: .csv, .tsv, .parquet or .json."),
    ] = None
    noise: Noise = None
    rows: Rows = None
    seed: Annotated[str, option("--seed", value="N", panel=DATA, help="Of the points of a toy problem.")] = "0"
    json: Json = False

    def run(self) -> int:
        """List, describe, or write."""
        from glassnet.cli.predict import SUFFIXES, write_table
        from glassnet.cli.screen import Screen
        from glassnet.cli.source import read_source
        from glassnet.tables import dataset_names

        screen = Screen(json=self.json)
        if self.out is not None and self.name is None:
            raise InvalidParameterError("--out needs the NAME of a data set: glassnet datasets NAME --out FILE.csv")
        if self.out is not None and not self.out.lower().endswith(SUFFIXES):
            raise InvalidParameterError(f"--out must end in {', '.join(SUFFIXES)}, got '{self.out}'")
        if self.out is not None:
            source = read_source(str(self.name), noise=self.noise, rows=self.rows, seed=self.seed)
            write_table(source.frame, self.out)
            screen.note("written", f"{source.frame.height:,} rows to {self.out}; the target is '{source.target}'")
        listed = [described(name) for name in ([self.name] if self.name else dataset_names())]
        if self.out is None:
            show(screen, listed)
        screen.document({"datasets": listed})
        return 0


def described(name: str) -> dict[str, Any]:
    """What a data set is."""
    from glassnet.tables import load_dataset

    data = load_dataset(name)
    return {
        "name": data.name,
        "task": data.task,
        "rows": data.frame.height,
        "columns": data.frame.width - 1,
        "target": data.target,
        "description": data.description,
        "source": data.source,
    }


def show(screen: "Screen", listed: list[dict[str, Any]]) -> None:
    """A table on stdout."""
    from glassnet.cli.screen import grid

    keys = ("name", "task", "target", "description", "rows", "columns")
    rows = [[f"{row[key]:,}" if isinstance(row[key], int) else row[key] for key in keys] for row in listed]
    screen.show(grid("built-in data", list(keys), rows, left=4))
    if not screen.json:
        screen.note("next", "glassnet fit NAME; toys take --rows and --noise")
