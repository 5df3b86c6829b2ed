"""Architectures: what is refused and in which words, JSON, counts, layouts, initial values."""

import msgspec
import numpy as np
import pytest

from glassnet import (
    ACTIVATIONS,
    Architecture,
    ArchitectureError,
    BatchNorm,
    Dense,
    Dropout,
    InvalidParameterError,
    RandomizedLeakyReLU,
)
from glassnet.formulas.activations import activation
from glassnet.formulas.initializers import initializer
from glassnet.formulas.schedules import Cosine
from glassnet.network.architecture import LIMIT_UNITS
from glassnet.network.parameters import (
    buffer_layout,
    initial_buffers,
    initial_parameters,
    parameter_layout,
)

ALL = Architecture(
    5,
    (
        Dropout(0.1),
        Dense(8, "leaky_relu(alpha=0.2)", norm=BatchNorm(momentum=0.2, epsilon=1e-3)),
        Dropout(Cosine(0.5, final=0.1)),
        Dense(7, "identity", initializer="uniform(low=-0.1, high=0.1)"),
        RandomizedLeakyReLU(0.1, 0.3),
        Dropout(0.3),
        Dense(6, "gelu", bias=False),
        Dense(3, "softmax"),
    ),
    l1=0.01,
    l2=0.02,
    label_smoothing=0.1,
    reduction="sum",
    frozen=("W2", "1"),
    dtype="float64",
)
RRELU = RandomizedLeakyReLU()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(0), "Dense: units must be a whole number from 1 to 1,000,000, got 0"),
        (lambda: Dense(-3), "Dense: units"),
        (lambda: Dense(2.0), "Dense: units must be a whole number from 1 to 1,000,000, got 2.0"),
        (lambda: Dense(True), "Dense: units"),
        (lambda: Dense("8"), "Dense: units"),
        (lambda: Dense(LIMIT_UNITS + 1), "Dense: units"),
        (lambda: Dense(2, "rellu"), "unknown activation 'rellu'; did you mean 'relu'?"),
        (lambda: Dense(2, None), "activation must be a name or a record, got None"),
        (lambda: Dense(2, "relu", initializer="glorott"), "did you mean 'glorot"),
        (lambda: Dense(2, "relu", norm=True), "Dense: norm must be BatchNorm() or None, got True"),
        (lambda: Dense(2, "relu", norm="batch_norm"), "Dense: norm must be BatchNorm() or None"),
        (lambda: Dense(2, bias=2), "Dense: bias must be True or False, got 2"),
        (lambda: BatchNorm(momentum=1.5), "BatchNorm: momentum must be a number >= 0 and <= 1"),
        (lambda: BatchNorm(epsilon=0), "BatchNorm: epsilon must be a number > 0"),
        (lambda: Dropout(1.0), "Dropout: rate must be a number >= 0 and < 1, got 1.0"),
        (lambda: Dropout(-0.1), "Dropout: rate"),
        (lambda: Dropout(float("nan")), "Dropout: rate"),
        (lambda: Dropout("cosine(2)"), "Dropout: rate"),
        (lambda: RandomizedLeakyReLU(-0.1), "RandomizedLeakyReLU: lower"),
        (lambda: RandomizedLeakyReLU(0.5, 0.2), "RandomizedLeakyReLU: upper must be a number >= 0.5"),
        (lambda: Architecture(0, (Dense(1),)), "Network: inputs must be a whole number"),
        (lambda: Architecture(2, ()), "Network: the last layer must be Dense"),
        (lambda: Architecture(2, (Dense(2), Dropout())), "Network: the last layer must be Dense"),
        (
            lambda: Architecture(2, (Dense(2), 3)),
            "Network: layers must be Dense, Dropout or RandomizedLeakyReLU, got 3",
        ),
        (lambda: Architecture(2, ("relu",)), "write Dense(8, 'relu')"),
        (lambda: Architecture(2, (Dense(2, "tanh"), RRELU, Dense(1))), "must follow a Dense layer with activation"),
        (lambda: Architecture(2, (RRELU, Dense(1))), "must follow a Dense layer"),
        (lambda: Architecture(2, (Dense(2), RRELU, RRELU, Dense(1))), "must follow a Dense layer"),
        (lambda: Architecture(2, (Dense(2), Dropout(), RRELU, Dense(1))), "must follow a Dense layer"),
        (lambda: Architecture(2, (Dropout(), Dropout(), Dense(1))), "two Dropout layers in a row"),
        (lambda: Architecture(2, (Dense(1, "tanh"),), "bce"), "use 'sigmoid'"),
        (lambda: Architecture(2, (Dense(1, "softmax"),)), "softmax over one output is always 1"),
        (lambda: Architecture(2, (Dense(2, "sigmoid"),), "cross_entropy"), "use 'softmax'"),
        (lambda: Architecture(2, (Dense(1),), "mssse"), "unknown loss"),
        (lambda: Architecture(2, (Dense(1),), reduction="average"), "reduction must be one of ('mean', 'sum')"),
        (lambda: Architecture(2, (Dense(1),), dtype="float16"), "dtype must be one of ('float32', 'float64')"),
        (lambda: Architecture(2, (Dense(1),), l1=-1), "Network: l1 must be a number >= 0"),
        (lambda: Architecture(2, (Dense(1),), l2=float("inf")), "Network: l2"),
        (lambda: Architecture(2, (Dense(1, "sigmoid"),), label_smoothing=1.0), "label_smoothing must be a number"),
        (lambda: Architecture(2, (Dense(1),), label_smoothing=0.1), "is for cross-entropies, not for squared_error"),
        (
            lambda: Architecture(2, (Dense(1, "step"),), label_smoothing=0.1),
            "is for cross-entropies, not for perceptron",
        ),
        (
            lambda: Architecture(2, (Dense(1),), frozen=("W2",)),
            "frozen names no tensor or layer 'W2' (tensors: W1, b1)",
        ),
        (lambda: Architecture(2, (Dense(1),), frozen="2"), "frozen names no tensor or layer '2'"),
        (lambda: Architecture(10**6, (Dense(10**6),)), "parameters are more than 2,147,483,648"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(InvalidParameterError) as caught:
        make()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("net", [ALL, Architecture(3, (Dense(1),)), Architecture(2, (Dense(1, "step"),), frozen="b1")])
def test_json_round_trip(net):
    text = msgspec.json.encode(net)
    assert msgspec.json.decode(text, type=Architecture) == net
    assert msgspec.json.encode(msgspec.json.decode(text, type=Architecture)) == text
    assert hash(msgspec.json.decode(text, type=Architecture)) == hash(net)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"units":8', b'"units":0'),
        (b'"units":8', b'"units":"8"'),
        (b'"kind":"dense"', b'"kind":"conv"'),
        (b'"l1":0.01', b'"l1":-1'),
        (b'"inputs":5', b'"inputs":5,"more":1'),
        (b"leaky_relu", b"leaky_reluu"),
        (b'"dtype":"float64"', b'"dtype":"float16"'),
    ],
)
def test_json_is_validated(before, after):
    text = msgspec.json.encode(ALL)
    assert before in text
    with pytest.raises((msgspec.ValidationError, InvalidParameterError)):
        msgspec.json.decode(text.replace(before, after, 1), type=Architecture)


def test_numbers_of_other_types_are_made_plain():
    """What comes from NumPy is stored as Python's numbers, so that JSON and equality hold."""
    net = Architecture(
        np.int64(3),
        [
            Dense(np.int32(4), norm=BatchNorm(np.float32(0.5), np.float64(1e-3))),
            RandomizedLeakyReLU(np.float32(0.25), 0.5),
            Dropout(np.float32(0.5)),
            Dense(1, "sigmoid"),
        ],
        l2=np.float64(0.5),
        label_smoothing=np.float32(0.25),
        frozen=(1,),
    )
    assert msgspec.json.decode(msgspec.json.encode(net), type=Architecture) == net
    assert type(net.inputs) is int and type(net.layers[0].units) is int and type(net.layers[0].norm.momentum) is float
    assert type(net.label_smoothing) is float and net.frozen == ("W1", "gamma1", "beta1")
    assert isinstance(net.layers, tuple)


def test_the_lectures_count():
    net = Architecture(3, (Dense(4, "relu"), Dense(3, "relu"), Dense(1, "sigmoid")))
    assert net.parameter_count == 35 == parameter_layout(net).size
    assert net.sizes == (3, 4, 3, 1)
    assert [name for name, _, _ in net.tensors()] == ["W1", "b1", "W2", "b2", "W3", "b3"]


def test_counts_with_everything():
    assert ALL.numbers == (0, 1, 1, 2, 2, 2, 3, 4)
    assert ALL.sizes == (5, 8, 7, 6, 3)
    assert ALL.parameter_count == (40 + 8 + 8) + (56 + 7) + 42 + (18 + 3)
    assert buffer_layout(ALL).size == 16
    assert ALL.frozen == ("W1", "gamma1", "beta1", "W2") and ALL.is_frozen(1) and not ALL.is_frozen(2)


@pytest.mark.parametrize(
    ("output", "units", "loss"),
    [
        ("softmax", 3, "cross_entropy"),
        ("sigmoid", 1, "binary_cross_entropy"),
        ("identity", 1, "squared_error"),
        ("exponential", 1, "poisson"),
        ("step", 1, "perceptron"),
        ("tanh", 1, "squared_error"),
    ],
)
def test_default_loss_and_aliases(output, units, loss):
    assert Architecture(2, (Dense(units, output),)).loss == loss
    assert Dense(2, "silu").activation == "swish" and Dense(2, ACTIVATIONS["tanh"]) == Dense(2, "tanh")
    assert Dense(2, activation("elu", alpha=0.5)).activation == "elu(alpha=0.5)"
    assert Architecture(2, (Dense(1),), "mse").loss == "squared_error"


def test_views_are_transposed_views_into_one_vector():
    layout = parameter_layout(ALL)
    vector = np.arange(layout.size, dtype=float)
    views, covered = layout.views(vector), np.zeros(layout.size, int)
    for piece, (name, view) in zip(layout.slices, views.items(), strict=True):
        assert piece.name == name and view.shape == piece.shape and np.shares_memory(view, vector)
        covered[piece.start : piece.stop] += 1
        if piece.is_weight:  # input-major: W[:, i] of one input is contiguous
            out, fan_in = view.shape
            assert view.T.flags.c_contiguous and view[0, 0] == piece.start
            assert out == 1 or view[1, 0] == piece.start + 1
            assert fan_in == 1 or view[0, 1] == piece.start + out
    assert np.all(covered == 1)
    views["W1"] = np.zeros((8, 5))
    assert not vector[:40].any() and vector[40] == 40
    views["W2"][3, 1] = -7
    start = next(s.start for s in layout.slices if s.name == "W2")
    assert vector[start + 1 * 7 + 3] == -7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.__setitem__("W1", np.zeros((5, 8))), "W1 has shape (8, 5), got values of shape (5, 8)"),
        (lambda v: v.__setitem__("b2", [np.nan] * 7), "b2: the values hold NaN or infinity"),
        (lambda v: v.__setitem__("gama1", 0), "no tensor 'gama1'; did you mean 'gamma1'?"),
        (lambda v: v["b3"], "no tensor 'b3'"),
        (lambda v: v.__delitem__("W1"), "cannot be deleted"),
    ],
)
def test_views_refuse(change, message):
    views = parameter_layout(ALL).views(initial_parameters(ALL, 0))
    before = views.vector.copy()
    with pytest.raises(InvalidParameterError) as caught:
        change(views)
    assert message in str(caught.value)
    assert np.array_equal(before, views.vector)


def test_initial_values():
    theta = initial_parameters(ALL, 9)
    views = parameter_layout(ALL).views(theta)
    assert np.array_equal(theta, initial_parameters(ALL, 9)) and theta.dtype == np.float64
    assert not np.array_equal(theta, initial_parameters(ALL, 10))
    for name, view in views.items():
        if name.startswith("b"):  # b and beta
            assert not view.any()
        elif name.startswith("gamma"):
            assert np.all(view == 1)
    assert np.array_equal(views["W1"], initializer("he_normal").weights(9, 1, 5, 8))
    assert np.array_equal(views["W2"], initializer("uniform(low=-0.1, high=0.1)").weights(9, 2, 8, 7))
    assert np.array_equal(views["W4"], initializer("glorot_uniform").weights(9, 4, 6, 3))
    single = msgspec.structs.replace(ALL, dtype="float32")
    assert np.array_equal(initial_parameters(single, 9), theta.astype(np.float32))
    statistics = buffer_layout(ALL).views(initial_buffers(ALL))
    assert not statistics["mean1"].any() and np.all(statistics["var1"] == 1)


def test_errors_of_fit_between_parts_are_architecture_errors():
    with pytest.raises(ArchitectureError):
        Architecture(2, (Dense(1, "tanh"),), "bce")
