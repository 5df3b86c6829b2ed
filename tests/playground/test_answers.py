"""The explanation's update is the one that training would make with this example: the reference engine says so."""

import math
from dataclasses import replace

import numpy as np
import pytest

from glassnet.engines.base import Data, Slice, TrainState
from glassnet.engines.reference import ReferenceEngine
from glassnet.network.parameters import parameter_layout
from glassnet.playground.answers import asked_example, explanation
from playing import trainer

OPTIMIZERS = {
    "sgd": {"optimizer": {"name": "sgd", "learning_rate": 0.2}},
    "momentum": {"optimizer": {"name": "momentum"}},
    "adam": {"optimizer": {"name": "adam"}},
    "nadam": {"optimizer": {"name": "nadam"}},
    "adamw": {"optimizer": {"name": "adamw", "weight_decay": 0.5}},
    "rmsprop": {"optimizer": {"name": "rmsprop"}},
    "scheduled": {"schedule": {"name": "exponential", "factor": 0.5}},
    "clipped": {"optimizer": {"name": "momentum"}, "clip_norm": 0.01, "l2": 0.01},
    "normalized": {"layers": [{"units": 3, "batch_norm": True, "dropout": 0.5}]},
}
ROW, STEPS = 7, 50


@pytest.fixture(scope="module", params=OPTIMIZERS.values(), ids=OPTIMIZERS)
def subject(request):
    """A trainer after some steps."""
    found = trainer(request.param)
    found.step("batch", STEPS)
    return found


def explained(subject) -> dict:
    example = asked_example(subject.problem, ROW)
    return explanation(subject.problem, subject.moment(), subject.epoch, subject.run, example, 3)


def shown(found: dict) -> dict[str, np.ndarray]:
    """The new tensors of an explanation, by name."""
    new = (part for part in found["derivation"]["lines"] if part["name"].endswith("_new"))
    return {part["name"].removesuffix("_new"): np.array(part["values"]) for part in new}


def really_done(subject) -> dict[str, np.ndarray]:
    """The reference engine's step with this example alone; the running averages stay as they are."""
    moment, train = subject.moment(), subject.problem.train
    state = TrainState(moment.theta, moment.buffers, moment.slots, moment.carried, moment.step)
    one = Data(train.X[[ROW]], train.Y[[ROW]])
    program = replace(subject.problem.program, batch_size=1)
    work = subject.slices.cut(subject.first, 1)
    engine = ReferenceEngine()
    if any(layer.norm is not None for layer in program.architecture.dense):
        return _without_drawing(program, state, one, work)
    rates = np.zeros((1, work.dropout_rates.shape[1]))
    step = Slice(None, np.array([0, 1]), work.learning_rates[:1], work.weight_decays[:1], rates)
    assert engine.begin(program, state, one).advance(step).bad is None
    return dict(parameter_layout(program.architecture).views(state.theta).items())


def _without_drawing(program, state, one, work) -> dict[str, np.ndarray]:
    """The rule on the gradient of a prediction pass, which engines do not train with."""
    from glassnet.network.updates import update

    _, gradient = ReferenceEngine().loss_and_gradient(program.architecture, state.theta, state.buffers, one)
    rates = float(work.learning_rates[0]), float(work.weight_decays[0])
    update(program.architecture, program.optimizer, state.theta, gradient, state.slots, state.carried, *rates)
    return dict(parameter_layout(program.architecture).views(state.theta).items())


def test_the_update_shown_is_the_one_that_training_would_make(subject):
    before, found, expected = subject.state.theta.copy(), shown(explained(subject)), really_done(subject)
    assert list(found) == [*expected]
    for name, values in found.items():
        assert np.allclose(values, expected[name], rtol=1e-6, atol=1e-8), name
    assert np.array_equal(subject.state.theta, before)


def test_it_differs_from_an_update_begun_at_rest_if_the_rule_keeps_anything(subject):
    resting = replace(subject.moment(), slots=np.zeros_like(subject.state.slots))
    resting.carried[:] = subject.problem.program.optimizer.carried
    example = asked_example(subject.problem, ROW)
    rest = shown(explanation(subject.problem, resting, subject.epoch, subject.run, example, 3))
    now = shown(explained(subject))
    same = all(np.allclose(now[name], rest[name], rtol=0, atol=1e-6) for name in now)
    assert same == (not subject.problem.program.optimizer.slots)


def test_the_numbers_of_each_line_of_the_update_give_its_value(subject):
    parts = [part for part in explained(subject)["derivation"]["lines"] if part["part"] == "update"]
    lines = [line for part in parts for line in part["entries"]]
    assert len(lines) >= 4
    for line in lines:
        text = line["numbers"].replace("·", "*").replace("^", "**")
        if "…" not in text and " if " not in text:
            counted = eval(text, {"sqrt": math.sqrt, "__builtins__": {}})
            assert counted == pytest.approx(line["value"], rel=1e-3, abs=1e-5), line
    assert any("old " in line["symbols"] for line in lines) == bool(subject.problem.program.optimizer.slots)


def test_the_notes_say_what_training_does_else(subject):
    layers = subject.setup.layers
    expected = ["Training", *(["Nothing", "Batch"] if layers[0].batch_norm else [])]
    assert [note.split()[0] for note in explained(subject)["notes"]] == expected
