"""`glassnet predict MODEL DATA`: a prediction for each row, in the order of the rows."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from glassnet.cli.options import DATA, OUTPUT, Data, Json, Model, Noise, Quiet, Rows, option
from glassnet.errors import DataError, InvalidParameterError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Predict"]

SUFFIXES = (".csv", ".tsv", ".parquet", ".json")


@dataclass(frozen=True)
class Predict:
    """Predict each row of a table: as CSV on stdout, or in a file.

    The columns may stand in any order, with or without the target. For classes there is one column of
    probabilities for each, p_CLASS.
    """

    model: Model
    data: Data
    out: Annotated[
        str | None,
        option("--out", "-o", value="FILE", panel=OUTPUT, help="Write here, by suffix: .csv, .tsv, .parquet or .json."),
    ] = None
    only: Annotated[bool, option("--only", panel=OUTPUT, help="Only the column of predictions, no probabilities.")] = (
        False
    )
    append: Annotated[
        bool, option("--append", panel=OUTPUT, help="The columns of DATA too, the predictions after them.")
    ] = False
    noise: Noise = None
    rows: Rows = None
    seed: Annotated[str, option("--seed", value="N", panel=DATA, help="Of the points of a toy problem.")] = "0"
    json: Json = False
    quiet: Quiet = False

    def run(self) -> int:
        """Load, predict, write."""
        from glassnet.cli.models import load_table, read_for
        from glassnet.cli.screen import Screen
        from glassnet.files.atomic import prove_writable

        self._check_out()
        if self.out is not None:
            prove_writable(self.out)
        model = load_table(self.model)
        source = read_for(model, self.data, noise=self.noise, rows=self.rows, seed=self.seed)
        table = self._table(model, source.frame, source.name)
        if self.out is not None:
            write_table(table, self.out)
            screen = Screen(json=self.json, quiet=self.quiet)
            screen.note("written", f"{table.height:,} predictions to {self.out}")
            screen.document({"rows": table.height, "predictions": self.out})
        else:
            print_table(table, json=self.json)
        return 0

    def _check_out(self) -> None:
        from pathlib import Path

        if self.out is None:
            return
        if not self.out.lower().endswith(SUFFIXES):
            raise InvalidParameterError(f"--out must end in {', '.join(SUFFIXES)}, got '{self.out}'")
        for name, path in (("MODEL", self.model), ("DATA", self.data)):
            if Path(path).exists() and Path(path).resolve() == Path(self.out).resolve():
                raise InvalidParameterError(f"--out and {name} are the same file {path}; choose another name")

    def _table(self, model: Any, frame: "pl.DataFrame", source: str) -> "pl.DataFrame":
        predictions = predicted(model, frame, source)
        if self.only:
            predictions = predictions[:, :1]
        if not self.append:
            return predictions
        twice = [name for name in predictions.columns if name in frame.columns]
        if twice:
            raise DataError(f"--append: {source} has a column '{twice[0]}' already; rename it, or leave --append out")
        return frame.hstack(predictions)


def predicted(model: Any, frame: "pl.DataFrame", source: str) -> "pl.DataFrame":
    """The column predicted_TARGET, and for classes p_CLASS."""
    import polars as pl

    name = f"predicted_{model.target_.name}"
    if not hasattr(model, "classes_"):
        return pl.DataFrame({name: model.predict(frame, source=source)})
    P = model.predict_proba(frame, source=source)
    shares = {f"p_{label}": P[:, k] for k, label in enumerate(model.classes_.tolist())}
    return pl.DataFrame({name: model.target_of(P).tolist(), **shares})


def as_bytes(table: "pl.DataFrame", kind: str) -> bytes:
    """The table as the bytes of a file of this suffix."""
    import io

    stream = io.BytesIO()
    if kind == ".parquet":
        table.write_parquet(stream)
    elif kind == ".json":
        table.write_json(stream)
        stream.write(b"\n")
    else:
        table.write_csv(stream, separator="\t" if kind == ".tsv" else ",")
    return stream.getvalue()


def write_table(table: "pl.DataFrame", path: str) -> None:
    """Write the file in one step, so that a failure leaves the old one."""
    from glassnet.files.atomic import write_bytes

    kind = next(suffix for suffix in SUFFIXES if path.lower().endswith(suffix))
    write_bytes(path, as_bytes(table, kind))


def print_table(table: "pl.DataFrame", *, json: bool) -> None:
    """The table on stdout in UTF-8, whatever the terminal's encoding: CSV, or a JSON list of rows."""
    sys.stdout.flush()
    sys.stdout.buffer.write(as_bytes(table, ".json" if json else ".csv"))
    sys.stdout.buffer.flush()
