"""What the Table estimators share: from a raw table to a trained network and its file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from glassnet.errors import DataError, InvalidParameterError, nearest
from glassnet.estimators.defaults import (
    default_batch_size,
    default_dropout,
    default_epochs,
    default_l2,
    default_patience,
)
from glassnet.estimators.storage import load_table_model, save_table_model
from glassnet.formulas.optimizers import Optimizer, optimizer
from glassnet.formulas.registry import parse_spec
from glassnet.formulas.schedules import Schedule, schedule
from glassnet.model import Network
from glassnet.network.architecture import BatchNorm, Dense, Dropout, Layer
from glassnet.tables.frames import to_frame, to_series
from glassnet.tables.preprocessing import Preprocessing, constant_features, fit_preprocessing
from glassnet.tables.splits import quantile_groups, train_validation_split
from glassnet.tables.targets import ClassTarget, RegressionTarget
from glassnet.training.callbacks import Callback, EarlyStopping
from glassnet.training.history import History
from glassnet.training.options import checked_seed
from glassnet.training.solvers import SOLVERS, Solver

__all__ = ["TableEstimator"]

Beginning = tuple[np.ndarray, np.ndarray, dict[str, Any]]
"""Inputs (n, d), encoded targets, and the other arguments of `Network.fit`."""

_FEW_ROWS = 40  # below, a validation part would be too small to stop by


class TableEstimator(BaseEstimator):
    """What TableClassifier and TableRegressor have in common: columns, network, training, files."""

    def __init__(
        self,
        hidden: Sequence[int] = (64, 64),
        *,
        activation: str = "relu",
        loss: str | None = None,
        optimizer: str | Optimizer | Solver = "adam",
        learning_rate: float | str | Schedule | None = None,
        batch_size: int | str = "auto",
        epochs: int | str = "auto",
        patience: int | str | None = "auto",
        validation_fraction: float = 0.15,
        dropout: float | str = "auto",
        batch_norm: bool = False,
        l1: float = 0.0,
        l2: float | str = "auto",
        weight_decay: float | None = None,
        label_smoothing: float = 0.0,
        class_weight: str | Mapping[Any, float] | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        scaling: str = "standard",
        categorical: Sequence[str] = (),
        numeric: Sequence[str] = (),
        drop: Sequence[str] = (),
        weight_column: str | None = None,
        initializer: str | None = None,
        dtype: str = "float32",
        random_state: Any = 0,
        engine: str = "auto",
        threads: int | None = None,
        callbacks: Sequence[Callback] = (),
        verbose: int = 0,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.l1 = l1
        self.l2 = l2
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.scaling = scaling
        self.categorical = categorical
        self.numeric = numeric
        self.drop = drop
        self.weight_column = weight_column
        self.initializer = initializer
        self.dtype = dtype
        self.random_state = random_state
        self.engine = engine
        self.threads = threads
        self.callbacks = callbacks
        self.verbose = verbose

    # --- for subclasses -----------------------------------------------------------------------------------------

    def _fit_target(self, y: Any) -> ClassTarget | RegressionTarget:
        raise NotImplementedError

    def _output(self) -> tuple[Dense, str]:
        raise NotImplementedError

    # --- the public part ----------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, *, validation_data: tuple[Any, Any] | None = None, resume: Any = None) -> Any:
        """Learn the columns, the target and the network from the rows of a table.

        Parameters
        ----------
        X : data frame or array (n, columns)
        y : column or array (n,); (n, K) for several numbers
        validation_data : (X, y), optional
            Rows to watch and stop by; without them a share of X is held out.
        resume : path, optional
            A checkpoint of the same run to go on from.
        """
        data, targets, options = self.begin(X, y, validation_data=validation_data)
        self.history_: History = self.network_.fit(data, targets, resume=resume, **options)
        self.n_iter_ = max(self.history_.epochs, 1)
        self.metrics_: dict[str, float] = {}
        return self

    def begin(self, X: Any, y: Any, *, validation_data: tuple[Any, Any] | None = None) -> Beginning:
        """Do all of `fit` but the training: `network_` has its first weights, and the rest is returned."""
        frame, labels = self._labelled(X, y)
        self.target_ = self._fit_target(labels)
        self.seed_ = seed_of(self.random_state)
        training, held_out = self._parts(frame, labels, validation_data)
        inputs, weights = self._learn_columns(training[0])
        data = self.preprocessing_.transform(inputs)
        self.network_ = self._build(data)
        return self._beginning(data, training[1], weights, held_out)

    def begin_again(self, X: Any, y: Any, *, validation_data: tuple[Any, Any] | None = None) -> Beginning:
        """What training this fitted model further would begin with; columns, target and network stay as they are."""
        check_is_fitted(self, "network_")
        frame = self._frame(X, reset=False)
        return self._beginning(self.preprocessing_.transform(frame), y, self._weights(frame), validation_data)

    def transform_inputs(self, X: Any, *, source: str = "the data") -> np.ndarray:
        """The network's inputs (n, d) for the rows of a table: imputed, one-hot, scaled."""
        check_is_fitted(self, "network_")
        return self.preprocessing_.transform(self._frame(X, reset=False, source=source), source=source)

    def outputs(self, X: Any, *, source: str = "the data") -> np.ndarray:
        """The network's outputs (n, K)."""
        return self.network_.predict(self.transform_inputs(X, source=source))

    def save(self, path: str | Path) -> None:
        """Write everything needed to predict to one `.glassnet` file, and no training rows."""
        check_is_fitted(self, "network_")
        save_table_model(path, self)

    @classmethod
    def load(cls, path: str | Path) -> Any:
        """Read an estimator back; nothing in the file is executed."""
        return load_table_model(path, cls)

    # --- the steps of fit ---------------------------------------------------------------------------------------

    def _frame(self, X: Any, *, reset: bool, source: str = "the data") -> pl.DataFrame:
        named = hasattr(X, "columns") or hasattr(X, "collect_schema")
        frame = to_frame(X, source=source)
        if reset:
            self.n_features_in_ = frame.width
            if named:
                self.feature_names_in_ = np.array(frame.columns, dtype=object)
            elif hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
        elif not named and frame.width != self.n_features_in_:
            raise DataError(
                f"X has {frame.width} features, but {type(self).__name__} is expecting {self.n_features_in_} features "
                "as input"
            )
        elif not named and hasattr(self, "feature_names_in_"):
            frame.columns = self.feature_names_in_.tolist()
        return frame

    def _labelled(self, X: Any, y: Any) -> tuple[pl.DataFrame, Any]:
        """The rows as a frame, and as many labels."""
        frame = self._frame(X, reset=True)
        if y is None:
            raise DataError("requires y to be passed, but the target y is None")
        labels = y if getattr(y, "ndim", 1) == 2 or isinstance(y, pl.Series) else to_series(y)
        if len(labels) != frame.height:
            raise DataError(f"X has {frame.height} rows but y has {len(labels)}")
        return frame, labels

    def _parts(self, frame: pl.DataFrame, labels: Any, given: tuple[Any, Any] | None) -> tuple[Any, Any]:
        if given is not None:
            return (frame, labels), (self._frame(given[0], reset=False, source="the validation data"), given[1])
        if frame.height < _FEW_ROWS or self.patience is None:
            return (frame, labels), None
        codes = self.target_.encode(labels)
        if isinstance(self.target_, RegressionTarget):
            codes = quantile_groups(codes)
        kept, held = train_validation_split(frame.height, self.validation_fraction, codes, self.seed_)
        rows = rows_of(labels)
        return (frame[kept], rows[kept]), (frame[held], rows[held])

    def _learn_columns(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray | None]:
        """Fit the preprocessing on the training rows; returns the feature columns and the row weights."""
        features, weights = frame, None
        if self.weight_column is not None:
            weights, features = self._weights(frame), frame.drop(self.weight_column)
        self.preprocessing_: Preprocessing = fit_preprocessing(
            features,
            scaling=self.scaling,  # pyright: ignore[reportArgumentType]  validated there
            categorical=tuple(self.categorical),
            numeric=tuple(self.numeric),
            drop=tuple(self.drop),
        )
        return features, weights

    def _weights(self, frame: pl.DataFrame) -> np.ndarray | None:
        if self.weight_column is None:
            return None
        if self.weight_column not in frame.columns:
            hint = nearest(self.weight_column, frame.columns)
            raise DataError(f"weight_column '{self.weight_column}' is no column of the table{hint}")
        column = frame[self.weight_column]
        if not column.dtype.is_numeric() or column.null_count():
            raise DataError(f"weight_column '{self.weight_column}' must hold a number >= 0 in every row")
        return column.to_numpy().astype(np.float64)

    def _validation(self, frame: pl.DataFrame, labels: Any) -> tuple[Any, ...]:
        inputs, targets = self.preprocessing_.transform(frame, source="the validation data"), self._encode(labels)
        weights = self._weights(frame)
        return (inputs, targets) if weights is None else (inputs, targets, weights)

    def _encode(self, labels: Any) -> np.ndarray:
        return self.target_.encode(labels)

    def _build(self, data: np.ndarray) -> Network:
        output, loss = self._output()
        norm = BatchNorm() if self.batch_norm else None
        dropout = default_dropout(self.optimizer) if self.dropout == "auto" else self.dropout
        layers: list[Layer] = []
        for units in units_of(self.hidden):
            layers.append(Dense(units, self.activation, norm=norm, initializer=self.initializer))
            if dropout:
                layers.append(Dropout(dropout))  # pyright: ignore[reportArgumentType]  checked there
        network = Network(
            data.shape[1],
            [*layers, output],
            loss,
            l1=self.l1,
            l2=default_l2(len(data)) if self.l2 == "auto" else self.l2,  # pyright: ignore[reportArgumentType]
            label_smoothing=self.label_smoothing,
            dtype=self.dtype,
            seed=self.seed_,
            engine=self.engine,
            threads=self.threads,
        )
        # an input that never varies in training, such as "<other>" without an example, teaches its weights nothing:
        # they start at 0, so that a value unseen in training changes nothing
        network.parameters["W1"][:, constant_features(data)] = 0
        return network

    def _beginning(self, data: np.ndarray, labels: Any, weights: Any, held_out: tuple[Any, Any] | None) -> Beginning:
        """Training data and the arguments of `Network.fit`; "auto" becomes what suits the number of rows."""
        n = len(data)
        validation = None if held_out is None else self._validation(*held_out)
        batch_size: Any = default_batch_size(n) if self.batch_size == "auto" else self.batch_size
        epochs: Any = default_epochs(n, batch_size) if self.epochs == "auto" else self.epochs
        callbacks: list[Callback] = [self.callbacks] if isinstance(self.callbacks, Callback) else list(self.callbacks)
        if validation is not None and self.patience is not None:
            patience: Any = default_patience(n, batch_size) if self.patience == "auto" else self.patience
            callbacks.insert(0, EarlyStopping(patience=patience))
        options = {
            "optimizer": self._rule(),
            "batch_size": batch_size,
            "epochs": epochs,
            "validation": validation,
            "sample_weight": weights,
            "class_weight": self._class_weight(),
            "metrics": None if validation is None else self._metrics(),
            "callbacks": callbacks,
            "clip_norm": self.clip_norm,
            "clip_value": self.clip_value,
            "verbose": self.verbose,
        }
        return data, self._encode(labels), options

    def _rule(self) -> Any:
        """The optimizer by name or spec text, with the estimator's learning rate and weight decay; objects pass."""
        solves = isinstance(self.optimizer, str) and self.optimizer.split("(")[0] in SOLVERS
        for name in ("learning_rate", "weight_decay") if solves else ():
            if getattr(self, name) is not None:
                raise InvalidParameterError(
                    f"{name} is not for {self.optimizer}, which chooses its own steps; leave it out"
                )
        if solves or not isinstance(self.optimizer, str):
            return self.optimizer
        options: dict[str, Any] = {} if self.weight_decay is None else {"weight_decay": self.weight_decay}
        if self.learning_rate is not None:
            _, positional, named = parse_spec(self.optimizer, "optimizer")
            if positional or "learning_rate" in named:
                raise InvalidParameterError(
                    f"learning_rate is given twice, as {self.learning_rate} and in '{self.optimizer}'; leave one out"
                )
            text = isinstance(self.learning_rate, str)
            options["learning_rate"] = schedule(self.learning_rate) if text else self.learning_rate
        return optimizer(self.optimizer, **options)

    def _class_weight(self) -> Any:
        return None

    def _metrics(self) -> tuple[str, ...] | None:
        return None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.non_deterministic = False
        return tags


def rows_of(labels: Any) -> Any:
    """Labels that row numbers can index."""
    return labels if isinstance(labels, pl.Series | pl.DataFrame | np.ndarray) else np.asarray(labels)


def units_of(hidden: Any) -> tuple[int, ...]:
    """The hidden layers' units as whole numbers; one number is one layer."""
    try:
        return tuple(int(units) for units in np.atleast_1d(hidden))
    except (TypeError, ValueError):
        raise InvalidParameterError(
            f"hidden must be a sequence of whole numbers such as (64, 32), got {hidden!r}"
        ) from None


def seed_of(random_state: Any) -> int:
    """A whole number is the seed itself; a RandomState draws one; None draws one anew each time."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, int | np.integer):
        return checked_seed(random_state)
    return int(check_random_state(random_state).randint(2**31))
