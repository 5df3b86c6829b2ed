"""Why is softmax not computed as it is written?

e^z leaves the numbers of a computer early: beyond z = 88.7 in float32 and 709.8 in float64 it is infinite, and
infinity over infinity is NaN. Subtracting the largest z from all changes nothing in softmax, for numerator and
denominator shrink by one factor, and leaves no exponent above 0. But now a probability may become 0, which it is not,
and its logarithm minus infinity.

Cross-entropy does not need the probability, only its logarithm: L = log sum_j e^(z_j) - z_y, with the largest z taken
out of the sum (log-sum-exp). Softmax and cross-entropy in one step can take any z, and the gradient is p - y. So
glassnet computes the two together, and so should anyone.

The lesson looks for the z where each way breaks, compares with decimal arithmetic of 60 digits, and feeds a new
network the wines in their own units.
"""

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table
from glassnet.lessons.tables import numbers

__all__ = ["LESSON"]

TYPES = ("float32", "float64")
GAPS = (0.0, 1.0, 10.0, 50.0, 80.0, 95.0, 200.0, 600.0, 720.0, 1e3, 1e4, 1e6)
Way = Callable[[np.ndarray, int], float]


def as_written(z: np.ndarray, y: int) -> float:
    """-log of softmax, to the letter."""
    return float(-np.log(np.exp(z) / np.exp(z).sum())[y])


def shifted(z: np.ndarray, y: int) -> float:
    """The same after subtracting the largest z."""
    return as_written(z - z.max(), y)


def together(z: np.ndarray, y: int) -> float:
    """What glassnet computes: softmax and cross-entropy in one step, on a layer that hands its inputs on."""
    from glassnet import Dense, Network

    net = Network(len(z), [Dense(len(z), "softmax")], dtype=z.dtype.name)
    net.parameters["W1"] = np.eye(len(z))
    return net.loss(z[None], [y])


WAYS: dict[str, Way] = {"as written": as_written, "shifted": shifted, "log-sum-exp": together}


def exact(z: np.ndarray, y: int) -> float:
    """The loss in decimal numbers of 60 digits."""
    with localcontext() as context:
        context.prec = 60
        total = sum((Decimal(float(value)).exp() for value in z), Decimal(0))
        return float(total.ln() - Decimal(float(z[y])))


def logits(gap: float, dtype: str) -> np.ndarray:
    """Three z (3,): the right class at 0, a wrong one as far above it as `gap`, the other half-way."""
    return np.array([0.0, gap, gap / 2], dtype)


def breaks(way: Way, dtype: str) -> float:
    """The gap from which a way's loss is no longer finite, by bisection; infinity where 1e6 is still fine."""
    low, high = 1.0, 1e6
    if np.isfinite(way(logits(high, dtype), 0)):
        return float("inf")
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if np.isfinite(way(logits(middle, dtype), 0)) else (low, middle)
    return high


def error(way: Way, gap: float, dtype: str) -> float:
    """Distance from the exact loss L, over 1 + L."""
    z = logits(gap, dtype)
    truth = exact(z, 0)
    return abs(way(z, 0) - truth) / (1 + truth)


def unscaled(seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The first z (n, 3) of one layer on the wines as they are, their classes, and glassnet's loss, in float32."""
    from glassnet import Dense, Network

    X, y = numbers("wine")
    net = Network(X.shape[1], [Dense(3, "softmax")], seed=seed)
    return net.trace(X)["z1"], y, net.loss(X, y)


def experiment(seed: int) -> Result:
    """Where each way breaks, how exact it is until then, and a real table."""
    with np.errstate(all="ignore"):
        ends = {(name, dtype): breaks(way, dtype) for name, way in WAYS.items() for dtype in TYPES}
        worst = max(error(together, gap, "float32") for gap in GAPS)
        z, y, mean = unscaled(seed)
        single = {name: np.array([way(row, k) for row, k in zip(z, y, strict=True)]) for name, way in WAYS.items()}
    lost = {name: float(np.mean(~np.isfinite(losses))) for name, losses in single.items()}
    truth = np.array([exact(row, k) for row, k in zip(z, y, strict=True)])
    overflow = [float(np.log(np.finfo(dtype).max)) for dtype in TYPES]
    underflow = [float(np.log(2) - np.log(np.finfo(dtype).smallest_subnormal)) for dtype in TYPES]
    return Result(
        (
            Table(
                "the loss is finite as long as the z are less apart than",
                ["way", *TYPES],
                [[name, *(shown(ends[name, dtype]) for dtype in TYPES)] for name in WAYS],
            ),
            Table(
                f"one layer, not trained, on {len(y)} wines in their own units: z from {z.min():.0f} to {z.max():.0f}",
                ["way", "examples without a finite loss"],
                [[name, f"{share:.0%}"] for name, share in lost.items()],
            ),
        ),
        (
            Claim(
                f"as written it breaks where e^z overflows, beyond z = {overflow[0]:.1f} and {overflow[1]:.1f}",
                all(abs(ends["as written", t] - bound) < 0.5 for t, bound in zip(TYPES, overflow, strict=True)),
            ),
            Claim(
                f"shifted it breaks where the probability becomes 0, {ends['shifted', 'float32']:.1f} and "
                f"{ends['shifted', 'float64']:.1f} below the largest z",
                all(abs(ends["shifted", t] - bound) < 0.5 for t, bound in zip(TYPES, underflow, strict=True)),
            ),
            Claim(
                f"log-sum-exp is right for z up to 1e6 apart, to {worst:.0e} of the loss in float32",
                worst < 1e-6 and all(np.isinf(ends["log-sum-exp", t]) for t in TYPES),
            ),
            Claim(
                f"on unscaled inputs {lost['as written']:.0%} of the examples have no loss as written, all have one in "
                f"glassnet; their mean, {mean:.0f}, is right",
                lost["as written"] > 0.2 and lost["log-sum-exp"] == 0 and abs(mean / truth.mean() - 1) < 1e-5,
            ),
        ),
        {"ends": ends, "single": single, "truth": truth},
    )


def shown(gap: float) -> float | str:
    """A gap, or that it lies beyond those tried."""
    return gap if np.isfinite(gap) else "1e6 and more"


def figure(result: Result) -> Any:
    """How far each way goes, and its error on the way there."""
    from glassnet.lessons import style

    page, (left, right) = style.page(
        "Softmax as written overflows, shifted it still underflows; log-sum-exp goes all the way", width_ratios=[1.2, 1]
    )
    for place, ((name, dtype), end) in enumerate(reversed(result.data["ends"].items())):
        colour = style.COLOURS[(1, 4, 0)[list(WAYS).index(name)]]
        left.barh(place, min(end, 1e6), color=colour, alpha=1.0 if dtype == "float64" else 0.6, height=0.62)
        text = f"breaks at {end:.1f}" if np.isfinite(end) else "goes on"
        left.text(min(end, 1e6) * 1.15, place, text, va="center", fontsize=9, color=style.BLACK)
    left.set_yticks(range(len(result.data["ends"])), [f"{name}, {t}" for name, t in reversed(result.data["ends"])])
    left.set(xscale="log", xlim=(1, 1e8), xlabel="largest z less smallest z", title="how far each way goes")
    left.grid(visible=False)
    truth = result.data["truth"]
    for place, (name, losses) in enumerate(reversed(result.data["single"].items())):
        fine, heights = np.isfinite(losses), place + np.random.default_rng(0).uniform(-0.22, 0.22, len(losses))
        right.scatter(truth[fine], heights[fine], s=22, color=style.COLOURS[0], edgecolors="white", linewidths=0.4)
        right.scatter(truth[~fine], heights[~fine], s=22, marker="x", lw=1, color=style.COLOURS[1])
        right.text(0, place + 0.32, f"{name}: {np.sum(fine)} of {len(fine)} have a loss", fontsize=9)
    right.set(ylim=(-0.4, 2.6), yticks=[], xlabel="exact loss of a wine")
    right.set_title("wines in their own units, one new layer, float32\n(×: infinite or not a number)")
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Introduction, numerical stability: log-sum-exp, softmax and cross-entropy as one operation",
    experiment,
    figure,
)
