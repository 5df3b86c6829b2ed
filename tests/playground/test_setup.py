"""Setups: merged over the default, checked as a whole, the field at fault named."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.playground.data import dataset
from glassnet.playground.inputs import evaluated
from glassnet.playground.limits import LIMITS, RefusedError
from glassnet.playground.problem import make_problem
from glassnet.playground.setup import Setup, changed_fields, merged, read, setup_document
from glassnet.playground.tabular import built_in_tables
from glassnet.tables.datasets import TOYS

TABLES = built_in_tables()
WHOLE_TABLE = {"kind": "table", "table": "iris"}


def test_the_default_is_what_the_page_begins_with():
    document = setup_document(Setup())
    assert document["data"]["kind"] == "circle" and list(document["inputs"]) == ["x1", "x2"]
    assert [layer["units"] for layer in document["layers"]] == [8, 8]
    assert read(document) == Setup()
    assert read(msgspec.json.decode(msgspec.json.encode(document))) == Setup()


@pytest.mark.parametrize(
    ("partial", "field"),
    [
        ({"layers": [{"units": 0}]}, "layers.0.units"),
        ({"layers": [{}, {"units": 1.5}]}, "layers.1.units"),
        ({"layers": [{"units": LIMITS.units + 1}]}, "layers.0.units"),
        ({"layers": [{}] * (LIMITS.layers + 1)}, "layers"),
        ({"layers": [{"dropout": 1.0}]}, "layers.0.dropout"),
        ({"layers": [{"activation": "rellu"}]}, "layers.0"),
        ({"layers": [{"activation": "step"}]}, "layers"),
        ({"data": {"nois": 0.1}}, "data.nois"),
        ({"data": {"noise": 0.6}}, "data.noise"),
        ({"data": {"size": LIMITS.points + 1}}, "data.size"),
        ({"data": {"train_share": 1.0}}, "data.train_share"),
        ({"data": {"kind": "donut"}}, "data.kind"),
        ({"data": {"kind": "points"}}, "data.points"),
        ({"data": {"kind": "points", "points": [[0, 0, -1], [1, 1, 1]]}}, "data.points"),
        ({"data": {"kind": "points", "points": [[0, 0, 99], [1, 1, 1]]}}, "data.points"),
        ({"data": {"kind": "points", "points": [[1e9, 0, 0], [1, 1, 1]]}}, "data.points"),
        ({"data": {"kind": "table", "table": "none"}}, "data.table"),
        ({"data": {**WHOLE_TABLE, "target": "colour"}}, "data.target"),
        ({"data": {**WHOLE_TABLE, "features": ["colour"]}}, "data.features"),
        ({"data": {**WHOLE_TABLE, "features": ["species"]}}, "data.features"),
        ({"data": {**WHOLE_TABLE, "axes": ["species", "petal_width_cm"]}}, "data.axes"),
        ({"data": {**WHOLE_TABLE, "axes": ["petal_width_cm", "petal_width_cm"]}}, "data.axes"),
        ({"data": {"kind": "function", "expression": "sin(y)"}}, "data.expression"),
        ({"data": {"kind": "function", "expression": "log(x)"}}, "data.expression"),
        ({"data": {"kind": "function", "expression": "exp(x^4)"}}, "data.expression"),
        ({"inputs": []}, "inputs"),
        ({"inputs": ["x1", "x3"]}, "inputs.1"),
        ({"inputs": ["mean(x1)"]}, "inputs.0"),
        ({"inputs": ["x1 @ x2"]}, "inputs.0"),
        ({"inputs": ["__import__('os').getpid()"]}, "inputs.0"),
        ({"inputs": ["x1 = 3"]}, "inputs.0"),
        ({"inputs": ["x1" + "+x1" * 100]}, "inputs.0"),
        ({"output_activation": "softmaxx"}, "output_activation"),
        ({"loss": "hinge"}, "loss"),
        ({"output_activation": "tanh", "loss": "cross_entropy"}, "loss"),
        ({"data": {"kind": "plane"}, "output_activation": "sigmoid"}, "data"),
        ({"optimizer": {"name": "adem"}}, "optimizer.name"),
        ({"optimizer": {"learning_rate": "fast"}}, "optimizer.learning_rate"),
        ({"optimizer": {"learning_rate": -1}}, "optimizer"),
        ({"optimizer": {"wings": 2}}, "optimizer"),
        ({"schedule": {"name": "reduce_on_plateau"}}, "schedule.name"),
        ({"schedule": {"name": "cosine", "wings": 2}}, "schedule"),
        ({"schedule": {"name": "cosine", "final": "low"}}, "schedule"),
        ({"batch_size": 0}, "batch_size"),
        ({"clip_norm": 0}, "clip_norm"),
        ({"initializer": "big"}, "layers.0"),
        ({"seed": -1}, "seed"),
        ({"seed": 1e300}, "seed"),
        ({"stop": {"epoch": 0}}, "stop.epoch"),
        ({"wings": 2}, "wings"),
        ({"data": None}, "data"),
        ({"optimizer": None}, "optimizer"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(partial, field):
    with pytest.raises(RefusedError) as caught:
        make_problem(merged(Setup(), partial), TABLES)
    assert caught.value.field == field
    assert "\n" not in str(caught.value) and "`" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("partial", [None, 3, "x", [], [1]])
def test_a_setup_is_an_object(partial):
    with pytest.raises(RefusedError, match="object"):
        merged(Setup(), partial)


def test_another_optimizer_keeps_the_learning_rate_alone():
    momentum = merged(Setup(), {"optimizer": {"name": "momentum", "momentum": 0.5}})
    assert momentum.optimizer == {"name": "momentum", "learning_rate": 0.03, "momentum": 0.5}
    assert merged(momentum, {"optimizer": {"momentum": 0.6}}).optimizer["momentum"] == 0.6
    assert merged(momentum, {"optimizer": {"name": "adam"}}).optimizer == {"name": "adam", "learning_rate": 0.03}


def test_another_schedule_begins_from_its_own_numbers():
    step = merged(Setup(), {"schedule": {"name": "step", "factor": 0.1}})
    assert merged(step, {"schedule": {"name": "cosine"}}).schedule == {"name": "cosine"}
    assert merged(step, {"schedule": None}).schedule is None


def test_data_bring_their_inputs_unless_some_are_named():
    function = merged(Setup(), {"data": {"kind": "function"}})
    assert function.inputs == ("x",)
    assert merged(function, {"data": {"kind": "xor"}}).inputs == ("x1", "x2")
    assert merged(Setup(), {"data": {"kind": "function"}, "inputs": ["x", "x^2"]}).inputs == ("x", "x^2")


def test_changed_fields_name_what_changed():
    new = merged(Setup(), {"data": {"noise": 0.3}, "layers": [{}], "seed": 4})
    assert changed_fields(setup_document(Setup()), setup_document(new)) == ["data.noise", "layers", "seed"]


@pytest.mark.parametrize("kind", [*TOYS, "function"])
def test_every_kind_of_data_is_drawn_the_same_again(kind):
    setup = merged(Setup(), {"data": {"kind": kind, "size": 40}})
    first, again = dataset(setup, {}), dataset(setup, {})
    assert first.X.tobytes() == again.X.tobytes() and first.y.tobytes() == again.y.tobytes()
    assert len(first.X) == 28 and len(first.X_test) == 12
    assert np.array_equal(first.inputs_at(first.shown), first.X)  # a shown point leads back to its inputs
    low, high = (np.array([getattr(axis, end) for axis in first.axes]) for end in ("low", "high"))
    assert np.all(first.shown >= low) and np.all(first.shown <= high)


def test_toys_are_those_of_the_tables():
    from glassnet import load_dataset

    frame = load_dataset("spiral", n=40, noise=0.2, seed=3).frame
    found = dataset(merged(Setup(), {"data": {"kind": "spiral", "size": 40, "noise": 0.2, "seed": 3}}), {})
    rows = np.argsort(found.order)
    assert np.array_equal(np.vstack([found.shown, found.shown_test])[rows], frame.select("x1", "x2").to_numpy())


@pytest.mark.parametrize("axes", [None, "pca", ["petal_width_cm", "sepal_length_cm"]])
def test_the_plane_of_a_table_is_a_section_through_its_inputs(axes):
    data = dataset(merged(Setup(), {"data": {**WHOLE_TABLE, "axes": axes}}), TABLES)
    corners = np.array([[axis.low for axis in data.axes], [axis.high for axis in data.axes]])
    inside = data.inputs_at(corners.mean(axis=0, keepdims=True))
    assert inside.shape == (1, 4)
    if axes is None or axes == "pca":  # scikit-learn's PCA of the same standardized inputs, up to signs
        from sklearn.decomposition import PCA

        theirs = PCA(2).fit(data.X).transform(data.X)
        assert np.allclose(np.abs(theirs), np.abs(data.shown), atol=1e-9)
    else:
        frame = TABLES["iris"].frame
        raw = frame.select(axes).to_numpy()[data.order[: len(data.X)]]
        assert np.allclose(raw, data.shown)
        others = [i for i, name in enumerate(data.inputs) if name not in axes]
        assert np.allclose(inside[0, others], data.X.mean(axis=0)[others])


def test_a_table_is_preprocessed_by_its_training_rows():
    data = dataset(merged(Setup(), {"data": WHOLE_TABLE}), TABLES)
    assert data.classes == ("setosa", "versicolor", "virginica") and data.task == "classes"
    assert np.allclose(data.X.mean(axis=0), 0) and np.allclose(data.X.std(axis=0), 1)


def test_only_the_chosen_features_are_learned_from():
    wanted = ["petal_width_cm", "sepal_length_cm", "petal_width_cm", "species"]
    data = dataset(merged(Setup(), {"data": {**WHOLE_TABLE, "features": wanted}}), TABLES)
    assert data.inputs == ("petal_width_cm", "sepal_length_cm")
    assert [axis.name for axis in data.axes] == ["petal_width_cm", "sepal_length_cm"]  # two columns need no PCA


def test_numbers_of_a_table_are_learned_standardized():
    data = dataset(merged(Setup(), {"data": {"kind": "table", "table": "diabetes"}}), TABLES)
    assert data.scale is not None
    mean, spread = data.scale
    raw = TABLES["diabetes"].frame["progression"].to_numpy()
    assert np.allclose(data.y * spread + mean, raw[data.order[: len(data.y)]])


@given(st.text(max_size=60))
def test_no_text_is_run_as_a_formula(text):
    points = {"x1": np.array([0.5, -1.0]), "x2": np.array([1.0, 2.0])}
    try:
        value = evaluated(text, points, "inputs.0")
    except RefusedError as error:
        assert "\n" not in str(error) or "\n" in text
        return
    assert value.shape == (2,) and np.all(np.isfinite(value))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x1^2", [4.0, 9.0]),
        ("x1*x2", [2.0, -3.0]),
        ("sin(x2)", np.sin([1.0, -1.0])),
        ("2", [2.0, 2.0]),
        ("-x1 + pi", [np.pi - 2, np.pi - 3]),
    ],
)
def test_formulas_are_numpy_s(text, expected):
    assert np.allclose(evaluated(text, {"x1": np.array([2.0, 3.0]), "x2": np.array([1.0, -1.0])}, ""), expected)
