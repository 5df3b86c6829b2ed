# ruff: noqa: E741  l counts layers
"""Hand computations made up at random, without the table of quantities: line by line in float64 with PyTorch.

A computation is a dict from (step, name) to an array, in the order of computation, with the document of its example.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from glassnet.formulas.activations import ACTIVATIONS
from glassnet.formulas.losses import LOSSES
from glassnet.formulas.optimizers import OPTIMIZERS

torch = pytest.importorskip("torch")

HIDDEN = (
    "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "softplus", "swish", "gelu", "mish", "identity",
    "exponential", "softmax",
)  # fmt: skip
OUTPUTS = (
    ("sigmoid", "binary_cross_entropy"),
    ("sigmoid", "half_squared_error"),
    ("sigmoid", "squared_error"),
    ("identity", "half_squared_error"),
    ("identity", "huber"),
    ("tanh", "squared_error"),
    ("softmax", "cross_entropy"),
    ("softmax", "half_squared_error"),
    ("exponential", "poisson"),
    ("softplus", "poisson"),
    ("identity", "absolute_error"),
    ("identity", "quantile"),
    ("step", "perceptron"),
)
RULES = {
    "sgd": lambda W, b, eta: torch.optim.SGD([*W, *b], lr=eta),
    "momentum": lambda W, b, eta: torch.optim.SGD([*W, *b], lr=eta, momentum=0.9),
    "nesterov": lambda W, b, eta: torch.optim.SGD([*W, *b], lr=eta, momentum=0.9, nesterov=True),
    "adagrad": lambda W, b, eta: torch.optim.Adagrad([*W, *b], lr=eta, eps=1e-8),
    "rmsprop": lambda W, b, eta: torch.optim.RMSprop([*W, *b], lr=eta, alpha=OPTIMIZERS["rmsprop"]().rho, eps=1e-8),
    "adam": lambda W, b, eta: torch.optim.Adam([*W, *b], lr=eta, eps=1e-8),
    "adamw": lambda W, b, eta: torch.optim.AdamW(
        [{"params": W, "weight_decay": 0.01}, {"params": b, "weight_decay": 0.0}], lr=eta, eps=1e-8
    ),
    "nadam": lambda W, b, eta: torch.optim.NAdam([*W, *b], lr=eta, eps=1e-8),
}
SLOTS = {
    "momentum": {"v": "momentum_buffer"},
    "nesterov": {"v": "momentum_buffer"},
    "adagrad": {"s": "sum"},
    "rmsprop": {"s": "square_avg"},
    **{rule: {"m": "exp_avg", "v": "exp_avg_sq"} for rule in ("adam", "adamw", "nadam")},
}
"""What a rule keeps: our name and PyTorch's."""
F = torch.nn.functional
G = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.01),
    "elu": F.elu,
    "selu": F.selu,
    "softplus": F.softplus,
    "swish": F.silu,
    "gelu": F.gelu,
    "mish": F.mish,
    "identity": lambda z: z * 1.0,
    "exponential": torch.exp,
    "softmax": lambda z: torch.softmax(z, dim=1),
    "step": lambda z: (z >= 0).to(z.dtype),
}
L = {
    "binary_cross_entropy": lambda a, y: -(y * torch.log(a) + (1 - y) * torch.log(1 - a)),
    "half_squared_error": lambda a, y: 0.5 * (a - y) ** 2,
    "squared_error": lambda a, y: (a - y) ** 2,
    "huber": lambda a, y: F.huber_loss(a, y, reduction="none"),
    "cross_entropy": lambda a, y: -y * torch.log(a),
    "poisson": lambda a, y: a - y * torch.log(a),
    "absolute_error": lambda a, y: abs(a - y),
    "quantile": lambda a, y: torch.maximum(0.5 * (y - a), -0.5 * (y - a)),
    "perceptron": lambda a, y: 0.5 * (a - y) ** 2,  # for its gradient a - y; the criterion itself is (a - y) z
}
PER_EXAMPLE = ("z", "a", "g", "delta", "dL_da", "losses")


@dataclass
class Plant:
    """A slip of some kind at one entry; later lines go on from it, or stay right."""

    step: int
    name: str
    kind: str
    figures: int
    carried: bool
    rng: Any
    index: tuple[int, ...] | None = None
    text: str = ""


@dataclass
class Computation:
    """An example's document without claims, and every number of its steps."""

    document: dict[str, Any]
    numbers: dict[tuple[int, str], np.ndarray]
    flat: bool
    start: tuple[Any, ...]
    steps: int

    def spoiled(self, plant: Plant) -> dict[tuple[int, str], np.ndarray]:
        """The numbers with a slip."""
        return _run(self.start, self.document, self.steps, plant)


def draw(seed: int) -> Computation:
    """A network with friendly numbers, and what PyTorch makes of it."""
    rng = np.random.default_rng(seed)
    output, loss = OUTPUTS[rng.integers(len(OUTPUTS))]
    depth, rows = int(rng.integers(1, 4)), int(rng.choice([1, 1, 2, 3]))
    units = [int(rng.integers(1, 4)) for _ in range(depth)]
    units[-1] = max(2, units[-1]) if output == "softmax" else units[-1]
    sizes = [int(rng.integers(1, 4)), *units]
    hidden = [str(rng.choice(HIDDEN)) for _ in range(depth - 1)]
    hidden = ["tanh" if g == "softmax" and n == 1 else g for g, n in zip(hidden, units, strict=False)]
    activations = [*hidden, output]
    reduction, rule = str(rng.choice(["sum", "mean"])), str(rng.choice(list(RULES)))
    eta = float(rng.choice([0.5, 0.1, 0.05]))
    l1, l2 = (float(rng.choice([0.0, 0.0, 0.01])) for _ in range(2))

    def friendly(*shape: int) -> np.ndarray:
        values = np.round(rng.uniform(-1, 1, shape), 1 if rng.random() < 0.5 else 2)
        return np.where(np.abs(values) < 0.05, 0.3, values)

    x, y = friendly(rows, sizes[0]) * 2, _targets(rng, loss, rows, sizes[-1])
    W = [friendly(n, m) for m, n in pairwise(sizes)]
    b = [friendly(n) for n in units]
    flat = rows == 1
    layers = [{"activation": g, "W": w.tolist(), "b": c.tolist()} for g, w, c in zip(activations, W, b, strict=True)]
    document = {
        "x": (x[0] if flat else x).tolist(),
        "y": (y[0] if flat else y).tolist(),
        "loss": loss,
        "l1": l1,
        "l2": l2,
    }
    document |= {"reduction": reduction, "layers": layers, "optimizer": {"name": rule, "learning_rate": eta}}
    document["optimizer"] |= {"epsilon": 1e-8} if rule in {*SLOTS} - {"momentum", "nesterov"} else {}
    steps, start = int(rng.integers(1, 4)), (x, y, W, b)
    return Computation(document, _run(start, document, steps), flat, start, steps)


def _targets(rng: Any, loss: str, rows: int, outputs: int) -> np.ndarray:
    if loss == "cross_entropy":
        return np.eye(outputs)[rng.integers(outputs, size=rows)]
    if loss == "poisson":
        return rng.integers(0, 4, (rows, outputs)).astype(float)
    return rng.integers(0, 2, (rows, outputs)).astype(float)


@contextmanager
def _in_doubles():
    """PyTorch's rules keep scalars such as NAdam's product of momenta in the default dtype."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@_in_doubles()
def _run(start, document, steps, plant: Plant | None = None) -> dict[tuple[int, str], np.ndarray]:
    """Forward, backward and update line by line, as by hand; `plant` spoils one entry."""
    numbers: dict[tuple[int, str], np.ndarray] = {}
    X, Y, W, b = (
        [torch.tensor(v, dtype=torch.float64) for v in part] if isinstance(part, list) else torch.tensor(part)
        for part in start
    )
    activations = [layer["activation"] for layer in document["layers"]]
    v = 1 / len(X) if document["reduction"] == "mean" else 1.0
    last, loss, l1, l2 = len(W), L[document["loss"]], document["l1"], document["l2"]
    rule = document["optimizer"]
    optimizer = RULES[rule["name"]](W, b, rule["learning_rate"])

    def line(name: str, value: Any, wrong: Any = None) -> Any:
        """Write a line down; returns what the next lines are computed from."""
        array = value.detach().numpy().copy()
        if plant is not None and (plant.step, plant.name) == (step, name):
            array = _spoiled(plant, array, None if wrong is None else wrong.numpy())
            value = torch.tensor(array) if plant.carried else value
        numbers[step, name] = array
        return value

    for step in range(1, steps + 1):  # noqa: B007  `line` reads it
        z, a = [X], [X]
        for l in range(last):
            turned = a[-1] @ W[l] + b[l] if W[l].shape[0] == W[l].shape[1] else None
            z.append(line(f"z{l + 1}", a[-1] @ W[l].T + b[l], turned))
            a.append(line(f"a{l + 1}", G[activations[l]](z[-1])))
        own = (a[-1] - Y) * z[-1] if document["loss"] == "perceptron" else loss(a[-1], Y)
        losses, total = line("losses", own.sum(dim=1)), 0.0
        if l1 or l2:
            total = line("penalty", sum(l1 * abs(w).sum() + l2 / 2 * (w * w).sum() for w in W))
        line("loss", v * losses.sum() + total)
        da = v * _gradient(lambda out: loss(out, Y), a[-1])
        gradients: dict[str, Any] = {}
        for l in range(last, 0, -1):
            da, g = line(f"dL_da{l}", da), activations[l - 1]
            if g == "step":
                delta = line(f"delta{l}", da)
            elif g == "softmax":
                delta = line(f"delta{l}", a[l] * (da - (da * a[l]).sum(dim=1, keepdim=True)), da)
            else:
                delta = line(f"delta{l}", da * line(f"g{l}", _gradient(G[g], z[l])), da)
            gradients[f"W{l}"] = line(f"dW{l}", delta.T @ a[l - 1] + l1 * torch.sign(W[l - 1]) + l2 * W[l - 1])
            gradients[f"b{l}"] = line(f"db{l}", delta.sum(dim=0))
            da = delta @ W[l - 1]
        for l in range(last):
            W[l].grad, b[l].grad = gradients[f"W{l + 1}"], gradients[f"b{l + 1}"]
        before = [p.clone() for p in (*W, *b)]
        optimizer.step()
        for k, p in enumerate((*W, *b)):
            name = f"{'W' if k < last else 'b'}{k % last + 1}"
            for slot, theirs in SLOTS.get(rule["name"], {}).items():
                kept = optimizer.state[p][theirs]
                kept.copy_(line(f"{slot}_{name}", kept.clone()))
            p.data = line(f"{name}_new", p.clone(), 2 * before[k] - p)
    return numbers


def _gradient(function: Any, at: Any) -> Any:
    alone = at.detach().clone().requires_grad_()
    return torch.autograd.grad(function(alone).sum(), alone)[0]


def autograd(computation: Computation) -> dict[str, np.ndarray]:
    """The first step's gradients by PyTorch's own backward pass."""
    d = computation.document
    X, Y = (torch.tensor(part, dtype=torch.float64) for part in computation.start[:2])
    W, b = ([torch.tensor(p, requires_grad=True) for p in part] for part in computation.start[2:])
    a = X
    for w, c, layer in zip(W, b, d["layers"], strict=True):
        a = G[layer["activation"]](a @ w.T + c)
    losses = L[d["loss"]](a, Y).sum(dim=1)
    total = losses.mean() if d["reduction"] == "mean" else losses.sum()
    (total + sum(d["l1"] * abs(w).sum() + d["l2"] / 2 * (w * w).sum() for w in W)).backward()
    grads = {f"d{kind}{l}": p.grad for kind, part in (("W", W), ("b", b)) for l, p in enumerate(part, start=1)}
    return {name: grad.numpy() for name, grad in grads.items()}


def _spoiled(plant: Plant, array: np.ndarray, wrong: np.ndarray | None) -> np.ndarray:
    """The array with one wrong entry; unchanged where this kind of slip would not show."""
    scale = np.abs(array).max()
    for flat in plant.rng.permutation(array.size):
        index = np.unravel_index(flat, array.shape)
        right = float(array[index])
        text = _slip(plant, array, index, wrong)
        if text is not None and abs(float(text) - right) > max(0.2 * abs(right), 0.1 * scale, 10 * unit(text)):
            plant.index, plant.text = tuple(map(int, index)), text
            out = array.copy()
            out[index] = float(text)
            return out
    return array


def _slip(plant: Plant, array: np.ndarray, index: Any, wrong: np.ndarray | None) -> str | None:
    right = printed(float(array[index]), plant.figures)
    if plant.kind == "sign":
        return right[1:] if right.startswith("-") else f"-{right}"
    if plant.kind == "index":  # a neighbour's number
        others = np.delete(array.ravel(), np.ravel_multi_index(index, array.shape) if array.shape else 0)
        return printed(float(others[0]), plant.figures) if others.size else None
    if plant.kind == "digits":  # two neighbouring digits change places
        places = [i for i in range(len(right) - 1) if right[i : i + 2].isdigit() and right[i] != right[i + 1]]
        i = places[0] if places else 0
        return right[:i] + right[i + 1] + right[i] + right[i + 2 :] if places else None
    return (
        None if wrong is None else printed(float(wrong[index]), plant.figures)
    )  # a factor forgotten, W transposed, eta added …


def unit(text: str) -> float:
    """One unit in the last place."""
    return 10.0 ** -len(text.partition(".")[2])


def printed(value: float, figures: int) -> str:
    """A number as somebody writes it down: so many significant figures, no exponent."""
    if value == 0:
        return "0.0"
    decimals = max(figures - 1 - int(np.floor(np.log10(abs(value)))), 0)
    return f"{value:.{min(decimals, 12)}f}"


def claims(computation: Computation, texts: dict[tuple[int, str], np.ndarray]) -> dict[str, Any]:
    """The document with claims: arrays of text by step and name."""
    blocks: dict[int, dict[str, Any]] = {}
    for (step, name), array in texts.items():
        per_example = computation.flat and name.startswith(PER_EXAMPLE)
        value = array[0] if per_example else array
        blocks.setdefault(step, {"step": step})[name] = np.asarray(value, dtype=object).tolist()
    return computation.document | {"claims": list(blocks.values())}


assert {*HIDDEN, "step"} == set(ACTIVATIONS) and {loss for _, loss in OUTPUTS} == set(LOSSES)
assert set(RULES) == set(OPTIMIZERS)
