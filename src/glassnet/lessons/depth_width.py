"""What does depth buy that width does not?

A ReLU network is a piecewise linear function, and the number of its pieces says how much it can bend. One hidden layer
of n units on a line has n kinks at most, hence n + 1 pieces. Depth composes: each layer that folds the line in two
doubles the pieces, so L layers of two units make a sawtooth with 2^L pieces (Telgarsky, 2016). A single layer needs
2^L - 1 units for that.

The lesson counts pieces exactly: layer by layer it finds every point where some unit's z crosses 0. It also counts them
in random networks, which is sobering: there depth buys little, for the fold has to be set up or learned.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

DEPTHS = (1, 2, 3, 4, 5, 6, 8, 10)
SHAPES = ((24,), (12, 12), (8, 8, 8), (6, 6, 6, 6), (4, 4, 4, 4, 4, 4))
DRAWS = 20


def sawtooth(depth: int) -> Any:
    """Layers of two ReLUs; each applies the tent t(x) = 2 relu(x) - 4 relu(x - 1/2), which folds [0, 1] in two."""
    from glassnet import Dense, Network

    net = Network(1, [*[Dense(2, "relu")] * depth, Dense(1)], dtype="float64")
    tent = np.array([2.0, -4.0])
    for number in range(1, depth + 1):
        net.parameters[f"W{number}"] = np.ones((2, 1)) if number == 1 else np.vstack([tent, tent])
        net.parameters[f"b{number}"] = [0.0, -0.5]
    net.parameters[f"W{depth + 1}"], net.parameters[f"b{depth + 1}"] = tent[None], [0.0]
    return net


def kinks(net: Any, low: float, high: float) -> np.ndarray:
    """Where between `low` and `high` the slope of a ReLU network of one input changes."""
    points = np.array([low, high])
    for number in range(1, len(net.architecture.dense)):
        z = net.trace(points[:, None])[f"z{number}"]  # linear between neighbouring points
        left, right = z[:-1], z[1:]
        segment, unit = np.nonzero(left * right < 0)
        share = left[segment, unit] / (left[segment, unit] - right[segment, unit])
        crossings = points[segment] + share * (points[segment + 1] - points[segment])
        points = np.unique(np.concatenate([points, crossings]))
    y = net.predict(points[:, None]).ravel()
    slopes = np.diff(y) / np.diff(points)
    scale = np.abs(slopes).max() or 1.0
    return points[1:-1][np.abs(np.diff(slopes)) > 1e-9 * scale]


def pieces(net: Any, low: float, high: float) -> int:
    """Number of linear pieces."""
    return len(kinks(net, low, high)) + 1


def drawn(units: tuple[int, ...], seed: int) -> Any:
    """A random ReLU network of one input, with random biases."""
    from glassnet import Dense, Network

    rng = np.random.default_rng(seed)
    net = Network(1, [*(Dense(n, "relu") for n in units), Dense(1)], dtype="float64", seed=seed)
    for number, n in enumerate(units, start=1):
        net.parameters[f"b{number}"] = rng.normal(size=n)
    return net


def experiment(seed: int) -> Result:
    """Count the pieces of sawteeth and of random networks."""
    nets = {depth: sawtooth(depth) for depth in DEPTHS}
    folded = {depth: pieces(net, 0, 1) for depth, net in nets.items()}
    random = {units: [pieces(drawn(units, 1000 * seed + draw), -10, 10) for draw in range(DRAWS)] for units in SHAPES}
    means = {units: float(np.mean(counts)) for units, counts in random.items()}
    return Result(
        (
            Table(
                "the sawtooth",
                ["hidden layers of 2", "units", "pieces", "most pieces of one layer of as many units"],
                [[depth, 2 * depth, folded[depth], 2 * depth + 1] for depth in DEPTHS],
            ),
            Table(
                f"{DRAWS} random networks of {sum(SHAPES[0])} units each, pieces on [-10, 10]",
                ["hidden layers", "units", "mean pieces", "most pieces"],
                [[len(units), sum(units), means[units], max(random[units])] for units in SHAPES],
            ),
        ),
        (
            Claim("L layers of two units make exactly 2^L pieces", all(folded[d] == 2**d for d in DEPTHS)),
            Claim(
                f"one layer of n units never has more than n + 1 (at most {max(random[SHAPES[0]])} with 24)",
                max(random[SHAPES[0]]) <= sum(SHAPES[0]) + 1,
            ),
            Claim(
                f"drawn at random, depth buys little: {means[SHAPES[0]]:.0f} pieces in one layer, at most "
                f"{max(means.values()):.0f} on average in any shape",
                max(means.values()) < 3 * sum(SHAPES[0]),
            ),
        ),
        {"nets": {d: nets[d] for d in (1, 3, 5)}, "folded": folded, "means": means},
    )


def figure(result: Result) -> Any:
    """Three sawteeth, and pieces against units."""
    from glassnet.lessons import style

    page, axes = style.page(
        "Each layer of two units doubles the pieces; in one layer each unit adds one at most",
        1,
        4,
        height=3.9,
        width_ratios=[1, 1, 1, 2],
    )
    x = np.linspace(0, 1, 1281)[:, None]
    for ax, (depth, net) in zip(axes[:3], result.data["nets"].items(), strict=True):
        ax.plot(x, net.predict(x), color=style.COLOURS[0], lw=1.6)
        ax.set(
            title=f"{depth} layer{'s' * (depth > 1)}: {2**depth} pieces", xlabel="x", xticks=[0, 0.5, 1], yticks=[0, 1]
        )
    right, folded, means = axes[3], result.data["folded"], result.data["means"]
    units = np.array([2 * depth for depth in folded])
    right.plot(units, list(folded.values()), "o-", color=style.COLOURS[0])
    shallow = np.append(units, sum(SHAPES[0]))
    right.plot(shallow, shallow + 1, "o-", color=style.COLOURS[1], ms=4)
    right.scatter([sum(SHAPES[0])] * len(means), list(means.values()), color=style.COLOURS[2], s=22, zorder=3)
    right.annotate(
        "sawtooth: $2^{n/2}$", (16, 256), xytext=(-8, 4), textcoords="offset points", ha="right", color=style.COLOURS[0]
    )
    right.annotate("one layer: n + 1", (10, 11), xytext=(-12, -18), textcoords="offset points", color=style.COLOURS[1])
    right.annotate(
        "random, 1 to 6 layers",
        (24, min(means.values())),
        xytext=(8, -16),
        textcoords="offset points",
        ha="right",
        color=style.COLOURS[2],
    )
    right.set(xlabel="hidden units n", title="linear pieces", xlim=(0.5, 26), xticks=range(4, 25, 4))
    style.log_axis(right.yaxis, [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024])
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, expressiveness and depth: linear regions; EE514, adding layers rather than neurons",
    experiment,
    figure,
)
