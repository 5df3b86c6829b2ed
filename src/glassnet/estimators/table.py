"""TableClassifier and TableRegressor: raw tables in, predictions out; preprocessing, network and target in one.

They are scikit-learn estimators (`fit`, `predict`, `predict_proba`, `score`, `get_params`, clone, grid search), and
the command line is a thin layer over them.
"""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from glassnet.errors import DataError, InvalidParameterError, nearest
from glassnet.estimators.storage import load_table_model, save_table_model
from glassnet.formulas.losses import loss as loss_record
from glassnet.formulas.optimizers import OPTIMIZERS, Optimizer
from glassnet.formulas.schedules import Schedule, schedule
from glassnet.model import Network
from glassnet.network.architecture import BatchNorm, Dense, Dropout, Layer
from glassnet.tables.frames import to_frame, to_series
from glassnet.tables.preprocessing import Preprocessing, constant_features, fit_preprocessing
from glassnet.tables.splits import quantile_groups, train_validation_split
from glassnet.tables.targets import ClassTarget, RegressionTarget, fit_class_target, fit_regression_target
from glassnet.training.callbacks import Callback, EarlyStopping
from glassnet.training.history import History
from glassnet.training.solvers import SOLVERS, Solver

__all__ = ["TableClassifier", "TableRegressor"]

_FEW_ROWS = 40  # below, a validation part would be too small to stop by

_PARAMETERS = """
    Parameters
    ----------
    hidden : sequence of int, default (64, 64)
        Units of the hidden layers; () is logistic or linear regression.
    activation : str, default "relu"
        Of the hidden layers: a name such as "tanh" or "leaky_relu(alpha=0.2)".
    loss : str or None
        None: cross-entropy for classes, squared_error for numbers.
    optimizer : str, Optimizer or solver, default "adam"
        Names: sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, nadam; lbfgs.
    learning_rate : float, str or Schedule, default 0.001
        A number, or a schedule such as "cosine(0.01)". Of an Optimizer object its own rate counts.
    batch_size : int or "auto"
        "auto" is the power of two nearest to sqrt(n), within 32 and 1024.
    epochs : int or "auto"
        At most so many passes over the training rows; "auto" is what 10,000 updates need, within 100 and 1,000.
    patience : int, None or "auto"
        Stop when the validation loss has not improved for so many epochs, and go back to the best weights; "auto" is
        what 1,000 updates need, within 10 and 100; None trains through all epochs and keeps the last weights.
    validation_fraction : float, default 0.15
        Share of the rows held out for `patience` when `fit` gets no validation data; below 40 rows none are.
    dropout : float, default 0.1
        Probability to drop a hidden activation in training.
    batch_norm : bool, default False
        Batch normalization in the hidden layers.
    l1, l2 : float, default 0 and "auto"
        Penalties l1 sum |W| + l2/2 sum W^2; "auto" is 1/n for n training rows, the weight of a standard normal prior
        against a mean over n rows.
    weight_decay : float, default 0
        Decoupled weight decay.
    label_smoothing : float, default 0
        For cross-entropies.
    class_weight : "balanced", mapping or None
        Weight of each class (classifier only).
    clip_norm, clip_value : float or None
        Bounds of the gradient's norm and entries.
    scaling : {"standard", "minmax", "robust", "none"}
        Of numeric columns, learned on the training rows.
    categorical, numeric, drop : sequence of str
        Columns to be read as categories, as numbers, or left out, whatever their type.
    weight_column : str or None
        A column of row weights >= 0; it is no feature.
    initializer : str or None
        Of the weights; None follows the activation.
    dtype : {"float32", "float64"}
    random_state : int, RandomState or None, default 0
        The same number gives the same bits.
    engine : str, default "auto"
    callbacks : sequence of Callback
    verbose : {0, 1}
        1 shows progress on stderr.

    Attributes
    ----------
    network_ : Network
    preprocessing_ : Preprocessing
        What was learned about the columns.
    target_ : ClassTarget or RegressionTarget
    history_ : History
    n_iter_ : int
        Epochs done.
    n_features_in_ : int
    feature_names_in_ : array of str
        Only for tables with column names.
"""


class _TableEstimator(BaseEstimator):
    """What both have in common; see the subclasses."""

    def __init__(
        self,
        hidden: Sequence[int] = (64, 64),
        *,
        activation: str = "relu",
        loss: str | None = None,
        optimizer: str | Optimizer | Solver = "adam",
        learning_rate: float | str | Schedule = 0.001,
        batch_size: int | str = "auto",
        epochs: int | str = "auto",
        patience: int | str | None = "auto",
        validation_fraction: float = 0.15,
        dropout: float = 0.1,
        batch_norm: bool = False,
        l1: float = 0.0,
        l2: float | str = "auto",
        weight_decay: float = 0.0,
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
        frame = self._frame(X, reset=True)
        if y is None:
            raise DataError("requires y to be passed, but the target y is None")
        labels = y if getattr(y, "ndim", 1) == 2 or isinstance(y, pl.Series) else to_series(y)
        if len(labels) != frame.height:
            raise DataError(f"X has {frame.height} rows but y has {len(labels)}")
        self.target_ = self._fit_target(labels)
        seed = int(check_random_state(self.random_state).randint(2**31)) if self.random_state is not None else None
        self.seed_ = (
            int(np.random.default_rng().integers(2**31)) if seed is None else _plain_seed(self.random_state, seed)
        )
        training, held_out = self._parts(frame, labels, validation_data)
        inputs, weights = self._learn_columns(training[0])
        data = self.preprocessing_.transform(inputs)
        self.network_ = self._build(data)
        validation = None if held_out is None else self._validation(*held_out)
        callbacks = list(self.callbacks)
        batch_size = self._batch(len(data))
        if validation is not None and self.patience is not None:
            patience = self._epochs_for(1_000, len(data), batch_size, self.patience, 10, 100)
            callbacks.insert(0, EarlyStopping(patience=patience))
        self.history_: History = self.network_.fit(
            data,
            self._encode(training[1]),
            optimizer=self._rule(),
            batch_size=batch_size,
            epochs=self._epochs_for(10_000, len(data), batch_size, self.epochs, 100, 1_000),
            validation=validation,
            sample_weight=weights,
            class_weight=self._class_weight(),
            metrics=self._metrics(),
            callbacks=callbacks,
            clip_norm=self.clip_norm,
            clip_value=self.clip_value,
            resume=resume,
            verbose=self.verbose,
        )
        self.n_iter_ = max(self.history_.epochs, 1)
        self.metrics_: dict[str, float] = {}
        return self

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

    def _parts(self, frame: pl.DataFrame, labels: Any, given: tuple[Any, Any] | None) -> tuple[Any, Any]:
        if given is not None:
            return (frame, labels), (self._frame(given[0], reset=False, source="the validation data"), given[1])
        if frame.height < _FEW_ROWS or self.patience is None:
            return (frame, labels), None
        codes = self.target_.encode(labels)
        if isinstance(self.target_, RegressionTarget):
            codes = quantile_groups(codes)
        kept, held = train_validation_split(frame.height, self.validation_fraction, codes, self.seed_)
        rows = _rows(labels)
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
        layers: list[Layer] = []
        for units in _units(self.hidden):
            layers.append(Dense(units, self.activation, norm=norm, initializer=self.initializer))
            if self.dropout:
                layers.append(Dropout(self.dropout))
        network = Network(
            data.shape[1],
            [*layers, output],
            loss,
            l1=self.l1,
            l2=1.0 / len(data) if self.l2 == "auto" else self.l2,  # pyright: ignore[reportArgumentType]
            label_smoothing=self.label_smoothing,
            dtype=self.dtype,
            seed=self.seed_,
            engine=self.engine,
        )
        # an input that never varies in training, such as "<other>" without an example, teaches its weights nothing:
        # they start at 0, so that a value unseen in training changes nothing
        network.parameters["W1"][:, constant_features(data)] = 0
        return network

    def _rule(self) -> Any:
        if not isinstance(self.optimizer, str) or self.optimizer.split("(")[0] in SOLVERS:
            return self.optimizer
        rate = schedule(self.learning_rate)
        return OPTIMIZERS[self.optimizer](
            rate if not isinstance(self.learning_rate, float) else rate.initial, self._decay()
        )

    def _decay(self) -> Any:
        if self.weight_decay == 0 and self.optimizer == "adamw":
            return OPTIMIZERS["adamw"]().weight_decay
        return self.weight_decay

    def _batch(self, n: int) -> Any:
        if self.batch_size == "auto":
            return int(min(max(2 ** round(np.log2(n) / 2), 32), 1024))
        return self.batch_size

    @staticmethod
    def _epochs_for(updates: int, n: int, batch_size: Any, given: Any, least: int, most: int) -> Any:
        """The given number of epochs, or with "auto" those that make so many updates."""
        if given != "auto" or not isinstance(batch_size, int) or batch_size < 1:
            return most if given == "auto" else given
        return max(least, min(most, -(-updates // -(-n // batch_size))))

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


class TableClassifier(ClassifierMixin, _TableEstimator):
    __doc__ = f"""Classify the rows of a raw table with a multi-layer perceptron.

    Two classes get one sigmoid output, more get a softmax; the loss is the cross-entropy.
    {_PARAMETERS}
    classes_ : array (K,)

    Examples
    --------
    >>> from glassnet import TableClassifier, load_dataset
    >>> iris = load_dataset("iris")
    >>> X, y = iris.frame.drop(iris.target), iris.frame[iris.target]
    >>> model = TableClassifier(hidden=(16,)).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    def _fit_target(self, y: Any) -> ClassTarget:
        if getattr(y, "ndim", 1) == 2:
            if y.shape[1] == 1:
                message = "A column-vector y was passed when a 1d array was expected; write y.ravel()"
                warnings.warn(message, DataConversionWarning, stacklevel=3)
            y = to_series(y)
        target = fit_class_target(y, getattr(y, "name", "y") or "y")
        self.classes_ = np.asarray(target.classes)
        return target

    def _output(self) -> tuple[Dense, str]:
        K = len(self.classes_)
        if self.loss is None:
            return (Dense(1, "sigmoid"), "binary_cross_entropy") if K == 2 else (Dense(K, "softmax"), "cross_entropy")
        record = loss_record(self.loss)
        one = K == 2 and not record.simplex
        link = "softmax" if record.simplex or (record.name != "binary_cross_entropy" and not one) else "sigmoid"
        return Dense(1 if one else K, link), str(record)

    def _class_weight(self) -> Any:
        if isinstance(self.class_weight, Mapping):
            target, labels = self.target_, list(self.class_weight)
            return {int(target.encode([label])[0]): float(self.class_weight[label]) for label in labels}
        return self.class_weight

    def _metrics(self) -> tuple[str, ...]:
        return ("accuracy",)

    def predict_proba(self, X: Any, *, source: str = "the data") -> np.ndarray:
        """Probabilities (n, K) of the classes, in the order of `classes_`; each row sums to 1."""
        check_is_fitted(self, "network_")
        outputs = self.outputs(X, source=source).astype(np.float64)
        if outputs.shape[1] == 1:
            return np.hstack([1 - outputs, outputs])
        return outputs / outputs.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class (n,) of each row."""
        return self.target_of(self.predict_proba(X))

    def target_of(self, probabilities: np.ndarray) -> np.ndarray:
        """The labels (n,) of the largest probabilities."""
        assert isinstance(self.target_, ClassTarget)
        return self.target_.decode(np.argmax(probabilities, axis=1))


class TableRegressor(RegressorMixin, _TableEstimator):
    __doc__ = f"""Predict numbers from the rows of a raw table with a multi-layer perceptron.

    The target is standardized for training and mapped back (not for loss="poisson", whose output is exponential).
    {_PARAMETERS}
    Examples
    --------
    >>> from glassnet import TableRegressor, load_dataset
    >>> data = load_dataset("diabetes")
    >>> X, y = data.frame.drop(data.target), data.frame[data.target]
    >>> model = TableRegressor(hidden=(16,), epochs=50).fit(X, y)
    >>> bool(model.score(X, y) > 0.4)
    True
    """

    def _fit_target(self, y: Any) -> RegressionTarget:
        if self.class_weight is not None:
            raise InvalidParameterError("class_weight is for classification; a regression has no classes")
        target = fit_regression_target(y, getattr(y, "name", "y") or "y")
        if self.loss is not None and loss_record(self.loss).name == "poisson":
            still = np.zeros_like(np.asarray(target.mean))
            mean, scale = still.tolist(), (still + 1).tolist()
            return RegressionTarget(target.name, _tuple(mean), _tuple(scale))
        return target

    def _output(self) -> tuple[Dense, str]:
        record = loss_record(self.loss or "squared_error")
        units = 1 if isinstance(self.target_.mean, float) else len(self.target_.mean)  # pyright: ignore
        if record.name in ("cross_entropy", "binary_cross_entropy", "perceptron"):
            raise InvalidParameterError(f"loss '{record.name}' is for classification; use 'squared_error' or 'huber'")
        return Dense(units, "exponential" if record.name == "poisson" else "identity"), str(record)

    def predict(self, X: Any, *, source: str = "the data") -> np.ndarray:
        """Predictions (n,), or (n, K) for several outputs, in the units of the target."""
        check_is_fitted(self, "network_")
        outputs = self.outputs(X, source=source)
        assert isinstance(self.target_, RegressionTarget)
        return self.target_.decode(outputs[:, 0] if isinstance(self.target_.mean, float) else outputs)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else float(value)


def _rows(labels: Any) -> Any:
    return labels if isinstance(labels, pl.Series | pl.DataFrame | np.ndarray) else np.asarray(labels)


def _units(hidden: Any) -> tuple[int, ...]:
    try:
        return (int(hidden),) if np.isscalar(hidden) else tuple(int(units) for units in hidden)
    except (TypeError, ValueError):
        raise InvalidParameterError(
            f"hidden must be a sequence of whole numbers such as (64, 32), got {hidden!r}"
        ) from None


def _plain_seed(random_state: Any, drawn: int) -> int:
    """A number given as random_state is the seed itself; a generator draws one."""
    return int(random_state) if isinstance(random_state, int | np.integer) else drawn
