"""What do ten layers without activations compute that one layer does not?

Nothing. W2 (W1 x + b1) + b2 is (W2 W1) x + (W2 b1 + b2): one matrix and one bias again, however many layers stand
above each other. The lesson multiplies the layers of random networks together and compares. Then it trains a deep
linear network, a single layer and a deep network with tanh on a circle inside a ring: the depth of the linear one buys
nothing, and the activation is what bends the border.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

DEPTHS = (2, 3, 5, 10, 20)


def collapsed(net: Any) -> tuple[np.ndarray, np.ndarray]:
    """W (K, d) and b (K,) of the one layer that equals a network without activations."""
    weights, bias = np.eye(net.architecture.inputs), np.zeros(net.architecture.inputs)
    for number in range(1, len(net.architecture.dense) + 1):
        layer = net.parameters[f"W{number}"]
        weights, bias = layer @ weights, layer @ bias + net.parameters[f"b{number}"]
    return weights, bias


def differences(seed: int) -> list[float]:
    """For each depth the largest relative difference between a linear network and its one layer."""
    from glassnet import Dense, Network

    rng, found = np.random.default_rng(seed), []
    for depth in DEPTHS:
        net = Network(3, [*[Dense(16)] * (depth - 1), Dense(2)], dtype="float64", seed=seed)
        for number in range(1, depth + 1):
            net.parameters[f"b{number}"] = rng.normal(size=net.parameters[f"b{number}"].shape)
        X = rng.normal(size=(200, 3))
        W, b = collapsed(net)
        outputs = net.predict(X)
        found.append(float(np.abs(outputs - (X @ W.T + b)).max() / np.abs(outputs).max()))
    return found


def trained(seed: int) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """A circle in a ring, and three networks trained on it."""
    from glassnet import Adam, Dense, Network
    from glassnet.tables.toys import circle

    X, y = circle(300, 0.0, np.random.default_rng(seed))
    layers = {
        "one layer": [],
        "five layers, no activation": [Dense(8)] * 4,
        "five layers, tanh": [Dense(8, "tanh")] * 4,
    }
    nets = {name: Network(2, [*hidden, Dense(1, "sigmoid")], seed=seed) for name, hidden in layers.items()}
    nets["one layer"].fit(X, y, optimizer="lbfgs", epochs=200)  # convex: this is the best that one layer can do
    for name in list(nets)[1:]:
        nets[name].fit(X, y, optimizer=Adam(0.01), epochs=80)
    return X, y, nets


def experiment(seed: int) -> Result:
    """Collapse random networks, then compare trained ones."""
    errors = differences(seed)
    X, y, nets = trained(seed)
    accuracy = {name: float(np.mean(net.predict_classes(X) == y)) for name, net in nets.items()}
    one, linear, bent = accuracy.values()
    loss = [net.loss(X, y) for net in nets.values()]
    return Result(
        (
            Table(
                "a network without activations against its one layer",
                ["layers", "relative difference"],
                [[depth, error] for depth, error in zip(DEPTHS, errors, strict=True)],
            ),
            Table(
                "a circle in a ring",
                ["network", "parameters", "accuracy"],
                [[name, net.architecture.parameter_count, accuracy[name]] for name, net in nets.items()],
            ),
        ),
        (
            Claim(f"the one layer gives the same outputs, to {max(errors):.0e} in float64", max(errors) < 1e-12),
            Claim(
                f"depth alone buys nothing: loss {loss[1]:.3f} with five linear layers, at best {loss[0]:.3f} with one",
                loss[1] > loss[0] - 1e-6 and max(linear, one) < 0.8,
            ),
            Claim(f"with tanh the same depth separates the classes: {bent:.2f}", bent > 0.97),
        ),
        {"X": X, "y": y, "nets": nets, "accuracy": accuracy},
    )


def figure(result: Result) -> Any:
    """The three borders."""
    from glassnet.lessons import style

    page, axes = style.page("Five layers without an activation still draw one straight line", 1, 3, height=4.5)
    for ax, (name, net) in zip(axes, result.data["nets"].items(), strict=True):
        style.map_of(ax, net.predict, (-5.6, 5.6, -5.6, 5.6))
        style.points(ax, result.data["X"], result.data["y"])
        ax.set_title(f"{name}\naccuracy {result.data['accuracy'][name]:.2f}")
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, role of activation functions; Introduction, special cases; EE514, activation function",
    experiment,
    figure,
)
