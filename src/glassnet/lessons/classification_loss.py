"""Why cross-entropy and not squared error, when the output is a probability?

Look at delta, where every gradient begins. Squared error through a sigmoid gives delta = (a - y) a (1 - a): the factor
a (1 - a) is nearly 0 where the unit is sure, even where it is sure and wrong. Cross-entropy's logarithm cancels that
factor, and delta = a - y is largest where the mistake is. Besides, as a function of z cross-entropy bends upwards
everywhere, so one unit has no local minima; squared error flattens out on both sides.

The lesson measures delta and curvature over z for an example of class 1. Then one unit starts with its weights the
wrong way round, sure of the wrong class, and learns two clouds with either loss and several learning rates.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

LOSSES = {"half_squared_error": "squared error", "binary_cross_entropy": "cross-entropy"}
RATES, SHOWN, EPOCHS, ENOUGH = (0.01, 0.1, 1.0, 10.0), 1.0, 200, 0.95
Z = np.linspace(-10, 10, 401)


def unit(loss: str, w: tuple[float, ...]) -> Any:
    """One sigmoid unit with weights `w`."""
    from glassnet import Dense, Network

    net = Network(len(w), [Dense(1, "sigmoid")], loss, dtype="float64")
    net.parameters["W1"] = [w]
    return net


def slope(loss: str) -> tuple[np.ndarray, np.ndarray]:
    """Loss and delta of each z in Z for an example of class 1, each taken for itself."""
    net = unit(loss, (1.0,))
    losses = np.array([net.loss([[z]], [1]) for z in Z])
    deltas = np.array([net.trace([[z]], [1])["delta1"].item() for z in Z])
    return losses, deltas


def training(loss: str, rate: float, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Accuracy at first and after each epoch, from weights that point the wrong way."""
    from glassnet import SGD

    net = unit(loss, (-3.0, -3.0))
    first = float(np.mean(net.predict_classes(X) == y))
    found = net.fit(X, y, optimizer=SGD(rate), batch_size=20, epochs=EPOCHS, metrics=["accuracy"])["accuracy"]
    return np.append(first, found)


def epochs_until(accuracy: np.ndarray) -> int | None:
    """The first epoch from which on the accuracy stays above ENOUGH."""
    low = np.flatnonzero(accuracy < ENOUGH)
    last = int(low[-1]) if len(low) else -1
    return None if last == len(accuracy) - 1 else last + 1


def experiment(seed: int) -> Result:
    """Slopes over z, then training from a wrong start."""
    from glassnet.tables.toys import gauss

    slopes = {loss: slope(loss) for loss in LOSSES}
    a = 1 / (1 + np.exp(-Z))
    theory = {"half_squared_error": (a - 1) * a * (1 - a), "binary_cross_entropy": a - 1}
    error = max(float(np.abs(slopes[loss][1] - theory[loss]).max()) for loss in LOSSES)
    bend = {loss: float(np.diff(losses, 2).min()) for loss, (losses, _) in slopes.items()}
    X, y = gauss(200, 0.1, np.random.default_rng(seed))
    runs = {loss: {rate: training(loss, rate, X, y) for rate in RATES} for loss in LOSSES}
    until = {loss: {rate: epochs_until(path) for rate, path in found.items()} for loss, found in runs.items()}
    squares, logs = until.values()
    at = [int(np.abs(Z - z).argmin()) for z in (-10, -5, -2, 0, 2)]
    return Result(
        (
            Table(
                "one example of class 1",
                ["z", "output a", *(f"delta, {name}" for name in LOSSES.values())],
                [[f"{Z[i]:g}", float(a[i]), *(float(slopes[loss][1][i]) for loss in LOSSES)] for i in at],
            ),
            Table(
                f"epochs until {ENOUGH:.0%} are right, from a start that is sure and wrong",
                ["learning rate", *LOSSES.values()],
                [
                    [f"{rate:g}", *(f"not in {EPOCHS}" if (n := u[rate]) is None else n for u in until.values())]
                    for rate in RATES
                ],
            ),
        ),
        (
            Claim(
                f"delta is (a - y) a (1 - a) with squared error and a - y with cross-entropy, to {error:.0e}",
                error < 1e-12,
            ),
            Claim(
                f"sure and wrong, at z = -10, squared error hands back {-slopes['half_squared_error'][1][0]:.0e}, "
                f"cross-entropy {-slopes['binary_cross_entropy'][1][0]:.3f}",
                abs(slopes["half_squared_error"][1][0]) < 1e-4 and abs(slopes["binary_cross_entropy"][1][0]) > 0.99,
            ),
            Claim(
                "over z cross-entropy is convex, squared error is not",
                bend["binary_cross_entropy"] > -1e-12 and bend["half_squared_error"] < -1e-6,
            ),
            Claim(
                "from a wrong start cross-entropy gets there at every rate, and before squared error",
                all(n is not None and ((s := squares[rate]) is None or s > n) for rate, n in logs.items()),
            ),
        ),
        {"slopes": slopes, "runs": {loss: found[SHOWN] for loss, found in runs.items()}},
    )


def figure(result: Result) -> Any:
    """Loss and delta over z, and the two trainings."""
    from glassnet.lessons import style

    page, (left, middle, right) = style.page(
        "Sure and wrong: squared error hands back no gradient, cross-entropy its largest", 1, 3, height=4.4
    )
    labels = (((-9.8, 0.8), (-9.8, 0.1), 0.5), ((-4.6, 4.9), (-9.8, 1.03), 1.03))
    for colour, (loss, name), (on_left, in_middle, height) in zip(
        style.COLOURS[1::-1], LOSSES.items(), labels, strict=True
    ):
        losses, deltas = result.data["slopes"][loss]
        left.plot(Z, losses, color=colour)
        left.text(*on_left, name, color=colour)
        middle.plot(Z, np.abs(deltas), color=colour)
        middle.text(*in_middle, name, color=colour)
        path = result.data["runs"][loss]
        right.plot(path, color=colour)
        right.text(int(np.argmax(path > 0.5)) + 6, height, name, color=colour)
    left.set(title="loss of an example of class 1", xlabel="z: sure and wrong on the left", ylim=(0, 8))
    middle.set(title="size of delta", xlabel="z", ylim=(0, 1.1))
    right.set(title=f"accuracy after a wrong start, rate {SHOWN:g}", xlabel="epoch", ylim=(0, 1.1))
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, cross-entropy loss; Class 2, output layer; Lecture 23, output layer weights; EE514, squared error",
    experiment,
    figure,
)
