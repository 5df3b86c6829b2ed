"""A step that is not finite: where the reference stops, as it names it, with the state of the steps before."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engines.compiled.twins import COMPILED, REFERENCE, Twin, copied, part, state_errors, worst
from glassnet import (
    SGD,
    Adagrad,
    Adam,
    Architecture,
    BatchNorm,
    DataError,
    Dense,
    DivergenceError,
    Dropout,
    Momentum,
    Network,
)
from glassnet.engines.base import Data, Slice, StepLog, TrainState
from tolerances import COMPILED_STEP, relative


def net(*layers: Any, inputs: int = 3, **options: Any) -> Architecture:
    return Architecture(inputs, layers, **{"dtype": "float32", **options})


RELU = net(Dense(5, "relu"), Dense(2))
WIDE = net(Dense(5, "relu"), Dense(2), dtype="float64")
LINEAR = net(Dense(1), loss="absolute_error")
NORMED = net(Dense(6, "tanh", norm=BatchNorm()), Dense(1))
SOFTMAX = net(Dense(70, "tanh"), Dropout(0.2), Dense(3, "softmax"))


def rates(at: int, value: float) -> Any:
    def change(work: Slice, data: Data) -> None:
        work.learning_rates[at] = value

    return change


def inputs_of(row: int, value: float) -> Any:
    def change(work: Slice, data: Data) -> None:
        data.X[row, 1] = value

    return change


def scaled(factor: float) -> Any:
    def change(work: Slice, data: Data) -> None:
        data.X[...] *= data.X.dtype.type(factor)

    return change


def target(row: int, value: float) -> Any:
    def change(work: Slice, data: Data) -> None:
        data.Y[row, 0] = value

    return change


CASES = {
    "the update overflows": (Twin(RELU, SGD(), 10, 60), rates(2, 1e39)),
    "the rate is NaN": (Twin(RELU, SGD(), 10, 60), rates(4, np.nan)),
    "far too long a step": (Twin(RELU, SGD(), 10, 60), rates(3, 1e30)),
    "too long in float64": (Twin(WIDE, SGD(), 10, 60), rates(2, 1e35)),
    "NaN among the inputs": (Twin(SOFTMAX, Adam(), 10, 60), inputs_of(33, np.nan)),
    "infinity among the inputs": (Twin(RELU, Adam(), 10, 60), inputs_of(7, np.inf)),
    "infinity among the targets": (Twin(RELU, Momentum(), 10, 60), target(50, np.inf)),
    "NaN among the targets": (Twin(RELU, Momentum(), 10, 60), target(20, np.nan)),
    "the loss overflows": (Twin(RELU, SGD(), 10, 60), scaled(1e20)),
    "a slot overflows": (Twin(LINEAR, Adagrad(), 10, 60), scaled(1e20)),
    "a second moment overflows": (Twin(LINEAR, Adam(), 10, 60), scaled(1e23)),
    "a running variance overflows": (Twin(NORMED, SGD(), 10, 60), scaled(1e20)),
    "in the second block": (Twin(RELU, Adam(), 400, 800), inputs_of(11, np.nan)),
    "clipped to a norm": (Twin(SOFTMAX, Adam(), 10, 60, {"clip_norm": 0.1}), inputs_of(33, np.nan)),
    "clipped by value": (Twin(SOFTMAX, Adam(), 10, 60, {"clip_value": 0.1}), inputs_of(33, np.inf)),
}


def both(name: str, threads: int) -> tuple[Twin, list[tuple[TrainState, StepLog]]]:
    """The compiled engine's state and log, and the reference's."""
    twin, change = CASES[name]
    twin = replace(twin, options={**twin.options, "threads": threads})
    work, data, begin = twin.work(-(-twin.n // twin.batch)), twin.data, twin.start()
    change(work, data)
    found = []
    for engine in (COMPILED, REFERENCE):
        state = copied(begin)
        found.append((state, engine.begin(twin.program, state, data).advance(work)))
    return twin, found


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_stops_where_the_reference_stops(name, threads, two_cores):
    twin, ((mine, log), (theirs, expected)) = both(name, threads)
    assert log.bad is not None and log.bad == expected.bad
    assert len(log.losses) == len(log.gradient_norms) == mine.step == theirs.step == len(expected.losses)
    eps = np.finfo(twin.architecture.dtype).eps
    assert relative(log.losses, expected.losses) <= COMPILED_STEP * eps
    assert relative(log.gradient_norms, expected.gradient_norms) <= COMPILED_STEP * eps
    assert all(np.all(np.isfinite(a)) for a in (mine.theta, mine.buffers, mine.slots, mine.carried))
    error, tensor = worst(state_errors(twin.architecture, mine, theirs))
    assert error <= COMPILED_STEP * eps, tensor


def test_the_cases_stop_at_all_places():
    """At the first step, in the middle and late; at inputs, losses, gradients, updates, slots and statistics."""
    logs = {name: both(name, 1)[1][1][1] for name in CASES}
    steps = {len(log.losses) for log in logs.values()}
    assert 0 in steps and len(steps) >= 4
    assert {"s_W1", "v_W1", "var1", "W1_new"} <= {log.bad for log in logs.values()}


@pytest.mark.parametrize("threads", [1, 2])
def test_in_the_middle_of_a_long_slice(threads, two_cores):
    """What came before is the same bits as in a slice that ends there; afterwards training can go on."""
    twin = Twin(SOFTMAX, Adam(), 10, 2000, {"threads": threads})
    work, data = twin.work(200), twin.data
    work.learning_rates[137] = np.inf
    long, short = twin.start(), twin.start()
    log = COMPILED.begin(twin.program, long, data).advance(work)
    before = COMPILED.begin(twin.program, short, data).advance(part(work, 0, 137))
    assert log.bad is not None and len(log.losses) == 137 == long.step
    assert np.array_equal(log.losses, before.losses) and np.array_equal(log.gradient_norms, before.gradient_norms)
    for name in ("theta", "buffers", "slots", "carried"):
        assert np.array_equal(getattr(long, name), getattr(short, name))
    again = COMPILED.begin(twin.program, long, data).advance(part(work, 0, 5))
    assert again.bad is None and long.step == 142


def test_a_run_goes_on_after_a_step_that_was_not_finite(two_cores):
    """The same run, its slots among what the step has spoilt: bits as of a run without such a step."""
    twin = Twin(SOFTMAX, Adam(), 10, 2000)
    work, data, states = twin.work(60), twin.data, []
    spoilt = replace(work, learning_rates=work.learning_rates.copy())
    spoilt.learning_rates[40] = np.inf
    for parts in ([(spoilt, 0, 20), (spoilt, 20, 60), (work, 40, 60)], [(work, 0, 20), (work, 20, 40), (work, 40, 60)]):
        state = twin.start()
        run = COMPILED.begin(twin.program, state, data)
        bad = [run.advance(part(*some)).bad is not None for some in parts]
        assert bad == [False, parts[1][0] is spoilt, False] and state.step == 60
        states.append(state)
    for name in ("theta", "slots", "carried"):
        assert np.array_equal(getattr(states[0], name), getattr(states[1], name))


def test_a_step_that_only_the_reference_takes_changes_the_slots(two_cores):
    """A norm beyond float32 in the middle of a slice: what follows begins with the slots that the reference left."""
    twin = Twin(net(Dense(1), loss="absolute_error"), Momentum(1e-21), 1, 60, decay=0.0)
    work, data, states = twin.work(60), twin.data, []
    work.learning_rates[:] = 1e-21
    data.X[work.order[30]] *= np.float32(1e20)
    for engine in (COMPILED, REFERENCE):
        state = twin.start()
        run = engine.begin(twin.program, state, data)
        logs = [run.advance(part(work, first, first + 20)) for first in (0, 20, 40)]
        assert all(log.bad is None for log in logs) and logs[1].gradient_norms[10] > 1e19
        states.append(state)
    for name in ("theta", "slots"):
        assert relative(getattr(states[0], name), getattr(states[1], name)) <= 1e-5


@pytest.mark.parametrize("factor", [1e15, 1e18])
def test_a_norm_beyond_float32_is_no_divergence(factor, two_cores):
    """Its square overflows, but it is finite: the reference takes such a step, and so does the compiled engine."""
    twin = Twin(net(Dense(4, "tanh"), Dense(1), loss="absolute_error"), SGD(1e-30), 10, 60, decay=0.0)
    data = twin.data
    data.X[...] *= np.float32(factor)
    work = twin.work(6)
    work.learning_rates[:] = 1e-3 / factor**2
    states, logs = [], []
    for engine in (COMPILED, REFERENCE):
        state = twin.start()
        state.theta[...] *= np.float32(1 / factor)
        state.theta[-5:] *= np.float32(factor)
        logs.append(engine.begin(twin.program, state, data).advance(work))
        states.append(state)
    assert logs[0].bad is logs[1].bad is None and states[0].step == 6
    assert relative(logs[0].gradient_norms, logs[1].gradient_norms) <= 1e-4
    assert np.all(logs[1].gradient_norms > 1e13) and relative(states[0].theta, states[1].theta) <= 1e-4


@pytest.mark.parametrize("batch_size", [7, 40])
@pytest.mark.parametrize("rate", [1e6, 40.0])
def test_fit_says_what_the_reference_says(rate, batch_size):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 4)), rng.normal(size=(40, 1))
    errors, weights = [], []
    for engine in ("compiled", "reference"):
        network = Network(4, [Dense(8, "relu"), Dense(1)], dtype="float64", engine=engine)
        with pytest.raises(DivergenceError) as caught:
            network.fit(X, Y, optimizer=SGD(rate), batch_size=batch_size, epochs=300)
        errors.append(caught.value)
        weights.append(np.concatenate([w.ravel() for w in network.parameters.values()]))
    assert str(errors[0]) == str(errors[1])
    assert len({(error.epoch, error.step, error.tensor) for error in errors}) == 1
    assert np.all(np.isfinite(weights[0])) and relative(*weights) <= 1e-6


def test_a_state_that_was_not_taken_back_would_be_seen():
    twin, ((mine, _), (theirs, _)) = both("the rate is NaN", 1)
    mine.theta[3] *= np.float32(1.05)
    assert worst(state_errors(twin.architecture, mine, theirs))[0] > COMPILED_STEP * np.finfo(np.float32).eps
    mine.theta[3] = np.nan
    assert worst(state_errors(twin.architecture, mine, theirs))[0] == np.inf


FIRST_LAYERS = {
    "units that ignore the inputs": lambda: [Dense(5, "relu"), Dense(2)],
    "no hidden layer": lambda: [Dense(2)],
    "normalized": lambda: [Dense(6, "tanh", norm=BatchNorm()), Dense(1)],
    "few units": lambda: [Dense(1)],
    "dropout": lambda: [Dropout(0.5), Dense(20, "sigmoid"), Dense(3, "softmax")],
}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n", [1, 10, 300])
@pytest.mark.parametrize("layers", FIRST_LAYERS.values(), ids=FIRST_LAYERS)
def test_one_bad_number_among_the_inputs_of_a_prediction_is_found(layers, n, bad):
    loss = "cross_entropy" if "softmax" in repr(layers()) else "half_squared_error"
    network = Network(300, layers(), loss, dtype="float32", engine="compiled")
    network.parameters["W1"][...] = 0  # 0 times infinity is NaN
    X = np.random.default_rng(0).normal(size=(n, 300)).astype(np.float32)
    network.predict(X)
    for row in {0, n // 2, n - 1}:
        spoilt = X.copy()
        spoilt[row, 299] = bad
        with pytest.raises(DataError, match=f"first in row {row};"):
            network.predict(spoilt)


@pytest.mark.parametrize("n", [1, 300])
def test_inputs_that_only_overflow_are_predicted(n):
    X = np.full((n, 3), 3e38, np.float32)
    mine, theirs = (
        Network(3, [Dense(4, "relu"), Dense(2, "sigmoid")], "binary_cross_entropy", dtype="float32", engine=engine)
        for engine in ("compiled", "reference")
    )
    for network in (mine, theirs):
        network.parameters["W1"][...] = 10.0
        network.parameters["W2"][...] = 1.0
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(mine.predict(X), theirs.predict(X))
    assert not np.isfinite(mine.trace(X)["z1"]).any()
