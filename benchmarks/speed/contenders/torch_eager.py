"""PyTorch, eager, with fused Adam.

Settings, each because it is faster here than its alternative or as fast:

* plain tensors and functional calls: 5 to 10 % faster on small networks than nn.Sequential, whose modules are calls
  of their own; the same on wide ones;
* batches by a permuted index tensor, gathered at every step or for the whole epoch at once: both are tried;
* one thread and all cores: both are tried;
* Adam(fused=True); gradients set to None, the default; class numbers as targets.

torch.compile needs a C++ compiler on the machine, which no other contender does; `--torch-compile` adds it.
"""

import os

import numpy as np
import torch
from torch.nn import functional

from benchmarks.speed.contenders import thread_counts, threads_text
from benchmarks.speed.workloads import Workload, data, first_weights

NAME = "PyTorch"
VERSION = torch.__version__
BY_STEP, BY_EPOCH, COMPILED = "gather each step", "gather each epoch", "compiled"
ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh}


def variants(workload: Workload) -> list[str]:
    """Threads, gathering, and where asked for, compilation."""
    gathering = [BY_STEP, BY_EPOCH] if workload.kind == "train" and not workload.full_batch else ["eager"]
    found = [f"{threads_text(n)}, {how}" for n in thread_counts() for how in gathering]
    if workload.kind == "train" and os.environ.get("BENCH_TORCH_COMPILE"):
        found += [f"{text}, {COMPILED}" for text in found]
    return found


class Trainer:
    """One network and its optimizer."""

    def __init__(self, workload: Workload, variant: str) -> None:
        self.workload, self.threads, self.by_epoch = workload, int(variant.split()[0]), BY_EPOCH in variant
        self.g = ACTIVATIONS[workload.activation]
        X, y = data(workload)
        self.X, self.y = torch.from_numpy(X), torch.from_numpy(y)
        self.loss = torch.compile(self._loss) if COMPILED in variant else self._loss
        self.W: list[torch.Tensor] = []
        self.b: list[torch.Tensor] = []
        self.restart()

    def restart(self) -> None:
        """First weights, W (out, in) as nn.Linear has them, and a new Adam. A compiled loss is kept."""
        torch.set_num_threads(self.threads)
        first = first_weights(self.workload)
        fresh = [torch.from_numpy(W.T.copy()) for W, _ in first], [torch.from_numpy(b.copy()) for _, b in first]
        if not self.W:
            self.W, self.b = ([t.requires_grad_() for t in part] for part in fresh)
        with torch.no_grad():
            for old, new in zip([*self.W, *self.b], [*fresh[0], *fresh[1]], strict=True):
                old.copy_(new)
        self.adam = torch.optim.Adam([*self.W, *self.b], lr=self.workload.learning_rate, fused=True)

    def _forward(self, a: torch.Tensor) -> torch.Tensor:
        for W, b in zip(self.W[:-1], self.b[:-1], strict=True):
            a = self.g(functional.linear(a, W, b))
        return functional.linear(a, self.W[-1], self.b[-1])

    def _loss(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(self._forward(x), y)

    def _order(self) -> torch.Tensor | None:
        return None if self.workload.full_batch else torch.randperm(self.workload.rows)

    def _batches(self, order: torch.Tensor | None):
        size = self.workload.batch
        if order is None or self.workload.full_batch:
            return [(self.X, self.y)]
        if self.by_epoch:
            return zip(self.X[order].split(size), self.y[order].split(size), strict=True)
        return ((self.X[index], self.y[index]) for index in order.split(size))

    def train(self, epochs: int, orders: list[np.ndarray] | None = None, record: bool = False) -> list[float]:
        """The usual loop."""
        means: list[float] = []
        for epoch in range(epochs):
            order = self._order() if orders is None else torch.from_numpy(orders[epoch])
            seen: list[torch.Tensor] = []
            for x, y in self._batches(order):
                self.adam.zero_grad()
                loss = self.loss(x, y)
                loss.backward()
                self.adam.step()
                if record:
                    seen.append(loss.detach())
            if record:
                means.append(float(torch.stack(seen).mean()))
        return means

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Probabilities; from_numpy and numpy() copy nothing."""
        with torch.inference_mode():
            return torch.softmax(self._forward(torch.from_numpy(X)), 1).numpy()
