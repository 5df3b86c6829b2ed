"""The reference mathematics: forward, backward, update, as in the lectures, vectorized over the batch.

    forward    z_l = W_l a_(l-1) + b_l          a_l = g_l(z_l)          J = sum_i v_i L(a_L, y)_i + penalty
    backward   delta_L = dJ/dz_L                delta_l = (W_(l+1)^T delta_(l+1)) * g_l'(z_l)
               dW_l = delta_l a_(l-1)^T         db_l = delta_l
    update     W_l <- W_l - eta dW_l            (or another rule of `formulas.optimizers`)

A batch is rows: a_l is (n, n_l), so W a stands as `a @ W.T` and delta a^T, summed over the batch, as `delta.T @ a`.
The weights v_i of the examples (1/n each for a mean) are part of delta, so nothing is averaged again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.formulas.elementary import constant, where
from glassnet.formulas.penalties import penalty_slope, penalty_value
from glassnet.formulas.randomness import uniform
from glassnet.network.architecture import Architecture, BatchNorm, Dense, Dropout, RandomizedLeakyReLU
from glassnet.network.parameters import Views

__all__ = [
    "Draws",
    "Trace",
    "backward",
    "example_weights",
    "forward",
    "objective",
    "penalty",
    "penalty_gradient",
    "weighted_loss",
]


@dataclass(frozen=True)
class Draws:
    """What randomness a training pass uses; None in its place means prediction: nothing drawn, running statistics.

    The same (seed, step) draws the same masks again. `rates` holds the dropout rates of this step, in the order of
    the Dropout layers; without it their schedules' first values hold.
    """

    seed: int
    step: int
    rates: tuple[float, ...] | None = None


@dataclass(repr=False)
class Trace(Mapping[str, Any]):
    """One pass, every tensor by name, in the order of computation.

    a0 (n, d) is the input; for layer l of n_l units: z_l = W a + b, with batch normalization also mean_l, var_l and
    scale_l = 1 / sqrt(var_l + epsilon) (n_l,), zhat_l and s_l = gamma zhat + beta, then a_l = g(z_l) (or g(s_l)); r_l
    after a randomized leaky ReLU, d_l after dropout, with `slope_l` and `mask_l`; all (n, n_l). Then `losses` (n,),
    `penalty`, `loss`. Backward: dL_da_l (also dL_dr_l, dL_dd_l), g_l (the activation's derivative), dL_ds_l, delta_l =
    dJ/dz_l, all (n, n_l), and dW_l, db_l in the shapes of W_l, b_l. After an update W_l_new, b_l_new; see
    `network.step` for what else a whole step names. Names carry the number: z1, delta2, dW1, W1_new.

    `tensors` holds all that the pass computes, for the network of `architecture`; `given` what it starts from, which
    is not part of the order: parameters, targets, numbers that were drawn. `batch_normalized` are the layers that used
    the batch's own statistics.

    >>> from glassnet import Dense, Network
    >>> trace = Network(2, [Dense(3, "tanh"), Dense(1, "sigmoid")]).trace([[1.0, 2.0]], [1])
    >>> list(trace)[:5], trace["delta1"].shape
    (['a0', 'z1', 'a1', 'z2', 'a2'], (1, 3))
    """

    architecture: Architecture
    tensors: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    batch_normalized: set[int] = field(default_factory=set)

    def __getitem__(self, name: str) -> Any:
        if name in self.given:
            return self.given[name]
        if name not in self.tensors:
            backward = "" if "loss" in self.tensors else "; give y for the loss and the backward pass"
            raise KeyError(f"no tensor '{name}' in this trace (there are: {', '.join(self.tensors)}{backward})")
        return self.tensors[name]

    def __contains__(self, name: object) -> bool:
        return name in self.tensors or name in self.given

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in self.tensors.items())
        return f"Trace({shapes})"

    def __setitem__(self, name: str, value: Any) -> None:
        self.tensors[name] = value

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    @property
    def output(self) -> np.ndarray:
        """The network's output a_L (n, K)."""
        return self.tensors[f"a{len(self.architecture.dense)}"]

    def first_bad(self) -> str | None:
        """The first tensor in the order of computation that holds a NaN or an infinity, if any."""
        return next((name for name, value in self.tensors.items() if not np.all(np.isfinite(value))), None)


# --- forward ----------------------------------------------------------------------------------------------------


def forward(
    architecture: Architecture,
    views: Views,
    buffers: Views,
    X: np.ndarray,
    draws: Draws | None = None,
    *,
    row_by_row: bool = False,
) -> Trace:
    """Carry a batch X (n, d) forward through all layers.

    With draws (training) batch normalization uses the batch's statistics and updates `buffers`. `row_by_row`
    multiplies one row at a time: a row's output then does not depend on its neighbours, bit for bit, which a
    matrix product of the whole batch does not promise.
    """
    trace = Trace(architecture)
    a = trace["a0"] = X
    dropouts = 0
    for number, layer in zip(architecture.numbers, architecture.layers, strict=True):
        if isinstance(layer, Dense):
            a = _dense(layer, number, a, views, buffers, draws, trace, row_by_row)
        elif isinstance(layer, RandomizedLeakyReLU):
            a = _randomized(layer, number, a, draws, trace)
        elif draws is not None:
            rate = draws.rates[dropouts] if draws.rates else layer.schedule.initial
            a = _dropout(rate, number, a, draws, trace)
        dropouts += isinstance(layer, Dropout)
    return trace


def _dense(
    layer: Dense,
    number: int,
    a: np.ndarray,
    views: Views,
    buffers: Views,
    draws: Draws | None,
    trace: Trace,
    row_by_row: bool,
) -> np.ndarray:
    W = views[f"W{number}"]
    z = np.matmul(a[:, None, :], W.T)[:, 0, :] if row_by_row else a @ W.T
    if layer.has_bias:
        z = z + views[f"b{number}"]
    trace[f"z{number}"] = z
    if layer.norm is not None:
        z = _normalize(layer.norm, number, z, views, buffers, draws, trace)
    a = trace[f"a{number}"] = layer.g.value(z)
    return a


def _normalize(
    norm: BatchNorm, number: int, z: np.ndarray, views: Views, buffers: Views, draws: Draws | None, trace: Trace
) -> np.ndarray:
    mean, var = buffers[f"mean{number}"], buffers[f"var{number}"]
    store = trace.given
    if draws is not None and not trace.architecture.is_frozen(number):
        trace.batch_normalized.add(number)
        n, momentum = len(z), norm.momentum
        running_mean, running_var = mean, var
        mean, var, store = z.mean(axis=0), z.var(axis=0), trace.tensors
        running_mean[...] = (1 - momentum) * running_mean + momentum * mean
        running_var[...] = (1 - momentum) * running_var + momentum * var * (n / max(n - 1, 1))
    store[f"mean{number}"], store[f"var{number}"] = mean, var
    trace[f"scale{number}"] = scale = 1 / np.sqrt(var + constant(z, norm.epsilon))
    trace[f"zhat{number}"] = zhat = (z - mean) * scale
    s = trace[f"s{number}"] = views[f"gamma{number}"] * zhat + views[f"beta{number}"]
    return s


def _randomized(
    layer: RandomizedLeakyReLU, number: int, z: np.ndarray, draws: Draws | None, trace: Trace
) -> np.ndarray:
    if draws is None:
        slope = np.full(z.shape, (layer.lower + layer.upper) / 2, z.dtype)
    else:
        drawn = trace.given[f"u_slope{number}"] = uniform(draws.seed, draws.step, 2 * number + 1, z.shape)
        slope = (layer.lower + (layer.upper - layer.lower) * drawn).astype(z.dtype)
    trace[f"slope{number}"] = np.where(z > 0, constant(z, 1), slope)
    a = trace[f"r{number}"] = where(z > 0, z, slope * z)
    return a


def _dropout(rate: float, number: int, a: np.ndarray, draws: Draws, trace: Trace) -> np.ndarray:
    drawn = trace.given[f"u_mask{number}"] = uniform(draws.seed, draws.step, 2 * number, a.shape)
    trace.given[f"rate{number}"] = rate
    mask = trace[f"mask{number}"] = (drawn >= rate).astype(a.dtype) * constant(a, 1 / (1 - rate))
    a = trace[f"d{number}"] = a * mask
    return a


# --- the objective ----------------------------------------------------------------------------------------------


def example_weights(reduction: str, n: int, sample_weight: np.ndarray | None, dtype: Any) -> np.ndarray:
    """The weights v (n,) with which the n examples of a pass add up to the loss: w_i / n for "mean", w_i for "sum".

    For a mean the sample weights w of all examples together have mean 1, so that all of them give the weighted mean
    and a batch an unbiased estimate of it (dividing by the batch's own weights would cancel them in a batch of one).
    """
    w = np.ones(n) if sample_weight is None else np.asarray(sample_weight, np.float64)
    return (w / n if reduction == "mean" else w).astype(dtype)


def penalty(architecture: Architecture, views: Views, examples: int) -> float:
    """l1 sum |W| + l2/2 sum W^2 over the weights; biases never. See `Architecture.penalty_share` for `examples`."""
    total = 0.0
    for piece in views.layout.slices if architecture.l1 or architecture.l2 else ():
        if piece.is_weight:
            W = views.vector[piece.start : piece.stop].astype(np.float64, copy=False)
            total += float(penalty_value(W, architecture.l1, architecture.l2).sum())
    return total * architecture.penalty_share(examples)


def penalty_gradient(architecture: Architecture, views: Views, gradient: np.ndarray, examples: int) -> None:
    """Add l1 sign(W) + l2 W to the gradient, in place; both by their share for so many examples."""
    share = architecture.penalty_share(examples)
    l1, l2 = (constant(views.vector, c * share) for c in (architecture.l1, architecture.l2))
    for piece in views.layout.slices:
        if piece.is_weight and (l1 or l2):
            W = views.vector[piece.start : piece.stop]
            gradient[piece.start : piece.stop] += penalty_slope(W, l1, l2)


def weighted_loss(architecture: Architecture, trace: Trace, Y: np.ndarray, v: np.ndarray) -> float:
    """L: the weighted losses of a forward pass, put into the trace as `losses` (n,) and added up in float64."""
    number = len(architecture.dense)
    losses = architecture.objective.values(architecture.output.g, _pre(trace, number), trace[f"a{number}"], Y)
    trace["losses"] = losses
    # a weight of 0 takes an example out, even one whose loss is infinite
    return float(np.sum(np.where(v > 0, losses, 0) * v, dtype=np.float64))


def objective(architecture: Architecture, views: Views, trace: Trace, Y: np.ndarray, v: np.ndarray) -> float:
    """J = L + penalty of a forward pass, put into the trace."""
    data = weighted_loss(architecture, trace, Y, v)
    trace["penalty"] = penalty(architecture, views, len(Y))
    trace["loss"] = data + trace["penalty"]
    return trace["loss"]


def _pre(trace: Trace, number: int) -> np.ndarray:
    """What goes into the activation: s_l with batch normalization, else z_l."""
    return trace[f"s{number}"] if f"s{number}" in trace else trace[f"z{number}"]


# --- backward ---------------------------------------------------------------------------------------------------


def backward(
    architecture: Architecture, views: Views, trace: Trace, Y: np.ndarray, v: np.ndarray, *, factors: bool = False
) -> np.ndarray:
    """Carry the error back through all layers; returns the gradient as one vector of the parameters' layout.

    Uses `trace` of a forward pass and adds the names of the backward pass to it; with `factors` also those that the
    output layer's delta does not need where the loss owns its link: dL_da_L and g_L.
    """
    gradient = np.zeros_like(views.vector)
    grads = views.layout.views(gradient)
    last = len(architecture.dense)
    da: Any = None
    for number, layer in zip(reversed(architecture.numbers), reversed(architecture.layers), strict=True):
        if isinstance(layer, Dense):
            if number == last:
                if factors:
                    _output_factors(architecture, trace, Y, v)
                ds = _output_delta(architecture, trace, Y, v)
            else:
                trace[f"dL_da{number}"] = da
                ds = _hidden_delta(layer, number, da, trace)
            if layer.norm is not None:
                trace[f"dL_ds{number}"] = ds
            da = _dense_gradients(layer, number, ds, views, grads, trace)
        elif number > 0:  # what is drawn on the input itself has nothing below it
            factor, out = ("slope", "r") if isinstance(layer, RandomizedLeakyReLU) else ("mask", "d")
            if f"{factor}{number}" in trace:  # dropout acts in training only
                trace[f"dL_d{out}{number}"] = da
                da = da * trace[f"{factor}{number}"]
    penalty_gradient(architecture, views, gradient, len(Y))
    for name, view in grads.items():
        trace[f"d{name}"] = view
    return gradient


def _output_delta(architecture: Architecture, trace: Trace, Y: np.ndarray, v: np.ndarray) -> np.ndarray:
    number, g = len(architecture.dense), architecture.output.g
    s, a = _pre(trace, number), trace[f"a{number}"]
    delta = architecture.objective.delta(g, s, a, Y)
    return np.where(v[:, None] > 0, delta, constant(delta, 0)) * v[:, None]


def _output_factors(architecture: Architecture, trace: Trace, Y: np.ndarray, v: np.ndarray) -> None:
    number, g = len(architecture.dense), architecture.output.g
    a = trace[f"a{number}"]
    trace[f"dL_da{number}"] = architecture.objective.slope(a, Y) * v[:, None]
    if g.derivative is not None:
        trace[f"g{number}"] = g.slope(_pre(trace, number), a)


def _hidden_delta(layer: Dense, number: int, da: np.ndarray, trace: Trace) -> np.ndarray:
    s, a = _pre(trace, number), trace[f"a{number}"]
    if layer.g.rowwise:
        return layer.g.backward(s, a, da)
    trace[f"g{number}"] = layer.g.slope(s, a)
    return da * trace[f"g{number}"]


def _dense_gradients(
    layer: Dense, number: int, ds: np.ndarray, views: Views, grads: Views, trace: Trace
) -> np.ndarray | None:
    """Fill dW, db (dgamma, dbeta) of a layer; returns dJ/da of the layer below."""
    delta = ds if layer.norm is None else _normalize_backward(number, ds, views, grads, trace)
    trace[f"delta{number}"] = delta
    below = next(name for name in (f"d{number - 1}", f"r{number - 1}", f"a{number - 1}") if name in trace)
    grads[f"W{number}"][...] = delta.T @ trace[below]
    if layer.has_bias:
        grads[f"b{number}"][...] = delta.sum(axis=0)
    return delta @ views[f"W{number}"] if number > 1 else None


def _normalize_backward(number: int, ds: np.ndarray, views: Views, grads: Views, trace: Trace) -> np.ndarray:
    zhat, scale = trace[f"zhat{number}"], trace[f"scale{number}"]
    grads[f"gamma{number}"][...] = (ds * zhat).sum(axis=0)
    grads[f"beta{number}"][...] = ds.sum(axis=0)
    dzhat = ds * views[f"gamma{number}"]
    if number not in trace.batch_normalized:  # running statistics are constants
        return dzhat * scale
    return (dzhat - dzhat.mean(axis=0) - zhat * (dzhat * zhat).mean(axis=0)) * scale
