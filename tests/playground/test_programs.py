"""Exported programs train as the playground does: the same learning rates, and the same weights after full batches."""

import os

import numpy as np
import pytest

from exported import SETUPS, run, trained
from glassnet.formulas.optimizers import OPTIMIZERS
from glassnet.network.parameters import buffer_layout, parameter_layout
from glassnet.playground.exports import PROGRAMS
from glassnet.playground.limits import RefusedError
from glassnet.playground.problem import playable_schedules
from playing import trainer

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras and NumPy 2
EPOCHS = 6
FULL = {"batch_size": 60, "stop": {"epoch": EPOCHS}, "layers": [{"units": 3}, {"units": 2, "activation": "relu"}]}
TRAINED = {
    **{name: {"optimizer": {"name": name, "learning_rate": 0.05}} for name in OPTIMIZERS},
    **{f"{name} schedule": {"schedule": {"name": name}} for name in playable_schedules()},
    "all at once": {
        "optimizer": {"name": "sgd", "learning_rate": 0.5, "weight_decay": 0.1},
        "schedule": {"name": "one_cycle", "start": 3},
        "clip_norm": 0.05,
        "l1": 0.001,
        "l2": 0.01,
    },
    "adamw": {"optimizer": {"name": "adamw", "weight_decay": 0.5}, "schedule": {"name": "exponential"}},
}


@pytest.fixture(scope="session")
def keras(tmp_path_factory):
    """Keras on PyTorch; it keeps its settings in a folder of its own."""
    pytest.importorskip("torch")
    os.environ.setdefault("KERAS_BACKEND", "torch")
    os.environ["KERAS_HOME"] = str(tmp_path_factory.mktemp("keras"))
    return pytest.importorskip("keras")


def exported(kind: str, subject) -> dict:
    return run(PROGRAMS[kind](subject.problem, subject.moment()))


def tensors(subject) -> dict[str, np.ndarray]:
    """Weights and running statistics by name."""
    a, state = subject.problem.architecture, subject.state
    return {**parameter_layout(a).views(state.theta), **buffer_layout(a).views(state.buffers)}


def from_the_same_start(names: dict, subject) -> None:
    """Let `train` begin with the session's initial weights."""
    subject.reset()
    names["WEIGHTS"] = {name: tensor.tolist() for name, tensor in tensors(subject).items()}
    plain = names["new_model"]
    names["new_model"] = lambda: names["load_weights"](plain())


# --- schedules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [None, 8])
@pytest.mark.parametrize("name", playable_schedules())
def test_the_schedule_of_a_program_is_the_playground_s(name, stop):
    pytest.importorskip("torch")
    numbers = {"step": {"every": 0.3}, "one_cycle": {"rise": 0.25}, "linear_warmup": {"over": 3}}.get(name, {})
    subject = trainer({"schedule": {"name": name, **numbers}, "stop": {"epoch": stop}})
    rate = exported("pytorch", subject)["learning_rate"]
    times = [0, 0.3, 0.9, 1.99, 2, 2.4, 2.5, 3, 7.9, 8, 12.25, 999, 1500]
    assert [rate(t) for t in times] == pytest.approx([subject.run.value("learning_rate", t) for t in times], rel=1e-12)


def test_a_schedule_plans_for_the_epochs_that_train_is_told():
    pytest.importorskip("torch")
    rate = exported("pytorch", trainer({"schedule": {"name": "cosine"}}))["learning_rate"]
    assert rate(5, 10) == pytest.approx(rate(0) / 2) and rate(500) == pytest.approx(rate(0) / 2)


@pytest.mark.parametrize("kind", ["pytorch", "keras"])
def test_every_step_has_its_own_learning_rate(keras, kind):
    subject = trainer({"schedule": {"name": "exponential"}})
    names, times = exported(kind, subject), []
    rate = names["learning_rate"]
    names["learning_rate"] = lambda epoch: times.append(epoch) or rate(epoch)
    names["train"](subject.problem.dataset.X, subject.problem.train.Y, epochs=2)
    expected = [subject.slices.cut(step, 1).learning_rates[0] for step in range(2 * subject.slices.per_epoch)]
    assert len(expected) == 12 and list(map(rate, times)) == pytest.approx(expected, rel=1e-12)


# --- PyTorch ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setup", TRAINED.values(), ids=TRAINED)
def test_the_pytorch_program_trains_to_the_same_weights(setup):
    torch = pytest.importorskip("torch")
    subject = trainer(FULL, setup)
    names = exported("pytorch", subject)
    from_the_same_start(names, subject)
    model = names["train"](subject.problem.dataset.X, subject.problem.train.Y, epochs=EPOCHS)
    subject.step("epoch", EPOCHS)
    linear = [layer for layer in model if isinstance(layer, torch.nn.Linear)]
    for number, layer in enumerate(linear, start=1):
        here = tensors(subject)
        assert np.allclose(layer.weight.detach(), here[f"W{number}"], rtol=1e-4, atol=2e-5)
        assert np.allclose(layer.bias.detach(), here[f"b{number}"], rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("kind", ["pytorch", "keras"])
def test_a_variant_that_a_framework_has_not_is_refused(kind):
    subject = trainer({"optimizer": {"name": "momentum", "rate_inside": True}})
    with pytest.raises(RefusedError, match="momentum with rate_inside"):
        PROGRAMS[kind](subject.problem, subject.moment())


# --- Keras ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_the_keras_program_gives_the_same_predictions_and_learns(keras, setup):
    subject = trained(setup)
    names, problem = exported("keras", subject), subject.problem
    expected = problem.engine.predict(problem.architecture, subject.state.theta, subject.state.buffers, problem.test.X)
    assert np.allclose(names["predict"](problem.dataset.X_test), expected, atol=1e-5)
    losses = [history(names, problem, epochs)[-1] for epochs in (1, 12)]
    assert losses[1] < losses[0]


def history(names: dict, problem, epochs: int) -> list[float]:
    """The losses of the epochs of `train`."""
    return names["train"](problem.dataset.X, problem.train.Y, epochs=epochs).history.history["loss"]


@pytest.mark.parametrize("setup", TRAINED.values(), ids=TRAINED)
def test_the_keras_program_trains_to_the_same_weights(keras, setup):
    keras_s = {"optimizer": {"momentum_decay": 1}} if setup.get("optimizer", {}).get("name") == "nadam" else {}
    subject = trainer(FULL, setup, keras_s)
    names = exported("keras", subject)
    from_the_same_start(names, subject)
    model = names["train"](subject.problem.dataset.X, subject.problem.train.Y, epochs=EPOCHS)
    subject.step("epoch", EPOCHS)
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    for number, layer in enumerate(dense, start=1):
        W, b = layer.get_weights()
        assert np.allclose(W.T, tensors(subject)[f"W{number}"], rtol=1e-3, atol=1e-4)
        assert np.allclose(b, tensors(subject)[f"b{number}"], rtol=1e-3, atol=1e-4)


def test_what_keras_has_in_one_way_only_is_said():
    for decay, said in ((0.004, True), (1, False)):
        subject = trainer({"optimizer": {"name": "nadam", "momentum_decay": decay}})
        assert ("momentum_decay 1" in PROGRAMS["keras"](subject.problem, subject.moment())) == said
