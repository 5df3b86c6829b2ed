"""The table of quantities computes what the network computes: the Trace, and what updates made of it."""

import itertools

import numpy as np
import pytest

from glassnet import ACTIVATIONS, LOSSES, OPTIMIZERS, Architecture, Dense, Network
from glassnet.errors import ArchitectureError
from glassnet.explain.arithmetic import EXACT, digits
from glassnet.explain.evaluation import evaluate
from glassnet.explain.hulls import hull
from glassnet.explain.intervals import RANGES
from glassnet.explain.places import Entry, Setting
from glassnet.explain.quantities import Pass
from glassnet.explain.words import USES, WORDS
from glassnet.formulas import elementary
from glassnet.formulas.optimizers import optimizer
from tolerances import TORCH, relative

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.5]])


def targets(loss: str) -> np.ndarray:
    if loss in ("cross_entropy", "binary_cross_entropy", "perceptron"):
        return np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    return np.array([[0.0, 2.0], [1.0, 3.0], [0.3, 0.9]]) if loss == "poisson" else X[:, ::-1].copy()


def network(hidden: str, output: str, loss: str, **options) -> Network:
    net = Network(2, [Dense(3, hidden), Dense(2, output, bias=False)], loss, dtype="float64", seed=3, **options)
    net.parameters["b1"] = [0.1, -0.2, 0.3]
    return net


def table_of(net: Network, Y: np.ndarray, rule: str | None = None, n: int = 3) -> Pass:
    architecture = net.architecture
    given = {"a0": X[:n], "y": Y[:n], **{name: np.array(value) for name, value in net.parameters.items()}}
    data = {Entry(0, name, index): float(v) for name, values in given.items() for index, v in np.ndenumerate(values)}
    return Pass(
        Setting(
            architecture.sizes,
            tuple(layer.g for layer in architecture.dense),
            tuple(layer.has_bias for layer in architecture.dense),
            n,
            data,
            architecture.objective,
            architecture.reduction,
            architecture.l1,
            architecture.l2,
            None if rule is None else optimizer(rule),
        )
    )


def differences(table: Pass, expected, step: int = 1, steps: int = 1) -> dict[str, float]:
    """Relative error of every tensor of a step that the expectation has."""
    values, found = evaluate(table, steps), {}
    for name, tensor in table.tensors.items():
        if name in expected:
            mine = np.array([float(v) for e, v in values.items() if (e.step, e.name) == (step, name)])
            found[name] = relative(mine.reshape(tensor.shape), expected[name])
    return found


def fits(output: str, loss: str) -> bool:
    try:
        Architecture(2, (Dense(2, output),), loss)
    except ArchitectureError:
        return False
    return True


HIDDEN = [name for name, g in ACTIVATIONS.items() if g.trainable]
PAIRS = [(output, loss) for output, loss in itertools.product(ACTIVATIONS, LOSSES) if fits(output, loss)]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation(hidden):
    net, Y = network(hidden, "sigmoid", "binary_cross_entropy"), targets("binary_cross_entropy")
    table = table_of(net, Y, "sgd(0.1)")
    found = differences(table, net.trace(X, Y, optimizer="sgd(0.1)"))
    assert set(found) == set(table.tensors)
    assert max(found.values()) < TORCH, found


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_every_output_with_every_loss(output, loss, reduction):
    net, Y = network("tanh", output, loss, reduction=reduction, l1=0.02, l2=0.1), targets(loss)
    table, trace = table_of(net, Y), net.trace(X, Y)
    found = differences(table, trace)
    if ACTIVATIONS[output].trainable or LOSSES[loss].linked is not None:
        assert {"losses", "loss", "penalty"} <= set(found)
    if ACTIVATIONS[output].trainable:
        assert {"dL_da2", "delta2", "dW1", "db1"} <= set(found) and set(found) == set(table.tensors)
    assert max(found.values()) < TORCH, found


@pytest.mark.parametrize("rule", [*OPTIMIZERS, "adamw(0.1, weight_decay=0.3)", "sgd('step(0.5, factor=0.5, every=1)')"])
def test_every_optimizer_for_three_steps(rule):
    """Three updates by the reference, with the slots that it keeps, and these without their bias."""
    net, Y, steps = network("tanh", "identity", "half_squared_error"), targets("squared_error"), 3
    table = table_of(net, Y, rule)
    traces = net.explain(X, Y, optimizer=rule, steps=steps).board.traces
    for step, trace in enumerate(traces[:-1], 1):
        found = differences(table, trace, step, steps)
        assert set(found) == set(table.tensors)
        assert max(found.values()) < TORCH, found


def test_one_example_and_a_mean():
    net, Y = network("relu", "softmax", "cross_entropy", reduction="mean"), targets("cross_entropy")
    found = differences(table_of(net, Y, n=1), net.trace(X[:1], Y[:1]))
    assert max(found.values()) < TORCH, found


def test_nothing_passes_a_hidden_step_unit():
    net = network("step", "sigmoid", "binary_cross_entropy")
    names = set(table_of(net, targets("binary_cross_entropy"), "sgd").tensors)
    assert {"dL_da2", "delta2", "dW2"} <= names and not names & {"dL_da1", "g1", "delta1", "dW1", "W2_new"}


@pytest.mark.parametrize("arithmetic", [EXACT, RANGES, WORDS, USES])
def test_an_arithmetic_has_every_elementary_function(arithmetic):
    assert set(elementary.__all__) <= set(arithmetic.functions)


def test_the_comparison_can_fail():
    net, Y = network("tanh", "sigmoid", "binary_cross_entropy"), targets("binary_cross_entropy")
    trace = dict(net.trace(X, Y))
    trace["delta1"] = trace["delta1"] * 1.001
    assert differences(table_of(net, Y), trace)["delta1"] > TORCH


def test_lines_that_use_each_number_once_need_no_slopes():
    """Their plain intervals are the hull that slopes and corners give."""
    net, Y = network("tanh", "sigmoid", "half_squared_error"), targets("binary_cross_entropy")
    table = table_of(net, Y, "sgd(0.1)")
    values, found = evaluate(table), set()
    values |= {entry: digits.mpf(value) for entry, value in table.data.items()}
    for name, index in table.entries():
        line = table.line(Entry(1, name, index))
        if line.once:
            entries = [entry for group in line.inputs for entry in group]
            box = [(values[entry] - digits.mpf("0.003"), values[entry] + digits.mpf("0.005")) for entry in entries]

            def compute(A, numbers, line=line, entries=entries):
                at = dict(zip(entries, numbers, strict=True))
                return line.compute(A, *([at[entry] for entry in group] for group in line.inputs))

            plain, whole = hull(compute, box, once=True), hull(compute, box)
            assert np.allclose([float(end) for end in plain], [float(end) for end in whole], rtol=1e-12), name
            found.add(name.rstrip("0123456789"))
    assert found == {"z", "loss", "dL_da", "delta", "dW", "db"}
