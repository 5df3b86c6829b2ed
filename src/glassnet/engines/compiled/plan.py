"""From an architecture to tapes: which stages run, in which order, on which parts of the work space.

The order is the lectures': forward through the layers, the loss, backward, the gradients, the update. A plan knows
offsets and sizes only, so one plan serves every network of an architecture, on any number of threads.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.machine_code import addresses, vector_bytes
from glassnet.engines.compiled.memory import LINE, bits
from glassnet.engines.compiled.order import chunk_of, is_narrow, is_packed
from glassnet.engines.compiled.packing import DEEP, KEPT_BYTES, PACKING_BYTES, PART, right_bytes
from glassnet.formulas.optimizers import Optimizer
from glassnet.network.architecture import Architecture, BatchNorm, Dense, Dropout, RandomizedLeakyReLU
from glassnet.network.parameters import buffer_layout, parameter_layout

__all__ = ["Plan", "plan_prediction", "plan_training"]

_PANEL = 4096  # parameters of a panel: few enough to stay in the nearest cache from gradient to update
_ROWS = 12  # and a multiple of so many rows: whole tiles of 6, or of 4
_REGISTERS = 4  # columns up to which a row of z is kept in registers


@dataclass(frozen=True)
class Tensor:
    """Where rows of numbers lie: a field of the frame, a distance in bytes, elements from row to row, columns."""

    field: int
    offset: int
    step: int
    columns: int

    @property
    def place(self) -> tuple[int, int]:
        """The two operands that name it."""
        return self.field, self.offset

    @property
    def fixed(self) -> tuple[str, ...]:
        """What ends the key of a stage of whole rows: how many columns, when they are few and without gaps."""
        return (str(self.columns),) if self.step == self.columns <= _REGISTERS else ()


@dataclass
class Tape:
    """Instructions; stages are named by key until `resolve`, and other instructions by their number in `sub`."""

    keys: list[tuple[str, ...]] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)

    def add(self, key: tuple[str, ...], *operands: int | float) -> None:
        """One more instruction; floats go in as their bits."""
        self.keys.append(key)
        numbers = [bits(x) if isinstance(x, float) else int(x) for x in operands]
        assert len(numbers) < f.WIDTH, (key, numbers)
        self.rows.append([0, *numbers, *[0] * (f.WIDTH - 1 - len(numbers))])

    def __add__(self, other: "Tape") -> "Tape":
        return Tape(self.keys + other.keys, self.rows + other.rows)

    def resolve(self) -> np.ndarray:
        """The tape as numbers (instructions, WIDTH), each stage's address in its place."""
        table = np.array(self.rows, np.int64).reshape(-1, f.WIDTH)
        table[:, 0] = addresses(self.keys)
        return table


@dataclass(frozen=True)
class Plan:
    """Tapes by name, and what they need."""

    tapes: dict[str, np.ndarray]
    block: int
    work_bytes: int
    panels: int
    losses: int = 0  # where in the work space the losses lie,
    batch: tuple[int, int] = (0, 0)  # and the batch's inputs and targets, when they are copied there
    scratch: int = 0  # bytes for a panel of the gradient, or three tiles of a row function
    first: tuple[int, int, int] = (0, 0, 0)  # field, offset and step of the first layer's z
    packing: int = 0  # bytes for the tiles of a product

    def tape(self, name: str) -> tuple[int, int]:
        """Address and length of a tape."""
        table = self.tapes[name]
        return table.ctypes.data, len(table)


def _height(columns: int, rows: int, whole: int, panels: int = 4) -> int:
    """Rows of a panel: about _PANEL parameters, but so many panels, that threads can share them, and whole tiles."""
    return max(whole, min(_PANEL // columns, -(-rows // panels)) // whole * whole)


class _Builder:
    """Lays out the work space and writes the tapes of one architecture.

    `training`: a loss and a backward pass follow; `drawn`: masks are drawn and batch statistics used.
    """

    # a layer's threads take rows of the batch, or of a wide layer columns: `chunk` > 0; see `kit.region`

    def __init__(self, architecture: Architecture, block: int, training: bool, drawn: bool) -> None:
        self.architecture, self.block, self.training, self.drawn = architecture, block, training, drawn
        self.dtype = architecture.dtype
        self.size = 4 if self.dtype == "float32" else 8
        self.work = 0
        self.tensors: dict[str, Tensor] = {}
        self.pieces = {piece.name: piece for piece in parameter_layout(architecture).slices}
        self.buffers = {piece.name: piece.start for piece in buffer_layout(architecture).slices}
        self.rows, self.turns, self.by = Tape(), Tape(), 0
        units = [layer.units for layer in architecture.dense if layer.g.rowwise] + [architecture.output.units]
        self.packing = 0
        self.scratch = 3 * max(units) * vector_bytes() // self.size
        self.product, self.turned = addresses([("product", "rows", self.dtype), ("product", "columns", self.dtype)])

    # --- the work space ---

    def reserve(self, count: int) -> int:
        """Reserve so many bytes; returns their offset."""
        start = self.work
        self.work += -(-count // LINE) * LINE
        return start

    def tensor(self, name: str, columns: int, step: int | None = None) -> Tensor:
        """A tensor of the block's rows. Rows a multiple of 2 KB apart would fall on the same cache sets: then a gap."""
        if step is None:
            step = columns + (LINE // self.size if columns * self.size % 2048 == 0 else 0)
        made = Tensor(f.WORK, self.reserve(self.block * step * self.size), step, columns)
        self.tensors[name] = made
        return made

    def parameter(self, name: str) -> tuple[int, int]:
        """The operands that name a parameter; (0, 0) if there is none."""
        return (f.THETA, self.pieces[name].start * self.size) if name in self.pieces else (0, 0)

    def learns(self, name: str) -> bool:
        """Whether the tensor's gradient is wanted: in training, not of frozen ones."""
        return name in self.pieces and not (self.drawn and name in self.architecture.frozen)

    def uses_batch(self, number: int) -> bool:
        """Whether the layer normalizes with the batch's own statistics."""
        return self.drawn and not self.architecture.is_frozen(number)

    def chunk(self, columns: int) -> int:
        """Into what chunks of columns threads share a tensor of so many; 0: they share rows."""
        return chunk_of(columns) if self.training else 0

    def share(self, inputs: int, outputs: int, columns: int) -> int:
        """By what chunks of `columns` threads share z = a W or da = delta W^T; 0: by rows.

        What travels between the cores is W when they share rows, and the activations when they share columns.
        """
        return self.chunk(columns) if inputs * outputs > self.block * (inputs + outputs) else 0

    def narrow(self, number: int) -> bool:
        """Whether W of this layer is turned."""
        units, inputs = self.pieces[f"W{number}"].shape
        return self.training and is_narrow(self.dtype, inputs, units)

    def joins(self, layer: Dense) -> bool:
        """Whether the loss makes the outputs of the last layer itself: in training nobody else asks for them."""
        return self.training and layer.g.rowwise and self.architecture.objective.owns(layer.g)

    def packs(self, number: int) -> bool:
        """Whether the products of this layer go to the processor's matrix unit."""
        units, inputs = self.pieces[f"W{number}"].shape
        return is_packed(self.dtype, inputs, units, self.block, training=self.training)

    def multiply(self, name: str, number: int, *lie: str) -> tuple[str, ...]:
        """The stage of this name that multiplies for a layer: with the processor's matrix unit or without."""
        if not self.packs(number):
            return name, self.dtype
        self.packing = PACKING_BYTES
        return (f"packed_{name}", *lie)

    def add(self, chunk: int, key: tuple[str, ...], *operands: int | float) -> None:
        """An instruction of the rows' pass; before it a barrier, where it reads what other threads have written."""
        if chunk != self.by or (chunk and key[0].endswith("affine")):
            self.rows.add(("barrier",))
        self.by = chunk
        self.rows.add(key, *operands)

    # --- forward ---

    def forward(self) -> None:
        """Everything up to the outputs."""
        architecture, dropouts = self.architecture, 0
        below = Tensor(f.INPUT, 0, architecture.inputs, architecture.inputs)
        for number, layer in zip(architecture.numbers, architecture.layers, strict=True):
            if isinstance(layer, Dense):
                below = self.dense(layer, number, below)
            elif isinstance(layer, RandomizedLeakyReLU):
                below = self.randomized(layer, number, below)
            else:
                below = self.dropout(number, below, dropouts) if self.drawn else below
                dropouts += 1
            self.tensors[f"top{number}"] = below

    def dense(self, layer: Dense, number: int, below: Tensor) -> Tensor:
        """z = W a + b, normalization, a = g(z)."""
        units, last = layer.units, number == len(self.architecture.dense)
        same = layer.g.name == "identity" or (last and self.joins(layer))
        out = Tensor(f.OUTPUT, 0, units, units) if last and not self.training else None
        if out is not None and same and layer.norm is None:
            z = out
        else:
            z = self.tensor(f"z{number}", units, units if last else None)
        self.tensors[f"z{number}"] = z
        share = self.share(below.columns, units, units)
        places = (*below.place, *self.parameter(f"W{number}"), *self.parameter(f"b{number}"), *z.place)
        shapes = (below.columns, units, below.step, z.step)
        if self.narrow(number):
            self.add(0, ("few", self.dtype), *places, *shapes)
        else:
            kept, tiles = (0, 0), right_bytes(below.columns, units)
            if self.packs(number) and not self.training:  # every thread has W's tiles of its own
                kept = f.WORK, self.reserve(tiles)
            if kept[0] and below.field == f.INPUT and tiles <= KEPT_BYTES:
                self.add(0, self.multiply("prediction", number), 0, *places, *shapes, *kept)
            else:
                key = self.multiply("affine", number, "straight")
                self.add(share, key, self.product, *places, *shapes, self.chunk(units), share, *kept)
        if layer.norm is not None:
            z = self.normalize(layer.norm, number, z, out if same else None)
        self.tensors[f"pre{number}"] = z
        if same:
            a = z
        else:
            # in z's place where nobody asks for z again: less memory to move is faster
            over = layer.g.by_output and not last and (self.training or number > 1)
            a = out if out is not None else z if over else self.tensor(f"a{number}", units, z.step)
            share = 0 if layer.g.rowwise or layer.norm is not None else share
            self.add(
                share,
                ("activation", layer.g.name, self.dtype, *(z.fixed if layer.g.rowwise else ())),
                *(*z.place, *a.place, z.step, units, share, *layer.g.constants.values()),
            )
        self.tensors[f"a{number}"] = a
        return a

    def normalize(self, norm: BatchNorm, number: int, z: Tensor, out: Tensor | None) -> Tensor:
        """s = gamma zhat + beta, with the batch's statistics or the running ones."""
        zhat = self.tensor(f"zhat{number}", z.columns, z.step)
        s = out if out is not None else self.tensor(f"s{number}", z.columns, z.step)
        scale = self.tensors[f"scale{number}"] = Tensor(f.WORK, self.reserve(z.columns * self.size), 0, z.columns)
        batch = self.uses_batch(number)
        if batch:
            self.rows.add(("barrier",))
        self.add(
            0,
            ("normalize", "batch" if batch else "running", self.dtype),
            *(*z.place, *zhat.place, *s.place, *scale.place),
            *(f.BUFFERS, self.buffers[f"mean{number}"] * self.size),
            *(f.BUFFERS, self.buffers[f"var{number}"] * self.size),
            *(*self.parameter(f"gamma{number}"), *self.parameter(f"beta{number}")),
            *(z.step, z.columns, norm.momentum, norm.epsilon),
        )
        if batch:
            self.rows.add(("barrier",))
        return s

    def randomized(self, layer: RandomizedLeakyReLU, number: int, below: Tensor) -> Tensor:
        """Drawn slopes below 0, or their mean."""
        out = self.tensor(f"r{number}", below.columns, below.step)
        slope = self.tensor(f"slope{number}", below.columns, below.step)
        self.add(
            0,
            ("randomized", self.dtype),
            *(*below.place, *out.place, *slope.place, below.step, below.columns),
            *(2 * number + 1, self.drawn, layer.lower, layer.upper),
        )
        return out

    def dropout(self, number: int, below: Tensor, index: int) -> Tensor:
        """A mask drawn and multiplied on."""
        out = self.tensor(f"d{number}", below.columns, below.step)
        mask = self.tensor(f"mask{number}", below.columns, below.step)
        self.add(
            0,
            ("dropout", self.dtype),
            *(*below.place, *out.place, *mask.place, below.step, below.columns, 2 * number, index),
        )
        return out

    # --- the loss ---

    def batch(self, ordered: bool) -> None:
        """Examples and their weights; with an order they are copied side by side."""
        inputs, targets = self.architecture.inputs, self.architecture.output.units
        x = self.tensor("x", inputs, inputs) if ordered else Tensor(f.INPUT, 0, inputs, inputs)
        y = self.tensor("y", targets, targets) if ordered else Tensor(f.TARGET, 0, targets, targets)
        v = self.tensors["v"] = Tensor(f.WORK, self.reserve(self.block * self.size), 1, 1)
        self.tensors["losses"] = Tensor(f.WORK, self.reserve(self.block * 8), 1, 1)
        self.add(0, ("batch", self.dtype), *x.place, *y.place, *v.place, inputs, targets)

    def loss(self) -> None:
        """The losses, and in training delta of the output layer."""
        architecture = self.architecture
        number, objective, layer = len(architecture.dense), architecture.objective, architecture.output
        z, a = self.tensors[f"pre{number}"], self.tensors[f"a{number}"]
        linked = objective.owns(layer.g)
        form = "joint" if self.joins(layer) else "linked" if linked else "plain"
        slope = (0, 0)
        if self.training:
            delta = self.tensor(f"delta{number}", z.columns, z.step)
            da = delta if linked or layer.g.name == "identity" else self.tensor(f"da{number}", z.columns, z.step)
            slope = da.place
        self.add(
            0,
            ("loss", objective.name, form, self.dtype, *z.fixed),
            *(*z.place, *a.place, f.TARGET, 0, *self.tensors["v"].place, f.LOSSES, 0, *slope),
            *(z.step, a.columns, a.columns, *objective.constants.values()),
        )
        if self.training and not linked and layer.g.name != "identity":
            self.activation_backward(number, self.tensors[f"da{number}"], self.tensors[f"delta{number}"])

    # --- backward ---

    def activation_backward(self, number: int, da: Tensor, delta: Tensor) -> None:
        """delta = da * g'(z)."""
        layer, z = self.architecture.dense[number - 1], self.tensors[f"pre{number}"]
        # as da is shared out, unless something of whole rows comes between
        chunk = 0 if layer.g.rowwise or number == len(self.architecture.dense) else self.by
        self.add(
            chunk,
            ("activation_backward", layer.g.name, self.dtype),
            *(*z.place, *self.tensors[f"a{number}"].place, *da.place, *delta.place, z.step, z.columns, chunk),
            *layer.g.constants.values(),
        )

    def backward(self) -> None:
        """From delta of the output layer down to the lowest layer that learns."""
        architecture = self.architecture
        learning = {piece.layer for name, piece in self.pieces.items() if self.learns(name)}
        lowest = min(learning, default=len(architecture.dense) + 1)
        da: Tensor | None = None
        for number, layer in zip(reversed(architecture.numbers), reversed(architecture.layers), strict=True):
            if number < lowest:
                break
            if not isinstance(layer, Dense):
                kind = "mask" if isinstance(layer, Dropout) else "slope"
                if da is not None and f"{kind}{number}" in self.tensors:
                    factor = self.tensors[f"{kind}{number}"]
                    self.add(0, ("multiply", self.dtype), *da.place, *factor.place, da.step)
                continue
            if da is not None:
                # element by element it may take da's place; a row needs the old ones to its end
                delta = self.tensor(f"delta{number}", da.columns, da.step) if layer.g.rowwise else da
                if layer.g.name != "identity":
                    self.activation_backward(number, da, delta)
                self.tensors[f"delta{number}"] = delta
            delta = self.tensors[f"delta{number}"]
            if layer.norm is not None:
                self.normalize_backward(number, delta)
            if number > lowest:
                da = self.input_gradient(number, delta)

    def normalize_backward(self, number: int, delta: Tensor) -> None:
        """dgamma, dbeta, and delta = dJ/dz in place of dJ/ds."""
        gamma, beta = (self.pieces[f"{name}{number}"].start * self.size for name in ("gamma", "beta"))
        self.rows.add(("barrier",))
        self.add(
            0,
            ("normalize_backward", "batch" if self.uses_batch(number) else "running", self.dtype),
            *(*delta.place, *self.tensors[f"zhat{number}"].place, *self.tensors[f"scale{number}"].place),
            *(f.THETA, gamma, f.GRADIENT, gamma, f.GRADIENT, beta, delta.step, delta.columns),
        )
        self.rows.add(("barrier",))

    def input_gradient(self, number: int, delta: Tensor) -> Tensor:
        """dJ/da of the layer below, through W^T."""
        units, inputs = self.pieces[f"W{number}"].shape
        below, chunk, share = self.tensors[f"top{number - 1}"], self.chunk(inputs), self.share(inputs, units, inputs)
        if self.narrow(number):
            turned, chunk, share = Tensor(*self.parameter(f"W{number}"), inputs, inputs), 0, 0
        elif self.packs(number):  # what is packed anew may as well be turned on the way
            turned, chunk = Tensor(*self.parameter(f"W{number}"), inputs, inputs), self.chunk(units)
        else:
            turned = Tensor(f.WORK, self.reserve(units * inputs * self.size), inputs, inputs)
            self.turns.add(
                ("transpose", self.dtype),
                *(*self.parameter(f"W{number}"), *turned.place, inputs, units, self.chunk(units), chunk),
            )
        da = self.tensor(f"da{number - 1}", inputs, below.step)
        self.add(
            share,
            self.multiply("affine", number, "turned"),
            self.product,
            *(*delta.place, *turned.place, 0, 0, *da.place, units, inputs, delta.step, da.step, chunk, share),
        )
        return da

    # --- gradients and update ---

    def gradients(self, updates: "Updates", apart: bool) -> tuple[Tape, Tape, Tape, int]:
        """The tapes of dW and db, of the update of a gradient that lies ready, and of the end of a step.

        And the number of panels in all. `apart`: parts of the batch are added up before the update.
        """
        columns, middle, end, panels = Tape(), Tape(), Tape(), 0
        here = None if apart else updates
        for name, piece in self.pieces.items():
            if not self.learns(name):
                continue
            number, first, weights = piece.layer, panels, piece.is_weight
            at_once = here.at_once(weights) if here else 0
            below, delta = self.tensors[f"top{number - 1}"], self.tensors[f"delta{number}"]
            chunk = self.chunk(delta.columns)
            if weights:
                left, right = (delta, below) if self.narrow(number) else (below, delta)
                whole = DEEP if self.packs(number) else _ROWS // 2 if self.narrow(number) else _ROWS
                height = _height(chunk or right.columns, left.columns, whole)
                size = height * right.columns
                # each thread makes the whole gradient of its part
                tall = _height(chunk or right.columns, left.columns + whole, whole, 1) if apart else height
                parts = -(-height * (chunk or right.columns) // PART) if self.packs(number) else 1
                panels += -(-left.columns // height) * (-(-right.columns // chunk) if chunk else 1) * parts
                columns.add(
                    self.multiply("weight_gradient", number),
                    *(self.turned, *left.place, *right.place, piece.start, left.columns, right.columns),
                    *(left.step, right.step, tall, chunk, first, at_once, bool(here and here.at_last), number),
                )
                self.scratch = max(self.scratch, size, 2 * parts * PART)  # two panels where one waits for its update
            elif name == f"b{number}":
                size = delta.columns
                panels += -(-size // chunk) if chunk else 1
                columns.add(
                    ("bias_gradient", self.dtype),
                    *(*delta.place, piece.start, size, delta.step, chunk, first, at_once, number),
                )
            else:  # gamma and beta, whose gradients the rows' pass has left
                size = piece.stop - piece.start
                panels += 1
                columns.add(("apply", self.dtype), updates.at_once(False), piece.start, piece.stop, size, first, 1)
            if apart:
                middle.add(("apply", self.dtype), updates.at_once(weights), piece.start, piece.stop, size, first, 0, 1)
            if updates.later:
                end.add(("apply", self.dtype), updates.at_end(weights), piece.start, piece.stop, size, first)
        return columns, middle, end, panels


class Updates:
    """The update's instructions: for weights and for the rest, in one pass or, to clip by norm, in two.

    Without a rule there is only the first of the two, which adds the penalties' slope to the gradient.
    """

    def __init__(
        self, architecture: Architecture, rule: Optimizer | None, clip_value: float | None, clip_norm: bool
    ) -> None:
        forms = ("gradient",) if rule is None else ("gradient", "rule") if clip_norm else ("once",)
        tape, self.at_last, self.later = Tape(), "once" in forms, "rule" in forms
        name = rule.name if rule is not None else "sgd"  # any will do: none is applied
        for form in forms:
            for weights in (True, False):
                l1, l2 = (architecture.l1, architecture.l2) if weights else (0.0, 0.0)
                clip = (1, float(clip_value)) if clip_value is not None else (0, 0.0)
                tape.add(("update", name, form, architecture.dtype), float(l1), float(l2), *clip, weights, 0)
        self.table = tape.resolve()

    def _address(self, row: int) -> int:
        return self.table.ctypes.data + 8 * f.WIDTH * row

    def at_once(self, weights: bool) -> int:
        """Address of the instruction that follows the gradient."""
        return self._address(0 if weights else 1)

    def at_end(self, weights: bool) -> int:
        """Address of the instruction that follows when the norm is known."""
        return self._address(2 if weights else 3)


@lru_cache(maxsize=128)
def plan_prediction(architecture: Architecture, block: int, judged: bool) -> Plan:
    """Outputs, and if `judged` the losses, block by block; every thread works on rows of its own."""
    builder = _Builder(architecture, block, training=False, drawn=False)
    if judged:
        builder.batch(ordered=False)
    builder.forward()
    if judged:
        builder.loss()
    z = builder.tensors["z1"]
    tapes, scratch = {"rows": builder.rows.resolve()}, builder.scratch * builder.size
    return Plan(tapes, block, builder.work, 0, scratch=scratch, first=(*z.place, z.step), packing=builder.packing)


@lru_cache(maxsize=128)
def plan_training(
    architecture: Architecture,
    block: int,
    rule: Optimizer | None,
    clip_value: float | None,
    clip_norm: bool,
    ordered: bool,
    apart: bool,
) -> Plan:
    """Steps of training by a rule, or the gradient alone without one (a prediction pass: nothing is drawn).

    `ordered`: the batch's examples are gathered in an order; `apart`: threads take parts of it (`drivers.train`).
    """
    builder = _Builder(architecture, block, training=True, drawn=rule is not None)
    builder.batch(ordered)
    inputs = architecture.inputs
    builder.tensors["top0"] = builder.tensors["x"] if ordered else Tensor(f.INPUT, 0, inputs, inputs)
    builder.forward()
    forward, builder.rows = builder.rows, Tape()
    builder.loss()
    builder.backward()
    updates = Updates(architecture, rule, clip_value, clip_norm)
    columns, middle, end, panels = builder.gradients(updates, apart)
    rows = builder.turns + forward
    if len(builder.turns.rows):
        rows.add(("barrier",))
    rows += builder.rows
    tapes = {"rows": rows, "columns": columns, "middle": middle, "end": end}
    tapes = {name: tape.resolve() for name, tape in tapes.items()}
    updates.table[:, 6] = panels
    tapes["updates"] = updates.table
    if rule is not None:
        carry = Tape()
        carry.add(("carry", rule.name), 0, *[0] * 6, *(float(c) for c in rule.constants.values()))
        tapes["carry"] = carry.resolve()
    tensors, scratch = builder.tensors, builder.scratch * builder.size
    batch = (tensors["x"].offset, tensors["y"].offset) if ordered else (0, 0)
    return Plan(tapes, block, builder.work, panels, tensors["losses"].offset, batch, scratch, packing=builder.packing)
