"""Products on the matrix unit: exact pieces, the accuracy of float32, every shape, and networks that use it.

They need a processor with AMX; elsewhere only the choice of the other way is tested.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

from engines.compiled import by_hand
from engines.compiled.by_hand import guarded, padded, spread_out
from engines.compiled.test_equality import check_all, check_gradient
from engines.compiled.test_stages import whole
from engines.compiled.twins import COMPILED, REFERENCE, Twin, bits, copied
from glassnet import Adam, BatchNorm, DataError, Dense, Dropout, Momentum
from glassnet.engines.base import Data
from glassnet.engines.compiled import division as division_module
from glassnet.engines.compiled import engine as engine_module
from glassnet.engines.compiled import order as order_module
from glassnet.engines.compiled import packing
from glassnet.engines.compiled import plan as plan_module
from glassnet.engines.compiled import steps as steps_module
from glassnet.engines.compiled.packing import DEPTH, FAR, has_matrix_unit, right_bytes
from glassnet.engines.compiled.tapes import Tape
from glassnet.network.architecture import Architecture
from tolerances import PACKED_ERROR

pytestmark = pytest.mark.filterwarnings("error")
needs_unit = pytest.mark.skipif(not has_matrix_unit(), reason="this processor has no matrix unit for bfloat16")
LIES = ("straight", "turned")
every_lie = pytest.mark.parametrize("lie", LIES)
# rows, inputs, units: less than a tile, tiles exactly, a little more, more than is packed at a time
SHAPES = [(1, 1, 1), (16, 32, 16), (17, 33, 15), (31, 40, 47), (96, 784, 10), (64, 70, 130), (FAR + 9, DEPTH + 70, 70)]


def affine(a: np.ndarray, W: np.ndarray, b: np.ndarray | None = None, lie: str = "straight", **options) -> np.ndarray:
    """z by the stage, rows with gaps, guards around all that is written."""
    columns = W.shape[1]
    memory, z = padded(len(a), columns, columns + 3, "float32")
    given = W if lie == "straight" else np.ascontiguousarray(W.T)
    by_hand.packed_affine(spread_out(a, a.shape[1] + 2), given, b, z, lie, **options)
    assert guarded(memory, z)
    assert np.all(memory[64:-64].reshape(len(a), -1)[:, columns:] == by_hand.GUARD), "gaps"
    return z.copy()


# --- numbers ----------------------------------------------------------------------------------------------------------


@needs_unit
@every_lie
def test_the_pieces_of_a_number_add_up_to_it(lie):
    """a I = a, bit for bit, for numbers of all sizes; on the other side W = I W as well."""
    rng = np.random.default_rng(0)
    a = (rng.uniform(1, 2, (50, 64)) * 2.0 ** rng.integers(-103, 127, (50, 64))).astype("f4")
    a[0, :4] = 0, 2.0**-100, 1 + 2.0**-23, -(2 - 2.0**-23)
    assert np.array_equal(affine(a, np.eye(64, dtype="f4"), lie=lie), a)
    W = np.ascontiguousarray(a.T)
    assert np.array_equal(affine(np.eye(64, dtype="f4"), W, lie=lie), W)


@needs_unit
@pytest.mark.parametrize("spread", [0, 3, 12])
def test_the_accuracy_is_that_of_float32(spread):
    """Errors against float64, for numbers of one size and of many: no larger than those of fused multiply-adds."""
    rng = np.random.default_rng(1)
    for inputs in (32, 300, 1500):
        a, W = (
            (rng.normal(size=shape) * 2.0 ** rng.integers(-spread, spread + 1, shape)).astype("f4")
            for shape in ((40, inputs), (inputs, 48))
        )
        exact, scale = a.astype(float) @ W.astype(float), np.abs(a).astype(float) @ np.abs(W).astype(float)
        mine, theirs = affine(a, W), np.zeros((40, 48), "f4")
        by_hand.product(a, W, None, theirs)
        errors = [np.abs(z - exact) / scale / np.finfo("f4").eps for z in (mine, theirs)]
        assert errors[0].max() <= errors[1].max() + PACKED_ERROR, inputs
        assert errors[0].mean() <= errors[1].mean() + PACKED_ERROR / 20, (inputs, [e.mean() for e in errors])


@needs_unit
def test_what_is_not_finite_stays_so():
    a, W = np.ones((20, 40), "f4"), np.ones((40, 20), "f4")
    for row, value in enumerate([np.nan, -np.nan, np.inf, -np.inf, np.float32(3.4e38)]):
        a[row, row] = value
    a.view("i4")[5, 0], a.view("i4")[6, 0] = 0x7F800001, -1  # NaN with other bits
    z = affine(a, W)
    assert not np.isfinite(z[:7]).any() and np.all(z[7:] == 40)


# --- shapes -----------------------------------------------------------------------------------------------------------


@needs_unit
@every_lie
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_affine(shape, lie):
    """Whole numbers, so that every sum is exact: W in chunks and not, threads by rows and by columns, with b."""
    rows, inputs, units = shape
    rng = np.random.default_rng(2)
    a, W, b = whole(rng, (rows, inputs), "f4"), whole(rng, (inputs, units), "f4"), whole(rng, (units,), "f4")
    for threads, chunk, by in product((1, 2), (0, 64), (0, 64)):
        assert np.array_equal(affine(a, W, b, lie, threads=threads, chunk=chunk, by=by), a @ W + b)
    assert np.array_equal(affine(a, W, None, lie), a @ W)


@needs_unit
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_prediction_keeps_the_tiles_of_w(shape):
    """The first block makes them, the next ones read them, whatever W says meanwhile; bits as in training."""
    rows, inputs, units = shape
    rng = np.random.default_rng(3)
    a, W, b = whole(rng, (rows, inputs), "f4"), whole(rng, (inputs, units), "f4"), whole(rng, (units,), "f4")
    memory = np.full(right_bytes(inputs, units) // 4 + 32, by_hand.GUARD, "f4")
    start = -(by_hand.place(memory) // 4) % 16
    kept = memory[start : start + right_bytes(inputs, units) // 4]

    def predicted(a: np.ndarray, W: np.ndarray, b: np.ndarray | None, first: bool) -> np.ndarray:
        whole_z, z = padded(len(a), units, units + 3, "float32")
        by_hand.packed_prediction(spread_out(a, inputs + 2), W, b, z, kept, first)
        assert guarded(whole_z, z)
        assert np.all(whole_z[64:-64].reshape(len(a), -1)[:, units:] == by_hand.GUARD), "gaps"
        return z.copy()

    assert np.array_equal(predicted(a, W, b, True), a @ W + b)
    assert np.array_equal(predicted(2 * a, 0 * W, None, False), 2 * a @ W)
    assert np.all(memory[:start] == by_hand.GUARD) and np.all(memory[start + kept.size :] == by_hand.GUARD)
    a, W, b = (rng.normal(size=x.shape).astype("f4") for x in (a, W, b))
    assert np.array_equal(predicted(a, W, b, True), affine(a, W, b))


@needs_unit
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("blocks", [[7], [32, 9], [FAR + 40, 16]], ids=str)
@pytest.mark.parametrize("chunk", [0, 64])
def test_weight_gradient(chunk, blocks, threads):
    """Blocks of a batch add up, in panels and chunks that do not divide the inputs and units."""
    rng = np.random.default_rng(4)
    for inputs, units in ((5, 3), (70, 100), (DEPTH + 50, 33)):
        parts = [(whole(rng, (rows, inputs), "f4"), whole(rng, (rows, units), "f4")) for rows in blocks]
        memory = np.full(inputs * units + 128, by_hand.GUARD, "f4")
        given = [(spread_out(a, inputs + 2), spread_out(d, units + 1)) for a, d in parts]
        by_hand.weight_gradient(given, memory[64:-64], -1, 32, chunk, threads, packed=True)
        dW = sum(a.T @ delta for a, delta in parts)
        assert np.array_equal(memory[64:-64], by_hand.in_chunks(dW, chunk))
        assert np.all(memory[:64] == by_hand.GUARD) and np.all(memory[-64:] == by_hand.GUARD)


@needs_unit
@every_lie
def test_bits_do_not_depend_on_the_place(lie):
    """The same rows and columns elsewhere in the matrices, and by other threads: the same bits."""
    rng = np.random.default_rng(5)
    a, W = rng.normal(size=(70, 300)).astype("f4"), rng.normal(size=(300, 90)).astype("f4")
    z = affine(a, W, lie=lie)
    rows, columns = rng.permutation(70), rng.permutation(90)
    for threads, chunk, by in product((1, 2), (0, 64), (0, 64)):
        moved = affine(a[rows], np.ascontiguousarray(W[:, columns]), lie=lie, threads=threads, chunk=chunk, by=by)
        assert np.array_equal(moved, z[rows][:, columns])


# --- networks ---------------------------------------------------------------------------------------------------------


def wide(norm: BatchNorm | None = BatchNorm(), dtype: str = "float32", **options) -> Architecture:  # noqa: B008
    layers = Dense(190, "tanh"), Dense(150, "gelu", norm=norm), Dropout(0.2), Dense(140), Dense(5, "softmax")
    return Architecture(140, layers, dtype=dtype, l2=0.001, **options)


@pytest.fixture
def fused() -> Iterator[pytest.MonkeyPatch]:
    """A patch under which plans are made without the matrix unit, and forgotten afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_module, "has_matrix_unit", lambda: False)
        forget()
        yield patch
    forget()


def forget() -> None:
    plan_module.plan_prediction.cache_clear()
    plan_module.plan_training.cache_clear()


def stages_of(architecture: Architecture, monkeypatch: pytest.MonkeyPatch, block: int = 256) -> set[str]:
    """Names of the stages of a plan for training."""
    names, add = set(), Tape.add
    with monkeypatch.context() as patch:
        patch.setattr(Tape, "add", lambda self, key, *rest: (names.add(key[0]), add(self, key, *rest))[1])
        forget()
        plan_module.plan_training(architecture, block, Adam(), None, False, True, False)
    return names


@needs_unit
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.1}, {"clip_value": 0.01}], ids=str)
def test_networks_equal_the_reference(options, threads, two_cores, monkeypatch):
    """A batch of one block and, without batch normalization, of more; short last batches among them."""
    monkeypatch.setattr(division_module, "_SHARED_STEP", 0.0)
    check_all(Twin(wide(), Adam(), 160, 400, {**options, "threads": threads}, weighted=True))
    plain = wide(norm=None)
    assert plain.parameter_count > 1 << 16, "so that threads share blocks"
    check_all(Twin(plain, Momentum(), 300, 700, {**options, "threads": threads}))


@needs_unit
def test_frozen_layers_and_parts_of_a_batch(monkeypatch):
    check_all(Twin(wide(frozen=frozenset({"W2", "gamma2", "beta2"})), Adam(), 128, 300))
    narrow = Architecture(130, (Dense(128, "relu"), Dense(130, "tanh"), Dense(2)), dtype="float32")
    assert narrow.parameter_count < 1 << 16 and "packed_affine" in stages_of(narrow, monkeypatch, 128)
    check_gradient(Twin(narrow, Adam(), 700, 700))
    check_all(Twin(narrow, Adam(), 700, 900))


@needs_unit
@pytest.mark.parametrize("batch", [32, 34])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.1}], ids=str)
def test_the_weights_gradient_alone_on_small_batches(options, threads, batch, two_cores, monkeypatch):
    """And the last batch is of 7 rows, less than the depth of a tile."""
    monkeypatch.setattr(division_module, "_SHARED_STEP", 0.0)
    few = Architecture(300, (Dense(260, "tanh"), Dense(130, "relu"), Dense(3)), dtype="float32", l2=0.01)
    packed = {name for name in stages_of(few, monkeypatch, batch) if name.startswith("packed")}
    assert packed == {"packed_weight_gradient"}
    check_all(Twin(few, Adam(), batch, 3 * batch + 7, {**options, "threads": threads}))


@needs_unit
def test_the_same_bits_for_any_number_of_threads(two_cores, monkeypatch):
    monkeypatch.setattr(division_module, "_SHARED_STEP", 0.0)
    monkeypatch.setattr(steps_module, "_SHARED_CALL", 0.0)
    found, start = [], None
    for threads in (1, 2, 2, 1):
        twin = Twin(wide(), Adam(), 160, 500, {"threads": threads})
        start = start or twin.start()
        state = copied(start)
        log = COMPILED.begin(twin.program, state, twin.data).advance(twin.work(12))
        found.append(bits(state, log))
    assert len(set(found)) == 1


@needs_unit
def test_which_layers_are_packed(monkeypatch):
    names = stages_of(wide(), monkeypatch)
    assert {"packed_affine", "packed_weight_gradient", "affine", "weight_gradient"} <= names, "the last one is small"
    for other in (wide(dtype="float64"), Architecture(30, (Dense(30), Dense(2)), dtype="float32")):
        assert not any(name.startswith("packed") for name in stages_of(other, monkeypatch))
    assert not any(name.startswith("packed") for name in stages_of(wide(), monkeypatch, block=16))
    few = stages_of(wide(), monkeypatch, block=32)
    assert "packed_weight_gradient" in few and "packed_affine" not in few


def test_without_the_unit_the_other_way_is_taken(fused):
    assert not any(name.startswith("packed") for name in stages_of(wide(), fused))
    check_all(Twin(wide(), Adam(), 160, 400))


def test_the_system_may_refuse(monkeypatch):
    """It does where a thread has a small stack for signals; then there is no unit."""
    monkeypatch.setattr(packing, "_allowed", lambda: False)
    has_matrix_unit.cache_clear()
    try:
        assert not has_matrix_unit()
    finally:
        monkeypatch.undo()
        has_matrix_unit.cache_clear()


# --- predictions ------------------------------------------------------------------------------------------------------


@needs_unit
def test_predictions_at_the_end_of_the_range():
    """Where the unit's numbers end before float32's, the reference decides; what is not finite is still refused."""
    net = Architecture(200, (Dense(150, "identity"), Dense(3, "identity")), dtype="float32")
    state = Twin(net, Adam()).start()
    state.theta[:] *= 1e-3
    X = np.random.default_rng(6).normal(size=(300, 200)).astype("f4")
    X[123, 45] = 3.4e38
    mine = COMPILED.predict(net, state.theta, state.buffers, X)
    theirs = REFERENCE.predict(net, state.theta, state.buffers, X)
    assert np.isfinite(mine).all() and np.array_equal(mine, theirs)
    data = Data(X, np.zeros((300, 3), "f4"))
    engines = COMPILED, REFERENCE
    mine, theirs = (e.evaluate(net, state.theta, state.buffers, data) for e in engines)
    assert mine[0] == theirs[0] and np.array_equal(mine[1], theirs[1])
    X[200, 7] = np.inf
    with pytest.raises(DataError, match="X holds NaN or infinity, first in row 200"):
        COMPILED.predict(net, state.theta, state.buffers, X)


@needs_unit
@pytest.mark.parametrize("n", [1, 16, 17, 192, 193, 400, 1000])
def test_predictions_of_so_many_rows(n, two_cores, monkeypatch):
    monkeypatch.setattr(engine_module, "_SHARED_ROWS", 0.0)
    net = Architecture(300, (Dense(140, "relu"), Dense(140, "tanh"), Dense(3, "softmax")), dtype="float32")
    state, X = Twin(net, Adam()).start(), np.random.default_rng(7).normal(size=(n, 300)).astype("f4")
    mine, theirs = (e.predict(net, state.theta, state.buffers, X) for e in (COMPILED, REFERENCE))
    assert np.max(np.abs(mine - theirs)) < 1e-5
