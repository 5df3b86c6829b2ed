"""Slices over several epochs: the same bits and history as border by border, in few calls of the engine."""

from dataclasses import replace

import numpy as np
import pytest

import glassnet.training.slices as slices
from glassnet import (
    SGD,
    Adam,
    BatchNorm,
    Callback,
    Checkpoint,
    Cosine,
    CSVLog,
    Dense,
    DivergenceError,
    Dropout,
    EarlyStopping,
    Momentum,
    Network,
    TargetMetric,
    TimeBudget,
)
from glassnet.engines.base import Data, Program, StepLog, fresh_state
from glassnet.engines.reference import ReferenceEngine
from glassnet.training.callbacks import late
from glassnet.training.run import Run
from glassnet.training.slices import Slices, epoch_order
from training.problems import classes, network, numbers, plain, vector

X, Y = classes(n=23)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """A machine that stands still for a moment changes no count below."""
    monkeypatch.setattr(slices, "_SECONDS", 1000.0)


class Border(Callback):
    """Needs the end of each epoch, and does nothing there."""

    def on_epoch_end(self, run, record):
        pass


class Begin(Callback):
    def on_epoch_begin(self, run):
        pass


class Batch(Callback):
    def on_batch_end(self, run, loss):
        pass


class Counting(ReferenceEngine):
    """Counts what it is asked for; takes no step, or the reference's."""

    def __init__(self, real=True):
        self.real, self.begun, self.works = real, 0, []

    def begin(self, program, state, data):
        self.begun += 1
        self.state, self.training = state, super().begin(program, state, data)
        return self

    def advance(self, work):
        self.works.append(work)
        if self.real:
            return self.training.advance(work)
        steps = len(work.learning_rates)
        self.state.step += steps
        return StepLog(np.ones(steps), np.ones(steps), np.zeros(steps))

    @property
    def steps(self):
        return [len(work.learning_rates) for work in self.works]


def counted(callbacks=(), real=False, n=50, **options):
    """The engine's log and the history of a fit on n rows."""
    x, y = classes(n=n)
    net, engine = network(x, y), Counting(real)
    net.engine = engine
    return engine, net.fit(x, y, callbacks=callbacks, **options)


def rich():
    layers = [Dense(8, "tanh", norm=BatchNorm()), Dropout(Cosine(0.5, final=0.1)), Dense(3, "softmax")]
    return Network(4, layers, seed=3)


OPTIONS = {"epochs": 40, "batch_size": 5, "optimizer": Momentum(Cosine(0.1), weight_decay="linear_warmup(0.01)")}


@pytest.mark.parametrize("callback", [Border, Begin, Batch])
def test_the_same_bits_and_history_as_border_by_border(callback):
    whole, parts = rich(), rich()
    engine, parts.engine = Counting(), ReferenceEngine()
    whole.engine = engine
    history = whole.fit(X, Y, **OPTIONS)
    expected = parts.fit(X, Y, callbacks=[callback()], **OPTIONS)
    assert max(engine.steps) > 3 * 5, "slices went over several epochs"
    assert np.array_equal(vector(whole), vector(parts))
    assert np.array_equal(whole.buffers.vector, parts.buffers.vector)
    assert plain(history) == plain(expected) and history.stopped == expected.stopped
    assert list(history) == list(expected) == ["loss", "learning_rate", "gradient_norm", "seconds"]
    assert min(history["seconds"]) > 0
    assert history["learning_rate"] == [Cosine(0.1).value(epoch + 4 / 5, 40) for epoch in range(40)], "of the last step"


def test_small_data_without_hooks_take_few_calls():
    engine, history = counted(epochs=500, batch_size=16)
    assert sum(engine.steps) == 500 * 4 == engine.state.step and history.epochs == 500
    assert len(engine.steps) <= 10 and engine.begun == 1
    assert all(32 * a >= b for a, b in zip(engine.steps, engine.steps[1:], strict=False)), (
        "what is measured is trusted so far"
    )


@pytest.mark.parametrize("callback", [Border(), Begin(), EarlyStopping("loss", 99), TargetMetric("loss", 0.0)])
def test_what_needs_the_border_gets_it(callback):
    engine, _ = counted([callback], epochs=30, batch_size=16)
    assert engine.steps == [4] * 30


@pytest.mark.parametrize("options", [{"validation": 0.2, "batch_size": 8}, {"metrics": ["accuracy"], "batch_size": 10}])
def test_what_is_measured_needs_the_border(options):
    engine, history = counted(epochs=30, **options)
    assert engine.steps == [3, 2] + [5] * 29, "the first epoch, of which 4 steps may be taken at once, in equal parts"
    assert len(history[next(name for name in history if "accuracy" in name)]) == 30


class Weights(Callback):
    """The penalty of the weights before each step, by hand."""

    def __init__(self):
        self.seen = []

    def on_train_begin(self, run):
        self.seen.append(0.05 * sum(np.sum(run.parameters[w] ** 2) for w in ("W1", "W2")))

    def on_batch_end(self, run, loss):
        self.on_train_begin(run)


@pytest.mark.parametrize("averaged", [False, True])
def test_a_penalty_is_the_mean_over_an_epochs_steps(averaged):
    """As the loss is, weighed by the steps' examples, so that loss + penalty is what the steps went down."""
    a, b = (network(X, Y, l2=0.1, average_penalty=averaged) for _ in range(2))
    watching, options = Weights(), {**OPTIONS, "batch_size": 13}
    history = a.fit(X, Y, callbacks=[watching], **options)
    sizes = np.tile([13, len(X) - 13], 40)
    each = np.array(watching.seen[:-1]) / (sizes if averaged else 1)
    expected = np.add.reduce((each * sizes).reshape(40, 2), axis=1) / len(X)
    np.testing.assert_allclose(history["penalty"], expected, rtol=1e-12)
    np.testing.assert_allclose(b.fit(X, Y, **options)["penalty"], expected, rtol=1e-12)


def test_what_hears_of_time_alone_does_not_stop_the_engine(tmp_path):
    seen = []

    class Own(Callback):
        @late
        def on_epoch_end(self, run, record):
            assert run.history.records[-1] is record and run.state.epoch == run.history.epochs
            seen.append((run.history.epochs, run.at_epoch_end, run.state.step))

    log = tmp_path / "log.csv"
    callbacks = [Own(), TimeBudget(100), CSVLog(log), Checkpoint(tmp_path / "run", interval=0)]
    engine, history = counted(callbacks, epochs=200, batch_size=16)
    assert len(engine.steps) < 20
    assert [number for number, _, _ in seen] == list(range(1, 201))
    assert all((step == 4 * number) == end for number, end, step in seen), "the state is that of the last epoch"
    assert len(log.read_text().splitlines()) == 201 == history.epochs + 1


def test_a_subclass_that_looks_at_the_weights_gets_its_border(tmp_path):
    class Mine(Checkpoint):
        def on_epoch_end(self, run, record):
            super().on_epoch_end(run, record)

    engine, _ = counted([Mine(tmp_path / "run")], epochs=30, batch_size=16)
    assert engine.steps == [4] * 30


def test_a_checkpoint_after_several_epochs_resumes_to_the_same_bits(tmp_path):
    path, saved = tmp_path / "run", []

    class Crash(Callback):
        def on_slice_end(self, run, done):
            saved.append(run.state.epoch)
            if run.state.epoch > 10:
                raise KeyboardInterrupt

    whole, net = rich(), rich()
    expected = whole.fit(X, Y, **OPTIONS)
    with pytest.raises(KeyboardInterrupt):
        rich().fit(X, Y, callbacks=[Crash(), Checkpoint(path, interval=0)], **OPTIONS)
    assert max(np.diff(saved)) > 1
    history = net.fit(X, Y, resume=path, **OPTIONS)
    assert np.array_equal(vector(net), vector(whole)) and plain(history) == plain(expected)


def test_a_divergence_is_told_as_border_by_border(tmp_path):
    x, y = numbers()
    found = []
    for callbacks in ([], [Border()]):
        net, engine = Network(4, [Dense(8, "relu"), Dense(1)], dtype="float32"), Counting()
        net.engine, log = engine, tmp_path / "log.csv"
        with pytest.raises(DivergenceError) as caught:
            net.fit(
                x,
                y,
                optimizer=SGD("exponential(0.01, factor=1.2)"),
                batch_size=25,
                epochs=200,
                callbacks=[*callbacks, CSVLog(log)],
            )
        error = caught.value
        lines = [line.rsplit(",", 1)[0] for line in log.read_text().splitlines()]  # without the seconds
        assert len(lines) == error.epoch == (error.step - 1) // 3 + 1
        found.append((str(error), error.epoch, error.step, error.tensor, lines, vector(net).tolist()))
        assert callbacks or engine.steps[-1] > 3
    assert found[0] == found[1] and found[0][1] > 10


def test_a_stop_from_a_slice_ends_after_it_and_records_what_was_done():
    class Stop(Callback):
        def on_slice_end(self, run, done):
            assert done == 1 or run.state.epoch == 0
            if run.state.step > 50:
                run.stop("enough")

    engine, history = counted([Stop()], epochs=500, batch_size=16)
    assert history.stopped == "enough" and history.epochs * 4 == engine.state.step == sum(engine.steps) < 400


def test_the_arrays_of_the_state_stay_the_same_from_begin_to_end():
    seen = []

    class Spy(ReferenceEngine):
        def begin(self, program, state, data):
            seen.extend((state, state.theta, state.buffers, state.slots, state.carried))
            return super().begin(program, state, data)

    net = rich()
    net.engine = Spy()
    history = net.fit(X, Y, epochs=9, validation=0.4, callbacks=[EarlyStopping(patience=2)], optimizer=Adam(0.5))
    state, *arrays = seen
    assert all(a is b for a, b in zip(arrays, (state.theta, state.buffers, state.slots, state.carried), strict=True))
    assert history.best_epoch < history.epochs
    assert np.array_equal(state.theta, state.best[0]) and net._theta is state.theta


# --- the slices themselves ------------------------------------------------------------------------------------------


def a_run(n=23, batch_size=5, epochs=9, seed=6):
    net = rich().architecture
    data = Data(np.zeros((n, 4), np.float32), np.zeros((n, 3), np.float32))
    program = Program(net, Momentum(Cosine(0.1)), batch_size, seed=seed)
    state = fresh_state(program, vector(rich()), rich().buffers.vector.copy())
    return Run(program, ReferenceEngine(), state, data, None, epochs, (), [])


@pytest.mark.parametrize("batch_size", [1, 5, 23, 100])
@pytest.mark.parametrize("across", [True, False])
def test_every_step_has_its_examples_and_its_values(batch_size, across):
    run = a_run(batch_size=batch_size)
    cutter, done = Slices(run, single=False), 0

    T = cutter.per_epoch
    while done < 9 * T:
        cutter.epochs = run.epochs - done // T if across else 1
        work = cutter.cut(done)
        steps = len(work.learning_rates)
        assert done % T + steps <= T or (across and (done + steps) % T == 0)
        if batch_size >= 23:  # all examples as they lie, in every step
            assert work.order is None
            work = replace(work, order=np.tile(np.arange(23), steps))
        assert work.order.dtype == work.bounds.dtype == np.int64
        for array in (work.learning_rates, work.weight_decays, work.dropout_rates):
            assert array.dtype == np.float64 and array.flags.c_contiguous and len(array) == steps
        assert work.order.flags.c_contiguous and work.bounds.flags.c_contiguous
        assert work.bounds[0] == 0 and work.bounds[-1] == len(work.order) and len(work.bounds) == steps + 1
        for i in range(steps):
            epoch, step = divmod(done + i, T)
            examples = work.order[work.bounds[i] : work.bounds[i + 1]]
            order = np.arange(23) if batch_size >= 23 else epoch_order(6, epoch, 23)
            expected = order[step * batch_size : (step + 1) * batch_size]
            assert examples.tolist() == expected.tolist() and len(examples) == cutter.shares[0, step]
            t = epoch + step / T
            assert work.learning_rates[i] == Cosine(0.1).value(t, 9) and work.weight_decays[i] == 0
            assert work.dropout_rates[i].tolist() == [Cosine(0.5, final=0.1).value(t, 9)]
        cutter.took(steps, 1e-6)
        done += steps
    assert done == 9 * T


def test_measured_time_decides_and_memory_bounds(monkeypatch):
    monkeypatch.setattr(slices, "_SECONDS", 0.1)
    cutter = Slices(a_run(n=1000, batch_size=1, epochs=100), single=False)
    cutter.epochs = 100
    lengths = []
    for seconds in (1e-6, 1e-6, 0.2, 10.0, 10.0):
        lengths.append(len(cutter.cut(0).learning_rates))
        cutter.took(lengths[-1], seconds)
    assert lengths == [4, 125, 4000, 2000, 20], "32 times longer at most; parts of an epoch of 1000 are equal"
    for copies, steps in ((0.3, 300), (7.0, 500), (0.01, 100)):  # the state is copied for each slice
        run = a_run(n=1000, batch_size=1)
        monkeypatch.setattr(slices, "_COPIES", copies / (run.state.theta.size + run.state.slots.size))
        cutter = Slices(run, single=False)
        for _ in range(3):
            cutter.cut(0)
            cutter.took(100, 0.1)
        assert cutter._wanted == steps
    monkeypatch.setattr(slices, "_MOST_STEPS", 3000)
    monkeypatch.setattr(slices, "_MOST_EXAMPLES", 9000)
    for size, most in ((1, 3000), (10, 900), (1000, 9), (10**30, 9)):
        cutter = Slices(a_run(n=1000, batch_size=size, epochs=100), single=False)
        cutter.epochs = 100
        for _ in range(20):
            steps = len(cutter.cut(0).learning_rates)
            cutter.took(steps, 1e-9)
        assert most * 0.9 <= steps <= most
    assert len(Slices(a_run(), single=True).cut(0).learning_rates) == 1
