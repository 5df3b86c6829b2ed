"""Which quantities a step has, in the order of computation, and the line of each entry.

The checker evaluates the lines in exact digits and in intervals; tests compare them with the `Trace` of
`network.passes`.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from glassnet.explain import kinds
from glassnet.explain.kinds import QUANTITIES, Quantity
from glassnet.explain.places import LEAVES, Entry, Index, Line, Place, Setting, Shape, indices
from glassnet.formulas.ranges import ANY

__all__ = ["QUANTITIES", "Pass", "Quantity", "Tensor"]


@dataclass(frozen=True)
class Tensor:
    """A quantity of one layer (0 where it belongs to none), with its name, part of the step, formula and shape."""

    quantity: Quantity
    layer: int
    name: str
    text: str
    shape: Shape
    part: str = "forward"

    @property
    def per_example(self) -> bool:
        """Whether the first axis counts the examples."""
        return self.quantity.shape in (kinds.units, kinds.examples)


# --- the order of a step ----------------------------------------------------------------------------------------

Row = tuple[Quantity, int]


def _order(s: Setting) -> Iterator[tuple[str, Quantity, int]]:
    """Every quantity of a step with its part and its layer: forward, loss, backward, update."""
    parts = {"forward": _forward(s)}
    if s.loss is not None:
        parts |= {"loss": _objective(s), "backward": _backward(s)}
    if s.rule is not None and len(list(_reached(s))) == s.depth:
        parts["update"] = _update(s)
    for part, rows in parts.items():
        yield from ((part, quantity, layer) for quantity, layer in rows)


def _forward(s: Setting) -> Iterator[Row]:
    for layer in range(s.depth + 1):
        if layer:
            normalization = kinds.NORMALIZATION if layer in s.by_batch else ()
            normal = (*normalization, *kinds.NORMALIZED) if layer in s.norms else ()
            yield from ((quantity, layer) for quantity in (kinds.PRE, *normal, kinds.ACTIVATION))
        yield from ((quantity, layer) for pair in _pairs(s, layer) for quantity in kinds.behind(*pair))


def _pairs(s: Setting, layer: int) -> list[tuple[int, str, str, str]]:
    """For each thing behind a layer: its place, its factor, what leaves it and what comes in."""
    found: list[tuple[int, str, str, str]] = []
    incoming = "a"
    for number, what in enumerate(s.behind(layer)):
        factor, out = LEAVES[type(what)]
        found.append((number, factor, out, incoming))
        incoming = out
    return found


def _objective(s: Setting) -> Iterator[Row]:
    penalized = (kinds.PENALTY,) if s.l1 or s.l2 else ()
    yield from ((quantity, s.depth) for quantity in (kinds.LOSSES, *penalized, kinds.LOSS))


def _backward(s: Setting) -> Iterator[Row]:
    yield kinds.OUTPUT_SLOPE, s.depth
    for layer in _reached(s):
        factors = () if s.activations[layer - 1].derivative is None else (kinds.DERIVATIVE,)
        if layer < s.depth:
            yield kinds.slope(s.leaving(layer)), layer
            yield from ((kinds.through(*pair), layer) for pair in reversed(_pairs(s, layer)))
        yield from ((quantity, layer) for quantity in (*factors, *_deltas(s, layer, _plain_delta(s, layer))))
        yield (kinds.PENALIZED if s.l1 or s.l2 else kinds.GRADIENTS["W"]), layer
        if s.biases[layer - 1]:
            yield kinds.GRADIENTS["b"], layer


def _plain_delta(s: Setting, layer: int) -> Quantity:
    """How delta comes from the derivative by the activation."""
    if layer == s.depth and s.linked:
        return kinds.LINKED_DELTA
    if s.activations[layer - 1].rowwise:
        return kinds.ROWWISE_DELTA
    return kinds.OUTPUT_DELTA if layer == s.depth else kinds.DELTA


def _deltas(s: Setting, layer: int, plain: Quantity) -> tuple[Quantity, ...]:
    """delta, or dL_ds and how delta comes from it."""
    if layer not in s.norms:
        return (plain,)
    return (kinds.by_s(plain), *kinds.NORM_GRADIENTS, kinds.BATCH_DELTA if layer in s.by_batch else kinds.RUNNING_DELTA)


def _update(s: Setting) -> Iterator[Row]:
    rule = s.rule
    assert rule is not None
    moving = [(kind, layer) for kind, layer, _ in s.tensors() if f"{kind}{layer}" not in s.frozen]
    if s.clip_norm is not None:
        yield kinds.NORM, 0
    if s.clipped:
        yield from ((kinds.bounded(kind), layer) for kind, layer in moving)
    for kind, layer in moving:
        yield from ((kinds.slot(name, kind, rule.name, rule.latex), layer) for name in rule.slots)
        yield from ((kinds.hat(name, kind, rule.name), layer) for name in rule.slots if name in rule.corrections)
        yield kinds.new(kind, rule.name, rule.latex), layer


def _reached(s: Setting) -> Iterator[int]:
    """The layers that the backward pass reaches, from the last one on: a step unit lets nothing through."""
    for layer in range(s.depth, 0, -1):
        if not s.passes(layer):
            return
        yield layer


def _at_layer(s: Setting, text: str, layer: int) -> str:
    """A formula's text with the layers' numbers, and with what really comes in and goes out."""
    if layer:
        text = text if s.biases[layer - 1] else text.replace(" + b{l}", "")
        text = text.replace("a{l-1}", f"{s.leaving(layer - 1)}{{l-1}}")
        text = text.replace("g(z{l})", f"g({s.before(layer)}{{l}})").replace("g'(z{l})", f"g'({s.before(layer)}{{l}})")
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
        for part, quantity, layer in _order(self.setting):
            name, text = quantity.name.replace("{l}", str(layer)), _at_layer(self.setting, quantity.text, layer)
            found[name] = Tensor(quantity, layer, name, text, quantity.shape(self.setting, layer), part)
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
        inside = self.setting.activations[tensor.layer - 1].range if tensor.quantity is kinds.ACTIVATION else ANY
        return inside.low, inside.high

    def line(self, entry: Entry, printed: Container[Entry] | None = None) -> Line:
        """How an entry is computed, where the entries in `printed` were written down."""
        tensor = self.tensors[entry.name]
        return tensor.quantity.line(Place(self.setting, entry.step, tensor.layer, entry.index, printed))
