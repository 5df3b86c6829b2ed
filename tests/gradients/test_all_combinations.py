"""Backpropagation by hand = automatic differentiation = central differences, on every allowed combination.

tests/network/test_backward.py holds the combinations and compares with differences and PyTorch; here the tape joins,
whose formulas are written apart from `glassnet.formulas`.
"""

from dataclasses import replace

import numpy as np
import pytest

from glassnet import ACTIVATIONS, LOSSES, Architecture, BatchNorm, Dense
from glassnet.gradients import by_tape, tensor_formulas
from glassnet.gradients.by_tape import value_and_gradient
from glassnet.network.gradcheck import FixedPass, check_pass
from glassnet.network.parameters import parameter_layout
from network.test_backward import PAIRS, SEED, case, cases
from tolerances import GRADIENT, TORCH


def fixed_pass(c) -> FixedPass:
    return FixedPass.of(c.net, c.buffers, c.X, c.Y, c.weights, SEED)


def distances(c):
    """Value and gradient by hand and by the tape: how far they are apart, tensor by tensor."""
    fixed = fixed_pass(c)
    trace, mine = fixed.forward(c.theta), fixed.gradient(c.theta)
    value, theirs = value_and_gradient(fixed, c.theta, trace)
    yield "loss", abs(value - trace["loss"]) / max(1, abs(value))
    for piece in parameter_layout(c.net).slices:
        a, b = mine[piece.start : piece.stop], theirs[piece.start : piece.stop]
        yield piece.name, np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-4 * np.linalg.norm(mine))


@pytest.mark.parametrize(("variant", "output", "loss"), PAIRS)
def test_by_hand_equals_automatic_equals_differences(variant, output, loss):
    every = list(cases(variant, output, loss))
    for c in every:
        for name, distance in distances(c):
            assert distance <= TORCH, f"{name} of {c.net}: {distance:.1e}"
    report, theta = check_pass(fixed_pass(every[-1]), every[-1].theta, GRADIENT, 3, SEED)
    assert report.passed and theta is every[-1].theta, f"{every[-1].net}\n{report}"


def test_every_record_has_a_tensor_version():
    assert set(tensor_formulas.ACTIVATIONS) == set(ACTIVATIONS)
    assert set(tensor_formulas.LOSSES) | set(tensor_formulas.LINKED) == set(LOSSES)
    assert all(LOSSES[name].linked is not None for name in tensor_formulas.LINKED)


SPECIAL = [
    ((Dense(4, "elu(alpha=0.7)"), Dense(2, "leaky_relu(alpha=0.3)")), "huber(delta=0.3)", {}),
    ((Dense(4, "softmax"), Dense(2, "gelu")), "quantile(tau=0.9)", {"l1": 0.01}),
    ((Dense(3, "tanh", norm=BatchNorm()), Dense(2, norm=BatchNorm())), "squared_error", {"frozen": ("1",)}),
]


@pytest.mark.parametrize("net", [Architecture(3, a, b, dtype="float64", **options) for a, b, options in SPECIAL])
def test_constants_rows_and_frozen_statistics(net):
    for name, distance in distances(case(net, weighted=True)):
        assert distance <= TORCH, name


@pytest.mark.parametrize(
    ("table", "name", "fault"),
    [
        ("ACTIVATIONS", "tanh", lambda z: tensor_formulas.tanh(z) * 1.001),
        ("ACTIVATIONS", "tanh", tensor_formulas.sigmoid),
        ("LOSSES", "squared_error", lambda a, y: (a - y) ** 2 / 2),
        ("LOSSES", "squared_error", lambda a, y: (a - y) ** 2 * np.nan),
    ],
)
def test_a_fault_is_seen(monkeypatch, table, name, fault):
    c = next(cases("plain", "tanh", "squared_error"))
    assert all(distance <= TORCH for _, distance in distances(c))
    monkeypatch.setitem(getattr(tensor_formulas, table), name, fault)
    assert any(not distance <= TORCH for _, distance in distances(c))


def test_a_fault_of_the_record_is_seen(monkeypatch):
    from glassnet.network import architecture as module

    c, real = next(cases("plain", "tanh", "squared_error")), module._activation
    monkeypatch.setattr(
        module,
        "_activation",
        lambda name: replace(real(name), derivative=lambda z, a: 1 - a) if name == "tanh" else real(name),
    )
    assert any(not distance <= TORCH for _, distance in distances(c))


def test_the_tape_names_what_a_trace_names():
    c = next(cases("batch_norm", "tanh", "squared_error"))
    fixed = fixed_pass(c)
    loss, parameters = by_tape.objective(fixed, c.theta, fixed.forward(c.theta))
    assert set(parameters) == {piece.name for piece in parameter_layout(c.net).slices}
    from glassnet.autograd.chain import ordered

    assert {"z1", "zhat1", "s1", "a1", "z2", "losses", "J"} <= {t.name for t in ordered(loss)}
