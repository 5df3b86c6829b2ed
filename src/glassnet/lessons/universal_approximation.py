"""Why can one hidden layer approximate any continuous function?

Because two steep sigmoids make a bump, sigmoid(k (x - left)) - sigmoid(k (x - right)), and bumps side by side, each as
high as the function is there, follow any curve. Nothing is trained: the weights are read off the function. More bumps,
smaller error. In two dimensions a bump in x1 plus a bump in x2 is a cross; a second layer of steep sigmoids keeps only
where both are, and leaves a tower on a square.

The theorem says that the weights exist, not that training finds them. So the lesson trains tanh networks on the same
function beside it, which need far fewer units when training does find them. Try your own function with --target: of x
on [-1, 1], or of x1 and x2 on the square.
"""

import re
from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

TARGET, PLANE = "sin(3*x) + 0.4*cos(11*x)", "sin(3*x1)*cos(2*x2)"
BUMPS, TOWERS, TRAINED = (4, 8, 16, 32, 64, 128), (3, 6, 12, 24), (1, 2, 4, 8, 16)


def values(target: str, points: np.ndarray) -> np.ndarray:
    """The target at points (n, 1) or (n, 2); the text is parsed, not executed."""
    from glassnet.autograd import expressions

    names = ("x",) if points.shape[1] == 1 else ("x1", "x2")
    at: dict[str, Any] = dict(zip(names, points.T, strict=True))
    return np.broadcast_to(np.asarray(expressions([f"target = {target}"], at)["target"].value, float), len(points))


def edges(cells: int) -> np.ndarray:
    """Borders (cells + 1,) of the cells of [-1, 1]; the outer ones lie well outside."""
    found = np.linspace(-1, 1, cells + 1)
    found[[0, -1]] = -2, 2
    return found


def bumps(target: str, count: int) -> Any:
    """A 1-2m-1 network of m bumps."""
    from glassnet import Dense, Network

    left, right = edges(count)[:-1], edges(count)[1:]
    middles = np.linspace(-1, 1, 2 * count + 1)[1::2, None]
    height, k = values(target, middles), 25.0 * count
    net = Network(1, [Dense(2 * count, "sigmoid"), Dense(1)], dtype="float64")
    net.parameters["W1"], net.parameters["b1"] = np.full((2 * count, 1), k), -k * np.append(left, right)
    net.parameters["W2"], net.parameters["b2"] = np.append(height, -height)[None], [0.0]
    return net


def towers(target: str, count: int) -> Any:
    """A network of m x m towers: 2m bumps' edges, then a unit for each square."""
    from glassnet import Dense, Network

    inner, k = edges(count)[1:-1], 25.0 * count
    lines = len(inner)
    net = Network(2, [Dense(2 * lines, "sigmoid"), Dense(count**2, "sigmoid"), Dense(1)], dtype="float64")
    net.parameters["W1"] = np.kron(np.eye(2), np.full((lines, 1), k))
    net.parameters["b1"] = -k * np.tile(inner, 2)
    between = np.zeros((count, lines))  # a bump is its left edge minus its right one; the first has no left edge: 1
    between[np.arange(1, count), np.arange(lines)] = 1
    between[np.arange(count - 1), np.arange(lines)] -= 1
    first = (np.arange(count) == 0).astype(float)
    net.parameters["W2"] = 40 * np.hstack([np.repeat(between, count, axis=0), np.tile(between, (count, 1))])
    net.parameters["b2"] = 40 * (np.repeat(first, count) + np.tile(first, count) - 1.5)
    middles = np.linspace(-1, 1, 2 * count + 1)[1::2]
    squares = np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1).reshape(-1, 2)
    net.parameters["W3"], net.parameters["b3"] = values(target, squares)[None], [0.0]
    return net


def trained(target: str, units: int, seed: int) -> Any:
    """A 1-m-1 tanh network, the best of three starts."""
    from glassnet import Dense, Network

    x = np.linspace(-1, 1, 101)[:, None]
    nets = [Network(1, [Dense(units, "tanh"), Dense(1)], dtype="float64", seed=10 * seed + start) for start in range(3)]
    for net in nets:
        net.fit(x, values(target, x), optimizer="lbfgs", epochs=1000)
    return min(nets, key=lambda net: net.loss(x, values(target, x)))


def experiment(seed: int, target: str = TARGET) -> Result:
    """Build bumps and towers, and train tanh networks; errors are root mean squares over a fine grid."""
    flat = re.search(r"\bx[12]\b", target) is not None
    line, plane = (TARGET, target) if flat else (target, PLANE)
    x = np.linspace(-1, 1, 1001)[:, None]
    grid = np.stack(np.meshgrid(x[::20, 0], x[::20, 0]), axis=-1).reshape(-1, 2)

    def error(net: Any, text: str, points: np.ndarray) -> float:
        return float(np.sqrt(np.mean((net.predict(points).ravel() - values(text, points)) ** 2)))

    built = {count: bumps(line, count) for count in BUMPS}
    learned = {units: trained(line, units, seed) for units in TRAINED}
    raised = {count: towers(plane, count) for count in TOWERS}
    one = {2 * count: error(net, line, x) for count, net in built.items()}
    two = {count**2: error(net, plane, grid) for count, net in raised.items()}
    fitted = {units: error(net, line, x) for units, net in learned.items()}
    first, last = list(one.values())[:: len(one) - 1]
    low, high = list(two.values())[:: len(two) - 1]
    return Result(
        (
            Table(f"bumps by hand: {line}", ["hidden units", "error"], [[k, v] for k, v in one.items()]),
            Table(f"towers by hand: {plane}", ["towers", "error"], [[k, v] for k, v in two.items()]),
            Table(f"tanh units, trained: {line}", ["hidden units", "error"], [[k, v] for k, v in fitted.items()]),
        ),
        (
            Claim(
                f"bumps: the error falls from {first:.2g} to {last:.2g} with the width", last <= max(first / 4, 1e-9)
            ),
            Claim(f"towers: it falls from {low:.2g} to {high:.2g}", high <= max(low / 2, 1e-9)),
            Claim(
                f"{TRAINED[-1]} trained units do better than {BUMPS[-1] // 4} bumps, {BUMPS[-1] // 2} units, by hand",
                fitted[TRAINED[-1]] <= max(one[BUMPS[-1] // 2], 1e-6),
            ),
        ),
        {
            "line": line,
            "plane": plane,
            "x": x,
            "bumps": built[16],
            "towers": raised[12],
            "one": one,
            "two": two,
            "fitted": fitted,
        },
    )


def figure(result: Result) -> Any:
    """The staircase of bumps, the towers, and error against width."""
    from glassnet.lessons import style

    data = result.data
    page, (left, middle, right) = style.page(
        "Steep sigmoids make bumps, and bumps follow any function: more width, less error", 1, 3, height=4.6
    )
    x = data["x"]
    left.plot(x, values(data["line"], x), color=style.GREY, lw=3, alpha=0.7)
    left.plot(x, data["bumps"].predict(x), color=style.COLOURS[0], lw=1.5)
    left.set(title=f"16 bumps by hand\n{data['line']}", xlabel="x")
    side = np.linspace(-1, 1, 200)
    points = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    heights = data["towers"].predict(points).reshape(200, 200)
    middle.imshow(heights, origin="lower", extent=(-1, 1, -1, 1), cmap="cividis", aspect="auto")
    middle.grid(False)
    middle.set(title=f"12 x 12 towers by hand\n{data['plane']}", xlabel="x1", ylabel="x2")
    for name, key, colour in (("bumps", "one", 0), ("towers", "two", 1), ("trained tanh", "fitted", 2)):
        width, error = list(data[key]), np.maximum(list(data[key].values()), 1e-12)
        right.plot(width, error, "o-", ms=4, color=style.COLOURS[colour])
        right.annotate(
            name,
            (width[-1], error[-1]),
            xytext=(-2, -14),
            textcoords="offset points",
            ha="center",
            color=style.COLOURS[colour],
            fontsize=9,
        )
    right.set(xscale="log", yscale="log", xlabel="units (towers)", title="root mean square error\nagainst width")
    right.margins(0.12, 0.18)
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, universal approximation theorem; EE514, what functions a network can model (Hornik 1991)",
    experiment,
    figure,
    {"target": TARGET},
)
