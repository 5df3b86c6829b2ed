"""A session's training: the numbers of Network.fit; steps back to the same bits; changes that keep what stays."""

import numpy as np
import pytest

from glassnet import Network, optimizer
from glassnet.network.parameters import parameter_layout
from glassnet.playground.limits import LIMITS, RefusedError
from glassnet.playground.trainer import StoppedError
from playing import trainer

DIVERGING = {
    "loss": "squared_error",
    "output_activation": "identity",
    "layers": [{"units": 4, "activation": "relu"}],
    "optimizer": {"name": "sgd", "learning_rate": 1e6},
}


def bits(subject) -> bytes:
    """All that training changes, byte by byte."""
    moment = subject.moment()
    arrays = (moment.theta, moment.buffers, moment.slots, moment.carried)
    return b"".join(array.tobytes() for array in arrays) + repr((moment.step, moment.first)).encode()


def tensors(subject) -> dict[str, np.ndarray]:
    views = parameter_layout(subject.problem.architecture).views(subject.state.theta)
    return {name: view.copy() for name, view in views.items()}


def network_of(subject) -> Network:
    """The network that people would build in Python for the same setup."""
    a = subject.problem.architecture
    return Network(a.inputs, a.layers, a.loss, l1=a.l1, l2=a.l2, seed=subject.setup.seed)


# --- the same numbers as fit ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "partial",
    [
        {},
        {"batch_size": 1000},
        {"batch_size": 1, "optimizer": {"name": "sgd"}},
        {"layers": [{"units": 5, "dropout": 0.3}, {"units": 4, "activation": "relu", "batch_norm": True}], "seed": 7},
        {"schedule": {"name": "cosine"}, "stop": {"epoch": 6}, "clip_norm": 0.1, "l1": 1e-3, "l2": 1e-2},
        {"data": {"kind": "table", "table": "iris"}, "optimizer": {"name": "nadam"}},
        {"data": {"kind": "function"}, "initializer": "normal"},
    ],
    ids=["plain", "full batch", "single examples", "dropout and norm", "schedule", "table", "function"],
)
def test_training_gives_the_bits_of_fit(partial):
    subject = trainer(partial)
    network = network_of(subject)
    if subject.setup.initializer != "auto":
        network.parameters.vector[:] = subject.state.theta  # fit begins where the session does
    assert network.parameters.vector.tobytes() == subject.state.theta.tobytes()
    data, setup = subject.problem.dataset, subject.setup
    network.fit(
        data.X,
        data.y,
        optimizer=optimizer(str(subject.problem.program.optimizer)),
        batch_size=setup.batch_size,
        epochs=6,
        clip_norm=setup.clip_norm,
    )
    subject.step("epoch", 6)
    assert network.parameters.vector.tobytes() == subject.state.theta.tobytes()
    assert network.buffers.vector.tobytes() == subject.state.buffers.tobytes()
    theta, buffers = network.parameters.vector, network.buffers.vector
    assert (
        subject.rows[-1][1] == network.engine.evaluate(network.architecture, theta, buffers, subject.problem.train)[0]
    )


def test_the_cut_into_slices_changes_no_bit():
    long, short = trainer(), trainer()
    long.step("epoch", 9)
    for _ in range(9 * short.slices.per_epoch):
        short.step("batch")
    assert bits(long) == bits(short)


def test_the_score_is_scikit_learn_s():
    from sklearn.metrics import accuracy_score, r2_score

    for partial, judge in (({}, accuracy_score), ({"data": {"kind": "plane"}}, r2_score)):
        subject = trainer(partial)
        subject.step("epoch", 3)
        data = subject.problem.dataset
        found = network_of(subject)
        found.parameters.vector[:] = subject.state.theta
        predicted = found.predict_classes(data.X_test) if data.classes else found.predict(data.X_test)
        assert subject.rows[-1][4] == pytest.approx(judge(data.y_test, predicted))


# --- steps back -------------------------------------------------------------------------------------------------------

STATEFUL = {"layers": [{"units": 4, "dropout": 0.2, "batch_norm": True}], "optimizer": {"name": "adam"}}


@pytest.mark.parametrize("unit", ["batch", "epoch"])
@pytest.mark.parametrize("frames", [True, False], ids=["with keyframes", "from the beginning"])
def test_a_step_back_gives_the_same_bits(unit, frames):
    subject = trainer(STATEFUL)
    passed = [bits(subject)]
    for _ in range(7):
        subject.step(unit)
        passed.append(bits(subject))
    if not frames:
        del subject.keyframes[1:]
    for before in reversed(passed[:-1]):
        subject.back(unit)
        assert bits(subject) == before
    for after in passed[1:]:
        subject.step(unit)
        assert bits(subject) == after


def test_many_steps_back_at_once_and_forth_again():
    subject = trainer(STATEFUL)
    subject.step("batch", 5)
    five = bits(subject)
    subject.step("epoch", 200)
    far, rows = bits(subject), len(subject.rows)
    subject.back("batch", subject.first - 5)
    assert bits(subject) == five
    assert len(subject.rows) < rows and all(row[0] <= subject.epoch for row in subject.rows)
    subject.step("epoch", 200)
    assert bits(subject) == far


def test_back_by_epochs_goes_to_the_beginning_of_the_epoch_first():
    subject = trainer()
    subject.step("epoch", 2)
    two = bits(subject)
    subject.step("batch", 1)
    subject.back("epoch")
    assert bits(subject) == two


def test_there_is_nothing_before_the_first_step():
    subject = trainer()
    for unit in ("example", "batch", "epoch"):
        with pytest.raises(RefusedError, match="no steps before"):
            subject.back(unit)
    subject.step("batch", 2)
    subject.back("batch", 100)
    assert subject.first == 0


def test_examples_are_those_of_the_next_batch_and_the_last_one_moves_the_weights():
    subject = trainer()
    rows, start = subject.batch().tolist(), bits(subject)
    assert len(rows) == 8 and len(set(rows)) == 8
    for position in range(1, 8):
        subject.step("example")
        assert subject.example is not None
        assert (subject.example.row, subject.example.position, subject.example.updated) == (
            rows[position - 1], position, False,
        )  # fmt: skip
        assert bits(subject) == start
    subject.step("example")
    assert subject.example is not None and subject.example.updated and subject.example.row == rows[7]
    moved = bits(subject)
    other = trainer()
    other.step("batch")
    assert moved == bits(other) != start
    subject.back("example")
    assert bits(subject) == start and subject.example is not None and subject.example.position == 7
    for _ in range(7):
        subject.back("example")
    assert subject.example is None
    subject.step("example", 8)
    assert bits(subject) == moved


def test_a_batch_of_one_moves_at_every_example():
    subject = trainer({"batch_size": 1})
    subject.step("example", 3)
    assert subject.first == 3


def test_keyframes_stay_within_their_bounds():
    subject = trainer()
    for _ in range(3 * LIMITS.keyframes):
        subject.step("batch")
    assert len(subject.keyframes) <= LIMITS.keyframes
    assert subject.keyframes[0].first == 0
    assert [f.first for f in subject.keyframes] == sorted(f.first for f in subject.keyframes)


# --- edits, changes, undo ---------------------------------------------------------------------------------------------


def test_an_edit_sets_one_number_and_undo_takes_it_back():
    subject = trainer()
    subject.step("epoch")
    before, losses = bits(subject), subject.rows[-1]
    subject.edit("W1", (2, 1), 4.5)
    assert tensors(subject)["W1"][2, 1] == 4.5
    assert subject.rows[-1][1] != losses[1] and subject.rows[-1][0] == losses[0]
    assert subject.can_undo == "edit of W1[2,1]"
    subject.step("epoch", 2)
    with pytest.raises(RefusedError, match=r"undo goes to before the edit of W1\[2,1\]"):
        subject.back("epoch", 2)
        subject.back("epoch", 1)
    assert subject.undo() == "edit of W1[2,1]"
    assert bits(subject) == before and subject.rows[-1] == losses
    subject.back("epoch")
    assert subject.first == 0


@pytest.mark.parametrize(
    ("tensor", "index", "value", "field"),
    [
        ("W9", (0, 0), 1.0, "tensor"),
        ("W1", (3, 0), 1.0, "index"),
        ("W1", (0,), 1.0, "index"),
        ("b1", (0, 0), 1.0, "index"),
        ("W1", (-1, 0), 1.0, "index"),
        ("W1", (0, 0), 1e39, "value"),
        ("W1", (0, 0), float("nan"), "value"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_and_changes_nothing(tensor, index, value, field):
    subject = trainer()
    before = bits(subject)
    with pytest.raises(RefusedError) as caught:
        subject.edit(tensor, index, value)
    assert caught.value.field == field and bits(subject) == before and not subject.marks


def test_a_dragged_control_makes_one_mark():
    subject = trainer()
    start = bits(subject)
    for value in (1.0, 2.0, 3.0):
        subject.edit("b1", (0,), value)
    subject.undo()
    assert bits(subject) == start and subject.can_undo is None


def test_undo_goes_back_through_all_kinds_of_changes():
    subject = trainer()
    states = [bits(subject)]
    for act in (
        lambda: subject.change({"layers": [{"units": 5}, {"units": 2}]}),
        lambda: subject.edit("b2", (1,), -2.0),
        subject.new_weights,
        lambda: subject.change({"data": {"kind": "xor"}, "optimizer": {"name": "sgd"}}),
        subject.reset,
    ):
        act()
        states.append(bits(subject))
    for before in reversed(states[:-1]):
        subject.undo()
        assert bits(subject) == before
    with pytest.raises(RefusedError, match="nothing to undo"):
        subject.undo()
    assert subject.setup == trainer().setup


def test_reset_returns_to_the_same_weights_and_new_weights_do_not():
    subject = trainer()
    start = bits(subject)
    subject.step("epoch", 3)
    subject.reset()
    assert bits(subject) == start and subject.epoch == 0 and len(subject.rows) == 1
    subject.new_weights()
    assert bits(subject) != start and subject.setup.seed == 1
    other = trainer({"seed": 1})
    assert bits(subject) == bits(other)


def test_more_units_keep_the_weights_of_those_that_stay():
    subject = trainer({"layers": [{"units": 3}, {"units": 2}]})
    subject.step("epoch", 3)
    old, slots = tensors(subject), subject.state.slots.copy()
    subject.change({"layers": [{"units": 5}, {"units": 2}]})
    new = tensors(subject)
    assert np.array_equal(new["W1"][:3], old["W1"]) and np.array_equal(new["b1"][:3], old["b1"])
    assert np.array_equal(new["W2"][:, :3], old["W2"]) and np.array_equal(new["W3"], old["W3"])
    fresh = tensors(trainer({"layers": [{"units": 5}, {"units": 2}]}))
    assert np.array_equal(new["W1"][3:], fresh["W1"][3:])
    views = parameter_layout(subject.problem.architecture).views(subject.state.slots[0])
    kept = parameter_layout(trainer({"layers": [{"units": 3}, {"units": 2}]}).problem.architecture).views(slots[0])
    assert np.array_equal(views["W1"][:3], kept["W1"]) and not views["W1"][3:].any()
    assert subject.epoch == 3


def test_a_layer_in_between_keeps_those_before_and_behind():
    subject = trainer({"layers": [{"units": 3}, {"units": 4, "activation": "relu"}]})
    subject.step("epoch")
    old = tensors(subject)
    subject.change({"layers": [{"units": 3}, {"units": 6}, {"units": 4, "activation": "relu"}]})
    new = tensors(subject)
    assert np.array_equal(new["W1"], old["W1"])
    assert np.array_equal(new["b3"], old["b2"]) and np.array_equal(new["W4"], old["W3"])
    subject.change({"layers": [{"units": 3}, {"units": 4, "activation": "relu"}]})
    assert np.array_equal(tensors(subject)["W1"], old["W1"]) and np.array_equal(tensors(subject)["W3"], old["W3"])


def test_inputs_keep_their_weights_by_name():
    subject = trainer()
    subject.step("epoch")
    old = tensors(subject)
    subject.change({"inputs": ["x2", "x1^2", "x1"]})
    new = tensors(subject)
    assert np.array_equal(new["W1"][:, 0], old["W1"][:, 1]) and np.array_equal(new["W1"][:, 2], old["W1"][:, 0])


def test_a_learning_rate_changed_on_the_way_goes_on_with_the_optimizer_s_memory():
    subject = trainer()
    subject.step("epoch", 2)
    slots, carried = subject.state.slots.copy(), subject.state.carried.copy()
    subject.change({"optimizer": {"learning_rate": 0.001}})
    assert np.array_equal(subject.state.slots, slots) and np.array_equal(subject.state.carried, carried)
    subject.change({"optimizer": {"name": "nadam"}})
    assert not subject.state.slots.any()


def test_another_batch_size_goes_on_at_the_next_epoch():
    subject = trainer()
    subject.step("batch", subject.slices.per_epoch + 1)
    subject.change({"batch_size": 5})
    assert subject.epoch == 2


def test_a_change_that_cannot_be_changes_nothing():
    subject = trainer()
    before, number = bits(subject), subject.number
    with pytest.raises(RefusedError):
        subject.change({"layers": [{"units": 5}], "loss": "hinge"})
    assert bits(subject) == before and subject.number == number and not subject.marks


def test_undo_s_memory_is_bounded(monkeypatch):
    subject = trainer()
    for i in range(LIMITS.undo + 20):
        subject.edit("b1", (i % 3,), float(i))
    assert len(subject.marks) == LIMITS.undo


# --- NaN --------------------------------------------------------------------------------------------------------------


def test_a_nan_stops_at_the_last_finite_state_names_its_tensor_and_can_be_undone():
    subject = trainer(DIVERGING)
    start = bits(subject)
    with pytest.raises(StoppedError) as caught:
        subject.step("epoch", 50)
    assert np.all(np.isfinite(subject.state.theta))
    assert subject.first_bad == caught.value.tensor
    network = network_of(subject)
    data = subject.problem.dataset
    from glassnet import DivergenceError

    with pytest.raises(DivergenceError) as fits:
        network.fit(data.X, data.y, optimizer=optimizer("sgd(1e6)"), batch_size=8, epochs=50)
    if caught.value.tensor != "loss":  # the step that fit could not take either
        assert (caught.value.tensor, subject.first + 1) == (fits.value.tensor, fits.value.step)
    assert subject.can_undo == "the steps that ended in NaN"
    subject.undo()
    assert bits(subject) == start and subject.first_bad is None
    assert all(np.isfinite(row).all() for row in map(np.array, subject.rows))


def test_the_history_never_holds_a_nan_and_stays_short():
    subject = trainer({"stop": {"loss": -1.0}})
    for _ in range(300):
        subject.advance(1)
    assert np.all(np.isfinite(np.array(subject.rows)))
    from glassnet.playground import scores as module

    for _ in range(module.ROWS):
        subject.advance(1)
    assert len(subject.rows) <= module.ROWS + 1 and subject.rows[0][0] == 0
