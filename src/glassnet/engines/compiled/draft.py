"""A plan in the making: what of the work space is taken, where each tensor lies, and the tape of the rows' pass.

It also answers what every part of a plan asks about a layer: which stage multiplies, and how threads share the work.
"""

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.machine_code import addresses, vector_bytes
from glassnet.engines.compiled.memory import LINE
from glassnet.engines.compiled.order import chunk_of, is_narrow, is_packed
from glassnet.engines.compiled.packing import DEEP, PACKING_BYTES
from glassnet.engines.compiled.tapes import Tape, Tensor
from glassnet.network.architecture import Architecture, Dense
from glassnet.network.parameters import buffer_layout, parameter_layout

__all__ = ["Draft"]


class Draft:
    """The work space and the rows' tape of one architecture.

    `training`: a loss and a backward pass follow; `drawn`: masks are drawn and batch statistics used.
    """

    def __init__(self, architecture: Architecture, block: int, training: bool, drawn: bool) -> None:
        self.architecture, self.block, self.training, self.drawn = architecture, block, training, drawn
        self.dtype = architecture.dtype
        self.size = 4 if self.dtype == "float32" else 8
        self.work = 0  # bytes of the work space
        self.tensors: dict[str, Tensor] = {}
        self.pieces = {piece.name: piece for piece in parameter_layout(architecture).slices}
        self.buffers = {piece.name: piece.start for piece in buffer_layout(architecture).slices}
        self.rows, self.turns = Tape(), Tape()  # the rows' pass, and what turns W before it
        self.by = 0  # in what chunks of columns threads share the last instruction; 0: by rows; see `kit.region`
        units = [layer.units for layer in architecture.dense if layer.g.rowwise] + [architecture.output.units]
        self.packing = 0  # bytes for the tiles of a product
        self.scratch = 3 * max(units) * vector_bytes() // self.size  # numbers
        self.product, self.turned = addresses([("product", "rows", self.dtype), ("product", "columns", self.dtype)])

    # --- what it grows by ---

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

    def add(self, chunk: int, key: tuple[str, ...], *operands: int | float) -> None:
        """An instruction of the rows' pass; before it a barrier, where it reads what other threads have written."""
        if chunk != self.by or (chunk and key[0].endswith("affine")):
            self.rows.add(("barrier",))
        self.by = chunk
        self.rows.add(key, *operands)

    # --- what is asked about a layer ---

    def parameter(self, name: str) -> tuple[int, int]:
        """The operands that name a parameter; (0, 0) if there is none."""
        return (f.THETA, self.pieces[name].start * self.size) if name in self.pieces else (0, 0)

    def learns(self, name: str) -> bool:
        """Whether the tensor's gradient is wanted: in training, not of frozen ones."""
        return name in self.pieces and not (self.drawn and name in self.architecture.frozen)

    def uses_batch(self, number: int) -> bool:
        """Whether the layer normalizes with the batch's own statistics."""
        return self.drawn and not self.architecture.is_frozen(number)

    def joins(self, layer: Dense) -> bool:
        """Whether the loss makes the outputs of the last layer itself: in training nobody else asks for them."""
        return self.training and layer.g.rowwise and self.architecture.objective.owns(layer.g)

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

    def packs(self, number: int) -> bool:
        """Whether z and da of this layer are multiplied on the processor's matrix unit."""
        return self._packs(number, self.block)

    def packs_gradient(self, number: int) -> bool:
        """Whether dW is: W need not be packed for it, and fewer rows suffice, which are its depth."""
        return self.block >= DEEP and self._packs(number, 2 * self.block)

    def _packs(self, number: int, rows: int) -> bool:
        units, inputs = self.pieces[f"W{number}"].shape
        return is_packed(self.dtype, inputs, units, rows, training=self.training)

    def multiply(self, name: str, number: int, *lie: str) -> tuple[str, ...]:
        """The stage of this name that multiplies for a layer: with the processor's matrix unit or without."""
        if not (self.packs_gradient if name == "weight_gradient" else self.packs)(number):
            return name, self.dtype
        self.packing = PACKING_BYTES
        return (f"packed_{name}", *lie)
