"""A NaN or an infinity ends the run: epoch, step and tensor are named, and no such weight is kept or saved."""

import numpy as np
import pytest

from glassnet import (
    SGD,
    Adam,
    BatchNorm,
    Checkpoint,
    CSVLog,
    Dense,
    DivergenceError,
    GlassnetError,
    ModelFileError,
    Network,
)
from training.problems import Keep, classes, network, numbers, vector


def regression(dtype="float32", **options):
    return Network(4, [Dense(8, "relu"), Dense(1)], dtype=dtype, **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_learning_rate_that_is_far_too_large(dtype, tmp_path):
    X, Y = numbers()
    net, keep, path = regression(dtype), Keep(), tmp_path / "run"
    callbacks = [keep, Checkpoint(path, interval=0)]
    with pytest.raises(DivergenceError) as caught:
        net.fit(X, Y, optimizer=SGD(1e6), batch_size=20, epochs=100, callbacks=callbacks)
    error = caught.value
    # 3 steps an epoch; the failing step is the one after those that were taken
    assert error.step == keep.run.state.step + 1
    assert error.epoch == len(keep.weights) + 1 == (error.step - 1) // 3 + 1
    assert f"NaN or infinity in {error.tensor} at epoch {error.epoch}, step {error.step}" in str(error)
    assert "try a smaller learning rate than 1e+06, clip_norm=5, or standardized inputs" in str(error)
    assert "\n" not in str(error) and isinstance(error, GlassnetError) and isinstance(error, ArithmeticError)
    assert np.all(np.isfinite(vector(net))), "the network keeps its last finite weights"
    if path.exists():
        again = regression(dtype)
        with pytest.raises(DivergenceError) as second:
            again.fit(X, Y, optimizer=SGD(1e6), batch_size=20, epochs=100, resume=path)
        assert (second.value.step, second.value.tensor) == (error.step, error.tensor)


def test_the_first_bad_tensor_is_the_first_in_the_order_of_computation():
    X, Y = numbers()
    net = regression()
    net.parameters["W2"] = np.full((1, 8), 3e38)
    net.parameters["W1"] = np.full((8, 4), 1e3)
    with pytest.raises(DivergenceError) as caught:
        net.fit(np.abs(X), Y, batch_size=60)
    assert (caught.value.tensor, caught.value.epoch, caught.value.step) == ("z2", 1, 1)


def test_a_gradient_that_overflows_where_the_loss_does_not():
    net = Network(1, [Dense(1, "identity"), Dense(1)], dtype="float32")
    net.parameters["W1"], net.parameters["W2"] = [[1e-20]], [[1e18]]
    with pytest.raises(DivergenceError) as caught:
        net.fit([[1e30]], [[0.0]])
    assert caught.value.tensor.startswith(("d", "z", "losses", "loss"))


def test_parameters_that_an_update_makes_infinite_are_not_kept():
    X, Y = numbers()
    net = regression()
    with pytest.raises(DivergenceError, match=r"W\d_new|b\d_new|_new"):
        net.fit(X, 1e6 * Y, optimizer=SGD(3e38), batch_size=60)
    assert np.all(np.isfinite(vector(net)))


def test_huge_inputs_and_a_way_out():
    X, Y = numbers()
    with pytest.raises(DivergenceError, match="standardized inputs"):
        regression().fit(X * 1e30, Y, optimizer=SGD(0.1))
    history = regression().fit(X * 1e3, Y, optimizer=SGD(0.01), clip_norm=1.0, epochs=5)
    assert np.all(np.isfinite(history["loss"]))


def test_an_optimizer_that_overflows_does_not_stall_in_silence():
    """Adam's v of a gradient of 1e25 is infinite in float32, and would hold the weights still for ever."""
    net = Network(1, [Dense(1)], dtype="float32")
    with pytest.raises(DivergenceError):
        net.fit([[1e25], [-1e25]], [0.0, 1.0], optimizer=Adam(0.1), epochs=3)
    assert np.all(np.isfinite(vector(net)))


def test_running_statistics_that_overflow():
    net = Network(1, [Dense(2, "relu", norm=BatchNorm()), Dense(1)], dtype="float32")
    with pytest.raises(DivergenceError):
        net.fit([[1e25], [-1e25]], [0.0, 1.0], epochs=3)
    assert np.all(np.isfinite(net.buffers.vector))


def test_validation_too():
    X, Y = numbers()
    with pytest.raises(DivergenceError, match="validation_loss at epoch 1, step 3") as caught:
        regression().fit(X, Y, validation=(np.full((2, 4), 1e30), [[0], [1]]), batch_size=20)
    assert (caught.value.tensor, caught.value.epoch, caught.value.step) == ("validation_loss", 1, 3)


def test_a_norm_beyond_the_numbers():
    net = Network(1, [Dense(1)], dtype="float64")
    with pytest.raises(DivergenceError):
        net.fit([[1.0]], [[1e10]], optimizer=SGD(1e160), epochs=5)


def test_the_log_keeps_the_epochs_before(tmp_path):
    X, Y = numbers()
    path = tmp_path / "log.csv"
    with pytest.raises(DivergenceError) as caught:
        regression().fit(X, Y, optimizer=SGD(30.0), batch_size=20, epochs=100, callbacks=[CSVLog(path)])
    assert len(path.read_text().splitlines()) == caught.value.epoch  # a heading and the epochs before


def test_nan_weights_are_never_saved(tmp_path):
    X, y = classes()
    net = network(X, y)
    path = tmp_path / "net.glassnet"
    net.save(path)
    before = path.read_bytes()
    net._theta[3] = np.nan
    with pytest.raises(ModelFileError, match="it holds nan"):
        net.save(path)
    assert path.read_bytes() == before
    with pytest.raises(DivergenceError):
        net.fit(X, y)
