"""What do L2 and dropout do against overfitting?

A network with more parameters than it needs can bend around every single example, noise included. That takes large
weights, and L2 makes them dear: lambda / 2 times the sum of all squared weights is added to the objective, lambda W to
the gradient, so each step also shrinks the weights by a small factor. Biases are left out.

Dropout instead silences each hidden unit with probability p, drawn anew in each step, and scales the others up by
1 / (1 - p) to make up for it. No unit can count on another one, so none can specialize in mending another's errors. In
prediction all units speak.

Both have a strength that must be chosen: with too little the network overfits still, with too much it underfits. The
lesson trains a 2-128-128-1 network on 100 points of two noisy moons, with growing lambda and with growing p, and
measures the loss (without the penalty) on 1000 other points. All numbers are means over three draws.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table
from glassnet.lessons.tables import Part, moons_in_parts

__all__ = ["LESSON"]

EXAMPLES, OTHERS, DRAWS, WIDTH, EPOCHS = 100, 1000, 3, 128, 300
LAMBDAS, RATES = (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0), (0.0, 0.2, 0.4, 0.6, 0.8, 0.95)
USUAL = (0.01, 0.5)  # what Lecture 5 tells to try


def trained(parts: list[Part], l2: float, rate: float, seed: int) -> Any:
    """A network after training with this penalty and this dropout."""
    from glassnet import Adam, Dense, Dropout, Network

    hidden = [Dense(WIDTH, "relu"), *([Dropout(rate)] if rate else [])] * 2
    net = Network(2, [*hidden, Dense(1, "sigmoid")], l2=l2, seed=seed)
    net.fit(*parts[0], optimizer=Adam(0.003), batch_size=32, epochs=EPOCHS)
    return net


def squares(net: Any) -> float:
    """The sum of all squared weights."""
    return float(sum(np.sum(weights**2) for name, weights in net.parameters.items() if name.startswith("W")))


def losses(net: Any, parts: list[Part]) -> tuple[float, float]:
    """On the examples and on other points, without the penalty."""
    share = net.architecture.l2 / 2 * squares(net)
    return net.loss(*parts[0]) - share, net.loss(*parts[1]) - share


def experiment(seed: int) -> Result:
    """Train at each strength, on each draw."""
    draws = [moons_in_parts(EXAMPLES, OTHERS, seed=10 * seed + draw) for draw in range(DRAWS)]
    strengths = [*((l2, 0.0) for l2 in LAMBDAS), *((0.0, rate) for rate in RATES[1:]), (0.0, USUAL[1]), USUAL]
    nets = {s: [trained(parts, *s, seed) for parts in draws] for s in strengths}
    found = {s: np.mean([losses(n, p) for n, p in zip(nets[s], draws, strict=True)], axis=0) for s in strengths}
    sizes = {s: float(np.mean([squares(net) for net in nets[s]])) for s in strengths}
    rows = [[f"{l2:g}", f"{rate:g}", *map(float, found[l2, rate]), sizes[l2, rate]] for l2, rate in sorted(strengths)]
    none, l2, dropout = found[0.0, 0.0], found[USUAL[0], 0.0], found[0.0, USUAL[1]]
    hardest, driest = found[LAMBDAS[-1], 0.0], found[0.0, RATES[-1]]
    return Result(
        (
            Table(
                f"a 2-{WIDTH}-{WIDTH}-1 network on {EXAMPLES} points, {EPOCHS} epochs",
                ["lambda", "p", "training loss", "loss on other points", "sum of W²"],
                rows,
            ),
        ),
        (
            Claim(
                f"without either it overfits: loss {none[0]:.2f} on its examples, {none[1]:.2f} on others",
                none[1] > 2 * none[0],
            ),
            Claim(
                f"L2 with lambda = {USUAL[0]:g} brings the second down to {l2[1]:.2f}, dropout with "
                f"p = {USUAL[1]:g} to {dropout[1]:.2f}",
                max(l2[1], dropout[1]) < 0.85 * none[1],
            ),
            Claim(
                f"with that lambda the squared weights shrink from {sizes[0.0, 0.0]:.0f} to {sizes[USUAL[0], 0.0]:.0f}",
                sizes[USUAL[0], 0.0] < sizes[0.0, 0.0] / 3,
            ),
            Claim(
                f"too much of either underfits: training loss {hardest[0]:.2f} with lambda = {LAMBDAS[-1]:g}, "
                f"{driest[0]:.2f} with p = {RATES[-1]:g}",
                min(hardest[0], driest[0]) > 2 * none[0] and hardest[1] > none[1] * 0.7 > l2[1],
            ),
        ),
        {"points": draws[0][0], "nets": {s: nets[s][0] for s in nets}, "found": found},
    )


def figure(result: Result) -> Any:
    """Three borders, and the losses by strength."""
    from glassnet.lessons import style

    page, axes = style.page(
        "L2 and dropout smooth the border that overfitting bends, and other points gain", 2, 3, height=7.2
    )
    (X, y), nets, found = result.data["points"], result.data["nets"], result.data["found"]
    kinds = {
        "neither": (0.0, 0.0),
        f"L2, λ = {USUAL[0]:g}": (USUAL[0], 0.0),
        f"dropout, p = {USUAL[1]:g}": (0.0, USUAL[1]),
    }
    for ax, (name, strength) in zip(axes[0], kinds.items(), strict=True):
        style.map_of(ax, nets[strength].predict, (-2.3, 2.3, -1.6, 1.6))
        style.points(ax, X, y, size=18)
        ax.set_title(f"{name}: loss {found[strength][1]:.2f}")
    for ax, strengths, label in (
        (axes[1, 0], [(l2, 0.0) for l2 in LAMBDAS], "lambda"),
        (axes[1, 1], [(0.0, rate) for rate in RATES], "dropout p"),
    ):
        pairs, places = np.array([found[s] for s in strengths]), range(len(strengths))
        for column, name, colour, dy in ((1, "other points", 0, 12), (0, "training", 1, -12)):
            ax.plot(places, pairs[:, column], "o-", color=style.COLOURS[colour])
            ax.annotate(
                name,
                (0, pairs[0, column]),
                xytext=(0, dy),
                textcoords="offset points",
                va="center",
                color=style.COLOURS[colour],
            )
        ax.set_xticks(places, [f"{max(s):g}" for s in strengths])
        ax.set(xlabel=label, title=f"loss by {label}")
        ax.set_ylim(0, 1.15 * pairs.max())
    bins = np.linspace(-0.6, 0.6, 41)
    for (name, strength), colour in zip(kinds.items(), (1, 0, 2), strict=True):
        weights = nets[strength].parameters["W2"].ravel()
        axes[1, 2].hist(weights, bins=bins, histtype="step", lw=2, color=style.COLOURS[colour])
        axes[1, 2].text(-0.62, 10 ** (5.2 - 0.35 * colour), name, color=style.COLOURS[colour])
    axes[1, 2].set(yscale="log", ylim=(0.7, 6e5), xlabel="weight", title="weights of the second layer")
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Introduction, L2 regularization; Lecture 5, hyperparameters: L2 and dropout",
    experiment,
    figure,
)
