"""Activations and losses of the user's own: they train like glassnet's, bad ones are refused, files ask for them."""

from dataclasses import replace

import numpy as np
import pytest

import glassnet.autograd as ag
from glassnet import (
    ACTIVATIONS,
    LOSSES,
    Adam,
    Dense,
    EngineError,
    InvalidParameterError,
    ModelFileError,
    Network,
    ResumeError,
    TableClassifier,
    activation,
    check_gradients,
    custom,
    load,
    load_dataset,
)
from glassnet.training.checkpoints import Checkpoint
from tolerances import RECORD_ULP, close, relative

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)), np.arange(12) % 2


@pytest.fixture(autouse=True)
def _clean():
    before = set(ACTIVATIONS), set(LOSSES)
    yield
    for registry, names in zip((ACTIVATIONS, LOSSES), before, strict=True):
        for name in set(registry) - names:
            custom.forget(name)


def swish(name="own_swish", **options):
    return custom.activation(name, lambda z: z * ag.sigmoid(z), **options)


# --- what they are ----------------------------------------------------------------------------------------------

TWINS = {
    "sigmoid": ag.sigmoid,
    "tanh": ag.tanh,
    "relu": ag.relu,
    "leaky_relu": lambda z, alpha: ag.where(z > 0, z, alpha * z),
    "softplus": ag.softplus,
    "swish": lambda z: z * ag.sigmoid(z),
    "gelu": lambda z: z * (1 + ag.erf(z / 2**0.5)) / 2,
    "exponential": ag.exp,
    "softmax": ag.softmax,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TWINS)
def test_a_copy_of_a_record_gives_its_values_and_slopes(name, dtype):
    twin = ACTIVATIONS[name]
    own = custom.activation("own", TWINS[name], rowwise=twin.rowwise, constants=twin.constants, kinks=twin.kinks)
    z, da = RNG.normal(size=(2, 5, 4)).astype(dtype) * 3
    a = own.value(z)
    assert close(a, twin.value(z), RECORD_ULP, floor=1)
    assert close(own.backward(z, a, da), twin.backward(z, a, da), RECORD_ULP, floor=1)
    assert own.rowwise == twin.rowwise and own.trainable


@pytest.mark.parametrize(
    ("name", "f"),
    [
        ("squared_error", lambda a, y: (a - y) ** 2),
        ("squared_error", lambda a, y: ((a - y) ** 2).sum(axis=1)),
        ("squared_error", lambda a, y: ((a - y) ** 2).sum(axis=1, keepdims=True)),
        ("absolute_error", lambda a, y: abs(a - y)),
        ("huber", lambda a, y: ag.where(abs(a - y) <= 1, (a - y) ** 2 / 2, abs(a - y) - 0.5)),
    ],
)
def test_a_copy_of_a_loss_gives_its_values_and_gradients(name, f):
    own = custom.loss("own", f)
    a, b = (Network(3, [Dense(4, "tanh"), Dense(2)], loss=loss, dtype="float64") for loss in (own, name))
    y = RNG.normal(size=(12, 2))
    (value, gradient), (truth, exact) = (net.loss_and_gradient(X, y, np.arange(12) + 1.0) for net in (a, b))
    assert value == pytest.approx(truth, rel=1e-12)
    assert relative(gradient.vector, exact.vector) <= 1e-12


def test_they_train_bit_for_bit_alike_every_time_and_as_the_twin():
    def trained(name):
        net = Network(3, [Dense(6, name), Dense(1, "sigmoid")], seed=3, dtype="float64", engine="reference")
        net.fit(X, Y, optimizer=Adam(0.05), batch_size=4, epochs=30)
        return net.parameters.vector

    own = swish(initializer="he_normal")
    assert np.array_equal(trained(own), trained("own_swish"))
    assert relative(trained(own), trained("swish")) <= 1e-9


def test_the_compiled_engine_refuses_with_its_reason_and_auto_takes_the_reference():
    layers = [Dense(4, swish()), Dense(1)]
    assert Network(3, layers).engine.name == "reference"
    with pytest.raises(EngineError, match="activation 'own_swish' is not one of glassnet's own"):
        Network(3, layers, engine="compiled")
    own = custom.loss("own_loss", lambda a, y: (a - y) ** 4)
    with pytest.raises(EngineError, match="loss 'own_loss' is not one of glassnet's own"):
        Network(3, [Dense(1)], loss=own, engine="compiled")


@pytest.mark.parametrize("rowwise", [False, True])
def test_the_gradient_check_passes_and_finds_a_fault(rowwise):
    def f(z, beta):
        return ag.softmax(beta * z) if rowwise else ag.sin(beta * z) + ag.relu(z)

    own = custom.activation("own", f, rowwise=rowwise, constants={"beta": 1.5}, kinks=() if rowwise else (0.0,))
    cosh = custom.loss("own_loss", lambda a, y, k: ag.log(ag.cosh(k * (a - y))).sum(axis=1), constants={"k": 2})
    net = Network(3, [Dense(4, "own(beta=0.7)"), Dense(3, own)], loss=str(cosh))
    y = RNG.uniform(size=(12, 3))
    assert net.architecture.dense[0].g.constants["beta"] == 0.7
    assert check_gradients(net, X, y, max_per_tensor=None).passed
    part = "vjp" if rowwise else "derivative"
    right = getattr(own, part)
    ACTIVATIONS.put("own", replace(own, **{part: lambda *given: 1.001 * right(*given)}))
    assert not check_gradients(net, X, y).passed


def test_ranges_and_domains_are_asked_for():
    with pytest.raises(InvalidParameterError, match="binary_cross_entropy is defined for outputs in"):
        Network(3, [Dense(1, swish())], loss="bce")
    own = custom.activation("own", lambda z: 1 / (1 + ag.exp(-2 * z)), range=(0, 1))
    net = Network(3, [Dense(1, own)], loss="bce")
    assert check_gradients(net, X, Y).passed
    logarithmic = custom.loss(
        "own_loss", lambda a, y: (ag.log1p(a) - ag.log1p(y)) ** 2, domain=(0, np.inf), targets=(0, 9)
    )
    with pytest.raises(InvalidParameterError, match="own_loss is defined for outputs in"):
        Network(3, [Dense(1)], loss=logarithmic)
    assert Network(3, [Dense(1, "softplus")], loss=logarithmic).loss(X, Y) > 0
    with pytest.raises(ValueError, match="takes targets in"):
        Network(3, [Dense(1, "softplus")], loss=logarithmic).loss(X, Y - 5)


def test_an_estimator_takes_it_by_name():
    swish()
    data = load_dataset("iris")
    model = TableClassifier(hidden=(8,), activation="own_swish", epochs=100, learning_rate=0.02)
    inputs, target = data.frame.drop(data.target), data.frame[data.target]
    assert model.fit(inputs, target).score(inputs, target) > 0.8


# --- names ------------------------------------------------------------------------------------------------------


def test_defining_again_replaces():
    net = Network(3, [Dense(1, swish("own"))], loss="squared_error", dtype="float64", seed=1)
    before = net.predict(X)
    custom.activation("own", lambda z: z * 2)
    assert not np.allclose(before, net.predict(X)) and activation("own").value(np.array([3.0])) == 6
    custom.forget("own")
    with pytest.raises(InvalidParameterError, match="unknown activation 'own'"):
        Dense(1, "own")


@pytest.mark.parametrize("name", ["relu", "silu", "ReLU", "two words", "", 3, "a-b", "9a"])
def test_names_that_are_taken_or_no_words(name):
    with pytest.raises(InvalidParameterError, match=r"choose another name|must be a word in lower case"):
        custom.activation(name, ag.tanh)
    with pytest.raises(InvalidParameterError, match="is no activation or loss of your own"):
        custom.forget("relu")


# --- what is refused --------------------------------------------------------------------------------------------

BAD_ACTIVATIONS = [
    (lambda z: z.value, "must give a Tensor, got a ndarray"),
    (lambda z: 3.0, "must give a Tensor, got a float"),
    (lambda z: z.sum(), "must keep the shape of z"),
    (ag.sqrt, "f is nan at -3.17"),
    (lambda z: 1 / z, "f is inf at 0"),
    (lambda z: ag.where(z > 0, ag.log(z), 0.0), "the derivative of f is nan at"),
    (lambda z: ag.sqrt(abs(z)), "the derivative of f is nan at 0"),
    (lambda z: (z > 0) * 1.0, "must give a Tensor"),
    (lambda z: ag.Tensor(np.sign(z.value)), "cannot be differentiated"),
    (lambda z: z.detach() * 2, "cannot be differentiated"),
    (lambda z: z * z.value, "by differences"),
    (lambda z: z * np.random.default_rng().normal(), "the same every time"),
    (lambda z: z - z.mean(), "each number for itself.*rowwise=True"),
    (ag.softmax, "each number for itself.*rowwise=True"),
    (lambda z: z * np.float64(2), "gives float64 for float32"),
    (lambda z: z.foo(), "f fails: 'Tensor' object has no attribute 'foo'"),
    (lambda z, beta: z * beta, "f fails: .*missing 1 required positional argument"),
    (lambda z: z @ np.ones((3, 3)), "matmul of"),
    (np.linalg.norm, "numpy.norm has no derivative"),
    (None, "must be a function of Tensors"),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("f", "match"), BAD_ACTIVATIONS)
def test_a_bad_activation_is_refused_in_one_line(f, match):
    with pytest.raises(InvalidParameterError, match=match) as caught:
        custom.activation("bad", f)
    assert "\n" not in str(caught.value) and "bad" not in ACTIVATIONS


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("f", "match"),
    [
        (lambda a, y: ((a - y) ** 2).mean(), r"one loss for each example, \(3,\) for outputs \(3, 2\), got \(\)"),
        (lambda a, y: ((a - y) ** 2).sum(axis=0), "one loss for each example"),
        (lambda a, y: ((a - a.mean()) ** 2).sum(axis=1), "each example for itself"),
        (lambda a, y: y**2, "cannot be differentiated"),
        (lambda a, y: ag.log(a) * y, "f is nan at"),
        (lambda a, y: ((a - y) ** 2).value, "must give a Tensor"),
        (lambda a, y: (a - y) * (a.detach() - y), "by differences"),
    ],
)
def test_a_bad_loss_is_refused_in_one_line(f, match):
    with pytest.raises(InvalidParameterError, match=match) as caught:
        custom.loss("bad", f)
    assert "\n" not in str(caught.value) and "bad" not in LOSSES


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"range": (0, 1)}, "outside of its range"),
        ({"range": 3}, "must be \\(low, high\\)"),
        ({"range": (1, 0)}, "from a lower to a higher"),
        ({"initializer": "hee"}, "unknown initializer"),
        ({"constants": {"beta": "two"}}, "beta must be"),
        ({"limits": {"beta": (0, 1)}}, "limits name no constant 'beta'"),
        ({"constants": {"beta": 2}, "limits": {"beta": (0, 1)}}, "beta must be"),
        ({"kinks": (np.nan,)}, "kinks must be"),
    ],
)
def test_bad_options(options, match):
    with pytest.raises(InvalidParameterError, match=match):
        custom.activation("own", lambda z, *constants: z * 1.0, **options)


def test_a_rowwise_one_must_keep_to_its_row():
    with pytest.raises(InvalidParameterError, match="each row for itself"):
        custom.activation("own", lambda z: z - z.mean(), rowwise=True)
    record = custom.activation("own", lambda z: z - z.mean(axis=-1, keepdims=True), rowwise=True)
    assert record.rowwise


# --- files ------------------------------------------------------------------------------------------------------


def test_a_file_keeps_the_name_and_asks_for_the_formula(tmp_path):
    swish()
    own = custom.loss("own_loss", lambda a, y: (a - y) ** 4)
    net = Network(3, [Dense(4, "own_swish"), Dense(1)], loss=own)
    net.save(tmp_path / "m.glassnet")
    before = net.predict(X)
    assert np.array_equal(load(tmp_path / "m.glassnet").predict(X), before)
    custom.forget("own_swish")
    with pytest.raises(
        ModelFileError, match=r"uses activation 'own_swish'.*define it first with glassnet.custom.activation"
    ):
        Network.load(tmp_path / "m.glassnet")
    custom.activation("own_swish", lambda z: z * ag.sigmoid(1.01 * z))
    with pytest.raises(ModelFileError, match="activation own_swish gives other values now"):
        Network.load(tmp_path / "m.glassnet")
    swish()
    custom.forget("own_loss")
    with pytest.raises(ModelFileError, match=r"uses loss 'own_loss'.*glassnet.custom.loss"):
        Network.load(tmp_path / "m.glassnet")
    custom.loss("own_loss", lambda a, y: (a - y) ** 4)
    assert np.array_equal(Network.load(tmp_path / "m.glassnet").predict(X), before)


def test_a_table_model_too(tmp_path):
    swish()
    data = load_dataset("iris")
    inputs, target = data.frame.drop(data.target), data.frame[data.target]
    model = TableClassifier(hidden=(4,), activation="own_swish", epochs=2).fit(inputs, target)
    model.save(tmp_path / "t.glassnet")
    assert np.array_equal(load(tmp_path / "t.glassnet").predict(inputs), model.predict(inputs))
    custom.forget("own_swish")
    with pytest.raises(ModelFileError, match="define it first"):
        load(tmp_path / "t.glassnet")


def test_a_checkpoint_knows_another_formula(tmp_path):
    swish()
    path = tmp_path / "run.checkpoint"

    def run(**options):
        net = Network(3, [Dense(4, "own_swish"), Dense(1)], loss="squared_error")
        net.fit(X, Y, epochs=2, callbacks=[Checkpoint(path)], **options)

    run()
    run(resume=path)
    custom.activation("own_swish", lambda z: z * ag.sigmoid(2 * z))
    with pytest.raises(ResumeError, match="values of activation own swish"):
        run(resume=path)


def test_files_of_glassnets_own_formulas_are_as_before():
    from glassnet.files.model_file import as_document

    assert "own_formulas" not in as_document(Network(3, [Dense(1)]).architecture)


def test_the_formula_is_read_from_the_operations():
    assert swish().latex == r"g(z) = z \cdot \sigma(z)"
    assert custom.activation("own", lambda z: ag.where(z > 0, z, 0.1 * z)).latex == r"g(z) = \operatorname{own}(z)"
    assert custom.loss("own_loss", lambda a, y: (a - y) ** 2).latex == r"{\left(a - y\right)}^{2}"
    assert custom.activation("own", ag.tanh, latex="T(z)").latex == "T(z)"
