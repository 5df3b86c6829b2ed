"""Columns to inputs, against scikit-learn; each kind of bad input, by its message."""

import datetime as dt
import warnings

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from glassnet.errors import DataError, InvalidParameterError
from glassnet.tables import Preprocessing, constant_features, describe, fit_preprocessing, to_frame
from glassnet.tables.columns import CategoricalColumn, DroppedColumn, NumericColumn

SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}


def refusal(learned: Preprocessing, frame: pl.DataFrame) -> str:
    with pytest.raises(DataError) as caught:
        learned.transform(frame, source="new.csv")
    message = str(caught.value)
    assert message.startswith("new.csv: ") and "\n" not in message
    return message.removeprefix("new.csv: ")


@pytest.mark.parametrize("scaling", SCALERS)
@pytest.mark.parametrize("with_missing", [False, True])
def test_scaling_is_that_of_scikit_learn(scaling: str, with_missing: bool):
    rng = np.random.default_rng(0)
    X = rng.normal(100, 7, (80, 5)) * [1, 1e-8, 1e6, -3, 1] + [0, 0, 0, 1e5, 0]
    if with_missing:
        X[rng.random(X.shape) < 0.2] = np.nan
    training, rest = X[:60], X[60:]
    learned = fit_preprocessing(to_frame(training), scaling=scaling)  # pyright: ignore
    Z = learned.transform(to_frame(rest))
    assert Z.dtype == np.float64 and Z.flags.c_contiguous
    truth = SCALERS[scaling]().fit(training)
    filled = np.where(np.isnan(rest), np.nanmedian(training, axis=0), rest)
    if not with_missing:
        assert learned.feature_names == ("x1", "x2", "x3", "x4", "x5")
        np.testing.assert_allclose(Z, truth.transform(rest), rtol=1e-10, atol=1e-12)
    else:
        assert learned.feature_names[:2] == ("x1", "x1 is missing")
        np.testing.assert_allclose(Z[:, ::2], truth.transform(filled), rtol=1e-10, atol=1e-12)
        np.testing.assert_array_equal(Z[:, 1::2], np.isnan(rest))


def test_no_scaling():
    X = np.array([[1.0, 5.0], [2.0, 7.0]])
    np.testing.assert_array_equal(fit_preprocessing(to_frame(X), scaling="none").transform(to_frame(X)), X)


def test_one_hot_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    words = rng.choice(["red", "green", "blue", "Ölgrün"], (50, 2))
    learned = fit_preprocessing(pl.DataFrame({"a": words[:, 0], "b": words[:, 1]}))
    truth = OneHotEncoder(sparse_output=False).fit(words)
    Z = learned.transform(pl.DataFrame({"b": words[:, 1], "a": words[:, 0]}))
    known = np.array(["<other>" not in name for name in learned.feature_names])
    np.testing.assert_array_equal(Z[:, known], truth.transform(words))
    assert not Z[:, ~known].any()
    names = truth.get_feature_names_out(["a", "b"])
    assert [n for n in learned.feature_names if "<other>" not in n] == [n.replace("_", "=", 1) for n in names]


def test_unseen_and_missing_categories():
    learned = fit_preprocessing(pl.DataFrame({"a": ["x", "y"], "b": ["x", None], "c": [1, 2]}))
    assert learned.columns[0] == CategoricalColumn("a", ("x", "y", "<other>"))
    assert learned.columns[1] == CategoricalColumn("b", ("x", "<missing>", "<other>"))
    new = pl.DataFrame({"a": ["z", None, "<missing>"], "b": [None, "z", "x"], "c": [1, 1, 1]})
    Z = learned.transform(new)
    assert Z[:, :3].tolist() == [[0, 0, 1]] * 3, "not seen in training, also where it is missing"
    assert Z[:, 3:6].tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    only_missing = pl.DataFrame({"a": [None], "b": [None], "c": [None]})
    assert learned.transform(only_missing).tolist() == [[0, 0, 1, 0, 1, 0, 0.0]]


def test_rare_and_many_categories_are_pooled():
    rare = ["a"] * 12 + ["b"] * 9 + ["once", "twice", "twice"]
    (column,) = fit_preprocessing(pl.DataFrame({"c": rare})).columns
    assert column == CategoricalColumn("c", ("a", "b", "twice", "<other>"))
    many = [f"v{i:03}" for i in range(150) for _ in range(2 + (i >= 100))]
    (column,) = fit_preprocessing(pl.DataFrame({"c": many})).columns
    assert isinstance(column, CategoricalColumn)
    assert column.categories == (*(f"v{i:03}" for i in [*range(50), *range(100, 150)]), "<other>")
    few = fit_preprocessing(pl.DataFrame({"c": [f"n{i}" for i in range(20)]})).columns[0]
    assert isinstance(few, CategoricalColumn) and len(few.categories) == 21


def test_what_is_dropped_and_why():
    n = 30
    frame = pl.DataFrame(
        {
            "id": [f"n{i}" for i in range(n)],
            "constant": [7] * n,
            "word": ["same"] * n,
            "empty": [None] * n,
            "nan": [float("nan")] * n,
            "unwanted": list(range(n)),
            "kept": list(range(n)),
            "half": [1.0, None] * (n // 2),
            "half_word": ["a", None] * (n // 2),
        }
    )
    learned = fit_preprocessing(frame, drop=["unwanted"])
    assert learned.dropped == (
        DroppedColumn("id", "text that differs in every row, like an identifier"),
        DroppedColumn("constant", "constant: every value is 7"),
        DroppedColumn("word", "constant: every value is 'same'"),
        DroppedColumn("empty", "all values are missing"),
        DroppedColumn("nan", "all values are missing"),
        DroppedColumn("unwanted", "left out on request"),
    )
    assert learned.input_names == ("kept", "half", "half_word")
    assert learned.columns[1] == NumericColumn("half", 1.0, True, 1.0, 1.0)
    Z = learned.transform(frame.select(learned.input_names))
    assert constant_features(Z).tolist() == [False, True, False, False, False, True]
    assert fit_preprocessing(frame, categorical=["id"]).dropped[0] == DroppedColumn("id", "no value occurs twice")


def test_no_feature_column_left():
    with pytest.raises(DataError, match=r"t\.csv: no feature column is left in 2 samples \('a': constant: every"):
        fit_preprocessing(pl.DataFrame({"a": [1, 1]}), source="t.csv")
    with pytest.raises(DataError, match=r"1 sample "):
        fit_preprocessing(pl.DataFrame({"a": [1]}))
    with pytest.raises(DataError, match="no rows to learn from"):
        fit_preprocessing(pl.DataFrame({"a": []}))


def test_booleans_and_dates():
    frame = pl.DataFrame(
        {
            "yes": [True, False, None],
            "day": [dt.date(1970, 1, 1), dt.date(1970, 1, 3), None],
            "time": [dt.datetime(1970, 1, 1, 12), dt.datetime(1970, 1, 2), None],
        }
    )
    learned = fit_preprocessing(frame, scaling="none")
    truth = [[1, 0, 0, 0, 0.5, 0], [0, 0, 2, 0, 1, 0], [0.5, 1, 1, 1, 0.75, 1]]
    assert learned.transform(frame).tolist() == truth
    texts = pl.DataFrame(
        {
            "yes": ["TRUE", "false", "NA"],
            "day": ["1970-01-01", " 1970-01-03 ", ""],
            "time": ["1970-01-01 12:00", "1970-01-02 00:00", None],
        }
    )
    assert learned.transform(texts).tolist() == truth
    assert learned.transform(frame.with_columns(yes=pl.Series([1, 0, None]))).tolist() == truth
    assert "'maybe' is not true or false" in refusal(learned, texts.with_columns(yes=pl.lit("maybe")))
    assert "'1.1.1970' is not a date (YYYY-MM-DD)" in refusal(learned, texts.with_columns(day=pl.lit("1.1.1970")))
    assert refusal(learned, frame.with_columns(day=pl.lit(3))).startswith("column 'day' holds numbers where train")
    wrong = frame.with_columns(yes=pl.lit(dt.date(2024, 1, 1)))
    assert refusal(learned, wrong).startswith("column 'yes' holds dates where training had booleans")


def test_bad_input_at_prediction():
    learned = fit_preprocessing(pl.DataFrame({"mass": [1.0, 2.0, 3.0], "sex": ["f", "m", "f"]}))
    good = pl.DataFrame({"sex": ["m"] * 3, "extra": [0] * 3, "mass": [1, 2, 3]})
    assert learned.transform(good).shape == (3, 4)

    def mass(*values: object) -> str:
        return refusal(learned, pl.DataFrame({"sex": ["m"] * 3, "mass": values}))

    assert refusal(learned, good.drop("mass")) == "no column 'mass'; the columns are: sex, extra"
    assert (
        refusal(learned, good.rename({"mass": "mas"}))
        == "no column 'mass'; did you mean 'mas'? The columns are: sex, extra, mas"
    )
    assert "no columns 'mass', 'sex'" in refusal(learned, good.select("extra"))
    wide = pl.DataFrame({f"c{i}": [1] for i in range(50)})
    assert refusal(learned, wide).endswith("c11 … (50 in all)")
    assert mass("1", "NA", "heavy") == ("column 'mass', row 3: 'heavy' is not a number; correct it, or leave it empty")
    assert mass(1.0, 2.0, float("inf")).startswith("column 'mass', row 3: inf is not finite")
    assert mass(1.0, -float("inf"), 1.0).startswith("column 'mass', row 2: -inf is not finite")
    assert mass(1.0, 3.5e38, 1.0).startswith("column 'mass', row 2: 3.5e+38 is beyond the range of float32")
    assert mass("1", "2", "-1e400").startswith("column 'mass', row 3: -inf is not finite")
    assert mass(*[dt.date(2024, 1, 1)] * 3).startswith("column 'mass' holds dates where training had numbers")
    assert mass([1], [2], [3]).startswith("column 'mass' holds List(Int64), which cannot be read")
    np.testing.assert_array_equal(
        learned.transform(pl.DataFrame({"sex": ["m"] * 2, "mass": [" 2 ", "3.0"]}))[:, 0],
        learned.transform(pl.DataFrame({"sex": ["m"] * 2, "mass": [2, 3]}))[:, 0],
    )


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), 3.5e38])
def test_infinities_in_training(value: float):
    with pytest.raises(DataError, match=r"t\.csv: column 'a', row 2: "):
        fit_preprocessing(pl.DataFrame({"a": [1.0, value]}), source="t.csv")


def test_row_numbers_beyond_the_first_block(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("glassnet.tables.preprocessing.CELLS_AT_ONCE", 8)
    X = np.arange(60.0).reshape(20, 3)
    learned = fit_preprocessing(to_frame(X))
    np.testing.assert_allclose(learned.transform(to_frame(X)), StandardScaler().fit_transform(X))
    X[17, 1] = np.inf
    assert refusal(learned, to_frame(X)).startswith("column 'x2', row 18: inf")
    X[17, 1] = np.nan
    assert np.isfinite(learned.transform(to_frame(X))).all()


def test_missing_at_prediction_without_an_indicator_is_imputed():
    learned = fit_preprocessing(pl.DataFrame({"a": [1.0, 2.0, 9.0]}), scaling="none")
    assert learned.feature_names == ("a",)
    for missing in (None, float("nan")):
        assert learned.transform(pl.DataFrame({"a": [missing]}, schema={"a": pl.Float64})).tolist() == [[2.0]]


def test_values_too_far_away_to_be_scaled():
    learned = fit_preprocessing(pl.DataFrame({"a": [1e-20, 2e-20]}))
    assert "column 'a', row 2: 1e+30 is too far from the values in training" in refusal(
        learned, pl.DataFrame({"a": [1e-20, 1e30]})
    )


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust"])
@pytest.mark.parametrize(
    "values", [[0.0, 5e-324], [1.0, 1.0 + 2**-52], [-3e38, 3e38], [1e-200, 3e-200], [0.0] * 9 + [1.0]]
)
def test_extreme_columns_stay_finite(scaling: str, values: list[float]):
    frame = pl.DataFrame({"a": values})
    Z = fit_preprocessing(frame, scaling=scaling).transform(frame)  # pyright: ignore
    assert np.isfinite(Z).all() and np.abs(Z).max() < 10 and len(np.unique(Z)) == 2


def test_forced_kinds():
    frame = pl.DataFrame({"zip": [10, 9, 10, None], "size": ["1", "NA", " 3", "4"]})
    learned = fit_preprocessing(frame, categorical=["zip"], numeric=["size"], scaling="none")
    assert learned.columns[0] == CategoricalColumn("zip", ("9", "10", "<missing>", "<other>"))
    assert learned.transform(frame)[:, 4].tolist() == [1.0, 3.0, 3.0, 4.0]
    floats = frame.with_columns(pl.col("zip").cast(pl.Float64).fill_null(float("nan")))
    np.testing.assert_array_equal(learned.transform(floats), learned.transform(frame))
    with pytest.raises(DataError, match="column 'zip', row 1: 'x' is not a number"):
        fit_preprocessing(pl.DataFrame({"zip": ["x", "1"]}), numeric=["zip"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scaling": "standart"}, "scaling must be one of standard, minmax, robust, none, got 'standart'"),
        ({"drop": ["mas"]}, "drop names 'mas', which is no column of the table; did you mean 'mass'?"),
        ({"numeric": ["mass"], "drop": ["mass"]}, "drop and numeric both name 'mass'; choose one"),
        ({"categorical": "mass"}, "categorical must be a list of column names, got the text 'mass'"),
    ],
)
def test_bad_options(options: dict[str, list[str]], words: str):
    with pytest.raises(InvalidParameterError) as caught:
        fit_preprocessing(pl.DataFrame({"mass": [1, 2]}), **options)  # pyright: ignore
    assert words in str(caught.value)


def test_json_round_trip_gives_the_same_bits():
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {"a": rng.normal(size=40), "b": rng.choice(["x", "ü", "z"], 40), "c": [None, True] * 20, "d": [1] * 40}
    )
    learned = fit_preprocessing(frame, scaling="robust")
    text = msgspec.json.encode(learned)
    assert msgspec.json.decode(text)["columns"][0]["kind"] == "numeric"
    again = msgspec.json.decode(text, type=Preprocessing)
    assert again == learned
    np.testing.assert_array_equal(again.transform(frame), learned.transform(frame))


def test_description_shows_every_column():
    frame = pl.DataFrame(
        {
            "mass": [1.0, 3.0, None],
            "island": ["B", None, "A"],
            "day": [dt.date(1970, 1, 1), dt.date(1970, 1, 3), dt.date(1970, 1, 2)],
            "one": [1, 1, 1],
        }
    )
    assert describe(fit_preprocessing(frame)) == [
        ("mass", "number", "standardized: (x − 2) / 1; missing becomes 2, marked by a second input"),
        ("island", "category", "2 categories: A, B; missing is one of its own; unseen values to <other>"),
        ("day", "date", "days since 1970-01-01, standardized: (x − 1) / 0.816497; missing becomes 1"),
        ("one", "dropped", "constant: every value is 1"),
    ]


CELL = st.none() | st.floats(-1e30, 1e30) | st.just(float("nan"))


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    values=st.lists(CELL, min_size=2, max_size=12),
    words=st.lists(st.none() | st.sampled_from("abc"), min_size=12, max_size=12),
    scaling=st.sampled_from(["standard", "minmax", "robust", "none"]),
)
def test_any_table_gives_finite_inputs_of_the_promised_width(values, words, scaling):
    frame = pl.DataFrame({"a": values, "w": words[: len(values)]}, schema={"a": pl.Float64, "w": pl.String})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            learned = fit_preprocessing(frame, scaling=scaling)
    except DataError as error:
        assert "no feature column is left" in str(error)
        return
    Z = learned.transform(frame)
    assert Z.shape == (len(values), len(learned.feature_names)) and np.isfinite(Z).all()
    for column in learned.columns:
        if isinstance(column, CategoricalColumn):
            places = [i for i, n in enumerate(learned.feature_names) if n in column.feature_names]
            assert (Z[:, places].sum(axis=1) == 1).all()
    rows = np.random.default_rng(0).permutation(len(values))
    np.testing.assert_array_equal(learned.transform(frame[rows]), Z[rows])


def test_constant_features():
    assert constant_features(np.zeros((0, 2))).tolist() == [True, True]
    assert constant_features(np.array([[1.0, 2.0], [1.0, 3.0]])).tolist() == [True, False]
