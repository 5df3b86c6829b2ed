"""What happens when the test set chooses the model?

It stops being a test. Of many models, all equally good, one is lucky on just these examples; whoever takes the best
score takes the luck with it, and reports it as if it were skill. The more models tried and the fewer examples, the more
luck: the best of K coin flippers on m coins is right on more than half, on average by the formula for the largest of K
binomial numbers. The cure is a third set. The validation set chooses, and the test set is opened once, at the end.

The lesson first trains networks on labels that are coin flips, where nobody can do better than one half, and lets test
sets of 50 examples choose among them. Then it trains networks of several sizes, learning rates and penalties on two
noisy moons, and lets many test sets choose; what each network is really worth, 20000 other points say.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table
from glassnet.lessons.tables import moons_in_parts

__all__ = ["LESSON"]

COINS, TESTS, SIZE, FRESH, INPUTS = 150, 400, 50, 20_000, 5
COUNTS = (1, 2, 5, 10, 20, 50, 100, 150)
WIDTHS, RATES, LAMBDAS, SEEDS = (2, 8, 32), (0.003, 0.03), (0.0, 0.01), 5


def trained(X: np.ndarray, y: np.ndarray, width: int, rate: float, l2: float, seed: int) -> Any:
    """A small network after 60 epochs."""
    from glassnet import Adam, Dense, Network

    net = Network(X.shape[1], [Dense(width, "tanh"), Dense(1, "sigmoid")], l2=l2, seed=seed)
    net.fit(X, y, optimizer=Adam(rate), batch_size=16, epochs=60)
    return net


def scores(nets: list[Any], X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which answers are right (networks, n)."""
    return np.array([net.predict_classes(X) == y for net in nets], float)


def luck(models: int, examples: int) -> float:
    """The mean of the largest of `models` independent shares of heads in `examples` flips."""
    from scipy.stats import binom

    below = binom.cdf(np.arange(examples), examples, 0.5) ** models
    return float(examples - below.sum()) / examples


def coins(seed: int) -> dict[str, dict[int, float]]:
    """Mean score of the best of K on the test set that chose it, and on fresh examples; both for each K."""
    rng = np.random.default_rng(seed)

    def flips(n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.normal(size=(n, INPUTS)), rng.integers(0, 2, n)

    nets = [trained(*flips(50), 8, 0.03, 0.0, COINS * seed + k) for k in range(COINS)]
    tested = scores(nets, *flips(TESTS * SIZE)).reshape(COINS, TESTS, SIZE).mean(axis=2)  # a column is a test set
    fresh = scores(nets, *flips(FRESH)).mean(axis=1)
    best = {k: tested[:k].argmax(axis=0) for k in COUNTS}
    return {
        "chosen": {k: float(tested[best[k], np.arange(TESTS)].mean()) for k in COUNTS},
        "fresh": {k: float(fresh[best[k]].mean()) for k in COUNTS},
    }


def moons(seed: int) -> dict[str, np.ndarray]:
    """Scores (networks, sets) of real candidates on small test sets, and what they are worth (networks,)."""
    training, tests, rest = moons_in_parts(60, TESTS * SIZE, FRESH, seed=seed)
    grid = [(w, r, l2, s) for w in WIDTHS for r in RATES for l2 in LAMBDAS for s in range(SEEDS)]
    nets = [trained(*training, w, r, l2, 100 * seed + s) for w, r, l2, s in grid]
    tested = scores(nets, *tests).reshape(len(nets), TESTS, SIZE).mean(axis=2)
    return {"tested": tested, "worth": scores(nets, *rest).mean(axis=1)}


def experiment(seed: int) -> Result:
    """Coin flips, then moons."""
    flipped, real = coins(seed), moons(seed)
    tested, worth = real["tested"], real["worth"]
    chosen, sets = tested.argmax(axis=0), np.arange(TESTS)
    told, true = float(tested[chosen, sets].mean()), float(worth[chosen].mean())
    second = tested[chosen, np.roll(sets, 1)]  # one set chooses, the next one tests
    honest = float(second.mean())
    top, fair = flipped["chosen"][COUNTS[-1]], flipped["fresh"][COUNTS[-1]]
    return Result(
        (
            Table(
                f"labels are coin flips; the best of K networks on {SIZE} examples, mean over {TESTS} test sets",
                ["K", "on the set that chose", "largest of K binomials", "on fresh examples"],
                [[k, flipped["chosen"][k], luck(k, SIZE), flipped["fresh"][k]] for k in COUNTS],
            ),
            Table(
                f"two moons; the best of {len(worth)} networks on {SIZE} examples, mean over {TESTS} test sets",
                ["accuracy", "value"],
                [["on the set that chose", told], ["on a second set", honest], [f"on {FRESH:,} other points", true]],
            ),
        ),
        (
            Claim(
                f"where one half is all there is, the best of {COUNTS[-1]} networks scores {top:.0%} on the set that "
                f"chose it, and {fair:.0%} on fresh examples",
                top > 0.6 and abs(fair - 0.5) < 0.02,
            ),
            Claim(
                "that is luck as the binomial distribution counts it, to 2 points for each K",
                all(abs(flipped["chosen"][k] - luck(k, SIZE)) < 0.02 for k in COUNTS),
            ),
            Claim(
                f"on the moons the set that chose promises {told:.1%}, and the chosen network is worth {true:.1%}",
                told > true + 0.01,
            ),
            Claim(
                f"a second set, which chose nothing, says {honest:.1%}, which is right to 1 point",
                abs(honest - true) < 0.01,
            ),
        ),
        {
            "coins": flipped,
            "surplus": {"chose": tested[chosen, sets] - worth[chosen], "tested": second - worth[chosen]},
        },
    )


def figure(result: Result) -> Any:
    """Luck by the number of models; promise against worth of each choice."""
    from glassnet.lessons import style

    page, (left, right) = style.page("Whoever chooses by the test set reports luck as skill")
    flipped = result.data["coins"]
    left.plot(COUNTS, [luck(k, SIZE) for k in COUNTS], color=style.GREY, lw=1, ls="--")
    for key, name, colour, dy in (("chosen", "on the set that chose", 1, -16), ("fresh", "on fresh examples", 0, 12)):
        left.plot(COUNTS, list(flipped[key].values()), "o", color=style.COLOURS[colour])
        label = {"xytext": (8, dy), "textcoords": "offset points", "va": "center", "color": style.COLOURS[colour]}
        left.annotate(name, (10, flipped[key][10]), **label)
    left.text(4.5, luck(5, SIZE) + 0.006, "dashed: largest of\nK binomials", ha="right", fontsize=9, color=style.GREY)
    left.set(xscale="log", xlabel="K networks tried", title="labels are coin flips: accuracy of the best of K")
    left.set_xticks(COUNTS, [str(k) for k in COUNTS])
    left.minorticks_off()
    bins = np.arange(-0.21, 0.22, 0.02)
    for key, name, colour, place in (
        ("chose", "on the set\nthat chose", 1, (0.98, 0.9)),
        ("tested", "on a second set,\nwhich did not", 0, (0.02, 0.9)),
    ):
        surplus = result.data["surplus"][key]
        right.hist(surplus, bins=bins, histtype="step", lw=2, color=style.COLOURS[colour])
        right.hist(surplus, bins=bins, color=style.COLOURS[colour], alpha=0.12)
        right.axvline(surplus.mean(), color=style.COLOURS[colour], lw=1.2, ls="--")
        text = f"{name}:\n{surplus.mean():+.1%} on average"
        side = "right" if place[0] > 0.5 else "left"
        right.text(*place, text, transform=right.transAxes, ha=side, va="top", color=style.COLOURS[colour])
    right.xaxis.set_major_formatter(lambda value, _: f"{value:+.0%}")
    right.set(
        xlabel="accuracy promised less accuracy on fresh points", title="two moons: the network chosen by a test set"
    )
    right.set_yticks([])
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Lecture 5, common pitfalls: using the test set for hyperparameter tuning; split data properly",
    experiment,
    figure,
)
