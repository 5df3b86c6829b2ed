"""Which optimizer gets there first?

Plain gradient descent zig-zags where the loss is a long narrow valley: one rate has to serve the steep walls and the
flat floor. Momentum averages the zig-zags away and gathers speed along the floor. Adagrad, RMSprop and Adam divide each
weight's step by the size that its gradients had, so that every weight gets a rate of its own.

The lesson races them in such a valley, 100 times as steep as it is flat, and on a network for the spiral. Each races
with the best of several learning rates, for a race at one rate for all says more about the rate than about the
optimizer. No order holds for every problem: try other seeds, and your own data.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table

__all__ = ["LESSON"]

RULES = ("SGD", "Momentum", "Nesterov", "Adagrad", "RMSprop", "Adam")
ADAPTIVE = RULES[3:]
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 1.9)
STEPS, EPOCHS, GOOD = 150, 600, 0.1
STEEP, GOAL = (1.0, 0.1), np.array([1.0, 1.0])


def valley() -> tuple[np.ndarray, np.ndarray]:
    """Two examples whose half squared error has curvatures 1 and 0.01, in directions turned by 0.5 from the axes."""
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    X = np.sqrt(2) * np.diag(STEEP) @ turn
    return X, X @ GOAL


def rule(name: str, rate: float) -> Any:
    """The optimizer of this name, its other settings as they are."""
    import glassnet

    return getattr(glassnet, name)(rate)


def way(name: str, rate: float) -> np.ndarray:
    """The weights (steps + 1, 2) of a linear unit in the valley, from 0."""
    from glassnet import Callback, Dense, Network

    net = Network(2, [Dense(1, bias=False, initializer="zeros")], "half_squared_error", dtype="float64")
    path = [np.zeros(2)]

    class Follow(Callback):
        """Keeps the weights after each step."""

        def on_batch_end(self, run: Any, loss: float) -> None:
            path.append(run.state.theta.copy())

    X, y = valley()
    net.fit(X, y, optimizer=rule(name, rate), batch_size=len(X), epochs=STEPS, callbacks=[Follow()])
    return np.array(path)


def spiral_losses(name: str, rate: float, X: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Loss of each epoch of a network on the spiral; infinity from where it diverged."""
    from glassnet import Dense, DivergenceError, Network

    net = Network(2, [Dense(16, "tanh"), Dense(16, "tanh"), Dense(1, "sigmoid")], dtype="float64", seed=seed)
    try:
        losses = net.fit(X, y, optimizer=rule(name, rate), batch_size=32, epochs=EPOCHS)["loss"]
    except DivergenceError:
        losses = [np.inf] * EPOCHS
    return np.array(losses)


def finish(losses: np.ndarray) -> int:
    """The first epoch with a loss below GOOD; one more than there were if there is none."""
    good = np.flatnonzero(losses < GOOD)
    return int(good[0]) + 1 if len(good) else len(losses) + 1


def shown(epochs: int) -> str:
    """An epoch, or that it was not reached."""
    return f"after {epochs} epochs" if epochs <= EPOCHS else f"not in {EPOCHS}"


def experiment(seed: int) -> Result:
    """Race in the valley and on the spiral, each optimizer with its best rate."""
    from glassnet.tables.toys import spiral

    X, y = spiral(200, 0.0, np.random.default_rng(seed))
    ways, races, table = {}, {}, {}
    for name in RULES:
        tried = {rate: way(name, rate) for rate in RATES}
        found = {rate: float(np.linalg.norm(path[-1] - GOAL)) for rate, path in tried.items()}
        rate = min(found, key=lambda r: found[r] if np.isfinite(found[r]) else np.inf)
        ways[name] = (rate, tried[rate], found[rate])
        runs = {r: spiral_losses(name, r, X / 2, y, seed) for r in RATES}
        table[name] = {r: finish(run) for r, run in runs.items()}
        rate = min(runs, key=lambda r: (finish(runs[r]), float(runs[r][-10:].mean())))
        races[name] = (rate, runs[rate], table[name][rate])
    left, took = ({name: run[2] for name, run in found.items()} for found in (ways, races))
    order = sorted(RULES, key=took.__getitem__)
    return Result(
        (
            Table(
                f"{STEPS} steps in a valley 100 times as steep as flat, from distance {np.linalg.norm(GOAL):.2f}",
                ["optimizer", "best rate", "distance left"],
                [[name, f"{rate:g}", left] for name, (rate, _, left) in ways.items()],
            ),
            Table(
                f"a 2-16-16-1 network on the spiral: epochs until the loss is below {GOOD:g}",
                ["optimizer", *(f"rate {rate:g}" for rate in RATES)],
                [[name, *(n if n <= EPOCHS else "-" for n in row.values())] for name, row in table.items()],
            ),
        ),
        (
            Claim(
                f"in the valley SGD's best rate leaves {left['SGD']:.2f}, momentum {left['Momentum']:.1g}, Nesterov "
                f"{left['Nesterov']:.1g}, Adam {left['Adam']:.1g}",
                all(left[name] < left["SGD"] / 20 for name in ("Momentum", "Nesterov", "Adam")),
            ),
            Claim(
                f"on the spiral {order[0]} is there first, {shown(took[order[0]])}, SGD {shown(took['SGD'])}; Adagrad, "
                "RMSprop and Adam are all there before it",
                took[order[0]] < took["SGD"] / 2 and all(took[name] < took["SGD"] for name in ADAPTIVE),
            ),
            Claim(
                "no rate serves all: at each of them at least one optimizer does not get there",
                all(any(runs[rate] > EPOCHS for runs in table.values()) for rate in RATES),
            ),
        ),
        {"ways": ways, "races": races, "table": table},
    )


def figure(result: Result) -> Any:
    """Above the ways in the valley, below the race on the spiral."""
    from glassnet.lessons import style

    page, axes = style.page("Momentum calms the zig-zag, and a rate for each weight gets there first", 2, 3, height=7.4)
    colours = dict(zip(RULES, style.COLOURS, strict=False))
    for ax, name in zip(axes[0], ("SGD", "Momentum", "Adam"), strict=True):
        rate, path, _ = result.data["ways"][name]
        draw_valley(ax, style)
        ax.plot(*path.T, "o-", ms=2.5, lw=1, color=colours[name])
        ax.plot(*GOAL, "*", ms=12, color=style.BLACK, zorder=4)
        ax.set(title=f"{name}, rate {rate:g}: {STEPS} steps", xlabel="w1", xlim=(-0.6, 1.9), ylim=(-0.9, 1.6))
    axes[0, 0].set_ylabel("w2")
    curves, bars, rates = axes[1]
    for place, (name, (rate, losses, took)) in enumerate(result.data["races"].items()):
        curves.plot(np.arange(1, EPOCHS + 1), np.minimum.accumulate(losses), color=colours[name], lw=1.6)
        bars.barh(-place, min(took, EPOCHS), color=colours[name], height=0.4, alpha=1 if took <= EPOCHS else 0.3)
        label = f"{took}" if took <= EPOCHS else f"not in {EPOCHS}"
        bars.annotate(
            f"{name} at {rate:g}: {label}", (0, -place), xytext=(3, 8), textcoords="offset points", fontsize=8
        )
        reached = {r: n for r, n in result.data["table"][name].items() if n <= EPOCHS}
        rates.plot(list(reached), list(reached.values()), "o-", color=colours[name], lw=1.4)
    curves.axhline(GOOD, color=style.GREY, lw=1, ls=":")
    curves.set(title="spiral: lowest loss so far", xlabel="epoch", xlim=(0, EPOCHS), ylim=(0, 0.72))
    bars.set(title=f"epochs until it is below {GOOD:g}, best rate", xlabel="epoch", yticks=[], xlim=(0, EPOCHS))
    bars.set_ylim(-5.5, 0.9)
    rates.set(title="the same by rate; no dot: never", xlabel="learning rate", ylim=(0, EPOCHS))
    style.log_axis(rates.xaxis, [0.001, 0.01, 0.1, 1])
    rates.set_xlim(0.0008, 2.4)
    return page


def draw_valley(ax: Any, style: Any) -> None:
    """Lines of equal loss."""
    w1, w2 = np.meshgrid(np.linspace(-0.6, 1.9, 121), np.linspace(-0.9, 1.6, 121))
    height = np.mean(((np.stack([w1, w2], axis=-1) - GOAL) @ valley()[0].T) ** 2, axis=-1) / 2
    ax.contour(w1, w2, height, levels=np.geomspace(0.001, 2, 9), colors=style.GREY, linewidths=0.6)
    ax.grid(False)


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, optimization: use Adam; Introduction, optimizers",
    experiment,
    figure,
)
