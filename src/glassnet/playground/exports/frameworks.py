"""How PyTorch and Keras write our records, as data: a new record needs a line here to be exported.

`{alpha!r}` stands for a constant of the record, `{rate}` for the learning rate; `a` are outputs, `z` what goes into
the output activation, `y` targets, all (n, K).
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["KERAS", "NUMPY_FUNCTIONS", "PYTORCH", "Framework"]


@dataclass(frozen=True)
class Framework:
    """Text of activations, losses and optimizers by name."""

    name: str
    activations: Mapping[str, str]
    losses: Mapping[str, str]
    optimizers: Mapping[str, str]


_ADAM = "model.parameters(), lr={rate}, betas=({beta_1!r}, {beta_2!r}), eps={epsilon!r}"

PYTORCH = Framework(
    "PyTorch",
    {
        "identity": "nn.Identity()",
        "sigmoid": "nn.Sigmoid()",
        "tanh": "nn.Tanh()",
        "relu": "nn.ReLU()",
        "leaky_relu": "nn.LeakyReLU({alpha!r})",
        "elu": "nn.ELU({alpha!r})",
        "selu": "nn.SELU()",
        "softplus": "nn.Softplus()",
        "swish": "nn.SiLU()",
        "gelu": "nn.GELU()",
        "mish": "nn.Mish()",
        "softmax": "nn.Softmax(dim=1)",
        "exponential": "Elementwise(torch.exp)",
        "step": "Elementwise(lambda z: (z >= 0).to(z.dtype))",
    },
    {
        "squared_error": "((a - y) ** 2).sum(dim=1).mean()",
        "half_squared_error": "((a - y) ** 2).sum(dim=1).mean() / 2",
        "absolute_error": "(a - y).abs().sum(dim=1).mean()",
        "huber": 'nn.functional.huber_loss(a, y, delta={delta!r}, reduction="none").sum(dim=1).mean()',
        "quantile": "torch.maximum({tau!r} * (y - a), ({tau!r} - 1) * (y - a)).sum(dim=1).mean()",
        "poisson": "(a - y * a.log()).sum(dim=1).mean()",
        "binary_cross_entropy": 'nn.functional.binary_cross_entropy(a, y, reduction="none").sum(dim=1).mean()',
        "cross_entropy": "-(y * a.clamp_min(1e-12).log()).sum(dim=1).mean()",
        "perceptron": "((a - y).detach() * z).sum(dim=1).mean()",
    },
    {
        "sgd": "torch.optim.SGD(model.parameters(), lr={rate})",
        "momentum": "torch.optim.SGD(model.parameters(), lr={rate}, momentum={momentum!r})",
        "nesterov": "torch.optim.SGD(model.parameters(), lr={rate}, momentum={momentum!r}, nesterov=True)",
        "adagrad": "torch.optim.Adagrad(model.parameters(), lr={rate}, eps={epsilon!r})",
        "rmsprop": "torch.optim.RMSprop(model.parameters(), lr={rate}, alpha={rho!r}, eps={epsilon!r})",
        "adam": f"torch.optim.Adam({_ADAM})",
        "adamw": f"torch.optim.Adam({_ADAM})",
        "nadam": f"torch.optim.NAdam({_ADAM}, momentum_decay={{momentum_decay!r}})",
    },
)

_BETAS = "learning_rate={rate}, beta_1={beta_1!r}, beta_2={beta_2!r}, epsilon={epsilon!r}"

KERAS = Framework(
    "Keras",
    {
        "identity": 'layers.Activation("linear")',
        "sigmoid": 'layers.Activation("sigmoid")',
        "tanh": 'layers.Activation("tanh")',
        "relu": 'layers.Activation("relu")',
        "selu": 'layers.Activation("selu")',
        "softplus": 'layers.Activation("softplus")',
        "gelu": 'layers.Activation("gelu")',
        "mish": 'layers.Activation("mish")',
        "softmax": 'layers.Activation("softmax")',
        "swish": 'layers.Activation("silu")',
        "exponential": 'layers.Activation("exponential")',
        "leaky_relu": "layers.LeakyReLU(negative_slope={alpha!r})",
        "elu": "layers.ELU(alpha={alpha!r})",
        "step": "layers.Lambda(lambda z: ops.cast(z >= 0, z.dtype))",
    },
    {
        "squared_error": "ops.sum(ops.square(a - y), axis=-1)",
        "half_squared_error": "ops.sum(ops.square(a - y), axis=-1) / 2",
        "absolute_error": "ops.sum(ops.abs(a - y), axis=-1)",
        "huber": "ops.sum(ops.where(ops.abs(a - y) <= {delta!r}, ops.square(a - y) / 2, "
        "{delta!r} * (ops.abs(a - y) - {delta!r} / 2)), axis=-1)",
        "quantile": "ops.sum(ops.maximum({tau!r} * (y - a), ({tau!r} - 1) * (y - a)), axis=-1)",
        "poisson": "ops.sum(a - y * ops.log(a), axis=-1)",
        "binary_cross_entropy": "ops.sum(ops.binary_crossentropy(y, a), axis=-1)",
        "cross_entropy": "ops.categorical_crossentropy(y, a)",
    },
    {
        "sgd": "keras.optimizers.SGD(learning_rate={rate}{more})",
        "momentum": "keras.optimizers.SGD(learning_rate={rate}, momentum={momentum!r}{more})",
        "nesterov": "keras.optimizers.SGD(learning_rate={rate}, momentum={momentum!r}, nesterov=True{more})",
        "adagrad": "keras.optimizers.Adagrad(learning_rate={rate}, initial_accumulator_value=0.0, "
        "epsilon={epsilon!r}**2{more})",  # Keras adds it inside the square root
        "rmsprop": "keras.optimizers.RMSprop(learning_rate={rate}, rho={rho!r}, epsilon={epsilon!r}**2{more})",
        "adam": f"keras.optimizers.Adam({_BETAS}{{more}})",
        "adamw": f"keras.optimizers.Adam({_BETAS}{{more}})",
        "nadam": f"keras.optimizers.Nadam({_BETAS}{{more}})",
    },
)

NUMPY_FUNCTIONS = {
    "exp": "np.exp",
    "log": "np.log",
    "log1p": "np.log1p",
    "expm1": "np.expm1",
    "sqrt": "np.sqrt",
    "sin": "np.sin",
    "cos": "np.cos",
    "tan": "np.tan",
    "tanh": "np.tanh",
    "arctan": "np.arctan",
    "maximum": "np.maximum",
    "minimum": "np.minimum",
    "ln": "np.log",
    "abs": "np.abs",
    "absolute": "np.abs",
    "relu": "(lambda z: np.maximum(z, 0.0))",
    "sigmoid": "(lambda z: 1.0 / (1.0 + np.exp(-z)))",
    "softplus": "(lambda z: np.logaddexp(0.0, z))",
    "erf": "np.vectorize(math.erf)",
}
"""What the functions of input features are in NumPy."""
