"""Each row of the table against central differences and PyTorch; first and second derivatives, every shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import glassnet.autograd as ag
from autograd.differences import numerical
from glassnet import AutogradError
from glassnet.autograd import RULES, Tensor, grad
from glassnet.autograd.tape import Rule
from tolerances import DERIVATIVE, TORCH, relative

RNG = np.random.default_rng(5)


def real(*shape):
    """Numbers away from 0, of both signs."""
    return RNG.uniform(0.3, 1.7, shape) * RNG.choice([-1, 1], shape)


def positive(*shape):
    return RNG.uniform(0.3, 2, shape)


CONDITION = np.array([[True, False, True], [False, False, True]])
PICK = (np.array([0, 1, 0]), slice(None, None, 2))
A, B = real(2, 3), real(2, 3)

CASES = {
    "add": [(lambda a, b: a + b, A, B), (lambda a, b: a + b, A, real(3)), (lambda a, b: a + b, real(2, 1), real(3))],
    "subtract": [(lambda a, b: a - b, A, real(1, 3)), (lambda a: 2 - a, A)],
    "multiply": [(lambda a, b: a * b, A, real(2, 1)), (lambda a, b: a * b, real(), B), (lambda a: a * a, A)],
    "divide": [(lambda a, b: a / b, A, real(3)), (lambda a: 3 / a, A)],
    "negative": [(lambda a: -a, A)],
    "power": [
        (lambda a, b: a**b, positive(2, 3), real(3)),
        (lambda a: a**3, A),
        (lambda a: a**-2, A),
        (lambda a: 2**a, A),
        (lambda a: a**0.5, positive(4)),
    ],
    "matmul": [
        (lambda a, b: a @ b, real(*left), real(*right))
        for left, right in [
            ((2, 3), (3, 4)),
            ((3,), (3,)),
            ((3,), (3, 4)),
            ((2, 3), (3,)),
            ((5, 2, 3), (5, 3, 4)),
            ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 4)),
            ((3,), (5, 3, 4)),
            ((5, 2, 3), (3,)),
            ((2, 1, 2, 3), (4, 3, 2)),
        ]
    ],
    "absolute": [(abs, A)],
    "maximum": [(ag.maximum, A, B), (ag.maximum, A, real(3)), (lambda a: ag.maximum(a, 0.1), A)],
    "minimum": [(ag.minimum, A, B), (lambda a: ag.minimum(0.1, a), A)],
    "clip": [(lambda a: ag.clip(a, -0.5, 0.9), A), (lambda a: a.clip(low=0), A)],
    "where": [(lambda a, b: ag.where(CONDITION, a, b), A, real(3)), (lambda a: ag.where(a > 0, a, 0.0), A)],
    "sum": [(lambda a: a.sum(axis=1), A), (lambda a: a.sum(), A), (lambda a: a.sum((0, -1), keepdims=True), A)],
    "mean": [
        (lambda a: a.mean(0), A),
        (lambda a: a.mean(), A),
        (lambda a: a.mean(np.int64(1)), A),
        (lambda a: ag.mean(a, axis=(0, 2)), real(2, 3, 4)),
    ],
    "max": [(lambda a: a.max(axis=1), A), (lambda a: a.max(), A), (lambda a: a.max(0, keepdims=True), A)],
    "min": [(lambda a: a.min(axis=-1), A), (lambda a: a.min((0, 1)), A)],
    "logsumexp": [
        (ag.logsumexp, A),
        (lambda a: ag.logsumexp(a, axis=None), A),
        (lambda a: ag.logsumexp(a, 0, True), A),
    ],
    "softmax": [(ag.softmax, A), (lambda a: ag.softmax(a, axis=0), A)],
    "log_softmax": [(ag.log_softmax, A), (lambda a: ag.log_softmax(a, axis=0), A)],
    "reshape": [(lambda a: a.reshape(3, -1), A), (lambda a: a.reshape((6,)), A)],
    "transpose": [
        (lambda a: a.T, A),
        (lambda a: a.transpose(2, 0, 1), real(2, 3, 4)),
        (lambda a: a.transpose((-1, 0, 1)), real(2, 3, 4)),
    ],
    "broadcast_to": [(lambda a: ag.broadcast_to(a, (4, 2, 3)), A)],
    "astype": [(lambda a: a.astype("float64"), A)],
    "index": [
        (lambda a: a[1], A),
        (lambda a: a[:, ::2], A),
        (lambda a: a[CONDITION], A),
        (lambda a: a[PICK], A),
        (lambda a: a[..., None], A),
    ],
    "scatter": [(lambda a: ag.grad((b := Tensor(B, True))[0], [b], a, create_graph=True)[0], real(3))],
    "concatenate": [
        (lambda a, b: ag.concatenate([a, b, a]), A, real(1, 3)),
        (lambda a, b: ag.stack([a, b], axis=1), A, B),
        (lambda a, b: ag.concatenate([a, b], axis=-1), A, real(2, 2)),
    ],
    **{
        name: [(getattr(ag, name), A)]
        for name in (
            *("exp", "expm1", "square", "sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh"),
            *("sigmoid", "softplus", "relu", "erf"),
        )
    },
    **{name: [(getattr(ag, name), positive(2, 3))] for name in ("log", "log1p", "sqrt")},
}
EVERY = [(name, i) for name in RULES for i in range(len(CASES.get(name, [()])))]


def first_and_second(f, arrays):
    """Gradients of sum(c f), and of sum(c' d sum(c f)) by the arrays, all by the tape; the scalar functions too."""
    tensors = [Tensor(a, requires_grad=True) for a in arrays]
    y = f(*tensors)
    c = np.random.default_rng(1).normal(size=y.shape)
    slopes = grad(y, tensors, c, create_graph=True)
    return c, slopes, tensors


def test_every_row_has_a_case():
    assert set(CASES) == set(RULES)


@pytest.mark.parametrize(("name", "i"), EVERY)
def test_a_row_against_differences(name, i):
    f, *arrays = CASES[name][i]
    c, slopes, _ = first_and_second(f, arrays)

    def loss(*moved):
        return (f(*(Tensor(m) for m in moved)).value * c).sum()

    for position, slope in enumerate(slopes):
        truth = numerical(loss, arrays, position)
        assert slope.shape == arrays[position].shape and slope.dtype == np.float64
        assert relative(slope.value, truth) <= DERIVATIVE


@pytest.mark.parametrize(("name", "i"), EVERY)
def test_second_derivatives_against_differences(name, i):
    f, *arrays = CASES[name][i]
    _, slopes, tensors = first_and_second(f, arrays)
    weights = [np.random.default_rng(2).normal(size=s.shape) for s in slopes]
    total = sum(((s * w).sum() for s, w in zip(slopes, weights, strict=True)), Tensor(0.0))

    def weighted(*moved):
        return sum((s.value * w).sum() for s, w in zip(first_and_second(f, moved)[1], weights, strict=True))

    for position, tensor in enumerate(tensors):
        truth = numerical(weighted, arrays, position)
        try:
            [mine] = grad(total, [tensor])
        except AutogradError as error:  # linear: the slope does not depend on it
            assert "does not depend on" in str(error)
            mine = np.zeros(tensor.shape)
        assert np.linalg.norm(mine - truth) <= DERIVATIVE * max(1.0, np.linalg.norm(truth))


@pytest.mark.parametrize("name", [n for n in CASES if hasattr(ag, n)])
def test_values_and_gradients_equal_those_of_pytorch(name):
    torch = pytest.importorskip("torch")
    f, *arrays = CASES[name][0]
    theirs = {
        "relu": torch.relu,
        "softplus": torch.nn.functional.softplus,
        "arctan": torch.atan,
        "concatenate": lambda a, b: torch.cat([a, b, a]),
        "where": lambda a, b: torch.where(torch.tensor(CONDITION), a, b),
        "clip": lambda a: torch.clip(a, -0.5, 0.9),
        "sum": lambda a: a.sum(1),
        "mean": lambda a: a.mean(0),
        "max": lambda a: a.amax(1),
        "min": lambda a: a.amin(-1),
        "logsumexp": lambda a: torch.logsumexp(a, -1),
        "softmax": lambda a: torch.softmax(a, -1),
        "log_softmax": lambda a: torch.log_softmax(a, -1),
        "reshape": lambda a: a.reshape(3, -1),
        "transpose": lambda a: a.T,
        "broadcast_to": lambda a: torch.broadcast_to(a, (4, 2, 3)),
    }.get(name) or getattr(torch, name)
    mine, others = [Tensor(a, True) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]
    y, z = f(*mine), theirs(*others)
    assert relative(y.value, z.detach().numpy()) <= TORCH
    y.sum().backward()
    z.sum().backward()
    for a, b in zip(mine, others, strict=True):
        assert relative(a.grad, b.grad.numpy()) <= TORCH


@pytest.mark.parametrize(
    "g",
    [lambda g, y, x: g * ag.cos(x) * 1.001, lambda g, y, x: g * ag.sin(x), lambda g, y, x: g * ag.cos(x) * np.nan],
)
def test_a_wrong_rule_is_caught(monkeypatch, g):
    monkeypatch.setitem(RULES, "sin", Rule("sin", np.sin, (g,), "sin", "", ""))
    with pytest.raises(AssertionError):
        test_a_row_against_differences("sin", 0)


# --- broadcasting -----------------------------------------------------------------------------------------------


@given(mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4), st.sampled_from("+-*/"))
def test_any_two_shapes_that_broadcast(shapes, sign):
    rng = np.random.default_rng(0)
    a, b = (rng.uniform(0.5, 2, s) for s in shapes.input_shapes)
    x, y = Tensor(a, True), Tensor(b, True)
    z = {"+": x + y, "-": x - y, "*": x * y, "/": x / y}[sign]
    assert z.shape == shapes.result_shape
    z.sum().backward()
    spread = np.broadcast_arrays(a, b)
    slopes = {
        "+": (np.ones(z.shape), np.ones(z.shape)),
        "-": (np.ones(z.shape), -np.ones(z.shape)),
        "*": (spread[1], spread[0]),
        "/": (1 / spread[1], -spread[0] / spread[1] ** 2),
    }[sign]
    for tensor, slope in zip((x, y), slopes, strict=True):
        assert tensor.grad.shape == tensor.shape
        # every entry receives the sum over its copies
        pad = (1,) * (slope.ndim - tensor.ndim) + tensor.shape
        axes = tuple(i for i, n in enumerate(pad) if n == 1)
        assert np.allclose(tensor.grad, slope.sum(axis=axes, keepdims=True).reshape(tensor.shape), rtol=1e-12)


# --- choices where a derivative jumps, and where formulas overflow ----------------------------------------------


def slope_at(f, x):
    t = Tensor(x, True)
    f(t).sum().backward()
    return t.grad.tolist()


def test_choices_at_kinks():
    assert slope_at(ag.relu, [0.0, -0.0]) == [0, 0]
    assert slope_at(abs, [0.0]) == [0]
    assert slope_at(lambda t: t.max(), [3.0, 1.0, 3.0]) == [0.5, 0, 0.5]
    assert slope_at(lambda t: ag.maximum(t, 2.0), [2.0, 3.0]) == [0.5, 1]
    assert slope_at(lambda t: t.clip(0, 1), [0.0, 1.0, 1.5]) == [1, 1, 0]
    assert slope_at(lambda t: t**2, [0.0]) == [0]
    assert slope_at(lambda t: t**1, [0.0]) == [1]
    assert slope_at(lambda t: t**0, [0.0]) == [0]


@pytest.mark.filterwarnings("error")
def test_nothing_overflows_far_out():
    far = [-1e4, -80.0, 80.0, 1e4]
    for f in (ag.sigmoid, ag.softplus, ag.tanh, ag.relu, ag.erf, ag.log_softmax, ag.logsumexp, ag.softmax):
        for dtype in ("float32", "float64"):
            t = Tensor(np.array(far, dtype), True)
            y = f(t)
            y.sum().backward()
            assert y.dtype == t.grad.dtype == dtype
            assert np.all(np.isfinite(y.value)) and np.all(np.isfinite(t.grad)), f
    assert slope_at(ag.softplus, far) == pytest.approx([0, np.exp(-80), 1, 1])


def test_the_trap_of_where_and_the_way_around_it():
    with np.errstate(all="ignore"):
        assert np.isnan(slope_at(lambda t: ag.where(t > 0, ag.log(t), 0.0), [0.0, 1.0])[0])
    assert slope_at(lambda t: ag.where(t > 0, ag.log(ag.where(t > 0, t, 1.0)), 0.0), [0.0, 2.0]) == [0, 0.5]


@pytest.mark.parametrize("name", RULES)
def test_float32_stays_float32(name):
    for f, *arrays in CASES[name]:
        if name == "astype" or name == "scatter":
            continue
        tensors = [Tensor(np.float32(a), True) for a in arrays]
        y = f(*tensors)
        assert y.dtype == np.float32
        y.sum().backward()
        assert all(t.grad.dtype == np.float32 for t in tensors)
