"""glassnet by its public functions: `Network.fit` and `Network.predict`.

All that `fit` does is timed: checks and conversion of the data, one-hot targets, the history. It is tried with
its own choice of threads (the default), with one and with all, as the peers are.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

import glassnet
from benchmarks.speed.contenders import thread_counts, threads_text
from benchmarks.speed.workloads import Workload, data, first_weights
from glassnet import Adam, Dense, Network
from glassnet.training.slices import epoch_order

NAME = "glassnet"
VERSION = glassnet.__version__
OWN_CHOICE = "own choice of threads"
ONE_BY_ONE, AT_ONCE = "one at a time", "two at a time"


def variants(workload: Workload) -> list[str]:
    """Thread counts; for many networks, one at a time and two."""
    if workload.kind == "fleet":
        return [ONE_BY_ONE, AT_ONCE]
    return [OWN_CHOICE, *(threads_text(count) for count in thread_counts())]


def network(workload: Workload, threads: int | None = None) -> Network:
    """The network of a workload, at its first weights."""
    *hidden, outputs = workload.sizes[1:]
    layers = [*(Dense(units, workload.activation) for units in hidden), Dense(outputs, "softmax")]
    net = Network(workload.sizes[0], layers, threads=threads)
    set_weights(net, workload)
    return net


def set_weights(net: Network, workload: Workload) -> None:
    """The first weights; glassnet's W is (out, in)."""
    for number, (W, b) in enumerate(first_weights(workload), start=1):
        net.parameters[f"W{number}"], net.parameters[f"b{number}"] = W.T, b


class Trainer:
    """One network."""

    def __init__(self, workload: Workload, variant: str) -> None:
        self.workload = workload
        self.X, self.y = data(workload)
        self.net = network(workload, int(variant.split()[0]) if variant[0].isdigit() else None)
        self.engine = self.net.engine.name

    def restart(self) -> None:
        """Back to the first weights; `fit` begins with an optimizer at rest."""
        set_weights(self.net, self.workload)

    def train(self, epochs: int, orders: list[np.ndarray] | None = None, record: bool = False) -> list[float]:
        """Train by `fit`. The order of an epoch is a function of the network's seed: `orders()` tells it to others."""
        w = self.workload
        rule = Adam(w.learning_rate)
        history = self.net.fit(self.X, self.y, optimizer=rule, batch_size=w.batch, epochs=epochs, metrics=())
        return history["loss"]

    def orders(self, epochs: int) -> list[np.ndarray]:
        """The orders (n,) in which `train` goes through the rows."""
        return [epoch_order(self.net.seed, epoch, self.workload.rows) for epoch in range(epochs)]

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Probabilities."""
        return self.net.predict(X)


class Fleet:
    """Many networks of one thread each, trained one after another or by two Python threads."""

    def __init__(self, workload: Workload, variant: str) -> None:
        self.workload, self.workers = workload, 2 if variant == AT_ONCE else 1
        self.X, self.y = data(workload)
        self.nets = [network(workload, threads=1) for _ in range(workload.networks)]
        self.engine = self.nets[0].engine.name

    def restart(self) -> None:
        """Back to the first weights."""
        for net in self.nets:
            set_weights(net, self.workload)

    def train(self, epochs: int, orders: list[np.ndarray] | None = None, record: bool = False) -> list[float]:
        """All networks once, `epochs` times; the threads that train are started inside the timing."""
        for _ in range(epochs):
            if self.workers == 1:
                for net in self.nets:
                    self._one(net)
            else:
                with ThreadPoolExecutor(self.workers) as pool:
                    list(pool.map(self._one, self.nets))
        return []

    def _one(self, net: Network) -> None:
        w = self.workload
        rule = Adam(w.learning_rate)
        net.fit(self.X, self.y, optimizer=rule, batch_size=w.batch, epochs=w.epochs, metrics=())
