"""Each planted fault is found, and it is the first; what is healthy raises nothing."""

import json

import numpy as np
import pytest

from diagnosis import faults
from glassnet import (
    Dense,
    InvalidParameterError,
    Network,
    TableClassifier,
    TableRegressor,
    diagnose,
    load_dataset,
)
from glassnet.diagnosis import CHECKS

FIRST = {
    faults.shuffled_labels: "labels",
    faults.huge_inputs: "inputs",
    faults.one_huge_input: "inputs",
    faults.rate_too_high: "learning_rate",
    faults.rate_too_high_for_sgd: "learning_rate",
    faults.rate_too_low: "learning_rate",
    faults.dead_units: "first_units",
    faults.saturated_units: "first_units",
    faults.repeated_rows: "splits",
    faults.target_as_column: "leak",
    faults.target_as_text_column: "leak",
    faults.wrong_start: "first_loss",
    faults.wrong_derivative: "gradient_check",
    faults.zero_weights: "symmetry",
    faults.vanishing: "gradient_flow",
    faults.raw_target: "first_loss",
}
ALONE = {"labels", "splits", "leak", "gradient_check"}
"""Faults from which nothing else follows."""


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("fault", FIRST, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_the_first_found(fault, seed):
    found = fault(seed)
    assert found.first is not None
    assert found.first.name == FIRST[fault]
    assert found.first.advice
    if found.first.name in ALONE:
        assert len(found.of("wrong")) == 1


@pytest.mark.parametrize(
    ("unusual", "name"),
    [
        (faults.solved_by_a_line, "linear"),
        (faults.rare_class, "balance"),
        (faults.constant_column, "columns"),
        (faults.empty_column, "columns"),
        (faults.constant_input, "columns"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_may_be_meant_is_to_be_looked_at(unusual, name):
    found = unusual(0)
    assert [finding.name for finding in found.of("look")] == [name]
    assert found.healthy


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "spiral"])
@pytest.mark.parametrize("fault", faults.ON_TABLES)
def test_a_fault_of_a_table_is_the_first_found(fault, name):
    make, check = faults.ON_TABLES[fault]
    found = make(name, 0)
    assert found.first is not None
    assert found.first.name == check


@pytest.mark.parametrize("seed", range(3))
def test_a_healthy_network_raises_nothing(seed):
    assert faults.healthy(seed).of("wrong") == ()
    assert faults.healthy(seed).of("look") == ()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["breast_cancer", "digits", "diabetes", "iris", "spiral", "xor"])
def test_healthy_defaults_on_real_tables_raise_nothing_wrong(name, seed):
    data = load_dataset(name)
    kind = TableRegressor if name == "diabetes" else TableClassifier
    found = diagnose(kind(random_state=seed), data.frame.drop(data.target), data.frame[data.target])
    assert found.of("wrong") == ()


def test_nothing_is_changed():
    net, (X, y) = faults.network(), faults.arrays()
    before = net.parameters.vector.copy()
    diagnose(net, X, y)
    assert np.array_equal(net.parameters.vector, before)
    model = TableClassifier()
    diagnose(model, *faults.table("iris"))
    assert not hasattr(model, "network_")


def test_the_same_seed_says_the_same():
    assert faults.healthy(0).as_dict() == faults.healthy(0).as_dict()


def test_the_first_loss_is_ln_k():
    data = load_dataset("digits")
    found = diagnose(TableClassifier(), data.frame.drop(data.target), data.frame[data.target])
    assert found["first_loss"].numbers["expected"] == pytest.approx(np.log(10))


def test_a_solver_has_no_rate():
    found = diagnose(faults.network(), *faults.arrays(), optimizer="lbfgs")
    assert found["learning_rate"].verdict == "skipped"
    assert found.healthy


def test_a_fitted_model_is_diagnosed_as_it_stands():
    X, y = faults.table()
    found = diagnose(TableClassifier(hidden=(16,), epochs=30).fit(X, y), X, y)
    assert "has been trained" in found["first_loss"].meaning
    assert found.healthy


def test_as_dict_is_json():
    found = faults.rate_too_high(0)
    document = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert document["first"] == "learning_rate"
    assert [finding["name"] for finding in document["findings"]] == [check.name for check in CHECKS]


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Network(8, [Dense(1, "sigmoid")]), {"epoch": 3}, "diagnose: no argument 'epoch'"),
        (TableClassifier(), {"epochs": 3}, "diagnose: set epochs in the TableClassifier itself"),
        (object(), {}, "diagnose: model must be a Network"),
    ],
)
def test_a_wrong_argument_is_named(model, options, message):
    with pytest.raises(InvalidParameterError, match=message):
        diagnose(model, *faults.arrays(), **options)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_figure_is_drawn(kind, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"checklist.{kind}"
    faults.rate_too_high(0).save_figure(path)
    assert path.stat().st_size > 10_000
