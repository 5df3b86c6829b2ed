"""The table of quantities: every kind of line in a hand computation, in the order of computation.

Each has its name, its symbol, the lecture's formula and its line function (`explain.lines`), which names its
predecessors and computes it. The checker evaluates the lines in exact digits and in intervals; tests compare them with
the `Trace` of `network.passes`.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from glassnet.explain import lines
from glassnet.explain.places import Entry, Index, Line, Place, Setting, Shape, indices
from glassnet.formulas.ranges import ANY

__all__ = ["QUANTITIES", "Pass", "Quantity", "Tensor"]


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
        The lecture's formula in LaTeX, and as a terminal can show it.
    shape : callable
        `(setting, layer) -> shape`.
    line : callable
        `(place) -> Line`.
    """

    name: str
    meaning: str
    formula: str
    text: str
    shape: Callable[[Setting, int], Shape]
    line: Callable[[Place], Line]


@dataclass(frozen=True)
class Tensor:
    """A quantity of one layer (0 where it belongs to none), with its name, formula and shape."""

    quantity: Quantity
    layer: int
    name: str
    text: str
    shape: Shape

    @property
    def per_example(self) -> bool:
        """Whether the first axis counts the examples."""
        return self.quantity.shape in (_units, _examples)


def _units(s: Setting, layer: int) -> Shape:
    return s.rows, s.sizes[layer]


def _matrix(s: Setting, layer: int) -> Shape:
    return s.sizes[layer], s.sizes[layer - 1]


def _vector(s: Setting, layer: int) -> Shape:
    return (s.sizes[layer],)


def _examples(s: Setting, layer: int) -> Shape:
    return (s.rows,)


def _scalar(s: Setting, layer: int) -> Shape:
    return ()


FORWARD = (
    Quantity(
        "z{l}",
        "pre-activation",
        "z_{l} = W_{l} a_{l-1} + b_{l}",
        "z{l} = W{l} a{l-1} + b{l}",
        _units,
        lines.pre_activation,
    ),
    Quantity("a{l}", "activation", "a_{l} = g_{l}(z_{l})", "a{l} = g(z{l})", _units, lines.activation),
)
LOSSES = Quantity(
    "losses", "loss of each example", "L_i = L(a_{L,i}, y_i)", "losses = L(a{l}, y)", _examples, lines.losses
)
PENALTY = Quantity(
    "penalty",
    "penalty on the weights",
    r"R = \lambda_1 \sum |W| + \tfrac{\lambda_2}{2} \sum W^2",
    "penalty = l1 sum |W| + l2/2 sum W^2",
    _scalar,
    lines.penalty,
)
LOSS = Quantity("loss", "loss", r"J = \sum_i v_i L_i + R", "loss = L(a{l}, y)", _scalar, lines.objective)
OUTPUT_SLOPE = Quantity(
    "dL_da{l}",
    "derivative of the loss by the output",
    r"\frac{\partial J}{\partial a_{l}} = v L'(a_{l}, y)",
    "dL_da{l} = L'(a{l}, y)",
    _units,
    lines.output_slope,
)
HIDDEN_SLOPE = Quantity(
    "dL_da{l}",
    "derivative of the loss by the activation",
    r"\frac{\partial J}{\partial a_{l}} = W_{l+1}^\top \delta_{l+1}",
    "dL_da{l} = W{l+1}^T delta{l+1}",
    _units,
    lines.hidden_slope,
)
DERIVATIVE = Quantity(
    "g{l}", "derivative of the activation", "g_{l}' = g_{l}'(z_{l})", "g{l} = g'(z{l})", _units, lines.derivative
)
OUTPUT_DELTA = Quantity(
    "delta{l}",
    "derivative of the loss by the output's pre-activation",
    r"\delta_{l} = \frac{\partial J}{\partial a_{l}} \odot g_{l}'",
    "delta{l} = dL_da{l} * g{l}",
    _units,
    lines.output_delta,
)
DELTA = Quantity(
    "delta{l}",
    "derivative of the loss by the pre-activation",
    r"\delta_{l} = (W_{l+1}^\top \delta_{l+1}) \odot g_{l}'",
    "delta{l} = (W{l+1}^T delta{l+1}) * g{l}",
    _units,
    lines.delta,
)
GRADIENTS = {
    "W": Quantity(
        "dW{l}",
        "gradient of the weights",
        r"\frac{\partial J}{\partial W_{l}} = \delta_{l} a_{l-1}^\top",
        "dW{l} = delta{l} a{l-1}^T",
        _matrix,
        lines.weight_gradient,
    ),
    "b": Quantity(
        "db{l}",
        "gradient of the biases",
        r"\frac{\partial J}{\partial b_{l}} = \delta_{l}",
        "db{l} = delta{l}",
        _vector,
        lines.bias_gradient,
    ),
}
NEW = {
    kind: Quantity(
        kind + "{l}_new",
        f"new {what}",
        kind + r"_{l}^{new} = " + kind + r"_{l} - \eta \frac{\partial J}{\partial " + kind + "_{l}}",
        kind + "{l}_new = " + kind + "{l} - eta d" + kind + "{l}",
        shape,
        lines.update(kind),
    )
    for kind, what, shape in (("W", "weights", _matrix), ("b", "biases", _vector))
}

QUANTITIES: tuple[Quantity, ...] = (
    *FORWARD, LOSSES, PENALTY, LOSS, OUTPUT_SLOPE, HIDDEN_SLOPE, DERIVATIVE, OUTPUT_DELTA, DELTA, *GRADIENTS.values(),
    *NEW.values(),
)  # fmt: skip
"""All kinds but the slots of the optimizers, whose names the rules give (v_W1 of momentum, m_b2 of Adam)."""


def _slots(s: Setting, kind: str) -> Iterator[Quantity]:
    shape = _matrix if kind == "W" else _vector
    for number, name in enumerate(s.rule.slots if s.rule else ()):
        rule = s.rule
        assert rule is not None
        meaning, text = f"what {rule.name} keeps, {name}", f"{name}_{kind}{{l}}, which {rule.name} keeps"
        yield Quantity(f"{name}_{kind}{{l}}", meaning, rule.latex, text, shape, lines.slot(number, kind))


def _new(s: Setting, kind: str) -> Quantity:
    """The new W or b: by gradient descent as the lectures write it, by another rule as its record does."""
    if s.rule is None or s.rule.name == "sgd":
        return NEW[kind]
    text = f"{kind}{{l}}_new, by {s.rule.name} from {kind}{{l}} and d{kind}{{l}}"
    return replace(NEW[kind], formula=s.rule.latex, text=text)


def _order(s: Setting) -> Iterator[tuple[Quantity, int]]:
    """Every quantity of a step with its layer: forward, loss, backward, update."""
    numbers = range(1, s.depth + 1)
    yield from ((quantity, layer) for layer in numbers for quantity in FORWARD)
    if s.loss is None:
        return
    penalized = (PENALTY,) if s.l1 or s.l2 else ()
    yield from ((quantity, s.depth) for quantity in (LOSSES, *penalized, LOSS, OUTPUT_SLOPE))
    reached = list(_reached(s))
    for layer in reached:
        top, kinds = layer == s.depth, _kinds(s, layer)
        factors = () if s.activations[layer - 1].derivative is None else (DERIVATIVE,)
        above = (*factors, OUTPUT_DELTA) if top else (HIDDEN_SLOPE, *factors, DELTA)
        yield from ((quantity, layer) for quantity in (*above, *(GRADIENTS[kind] for kind in kinds)))
    if s.rule is not None and len(reached) == s.depth:
        for layer in numbers:
            for kind in _kinds(s, layer):
                yield from ((quantity, layer) for quantity in (*_slots(s, kind), _new(s, kind)))


def _kinds(s: Setting, layer: int) -> tuple[str, ...]:
    return ("W", "b") if s.biases[layer - 1] else ("W",)


def _reached(s: Setting) -> Iterator[int]:
    """The layers that the backward pass reaches, from the last one on: a step unit lets nothing through."""
    for layer in range(s.depth, 0, -1):
        if not (s.activations[layer - 1].trainable or (layer == s.depth and s.linked)):
            return
        yield layer


def _at_layer(text: str, layer: int) -> str:
    for part, number in (("{l}", layer), ("{l-1}", layer - 1), ("{l+1}", layer + 1)):
        text = text.replace(part, str(number))
    return text.replace("a0", "x")


@dataclass(frozen=True)
class Pass:
    """The table for one network: which quantities a step has, in order, and the line of each entry.

    >>> from glassnet.formulas.activations import activation
    >>> table = Pass(Setting((2, 1), (activation("tanh"),), (True,), rows=1, data={}))
    >>> list(table.tensors), table.line(Entry(1, "z1", (0, 0))).inputs[0]
    (['z1', 'a1'], (Entry(step=0, name='W1', index=(0, 0)), Entry(step=0, name='W1', index=(0, 1))))
    """

    setting: Setting

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """All quantities of one step by name, in the order of computation."""
        found: dict[str, Tensor] = {}
        for quantity, layer in _order(self.setting):
            name, text = quantity.name.replace("{l}", str(layer)), _at_layer(quantity.text, layer)
            found[name] = Tensor(quantity, layer, name, text, quantity.shape(self.setting, layer))
        return found

    def entries(self) -> Iterator[tuple[str, Index]]:
        """Name and index of each entry of one step, in the order of computation."""
        for tensor in self.tensors.values():
            yield from ((tensor.name, index) for index in indices(tensor.shape))

    @property
    def data(self) -> Mapping[Entry, float]:
        """The given numbers."""
        return self.setting.data

    def limits(self, entry: Entry) -> tuple[float, float]:
        """What an entry can be at all: activations have a range."""
        tensor = self.tensors[entry.name]
        inside = self.setting.activations[tensor.layer - 1].range if tensor.quantity is FORWARD[1] else ANY
        return inside.low, inside.high

    def line(self, entry: Entry, printed: Container[Entry] | None = None) -> Line:
        """How an entry is computed, where the entries in `printed` were written down."""
        tensor = self.tensors[entry.name]
        return tensor.quantity.line(Place(self.setting, entry.step, tensor.layer, entry.index, printed))
