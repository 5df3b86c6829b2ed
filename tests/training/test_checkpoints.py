"""Checkpoints: what is resumed ends with the very bits of a run that never stopped; what does not fit is refused."""

import itertools
import os
import time

import numpy as np
import pytest

from glassnet import (
    SGD,
    Adam,
    BatchNorm,
    Callback,
    Checkpoint,
    Cosine,
    Dense,
    Dropout,
    EarlyStopping,
    InvalidParameterError,
    ModelFileError,
    Momentum,
    NAdam,
    Network,
    RandomizedLeakyReLU,
    ReduceOnPlateau,
    ResumeError,
    TimeBudget,
    WriteError,
)
from glassnet.files.container import read_container, write_container
from glassnet.formulas.schedules import ReduceOnPlateau as PlateauSchedule
from training.problems import Keep, StopAt, classes, network, plain, vector

X, Y = classes(n=40)
CRASH = KeyboardInterrupt


def rich(seed=2):
    """Everything that has a state: masks, drawn slopes, running statistics."""
    layers = [
        Dense(8, "tanh", norm=BatchNorm()),
        Dropout(0.3),
        Dense(6, "identity"),
        RandomizedLeakyReLU(),
        Dense(3, "softmax"),
    ]
    return Network(4, layers, seed=seed, l2=1e-3)


OPTIONS = {
    "plain": {},
    "nadam": {"optimizer": NAdam(0.02), "batch_size": 7},
    "schedule": {"optimizer": Momentum(Cosine(0.1))},
    "clipped": {"optimizer": Adam(0.01), "clip_norm": 0.1, "validation": 0.25, "sample_weight": np.linspace(1, 2, 40)},
    "plateau": {"optimizer": SGD(PlateauSchedule(0.5, 0.5, patience=1, min_delta=0.05))},
}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("crash", [1, 3, 8])
def test_a_crashed_run_resumes_to_the_same_bits(name, crash, tmp_path):
    options, path = OPTIONS[name], tmp_path / "run"
    whole = rich()
    expected = whole.fit(X, Y, epochs=8, **options)
    with pytest.raises(CRASH):
        rich().fit(X, Y, epochs=8, callbacks=[Checkpoint(path, interval=0), Late(crash)], **options)
    net = rich()
    history = net.fit(X, Y, epochs=8, resume=path, **options)
    assert np.array_equal(vector(net), vector(whole))
    assert np.array_equal(net.buffers.vector, whole.buffers.vector)
    assert plain(history) == plain(expected) and list(history) == list(expected)
    assert (history.stopped, history.best_epoch) == (expected.stopped, expected.best_epoch)


class Late(Checkpoint):
    """A crash after the checkpoint of an epoch was written."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_train_begin(self, run):
        pass

    def on_epoch_end(self, run, record):
        if run.history.epochs == self.epoch:
            raise CRASH

    def on_train_end(self, run):
        pass


def test_resumed_dropout_masks_are_those_of_the_run_that_never_stopped(tmp_path):
    """The state at the end of each epoch is the same, one by one: the masks are too."""
    path, whole, first, second = tmp_path / "run", Keep(), Keep(), Keep()
    rich().fit(X, Y, epochs=6, callbacks=[whole])
    rich().fit(X, Y, epochs=3, callbacks=[first, Checkpoint(path)])
    rich().fit(X, Y, epochs=6, callbacks=[second], resume=path)
    assert len(first.weights + second.weights) == 6
    for mine, theirs in zip(first.weights + second.weights, whole.weights, strict=True):
        assert np.array_equal(mine, theirs)


@pytest.mark.parametrize("crash", range(1, 12))
def test_early_stopping_and_plateaus_go_on_after_a_resume(crash, tmp_path):
    def fit(**more):
        net, callbacks = network(X, Y, hidden=30), more.pop("callbacks", [])
        rules = [EarlyStopping(patience=4), ReduceOnPlateau(factor=0.5, patience=2)]
        history = net.fit(
            X, Y, optimizer=Adam(0.01), validation=0.4, epochs=100, callbacks=[*rules, *callbacks], **more
        )
        return net, history

    path = tmp_path / "run"
    whole, expected = fit()
    assert expected.finished and expected["learning_rate"][-1] < 0.01 and 4 < expected.epochs < 100
    with pytest.raises(CRASH):
        fit(callbacks=[Checkpoint(path, interval=0), Late(crash)])
    for _ in range(2):  # the second time the run is finished already
        net, history = fit(callbacks=[Checkpoint(path)], resume=path)
        assert np.array_equal(vector(net), vector(whole)) and plain(history) == plain(expected)
        assert history.stopped == expected.stopped and history.best_epoch == expected.best_epoch
        assert history.finished


def test_a_finished_run_does_nothing_when_resumed(tmp_path):
    path, keep = tmp_path / "run", Keep()
    net = rich()
    expected = net.fit(X, Y, epochs=3, callbacks=[Checkpoint(path)])
    other = rich()
    history = other.fit(X, Y, epochs=3, callbacks=[keep], resume=path)
    assert keep.weights == [] and np.array_equal(vector(net), vector(other))
    assert history.records == expected.records and history.stopped == "after 3 epochs"
    with pytest.raises(ResumeError, match="has done 3 epochs, more than epochs=2"):
        rich().fit(X, Y, epochs=2, resume=path)


def test_more_epochs_go_on_like_the_longer_run_unless_a_schedule_needs_to_know(tmp_path):
    path, rule = tmp_path / "run", SGD(Cosine(0.1))
    long, net = rich(), rich()
    long.fit(X, Y, epochs=7)
    rich().fit(X, Y, epochs=3, callbacks=[Checkpoint(path)])
    net.fit(X, Y, epochs=7, resume=path)
    assert np.array_equal(vector(net), vector(long))
    rich().fit(X, Y, epochs=3, optimizer=rule, callbacks=[Checkpoint(path)])
    with pytest.raises(ResumeError, match=r"epochs \(3 in the checkpoint, 7 now\)"):
        rich().fit(X, Y, epochs=7, optimizer=rule, resume=path)


def changed(array, value=0.125):
    out = np.array(array)
    out.flat[3] = value
    return out


@pytest.mark.parametrize(
    "words, options, make",
    [
        ("training data", {"X": changed(X)}, None),
        ("training data", {"y": changed(Y, (Y[3] + 1) % 3)}, None),
        ("training data", {"sample_weight": np.linspace(1, 2, 40)}, None),
        ("training data", {"class_weight": {0: 2.0}}, None),
        ("validation data", {"validation": (X[:10], Y[:10])}, None),
        (r"optimizer \(adam\(.*in the checkpoint, adam\(learning_rate=0.5", {"optimizer": Adam(0.5)}, None),
        (r"optimizer", {"optimizer": SGD(0.01)}, None),
        (r"batch size \(32 in the checkpoint, 31 now\)", {"batch_size": 31}, None),
        (r"clip norm \(None in the checkpoint, 1.0 now\)", {"clip_norm": 1.0}, None),
        ("metrics", {"metrics": ["accuracy"]}, None),
        (r"callbacks \( ?.*EarlyStopping", {"callbacks": [EarlyStopping("loss")]}, None),
        (r"seed \(2 in the checkpoint, 3 now\)", {}, lambda: rich(3)),
        ("network", {}, lambda: Network(4, [Dense(9, "tanh"), Dense(3, "softmax")], seed=2)),
        ("network", {}, lambda: Network(4, rich().architecture.layers, seed=2, l2=2e-3)),
    ],
)
def test_other_data_or_options_are_refused_and_named(words, options, make, tmp_path):
    path = tmp_path / "run"
    rich().fit(X, Y, epochs=2, callbacks=[Checkpoint(path)])
    net = (make or rich)()
    before = vector(net)
    data = {"X": X, "y": Y, **options}
    with pytest.raises(ResumeError, match=f"cannot resume from .*these are different: {words}"):
        net.fit(data.pop("X"), data.pop("y"), epochs=4, resume=path, **data)
    assert np.array_equal(vector(net), before), "nothing was loaded"


def test_all_differences_are_named_together(tmp_path):
    path = tmp_path / "run"
    rich().fit(X, Y, epochs=2, callbacks=[Checkpoint(path)])
    with pytest.raises(ResumeError, match=r"different: training data, batch size .*, seed .*; give the same"):
        rich(5).fit(changed(X), Y, epochs=2, batch_size=5, resume=path)


def test_files_that_are_no_whole_checkpoint_are_refused(tmp_path):
    path = tmp_path / "run"
    net = rich()
    net.fit(X, Y, epochs=2, callbacks=[Checkpoint(path), EarlyStopping("loss")])

    def refused(match):
        other = rich()
        before = vector(other)
        with pytest.raises(ModelFileError, match=match):
            other.fit(X, Y, resume=path, callbacks=[EarlyStopping("loss")])
        assert np.array_equal(vector(other), before)

    whole = path.read_bytes()
    box = read_container(path)
    for length in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused("empty|cut short")
    path.write_bytes(whole[:-5] + b"\0" + whole[-4:])
    refused("damaged")
    net.save(path)
    refused("is a network: open it with glassnet.Network.load")
    for name in ("theta", "slots", "carried", "best.theta", "best.buffers"):
        write_container(path, {**box.tensors, name: np.zeros(3)}, box.document, kind="checkpoint")
        refused(f"tensor {name} does not fit")
        missing = {k: v for k, v in box.tensors.items() if k != name}
        if name != "best.theta":
            write_container(path, missing, box.document, kind="checkpoint")
            refused(f"tensor {name} does not fit")
    for change in ({"epoch": -1}, {"step": "three"}, {"rows": 3}, {"rows": []}, {"columns": ["loss"]}, {"more": 1}):
        write_container(path, box.tensors, {**box.document, **change}, kind="checkpoint")
        refused("is not a checkpoint that this version reads")
    path.unlink()
    refused("there is no such file")


def test_a_path_that_cannot_be_written_fails_before_the_first_epoch(tmp_path):
    (tmp_path / "readonly").write_text("x")
    (tmp_path / "readonly").chmod(0o444)
    for path, words in (
        (tmp_path / "no" / "run", "there is no folder"),
        (tmp_path, "it is a folder"),
        (tmp_path / "readonly", "read-only"),
        ("/dev/null", "device"),
    ):
        keep, net = Keep(), rich()
        before = vector(net)
        with pytest.raises(WriteError, match=words):
            net.fit(X, Y, callbacks=[keep, Checkpoint(path)])
        assert keep.weights == [] and np.array_equal(vector(net), before)


def test_a_save_that_fails_is_an_error_and_the_old_checkpoint_stays_whole(tmp_path, monkeypatch):
    path, net = tmp_path / "run", rich()
    saved = []

    class Full(Callback):
        def on_epoch_end(self, run, record):
            if run.history.epochs == 3:
                saved.append(path.read_bytes())

                def full(descriptor):
                    raise OSError(28, "No space left on device")

                monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(WriteError, match=r"cannot write .*No space left on device"):
        net.fit(X, Y, epochs=5, callbacks=[Full(), Checkpoint(path, interval=0)])
    monkeypatch.undo()
    assert path.read_bytes() == saved[0] and [p.name for p in tmp_path.iterdir()] == ["run"]
    whole, again = rich(), rich()
    whole.fit(X, Y, epochs=5)
    again.fit(X, Y, epochs=5, resume=path)
    assert np.array_equal(vector(whole), vector(again))


class Count(Checkpoint):
    def _save(self, run):
        super()._save(run)
        times.append((time.monotonic(), run.history.epochs, run.at_epoch_end))


times = []


def test_at_most_one_checkpoint_in_an_interval(tmp_path):
    times.clear()
    small = X[:4], Y[:4]
    start = time.monotonic()
    rich().fit(*small, epochs=10**9, callbacks=[Count(tmp_path / "run", interval=0.2), TimeBudget(0.9)])
    moments = [start, *(t for t, _, _ in times[:-1])]  # the last one is the end of the run
    assert 2 <= len(times) <= 6
    assert all(b - a >= 0.2 for a, b in itertools.pairwise(moments))
    assert Checkpoint("x").interval == 1.0
    with pytest.raises(InvalidParameterError, match="interval"):
        Checkpoint("x", interval=-1)


def test_a_run_stopped_inside_an_epoch_leaves_the_checkpoint_of_the_last_whole_one(tmp_path):
    path = tmp_path / "run"

    class Inside(Callback):
        def on_batch_end(self, run, loss):
            if run.state.step == 13:  # 4 steps an epoch: the first of the fourth
                run.stop("enough", final=False)

    whole = rich()
    expected = whole.fit(X, Y, epochs=6, batch_size=10)
    net = rich()
    broken = net.fit(X, Y, epochs=6, batch_size=10, callbacks=[Inside(), Checkpoint(path, interval=0)])
    assert broken.stopped == "enough" and broken.epochs == 4 and not broken.finished
    box = read_container(path)
    assert (box.document["epoch"], box.document["step"], len(box.document["rows"])) == (3, 12, 3)
    history = net.fit(X, Y, epochs=6, batch_size=10, resume=path)
    assert np.array_equal(vector(net), vector(whole)) and plain(history) == plain(expected)


def test_a_used_up_time_budget_does_not_harm_the_checkpoint(tmp_path):
    path = tmp_path / "run"
    rich().fit(X, Y, epochs=3, callbacks=[Checkpoint(path, interval=0)])
    history = rich().fit(
        X, Y, epochs=9, batch_size=32, callbacks=[Checkpoint(path, interval=0), TimeBudget(1e-9)], resume=path
    )
    assert "time budget" in history.stopped
    whole, net = rich(), rich()
    whole.fit(X, Y, epochs=9)
    net.fit(X, Y, epochs=9, resume=path)
    assert np.array_equal(vector(whole), vector(net))


def test_a_checkpoint_holds_the_reason_of_a_run_that_has_ended(tmp_path):
    path = tmp_path / "run"
    with pytest.raises(CRASH):  # killed after the rule had spoken, before the run was over
        rich().fit(X, Y, epochs=9, callbacks=[StopAt(2), Checkpoint(path, interval=0), Late(2)])
    history = rich().fit(X, Y, epochs=9, callbacks=[StopAt(2)], resume=path)
    assert history.stopped == "the user's rule" and history.epochs == 2 and history.finished


def test_counters_of_a_users_callback_are_kept(tmp_path):
    path = tmp_path / "run"

    class Mine(Callback):
        def on_epoch_end(self, run, record):
            seen = run.counters(self)
            seen["calls"] = seen.get("calls", 0) + np.float32(1)
            seen["nothing"] = None
            record["calls"] = float(seen["calls"])

    rich().fit(X, Y, epochs=3, callbacks=[Mine(), Checkpoint(path)])
    history = rich().fit(X, Y, epochs=5, callbacks=[Mine()], resume=path)
    assert history["calls"] == [1, 2, 3, 4, 5]

    class Wrong(Callback):
        def on_epoch_end(self, run, record):
            run.counters(self)["calls"] = "many"

    with pytest.raises(InvalidParameterError, match="must hold numbers"):
        rich().fit(X, Y, epochs=3, callbacks=[Wrong(), Checkpoint(path)])


def test_a_checkpoint_has_no_names_that_are_private_to_a_machine(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    for path in (a, b):
        rich().fit(X, Y, epochs=2, callbacks=[Checkpoint(path)])
    assert str(tmp_path).encode() not in a.read_bytes()
    first, second = read_container(a), read_container(b)
    for row in first.document["rows"] + second.document["rows"]:
        row.pop(first.document["columns"].index("seconds"))
    assert first.document == second.document
