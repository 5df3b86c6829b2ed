"""How large should a network be?

Too few units cannot follow the curve: the error is high on the training examples already (underfitting, high bias).
Too many follow the noise as well: the training error falls below the noise while the error on new examples grows
(overfitting, high variance). In between lies what is wanted, and only examples that were not trained on can tell.

The lesson fits 20 noisy points of a sine with networks of 1 to 32 tanh units, each by 1,000 iterations of L-BFGS,
without any regularization, and judges them on 500 new points. It does so for five draws of the 20 points and takes the
median. A 1-n-1 network has P = (1 n + n) + (n 1 + 1) = 3 n + 1 parameters; seven units have more than there are points.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

UNITS = (1, 2, 3, 4, 8, 16, 32)
SHOWN = (1, 3, 32)
NOISE, EXAMPLES, DRAWS, ITERATIONS = 0.3, 20, 5, 1000


def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noisy points of sin(pi x) on [-1.5, 1.5]."""
    x = rng.uniform(-1.5, 1.5, (n, 1))
    return x, np.sin(np.pi * x[:, 0]) + NOISE * rng.normal(size=n)


def rmse(net: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Root mean square error."""
    return float(np.sqrt(net.loss(x, y)))


def experiment(seed: int) -> Result:
    """Fit each size to each draw."""
    from glassnet import Dense, Network

    rng = np.random.default_rng(seed)
    new = draw(500, rng)
    known, unknown = np.zeros((DRAWS, len(UNITS))), np.zeros((DRAWS, len(UNITS)))
    shown: dict[int, Any] = {}
    first: Any = None
    for i in range(DRAWS):
        data = draw(EXAMPLES, rng)
        first = first or data
        for j, units in enumerate(UNITS):
            net = Network(1, [Dense(units, "tanh"), Dense(1)], dtype="float64", seed=100 * seed + i)
            net.fit(*data, optimizer="lbfgs", epochs=ITERATIONS)
            known[i, j], unknown[i, j] = rmse(net, *data), rmse(net, *new)
            if i == 0 and units in SHOWN:
                shown[units] = net
    train, test = np.median(known, axis=0), np.median(unknown, axis=0)
    best = int(test.argmin())
    return Result(
        (
            Table(
                f"median error over {DRAWS} draws of {EXAMPLES} examples (the noise alone is {NOISE})",
                ["hidden units", "parameters", "error in training", "error on new examples"],
                [[u, 3 * u + 1, float(a), float(b)] for u, a, b in zip(UNITS, train, test, strict=True)],
            ),
        ),
        (
            Claim(f"one unit underfits: {train[0]:.2f} even in training", train[0] > 1.3 * NOISE),
            Claim(
                f"{UNITS[-1]} units overfit: {train[-1]:.2f} in training, {test[-1]:.2f} on new examples",
                bool(train[-1] < NOISE / 1.5 and test[-1] > 1.15 * test[best]),
            ),
            Claim(f"the best size lies between: {UNITS[best]} units with {test[best]:.2f}", 0 < best < len(UNITS) - 1),
        ),
        {"shown": shown, "data": first, "train": train, "test": test},
    )


def figure(result: Result) -> Any:
    """Three fits, and the two errors against size."""
    from glassnet.lessons import style

    data = result.data
    page, axes = style.page(
        "More units fit the examples better, then the noise; only new examples tell where to stop",
        1,
        4,
        height=3.9,
        width_ratios=[1, 1, 1, 1.7],
    )
    x = np.linspace(-1.5, 1.5, 400)[:, None]
    for ax, (units, net), word in zip(
        axes[:3], data["shown"].items(), ("too few", "about right", "too many"), strict=True
    ):
        ax.plot(x, np.sin(np.pi * x), color=style.GREY, lw=1.2)
        ax.plot(x, net.predict(x), color=style.COLOURS[0])
        ax.scatter(*data["data"], s=20, color=style.COLOURS[1], edgecolors="white", zorder=3)
        ax.set(title=f"{word}: {units} unit{'s' * (units > 1)}", ylim=(-2.1, 2.1), xlabel="x")
    right = axes[3]
    for key, colour, label, dx, dy in (("test", 1, "new examples", -12, 4), ("train", 0, "training", 0, 10)):
        right.plot(UNITS, data[key], "o-", color=style.COLOURS[colour])
        right.annotate(
            label,
            (UNITS[-2], data[key][-2]),
            xytext=(dx, dy),
            textcoords="offset points",
            ha="right" if dx else "left",
            color=style.COLOURS[colour],
        )
    right.axhline(NOISE, color=style.GREY, lw=1, ls=":")
    right.annotate("noise", (32, NOISE), xytext=(0, 4), textcoords="offset points", ha="center", color=style.GREY)
    right.set(xlabel="hidden units", title="error")
    style.log_axis(right.xaxis, [1, 2, 4, 8, 16, 32])
    style.log_axis(right.yaxis, [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10])
    return page


LESSON = Lesson(
    __name__, __doc__, "Lecture 5, network capacity and complexity; Introduction, bias and variance", experiment, figure
)
