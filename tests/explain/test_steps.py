"""Whole steps of every kind of network: values are the reference engine's, and what is plugged in gives them."""

import itertools

import numpy as np
import pytest

from explain.test_words import computed
from glassnet import OPTIMIZERS, Adam, BatchNorm, Dense, Dropout, Network, RandomizedLeakyReLU, custom
from glassnet.autograd import exp, log, tanh
from glassnet.errors import ArchitectureError, InvalidParameterError
from glassnet.explain.reading import derive_steps
from tolerances import relative

RNG = np.random.default_rng(5)
X = RNG.normal(size=(4, 3))
NUMBERS, CLASSES = RNG.normal(size=(4, 2)), np.array([0, 1, 1, 0])
STEPS = 3


def drawn() -> list:
    return [Dense(3), RandomizedLeakyReLU(), Dropout(0.4), Dense(2)]


CASES = {
    "plain": ([Dense(3, "tanh"), Dense(2)], NUMBERS, {}, {}),
    "batch normalization": ([Dense(3, "tanh", norm=BatchNorm()), Dense(2)], NUMBERS, {}, {"training": True}),
    "running statistics": ([Dense(3, "relu", norm=BatchNorm()), Dense(2)], NUMBERS, {}, {}),
    "normalized output": ([Dense(3), Dense(2, "softmax", norm=BatchNorm())], CLASSES, {}, {"training": True}),
    "dropout": ([Dense(4, "tanh"), Dropout(0.4), Dense(2)], NUMBERS, {}, {"training": True}),
    "dropout of the input": ([Dropout(0.3), Dense(3, "tanh"), Dense(2)], NUMBERS, {}, {"training": True}),
    "dropout by schedule": (
        [Dense(4), Dropout("step(0.5, factor=0.5, every=1)"), Dense(2)],
        NUMBERS,
        {},
        {"training": True},
    ),
    "drawn slopes": (drawn(), NUMBERS, {}, {"training": True}),
    "mean slopes": (drawn(), NUMBERS, {}, {}),
    "softmax": ([Dense(3, "relu"), Dense(2, "softmax")], CLASSES, {}, {}),
    "softmax without its link": ([Dense(3), Dense(2, "softmax")], np.eye(2)[CLASSES], {"loss": "squared_error"}, {}),
    "softmax inside": ([Dense(3, "softmax"), Dense(2)], NUMBERS, {}, {}),
    "penalties": ([Dense(3, "tanh"), Dense(2)], NUMBERS, {"l1": 0.02, "l2": 0.1}, {}),
    "penalties by the examples": ([Dense(3), Dense(2)], NUMBERS, {"l1": 0.02, "l2": 0.1, "average_penalty": True}, {}),
    "a sum": ([Dense(3, "elu"), Dense(2)], NUMBERS, {"reduction": "sum"}, {}),
    "sample weights": ([Dense(3, "tanh"), Dense(2)], NUMBERS, {}, {"sample_weight": [1.0, 0.0, 2.0, 0.5]}),
    "class weights": ([Dense(3), Dense(1, "sigmoid")], [0, 1, 1, 1], {}, {"class_weight": "balanced"}),
    "bounded norm": ([Dense(3, "tanh"), Dense(2)], NUMBERS, {}, {"clip_norm": 0.5}),
    "bounded entries": ([Dense(3, "tanh"), Dense(2)], NUMBERS, {}, {"clip_norm": 0.5, "clip_value": 0.1}),
    "frozen": ([Dense(3, "tanh"), Dense(2)], NUMBERS, {"frozen": ["W1", "b2"]}, {"clip_norm": 0.5}),
    "smoothed": ([Dense(3), Dense(2, "softmax")], CLASSES, {"label_smoothing": 0.1}, {}),
    "no bias": ([Dense(3, "tanh", bias=False), Dense(2)], NUMBERS, {}, {}),
}


def build(name: str) -> tuple[Network, object, dict]:
    layers, y, options, how = CASES[name]
    net = Network(3, layers, dtype="float64", seed=3, engine="reference", **options)
    for tensor, view in net.parameters.items():
        if tensor[0] in "bg":
            view[...] += 0.1 * np.arange(1, len(view) + 1)
    return net, y, how


def check_lines(derivation, **names) -> set[str]:
    """Every value is the trace's, every line in numbers gives it; the names of all quantities."""
    found: set[str] = set()
    for step in derivation.steps:
        trace = derivation.board.traces[step.number - 1]
        for part in step.paragraphs:
            found.add(part.name)
            assert np.array_equal(np.ravel(part.values), np.ravel(trace[part.name])), part.name
            assert part.left_out == 0
            for line in part.lines:
                value = computed(line.numbers, **names)
                assert value == pytest.approx(line.value, rel=1e-8, abs=1e-11), (step.number, line.label, line.numbers)
        if derivation.loss_after is not None:
            frozen = {f"{name}_new" for name in derivation.board.setting.frozen}
            assert set(trace) - {"a0", "penalty"} - frozen <= found, set(trace) - found
    return found


def fitted(net: Network, y, rule, how: dict) -> Network:
    """The same network after so many steps of training by the engine."""
    options = {key: value for key, value in how.items() if key != "training"}
    net.fit(X, y, optimizer=rule, epochs=STEPS, batch_size=len(X), **options)
    return net


@pytest.mark.parametrize("name", CASES)
def test_steps_are_those_of_training(name):
    """Three steps written out end where three epochs of one batch end."""
    net, y, how = build(name)
    drawn = any(not isinstance(layer, Dense) or layer.norm for layer in net.architecture.layers)
    derivation = net.explain(X, y, optimizer="adam(0.1)", steps=STEPS, digits=17, entries=99, terms=999, **how)
    check_lines(derivation)
    if drawn and not how.get("training"):
        return  # a prediction pass; fit draws
    other = fitted(build(name)[0], y, Adam(0.1), how)
    last = derivation.board.traces[STEPS - 1]
    for tensor in other.parameters:
        assert relative(last[f"{tensor}_new"], other.parameters[tensor]) < 1e-12, tensor
    for tensor, view in other.buffers.items():
        assert relative(last[f"running_{tensor}_new"], view) < 1e-12, tensor


RULES = [
    *OPTIMIZERS,
    "sgd('cosine(0.5)')",
    "adamw(0.1, weight_decay=0.3)",
    "adam(0.1, epsilon_hat=True)",
    "momentum(0.1, rate_inside=True)",
    "nesterov(0.1, rate_inside=True)",
]


@pytest.mark.parametrize("rule", RULES)
def test_every_optimizer(rule):
    net, y, how = build("plain")
    derivation = net.explain(X, y, optimizer=rule, steps=STEPS, digits=17, entries=99, terms=999)
    names = check_lines(derivation)
    last = derivation.board.traces[STEPS - 1]
    other = fitted(build("plain")[0], y, rule, how)
    assert max(relative(last[f"{tensor}_new"], other.parameters[tensor]) for tensor in other.parameters) < 1e-12
    assert ("mhat_W1" in names) == (rule.startswith("adam") and "hat" not in rule)


def test_the_network_stays_as_it_is():
    net, y, _ = build("batch normalization")
    before = net.parameters.vector.copy(), net.buffers.vector.copy()
    net.explain(X, y, optimizer="adam", steps=2, training=True)
    assert np.array_equal(net.parameters.vector, before[0]) and np.array_equal(net.buffers.vector, before[1])


@pytest.fixture
def own():
    swish = custom.activation("own_tanh", lambda z, beta: tanh(beta * z), constants={"beta": 1.5})
    row = custom.activation("own_softmax", lambda z: exp(z) / exp(z).sum(axis=1, keepdims=True), rowwise=True)
    loss = custom.loss("own_cosh", lambda a, y: log((exp(a - y) + exp(y - a)) / 2))
    yield swish, row, loss
    for record in (swish, row, loss):
        custom.forget(record.name)


@pytest.mark.parametrize("hidden", ["own_tanh", "own_softmax"])
def test_formulas_of_your_own(own, hidden):
    """They are written as names; the names, computed as NumPy has them, give the values."""
    net = Network(3, [Dense(3, hidden), Dense(1)], loss="own_cosh", dtype="float64", seed=2)

    def softmax(*z: float) -> dict[int, float]:
        return dict(enumerate(np.exp(z) / np.exp(z).sum(), 1))

    def softmax_slope(*given: float) -> dict[int, float]:
        a, da = np.array(given[3:6]), np.array(given[6:])
        return dict(enumerate(a * (da - a @ da), 1))

    names = {
        "own_tanh": lambda z: np.tanh(1.5 * z),
        "own_tanh_slope": lambda z: 1.5 * (1 - np.tanh(1.5 * z) ** 2),
        "own_softmax": softmax,
        "own_softmax_slope": softmax_slope,
        "own_cosh": lambda a, y: np.log(np.cosh(a - y)),
        "own_cosh_slope": lambda a, y: np.tanh(a - y),
    }
    derivation = net.explain(X, NUMBERS[:, :1], optimizer="sgd(0.1)", steps=2, digits=17, entries=99, terms=99)
    check_lines(derivation, **names)
    assert r"\operatorname{own\_" in derivation.latex() and "<math" in derivation.html()


def test_a_planted_fault_is_seen():
    """A trace that was tampered with no longer is what its formulas give."""
    net, y, how = build("batch normalization")
    derivation = net.explain(X, y, digits=17, entries=99, terms=999, **how)
    board, architecture = derivation.board, net.architecture
    board.traces[0].tensors["zhat1"] *= 1.001
    with pytest.raises(AssertionError):
        check_lines(derive_steps(architecture, board.traces, None, board.look))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be a whole number"),
        ({"steps": 2}, "steps=2 needs y and an optimizer"),
        ({"optimizer": "lbfgs"}, "'lbfgs' is a solver, which takes no single steps: it is for fit"),
        ({"optimizer": "sgd", "clip_norm": -1.0}, "clip_norm must be a finite number > 0"),
        ({"terms": 0}, "terms must be a whole number from 1 to 10000"),
        ({"bias": "apart"}, "bias must be 'separate' or 'unit', got 'apart'"),
        ({"batch": "lines"}, "batch must be 'rows' or 'columns', got 'lines'"),
        ({"optimizer": "sgd(1e200)", "steps": 3}, "of step 2 is not finite; take a lower learning rate"),
    ],
)
def test_mistakes(options, message):
    net, y, _ = build("plain")
    with pytest.raises(InvalidParameterError) as caught:
        net.explain(X, y, **options)
    assert message in str(caught.value)


def test_an_optimizer_needs_targets():
    with pytest.raises(InvalidParameterError, match="an optimizer needs y"):
        build("plain")[0].explain(X, optimizer="sgd")


def test_what_no_gradient_passes():
    net = Network(3, [Dense(2, "step"), Dense(1, "sigmoid")], dtype="float64")
    with pytest.raises(ArchitectureError, match="layer 1: 'step' has derivative 0"):
        net.explain(X, CLASSES, optimizer="sgd")
    derivation = net.explain(X, CLASSES)
    assert any("the backward pass is left out" in line for line in derivation.conventions)
    assert [part.name for part in derivation.paragraphs][-1] == "loss"


def test_long_sums_are_cut():
    net = Network(40, [Dense(2)], dtype="float64")
    line = net.explain(np.ones((1, 40)), terms=4).paragraphs[0].lines[0]
    assert line.symbols == "W1[1,1] · x[1] + W1[1,2] · x[2] + W1[1,3] · x[3] + … + W1[1,40] · x[40] + b1[1]"
    assert r"\dots" in line.symbols_latex


NOTATION_CASES = list(itertools.product(["rows", "columns"], ["separate", "unit"]))


@pytest.mark.parametrize(("batch", "bias"), NOTATION_CASES)
def test_rows_or_columns_and_the_bias(batch, bias):
    """The indices turn, and the bias moves into the weights; the numbers stay."""
    net, y, _ = build("plain")
    derivation = net.explain(X, y, optimizer="sgd(0.1)", digits=17, entries=99, terms=99, batch=batch, bias=bias)
    for part in derivation.paragraphs:
        for line in part.lines:
            assert computed(line.numbers) == pytest.approx(line.value, rel=1e-8, abs=1e-11), line.label
    z1 = derivation.paragraphs[0]
    assert z1.shape == ((3, 4) if batch == "columns" else (4, 3))
    assert z1.lines[1].label == ("z1[2,1]" if batch == "columns" else "z1[1,2]")
    assert (z1.lines[0].symbols.startswith("W1[1,0] · x[0] + ")) == (bias == "unit")
    assert any("a batch is columns" in line for line in derivation.conventions) == (batch == "columns")
