"""Which old acquaintances are networks without a hidden layer?

One layer with the identity and squared error is linear regression; with a sigmoid and binary cross-entropy it is
logistic regression; with softmax and cross-entropy it is multinomial regression: a generalized linear model each time,
with the link for its activation. The objective is convex, so whoever minimizes it finds the same coefficients.

The lesson fits each as a network on a real table and lays the coefficients beside scikit-learn's.
"""

from typing import Any

import numpy as np

from glassnet.lessons.lesson import Claim, Lesson, Result, Table
from glassnet.lessons.tables import numbers, standardized

__all__ = ["LESSON"]


def linear() -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of linear regression on diabetes: ours, scikit-learn's."""
    from sklearn.linear_model import LinearRegression

    from glassnet import Dense, LeastSquares, Network

    raw, y = numbers("diabetes")
    X = standardized(raw)
    net = Network(X.shape[1], [Dense(1, "identity")], "squared_error", dtype="float64")
    net.fit(X, y, optimizer=LeastSquares())
    theirs = LinearRegression().fit(X, y)
    return coefficients(net), np.append(np.ravel(theirs.coef_), theirs.intercept_)


def logistic(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The same for classes, with the penalty that scikit-learn's C = 1 is: l2 = 1 / (C n)."""
    from sklearn.linear_model import LogisticRegression

    from glassnet import LBFGS, Dense, Network

    raw, y = numbers(name)
    X = standardized(raw)
    classes = len(np.unique(y))
    output = Dense(1, "sigmoid") if classes == 2 else Dense(classes, "softmax")
    net = Network(X.shape[1], [output], l2=1 / len(X), dtype="float64")
    net.fit(X, y, optimizer=LBFGS(tolerance=1e-9), epochs=2000)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=5000).fit(X, y)
    ours = coefficients(net)
    if classes > 2:  # the same number added to all biases changes nothing: both are centred
        ours[-classes:] -= ours[-classes:].mean()
    theirs_all = np.append(np.ravel(theirs.coef_), theirs.intercept_ - (theirs.intercept_.mean() if classes > 2 else 0))
    return ours, theirs_all


def coefficients(net: Any) -> np.ndarray:
    """W and b of the one layer, in a row."""
    return np.append(net.parameters["W1"].ravel(), net.parameters["b1"])


def experiment(seed: int) -> Result:
    """Three tables, three models; nothing is drawn at random, so the seed changes nothing."""
    del seed
    pairs = {
        "linear regression: identity, diabetes": linear(),
        "logistic regression: sigmoid, breast_cancer": logistic("breast_cancer"),
        "multinomial regression: softmax, iris": logistic("iris"),
    }
    errors = {name: float(np.abs(a - b).max() / np.abs(b).max()) for name, (a, b) in pairs.items()}
    return Result(
        (
            Table(
                "a network of one layer beside scikit-learn",
                ["model", "coefficients", "largest", "relative difference"],
                [[name, len(b), float(np.abs(b).max()), errors[name]] for name, (_, b) in pairs.items()],
            ),
        ),
        tuple(
            Claim(f"{name.partition(':')[0]}: the coefficients agree to {error:.0e}", error < 1e-4)
            for name, error in errors.items()
        ),
        {"pairs": pairs, "errors": errors},
    )


def figure(result: Result) -> Any:
    """Ours against theirs, on the diagonal."""
    from glassnet.lessons import style

    page, axes = style.page(
        "A network without hidden layers is a generalized linear model, to the last coefficient", 1, 3, height=4.2
    )
    for ax, (name, (ours, theirs)) in zip(axes, result.data["pairs"].items(), strict=True):
        low, high = theirs.min(), theirs.max()
        pad = 0.08 * (high - low)
        ax.plot([low - pad, high + pad], [low - pad, high + pad], color=style.GREY, lw=1)
        ax.scatter(theirs, ours, s=34, color=style.COLOURS[0], edgecolors="white", zorder=3)
        model, _, rest = name.partition(": ")
        ax.set(title=f"{model}\n{rest}", xlabel="scikit-learn's coefficient", aspect="equal")
        ax.text(
            0.05, 0.92, f"differ by {result.data['errors'][name]:.0e}", transform=ax.transAxes, color=style.COLOURS[0]
        )
    axes[0].set_ylabel("glassnet's")
    return page


LESSON = Lesson(
    __name__,
    __doc__,
    "Introduction, special cases; Lecture 23, logistic regression model; EE514, connection with logistic regression",
    experiment,
    figure,
)
