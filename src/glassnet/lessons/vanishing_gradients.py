"""Why do the first layers of a deep network learn nothing, or too much?

Going back, delta is multiplied by W^T and by g'(z) once a layer: delta_l = (W_(l+1)^T delta_(l+1)) * g'(z_l). The
sigmoid's derivative is 1/4 at most, so twenty layers leave almost nothing for the first (vanishing). tanh and ReLU,
started to suit (Xavier, He), hand the gradient on. Weights twice as large double it in each layer (exploding).

Clipping the gradient's norm does not repair the network, but it bounds the step: the same exploding network is trained
with and without it.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

DEPTH, WIDTH, CLIP = 20, 32, 5.0
KINDS = {
    "sigmoid": ("sigmoid", 1.0),
    "tanh, Xavier": ("tanh", 1.0),
    "ReLU, He": ("relu", 1.0),
    "ReLU, twice He": ("relu", 2.0),
}


def deep(activation: str, scale: float, seed: int, depth: int = DEPTH) -> Any:
    """A deep narrow network, its default weights times `scale`."""
    from glassnet import Dense, Network

    layers = [*[Dense(WIDTH, activation)] * (depth - 1), Dense(1)]
    net = Network(WIDTH, layers, "squared_error", dtype="float64", seed=seed)
    for number in range(1, depth):
        net.parameters[f"W{number}"] = scale * net.parameters[f"W{number}"]
    return net


def delta_sizes(net: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The norm of delta in each hidden layer, over that in the last hidden one."""
    trace = net.trace(X, y)
    sizes = np.array([np.linalg.norm(trace[f"delta{number}"]) for number in range(1, DEPTH)])
    return sizes / sizes[-1]


def trained(seed: int, X: np.ndarray, y: np.ndarray, clip: float | None) -> list[float]:
    """Losses of 60 steps on an exploding network of 8 layers; it ends where the numbers do."""
    from glassnet import SGD, DivergenceError

    net, losses = deep("relu", 2.0, seed, depth=8), []
    losses.append(net.loss(X, y))
    try:
        for _ in range(60):
            net.fit(X, y, optimizer=SGD(0.003), batch_size=len(X), epochs=1, clip_norm=clip)
            losses.append(net.loss(X, y))
    except DivergenceError:
        losses.append(float("inf"))
    return losses


def experiment(seed: int) -> Result:
    """Send one gradient back through four networks; then train with and without clipping."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(64, WIDTH)), rng.normal(size=64)
    sizes = {name: delta_sizes(deep(g, scale, seed), X, y) for name, (g, scale) in KINDS.items()}
    first = {name: float(values[0]) for name, values in sizes.items()}
    free, clipped = trained(seed, X, y, None), trained(seed, X, y, CLIP)
    return Result(
        (
            Table(
                f"{DEPTH} layers of {WIDTH} units: size of delta in the first layer over that in the last hidden one",
                ["network", "first / last"],
                [[name, value] for name, value in first.items()],
            ),
            Table(
                "an exploding network of 8 layers, trained by SGD",
                ["clip_norm", "loss at first", "loss at the end"],
                [["none", free[0], shown(free[-1])], [f"{CLIP:g}", clipped[0], shown(clipped[-1])]],
            ),
        ),
        (
            Claim(f"sigmoid: the gradient vanishes, to {first['sigmoid']:.0e}", first["sigmoid"] < 1e-6),
            Claim(
                "tanh with Xavier and ReLU with He keep it within a factor of 30",
                all(1 / 30 < first[name] < 30 for name in ("tanh, Xavier", "ReLU, He")),
            ),
            Claim(
                f"weights twice as large let it explode: {first['ReLU, twice He']:.0e}", first["ReLU, twice He"] > 1e4
            ),
            Claim(
                "without clipping training blows up or stands still; with it the loss falls by half at least",
                not free[-1] < free[0] / 2 and clipped[-1] < clipped[0] / 2,
            ),
        ),
        {"sizes": sizes, "free": free, "clipped": clipped},
    )


def shown(loss: float) -> float | str:
    """A loss, or a word."""
    return loss if np.isfinite(loss) else "not finite"


def figure(result: Result) -> Any:
    """delta by layer, and the two trainings."""
    from glassnet.lessons import style

    page, (left, right) = style.page("Twenty factors below one vanish, twenty above one explode", width_ratios=[1.4, 1])
    layers = np.arange(1, DEPTH)
    for colour, (name, sizes) in zip(style.COLOURS, result.data["sizes"].items(), strict=False):
        left.plot(layers, sizes, "o-", ms=4, color=colour)
        dy = {"tanh, Xavier": -18, "ReLU, He": 8, "sigmoid": -12}.get(name, 0)
        left.annotate(name, (1, sizes[0]), xytext=(10, dy + 6), textcoords="offset points", color=colour)
    left.set(yscale="log", xlabel="layer", title="size of delta, over that in the last hidden layer")
    left.set_xticks([1, 5, 10, 15, 19])
    left.margins(y=0.1)
    top = 1e4 * result.data["free"][0]
    for key, colour, label in (("free", 1, "not clipped"), ("clipped", 2, f"clip_norm={CLIP:g}")):
        losses = np.array(result.data[key])
        finite = losses[np.isfinite(losses)]
        right.plot(finite, color=style.COLOURS[colour])
        end = "" if len(finite) == len(losses) else f": infinite after {len(finite)} step{'s' * (len(finite) > 1)}"
        place, height = (len(finite) // 2, finite[len(finite) // 2]) if not end else (0, top / 30)
        right.annotate(
            label + end, (place, height), xytext=(14, 10), textcoords="offset points", color=style.COLOURS[colour]
        )
    right.set(
        yscale="log",
        ylim=(min(result.data["clipped"]) / 10, top),
        xlabel="step",
        title="loss of an exploding network in training",
    )
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, gradient problems and clipping; Introduction, vanishing and exploding; EE514, saturation",
    experiment,
    figure,
)
