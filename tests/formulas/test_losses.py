"""Every loss against differences and against PyTorch; links, large logits, and which pairs are refused."""

from dataclasses import replace

import numpy as np
import pytest

from glassnet import ACTIVATIONS, LOSSES, Architecture, ArchitectureError, Dense, InvalidParameterError, loss
from glassnet.training.targets import as_targets
from tolerances import DERIVATIVE, TORCH_ULP, close

DTYPES = [np.float32, np.float64]
by_loss = pytest.mark.parametrize("record", LOSSES.values(), ids=lambda r: r.name)
LINKED = [r for r in LOSSES.values() if r.linked is not None]
ANYTHING = {"squared_error", "half_squared_error", "absolute_error", "huber", "quantile"}
ALLOWED = {
    **{name: set(ACTIVATIONS) for name in ANYTHING},
    "poisson": {"sigmoid", "softplus", "exponential", "softmax"},
    "binary_cross_entropy": {"step", "sigmoid", "softmax"},
    "cross_entropy": {"softmax"},
    "perceptron": {"step"},
}


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"):
        yield


def examples(record, dtype=np.float64):
    """Outputs in the loss's domain and targets in its targets, every pair of a grid."""
    unit = record.domain.high == 1
    outputs = np.linspace(0.01, 0.99, 23) if unit else np.linspace(0.05 if record.domain.low == 0 else -4, 5, 23)
    targets = [0.0, 0.3, 1.0] if unit else [0.0, 1.0, 3.0] if record.targets.low == 0 else [-2.5, 0.0, 0.7, 3.0]
    a, y = (m.ravel().astype(dtype) for m in np.meshgrid(outputs, targets))
    return a, y


def compared_with_differences(record) -> int:
    a, y = examples(record)
    h = 2.0**-17
    constants = tuple(record.constants.values())
    clear = np.all([np.abs(a - y - kink) > h for kink in record.kinks] or [a == a], axis=0)
    numeric = (record.function(a + h, y, *constants) - record.function(a - h, y, *constants)) / (2 * h)
    exact = record.slope(a, y)
    wrong = clear & ~(np.abs(exact - numeric) <= DERIVATIVE * np.maximum(1, np.abs(numeric)))
    assert not wrong.any(), f"{record.name} at a={a[wrong]}, y={y[wrong]}: {exact[wrong]}, {numeric[wrong]}"
    return int(clear.sum())


@pytest.mark.parametrize("share", [1.0, 0.3])
@by_loss
def test_derivative(record, share):
    """With the constants as they are and with other ones: tau = 1/2 hides an exchange of its two sides."""
    record = loss(record, **{key: value * share for key, value in record.constants.items()})
    if record.name == "perceptron":  # its "derivative" is the perceptron rule's error, and says so
        assert "not a derivative" in record.derivative_latex
        return
    assert compared_with_differences(record) >= 60


@pytest.mark.parametrize("factor", [1.001, -1, np.nan])
def test_a_wrong_derivative_is_caught(factor):
    record = LOSSES["huber"]
    with pytest.raises(AssertionError, match="huber at"):
        compared_with_differences(replace(record, derivative=lambda a, y, d: record.derivative(a, y, d) * factor))


@by_loss
def test_at_equality_nothing_pulls(record):
    y = np.array([0.25, 0.5, 1.0])
    if record.simplex or record.name == "poisson":
        return  # -y/a and 1 - y/a: tested through their links
    assert record.slope(y, y).tolist() == [0, 0, 0]


@by_loss
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_and_nan(record, dtype):
    a, y = examples(record, dtype)
    for function in (record.function, record.derivative):
        constants = tuple(dtype(c) for c in record.constants.values())
        assert function(a, y, *constants).dtype == dtype
        assert np.isnan(function(np.array([np.nan], dtype), np.array([1.0], dtype), *constants)).all()


TORCH = {
    "squared_error": lambda F, a, y: F.mse_loss(a, y, reduction="none"),
    "half_squared_error": lambda F, a, y: F.mse_loss(a, y, reduction="none") / 2,
    "absolute_error": lambda F, a, y: F.l1_loss(a, y, reduction="none"),
    "huber": lambda F, a, y: F.huber_loss(a, y, reduction="none", delta=1.0),
    "poisson": lambda F, a, y: F.poisson_nll_loss(a, y, log_input=False, eps=0, reduction="none"),
    "binary_cross_entropy": lambda F, a, y: F.binary_cross_entropy(a, y, reduction="none"),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TORCH)
def test_against_torch(name, dtype):
    torch = pytest.importorskip("torch")
    record = LOSSES[name]
    a, y = examples(record, dtype)
    clear = ~np.isin(a - y, record.kinks)
    a, y = a[clear], y[clear]
    t = torch.tensor(a, requires_grad=True)
    expected = TORCH[name](torch.nn.functional, t, torch.tensor(y))
    expected.sum().backward()
    constants = tuple(dtype(c) for c in record.constants.values())
    assert close(record.function(a, y, *constants), expected.detach().numpy(), TORCH_ULP, floor=1)
    assert close(record.slope(a, y), t.grad.numpy(), TORCH_ULP, floor=1)


def test_binary_cross_entropy_at_0_and_1():
    """A confident wrong answer costs 100 and not infinity, as in PyTorch; a right one costs 0."""
    bce = LOSSES["binary_cross_entropy"]
    a, y = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
    assert bce.function(a, y).tolist() == [0, 0, 100, 100]
    assert np.all(np.isfinite(bce.slope(a, y)))


def test_a_count_of_zero_pulls_even_where_the_output_underflows():
    """d/da (a - 0 log a) = 1 for every a; found as 0/0 = NaN."""
    poisson, ce = LOSSES["poisson"], LOSSES["cross_entropy"]
    for dtype in DTYPES:
        zero = np.zeros(1, dtype)
        assert poisson.function(zero, zero) == 0 and poisson.slope(zero, zero) == 1
        assert ce.function(zero, zero) == 0 and ce.slope(zero, zero) == 0
    softplus, z = ACTIVATIONS["softplus"], np.array([[-200.0]], np.float32)
    delta = poisson.delta(softplus, z, softplus.value(z), np.zeros((1, 1), np.float32))
    assert delta == 0 and delta.dtype == np.float32


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("soft", [False, True])
def test_cross_entropy_with_logits_against_torch(dtype, smoothing, soft):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    z = (rng.normal(size=(12, 4)) * 5).astype(dtype)
    labels = rng.integers(0, 4, 12)
    given = rng.dirichlet(np.ones(4), 12).astype(dtype) if soft else labels
    net = Architecture(2, (Dense(4, "softmax"),), dtype=np.dtype(dtype).name, label_smoothing=smoothing)
    y = as_targets(net, given, 12)
    t = torch.tensor(z, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(t, torch.tensor(given), reduction="none", label_smoothing=smoothing)
    expected.sum().backward()
    g, record = ACTIVATIONS["softmax"], LOSSES["cross_entropy"]
    assert close(record.values(g, z, g.value(z), y), expected.detach().numpy(), TORCH_ULP, floor=1)
    assert close(record.delta(g, z, g.value(z), y), t.grad.numpy(), TORCH_ULP, floor=1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_linked_binary_cross_entropy_and_poisson_against_torch(dtype):
    torch = pytest.importorskip("torch")
    z = np.concatenate([np.linspace(-12, 12, 49), [-60, 60]]).astype(dtype)[:, None]
    for name, function in (
        ("binary_cross_entropy", torch.nn.functional.binary_cross_entropy_with_logits),
        ("poisson", torch.nn.functional.poisson_nll_loss),
    ):
        record = LOSSES[name]
        g = ACTIVATIONS[record.link]
        for target in (0.0, 0.3, 1.0):
            y = np.full_like(z, target)
            t = torch.tensor(z, requires_grad=True)
            expected = function(t, torch.tensor(y), reduction="none")
            expected.sum().backward()
            assert close(record.values(g, z, g.value(z), y), expected.detach().numpy()[:, 0], TORCH_ULP, floor=1)
            assert close(record.delta(g, z, g.value(z), y), t.grad.numpy(), TORCH_ULP, floor=1)


def targets_for(record, rng, shape):
    y = rng.uniform(0, 1, shape)
    return y / y.sum(axis=1, keepdims=True) if record.simplex else (y > 0.5) * 1.0


@pytest.mark.parametrize("record", [r for r in LINKED if r.link != "step"], ids=lambda r: r.name)
def test_the_link_is_the_same_mathematics(record):
    """Value and delta from z equal those from a, wherever both are finite; and delta is the value's difference."""
    g, rng = ACTIVATIONS[record.link], np.random.default_rng(3)
    z = rng.normal(size=(40, 3)) * 2
    y, a = targets_for(record, rng, z.shape), g.value(z)
    plain = record.function(a, y).sum(axis=-1)
    assert close(record.values(g, z, a, y), plain, 1e4, floor=1)
    assert close(record.delta(g, z, a, y), g.backward(z, a, record.slope(a, y)), 1e4, floor=1)
    h, numeric = 2.0**-17, np.empty_like(z)
    for k in range(3):
        e = h * np.eye(3)[k]
        up, down = (record.values(g, m, g.value(m), y) for m in (z + e, z - e))
        numeric[:, k] = (up - down) / (2 * h)
    assert np.all(np.abs(record.delta(g, z, a, y) - numeric) <= DERIVATIVE * np.maximum(1, np.abs(numeric)))


@pytest.mark.parametrize("record", [r for r in LOSSES.values() if r.canonical is not None], ids=lambda r: r.name)
def test_canonical(record):
    g, rng = ACTIVATIONS[record.link], np.random.default_rng(4)
    z = rng.normal(size=(30, 3)) * 3
    y, a = targets_for(record, rng, z.shape), g.value(z)
    assert close(record.delta(g, z, a, y), record.canonical * (a - y), 16, floor=1)


@pytest.mark.parametrize("size", [1e4, 1e6])
@pytest.mark.parametrize("name", ["binary_cross_entropy", "cross_entropy"])
def test_large_logits_in_float32(name, size):
    record = LOSSES[name]
    g = ACTIVATIONS[record.link]
    z = np.array([[size, -size], [-size, size], [size, size], [-size, -size], [0, size]], np.float32)
    a = g.value(z)
    for y in (np.float32([[1, 0]] * 5), np.float32([[0, 1]] * 5), np.float32([[0.3, 0.7]] * 5)):
        values, delta = record.values(g, z, a, y), record.delta(g, z, a, y)
        assert values.dtype == delta.dtype == np.float32
        assert np.all(np.isfinite(values)) and np.all(np.isfinite(delta)) and np.all(values >= 0)
    assert np.all(np.isfinite(a))
    wrong = record.values(g, z, a, np.float32([[0, 1]] * 5))[0]  # both outputs wrong, or one class
    assert wrong == pytest.approx(2 * size)


def test_large_log_rates():
    """Poisson's value from the log rate is exact where the rate underflows."""
    record, g = LOSSES["poisson"], ACTIVATIONS["exponential"]
    z = np.array([[-1e4], [-200.0]], np.float32)
    assert record.values(g, z, g.value(z), np.ones_like(z)).tolist() == [1e4, 200.0]


@by_loss
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_pairs(record, name):
    """Every pair is allowed, or refused with a message that names the remedy."""
    g = ACTIVATIONS[name]
    expected = name in ALLOWED[record.name] if record.name in ALLOWED else None
    try:
        record.check_output(g, 3)
    except ArchitectureError as error:
        assert expected is not True, str(error)
        message = str(error)
        assert record.name in message and name in message
        assert "use '" in message or "use another activation or loss" in message
        remedy = message.split("use '")[1].split("'")[0]
        record.check_output(ACTIVATIONS[remedy], 3)
    else:
        assert expected is not False, f"{record.name} with {name} must be refused"


@by_loss
def test_softmax_of_one_output_is_refused(record):
    with pytest.raises(ArchitectureError, match="use '"):
        record.check_output(ACTIVATIONS["softmax"], 1)


@by_loss
def test_owning(record):
    owners = [name for name, g in ACTIVATIONS.items() if record.owns(g)]
    assert owners == ([record.link] if record.linked is not None else [])


def test_names_and_constants():
    assert loss("mse").name == "squared_error" and loss("Log-Loss").name == "binary_cross_entropy"
    assert loss("pinball(tau=0.9)").constants["tau"] == 0.9
    for wrong in ("huber(delta=0)", "quantile(tau=1.5)", "quantile(tau=-0.1)"):
        with pytest.raises(InvalidParameterError, match="must be a number >="):
            loss(wrong)
    over, under = loss("quantile(0.9)"), (np.array([2.0]), np.array([3.0]))
    assert over.values(ACTIVATIONS["identity"], *[under[0][:, None]] * 2, under[1][:, None]) == pytest.approx(0.9)


def test_huber_is_its_two_pieces():
    huber = loss("huber(delta=2)")
    a, y = np.array([1.0, 2.0, 3.0, -5.0]), np.zeros(4)
    assert huber.function(a, y, 2.0).tolist() == [0.5, 2.0, 4.0, 8.0]
    assert huber.slope(a, y).tolist() == [1, 2, 2, -2]
