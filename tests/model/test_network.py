"""Network: what people hold."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet import (
    SGD,
    Adam,
    ArchitectureError,
    BatchNorm,
    DataError,
    Dense,
    Dropout,
    InvalidParameterError,
    ModelFileError,
    Network,
    RandomizedLeakyReLU,
    WriteError,
    check_gradients,
)
from glassnet.engines.reference import ReferenceEngine
from glassnet.files.container import read_container, write_container
from training.problems import classes, network, numbers, vector

X, Y = classes(n=30)


def full(**options):
    layers = [
        Dense(6, "tanh", norm=BatchNorm()),
        Dropout(0.3),
        Dense(5, "identity"),
        RandomizedLeakyReLU(),
        Dense(3, "softmax", bias=False),
    ]
    return Network(4, layers, **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_saved_network_comes_back_bit_for_bit(dtype, tmp_path):
    net = full(dtype=dtype, seed=2**62, l1=1e-3, l2=1 / 3, label_smoothing=0.1, frozen=["W2"], reduction="sum")
    net.fit(X, Y, epochs=3)
    assert not np.array_equal(net.buffers["mean1"], np.zeros(6))
    path = tmp_path / "net.glassnet"
    net.save(path)
    other = Network.load(path)
    assert other.architecture == net.architecture and other.seed == net.seed and repr(other) == repr(net)
    assert vector(other).tobytes() == vector(net).tobytes()
    assert other.buffers.vector.tobytes() == net.buffers.vector.tobytes()
    assert other.predict(X).tobytes() == net.predict(X).tobytes()
    again = tmp_path / "again.glassnet"
    other.save(again)
    assert again.read_bytes() == path.read_bytes()
    a, b = net.fit(X, Y, epochs=2), other.fit(X, Y, epochs=2)
    assert a["loss"] == b["loss"] and np.array_equal(vector(net), vector(other)), "training goes on alike"


@settings(max_examples=12)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["relu", "tanh", "elu"]), st.booleans()), max_size=3),
    st.sampled_from([("softmax", 3), ("sigmoid", 2), ("identity", 1)]),
    st.integers(0, 2**63 - 1),
    st.sampled_from(["float32", "float64"]),
)
def test_any_network_survives_its_file(tmp_path_factory, hidden, output, seed, dtype):
    layers = [Dense(units, g, norm=BatchNorm() if norm else None) for units, g, norm in hidden]
    net = Network(3, [*layers, Dense(output[1], output[0])], seed=seed, dtype=dtype)
    path = tmp_path_factory.mktemp("nets") / "net.glassnet"
    net.save(path)
    other = Network.load(path)
    assert other.architecture == net.architecture and vector(other).tobytes() == vector(net).tobytes()


def test_files_that_are_no_consistent_network_are_refused(tmp_path):
    net, path = full(), tmp_path / "net.glassnet"
    net.save(path)
    box = read_container(path)

    def refused(match, tensors=None, **document):
        changes = {**box.document, **document}
        write_container(path, box.tensors if tensors is None else tensors, changes, kind="network")
        with pytest.raises(ModelFileError, match=match):
            Network.load(path)

    architecture = box.document["architecture"]
    rest = {k: v for k, v in box.tensors.items() if k != "W2"}
    refused("tensor W2 is missing", rest)
    refused("tensor W9 is not of this network", {**box.tensors, "W9": np.zeros(1)})
    refused("tensor W2 should be float32 \\(5, 6\\), is float32 \\(6, 5\\)", {**rest, "W2": box.tensors["W2"].T})
    refused("tensor W2 should be float32", {**rest, "W2": box.tensors["W2"].astype("float64")})
    for seed in (-1, 2**63, 1.5, "0", None):
        refused("not a network that this version reads", seed=seed)
    refused("not a network that this version reads", other=1)
    for change in (
        {"inputs": 0},
        {"loss": "nonsense"},
        {"layers": []},
        {"dtype": "int8"},
        {"frozen": ["W9"]},
        {"new": 1},
    ):
        refused("the network in it is not consistent", architecture={**architecture, **change})
    with pytest.raises(ModelFileError, match="there is no such file"):
        Network.load(tmp_path / "no.glassnet")
    with pytest.raises(WriteError, match="there is no folder"):
        net.save(tmp_path / "no" / "net.glassnet")


def test_a_network_of_numpy_numbers_can_be_saved(tmp_path):
    net = Network(np.int64(4), [Dense(np.int32(3), "softmax")], seed=np.int64(7), l2=np.float64(0.1))
    net.save(tmp_path / "a")
    Network(4, [Dense(3, "softmax")], seed=7, l2=0.1).save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_trace_holds_every_number_by_name_and_changes_nothing():
    net = network(X, Y, l2=0.1)
    before = vector(net)
    forward = net.trace(X)
    assert list(forward) == ["a0", "z1", "a1", "z2", "a2"]
    trace = net.trace(X, Y, optimizer=SGD(0.5))
    assert list(trace) == [
        *["a0", "z1", "a1", "z2", "a2", "losses", "penalty", "loss", "dL_da2", "delta2", "dL_da1", "g1", "delta1"],
        *["dW1", "db1", "dW2", "db2", "W1_new", "b1_new", "W2_new", "b2_new"],
    ]
    W1, b1, W2, b2 = (net.parameters[name] for name in ("W1", "b1", "W2", "b2"))
    np.testing.assert_allclose(trace["z1"], X @ W1.T + b1)
    np.testing.assert_allclose(trace["a1"], np.tanh(trace["z1"]))
    np.testing.assert_allclose(trace["z2"], trace["a1"] @ W2.T + b2)
    np.testing.assert_allclose(trace["a2"].sum(axis=1), 1)
    np.testing.assert_allclose(trace["delta2"], (trace["a2"] - np.eye(3)[Y]) / 30)
    np.testing.assert_allclose(trace["delta1"], (trace["delta2"] @ W2) * (1 - trace["a1"] ** 2))
    np.testing.assert_allclose(trace["dW2"], trace["delta2"].T @ trace["a1"] + 0.1 * W2)
    np.testing.assert_allclose(trace["W1_new"], W1 - 0.5 * trace["dW1"])
    assert trace["penalty"] == pytest.approx(0.05 * (np.sum(W1**2) + np.sum(W2**2)))
    assert trace["loss"] == pytest.approx(np.mean(trace["losses"]) + trace["penalty"])
    assert np.array_equal(vector(net), before)


def test_the_first_step_of_training_is_the_update_of_the_trace():
    net = network(X, Y)
    trace = net.trace(X, Y, optimizer=Adam(0.1))
    net.fit(X, Y, optimizer=Adam(0.1), batch_size=30, epochs=1)
    for name, value in net.parameters.items():
        np.testing.assert_allclose(value, trace[f"{name}_new"], rtol=1e-9)


def test_a_training_trace_draws_masks_and_leaves_the_running_statistics_alone():
    net = full()
    buffers = net.buffers.vector.copy()
    trace = net.trace(X, Y, training=True)
    assert {"zhat1", "s1", "mask1", "d1", "slope2", "r2", "dgamma1", "dbeta1"} <= set(trace)
    np.testing.assert_allclose(trace["zhat1"].mean(axis=0), 0, atol=1e-5)
    assert np.array_equal(net.buffers.vector, buffers)
    assert "mask1" not in net.trace(X, Y)
    assert np.array_equal(trace["mask1"], net.trace(X, Y, training=True)["mask1"])


def test_loss_and_gradient_have_the_shapes_of_the_parameters_and_their_values():
    net = network(X, Y, l2=0.3)
    weights = np.linspace(0, 2, 30)
    value, gradient = net.loss_and_gradient(X, Y, weights)
    assert {name: g.shape for name, g in gradient.items()} == {name: p.shape for name, p in net.parameters.items()}
    assert value == pytest.approx(net.loss(X, Y, weights), rel=1e-12)
    h = 1e-6
    for name in gradient:
        view = net.parameters[name]
        index = (0,) * view.ndim
        old = view[index]
        view[index] = old + h
        up = net.loss(X, Y, weights)
        view[index] = old - h
        down = net.loss(X, Y, weights)
        view[index] = old
        assert gradient[name][index] == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-9)
    assert check_gradients(net, X, Y, weights).passed


def test_parameters_are_views_that_can_be_assigned():
    net = network(X, Y)
    net.parameters["b1"] = [1, 2, 3, 4, 5]
    assert net.parameters["b1"].tolist() == [1, 2, 3, 4, 5]
    net.parameters["W1"][0, 0] = 7
    assert net._theta[0] == 7
    with pytest.raises(InvalidParameterError, match=re.escape("b1 has shape (5,), got values of shape (2,)")):
        net.parameters["b1"] = [1, 2]
    with pytest.raises(InvalidParameterError, match=r"no tensor 'w1'.*there are: W1, b1, W2, b2"):
        net.parameters["w1"]


def test_predictions_of_a_row_do_not_depend_on_the_others():
    net = full()
    whole = net.predict(X)
    assert whole.shape == (30, 3) and np.array_equal(net.predict_classes(X), whole.argmax(1))
    for i in range(5):
        assert net.predict(X[i : i + 1]).tobytes() == whole[i : i + 1].tobytes()


def test_repr_and_summary():
    assert repr(network(X, Y)).startswith("Network(4-5-3, cross_entropy, 43 parameters, float64, engine=")
    assert "43" in network(X, Y).summary()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"seed": -1}, "seed must be a whole number from 0 to 2^63 - 1, got -1"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"seed": True}, "seed must be a whole number"),
        ({"seed": 2**63}, "seed must be a whole number"),
        ({"engine": "warp"}, "unknown engine 'warp'"),
        ({"loss": "nonsense"}, "unknown loss 'nonsense'"),
        ({"reduction": "max"}, "reduction must be one of"),
        ({"l2": -1}, "l2 must be a number >= 0"),
        ({"frozen": ["W7"]}, "frozen names no tensor or layer 'W7'"),
    ],
)
def test_refused_networks(options, message):
    with pytest.raises(InvalidParameterError, match=re.escape(message)):
        Network(2, [Dense(1, "sigmoid")], **options)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"batch_size": 0}, "batch_size must be a whole number >= 1, got 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number >= 1, got 2.5"),
        ({"epochs": 0}, "epochs must be a whole number >= 1, got 0"),
        ({"epochs": "ten"}, "epochs must be a whole number >= 1, got 'ten'"),
        ({"clip_norm": 0}, "clip_norm must be a finite number > 0 or None, got 0"),
        ({"clip_value": float("inf")}, "clip_value must be a finite number > 0 or None, got inf"),
        ({"clip_norm": "much"}, "clip_norm must be a finite number > 0 or None, got 'much'"),
        ({"optimizer": "adm"}, "unknown optimizer 'adm'; did you mean 'adam'?"),
        ({"optimizer": "adam(rate=1)"}, "adam takes learning_rate, weight_decay, beta_1"),
    ],
)
def test_refused_options_of_fit_leave_the_network_alone(options, message):
    net = network(X, Y)
    before = vector(net)
    with pytest.raises(InvalidParameterError, match=re.escape(message)):
        net.fit(X, Y, **options)
    assert np.array_equal(vector(net), before)


def test_what_has_no_derivative_cannot_be_trained_but_traced():
    net = Network(2, [Dense(3, "step"), Dense(1)])
    with pytest.raises(ArchitectureError, match="derivative 0"):
        net.fit(np.eye(2), [0, 1])
    with pytest.raises(ArchitectureError, match="derivative 0"):
        net.loss_and_gradient(np.eye(2), [0, 1])
    assert "loss" in net.trace(np.eye(2), [0, 1])


def test_a_perceptron_learns_and():
    net = Network(2, [Dense(1, "step")], loss="perceptron")
    A = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    net.fit(A, [0, 0, 0, 1], optimizer=SGD(0.5), batch_size=1, epochs=50)
    assert net.predict_classes(A).tolist() == [0, 0, 0, 1]


def test_fit_goes_on_from_the_present_weights():
    A, B = numbers()
    net = Network(4, [Dense(1)], dtype="float64")
    first = net.fit(A, B, epochs=20, optimizer=SGD(0.01))
    second = net.fit(A, B, epochs=20, optimizer=SGD(0.01))
    assert second["loss"][0] < first["loss"][-1] < first["loss"][0]


def test_data_are_not_changed_and_errors_are_ours():
    A, B = X.copy(), Y.copy()
    A.setflags(write=False)
    B.setflags(write=False)
    network(X, Y).fit(A, B, epochs=1)
    with pytest.raises(DataError, match="X must have shape"):
        network(X, Y).predict(X[:, :2])


def test_threads_are_checked_handed_on_and_no_part_of_the_file(tmp_path):
    for wrong in (0, -1, 1.5, True, "2"):
        with pytest.raises(InvalidParameterError, match=r"threads must be a whole number >= 1, got"):
            Network(2, [Dense(1)], threads=wrong)
    seen = []

    class Spy(ReferenceEngine):
        def begin(self, program, state, data):
            seen.append(program.threads)
            return super().begin(program, state, data)

    for threads in (None, 3):
        net = Network(2, [Dense(1)], threads=threads)
        net.engine = Spy()
        net.fit(np.eye(2), [0.0, 1.0], epochs=1)
        net.save(tmp_path / f"{threads}")
        assert net.threads == threads and Network.load(tmp_path / f"{threads}").threads is None
    assert seen == [None, 3]
    assert (tmp_path / "None").read_bytes() == (tmp_path / "3").read_bytes()


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("rows", [1, 7, 500, 40_000])
def test_inputs_that_are_not_finite_are_refused_wherever_they_stand(engine, rows):
    net = Network(64, [Dense(64, "relu"), Dense(2, "softmax")], engine=engine)
    A = np.random.default_rng(0).standard_normal((rows, 64), dtype=np.float32)
    before = net.predict(A)
    for row, number in ((rows - 1, np.nan), (rows // 2, np.inf), (0, -np.inf)):
        spoilt = A.copy()
        spoilt[row, 63] = number
        with pytest.raises(DataError, match=f"X holds NaN or infinity, first in row {row};"):
            net.predict(spoilt)
        assert net.predict(A).tobytes() == before.tobytes()
