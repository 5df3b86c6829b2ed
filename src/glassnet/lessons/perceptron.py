"""How does the perceptron learn, and when does it stop?

It looks at one example at a time and changes only where it is wrong: w moves by (y - step(w x + b)) x. If a line with
margin gamma separates the classes and no example is longer than R, the rule makes at most (R / gamma)^2 mistakes in
all, whatever the order (Novikoff, 1962); then it stops for good. If no line does, it never stops.

The lesson runs the rule by hand and counts its mistakes for several margins. glassnet's perceptron, a step unit with
the perceptron criterion and plain SGD, takes the same steps.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

MARGINS = (0.4, 0.2, 0.1, 0.05, 0.02)
EXAMPLES, MOST_EPOCHS = 80, 500
SEPARATOR = np.array([0.6, 0.8, 0.1])  # w and b of the line that made the labels


def with_margin(gap: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points of the square [-1, 1]^2 that keep `gap` away from the line, and their side of it."""
    points = rng.uniform(-1, 1, (40 * EXAMPLES, 2))
    z = points @ SEPARATOR[:2] + SEPARATOR[2]
    kept = np.abs(z) >= gap
    return points[kept][:EXAMPLES], (z[kept][:EXAMPLES] > 0).astype(float)


def learn(X: np.ndarray, y: np.ndarray, epochs: int = MOST_EPOCHS) -> tuple[list[np.ndarray], bool]:
    """(w, b) after each mistake, from 0, and whether an epoch passed without one."""
    rows, path = np.column_stack([X, np.ones(len(X))]), [np.zeros(3)]
    for _ in range(epochs):
        before = len(path)
        for row, target in zip(rows, y, strict=True):
            error = target - float(row @ path[-1] >= 0)
            if error:
                path.append(path[-1] + error * row)
        if len(path) == before:
            return path, True
    return path, False


def bound(X: np.ndarray, y: np.ndarray) -> float:
    """(R / gamma)^2, with 1 beside each x for the bias, and gamma the margin of the line that made the labels."""
    rows = np.column_stack([X, np.ones(len(X))])
    gamma = np.min((2 * y - 1) * (rows @ SEPARATOR)) / np.linalg.norm(SEPARATOR)
    return float((np.linalg.norm(rows, axis=1).max() / gamma) ** 2)


def same_steps(X: np.ndarray, y: np.ndarray) -> float:
    """The largest difference between glassnet's weights and the rule's over one epoch."""
    from glassnet import SGD, Dense, Network

    net = Network(2, [Dense(1, "step", initializer="zeros")], "perceptron", dtype="float64")
    worst = 0.0
    for count in range(1, len(X) + 1):
        row = slice(count - 1, count)
        net.fit(X[row], y[row], optimizer=SGD(1.0), batch_size=1, epochs=1)
        by_rule = learn(X[:count], y[:count], epochs=1)[0][-1]
        here = np.append(net.parameters["W1"], net.parameters["b1"])
        worst = max(worst, float(np.abs(here - by_rule).max()))
    return worst


def experiment(seed: int) -> Result:
    """Count mistakes by margin, and on labels that no line separates."""
    rng = np.random.default_rng(seed)
    data = {gap: with_margin(gap, rng) for gap in MARGINS}
    runs = {gap: learn(*data[gap]) for gap in MARGINS}
    mistakes = {gap: len(path) - 1 for gap, (path, _) in runs.items()}
    bounds = {gap: bound(*data[gap]) for gap in MARGINS}
    X, y = data[0.2]
    flipped = y.copy()
    inside = np.argsort(np.abs(X @ SEPARATOR[:2] + SEPARATOR[2]))[-3:]  # three wrong labels far from the line
    flipped[inside] = 1 - flipped[inside]
    endless, stopped = learn(X, flipped, epochs=100)
    difference = same_steps(X, y)
    return Result(
        (
            Table(
                f"{EXAMPLES} separable examples",
                ["distance kept from the line", "mistakes in all", "bound (R / gamma)^2"],
                [[gap, mistakes[gap], bounds[gap]] for gap in MARGINS],
            ),
        ),
        (
            Claim(
                f"it stops, after {min(mistakes.values())} to {max(mistakes.values())} mistakes, fewer than the bound "
                "in each case",
                all(end for _, end in runs.values()) and all(mistakes[gap] <= bounds[gap] for gap in MARGINS),
            ),
            Claim(
                f"with three wrong labels it never stops: {len(endless) - 1} mistakes in 100 epochs",
                not stopped and len(endless) > 100,
            ),
            Claim(f"glassnet's perceptron takes the same steps (difference {difference:.0e})", difference < 1e-12),
        ),
        {"X": X, "y": y, "path": runs[0.2][0], "mistakes": mistakes, "bounds": bounds},
    )


def figure(result: Result) -> Any:
    """The line as it moves, and mistakes against the bound."""
    from glassnet.lessons import style

    page, (left, right) = style.page("The perceptron stops: its mistakes are bounded by (R / γ)²")
    path = result.data["path"]
    style.points(left, result.data["X"], result.data["y"])
    for place, w in enumerate(path[1:], start=1):
        share = place / (len(path) - 1)
        line = style.BLACK if share == 1 else style.GREY
        x1 = np.array([-1.2, 1.2])
        if abs(w[1]) > 1e-9:
            left.plot(
                x1, -(w[0] * x1 + w[2]) / w[1], color=line, lw=2.4 if share == 1 else 1, alpha=0.25 + 0.75 * share
            )
    left.set(
        xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), title=f"the line after each of {len(path) - 1} mistakes; black: at rest"
    )
    gaps = list(result.data["mistakes"])
    for key, colour, label in (("bounds", 1, "bound"), ("mistakes", 0, "mistakes")):
        values = list(result.data[key].values())
        right.plot(gaps, values, "o-", color=style.COLOURS[colour])
        right.annotate(
            label, (gaps[2], values[2]), xytext=(0, 10), textcoords="offset points", color=style.COLOURS[colour]
        )
    right.set(xlabel="distance kept from the line", title="fewer mistakes with a wider margin")
    style.log_axis(right.xaxis, gaps)
    style.log_axis(right.yaxis, [1, 10, 100, 1000])
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, single-layer perceptron; EE514, perceptron model; Introduction, early origins",
    experiment,
    figure,
)
