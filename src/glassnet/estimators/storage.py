"""Table estimators as `.glassnet` files: network, preprocessing, target, options and test metrics; no training rows."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from glassnet.errors import ModelFileError
from glassnet.files.container import read_container, write_container
from glassnet.files.model_file import as_document, as_tensors, from_document, from_tensors
from glassnet.model import Network
from glassnet.tables.preprocessing import Preprocessing
from glassnet.tables.targets import ClassTarget, RegressionTarget

__all__ = ["KIND_OF", "load_table_model", "save_table_model"]

KIND_OF = {"TableClassifier": "table_classifier", "TableRegressor": "table_regressor"}

_NOT_SAVED = ("callbacks", "verbose", "random_state", "engine", "threads")


class _TableDocument(msgspec.Struct, forbid_unknown_fields=True):
    architecture: dict[str, Any]
    seed: int
    preprocessing: Preprocessing
    target: dict[str, Any]
    columns: list[str]
    named: bool
    options: dict[str, Any]
    metrics: dict[str, float]
    epochs: int


def save_table_model(path: str | Path, model: Any) -> None:
    """Write the file in one atomic step; the same model gives the same bytes."""
    network: Network = model.network_
    named = hasattr(model, "feature_names_in_")
    document = _TableDocument(
        as_document(network.architecture),
        network.seed,
        model.preprocessing_,
        msgspec.to_builtins(model.target_),
        [str(name) for name in model.feature_names_in_]
        if named
        else [f"x{i + 1}" for i in range(model.n_features_in_)],
        named,
        {key: _plain(value) for key, value in sorted(model.get_params(deep=False).items()) if key not in _NOT_SAVED},
        {key: float(value) for key, value in model.metrics_.items()},
        model.n_iter_,
    )
    tensors = as_tensors(network.architecture, network.parameters.vector, network.buffers.vector)
    write_container(path, tensors, msgspec.to_builtins(document), kind=KIND_OF[type(model).__name__])


def _plain(value: Any) -> Any:
    """An option as JSON: numbers, text, lists; objects as their text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return str(value)


def _units(target: Any) -> tuple[int, ...]:
    """How many outputs a network for this target may have; none for classes that are not distinct and in order."""
    if not isinstance(target, ClassTarget):
        return (int(np.size(target.mean)),) if np.size(target.mean) == np.size(target.scale) else ()
    classes: list[Any] = list(target.classes)
    if len({isinstance(label, str) for label in classes}) != 1 or classes != sorted(set(classes)) or len(classes) < 2:
        return ()
    return (1, 2) if len(classes) == 2 else (len(classes),)


def load_table_model(path: str | Path, cls: type[Any]) -> Any:
    """An estimator of this class, ready to predict."""
    container = read_container(path, kind=KIND_OF[cls.__name__])
    source = f"'{path}'"
    target_type = ClassTarget if cls.__name__ == "TableClassifier" else RegressionTarget
    try:
        document = msgspec.convert(container.document, _TableDocument)
        target: Any = msgspec.convert(document.target, target_type)
    except msgspec.ValidationError as error:
        raise ModelFileError(f"{source}: not a model that this version reads: {error}") from error
    architecture = from_document(document.architecture, source)
    theta, buffers = from_tensors(architecture, container.tensors, source)
    fits = architecture.inputs == len(document.preprocessing.feature_names)
    if not fits or architecture.output.units not in _units(target):
        raise ModelFileError(f"{source}: network, columns and target in it do not fit together")
    known = cls().get_params(deep=False)
    if not set(document.options) <= set(known):
        raise ModelFileError(f"{source}: unknown option {min(set(document.options) - set(known))!r} in it")
    model = cls(**document.options, random_state=document.seed)
    model.network_ = Network.from_parts(architecture, theta, buffers, document.seed)
    model.preprocessing_, model.target_, model.seed_ = document.preprocessing, target, document.seed
    if isinstance(target, ClassTarget):
        model.classes_ = np.asarray(target.classes)
    model.n_features_in_, model.n_iter_, model.metrics_ = len(document.columns), document.epochs, document.metrics
    if document.named:
        model.feature_names_in_ = np.array(document.columns, dtype=object)
    return model
