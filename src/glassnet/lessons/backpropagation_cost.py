"""What would training cost without backpropagation?

A derivative can be measured: move one parameter by h to either side, look at the loss, and divide the difference by 2h.
That is two passes forward for each parameter, and each pass multiplies once for each weight: the cost of one gradient
grows with the square of the number of parameters. Backpropagation takes one pass forward and one backward, whatever the
number. The backward pass uses each weight twice, for dW and for handing delta on, so a gradient costs less than three
passes forward.

Measured derivatives are not exact either. A large h misses the curve, by about h^2 for the two sides and h for one, and
a small h drowns in the rounding of the loss, by about 1e-16 / h: at best they are right to some ten digits, or seven.
They are good for checking the backward pass (glassnet gradcheck), where a few parameters are enough.

The lesson measures whole gradients of growing networks both ways and counts passes and multiplications. The seconds in
the figure are this machine's, and differ from run to run.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

T = TypeVar("T")
INPUTS, OUTPUTS, EXAMPLES, STEP = 8, 4, 16, 1e-5
WIDTHS = (1, 2, 4, 8, 16, 32, 48)
STEPS = np.logspace(-12, -1, 23)
LARGE = (784, 512, 512, 10)


def classifier(width: int, seed: int) -> Any:
    """A network with two hidden layers of this width."""
    from glassnet import Dense, Network

    layers = [Dense(width, "tanh"), Dense(width, "tanh"), Dense(OUTPUTS, "softmax")]
    return Network(INPUTS, layers, dtype="float64", seed=seed)


def multiplications(net: Any) -> tuple[int, int]:
    """Of a pass forward and a pass backward, for one example; only the products with weights and for dW."""
    sizes = [weights.size for name, weights in net.parameters.items() if name.startswith("W")]
    return sum(sizes), sum(sizes) + sum(sizes[1:])


def measured(net: Any, X: np.ndarray, y: np.ndarray, h: float, sides: int = 2) -> tuple[np.ndarray, int]:
    """The gradient (P,) from differences of the loss to one side or to both, and the passes that it took."""
    theta, slopes = net.parameters.vector, np.zeros(net.parameters.vector.size)
    passes, here = (1, net.loss(X, y)) if sides == 1 else (0, 0.0)
    for place, value in enumerate(theta.copy()):
        theta[place] = value + h
        above = net.loss(X, y)
        if sides == 2:
            theta[place] = value - h
            here = net.loss(X, y)
        theta[place] = value
        slopes[place] = (above - here) / (sides * h)
        passes += sides
    return slopes, passes


def distance(gradient: np.ndarray, truth: np.ndarray) -> float:
    """Relative, in Euclidean norms."""
    return float(np.linalg.norm(gradient - truth) / np.linalg.norm(truth))


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What the work gives, and its seconds."""
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun


def compared(width: int, X: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    """Both gradients of one network: counts, distance and seconds."""
    net = classifier(width, seed)
    backward = net.loss_and_gradient(X, y)[1].vector
    short = min(timed(lambda: net.loss_and_gradient(X, y))[1] for _ in range(5))
    (slopes, passes), long = timed(lambda: measured(net, X, y, STEP))
    up, down = multiplications(net)
    return {
        "parameters": backward.size,
        "passes": passes,
        "backpropagation": up + down,
        "differences": passes * up,
        "ratio": (up + down) / up,
        "error": distance(slopes, backward),
        "seconds back": short,
        "seconds": long,
    }


def experiment(seed: int) -> Result:
    """Growing networks, then one network and many h."""
    from glassnet import Dense, Network, compare_gradients

    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(EXAMPLES, INPUTS)), rng.integers(0, OUTPUTS, EXAMPLES)
    runs = [compared(width, X, y, seed) for width in WIDTHS]
    small = classifier(4, seed)
    truth = small.loss_and_gradient(X, y)[1].vector
    errors = {sides: np.array([distance(measured(small, X, y, h, sides)[0], truth) for h in STEPS]) for sides in (2, 1)}
    best = {sides: float(values.min()) for sides, values in errors.items()}
    at = {sides: float(STEPS[values.argmin()]) for sides, values in errors.items()}
    tape = max(t.errors["automatic"] for t in compare_gradients(small, X, y).tensors)
    first, last = runs[0], runs[-1]
    large = Network(LARGE[0], [*(Dense(n, "relu") for n in LARGE[1:-1]), Dense(LARGE[-1], "softmax")])
    count, growth = large.architecture.parameter_count, last["parameters"] / first["parameters"]
    times = {key: last[key] / first[key] for key in ("backpropagation", "differences")}
    return Result(
        (
            Table(
                "one gradient, by differences and by backpropagation; multiplications for each example",
                ["parameters", "passes forward", "multiplications", "backpropagation's", "relative distance"],
                [[run[k] for k in ("parameters", "passes", "differences", "backpropagation", "error")] for run in runs],
            ),
            Table(
                f"the best h, for a network of {truth.size} parameters",
                ["differences", "best h", "relative error"],
                [["two sides", at[2], best[2]], ["one side", at[1], best[1]]],
            ),
        ),
        (
            Claim(
                f"differences take 2 passes for each parameter, {last['passes']:,} for {last['parameters']:,}; "
                f"{'-'.join(map(str, LARGE))} would take {2 * count:,} for each step of training",
                all(run["passes"] == 2 * run["parameters"] for run in runs),
            ),
            Claim(
                f"backpropagation multiplies less than 3 times as often as one pass forward, at most "
                f"{max(run['ratio'] for run in runs):.2f} times",
                all(run["ratio"] < 3 for run in runs),
            ),
            Claim(
                f"{growth:.0f} times as many parameters: {times['backpropagation']:.0f} times the multiplications for "
                f"backpropagation, {times['differences']:,.0f} times for differences",
                times["backpropagation"] < 2 * growth and times["differences"] > growth**2 / 2,
            ),
            Claim(
                f"both give the same gradient, to {max(run['error'] for run in runs):.0e}; the tape's is exact, to "
                f"{tape:.0e}",
                all(run["error"] < 1e-7 for run in runs) and tape < 1e-12,
            ),
            Claim(
                f"at the best h two sides are right to {best[2]:.0e}, one side to {best[1]:.0e}",
                1e-13 < best[2] < 1e-8 < best[1] < 1e-5,
            ),
        ),
        {"runs": runs, "errors": errors},
    )


def figure(result: Result) -> Any:
    """Multiplications and seconds by parameters, and errors by h."""
    from glassnet.lessons import style

    page, axes = style.page("Backpropagation: a whole gradient for the price of three passes forward", 1, 3)
    runs = result.data["runs"]
    count = [run["parameters"] for run in runs]
    for ax, keys, title in (
        (axes[0], ("backpropagation", "differences"), "multiplications for one gradient,\none example"),
        (axes[1], ("seconds back", "seconds"), f"seconds for one gradient,\n{EXAMPLES} examples, this machine"),
    ):
        for key, name, colour in zip(keys, ("backpropagation", "differences"), (0, 1), strict=True):
            ax.plot(count, [run[key] for run in runs], "o-", ms=5, color=style.COLOURS[colour])
            ax.annotate(
                name,
                (count[-1], runs[-1][key]),
                xytext=(2, 10),
                textcoords="offset points",
                ha="right",
                color=style.COLOURS[colour],
            )
        ax.set(xscale="log", yscale="log", xlabel="parameters", title=title)
        ax.margins(y=0.12)
    for name, sides, colour in (("two sides", 2, 1), ("one side", 1, 4)):
        errors = result.data["errors"][sides]
        axes[2].plot(STEPS, errors, "o-", ms=4, color=style.COLOURS[colour])
        low = errors.argmin()
        axes[2].annotate(
            f"{name}: {errors[low]:.0e}",
            (STEPS[low], errors[low]),
            xytext=(0, -10 if sides == 2 else 92),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=9,
            color=style.COLOURS[colour],
        )
    axes[2].set(xscale="log", yscale="log", xlabel="h", ylim=(1e-11, 1))
    axes[2].set_title("error of the differences:\nrounding left, curvature right")
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, automatic differentiation: manual, numerical, automatic; Class 2, computational efficiency",
    experiment,
    figure,
)
