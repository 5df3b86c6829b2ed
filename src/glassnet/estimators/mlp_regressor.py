"""MLPRegressor: scikit-learn's multi-layer perceptron for numbers, on glassnet's engines.

`from glassnet import MLPRegressor` replaces the import from `sklearn.neural_network`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

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

__all__ = ["MLPRegressor"]


class MLPRegressor(RegressorMixin, MultilayerPerceptron):
    __doc__ = f"""Multi-layer perceptron regressor: scikit-learn's, on glassnet's engines.

    One linear output for each target, with half the squared error; for loss='poisson' an exponential one. With
    scikit-learn's parameters alone it does what scikit-learn's does; those after `max_fun` are glassnet's own, and
    change nothing unless named. docs/scikit_learn.md lists the differences.

    Parameters
    ----------
    loss : str or Loss, default='squared_error'
        'squared_error' is half of it, sum_k (a_k - y_k)^2 / 2, and 'poisson' half the Poisson deviance, as in
        scikit-learn; else a name of `glassnet.LOSSES`, such as 'huber', 'absolute_error' or 'quantile(tau=0.9)'.

    {PARAMETERS}

    standardize_target : bool, default=False
        Standardize the targets in training, and map predictions back. For losses with a linear output.

    {EXTRAS}

    Attributes
    ----------
    {ATTRIBUTES}

    Examples
    --------
    >>> from glassnet import MLPRegressor
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    >>> model = MLPRegressor(random_state=1, max_iter=2000, tol=0.1).fit(X[:150], y[:150])
    >>> bool(model.score(X[150:], y[150:]) > 0.8)
    True
    """

    _parameter_constraints = CONSTRAINTS | {"standardize_target": ["boolean"]}
    _metric = "r2"

    def __init__(
        self,
        loss: str | Loss = "squared_error",
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
        standardize_target: bool = False,
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

    @steps_only
    @checked
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MLPRegressor":
        """Train for one epoch on these rows, from the weights and the optimizer's state that are there.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        return fit(self, X, y, sample_weight, incremental=True)

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, np.ndarray]:
        """Checked rows, and targets (n, K)."""
        rows, numbers = self._checked(X, y, reset=reset, y_numeric=True)
        return rows, numbers.reshape(len(numbers), -1)

    def _validate_more(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        return self._validate_input(X, y, False, False)

    def _kind(self) -> str:
        return "numbers"

    def predict(self, X: Any) -> np.ndarray:
        """Predictions, in the network's dtype.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        outputs = self._outputs(self._rows(X))
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
