"""Users' arrays become training data: dtype, shape, one-hot classes, weights; each rule checked once, here."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from glassnet.engines.base import Data, all_finite, check_finite
from glassnet.errors import DataError, InvalidParameterError
from glassnet.formulas.registry import check_number
from glassnet.network.architecture import Architecture

__all__ = [
    "are_classes",
    "as_inputs",
    "as_targets",
    "by_class",
    "check_weights",
    "class_weight_table",
    "class_weights",
    "prepare",
    "scaled",
    "table_for",
    "targets_as_classes",
]


_DTYPES = {name: np.dtype(name) for name in ("float32", "float64")}


def as_inputs(architecture: Architecture, X: Any, name: str = "X", *, finite: bool = True) -> np.ndarray:
    """X as (n, d) in the network's dtype, C-contiguous; NaN, infinity and wrong shapes are refused.

    With `finite=False` an array that is ready as it stands is not looked through: the engine does that.
    """
    ready = type(X) is np.ndarray and X.dtype is _DTYPES[architecture.dtype] and X.flags.c_contiguous
    if ready and X.ndim == 2 and X.shape[1] == architecture.inputs and len(X) and (not finite or all_finite(X)):
        return X  # what a caller in a hurry gives
    array = _numbers(X, name)
    if array.ndim == 1 and architecture.inputs in (1, len(array)):
        advice = "X.reshape(-1, 1)" if architecture.inputs == 1 else "X.reshape(1, -1)"
        raise DataError(
            f"{name} must be two-dimensional, one row an example; write {name} = {advice.replace('X', name)}"
        )
    if array.ndim != 2 or array.shape[1] != architecture.inputs:
        raise DataError(f"{name} must have shape (n, {architecture.inputs}), got {array.shape}")
    if len(array) == 0:
        raise DataError(f"{name} has no rows")
    return _finite(array, architecture.dtype, name)


def as_targets(architecture: Architecture, y: Any, n: int, name: str = "y") -> np.ndarray:
    """y as (n, K) in the network's dtype: class numbers become one-hot rows, label smoothing is applied."""
    array, K, loss = _numbers(y, name), architecture.output.units, architecture.objective
    check_finite(array, name)
    if len(array) != n:
        raise DataError(f"X has {n} rows but {name} has {len(array)}")
    if array.ndim == 2 and array.shape[1] == 1 and K > 1:
        array = array[:, 0]
    if array.ndim == 1:
        array = _one_hot(array, K, name) if K > 1 else array[:, None]
    if array.shape != (n, K):
        raise DataError(f"{name} must have shape ({n},) or ({n}, {K}), got {array.shape}")
    Y = _finite(array, architecture.dtype, name)
    if not loss.targets.holds(Y):
        raise DataError(f"{name}: loss {loss.name} takes targets in {loss.targets}, got {Y.min():g} to {Y.max():g}")
    if loss.simplex and not np.allclose(Y.sum(axis=1), 1, atol=1e-4):
        raise DataError(f"{name}: each row of targets for {loss.name} must sum to 1 (or give class numbers)")
    epsilon = architecture.label_smoothing
    return ((1 - epsilon) * Y + epsilon / max(K if loss.simplex else 2, 2)).astype(Y.dtype) if epsilon else Y


def targets_as_classes(Y: np.ndarray) -> np.ndarray:
    """The class number (n,) that each row of targets or outputs stands for.

    >>> targets_as_classes(np.array([[0.2], [0.9]])).tolist()
    [0, 1]
    """
    return np.argmax(Y, axis=1) if Y.shape[1] > 1 else (Y[:, 0] > 0.5).astype(np.int64)


def are_classes(architecture: Architecture, Y: np.ndarray) -> bool:
    """Whether each row of prepared targets stands for one class: 0 or 1 for one output, else a one-hot row."""
    return bool(np.array_equal(as_targets(architecture, targets_as_classes(Y), len(Y)), Y))


def class_weight_table(spec: str | Mapping[Any, float] | None, classes: np.ndarray) -> dict[int, float] | None:
    """The weight of each class among the training examples (n,).

    >>> class_weight_table("balanced", np.array([0, 0, 0, 1]))[1]
    2.0
    """
    if spec is None:
        return None
    present, counts = np.unique(classes, return_counts=True)
    if isinstance(spec, str):
        if spec != "balanced":
            raise InvalidParameterError(f"class_weight must be 'balanced', a mapping or None, got '{spec}'")
        return dict(zip(present.tolist(), (len(classes) / (len(present) * counts)).tolist(), strict=True))
    if not isinstance(spec, Mapping):
        raise InvalidParameterError(f"class_weight must be 'balanced', a mapping or None, got {spec!r}")
    unknown = [key for key in spec if key not in set(present.tolist())]
    if unknown:
        raise InvalidParameterError(f"class_weight names class {unknown[0]!r}, which y does not hold")
    return {key: check_number("class_weight", f"of class {key}", spec.get(key, 1.0), 0) for key in present.tolist()}


def class_weights(spec: str | Mapping[Any, float] | None, classes: np.ndarray) -> np.ndarray | None:
    """The weight (n,) that each example's class gives it.

    "balanced" is n / (number of classes * count of the class), as in scikit-learn; a mapping gives each class's own,
    1 where it names none.

    >>> class_weights("balanced", np.array([0, 0, 0, 1])).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    table = class_weight_table(spec, classes)
    return None if table is None else np.array([table[key] for key in classes.tolist()])


def prepare(
    architecture: Architecture,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    class_weight: str | Mapping[Any, float] | None = None,
    suffix: str = "",
) -> Data:
    """Arrays as `Data`; `suffix` tells messages of validation arrays apart."""
    inputs = as_inputs(architecture, X, f"X{suffix}")
    Y = as_targets(architecture, y, len(inputs), f"y{suffix}")
    weights = None if sample_weight is None else _weights(sample_weight, len(inputs), f"sample_weight{suffix}")
    data = Data(inputs, Y, scaled(architecture, weights))
    return data if class_weight is None else by_class(architecture, data, table_for(architecture, data, class_weight))


def table_for(
    architecture: Architecture, data: Data, class_weight: str | Mapping[Any, float] | None
) -> dict[int, float] | None:
    """The classes' weights from training data; targets that are no classes are refused."""
    if class_weight is not None and not are_classes(architecture, data.Y):
        raise InvalidParameterError(
            "class_weight needs classes as targets: class numbers, 0 or 1, or one-hot rows; use sample_weight instead"
        )
    return class_weight_table(class_weight, targets_as_classes(data.Y))


def by_class(architecture: Architecture, data: Data, table: Mapping[int, float] | None) -> Data:
    """The data with each example's weight multiplied by that of its class; 1 for a class that is not in the table."""
    if table is None:
        return data
    factors = np.array([table.get(key, 1.0) for key in targets_as_classes(data.Y).tolist()])
    weights = check_weights(
        factors if data.weights is None else data.weights * factors, "sample_weight times class_weight"
    )
    return replace(data, weights=scaled(architecture, weights))


def scaled(architecture: Architecture, weights: np.ndarray | None) -> np.ndarray | None:
    """Weights (n,) of mean 1 where examples add up to a mean; as they are for a sum."""
    return weights if weights is None or architecture.reduction == "sum" else weights / weights.mean()


def _numbers(values: Any, name: str) -> np.ndarray:
    if isinstance(values, np.ma.MaskedArray) and values.mask.any():
        raise DataError(f"{name} has masked entries; drop or impute them")
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise DataError(f"{name} must be an array of numbers: {error}") from error
    if array.dtype.kind not in "biuf" or array.ndim == 0:
        what = f"an array of {array.dtype}" if array.ndim else f"{type(values).__name__}"
        raise DataError(f"{name} must be an array of numbers, got {what}; for tables of text use TableClassifier")
    return array


def _finite(array: np.ndarray, dtype: str, name: str) -> np.ndarray:
    check_finite(array, name)
    if array.dtype == dtype:
        return np.ascontiguousarray(array)
    with np.errstate(over="ignore"):
        out = np.ascontiguousarray(array, dtype)
    if not all_finite(out):
        raise DataError(f"{name} holds numbers beyond {dtype}; scale it, or use dtype='float64'")
    return out


def _one_hot(array: np.ndarray, K: int, name: str) -> np.ndarray:
    numbers = array.astype(np.int64)
    if not np.array_equal(numbers, array) or numbers.min(initial=0) < 0 or numbers.max(initial=0) >= K:
        raise DataError(
            f"{name} must hold class numbers 0 to {K - 1} for {K} outputs, got {array.min()} to {array.max()}"
        )
    return np.eye(K)[numbers]


def _weights(values: Any, n: int, name: str) -> np.ndarray:
    array = _numbers(values, name).astype(np.float64)
    if array.shape != (n,):
        raise DataError(f"{name} must have shape ({n},), got {array.shape}")
    return check_weights(array, name)


def check_weights(array: np.ndarray, name: str) -> np.ndarray:
    """Weights (n,) that make a weighted mean: finite, none negative, not all 0."""
    with np.errstate(over="ignore"):
        total = array.sum()
    if not np.all(np.isfinite(array) & (array >= 0)):
        raise DataError(f"{name} must hold finite numbers >= 0")
    if not total > 0:
        raise DataError(f"{name} sums to 0: no example counts")
    if not np.isfinite(total):
        raise DataError(f"{name} sums to infinity; scale it down")
    return array
