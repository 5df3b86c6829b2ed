"""Where a number of a hand computation stands: entries, lines, the network with its numbers, and a place in it.

Per-example quantities have indices (example, unit). All indices count from 0 here, and from 1 wherever people see them.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass

from glassnet.explain.arithmetic import Arithmetic, Number
from glassnet.formulas.activations import Activation
from glassnet.formulas.losses import Loss
from glassnet.formulas.optimizers import Optimizer

__all__ = ["Entry", "Index", "Line", "Place", "Setting", "Shape", "indices"]

Index = tuple[int, ...]
Shape = tuple[int, ...]


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
    reduction, l1, l2
        As in `Architecture`.
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

    @property
    def depth(self) -> int:
        """L, the number of layers with weights."""
        return len(self.activations)

    @property
    def linked(self) -> bool:
        """Whether the loss is computed from the output's pre-activation."""
        return self.loss is not None and self.depth > 0 and self.loss.owns(self.activations[-1])


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

    def entry(self, name: str) -> Entry:
        """The entry of another quantity of this layer at the same index."""
        return Entry(self.step, f"{name}{self.layer}", self.index)

    def units(self, name: str, layer: int, example: int) -> tuple[Entry, ...]:
        """An example's row of z, a, delta … of a layer."""
        step = 0 if (name, layer) == ("a", 0) else self.step
        return tuple(Entry(step, f"{name}{layer}", (example, k)) for k in range(self.setting.sizes[layer]))

    def target(self, example: int) -> tuple[Entry, ...]:
        """An example's row of y."""
        return tuple(Entry(0, "y", (example, k)) for k in range(self.setting.sizes[-1]))

    def parameter(self, name: str, index: Index) -> Entry:
        """W or b as this step finds it: given, or the new one of the step before."""
        return Entry(0, name, index) if self.step == 1 else Entry(self.step - 1, f"{name}_new", index)

    def weights(self) -> tuple[Entry, ...]:
        """All weights of the network."""
        sizes = self.setting.sizes
        shapes = ((f"W{number}", sizes[number], sizes[number - 1]) for number in range(1, len(sizes)))
        return tuple(self.parameter(name, (k, j)) for name, m, n in shapes for k in range(m) for j in range(n))

    def weighted(self, A: Arithmetic, value: Number) -> Number:
        """An example's share: 1/n of it for a mean."""
        n = self.setting.rows
        return value / A.number(n) if self.setting.reduction == "mean" and n > 1 else value


def indices(shape: Shape) -> Iterator[Index]:
    """All indices of a shape, the last one fastest."""
    if not shape:
        yield ()
        return
    for i in range(shape[0]):
        yield from ((i, *rest) for rest in indices(shape[1:]))
