"""What if the learning rate is too low, or too high?

Near a minimum every smooth loss is a bowl with a curvature c in each direction. There a step of gradient descent
multiplies the distance to the minimum by 1 - eta c. Far below 1/c hardly anything happens. From 1/c on the descent
steps across the minimum, back and forth; beyond 2/c each step ends farther away than it began. One rate has to serve
all directions, so the steepest sets the limit and the flattest the time; 2 / (c_1 + c_2) is the best compromise.

The lesson lets one linear unit descend such a bowl and compares every step with that formula. Then it trains a network
with rates from 0.0001 to 100, where no formula tells the best one: a few are tried, each about three times the last.
"""

from contextlib import suppress
from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

GOAL, STEPS = np.array([1.0, -1.0]), 30
SPREAD = np.array([[0.9, 0.3], [0.3, 0.6]])
RATES = tuple(float(f"{10**power:.1g}") for power in np.arange(-4, 2.5, 0.5))
EPOCHS, NETWORKS = 50, 3


def bowl(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Inputs (n, 2), targets (n,), and the curvatures (2,) of half the squared error with their directions (2, 2)."""
    X = np.random.default_rng(seed).normal(size=(200, 2)) @ SPREAD
    curvature, directions = np.linalg.eigh(X.T @ X / len(X))
    return X, X @ GOAL, curvature, directions


def descent(X: np.ndarray, y: np.ndarray, rate: float) -> np.ndarray:
    """The weights (steps + 1, 2) of one linear unit on its way from 0."""
    from glassnet import SGD, Dense, Network

    net = Network(2, [Dense(1, bias=False, initializer="zeros")], "half_squared_error", dtype="float64")
    path = [net.parameters["W1"][0].copy()]
    for _ in range(STEPS):
        net.fit(X, y, optimizer=SGD(rate), batch_size=len(X), epochs=1)
        path.append(net.parameters["W1"][0].copy())
    return np.array(path)


def by_formula(curvature: np.ndarray, directions: np.ndarray, rate: float) -> np.ndarray:
    """The same way by (1 - eta c)^t in each direction."""
    factors = (1 - rate * curvature) ** np.arange(STEPS + 1)[:, None]  # (steps + 1, 2)
    return GOAL + (factors * (directions.T @ -GOAL)) @ directions.T


def trained(rate: float, X: np.ndarray, y: np.ndarray, seed: int) -> float:
    """Mean loss of networks trained with this rate; one that diverges counts with its last finite weights."""
    from glassnet import SGD, Dense, DivergenceError, Network

    losses = []
    for i in range(NETWORKS):
        net = Network(
            2, [Dense(16, "tanh"), Dense(16, "tanh"), Dense(1, "sigmoid")], dtype="float64", seed=10 * seed + i
        )
        with suppress(DivergenceError):
            net.fit(X, y, optimizer=SGD(rate), batch_size=20, epochs=EPOCHS)
        losses.append(net.loss(X, y))
    return float(np.mean(losses))


def experiment(seed: int) -> Result:
    """Descend a bowl with four rates; train a network with thirteen."""
    from glassnet.tables.toys import moons

    X, y, curvature, directions = bowl(seed)
    flat, steep = curvature
    rates = {
        "too low": 0.05 / steep,
        "right": 2 / (flat + steep),
        "below the limit": 1.9 / steep,
        "too high": 2.1 / steep,
    }
    paths = {name: descent(X, y, rate) for name, rate in rates.items()}
    error = max(float(np.abs(paths[n] - by_formula(curvature, directions, rate)).max()) for n, rate in rates.items())
    left = {name: float(np.linalg.norm(path[-1] - GOAL) / np.linalg.norm(GOAL)) for name, path in paths.items()}
    factors = {name: float(np.abs(1 - rate * curvature).max()) for name, rate in rates.items()}
    points, labels = moons(200, 0.1, np.random.default_rng(seed))
    losses = [trained(rate, points / 3, labels, seed) for rate in RATES]
    best = int(np.argmin(losses))
    return Result(
        (
            Table(
                f"{STEPS} steps in a bowl with curvatures {flat:.2f} and {steep:.2f}",
                ["rate", "eta", "eta / (2 / c)", "largest |1 - eta c|", "share of the way left"],
                [[n, rate, rate * steep / 2, factors[n], left[n]] for n, rate in rates.items()],
            ),
            Table(
                f"a 2-16-16-1 network on two moons, {EPOCHS} epochs",
                ["eta", "loss"],
                [[f"{rate:g}", loss] for rate, loss in zip(RATES, losses, strict=True)],
            ),
        ),
        (
            Claim(f"each step multiplies the distance by 1 - eta c in each direction, to {error:.0e}", error < 1e-9),
            Claim(
                f"after {STEPS} steps the low rate has {left['too low']:.0%} of the way before it, the right one "
                f"{left['right']:.1%}",
                left["too low"] > 0.5 and left["right"] < 0.01,
            ),
            Claim(
                f"5% below 2 / c it arrives, 5% above it is {left['too high']:.1f} times as far away as at first",
                left["below the limit"] < 0.1 and left["too high"] > 1,
            ),
            Claim(
                f"the network: loss {losses[0]:.2f} at rate {RATES[0]:g}, {losses[best]:.3f} at {RATES[best]:g}, "
                f"{losses[-1]:.0f} at {RATES[-1]:g}, worse than guessing",
                losses[0] > 0.5 and losses[best] < 0.1 and losses[-1] > np.log(2),
            ),
        ),
        {"X": X, "paths": paths, "rates": rates, "losses": losses},
    )


def figure(result: Result) -> Any:
    """Three ways down a bowl, and loss against rate."""
    from glassnet.lessons import style

    page, axes = style.page(
        "Too low: no progress. Too high: back and forth, and ever farther away",
        1,
        4,
        height=4.2,
        width_ratios=[1, 1, 1, 1.5],
    )
    X, losses = result.data["X"], result.data["losses"]
    w1, w2 = np.meshgrid(np.linspace(-1.2, 3.2, 121), np.linspace(-3.2, 1.2, 121))
    height = np.mean(((np.stack([w1, w2], axis=-1) - GOAL) @ X.T) ** 2, axis=-1) / 2
    for ax, name, colour in zip(axes, ("too low", "right", "too high"), (2, 0, 1), strict=False):
        path = result.data["paths"][name]
        ax.contour(w1, w2, height, levels=np.geomspace(0.02, 6, 8), colors=style.GREY, linewidths=0.6)
        ax.plot(*path.T, "o-", ms=3, lw=1, color=style.COLOURS[colour])
        ax.plot(*GOAL, "*", ms=12, color=style.BLACK)
        ax.set(title=f"{name}: η = {result.data['rates'][name]:.2f}", xlabel="w1", xlim=(-1.2, 3.2), ylim=(-3.2, 1.2))
        ax.grid(False)
    axes[0].set_ylabel("w2")
    right = axes[3]
    right.plot(RATES, losses, "o-", color=style.COLOURS[6])
    right.set(xlabel="learning rate η", title="a network: loss after training")
    style.log_axis(right.xaxis, [1e-4, 1e-2, 1, 100])
    style.log_axis(right.yaxis, [0.001, 0.01, 0.1, 1, 10, 100])
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, hyperparameters and pitfalls; Class 2, parameter update; Lecture 23, gradient-based optimization",
    experiment,
    figure,
)
