"""Every stage alone, on every record, against NumPy: sizes around the vectors' width, gaps, guards, two threads."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.compiled import by_hand
from engines.compiled.by_hand import DTYPES, GUARD, guarded, lanes, padded
from glassnet.engines.compiled import draft as draft_module
from glassnet.engines.compiled import plan as plan_module
from glassnet.engines.compiled import tapes as tapes_module
from glassnet.engines.compiled.stages import STAGES
from glassnet.formulas.activations import ACTIVATIONS
from glassnet.formulas.elementary import constant, maximum, minimum, tanh
from glassnet.formulas.losses import LOSSES
from glassnet.formulas.optimizers import OPTIMIZERS
from glassnet.formulas.penalties import penalty_slope
from glassnet.formulas.randomness import uniform
from glassnet.network.architecture import Architecture, Dense
from glassnet.network.updates import clip_gradient
from tolerances import STAGE_EPS, close, relative

LAYOUTS = ("rows", "columns")  # how A lies
EDGES = [0.0, -0.0, 1e-30, -1e-3, 0.5, 1, -7, 30, -30, 80, -80, 1e4, -1e4, np.inf, -np.inf, np.nan]
DRIVERS = {"predict", "train", "barrier", "apply"}  # what only runs other stages: see test_equality, test_threads
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def shapes(dtype: str) -> list[tuple[int, int, int]]:
    """Rows, columns and step, odd ones and those around a vector's width; a step beyond the columns leaves gaps."""
    w = lanes(dtype)
    return [(1, 1, 1), (1, w + 1, w + 1), (3, 5, 8), (w, 2, 2), (w + 1, w - 1, w + 3), (2 * w + 5, 7, 7), (19, 3, 9)]


def few(dtype: str) -> list[tuple[int, int, int]]:
    """Shapes of rows that may be kept in registers."""
    w = lanes(dtype)
    return [(rows, columns, columns) for columns in (1, 2, 3, 4) for rows in (1, w - 1, w, w + 1, 2 * w + 5)]


def numbers(dtype: str, rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, rows, columns]).normal(0, 2, (rows, columns)).astype(dtype)


def loud(function: Any, *arguments: Any) -> Any:
    with np.errstate(all="ignore"):
        return function(*arguments)


def with_constants(record: Any) -> list[Any]:
    """The record as registered, and with other constants."""
    other = {name: value * 0.75 for name, value in record.constants.items()}
    return [record, replace(record, constants=other)] if other else [record]


# --- activations ------------------------------------------------------------------------------------------------------


@every_dtype
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, dtype):
    for record, (rows, columns, step) in itertools.product(with_constants(ACTIVATIONS[name]), shapes(dtype)):
        for threads in (1, 2):
            z = numbers(dtype, rows, columns)
            actual = by_hand.activation(record, z, step, threads)
            assert close(actual, record.value(z), STAGE_EPS, floor=0.1), (rows, columns, step)
            by_columns = by_hand.activation(record, z, step, threads, chunk=0 if record.rowwise else 2)
            assert np.array_equal(by_columns, actual), "whoever computes it"


@every_dtype
def test_softmax_in_registers(dtype):
    record = ACTIVATIONS["softmax"]
    for (rows, columns, step), threads in itertools.product(few(dtype), (1, 2)):
        z = numbers(dtype, rows, columns)
        actual = by_hand.activation(record, z, step, threads, fixed=True)
        assert close(actual, record.value(z), STAGE_EPS, floor=0.1), (rows, columns)
        assert np.array_equal(actual, by_hand.activation(record, z, step, threads)), "as by way of memory"


@every_dtype
@pytest.mark.parametrize("name", [name for name, record in ACTIVATIONS.items() if not record.rowwise])
def test_activation_at_the_edges(name, dtype):
    record = ACTIVATIONS[name]
    z = np.tile(np.array(EDGES, dtype), 3)[:, None]
    expected = loud(record.value, z)
    assert close(by_hand.activation(record, z, 1), expected, STAGE_EPS)
    if record.derivative is not None:
        da = np.ones_like(z)
        slope = by_hand.activation_backward(record, z, expected, da, 1)
        assert close(slope, loud(record.slope, z, expected), STAGE_EPS, floor=1.0)


@every_dtype
@pytest.mark.parametrize("fixed", [False, True])
def test_softmax_of_far_apart_numbers(fixed, dtype):
    z = np.array([[1e4, -1e4, 0], [-5, -5, -5], [80, -80, 79], [np.nan, 1, 2], [np.inf, 0, 0]], dtype)
    record = ACTIVATIONS["softmax"]
    assert close(by_hand.activation(record, z, 3, fixed=fixed), loud(record.value, z), STAGE_EPS)


@every_dtype
@pytest.mark.parametrize("name", [name for name, record in ACTIVATIONS.items() if record.trainable])
def test_activation_backward(name, dtype):
    for record, (rows, columns, step) in itertools.product(with_constants(ACTIVATIONS[name]), shapes(dtype)):
        z, da = numbers(dtype, rows, columns), numbers(dtype, rows, columns, seed=1)
        a = record.value(z)
        actual = by_hand.activation_backward(record, z, a, da, step, threads=2)
        assert close(actual, record.backward(z, a, da), STAGE_EPS, floor=1.0), (rows, columns, step)
        by_columns = by_hand.activation_backward(record, z, a, da, step, 2, chunk=0 if record.rowwise else 2)
        assert np.array_equal(by_columns, actual), "whoever computes it"


@every_dtype
@pytest.mark.parametrize("name", [name for name, record in ACTIVATIONS.items() if record.trainable])
def test_bits_do_not_depend_on_the_place(name, dtype):
    """Seven rows again and again, over whole vectors and the last one, by any thread: the same bits each time."""
    record, rows = ACTIVATIONS[name], 7 * lanes(dtype) + 14
    z, da = (np.tile(numbers(dtype, 7, 3, seed=k), (rows // 7, 1)) for k in (0, 1))
    a = record.value(z)
    for threads, step in itertools.product((1, 2), (3, 5)):
        forward = by_hand.activation(record, z, step, threads)
        backward = by_hand.activation_backward(record, z, a, da, step, threads)
        for found in (forward, backward):
            assert np.array_equal(found.reshape(-1, 7, 3), np.tile(found[:7], (rows // 7, 1, 1)))


# --- losses -----------------------------------------------------------------------------------------------------------


def outputs(record: Any, dtype: str, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """z, a and targets y that the loss is defined for."""
    rng, z = np.random.default_rng([3, rows, columns]), numbers(dtype, rows, columns)
    unit = record.domain.low == 0
    a = rng.uniform(0.05, 0.95, z.shape) if unit else z
    y = rng.normal(size=z.shape)
    if record.targets.low == 0:
        y = rng.integers(0, 4, z.shape) if record.targets.high > 1 else rng.choice([0, 0.3, 1], z.shape)
    if record.simplex:
        y = np.eye(columns)[rng.integers(0, columns, rows)] * 0.9 + 0.1 / columns
    return z, a.astype(dtype), y.astype(dtype)


def weights(rows: int, dtype: str) -> np.ndarray:
    return np.random.default_rng(rows).choice([0, 0.25, 1.5], rows).astype(dtype)


LOSS_FORMS = [
    (name, form)
    for name, record in LOSSES.items()
    for form in ("plain", *(["linked"] if record.linked else []), *(["joint"] if record.simplex else []))
]


@every_dtype
@pytest.mark.parametrize(("name", "form"), LOSS_FORMS)
def test_loss(name, form, dtype):
    """Values and slopes, times the weights; with and without slopes the same values. A joint loss reads no a."""
    linked = form != "plain"
    cases = [(*shape, False) for shape in shapes(dtype)] + [(*shape, True) for shape in few(dtype)]
    for record, (rows, columns, step, fixed) in itertools.product(with_constants(LOSSES[name]), cases):
        z, a, y = outputs(record, dtype, rows, columns)
        link = ACTIVATIONS[record.link if linked else "identity"]
        if linked:
            a = link.value(z)
        v, given = weights(rows, dtype), np.full_like(a, np.nan) if form == "joint" else a
        each = record.values(link, z, a, y) if linked else np.sum(record.function(a, y, *record._constants(a)), axis=-1)
        slope = record.delta(link, z, a, y) if linked else record.slope(a, y)
        losses, slopes = by_hand.loss(record, form, z, given, y, v, step, fixed=fixed)
        assert np.array_equal(losses, by_hand.loss(record, form, z, given, y, v, step, slopes=False, fixed=fixed)[0])
        floor = max(1.0, float(np.abs(each).max()))
        assert close(losses.astype(dtype), each * v, STAGE_EPS, floor), (rows, columns, step, fixed)
        assert close(slopes, slope * v[:, None], STAGE_EPS, floor=1.0), (rows, columns, step, fixed)


@every_dtype
@pytest.mark.parametrize(("name", "form"), LOSS_FORMS)
def test_a_loss_depends_on_its_own_row_only(name, form, dtype):
    """Some rows again and again, one of them not finite: the same bits each time, in registers or not, and for the
    others the same as without that one."""
    record, count = LOSSES[name], 37  # which no vector divides: each time at another place
    for columns in (1, 2, 3, 4):
        found = []
        for bad in (0.5, np.nan, np.inf):
            some = outputs(record, dtype, count, columns)
            some[0][3, 0] = some[1][3, 0] = bad
            given = [np.tile(part, (lanes(dtype) + 1, 1)) for part in some]
            v = np.tile(np.linspace(0, 2, count).astype(dtype), lanes(dtype) + 1)
            for fixed in (False, True):
                losses, slopes = by_hand.loss(record, form, *given, v, columns, fixed=fixed)
                each = np.column_stack([losses, slopes]).reshape(-1, count, 1 + columns)
                assert np.array_equal(each, np.broadcast_to(each[:1], each.shape), equal_nan=True)
                found.append(each[0])
            assert np.array_equal(*found[-2:], equal_nan=True), "in registers as by way of memory"
        others = [np.delete(each, 3, axis=0) for each in found]
        assert all(np.array_equal(each, others[0]) and np.all(np.isfinite(each)) for each in others)


@every_dtype
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize(("name", "form"), LOSS_FORMS)
def test_a_weight_of_zero_takes_out_an_infinite_loss(name, form, fixed, dtype):
    record, rows = LOSSES[name], lanes(dtype) + 3
    z, a, y = outputs(record, dtype, rows, 3)
    v = np.ones(rows, dtype)
    z[1], a[1], v[1] = np.inf, np.nan, 0
    z[4], a[4] = np.inf, np.nan
    losses, slopes = by_hand.loss(record, form, z, a, y, v, 3, fixed=fixed)
    assert losses[1] == 0 and np.all(slopes[1] == 0)
    assert not np.isfinite(losses[4]) and not np.all(np.isfinite(slopes[4])), "with a weight it stays"
    rest = np.arange(rows) % 3 != 1
    assert np.all(np.isfinite(losses[rest])) and np.all(np.isfinite(slopes[rest]))


@pytest.mark.parametrize(("units", "fixed"), [(2, True), (4, True), (5, False)])
def test_the_plan_keeps_few_columns_in_registers(units, fixed, monkeypatch):
    """Loss, softmax in prediction and softmax of a hidden layer."""
    keys = set()
    for module in (draft_module, tapes_module):
        monkeypatch.setattr(module, "addresses", lambda given: keys.update(given) or [0] * len(given))
    layers = Dense(units, "softmax"), Dense(9, "softmax"), Dense(units, "softmax")
    net = Architecture(3, layers, dtype="float64")
    plan_module.plan_training.__wrapped__(net, 16, OPTIMIZERS["sgd"](), None, False, True, False)
    plan_module.plan_prediction.__wrapped__(net, 16, True)
    end = (str(units),) if fixed else ()
    hidden, plain = (("activation", "softmax", "float64", *rest) for rest in (end, ()))
    losses = {("loss", "cross_entropy", form, "float64", *end) for form in ("joint", "linked")}
    assert {key for key in keys if key[0] in ("loss", "activation")} == losses | {hidden, plain}


# --- products ---------------------------------------------------------------------------------------------------------


def widths(dtype: str) -> list[int]:
    w = lanes(dtype)
    return sorted(
        {1, 2, w - 1, 5 * w + 1, 6 * w + 1, 100, 8 * w + 1, *(k * w + i for k in (1, 2, 3, 4) for i in (0, 1))}
    )


def whole(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Whole numbers: their products and sums are exact, in any order."""
    return rng.integers(-3, 4, shape).astype(dtype)


@every_dtype
@pytest.mark.parametrize("K", [0, 1, 2, 191, 192, 193, 255, 256, 257, 600])
def test_product_of_every_tile(K, dtype):
    """Exact on whole numbers, for all shapes, starts and both layouts of A; nothing but C is written to."""
    rng = np.random.default_rng(K)
    A, B = whole(rng, (19, K), dtype), whole(rng, (K, 144), dtype)
    bias, begin, exact = whole(rng, (144,), dtype), whole(rng, (19, 144), dtype), A @ B
    for M, N, along in itertools.product(range(1, 20), widths(dtype), LAYOUTS):
        a, b = A[:M], B[:, :N]
        for start in (None, bias[:N], begin[:M, :N]):
            memory, c = padded(M, N, N + 3, dtype)
            by_hand.product(a, b, start, c, along=along)
            expected = exact[:M, :N] + (0 if start is None else start)
            assert np.array_equal(c, expected), (M, N, K, along)
            c[...] = GUARD
            assert np.all(memory == GUARD), (M, N, K, along)


@every_dtype
def test_product_is_as_exact_as_sums_are(dtype):
    rng, eps = np.random.default_rng(0), np.finfo(dtype).eps
    a, b = rng.normal(size=(19, 600)).astype(dtype), rng.normal(size=(600, 100)).astype(dtype)
    _, c = padded(19, 100, 100, dtype)
    by_hand.product(a, b, None, c)
    wide = a.astype(np.longdouble) @ b.astype(np.longdouble)
    bound = 600 * eps * (np.abs(a) @ np.abs(b))
    assert np.all(np.abs(c - wide) <= 0.1 * bound)


@every_dtype
@pytest.mark.parametrize("K", [3, 300])
def test_a_number_of_the_product_depends_on_its_row_and_column_only(K, dtype):
    """Whatever else is computed with it, and wherever it stands: the same bits."""
    rng = np.random.default_rng(1)
    a, b, s = (rng.normal(size=shape).astype(dtype) for shape in ((19, K), (K, 144), (144,)))
    _, c = padded(19, 144, 144, dtype)
    by_hand.product(a, b, s, c)
    for M, N, i, j in itertools.product((1, 2, 3, 5, 9, 18), widths(dtype), (0, 1), (0, 3)):
        for along in LAYOUTS:
            _, part = padded(M, N, N + 1, dtype)
            by_hand.product(a[i : i + M], b[:, j : j + N], s[j : j + N], part, along=along)
            assert np.array_equal(part, c[i : i + M, j : j + N]), (M, N, i, j, along)


@every_dtype
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("chunk", "share"), [(0, 0), (16, 0), (16, 16)])
def test_affine_forward_and_back(chunk, share, threads, dtype):
    """W and W^T whole, or chunk after chunk of their columns; threads share rows, or chunks."""
    rng = np.random.default_rng(2)
    for rows, inputs, outs, gap in ((1, 1, 1, 0), (9, 5, 3, 4), (40, 33, 50, 0), (17, 300, 2, 1)):
        a = by_hand.spread_out(whole(rng, (rows, inputs), dtype), inputs + gap)
        W, b = whole(rng, (inputs, outs), dtype), whole(rng, (outs,), dtype)
        for bias in (b, None):
            memory, z = padded(rows, outs, outs + gap, dtype)
            by_hand.affine(a, W, bias, z, threads, chunk, share)
            assert np.array_equal(z, a @ W + (0 if bias is None else bias)) and guarded(memory, z)
        delta = by_hand.spread_out(whole(rng, (rows, outs), dtype), outs + gap)
        memory, da = padded(rows, inputs, inputs + gap, dtype)
        by_hand.affine(delta, np.ascontiguousarray(W.T), None, da, threads, chunk, share)
        assert np.array_equal(da, delta @ W.T) and guarded(memory, da)


@every_dtype
@pytest.mark.parametrize("threads", [1, 2])
def test_few_units(threads, dtype):
    """Rows in fours and the rest; inputs that fill their vectors and that do not."""
    rng = np.random.default_rng(3)
    for rows, inputs, outs, gap in ((1, 1, 1, 0), (9, 40, 3, 4), (40, 33, 4, 0), (19, 300, 2, 1)):
        a = by_hand.spread_out(whole(rng, (rows, inputs), dtype), inputs + gap)
        W, b = whole(rng, (outs, inputs), dtype), whole(rng, (outs,), dtype)
        for bias in (b, None):
            memory, z = padded(rows, outs, outs + gap, dtype)
            by_hand.few(a, W, bias, z, threads)
            assert np.array_equal(z, a @ W.T + (0 if bias is None else bias)) and guarded(memory, z)


@every_dtype
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_transpose(threads, dtype):
    w = lanes(dtype)
    sizes, chunks = (1, w - 1, w, 3 * w + 1), (0, 2 * w)
    for inputs, outs, chunk, chunk_turned in itertools.product(sizes, sizes, chunks, chunks):
        W = numbers(dtype, inputs, outs)
        expected = by_hand.in_chunks(W.T, chunk_turned)
        assert np.array_equal(by_hand.transpose(W, threads, chunk, chunk_turned), expected), (inputs, outs)


@every_dtype
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("blocks", [(1,), (7,), (40, 13), (16, 16, 1)])
@pytest.mark.parametrize("chunk", [0, 16])
def test_weight_gradient(chunk, blocks, threads, dtype):
    """Blocks of a batch add up; db with and without; panels and chunks that do not divide the inputs and outputs."""
    rng = np.random.default_rng(5)
    for inputs, outs, height, bias in ((1, 1, 8, True), (21, 5, 8, True), (33, 50, 16, False), (300, 3, 8, True)):
        parts = [(whole(rng, (rows, inputs), dtype), whole(rng, (rows, outs), dtype)) for rows in blocks]
        memory = np.full(inputs * outs + outs + 128, GUARD, dtype)
        gradient = memory[64:-64]
        given = [(by_hand.spread_out(a, inputs + 2), by_hand.spread_out(d, outs + 1)) for a, d in parts]
        by_hand.weight_gradient(given, gradient, inputs * outs if bias else -1, height, chunk, threads)
        dW = sum(a.T @ delta for a, delta in parts)
        assert np.array_equal(gradient[: inputs * outs], by_hand.in_chunks(dW, chunk))
        db = sum(delta.sum(axis=0) for _, delta in parts) if bias else np.full(outs, GUARD, dtype)
        assert np.array_equal(gradient[inputs * outs :], db)
        assert np.all(memory[:64] == GUARD) and np.all(memory[-64:] == GUARD)


# --- what is drawn ----------------------------------------------------------------------------------------------------


@every_dtype
@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 0.999])
def test_dropout_has_the_bits_of_randomness(rate, dtype):
    """The mask of rows that begin anywhere in a batch, under large seeds and steps."""
    for (rows, columns, step), first, seed in itertools.product(shapes(dtype), (0, 256), (0, 7, 2**53 - 1)):
        a = numbers(dtype, rows, columns)
        d, mask = by_hand.dropout(a, step, rate, seed, 70_000, 6, first)
        kept = uniform(seed, 70_000, 6, (first + rows, columns))[first:] >= rate
        expected = kept.astype(dtype) * constant(a, 1 / (1 - rate))
        assert np.array_equal(mask, expected) and np.array_equal(d, a * expected)


@every_dtype
@pytest.mark.parametrize("drawn", [False, True])
def test_randomized_slopes(drawn, dtype):
    lower, upper = 0.125, 1 / 3
    for rows, columns, step in shapes(dtype):
        z = numbers(dtype, rows, columns)
        out, slope = by_hand.randomized(z, step, (lower, upper), 11, 5, 3, drawn)
        share = uniform(11, 5, 3, z.shape) if drawn else 0.5
        expected = np.where(z > 0, 1, (lower + (upper - lower) * share)).astype(dtype)
        assert close(slope, expected, 1) and close(out, z * expected, 2)


@every_dtype
def test_multiply(dtype):
    for rows, columns, step in shapes(dtype):
        a, b = numbers(dtype, rows, columns), numbers(dtype, rows, columns, seed=1)
        assert np.array_equal(by_hand.multiply(a, b, step), a * b)


# --- batch normalization ----------------------------------------------------------------------------------------------


@every_dtype
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("form", ["batch", "running"])
def test_normalize(form, threads, dtype):
    momentum, epsilon = 0.3, 1e-2
    for rows, columns, step in shapes(dtype):
        rng = np.random.default_rng(columns)
        z, (gamma, beta, mean, var) = numbers(dtype, rows, columns), rng.uniform(0.5, 2, (4, columns)).astype(dtype)
        running = mean.copy(), var.copy()
        zhat, s, scale, bad = by_hand.normalize(form, z, step, running, (gamma, beta), (momentum, epsilon), threads)
        wide = z.astype(np.float64)
        if form == "batch":
            m, v = wide.mean(axis=0), wide.var(axis=0)
            unbiased = v * rows / max(rows - 1, 1)
            assert close(running[0], (0.7 * mean + 0.3 * m).astype(dtype), STAGE_EPS, floor=1.0)
            assert close(running[1], (0.7 * var + 0.3 * unbiased).astype(dtype), STAGE_EPS, floor=1.0)
        else:
            m, v = mean.astype(np.float64), var.astype(np.float64)
            assert np.array_equal(running[0], mean) and np.array_equal(running[1], var)
        by = 1 / np.sqrt(v + epsilon)
        assert not bad and close(scale, by.astype(dtype), STAGE_EPS)
        assert close(zhat, ((wide - m) * by).astype(dtype), STAGE_EPS, floor=10.0)
        assert close(s, (gamma * (wide - m) * by + beta).astype(dtype), STAGE_EPS, floor=10.0)


@every_dtype
def test_a_statistic_that_overflows_is_told(dtype):
    z = np.array([[1.0, 1e200], [2.0, -1e200]]).astype(np.float64)
    z = np.clip(z, -1e30, 1e30).astype(dtype) if dtype == "float32" else z
    ones = np.ones(2, dtype)
    for form, expected in (("batch", True), ("running", False)):
        running = np.zeros(2, dtype), np.ones(2, dtype)
        assert by_hand.normalize(form, z, 2, running, (ones, ones), (0.1, 1e-5), 1)[3] is expected


@every_dtype
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("form", ["batch", "running"])
@pytest.mark.parametrize("first", [True, False])
def test_normalize_backward(first, form, threads, dtype):
    for rows, columns, step in shapes(dtype):
        delta, zhat = (numbers(dtype, rows, columns, seed=k) for k in (1, 2))
        scale, gamma, *before = np.random.default_rng(rows).uniform(0.5, 2, (4, columns)).astype(dtype)
        sums = before[0].copy(), before[1].copy()
        actual = by_hand.normalize_backward(form, delta, zhat, scale, gamma, sums, step, threads, first)
        ds, x = delta.astype(np.float64), zhat.astype(np.float64)
        dgamma, dbeta, dz = (ds * x).sum(axis=0), ds.sum(axis=0), ds * gamma * scale
        if form == "batch":
            dx = ds * gamma
            dz = (dx - dx.mean(axis=0) - x * (dx * x).mean(axis=0)) * scale
        if not first:
            dgamma, dbeta = dgamma + before[0], dbeta + before[1]
        assert close(actual, dz.astype(dtype), STAGE_EPS, floor=10.0)
        floor = 4.0 * rows
        assert close(sums[0], dgamma.astype(dtype), STAGE_EPS, floor)
        assert close(sums[1], dbeta.astype(dtype), STAGE_EPS, floor)


# --- the batch --------------------------------------------------------------------------------------------------------


@every_dtype
@pytest.mark.parametrize("weighted", [False, True])
def test_batch(weighted, dtype):
    for d, K, rows, first in ((1, 1, 1, 0), (3, 2, 20, 5), (50, 17, 9, 1)):
        X, Y = numbers(dtype, 40, d), numbers(dtype, 40, K)
        w = np.random.default_rng(0).uniform(size=40) if weighted else None
        order = np.random.default_rng(1).permutation(40)
        x, y, v = by_hand.batch(X, Y, w, order, first, rows, 1 / 7)
        chosen = order[first : first + rows]
        assert np.array_equal(x, X[chosen]) and np.array_equal(y, Y[chosen])
        expected = (np.ones(rows) if w is None else w[chosen]) / 7
        assert close(v, expected.astype(dtype), 1)


# --- the update -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_carry(name):
    """Ten steps: beta^t and all that hangs on it, in float64."""
    rule, etas = OPTIMIZERS[name](), [0.1 / (k + 1) for k in range(10)]
    found, last = by_hand.carry(rule, etas)
    carried, constants = rule.carried, tuple(rule.constants.values())
    for eta, actual in zip(etas, found, strict=True):
        carried = rule.carry(carried, *constants)
        expected = rule.coefficients(eta, carried, *constants)
        assert len(actual) == len(expected) and close(actual, np.array(expected), STAGE_EPS)
    assert close(last, np.array(carried, np.float64), STAGE_EPS)


def problem(rule: Any, dtype: str, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """theta, gradient, slots and coefficients in the middle of a training."""
    rng = np.random.default_rng(size)
    theta, gradient = rng.normal(size=(2, size)).astype(dtype)
    theta[::5] = 0
    slots = rng.uniform(0.1, 1, (len(rule.slots), size)).astype(dtype)
    constants = tuple(rule.constants.values())
    coefficients = rule.coefficients(0.05, rule.carry(rule.carried, *constants), *constants)
    return theta, gradient, slots, np.array(coefficients)


UPDATES = [
    {},
    {"penalties": (0.01, 0.0)},
    {"penalties": (0.0, 0.3), "decay": 0.98},
    {"penalties": (0.3, 0.6), "share": 0.125},
    {"clip_value": 0.4},
    {"penalties": (0.02, 0.1), "clip_value": 0.5, "decay": 0.9},
]


@every_dtype
@pytest.mark.parametrize("options", UPDATES, ids=lambda options: "+".join(options) or "plain")
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("at_once", [True, False], ids=["once", "twice"])
def test_update(at_once, name, options, dtype):
    """At once, or in two passes with a factor between; only what lies from low to high is touched."""
    rule, scale = OPTIMIZERS[name](), 1.0 if at_once else 0.25
    for low, high in ((0, 1), (3, 3 + lanes(dtype)), (5, 6 + 2 * lanes(dtype)), (1, 100)):
        theta, gradient, slots, coefficients = problem(rule, dtype, 120)
        here = slice(low, high)
        expected = [array.copy() for array in (theta, gradient, slots)]
        w, g, s = expected[0][here], expected[1][here], tuple(expected[2][:, here])
        l1, l2 = (number * options.get("share", 1.0) for number in options.get("penalties", (0.0, 0.0)))
        w64 = w.astype(np.float64)
        penalized = l1 * np.sum(np.abs(w64)) + l2 / 2 * np.sum(w64**2)
        g = g + penalty_slope(w, constant(w, l1), constant(w, l2))
        squares = [float(np.sum(g.astype(np.float64) ** 2))]
        clip_gradient(g, 0.0, None, options.get("clip_value"))
        squares.append(0.0 if at_once else float(np.sum(g.astype(np.float64) ** 2)))
        kept = g
        w = w * constant(w, options.get("decay") or 1.0)
        numbers_ = tuple(constant(w, c) for c in coefficients)
        w, s = rule.update(w, g * constant(g, scale), s, numbers_)
        expected[0][here] = w
        for row, slot in zip(expected[2], s, strict=True):
            row[here] = slot

        vectors = theta, gradient, slots
        given = {name: value for name, value in options.items() if name in ("penalties", "share", "clip_value")}
        if at_once:
            found = by_hand.update(rule, vectors, low, high, "once", coefficients, **options)
        else:
            before = theta.copy()
            found = by_hand.update(rule, vectors, low, high, "gradient", coefficients, **given)
            assert np.array_equal(theta, before) and close(gradient[here], kept, STAGE_EPS, floor=1.0)
            rest = {"decay": options.get("decay"), "scale": scale}
            assert not by_hand.update(rule, vectors, low, high, "rule", coefficients, **rest)[2]
            expected[1][here] = gradient[here]
        assert relative(found[:2], squares) <= STAGE_EPS * np.finfo(dtype).eps and not found[2]
        assert relative(found[3], penalized) <= STAGE_EPS * np.finfo(dtype).eps
        for mine, theirs in zip(vectors, expected, strict=True):
            assert close(mine, theirs, STAGE_EPS, floor=1.0)
            outside = np.r_[0:low, high:120]
            assert np.array_equal(mine[..., outside], theirs[..., outside])


@every_dtype
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("place", ["theta", "slot", "none"])
def test_an_update_that_is_not_finite_is_told(place, name, dtype):
    rule, most = OPTIMIZERS[name](), np.finfo(dtype).max
    theta, gradient, slots, coefficients = problem(rule, dtype, 50)
    if place == "theta":
        theta[17] = np.inf
    elif place == "slot" and len(slots):
        slots[-1, 33], gradient[33] = most, most
        if name in ("momentum", "nesterov"):
            gradient[33], coefficients[0] = most, 0.0  # theta would stay as it is
    expected = place == "theta" or (place == "slot" and len(slots) > 0)
    assert by_hand.update(rule, (theta, gradient, slots), 0, 50, "once", coefficients)[2] is expected


# --- the checks can fail, and none is missing -------------------------------------------------------------------------


def test_every_stage_is_called_by_hand_or_drives_others():
    source = Path(by_hand.__file__).read_text()
    ours = {name for name in STAGES if not name.startswith("test_")}
    assert {name for name in ours if f'("{name}",' not in source} == DRIVERS


@pytest.fixture
def plant(monkeypatch, tmp_path):
    """Put a faulty record among the others, with object code of its own."""
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path))
    return lambda registry, name, record: monkeypatch.setitem(registry._records, name, record)


def tanh_off(z):
    return constant(z, 1.001) * tanh(z)


def tanh_slope_of_another(z, a):
    return a * (constant(z, 1) - a)


def test_a_wrong_activation_is_caught(plant):
    right = ACTIVATIONS["tanh"]
    plant(ACTIVATIONS, "fault", replace(right, function=tanh_off, derivative=tanh_slope_of_another))
    z = numbers("float32", 9, 5)
    a, fault = right.value(z), replace(right, name="fault")
    assert not close(by_hand.activation(fault, z, 5), a, STAGE_EPS, floor=0.1)
    slope = by_hand.activation_backward(fault, z, a, np.ones_like(z), 5)
    assert not close(slope, right.slope(z, a), STAGE_EPS, floor=1.0)


def huber_off(a, y, delta):
    return minimum(maximum(a - y, -delta), delta) * constant(a, 1.001)


def test_a_wrong_loss_is_caught(plant):
    right = LOSSES["huber"]
    plant(LOSSES, "fault", replace(right, derivative=huber_off))
    z, a, y = outputs(right, "float64", 9, 5)
    v = weights(9, "float64")
    losses, slopes = by_hand.loss(replace(right, name="fault"), "plain", z, a, y, v, 5)
    assert close(losses, right.function(a, y, 1.0).sum(axis=-1) * v, STAGE_EPS, floor=1.0)
    assert not close(slopes, right.slope(a, y) * v[:, None], STAGE_EPS, floor=1.0)


def heavy_ball_off(theta, g, slots, coefficients):
    (v,) = slots
    eta, _, mu = coefficients
    v = mu * v + g + g * eta
    return theta - eta * v, (v,)


def test_a_wrong_update_is_caught(plant):
    class Fault(OPTIMIZERS["momentum"]):
        name = "fault"
        update = staticmethod(heavy_ball_off)

    plant(OPTIMIZERS, "fault", Fault)
    theta, gradient, slots, coefficients = problem(Fault(), "float32", 50)
    expected, _ = OPTIMIZERS["momentum"].update(theta, gradient, tuple(slots), coefficients.astype("float32"))
    by_hand.update(Fault(), (theta, gradient, slots), 0, 50, "once", coefficients)
    assert not close(theta, expected, STAGE_EPS, floor=1.0)


def test_what_is_written_beside_an_array_is_caught():
    memory, view = padded(3, 5, 8, "float32")
    assert guarded(memory, view)
    for place in (63, 64 + 3 * 8):
        memory[place] = 0
        assert not guarded(memory, view)
        memory[place] = GUARD
