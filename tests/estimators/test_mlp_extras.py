"""What MLPClassifier and MLPRegressor have beyond scikit-learn's parameters: each changes what it says, and no more."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from estimators.mlp_cases import problem, quietly
from glassnet import (
    ACTIVATIONS,
    Adam,
    ArchitectureError,
    BatchNorm,
    Callback,
    Cosine,
    DataError,
    Dense,
    Dropout,
    InvalidParameterError,
    MLPClassifier,
    MLPRegressor,
    Network,
    NewtonRaphson,
    TimeBudget,
    check_gradients,
    load,
)
from glassnet.engines.compiled import division, steps
from glassnet.formulas.optimizers import OPTIMIZERS

BOTH = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
X, Y = load_iris(return_X_y=True)
SMALL = {"hidden_layer_sizes": (6, 5), "max_iter": 6, "random_state": 0, "batch_size": 40}


def fitted(cls=MLPClassifier, data=(X, Y), given=None, **options):
    return quietly(cls(**{**SMALL, **options}).fit, *data, **(given or {}))


def same(a, b):
    return all(np.array_equal(p, q) for p, q in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True))


# --- the network ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, record in ACTIVATIONS.items() if record.trainable])
def test_every_activation_of_the_registry(name):
    model = fitted(data=(0.1 * X, Y), activation=name)
    assert [layer.g.name for layer in model.to_network().architecture.dense] == [name, name, "softmax"]


def test_an_activation_for_each_layer():
    model = fitted(activation=["gelu", "leaky_relu(alpha=0.3)"])
    first, second, _ = model.to_network().architecture.dense
    assert first.g.name == "gelu" and second.g.constants["alpha"] == 0.3
    assert same(fitted(activation=["relu", "relu"]), fitted(activation="relu"))
    with pytest.raises(InvalidParameterError, match="lists 1 activations for 2 hidden layers"):
        fitted(activation=["relu"])


def test_batch_norm_and_dropout_make_the_network_that_network_makes():
    model = fitted(batch_norm=True, dropout=0.3, activation="relu")
    layers = model.to_network().architecture.layers
    hidden = [Dense(6, "relu", norm=BatchNorm()), Dropout(0.3), Dense(5, "relu", norm=BatchNorm()), Dropout(0.3)]
    assert layers == (*hidden, Dense(3, "softmax"))
    assert np.array_equal(model.intercepts_[0], model.to_network().parameters["beta1"])
    assert same(model, fitted(batch_norm=True, dropout=0.3, activation="relu"))
    assert not same(model, fitted(batch_norm=True, dropout="linear_warmup(0.3)", activation="relu"))


@pytest.mark.parametrize("loss", ["huber", "absolute_error", "quantile(tau=0.9)", "squared_error", "poisson"])
def test_losses_for_numbers(loss):
    model = fitted(MLPRegressor, problem("poisson")[2:], loss=loss, max_iter=3)
    assert model.out_activation_ == ("exp" if loss == "poisson" else "identity")
    assert model.to_network().architecture.loss.startswith(loss.split("(")[0].replace("squared", "half_squared"))


def test_a_quantile_is_learned():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=(2000, 1)), rng.exponential(size=2000)
    options = {"loss": "quantile(tau=0.9)", "learning_rate_init": 0.01, "max_iter": 100}
    assert fitted(MLPRegressor, (x, y), **options).predict(x).mean() == pytest.approx(np.quantile(y, 0.9), rel=0.1)


def test_losses_for_classes():
    assert same(fitted(loss="cross_entropy"), fitted())
    one_against_the_rest = fitted(loss="binary_cross_entropy")
    assert one_against_the_rest.out_activation_ == "logistic" and one_against_the_rest.predict(X).shape == (150,)
    for cls, loss in ((MLPClassifier, "poisson"), (MLPRegressor, "cross_entropy")):
        with pytest.raises(InvalidParameterError, match=f"loss '{loss}' is "):
            fitted(cls, loss=loss)


def test_initializers():
    for name, expected in (("he_normal", "he_normal"), ("auto", None)):
        model = quietly(MLPClassifier(500, initializer=name, learning_rate_init=1e-12, max_iter=1).fit, X, Y)
        assert model.to_network().architecture.dense[0].initializer == expected
        assert np.std(model.coefs_[0]) == pytest.approx(np.sqrt(2 / 4), rel=0.1)
        assert np.allclose(model.intercepts_[0], 0, atol=1e-9)


# --- the rule ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_trains_as_in_network(name):
    """The same weights, order and batches through Network.fit give the same end."""
    model = fitted(optimizer=name, shuffle=False, alpha=0.3)
    start = fitted(optimizer=name, shuffle=False, alpha=0.3, learning_rate_init=1e-300)
    layers = [Dense(6, "relu"), Dense(5, "relu"), Dense(3, "softmax")]
    network = Network(4, layers, l2=0.3, average_penalty=True, dtype="float64")
    for number in (1, 2, 3):
        network.parameters[f"W{number}"] = start.coefs_[number - 1].T
        network.parameters[f"b{number}"] = start.intercepts_[number - 1]
    rule = OPTIMIZERS[name](learning_rate=0.001)
    history = network.fit(X, Y, optimizer=rule, batch_size=40, epochs=6, shuffle=False)
    for number in (1, 2, 3):
        np.testing.assert_allclose(model.coefs_[number - 1], network.parameters[f"W{number}"].T, rtol=1e-9)
    expected = [loss + penalty for loss, penalty in zip(history["loss"], history["penalty"], strict=True)]
    np.testing.assert_allclose(model.loss_curve_, expected, rtol=1e-9)


def test_rates_of_an_optimizer():
    assert same(fitted(optimizer=Adam(0.01)), fitted(optimizer="adam(0.01)"))
    assert same(fitted(optimizer="adam(0.01)"), fitted(optimizer="adam", learning_rate_init=0.01))
    assert same(fitted(optimizer="adam(0.01)", learning_rate_init=5.0), fitted(optimizer="adam(0.01)"))
    with pytest.raises(InvalidParameterError, match="unknown optimizer 'adamm'; did you mean 'adam"):
        fitted(optimizer="adamm")


def test_schedules():
    model = fitted(schedule="cosine", learning_rate_init=0.02, solver="sgd", batch_size=150)
    rates = [Cosine(0.02).value(epoch, 6) for epoch in range(6)]
    np.testing.assert_allclose(model.history_["learning_rate"], rates)
    assert same(model, fitted(schedule=Cosine(0.02), solver="sgd", batch_size=150))
    with pytest.raises(InvalidParameterError, match="schedule is for rules that have a learning rate, not for lbfgs"):
        fitted(schedule="cosine", solver="lbfgs")
    for name, value in {"monitor": "loss", "restore_best": True, "clip_norm": 1.0, "clip_value": 1.0}.items():
        with pytest.raises(InvalidParameterError, match=f"{name} is for training by steps, not for lbfgs"):
            fitted(solver="lbfgs", **{name: value})


def test_solvers_by_optimizer():
    model = quietly(MLPClassifier((), optimizer="lbfgs", max_iter=30, random_state=0).fit, X, Y)
    assert model.history_.stopped and model.score(X, Y) > 0.95
    newton = MLPRegressor(hidden_layer_sizes=(), optimizer=NewtonRaphson(), alpha=1e-6, random_state=0)
    data = load_diabetes(return_X_y=True)
    assert quietly(newton.fit, *data).score(*data) == pytest.approx(0.5177, abs=1e-3)


def test_clipping_and_label_smoothing():
    free, clipped = fitted(solver="sgd"), fitted(solver="sgd", clip_norm=1e-3)
    assert max(free.history_["gradient_norm"]) > 1e-2
    moved = [np.abs(a - b).max() for a, b in zip(free.coefs_, clipped.coefs_, strict=True)]
    assert max(moved) > 1e-4 and not same(free, fitted(solver="sgd", clip_value=1e-3))
    assert same(fitted(label_smoothing=0), fitted())
    hard, soft = (fitted(label_smoothing=e, max_iter=400, learning_rate_init=0.01) for e in (0.0, 0.2))
    assert soft.predict_proba(X).max() < 0.97 < hard.predict_proba(X).max()


def test_class_weights_are_weights_of_examples():
    y = np.array(["a", "b", "c"])[np.minimum(Y, np.arange(150) // 60)]
    for spec in ("balanced", {"a": 1, "b": 5.0, "c": 0.5}):
        weights = compute_sample_weight(spec, y)
        assert same(fitted(data=(X, y), class_weight=spec), fitted(data=(X, y), given={"sample_weight": weights}))
        doubled = fitted(data=(X, y), class_weight=spec, given={"sample_weight": np.arange(150.0)})
        assert same(doubled, fitted(data=(X, y), given={"sample_weight": weights * np.arange(150.0)}))
    held = {"validation_data": (X[:75], y[:75])}  # has no "c", and other counts of "a" and "b"
    watched = fitted(data=(X, y), given=held, class_weight="balanced")
    weights = compute_sample_weight("balanced", y)[:75]
    expected = log_loss(y[:75], watched.predict_proba(X[:75]), sample_weight=weights, labels=["a", "b", "c"])
    assert watched.validation_loss_curve_[-1] == pytest.approx(expected)
    part = MLPClassifier(class_weight={"c": 3.0}).partial_fit(X[:75], y[:75], classes=["a", "b", "c"])
    assert part.predict(X).shape == (150,)
    with pytest.raises(InvalidParameterError, match="class_weight names class 'd', which is none of"):
        fitted(data=(X, y), class_weight={"d": 2.0})
    with pytest.raises(InvalidParameterError, match="not for several labels at once"):
        fitted(data=problem("multilabel")[2:], class_weight="balanced")
    with pytest.raises(DataError, match="needs all of y"):
        MLPClassifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


# --- watching ---------------------------------------------------------------------------------------------------------


@BOTH
def test_your_own_validation_data(cls):
    weights = np.linspace(0, 2, 50)
    data, held = (X[::2], Y[::2]), (X[1:100:2], Y[1:100:2], weights)
    watched = fitted(cls, data, {"validation_data": held}, standardize=True)
    assert same(watched, fitted(cls, data, standardize=True)), "watching changes nothing"
    assert len(watched.validation_scores_) == len(watched.validation_loss_curve_) == watched.n_iter_ == 6
    score = accuracy_score if cls is MLPClassifier else r2_score
    expected = score(held[1], watched.predict(held[0]), sample_weight=weights)
    assert watched.validation_scores_[-1] == pytest.approx(expected)
    if cls is MLPClassifier:
        expected = log_loss(held[1], watched.predict_proba(held[0]), sample_weight=weights, labels=[0, 1, 2])
    else:
        expected = 0.5 * np.average((watched.predict(held[0]) - held[1]) ** 2, weights=weights)
    assert watched.validation_loss_curve_[-1] == pytest.approx(expected)


def test_early_stopping_by_your_own_data_holds_nothing_out():
    options = {"early_stopping": True, "max_iter": 300, "n_iter_no_change": 5, "learning_rate_init": 0.01}
    model = fitted(data=(X[::2], Y[::2]), given={"validation_data": (X[1::2], Y[1::2])}, **options)
    assert model.n_iter_ < 300 and model.t_ == 75 * model.n_iter_
    assert model.score(X[1::2], Y[1::2]) == model.best_validation_score_ == max(model.validation_scores_)


def test_what_is_watched_and_the_best_weights():
    data, held = (X[::2], Y[::2]), {"validation_data": (X[1::2], Y[1::2])}
    options = {"max_iter": 400, "n_iter_no_change": 3, "tol": 0.0, "learning_rate_init": 0.05, "solver": "sgd"}
    model = fitted(data=data, given=held, monitor="validation_loss", restore_best=True, **options)
    assert model.n_iter_ < 400 and model.history_.stopped.startswith("validation_loss did not improve more than tol")
    best = int(np.argmin(model.validation_loss_curve_))
    assert log_loss(Y[1::2], model.predict_proba(X[1::2])) == pytest.approx(model.validation_loss_curve_[best])
    last = fitted(data=data, given=held, monitor="validation_loss", **options)
    assert log_loss(Y[1::2], last.predict_proba(X[1::2])) == pytest.approx(last.validation_loss_curve_[-1])
    with pytest.raises(InvalidParameterError, match="monitor='validation_loss' needs validation data: give fit"):
        fitted(monitor="validation_loss")
    with pytest.raises(InvalidParameterError, match="unknown monitor 'validation_acuracy'; did you mean"):
        fitted(data=data, given=held, monitor="validation_acuracy")


def test_callbacks_and_progress(capsys):
    class Count(Callback):
        seen = 0

        def on_epoch_end(self, run, record):
            self.seen += 1

    count = Count()
    model = fitted(callbacks=[count, TimeBudget(1000)], progress=True)
    assert count.seen == model.n_iter_ == 6 and same(model, fitted())
    assert "epoch 6/6" in capsys.readouterr().err
    stopped = MLPClassifier(callbacks=TimeBudget(1e-9), random_state=0).fit(X, Y)  # without a warning
    assert stopped.n_iter_ < 50 and "time budget" in stopped.history_.stopped


# --- going on ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{}, {"dropout": 0.2, "batch_norm": True}, {"solver": "sgd", "shuffle": False}, {"optimizer": "nadam"},
     {"solver": "sgd", "learning_rate": "invscaling"}, {"random_state": np.random.RandomState(5)}],
)  # fmt: skip
def test_two_fits_are_one_of_twice_the_length(options):
    whole = fitted(**{"max_iter": 12, **options, "random_state": 1})
    parts = fitted(warm_start=True, warm_start_optimizer=True, **{**options, "random_state": 1})
    assert not same(parts, whole)
    quietly(parts.fit, X, Y)
    assert same(parts, whole) and parts.loss_curve_ == whole.loss_curve_ and parts.n_iter_ == 6 and parts.t_ == whole.t_


# --- scales, dtypes, engines ------------------------------------------------------------------------------------------


@BOTH
def test_standardization_is_a_scaler_before_it(cls):
    scaled = StandardScaler().fit_transform(X)
    model = fitted(cls, standardize=True)
    assert same(model, fitted(cls, (scaled, Y)))
    expected = fitted(cls, (scaled, Y)).predict(scaled)
    assert np.array_equal(model.predict(X), expected)


def test_targets_are_standardized_and_mapped_back():
    Xd, yd = load_diabetes(return_X_y=True)
    Y2 = np.c_[yd, 1000 - 3 * yd]
    for y in (yd, Y2):
        options = {"standardize": True, "standardize_target": True, "max_iter": 100, "learning_rate_init": 0.01}
        model = fitted(MLPRegressor, (Xd, y), **options)
        assert model.score(Xd, y) > 0.4 > fitted(MLPRegressor, (Xd, y), standardize=True).score(Xd, y)
        assert model.predict(Xd).shape == y.shape
        np.testing.assert_allclose(model.to_network().predict(Xd).reshape(y.shape), model.predict(Xd), rtol=1e-9)
    with pytest.raises(InvalidParameterError, match="standardize_target"):
        fitted(MLPRegressor, loss="poisson", standardize_target=True)


def test_engines_and_threads_agree():
    compiled, reference = (fitted(engine=name, max_iter=20) for name in ("compiled", "reference"))
    for a, b in zip(compiled.coefs_, reference.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    assert compiled.history_.engine == "compiled" and reference.history_.engine == "reference"
    assert same(fitted(threads=1), fitted(threads=2))
    with pytest.raises(InvalidParameterError, match="unknown engine 'fast'"):
        fitted(engine="fast")


@BOTH
def test_what_cannot_be_is_refused_before_training(cls):
    model = quietly(cls(max_iter=2).fit, X, Y)
    with pytest.raises(ArchitectureError, match="layer 1: 'step' has derivative 0"):
        cls(activation="step").fit(X, Y)
    with pytest.raises(ArchitectureError, match="layer 1: 'step' has derivative 0"):
        model.set_params(activation="step", warm_start=True).fit(X, Y)
    with pytest.raises(InvalidParameterError, match="unknown monitor 'validation_lose'; did you mean"):
        cls(monitor="validation_lose").fit(X, Y)
    foreign = "validation_r2" if cls is MLPClassifier else "validation_accuracy"
    with pytest.raises(InvalidParameterError, match=f"unknown monitor '{foreign}'"):
        cls(monitor=foreign).fit(X, Y, validation_data=(X, Y))
    with pytest.raises(DataError, match="validation_data: X has 2 features"):
        cls().fit(X, Y, validation_data=(X[:, :2], Y))


@pytest.mark.parametrize("options", [{"solver": "lbfgs"}, {"solver": "adam"}])
@pytest.mark.parametrize("threads", [1, 2, None])
def test_threads_bound_every_way_of_training(options, threads, monkeypatch):
    asked, real = [], steps.borrowed
    monkeypatch.setattr(steps, "borrowed", lambda wanted: asked.append(wanted) or real(wanted))
    monkeypatch.setattr(division, "_SHARED_STEP", 0.0)
    monkeypatch.setattr(steps, "_SHARED_CALL", 0.0)
    fitted(**options, threads=threads, max_iter=3)
    assert asked and set(asked) == {threads}


# --- to_network -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"standardize": True}, {"standardize": True, "batch_norm": True}])
@BOTH
def test_to_network_computes_the_same_and_is_a_copy(cls, options, tmp_path):
    model = fitted(cls, **options, activation="tanh")
    network = model.to_network()
    expected = model.predict_proba(X) if cls is MLPClassifier else model.predict(X)[:, None]
    np.testing.assert_allclose(network.predict(X), expected, rtol=1e-9, atol=1e-12)
    assert check_gradients(network, X[:10], Y[:10]).passed
    network.save(tmp_path / "a.glassnet")
    assert np.array_equal(load(tmp_path / "a.glassnet").predict(X), network.predict(X))
    hidden = model.activations(X)
    assert [a.shape for a in hidden] == [(150, 6), (150, 5), (150, 3 if cls is MLPClassifier else 1)]
    np.testing.assert_allclose(hidden[1], network.trace(X)["a2"], rtol=1e-7, atol=1e-9)
    network.parameters["W1"][...] = 0
    again = model.predict_proba(X) if cls is MLPClassifier else model.predict(X)[:, None]
    assert np.array_equal(again, expected)


def test_extras_are_validated_by_name():
    for name, bad in [("dropout", 1.5), ("clip_norm", -1), ("threads", 0), ("dtype", "float16"), ("batch_norm", "yes")]:
        with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter of MLPClassifier must be"):
            fitted(**{name: bad})
    for given in ((X,), X, (X, Y, Y, Y)):
        with pytest.raises(InvalidParameterError, match="validation_data must be"):
            fitted(given={"validation_data": given})
