"""Every activation against differences, against PyTorch, at its kinks and at the ends of the number line."""

from dataclasses import replace

import numpy as np
import pytest

from glassnet import ACTIVATIONS, InvalidParameterError, activation
from glassnet.formulas.ranges import Interval
from tolerances import DERIVATIVE, TORCH_ULP, close, relative

DTYPES = [np.float32, np.float64]
EDGES = [0.0, -0.0, 1e-30, -1e-30, 1e-3, -1e-3, 0.5, -0.5, 1, -1, 3, -7, 30, -30, 80, -80, 1e4, -1e4]
GRID = np.concatenate([np.linspace(-6, 6, 98), EDGES])
ELEMENTWISE = [r for r in ACTIVATIONS.values() if not r.rowwise]
DIFFERENTIABLE = [r for r in ELEMENTWISE if r.derivative is not None]
BENT = [r for r in DIFFERENTIABLE if r.kinks]
AT_KINKS = {  # the derivative that each record chooses where there are two
    "relu": {0.0: 0.0},
    "leaky_relu": {0.0: 0.01},
    "elu": {0.0: 1.0},
    "selu": {0.0: 1.0507009873554805 * 1.6732632423543772},
}
TORCH = {
    "identity": lambda F, z: z * 1,
    "sigmoid": lambda F, z: F.sigmoid(z),
    "tanh": lambda F, z: F.tanh(z),
    "relu": lambda F, z: F.relu(z),
    "leaky_relu": lambda F, z: F.leaky_relu(z, 0.01),
    "elu": lambda F, z: F.elu(z),
    "selu": lambda F, z: F.selu(z),
    "softplus": lambda F, z: F.softplus(z, threshold=85),
    "swish": lambda F, z: F.silu(z),
    "gelu": lambda F, z: F.gelu(z),
    "mish": lambda F, z: F.mish(z),
    "exponential": lambda F, z: z.exp(),
    "softmax": lambda F, z: F.softmax(z, -1),
}
by_name = pytest.mark.parametrize("record", ELEMENTWISE, ids=lambda r: r.name)


@pytest.fixture(autouse=True)
def quiet():
    """Overflow on the way to a right result is meant; engines run under the same setting."""
    with np.errstate(all="ignore"):
        yield


def compared_with_differences(record) -> int:
    """Compare the derivative with central differences on the grid away from kinks; how many points that were."""
    h = 2.0**-17 * np.maximum(1, np.abs(GRID))
    clear = np.all([np.abs(GRID - kink) > h for kink in record.kinks] or [GRID == GRID], axis=0)
    up, down, a = (record.value(z) for z in (GRID + h, GRID - h, GRID))
    clear &= np.isfinite(up) & np.isfinite(down)
    exact = record.slope(GRID, a)[clear]
    numeric = ((up - down) / (2 * h))[clear]
    size = np.abs(GRID) if record.name == "gelu" else np.maximum(np.abs(up), np.abs(down))  # 1 + erf(z) cancels
    rounding = 8 * np.finfo(float).eps * (size / h)[clear]
    wrong = ~(np.abs(exact - numeric) <= DERIVATIVE * np.maximum(np.abs(exact), np.abs(numeric)) + rounding)
    assert not wrong.any(), f"{record.name} at {GRID[clear][wrong]}: {exact[wrong]}, numerically {numeric[wrong]}"
    return int(clear.sum())


@pytest.mark.parametrize("record", DIFFERENTIABLE, ids=lambda r: r.name)
def test_derivative(record):
    assert compared_with_differences(record) >= len(GRID) - 5


@pytest.mark.parametrize(
    "fault",
    [
        lambda d: lambda z, a, *c: d(z, a, *c) * 1.001,
        lambda d: lambda z, a, *c: np.where(z == 1, np.nan, d(z, a, *c)),
        lambda d: lambda z, a, *c: d(-z, a, *c),
    ],
)
def test_a_wrong_derivative_is_caught(fault):
    record = ACTIVATIONS["swish"]
    with pytest.raises(AssertionError, match="swish at"):
        compared_with_differences(replace(record, derivative=fault(record.derivative)))


@pytest.mark.parametrize("record", BENT, ids=lambda r: r.name)
def test_kinks(record):
    """At a kink the derivative is one of the two one-sided ones, and the listed one; beside it, that side's."""
    h = 2.0**-20
    for kink in record.kinks:
        left, middle, right = (record.value(np.array([kink + s * h])) for s in (-1, 0, 1))
        sides = (middle - left)[0] / h, (right - middle)[0] / h
        for zero in (np.array([kink]), np.array([-kink])):
            choice = record.slope(zero, record.value(zero))[0]
            assert any(abs(choice - side) <= 1e-5 for side in sides)
            if record.name in AT_KINKS:
                assert choice == AT_KINKS[record.name][kink]
        for step, side in zip((-1e-30, 1e-30), sides, strict=True):
            near = np.array([kink + step])
            if near[0] != kink:
                assert abs(record.slope(near, record.value(near))[0] - side) <= 1e-5


def test_step():
    step = ACTIVATIONS["step"]
    z = np.array([-1e4, -1e-300, -0.0, 0.0, 1e-300, np.inf, -np.inf])
    assert step.value(z).tolist() == [0, 0, 1, 1, 1, 1, 0]
    assert not step.trainable and step.derivative is None


@by_name
@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_stays(record, dtype):
    z = np.array([1.0, np.nan, -1.0], dtype)
    assert np.isnan(record.value(z)).tolist() == [False, True, False]


def at_infinity(function, end, name):
    """The limit or NaN, never a wrong finite number."""
    limit, before, far = (function(np.array([end * size]))[0] for size in (np.inf, 1e4, 1e3))
    if np.isfinite(limit):
        assert abs(limit - before) <= 1e-12 * max(1, abs(limit)), f"{name} at {end:+} infinity"
    elif not np.isnan(limit):
        assert np.sign(limit) == np.sign(before) and (abs(before) > abs(far) or limit == before), (
            f"{name} at {end:+} infinity"
        )


@by_name
def test_infinities(record):
    for end in (-1, 1):
        at_infinity(record.value, end, record.name)
        if record.derivative is not None:
            at_infinity(lambda z: record.slope(z, record.value(z)), end, record.name)


@pytest.mark.parametrize("wrong", [lambda z: np.where(np.isinf(z), 0.5, z), lambda z: np.where(np.isinf(z), -z, z)])
def test_a_wrong_limit_is_caught(wrong):
    with pytest.raises(AssertionError, match="wrong at"):
        at_infinity(wrong, 1, "wrong")


@by_name
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_and_range(record, dtype):
    z = GRID.astype(dtype)
    a = record.value(z)
    assert a.dtype == dtype and a.shape == z.shape
    assert Interval(record.range.low, record.range.high).holds(a)  # an open end may be reached by rounding
    assert record.range.holds(record.value(np.linspace(-8, 8, 101, dtype=dtype)))
    assert np.asarray(record.value(dtype(0.3))).dtype == dtype
    if record.derivative is not None:
        assert record.slope(z, a).dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TORCH)
def test_value_against_torch(name, dtype):
    torch = pytest.importorskip("torch")
    record = ACTIVATIONS[name]
    z = GRID.astype(dtype).reshape(-1, 4) if record.rowwise else GRID.astype(dtype)
    expected = TORCH[name](torch.nn.functional, torch.tensor(z)).numpy()
    cancels = name in ("gelu", "mish", "swish", "elu", "selu")  # terms of size |z| or 1 cancel below 0
    assert close(record.value(z), expected, TORCH_ULP, floor=1.0 if cancels else 0.0)


@pytest.mark.parametrize("name", TORCH)
def test_derivative_against_torch(name):
    torch = pytest.importorskip("torch")
    record = ACTIVATIONS[name]
    moderate = GRID[(np.abs(GRID) <= 80) & ~np.isin(GRID, record.kinks)]
    z = moderate[: len(moderate) // 4 * 4].reshape(-1, 4)
    da = np.random.default_rng(0).normal(size=z.shape)
    t = torch.tensor(z, requires_grad=True)
    TORCH[name](torch.nn.functional, t).backward(torch.tensor(da))
    actual = record.backward(z, record.value(z), da)
    assert close(actual, t.grad.numpy(), TORCH_ULP, floor=1.0)


def test_torch_covers_every_formula():
    assert set(TORCH) == set(ACTIVATIONS) - {"step"}


def explicit_softmax_vjp(a, da):
    """Sum over k of da_k a_k (delta_kj - a_j), by the Jacobian of each row."""
    return np.stack([d @ (np.diag(p) - np.outer(p, p)) for p, d in zip(a, da, strict=True)])


def test_softmax_vjp_is_the_jacobians():
    softmax = ACTIVATIONS["softmax"]
    z, da = np.random.default_rng(1).normal(size=(2, 20, 5)) * 3
    a = softmax.value(z)
    assert np.allclose(a.sum(axis=1), 1, atol=1e-14)
    assert relative(softmax.backward(z, a, da), explicit_softmax_vjp(a, da)) <= 1e-14
    assert not relative(softmax.backward(z, a, da) * 1.001, explicit_softmax_vjp(a, da)) <= 1e-14


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_at_large_logits(dtype):
    z = np.array([[1e4, -1e4, 0], [1e6, 1e6, -1e6], [-1e6, -1e6, -1e6], [88, 89, 90]], dtype)
    a = ACTIVATIONS["softmax"].value(z)
    assert np.all(np.isfinite(a)) and a.dtype == dtype
    assert np.abs(a.sum(axis=1) - 1).max() <= 4 * np.finfo(dtype).eps
    assert np.allclose(a[1], [0.5, 0.5, 0]) and np.allclose(a[2], 1 / 3)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("logistic", "sigmoid"),
        ("silu", "swish"),
        ("linear", "identity"),
        ("heaviside", "step"),
        ("leaky", "leaky_relu"),
        ("Leaky-ReLU", "leaky_relu"),
        (" exp ", "exponential"),
        ("rectifier", "relu"),
    ],
)
def test_aliases(alias, name):
    assert activation(alias.strip()).name == name
    assert ACTIVATIONS[alias].name == name
    assert alias in ACTIVATIONS


@pytest.mark.parametrize("record", [r for r in ACTIVATIONS.values() if r.constants], ids=lambda r: r.name)
def test_constants_can_be_set(record):
    z = np.array([-2.0, -0.5])
    for key, default in record.constants.items():
        changed = activation(record.name, **{key: default / 2})
        assert changed.constants[key] == default / 2
        assert record.constants[key] == default
        assert not np.any(changed.value(z) == record.value(z))
        compared_with_differences(changed)
        assert activation(f"{record.name}({key}={default / 2!r})") == changed == activation(str(changed))
        for bad in ("x", None, float("nan"), float("inf"), True):
            with pytest.raises(InvalidParameterError, match=f"{record.name}: {key} must be"):
                activation(record.name, **{key: bad})


def test_unknown_constants_are_refused():
    with pytest.raises(InvalidParameterError, match="leaky_relu has no constant 'alfa'; did you mean 'alpha'"):
        activation("leaky_relu", alfa=0.1)
    with pytest.raises(InvalidParameterError, match="takes 0 numbers"):
        activation("relu(0.1)")
    for wrong in (None, 3, np.tanh):
        with pytest.raises(InvalidParameterError, match="must be a name or a record"):
            activation(wrong)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("record", DIFFERENTIABLE, ids=lambda r: r.name)
def test_the_derivative_by_the_output_alone_is_the_same_bits(record, dtype):
    """Of those that say so; of the others, if z is left out, it is not."""
    z = np.concatenate([GRID, [0.0, -0.0, 1e-30, -1e-30, 1e-45, -1e-45, 1e4, -1e4]]).astype(dtype)
    with np.errstate(all="ignore"):
        a = record.function(z, *record.constants.values())
        by_both, by_output = (record.derivative(first, a, *record.constants.values()) for first in (z, a))
    same = np.array_equal(by_both, by_output)
    sign_of_a = record.name in ("identity", "leaky_relu", "elu", "selu")  # only where alpha is not below 0
    assert same == (record.by_output or sign_of_a)
