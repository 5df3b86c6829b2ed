"""What is diagnosed: copies of network and data, and the measurements, each made once when first asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from glassnet.diagnosis.probes import FirstSteps, RangeTest, first_steps, overfitted, plain, range_test
from glassnet.engines.base import Data
from glassnet.formulas.optimizers import Adam, Optimizer
from glassnet.formulas.schedules import schedule
from glassnet.model import Network
from glassnet.network.architecture import Architecture
from glassnet.network.passes import Trace
from glassnet.training.options import first_order, hold_out, solver_of
from glassnet.training.targets import are_classes, prepare, targets_as_classes

__all__ = ["Case", "Column", "case_of"]

PROBE, MOST = 512, 4000  # rows of a trace, rows that simple models learn from
Column = tuple[str, tuple[int, ...]]  # a column of the table, and the inputs that it became


@dataclass
class Case:
    """A network, its training data and its way of training. Nothing of it is changed; measurements train copies.

    network : Network
        As it stands.
    data, held : Data
        Training rows, and rows to judge by, if any; targets without label smoothing.
    elsewhere : tuple of Data
        Further rows that training must not know, such as a test part.
    columns : sequence of Column
        Which inputs belong together.
    dropped : sequence of (str, str)
        Columns of the table that became no input, and why.
    fit : dict
        Arguments of `Network.fit`: optimizer, batch_size, epochs, class_weight, clip_norm, clip_value.
    """

    network: Network
    data: Data
    held: Data | None
    elsewhere: tuple[Data, ...]
    columns: Sequence[Column]
    fit: dict[str, Any] = field(default_factory=dict)
    dropped: Sequence[tuple[str, str]] = ()

    # --- what it is ---------------------------------------------------------------------------------------------

    @property
    def architecture(self) -> Architecture:
        """Of the network."""
        return self.network.architecture

    @property
    def solver(self) -> str | None:
        """The name of a full-batch solver, where one trains the network."""
        rule = solver_of(self.fit["optimizer"])
        return None if rule is None else rule.name

    @property
    def rule(self) -> Optimizer:
        """The update rule; Adam's where a solver takes its own steps."""
        return Adam() if self.solver else first_order(self.fit["optimizer"])

    @property
    def peak_rate(self) -> float:
        """The highest learning rate of the plan."""
        times = np.linspace(0, self.fit["epochs"], 200, endpoint=False)
        return float(schedule(self.rule.learning_rate).values(times, self.fit["epochs"]).max())

    @cached_property
    def classes(self) -> np.ndarray | None:
        """The class number (n,) of each training row; None for numbers, and for several labels a row."""
        cross = self.architecture.objective.name in ("cross_entropy", "binary_cross_entropy")
        likely = cross or self.architecture.output.activation in ("sigmoid", "softmax")
        known = likely and are_classes(plain(self.architecture), self.data.Y)
        return targets_as_classes(self.data.Y) if known else None

    @cached_property
    def constant_loss(self) -> float:
        """The mean loss of an output that knows nothing: ln K for cross-entropies, else that of the mean target."""
        loss, Y = self.architecture.objective, self.data.Y.astype(np.float64)
        if loss.name == "cross_entropy":
            return float(np.log(Y.shape[1]))
        if loss.name == "binary_cross_entropy":
            return float(Y.shape[1] * np.log(2))
        still = np.broadcast_to(Y.mean(axis=0), Y.shape)
        return float(np.mean(np.sum(loss.function(still, Y, *loss.constants.values()), axis=1)))

    def copy(self, architecture: Architecture | None = None) -> Network:
        """A network of its own with the same weights."""
        own = self.network
        copy = Network.from_parts(
            architecture or self.architecture, own.parameters.vector.copy(), own.buffers.vector.copy(), own.seed
        )
        copy.engine, copy.threads = own.engine, own.threads
        return copy

    def sample(self, most: int = MOST) -> np.ndarray:
        """Row numbers of at most so many training rows, drawn by the network's seed."""
        n = len(self.data)
        return np.arange(n) if n <= most else np.sort(np.random.default_rng(self.network.seed).permutation(n)[:most])

    # --- what is measured ---------------------------------------------------------------------------------------

    @cached_property
    def probe(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows that are traced: inputs and targets."""
        rows = self.sample(PROBE)
        return self.data.X[rows], self.data.Y[rows]

    @cached_property
    def start(self) -> Trace:
        """A pass at the present weights, without dropout."""
        return self.network.trace(*self.probe)

    @cached_property
    def steps(self) -> FirstSteps:
        """The first steps of training, watched."""
        return first_steps(self)

    @cached_property
    def overfit(self) -> tuple[int, float, float]:
        """Rows, first and best loss of a small batch that was trained on and on."""
        return overfitted(self)

    @cached_property
    def rates(self) -> RangeTest:
        """Losses as the learning rate grows."""
        return range_test(self)

    def slopes(self, trace: Trace, number: int) -> np.ndarray | None:
        """|g'(z)| (n, n_l) of a hidden layer as a share of the activation's largest; None for rowwise ones."""
        g = self.architecture.dense[number - 1].g
        if f"g{number}" not in trace or g.derivative is None:
            return None
        z = np.linspace(-4, 4, 801)
        with np.errstate(all="ignore"):
            largest = float(np.nanmax(np.abs(g.slope(z, g.value(z)))))
        return np.abs(trace[f"g{number}"]) / max(largest, 1e-30)


def case_of(
    network: Network,
    X: Any,
    y: Any,
    *,
    validation: Any,
    test: Any,
    columns: Sequence[Column],
    sample_weight: Any,
    fit: dict[str, Any],
    dropped: Sequence[tuple[str, str]] = (),
) -> Case:
    """Check the arrays as `Network.fit` does, and hold rows out where it would."""
    bare = msgspec.structs.replace(network.architecture, label_smoothing=0.0)
    data, held = hold_out(bare, network.seed, prepare(bare, X, y, sample_weight), validation, None)
    elsewhere = () if test is None else (prepare(bare, *test, suffix=" of test"),)
    groups = columns or tuple((f"x{i + 1}", (i,)) for i in range(network.architecture.inputs))
    return Case(network, data, held, elsewhere, groups, fit, dropped)
