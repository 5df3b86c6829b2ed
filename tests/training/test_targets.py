"""Users' arrays become training data; every refusal says what is wrong and where."""

import re

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from glassnet import Architecture, DataError, Dense, InvalidParameterError
from glassnet.training.targets import as_inputs, as_targets, class_weights, prepare
from training.problems import classes, network

SOFTMAX = Architecture(2, (Dense(3, "softmax"),))
SIGMOID = Architecture(2, (Dense(1, "sigmoid"),))
LINEAR = Architecture(2, (Dense(1),))
COUNTS = Architecture(2, (Dense(1, "exponential"),), loss="poisson")
X = np.arange(8.0).reshape(4, 2)


def test_class_numbers_become_one_hot_rows():
    for y in ([0, 2, 1, 2], np.array([0, 2, 1, 2], np.uint8), [0.0, 2, 1, 2], [[0], [2], [1], [2]]):
        Y = as_targets(SOFTMAX, y, 4)
        assert Y.dtype == np.float32 and Y.tolist() == np.eye(3)[[0, 2, 1, 2]].tolist()
    assert as_targets(SIGMOID, [True, False, True, True], 4).ravel().tolist() == [1, 0, 1, 1]
    assert as_targets(SOFTMAX, np.full((4, 3), 1 / 3), 4).shape == (4, 3)


def test_label_smoothing_is_the_formula():
    smooth = Architecture(2, (Dense(3, "softmax"),), label_smoothing=0.3)
    np.testing.assert_allclose(as_targets(smooth, [1], 1), [[0.1, 0.8, 0.1]], rtol=1e-6)
    binary = Architecture(2, (Dense(1, "sigmoid"),), label_smoothing=0.3)
    np.testing.assert_allclose(as_targets(binary, [1, 0], 2), [[0.85], [0.15]], rtol=1e-6)


@pytest.mark.parametrize(
    "architecture, X, y, message",
    [
        (LINEAR, X[:, 0], [0] * 4, "X must have shape (n, 2), got (4,)"),
        (LINEAR, X[0], [0], "X must be two-dimensional, one row an example; write X = X.reshape(1, -1)"),
        (Architecture(1, (Dense(1),)), X[:, 0], [0] * 4, "write X = X.reshape(-1, 1)"),
        (LINEAR, np.zeros((4, 3)), [0] * 4, "X must have shape (n, 2), got (4, 3)"),
        (LINEAR, np.zeros((0, 2)), [], "X has no rows"),
        (LINEAR, [["a", "b"]], [0], "X must be an array of numbers, got an array of <U1; for tables of text use Table"),
        (LINEAR, None, [0], "X must be an array of numbers, got NoneType"),
        (LINEAR, [[1, 2], [3]], [0, 1], "X must be an array of numbers: setting an array element"),
        (LINEAR, X.astype(complex), [0] * 4, "got an array of complex128"),
        (LINEAR, [[1, 2], [np.nan, 1]], [0, 1], "X holds NaN or infinity, first in row 1; drop or impute"),
        (LINEAR, [[1, 2], [1, -np.inf]], [0, 1], "X holds NaN or infinity, first in row 1"),
        (LINEAR, [[1e39, 2]], [0], "X holds numbers beyond float32; scale it, or use dtype='float64'"),
        (LINEAR, X, [0, 1, 2], "X has 4 rows but y has 3"),
        (LINEAR, X, np.zeros((4, 2)), "y must have shape (4,) or (4, 1), got (4, 2)"),
        (LINEAR, X, [0, 1, np.nan, 2], "y holds NaN or infinity, first in row 2"),
        (LINEAR, X, list("abcd"), "y must be an array of numbers, got an array of <U1"),
        (SOFTMAX, X, [0, 1, np.nan, 2], "y holds NaN or infinity, first in row 2"),
        (SOFTMAX, X, [0, 1, 2, 3], "y must hold class numbers 0 to 2 for 3 outputs, got 0 to 3"),
        (SOFTMAX, X, [0, -1, 2, 1], "class numbers 0 to 2 for 3 outputs, got -1 to 2"),
        (SOFTMAX, X, [0, 0.5, 2, 1], "class numbers 0 to 2 for 3 outputs"),
        (SOFTMAX, X, np.full((4, 3), 0.5), "y: each row of targets for cross_entropy must sum to 1"),
        (SOFTMAX, X, np.zeros((4, 2)), "y must have shape (4,) or (4, 3), got (4, 2)"),
        (SIGMOID, X, [0, 1, 2, 1], "y: loss binary_cross_entropy takes targets in [0, 1], got 0 to 2"),
        (COUNTS, X, [0, 1, -2, 1], "y: loss poisson takes targets in [0, "),
    ],
)
def test_refusals(architecture, X, y, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        prepare(architecture, X, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "weights, message",
    [
        ([1, 2], "sample_weight must have shape (4,), got (2,)"),
        (np.ones((4, 1)), "sample_weight must have shape (4,), got (4, 1)"),
        ([1, 1, 1, -1], "sample_weight must hold finite numbers >= 0"),
        ([1, 1, 1, np.nan], "sample_weight must hold finite numbers >= 0"),
        ([0, 0, 0, 0], "sample_weight sums to 0: no example counts"),
        ([1e308] * 4, "sample_weight sums to infinity; scale it down"),
        (list("abcd"), "sample_weight must be an array of numbers, got an array of <U1"),
    ],
)
def test_refused_weights(weights, message):
    with pytest.raises(DataError, match=re.escape(message)):
        prepare(LINEAR, X, [0, 1, 2, 3], weights)


def test_messages_name_the_validation_arrays():
    Xs, y = classes()
    with pytest.raises(DataError, match="X of validation must have shape"):
        network(Xs, y).fit(Xs, y, validation=(Xs[:, :2], y))
    with pytest.raises(DataError, match="sample_weight of validation must"):
        network(Xs, y).fit(Xs, y, validation=(Xs, y, [1]))


def test_inputs_are_taken_in_any_memory_order_and_dtype():
    expected = as_inputs(LINEAR, X)
    for given in (np.asfortranarray(X), X.astype(np.int8), X.tolist(), X[::-1][::-1]):
        out = as_inputs(LINEAR, given)
        assert out.flags.c_contiguous and out.dtype == np.float32 and np.array_equal(out, expected)


def test_balanced_weights_are_scikit_learns():
    y = np.random.default_rng(0).choice(4, 100, p=[0.6, 0.2, 0.15, 0.05])
    weights = class_weights("balanced", y)
    np.testing.assert_allclose(weights, compute_sample_weight("balanced", y))
    np.testing.assert_allclose(
        [weights[y == k][0] for k in range(4)], compute_class_weight("balanced", classes=np.arange(4), y=y)
    )
    given = {0: 0.5, 3: 7.0}
    np.testing.assert_allclose(class_weights(given, y), compute_sample_weight({1: 1.0, 2: 1.0, **given}, y))


@pytest.mark.parametrize(
    "spec, message",
    [
        ("even", "class_weight must be 'balanced', a mapping or None, got 'even'"),
        ([1, 2], "class_weight must be 'balanced', a mapping or None, got [1, 2]"),
        ({7: 1.0}, "class_weight names class 7, which y does not hold"),
        ({0: -1.0}, "class_weight: of class 0 must be a number >= 0, got -1.0"),
        ({0: float("nan")}, "of class 0 must be a number >= 0"),
    ],
)
def test_refused_class_weights(spec, message):
    with pytest.raises(InvalidParameterError, match=re.escape(message)):
        prepare(SOFTMAX, X, [0, 1, 2, 1], class_weight=spec)


@pytest.mark.parametrize(
    "architecture, y",
    [(LINEAR, [0.3, 1.2, 5, 2]), (SOFTMAX, np.full((4, 3), 1 / 3)), (SIGMOID, [0, 1, 0.5, 1])],
)
def test_class_weights_for_what_is_no_class_are_refused(architecture, y):
    with pytest.raises(InvalidParameterError, match="class_weight needs classes as targets"):
        prepare(architecture, X, y, class_weight="balanced")


def test_class_weights_that_leave_nothing_are_refused():
    with pytest.raises(DataError, match="sample_weight times class_weight sums to 0"):
        prepare(SIGMOID, X, [0, 0, 1, 1], [1, 1, 0, 0], {0: 0.0})
