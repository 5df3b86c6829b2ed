"""The kinds of lines in a hand computation: name, formula, sentence, shape and line function of each, as a table.

`explain.quantities` says which of them a step of a network has, and in which order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from glassnet.explain import layers, lines, updates
from glassnet.explain.places import Line, Place, Setting, Shape

__all__ = ["QUANTITIES", "Quantity"]


@dataclass(frozen=True)
class Quantity:
    """A kind of line.

    Attributes
    ----------
    name : str
        With {l} for the number of the layer.
    meaning : str
        In words.
    formula, text : str
        The lecture's formula in LaTeX for one example (or examples as columns), and as a terminal can show it.
    shape : callable
        `(setting, layer) -> shape`.
    line : callable
        `(place) -> Line`.
    why : str
        One sentence for a reader: what happens here, and to what end.
    rows : str
        The formula in LaTeX for examples as rows, where that is another.
    matrices : str
        The formula with whole matrices plugged in, for one example: names in angle brackets.
    """

    name: str
    meaning: str
    formula: str
    text: str
    shape: Callable[[Setting, int], Shape]
    line: Callable[[Place], Line]
    why: str = ""
    rows: str = ""
    matrices: str = ""


def units(s: Setting, layer: int) -> Shape:
    return s.rows, s.sizes[layer]


def matrix(s: Setting, layer: int) -> Shape:
    return s.sizes[layer], s.sizes[layer - 1]


def vector(s: Setting, layer: int) -> Shape:
    return (s.sizes[layer],)


def examples(s: Setting, layer: int) -> Shape:
    return (s.rows,)


def scalar(s: Setting, layer: int) -> Shape:
    return ()


# --- forward ----------------------------------------------------------------------------------------------------

PRE = Quantity(
    "z{l}", "pre-activation", "z_{l} = W_{l} a_{l-1} + b_{l}", "z{l} = W{l} a{l-1} + b{l}", units, lines.pre_activation,
    "Each unit adds up what comes in, times its weights, and its bias.",
    r"z_{l} = a_{l-1} W_{l}^\top + b_{l}", "<W{l}> <a{l-1}> + <b{l}>",
)  # fmt: skip
ACTIVATION = Quantity(
    "a{l}", "activation", "a_{l} = g(z_{l})", "a{l} = g(z{l})", units, lines.activation,
    "The activation function bends it; this is what the layer hands on.",
)  # fmt: skip
FORWARD = (PRE, ACTIVATION)
NORMALIZATION = (
    Quantity(
        "mean{l}", "mean of the batch", r"\mean_{l} = \frac{1}{n} \sum_i z_{l}", "mean{l} = mean of z{l}", vector,
        layers.batch_mean, "Batch normalization takes the mean of each unit over the examples.",
    ),
    Quantity(
        "var{l}", "variance of the batch", r"\var_{l} = \frac{1}{n} \sum_i (z_{l} - \mean_{l})^2",
        "var{l} = mean of (z{l} - mean{l})^2", vector, layers.batch_variance,
        "The variance is the mean square of what lies between a value and the mean.",
    ),
    Quantity(
        "running_mean{l}_new", "running mean",
        r"\bar{\mean} \leftarrow (1 - \rho)\, \bar{\mean} + \rho\, \mean_{l}",
        "running_mean{l} <- (1 - rho) running_mean{l} + rho mean{l}", vector, layers.running("mean", False),
        "Predictions will use an average over all batches so far, which moves a little.",
    ),
    Quantity(
        "running_var{l}_new", "running variance",
        r"\bar{\var} \leftarrow (1 - \rho)\, \bar{\var} + \rho\, \var_{l} \frac{n}{n - 1}",
        "running_var{l} <- (1 - rho) running_var{l} + rho var{l} n / (n - 1)", vector,
        layers.running("var", True), "So does the variance, there in its form for a sample.",
    ),
)  # fmt: skip
NORMALIZED = (
    Quantity(
        "scale{l}", "one over the standard deviation", r"\scale_{l} = \frac{1}{\sqrt{\var_{l} + \epsilon}}",
        "scale{l} = 1 / sqrt(var{l} + epsilon)", vector, layers.scale,
        "To normalize is to subtract the mean and divide "
        "by the standard deviation; epsilon keeps the division finite.",
    ),
    Quantity(
        "zhat{l}", "normalized value", r"\zhat_{l} = (z_{l} - \mean_{l}) \odot \scale_{l}",
        "zhat{l} = (z{l} - mean{l}) * scale{l}", units, layers.normalized,
    ),
    Quantity(
        "s{l}", "normalized, scaled and shifted", r"s_{l} = \gamma_{l} \odot \zhat_{l} + \beta_{l}",
        "s{l} = gamma{l} * zhat{l} + beta{l}", units, layers.shifted,
        "Two learned numbers a unit give it back any scale and place that it needs.",
    ),
)  # fmt: skip
FACTORS = {
    "mask": (
        "dropout's mask, as drawn", r"\mask_{l} = \frac{1}{1 - p} \text{ if } u \ge p \text{ else } 0",
        "mask{l} = 1 / (1 - rate) if u >= rate else 0",
        "Dropout lets each unit through with probability 1 - p, and then enlarges it, so that the mean stays.",
    ),
    "slope": (
        "slopes of the randomized leaky ReLU", r"\slope_{l} = 1 \text{ if } a_{l} > 0 \text{ else } \alpha",
        "slope{l} = 1 if a{l} > 0, else drawn", "Below 0 the slope is drawn anew for every unit; in predictions it is "
        "the mean of its limits.",
    ),
}  # fmt: skip
"""Factor -> meaning, formula, text and sentence."""


@lru_cache(maxsize=64)
def behind(number: int, factor: str, out: str, incoming: str) -> tuple[Quantity, Quantity]:
    """The factor of the so-manieth layer behind a layer, and what leaves it."""
    meaning, formula, text, why = FACTORS[factor]
    return (
        Quantity(f"{factor}{{l}}", meaning, formula, text, units, layers.factor(number), why),
        Quantity(
            f"{out}{{l}}",
            "after dropout" if factor == "mask" else "after the randomized leaky ReLU",
            rf"{out}_{{l}} = {incoming}_{{l}} \odot \{factor}_{{l}}",
            f"{out}{{l}} = {incoming}{{l}} * {factor}{{l}}",
            units,
            layers.leaving(number),
        ),
    )


# --- the objective ----------------------------------------------------------------------------------------------

LOSSES = Quantity(
    "losses", "loss of each example", "L_i = L(a_{l}, y_i)", "losses = L(a{l}, y)", examples, lines.losses,
    "The loss says how far the output is from the target.",
)  # fmt: skip
PENALTY = Quantity(
    "penalty", "penalty on the weights", r"R = \lambda_1 \sum |W| + \tfrac{\lambda_2}{2} \sum W^2",
    "penalty = l1 sum |W| + l2/2 sum W^2", scalar, lines.penalty, "Large weights cost something too; biases do not.",
)  # fmt: skip
LOSS = Quantity(
    "loss", "loss", r"J = \sum_i v_i L_i + R", "loss = L(a{l}, y)", scalar, lines.objective,
    "All together is what the step makes smaller.",
)  # fmt: skip

# --- backward ---------------------------------------------------------------------------------------------------

OUTPUT_SLOPE = Quantity(
    "dL_da{l}", "derivative of the loss by the output", r"\frac{\partial J}{\partial a_{l}} = v L'(a_{l}, y)",
    "dL_da{l} = L'(a{l}, y)", units, lines.output_slope, "Backward: how does the loss change with the output?",
)  # fmt: skip
WRT = {
    "a": "activation",
    "r": "what left the randomized leaky ReLU",
    "d": "what left the dropout",
    "s": "what went into the activation",
}


@lru_cache(maxsize=64)
def slope(out: str) -> Quantity:
    """The derivative by what leaves a hidden layer."""
    return Quantity(
        f"dL_d{out}{{l}}", f"derivative of the loss by {'the ' if out == 'a' else ''}{WRT[out]}",
        rf"\frac{{\partial J}}{{\partial {out}_{{l}}}} = W_{{l+1}}^\top \delta_{{l+1}}",
        f"dL_d{out}{{l}} = W{{l+1}}^T delta{{l+1}}", units, lines.hidden_slope,
        "The error comes back through the weights: a unit answers for each unit above it in proportion to the weight "
        "between them.",
        rf"\frac{{\partial J}}{{\partial {out}_{{l}}}} = \delta_{{l+1}} W_{{l+1}}", r"<W{l+1}>^\top <delta{l+1}>",
    )  # fmt: skip


@lru_cache(maxsize=64)
def through(number: int, factor: str, out: str, incoming: str) -> Quantity:
    """The derivative by what comes into dropout or drawn slopes."""
    return Quantity(
        f"dL_d{incoming}{{l}}", f"derivative of the loss by {'the ' if incoming == 'a' else ''}{WRT[incoming]}",
        rf"\frac{{\partial J}}{{\partial {incoming}_{{l}}}} = \frac{{\partial J}}{{\partial {out}_{{l}}}} "
        rf"\odot \{factor}_{{l}}",
        f"dL_d{incoming}{{l}} = dL_d{out}{{l}} * {factor}{{l}}", units, lines.through(number),
        "What was multiplied on the way forward is multiplied on the way back.",
    )  # fmt: skip


DERIVATIVE = Quantity(
    "g{l}", "derivative of the activation", "g'(z_{l})", "g{l} = g'(z{l})", units, lines.derivative,
    "How steep is the activation function where the unit stands?",
)  # fmt: skip
LINKED_DELTA = Quantity(
    "delta{l}", "derivative of the loss by the output's pre-activation",
    r"\delta_{l} = \frac{\partial J}{\partial z_{l}} = \frac{\partial J}{\partial a_{l}} "
    r"\frac{\partial a_{l}}{\partial z_{l}}",
    "delta{l} = dL_da{l} da{l}/dz{l}", units, lines.output_delta,
    "Their product is the error delta; this loss and this activation belong together, so that most of it cancels.",
)  # fmt: skip
OUTPUT_DELTA = Quantity(
    "delta{l}", "derivative of the loss by the output's pre-activation",
    r"\delta_{l} = \frac{\partial J}{\partial z_{l}} = \frac{\partial J}{\partial a_{l}} \odot g_{l}'",
    "delta{l} = dL_da{l} * g{l}", units, lines.output_delta, "By the chain rule their product is the error delta.",
    matrices=r"<dL_da{l}> \odot <g{l}>",
)  # fmt: skip
ROWWISE_DELTA = Quantity(
    "delta{l}", "derivative of the loss by the pre-activation",
    r"\delta_{l} = \frac{\partial J}{\partial z_{l}} = \bigl( \frac{\partial a_{l}}{\partial z_{l}} \bigr)^\top "
    r"\frac{\partial J}{\partial a_{l}}", "delta{l} = dL_da{l} times the Jacobian of a{l}", units, lines.delta,
    "Each output depends on the whole row, so all of them send their error back.",
)  # fmt: skip
DELTA = Quantity(
    "delta{l}", "derivative of the loss by the pre-activation",
    r"\delta_{l} = \frac{\partial J}{\partial z_{l}} = \frac{\partial J}{\partial a_{l}} \odot g_{l}'",
    "delta{l} = dL_da{l} * g{l}", units, lines.delta, "Times the slope of its activation it is the unit's own error.",
    matrices=r"<dL_da{l}> \odot <g{l}>",
)  # fmt: skip


@lru_cache(maxsize=64)
def by_s(delta: Quantity) -> Quantity:
    """The derivative by what goes into the activation, where the pre-activation is normalized first."""
    return Quantity(
        "dL_ds{l}", f"derivative of the loss by {WRT['s']}",
        delta.formula.replace(r"\delta_{l} = ", "").replace("z_{l}", "s_{l}"),
        delta.text.replace("delta{l}", "dL_ds{l}", 1), delta.shape, delta.line, delta.why, matrices=delta.matrices,
    )  # fmt: skip


NORM_GRADIENTS = (
    Quantity(
        "dgamma{l}", "gradient of gamma", r"\frac{\partial J}{\partial \gamma_{l}} = \sum_i \frac{\partial J}{\partial "
        r"s_{l}} \odot \zhat_{l}", "dgamma{l} = sum of dL_ds{l} * zhat{l}", vector, layers.gamma_gradient,
        "The normalization's own numbers have gradients as well.",
    ),
    Quantity(
        "dbeta{l}", "gradient of beta",
        r"\frac{\partial J}{\partial \beta_{l}} = \sum_i \frac{\partial J}{\partial s_{l}}",
        "dbeta{l} = sum of dL_ds{l}", vector, layers.beta_gradient,
    ),
)  # fmt: skip
BATCH_DELTA = Quantity(
    "delta{l}", "derivative of the loss by the pre-activation",
    r"\delta_{l} = \gamma_{l} \odot \scale_{l} \odot \bigl( \frac{\partial J}{\partial s_{l}} "
    r"- \frac{1}{n} \frac{\partial J}{\partial \beta_{l}} "
    r"- \frac{1}{n} \zhat_{l} \odot \frac{\partial J}{\partial \gamma_{l}} \bigr)",
    "delta{l} = gamma{l} * scale{l} * (dL_ds{l} - dbeta{l} / n - zhat{l} * dgamma{l} / n)", units,
    layers.normalized_delta,
    "Mean and variance depend on every example: what a shift or a stretch of the whole batch would do is taken out.",
)  # fmt: skip
RUNNING_DELTA = Quantity(
    "delta{l}", "derivative of the loss by the pre-activation",
    r"\delta_{l} = \frac{\partial J}{\partial s_{l}} \odot \gamma_{l} \odot \scale_{l}",
    "delta{l} = gamma{l} * scale{l} * dL_ds{l}", units, layers.normalized_delta,
    "The running statistics are constants here.",
)  # fmt: skip
GRADIENTS = {
    "W": Quantity(
        "dW{l}", "gradient of the weights", r"\frac{\partial J}{\partial W_{l}} = \delta_{l} a_{l-1}^\top",
        "dW{l} = delta{l} a{l-1}^T", matrix, lines.weight_gradient,
        "A weight's gradient is the error at its upper end times what came in at its lower end.",
        r"\frac{\partial J}{\partial W_{l}} = \delta_{l}^\top a_{l-1}", r"<delta{l}> <a{l-1}>^\top",
    ),
    "b": Quantity(
        "db{l}", "gradient of the biases", r"\frac{\partial J}{\partial b_{l}} = \delta_{l}", "db{l} = delta{l}",
        vector, lines.bias_gradient, "A bias meets a 1 there, so its gradient is the error itself.",
        r"\frac{\partial J}{\partial b_{l}} = \sum_i \delta_{l}",
    ),
}  # fmt: skip
PENALIZED = Quantity(
    "dW{l}", "gradient of the weights", r"\frac{\partial J}{\partial W_{l}} = \delta_{l} a_{l-1}^\top + \lambda_1 "
    r"\operatorname{sign}(W_{l}) + \lambda_2 W_{l}", "dW{l} = delta{l} a{l-1}^T + l1 sign(W{l}) + l2 W{l}", matrix,
    lines.weight_gradient,
    "A weight's gradient is the error at its upper end times what came in at its lower end, and what the penalty adds.",
    r"\frac{\partial J}{\partial W_{l}} = \delta_{l}^\top a_{l-1} + \lambda_1 \operatorname{sign}(W_{l}) "
    r"+ \lambda_2 W_{l}",
)  # fmt: skip

# --- update -----------------------------------------------------------------------------------------------------

NORM = Quantity(
    "gradient_norm", "norm of the gradient",
    r"N = \sqrt{\sum_\theta \bigl( \frac{\partial J}{\partial \theta} \bigr)^2}",
    "gradient_norm = sqrt of the sum of all squared gradients", scalar, updates.norm,
    "The gradient as one long vector has a length.",
)  # fmt: skip
SHAPES = {"W": matrix, "b": vector, "gamma": vector, "beta": vector}
LETTERS = {"W": "W_{l}", "b": "b_{l}", "gamma": r"\gamma_{l}", "beta": r"\beta_{l}"}
WHAT = {"W": "weights", "b": "biases", "gamma": "gamma", "beta": "beta"}


@lru_cache(maxsize=64)
def bounded(kind: str) -> Quantity:
    return Quantity(
        f"d{kind}{{l}}_clipped", f"bounded gradient of the {WHAT[kind]}",
        rf"\frac{{\partial J}}{{\partial {LETTERS[kind]}}} \leftarrow \operatorname{{clip}} "
        rf"\frac{{\partial J}}{{\partial {LETTERS[kind]}}}",
        f"d{kind}{{l}}_clipped = d{kind}{{l}} within its bounds", SHAPES[kind],
        updates.bounded(kind), "Too long a gradient is shortened before it moves anything.",
    )  # fmt: skip


@lru_cache(maxsize=256)
def new(kind: str, rule: str, latex: str) -> Quantity:
    """The new parameters: by gradient descent as the lectures write it, by another rule as its record does."""
    if rule == "sgd":
        letter = LETTERS[kind]
        formula = rf"{letter}^{{\text{{new}}}} = {letter} - \eta \frac{{\partial J}}{{\partial {letter}}}"
        text = f"{kind}{{l}}_new = {kind}{{l}} - eta d{kind}{{l}}"
    else:
        formula, text = latex, f"{kind}{{l}}_new, by {rule} from {kind}{{l}} and d{kind}{{l}}"
    return Quantity(
        kind + "{l}_new", f"new {WHAT[kind]}", formula, text, SHAPES[kind], updates.update(kind),
        "A step against the gradient, as long as the learning rate says." if rule == "sgd" else f"The step of {rule}.",
        matrices=f"<{kind}{{l}}> - <eta> <d{kind}{{l}}>" if rule == "sgd" else "",
    )  # fmt: skip


@lru_cache(maxsize=256)
def slot(name: str, kind: str, rule: str, latex: str) -> Quantity:
    return Quantity(
        f"{name}_{kind}{{l}}", f"what {rule} keeps, {name}", latex, f"{name}_{kind}{{l}}, which {rule} keeps",
        SHAPES[kind], updates.slot(name, kind), f"{rule} carries {name} on from step to step; it starts at 0.",
    )  # fmt: skip


@lru_cache(maxsize=256)
def hat(name: str, kind: str, rule: str) -> Quantity:
    power = r"\beta_1^t" if name == "m" else r"\beta_2^t"
    return Quantity(
        f"{name}hat_{kind}{{l}}", f"{name} without its bias", rf"\hat{{{name}}} = \frac{{{name}}}{{1 - {power}}}",
        f"{name}hat_{kind}{{l}} = {name}_{kind}{{l}} / (1 - beta^t)", SHAPES[kind], updates.corrected(name, kind),
        f"{name} started at 0 and is still too small; this corrects it.",
    )  # fmt: skip


QUANTITIES: tuple[Quantity, ...] = (
    *FORWARD, LOSSES, PENALTY, LOSS, OUTPUT_SLOPE, slope("a"), DERIVATIVE, OUTPUT_DELTA, DELTA, *GRADIENTS.values(),
    new("W", "sgd", ""), new("b", "sgd", ""),
)  # fmt: skip
"""The kinds of a network of dense layers, but the slots of the optimizers, whose names the rules give (v_W1, m_b2)."""
