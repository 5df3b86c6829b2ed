"""What do a few wrong measurements do to a fit?

It depends on the loss. With squared error an example pulls with delta = 2 (a - y), the more the farther away it is:
without inputs the best prediction is the mean, which one wrong number carries off as far as you like. With absolute
error every example pulls with 1, near or far: the best prediction is the median. Huber's loss is squared near 0 and
absolute from 1 on. Where nothing is wrong and the noise is normal, squared error finds the likeliest fit.

The lesson fits 40 points near a line, moves 4 of them upwards, farther and farther, and fits again. A linear program
finds the line of least absolute error without any descent, for comparison. Then networks learn a sine with wrong points
in it.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

LOSSES = {"squared_error": "squared", "absolute_error": "absolute", "huber": "Huber"}
TRUE = (2.0, 1.0)  # slope and intercept
MOVED, EXAMPLES, WRONG = (0, 1, 2, 5, 10, 20, 50, 100), 40, 4
SHOWN = 10


def fitted(loss: str, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Slope and intercept of one linear unit with this loss; without inputs the slope is 0."""
    from glassnet import Adam, Cosine, Dense, LeastSquares, Network

    net = Network(1, [Dense(1)], loss, dtype="float64")
    net.parameters["W1"] = [[0.0]]
    rule = LeastSquares() if loss == "squared_error" and X.any() else Adam(Cosine(0.3))
    net.fit(X, y, optimizer=rule, batch_size=len(X), epochs=1500)
    return np.append(net.parameters["W1"], net.parameters["b1"])


def by_linear_program(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Slope and intercept of least absolute error: minimize sum t with -t <= w x + b - y <= t."""
    from scipy.optimize import linprog

    rows, eye = np.column_stack([X, np.ones(len(X))]), np.eye(len(X))
    A = np.block([[rows, -eye], [-rows, -eye]])
    cost = np.append(np.zeros(2), np.ones(len(X)))
    return linprog(cost, A_ub=A, b_ub=np.append(y, -y), bounds=(None, None)).x[:2]


def off(line: np.ndarray) -> float:
    """Root mean square distance to the true line over [0, 4]."""
    x = np.linspace(0, 4, 101)
    return float(np.sqrt(np.mean((np.polyval(line, x) - np.polyval(TRUE, x)) ** 2)))


def points(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (n, 1), y (n,) near the true line, and which examples will be wrong: some on the right half."""
    x = np.sort(rng.uniform(0, 4, EXAMPLES))
    wrong = rng.choice(np.arange(EXAMPLES // 2, EXAMPLES), WRONG, replace=False)
    return x[:, None], np.polyval(TRUE, x) + 0.3 * rng.normal(size=EXAMPLES), wrong


def moved(y: np.ndarray, wrong: np.ndarray, distance: float) -> np.ndarray:
    """The targets with the wrong ones moved upwards."""
    changed = y.copy()
    changed[wrong] += distance
    return changed


def curves(rng: np.random.Generator, seed: int) -> dict[str, Any]:
    """A sine with every tenth point wrong, and what networks with each loss make of it."""
    from glassnet import Adam, Cosine, Dense, Network

    x = np.sort(rng.uniform(-1, 1, 100))
    y = np.sin(3 * x) + 0.1 * rng.normal(size=100)
    y[5::10] += rng.uniform(2, 4, 10)
    nets = {loss: Network(1, [Dense(16, "tanh"), Dense(1)], loss, dtype="float64", seed=seed) for loss in LOSSES}
    for net in nets.values():
        net.fit(x[:, None], y, optimizer=Adam(Cosine(0.03)), batch_size=20, epochs=300)
    grid = np.linspace(-1, 1, 201)
    found = {loss: net.predict(grid[:, None]).ravel() for loss, net in nets.items()}
    errors = {loss: float(np.sqrt(np.mean((a - np.sin(3 * grid)) ** 2))) for loss, a in found.items()}
    return {"x": x, "y": y, "grid": grid, "found": found, "errors": errors}


def experiment(seed: int) -> Result:
    """Mean and median; lines by distance of the wrong points; curves."""
    rng = np.random.default_rng(seed)
    X, y, wrong = points(rng)
    lines = {loss: {far: fitted(loss, X, moved(y, wrong, far)) for far in MOVED} for loss in LOSSES}
    distance = {loss: [off(line) for line in found.values()] for loss, found in lines.items()}
    program = by_linear_program(X, moved(y, wrong, SHOWN))
    numbers = moved(y, wrong, SHOWN)
    least, ours = (
        float(np.abs(np.polyval(line, X[:, 0]) - numbers).mean()) for line in (program, lines["absolute_error"][SHOWN])
    )
    constant = {loss: float(fitted(loss, np.zeros_like(X), numbers)[1]) for loss in LOSSES}
    low, high = np.sort(numbers)[EXAMPLES // 2 - 1 : EXAMPLES // 2 + 1]
    curve = curves(rng, seed)
    squared, absolute, huber = distance.values()
    return Result(
        (
            Table(
                f"a line through {EXAMPLES} points of which {WRONG} are wrong: distance to the true line",
                ["wrong by", *LOSSES.values()],
                [[f"{far:g}", *(found[i] for found in distance.values())] for i, far in enumerate(MOVED)],
            ),
            Table(
                "a network on a sine with every tenth point wrong: distance to the sine",
                list(LOSSES.values()),
                [list(curve["errors"].values())],
            ),
        ),
        (
            Claim(
                f"without inputs squared error predicts the mean, {constant['squared_error']:.2f}, absolute error the "
                f"median, {constant['absolute_error']:.2f}",
                abs(constant["squared_error"] - numbers.mean()) < 1e-2
                and low - 1e-2 < constant["absolute_error"] < high + 1e-2,
            ),
            Claim(
                f"squared error's line is off in proportion: {squared[-3]:.1f} at {MOVED[-3]}, {squared[-1]:.1f} at "
                f"{MOVED[-1]}",
                abs(squared[-1] / squared[-3] - MOVED[-1] / MOVED[-3]) < 0.3,
            ),
            Claim(
                f"absolute error and Huber's loss are off by {max(*absolute, *huber):.2f} at most, at any distance",
                max(*absolute, *huber) < 0.5,
            ),
            Claim(
                f"the linear program finds no line of smaller absolute error: {least:.4f}, the unit's is {ours:.4f}",
                -1e-9 < ours - least < 1e-3 * least,
            ),
            Claim(
                f"the network's error is {curve['errors']['squared_error']:.2f} with squared error, "
                f"{curve['errors']['absolute_error']:.2f} with absolute error",
                curve["errors"]["squared_error"] > 2 * curve["errors"]["absolute_error"],
            ),
        ),
        {
            "X": X,
            "y": numbers,
            "lines": {g: found[SHOWN] for g, found in lines.items()},
            "off": distance,
            "curve": curve,
        },
    )


def figure(result: Result) -> Any:
    """The lines, their distance to the truth, and the curves."""
    from glassnet.lessons import style

    page, (left, middle, right) = style.page(
        "Squared error follows four wrong points as far as they go; absolute error stays", 1, 3, height=4.4
    )
    colours = dict(zip(LOSSES, (style.COLOURS[1], style.COLOURS[0], style.COLOURS[2]), strict=True))
    data, curve = result.data, result.data["curve"]
    ends = np.array([0, 4])
    left.scatter(data["X"], data["y"], s=16, color=style.GREY)
    for loss, line in data["lines"].items():
        left.plot(ends, np.polyval(line, ends), color=colours[loss], lw=1.8)
    left.plot(ends, np.polyval(TRUE, ends), color=style.BLACK, lw=1, ls="--")
    for loss, found in data["off"].items():
        middle.plot(MOVED[1:], found[1:], "o-", ms=4, color=colours[loss])
        middle.annotate(
            LOSSES[loss],
            (50, found[-2]),
            xytext=(-4, -16 if loss == "absolute_error" else 7),
            textcoords="offset points",
            ha="right",
            color=colours[loss],
        )
    right.scatter(curve["x"], curve["y"], s=12, color=style.GREY)
    for loss, found in curve["found"].items():
        right.plot(curve["grid"], found, color=colours[loss], lw=1.8)
    right.plot(curve["grid"], np.sin(3 * curve["grid"]), color=style.BLACK, lw=1, ls="--")
    left.set(title=f"{WRONG} points wrong by {SHOWN}\ndashed: the true line", xlabel="x")
    middle.set(title="distance to the true line,\nby how wrong the points are", xlabel="wrong by")
    right.set(title="networks, 10 points of 100 wrong\ndashed: the true sine", xlabel="x")
    style.log_axis(middle.xaxis, MOVED[1:])
    style.log_axis(middle.yaxis, [0.01, 0.1, 1, 10])
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, loss functions: squared error sensitive, absolute error robust to outliers",
    experiment,
    figure,
)
