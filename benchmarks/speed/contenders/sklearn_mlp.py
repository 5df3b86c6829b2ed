"""scikit-learn's MLPClassifier: solver "adam", alpha 0, all epochs (no tolerance ends it), the same batches.

The whole `fit` is timed: its checks and the one-hot targets too, spread over all epochs of a measurement. It is tried
with one BLAS thread and with all cores.

With two classes MLPClassifier would make one logistic output. Told after its first call that the outputs are softmax,
and given one-hot targets, it computes the same network as the others (through a private habit of version 1.6 to 1.9;
the check fails should that change). Its own form, one output less, is about 5 % faster.
"""

import warnings

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from benchmarks.speed.contenders import thread_counts, threads_text
from benchmarks.speed.workloads import Workload, data, first_weights

NAME = "scikit-learn"
VERSION = sklearn.__version__
NEVER = 10**9


def variants(workload: Workload) -> list[str]:
    """Threads of BLAS."""
    return [threads_text(count) for count in thread_counts()]


class Trainer:
    """One MLPClassifier."""

    def __init__(self, workload: Workload, variant: str) -> None:
        self.workload, self.threads = workload, int(variant.split()[0])
        self.X, y = data(workload)
        self.y = np.eye(2, dtype=int)[y] if workload.sizes[-1] == 2 else y
        self.restart()

    def restart(self) -> None:
        """A new classifier, put at the first weights after one small call that makes its tensors."""
        w = self.workload
        threadpool_limits(self.threads)  # until the next restart
        K = w.sizes[-1]
        each_class = np.eye(2, dtype=int) if K == 2 else np.arange(K)
        self.model = MLPClassifier(
            w.sizes[1:-1],
            activation=w.activation,
            solver="adam",
            alpha=0.0,
            batch_size=w.batch,
            learning_rate_init=w.learning_rate,
            shuffle=not w.full_batch,
            tol=0.0,
            n_iter_no_change=NEVER,
            warm_start=True,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model.partial_fit(np.zeros((K, w.sizes[0]), np.float32), each_class, classes=np.arange(K))
        self.model.out_activation_ = "softmax"
        first = first_weights(w)
        self.model.coefs_ = [W.copy() for W, _ in first]
        self.model.intercepts_ = [b.copy() for _, b in first]
        self.model.loss_curve_ = []
        del self.model._optimizer  # made anew at the next call

    def train(self, epochs: int, orders: list[np.ndarray] | None = None, record: bool = False) -> list[float]:
        """`fit`; with given orders `partial_fit` by the epoch, which goes the same way."""
        self.model.max_iter = epochs
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            if orders is None:
                self.model.fit(self.X, self.y)
            else:
                self.model.shuffle = False
                for order in orders:
                    self.model.partial_fit(self.X[order], self.y[order])
        return self.model.loss_curve_

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Probabilities."""
        return self.model.predict_proba(X)
