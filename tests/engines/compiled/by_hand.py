"""One stage at a time, called on NumPy arrays: the only place in the tests that knows the order of operands."""

import struct
from typing import Any

import numpy as np

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.machine_code import address, function, vector_bytes
from glassnet.engines.compiled.memory import aligned
from glassnet.engines.compiled.packing import PACKING_BYTES
from glassnet.formulas.activations import Activation
from glassnet.formulas.losses import Loss
from glassnet.formulas.optimizers import Optimizer

DTYPES = ("float32", "float64")
GUARD = 12345.0  # what lies around an array that a stage writes, and must lie there afterwards


def lanes(dtype: str) -> int:
    """Numbers in a vector."""
    return vector_bytes() // np.dtype(dtype).itemsize


def bits(x: float) -> int:
    return struct.unpack("<q", struct.pack("<d", x))[0]


def place(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def padded(rows: int, columns: int, step: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows `step` apart within guards: the whole memory, and the (rows, columns) view into it."""
    memory = np.full(rows * step + 128, GUARD, dtype)
    return memory, memory[64 : 64 + rows * step].reshape(rows, step)[:, :columns]


def spread_out(values: np.ndarray, step: int) -> np.ndarray:
    """These rows, `step` apart in memory."""
    _, view = padded(*values.shape, step, values.dtype.name)
    view[...] = values
    return view


def guarded(memory: np.ndarray, view: np.ndarray) -> bool:
    """Whether all around the view is as it was; gaps after rows may be written to."""
    start = (place(view) - place(memory)) // memory.itemsize
    stop = start + len(view) * (view.strides[0] // memory.itemsize)
    return bool(np.all(memory[:start] == GUARD) and np.all(memory[stop:] == GUARD))


def run(key: tuple[str, ...], *operands: Any, **fields: Any) -> np.ndarray:
    """Call a stage. Operands: an array (its place), None (no tensor), float (its bits), int; fields of the frame alike.

    Returns the frame. Unless said otherwise there is one thread, which has all `ROWS` rows of a batch of one block.
    """
    frame = np.zeros(f.FRAME, np.int64)
    shared, norms, scratch = np.zeros(f.BAD + 4 * f.PLACE, np.int64), np.zeros(8), np.zeros(1 << 14)
    rows = fields.get("ROWS", 0)
    given = {"THREADS": 1, "COUNT": rows, "LAST": rows, "FIRST_BLOCK": 1, "FIRST_OWN": 1, "LAST_BLOCK": 1}
    for name, value in {**given, "SHARED": shared, "NORMS": norms, "SCRATCH": scratch, **fields}.items():
        frame[getattr(f, name)] = _number(value)
    frame[f.WORK] = 0  # so that a place in it is an address
    op = np.zeros(f.WIDTH + 8, np.int64)
    numbers: list[int] = []
    for operand in operands:
        if operand is None:
            numbers += [0, 0]
        elif isinstance(operand, np.ndarray):
            numbers += [f.WORK, place(operand)]
        else:
            numbers.append(_number(operand))
    op[1 : 1 + len(numbers)] = numbers
    function(*key)(place(op), place(frame))
    return frame


def _number(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return place(value)
    return bits(value) if isinstance(value, float) else int(value)


def threads_of(rows: int, threads: int) -> list[dict[str, int]]:
    """The shares of the threads, as the driver deals them out: whole groups of 8 rows."""
    groups = -(-rows // 8)
    cut = [min(groups * t // threads * 8, rows) for t in range(threads + 1)]
    return [{"THREAD": t, "THREADS": threads, "FIRST": cut[t], "LAST": cut[t + 1]} for t in range(threads)]


def in_chunks(W: np.ndarray, chunk: int) -> np.ndarray:
    """A matrix as a wide layer keeps it: some columns of all rows, then the next columns; 0: as it is."""
    parts = [W[:, c : c + chunk].ravel() for c in range(0, W.shape[1], chunk)] if chunk else [W.ravel()]
    return np.concatenate(parts)


# --- the stages -------------------------------------------------------------------------------------------------------


def activation(
    record: Activation, z: np.ndarray, step: int, threads: int = 1, chunk: int = 0, *, fixed: bool = False
) -> np.ndarray:
    """a = g(z); with a chunk the threads share columns instead of rows. `fixed`: rows are kept in registers."""
    rows, columns = z.shape
    memory, a = padded(rows, columns, step, z.dtype.name)
    for share in threads_of(rows, threads):
        constants = (float(c) for c in record.constants.values())
        run(
            ("activation", record.name, z.dtype.name, *((str(columns),) if fixed else ())),
            *(spread_out(z, step), a, step, columns, chunk, *constants),
            ROWS=rows,
            **share,
        )
    assert guarded(memory, a)
    return a


def activation_backward(
    record: Activation, z: np.ndarray, a: np.ndarray, da: np.ndarray, step: int, threads: int = 1, chunk: int = 0
) -> np.ndarray:
    """dz from da."""
    rows, columns = z.shape
    memory, dz = padded(rows, columns, step, z.dtype.name)
    for share in threads_of(rows, threads):
        constants = (float(c) for c in record.constants.values())
        run(
            ("activation_backward", record.name, z.dtype.name),
            *(spread_out(z, step), spread_out(a, step), spread_out(da, step), dz, step, columns, chunk, *constants),
            ROWS=rows,
            **share,
        )
    assert guarded(memory, dz)
    return dz


def loss(
    record: Loss,
    form: str,
    z: np.ndarray,
    a: np.ndarray,
    y: np.ndarray,
    v: np.ndarray,
    step: int,
    *,
    slopes: bool = True,
    fixed: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """The weighted losses (n,), and the weighted slopes (n, K) if wanted. `fixed`: rows are kept in registers."""
    (rows, columns), dtype = z.shape, z.dtype.name
    memory, out = padded(rows, columns, step, dtype)
    losses = np.full(rows + 8, GUARD)
    for share in threads_of(rows, 2):
        run(
            ("loss", record.name, form, dtype, *((str(columns),) if fixed else ())),
            *(spread_out(z, step), spread_out(a, step), np.ascontiguousarray(y), v, losses),
            *(out if slopes else None, step, columns, columns, *(float(c) for c in record.constants.values())),
            ROWS=rows,
            **share,
        )
    assert guarded(memory, out) and np.all(losses[rows:] == GUARD)
    return losses[:rows], out


def product(a: np.ndarray, b: np.ndarray, start: np.ndarray | None, c: np.ndarray, along: str = "rows") -> None:
    """c = start + a b; along "columns": a is handed over by its columns. A start (N,) is added to every row."""
    size = b.itemsize
    a = np.ascontiguousarray(a.T if along == "columns" else a)
    frame = np.zeros(f.FRAME, np.int64)
    s = (0, 0) if start is None else (place(start), 0 if start.ndim == 1 else start.strides[0] // size)
    numbers = [place(a), a.shape[1], place(b), b.strides[0] // size, *s, place(c), c.strides[0] // size]
    frame[f.A : f.K + 1] = [*numbers, *c.shape, b.shape[0]]
    op = np.zeros(f.WIDTH, np.int64)
    function("product", along, b.dtype.name)(place(op), place(frame))


def affine(
    a: np.ndarray, W: np.ndarray, b: np.ndarray | None, z: np.ndarray, threads: int, chunk: int, by: int
) -> None:
    """z = a W + b, W in chunks of columns; threads share rows, or for by > 0 columns."""
    size, (rows, inputs) = W.itemsize, a.shape
    for share in threads_of(rows, threads):
        run(
            ("affine", W.dtype.name),
            *(address("product", "rows", W.dtype.name), a, in_chunks(W, chunk), b, z, inputs, W.shape[1]),
            *(a.strides[0] // size, z.strides[0] // size, chunk, by),
            ROWS=rows,
            **share,
        )


def packed_affine(
    a: np.ndarray,
    W: np.ndarray,
    b: np.ndarray | None,
    z: np.ndarray,
    lie: str = "straight",
    *,
    threads: int = 1,
    chunk: int = 0,
    by: int = 0,
) -> None:
    """z = a W + b, or with `lie` "turned" a W^T + b, on the matrix unit."""
    for share in threads_of(len(a), threads):
        run(
            ("packed_affine", lie),
            *(0, a, in_chunks(W, chunk), b, z, a.shape[1], z.shape[1]),
            *(a.strides[0] // 4, z.strides[0] // 4, chunk, by),
            ROWS=len(a),
            EDGE=aligned(PACKING_BYTES),
            **share,
        )


def packed_prediction(
    a: np.ndarray, W: np.ndarray, b: np.ndarray | None, z: np.ndarray, kept: np.ndarray, first_block: bool
) -> None:
    """z = a W + b on the matrix unit; W's tiles are made with the first block and stay in `kept`."""
    run(
        ("packed_prediction",),
        *(0, a, W, b, z, a.shape[1], z.shape[1], a.strides[0] // 4, z.strides[0] // 4, kept),
        ROWS=len(a),
        EDGE=aligned(PACKING_BYTES),
        FIRST_BLOCK=first_block,
    )


def few(a: np.ndarray, W: np.ndarray, b: np.ndarray | None, z: np.ndarray, threads: int) -> None:
    """z = a W^T + b, W as (out, in)."""
    size, (outs, inputs) = W.itemsize, W.shape
    for share in threads_of(len(a), threads):
        steps = a.strides[0] // size, z.strides[0] // size
        run(("few", W.dtype.name), a, W, b, z, inputs, outs, *steps, **share)


def transpose(W: np.ndarray, threads: int, chunk: int, chunk_turned: int) -> np.ndarray:
    """W^T in chunks, from W in chunks; once a batch."""
    (inputs, outputs), dtype = W.shape, W.dtype.name
    memory, turned = padded(1, W.size, W.size, dtype)
    for share in threads_of(0, threads):
        run(("transpose", dtype), in_chunks(W, chunk), turned, inputs, outputs, chunk, chunk_turned, **share)
    assert guarded(memory, turned)
    return turned[0]


def weight_gradient(
    blocks: list[tuple[np.ndarray, np.ndarray]],
    gradient: np.ndarray,
    b: int,
    height: int,
    chunk: int,
    threads: int,
    packed: bool = False,
) -> None:
    """dW = a^T delta and db over the blocks (a, delta) of a batch, into the gradient from 0 and b on (-1: not b)."""
    dtype, size = gradient.dtype.name, gradient.itemsize
    for number, (a, delta) in enumerate(blocks):
        for share in threads_of(len(a), threads):
            block = {"GRADIENT": gradient, "ROWS": len(a), "FIRST_BLOCK": number == 0}
            block |= {"LAST_BLOCK": number == len(blocks) - 1, "EDGE": aligned(PACKING_BYTES), **share}
            run(
                ("packed_weight_gradient",) if packed else ("weight_gradient", dtype),
                *(address("product", "columns", dtype), a, delta, 0, a.shape[1], delta.shape[1]),
                *(a.strides[0] // size, delta.strides[0] // size, height, chunk, 0, 0, 0, 3),
                **block,
            )
            if b >= 0:
                run(
                    ("bias_gradient", dtype),
                    delta,
                    b,
                    delta.shape[1],
                    delta.strides[0] // size,
                    chunk,
                    0,
                    0,
                    3,
                    **block,
                )


def dropout(a: np.ndarray, step: int, rate: float, seed: int, at: int, stream: int, first: int) -> tuple[Any, Any]:
    """d = a mask, and the mask, of rows that begin at `first` of their batch, in training step `at`."""
    rows, columns = a.shape
    _, d = padded(rows, columns, step, a.dtype.name)
    _, mask = padded(rows, columns, step, a.dtype.name)
    draws = {"SEED": seed, "STEP": at, "ROW": first, "RATES": np.array([0.5, rate])}
    for share in threads_of(rows, 2):
        run(
            ("dropout", a.dtype.name),
            *(spread_out(a, step), d, mask, step, columns, stream, 1),
            **{"ROWS": rows, **draws, **share},
        )
    return d, mask


def randomized(
    z: np.ndarray, step: int, bounds: tuple[float, float], seed: int, at: int, stream: int, drawn: bool
) -> tuple[Any, Any]:
    """Randomized leaky ReLU's values and slopes."""
    rows, columns = z.shape
    _, out = padded(rows, columns, step, z.dtype.name)
    _, slope = padded(rows, columns, step, z.dtype.name)
    for share in threads_of(rows, 2):
        run(
            ("randomized", z.dtype.name),
            *(spread_out(z, step), out, slope, step, columns, stream, drawn, *map(float, bounds)),
            **{"ROWS": rows, "SEED": seed, "STEP": at, **share},
        )
    return out, slope


def multiply(da: np.ndarray, factor: np.ndarray, step: int) -> np.ndarray:
    """da * factor."""
    rows, columns = da.shape
    memory, out = padded(rows, columns, step, da.dtype.name)
    out[...] = da
    for share in threads_of(rows, 2):
        run(("multiply", da.dtype.name), out, spread_out(factor, step), step, ROWS=rows, **share)
    assert guarded(memory, out)
    return out


def normalize(
    form: str,
    z: np.ndarray,
    step: int,
    statistics: tuple[np.ndarray, np.ndarray],
    affine: tuple[np.ndarray, np.ndarray],
    numbers: tuple[float, float],
    threads: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """zhat, s, scale and whether a statistic has ceased to be finite; the running statistics change in place."""
    (rows, columns), dtype = z.shape, z.dtype.name
    (memory, zhat), (_, s) = padded(rows, columns, step, dtype), padded(rows, columns, step, dtype)
    scale, shared = np.zeros(columns, dtype), np.zeros(f.BAD + threads * f.PLACE, np.int64)
    for share in threads_of(rows, threads):
        run(
            ("normalize", form, dtype),
            *(spread_out(z, step), zhat, s, scale, *statistics, *affine, step, columns, *map(float, numbers)),
            **{"ROWS": rows, "SHARED": shared, **share},
        )
    assert guarded(memory, zhat)
    return zhat, s, scale, bool(shared[f.BAD :].any())


def normalize_backward(
    form: str,
    delta: np.ndarray,
    zhat: np.ndarray,
    scale: np.ndarray,
    gamma: np.ndarray,
    sums: tuple[np.ndarray, np.ndarray],
    step: int,
    threads: int,
    first: bool,
) -> np.ndarray:
    """dz; dgamma and dbeta are put, or with `first` false added, into `sums`."""
    rows, columns = delta.shape
    memory, out = padded(rows, columns, step, delta.dtype.name)
    out[...] = delta
    for share in threads_of(rows, threads):
        run(
            ("normalize_backward", form, delta.dtype.name),
            *(out, spread_out(zhat, step), scale, gamma, *sums, step, columns),
            ROWS=rows,
            FIRST_BLOCK=first,
            **share,
        )
    assert guarded(memory, out)
    return out


def batch(
    X: np.ndarray, Y: np.ndarray, weights: np.ndarray | None, order: np.ndarray, first: int, rows: int, scale: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows first to first + rows of the order: inputs, targets, v."""
    dtype, d, K = X.dtype.name, X.shape[1], Y.shape[1]
    (x_memory, x), (y_memory, y) = padded(rows, d, d, dtype), padded(rows, K, K, dtype)
    v_memory, v = padded(1, rows, rows, dtype)
    for share in threads_of(rows, 2):
        run(
            ("batch", dtype),
            *(x, y, v, d, K),
            X=X,
            Y=Y,
            WEIGHTS=0 if weights is None else weights,
            ORDER=order,
            ROW=first,
            ROWS=rows,
            SCALE=bits(scale),
            **share,
        )
    assert guarded(x_memory, x) and guarded(y_memory, y) and guarded(v_memory, v)
    return x, y, v[0]


def carry(rule: Optimizer, etas: list[float]) -> tuple[list[np.ndarray], np.ndarray]:
    """The coefficients of each step, and the carried numbers after the last."""
    turns = np.zeros((2, len(rule.carried)))
    turns[0] = rule.carried
    found = []
    for step, eta in enumerate(etas):
        numbers = np.full(f.NUMBERS, np.nan)
        constants = (float(c) for c in rule.constants.values())
        run(("carry", rule.name), place(turns), *[0] * 6, *constants, LO=bits(eta), HI=step, COEFFICIENTS=numbers)
        found.append(numbers[~np.isnan(numbers)])
    return found, turns[len(etas) % 2]


def update(
    rule: Optimizer,
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    low: int,
    high: int,
    form: str,
    coefficients: np.ndarray,
    penalties: tuple[float, float] = (0.0, 0.0),
    share: float = 1.0,
    clip_value: float | None = None,
    decay: float | None = None,
    scale: float = 1.0,
) -> tuple[float, float, bool, float]:
    """Update theta (P,), gradient (P,), slots (k, P) from low to high, in place.

    Returns the squared norms before and after clipping by value, whether anything has ceased to be finite, and the
    penalties.
    """
    theta, gradient, slots = vectors
    numbers, norms = np.zeros(f.NUMBERS), np.zeros(12)
    numbers[: len(coefficients)] = coefficients
    numbers[f.DECAY], numbers[f.CLIP] = 1.0 if decay is None else decay, scale
    numbers[f.PENALTY] = share
    shared = np.zeros(f.BAD + f.PLACE, np.int64)
    run(
        ("update", rule.name, form, theta.dtype.name),
        *(*map(float, penalties), clip_value is not None, float(clip_value or 0.0), decay is not None, 4),
        THETA=theta,
        GRADIENT_OF_LO=place(gradient) + low * gradient.itemsize,
        SLOTS=slots,
        SLOT_STEP=theta.size,
        COEFFICIENTS=numbers,
        NORMS=norms,
        PANEL=2,
        SHARED=shared,
        LO=low,
        HI=high,
    )
    return norms[2], norms[6], bool(shared[f.BAD]), norms[10]
