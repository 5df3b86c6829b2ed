"""MLPClassifier: scikit-learn's multi-layer perceptron for classes, on glassnet's engines.

`from glassnet import MLPClassifier` replaces the import from `sklearn.neural_network`.
"""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,  # pyright: ignore[reportPrivateUsage]  its words are what users match on
    type_of_target,
    unique_labels,
)

from glassnet.errors import DataError
from glassnet.estimators.labels import binarizer
from glassnet.estimators.mlp_base import MultilayerPerceptron, checked, steps_only
from glassnet.estimators.mlp_docs import ATTRIBUTES, EXTRAS, PARAMETERS
from glassnet.estimators.mlp_fitting import fit
from glassnet.estimators.mlp_parameters import CONSTRAINTS
from glassnet.formulas.activations import Activation
from glassnet.formulas.initializers import Initializer
from glassnet.formulas.losses import Loss
from glassnet.formulas.optimizers import Optimizer
from glassnet.formulas.schedules import Schedule
from glassnet.training.callbacks import Callback
from glassnet.training.solvers import Solver

__all__ = ["MLPClassifier"]


class MLPClassifier(ClassifierMixin, MultilayerPerceptron):
    __doc__ = f"""Multi-layer perceptron classifier: scikit-learn's, on glassnet's engines.

    Two classes, and several labels at once, get sigmoid outputs with the binary cross-entropy; more classes a softmax
    with the cross-entropy. With scikit-learn's parameters alone it does what scikit-learn's does; those after `max_fun`
    are glassnet's own, and change nothing unless named. docs/scikit_learn.md lists the differences.

    Parameters
    ----------
    {PARAMETERS}

    loss : str or Loss, default='log_loss'
        'log_loss' is the cross-entropy; else a name of `glassnet.LOSSES`.

    label_smoothing : float, default=0.0
        epsilon: targets become (1 - epsilon) y + epsilon / K.

    class_weight : dict or 'balanced', default=None
        Weight of each class; 'balanced' is n_samples / (n_classes * count of the class).

    {EXTRAS}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.

    {ATTRIBUTES}

    Examples
    --------
    >>> from glassnet import MLPClassifier
    >>> from sklearn.datasets import make_classification
    >>> X, y = make_classification(n_samples=200, class_sep=2.0, random_state=1)
    >>> model = MLPClassifier(random_state=1, max_iter=400, tol=1e-3).fit(X[:150], y[:150])
    >>> model.predict_proba(X[150:152]).shape
    (2, 2)
    >>> bool(model.score(X[150:], y[150:]) > 0.8)
    True
    """

    _parameter_constraints = CONSTRAINTS | {
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }
    _metric = "accuracy"
    class_weight: Mapping[Any, float] | str | None
    _label_binarizer: Any
    classes_: np.ndarray

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str | Activation | Sequence[str | Activation] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: str | Loss = "log_loss",
        label_smoothing: float = 0.0,
        class_weight: Mapping[Any, float] | str | None = None,
        optimizer: str | Optimizer | Solver | None = None,
        schedule: str | Schedule | None = None,
        initializer: str | Initializer | None = None,
        dropout: float | str | Schedule = 0.0,
        batch_norm: bool = False,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        monitor: str | None = None,
        restore_best: bool | None = None,
        callbacks: Callback | Sequence[Callback] = (),
        standardize: bool = False,
        warm_start_optimizer: bool = False,
        dtype: str | None = None,
        engine: str = "auto",
        threads: int | None = None,
        progress: bool = False,
    ) -> None:
        self._take(locals())

    # --- fitting ------------------------------------------------------------------------------------------------

    @steps_only
    @checked
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> "MLPClassifier":
        """Train for one epoch on these rows, from the weights and the optimizer's state that are there.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            It need not hold all classes.
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,), default=None
            All classes, needed in the first call.

        Returns
        -------
        self
        """
        if self.class_weight == "balanced":
            raise DataError("class_weight='balanced' needs all of y, which partial_fit does not see; give a dict")
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = binarizer(y if type_of_target(y).startswith("multilabel") else classes)
        return fit(self, X, y, sample_weight, incremental=True)

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, np.ndarray]:
        """Checked rows, and targets (n, K) of 0 and 1."""
        rows, y = self._checked(X, y, reset=reset)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._label_binarizer = binarizer(y)
            self.classes_ = self._label_binarizer.classes_
            return rows, self._binary(y)
        classes = unique_labels(y)
        if not incremental and set(classes) != set(self.classes_):
            raise DataError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {classes}"
            )
        return rows, self._more(y)

    def _validate_more(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        rows, labels = self._checked(X, y, reset=False)
        return rows, self._more(labels)

    def _more(self, y: Any) -> np.ndarray:
        """Targets of classes that are known already."""
        classes = unique_labels(y)
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise DataError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {classes}."
            )
        return self._binary(y)

    def _binary(self, y: Any) -> np.ndarray:
        Y: Any = self._label_binarizer.transform(y)
        return Y.astype(bool)

    def _labels(self, Y: np.ndarray) -> np.ndarray:
        return self._label_binarizer.inverse_transform(Y.astype(np.int64))

    def _kind(self) -> str:
        return "multiclass" if self._label_binarizer.y_type_ == "multiclass" else "classes"

    # --- predicting ---------------------------------------------------------------------------------------------

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row, or all labels with a probability above 1/2.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        outputs = self._outputs(self._rows(X))
        return self._label_binarizer.inverse_transform(outputs[:, 0] if self.n_outputs_ == 1 else outputs)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, in the order of `classes_`; of several labels at once each its own.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        outputs = self._outputs(self._rows(X))
        return np.hstack([1 - outputs, outputs]) if self.n_outputs_ == 1 else outputs

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """log(predict_proba(X)); -inf where a probability is too small for its dtype.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
