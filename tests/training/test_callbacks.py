"""Callbacks: hooks, early stopping, plateaus, targets, time budgets, the user's own."""

import time

import numpy as np
import pytest

from glassnet import (
    SGD,
    Adam,
    Callback,
    Dense,
    Dropout,
    EarlyStopping,
    InvalidParameterError,
    Momentum,
    Network,
    ReduceOnPlateau,
    TargetMetric,
    TimeBudget,
)
from glassnet.engines.reference import ReferenceEngine
from glassnet.formulas.schedules import ReduceOnPlateau as PlateauSchedule
from training.problems import Keep, StopAt, classes, network, numbers, vector


class Scripted(Callback):
    """Puts chosen numbers into the record, so that a rule can be seen at work."""

    def __init__(self, **columns):
        self.columns = columns

    def on_epoch_end(self, run, record):
        for name, values in self.columns.items():
            record[name] = values[run.history.epochs - 1]


def fit(net, X, y, callbacks, epochs=50, **options):
    keep = Keep()
    return net.fit(X, y, epochs=epochs, callbacks=[*callbacks, keep], **options), keep


def test_hooks_run_in_order_and_batch_hooks_once_a_step():
    class Batches(Keep):
        def on_batch_end(self, run, loss):
            self.calls.append(("batch", run.state.step, run.at_epoch_end))
            assert np.isfinite(loss)

        def on_slice_end(self, run, done):
            self.calls.append(done)

    X, y = classes(n=10)
    spy = Batches()
    network(X, y).fit(X, y, batch_size=4, epochs=2, callbacks=[spy])
    first = [x for i in (1, 2, 3) for x in (("batch", i, False), i / 3)]
    second = [x for i in (1, 2, 3) for x in (("batch", i + 3, False), i / 3)]
    expected = ["train begin", "epoch begin", *first, "epoch end", "epoch begin", *second, "epoch end"]
    assert spy.calls == [*expected, "train end", "close"]


def test_a_batch_hook_changes_no_weight_and_sees_the_loss_of_its_step():
    class Losses(Callback):
        def __init__(self):
            self.losses = []

        def on_batch_end(self, run, loss):
            self.losses.append(loss)

    X, y = classes(n=24)
    a, b, spy = network(X, y), network(X, y), Losses()
    a.fit(X, y, batch_size=6, epochs=3)
    history = b.fit(X, y, batch_size=6, epochs=3, callbacks=[spy])
    assert np.array_equal(vector(a), vector(b))
    assert history["loss"][0] == pytest.approx(np.mean(spy.losses[:4]))


@pytest.mark.parametrize("monitor, better", [("validation_loss", min), ("validation_accuracy", max), ("loss", min)])
def test_early_stopping_goes_back_to_the_best_weights_exactly(monitor, better):
    X, y = classes(n=40, seed=4)
    net = network(X, y, hidden=30)
    stop = EarlyStopping(monitor, patience=4)
    history, keep = fit(net, X, y, [stop], optimizer=Adam(1.0), validation=0.4, epochs=1000)
    column = history[monitor]
    best = column.index(better(column))
    assert history.stopped == f"{monitor} has not improved for 4 epochs" and history.finished
    assert history.best_epoch == best + 1
    assert history.epochs == best + 1 + 4
    assert np.array_equal(vector(net), keep.weights[best])
    assert not np.array_equal(vector(net), keep.weights[-1])


def test_early_stopping_without_restoring_keeps_the_last_weights():
    X, y = classes(n=40, seed=4)
    net = network(X, y, hidden=30)
    history, keep = fit(
        net, X, y, [EarlyStopping(patience=4, restore_best=False)], optimizer=Adam(0.3), validation=0.4, epochs=200
    )
    assert np.array_equal(vector(net), keep.weights[-1]) and history.best_epoch == history.epochs - 4


def test_the_best_weights_come_back_also_when_the_epochs_run_out():
    X, y = classes()
    net, script = network(X, y), Scripted(score=[3, 1, 2, 2])
    history, keep = fit(net, X, y, [script, EarlyStopping("score", patience=10)], epochs=4)
    assert history.stopped == "after 4 epochs" and history.best_epoch == 2
    assert np.array_equal(vector(net), keep.weights[1])


@pytest.mark.parametrize(
    "values, min_delta, patience, stops, best",
    [
        ([5, 4, 4, 4, 0], 0.0, 2, 4, 2),  # equal is no improvement
        ([5, 4.9, 4.8, 4.7, 0], 0.5, 3, 4, 4),  # too slow to go on, yet the fourth is the best
        ([5, 4.7, 4.4, 4.1, 3.8, 3.5], 0.5, 3, None, 6),  # 0.5 in two epochs is quick enough
        ([5, 6, 4, 7, 8], 0.0, 2, 5, 3),  # the wait begins anew
    ],
)
def test_patience_and_tolerance(values, min_delta, patience, stops, best):
    X, y = classes()
    stop = EarlyStopping("score", patience, min_delta)
    net = network(X, y)
    history, keep = fit(net, X, y, [Scripted(score=values), stop], epochs=len(values))
    assert history.epochs == (stops or len(values))
    assert history.best_epoch == best
    assert np.array_equal(vector(net), keep.weights[best - 1])


def test_training_loss_that_stops_improving_by_a_tolerance_ends_the_run():
    X, y = classes()
    history, _ = fit(
        network(X, y), X, y, [EarlyStopping("loss", patience=3, min_delta=1e-3)], epochs=5000, batch_size=60
    )
    losses = history["loss"]
    assert history.stopped == "loss has not improved for 3 epochs" and 10 < history.epochs < 5000
    assert losses[-1] > min(losses[:-3]) - 1e-3


def test_two_rules_of_one_kind_count_for_themselves():
    X, y = classes()
    twins = [EarlyStopping("score", 3, restore_best=False), EarlyStopping("score", 3, restore_best=False)]
    history, _ = fit(network(X, y), X, y, [Scripted(score=[1] * 50), *twins])
    assert history.epochs == 4
    pair = [EarlyStopping("loss", 50), EarlyStopping("score", 3, restore_best=False)]
    history, _ = fit(network(X, y), X, y, [Scripted(score=[1] * 50), *pair])
    assert history.epochs == 4 and history.best_epoch == 4, "the best epoch is that of the rule that restores"
    with pytest.raises(InvalidParameterError, match="two EarlyStopping"):
        fit(network(X, y), X, y, [EarlyStopping("loss"), EarlyStopping("loss", 5)])


@pytest.mark.parametrize("make", [EarlyStopping, ReduceOnPlateau, lambda name: TargetMetric(name, 1)])
def test_a_number_that_is_not_there_is_named(make):
    X, y = classes()
    net, keep = network(X, y), Keep()
    with pytest.raises(InvalidParameterError, match=r"'validation_loss'; give validation=0.2, or watch 'loss'"):
        net.fit(X, y, callbacks=[keep, make("validation_loss")])
    assert keep.weights == [], "refused before the first epoch"
    with pytest.raises(InvalidParameterError, match=r"'acuracy'; did you mean 'accuracy'\?"):
        net.fit(X, y, callbacks=[make("acuracy")])


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: EarlyStopping(patience=0), "patience must be a number >= 1"),
        (lambda: EarlyStopping(min_delta=-1), "min_delta"),
        (lambda: ReduceOnPlateau(factor=1), "factor must be a number >= 0 and < 1"),
        (lambda: ReduceOnPlateau(quantity="momentum"), "quantity must be learning_rate"),
        (lambda: ReduceOnPlateau(minimum=2), "minimum"),
        (lambda: TimeBudget(0), "seconds must be a number > 0"),
        (lambda: TargetMetric("loss", float("nan")), "value"),
    ],
)
def test_settings_are_checked(make, words):
    with pytest.raises(InvalidParameterError, match=words):
        make()


def test_what_is_no_callback_is_refused():
    X, y = classes()
    with pytest.raises(InvalidParameterError, match="callbacks must be Callback objects, got 'early'"):
        network(X, y).fit(X, y, callbacks=["early"])


SCORES = [5, 4, 4, 4, 4, 4, 3, 3, 3]
RATES = [1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25]  # of the epochs; patience 2 over SCORES


def test_plateaus_scale_the_learning_rate():
    X, y = classes()
    callbacks = [Scripted(score=SCORES), ReduceOnPlateau("score", 0.5, patience=2)]
    history, _ = fit(network(X, y), X, y, callbacks, optimizer=Momentum(0.1), epochs=9)
    assert history["learning_rate"] == [0.1 * share for share in RATES]


def test_the_plateau_schedule_is_the_same_rule_as_a_record():
    X, y = classes()
    rule = Momentum(PlateauSchedule(0.1, 0.5, patience=2, min_delta=1e9))  # nothing improves by so much
    history, _ = fit(network(X, y), X, y, [], optimizer=rule, epochs=7)
    assert history["learning_rate"] == [0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025]
    text = Momentum("reduce_on_plateau(0.1, factor=0.5, patience=2, min_delta=1e9)")
    other, _ = fit(network(X, y), X, y, [], optimizer=text, epochs=7)
    assert other["learning_rate"] == history["learning_rate"]


def test_plateaus_have_a_floor_and_an_own_direction():
    X, y = classes()
    rule = SGD(PlateauSchedule(0.1, 0.1, patience=1, min_delta=1e9, minimum=0.02))
    history, _ = fit(network(X, y), X, y, [], optimizer=rule, epochs=4)
    assert history["learning_rate"] == pytest.approx([0.1, 0.1, 0.02, 0.02])
    script = Scripted(validation_accuracy=[0.1, 0.2, 0.3, 0.4])
    plateau = ReduceOnPlateau("validation_accuracy", 0.5, patience=1)
    history, _ = fit(network(X, y), X, y, [script, plateau], optimizer=SGD(0.1), epochs=4, validation=0.2)
    assert history["learning_rate"] == [0.1] * 4, "a rising accuracy is no plateau"


def test_the_plateau_schedule_watches_validation_where_there_is_any():
    X, y = classes()
    rule = SGD(PlateauSchedule(0.1, 0.5, patience=1, min_delta=0))
    held = X, (y + 1) % 3  # what is wrong here: its loss rises
    history, _ = fit(network(X, y), X, y, [], optimizer=rule, epochs=6, validation=held)
    seen, rate, expected = np.inf, 0.1, []
    for loss in history["validation_loss"]:
        expected.append(rate)
        rate, seen = (rate, loss) if loss < seen else (rate * 0.5, seen)
    assert history["learning_rate"] == pytest.approx(expected) and expected[-1] < 0.1


def test_plateaus_scale_weight_decay_and_dropout():
    X, y = classes()
    rates, names = [], ["weight_decay", "dropout1", "dropout2", "dropout3"]

    class See(Callback):
        def on_epoch_begin(self, run):
            rates.append(tuple(run.value(name, run.state.epoch) for name in names))

    layers = [Dense(8, "tanh"), Dropout(PlateauSchedule(0.4, 0.5, patience=1, min_delta=1e9)), Dense(5, "tanh")]
    net = Network(4, [Dropout(0.1), *layers, Dropout(0.2), Dense(3, "softmax")])
    decay = ReduceOnPlateau("loss", 0.5, patience=2, min_delta=1e9, quantity="weight_decay")
    third = ReduceOnPlateau("loss", 0.0, patience=3, min_delta=1e9, quantity="dropout3")
    fit(net, X, y, [See(), decay, third], optimizer=SGD(0.1, weight_decay=0.01), epochs=5)
    assert rates == [
        (0.01, 0.1, 0.4, 0.2),
        (0.01, 0.1, 0.4, 0.2),
        (0.01, 0.1, 0.2, 0.2),
        (0.005, 0.1, 0.1, 0.2),
        (0.005, 0.1, 0.05, 0.0),
    ]
    with pytest.raises(InvalidParameterError, match="no dropout4: the network has 3"):
        fit(net, X, y, [ReduceOnPlateau("loss", quantity="dropout4")])


def test_dropout_that_a_plateau_has_ended_is_no_dropout():
    X, y = classes()
    with_it = Network(4, [Dense(8, "tanh"), Dropout(0.5), Dense(3, "softmax")])
    without = Network(4, [Dense(8, "tanh"), Dense(3, "softmax")])

    class Off(Callback):
        def on_train_begin(self, run):
            run.state.factors["dropout"] = 0.0

    fit(with_it, X, y, [Off()], epochs=3)
    fit(without, X, y, [], epochs=3)
    assert np.array_equal(vector(with_it), vector(without))


@pytest.mark.parametrize("monitor, value", [("validation_accuracy", 0.6), ("validation_loss", 0.9), ("loss", 0.9)])
def test_a_target_ends_the_run_at_the_first_epoch_that_reaches_it(monitor, value):
    X, y = classes(n=200)
    net = network(X, y)
    history, _ = fit(net, X, y, [TargetMetric(monitor, value)], optimizer=Adam(0.01), validation=0.3, epochs=300)
    reached = [v >= value if "accuracy" in monitor else v <= value for v in history[monitor]]
    assert reached.index(True) == len(reached) - 1
    assert history.stopped == f"{monitor} reached {value:g}" and history.finished


def test_a_time_budget_ends_a_run_and_a_long_epoch():
    X, y = classes(n=60_000, d=10)
    net = network(X, y)
    net.engine = ReferenceEngine()  # machine code is through before the time is up
    start = time.perf_counter()
    history = net.fit(X, y, batch_size=1, epochs=1, callbacks=[TimeBudget(0.3)])
    took = time.perf_counter() - start
    assert took < 2, "not an epoch of 60,000 steps"
    assert history.stopped == "time budget of 0.3 s is used up" and not history.finished
    assert history.epochs == 1 and np.isfinite(history["loss"][0])
    small = classes(n=20)
    history = network(*small).fit(*small, epochs=10**9, callbacks=[TimeBudget(0.2)])
    assert "time budget" in history.stopped and 0.02 < history.seconds < 2


def test_a_stop_by_a_users_callback_is_the_reason():
    X, y = classes()
    history, keep = fit(network(X, y), X, y, [StopAt(2), StopAt(2)])
    assert history.stopped == "the user's rule" and history.epochs == 2
    assert keep.calls[-2:] == ["train end", "close"]


@pytest.mark.parametrize(
    "hook, epochs, steps", [("on_train_begin", 0, 0), ("on_epoch_begin", 0, 0), ("on_batch_end", 1, 1)]
)
def test_a_run_can_be_stopped_in_any_hook(hook, epochs, steps):
    X, y = classes()
    stopper = type("Stopper", (Callback,), {hook: lambda self, run, *rest: run.stop("here")})()
    net = network(X, y)
    history, keep = fit(net, X, y, [stopper], batch_size=10)
    assert history.stopped == "here" and history.epochs == epochs and keep.run.state.step == steps


def test_callbacks_close_after_an_error_and_every_one_does():
    class Rude(Keep):
        def close(self, run):
            super().close(run)
            raise RuntimeError("close failed")

    X, y = classes()
    first, rude, last = Keep(), Rude(), Keep()
    with pytest.raises(RuntimeError, match="close failed"):
        network(X, y).fit(X, y, callbacks=[first, rude, last, StopAt(1, KeyboardInterrupt())])
    assert first.calls[-1] == last.calls[-1] == rude.calls[-1] == "close"
    with pytest.raises(KeyboardInterrupt):
        network(X, y).fit(X, y, callbacks=[first, StopAt(1, KeyboardInterrupt())])
    assert first.calls[-1] == "close"


def test_best_weights_include_the_running_statistics():
    from glassnet import BatchNorm

    X, Y = numbers()
    net = Network(4, [Dense(6, "relu", norm=BatchNorm()), Dense(1)])
    buffers = []

    class See(Callback):
        def on_epoch_end(self, run, record):
            buffers.append(run.state.buffers.copy())

    fit(net, X, Y, [Scripted(score=[3, 1, 2, 2]), EarlyStopping("score"), See()], epochs=4)
    assert np.array_equal(net.buffers.vector, buffers[1]) and not np.array_equal(buffers[1], buffers[3])


def test_a_dropout_schedule_that_reaches_1_is_refused():
    X, y = classes(n=20, K=2)
    net = Network(X.shape[1], [Dense(3, "tanh"), Dropout("exponential(0.5, factor=3)"), Dense(1, "sigmoid")])
    with pytest.raises(InvalidParameterError, match="keep it below 1"):
        net.fit(X, y, epochs=3)


def test_one_callback_may_stand_alone():
    X, y = classes(n=20)
    history = network(X, y).fit(X, y, epochs=9, callbacks=TargetMetric("loss", 1e9))
    assert history.epochs == 1
