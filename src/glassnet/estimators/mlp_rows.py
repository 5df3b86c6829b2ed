"""Examples as the MLP estimators take them: dense and sparse rows, weights of examples and classes, validation sets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import (
    _check_sample_weight,  # pyright: ignore[reportPrivateUsage]  its words are what users match on
)

from glassnet.engines.base import Data
from glassnet.errors import DataError, InvalidParameterError
from glassnet.formulas.registry import check_number
from glassnet.network.architecture import Architecture
from glassnet.training.targets import check_weights, class_weight_table, prepare

__all__ = ["MOST_BYTES", "Rows", "class_table", "data_of", "dense", "given", "weights_of"]

MOST_BYTES = 2**33  # of a sparse matrix made dense for training


def dense(X: Any, dtype: Any, *, most: float = float("inf")) -> np.ndarray:
    """X as a C-contiguous array of the dtype; sparse matrices are filled with their zeros.

    Raises
    ------
    DataError
        If that would take more than `most` bytes.
    """
    if not issparse(X):
        return np.ascontiguousarray(X, dtype)
    size = X.shape[0] * X.shape[1] * np.dtype(dtype).itemsize
    if size > most:
        raise DataError(
            f"X is sparse, and training makes it dense: {X.shape[0]} x {X.shape[1]} numbers would take "
            f"{size / 2**30:.0f} GiB; give fewer rows at a time to partial_fit, or fewer features (TruncatedSVD)"
        )
    return np.ascontiguousarray(X.toarray(), dtype)


@dataclass(frozen=True)
class Rows:
    """Examples as scikit-learn splits them: X (n, d), targets Y (n, K), weights (n,) or None."""

    X: Any
    Y: np.ndarray
    weights: np.ndarray | None

    def split(self, fraction: float, rng: Any, strata: Any) -> tuple["Rows", "Rows"]:
        """Training and validation rows."""
        arrays = [self.X, self.Y] + ([] if self.weights is None else [self.weights])
        parts: list[Any] = train_test_split(*arrays, random_state=rng, test_size=fraction, stratify=strata)
        if parts[1].shape[0] < 2:
            raise DataError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        weights = parts[4:] or [None, None]
        return Rows(parts[0], parts[2], weights[0]), Rows(parts[1], parts[3], weights[1])


def class_table(model: Any, Y: np.ndarray) -> dict[Any, float] | None:
    """The weight of each class; "balanced" counts them in the training rows, and holds for validation rows too."""
    spec: Any = getattr(model, "class_weight", None)
    if spec is None:
        return None
    if model._label_binarizer.y_type_.startswith("multilabel"):
        raise InvalidParameterError("class_weight is for one class an example, not for several labels at once")
    if isinstance(spec, str):
        return class_weight_table(spec, model._labels(Y))
    unknown = [label for label in spec if label not in set(model.classes_.tolist())]
    if unknown:
        raise InvalidParameterError(f"class_weight names class {unknown[0]!r}, which is none of {model.classes_}")
    return {label: check_number("class_weight", f"of class {label}", w, 0) for label, w in spec.items()}


def weights_of(
    model: Any, X: Any, Y: np.ndarray, sample_weight: Any, table: dict[Any, float] | None
) -> np.ndarray | None:
    """The examples' weights (n,), times those of their classes."""
    weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
    if weights is not None:
        check_weights(weights, "sample_weight")
    if table is None:
        return weights
    of_classes = np.array([table.get(label, 1.0) for label in model._labels(Y).tolist()])
    return of_classes if weights is None else weights * of_classes


def given(model: Any, validation_data: Any, table: dict[Any, float] | None) -> Rows:
    """The caller's own validation set."""
    if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
        raise InvalidParameterError("validation_data must be (X, y) or (X, y, sample_weight)")
    weights = validation_data[2] if len(validation_data) == 3 else None
    try:
        checked, Y = model._validate_more(*validation_data[:2])
        return Rows(checked, Y, weights_of(model, checked, Y, weights, table))
    except ValueError as error:
        raise DataError(f"validation_data: {error}") from error


def data_of(model: Any, net: Architecture, rows: Rows, suffix: str = "") -> Data:
    """Rows as the engines take them, standardized where the model does that."""
    scaling = model._scaling()
    X = scaling.inputs(dense(rows.X, net.dtype, most=MOST_BYTES))
    return prepare(net, X, scaling.targets(rows.Y), rows.weights, suffix=suffix)
