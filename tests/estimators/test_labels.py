"""Labels as targets and back: as scikit-learn's LabelBinarizer does it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_multilabel_classification
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import type_of_target

from glassnet.estimators.labels import OneOfMany, binarizer

LABELS = {
    "whole numbers": np.array([5, -1, 3, 3, 5]),
    "unsigned": np.array([5, 1, 5], np.uint8),
    "two": np.array([2, 7, 7]),
    "one": np.array([4, 4, 4]),
    "truths": np.array([True, False, True]),
    "words": np.array(["emu", "cat", "dog", "cat"]),
    "objects": np.array(["emu", "cat", "dog", "cat"], object),
    "two objects": np.array(["emu", "cat"], object),
    "whole floats": np.array([1.0, 3.0, 2.0]),
    "a list": ["no", "yes", "no"],
    "a column": np.array([[1], [2], [0]]).ravel(),
}


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS.keys())
def test_one_of_many_is_scikit_learns(y):
    mine, theirs = binarizer(y), LabelBinarizer().fit(y)
    assert isinstance(mine, OneOfMany) and mine.y_type_ == theirs.y_type_ == type_of_target(y)
    assert mine.classes_.tolist() == theirs.classes_.tolist() and mine.classes_.dtype == theirs.classes_.dtype
    Y = mine.transform(y)
    assert Y.dtype == bool and np.array_equal(Y, theirs.transform(y))
    outputs = np.random.default_rng(0).random(Y.shape)
    flat = outputs[:, 0] if Y.shape[1] == 1 else outputs
    back = mine.inverse_transform(flat)
    assert back.tolist() == theirs.inverse_transform(flat).tolist() and back.dtype == mine.classes_.dtype
    assert mine.inverse_transform(Y.astype(int)).tolist() == np.asarray(y).tolist()


def test_several_labels_at_once_are_left_to_scikit_learn():
    _, Y = make_multilabel_classification(n_samples=9, random_state=0)
    assert isinstance(binarizer(Y), LabelBinarizer)


NO_LABELS = [np.array([0.5, 1.5]), np.array([1, "a"], object), np.array([[1, 2], [3, 4]]), pd.Series([0.1, 2.3])]


@pytest.mark.parametrize("y", NO_LABELS)
def test_what_is_no_label_is_refused_as_there(y):
    with pytest.raises((ValueError, TypeError)) as theirs:
        LabelBinarizer().fit(y)
    with pytest.raises(type(theirs.value)) as mine:
        binarizer(y)
    assert str(mine.value) == str(theirs.value)
