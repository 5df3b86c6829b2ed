"""Validation shares, and weights that count in training and in validation, as the formulas say."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, r2_score
from sklearn.utils.class_weight import compute_sample_weight

from glassnet import (
    SGD,
    Adam,
    DataError,
    Dense,
    InvalidParameterError,
    Network,
    NewtonRaphson,
    ReduceOnPlateau,
    TargetMetric,
)
from glassnet.training.metrics import METRICS
from glassnet.training.slices import epoch_order
from training.problems import Keep, classes, network, numbers, vector


def unbalanced(n=200, seed=1):
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(n, 4))
    return X, (X[:, 0] + 0.5 * draw.normal(size=n) > 1.2).astype(int)


def test_a_share_is_shuffled_stratified_seeded_and_left_out_of_training():
    X, y = unbalanced(100)
    keep, other = Keep(), Keep()
    network(X, y, seed=4).fit(X, y, validation=0.2, epochs=1, callbacks=[keep])
    network(X, y, seed=4).fit(X, y, validation=0.2, epochs=1, callbacks=[other])
    train, held = keep.run.data, keep.run.validation
    assert (len(train), len(held)) == (80, 20)
    assert abs(held.Y.sum() - 0.2 * y.sum()) < 1
    together = np.vstack([train.X, held.X])
    assert np.array_equal(np.unique(together, axis=0), np.unique(X, axis=0))
    assert not np.array_equal(held.X, X[-20:]), "shuffled"
    assert np.array_equal(held.X, other.run.validation.X)
    network(X, y, seed=5).fit(X, y, validation=0.2, epochs=1, callbacks=[other])
    assert not np.array_equal(held.X, other.run.validation.X)


def test_a_share_of_classes_under_a_squared_error_is_stratified_too():
    X, y = unbalanced(100)
    net, keep = Network(4, [Dense(1, "sigmoid")], loss="squared_error"), Keep()
    net.fit(X, y, validation=0.5, epochs=1, callbacks=[keep])
    assert abs(keep.run.validation.Y.sum() - y.sum() / 2) < 1


def test_a_share_of_numbers():
    X, Y = numbers(50)
    keep = Keep()
    Network(4, [Dense(1)]).fit(X, Y, validation=np.float32(0.2), epochs=1, callbacks=[keep])
    assert len(keep.run.validation) == 10 and np.all(np.diff(keep.run.validation.X[:, 0]) != 0)


def test_no_validation():
    X, y = classes()
    for nothing in (None, 0, 0.0):
        history = network(X, y).fit(X, y, validation=nothing, epochs=1)
        assert list(history) == ["loss", "learning_rate", "gradient_norm", "seconds"], "and nothing is judged"


@pytest.mark.parametrize("spec", [1, 1.0, -0.1, 1.5, True, "some", float("nan"), (1,), (1, 2, 3, 4), np.zeros((3, 4))])
def test_refused_validation(spec):
    X, y = classes()
    with pytest.raises(InvalidParameterError, match="validation must be a share"):
        network(X, y).fit(X, y, validation=spec)


def test_weights_count_in_the_validation_loss_and_accuracy():
    X, y = classes(n=80)
    held, weights = classes(n=30, seed=5), np.random.default_rng(2).uniform(0, 3, 30)
    net = network(X, y)
    history = net.fit(X, y, validation=(*held, weights), epochs=2)
    p = net.predict(held[0])
    assert history["validation_loss"][-1] == pytest.approx(log_loss(held[1], p, sample_weight=weights), rel=1e-10)
    assert history["validation_accuracy"][-1] == pytest.approx(np.average(p.argmax(1) == held[1], weights=weights))
    share, keep = network(X, y), Keep()
    w = np.random.default_rng(2).uniform(0.1, 3, 80)
    history = share.fit(X, y, validation=0.25, sample_weight=w, class_weight={1: 5.0}, epochs=2, callbacks=[keep])
    held = keep.run.validation
    factors = np.where(held.Y.argmax(1) == 1, 5.0, 1.0)
    own = np.array([w[np.all(x == X, axis=1)][0] for x in held.X]) * factors
    np.testing.assert_allclose(held.weights, own / own.mean())
    expected = log_loss(held.Y.argmax(1), share.predict(held.X), sample_weight=own)
    assert history["validation_loss"][-1] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("spec", ["balanced", {0: 1.0, 1: 6.0}])
def test_class_weights_count_for_ones_own_validation_data_as_counted_in_training(spec):
    X, y = unbalanced()
    Xv, yv = unbalanced(60, seed=2)
    net, keep = network(X, y), Keep()
    history = net.fit(X, y, validation=(Xv, yv), class_weight=spec, epochs=2, callbacks=[keep])
    table = dict(zip(y, compute_sample_weight(spec, y), strict=True))
    weights = np.array([table[k] for k in yv])
    expected = log_loss(yv, net.predict(Xv)[:, 0], sample_weight=weights)
    assert history["validation_loss"][-1] == pytest.approx(expected, rel=1e-10)


def test_a_class_that_the_validation_data_lack_is_no_error():
    X, y = unbalanced()
    net = network(X, y)
    net.fit(X, y, validation=(X[y == 0], y[y == 0]), class_weight={0: 1.0, 1: 6.0}, epochs=1)
    net.fit(X, y, validation=(X[y == 0], y[y == 0]), class_weight="balanced", epochs=1)


@pytest.mark.parametrize("spec", ["balanced", {0: 1.0, 1: 6.0}])
def test_class_weights_train_as_in_scikit_learn(spec):
    X, y = unbalanced()
    theirs = LogisticRegression(C=1.0, class_weight=spec, tol=1e-12, solver="newton-cholesky").fit(X, y)
    net = Network(4, [Dense(1, "sigmoid")], dtype="float64", reduction="sum", l2=1.0)
    net.fit(X, y, class_weight=spec, optimizer=NewtonRaphson(), epochs=100)
    np.testing.assert_allclose(net.parameters["W1"], theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(net.parameters["b1"], theirs.intercept_, atol=1e-6)


def test_a_weight_of_two_is_an_example_given_twice():
    X, y = classes(n=20)
    weights = np.random.default_rng(0).integers(0, 4, 20)
    twice = np.repeat(np.arange(20), weights)
    a, b = network(X, y), network(X, y)
    a.fit(X, y, sample_weight=weights, batch_size=1000, epochs=20, optimizer=Adam(0.05))
    b.fit(X[twice], y[twice], batch_size=1000, epochs=20, optimizer=Adam(0.05))
    np.testing.assert_allclose(vector(a), vector(b), rtol=1e-9)


def test_an_example_of_weight_zero_counts_for_nothing():
    X, y = classes(n=20)
    weights = np.ones(20)
    weights[3] = 0
    Xs = X.copy()
    Xs[3] = 50
    a, b = network(X, y), network(X, y)
    a.fit(X, y, sample_weight=weights, epochs=3, batch_size=6)
    b.fit(Xs, y, sample_weight=weights, epochs=3, batch_size=6)
    assert np.array_equal(vector(a), vector(b))


def test_weights_count_in_batches_of_one():
    """A step on one example of weight w (mean 1) is a step of w times the learning rate."""
    X, y = classes(n=20)
    weights = np.linspace(1, 2, 20)
    net, other = network(X, y), network(X, y)
    net.fit(X, y, batch_size=1, epochs=1, optimizer=SGD(0.1), sample_weight=weights)
    for i in epoch_order(other.seed, 0, 20):
        _, gradient = other.loss_and_gradient(X[i : i + 1], y[i : i + 1])
        other.parameters.vector[:] -= 0.1 * weights[i] / weights.mean() * gradient.vector
    np.testing.assert_allclose(vector(net), vector(other), rtol=1e-12)


def test_the_epochs_loss_is_the_weighted_mean_over_all_examples():
    X, y = classes(n=23)
    weights = np.linspace(0, 3, 23)
    net, other = network(X, y), network(X, y)
    history = net.fit(X, y, batch_size=5, epochs=1, optimizer=SGD(1e-12), sample_weight=weights)
    assert history["loss"][0] == pytest.approx(other.loss(X, y, sample_weight=weights), rel=1e-9)


def test_a_share_whose_weights_are_all_zero_is_refused():
    X, y = classes(n=20)
    weights = np.zeros(20)
    weights[0] = 1
    with pytest.raises(DataError, match=r"sample_weight of the (training|validation) share sums to 0"):
        network(X, y).fit(X, y, validation=0.3, sample_weight=weights)


@pytest.mark.parametrize("name", ["accuracy", "rmse", "mae", "r2"])
def test_metrics_are_measured_where_asked(name):
    X, Y = numbers(50)
    y = (Y > 0).astype(int)[:, 0] if name == "accuracy" else Y
    net = network(X, y) if name == "accuracy" else Network(4, [Dense(1)], dtype="float64")
    assert list(net.fit(X, y, epochs=1, metrics=[name]))[1] == name
    assert list(net.fit(X, y, epochs=1, metrics=[name], validation=0.2))[2] == f"validation_{name}"
    with pytest.raises(InvalidParameterError, match=r"unknown metric 'acuracy'; did you mean 'accuracy'\?"):
        net.fit(X, y, metrics=["acuracy"])
    with pytest.raises(InvalidParameterError, match="write metrics="):
        net.fit(X, y, metrics="accuracy")


def test_what_a_callback_watches_is_measured():
    X, y = classes(n=40)
    history = network(X, y).fit(X, y, epochs=2, callbacks=[TargetMetric("accuracy", 2), ReduceOnPlateau("rmse")])
    assert list(history)[:3] == ["loss", "accuracy", "rmse"]
    watch = [TargetMetric("validation_r2", 2), TargetMetric("validation_accuracy", 2)]
    history = network(X, y).fit(X, y, epochs=2, callbacks=watch, validation=0.2)
    assert list(history)[:4] == ["loss", "validation_loss", "validation_accuracy", "validation_r2"]


def test_accuracy_with_several_labels_is_scikit_learns_subset_accuracy():
    from sklearn.metrics import accuracy_score

    rng = np.random.default_rng(0)
    Y = rng.integers(0, 2, (50, 3)).astype(float)
    outputs = np.clip(Y + rng.normal(0, 0.4, Y.shape), 0, 1)
    weights = rng.uniform(0, 2, 50)
    expected = accuracy_score(Y, outputs > 0.5, sample_weight=weights)
    assert METRICS["accuracy"].measure(Y, outputs, weights, False) == pytest.approx(expected)
    assert METRICS["accuracy"].measure(Y, outputs, weights, True) != pytest.approx(expected)
    assert 0.1 < expected < 0.9


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_r2_is_scikit_learns(dtype, weighted):
    """With outputs that do not vary, met exactly and not."""
    rng = np.random.default_rng(0)
    Y = rng.normal(size=(40, 4)).astype(dtype)
    outputs = (Y + 0.3 * rng.normal(size=Y.shape)).astype(dtype)
    Y[:, 1], outputs[:, 1], Y[:, 2] = 3, 3, 5
    weights = rng.uniform(0, 2, 40) if weighted else None
    for columns in (slice(0, 1), slice(0, 4), slice(2, 4)):
        expected = r2_score(Y[:, columns], outputs[:, columns], sample_weight=weights)
        assert METRICS["r2"].measure(Y[:, columns], outputs[:, columns], weights, False) == pytest.approx(expected)
