"""The forward pass of a plan: from the batch up through the layers to the outputs."""

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.draft import Draft
from glassnet.engines.compiled.packing import KEPT_BYTES, right_bytes
from glassnet.engines.compiled.tapes import Tensor
from glassnet.network.architecture import BatchNorm, Dense, RandomizedLeakyReLU

__all__ = ["batch", "forward"]


def batch(draft: Draft, ordered: bool) -> None:
    """Examples and their weights; with an order they are copied side by side."""
    inputs, targets = draft.architecture.inputs, draft.architecture.output.units
    x = draft.tensor("x", inputs, inputs) if ordered else Tensor(f.INPUT, 0, inputs, inputs)
    y = draft.tensor("y", targets, targets) if ordered else Tensor(f.TARGET, 0, targets, targets)
    v = draft.tensors["v"] = Tensor(f.WORK, draft.reserve(draft.block * draft.size), 1, 1)
    draft.tensors["losses"] = Tensor(f.WORK, draft.reserve(draft.block * 8), 1, 1)
    draft.tensors["top0"] = x
    draft.add(0, ("batch", draft.dtype), *x.place, *y.place, *v.place, inputs, targets)


def forward(draft: Draft) -> None:
    """Everything up to the outputs."""
    architecture, dropouts = draft.architecture, 0
    below = Tensor(f.INPUT, 0, architecture.inputs, architecture.inputs)
    for number, layer in zip(architecture.numbers, architecture.layers, strict=True):
        if isinstance(layer, Dense):
            below = _dense(draft, layer, number, below)
        elif isinstance(layer, RandomizedLeakyReLU):
            below = _randomized(draft, layer, number, below)
        else:
            below = _dropout(draft, number, below, dropouts) if draft.drawn else below
            dropouts += 1
        draft.tensors[f"top{number}"] = below


def _dense(draft: Draft, layer: Dense, number: int, below: Tensor) -> Tensor:
    """z = W a + b, normalization, a = g(z)."""
    units, last = layer.units, number == len(draft.architecture.dense)
    same = layer.g.name == "identity" or (last and draft.joins(layer))
    out = Tensor(f.OUTPUT, 0, units, units) if last and not draft.training else None
    if out is not None and same and layer.norm is None:
        z = out
    else:
        z = draft.tensor(f"z{number}", units, units if last else None)
    draft.tensors[f"z{number}"] = z
    share = draft.share(below.columns, units, units)
    _product(draft, number, below, z, share)
    if layer.norm is not None:
        z = _normalize(draft, layer.norm, number, z, out if same else None)
    draft.tensors[f"pre{number}"] = z
    a = z if same else _activation(draft, layer, number, z, out, share)
    draft.tensors[f"a{number}"] = a
    return a


def _product(draft: Draft, number: int, below: Tensor, z: Tensor, share: int) -> None:
    """z = W a + b."""
    inputs, units = below.columns, z.columns
    places = (*below.place, *draft.parameter(f"W{number}"), *draft.parameter(f"b{number}"), *z.place)
    shapes = (inputs, units, below.step, z.step)
    if draft.narrow(number):
        draft.add(0, ("few", draft.dtype), *places, *shapes)
        return
    kept, tiles = (0, 0), right_bytes(inputs, units)
    if draft.packs(number) and not draft.training:  # every thread has W's tiles of its own
        kept = f.WORK, draft.reserve(tiles)
    if kept[0] and below.field == f.INPUT and tiles <= KEPT_BYTES:
        draft.add(0, draft.multiply("prediction", number), 0, *places, *shapes, *kept)
    else:
        key = draft.multiply("affine", number, "straight")
        draft.add(share, key, draft.product, *places, *shapes, draft.chunk(units), share, *kept)


def _activation(draft: Draft, layer: Dense, number: int, z: Tensor, out: Tensor | None, share: int) -> Tensor:
    """a = g(z)."""
    last = number == len(draft.architecture.dense)
    # in z's place where nobody asks for z again: less memory to move is faster
    over = layer.g.by_output and not last and (draft.training or number > 1)
    a = out if out is not None else z if over else draft.tensor(f"a{number}", z.columns, z.step)
    share = 0 if layer.g.rowwise or layer.norm is not None else share
    draft.add(
        share,
        ("activation", layer.g.name, draft.dtype, *(z.fixed if layer.g.rowwise else ())),
        *(*z.place, *a.place, z.step, z.columns, share, *layer.g.constants.values()),
    )
    return a


def _normalize(draft: Draft, norm: BatchNorm, number: int, z: Tensor, out: Tensor | None) -> Tensor:
    """s = gamma zhat + beta, with the batch's statistics or the running ones."""
    zhat = draft.tensor(f"zhat{number}", z.columns, z.step)
    s = out if out is not None else draft.tensor(f"s{number}", z.columns, z.step)
    scale = draft.tensors[f"scale{number}"] = Tensor(f.WORK, draft.reserve(z.columns * draft.size), 0, z.columns)
    batch = draft.uses_batch(number)
    if batch:
        draft.rows.add(("barrier",))
    draft.add(
        0,
        ("normalize", "batch" if batch else "running", draft.dtype),
        *(*z.place, *zhat.place, *s.place, *scale.place),
        *(f.BUFFERS, draft.buffers[f"mean{number}"] * draft.size),
        *(f.BUFFERS, draft.buffers[f"var{number}"] * draft.size),
        *(*draft.parameter(f"gamma{number}"), *draft.parameter(f"beta{number}")),
        *(z.step, z.columns, norm.momentum, norm.epsilon),
    )
    if batch:
        draft.rows.add(("barrier",))
    return s


def _randomized(draft: Draft, layer: RandomizedLeakyReLU, number: int, below: Tensor) -> Tensor:
    """Drawn slopes below 0, or their mean."""
    out = draft.tensor(f"r{number}", below.columns, below.step)
    slope = draft.tensor(f"slope{number}", below.columns, below.step)
    draft.add(
        0,
        ("randomized", draft.dtype),
        *(*below.place, *out.place, *slope.place, below.step, below.columns),
        *(2 * number + 1, draft.drawn, layer.lower, layer.upper),
    )
    return out


def _dropout(draft: Draft, number: int, below: Tensor, index: int) -> Tensor:
    """A mask drawn and multiplied on."""
    out = draft.tensor(f"d{number}", below.columns, below.step)
    mask = draft.tensor(f"mask{number}", below.columns, below.step)
    draft.add(
        0,
        ("dropout", draft.dtype),
        *(*below.place, *out.place, *mask.place, below.step, below.columns, 2 * number, index),
    )
    return out
