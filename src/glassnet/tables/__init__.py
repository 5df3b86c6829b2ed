"""Columns to arrays: files, types, missing values, categories, scaling, targets, splits, built-in data.

The names are resolved when they are asked for: a network that is given arrays needs no polars.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassnet.tables.columns import CategoricalColumn, DroppedColumn, NumericColumn
    from glassnet.tables.datasets import Dataset, dataset_names, load_dataset
    from glassnet.tables.frames import to_frame, to_series
    from glassnet.tables.preprocessing import Preprocessing, constant_features, describe, fit_preprocessing
    from glassnet.tables.reading import read_table
    from glassnet.tables.splits import quantile_groups, shared_duplicates, split_rows, train_validation_split
    from glassnet.tables.targets import (
        ClassTarget,
        RegressionTarget,
        drop_missing_target,
        fit_class_target,
        fit_regression_target,
        infer_task,
        split_target,
    )

__all__ = [
    "CategoricalColumn",
    "ClassTarget",
    "Dataset",
    "DroppedColumn",
    "NumericColumn",
    "Preprocessing",
    "RegressionTarget",
    "constant_features",
    "dataset_names",
    "describe",
    "drop_missing_target",
    "fit_class_target",
    "fit_preprocessing",
    "fit_regression_target",
    "infer_task",
    "load_dataset",
    "quantile_groups",
    "read_table",
    "shared_duplicates",
    "split_rows",
    "split_target",
    "to_frame",
    "to_series",
    "train_validation_split",
]

_PLACES = {
    "columns": "CategoricalColumn DroppedColumn NumericColumn",
    "datasets": "Dataset dataset_names load_dataset",
    "frames": "to_frame to_series",
    "preprocessing": "Preprocessing constant_features describe fit_preprocessing",
    "reading": "read_table",
    "splits": "quantile_groups shared_duplicates split_rows train_validation_split",
    "targets": "ClassTarget RegressionTarget drop_missing_target "
    "fit_class_target fit_regression_target infer_task split_target",
}


def __getattr__(name: str) -> Any:
    for module, names in _PLACES.items():
        if name in names.split():
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
