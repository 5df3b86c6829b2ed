"""Small problems that the tests of the training room share."""

import numpy as np

from glassnet import Callback, Dense, Network


def classes(n=60, d=4, K=3, seed=0):
    """X (n, d) and class numbers y (n,), learnable but not separable."""
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(n, d))
    scores = X @ draw.normal(size=(d, K)) + draw.normal(size=(n, K))
    return X, scores.argmax(axis=1)


def numbers(n=60, d=4, K=1, seed=0):
    """X (n, d) and targets Y (n, K): linear with noise."""
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(n, d))
    return X, X @ draw.normal(size=(d, K)) + 0.5 + 0.3 * draw.normal(size=(n, K))


def network(X, y, *, seed=0, hidden=5, **options):
    """A network of one hidden layer for classes y."""
    K = int(np.max(y)) + 1
    output = Dense(K, "softmax") if K > 2 else Dense(1, "sigmoid")
    return Network(X.shape[1], [Dense(hidden, "tanh"), output], seed=seed, **{"dtype": "float64", **options})


def vector(net):
    """A copy of all parameters."""
    return net.parameters.vector.copy()


def plain(history):
    """The records without what a clock measured."""
    return [{k: v for k, v in record.items() if k != "seconds"} for record in history.records]


class Keep(Callback):
    """Copies of the weights after each epoch, the hooks that were called, and the run."""

    def __init__(self):
        self.weights, self.calls, self.run = [], [], None

    def on_train_begin(self, run):
        self.run = run
        self.calls.append("train begin")

    def on_epoch_begin(self, run):
        self.calls.append("epoch begin")

    def on_epoch_end(self, run, record):
        self.weights.append(run.state.theta.copy())
        self.calls.append("epoch end")

    def on_train_end(self, run):
        self.calls.append("train end")

    def close(self, run):
        self.calls.append("close")


class StopAt(Callback):
    """Ends the run after an epoch, by `stop` or by an error, as a crash would."""

    def __init__(self, epoch, error=None):
        self.epoch, self.error = epoch, error

    def on_epoch_end(self, run, record):
        if run.history.epochs == self.epoch:
            if self.error is not None:
                raise self.error
            run.stop("the user's rule")
