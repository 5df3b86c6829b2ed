"""When does a ReLU die, and what keeps it alive?

A ReLU whose z is negative for every example gives 0 for every example, and its derivative is 0 there: no gradient, and
no way back. The lesson starts networks with every unit pushed off (biases of -6) and trains them. With ReLU nothing in
the hidden layer moves, not by a bit. Leaky ReLU keeps the slope 0.01 below 0, ELU and swish one that fades, so their
units come back, the leaky ones slowly.

Nobody starts so, but one large step leads there. The lesson trains from a sound start (He) with larger and larger
learning rates, counts the units that have no gradient left, and then goes on with small steps: the dead stay as they
are. So the first cure is a smaller learning rate, the second an activation whose derivative is nowhere 0.
"""

from contextlib import suppress
from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

ACTIVATIONS = ("relu", "leaky_relu", "elu", "swish")
UNITS, EPOCHS, SMALL = 32, 500, 0.1
RATES, BURST, NETWORKS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0), 20, 5


def network(activation: str, seed: int, bias: float = 0.0) -> Any:
    """2-32-1 for two classes, the hidden biases at `bias`."""
    from glassnet import Dense, Network

    net = Network(2, [Dense(UNITS, activation), Dense(1, "sigmoid")], dtype="float64", seed=seed)
    net.parameters["b1"] = np.full(UNITS, bias)
    return net


def hidden(net: Any) -> np.ndarray:
    """A copy of W1 and b1, a row a unit."""
    return np.column_stack([net.parameters["W1"], net.parameters["b1"]])


def dead(net: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which hidden units have no gradient at all (units,)."""
    gradient = net.loss_and_gradient(X, y)[1]
    return np.all(np.column_stack([gradient["W1"], gradient["b1"]]) == 0, axis=1)


def from_off(X: np.ndarray, y: np.ndarray, seed: int) -> dict[str, dict[str, Any]]:
    """For each activation the training of a network whose hidden units are all off."""
    from glassnet import SGD

    runs = {}
    for g in ACTIVATIONS:
        net = network(g, seed, bias=-6.0)
        first, before = net.loss_and_gradient(X, y)[1]["W1"], hidden(net)
        losses = net.fit(X, y, optimizer=SGD(SMALL), batch_size=20, epochs=EPOCHS)["loss"]
        runs[g] = {
            "gradient": float(np.abs(first).max()),
            "losses": losses,
            "moved": float(np.abs(hidden(net) - before).max()),
            "accuracy": float(np.mean(net.predict_classes(X) == y)),
        }
    return runs


def killed(activation: str, rate: float, X: np.ndarray, y: np.ndarray, seed: int) -> tuple[float, float]:
    """Share of units dead after steps of this size, and how far those move in small steps after that."""
    from glassnet import SGD, DivergenceError

    share, moved = [], 0.0
    for i in range(NETWORKS):
        net = network(activation, NETWORKS * seed + i)
        with suppress(DivergenceError):  # the network keeps its last finite weights
            net.fit(X, y, optimizer=SGD(rate), batch_size=20, epochs=BURST)
        lost, before = dead(net, X, y), hidden(net)
        net.fit(X, y, optimizer=SGD(SMALL), batch_size=20, epochs=50)
        share.append(lost.mean())
        moved = max(moved, float(np.abs((hidden(net) - before)[lost]).max(initial=0)))
    return float(np.mean(share)), moved


def experiment(seed: int) -> Result:
    """Train from a dead start, then count the dead by learning rate."""
    from glassnet.tables.toys import moons

    points, y = moons(200, 0.1, np.random.default_rng(seed))
    X = points / 3
    runs = from_off(X, y, seed)
    counts = {g: [killed(g, rate, X, y, seed) for rate in RATES] for g in ACTIVATIONS[:2]}
    shares = {g: [share for share, _ in found] for g, found in counts.items()}
    ends = {g: run["losses"][-1] for g, run in runs.items()}
    cured = [ends[g] for g in ACTIVATIONS[1:]]
    worst = max(shares["relu"])
    return Result(
        (
            Table(
                f"every unit off at first, then {EPOCHS} epochs of SGD at {SMALL:g}",
                ["activation", "largest dW1 at first", "weights moved by", "loss at the end", "accuracy"],
                [[g, run["gradient"], run["moved"], ends[g], run["accuracy"]] for g, run in runs.items()],
            ),
            Table(
                f"share of units without gradient after {BURST} epochs, mean of {NETWORKS} networks",
                ["learning rate", *shares],
                [[f"{rate:g}", *(f"{found[i]:.0%}" for found in shares.values())] for i, rate in enumerate(RATES)],
            ),
        ),
        (
            Claim(
                "ReLUs that are off have no gradient and never move",
                runs["relu"]["gradient"] == 0 and runs["relu"]["moved"] == 0,
            ),
            Claim(
                f"leaky ReLU, ELU and swish come back: loss {min(cured):.2f} to {max(cured):.2f}, ReLU's stays at "
                f"{ends['relu']:.2f}",
                max(cured) < 0.9 * ends["relu"],
            ),
            Claim(
                f"large steps kill: {shares['relu'][0]:.0%} of the ReLUs are dead at rate {RATES[0]:g}, {worst:.0%} "
                "at the worst; small steps afterwards move none of those",
                worst >= shares["relu"][0] + 0.3 and all(moved == 0 for _, moved in counts["relu"]),
            ),
            Claim("no leaky ReLU loses its gradient at any rate", max(shares["leaky_relu"]) == 0),
        ),
        {"losses": {g: run["losses"] for g, run in runs.items()}, "shares": shares},
    )


def figure(result: Result) -> Any:
    """Losses from the dead start; the dead by learning rate."""
    from glassnet.lessons import style

    page, (left, right) = style.page("A ReLU that is off has no gradient and stays off; a leaky one comes back")
    colours = dict(zip(ACTIVATIONS, (style.COLOURS[1], style.COLOURS[0], *style.COLOURS[2:]), strict=False))
    for g, losses in result.data["losses"].items():
        left.plot(np.arange(1, EPOCHS + 1), losses, color=colours[g], lw=1.6)
        style.end_label(left, [EPOCHS], losses[-1:], g, colours[g])
    left.set(xlabel="epoch", title="loss after a start with every unit off", ylim=(0, None), xlim=(0, EPOCHS))
    for g, found in result.data["shares"].items():
        right.plot(RATES, found, "o-", color=colours[g], clip_on=False)
        right.annotate(
            g,
            (RATES[-1], found[-1]),
            xytext=(0, 10 if found[-1] < 0.5 else -18),
            textcoords="offset points",
            ha="right",
            color=colours[g],
        )
    right.set(xlabel="learning rate", title="share of units without gradient", ylim=(0, 1.02))
    right.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    style.log_axis(right.xaxis, RATES)
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, ReLU and its variants; Introduction, modern variants; EE514, dead neuron",
    experiment,
    figure,
)
