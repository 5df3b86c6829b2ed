"""Why can a single unit not compute XOR, and what does a hidden layer change?

A unit says 1 where w x + b > 0: on one side of a line. Each corner of the square that XOR labels is a condition on
(w1, w2, b), four in all. A linear program looks for a solution, and its dual proves that there is none: weights of the
four conditions whose sum reads 0 >= 1. So no training can help.

Two ways out. One more feature, the product x1 x2, lets one unit do it. Or a hidden layer: OR and NAND, set by hand,
move the four corners to three points of a new plane, where a line is enough. A network that learns finds a hidden
plane of its own.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
TARGETS = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "NAND": [1, 1, 1, 0], "XOR": [0, 1, 1, 0]}
XOR = np.array(TARGETS["XOR"])


def margins(features: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The rows A (n, d + 1) of the conditions A (w, b) >= 1: s (w x + b) >= 1, s = 1 for class 1, else -1."""
    signs = np.where(y == 1, 1.0, -1.0)[:, None]
    return signs * np.column_stack([features, np.ones(len(features))])


def separable(features: np.ndarray, y: np.ndarray) -> bool:
    """Whether a line has class 1 on one side and class 0 on the other: a linear program without an objective."""
    from scipy.optimize import linprog

    A = margins(features, np.asarray(y))
    return linprog(np.zeros(A.shape[1]), A_ub=-A, b_ub=-np.ones(len(A)), bounds=(None, None)).status == 0


def certificate(features: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights u >= 0 with u A = 0 and sum u = 1: added up with them, A (w, b) >= 1 says 0 >= 1 (Farkas' lemma)."""
    from scipy.optimize import linprog

    A = margins(features, y)
    rows, right = np.vstack([A.T, np.ones(len(A))]), np.append(np.zeros(A.shape[1]), 1.0)
    return linprog(np.zeros(len(A)), A_eq=rows, b_eq=right).x


def by_hand() -> Any:
    """Two step units, OR and NAND, and AND of both."""
    from glassnet import Dense, Network

    net = Network(2, [Dense(2, "step"), Dense(1, "step")], "perceptron", dtype="float64")
    net.parameters["W1"], net.parameters["b1"] = [[1, 1], [-1, -1]], [-0.5, 1.5]
    net.parameters["W2"], net.parameters["b2"] = [[1, 1]], [-1.5]
    return net


def learned(seed: int) -> Any:
    """Two tanh units, trained; from some starts the descent gets stuck, so the first of several that does not."""
    from glassnet import Adam, Dense, Network

    nets = (
        Network(2, [Dense(2, "tanh"), Dense(1, "sigmoid")], dtype="float64", seed=1000 * seed + attempt)
        for attempt in range(50)
    )
    for net in nets:
        net.fit(X, XOR, optimizer=Adam(0.05), batch_size=4, epochs=800)
        if net.loss(X, XOR) < 0.02:
            return net
    raise AssertionError("none of 50 starts learned XOR")


def experiment(seed: int) -> Result:
    """One unit by linear program and by training, then the ways out."""
    from glassnet import Dense, Network

    u = certificate(X, XOR)
    product = np.column_stack([X, X[:, 0] * X[:, 1]])
    unit = Network(2, [Dense(1, "sigmoid")], dtype="float64", seed=seed)
    unit.fit(X, XOR, optimizer="lbfgs", epochs=200)
    hand, net = by_hand(), learned(seed)
    hidden = {"set by hand": hand.trace(X)["a1"], "learned": net.trace(X)["a1"]}
    found = {"set by hand": hand.predict(X).ravel(), "learned": net.predict(X).ravel()}
    residual = float(np.abs(u @ margins(X, XOR)).max())
    return Result(
        (
            Table(
                "is there a separating line?",
                ["target", "of x1, x2", "with x1 x2"],
                [
                    [name, *("yes" if separable(f, np.array(y)) else "no" for f in (X, product))]
                    for name, y in TARGETS.items()
                ],
            ),
            Table(
                "a hidden layer",
                ["x1, x2", "XOR", "one unit, trained", "OR, NAND by hand", "two units, learned"],
                [
                    [f"{a:g}, {b:g}", int(y), *values]
                    for (a, b), y, *values in zip(X, XOR, unit.predict(X).ravel(), *found.values(), strict=True)
                ],
            ),
        ),
        (
            Claim(
                f"no unit computes XOR: the conditions, weighted {np.round(u, 2).tolist()}, add up to 0 >= 1",
                bool(residual < 1e-9 and np.all(u >= 0) and abs(u.sum() - 1) < 1e-9) and not separable(X, XOR),
            ),
            Claim(
                "AND, OR and NAND each need one unit only",
                all(separable(X, np.array(y)) for name, y in TARGETS.items() if name != "XOR"),
            ),
            Claim(
                "the best that one trained unit does is to say 0.5 four times",
                bool(np.allclose(unit.predict(X), 0.5, atol=1e-3)),
            ),
            Claim("with the feature x1 x2 one unit is enough", separable(product, XOR)),
            Claim(
                "OR and NAND, set by hand, compute XOR without an error", found["set by hand"].tolist() == [0, 1, 1, 0]
            ),
            Claim("two learned units compute it, within 0.1", bool(np.abs(found["learned"] - XOR).max() < 0.1)),
            Claim(
                "in both hidden planes a line separates the classes", all(separable(h, XOR) for h in hidden.values())
            ),
        ),
        {"unit": unit, "networks": {"set by hand": hand, "learned": net}, "hidden": hidden},
    )


def figure(result: Result) -> Any:
    """Input planes above, hidden planes below."""
    from glassnet.lessons import style

    page, axes = style.page(
        "One line cannot separate XOR; in the plane of two hidden units one line can", 2, 3, height=7.0
    )
    span = (-0.35, 1.35, -0.35, 1.35)
    panels = [("one unit, trained: 0.5 everywhere", result.data["unit"].predict)]
    panels += [(f"two hidden units, {name}", net.predict) for name, net in result.data["networks"].items()]
    for ax, (title, f) in zip(axes[0], panels, strict=True):
        style.map_of(ax, f, span)
        style.points(ax, X, XOR, size=110)
        ax.set(title=title, xticks=[0, 1], yticks=[0, 1])
    words = axes[1, 0]
    words.axis("off")
    words.text(
        0,
        0.95,
        CERTIFICATE,
        va="top",
        fontsize=9.5,
        family="DejaVu Sans Mono",
        linespacing=1.7,
        transform=words.transAxes,
    )
    for ax, (name, h) in zip(axes[1, 1:], result.data["hidden"].items(), strict=True):
        hidden_plane(ax, style, name, h, result.data["networks"][name])
    return page


CERTIFICATE = """The four conditions on one unit:

(0,0) is 0            −b ≥ 1
(0,1) is 1        w2 + b ≥ 1
(1,0) is 1        w1 + b ≥ 1
(1,1) is 0  −w1 − w2 − b ≥ 1
added up               0 ≥ 4

No w and b can do that."""


def hidden_plane(ax: Any, style: Any, name: str, h: np.ndarray, net: Any) -> None:
    """The four corners in the plane (h1, h2), and what the output unit makes of it."""
    low, high = h.min() - 0.35, h.max() + 0.35
    w, b = net.parameters["W2"][0], net.parameters["b2"][0]
    style.map_of(ax, lambda p: 1 / (1 + np.exp(-4 * (p @ w + b))), (low, high, low, high))
    style.points(ax, h, XOR, size=110, names=("h1", "h2"))
    near = np.abs(h[:, None] - h).max(axis=2) < 0.15  # corners that meet share a label
    for group in np.unique(near, axis=0):
        here = " ".join(f"({a:g},{c:g})" for a, c in X[group])
        ax.annotate(here, h[group].max(axis=0), xytext=(0, 10), textcoords="offset points", ha="center", fontsize=9)
    ax.set(title=f"the hidden plane, {name}")


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, XOR problem; Class 2, limitations of the perceptron; EE514, infamous XOR problem",
    experiment,
    figure,
)
