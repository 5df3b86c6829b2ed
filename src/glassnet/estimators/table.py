"""TableClassifier and TableRegressor: raw tables in, predictions out; preprocessing, network and target in one.

They are scikit-learn estimators (`fit`, `predict`, `predict_proba`, `score`, `get_params`, clone, grid search), and
the command line is a thin layer over them.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import check_is_fitted

from glassnet.errors import InvalidParameterError
from glassnet.estimators.base import TableEstimator, units_of
from glassnet.formulas.losses import loss as loss_record
from glassnet.network.architecture import Dense
from glassnet.tables.frames import to_series
from glassnet.tables.targets import ClassTarget, RegressionTarget, fit_class_target, fit_regression_target

__all__ = ["TableClassifier", "TableRegressor"]

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
    learning_rate : float, str, Schedule or None
        A number, or a schedule such as "cosine(0.01)"; None is the optimizer's own (0.001 for Adam, 0.01 for SGD). Of
        an Optimizer object its own rate counts.
    batch_size : int or "auto"
        "auto" is the power of two nearest to sqrt(n), within 32 and 1024.
    epochs : int or "auto"
        At most so many passes over the training rows; "auto" is what 10,000 updates need, within 100 and 1,000.
    patience : int, None or "auto"
        Stop when the validation loss has not improved for so many epochs, and go back to the best weights; "auto" is
        what 1,000 updates need, within 10 and 100; None trains through all epochs and keeps the last weights.
    validation_fraction : float, default 0.15
        Share of the rows held out for `patience` when `fit` gets no validation data; below 40 rows none are.
    dropout : float or "auto"
        Probability to drop a hidden activation in training; "auto" is 0.2, and 0 for solvers.
    batch_norm : bool, default False
        Batch normalization in the hidden layers.
    l1, l2 : float, default 0 and "auto"
        Penalties l1 sum |W| + l2/2 sum W^2; "auto" is 1/n for n training rows, the weight of a standard normal prior
        against a mean over n rows.
    weight_decay : float or None
        Decoupled weight decay; None is the optimizer's own (0.01 for AdamW, 0 else).
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
        "auto" is the first that takes the network: "compiled", else "reference".
    threads : int or None
        How many threads training may use; None is as many as pay. No bit of the result depends on it.
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


class TableClassifier(ClassifierMixin, TableEstimator):
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
        if record.name == "perceptron":
            if K != 2 or units_of(self.hidden):
                raise InvalidParameterError("loss 'perceptron' is for two classes and no hidden layers")
            return Dense(1, "step"), str(record)
        if record.name in ("poisson", "quantile"):
            raise InvalidParameterError(f"loss '{record.name}' is not for classes; use 'cross_entropy' or leave it out")
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


class TableRegressor(RegressorMixin, TableEstimator):
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

    def _metrics(self) -> tuple[str, ...]:
        return ("r2",)

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
