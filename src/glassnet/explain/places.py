"""Where a number of a hand computation stands: entries, lines, the network with its numbers, and a place in it.

Per-example quantities have indices (example, unit). All indices count from 0 here, and from 1 wherever people see them.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from glassnet.explain.arithmetic import Arithmetic, Number
from glassnet.formulas.activations import Activation
from glassnet.formulas.losses import Loss
from glassnet.formulas.optimizers import Optimizer
from glassnet.network.architecture import BatchNorm, Dropout, RandomizedLeakyReLU

__all__ = ["LEAVES", "Between", "Entry", "Index", "Line", "Place", "Setting", "Shape", "indices"]

Index = tuple[int, ...]
Shape = tuple[int, ...]
Between = Dropout | RandomizedLeakyReLU

LEAVES: dict[type[Between], tuple[str, str]] = {Dropout: ("mask", "d"), RandomizedLeakyReLU: ("slope", "r")}
"""What a layer without weights multiplies by, and what leaves it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One number of a computation; step 0 holds what is given."""

    step: int
    name: str
    index: Index


@dataclass(frozen=True)
class Line:
    """How one entry is computed: `compute(arithmetic, *groups)`, with a list of numbers for each group of inputs.

    `once` says that it adds up products in which each number stands once; plain intervals are then exact.
    """

    inputs: tuple[tuple[Entry, ...], ...]
    compute: Callable[..., Number]
    once: bool = False


@dataclass(frozen=True)
class Setting:
    """A network with its numbers, as a hand computation has them.

    Attributes
    ----------
    sizes : tuple of int
        n_0, n_1, ..., n_L.
    activations, biases : tuple of Activation, tuple of bool
        Of the layers 1 to L: g, and whether there is a b.
    rows : int
        Number of examples.
    data : mapping
        The given numbers: entries of step 0 named a0, y, W1, b1, …
    loss, rule : Loss and Optimizer, optional
        Without a loss there is only the forward pass, without a rule no update.
    reduction, l1, l2, average_penalty
        As in `Architecture`.
    norms : mapping
        Layer -> its batch normalization.
    between : tuple of (int, Dropout or RandomizedLeakyReLU)
        What acts behind which layer (0: on the input), in order; no Dropout where it is idle.
    training : bool
        Whether slopes are drawn.
    by_batch : frozenset of int
        The layers that are normalized by the statistics of the batch.
    weighted : bool
        Whether the examples have weights v of their own, given as entries `v`.
    clip_norm, clip_value : float, optional
        Bounds of the gradient.
    frozen : tuple of str
        Tensors that stay as they are.
    epochs : int
        Planned steps, for schedules; 0: up to the present one.
    carried : tuple of float, optional
        What the rule carries at the beginning, where it does not begin at rest; its slots are then given as entries
        `old_v_W1`.
    unit : bool
        Whether the bias is the weight of a unit 0 that is always 1: entries `one0`, `one1` …
    """

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    biases: tuple[bool, ...]
    rows: int
    data: Mapping[Entry, float]
    loss: Loss | None = None
    reduction: str = "sum"
    l1: float = 0.0
    l2: float = 0.0
    rule: Optimizer | None = None
    average_penalty: bool = False
    norms: Mapping[int, BatchNorm] = field(default_factory=lambda: MappingProxyType({}))
    between: tuple[tuple[int, Between], ...] = ()
    training: bool = False
    by_batch: frozenset[int] = frozenset()
    weighted: bool = False
    clip_norm: float | None = None
    clip_value: float | None = None
    frozen: tuple[str, ...] = ()
    epochs: int = 0
    carried: tuple[float, ...] | None = None
    unit: bool = False

    @property
    def depth(self) -> int:
        """L, the number of layers with weights."""
        return len(self.activations)

    @property
    def linked(self) -> bool:
        """Whether the loss is computed from the output's pre-activation."""
        return self.loss is not None and self.depth > 0 and self.loss.owns(self.activations[-1])

    @property
    def clipped(self) -> bool:
        """Whether the gradient is bounded."""
        return self.clip_norm is not None or self.clip_value is not None

    def behind(self, layer: int) -> list[Between]:
        """What acts behind a layer, in order."""
        return [what for number, what in self.between if number == layer]

    def leaving(self, layer: int) -> str:
        """The name of what leaves a layer: a, or r or d after what acts behind it."""
        behind = self.behind(layer)
        return LEAVES[type(behind[-1])][1] if behind else "a"

    def before(self, layer: int) -> str:
        """The name of what goes into a layer's activation: z, or s after a normalization."""
        return "s" if layer in self.norms else "z"

    def passes(self, layer: int) -> bool:
        """Whether a gradient can pass a layer: no step unit, but as the link of its own loss."""
        return self.activations[layer - 1].trainable or (layer == self.depth and self.linked)

    def tensors(self) -> Iterator[tuple[str, int, Shape]]:
        """Kind, layer and shape of all parameters: W, b, gamma, beta."""
        for layer in range(1, self.depth + 1):
            m, n = self.sizes[layer], self.sizes[layer - 1]
            yield "W", layer, (m, n)
            if self.biases[layer - 1]:
                yield "b", layer, (m,)
            yield from ((kind, layer, (m,)) for kind in (("gamma", "beta") if layer in self.norms else ()))


@dataclass(frozen=True)
class Place:
    """An entry of a quantity of one layer in one step.

    `printed` holds the entries that were written down; None means exact arithmetic. A few formulas depend on what there
    is to read from.
    """

    setting: Setting
    step: int
    layer: int
    index: Index
    printed: Container[Entry] | None = None

    @property
    def g(self) -> Activation:
        """The layer's activation."""
        return self.setting.activations[self.layer - 1]

    @property
    def loss(self) -> Loss:
        """The loss, which every line of the backward pass has."""
        assert self.setting.loss is not None
        return self.setting.loss

    @property
    def rule(self) -> Optimizer:
        """The optimizer, which every line of the update has."""
        assert self.setting.rule is not None
        return self.setting.rule

    def entry(self, name: str, index: Index | None = None) -> Entry:
        """The entry of another quantity of this layer, at the same index if no other is said."""
        return Entry(self.step, f"{name}{self.layer}", self.index if index is None else index)

    def units(self, name: str, layer: int, example: int) -> tuple[Entry, ...]:
        """An example's row of z, a, delta … of a layer."""
        step = 0 if (name, layer) == ("a", 0) else self.step
        return tuple(Entry(step, f"{name}{layer}", (example, k)) for k in range(self.setting.sizes[layer]))

    def before(self, example: int) -> tuple[Entry, ...]:
        """An example's row of what goes into this layer's activation."""
        return self.units(self.setting.before(self.layer), self.layer, example)

    def below(self, example: int) -> tuple[Entry, ...]:
        """An example's row of what comes into this layer."""
        return self.units(self.setting.leaving(self.layer - 1), self.layer - 1, example)

    def column(self, name: str) -> tuple[Entry, ...]:
        """This unit's z, zhat … of all examples; the unit is the last index."""
        return tuple(Entry(self.step, f"{name}{self.layer}", (i, self.index[-1])) for i in range(self.setting.rows))

    def target(self, example: int) -> tuple[Entry, ...]:
        """An example's row of y."""
        return tuple(Entry(0, "y", (example, k)) for k in range(self.setting.sizes[-1]))

    def parameter(self, name: str, index: Index) -> Entry:
        """W or b as this step finds it: given, or the new one of the step before."""
        if self.step == 1 or name in self.setting.frozen:
            return Entry(0, name, index)
        return Entry(self.step - 1, f"{name}_new", index)

    def weights(self) -> tuple[Entry, ...]:
        """All weights of the network."""
        tensors = ((f"{kind}{layer}", shape) for kind, layer, shape in self.setting.tensors() if kind == "W")
        return tuple(self.parameter(name, index) for name, shape in tensors for index in indices(shape))

    def share(self, example: int) -> tuple[Entry, ...]:
        """The example's own weight v, if there are such."""
        return (Entry(0, "v", (example,)),) if self.setting.weighted else ()

    def weighted(self, A: Arithmetic, value: Number, v: Number | None = None) -> Number:
        """An example's share: v times it, or 1/n of it for a mean."""
        n = self.setting.rows
        if v is not None:
            return v * value
        return value / A.number(n) if self.setting.reduction == "mean" and n > 1 else value


def indices(shape: Shape) -> Iterator[Index]:
    """All indices of a shape, the last one fastest."""
    if not shape:
        yield ()
        return
    for i in range(shape[0]):
        yield from ((i, *rest) for rest in indices(shape[1:]))
