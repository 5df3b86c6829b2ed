"""The Table estimators: raw frames in, predictions out; scikit-learn's contract; files; each option's effect."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import glassnet
from glassnet import (
    Adam,
    ArchitectureError,
    DataError,
    InvalidParameterError,
    ModelFileError,
    TableClassifier,
    TableRegressor,
    load_dataset,
)
from glassnet.engines.reference import ReferenceEngine
from glassnet.files.container import read_container, write_container


@parametrize_with_checks([TableClassifier(), TableRegressor()])
def test_scikit_learns_contract(estimator, check):
    """check_estimator in full; the one skip, check_array_api_input, needs SCIPY_ARRAY_API set by the user."""
    check(estimator)


def birds(n=120, seed=0):
    """A table with text, gaps, a date, and a label that island and mass decide."""
    rng = np.random.default_rng(seed)
    island = rng.choice(["Biscoe", "Dream", "Torgersen"], n)
    mass = rng.normal(4000, 500, n) + 600 * (island == "Biscoe")
    kind = np.where(mass > 4300, "large", np.where(island == "Dream", "small", "middle"))
    frame = pl.DataFrame({"island": island, "mass": mass, "noise": rng.normal(size=n)})
    gaps = pl.Series(rng.random(n) < 0.1)
    return frame.with_columns(mass=pl.when(gaps).then(None).otherwise(pl.col("mass"))), pl.Series("kind", kind)


FAST = {"epochs": 30, "hidden": (16,)}


def test_raw_tables_with_text_and_gaps_are_learned():
    X, y = birds(400)
    model = TableClassifier().fit(X[:300], y[:300])
    assert model.score(X[300:], y[300:]) > 0.85
    assert model.classes_.tolist() == ["large", "middle", "small"]
    probabilities = model.predict_proba(X[300:])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    assert (model.predict(X[300:]) == model.classes_[probabilities.argmax(axis=1)]).all()
    assert model.score(X, y) == accuracy_score(y.to_numpy(), model.predict(X))


def test_frames_of_every_library_and_arrays_give_the_same_bits():
    X, y = birds()
    expected = TableClassifier(**FAST).fit(X, y).predict_proba(X)
    for frame, labels in ((X.to_pandas(), y.to_pandas()), (X.to_arrow(), y.to_list()), (X.to_pandas(), y.to_numpy())):
        assert np.array_equal(TableClassifier(**FAST).fit(frame, labels).predict_proba(frame), expected)


def test_columns_may_be_reordered_and_others_added_at_prediction():
    X, y = birds()
    model = TableClassifier(**FAST).fit(X, y)
    moved = X.select("noise", "mass", pl.lit(1).alias("more"), "island")
    assert np.array_equal(model.predict_proba(moved), model.predict_proba(X))
    with pytest.raises(DataError, match="mass"):
        model.predict(X.drop("mass"))


def test_a_value_unseen_in_training_changes_nothing():
    """Its place, <other>, has weights that start at 0 and never get a gradient."""
    X, y = birds()
    model = TableClassifier(**FAST).fit(X, y)
    names = list(model.preprocessing_.feature_names)
    assert not model.network_.parameters["W1"][:, names.index("island=<other>")].any()
    Z = model.transform_inputs(X[:1].with_columns(island=pl.lit("Atlantis")))
    assert Z[0, names.index("island=<other>")] == 1
    none = Z.copy()
    none[0, names.index("island=<other>")] = 0
    assert np.array_equal(model.network_.predict(Z), model.network_.predict(none))


def test_preprocessing_is_learned_on_the_training_part_alone():
    X, y = birds()
    held = (X[:20].with_columns(mass=pl.lit(1e6)), y[:20])
    model = TableClassifier(**FAST).fit(X[20:], y[20:], validation_data=held)
    mass = next(column for column in model.preprocessing_.columns if column.name == "mass")
    assert mass.center == pytest.approx(X[20:]["mass"].drop_nulls().mean())


def test_regression_is_in_the_units_of_the_target():
    data = load_dataset("diabetes")
    X, y = data.frame.drop(data.target), data.frame[data.target]
    model = TableRegressor(random_state=1).fit(X[:350], y[:350])
    predicted = model.predict(X[350:])
    assert 100 < predicted.mean() < 200
    assert (
        model.score(X[350:], y[350:]) == pytest.approx(r2_score(y[350:].to_numpy(), predicted))
        and model.score(X, y) > 0.4
    )


def test_several_numbers_at_once():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    Y = np.column_stack([X[:, 0] * 100 + 5, X[:, 1] - X[:, 2]])
    model = TableRegressor(hidden=()).fit(X, Y)
    assert model.predict(X).shape == (200, 2) and model.score(X, Y) > 0.97


def test_poisson_counts_stay_positive():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = rng.poisson(np.exp(0.5 + X[:, 0]))
    model = TableRegressor((8,), activation="tanh", loss="poisson", dropout=0.0).fit(X, y)
    assert (model.predict(X) > 0).all() and model.network_.architecture.output.activation == "exponential"
    assert np.corrcoef(model.predict(X), np.exp(X[:, 0]))[0, 1] > 0.9


def test_without_hidden_layers_and_penalty_lbfgs_is_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    data = load_dataset("breast_cancer")
    X, y = data.frame.select(data.frame.columns[:5]), data.frame[data.target]
    model = TableClassifier(
        (), optimizer="lbfgs(tolerance=1e-9)", l2=1.0 / len(y), patience=None, dtype="float64", epochs=500
    )
    model.fit(X, y)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(model.transform_inputs(X), y.to_numpy())
    np.testing.assert_allclose(model.network_.parameters["W1"], theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X), theirs.predict_proba(model.transform_inputs(X)), atol=1e-5)


def test_row_weights_come_from_a_column_that_is_no_feature():
    X, y = birds()
    wrong = np.arange(len(y)) % 4 == 0
    labels = pl.Series("kind", np.where(wrong, "large", y.to_numpy()))
    weighted = X.with_columns(w=pl.Series(np.where(wrong, 0.0, 1.0)))
    model = TableClassifier(weight_column="w", l2=0.0, **FAST).fit(weighted, labels)
    assert "w" not in model.preprocessing_.input_names
    assert model.score(X, y) > TableClassifier(l2=0.0, **FAST).fit(X, labels).score(X, y)
    with pytest.raises(DataError, match="weight_column 'v' is no column"):
        TableClassifier(weight_column="v").fit(weighted, labels)


def test_class_weights_are_by_label():
    X, y = birds()
    plain, tilted = (TableClassifier(class_weight=w, **FAST).fit(X, y) for w in (None, {"small": 50.0}))
    assert (tilted.predict(X) == "small").sum() > (plain.predict(X) == "small").sum()


def test_scikit_learns_tools_work():
    X, y = birds()
    model = TableClassifier(**FAST)
    assert clone(model).get_params() == model.get_params()
    assert cross_val_score(model, X.to_pandas(), y.to_numpy(), cv=3).mean() > 0.5
    search = GridSearchCV(TableClassifier(epochs=10), {"hidden": [(4,), (8,)]}, cv=2).fit(X.to_pandas(), y.to_numpy())
    assert search.best_params_["hidden"] in [(4,), (8,)]
    pipeline = make_pipeline(FunctionTransformer(lambda f: f.drop(columns="noise")), TableClassifier(**FAST))
    assert pipeline.fit(X.to_pandas(), y.to_numpy()).score(X.to_pandas(), y.to_numpy()) > 0.5


def test_random_state():
    X, y = birds()
    same = [TableClassifier(random_state=5, **FAST).fit(X, y).predict_proba(X) for _ in range(2)]
    assert np.array_equal(*same)
    assert not np.array_equal(same[0], TableClassifier(random_state=6, **FAST).fit(X, y).predict_proba(X))
    drawn = TableClassifier(random_state=np.random.RandomState(1), **FAST).fit(X, y)
    again = TableClassifier(random_state=np.random.RandomState(1), **FAST).fit(X, y)
    assert np.array_equal(drawn.predict_proba(X), again.predict_proba(X))
    first, second = (TableClassifier(random_state=None, **FAST).fit(X, y).seed_ for _ in range(2))
    assert first != second


@pytest.mark.parametrize("cls", [TableClassifier, TableRegressor])
def test_a_file_brings_everything_back(cls, tmp_path):
    X, y = birds()
    target = y if cls is TableClassifier else X["noise"]
    model = cls(activation="elu(alpha=0.5)", batch_norm=True, **FAST).fit(X, target)
    model.metrics_ = {"test_score": 0.5}
    path = tmp_path / "m.glassnet"
    model.save(path)
    back = glassnet.load(path)
    assert type(back) is cls and np.array_equal(back.predict(X), model.predict(X))
    assert back.metrics_ == {"test_score": 0.5} and back.feature_names_in_.tolist() == X.columns
    assert back.get_params()["activation"] == "elu(alpha=0.5)" and back.n_iter_ == model.n_iter_
    other = TableRegressor if cls is TableClassifier else TableClassifier
    with pytest.raises(ModelFileError, match=cls.__name__.removeprefix("Table").lower()):
        other.load(path)
    assert "Atlantis" not in path.read_bytes().decode("latin-1")


@pytest.mark.parametrize(
    ("parameters", "error", "words"),
    [
        ({"hidden": "64,x"}, InvalidParameterError, "hidden must be"),
        ({"hidden": (0,)}, ArchitectureError, "units"),
        ({"activation": "rellu"}, InvalidParameterError, "did you mean 'relu'"),
        ({"activation": "step"}, ArchitectureError, "derivative 0"),
        ({"optimizer": "adm"}, InvalidParameterError, "adam"),
        ({"optimizer": "lbfgs", "learning_rate": 0.1}, InvalidParameterError, "learning_rate is not for lbfgs"),
        ({"loss": "poisson"}, InvalidParameterError, "not for classes"),
        ({"dropout": 1.5}, InvalidParameterError, "Dropout"),
        ({"batch_size": 0}, InvalidParameterError, "batch_size"),
        ({"epochs": 0}, InvalidParameterError, "epochs"),
        ({"random_state": -1}, InvalidParameterError, "seed"),
        ({"scaling": "log"}, InvalidParameterError, "scaling"),
        ({"drop": ("nose",)}, InvalidParameterError, "did you mean 'noise'"),
        ({"class_weight": {"huge": 2.0}}, DataError, "huge"),
        ({"engine": "warp"}, InvalidParameterError, "engine"),
        ({"threads": 0}, InvalidParameterError, "threads must be a whole number >= 1"),
        ({"threads": 1.5}, InvalidParameterError, "threads must be a whole number >= 1"),
    ],
)
def test_nonsense_is_refused_in_one_line(parameters, error, words):
    X, y = birds(60)
    with pytest.raises(error, match=words) as caught:
        TableClassifier(**{"epochs": 2, **parameters}).fit(X, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("cls", "target"), [(TableClassifier, "label"), (TableRegressor, "noise")])
def test_threads_reach_the_engine_and_are_no_part_of_the_file(cls, target, tmp_path, monkeypatch):
    seen = []

    class Spy(ReferenceEngine):
        def begin(self, program, state, data):
            seen.append(program.threads)
            return super().begin(program, state, data)

    monkeypatch.setattr("glassnet.model.ENGINES", [Spy()])
    X, y = birds(60)
    for threads in (None, 3):
        model = cls(epochs=1, hidden=(4,), threads=threads).fit(X, y if target == "label" else X["noise"])
        model.save(tmp_path / f"{threads}")
        assert glassnet.load(tmp_path / f"{threads}").threads is None
    assert seen == [None, 3]
    assert (tmp_path / "None").read_bytes() == (tmp_path / "3").read_bytes()


def test_regression_refuses_what_is_for_classes():
    X, _ = birds(60)
    for parameters, words in (
        ({"class_weight": "balanced"}, "no classes"),
        ({"loss": "cross_entropy"}, "classification"),
    ):
        with pytest.raises(InvalidParameterError, match=words):
            TableRegressor(**parameters).fit(X, X["noise"])


def test_one_class_and_unknown_labels_are_named():
    X, y = birds(60)
    with pytest.raises(DataError, match="only one class"):
        TableClassifier().fit(X, ["a"] * 60)
    model = TableClassifier(**FAST).fit(X, y)
    with pytest.raises(DataError, match="none of the classes"):
        model.target_.encode(["dodo"])


def test_optimizer_objects_and_specs():
    X, y = birds(60)
    rule = TableClassifier(optimizer=Adam(0.5), epochs=1)._rule()
    assert rule.learning_rate == 0.5
    assert TableClassifier(optimizer="momentum(momentum=0.5)", learning_rate=0.2)._rule().momentum == 0.5
    assert TableClassifier(optimizer="adamw")._rule().weight_decay == 0.01
    assert TableClassifier(learning_rate="cosine(0.01)")._rule().learning_rate.final == 0
    assert TableClassifier(optimizer="lbfgs", epochs=3).fit(X, y).network_.architecture.layers[1:] != ()


def test_patience_none_trains_through_and_keeps_the_last_weights():
    X, y = birds(100)
    model = TableClassifier(patience=None, epochs=7, hidden=(4,)).fit(X, y)
    assert model.n_iter_ == 7 and model.history_.best_epoch is None and "validation_loss" not in model.history_


def test_pandas_nullable_columns_and_categories():
    frame = pd.DataFrame({"a": pd.array([1, None, 3, 4] * 10, dtype="Int64"), "b": pd.Categorical(["x", "y"] * 20)})
    model = TableClassifier(epochs=3).fit(frame, ["u", "v"] * 20)
    assert model.predict(frame).shape == (40,)
    assert "a is missing" in model.preprocessing_.feature_names


def test_a_file_whose_network_does_not_fit_its_classes_is_refused(tmp_path):
    X, y = birds(60)
    model = TableClassifier((4,), epochs=2).fit(X, y)
    path = tmp_path / "m.glassnet"
    model.save(path)
    whole = read_container(path)
    unfit = (["large", "small"], ["small", "middle", "large"], ["a", "a", "b"], ["a", "b", "c", "d"], ["a", 1, 2])
    for classes in unfit:
        crafted = {**whole.document, "target": {**whole.document["target"], "classes": classes}}
        write_container(path, whole.tensors, crafted, kind=whole.kind)
        with pytest.raises(ModelFileError):
            glassnet.load(path)
