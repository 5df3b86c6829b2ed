"""When should training stop?

The training loss falls as long as one likes. The loss on examples that the network does not learn from falls with it at
first, while the network learns what all examples share, and rises again when it goes on to learn each one's noise. So
some examples are held out for validation, their loss is watched after every epoch, and training ends when it has not
improved for `patience` epochs; the weights of the best epoch come back. That costs nothing and saves most of the time.

Two things to know. The curve is not smooth, so a patience of one epoch stops at the first bump. And the best epoch was
chosen by the validation examples, which flatters their loss a little: what the network is worth, a third set says, the
test set, which decides nothing.

The lesson learns from 100 points of two noisy moons, validates with 200 and tests with 1000. It trains for 500 epochs,
once to the end and then with several patiences. With 20 points to validate instead, chance may choose the epoch.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table
from glassnet.lessons.tables import Part, moons_in_parts

__all__ = ["LESSON"]

SIZES, EPOCHS = {"training": 100, "validation": 200, "test": 1000}, 500
PATIENCES, CHOSEN = (1, 3, 10, 30, 100), 30


def trained(parts: dict[str, Part], seed: int, watched: str, *callbacks: Any) -> tuple[Any, Any]:
    """A network and its history; `watched` is the part measured after each epoch, and changes no step."""
    from glassnet import Adam, Dense, Network

    net = Network(2, [Dense(64, "relu"), Dense(64, "relu"), Dense(1, "sigmoid")], seed=seed)
    options: dict[str, Any] = {"optimizer": Adam(0.002), "batch_size": 32, "epochs": EPOCHS, "callbacks": callbacks}
    return net, net.fit(*parts["training"], validation=parts[watched], **options)


def experiment(seed: int) -> Result:
    """To the end, watching validation and test; then with early stopping."""
    from glassnet import EarlyStopping

    parts = dict(zip(SIZES, moons_in_parts(*SIZES.values(), seed=seed), strict=True))
    end, history = trained(parts, seed, "validation")
    curves = {
        "training": np.array(history["loss"]),
        "validation": np.array(history["validation_loss"]),
        "test": np.array(trained(parts, seed, "test")[1]["validation_loss"]),
    }
    runs = {p: trained(parts, seed, "validation", EarlyStopping(patience=p)) for p in PATIENCES}
    measured = {p: [net.loss(*parts[name]) for name in ("validation", "test")] for p, (net, _) in runs.items()}
    net, stopped = runs[CHOSEN]
    best = stopped.best_epoch
    last, watched = end.loss(*parts["test"]), curves["validation"]
    back, test = measured[CHOSEN]
    epochs = [run.best_epoch for _, run in runs.values()]
    return Result(
        (
            Table(
                f"two moons, {SIZES['training']} points to learn from, a 2-64-64-1 network, at most {EPOCHS} epochs",
                ["patience", "epochs", "best epoch", "validation loss", "test loss"],
                [
                    *([p, h.epochs, h.best_epoch, *measured[p]] for p, (_, h) in runs.items()),
                    ["to the end", EPOCHS, "-", float(watched[-1]), last],
                ],
            ),
        ),
        (
            Claim(
                f"the training loss falls to the end, from {curves['training'][best - 1]:.2f} in the best epoch to "
                f"{curves['training'][-1]:.2f}, while the validation loss rises from {watched[best - 1]:.2f} to "
                f"{watched[-1]:.2f}",
                curves["training"][-1] < 0.8 * curves["training"][best - 1] and watched[-1] > 1.3 * watched[best - 1],
            ),
            Claim(
                f"with a patience of {CHOSEN} training ends after {stopped.epochs} epochs, and the weights "
                f"of the best, {best}, are back",
                stopped.epochs == best + CHOSEN < EPOCHS and abs(back - watched[: stopped.epochs].min()) < 1e-5,
            ),
            Claim(
                f"the loss on the test set, which decided nothing, is {test:.2f} instead of {last:.2f}",
                test < 0.8 * last,
            ),
            Claim(
                f"less patience never goes further: best epochs {', '.join(map(str, epochs))}",
                epochs == sorted(epochs),
            ),
        ),
        {"parts": parts, "curves": curves, "nets": (net, end), "best": best, "epochs": stopped.epochs},
    )


def figure(result: Result) -> Any:
    """The three curves, and the border at the best epoch and at the end."""
    from glassnet.lessons import style

    data = result.data
    page, (left, *maps) = style.page(
        "The training loss always falls; the validation loss says when to stop", 1, 3, width_ratios=[1.5, 1, 1]
    )
    epochs = np.arange(1, EPOCHS + 1)
    top = 1.1 * max(curve[10:].max() for curve in data["curves"].values())
    for (name, curve), colour in zip(data["curves"].items(), (1, 0, 2), strict=True):
        left.plot(epochs, curve, color=style.COLOURS[colour], lw=1.4)
        style.end_label(left, epochs, curve, name, style.COLOURS[colour])
    left.axvline(data["best"], color=style.BLACK, lw=1)
    left.axvspan(data["best"], data["epochs"], color=style.GREY, alpha=0.2, lw=0)
    left.text(data["epochs"] + 6, 0.96 * top, f"best epoch {data['best']}, then patience", fontsize=9, va="top")
    left.set(xlabel="epoch", ylim=(0, top), title="loss")
    for ax, net, title in zip(maps, data["nets"], (f"epoch {data['best']}", f"epoch {EPOCHS}"), strict=True):
        style.map_of(ax, net.predict, (-2.3, 2.3, -1.7, 1.7))
        style.points(ax, *data["parts"]["training"], size=18)
        ax.set_title(f"{title}: test loss {net.loss(*data['parts']['test']):.2f}")
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, implementation tips: early stopping; split data properly",
    experiment,
    figure,
)
