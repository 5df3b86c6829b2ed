"""Why should activations be centred at zero?

The gradient of a unit's weights is delta times its inputs. If all inputs are positive, as a sigmoid's outputs are, all
its weights move up together or down together in every step. Where one weight should rise and another fall, the descent
has to zig-zag between the two directions that it has. With inputs around zero, such as tanh gives, every direction is
open.

The lesson trains one linear unit with two inputs, once in [0, 1] and once in [-1, 1], where they have the
same mean square, by SGD with one example a step, towards the weights (1, -1).
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

STEPS, RATE = 400, 0.3
GOAL = np.array([1.0, -1.0])


def descent(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (steps + 1, 2) on the way, and each step's gradient (steps, 2)."""
    from glassnet import SGD, Dense, Network

    net = Network(2, [Dense(1, bias=False, initializer="zeros")], "half_squared_error", dtype="float64")
    path, slopes = [np.zeros(2)], []
    for x in X:
        row, y = x[None], [float(x @ GOAL)]
        slopes.append(net.loss_and_gradient(row, y)[1]["W1"][0].copy())
        net.fit(row, y, optimizer=SGD(RATE), batch_size=1, epochs=1)
        path.append(net.parameters["W1"][0].copy())
    return np.array(path), np.array(slopes)


def arrival(path: np.ndarray) -> int:
    """The first step after which the weights stay within 0.1 of the goal."""
    far = np.flatnonzero(np.linalg.norm(path - GOAL, axis=1) > 0.1)
    return int(far[-1]) + 1


def experiment(seed: int) -> Result:
    """The same inputs, as they are and centred."""
    positive = np.random.default_rng(seed).uniform(0, 1, (STEPS, 2))
    kinds = {"positive": positive, "centred": 2 * positive - 1}
    runs = {name: descent(X) for name, X in kinds.items()}
    same = {name: float(np.mean(np.prod(slopes, axis=1) >= 0)) for name, (_, slopes) in runs.items()}
    steps = {name: arrival(path) for name, (path, _) in runs.items()}
    lengths = {
        n: float(np.linalg.norm(np.diff(path[: steps[n] + 1], axis=0), axis=1).sum()) for n, (path, _) in runs.items()
    }
    return Result(
        (
            Table(
                "one linear unit towards w = (1, -1)",
                ["inputs", "steps where both weights move the same way", "steps to arrive", "length of the way"],
                [[name, f"{same[name]:.0%}", steps[name], lengths[name]] for name in runs],
            ),
        ),
        (
            Claim("with positive inputs both weights move the same way in every step", same["positive"] == 1.0),
            Claim(f"with centred ones in {same['centred']:.0%} of the steps", 0.35 < same["centred"] < 0.65),
            Claim(
                f"so the way there takes {steps['positive']} steps instead of {steps['centred']}",
                steps["positive"] > 2 * steps["centred"],
            ),
        ),
        {"paths": {name: path for name, (path, _) in runs.items()}, "steps": steps},
    )


def figure(result: Result) -> Any:
    """The two ways."""
    from glassnet.lessons import style

    page, axes = style.page("With positive inputs the descent can only zig-zag towards (1, −1)", 1, 2, height=5.6)
    for ax, (name, path), colour in zip(axes, result.data["paths"].items(), (1, 0), strict=True):
        steps = result.data["steps"][name]
        ax.plot(*path[: steps + 1].T, "o-", ms=3, lw=1, color=style.COLOURS[colour])
        ax.plot(*GOAL, "*", ms=15, color=style.BLACK)
        ax.annotate("start", (0, 0), xytext=(-8, 8), textcoords="offset points", ha="right", fontsize=9)
        ax.set(
            title=f"{name} inputs: {steps} steps",
            xlabel="w1",
            ylabel="w2",
            xlim=(-0.5, 1.3),
            ylim=(-1.3, 0.5),
            xticks=[-0.5, 0, 0.5, 1],
            yticks=[-1, -0.5, 0, 0.5],
            aspect="equal",
        )
    return page


LESSON = Lesson(__name__, __doc__, "Lecture 5, sigmoid and tanh: zero-centred; EE514, tanh", experiment, figure)
