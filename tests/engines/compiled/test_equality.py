"""The compiled engine against the reference: gradients, updates, steps; pairwise cover; the same bits."""

from dataclasses import replace
from itertools import combinations
from itertools import pairwise as successive
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.compiled import twins
from engines.compiled.twins import (
    COMPILED,
    REFERENCE,
    Twin,
    bits,
    copied,
    hidden_activations,
    output_forms,
    pairwise,
    part,
    state_errors,
    tensor_errors,
    worst,
)
from glassnet import Adam, ArchitectureError, BatchNorm, Dense, Dropout, Momentum, RandomizedLeakyReLU
from glassnet.engines.base import Data, dropout_layers, untrainable
from glassnet.engines.compiled import division as division_module
from glassnet.engines.compiled import engine as engine_module
from glassnet.engines.compiled import steps as steps_module
from glassnet.engines.compiled import threads
from glassnet.formulas.optimizers import OPTIMIZERS
from glassnet.network.architecture import Architecture
from glassnet.network.parameters import initial_buffers, initial_parameters
from tolerances import COMPILED_GRADIENT, COMPILED_STEP, COMPILED_STEPS, close, relative

DTYPES = ("float32", "float64")
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def eps(twin: Twin) -> float:
    return float(np.finfo(twin.architecture.dtype).eps)


def check_gradient(twin: Twin) -> None:
    """The objective and its gradient, tensor by tensor."""
    state, net = twin.start(), twin.architecture
    mine, theirs = (e.loss_and_gradient(net, state.theta, state.buffers, twin.data) for e in (COMPILED, REFERENCE))
    assert isinstance(mine[0], float) and mine[0] == pytest.approx(theirs[0], rel=COMPILED_GRADIENT * eps(twin))
    error, name = worst(tensor_errors(net, mine[1], theirs[1]))
    assert mine[1].dtype == theirs[1].dtype and error <= COMPILED_GRADIENT * eps(twin), (name, error / eps(twin))


def check_outputs(twin: Twin) -> None:
    """Predictions, and the loss with its outputs."""
    state, net, data = twin.start(), twin.architecture, twin.data
    mine, theirs = (e.predict(net, state.theta, state.buffers, data.X) for e in (COMPILED, REFERENCE))
    assert mine.shape == theirs.shape and mine.dtype == theirs.dtype
    assert np.max(np.abs(mine - theirs)) <= COMPILED_GRADIENT * eps(twin) * max(1, np.max(np.abs(theirs)))
    (loss, outputs), (expected, _) = (e.evaluate(net, state.theta, state.buffers, data) for e in (COMPILED, REFERENCE))
    assert np.array_equal(outputs, mine) and loss == pytest.approx(expected, rel=COMPILED_GRADIENT * eps(twin))


def check_steps(twin: Twin, steps: int, apart: bool) -> None:
    """Steps from the reference's state each (`apart`), or all of them from the first."""
    net, work = twin.architecture, twin.work(steps)
    mine, theirs = twin.start(), twin.start()
    tolerance = (COMPILED_STEP if apart else COMPILED_STEPS) * eps(twin)
    for first, last in [(i, i + 1) for i in range(steps)] if apart else [(0, steps)]:
        piece, data = part(work, first, last), twin.data
        log = COMPILED.begin(twin.program, mine, data).advance(piece)
        expected = REFERENCE.begin(twin.program, theirs, data).advance(piece)
        assert log.bad == expected.bad is None and mine.step == theirs.step == last
        assert relative(log.losses, expected.losses) <= tolerance
        assert relative(log.gradient_norms, expected.gradient_norms) <= tolerance
        assert relative(log.penalties, expected.penalties) <= tolerance
        error, name = worst(state_errors(net, mine, theirs))
        assert error <= tolerance, (first, name, error / eps(twin))
        mine = copied(theirs)


def check_all(twin: Twin) -> None:
    check_outputs(twin)
    check_gradient(twin)
    check_steps(twin, 10, apart=twin.architecture.dtype == "float32")


# --- the ladder -------------------------------------------------------------------------------------------------------


def ladder(dtype: str) -> dict[str, Twin]:
    """A few networks that together have everything."""
    layers = {
        "plain": (Dense(9, "tanh"), Dense(7, "gelu"), Dense(3, "softmax")),
        "everything": (
            Dropout(0.1),
            Dense(19, "relu", norm=BatchNorm(0.2, 1e-3)),
            Dropout(0.2),
            Dense(12),
            RandomizedLeakyReLU(0.1, 0.4),
            Dropout(0.3),
            Dense(5, "softmax", bias=False),
            Dense(2, "sigmoid", norm=BatchNorm()),
        ),
        "one unit each": (Dense(1, "softplus"), Dense(1)),
        "few units": (Dense(40, "tanh"), Dropout(0.2), Dense(3, "relu", bias=False), Dense(33), Dense(2, "softmax")),
        "wide": (Dense(300, "leaky_relu(alpha=0.2)"), Dense(257, "elu(alpha=0.5)"), Dense(1, "sigmoid")),
    }
    options = {"everything": {"clip_norm": 0.5, "clip_value": 0.1}, "few units": {"clip_norm": 0.1}}
    nets = {
        name: Architecture(6, several, dtype=dtype, l1=0.01, l2=0.02, reduction="sum" if name == "plain" else "mean")
        for name, several in layers.items()
    }
    return {
        name: Twin(net, Adam(), 24, 60, options.get(name, {}), weighted=name == "everything")
        for name, net in nets.items()
    }


@every_dtype
@pytest.mark.parametrize("name", ladder("float32"))
def test_gradients_and_outputs(name, dtype):
    check_gradient(ladder(dtype)[name])
    check_outputs(ladder(dtype)[name])


@pytest.mark.parametrize("name", ladder("float64"))
def test_ten_free_steps_in_float64(name):
    check_steps(ladder("float64")[name], 10, apart=False)


@pytest.mark.parametrize("name", ladder("float32"))
def test_each_step_from_the_references_state_in_float32(name):
    check_steps(ladder("float32")[name], 10, apart=True)


@every_dtype
def test_a_small_network_and_a_large_batch(dtype, two_cores):
    """Many blocks: threads may take parts of the batch instead of parts of each block."""
    for threads_ in (1, 2):
        check_all(replace(of_all_kinds(dtype)["small"], options={"threads": threads_}))


@every_dtype
@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.1, "clip_value": 0.05}], ids=["free", "clipped"])
def test_halves_of_a_batch(options, dtype, two_cores):
    """Two parts with a gradient each; the last batch is one of a full and a part-filled half, or of one alone."""
    for n in (750, 620):
        for threads_ in (1, 2):
            check_all(replace(of_all_kinds(dtype)["halves"], n=n, options={**options, "threads": threads_}))


@pytest.mark.parametrize("dtype", DTYPES)
def test_masks_are_the_references(dtype):
    """One step of the gradient under a dropout of one half: one other bit would change a weight by far more."""
    net = Architecture(40, (Dropout(0.5), Dense(1, bias=False)), dtype=dtype)
    twin = Twin(net, OPTIMIZERS["sgd"](1.0), 7, 30, decay=0.0)
    check_steps(twin, 12, apart=True)


# --- combinations -----------------------------------------------------------------------------------------------------

FACTORS: dict[str, list[Any]] = {
    "hidden": hidden_activations(),
    "output": output_forms(),
    "rule": list(OPTIMIZERS),
    "norm": [None, "first", "all"],
    "dropout": [False, True],
    "rrelu": [False, True],
    "l1": [0.0, 0.01],
    "l2": [0.0, 0.05],
    "average_penalty": [False, True],
    "clip_value": [None, 0.02],
    "clip_norm": [None, 0.3],
    "frozen": [(), ("W1",), ("b1", "W2"), (2,)],
    "weighted": [False, True],
    "reduction": ["mean", "sum"],
    "dtype": list(DTYPES),
    "batch": [(1, 12), (7, 30), (24, 60), (40, 40), (300, 340)],  # the last has blocks of 256 and a short batch
    "threads": [1, 2],
    "widths": [(1,), (5, 3), (17, 33), (64, 8, 2), (300, 130)],  # wide ones are shared by columns
}
CASES = pairwise(FACTORS)


def twin_of(case: dict[str, Any]) -> Twin:
    """The training that a case describes."""
    norm = case["norm"] if case["batch"][0] > 1 else None  # of one row nothing is left but rounding,
    taken_away = case["widths"] == (1,) or case["hidden"] == "identity"  # and of what the next one takes away again,
    norm = "first" if norm and taken_away else norm
    layers: list[Any] = [Dropout(0.3)] if case["dropout"] else []
    for k, width in enumerate(case["widths"]):
        units = max(width, 2) if case["hidden"] == "softmax" else width
        g = "tanh" if k and case["hidden"] == "exponential" else case["hidden"]  # e to the e overflows
        layers.append(Dense(units, g, norm=BatchNorm() if norm == "all" or (norm and k == 0) else None))
        layers += [Dropout(0.3)] if case["dropout"] else []
    if case["rrelu"]:
        layers += [Dense(6, bias=norm != "all"), RandomizedLeakyReLU()]  # and of such a shift
    loss, g = case["output"]
    last = Dense(3, g, norm=BatchNorm() if norm == "all" else None)
    options = {name: case[name] for name in ("l1", "l2", "average_penalty", "reduction", "dtype")}
    tensors = {name for name, _, _ in Architecture(4, (*layers, last), loss).tensors()}
    frozen = [word for word in case["frozen"] if isinstance(word, int) or word in tensors]
    net = Architecture(4, (*layers, last), loss, frozen=tuple(frozen), **options)
    batch, n = case["batch"]
    given = {name: case[name] for name in ("clip_value", "clip_norm", "threads")}
    return Twin(net, OPTIMIZERS[case["rule"]](), batch, n, given, case["weighted"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['hidden']}-{case['output'][0]}-{case['rule']}")
def test_every_two_options_together(case, two_cores):
    check_all(twin_of(case))


def test_the_cover_covers():
    for a, b in combinations(FACTORS, 2):
        met = {(repr(case[a]), repr(case[b])) for case in CASES}
        assert len(met) == len(FACTORS[a]) * len(FACTORS[b]), (a, b)
    assert pairwise(FACTORS) == CASES and len(CASES) < 1.3 * len(FACTORS["hidden"]) * len(FACTORS["output"])


@st.composite
def networks(draw: st.DrawFn) -> Twin:
    """Any layers in any order, of any size up to 40."""
    layers: list[Any] = []
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["dense", "dense", "dropout", "rrelu"]))
        if kind == "dropout" and not (layers and isinstance(layers[-1], Dropout)):
            layers.append(Dropout(0.2))
        elif kind == "rrelu":
            layers += [Dense(draw(st.integers(1, 40))), RandomizedLeakyReLU()]
        elif kind == "dense":
            g, norm = draw(st.sampled_from(hidden_activations())), draw(st.sampled_from([None, None, BatchNorm(0.3)]))
            layers.append(Dense(draw(st.integers(2, 40)), g, norm=norm, bias=draw(st.booleans())))
    loss, g = draw(st.sampled_from(output_forms()))
    dtype, reduction = draw(st.sampled_from(DTYPES)), draw(st.sampled_from(["mean", "sum"]))
    layers.append(Dense(draw(st.integers(2, 20)), g))
    net = Architecture(draw(st.integers(1, 40)), tuple(layers), loss, dtype=dtype, reduction=reduction)
    rule = OPTIMIZERS[draw(st.sampled_from(list(OPTIMIZERS)))]()
    batch = draw(st.integers(3, 40))
    n = batch * draw(st.integers(1, 2)) + draw(st.integers(3, 20))
    return Twin(net, rule, batch, n, {"threads": draw(st.integers(1, 2))}, draw(st.booleans()))


@given(networks())
@settings(deadline=None, derandomize=True, max_examples=60)
def test_random_networks(twin):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "cores", lambda: 2)
        check_outputs(twin)
        check_gradient(twin)
        check_steps(twin, 4, apart=True)


# --- rows of a prediction ---------------------------------------------------------------------------------------------


@every_dtype
@pytest.mark.parametrize("widths", [(5,), (17, 33), (150, 30)])
def test_a_rows_prediction_is_its_own(widths, dtype, two_cores, monkeypatch):
    """Alone, in any batch, at any position, on one thread or two: the same bits, where the matrix unit has no part."""
    layers = (*(Dense(width, "gelu", norm=BatchNorm()) for width in widths), Dense(3, "softmax"))
    net = Architecture(11, layers, dtype=dtype)
    theta, buffers = initial_parameters(net, 0), initial_buffers(net)
    X = np.random.default_rng(0).normal(size=(700, 11)).astype(dtype)
    whole = COMPILED.predict(net, theta, buffers, X)
    assert np.allclose(whole, REFERENCE.predict(net, theta, buffers, X), atol=1e-5)
    cuts = [
        (0, 1),
        (699, 700),
        *((s, s + n) for n in (1, 2, 7, 15, 16, 17, 128, 129, 300) for s in (0, 3, 333)),
    ]
    for work_shared in (engine_module._SHARED_ROWS, 0.0):
        monkeypatch.setattr(engine_module, "_SHARED_ROWS", work_shared)
        assert np.array_equal(COMPILED.predict(net, theta, buffers, X), whole)
        for start, stop in cuts:
            part_ = COMPILED.predict(net, theta, buffers, X[start:stop])
            assert part_.shape == (stop - start, 3) and np.array_equal(part_, whole[start:stop]), (start, stop)
    data = Data(X, whole)
    loss, outputs = COMPILED.evaluate(net, theta, buffers, data)
    monkeypatch.setattr(engine_module, "_SHARED_ROWS", np.inf)
    assert np.array_equal(outputs, whole) and COMPILED.evaluate(net, theta, buffers, data)[0] == loss


def test_of_no_rows():
    net = Architecture(2, (Dense(3, "tanh"), Dense(1)))
    theta, buffers = initial_parameters(net, 0), initial_buffers(net)
    nothing = Data(np.empty((0, 2), np.float32), np.empty((0, 1), np.float32))
    assert COMPILED.predict(net, theta, buffers, nothing.X).shape == (0, 1)
    loss, outputs = COMPILED.evaluate(net, theta, buffers, nothing)
    assert loss == 0 and outputs.shape == (0, 1)


@every_dtype
def test_gradients_on_two_threads(dtype, two_cores, monkeypatch):
    twin = ladder(dtype)["everything"]
    twin = replace(twin, n=700)
    state, found = twin.start(), []
    for shared in (np.inf, 0.0):
        monkeypatch.setattr(division_module, "_SHARED_STEP", shared)
        monkeypatch.setattr(steps_module, "_SHARED_CALL", shared)
        found.append(COMPILED.loss_and_gradient(twin.architecture, state.theta, state.buffers, twin.data))
        check_gradient(twin)
    assert found[0][0] == found[1][0] and np.array_equal(found[0][1], found[1][1])


def test_gradients_on_other_examples_of_the_same_number():
    """Memory is kept from call to call, addresses of examples only while it is the same examples."""
    twin = ladder("float64")["everything"]
    state, rng = twin.start(), np.random.default_rng(3)

    def both(data: Data) -> list[tuple[float, np.ndarray]]:
        engines = (COMPILED, REFERENCE)
        return [e.loss_and_gradient(twin.architecture, state.theta, state.buffers, data) for e in engines]

    for weights in (None, np.ones(len(twin.data)), None):
        for _ in range(3):  # the last one's memory is free by now, and may be the next one's
            X = rng.normal(size=twin.data.X.shape)
            (loss, gradient), (expected, slope) = both(Data(X, twin.data.Y.copy(), weights))
            np.testing.assert_allclose(loss, expected, rtol=1e-12)
            np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-12)


# --- the same bits ----------------------------------------------------------------------------------------------------


def of_all_kinds(dtype: str) -> dict[str, Twin]:
    """Whole batches (batch normalization), batches of several blocks, of many blocks of a small network."""
    normed = (
        Dropout(0.2),
        Dense(65, "relu", norm=BatchNorm()),
        Dense(33, "tanh", norm=BatchNorm()),
        Dense(3, "softmax"),
    )
    plain = (
        Dense(130, "swish"),
        Dense(300, "relu"),
        Dropout(0.4),
        Dense(40),
        RandomizedLeakyReLU(),
        Dense(3, "softmax"),
    )
    middle = (Dense(64, "relu"), Dropout(0.3), Dense(60, "tanh"), Dense(3, "softmax"))
    options = {"clip_norm": 0.1, "clip_value": 0.05}
    return {
        "whole": Twin(Architecture(20, normed, dtype=dtype, l1=0.01), Adam(), 300, 700, options, True),
        "blocks": Twin(Architecture(20, plain, dtype=dtype, l2=0.01), Momentum(), 600, 1500, options),
        "small": Twin(Architecture(4, (Dense(32, "tanh"), Dense(3)), dtype=dtype), Adam(), 5000, 8000, {}, True),
        "halves": Twin(Architecture(20, middle, dtype=dtype, l2=0.01), Adam(), 200, 700, options, True),
        "unclipped": Twin(Architecture(20, plain, dtype=dtype), Adam(), 100, 350),
    }


@every_dtype
@pytest.mark.parametrize("name", of_all_kinds("float32"))
def test_the_same_seed_gives_the_same_bits(name, dtype, two_cores):
    """Twenty runs, every other one on two threads."""
    twin, found = of_all_kinds(dtype)[name], set()
    data, work = twin.data, twin.work(7)
    for number in range(20):
        options = {**twin.options, "threads": 1 + number % 2}
        state, program = twin.start(), replace(twin, options=options).program
        found.add(bits(state, COMPILED.begin(program, state, data).advance(work)))
    assert len(found) == 1
    if not dropout_layers(twin.architecture):
        return
    other, program = twin.start(), replace(twin.program, seed=6)
    assert bits(other, COMPILED.begin(program, other, data).advance(work)) not in found, "another seed, other masks"


@every_dtype
@pytest.mark.parametrize("name", of_all_kinds("float32"))
def test_slices_do_not_matter(name, dtype, two_cores):
    twin = of_all_kinds(dtype)[name]
    data, work = twin.data, twin.work(9)
    whole, found = twin.start(), set()
    expected = bits(whole, COMPILED.begin(twin.program, whole, data).advance(work))
    for cuts in ((1, 2, 3, 4, 5, 6, 7, 8), (4,), (2, 7), (8,)):
        state, edges = twin.start(), [0, *cuts, 9]
        run = COMPILED.begin(twin.program, state, data)
        logs = [run.advance(part(work, a, b)) for a, b in successive(edges)]
        found.add(bits(state, *logs))
        state, logs = twin.start(), []
        for a, b in successive(edges):  # and a new run for each, as after a resume
            logs.append(COMPILED.begin(twin.program, state, data).advance(part(work, a, b)))
        found.add(bits(state, *logs))
    assert found == {expected}


# --- the checks can fail ----------------------------------------------------------------------------------------------


class Faulty:
    """The compiled engine with a fault in what it returns or leaves."""

    def __init__(self, spoil: Any) -> None:
        self.spoil = spoil

    def loss_and_gradient(self, *arguments: Any) -> tuple[float, np.ndarray]:
        loss, gradient = twins.COMPILED.loss_and_gradient(*arguments)
        self.spoil(gradient)
        return loss, gradient

    def predict(self, *arguments: Any) -> np.ndarray:
        outputs = twins.COMPILED.predict(*arguments)
        self.spoil(outputs.reshape(-1))
        return outputs

    def begin(self, program: Any, state: Any, data: Any) -> Any:
        run, spoil = twins.COMPILED.begin(program, state, data), self.spoil

        class Run:
            def advance(self, work: Any) -> Any:
                log = run.advance(work)
                spoil(state.theta)
                return log

        return Run()


def one_nan(values: np.ndarray) -> None:
    values[len(values) // 2] = np.nan


def a_factor(values: np.ndarray) -> None:
    values[::2] *= values.dtype.type(1.001)


@every_dtype
@pytest.mark.parametrize("spoil", [one_nan, a_factor])
@pytest.mark.parametrize("check", [check_gradient, check_outputs, check_all])
def test_a_planted_fault_is_caught(check, spoil, dtype, monkeypatch):
    twin = ladder(dtype)["plain"]
    check(twin)
    monkeypatch.setitem(globals(), "COMPILED", Faulty(spoil))
    with pytest.raises(AssertionError):
        check(twin)
    with pytest.raises(AssertionError):
        check_steps(twin, 2, apart=True)


def test_what_cannot_be_trained_is_not_among_the_forms():
    assert all(loss_and_g[1] != "step" or loss_and_g[0] == "perceptron" for loss_and_g in output_forms())
    with pytest.raises(ArchitectureError):
        Architecture(2, (Dense(3, "tanh"),), "cross_entropy")
    assert untrainable(Architecture(2, (Dense(3, "step"), Dense(1)))) is not None
    assert not close(np.array([np.nan]), np.array([1.0]), 1e9)
