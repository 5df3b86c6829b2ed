"""`glassnet gradcheck MODEL DATA`: is the gradient right? Central differences in float64, tensor by tensor."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from glassnet.cli.options import DATA, OUTPUT, Data, Json, Model, Noise, option

if TYPE_CHECKING:
    from glassnet.cli.screen import Screen

__all__ = ["Gradcheck"]


@dataclass(frozen=True)
class Gradcheck:
    """Compare the gradient of a model's loss with central differences, and fail (exit code 1) where it is wrong."""

    model: Model
    data: Data
    rows: Annotated[str, option("--rows", value="N", panel=DATA, help="Rows of DATA to take, from the first on.")] = (
        "32"
    )
    tolerance: Annotated[
        str, option("--tolerance", value="ERROR", panel=OUTPUT, help="Largest relative error of a tensor that passes.")
    ] = "1e-6"
    everything: Annotated[bool, option("--all", panel=OUTPUT, help="Compare every entry, not 100 of each tensor.")] = (
        False
    )
    all_ways: Annotated[
        bool,
        option(
            "--all-ways",
            panel=OUTPUT,
            help="Compare by hand, numerical, automatic and PyTorch's (if installed), with errors, passes and seconds.",
        ),
    ] = False
    noise: Noise = None
    seed: Annotated[str, option("--seed", value="N", panel=DATA, help="Of the points of a toy problem.")] = "0"
    json: Json = False

    def run(self) -> int:
        """Load, compare, report."""
        from glassnet import check_gradients, compare_gradients
        from glassnet.cli.models import load_table, read_for, rows_with_target
        from glassnet.cli.rules import number, whole
        from glassnet.cli.screen import Screen

        n, tolerance = whole("--rows", self.rows, 1), number("--tolerance", self.tolerance, 0, open_low=True)
        model = load_table(self.model)
        source = read_for(model, self.data, noise=self.noise, rows=None, seed=self.seed)
        X, y, _ = rows_with_target(model, source)
        inputs = model.transform_inputs(X, source=source.name)[:n]
        check: Callable[..., Any] = compare_gradients if self.all_ways else check_gradients
        report = check(
            model.network_,
            inputs,
            model.target_.encode(y, source.name)[:n],
            tolerance=tolerance,
            max_per_tensor=None if self.everything else 100,
        )
        screen = Screen(json=self.json)
        (show_ways if self.all_ways else show)(screen, report, len(inputs))
        screen.document((document_of_ways if self.all_ways else document)(report, tolerance, len(inputs)))
        return 0 if report.passed else 1


def show(screen: "Screen", report: Any, rows: int) -> None:
    """A line for each tensor, and the verdict."""
    from rich.text import Text

    from glassnet.cli.screen import grid

    lines = [
        [
            t.name,
            " x ".join(map(str, t.shape)),
            f"{t.compared:,}",
            f"{t.at_kinks:,}",
            f"{t.error:.1e}",
            f"{t.analytic:.6g}",
            f"{t.numeric:.6g}",
            Text(t.verdict, "green" if t.passed else "bold red"),
        ]
        for t in report.tensors
    ]
    head = ["tensor", "shape", "compared", "at kinks", "error", "analytic", "numeric", "verdict"]
    screen.show(grid(f"gradient against central differences in float64, {rows:,} rows", head, lines, left=2))
    if report.moved:
        from glassnet.network.gradcheck import MOVED

        screen.show(MOVED)
    verdict = "the gradient is right" if report.passed else "the gradient is WRONG"
    screen.show(
        f"{verdict} (relative error at most {report.tolerance:g} in each tensor; analytic and numeric are "
        "the worst entry)"
    )


def show_ways(screen: "Screen", report: Any, rows: int) -> None:
    """A line for each tensor, the costs, and the verdict."""
    from rich.text import Text

    from glassnet.cli.screen import grid

    head, lines = report.table()
    colours = {"ok": "green", "WRONG": "bold red"}
    cells = [[*line[:-1], Text(line[-1], colours.get(line[-1], ""))] for line in lines]
    screen.show(grid(f"one gradient, four ways, in float64, {rows:,} rows", head, cells, left=2), *report.notes())
    screen.show("all ways agree" if report.passed else "the ways DISAGREE: a gradient is wrong")


def document(report: Any, tolerance: float, rows: int) -> dict[str, Any]:
    """The JSON document."""
    from dataclasses import asdict

    tensors = [_finite(asdict(tensor)) for tensor in report.tensors]
    return {"passed": report.passed, "tolerance": tolerance, "rows": rows, "tensors": tensors}


def document_of_ways(report: Any, tolerance: float, rows: int) -> dict[str, Any]:
    """The same with the ways' costs; a way that was not run has null seconds."""
    from dataclasses import asdict

    return document(report, tolerance, rows) | {"ways": [_finite(asdict(way)) for way in report.ways]}


def _finite(value: Any) -> Any:
    """JSON has no NaN: null takes its place."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
