"""Targets: which task, which classes, and there and back again."""

import datetime as dt

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.preprocessing import LabelEncoder, StandardScaler

from glassnet.errors import DataError
from glassnet.tables import (
    ClassTarget,
    RegressionTarget,
    drop_missing_target,
    fit_class_target,
    fit_regression_target,
    infer_task,
    split_target,
)


@pytest.mark.parametrize(
    ("values", "classes", "kind"),
    [
        (["b", "a", "b"], ("a", "b"), "U"),
        (np.array(["β", "α"], dtype=object), ("α", "β"), "U"),
        ([3, 1, 3], (1, 3), "i"),
        (np.array([2, 0], dtype=np.uint8), (0, 2), "i"),
        ([2**62 + 1, 2**62], (2**62, 2**62 + 1), "i"),
        ([1.0, -1.0], (-1.0, 1.0), "f"),
        ([True, False], (False, True), "b"),
        (pd.Series(["x", "y"], dtype="category"), ("x", "y"), "U"),
        (pl.Series(["x", "y"], dtype=pl.Categorical), ("x", "y"), "U"),
    ],
)
def test_classes_there_and_back(values: object, classes: tuple[object, ...], kind: str):
    target = fit_class_target(values)
    assert target.classes == classes
    assert [type(c) for c in target.classes] == [type(c) for c in classes]
    codes = target.encode(values)
    assert codes.dtype == np.int64 and codes.flags.writeable
    labels = np.asarray(values)
    assert codes.tolist() == LabelEncoder().fit_transform(labels).tolist()
    back = target.decode(codes)
    assert back.dtype.kind == kind
    assert back.tolist() == labels.tolist()
    again = msgspec.json.decode(msgspec.json.encode(target), type=ClassTarget)
    assert again == target and [type(c) for c in again.classes] == [type(c) for c in classes]


def test_labels_of_another_file_may_have_another_type():
    assert ClassTarget((0, 1)).encode([1.0, 0.0]).tolist() == [1, 0]
    assert ClassTarget(("0", "1")).encode([1, 0]).tolist() == [1, 0]
    assert ClassTarget((False, True)).encode(["true", "False"]).tolist() == [1, 0]


def bad_classes(values: object) -> str:
    with pytest.raises(DataError) as caught:
        fit_class_target(values, "kind", "t.csv")
    message = str(caught.value)
    assert message.startswith("t.csv: ") and "\n" not in message
    return message


def test_bad_classes():
    assert "the target 'kind' holds only one class, 'a'; a classifier needs two" in bad_classes(["a", "a"])
    assert "only one class, 0;" in bad_classes([0, 0])
    assert "'kind' is missing (NaN) in row 2" in bad_classes([0.0, np.nan])
    assert "'kind' is missing (NaN) in row 1" in bad_classes([None, "a"])
    assert "row 2: inf is not finite" in bad_classes([0.0, np.inf])
    assert "Unknown label type: the target 'kind' is continuous (0.5 in row 2)" in bad_classes([1.0, 0.5])
    assert "Unknown label type: the target 'kind' holds Date" in bad_classes([dt.date(2024, 1, 1)])
    assert "must have one value for each row" in bad_classes(np.eye(2))
    with pytest.raises(DataError, match=r"new: column 'kind', row 2: 'dgo' is none of the classes cat, dog; did you"):
        ClassTarget(("cat", "dog"), "kind").encode(["cat", "dgo"], "new")
    for wrong in (7, 0, 1.5, 10**6):
        with pytest.raises(DataError, match=r"row 2: .* is none of the classes 1, 3"):
            ClassTarget((1, 3), "kind").encode([3, wrong])
    with pytest.raises(DataError, match="row 1: 'x' is not a number"):
        ClassTarget((1, 3)).encode(["x"])


@pytest.mark.parametrize("shape", [(50,), (50, 1), (50, 3)])
def test_regression_is_standardized_and_mapped_back(shape: tuple[int, ...]):
    y = np.random.default_rng(0).normal(1e4, 30, shape)
    y = y[:, 0] if shape == (50, 1) else y
    target = fit_regression_target(y, "price")
    z = target.encode(y)
    np.testing.assert_allclose(z.reshape(50, -1), StandardScaler().fit_transform(y.reshape(50, -1)), atol=1e-9)
    assert z.shape == y.shape
    np.testing.assert_allclose(target.decode(z), y, rtol=1e-12)
    assert msgspec.json.decode(msgspec.json.encode(target), type=RegressionTarget) == target
    if y.ndim == 2:
        assert target.name == ("price1", "price2", "price3")
        np.testing.assert_array_equal(fit_regression_target(pd.DataFrame(y), ("a", "b", "c")).encode(y), z)


def test_regression_edges():
    assert fit_regression_target([5.0, 5.0], "p") == RegressionTarget("p", 5.0, 1.0)
    assert fit_regression_target([0.1] * 3, "p").scale == 1.0
    assert fit_regression_target([1e-200, 2e-200], "p").scale == 1.0, "squares that vanish"
    assert fit_regression_target(pl.Series([1, 3])).encode(pl.Series([5])).tolist() == [3.0]
    for values, words in (
        ([1.0, np.nan], "'p' is missing (NaN) in row 2"),
        ([1.0, None], "'p' is missing (NaN) in row 2"),
        ([np.inf, 1.0], "column 'p', row 1: inf is not finite"),
        ([1e39, 1.0], "column 'p', row 1: 1e+39 is beyond the range of float32"),
        (["1", "x"], "column 'p', row 2: 'x' is not a number"),
        ([], "the target has no rows"),
    ):
        with pytest.raises(DataError) as caught:
            fit_regression_target(values, "p", "t.csv")
        assert words in str(caught.value) and str(caught.value).startswith("t.csv: ")
    with pytest.raises(DataError, match="training had 1 output"):
        RegressionTarget("p", 0.0, 1.0).encode(np.eye(2))
    with pytest.raises(DataError, match="training had 2 output"):
        RegressionTarget(("p", "q"), (0.0, 0.0), (1.0, 1.0)).encode([1.0])


@pytest.mark.parametrize(
    ("values", "task", "reason"),
    [
        (["a", "b"], "classification", "text with 2 distinct values"),
        ([True, False], "classification", "true or false"),
        ([1, 2, 3, 3, None], "classification", "integer with 3 distinct values"),
        ([1, 1], "classification", "integer with 1 distinct value"),
        (list(range(20)), "classification", "integer with 20 distinct values"),
        (list(range(21)), "regression", "integer with 21 distinct values, more than 20"),
        ([0.5, 1.0], "regression", "decimal number"),
        ([1.0, 0.0], "regression", "decimal number"),
    ],
)
def test_task_is_inferred(values: list[object], task: str, reason: str):
    assert infer_task(pl.Series("y", values)) == (task, reason)


def test_task_cannot_be_inferred():
    with pytest.raises(DataError, match=r"t\.csv: the target 'y' holds Date, neither classes nor numbers"):
        infer_task(pl.Series("y", [dt.date(2024, 1, 1)]), "t.csv")
    with pytest.raises(DataError, match="'y' is missing in every row"):
        infer_task(pl.Series("y", [None]))


def test_split_target():
    frame = pl.DataFrame({"a": [1, 2], "species": ["x", "y"]})
    features, target = split_target(frame, "species")
    assert features.columns == ["a"] and target.name == "species"
    with pytest.raises(DataError) as caught:
        split_target(frame, "specie", "t.csv")
    expected = "t.csv: no column 'specie'; did you mean 'species'? The columns are: a, species"
    assert str(caught.value) == expected
    with pytest.raises(DataError, match="no column 'zz'; the columns are: a, species"):
        split_target(frame, "zz")
    with pytest.raises(DataError, match="no feature column: 'species' is the only one"):
        split_target(frame.select("species"), "species")


def test_rows_without_target_are_dropped_and_counted():
    features = pl.DataFrame({"a": [1, 2, 3, 4]})
    for values in ([0.5, None, float("nan"), 1.0], ["x", None, None, "y"]):
        kept, target, dropped = drop_missing_target(features, pl.Series("y", values))
        assert kept["a"].to_list() == [1, 4] and dropped == 2 and target.to_list() == [values[0], values[3]]
    kept, _, dropped = drop_missing_target(features, pl.Series("y", [1, 2, 3, 4]))
    assert dropped == 0 and kept.height == 4
    with pytest.raises(DataError, match=r"t\.csv: the target 'y' is missing in every row"):
        drop_missing_target(features, pl.Series("y", [None, float("nan"), None, None]), "t.csv")
