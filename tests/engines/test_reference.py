"""The reference engine against a NumPy loop written out by hand, and how it stops at what is not finite."""

import numpy as np
import pytest

from glassnet import SGD, Adagrad, Adam, Architecture, BatchNorm, Dense, Dropout, Momentum
from glassnet.engines.base import Data, Program, Slice, fresh_state
from glassnet.engines.reference import ReferenceEngine, run
from glassnet.network.parameters import initial_buffers, initial_parameters, parameter_layout
from glassnet.network.passes import Draws, penalty
from tolerances import relative

ENGINE = ReferenceEngine()


def problem(n, d, K, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return Data(rng.normal(size=(n, d)).astype(dtype), rng.uniform(size=(n, K)).astype(dtype))


def work(order, steps, eta=0.1, decay=0.0, rates=()):
    order = np.asarray(order, np.int64)
    return Slice(
        order,
        np.minimum(np.arange(steps + 1) * -(-len(order) // steps), len(order)),
        np.full(steps, eta) if np.isscalar(eta) else np.asarray(eta, float),
        np.full(steps, decay),
        np.tile(np.asarray(rates, float), (steps, 1)).reshape(steps, len(rates)),
    )


def advance(program, state, data, slice_):
    return ENGINE.begin(program, state, data).advance(slice_)


def start(program, seed=1):
    net = program.architecture
    return fresh_state(program, initial_parameters(net, seed), initial_buffers(net))


def snapshot(state):
    return [a.copy() for a in (state.theta, state.buffers, state.slots, state.carried)], state.step


def unchanged(before, state) -> bool:
    arrays, step = before
    now = (state.theta, state.buffers, state.slots, state.carried)
    return step == state.step and all(np.array_equal(a, b) for a, b in zip(arrays, now, strict=True))


def test_advance_equals_a_loop_by_hand():
    """tanh, then sigmoid with cross-entropy; L2, momentum, clipping, weights of examples, a short last batch."""
    net = Architecture(3, (Dense(4, "tanh"), Dense(2, "sigmoid")), dtype="float64", l2=0.1)
    data = problem(10, 3, 2, np.float64)
    w = np.random.default_rng(4).uniform(0.5, 2, 10)
    data = Data(data.X, data.Y, w)
    program = Program(net, Momentum(0.1, momentum=0.8), batch_size=4, clip_norm=0.3, seed=0)
    state = start(program)
    views = parameter_layout(net).views(state.theta.copy())
    W1, b1, W2, b2 = (views[name].copy() for name in ("W1", "b1", "W2", "b2"))
    order, etas = np.random.default_rng(9).permutation(10), [0.3, 0.2, 0.1]
    log = advance(program, state, data, work(order, 3, etas))

    velocity, losses, norms = [np.zeros_like(p) for p in (W1, b1, W2, b2)], [], []
    for i, eta in enumerate(etas):
        rows = order[4 * i : 4 * i + 4]
        X, Y, v = data.X[rows], data.Y[rows], (w[rows] / len(rows))[:, None]
        H = np.tanh(X @ W1.T + b1)
        P = 1 / (1 + np.exp(-(H @ W2.T + b2)))
        loss = -np.sum(v * (Y * np.log(P) + (1 - Y) * np.log(1 - P)))  # without the penalty
        d2 = v * (P - Y)
        d1 = (d2 @ W2) * (1 - H**2)
        grads = [d1.T @ X + 0.1 * W1, d1.sum(0), d2.T @ H + 0.1 * W2, d2.sum(0)]
        norm = np.sqrt(sum(np.sum(g**2) for g in grads))
        losses.append(loss)
        norms.append(norm)
        for p, g, u in zip((W1, b1, W2, b2), grads, velocity, strict=True):
            u[...] = 0.8 * u + g * min(1, 0.3 / norm)
            p[...] -= eta * u

    assert log.bad is None and state.step == 3
    assert relative(log.losses, losses) <= 1e-13 and relative(log.gradient_norms, norms) <= 1e-13
    after = parameter_layout(net).views(state.theta)
    for name, expected in (("W1", W1), ("b1", b1), ("W2", W2), ("b2", b2)):
        assert relative(after[name], expected) <= 1e-13, name
    slots = parameter_layout(net).views(state.slots[0])
    assert relative(slots["W2"], velocity[2]) <= 1e-13
    assert max(norms) > 0.3 > 0, "clipping must have happened"


def test_steps_draw_by_their_number_and_keep_running_statistics():
    """Step t (from 1) draws the masks of (seed, t); batch statistics enter the state with the step."""
    net = Architecture(3, (Dense(6, "tanh", norm=BatchNorm()), Dropout(0.5), Dense(2)), dtype="float64")
    data, program = problem(8, 3, 2, np.float64), Program(net, SGD(), batch_size=4, seed=6)
    state, twin = start(program), start(program)
    log = advance(program, state, data, work(range(8), 2, 0.1, rates=(0.3,)))
    for t in (1, 2):
        rows = slice(4 * t - 4, 4 * t)
        batch = Data(data.X[rows], data.Y[rows])
        trace, gradient = run(net, twin.theta, twin.buffers, batch, Draws(6, t, (0.3,)))
        assert set(np.unique(trace["mask1"])) == {0, 1 / 0.7} and trace["loss"] == log.losses[t - 1]
        twin.theta -= 0.1 * gradient
    assert relative(state.theta, twin.theta) <= 1e-15
    assert np.array_equal(state.buffers, twin.buffers) and not np.any(state.buffers == initial_buffers(net))


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_slices_do_not_matter(cut):
    """Two slices are the same bits as one: masks, schedules and slots go on where they were."""
    net = Architecture(3, (Dropout(0.2), Dense(8, "relu", norm=BatchNorm()), Dropout(0.5), Dense(2, "sigmoid")))
    data, order = problem(24, 3, 2, np.float32), np.random.default_rng(0).permutation(24)
    program = Program(net, Adam(0.01), batch_size=4, seed=11)
    etas = np.linspace(0.01, 0.05, 6)
    whole, parts = start(program), start(program)
    first = advance(program, whole, data, work(order, 6, etas, 0.1, (0.2, 0.5)))
    a = advance(program, parts, data, work(order[: 4 * cut], cut, etas[:cut], 0.1, (0.2, 0.5)))
    b = advance(program, parts, data, work(order[4 * cut :], 6 - cut, etas[cut:], 0.1, (0.2, 0.5)))
    assert unchanged(snapshot(whole), parts)
    assert np.array_equal(first.losses, np.concatenate([a.losses, b.losses]))
    other = start(program)
    advance(Program(net, Adam(0.01), batch_size=4, seed=12), other, data, work(order, 6, etas, 0.1, (0.2, 0.5)))
    assert not np.array_equal(whole.theta, other.theta)


def test_frozen_tensors_and_their_norm():
    net = Architecture(3, (Dense(4, "tanh"), Dense(1)), dtype="float64", frozen=("W1",))
    data, program = problem(8, 3, 1, np.float64), Program(net, SGD(0.1), batch_size=8)
    state = start(program)
    before = parameter_layout(net).views(state.theta.copy())
    log = advance(program, state, data, work(range(8), 1))
    after = parameter_layout(net).views(state.theta)
    assert np.array_equal(before["W1"], after["W1"]) and not np.any(before["b1"] == after["b1"])
    moved = np.linalg.norm(before.vector - after.vector) / 0.1
    assert log.gradient_norms[0] == pytest.approx(moved, rel=1e-12)  # what is frozen is not counted


def diverging():
    """Name -> (program, data, slice, first bad tensor, steps done before)."""
    net = Architecture(2, (Dense(3, "relu"), Dense(1)), dtype="float32")
    data = problem(8, 2, 1, np.float32)
    order = np.tile(np.arange(8), 2)
    big = Data(data.X * np.float32(1e20), data.Y)
    huge = Data(data.X * np.float32(1e23), data.Y)
    normed = Architecture(2, (Dense(3, "tanh", norm=BatchNorm()), Dense(1)), dtype="float32")
    linear = Architecture(2, (Dense(1),), "absolute_error", dtype="float32")
    return {
        "the update overflows": (Program(net, SGD(), 8), data, work(order, 2, [0.1, 1e39]), "W1_new", 1),
        "the loss overflows": (Program(net, SGD(), 8), big, work(order, 2), "losses", 0),
        "the rate is NaN": (Program(net, SGD(), 8), data, work(order, 2, [0.1, np.nan]), "W1_new", 1),
        "the step was far too long": (Program(net, SGD(), 8), data, work(order, 2, [1e30, 0.1]), None, 1),
        "a slot overflows": (Program(linear, Adagrad(), 8), big, work(order, 2), "s_W1", 0),
        "a second moment overflows": (Program(linear, Adam(), 8), huge, work(order, 2), "v_W1", 0),
        "a running variance overflows": (Program(normed, SGD(), 8), big, work(order, 2), "var1", 0),
    }


@pytest.mark.parametrize("name", diverging())
def test_stops_before_a_step_that_is_not_finite(name):
    program, data, slice_, tensor, done = diverging()[name]
    state, reference = start(program), start(program)
    log = advance(program, state, data, slice_)
    assert log.bad is not None and len(log.losses) == len(log.gradient_norms) == done == state.step
    assert tensor is None or log.bad == tensor
    assert all(np.all(np.isfinite(a)) for a in (state.theta, state.buffers, state.slots, state.carried, log.losses))
    if done:  # the state is that of the steps before
        m = done * program.batch_size
        advance(program, reference, data, work(slice_.order[:m], done, slice_.learning_rates[:done]))
    assert unchanged(snapshot(reference), state)


@pytest.mark.parametrize(("tensor", "expected"), [("W1", "z1"), ("b1", "z1"), ("W2", "z2"), ("b2", "z2")])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_planted_weight_is_found_where_it_first_shows(tensor, expected, value):
    net = Architecture(2, (Dense(3, "tanh"), Dense(1)), dtype="float64")
    program, data = Program(net, SGD(0.1), 8), problem(8, 2, 1, np.float64)
    state = start(program)
    piece = next(s for s in parameter_layout(net).slices if s.name == tensor)
    state.theta[piece.start] = value
    before = state.theta.copy()
    log = advance(program, state, data, work(range(8), 1))
    assert log.bad is not None
    if np.isnan(value):  # tanh hides an infinity until the update
        assert log.bad == expected
    assert np.array_equal(state.theta, before, equal_nan=True) and state.step == 0 and not len(log.losses)


def test_predict_evaluate_and_gradient_agree():
    net = Architecture(
        3, (Dense(4, "tanh", norm=BatchNorm()), Dropout(0.5), Dense(2, "softmax")), dtype="float64", l2=1
    )
    data = problem(5000, 3, 2, np.float64)
    Y = data.Y / data.Y.sum(axis=1, keepdims=True)
    data = Data(data.X, Y, np.random.default_rng(0).uniform(0, 1, 5000))
    theta, buffers = initial_parameters(net, 0), initial_buffers(net)
    kept = theta.copy(), buffers.copy()
    value, outputs = ENGINE.evaluate(net, theta, buffers, data)
    same, gradient = ENGINE.loss_and_gradient(net, theta, buffers, data)
    weight_penalty = penalty(net, parameter_layout(net).views(theta), len(data))
    assert weight_penalty > 0 and value + weight_penalty == pytest.approx(same, rel=1e-12)
    assert relative(outputs, ENGINE.predict(net, theta, buffers, data.X)) <= 1e-14
    direction = np.random.default_rng(1).normal(size=theta.shape)
    h = 1e-5
    up, down = (ENGINE.loss_and_gradient(net, theta + s * h * direction, buffers, data)[0] for s in (1, -1))
    assert gradient @ direction == pytest.approx((up - down) / (2 * h), rel=1e-7)
    assert np.array_equal(theta, kept[0]) and np.array_equal(buffers, kept[1])


def test_predictions_are_quiet_about_overflow():
    net = Architecture(2, (Dense(1, "sigmoid"),), dtype="float32")
    theta = np.array([1e4, 1e4, 0], np.float32)
    out = ENGINE.predict(net, theta, initial_buffers(net), np.array([[1, 1], [-1, -1]], np.float32))
    assert out.ravel().tolist() == [1, 0]
