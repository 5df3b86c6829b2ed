"""What MLPClassifier and MLPRegressor share once fitted: weights as lists, outputs, activations, the Network."""

from copy import deepcopy
from typing import Any, Self, cast

import numpy as np
from scipy.sparse import issparse
from sklearn.base import (
    BaseEstimator,
    _fit_context,  # pyright: ignore[reportPrivateUsage]  scikit-learn offers no other way to its checks
)
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from glassnet import errors
from glassnet.engines.base import TrainState, all_finite, choose
from glassnet.estimators import mlp_fitting
from glassnet.estimators.mlp_parameters import CONSTRAINTS, STOCHASTIC, ParameterError, architecture, rule
from glassnet.estimators.mlp_rows import dense
from glassnet.estimators.scaling import Scaling, folded
from glassnet.formulas.optimizers import Optimizer
from glassnet.model import ENGINES, Network
from glassnet.network.architecture import Architecture
from glassnet.network.parameters import aligned_zeros, initial_buffers, parameter_layout
from glassnet.training.history import History

__all__ = ["MultilayerPerceptron", "checked", "steps_only"]

_LISTS = "coefs_", "intercepts_"

checked = _fit_context(prefer_skip_nested_validation=True)
"""A fit whose parameters are held against their constraints first."""
steps_only = available_if(lambda model: model._check_solver())
"""A method that is there only where training goes by steps."""
_FLOATS = (np.dtype("float32"), np.dtype("float64"))
_ROWS = 4096  # rows of a sparse matrix that are dense at a time


class MultilayerPerceptron(BaseEstimator):
    """A network behind scikit-learn's attributes.

    `coefs_` and `intercepts_` are views of the network's one vector of parameters. Who puts other arrays into these
    lists, as one may with scikit-learn's, changes the network too: it looks into them before it computes.
    """

    _parameter_constraints: dict[str, Any] = CONSTRAINTS
    warm_start: bool
    _network: Network
    _state: TrainState
    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    n_features_in_: int
    n_outputs_: int
    n_layers_: int
    n_iter_: int
    t_: int
    out_activation_: str
    history_: History

    def _take(self, given: dict[str, Any]) -> None:
        """Keep what a constructor was given, name by name, as it is."""
        vars(self).update({name: value for name, value in given.items() if name not in ("self", "__class__")})

    def _validate_params(self) -> None:
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            raise ParameterError(str(error)) from None

    @checked
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Self:
        """Fit the model to X and y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Numbers, or class labels; for several labels at once a matrix of 0 and 1.
        sample_weight : array-like of shape (n_samples,), default=None
        validation_data : tuple (X, y) or (X, y, sample_weight), default=None
            To judge by after each epoch, and with `early_stopping` to stop by.

        Returns
        -------
        self
        """
        return mlp_fitting.fit(self, X, y, sample_weight, validation_data, incremental=False)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")

    def _checked(self, X: Any, y: Any, *, reset: bool, **more: Any) -> tuple[Any, Any]:
        """Rows, dense or sparse, and targets, a column of which becomes (n,), with a warning."""
        more |= {"accept_sparse": ["csr", "csc"], "multi_output": True, "dtype": _FLOATS[::-1]}
        both: Any = validate_data(self, X, y, reset=reset, **more)
        rows, targets = both
        column = targets.ndim == 2 and targets.shape[1] == 1
        return rows, column_or_1d(targets, warn=True) if column else targets

    def _check_solver(self: Any) -> bool:
        """Whether partial_fit is there; as scikit-learn says it."""
        chosen = rule(self) if self.optimizer is not None else None
        name = self.solver if chosen is None else chosen.name
        if self.solver not in STOCHASTIC if chosen is None else not isinstance(chosen, Optimizer):
            raise AttributeError(f"partial_fit is only available for stochastic optimizers. {name} is not stochastic.")
        return True

    # --- weights ------------------------------------------------------------------------------------------------

    def _kind(self) -> str:
        """ "multiclass", "classes" or "numbers"."""
        raise NotImplementedError

    def _scaling(self) -> Scaling:
        return getattr(self, "_scales", Scaling())

    def _hold(self, network: Network) -> None:
        """Take a network, and show its weights: a normalized layer's beta stands for the b that it replaces."""
        self._network, views = network, network.parameters
        numbers = range(1, len(network.architecture.dense) + 1)
        self._shown = (
            [views[f"W{i}"].T for i in numbers],
            [views[f"b{i}"] if f"b{i}" in views else views[f"beta{i}"] for i in numbers],
        )
        self.coefs_, self.intercepts_ = (list(views) for views in self._shown)

    def _current(self) -> Network:
        """The network, with what the lists hold by now."""
        if not hasattr(self, "_network"):
            self._from_lists()
        for name, views, held in zip(_LISTS, self._shown, (self.coefs_, self.intercepts_), strict=True):
            if len(held) != len(views):
                raise errors.InvalidParameterError(f"{name} must have {len(views)} arrays, got {len(held)}")
            for i, (given, view) in enumerate(zip(held, views, strict=True)):
                if given is view:
                    continue
                if np.shape(given) != view.shape:
                    raise errors.InvalidParameterError(
                        f"{name}[{i}] must have shape {view.shape}, got {np.shape(given)}"
                    )
                if not view.flags.writeable:
                    self._thaw()
                    return self._current()
                view[...] = given
        return self._network

    def _thaw(self) -> None:
        """Own copies of arrays that are read-only, as from a memory-mapped file."""
        shown, held = self._shown, (self.coefs_, self.intercepts_)
        network, state = deepcopy((self._network, getattr(self, "_state", None)))
        self._hold(network)
        if state is not None:
            self._state = state
        for old, given, mine in zip(shown, held, (self.coefs_, self.intercepts_), strict=True):
            mine[:] = [new if a is view else a for a, view, new in zip(given, old, mine, strict=True)]

    def _from_lists(self) -> None:
        """A network for weights that were put into an estimator that was never fitted."""
        held = list(self.coefs_), list(self.intercepts_)
        dtype = "float32" if np.asarray(held[0][0]).dtype == np.float32 else "float64"
        net = architecture(self, len(held[0][0]), np.shape(held[0][-1])[1], self._kind(), dtype, 1.0)
        self._hold(self._network_of(net, aligned_zeros(parameter_layout(net).size, dtype), initial_buffers(net)))
        self.coefs_, self.intercepts_ = held

    def _network_of(self: Any, net: Architecture, theta: np.ndarray, buffers: np.ndarray, seed: int = 0) -> Network:
        network = Network.from_parts(net, theta, buffers, seed)
        network.engine, network.threads = choose(self.engine, net, ENGINES), self.threads
        return network

    def __getstate__(self) -> dict[str, Any]:
        if hasattr(self, "coefs_") and hasattr(self, "_network"):
            self._current()
        held: dict[str, Any] = {**cast("dict[str, Any]", super().__getstate__())}
        if "_network" in held:
            for name in (*_LISTS, "_shown"):
                del held[name]
        return held

    def __setstate__(self, held: dict[str, Any]) -> None:
        super().__setstate__(held)
        if hasattr(self, "_network"):
            if hasattr(self, "_state"):  # one vector, not two equal ones
                self._state.theta, self._state.buffers = self._network.parameters.vector, self._network.buffers.vector
            self._hold(self._network)

    # --- what it computes ---------------------------------------------------------------------------------------

    def _rows(self, X: Any) -> Any:
        """X, checked as scikit-learn does it; a plain array of the right shape passes in microseconds."""
        check_is_fitted(self)
        if self._is_plain(X) and all_finite(X):
            return X
        return validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)

    def _is_plain(self, X: Any) -> bool:
        shaped = type(X) is np.ndarray and X.dtype in _FLOATS and X.shape[1:] == (self.n_features_in_,) and len(X) > 0
        return shaped and not hasattr(self, "feature_names_in_")

    def _outputs(self, X: Any) -> np.ndarray:
        """The network's outputs (n, K) for checked rows, in the units of the targets."""
        network, scaling = self._current(), self._scaling()
        dtype = network.architecture.dtype

        def some(rows: Any) -> np.ndarray:
            outputs = network.engine.predict(
                network.architecture,
                network.parameters.vector,
                network.buffers.vector,
                scaling.inputs(dense(rows, dtype)),
            )
            return scaling.targets_back(outputs)

        if not issparse(X) or X.shape[0] <= _ROWS:
            return some(X)
        rows = X.tocsr()
        return np.concatenate([some(rows[start : start + _ROWS]) for start in range(0, X.shape[0], _ROWS)])

    def activations(self, X: Any) -> list[np.ndarray]:
        """All layers' activations: a_l (n, units of layer l) for l = 1 to L; the last are the network's outputs.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        list of arrays, one for each layer with weights
            As in a prediction: without dropout, with the running statistics of batch normalization.
        """
        rows, network = self._rows(X), self._current()
        trace = network.trace(self._scaling().inputs(dense(rows, network.architecture.dtype)))
        return [trace[f"a{number}"] for number in range(1, len(network.architecture.dense) + 1)]

    def to_network(self) -> Network:
        """A copy as a `Network`: for traces, gradient checks, export and the model file.

        It computes the same outputs from the same raw inputs: what `standardize` and `standardize_target` learned is
        folded into the weights of the first and the last layer. For a classifier outputs are probabilities, in the
        order of `classes_` (of the second class, where there are two).
        """
        check_is_fitted(self)
        network = self._current()
        net, theta, buffers = folded(
            network.architecture, network.parameters.vector, network.buffers.vector, self._scaling()
        )
        return self._network_of(net, theta, buffers, network.seed)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
