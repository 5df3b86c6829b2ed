"""JAX: one jitted epoch, `lax.scan` over its batches, Adam in plain jnp, the state donated.

Settings, each because it is faster here than its alternative or as fast:

* the order comes from NumPy, outside the jit: jax.random.permutation made small networks 40 to 90 % slower;
* one-hot targets: as fast as take_along_axis, or faster;
* batches gathered inside the scan or for the whole epoch before it; two steps of Adam's layout (one tree of tensors,
  or one flat vector); two unrollings of the scan: the combinations that won somewhere are tried;
* XLA's own thread count and one thread. The latter is set by NPROC, which XLA reads when it starts, so it is a
  process of its own; `--xla_cpu_multi_thread_eigen=false` changes nothing any more.

A jitted step called from a Python loop is slower than the scan, on the wide rows still by 10 to 60 %.
Full batches: FULL_BATCH_EPOCHS steps in one scan, nothing gathered.
"""

import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from benchmarks.speed.contenders import CORES, threads_text
from benchmarks.speed.workloads import FULL_BATCH_EPOCHS, Workload, data, first_weights

NAME = "JAX"
VERSION = jax.__version__
THREADS = threads_text(int(os.environ.get("NPROC") or CORES))
TRAINING = ("tree, gather each step", "tree, gather each step, unroll 4", "tree, gather each epoch")
FLAT = ("flat, gather each step", "flat, gather each epoch")
ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def variants(workload: Workload) -> list[str]:
    """Layouts, gathering and unrolling; for predictions, weights as arguments or as constants."""
    if workload.kind == "predict":
        return [f"{THREADS}, weights {how}" for how in ("as arguments", "as constants")]
    if workload.full_batch:
        return [f"{THREADS}, {layout}" for layout in ("tree", "flat")]
    wide = max(workload.sizes) > 256  # where the flat vector costs a copy of every W: never the better one
    return [f"{THREADS}, {how}" for how in (TRAINING if wide else TRAINING + FLAT)]


class Trainer:
    """One network, its optimizer, and the compiled epoch."""

    def __init__(self, workload: Workload, variant: str) -> None:
        self.workload, self.flat, self.by_epoch = workload, "flat" in variant, "each epoch" in variant
        self.unroll = 4 if "unroll 4" in variant else 1
        X, y = data(workload)
        self.X, self.Y = jnp.asarray(X), jnp.asarray(np.eye(workload.sizes[-1], dtype=np.float32)[y])
        self.rng = np.random.default_rng(0)
        self.restart()
        self.epoch = jax.jit(self._epoch, donate_argnums=0)
        weights = self.parameters
        by_argument = jax.jit(self._probabilities)
        by_constant = jax.jit(lambda x: self._probabilities(weights, x))
        self.outputs = by_constant if "constants" in variant else lambda x: by_argument(weights, x)

    def restart(self) -> None:
        """First weights, moments 0, step 0."""
        tree = [(jnp.asarray(W), jnp.asarray(b)) for W, b in first_weights(self.workload)]
        vector, self.unravel = ravel_pytree(tree)
        self.parameters: Any = vector if self.flat else tree
        zeros = [jax.tree.map(jnp.zeros_like, self.parameters) for _ in range(2)]
        self.state = (jax.tree.map(jnp.copy, self.parameters), *zeros, jnp.float32(0))

    def _forward(self, parameters: Any, a: jax.Array) -> jax.Array:
        layers = self.unravel(parameters) if self.flat else parameters
        for W, b in layers[:-1]:
            a = ACTIVATIONS[self.workload.activation](a @ W + b)
        W, b = layers[-1]
        return a @ W + b

    def _probabilities(self, parameters: Any, x: jax.Array) -> jax.Array:
        return jax.nn.softmax(self._forward(parameters, x))

    def _loss(self, parameters: Any, x: jax.Array, y: jax.Array) -> jax.Array:
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(self._forward(parameters, x)), axis=1))

    def _step(self, state: Any, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        theta, m, v, t = state
        loss, g = jax.value_and_grad(self._loss)(theta, x, y)
        t = t + 1
        eta, c1, c2 = self.workload.learning_rate, 1 - BETA1**t, 1 - BETA2**t
        m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, g)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, g)
        theta = jax.tree.map(lambda w, m, v: w - eta * (m / c1) / (jnp.sqrt(v / c2) + EPSILON), theta, m, v)
        return (theta, m, v, t), loss

    def _epoch(self, state: Any, X: jax.Array, Y: jax.Array, order: jax.Array | None) -> tuple[Any, jax.Array]:
        """order: (steps, batch) row numbers, or None for FULL_BATCH_EPOCHS steps on all rows."""
        if order is None:
            return jax.lax.scan(lambda s, _: self._step(s, X, Y), state, length=FULL_BATCH_EPOCHS)
        if self.by_epoch:
            batches = X[order], Y[order]  # (steps, batch, d), (steps, batch, K)
            return jax.lax.scan(lambda s, xy: self._step(s, *xy), state, batches, unroll=self.unroll)
        return jax.lax.scan(lambda s, i: self._step(s, X[i], Y[i]), state, order, unroll=self.unroll)

    def train(self, epochs: int, orders: list[np.ndarray] | None = None, record: bool = False) -> list[float]:
        """One call of the compiled epoch after another; waits for the last."""
        w, losses = self.workload, []
        for epoch in range(0, epochs, FULL_BATCH_EPOCHS if w.full_batch else 1):
            order = None
            if not w.full_batch:
                drawn = self.rng.permutation(w.rows) if orders is None else orders[epoch]
                order = drawn.astype(np.int32).reshape(w.steps, w.batch)
            self.state, loss = self.epoch(self.state, self.X, self.Y, order)
            if record:
                losses.append(np.asarray(loss).reshape(-1, w.steps).mean(axis=1))
        jax.block_until_ready(self.state)
        return np.concatenate(losses).tolist() if record else []

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Probabilities."""
        return np.asarray(self.outputs(X))
