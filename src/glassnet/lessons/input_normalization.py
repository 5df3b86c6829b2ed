"""Why should the inputs have the same scale?

The curvature of the loss along a weight is the mean square of its input: an input a hundred times as large makes the
loss ten thousand times as steep along its weight. The learning rate has to suit the steepest direction (below 2 over
the largest eigenvalue of the Hessian), and then the flat ones hardly move. Standardizing (mean 0, standard deviation 1)
or scaling to [0, 1] gives all weights slopes of one size. What is subtracted and divided by belongs to the model: it is
computed on the training data, and new data go through the same numbers.

The lesson first follows gradient descent on two inputs, each time with the learning rate that suits it best: only the
ratio of the curvatures decides. Then it trains a network on the wines, whose 13 analyses run from tenths to more than
a thousand: as they are, scaled to [0, 1], and standardized, each with the best of eight learning rates.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table
from glassnet.lessons.tables import numbers, standardized

__all__ = ["LESSON"]

LARGE, STEPS, CLOSE = 5.0, 150, 0.01
RATES, EPOCHS = (1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-5), 60


def curvatures(X: np.ndarray) -> np.ndarray:
    """Eigenvalues of the Hessian X^T X / n of a linear unit's half squared error, ascending."""
    return np.linalg.eigvalsh(X.T @ X / len(X))


def descent(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights (steps + 1, 2) of a linear unit on the way down, at the best learning rate for these inputs."""
    from glassnet import SGD, Dense, Network

    low, high = curvatures(X)
    net = Network(2, [Dense(1, bias=False, initializer="zeros")], "half_squared_error", dtype="float64")
    path = [np.zeros(2)]
    for _ in range(STEPS):
        net.fit(X, y, optimizer=SGD(float(2 / (low + high))), batch_size=len(X), epochs=1)
        path.append(net.parameters["W1"][0].copy())
    return np.array(path)


def arrival(path: np.ndarray, goal: np.ndarray) -> int:
    """Steps until 1 % of the way is left."""
    left = np.linalg.norm(path - goal, axis=1) / np.linalg.norm(goal)
    return int(np.argmax(left < CLOSE))


def best_training(X: np.ndarray, y: np.ndarray, seed: int) -> tuple[float, Any, float]:
    """The learning rate with the lowest loss at the end, its losses by epoch, and its accuracy."""
    from glassnet import SGD, Dense, DivergenceError, Network

    runs = []
    for rate in RATES:
        net = Network(X.shape[1], [Dense(16, "tanh"), Dense(3, "softmax")], seed=seed)
        try:
            losses = net.fit(X, y, optimizer=SGD(rate), batch_size=32, epochs=EPOCHS)["loss"]
        except DivergenceError:
            continue
        runs.append((net.loss(X, y), rate, losses, float(np.mean(net.predict_classes(X) == y))))
    return min(runs, key=lambda run: run[0])[1:]


def experiment(seed: int) -> Result:
    """Two inputs to look at, then a real table."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(200, 2)) * [1, LARGE]
    raw -= raw.mean(axis=0)
    inputs = {"as they are": raw, "standardized": standardized(raw)}
    goals = {"as they are": np.ones(2), "standardized": raw.std(axis=0)}  # y = x1 + x2, in either scale
    paths = {how: descent(X, raw.sum(axis=1)) for how, X in inputs.items()}
    steps = {how: arrival(path, goals[how]) for how, path in paths.items()}
    ratio = {how: float(np.divide(*curvatures(X)[::-1])) for how, X in inputs.items()}

    wines, y = numbers("wine")
    spans = wines.max(axis=0) - wines.min(axis=0)
    scaled = {
        "as they are": wines,
        "scaled to [0, 1]": (wines - wines.min(axis=0)) / spans,
        "standardized": standardized(wines),
    }
    trained = {how: best_training(X, y, seed) for how, X in scaled.items()}
    last = {how: losses[-1] for how, (_, losses, _) in trained.items()}
    rate, _, accuracy = trained["standardized"]
    return Result(
        (
            Table(
                f"gradient descent on two inputs, one {LARGE:g} times as large",
                ["inputs", "largest / smallest curvature", "best learning rate", "steps until 1% is left"],
                [[how, ratio[how], float(2 / curvatures(X).sum()), steps[how]] for how, X in inputs.items()],
            ),
            Table(
                f"a 13-16-3 network on the wines after {EPOCHS} epochs",
                ["inputs", "best learning rate", "loss", "accuracy"],
                [[how, rate, losses[-1], accuracy] for how, (rate, losses, accuracy) in trained.items()],
            ),
        ),
        (
            Claim(
                f"the ratio of the curvatures falls from {ratio['as they are']:.0f} to {ratio['standardized']:.1f}, "
                f"and the steps from {steps['as they are']} to {steps['standardized']}",
                ratio["as they are"] > 15 * ratio["standardized"]
                and steps["as they are"] > 5 * steps["standardized"] > 0,
            ),
            Claim(
                f"on the wines the loss ends at {last['standardized']:.2g} standardized and "
                f"{last['scaled to [0, 1]']:.2g} in [0, 1], at {last['as they are']:.2g} as they are",
                10 * last["standardized"] < last["as they are"] > 4 * last["scaled to [0, 1]"],
            ),
            Claim(
                f"the standardized network takes a learning rate of {rate:g} and is right on {accuracy:.0%}",
                rate >= 30 * trained["as they are"][0] and accuracy > 0.98,
            ),
        ),
        {"inputs": inputs, "goals": goals, "paths": paths, "steps": steps, "ratio": ratio, "trained": trained},
    )


def contours(axes: Any, X: np.ndarray, goal: np.ndarray, span: tuple[float, float, float, float]) -> None:
    """Lines of equal loss over the two weights."""
    from glassnet.lessons import style

    w1, w2 = np.meshgrid(np.linspace(*span[:2], 200), np.linspace(*span[2:], 200))
    away = np.column_stack([w1.ravel(), w2.ravel()]) - goal
    heights = np.einsum("ij,jk,ik->i", away, X.T @ X / len(X), away).reshape(w1.shape) / 2
    axes.contour(w1, w2, heights, np.geomspace(0.02, 1, 7) * heights.max(), colors=[style.GREY], linewidths=0.7)
    axes.grid(False)


def figure(result: Result) -> Any:
    """The two valleys, and the losses on the wines."""
    from glassnet.lessons import style

    data = result.data
    page, axes = style.page("Inputs of one scale turn a ravine into a bowl: the same descent, far fewer steps", 1, 3)
    spans = {"as they are": (-0.2, 2.2, -0.2, 2.2), "standardized": (-1, 6.5, -1, 6.5)}
    for ax, (how, path), colour in zip(axes, data["paths"].items(), (1, 0), strict=False):
        contours(ax, data["inputs"][how], data["goals"][how], spans[how])
        ax.plot(*path.T, "o-", ms=3, lw=1.2, color=style.COLOURS[colour])
        ax.plot(*data["goals"][how], "*", ms=14, color=style.BLACK)
        ax.set(xlim=spans[how][:2], ylim=spans[how][2:], xlabel="w1", ylabel="w2", aspect="equal")
        ax.set_title(f"{how}: {data['steps'][how]} steps\ncurvatures 1 to {data['ratio'][how]:.1f}")
    right = axes[2]
    for colour, dy, (how, (rate, losses, _)) in zip((1, 2, 0), (8, 52, -18), data["trained"].items(), strict=True):
        right.plot(np.arange(1, EPOCHS + 1), losses, color=style.COLOURS[colour])
        right.annotate(
            f"{how}, rate {rate:g}",
            (EPOCHS, losses[-1]),
            xytext=(0, dy),
            textcoords="offset points",
            ha="right",
            color=style.COLOURS[colour],
        )
    right.set(yscale="log", ylim=(5e-4, 3), xlabel="epoch", title="loss on the wines,\neach at its best learning rate")
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, implementation tips: normalize inputs",
    experiment,
    figure,
)
