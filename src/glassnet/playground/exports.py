"""A session as a program: for glassnet, PyTorch and Keras, with its weights.

The programs are text made from the problem; names of columns and classes enter it as Python literals only. Each has
`predict(X)` for inputs (n, d), with the session's weights, and `train(X, y)`, which begins anew with its settings.
"""

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.formulas.schedules import Schedule
from glassnet.network.architecture import Architecture, Dense
from glassnet.network.parameters import buffer_layout, parameter_layout
from glassnet.playground.frameworks import KERAS, NUMPY_FUNCTIONS, PYTORCH, Framework
from glassnet.playground.inputs import parsed
from glassnet.playground.limits import RefusedError
from glassnet.playground.problem import Problem
from glassnet.playground.trainer import Moment

__all__ = ["PROGRAMS", "keras_program", "python_program", "pytorch_program"]


def python_program(problem: Problem, moment: Moment) -> str:
    """For glassnet: the same network, and `fit` with the same settings gives the same bits."""
    a, program = problem.architecture, problem.program
    kinds = sorted({type(layer).__name__ for layer in a.layers} | {"Network"} | ({"BatchNorm"} if _norms(a) else set()))
    layers = "".join(f"        {layer!r},\n" for layer in a.layers)
    return f'''{_head(problem, "glassnet (pip install glassnet)")}
from glassnet import {", ".join(kinds)}, optimizer

{_data(problem, moment)}
def new_network():
    """The network with its initial weights."""
    return Network(
        {a.inputs},
        [
{_indented(layers, 4)}        ],
        {a.loss!r},
        l1={a.l1!r},
        l2={a.l2!r},
        seed={problem.setup.seed},
    )


network = new_network()
for name, values in WEIGHTS.items():
    (network.parameters if name in network.parameters else network.buffers)[name] = np.array(values, np.float32)


def predict(X):
    """Outputs (n, {a.output.units}) for inputs (n, {a.inputs})."""
    return network.predict(X)


def train(X, y, epochs={problem.setup.stop.epoch or 100}):
    """A new network, trained as in the playground."""
    fresh = new_network()
    rule = optimizer({str(program.optimizer)!r})
    fresh.fit(X, y, optimizer=rule, batch_size={program.batch_size}, epochs=epochs, clip_norm={program.clip_norm!r})
    return fresh
'''


def pytorch_program(problem: Problem, moment: Moment) -> str:
    """For PyTorch."""
    a, setup, decay = problem.architecture, problem.setup, _number(problem.program.optimizer.weight_decay)
    last = len(a.dense)
    clip = f"            nn.utils.clip_grad_norm_(model.parameters(), {setup.clip_norm!r})\n" if setup.clip_norm else ""
    shrink = (
        f"            with torch.no_grad():  # decoupled decay, of weights only\n"
        f"                for W in weights:\n"
        f"                    W.mul_(1 - {_rate(problem)!r} * {decay!r})\n"
        if decay
        else ""
    )
    return f'''{_head(problem, "PyTorch (pip install torch)")}
import torch
from torch import nn

{_data(problem, moment)}
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
{_torch_layers(a)}    )


output = {_written(PYTORCH, "activation", str(a.output.activation))}


NORM = ("gamma", "beta", "mean", "var")


def load_weights(model):
    """The playground's weights, tensor by tensor."""
    linear = [layer for layer in model if isinstance(layer, nn.Linear)]
    norms = iter([layer for layer in model if isinstance(layer, nn.BatchNorm1d)])
    with torch.no_grad():
        for number, layer in enumerate(linear, start=1):
            layer.weight.copy_(torch.tensor(WEIGHTS[f"W{{number}}"]))
            if f"b{{number}}" in WEIGHTS:
                layer.bias.copy_(torch.tensor(WEIGHTS[f"b{{number}}"]))
            if f"gamma{{number}}" in WEIGHTS:
                norm = next(norms)
                for there, name in zip((norm.weight, norm.bias, norm.running_mean, norm.running_var), NORM):
                    there.copy_(torch.tensor(WEIGHTS[f"{{name}}{{number}}"]))
    return model


model = load_weights(new_model())


def predict(X):
    """Outputs (n, {a.output.units}) for inputs (n, {a.inputs})."""
    model.eval()
    with torch.no_grad():
        return output(model(torch.as_tensor(np.asarray(X), dtype=torch.float32))).numpy()


def train(X, y, epochs={setup.stop.epoch or 100}):
    """A new model, trained with the playground's settings; y (n, {a.output.units}).{_left_out(problem)}"""
    torch.manual_seed({setup.seed})
    model = new_model()
    X, y = (torch.as_tensor(np.asarray(values), dtype=torch.float32) for values in (X, y))
    weights = [layer.weight for layer in model if isinstance(layer, nn.Linear)]
    optimizer = {_optimizer(PYTORCH, problem)}
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split({setup.batch_size}):
            z = model(X[rows])
            a, batch = output(z), y[rows]
            loss = objective(z, a, batch, weights)
            optimizer.zero_grad()
            loss.backward()
{clip}{shrink}            optimizer.step()
    return model


def objective(z, a, y, weights):
    """The mean loss and the penalties of the {last} weight matrices."""
    penalty = sum({a.l1!r} * W.abs().sum() + {a.l2 / 2!r} * (W**2).sum() for W in weights)
    return {_written(PYTORCH, "loss", a.loss)} + penalty
'''


def keras_program(problem: Problem, moment: Moment) -> str:
    """For Keras 3."""
    a, setup = problem.architecture, problem.setup
    return f'''{_head(problem, "Keras 3 (pip install keras, and a backend)")}
import keras
from keras import layers, ops

{_data(problem, moment)}
def new_model():
    """All layers, the output's activation last."""
    return keras.Sequential(
        [
            keras.Input(({a.inputs},)),
{_keras_layers(a)}        ]
    )


NORM = ("gamma", "beta", "mean", "var")


def load_weights(model):
    """The playground's weights; Keras keeps W the other way round."""
    dense = [layer for layer in model.layers if isinstance(layer, layers.Dense)]
    norms = iter([layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)])
    for number, layer in enumerate(dense, start=1):
        bias = [np.array(WEIGHTS[f"b{{number}}"])] if f"b{{number}}" in WEIGHTS else []
        layer.set_weights([np.array(WEIGHTS[f"W{{number}}"]).T, *bias])
        if f"gamma{{number}}" in WEIGHTS:
            next(norms).set_weights([np.array(WEIGHTS[f"{{name}}{{number}}"]) for name in NORM])
    return model


model = load_weights(new_model())


def predict(X):
    """Outputs (n, {a.output.units}) for inputs (n, {a.inputs})."""
    return model.predict(np.asarray(X, np.float32), verbose=0)


def loss(y, a):
    """Of each example, the sum over the outputs."""
    return {_written(KERAS, "loss", a.loss)}


def train(X, y, epochs={setup.stop.epoch or 100}):
    """A new model, trained with the playground's settings; y (n, {a.output.units}).{_left_out(problem)}"""
    keras.utils.set_random_seed({setup.seed})
    model = new_model()
    model.compile(optimizer={_optimizer(KERAS, problem)}, loss=loss)
    model.fit(X, y, batch_size={setup.batch_size}, epochs=epochs, verbose=0)
    return model
'''


# --- what the programs share ------------------------------------------------------------------------------------------


def _head(problem: Problem, needs: str) -> str:
    sizes = "-".join(map(str, problem.architecture.sizes))
    maths = "" if problem.setup.data.kind == "table" else "\nimport math\n"
    return f'''"""A {sizes} network from the glassnet playground, for {needs}.

`predict(X)` uses its weights as they were; `train(X, y)` begins anew with its settings.
"""
{maths}
import numpy as np'''


def _data(problem: Problem, moment: Moment) -> str:
    """Inputs, classes and weights as literals; the inputs' formulas as a function where there are any."""
    data = problem.dataset
    notes = f"CLASSES = {list(data.classes)!r}" if data.classes else "# the outputs are numbers"
    if data.scale is not None:
        notes = f"MEAN, SPREAD = {data.scale!r}  # an output o stands for MEAN + SPREAD * o"
    table = "  # columns after preprocessing: missing values filled, categories one-hot, numbers standardized"
    weights = "".join(f"    {name!r}: {values},\n" for name, values in _tensors(problem, moment).items())
    return f"""INPUTS = {list(data.inputs)!r}{table if problem.setup.data.kind == "table" else ""}
{notes}
WEIGHTS = {{
{weights}}}

{_features(problem)}"""


def _tensors(problem: Problem, moment: Moment) -> dict[str, str]:
    """Each tensor as text that reads back to the same float32 bits."""
    parameters = parameter_layout(problem.architecture).views(moment.theta)
    buffers = buffer_layout(problem.architecture).views(moment.buffers)

    def text(array: np.ndarray) -> str:
        if array.ndim == 0:
            return str(np.float32(array))
        return f"[{', '.join(text(part) for part in array)}]"

    return {name: text(array) for name, array in {**parameters, **buffers}.items()}


def _features(problem: Problem) -> str:
    """Shown coordinates to inputs, as NumPy."""
    if problem.setup.data.kind == "table":
        return "\n"
    arguments = "x" if problem.dataset.line else "x1, x2"
    columns = ", ".join(f"one * ({_numpy(name)})" for name in problem.dataset.inputs)
    first = arguments.split(",")[0]
    return f'''

def inputs({arguments}):
    """Inputs (n, {len(problem.dataset.inputs)}) of points given by their coordinates (n,)."""
    {arguments} = {", ".join(f"np.asarray({name}, float)" for name in arguments.split(", "))}
    one, pi, e = np.ones_like({first}), math.pi, math.e
    return np.column_stack([{columns}])

'''


class _Numpy(ast.NodeTransformer):
    """Functions of the whitelist as NumPy's."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """The function's name replaced; the reader has checked that it is one of the list."""
        self.generic_visit(node)
        name = ast.unparse(node.func)
        return ast.Call(ast.parse(NUMPY_FUNCTIONS[name], mode="eval").body, node.args, [])


def _numpy(formula: str) -> str:
    return ast.unparse(ast.fix_missing_locations(_Numpy().visit(parsed(formula))))


def _norms(a: Architecture) -> bool:
    return any(layer.norm is not None for layer in a.dense)


def _indented(text: str, spaces: int) -> str:
    return "".join(f"{' ' * spaces}{line}\n" for line in text.splitlines())


def _written(framework: Framework, kind: str, spec: str) -> str:
    """A record in the framework's words; refused where it has none."""
    from glassnet.formulas.activations import activation
    from glassnet.formulas.losses import loss

    record: Any = activation(spec) if kind == "activation" else loss(spec)
    table = framework.activations if kind == "activation" else framework.losses
    if record.name not in table:
        raise RefusedError(f"{framework.name} has no {kind} {record.name}; take another export, or another {kind}")
    return table[record.name].format(**record.constants)


def _rate(problem: Problem) -> float:
    return _number(problem.program.optimizer.learning_rate)


def _number(value: float | Schedule) -> float:
    return value.initial if isinstance(value, Schedule) else value


def _optimizer(framework: Framework, problem: Problem) -> str:
    rule, clip = problem.program.optimizer, problem.program.clip_norm
    if rule.name not in framework.optimizers:
        raise RefusedError(f"{framework.name} has no optimizer {rule.name}; take another export, or another optimizer")
    decay = _number(rule.weight_decay)
    more = (f", global_clipnorm={clip!r}" if clip else "") + (f", weight_decay={decay!r}" if decay else "")
    return framework.optimizers[rule.name].format(rate=_rate(problem), more=more, **rule.constants)


def _left_out(problem: Problem) -> str:
    """What a program of another framework does not do, in words."""
    rate = problem.program.optimizer.learning_rate
    if isinstance(rate, Schedule):
        return f"\n\n    The playground's schedule {rate} is left out: the learning rate stays as it is.\n    "
    return ""


def _torch_layers(a: Architecture) -> str:
    """Lines of nn.Sequential, to the last linear layer."""
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
            lines.append(_written(PYTORCH, "activation", layer.activation))
    return "".join(f"        {line},\n" for line in lines)


def _keras_layers(a: Architecture) -> str:
    lines: list[str] = []
    penalty = f"kernel_regularizer=keras.regularizers.L1L2({a.l1!r}, {a.l2 / 2!r})" if a.l1 or a.l2 else ""
    for layer in a.layers:
        if not isinstance(layer, Dense):
            lines.append(f"layers.Dropout({float(getattr(layer, 'rate', 0.0))!r})")
            continue
        more = [*([] if layer.has_bias else ["use_bias=False"]), *([penalty] if penalty else [])]
        lines.append(f"layers.Dense({', '.join([str(layer.units), *more])})")
        lines += ["layers.BatchNormalization(momentum=0.9, epsilon=1e-5)"] if layer.norm is not None else []
        lines.append(_written(KERAS, "activation", layer.activation))
    return "".join(f"            {line},\n" for line in lines)


PROGRAMS: dict[str, Callable[[Problem, Moment], str]] = {
    "python": python_program,
    "pytorch": pytorch_program,
    "keras": keras_program,
}
"""Exports that are programs, by name."""
