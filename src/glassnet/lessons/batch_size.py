"""How many examples should a step look at: all, some, or one?

The gradient of a batch is an estimate of the gradient of all examples: right on average, and its error falls as
1/sqrt(B) with the B examples in it. (Exactly as sqrt((n - B) / (B (n - 1))), since no example comes twice.) Batch
descent takes one exact step an epoch, stochastic descent n hasty ones. At the same learning rate the many are far ahead
at first, since each step gains nearly as much as an exact one; later they jump about the minimum as long as the rate
stays what it is, while batch descent goes all the way. Mini-batches of 32 have most of both.

The lesson fits a linear unit to noisy examples, where the minimum is known, and follows the weights step by step. Then
a network learns two moons with the same rate and the same number of epochs.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

GOAL, SPREAD, EXAMPLES = np.array([1.0, -1.0]), np.array([[0.9, 0.2], [0.2, 0.8]]), 256
BATCHES, SHOWN = (1, 8, 32, 128, EXAMPLES), {EXAMPLES: "batch", 32: "mini-batch", 1: "stochastic"}
NOISE, RATE, EPOCHS, FIRST, LAST = 0.5, 0.2, 100, 4, 25


def unit(w: Any) -> Any:
    """A linear unit with these weights and no bias."""
    from glassnet import Dense, Network

    net = Network(2, [Dense(1, bias=False)], "half_squared_error", dtype="float64")
    net.parameters["W1"] = [w]
    return net


def descent(X: np.ndarray, y: np.ndarray, size: int) -> np.ndarray:
    """The weights (steps + 1, 2) from 0, with batches of this size."""
    from glassnet import SGD, Callback

    path = [np.zeros(2)]

    class Follow(Callback):
        """Keeps the weights after each step."""

        def on_batch_end(self, run: Any, loss: float) -> None:
            path.append(run.state.theta.copy())

    unit(path[0]).fit(X, y, optimizer=SGD(RATE), batch_size=size, epochs=EPOCHS, callbacks=Follow())
    return np.array(path)


def noise(X: np.ndarray, y: np.ndarray, size: int, rng: np.random.Generator) -> tuple[float, float]:
    """Relative error of the gradients of batches at 0, root mean square, and of their mean over one epoch."""
    net = unit((0.0, 0.0))
    whole = net.loss_and_gradient(X, y)[1]["W1"].copy()
    parts = []
    for _ in range(20 * max(1, size // 8)):
        rows = rng.permutation(EXAMPLES).reshape(-1, size)
        parts.append([net.loss_and_gradient(X[row], y[row])[1]["W1"].copy() for row in rows])
    off = np.concatenate(parts) - whole
    scale = np.linalg.norm(whole)
    return float(np.sqrt(np.mean(np.sum(off**2, axis=(1, 2)))) / scale), float(np.abs(off.mean(axis=0)).max() / scale)


def network_loss(X: np.ndarray, y: np.ndarray, size: int, seed: int) -> float:
    """Loss on two moons after 30 epochs."""
    from glassnet import SGD, Dense, Network

    net = Network(2, [Dense(16, "tanh"), Dense(1, "sigmoid")], dtype="float64", seed=seed)
    net.fit(X, y, optimizer=SGD(RATE), batch_size=size, epochs=30)
    return net.loss(X, y)


def experiment(seed: int) -> Result:
    """Measure the noise, descend with each size of batch, then train a network with each."""
    from glassnet.tables.toys import moons

    rng = np.random.default_rng(seed)
    X = rng.normal(size=(EXAMPLES, 2)) @ SPREAD
    y = X @ GOAL + NOISE * rng.normal(size=EXAMPLES)
    best = np.linalg.lstsq(X, y, rcond=None)[0]
    curvature = X.T @ X / EXAMPLES
    paths = {size: descent(X, y, size) for size in BATCHES}
    above = {}  # the loss above the smallest, at the end of each epoch
    for size, path in paths.items():
        off = path[:: EXAMPLES // size] - best
        above[size] = np.sum(off @ curvature * off, axis=1) / 2
    found = {size: noise(X, y, size, rng) for size in BATCHES}
    points, labels = moons(EXAMPLES, 0.1, np.random.default_rng(seed))
    rest = {size: float(np.mean(values[-LAST:])) for size, values in above.items()}
    expected = {size: found[1][0] * np.sqrt((EXAMPLES - size) / (size * (EXAMPLES - 1))) for size in BATCHES}
    worst = max(float(abs(found[size][0] / expected[size] - 1)) for size in BATCHES[1:-1])
    bias = max(mean for _, mean in found.values())
    losses = {size: network_loss(points / 3, labels, size, seed) for size in BATCHES}
    return Result(
        (
            Table(
                f"a linear unit, {EXAMPLES} examples, rate {RATE:g}: loss above the smallest possible",
                ["batch", "steps an epoch", "error of the gradient", "after 1 epoch", f"in the last {LAST} epochs"],
                [[n, EXAMPLES // n, found[n][0], float(above[n][1]), rest[n]] for n in BATCHES],
            ),
            Table("a network on two moons, 30 epochs", ["batch", "loss"], [[n, losses[n]] for n in BATCHES]),
        ),
        (
            Claim(
                f"a batch's gradient is right on average, to {bias:.0e}, and its error falls as 1/sqrt(B), less what "
                f"drawing each once takes off, within {worst:.0%}",
                bias < 1e-12 and worst < 0.2,
            ),
            Claim(
                f"after {FIRST} epochs mini-batches of 32 are {above[EXAMPLES][FIRST] / above[32][FIRST]:.0f} times as "
                "near to the smallest loss as batch descent",
                above[32][FIRST] < above[EXAMPLES][FIRST] / 3,
            ),
            Claim(
                f"at rest the smaller batch is the noisier: {rest[1]:.2g} above the smallest loss with one example, "
                f"{rest[32]:.2g} with 32, {rest[EXAMPLES]:.0e} with all",
                rest[1] > rest[8] > rest[32] > rest[EXAMPLES] and rest[EXAMPLES] < 1e-5,
            ),
            Claim(
                f"in as many epochs the network gets to {losses[32]:.2f} with 32, to {losses[EXAMPLES]:.2f} with all",
                losses[32] < losses[EXAMPLES],
            ),
        ),
        {"paths": paths, "above": above, "best": best, "curvature": curvature},
    )


def figure(result: Result) -> Any:
    """Three ways in the bowl, and loss by epoch."""
    from glassnet.lessons import style

    page, axes = style.page(
        "Small batches are there first and then jump about; the whole batch is slow and exact",
        1,
        4,
        height=4.2,
        width_ratios=[1, 1, 1, 1.5],
    )
    best, curvature, right = result.data["best"], result.data["curvature"], axes[3]
    w1, w2 = np.meshgrid(np.linspace(-0.4, 1.8, 121), np.linspace(-1.8, 0.4, 121))
    off = np.stack([w1, w2], axis=-1) - best
    for ax, (size, name), colour in zip(axes, SHOWN.items(), style.COLOURS[:3], strict=False):
        path = result.data["paths"][size][: FIRST * EXAMPLES // size + 1]
        ax.contour(w1, w2, np.sum(off @ curvature * off, axis=-1), 10, colors=style.GREY, linewidths=0.6)
        ax.plot(*path.T, "o-", ms=3 if size > 1 else 1, lw=1 if size > 1 else 0.4, color=colour)
        ax.plot(*best, "*", ms=12, color=style.BLACK)
        ax.set(title=f"{name}: {len(path) - 1:,} steps", xlabel="w1", xlim=(-0.4, 1.8), ylim=(-1.8, 0.4))
        ax.grid(False)
        above = result.data["above"][size]
        right.plot(np.arange(EPOCHS + 1), above, color=colour, lw=1.4)
        style.end_label(right, [EPOCHS], [above[-1] if size == EXAMPLES else np.median(above[-LAST:])], name, colour)
    axes[0].set_ylabel(f"w2, in {FIRST} epochs")
    right.set(xlabel="epoch", title="loss above the smallest", xlim=(0, EPOCHS), ylim=(1e-8, 2))
    right.set_yscale("log")
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, mini-batch gradient descent; Lecture 23, section 3.1; Introduction, mini-batch and averaging",
    experiment,
    figure,
)
