"""How widely should the initial weights spread?

A unit's z is a sum over its n inputs, so with independent weights of mean 0 the mean square of z is n Var(w) times that
of the inputs. What a layer multiplies by, twenty layers multiply by twenty times: the factor has to be 1. tanh is
nearly the identity around 0, so n Var(w) = 1; going back the same holds with the number of outputs, and Xavier takes
the mean of the two, Var(w) = 2 / (n_in + n_out). ReLU sets half of its inputs to 0 and with them half of the mean
square, which He's Var(w) = 2 / n_in makes up for. With tanh the error on the other side is not an explosion: too wide a
spread drives every unit to -1 or 1, where its derivative is 0.

The lesson sends random inputs through twenty layers and compares each layer's factor with the formula, looks at the
units of tanh networks, and trains a deep ReLU network on the digits from each start.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table
from glassnet.lessons.tables import numbers, standardized

__all__ = ["LESSON"]

DEPTH, WIDTH, RATE, EPOCHS = 20, 128, 0.003, 15
STARTS = {
    "N(0, 0.01²)": ("normal(std=0.01)", 0.01**2),
    "Xavier": ("xavier_normal", 1 / WIDTH),
    "He": ("he_normal", 2 / WIDTH),
    "N(0, 0.3²)": ("normal(std=0.3)", 0.3**2),
}


def deep(activation: str, start: str, seed: int, inputs: int = WIDTH, outputs: int = 1) -> Any:
    """A deep network whose weights all start so."""
    from glassnet import Dense, Network

    rule = STARTS[start][0]
    output = Dense(outputs, "softmax" if outputs > 1 else "identity", initializer=rule)
    return Network(inputs, [*[Dense(WIDTH, activation, initializer=rule)] * (DEPTH - 1), output], seed=seed)


def layers(net: Any, X: np.ndarray) -> list[np.ndarray]:
    """The inputs and each hidden layer's activations, (n, WIDTH) each."""
    trace = net.trace(X)
    return [np.asarray(trace[f"a{number}"], float) for number in range(DEPTH)]


def mean_squares(net: Any, X: np.ndarray) -> np.ndarray:
    """Mean square of the activations in each layer, over that of the inputs."""
    squares = np.array([np.mean(a**2) for a in layers(net, X)])
    return squares / squares[0]


def losses(start: str, X: np.ndarray, y: np.ndarray, seed: int) -> list[float]:
    """Training losses of a deep ReLU network by epoch; none after it has blown up."""
    from glassnet import SGD, DivergenceError

    net = deep("relu", start, seed, X.shape[1], 10)
    try:
        return net.fit(X, y, optimizer=SGD(RATE), batch_size=64, epochs=EPOCHS)["loss"]
    except DivergenceError:
        return []


def experiment(seed: int) -> Result:
    """Mean squares layer by layer, units of tanh, and training."""
    X = np.random.default_rng(seed).normal(size=(256, WIDTH))
    squares = {start: mean_squares(deep("relu", start, seed), X) for start in STARTS}
    predicted = {start: WIDTH * variance / 2 for start, (_, variance) in STARTS.items()}
    factor = {start: float(values[-1] ** (1 / (DEPTH - 1))) for start, values in squares.items()}
    bent = {
        start: layers(deep("tanh", start, seed), X)[-1].ravel() for start in ("N(0, 0.01²)", "Xavier", "N(0, 0.3²)")
    }
    size = {start: float(np.sqrt(np.mean(a**2))) for start, a in bent.items()}
    slope = {start: float(np.mean(1 - a**2)) for start, a in bent.items()}
    raw, y = numbers("digits")
    trained = {start: losses(start, standardized(raw), y, seed) for start in STARTS}
    ends = {start: values[-1] if values else float("inf") for start, values in trained.items()}
    return Result(
        (
            Table(
                f"ReLU, {DEPTH - 1} hidden layers of {WIDTH}: factor of the mean square in each layer",
                ["start", "n Var(w) / 2", "measured", f"all {DEPTH - 1} layers"],
                [[start, predicted[start], factor[start], float(squares[start][-1])] for start in STARTS],
            ),
            Table(
                f"tanh, hidden layer {DEPTH - 1}",
                ["start", "root mean square of a", "mean derivative 1 - a²"],
                [[start, size[start], slope[start]] for start in bent],
            ),
            Table(
                f"ReLU on the digits after {EPOCHS} epochs",
                ["start", "loss"],
                [[start, end if np.isfinite(end) else "not finite"] for start, end in ends.items()],
            ),
        ),
        (
            Claim(
                "the factor of each layer is n Var(w) / 2, to 10%",
                all(abs(factor[start] / predicted[start] - 1) < 0.1 for start in STARTS),
            ),
            Claim(
                f"with ReLU He's start keeps the mean square ({squares['He'][-1]:.2g} after {DEPTH - 1} layers), and "
                f"Xavier's, made for tanh, loses it ({squares['Xavier'][-1]:.0e})",
                1 / 8 < squares["He"][-1] < 8 and squares["Xavier"][-1] < 1e-4,
            ),
            Claim(
                f"with tanh Xavier's keeps the units in between (root mean square {size['Xavier']:.2f}); small weights "
                f"silence them ({size['N(0, 0.01²)']:.0e}), large ones leave a slope of {slope['N(0, 0.3²)']:.2f}",
                0.08 < size["Xavier"] < 0.6 and size["N(0, 0.01²)"] < 1e-6 and slope["N(0, 0.3²)"] < 0.35,
            ),
            Claim(
                f"the deep ReLU network learns from He's start (loss {ends['He']:.2g}), not from the others",
                ends["He"] < 0.8 and min(end for start, end in ends.items() if start != "He") > 2,
            ),
        ),
        {"squares": squares, "predicted": predicted, "bent": bent, "trained": trained},
    )


def figure(result: Result) -> Any:
    """Mean squares by layer, units of tanh, losses."""
    from glassnet.lessons import style

    page, (left, middle, right) = style.page(
        "Twenty layers need a factor of one in each: He's spread for ReLU, Xavier's for tanh", 1, 3
    )
    colours = dict(zip(STARTS, (style.COLOURS[k] for k in (3, 1, 0, 2)), strict=True))
    numbers_of = np.arange(DEPTH)
    for start, values in result.data["squares"].items():
        left.plot(numbers_of, result.data["predicted"][start] ** numbers_of, color=style.GREY, lw=1, ls="--")
        left.plot(numbers_of, values, "o", ms=4, color=colours[start])
        style.end_label(left, numbers_of, values, start, colours[start])
    left.set(yscale="log", xlabel="layer", title="ReLU: mean square of a\n(dashed: (n Var(w) / 2)^layer)")
    left.margins(x=0.3)
    for start, a in result.data["bent"].items():
        bins = np.linspace(-1, 1, 40)
        middle.hist(a, bins=bins, histtype="step", lw=2, color=colours[start])
        middle.hist(a, bins=bins, color=colours[start], alpha=0.12)
    for text, start, place in (
        ("silenced", "N(0, 0.01²)", (0.07, 1.6e4)),
        ("in between", "Xavier", (0.27, 4.5e3)),
        ("saturated", "N(0, 0.3²)", (-1.0, 9e4)),
    ):
        middle.text(*place, f"{start}:\n{text}", color=colours[start], fontsize=9, va="top")
    middle.set(yscale="log", ylim=(0.6, 1.3e5), xlabel=f"a in layer {DEPTH - 1}", title="tanh: number of units by a")
    for start, values in result.data["trained"].items():
        right.plot(np.arange(1, len(values) + 1), values, color=colours[start])
        if values:
            style.end_label(right, [EPOCHS], values, start, colours[start], dy=-12 if start == "Xavier" else 2)
    right.set(xlabel="epoch", title="ReLU on the digits: loss\n(N(0, 0.3²) blows up)")
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, implementation tips: weight initialization; Introduction, practical notes: saturation",
    experiment,
    figure,
)
