"""What is computed: networks, data, first weights. Every process makes the same from the same seeds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

__all__ = ["FULL_BATCH_EPOCHS", "WORKLOADS", "Weights", "Workload", "data", "first_weights"]

FULL_BATCH_EPOCHS = 8
"""Epochs of full-batch training come in multiples of this, so that JAX can run several steps in one call."""

Weights = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    sizes: units from input to output; the hidden layers have `activation`, the output softmax and cross-entropy.
    kind: "train" (Adam, batches of `batch`), "predict" (all `rows` in one call), or "fleet": `networks` trainings.
    targets: the least ratio peer's time / ours that issue 3 asks for. peak_target: share of the arithmetic peak.
    """

    name: str
    sizes: tuple[int, ...]
    rows: int
    batch: int
    kind: str = "train"
    activation: str = "relu"
    learning_rate: float = 1e-3
    networks: int = 1
    epochs: int = 1
    targets: Mapping[str, float] = field(default_factory=dict, hash=False, compare=False)
    peak_target: float | None = None

    @property
    def full_batch(self) -> bool:
        """Whether each step sees all rows, so that there is nothing to shuffle."""
        return self.batch >= self.rows

    @property
    def steps(self) -> int:
        """Steps an epoch; the rows are a multiple of the batch, so that no contender meets a short one."""
        assert self.rows % self.batch == 0
        return self.rows // self.batch

    @property
    def flops(self) -> float:
        """Operations of a training step's products: forward, weight gradients, and deltas but for the first layer."""
        products = [a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False)]
        return 2 * self.batch * (3 * sum(products) - products[0])

    @property
    def text(self) -> str:
        """Name of the row in words."""
        network = "-".join(str(n) for n in self.sizes)
        if self.kind == "predict":
            return f"predict {self.rows:,} row{'s' if self.rows > 1 else ''}, {network}"
        if self.kind == "fleet":
            return f"{self.networks} networks {network} at once, two cores"
        activation = "" if self.activation == "relu" else f", {self.activation}"
        batch = f"full batch {self.rows:,}" if self.full_batch else f"batch {self.batch}"
        return f"{network}{activation}, {batch}"


def _row(name: str, sizes: tuple[int, ...], rows: int, batch: int, targets: tuple[float, ...], **rest) -> Workload:
    return Workload(
        name, sizes, rows, batch, targets=dict(zip(("torch", "jax", "sklearn"), targets, strict=False)), **rest
    )


_LECTURE = (784, 128, 10)
WORKLOADS = {
    row.name: row
    for row in (
        _row("2-8-8-2", (2, 8, 8, 2), 2_000, 16, (60, 4, 50)),
        _row("4-16-3", (4, 16, 3), 3_200, 32, (40, 3, 35)),
        _row("32-64-64-2", (32, 64, 64, 2), 12_800, 64, (10, 3, 12)),
        _row("784-128-10", _LECTURE, 16_000, 32, (5, 1.7, 6)),
        _row("64-256-256-256-10", (64, 256, 256, 256, 10), 20_480, 256, (2.5, 1.5, 4), peak_target=0.6),
        _row("784-512-512-10", (784, 512, 512, 10), 12_800, 128, (2.5, 1.3, 3.5), peak_target=0.6),
        _row("4-32-16-4", (4, 32, 16, 4), 10_000, 10_000, (5, 5, 5), activation="tanh"),
        _row("predict-1", _LECTURE, 1, 1, (3, 4, 15), kind="predict"),
        _row("predict-10000", _LECTURE, 10_000, 10_000, (2, 1.2, 2), kind="predict"),
        Workload(
            "64-networks",
            (32, 64, 64, 2),
            6_400,
            64,
            kind="fleet",
            networks=64,
            epochs=10,
            targets={"one at a time": 1.8},
        ),
    )
}


@lru_cache(maxsize=2)
def data(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, d), float32 and standard normal, and classes (n,), int64, by a random teacher d-16-K.

    The teacher's outputs are centred, so that the classes are about equally frequent.
    """
    rng = np.random.default_rng(7)
    d, K = workload.sizes[0], workload.sizes[-1]
    X = rng.standard_normal((workload.rows, d), dtype=np.float32)
    V, U = rng.standard_normal((d, 16)) / np.sqrt(d), rng.standard_normal((16, K))
    scores = np.tanh(2 * X @ V) @ U
    return X, (scores - scores.mean(axis=0)).argmax(axis=1)


def first_weights(workload: Workload) -> Weights:
    """The weights that every contender starts from, [W (in, out), b (out,)] a layer, float32: He's rule."""
    rng = np.random.default_rng(11)
    return [
        ((rng.standard_normal((a, b)) * np.sqrt(2 / a)).astype(np.float32), np.zeros(b, np.float32))
        for a, b in zip(workload.sizes, workload.sizes[1:], strict=False)
    ]
