"""The derivatives of the activations."""

from glassnet.explain.proofs.proof import Equalities, Proof, equalities

__all__ = ["ACTIVATION_PROOFS"]

DEFINITION = "definition of `a`"


def derivative(definition: str, *steps: tuple[str, str], when: str = "", where: tuple[str, ...] = ()) -> Equalities:
    """da/dz, from the definition of a."""
    first = (f"d({definition}, z)", DEFINITION)
    return equalities(
        "derivative", "d(a, z)", first, *steps, where=(f"a = {definition}", *where), when=when, proves="derivative"
    )


LINEAR = ("1", "derivative of `z` by itself")
SIGMA = "sigma(z) = 1 / (1 + exp(-z))"

ACTIVATION_PROOFS = (
    Proof(
        "step",
        "why nothing can be learned through a step",
        (
            derivative("1", ("0", "a constant does not change"), when="z > 0"),
            derivative("0", ("0", "a constant does not change"), when="z < 0"),
        ),
        "At 0 the step jumps, and there is no derivative. Where there is one it is 0, so every gradient that passes "
        "through it is 0: step units learn by the perceptron rule, not by descent.",
    ),
    Proof("identity", "the derivative of the identity", (derivative("z", LINEAR),)),
    Proof(
        "sigmoid",
        "the derivative of the sigmoid, from its own value",
        (
            derivative(
                "1 / (1 + exp(-z))",
                ("-1 / (1 + exp(-z))**2 * d(1 + exp(-z), z)", "chain rule: `1 / u` has the derivative `-1 / u**2`"),
                ("exp(-z) / (1 + exp(-z))**2", "the inner derivative is `-exp(-z)`"),
                ("1 / (1 + exp(-z)) * (exp(-z) / (1 + exp(-z)))", "in two factors"),
                ("1 / (1 + exp(-z)) * (1 - 1 / (1 + exp(-z)))", "`exp(-z) == (1 + exp(-z)) - 1`"),
                ("a * (1 - a)", DEFINITION),
            ),
        ),
        "It is at most `1 / 4`, at `z == 0`: through every further layer of sigmoid units a gradient shrinks at "
        "least so much, apart from the weights.",
    ),
    Proof(
        "tanh",
        "the derivative of tanh, from its own value",
        (
            derivative(
                "(exp(z) - exp(-z)) / (exp(z) + exp(-z))",
                ("((exp(z) + exp(-z))**2 - (exp(z) - exp(-z))**2) / (exp(z) + exp(-z))**2", "quotient rule"),
                ("1 - ((exp(z) - exp(-z)) / (exp(z) + exp(-z)))**2", "divided term by term"),
                ("1 - a**2", DEFINITION),
            ),
            equalities(
                "tanh is a sigmoid, stretched",
                "(exp(z) - exp(-z)) / (exp(z) + exp(-z))",
                ("(1 - exp(-2 * z)) / (1 + exp(-2 * z))", "above and below times `exp(-z)`"),
                ("2 / (1 + exp(-2 * z)) - 1", "`1 - u == 2 - (1 + u)`"),
                ("2 * sigma(2 * z) - 1", "definition of the sigmoid"),
                where=(SIGMA,),
                proves="function",
            ),
        ),
    ),
    Proof(
        "relu",
        "the derivative of ReLU, piece by piece",
        (derivative("z", LINEAR, when="z > 0"), derivative("0", ("0", "a constant does not change"), when="z < 0")),
        "At 0 the slope jumps from 0 to 1; glassnet takes 0 there, which is one of its subgradients.",
    ),
    Proof(
        "leaky_relu",
        "the derivative of leaky ReLU, piece by piece",
        (
            derivative("z", LINEAR, when="z > 0"),
            derivative("alpha * z", ("alpha", "the factor stays"), when="z < 0"),
        ),
        "At 0 the slope jumps from `alpha` to 1; glassnet takes `alpha` there.",
    ),
    Proof(
        "elu",
        "the derivative of ELU, from its own value",
        (
            derivative("z", LINEAR, when="z > 0"),
            derivative(
                "alpha * (exp(z) - 1)",
                ("alpha * exp(z)", "the exponential is its own derivative"),
                ("alpha * (exp(z) - 1) + alpha", "`alpha` taken away and added"),
                ("a + alpha", DEFINITION),
                when="z < 0",
            ),
        ),
        "For `alpha == 1` both pieces have the slope 1 at 0: there is no kink.",
    ),
    Proof(
        "selu",
        "the derivative of SELU, from its own value",
        (
            derivative("scale * z", ("scale", "the factor stays"), when="z > 0"),
            derivative(
                "scale * alpha * (exp(z) - 1)",
                ("scale * alpha * exp(z)", "the exponential is its own derivative"),
                ("scale * alpha * (exp(z) - 1) + scale * alpha", "the factor taken away and added"),
                ("a + scale * alpha", DEFINITION),
                when="z < 0",
            ),
        ),
        "The record calls the factor in front scale; its two numbers are such that outputs keep mean 0 and variance 1.",
    ),
    Proof(
        "softplus",
        "the derivative of softplus is the sigmoid",
        (
            derivative(
                "log(1 + exp(z))",
                ("exp(z) / (1 + exp(z))", "chain rule: `log(u)` has the derivative `1 / u`"),
                ("1 / (1 + exp(-z))", "above and below times `exp(-z)`"),
                ("sigma(z)", "definition of the sigmoid"),
                where=(SIGMA,),
            ),
            equalities(
                "as it is computed, for z of any size",
                "log(1 + exp(z))",
                ("log(exp(z) * (1 + exp(-z)))", "`exp(z)` taken out"),
                ("z + log(1 + exp(-z))", "log of a product"),
                ("max(z, 0) + log(1 + exp(-abs(z)))", "`z` is positive"),
                when="z > 0",
                proves="function",
            ),
            equalities(
                "as it is computed, for z of any size",
                "log(1 + exp(z))",
                ("max(z, 0) + log(1 + exp(-abs(z)))", "`max(z, 0) == 0` and `-abs(z) == z`"),
                when="z < 0",
                proves="function",
            ),
        ),
        "The exponential is taken of numbers that are not positive only, so nothing overflows.",
    ),
    Proof(
        "swish",
        "the derivative of swish, from its own value",
        (
            derivative(
                "z * sigma(z)",
                ("sigma(z) + z * d(sigma(z), z)", "product rule"),
                ("sigma(z) + z * (sigma(z) * (1 - sigma(z)))", "derivative of the sigmoid"),
                ("sigma(z) + a * (1 - sigma(z))", DEFINITION),
                where=(SIGMA,),
            ),
        ),
    ),
    Proof(
        "gelu",
        "the derivative of GELU, from the normal distribution and its density",
        (
            equalities(
                "the density is the distribution's derivative",
                "d(Phi(z), z)",
                ("1 / 2 * d(erf(z / sqrt(2)), z)", "definition of `Phi`"),
                (
                    "1 / 2 * (2 / sqrt(pi)) * exp(-z**2 / 2) * (1 / sqrt(2))",
                    "`erf(u)` has the derivative `2 * exp(-u**2) / sqrt(pi)`",
                ),
                ("phi(z)", "definition of `phi`"),
                where=("Phi(z) = (1 + erf(z / sqrt(2))) / 2", "phi(z) = exp(-z**2 / 2) / sqrt(2 * pi)"),
            ),
            derivative(
                "z * Phi(z)",
                ("Phi(z) + z * d(Phi(z), z)", "product rule"),
                ("Phi(z) + z * phi(z)", "the density is the distribution's derivative"),
                where=("Phi(z) = (1 + erf(z / sqrt(2))) / 2", "phi(z) = exp(-z**2 / 2) / sqrt(2 * pi)"),
            ),
        ),
    ),
    Proof(
        "mish",
        "the derivative of Mish, by the chain rule twice",
        (
            derivative(
                "z * t",
                ("t + z * d(t, z)", "product rule"),
                ("t + z * ((1 - t**2) * d(s, z))", "chain rule: `tanh(u)` has the derivative `1 - tanh(u)**2`"),
                ("t + z * (1 - t**2) * sigma(z)", "the derivative of softplus is the sigmoid"),
                where=("t = tanh(s)", "s = log(1 + exp(z))", SIGMA),
            ),
        ),
    ),
    Proof(
        "exponential",
        "the derivative of the exponential",
        (
            derivative(
                "exp(z)",
                ("exp(z)", "the exponential is its own derivative"),
                ("a", DEFINITION),
            ),
        ),
    ),
    Proof(
        "softmax",
        "the Jacobian of softmax, and a gradient carried back through it",
        (
            equalities(
                "the Jacobian",
                "partial(a[k], z[j])",
                ("partial(exp(z[k]) / S, z[j])", DEFINITION),
                ("(partial(exp(z[k]), z[j]) * S - exp(z[k]) * partial(S, z[j])) / S**2", "quotient rule"),
                (
                    "(kronecker(k, j) * exp(z[k]) * S - exp(z[k]) * exp(z[j])) / S**2",
                    "only one term of `S` depends on `z[j]`",
                ),
                ("exp(z[k]) / S * (kronecker(k, j) - exp(z[j]) / S)", "`exp(z[k]) / S` taken out"),
                ("a[k] * (kronecker(k, j) - a[j])", DEFINITION),
                where=("a[k] = exp(z[k]) / S", "S = sum(i, exp(z[i]))"),
            ),
            equalities(
                "a gradient carried back",
                "sum(k, da[k] * partial(a[k], z[j]))",
                ("sum(k, da[k] * a[k] * (kronecker(k, j) - a[j]))", "the Jacobian"),
                ("da[j] * a[j] - a[j] * sum(k, da[k] * a[k])", "the term of `k == j` apart"),
                ("a[j] * (da[j] - sum(k, da[k] * a[k]))", "`a[j]` taken out"),
                where=("a[k] = exp(z[k]) / S", "S = sum(i, exp(z[i]))"),
                proves="vjp",
                symbols={"da": (r"\frac{\partial L}{\partial a_{#}}", "∂L/∂a_#")},
            ),
            equalities(
                "as it is computed, for z of any size",
                "exp(z[k]) / sum(i, exp(z[i]))",
                ("exp(-m) * exp(z[k]) / (exp(-m) * sum(i, exp(z[i])))", "above and below times `exp(-m)`, for any `m`"),
                ("exp(z[k] - m) / sum(i, exp(z[i] - m))", "`m` is the largest of all `z`"),
                proves="function",
            ),
        ),
        "With the largest `z` taken away no exponential exceeds 1, so nothing overflows.",
    ),
)
