"""MODEL and DATA for the commands that use a trained model."""

from typing import Any

from glassnet.cli.source import Source, read_source
from glassnet.errors import DataError, ModelFileError, nearest

__all__ = ["load_table", "read_for", "rows_with_target", "target_name"]


def load_table(path: str) -> Any:
    """A table model from a file; a bare network is refused, since it knows no columns."""
    from glassnet.loading import load

    model = load(path)
    if not hasattr(model, "preprocessing_"):
        raise ModelFileError(f"{path} is a bare network that knows no columns; use glassnet.Network.load in Python")
    return model


def target_name(model: Any) -> str:
    """The column that the model predicts."""
    return str(model.target_.name)


def read_for(model: Any, data: str, *, noise: str | None, rows: str | None, seed: str) -> Source:
    """Read DATA as the model needs it: columns that were text in training stay text."""
    from glassnet.tables import CategoricalColumn

    text = [column.name for column in model.preprocessing_.columns if isinstance(column, CategoricalColumn)]
    if isinstance(getattr(model, "classes_", [0])[0], str):
        text.append(target_name(model))
    source = read_source(data, noise=noise, rows=rows, seed=seed, text=text)
    if not hasattr(model, "feature_names_in_") and source.frame.width == model.n_features_in_:
        source.frame.columns = [f"x{i + 1}" for i in range(source.frame.width)]
    return source


def rows_with_target(model: Any, source: Source) -> tuple[Any, Any, Any]:
    """Features and target of the rows that have one, and their indices (from 0) in the table."""
    import numpy as np

    name = target_name(model)
    if name not in source.frame.columns:
        near = nearest(name, source.frame.columns)
        raise DataError(f"{source.name} has no column '{name}', which the model predicts{near}")
    y = source.frame[name]
    present = (y.fill_nan(None) if y.dtype.is_float() else y).is_not_null()
    if not present.any():
        raise DataError(f"{source.name}: the target '{name}' is missing in every row; there is nothing to compare with")
    return source.frame.filter(present), y.filter(present), np.flatnonzero(present.to_numpy())
