"""The program for PyTorch."""

from glassnet.network.architecture import Architecture, Dense
from glassnet.playground.exports.frameworks import PYTORCH
from glassnet.playground.exports.shared import decay_of, filled, holes, listed, rule_text, written
from glassnet.playground.problem import Problem
from glassnet.playground.way_back import Moment

__all__ = ["pytorch_program"]

TEMPLATE = '''$head
import torch
from torch import nn

$data
class Elementwise(nn.Module):
    """A function as a layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, z):
        return self.function(z)


def new_model():
    """Hidden layers and the output layer; its activation comes after."""
    return nn.Sequential(
$layers    )


output = $output


NORM = ("gamma", "beta", "mean", "var")


def load_weights(model):
    """The playground's weights, tensor by tensor."""
    linear = [layer for layer in model if isinstance(layer, nn.Linear)]
    norms = iter([layer for layer in model if isinstance(layer, nn.BatchNorm1d)])
    with torch.no_grad():
        for number, layer in enumerate(linear, start=1):
            layer.weight.copy_(torch.tensor(WEIGHTS[f"W{number}"]))
            if f"b{number}" in WEIGHTS:
                layer.bias.copy_(torch.tensor(WEIGHTS[f"b{number}"]))
            if f"gamma{number}" in WEIGHTS:
                norm = next(norms)
                for there, name in zip((norm.weight, norm.bias, norm.running_mean, norm.running_var), NORM):
                    there.copy_(torch.tensor(WEIGHTS[f"{name}{number}"]))
    return model


model = load_weights(new_model())


def predict(X):
    """Outputs (n, $outputs) for inputs (n, $inputs)."""
    model.eval()
    with torch.no_grad():
        return output(model(torch.as_tensor(np.asarray(X), dtype=torch.float32))).numpy()

$rate_function
def train(X, y, epochs=$epochs):
    """A new model, trained with the playground's settings; y (n, $outputs).$planned"""
    torch.manual_seed($seed)
    model = new_model()
    X, y = (torch.as_tensor(np.asarray(values), dtype=torch.float32) for values in (X, y))
    weights = [layer.weight for layer in model if isinstance(layer, nn.Linear)]
    optimizer = $rule
$loop            z = model(X[rows])
            a, batch = output(z), y[rows]
            loss = objective(z, a, batch, weights)
            optimizer.zero_grad()
            loss.backward()
$clip$shrink            optimizer.step()
    return model


def objective(z, a, y, weights):
    """The mean loss and the penalties of the $depth weight matrices."""
    penalty = sum($l1 * W.abs().sum() + $half_l2 * (W**2).sum() for W in weights)
    return $loss + penalty
'''
LOOP = """    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split($batch_size):
"""
SCHEDULED = """    for epoch in range(epochs):
        batches = torch.randperm(len(X)).split($batch_size)
        for number, rows in enumerate(batches):
            eta = $rate_now
            for group in optimizer.param_groups:
                group["lr"] = eta
"""
CLIP = """            nn.utils.clip_grad_norm_(model.parameters(), $bound)
"""
SHRINK = """            with torch.no_grad():  # decoupled decay, of weights only
                for W in weights:
                    W.mul_(1 - $eta * $decay)
"""


def pytorch_program(problem: Problem, moment: Moment) -> str:
    """The session for PyTorch."""
    a, clip, decay = problem.architecture, problem.program.clip_norm, decay_of(problem)
    texts = holes(problem, moment, "PyTorch (pip install torch)", "epoch + number / len(batches)")
    scheduled = texts["rate_now"] != ""
    return filled(
        TEMPLATE,
        **texts,
        layers=listed(_layers(a), 8),
        output=written(PYTORCH, "activation", str(a.output.activation)),
        rule=rule_text(PYTORCH, problem, texts["rate"]),
        loop=filled(SCHEDULED if scheduled else LOOP, **texts),
        clip=filled(CLIP, bound=repr(clip)) if clip else "",
        shrink=filled(SHRINK, eta="eta" if scheduled else texts["rate"], decay=repr(decay)) if decay else "",
        depth=len(a.dense),
        l1=repr(a.l1),
        half_l2=repr(a.l2 / 2),
        loss=written(PYTORCH, "loss", a.loss),
    )


def _layers(a: Architecture) -> list[str]:
    """Entries of nn.Sequential, to the last linear layer."""
    lines: list[str] = []
    fan_in = a.inputs
    for layer in a.layers:
        if not isinstance(layer, Dense):
            lines.append(f"nn.Dropout({float(getattr(layer, 'rate', 0.0))!r})")
            continue
        lines.append(f"nn.Linear({fan_in}, {layer.units}{'' if layer.has_bias else ', bias=False'})")
        fan_in = layer.units
        if layer is not a.layers[-1]:
            lines += [f"nn.BatchNorm1d({layer.units})"] if layer.norm is not None else []
            lines.append(written(PYTORCH, "activation", layer.activation))
    return lines
