"""An Architecture evaluated by PyTorch, with the masks and slopes of a Trace: the outside oracle of the passes."""

import torch
from torch.nn import functional as F  # noqa: N812

from glassnet.formulas.activations import Activation
from glassnet.network.architecture import Architecture, Dense, RandomizedLeakyReLU
from glassnet.network.parameters import Views
from glassnet.network.passes import Trace

torch.set_num_threads(1)  # tiny tensors: threads only wait for each other


def act(g: Activation, z):
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
    return getattr(F, g.name)(z)  # sigmoid, tanh, softplus, gelu, mish


def losses(architecture: Architecture, z, a, y):
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
            raise NotImplementedError(record.name)
    return each.sum(dim=-1)


def objective_and_gradient(architecture: Architecture, views: Views, trace: Trace, y, v):
    """J of a training pass and its gradient by tensor name, drawn values taken from the trace."""
    tensors = {name: torch.tensor(view.copy(), requires_grad=True) for name, view in views.items()}
    a, z = torch.tensor(trace["a0"]), None
    for number, layer in zip(architecture.numbers, architecture.layers, strict=True):
        if isinstance(layer, Dense):
            z = F.linear(a, tensors[f"W{number}"], tensors.get(f"b{number}"))
            if layer.norm is not None:
                gamma, beta = tensors[f"gamma{number}"], tensors[f"beta{number}"]
                z = F.batch_norm(z, None, None, gamma, beta, training=True, eps=layer.norm.epsilon)
            a = act(layer.g, z)
        elif isinstance(layer, RandomizedLeakyReLU):
            a = a * torch.tensor(trace[f"slope{number}"])
        else:
            a = a * torch.tensor(trace[f"mask{number}"])
    loss = (losses(architecture, z, a, torch.tensor(y)) * torch.tensor(v)).sum()
    for name, tensor in tensors.items():
        if name.startswith("W"):
            loss = loss + architecture.l1 * tensor.abs().sum() + architecture.l2 / 2 * (tensor**2).sum()
    loss.backward()
    return float(loss.detach()), {name: tensor.grad.numpy() for name, tensor in tensors.items()}
