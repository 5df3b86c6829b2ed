"""The measurements drawn: gradients and updates layer by layer, activations, the range test."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from glassnet.errors import InvalidParameterError

if TYPE_CHECKING:
    from glassnet.diagnosis.findings import Diagnosis

__all__ = ["check", "draw", "save"]

KINDS = (".png", ".svg", ".pdf")
INK, PALE, GRID, GOOD, BAD = "#22303c", "#8593a0", "#e6eaee", "#2a9d6f", "#d1495b"
USUAL = (1e-4, 1e-2)  # an update's share of the weights, a power of ten around 1e-3
STYLE: dict[str, Any] = {
    "font.size": 9.5,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 20,
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "text.color": INK,
    "xtick.color": PALE,
    "ytick.color": PALE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "svg.hashsalt": "glassnet",
}


def check(path: Any) -> None:
    """Refuse a kind of file that is not drawn, or say that matplotlib is missing."""
    if Path(path).suffix.lower() not in KINDS:
        raise InvalidParameterError(f"a figure must be a {', '.join(KINDS[:-1])} or {KINDS[-1]} file, got '{path}'")
    try:
        import matplotlib.figure as _  # noqa: F401
    except ImportError:
        raise InvalidParameterError("figures need matplotlib: pip install 'glassnet[plots]'") from None


def save(diagnosis: "Diagnosis", path: Any) -> None:
    """Draw into a file; the ending of its name says which kind."""
    from glassnet.errors import WriteError

    check(path)
    try:
        draw(diagnosis).savefig(path, dpi=160, metadata={"Date": None} if Path(path).suffix == ".svg" else None)
    except OSError as error:
        raise WriteError(f"cannot write '{path}': {error.strerror or error}") from error


def draw(diagnosis: "Diagnosis") -> Any:
    """A matplotlib Figure of four panels; those that were not measured say so."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    panels = {
        "gradient_norms": _gradients,
        "update_ratios": _updates,
        "activations": _activations,
        "range_test": _range_test,
    }
    with mpl.rc_context(cast("Any", STYLE)):
        figure = Figure(figsize=(11, 7.8), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.15)  # pyright: ignore
        figure.suptitle(diagnosis.summary, x=0.012, ha="left", fontsize=13, color=INK if diagnosis.healthy else BAD)
        for axes, (name, panel) in zip(figure.subplots(2, 2).ravel(), panels.items(), strict=True):
            if diagnosis.series.get(name):
                panel(axes, diagnosis.series)
            else:
                axes.set_axis_off()
                axes.text(0.5, 0.5, f"{name.replace('_', ' ')}: not measured", ha="center", color=PALE)
        figure.canvas.draw()  # the layout once more, in this style
    return figure


def _shades(n: int) -> list[Any]:
    """A colour for each layer, dark at the input to light at the output."""
    from matplotlib import colormaps

    return [colormaps["viridis"](x) for x in np.linspace(0.08, 0.82, n)]


def _titled(axes: Any, title: str, below: str) -> None:
    axes.set_title(title)
    axes.text(0, 1.02, below, transform=axes.transAxes, color=PALE, va="bottom")


def _by_layer(axes: Any, steps: list[int], rows: dict[str, list[float]], prefix: str) -> None:
    for colour, (name, values) in zip(_shades(len(rows)), rows.items(), strict=True):
        shown = [value if value > 0 else np.nan for value in values]
        axes.plot(steps, shown, color=colour, lw=1.8, label=f"{prefix}{name}")
    axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.margins(x=0.01)
    axes.legend(loc="upper right", ncols=min(len(rows), 4), fontsize=8.5, handlelength=1.4)


def _gradients(axes: Any, series: dict[str, Any]) -> None:
    _by_layer(axes, series["steps"], series["gradient_norms"], "d")
    _titled(axes, "Gradient norms", "‖dW‖ of each layer; curves far apart vanish or explode")


def _updates(axes: Any, series: dict[str, Any]) -> None:
    axes.axhspan(*USUAL, color=GOOD, alpha=0.09, lw=0)
    axes.axhline(1e-3, color=GOOD, lw=1, ls=(0, (4, 3)))
    _by_layer(axes, series["steps"], series["update_ratios"], "")
    _titled(axes, "Update / weight", "‖new W − W‖ / ‖W‖ of one step; near 0.001 is usual")


def _activations(axes: Any, series: dict[str, Any]) -> None:
    """A row for each layer, from the input up: outlined at the start, filled after the first steps."""
    passes = series["activations"]
    layers = list(passes["start"])
    everything = np.concatenate([values for each in passes.values() for values in each.values()])
    finite = everything[np.isfinite(everything)]
    low, high = np.quantile(finite, [0.002, 0.998]) if len(finite) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, 61)
    for row, (layer, colour) in enumerate(zip(layers, _shades(len(layers)), strict=True)):
        for when, values in passes.items():
            counts, _ = np.histogram(np.clip(values[layer], edges[0], edges[-1]), edges)
            heights = row + 0.85 * np.sqrt(counts / max(counts.max(), 1))
            if when == "later":
                axes.stairs(heights, edges, baseline=row, fill=True, color=colour, alpha=0.55, lw=0)
            else:
                axes.stairs(heights, edges, baseline=row, color=INK, lw=0.9)
    axes.set_yticks(range(len(layers)), layers)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("activation")
    axes.set_ylim(-0.05, len(layers) + 0.05)
    _titled(axes, "Activations", "share of values (square root): line at the start, area after the first steps")


def _range_test(axes: Any, series: dict[str, Any]) -> None:
    test = series["range_test"]
    curve = np.array(test["losses"], np.float64)
    axes.plot(test["rates"], curve, color=INK, lw=2)
    axes.set_xscale("log")
    if np.isfinite(curve).any():
        low, high = float(np.nanmin(curve)), float(min(np.nanmax(curve), 3 * np.nanmax(curve[:1])))
        room = (high - low) or 1.0
        axes.set_ylim(low - 0.25 * room, high + 0.15 * room)
    marks = [("suggested", GOOD, "-"), ("learning_rate", "#3a6ea5", (0, (4, 3))), ("limit", BAD, (0, (1, 1.5)))]
    for name, colour, style in marks:
        if test[name]:
            label = {"suggested": "suggested", "learning_rate": "yours", "limit": "too high from"}[name]
            axes.axvline(test[name], color=colour, lw=1.6, ls=style, label=f"{label} {test[name]:.2g}")
    axes.legend(loc="lower left", fontsize=8.5)
    axes.set_xlabel("learning rate")
    _titled(axes, "Range test", "loss of the same rows while the learning rate grows, step by step")
