"""Network: what people hold. It joins architecture, parameters, training and files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np

from glassnet.engines.base import Data, Engine, Program, check_trainable, choose, fresh_state
from glassnet.engines.compiled.engine import CompiledEngine
from glassnet.engines.reference import ReferenceEngine
from glassnet.errors import InvalidParameterError
from glassnet.explain.derivation import Derivation
from glassnet.explain.look import Look
from glassnet.explain.reading import derive_steps
from glassnet.files.model_file import load_network, save_network
from glassnet.formulas.losses import Loss
from glassnet.formulas.optimizers import Adam, Optimizer
from glassnet.network.architecture import Architecture, Layer
from glassnet.network.gradcheck import GradientReport, check_gradient
from glassnet.network.parameters import Views, buffer_layout, initial_buffers, initial_parameters, parameter_layout
from glassnet.network.passes import Trace, penalty
from glassnet.network.summary import summary_text
from glassnet.training.callbacks import Callback
from glassnet.training.history import History
from glassnet.training.loop import train
from glassnet.training.metrics import check_metrics, default_metrics
from glassnet.training.options import (
    Validation,
    checked_bound,
    checked_seed,
    first_order,
    hold_out,
    solver_of,
    whole_number,
)
from glassnet.training.progress import Progress
from glassnet.training.run import Run
from glassnet.training.solvers import Solver
from glassnet.training.targets import (
    as_inputs,
    by_class,
    prepare,
    table_for,
    targets_as_classes,
)
from glassnet.training.walking import walk

__all__ = ["ENGINES", "Network", "check_gradients"]

ENGINES: list[Engine] = [CompiledEngine(), ReferenceEngine()]
"""In the order in which "auto" asks them."""


class Network:
    """A multi-layer perceptron.

    Parameters
    ----------
    inputs : int
        Number of input features d.
    layers : sequence of Dense, Dropout, RandomizedLeakyReLU
        From input to output; the last is Dense.
    loss : str or Loss, optional
        By default the loss whose link the output activation is: softmax -> cross_entropy, sigmoid ->
        binary_cross_entropy, identity -> squared_error.
    reduction : {"mean", "sum"}
        How examples add up.
    l1, l2 : float
        Penalties l1 sum |W| + l2/2 sum W^2 in the objective; biases never.
    average_penalty : bool
        Divide both penalties by the number of examples of each pass, the lectures' lambda / 2m.
    label_smoothing : float
        Moves the targets of a cross-entropy by epsilon towards the uniform distribution.
    frozen : sequence of str or int
        Tensors ("W1") or whole layers (1) that training leaves alone.
    dtype : {"float32", "float64"}
    seed : int
        Of initial weights, order of examples and all draws; the same seed gives the same bits.
    engine : str
        "compiled" (machine code for this processor), "reference" (NumPy), or "auto", the first that takes the network.
    threads : int, optional
        How many threads training may use; by default as many as pay. No bit of the result depends on it.

    Raises
    ------
    ArchitectureError, InvalidParameterError
        When the parts do not make a network together; the message says which.

    Examples
    --------
    >>> import numpy as np
    >>> from glassnet import Adam, Dense, Network
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> net = Network(inputs=2, layers=[Dense(4, "tanh"), Dense(1, "sigmoid")], seed=1)
    >>> history = net.fit(X, y, optimizer=Adam(0.1), batch_size=4, epochs=200)
    >>> net.predict(X).round().ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """

    def __init__(
        self,
        inputs: int,
        layers: Sequence[Layer],
        loss: str | Loss = "",
        *,
        reduction: str = "mean",
        l1: float = 0.0,
        l2: float = 0.0,
        average_penalty: bool = False,
        label_smoothing: float = 0.0,
        frozen: Sequence[str | int] = (),
        dtype: str = "float32",
        seed: int = 0,
        engine: str = "auto",
        threads: int | None = None,
    ) -> None:
        architecture = Architecture(
            inputs,
            cast("tuple[Layer, ...]", layers),
            str(loss),
            cast("Any", reduction),
            l1,
            l2,
            label_smoothing,
            cast("tuple[str, ...]", (frozen,) if isinstance(frozen, str | int) else tuple(frozen)),
            cast("Any", np.dtype(dtype).name),
            average_penalty,
        )
        seed = checked_seed(seed)
        self._hold(architecture, initial_parameters(architecture, seed), initial_buffers(architecture), seed)
        self.engine, self._wanted_engine = choose(engine, architecture, ENGINES), engine
        self.threads = None if threads is None else whole_number("threads", threads)

    def _hold(self, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, seed: int) -> None:
        self.architecture, self.seed = architecture, seed
        self._theta, self._buffers = theta, buffers
        self.engine: Engine = choose("auto", architecture, ENGINES)
        self._wanted_engine = "auto"
        self.threads: int | None = None

    @classmethod
    def from_parts(cls, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, seed: int = 0) -> "Network":
        """A network of this architecture around these vectors (not copied)."""
        network = cls.__new__(cls)
        network._hold(architecture, theta, buffers, seed)
        return network

    # --- what it holds ------------------------------------------------------------------------------------------

    @property
    def parameters(self) -> Views:
        """Named views of all that is learned: `net.parameters["W1"]` is (out, in); assignment copies into place."""
        return parameter_layout(self.architecture).views(self._theta)

    @property
    def buffers(self) -> Views:
        """Named views of the running statistics of batch normalization: mean1, var1."""
        return buffer_layout(self.architecture).views(self._buffers)

    def summary(self) -> str:
        """Layers, shapes and parameters as text.

        >>> from glassnet import Dense, Network
        >>> print(Network(3, [Dense(4, "relu"), Dense(3, "relu"), Dense(1, "sigmoid")]).summary().splitlines()[-1])
        parameters: 35, all trained
        """
        return summary_text(self.architecture)

    def freeze(self, *names: str | int) -> None:
        """Let training leave these tensors ("W1") or layers (1) alone from now on; without names, thaw everything."""
        frozen = tuple(str(name) for name in names)
        self.architecture = msgspec.structs.replace(self.architecture, frozen=frozen)

    def __repr__(self) -> str:
        a = self.architecture
        sizes = "-".join(str(n) for n in a.sizes)
        return f"Network({sizes}, {a.loss}, {a.parameter_count} parameters, {a.dtype}, engine={self.engine.name})"

    # --- what it computes ---------------------------------------------------------------------------------------

    def predict(self, X: Any) -> np.ndarray:
        """Outputs a_L (n, K) for inputs X (n, d): probabilities, for sigmoid and softmax.

        A row's output does not depend on the other rows, bit for bit.
        """
        inputs = as_inputs(self.architecture, X, finite=False)
        return self.engine.predict(self.architecture, self._theta, self._buffers, inputs)

    def predict_classes(self, X: Any) -> np.ndarray:
        """The most probable class number (n,) of each row."""
        return targets_as_classes(self.predict(X))

    def loss(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The objective J on these examples (a prediction pass: no dropout, running statistics)."""
        data = prepare(self.architecture, X, y, sample_weight)
        value, _ = self.engine.evaluate(self.architecture, self._theta, self._buffers, data)
        return value + penalty(self.architecture, self.parameters, len(data))

    def loss_and_gradient(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[float, Views]:
        """J and its gradient by name: `gradient["W1"]` has the shape of W1."""
        check_trainable(self.architecture)
        data = prepare(self.architecture, X, y, sample_weight)
        value, gradient = self.engine.loss_and_gradient(self.architecture, self._theta, self._buffers, data)
        return value, parameter_layout(self.architecture).views(gradient)

    def trace(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        optimizer: str | Optimizer | None = None,
        training: bool = False,
    ) -> Trace:
        """Every number of one pass, by name; nothing in the network changes.

        Without y the forward pass alone; with y also loss and backward pass; with an optimizer also its first update
        (W1_new ...). `training=True` draws dropout masks and uses batch statistics.
        """
        data = None if y is None else prepare(self.architecture, X, y, sample_weight)
        return self._walk(as_inputs(self.architecture, X), data, optimizer, training)[0]

    def _walk(
        self,
        X: np.ndarray,
        data: Data | None,
        optimizer: str | Optimizer | None,
        training: bool,
        steps: int = 1,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> list[Trace]:
        rule = None if optimizer is None else first_order(optimizer)
        program = Program(self.architecture, rule or Adam(), len(X), clip_norm, clip_value, self.seed)
        start = fresh_state(program, self._theta.copy(), self._buffers.copy())
        return walk(program, start, X, data, steps, moving=rule is not None, training=training)

    def explain(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        optimizer: str | Optimizer | None = None,
        steps: int = 1,
        training: bool = False,
        class_weight: str | Mapping[int, float] | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        digits: int = 6,
        entries: int = 4,
        terms: int = 8,
        notation: str = "parentheses",
        bias: str | None = None,
        batch: str | None = None,
    ) -> Derivation:
        """Every number of one or more steps as a teacher writes them on a board; nothing in the network changes.

        Each line has its formula in symbols, the numbers plugged in, the value and the shape. All values are read from
        traces. The result prints as text, shows itself in a notebook, and has `markdown()`, `latex()`, `html()`,
        `document()` and `chain("W1[1,1]")`, the chain rule path by path.

        Parameters
        ----------
        X, y, sample_weight, optimizer, training
            As `trace` takes them.
        steps : int
            How many steps, each over all of X; what the optimizer keeps is carried on. More than one needs an
            optimizer. They are those of `fit(X, y, batch_size=len(X), epochs=steps)`, with `training=True` if there are
            Dropout, RandomizedLeakyReLU or BatchNorm.
        class_weight, clip_norm, clip_value
            As `fit` takes them.
        digits, entries, terms : int
            Significant figures of every number; how many entries of each quantity are written out; how many terms of a
            long sum.
        notation : str
            How the symbols look: "parentheses", "brackets", "subscript", or as a lecture has them, "lecture-5",
            "class-2", "lecture-23", "introduction", "ee514".
        bias : {"separate", "unit"}, optional
            b on its own, or as the weight of a unit 0 that is always 1; by default as the notation has it.
        batch : {"rows", "columns"}, optional
            Whether each example is a row or a column; by default as the notation has it.

        Raises
        ------
        InvalidParameterError, ArchitectureError, DataError
            If an option breaks its rule, there is nothing to derive, or the numbers are no longer finite.

        >>> from glassnet import Dense, Network
        >>> net = Network(1, [Dense(1, "sigmoid", bias=False)], "squared_error", dtype="float64")
        >>> net.parameters["W1"] = [[0.5]]
        >>> print(net.explain([[2.0]], [1.0], optimizer="sgd(0.5)", digits=4).chain("W1[1,1]"))
        dJ/dW1[1,1], one path
          dJ/da1[1] · da1[1]/dz1[1] · dz1[1]/dW1[1,1]
            = -0.5379 · 0.1966 · 2
            = -0.2115
        """
        a, count = self.architecture, whole_number("steps", steps)
        data = None if y is None else prepare(a, X, y, sample_weight, class_weight)
        clips = checked_bound("clip_norm", clip_norm), checked_bound("clip_value", clip_value)
        if optimizer is not None:
            check_trainable(a)
            if data is None:
                raise InvalidParameterError("explain: an optimizer needs y, the targets")
        if count > 1 and optimizer is None:
            raise InvalidParameterError(f"explain: steps={count} needs y and an optimizer, such as 'sgd(0.5)'")
        traces = self._walk(as_inputs(a, X), data, optimizer, training, count, *clips)
        rule = None if optimizer is None or data is None else first_order(optimizer)
        look = Look(digits, entries, terms, notation, bias, batch)
        return derive_steps(a, traces, rule, look, clip_norm=clips[0], clip_value=clips[1])

    # --- training -----------------------------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        optimizer: str | Optimizer | Solver | None = None,
        batch_size: int = 32,
        epochs: int = 10,
        validation: Validation = None,
        sample_weight: Any = None,
        class_weight: str | Mapping[int, float] | None = None,
        metrics: Sequence[str] | None = None,
        callbacks: Sequence[Callback] = (),
        clip_norm: float | None = None,
        clip_value: float | None = None,
        shuffle: bool = True,
        resume: str | Path | None = None,
        verbose: int = 0,
    ) -> History:
        """Train from the present weights; returns the history.

        Parameters
        ----------
        X : array (n, d)
        y : array (n,) or (n, K)
            Numbers, class numbers 0 to K-1, or one row of targets an example.
        optimizer : Optimizer, solver or name
            By default Adam(1e-3). LBFGS(), NewtonRaphson() and LeastSquares() see all examples at once.
        batch_size : int
            Examples a step: 1 is stochastic, n or more is batch training; the last short batch of an epoch is used.
            Shuffled anew every epoch, except a batch of all examples.
        validation : float, tuple or None
            A share of the examples (shuffled; stratified for classes), or (Xv, yv) or (Xv, yv, weights).
        sample_weight : array (n,), optional
        class_weight : "balanced" or mapping, optional
            Count in training and in validation. With reduction="mean" they are scaled to mean 1 over the examples.
            "balanced" gives each class the same total weight, as counted in y.
        metrics : sequence of str, optional
            Of "accuracy", "rmse", "mae", "r2"; measured after each epoch on the validation data, without any on all
            training data. By default the accuracy of a classifier, on validation data only. What a callback watches is
            measured too.
        clip_norm, clip_value : float, optional
            Bounds of the gradient's norm and of its entries.
        shuffle : bool
            False takes the examples as they lie, epoch after epoch.
        resume : path, optional
            A checkpoint to go on from.
        verbose : {0, 1}
            1 shows progress on stderr.

        Raises
        ------
        DivergenceError
            At the first NaN or infinity; the network keeps its last finite weights.
        """
        check_trainable(self.architecture)
        whole = prepare(self.architecture, X, y, sample_weight)
        table = table_for(self.architecture, whole, class_weight)
        data, held_out = hold_out(
            self.architecture, self.seed, by_class(self.architecture, whole, table), validation, table
        )
        rule = optimizer if optimizer is not None else Adam()
        full_batch = solver_of(rule)
        program = Program(
            self.architecture,
            Adam() if full_batch is not None else first_order(cast("Any", rule)),
            len(data) if full_batch is not None else whole_number("batch_size", batch_size),
            checked_bound("clip_norm", clip_norm),
            checked_bound("clip_value", clip_value),
            self.seed,
            self.threads,
        )
        usual = default_metrics(self.architecture) if held_out is not None else ()
        engine = self.engine
        if engine.refuses(self.architecture, program.optimizer):  # an optimizer of the user's own
            engine = choose(self._wanted_engine, self.architecture, ENGINES, program.optimizer)
        run = Run(
            program,
            engine,
            fresh_state(program, self._theta, self._buffers),
            data,
            held_out,
            whole_number("epochs", epochs),
            usual if metrics is None else check_metrics(metrics),
            [*((callbacks,) if isinstance(callbacks, Callback) else callbacks), *([Progress()] if verbose else [])],
            full_batch,
            None if shuffle else lambda epoch: np.arange(len(data)),
        )
        return train(run, resume)

    # --- files --------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the network to one `.glassnet` file; the same network gives the same bytes."""
        save_network(path, self.architecture, self._theta, self._buffers, self.seed)

    @classmethod
    def load(cls, path: str | Path) -> "Network":
        """Read a network back; nothing in the file is executed."""
        return cls.from_parts(*load_network(path))


def check_gradients(
    network: Network,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    tolerance: float = 1e-6,
    max_per_tensor: int | None = 100,
) -> GradientReport:
    """Compare the network's backpropagation with central differences in float64.

    Parameters
    ----------
    network : Network
    X, y : arrays
        A few examples are enough; with many, each difference takes two passes over all of them.
    sample_weight : array (n,), optional
    tolerance : float
        The largest relative error (Euclidean norms, for each tensor) that passes.
    max_per_tensor : int or None
        Entries compared in each tensor, drawn by the network's seed; None compares all.

    Returns
    -------
    GradientReport
        `passed`, and for each tensor the error and the worst entry; `print` shows it as a table.

    >>> import numpy as np
    >>> from glassnet import Dense, Network, check_gradients
    >>> net = Network(2, [Dense(3, "tanh"), Dense(1, "sigmoid")])
    >>> check_gradients(net, np.eye(2), [0, 1]).passed
    True
    """
    check_trainable(network.architecture)
    data = prepare(network.architecture, X, y, sample_weight)
    theta, buffers = network.parameters.vector, network.buffers.vector
    return check_gradient(
        network.architecture,
        theta,
        buffers,
        data.X,
        data.Y,
        data.weights,
        tolerance=tolerance,
        max_per_tensor=max_per_tensor,
        seed=network.seed,
    )
