"""Class labels as targets of a network, and outputs as labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import type_of_target, unique_labels

__all__ = ["OneOfMany", "binarizer"]


@dataclass
class OneOfMany:
    """One class an example: what scikit-learn's LabelBinarizer does, for labels that are checked already.

    Its own checks take longer than training a small network for some epochs.

    >>> labels = OneOfMany(np.array(["cat", "dog", "emu"]), "multiclass")
    >>> labels.transform(np.array(["emu", "cat"])).astype(int).tolist()
    [[0, 0, 1], [1, 0, 0]]
    >>> labels.inverse_transform(np.array([[0.2, 0.7, 0.1]])).tolist()
    ['dog']
    """

    classes_: np.ndarray
    y_type_: str  # "binary" or "multiclass", as `type_of_target` says it

    def transform(self, y: np.ndarray) -> np.ndarray:
        """Labels (n,), each one of the classes, as targets (n, K) of False and True; (n, 1) for up to two classes."""
        codes = np.searchsorted(self.classes_, y)[:, None]
        return codes == np.arange(len(self.classes_)) if len(self.classes_) > 2 else codes == 1

    def inverse_transform(self, outputs: np.ndarray) -> np.ndarray:
        """The labels (n,) of the largest outputs (n, K); of one output (n,) or (n, 1) the second class above 1/2."""
        if len(self.classes_) > 2:
            return self.classes_.take(outputs.argmax(axis=1))
        return self.classes_.take(outputs.ravel() > 0.5, mode="clip")


def binarizer(y: Any) -> Any:
    """What turns labels into targets and back: `OneOfMany`, or for several labels at once a LabelBinarizer."""
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "biuU" and len(y):
        classes = np.unique(y)
        return OneOfMany(classes, "binary" if len(classes) <= 2 else "multiclass")
    kind = type_of_target(y, input_name="y")
    if kind in ("binary", "multiclass"):
        return OneOfMany(unique_labels(y), kind)
    return LabelBinarizer().fit(y)  # or an error in its words
