"""DATA and options to a problem: features, target, task, and which rows train, watch and test."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from glassnet.cli.names import for_option
from glassnet.cli.rules import column_names
from glassnet.cli.source import Source, read_source
from glassnet.errors import DataError, InvalidParameterError, nearest

if TYPE_CHECKING:
    from glassnet.cli.fit import Learning
    from glassnet.cli.settings import Plan
    from glassnet.tables import Preprocessing

__all__ = ["Problem", "read_problem"]

Part = tuple[pl.DataFrame, pl.Series]


@dataclass(frozen=True)
class Problem:
    """What is to be learned, and from which rows; a part that was not asked for is None."""

    source: Source
    target: str
    task: str
    why: str
    classes: tuple[Any, ...]
    training: Part
    validation: Part | None
    test: Part | None
    without_target: int
    duplicates: int

    @property
    def sizes(self) -> dict[str, int]:
        """Rows of each part."""
        parts = {"training": self.training, "validation": self.validation, "test": self.test}
        return {name: 0 if part is None else part[0].height for name, part in parts.items()}


def read_problem(fit: "Learning", plan: "Plan") -> Problem:
    """Read and check the data, and draw the rows into parts."""
    from glassnet.tables import drop_missing_target, infer_task, split_target

    source = read_source(fit.data, noise=fit.noise, rows=fit.rows, seed=fit.seed, text=column_names(fit.categorical))
    target = source.target_or(fit.target)
    _check_columns(fit, source, target)
    features, y, without = drop_missing_target(*split_target(source.frame, target, source.name), source.name)
    inferred, why = infer_task(y, source.name) if plan.task is None else (plan.task, "as --task says")
    classes, codes = _check_target(y, inferred, source.name)
    learned = _check_features(features, plan, source.name)
    parts = _drawn(len(y), codes, plan, source.name)
    training, validation, test = ((features[part], y[part]) if len(part) else None for part in parts)
    assert training is not None
    _check_classes(codes, parts[0], classes, source.name)
    whole = features.with_columns(y)
    duplicates = _duplicates(whole, parts)
    if fit.test is not None:
        test = _own_test(fit.test, target, features, y)
        _check_test(test, learned, classes, fit.test)
        duplicates += _shared(whole, test[0].with_columns(test[1]))
    return Problem(source, target, inferred, why, classes, training, validation, test, without, duplicates)


def _check_columns(fit: "Learning", source: Source, target: str) -> None:
    """Every column that an option names is there, and is not the target."""
    for option in ("categorical", "numeric", "drop", "weights"):
        for name in column_names(getattr(fit, option)):
            if name not in source.frame.columns:
                near = nearest(name, source.frame.columns) or f"; the columns are: {_listed(source.frame.columns)}"
                raise DataError(f"--{option}: {source.name} has no column '{name}'{near}")
            if name == target:
                raise InvalidParameterError(f"--{option}: '{name}' is the target; name another column")


def _listed(names: list[str]) -> str:
    from glassnet.tables.cells import listed

    return listed(names)


def _check_target(y: pl.Series, task: str, source: str) -> tuple[tuple[Any, ...], np.ndarray]:
    """The classes and the code of each row; for numbers no classes, and the row's quantile group."""
    from glassnet.tables import fit_class_target, fit_regression_target, quantile_groups

    if task == "regression":
        return (), quantile_groups(fit_regression_target(y, y.name, source).encode(y, source))
    target = fit_class_target(y, y.name, source)
    return target.classes, target.encode(y, source)


def _check_features(features: pl.DataFrame, plan: "Plan", source: str) -> "Preprocessing":
    """Learn the columns from all rows once, so that an error names the file and the row in it."""
    from glassnet.tables import fit_preprocessing

    options = {
        key: plan.parameters[key] for key in ("scaling", "categorical", "numeric", "drop") if key in plan.parameters
    }
    weights = plan.parameters.get("weight_column")
    return fit_preprocessing(features.drop(weights) if weights else features, source=source, **options)


def _check_test(test: Part, learned: "Preprocessing", classes: tuple[Any, ...], path: str) -> None:
    """Whatever would keep these rows from being judged is said before training."""
    from glassnet.tables import ClassTarget, fit_regression_target

    X, labels = test
    learned.transform(X, source=path)
    if classes:
        ClassTarget(classes, labels.name).encode(labels, path)
    else:
        fit_regression_target(labels, labels.name, path)


def _drawn(n: int, codes: np.ndarray, plan: "Plan", source: str) -> tuple[np.ndarray, ...]:
    """Rows (training, validation, test); a part that was asked for is refused when it would have no row."""
    from glassnet.tables import split_rows

    for option, share in (("--test-fraction", plan.test), ("--validation", plan.validation)):
        if 0 < share * n < 1:
            rows = "1 row" if n == 1 else f"{n} rows"
            raise DataError(
                f"{source}: too few rows to split: {rows}, and {share:.0%} of them is less than one; "
                f"add rows, or say {option} 0"
            )
    shares = (1 - plan.validation - plan.test, plan.validation, plan.test)
    return split_rows(n, fractions=shares, stratify=codes, seed=plan.seed, source=source)


def _check_classes(codes: np.ndarray, training: np.ndarray, classes: tuple[Any, ...], source: str) -> None:
    if not classes:
        return
    lacking = sorted(set(range(len(classes))) - set(codes[training].tolist()))
    if lacking:
        raise DataError(
            f"{source}: too few rows to split: no training row is left for class {classes[lacking[0]]!r}; add rows, "
            "or say --test-fraction 0 --validation 0"
        )


def _duplicates(frame: pl.DataFrame, parts: tuple[np.ndarray, ...]) -> int:
    from glassnet.tables import shared_duplicates

    return shared_duplicates(frame, parts)


def _shared(frame: pl.DataFrame, other: pl.DataFrame) -> int:
    """Rows of the other table that stand in this one too; it may have its columns in another order."""
    if not set(frame.columns) <= set(other.columns):
        return 0
    alike = other.select(pl.col(name).cast(dtype, strict=False) for name, dtype in frame.schema.items())
    stacked, n = pl.concat([frame, alike]), frame.height
    return _duplicates(stacked, (np.arange(n), np.arange(n, stacked.height)))


def _own_test(path: str, target: str, features: pl.DataFrame, y: pl.Series) -> Part:
    """The rows of --test; columns that are text in training stay text."""
    from glassnet.tables import drop_missing_target, split_target

    text = [column.name for column in (*features, y) if column.dtype == pl.String]
    with for_option("--test"):
        source = read_source(path, text=text)
    X, labels, _ = drop_missing_target(*split_target(source.frame, target, path), path)
    return X, labels
