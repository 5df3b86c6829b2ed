"""What happens to a hidden layer whose weights all start at 0, or all at the same number?

Its units are copies of each other: the same inputs, the same weights, the same delta, hence the same gradient, and
after every step they are copies still. A layer of eight units learns like a layer of one. With zeros everywhere it is
worse: delta of the hidden layer is W2^T delta2 = 0, so nothing but the last bias moves. Small random numbers are
enough to break the tie.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

STARTS = ("all 0", "all 0.5", "random")
UNITS, EPOCHS, STEP = 8, 300, 10


def start(how: str, seed: int) -> Any:
    """A 2-8-1 network whose weights start so."""
    from glassnet import Dense, Network

    net = Network(2, [Dense(UNITS, "tanh"), Dense(1, "sigmoid")], dtype="float64", seed=seed)
    if how != "random":
        for name in ("W1", "W2"):
            net.parameters[name] = np.full(net.parameters[name].shape, float(how.removeprefix("all ")))
    return net


def spread(net: Any) -> float:
    """The largest difference between two units' weights."""
    return float(np.ptp(net.parameters["W1"], axis=0).max())


def experiment(seed: int) -> Result:
    """Train the same network from three starts, and follow its units."""
    from glassnet import Adam
    from glassnet.tables.toys import xor

    points, y = xor(200, 0.0, np.random.default_rng(seed))
    X = points / 5
    nets = {how: start(how, seed) for how in STARTS}
    first = {how: net.loss_and_gradient(X, y)[1]["W1"].copy() for how, net in nets.items()}
    paths: dict[str, np.ndarray] = {}
    for how, net in nets.items():
        path = [net.parameters["W1"][:, 0].copy()]
        for _ in range(EPOCHS // STEP):
            net.fit(X, y, optimizer=Adam(0.03), batch_size=200, epochs=STEP)
            path.append(net.parameters["W1"][:, 0].copy())
        paths[how] = np.array(path)
    accuracy = {how: float(np.mean(net.predict_classes(X) == y)) for how, net in nets.items()}
    spreads = {how: spread(net) for how, net in nets.items()}
    rows = [[how, float(np.abs(first[how]).max()), spreads[how], nets[how].loss(X, y), accuracy[how]] for how in STARTS]
    columns = ["start", "largest dW1 at first", "units differ by", "loss", "accuracy"]
    return Result(
        (Table(f"a 2-{UNITS}-1 network on XOR, after {EPOCHS} steps", columns, rows),),
        (
            Claim(
                "from 0 the hidden layer has no gradient and never moves",
                bool(np.all(first["all 0"] == 0) and np.all(paths["all 0"] == 0)),
            ),
            Claim(
                f"from equal weights the {UNITS} units stay equal, to {spreads['all 0.5']:.0e}",
                spreads["all 0.5"] < 1e-9 and accuracy["all 0.5"] < 0.9,
            ),
            Claim(
                f"from random weights they part, and the network learns: {accuracy['random']:.2f}",
                spreads["random"] > 0.1 and accuracy["random"] > 0.95,
            ),
        ),
        {"X": X, "y": y, "nets": nets, "paths": paths, "accuracy": accuracy},
    )


def figure(result: Result) -> Any:
    """Above the weights' ways, below what the network became."""
    from glassnet.lessons import style

    page, axes = style.page("Equal units stay equal: eight of them learn like one", 2, 3, height=7.0)
    top = 1.05 * max(np.abs(path).max() for path in result.data["paths"].values())
    for (above, below), how in zip(axes.T, STARTS, strict=True):
        path = result.data["paths"][how]
        above.plot(np.arange(len(path)) * STEP, path, color=style.COLOURS[0], alpha=0.75)
        units = f"{UNITS} units" if how == "random" else f"{UNITS} units, one line"
        above.set(title=f"start: {how}", xlabel="step", ylim=(-top, top))
        above.text(0.97, 0.05, units, transform=above.transAxes, ha="right", color=style.COLOURS[0])
        style.map_of(below, result.data["nets"][how].predict, (-1.15, 1.15, -1.15, 1.15))
        style.points(below, result.data["X"], result.data["y"], size=18)
        below.set_title(f"accuracy {result.data['accuracy'][how]:.2f}")
    axes[0, 0].set_ylabel("weight of x1 in each hidden unit")
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, practical advice: Xavier or He, not zeros; Lecture 23, initialization",
    experiment,
    figure,
)
