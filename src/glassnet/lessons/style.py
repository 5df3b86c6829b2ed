"""How the figures look: one page for all, colours that the colour-blind can tell apart, labels beside their lines."""

import textwrap
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

__all__ = ["BLACK", "COLOURS", "GREY", "PAPER", "end_label", "log_axis", "map_of", "page", "points", "worn", "write"]

BLACK, GREY, PAPER = "#222222", "#8a8a8a", "#ffffff"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195")
"""Okabe and Ito (2008), in the order in which lines take them; blue is class 1, vermilion class 0."""

TWO_CLASSES = LinearSegmentedColormap.from_list("classes", ["#f3c4a3", "#fdf6f1", "#fafafa", "#f0f6fa", "#a5cbe3"])

RULES: dict[str, Any] = {
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "figure.dpi": 120,
    "savefig.dpi": 120,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": BLACK,
    "axes.labelcolor": "#444444",
    "axes.edgecolor": "#999999",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#ececec",
    "grid.linewidth": 0.8,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "svg.hashsalt": "glassnet",
    "svg.fonttype": "path",
    "axes.prop_cycle": "cycler('color', [" + ", ".join(repr(c.lstrip("#")) for c in COLOURS) + "])",
}


def worn() -> AbstractContextManager[None]:
    """The style, for as long as the block lasts; the user's own comes back after it."""
    return rc_context(cast("Any", RULES))


def page(title: str, rows: int = 1, columns: int = 2, *, height: float = 4.9, **options: Any) -> tuple[Figure, Any]:
    """A figure 1200 pixels wide with the finding as its title, and its axes, as an array where there are several."""
    figure = Figure(figsize=(10, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1, wspace=0.04, hspace=0.06)  # pyright: ignore
    text = textwrap.fill(title, 88)
    figure.suptitle(text, x=0.012, ha="left", fontsize=13, fontweight="bold")
    return figure, figure.subplots(rows, columns, **options)


def end_label(axes: Any, x: Any, y: Any, text: str, colour: str, *, dy: float = 0.0) -> None:
    """A word at the end of a line, in its colour; `dy` moves it, in points."""
    axes.annotate(
        text,
        (float(x[-1]), float(y[-1])),
        xytext=(6, dy),
        textcoords="offset points",
        color=colour,
        va="center",
        fontsize=9,
        annotation_clip=False,
    )


def log_axis(axis: Any, values: Sequence[float]) -> None:
    """Make `axes.xaxis` or `axes.yaxis` logarithmic, with plain numbers at `values`."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_ticks(values, labels=[f"{value:,g}" for value in values])
    axis.set_ticks([], minor=True)


def map_of(axes: Any, f: Callable[[np.ndarray], np.ndarray], span: Sequence[float], *, level: float = 0.5) -> None:
    """The values from 0 to 1 that f gives (m, 2) points over [x1 from, to, x2 from, to], and the line of `level`."""
    x1, x2 = np.meshgrid(np.linspace(span[0], span[1], 160), np.linspace(span[2], span[3], 160))
    values = np.asarray(f(np.column_stack([x1.ravel(), x2.ravel()])), float).reshape(x1.shape)
    axes.imshow(values, origin="lower", extent=tuple(span), aspect="auto", cmap=TWO_CLASSES, vmin=0, vmax=1, zorder=0)
    if values.min() < level < values.max():
        axes.contour(x1, x2, values, [level], colors=[BLACK], linewidths=1.4)
    axes.grid(False)


def points(axes: Any, X: Any, y: Any, *, size: float = 26, names: Sequence[str] = ("x1", "x2")) -> None:
    """Examples of two classes: vermilion squares are 0, blue discs 1."""
    where, labels = np.asarray(X), np.asarray(y).ravel()
    for value, colour, marker in ((0, COLOURS[1], "s"), (1, COLOURS[0], "o")):
        axes.scatter(
            *where[labels == value].T, s=size, c=colour, marker=marker, edgecolors="white", linewidths=0.7, zorder=3
        )
    axes.set(xlabel=names[0], ylabel=names[1])


def write(figure: Figure, path: Path) -> None:
    """Write a file, without the date that would make each one differ."""
    kind = path.suffix.lower().lstrip(".")
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    figure.savefig(path, format=kind, metadata=metadata)
