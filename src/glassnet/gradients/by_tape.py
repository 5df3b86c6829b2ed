"""The gradient of a training pass by automatic differentiation: the forward pass on the tape, and `backward`."""

import numpy as np

from glassnet.autograd import Tensor, sqrt, where
from glassnet.autograd import abs as absolute
from glassnet.gradients.tensor_formulas import activate, losses
from glassnet.network.architecture import BatchNorm, Dense, RandomizedLeakyReLU
from glassnet.network.gradcheck import FixedPass
from glassnet.network.parameters import buffer_layout, parameter_layout
from glassnet.network.passes import Trace

__all__ = ["objective", "value_and_gradient"]


def value_and_gradient(fixed: FixedPass, theta: np.ndarray, trace: Trace) -> tuple[float, np.ndarray]:
    """The objective and its gradient (P,); the trace gives the drawn masks and slopes."""
    loss, tensors = objective(fixed, theta, trace)
    loss.backward()
    gradient = np.zeros_like(theta)
    views = parameter_layout(fixed.architecture).views(gradient)
    for name, tensor in tensors.items():
        if tensor.grad is not None:
            views[name][...] = tensor.grad
    return loss.item(), gradient


def objective(fixed: FixedPass, theta: np.ndarray, trace: Trace) -> tuple[Tensor, dict[str, Tensor]]:
    """The objective J on the tape, and the parameters by name; intermediate tensors carry the trace's names."""
    net = fixed.architecture
    parameters = {name: Tensor(view, True, name) for name, view in parameter_layout(net).views(theta).items()}
    statistics = buffer_layout(net).views(fixed.buffers)
    a = z = Tensor(fixed.X, name="a0")
    for number, layer in zip(net.numbers, net.layers, strict=True):
        if isinstance(layer, Dense):
            z = a @ parameters[f"W{number}"].T
            if layer.has_bias:
                z = z + parameters[f"b{number}"]
            z.named(f"z{number}")
            if layer.norm is not None:
                batch = number in trace.batch_normalized
                known = None if batch else (statistics[f"mean{number}"], statistics[f"var{number}"])
                zhat = _normalized(layer.norm, z, known).named(f"zhat{number}")
                z = (parameters[f"gamma{number}"] * zhat + parameters[f"beta{number}"]).named(f"s{number}")
            a = activate(layer.g, z)
            a = a if a.name else a.named(f"a{number}")
        elif f"{'slope' if isinstance(layer, RandomizedLeakyReLU) else 'mask'}{number}" in trace:
            a = a * trace[f"{'slope' if isinstance(layer, RandomizedLeakyReLU) else 'mask'}{number}"]
    each = losses(net.objective, net.output.g, z, a, Tensor(fixed.Y, name="y")).named("losses")
    total, share = _weighted(each, fixed.v), net.penalty_share(len(fixed.X))
    for name, tensor in parameters.items():
        if name.startswith("W"):
            if net.l1:
                total = total + net.l1 * share * absolute(tensor).sum()
            if net.l2:
                total = total + net.l2 * share / 2 * (tensor**2).sum()
    return total.named("J"), parameters


def _weighted(each: Tensor, v: np.ndarray) -> Tensor:
    """The sum with the examples' weights v; a weight of 0 takes an example out, even one whose loss is infinite."""
    if np.all(v == 1):
        return each.sum()
    return ((each if np.all(v > 0) else where(v > 0, each, 0.0)) * Tensor(v, name="v")).sum()


def _normalized(norm: BatchNorm, z: Tensor, known: tuple[np.ndarray, np.ndarray] | None) -> Tensor:
    """(z - mean) / sqrt(var + epsilon), by the batch's statistics or by known ones."""
    if known is None:
        centred = z - z.mean(axis=0)
        return centred / sqrt((centred**2).mean(axis=0) + norm.epsilon)
    mean, var = known
    return (z - mean) / np.sqrt(var + norm.epsilon)
