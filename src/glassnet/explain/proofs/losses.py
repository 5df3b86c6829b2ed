"""The derivatives of the losses by the outputs, and with their links by the pre-activations."""

from glassnet.explain.proofs.proof import Equalities, Proof, equalities
from glassnet.explain.proofs.writing import Symbols

__all__ = ["LOSS_PROOFS"]

ONE: Symbols = {name: (f"{name}_k", f"{name}_k") for name in ("a", "y", "z")}
"""Where only the term of output k matters, its numbers are written with their index."""
TERM = "no other term of the sum depends on it"
CHAIN = "chain rule"


def by_output(term: str, *steps: tuple[str, str], when: str = "", where: tuple[str, ...] = ()) -> Equalities:
    """dL/da of one output, from its term of the loss."""
    first = (f"partial({term}, a)", TERM)
    return equalities(
        "by the output", "partial(L, a)", first, *steps,
        where=(f"L = {term}", *where), when=when, proves="derivative", symbols=ONE,
    )  # fmt: skip


def from_link(term: str, link: str, *steps: tuple[str, str], proves: str = "linked_derivative") -> Equalities:
    """delta = dL/dz of one output with the loss's link below it."""
    return equalities(
        "with its link: by the pre-activation", "partial(L, z)", ("partial(L, a) * d(a, z)", CHAIN), *steps,
        where=(f"L = {term}", f"a = {link}"), proves=proves, symbols=ONE,
    )  # fmt: skip


SQUARE, HALF = "(a - y)**2", "1 / 2 * (a - y)**2"
BERNOULLI, POISSON = "-(y * log(a) + (1 - y) * log(1 - a))", "a - y * log(a)"
SIGMOID = "1 / (1 + exp(-z))"
SOFTMAX = ("L = -sum(k, y[k] * log(a[k]))", "a[k] = exp(z[k]) / S", "S = sum(i, exp(z[i]))")

LOSS_PROOFS = (
    Proof(
        "squared_error",
        "squared error, alone and above a linear output",
        (
            by_output(
                SQUARE,
                ("2 * (a - y) * partial(a - y, a)", "chain rule: `u**2` has the derivative `2 * u`"),
                ("2 * (a - y)", "`y` is constant"),
            ),
            from_link(SQUARE, "z", ("2 * (a - y)", "`a == z` has the slope 1"), proves="canonical"),
        ),
    ),
    Proof(
        "half_squared_error",
        "half the squared error, alone and above a linear output",
        (
            by_output(
                HALF,
                ("1 / 2 * 2 * (a - y) * partial(a - y, a)", "chain rule: `u**2` has the derivative `2 * u`"),
                ("a - y", "the half cancels the 2"),
            ),
            from_link(HALF, "z", ("a - y", "`a == z` has the slope 1"), proves="canonical"),
        ),
        "The half is there for this alone: the gradient has no 2 in it.",
    ),
    Proof(
        "absolute_error",
        "absolute error, piece by piece",
        (
            by_output(
                "abs(a - y)", ("1", "here `abs(a - y) == a - y`"), ("sign(a - y)", "definition of sign"), when="a > y"
            ),
            by_output(
                "abs(a - y)", ("-1", "here `abs(a - y) == y - a`"), ("sign(a - y)", "definition of sign"), when="a < y"
            ),
        ),
        "Every error pulls with the same strength, however large: outliers weigh less than under squared error. Where "
        "`a == y` the slope jumps; glassnet takes 0 there.",
    ),
    Proof(
        "huber",
        "Huber's loss, piece by piece: squared in the middle, absolute outside",
        (
            by_output(
                HALF,
                ("a - y", "as for half the squared error"),
                ("max(-delta, min(a - y, delta))", "`a - y` lies between `-delta` and `delta`"),
                when="abs(a - y) <= delta",
            ),
            by_output(
                "delta * (abs(a - y) - delta / 2)",
                ("delta", "here `abs(a - y) == a - y`"),
                ("max(-delta, min(a - y, delta))", "`a - y` is above `delta`"),
                when="a - y > delta",
            ),
            by_output(
                "delta * (abs(a - y) - delta / 2)",
                ("-delta", "here `abs(a - y) == y - a`"),
                ("max(-delta, min(a - y, delta))", "`a - y` is below `-delta`"),
                when="a - y < -delta",
            ),
        ),
        "Value and slope of the pieces agree where they meet, so there is no kink: the gradient is that of half the "
        "squared error, clipped at `-delta` and `delta`.",
    ),
    Proof(
        "quantile",
        "the quantile loss, piece by piece",
        (
            by_output("(1 - tau) * (a - y)", ("1 - tau", "the factor stays"), when="a > y"),
            by_output("tau * (y - a)", ("-tau", "the factor stays, and `a` is taken away"), when="a < y"),
        ),
        "The mean slope is 0 where a share `tau` of the targets lies below `a`: the loss is least at the "
        "quantile. Where `a == y` the slope jumps; glassnet takes 0 there.",
    ),
    Proof(
        "poisson",
        "the Poisson loss, alone and above an exponential output",
        (
            by_output(POISSON, ("1 - y / a", "`log(a)` has the derivative `1 / a`")),
            equalities(
                "with its link: the value",
                "L",
                ("a - y * log(exp(z))", "definitions"),
                ("a - y * z", "the logarithm undoes the exponential"),
                where=(f"L = {POISSON}", "a = exp(z)"),
                proves="linked",
                symbols=ONE,
            ),
            from_link(
                POISSON,
                "exp(z)",
                ("(1 - y / a) * a", "the exponential is its own derivative"),
                ("a - y", "multiplied out"),
            ),
        ),
        "The negative logarithm of the Poisson probability of `y` where `a` is the mean; log(y!) does not depend "
        "on `a`.",
    ),
    Proof(
        "binary_cross_entropy",
        "binary cross-entropy, alone and above a sigmoid output",
        (
            by_output(
                BERNOULLI,
                ("-(y / a - (1 - y) / (1 - a))", "`log(u)` has the derivative `1 / u`"),
                ("-(y * (1 - a) - (1 - y) * a) / (a * (1 - a))", "one denominator"),
                ("(a - y) / (a * (1 - a))", "`y * a` cancels"),
            ),
            equalities(
                "with its link: the value",
                "L",
                (
                    "y * log(1 + exp(-z)) + (1 - y) * log(1 + exp(z))",
                    "`1 / a == 1 + exp(-z)` and `1 / (1 - a) == 1 + exp(z)`",
                ),
                (
                    "y * (log(1 + exp(z)) - z) + (1 - y) * log(1 + exp(z))",
                    "`1 + exp(-z) == exp(-z) * (1 + exp(z))`",
                ),
                ("log(1 + exp(z)) - y * z", "`y` and `1 - y` add up to 1"),
                ("max(z, 0) - y * z + log(1 + exp(-abs(z)))", "softplus as it is computed: nothing overflows"),
                where=(f"L = {BERNOULLI}", f"a = {SIGMOID}"),
                proves="linked",
                symbols=ONE,
            ),
            from_link(
                BERNOULLI,
                SIGMOID,
                ("(a - y) / (a * (1 - a)) * (a * (1 - a))", "the derivative by a, and that of the sigmoid"),
                ("a - y", "`a * (1 - a)` cancels"),
            ),
        ),
        "The sigmoid's slope, which is nearly 0 where the unit is sure of itself, has gone: a unit that is sure and "
        "wrong still learns at full speed. Under squared error it would not.",
    ),
    Proof(
        "cross_entropy",
        "cross-entropy, alone and above softmax",
        (
            equalities(
                "by the output",
                "partial(L, a[k])",
                ("partial(-y[k] * log(a[k]), a[k])", TERM),
                ("-y[k] / a[k]", "`log(a)` has the derivative `1 / a`"),
                where=("L = -sum(j, y[j] * log(a[j]))",),
                proves="derivative",
            ),
            equalities(
                "with its link: the value",
                "L",
                ("-sum(k, y[k] * (z[k] - log(S)))", "the logarithm of a quotient"),
                ("sum(k, y[k] * (log(S) - z[k]))", "the minus taken in"),
                (
                    "sum(k, y[k] * (log(sum(i, exp(z[i] - m))) - (z[k] - m)))",
                    "`S == exp(m) * sum(i, exp(z[i] - m))` for any `m`; with the largest `z` nothing overflows",
                ),
                where=SOFTMAX,
                proves="linked",
            ),
            equalities(
                "with its link: by the pre-activation",
                "partial(L, z[j])",
                ("sum(k, partial(L, a[k]) * partial(a[k], z[j]))", "chain rule: `z[j]` is in every output"),
                ("sum(k, -y[k] / a[k] * (a[k] * (kronecker(k, j) - a[j])))", "the derivatives of loss and softmax"),
                ("sum(k, y[k] * (a[j] - kronecker(k, j)))", "`a[k]` cancels"),
                ("a[j] * sum(k, y[k]) - y[j]", "the term of `k == j` apart"),
                where=SOFTMAX,
                proves="linked_derivative",
            ),
            equalities(
                "with targets that add up to 1",
                "partial(L, z[j])",
                ("a[j] * sum(k, y[k]) - y[j]", "as above"),
                ("a[j] - y[j]", "the sum is 1"),
                where=SOFTMAX,
                when="sum(k, y[k]) == 1",
                proves="linked_derivative",
            ),
        ),
        "With one class, y = 1 for it and 0 for the others: the probability given to the class, minus 1, is its delta; "
        "each other class gets its probability.",
    ),
    Proof(
        "perceptron",
        "the perceptron criterion, whose descent is the perceptron rule",
        (
            equalities(
                "by the output, for the values that a step unit takes",
                "partial(abs(a - y), a)",
                ("1", "here `abs(a - y) == a - y`"),
                ("a - y", "`a` is 1 and `y` is 0"),
                when="a - y == 1",
                proves="derivative",
                symbols=ONE,
            ),
            equalities(
                "by the output, for the values that a step unit takes",
                "partial(abs(a - y), a)",
                ("-1", "here `abs(a - y) == y - a`"),
                ("a - y", "`a` is 0 and `y` is 1"),
                when="a - y == -1",
                proves="derivative",
                symbols=ONE,
            ),
            equalities(
                "the criterion, by the pre-activation",
                "partial((a - y) * z, z)",
                ("a - y", "`a` does not change with `z`, wherever it has a derivative"),
                proves="linked_derivative",
                symbols=ONE,
            ),
        ),
        "Descent with the learning rate `eta` adds `eta * (y - a) * x` to the weights: Rosenblatt's rule, which "
        "changes nothing where the unit is right. Where it is wrong, `(a - y) * z` is `abs(z)`, how far the unit "
        "is on the wrong side.",
    ),
)
