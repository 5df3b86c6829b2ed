"""Backpropagation itself, penalties, batch normalization and what the optimizers' averages are."""

from glassnet.explain.proofs.proof import Proof, equalities
from glassnet.explain.proofs.writing import Symbols

__all__ = ["NETWORK_PROOFS"]


def layer(letter: str, number: str, shown: str = "") -> tuple[str, str]:
    """A letter with the number of its layer above it."""
    text = (shown or letter).replace("\\", "")
    text = {"delta": "δ"}.get(text, text)
    return f"{{{letter}}}^{{({number})}}", f"{text}({number})"


LAYERS: Symbols = {
    **{name: layer(name, "l") for name in ("z", "a")},
    "g": (r"{g}^{(l)}", "g"),
    "delta": layer(r"\delta", "l"),
    "dg": (r"{g'}^{(l)}", "g'"),
    "W": layer("W", "l"),
    "b": layer("b", "l"),
    "below": layer("a", "l-1"),
    "A": layer("a", "l-1"),
    "above_z": layer("z", "l+1"),
    "above_W": layer("W", "l+1"),
    "above_b": layer("b", "l+1"),
    "above_delta": layer(r"\delta", "l+1"),
    "F": ("L", "L"),
}
OUTPUT: Symbols = {
    "z": layer("z", "L"),
    "a": layer("a", "L"),
    "g": (r"{g}^{(L)}", "g"),
    "dg": (r"{g'}^{(L)}", "g'"),
    "delta": layer(r"\delta", "L"),
    "F": ("L", "L"),
}
NORMAL: Symbols = {
    "h": (r"\hat z", "ẑ"),
    "u": (r"\frac{\partial L}{\partial \hat z_{#}}", "∂L/∂ẑ_#"),
    "m": (r"\mu", "μ"),
    "F": ("L", "L"),
}
NORMALIZED = (
    "h[i] = r * (z[i] - m)",
    "m = sum(i, z[i]) / n",
    "v = sum(i, (z[i] - m)**2) / n",
    "r = 1 / sqrt(v + epsilon)",
)
OLD: Symbols = {
    "g1": ("g_1", "g_1"), "g2": ("g_2", "g_2"), "g3": ("g_3", "g_3"),
    "beta_1": (r"\beta_1", "β_1"), "beta_2": (r"\beta_2", "β_2"),
    "v0": ("v_0", "v_0"), "m3": ("m_3", "m_3"), "v3": ("v_3", "v_3"), "s3": ("s_3", "s_3"),
    "J": ("J", "J"), "dJ": ("J'", "J'"),
}  # fmt: skip

NETWORK_PROOFS = (
    Proof(
        "delta",
        "the delta recursion: how the error goes from a layer to the one below it",
        (
            equalities(
                "the output layer, for an activation of single numbers",
                "delta[k]",
                ("partial(L, a[k]) * partial(a[k], z[k])", "chain rule: `z[k]` is in `a[k]` alone"),
                ("partial(L, a[k]) * dg(z[k])", "derivative of the activation"),
                where=("delta[k] = partial(L, z[k])", "L = F(a)", "a[k] = g(z[k])"),
                symbols=OUTPUT,
            ),
            equalities(
                "a hidden layer",
                "delta[j]",
                (
                    "sum(k, partial(L, above_z[k]) * partial(above_z[k], z[j]))",
                    "chain rule: `z[j]` is in every unit above",
                ),
                ("sum(k, above_delta[k] * partial(above_z[k], z[j]))", "definition of `above_delta`"),
                (
                    "sum(k, above_delta[k] * above_W[k, j] * partial(a[j], z[j]))",
                    "`above_W[k, j] * a[j]` is the only term with `a[j]`",
                ),
                ("sum(k, above_W[k, j] * above_delta[k]) * dg(z[j])", "the factor of `a[j]` does not depend on `k`"),
                (
                    "(above_W.T @ above_delta)[j] * dg(z[j])",
                    "the sum is a row of the transposed matrix times `above_delta`",
                ),
                where=(
                    "delta[j] = partial(L, z[j])",
                    "above_delta[k] = partial(L, above_z[k])",
                    "L = F(above_z)",
                    "above_z[k] = sum(j, above_W[k, j] * a[j]) + above_b[k]",
                    "a[j] = g(z[j])",
                ),
                symbols=LAYERS,
            ),
        ),
        "Whatever stands above enters through its delta alone: each layer is visited once, from the last to the first. "
        "That is backpropagation.",
    ),
    Proof(
        "weight_gradient",
        "the gradients of weights and biases",
        (
            equalities(
                "a weight",
                "partial(L, W[k, j])",
                ("sum(i, partial(L, z[i]) * partial(z[i], W[k, j]))", "chain rule, over the units of the layer"),
                ("sum(i, delta[i] * kronecker(i, k) * below[j])", "`W[k, j] * below[j]` is in `z[k]` alone"),
                ("delta[k] * below[j]", "only `i == k` is left"),
                ("(delta @ below.T)[k, j]", "a column times a row is a matrix"),
                where=("delta[k] = partial(L, z[k])", "L = F(z)", "z[k] = sum(j, W[k, j] * below[j]) + b[k]"),
                symbols=LAYERS,
            ),
            equalities(
                "a bias",
                "partial(L, b[k])",
                ("sum(i, delta[i] * kronecker(i, k))", "`b[k]` is in `z[k]` alone"),
                ("delta[k]", "only `i == k` is left"),
                where=("delta[k] = partial(L, z[k])", "L = F(z)", "z[k] = sum(j, W[k, j] * below[j]) + b[k]"),
                symbols=LAYERS,
            ),
            equalities(
                "a weight, where a batch has rows i",
                "partial(L, W[k, j])",
                ("sum(i, delta[i, k] * A[i, j])", "chain rule: `W[k, j]` is in every example's `z[i, k]`"),
                ("(delta.T @ A)[k, j]", "the sum over rows is a product of matrices"),
                where=(
                    "delta[i, k] = partial(L, z[i, k])",
                    "L = F(z)",
                    "z[i, k] = sum(j, W[k, j] * A[i, j]) + b[k]",
                ),
                symbols=LAYERS,
            ),
        ),
        "Each example's share of a mean, `1 / n`, is in `L` and so in `delta` already: nothing is divided again.",
    ),
    Proof(
        "l2",
        "the L2 penalty pulls each weight towards 0 in proportion: weight decay",
        (
            equalities(
                "the gradient",
                "partial(J, w)",
                ("partial(L, w) + partial(lam / 2 * w**2, w)", "of the sum over all weights only one term has `w`"),
                ("partial(L, w) + lam * w", "`w**2` has the derivative `2 * w`"),
                where=("J = L + lam / 2 * w**2", "L = F(w)"),
                proves="l2",
                symbols={"F": ("L", "L")},
            ),
            equalities(
                "the update",
                "w - eta * partial(J, w)",
                ("w - eta * (partial(L, w) + lam * w)", "the gradient"),
                ("(1 - eta * lam) * w - eta * partial(L, w)", "`w` taken out: it shrinks before the step"),
                where=("J = L + lam / 2 * w**2", "L = F(w)"),
                symbols={"F": ("L", "L")},
            ),
        ),
        "For gradient descent this is the same as decoupled weight decay; for Adam it is not, since the penalty's "
        "gradient is divided there like any other.",
    ),
    Proof(
        "l1",
        "the L1 penalty pulls each weight towards 0 with one strength",
        (
            equalities(
                "the gradient",
                "partial(J, w)",
                ("partial(L, w) + lam", "here `abs(w) == w`"),
                ("partial(L, w) + lam * sign(w)", "definition of sign"),
                where=("J = L + lam * abs(w)", "L = F(w)"),
                when="w > 0",
                proves="l1",
                symbols={"F": ("L", "L")},
            ),
            equalities(
                "the gradient",
                "partial(J, w)",
                ("partial(L, w) - lam", "here `abs(w) == -w`"),
                ("partial(L, w) + lam * sign(w)", "definition of sign"),
                where=("J = L + lam * abs(w)", "L = F(w)"),
                when="w < 0",
                proves="l1",
                symbols={"F": ("L", "L")},
            ),
        ),
        "A small weight is pulled as strongly as a large one, until it is 0; at 0 itself glassnet takes 0.",
    ),
    Proof(
        "batch_norm",
        "batch normalization carried back, where every row of the batch is in every other's mean and variance",
        (
            equalities(
                "the variance",
                "partial(v, z[j])",
                (
                    "sum(i, 2 * (z[i] - m) * (kronecker(i, j) - 1 / n)) / n",
                    "chain rule: `m` has the derivative `1 / n`",
                ),
                ("2 / n * (z[j] - m) - 2 / n**2 * sum(i, z[i] - m)", "the term of `i == j` apart"),
                ("2 / n * (z[j] - m)", "deviations from the mean add up to 0"),
                where=NORMALIZED[1:3],
                symbols=NORMAL,
            ),
            equalities(
                "the normalized value",
                "partial(h[i], z[j])",
                ("r * (kronecker(i, j) - 1 / n) + (z[i] - m) * partial(r, z[j])", "product rule"),
                (
                    "r * (kronecker(i, j) - 1 / n) - (z[i] - m) * (r**3 / 2 * (2 / n * (z[j] - m)))",
                    "chain rule: `1 / sqrt(x)` has the derivative `-1 / (2 * sqrt(x)**3)`",
                ),
                ("r * (kronecker(i, j) - 1 / n - h[i] * h[j] / n)", "definition of `h`"),
                where=NORMALIZED,
                symbols=NORMAL,
            ),
            equalities(
                "a gradient carried back",
                "sum(i, u[i] * partial(h[i], z[j]))",
                ("r * sum(i, u[i] * (kronecker(i, j) - 1 / n - h[i] * h[j] / n))", "the derivative of `h[i]`"),
                ("r * (u[j] - sum(i, u[i]) / n - h[j] * (sum(i, u[i] * h[i]) / n))", "three sums"),
                where=NORMALIZED,
                proves="batch_norm",
                symbols=NORMAL,
            ),
        ),
        "The gradient loses its mean and its part along `h`: adding a number to all `z`, or stretching them, "
        "changes nothing that comes out, so no gradient points there.",
    ),
    Proof(
        "sgd",
        "why a small step against the gradient goes downhill",
        (
            equalities(
                "the objective's first change with the learning rate, for one parameter",
                "partial(J(theta - eta * g), eta)",
                ("dJ(theta - eta * g) * partial(theta - eta * g, eta)", "chain rule"),
                ("-dJ(theta - eta * g) * g", "`g` is constant"),
                symbols=OLD,
            ),
        ),
        "At `eta == 0` this is `-g**2`, since `g == dJ(theta)`: below 0 unless the gradient is 0. With many "
        "parameters it is minus the gradient's squared length, and no other direction of the same length falls "
        "faster.",
    ),
    Proof(
        "momentum",
        "momentum is a fading sum of gradients",
        (
            equalities(
                "the velocity after three steps from rest",
                "mu * (mu * (mu * 0 + g1) + g2) + g3",
                ("mu**2 * g1 + mu * g2 + g3", "multiplied out: a gradient fades by `mu` with every step"),
                proves="momentum",
                symbols=OLD,
            ),
            equalities(
                "the same gradient over and over",
                "mu**2 * g + mu * g + g",
                ("(1 - mu**3) / (1 - mu) * g", "sum of a geometric series"),
                symbols=OLD,
            ),
        ),
        "After many steps `mu**t` is nearly 0, and the velocity `g / (1 - mu)`: with `mu` at 0.9 ten times the "
        "gradient.",
    ),
    Proof(
        "adagrad",
        "what Adagrad divides by: the sum of all squares so far",
        (
            equalities(
                "the sum after three steps",
                "((0 + g1**2) + g2**2) + g3**2",
                ("g1**2 + g2**2 + g3**2", "it only grows, so the steps only shrink"),
                proves="adagrad",
                symbols=OLD,
            ),
        ),
    ),
    Proof(
        "rmsprop",
        "what RMSprop divides by: a fading average of squares",
        (
            equalities(
                "the average after three steps from 0",
                "rho * (rho * (rho * 0 + (1 - rho) * g1**2) + (1 - rho) * g2**2) + (1 - rho) * g3**2",
                ("(1 - rho) * (rho**2 * g1**2 + rho * g2**2 + g3**2)", "`1 - rho` taken out"),
                proves="rmsprop",
                symbols=OLD,
            ),
        ),
        "After `t` steps the weights add up to `1 - rho**t`, which is below 1 in the first steps: RMSprop begins "
        "with large steps, which Adam corrects.",
    ),
    Proof(
        "adam",
        "Adam's bias correction: what makes its averages averages",
        (
            equalities(
                "the first moment after three steps from 0",
                "beta_1 * (beta_1 * (beta_1 * 0 + (1 - beta_1) * g1) + (1 - beta_1) * g2) + (1 - beta_1) * g3",
                ("(1 - beta_1) * (beta_1**2 * g1 + beta_1 * g2 + g3)", "`1 - beta_1` taken out"),
                proves="adam",
                symbols=OLD,
            ),
            equalities(
                "the sum of its weights",
                "(1 - beta_1) * (beta_1**2 + beta_1 + 1)",
                ("1 - beta_1**3", "sum of a geometric series"),
                symbols=OLD,
            ),
            equalities(
                "so divided by it, the same gradient over and over gives the gradient",
                "(1 - beta_1) * (beta_1**2 * g + beta_1 * g + g) / (1 - beta_1**3)",
                ("g", "the weights add up to 1"),
                symbols=OLD,
            ),
            equalities(
                "and the first step has the size of the learning rate, for a gradient of any size",
                "eta * ((1 - beta_1) * g / (1 - beta_1)) / sqrt((1 - beta_2) * g**2 / (1 - beta_2))",
                ("eta * (g / sqrt(g**2))", "both corrections"),
                ("eta * sign(g)", "apart from `epsilon`, which keeps the denominator from 0"),
                proves="adam_first",
                symbols=OLD,
            ),
        ),
    ),
)
