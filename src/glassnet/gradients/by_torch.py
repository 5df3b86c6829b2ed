"""An Architecture evaluated by PyTorch, with the masks and slopes of a Trace: the outside oracle of the passes."""

# pyright: reportMissingImports=false, reportPrivateImportUsage=false

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from glassnet.errors import InvalidParameterError
from glassnet.formulas.activations import Activation
from glassnet.network.architecture import Architecture, Dense, RandomizedLeakyReLU
from glassnet.network.parameters import Views
from glassnet.network.passes import Trace

__all__ = ["objective_and_gradient"]


def act(g: Activation, z: Any) -> Any:
    """The activation by PyTorch's own function."""
    c = g.constants
    match g.name:
        case "identity":
            return z
        case "relu":
            return F.relu(z)
        case "leaky_relu":
            return F.leaky_relu(z, c["alpha"])
        case "elu":
            return F.elu(z, c["alpha"])
        case "selu":
            return F.selu(z)
        case "swish":
            return F.silu(z)
        case "exponential":
            return z.exp()
        case "softmax":
            return F.softmax(z, -1)
        case "step":
            return (z >= 0).to(z.dtype)
        case "sigmoid" | "tanh" | "softplus" | "gelu" | "mish":
            return getattr(F, g.name)(z)
        case _:
            raise InvalidParameterError(f"PyTorch has no activation '{g.name}'")


def losses(architecture: Architecture, z: Any, a: Any, y: Any) -> Any:
    """The loss of each example (n,), by PyTorch's own function."""
    record, g = architecture.objective, architecture.output.g
    match record.name:
        case "squared_error":
            each = F.mse_loss(a, y, reduction="none")
        case "half_squared_error":
            each = F.mse_loss(a, y, reduction="none") / 2
        case "absolute_error":
            each = F.l1_loss(a, y, reduction="none")
        case "huber":
            each = F.huber_loss(a, y, reduction="none", delta=record.constants["delta"])
        case "quantile":
            tau = record.constants["tau"]
            each = torch.maximum(tau * (y - a), (tau - 1) * (y - a))
        case "poisson" if g.name == "exponential":
            each = F.poisson_nll_loss(z, y, reduction="none")
        case "poisson":
            each = F.poisson_nll_loss(a, y, log_input=False, eps=0, reduction="none")
        case "binary_cross_entropy" if g.name == "sigmoid":
            each = F.binary_cross_entropy_with_logits(z, y, reduction="none")
        case "binary_cross_entropy":
            each = F.binary_cross_entropy(a, y, reduction="none")
        case "cross_entropy":
            return F.cross_entropy(z, y, reduction="none")
        case "perceptron":
            each = (a.detach() - y) * z
        case _:
            raise InvalidParameterError(f"PyTorch has no loss '{record.name}'")
    return each.sum(dim=-1)


def objective_and_gradient(
    architecture: Architecture,
    views: Views,
    trace: Trace,
    y: np.ndarray,
    v: np.ndarray,
    statistics: Views | None = None,
) -> tuple[float, dict[str, np.ndarray]]:
    """J of a training pass and its gradient by tensor name; drawn values come from the trace.

    `statistics` holds mean and variance for frozen layers with batch normalization.
    """
    tensors: dict[str, Any] = {name: torch.tensor(view.copy(), requires_grad=True) for name, view in views.items()}
    a: Any = torch.tensor(trace["a0"])
    z: Any = None
    for number, layer in zip(architecture.numbers, architecture.layers, strict=True):
        if isinstance(layer, Dense):
            z = F.linear(a, tensors[f"W{number}"], tensors.get(f"b{number}"))
            if layer.norm is not None:
                batch = number in trace.batch_normalized
                known: Any = [None, None]
                if not batch:
                    assert statistics is not None
                    known = [torch.tensor(statistics[f"{name}{number}"]) for name in ("mean", "var")]
                gamma, beta = tensors[f"gamma{number}"], tensors[f"beta{number}"]
                z = F.batch_norm(z, *known, gamma, beta, training=batch, eps=layer.norm.epsilon)
            a = act(layer.g, z)
        elif isinstance(layer, RandomizedLeakyReLU):
            a = a * torch.tensor(trace[f"slope{number}"])
        elif f"mask{number}" in trace:
            a = a * torch.tensor(trace[f"mask{number}"])
    loss: Any = (losses(architecture, z, a, torch.tensor(y)) * torch.tensor(v)).sum()
    share = architecture.penalty_share(len(y))
    for name, tensor in tensors.items():
        if name.startswith("W"):
            penalty = architecture.l1 * tensor.abs().sum() + architecture.l2 / 2 * (tensor**2).sum()
            loss = loss + share * penalty
    loss.backward()
    gradients = {n: np.zeros(t.shape) if t.grad is None else t.grad.numpy() for n, t in tensors.items()}
    return float(loss.detach()), gradients
