"""Options that several commands share, and the panels of the help."""

from typing import Annotated, Any

import typer

__all__ = [
    "DATA",
    "NETWORK",
    "OUTPUT",
    "TRAINING",
    "Data",
    "Form",
    "Json",
    "Model",
    "Noise",
    "Out",
    "Quiet",
    "Rows",
    "Target",
    "option",
]

DATA, NETWORK, TRAINING, OUTPUT = "Data", "Network", "Training", "Output"


def option(*names: str, help: str, value: str | None = None, panel: str | None = None) -> Any:  # noqa: A002  typer's word
    """An option with its placeholder and its one sentence of help."""
    return typer.Option(*names, help=help, metavar=value, rich_help_panel=panel)


Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A file (.csv, .tsv, .parquet, .npz, IDX) or the name of a built-in data set: {datasets}.",
        show_default=False,
    ),
]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="A model file that `fit --out` wrote.", show_default=False)]
Target = Annotated[
    str | None,
    option(
        "--target",
        "-t",
        value="COL",
        help="Column to predict; built-in data, IDX (label) and .npz (y) know theirs.",
        panel=DATA,
    ),
]
Noise = Annotated[
    str | None,
    option("--noise", value="0..0.5", help="Noise of a toy problem; 0.1 if not given.", panel=DATA),
]
Rows = Annotated[
    str | None,
    option("--rows", value="N", help="Number of points of a toy problem; 500 if not given.", panel=DATA),
]
Json = Annotated[
    bool, option("--json", help="Print one JSON document on stdout, and nothing else there.", panel=OUTPUT)
]
Form = Annotated[
    str | None,
    option(
        "--format", value="FORM", panel=OUTPUT, help="text, markdown, latex or html; by default what --out ends in."
    ),
]
Out = Annotated[
    str | None, option("--out", "-o", value="FILE", panel=OUTPUT, help="Write here: .txt, .md, .tex or .html.")
]
Quiet = Annotated[bool, option("--quiet", "-q", help="No progress and no notes on stderr.", panel=OUTPUT)]
