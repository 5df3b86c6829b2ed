"""The backward pass of a plan: the loss, and delta from layer to layer down to the lowest that learns."""

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.draft import Draft
from glassnet.engines.compiled.tapes import Tensor
from glassnet.network.architecture import Dense, Dropout

__all__ = ["backward", "loss"]


def loss(draft: Draft) -> None:
    """The losses, and in training delta of the output layer."""
    architecture = draft.architecture
    number, objective, layer = len(architecture.dense), architecture.objective, architecture.output
    z, a = draft.tensors[f"pre{number}"], draft.tensors[f"a{number}"]
    linked = objective.owns(layer.g)
    direct = linked or layer.g.name == "identity"  # what the loss leaves is delta
    slope = (0, 0)
    if draft.training:
        delta = draft.tensor(f"delta{number}", z.columns, z.step)
        da = delta if direct else draft.tensor(f"da{number}", z.columns, z.step)
        slope = da.place
    form = "joint" if draft.joins(layer) else "linked" if linked else "plain"
    draft.add(
        0,
        ("loss", objective.name, form, draft.dtype, *z.fixed),
        *(*z.place, *a.place, f.TARGET, 0, *draft.tensors["v"].place, f.LOSSES, 0, *slope),
        *(z.step, a.columns, a.columns, *objective.constants.values()),
    )
    if draft.training and not direct:
        _activation_backward(draft, number, draft.tensors[f"da{number}"], draft.tensors[f"delta{number}"])


def backward(draft: Draft) -> None:
    """From delta of the output layer down to the lowest layer that learns."""
    architecture = draft.architecture
    learning = {piece.layer for name, piece in draft.pieces.items() if draft.learns(name)}
    lowest = min(learning, default=len(architecture.dense) + 1)
    da: Tensor | None = None
    for number, layer in zip(reversed(architecture.numbers), reversed(architecture.layers), strict=True):
        if number < lowest:
            break
        if isinstance(layer, Dense):
            delta = _delta(draft, layer, number, da)
            da = _input_gradient(draft, number, delta) if number > lowest else da
        elif da is not None:
            name = f"mask{number}" if isinstance(layer, Dropout) else f"slope{number}"
            if name in draft.tensors:
                draft.add(0, ("multiply", draft.dtype), *da.place, *draft.tensors[name].place, da.step)


def _delta(draft: Draft, layer: Dense, number: int, da: Tensor | None) -> Tensor:
    """dJ/dz of a layer from dJ/da; of the output layer the loss has left it."""
    if da is not None:
        # element by element it may take da's place; a row needs the old ones to its end
        delta = draft.tensor(f"delta{number}", da.columns, da.step) if layer.g.rowwise else da
        if layer.g.name != "identity":
            _activation_backward(draft, number, da, delta)
        draft.tensors[f"delta{number}"] = delta
    delta = draft.tensors[f"delta{number}"]
    if layer.norm is not None:
        _normalize_backward(draft, number, delta)
    return delta


def _activation_backward(draft: Draft, number: int, da: Tensor, delta: Tensor) -> None:
    """delta = da * g'(z)."""
    layer, z = draft.architecture.dense[number - 1], draft.tensors[f"pre{number}"]
    # as da is shared out, unless something of whole rows comes between
    chunk = 0 if layer.g.rowwise or number == len(draft.architecture.dense) else draft.by
    draft.add(
        chunk,
        ("activation_backward", layer.g.name, draft.dtype),
        *(*z.place, *draft.tensors[f"a{number}"].place, *da.place, *delta.place, z.step, z.columns, chunk),
        *layer.g.constants.values(),
    )


def _normalize_backward(draft: Draft, number: int, delta: Tensor) -> None:
    """dgamma, dbeta, and delta = dJ/dz in place of dJ/ds."""
    gamma, beta = (draft.pieces[f"{name}{number}"].start * draft.size for name in ("gamma", "beta"))
    draft.rows.add(("barrier",))
    draft.add(
        0,
        ("normalize_backward", "batch" if draft.uses_batch(number) else "running", draft.dtype),
        *(*delta.place, *draft.tensors[f"zhat{number}"].place, *draft.tensors[f"scale{number}"].place),
        *(f.THETA, gamma, f.GRADIENT, gamma, f.GRADIENT, beta, delta.step, delta.columns),
    )
    draft.rows.add(("barrier",))


def _input_gradient(draft: Draft, number: int, delta: Tensor) -> Tensor:
    """dJ/da of the layer below, through W^T."""
    units, inputs = draft.pieces[f"W{number}"].shape
    W, below = draft.parameter(f"W{number}"), draft.tensors[f"top{number - 1}"]
    chunk, share = draft.chunk(inputs), draft.share(inputs, units, inputs)
    if draft.narrow(number):
        turned, chunk, share = W, 0, 0
    elif draft.packs(number):  # what is packed anew may as well be turned on the way
        turned, chunk = W, draft.chunk(units)
    else:
        turned = f.WORK, draft.reserve(units * inputs * draft.size)
        draft.turns.add(("transpose", draft.dtype), *W, *turned, inputs, units, draft.chunk(units), chunk)
    da = draft.tensor(f"da{number - 1}", inputs, below.step)
    draft.add(
        share,
        draft.multiply("affine", number, "turned"),
        draft.product,
        *(*delta.place, *turned, 0, 0, *da.place, units, inputs, delta.step, da.step, chunk, share),
    )
    return da
