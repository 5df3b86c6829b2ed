"""What does batch normalization make a network insensitive to?

Each unit's z is normalized over the batch, to mean 0 and variance 1, before the activation; then gamma and beta, which
are learned, give it the scale and the place that it needs. So the scale of the weights before it drops out: W and c W
give the same outputs, and layer by layer nothing can vanish or explode. The gradient of c W is 1 / c of that of W. A
start with weights too large therefore only learns more slowly, and one with weights too small faster: a wrong scale
has become a wrong learning rate, which is easier to mend.

The price: in training an output depends on the other examples of the batch. For prediction, running averages of mean
and variance take the batch's place; they need batches that are not too small and a learning rate that is not too large.

The lesson compares gradients over four scales, trains a network with six hidden layers on the digits from five scales
with seven learning rates, and shows one example to the trained network among different others. From the right start
the network without normalization does as well.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table
from glassnet.lessons.tables import numbers, standardized

__all__ = ["LESSON"]

DEPTH, WIDTH, EPOCHS = 6, 32, 10
SCALES, RATES = (0.1, 0.3, 1.0, 3.0, 10.0), (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
BATCHES, DRAWS, GOOD = (4, 16, 64, 256), 60, 0.8
KINDS = ("without", "with batch normalization")


def deep(kind: str, scale: float, seed: int, dtype: str = "float32") -> Any:
    """A deep ReLU network for the digits, its hidden weights `scale` times He's."""
    from glassnet import BatchNorm, Dense, Network

    norm = None if kind == "without" else BatchNorm()
    net = Network(64, [*[Dense(WIDTH, "relu", norm=norm)] * DEPTH, Dense(10, "softmax")], dtype=dtype, seed=seed)
    for number in range(1, DEPTH + 1):
        net.parameters[f"W{number}"] = scale * net.parameters[f"W{number}"]
    return net


def sizes(kind: str, scale: float, X: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """The softmax's inputs (n, 10), and the norm of the gradient of W1, before training."""
    trace = deep(kind, scale, seed, "float64").trace(X, y, training=True)
    return trace[f"z{DEPTH + 1}"], float(np.linalg.norm(trace["dW1"]))


def trained(kind: str, scale: float, rate: float, X: np.ndarray, y: np.ndarray, seed: int) -> tuple[Any, float]:
    """A network after some epochs of SGD, and its accuracy; NaN where training blew up."""
    from glassnet import SGD, DivergenceError

    net = deep(kind, scale, seed)
    try:
        net.fit(X, y, optimizer=SGD(rate), batch_size=64, epochs=EPOCHS)
    except DivergenceError:
        return net, float("nan")
    return net, float(np.mean(net.predict_classes(X) == y))


def company(net: Any, X: np.ndarray, label: int, seed: int) -> dict[int, np.ndarray]:
    """For each batch size the z (draws,) that the first example's own class gets among random others."""
    rng = np.random.default_rng(seed)
    return {
        size: np.array(
            [
                net.trace(X[np.append(0, rng.integers(1, len(X), size - 1))], training=True)[f"z{DEPTH + 1}"][0, label]
                for _ in range(DRAWS)
            ]
        )
        for size in BATCHES
    }


def experiment(seed: int) -> Result:
    """Scales at the start, the grid of trainings, and one example in company."""
    raw, y = numbers("digits")
    X = standardized(raw)
    start = {kind: {c: sizes(kind, c, X[:256], y[:256], seed) for c in SCALES[1:]} for kind in KINDS}
    base, _ = start[KINDS[1]][1.0]
    moved = max(float(np.abs(z - base).max() / np.abs(base).max()) for z, _ in start[KINDS[1]].values())
    slopes = {kind: {c: size for c, (_, size) in runs.items()} for kind, runs in start.items()}
    products = [c * size for c, size in slopes[KINDS[1]].items()]

    runs = {kind: [[trained(kind, c, eta, X, y, seed) for eta in RATES] for c in SCALES] for kind in KINDS}
    grids = {kind: np.array([[accuracy for _, accuracy in row] for row in rows]) for kind, rows in runs.items()}
    good = {kind: int(np.sum(grid >= GOOD)) for kind, grid in grids.items()}
    best = {kind: np.nanmax(np.where(np.isnan(grid), 0, grid), axis=1) for kind, grid in grids.items()}
    least = float(best[KINDS[1]].min())
    others = int(np.sum(best[KINDS[0]] >= least))
    lost = {kind: int(np.isnan(grid).sum()) for kind, grid in grids.items()}

    net, _ = runs[KINDS[1]][SCALES.index(1.0)][RATES.index(0.1)]
    outputs = company(net, X, int(y[0]), seed)
    alone = float(net.trace(X[:1])[f"z{DEPTH + 1}"][0, int(y[0])])
    spread = {size: float(z.std()) for size, z in outputs.items()}
    return Result(
        (
            Table(
                "norm of dW1 at the start, weights c times He's",
                ["c", *KINDS],
                [[c, *(slopes[kind][c] for kind in KINDS)] for c in SCALES[1:]],
            ),
            Table(
                f"accuracy on the digits after {EPOCHS} epochs, best of {len(RATES)} learning rates",
                ["c", *KINDS],
                [[c, *(float(best[kind][row]) for kind in KINDS)] for row, c in enumerate(SCALES)],
            ),
            Table(
                "z of one example's class among random others, in training",
                ["batch", "standard deviation"],
                [[size, sd] for size, sd in spread.items()],
            ),
        ),
        (
            Claim(
                f"from 0.3 to 10 times He's weights the outputs stay the same, to {moved:.0e}, and c times the "
                f"gradient of c W too, to {max(products) / min(products) - 1:.0e}",
                moved < 0.01 and max(products) < 1.01 * min(products),
            ),
            Claim(
                f"{good[KINDS[1]]} of {len(SCALES) * len(RATES)} trainings reach {GOOD:.0%} with it and "
                f"{good[KINDS[0]]} without; none blows up with it, {lost[KINDS[0]]} without",
                good[KINDS[1]] >= 1.5 * good[KINDS[0]] and lost[KINDS[1]] == 0 < lost[KINDS[0]],
            ),
            Claim(
                f"with it each of the {len(SCALES)} starts has a learning rate that gets to {least:.0%} or more; "
                f"without it {others} of them",
                least > 0.5 and others <= 2,
            ),
            Claim(
                f"one example's output varies with its batch: by {spread[4]:.2g} among 4, {spread[256]:.2g} among 256",
                spread[4] > 2 * spread[256] > 0,
            ),
        ),
        {"grids": grids, "outputs": outputs, "alone": alone},
    )


def figure(result: Result) -> Any:
    """Two grids of accuracies, and the outputs of one example."""
    from glassnet.lessons import style

    page, axes = style.page(
        "With batch normalization every scale of the weights has a learning rate that works", 1, 3, height=5.0
    )
    for ax, (kind, grid) in zip(axes, result.data["grids"].items(), strict=False):
        ax.imshow(np.nan_to_num(grid), origin="lower", cmap="Blues", vmin=0, vmax=1.15, aspect="auto")
        for (row, column), accuracy in np.ndenumerate(grid):
            text = "×" if np.isnan(accuracy) else f"{accuracy:.2f}"
            colour = style.COLOURS[1] if text == "×" else style.PAPER if accuracy > 0.6 else style.BLACK
            ax.text(column, row, text, ha="center", va="center", fontsize=8.5, color=colour)
        ax.set_xticks(range(len(RATES)), [f"{rate:g}" for rate in RATES], fontsize=8)
        ax.set_yticks(range(len(SCALES)), [f"{scale:g}" for scale in SCALES])
        ax.set(xlabel="learning rate", ylabel="weights at the start, times He's", title=f"{kind}: accuracy")
        ax.grid(False)
    axes[0].set_title("without: accuracy (×: blew up)")
    right = axes[2]
    for place, z in enumerate(result.data["outputs"].values()):
        right.scatter(place + np.linspace(-0.25, 0.25, len(z)), z, s=12, color=style.COLOURS[0], alpha=0.6)
    right.axhline(result.data["alone"], color=style.COLOURS[1], lw=1.5)
    right.text(-0.35, result.data["alone"] + 0.1, "in prediction", color=style.COLOURS[1], va="bottom", fontsize=9)
    right.set_xticks(range(len(BATCHES)), [str(size) for size in BATCHES])
    right.set(xlabel="examples in the batch", title="z of one example's class in training")
    return page


LESSON = Lesson(__name__, __doc__, "Lecture 5, optimization: batch normalization", experiment, figure)
