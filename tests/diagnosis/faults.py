"""Faults to plant, one each: a model, data and options that have it."""

import dataclasses

import numpy as np
import polars as pl

from glassnet import ACTIVATIONS, SGD, Adam, Dense, Network, TableClassifier, diagnose, load_dataset


def table(name="breast_cancer"):
    data = load_dataset(name)
    return data.frame.drop(data.target), data.frame[data.target]


def arrays(n=600, d=8, seed=0):
    """Standard normal inputs; two classes that no line parts, though a bent one does, and few labels are wrong."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, (X[:, 0] + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=n) > 0).astype(int)


def network(activation="relu", d=8, seed=0, units=(32, 32), **more):
    return Network(d, [*(Dense(n, activation) for n in units), Dense(1, "sigmoid")], seed=seed, **more)


def healthy(seed):
    return diagnose(network(seed=seed), *arrays(seed=seed), validation=0.15)


def shuffled_labels(seed):
    X, y = arrays(seed=seed)
    return diagnose(network(seed=seed), X, np.random.default_rng(seed + 100).permutation(y), validation=0.15)


def huge_inputs(seed):
    X, y = arrays(seed=seed)
    return diagnose(network(seed=seed), X * 1e4, y, validation=0.15)


def one_huge_input(seed):
    X, y = arrays(seed=seed)
    X[:, 3] *= 1e4
    return diagnose(network(seed=seed), X, y, validation=0.15)


def rate_too_high(seed):
    return diagnose(network(seed=seed), *arrays(seed=seed), optimizer=Adam(10.0), validation=0.15)


def rate_too_high_for_sgd(seed):
    return diagnose(network(seed=seed), *arrays(seed=seed), optimizer=SGD(10.0), validation=0.15)


def rate_too_low(seed):
    return diagnose(network(seed=seed), *arrays(seed=seed), optimizer=Adam(1e-7), validation=0.15)


def dead_units(seed):
    net = network(seed=seed)
    net.parameters["b1"] = np.full(32, -100.0)
    return diagnose(net, *arrays(seed=seed), validation=0.15)


def saturated_units(seed):
    net = network("sigmoid", seed=seed)
    net.parameters["W1"][...] *= 100
    return diagnose(net, *arrays(seed=seed), validation=0.15)


def repeated_rows(seed):
    X, y = arrays(seed=seed)
    return diagnose(network(seed=seed), X[:450], y[:450], validation=(X[400:], y[400:]))


def target_as_column(seed):
    X, y = table()
    return diagnose(TableClassifier(random_state=seed), X.with_columns((y == "benign").cast(int).alias("code")), y)


def target_as_text_column(seed):
    X, y = table("iris")
    return diagnose(TableClassifier(random_state=seed), X.with_columns(("is " + y).alias("remark")), y)


def solved_by_a_line(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2000, 6))
    side = X @ np.array([1.0, -1, 1, -1, 1, 1])
    X, side = X[np.abs(side) > 0.5], side[np.abs(side) > 0.5]
    return diagnose(network(d=6, seed=seed), X, (side > 0).astype(int), validation=0.2)


def wrong_start(seed):
    net = network(seed=seed)
    net.parameters["b3"] = [20.0]
    return diagnose(net, *arrays(seed=seed), validation=0.15)


def bent_slope(z, a):
    return 1.1 * (1 - a * a)


def wrong_derivative(seed):
    right = ACTIVATIONS["tanh"]
    ACTIVATIONS.put("bent", dataclasses.replace(right, name="bent", derivative=bent_slope))
    try:
        return diagnose(network("bent", seed=seed, engine="reference"), *arrays(seed=seed), validation=0.15)
    finally:
        ACTIVATIONS.remove("bent")


def rare_class(seed):
    X, _ = arrays(n=2000, seed=seed)
    return diagnose(network(seed=seed), X, (X[:, 0] + X[:, 1] * X[:, 2] > 2.6).astype(int), validation=0.15)


def zero_weights(seed):
    net = Network(8, [Dense(32, "tanh", initializer="zeros"), Dense(1, "sigmoid")], seed=seed)
    return diagnose(net, *arrays(seed=seed), validation=0.15)


def vanishing(seed):
    return diagnose(network("sigmoid", seed=seed, units=(16,) * 10), *arrays(seed=seed), validation=0.15)


def raw_target(seed):
    X, _ = arrays(seed=seed)
    net = Network(8, [Dense(32, "relu"), Dense(1)], seed=seed)
    return diagnose(net, X, 500 + 30 * X[:, 0] + 30 * X[:, 1] * X[:, 2], validation=0.15)


def with_column(name, values, seed):
    """A built-in table with one column more."""
    X, y = table(name)
    return diagnose(TableClassifier(random_state=seed), X.with_columns(values.alias("more")), y)


def constant_column(seed):
    return with_column("iris", pl.lit(3.0), seed)


def empty_column(seed):
    return with_column("breast_cancer", pl.lit(None, dtype=pl.Float64), seed)


def constant_input(seed):
    X, y = arrays(seed=seed)
    X[:, 5] = 1.5
    return diagnose(network(seed=seed), X, y, validation=0.15)


def doubled_table(name, seed):
    X, y = table(name)
    both = pl.concat([X.with_columns(y.alias("t"))] * 2).sample(fraction=1, shuffle=True, seed=seed)
    return diagnose(TableClassifier(random_state=seed), both.drop("t"), both["t"])


def unscaled_table(name, seed):
    X, y = table(name)
    return diagnose(TableClassifier(scaling="none", random_state=seed), X.select(pl.all() * 1000), y)


def shuffled_table(name, seed):
    X, y = table(name)
    return diagnose(TableClassifier(random_state=seed), X, y.sample(fraction=1, shuffle=True, seed=seed + 5))


def rate_of_table(name, seed, rate, rule):
    X, y = table(name)
    return diagnose(TableClassifier(learning_rate=rate, optimizer=rule, random_state=seed), X, y)


def dead_table(name, seed):
    X, y = table(name)
    return diagnose(TableClassifier(activation="relu", initializer="normal(mean=-2, std=0.1)", random_state=seed), X, y)


ON_TABLES = {
    "doubled": (doubled_table, "splits"),
    "unscaled": (unscaled_table, "inputs"),
    "shuffled": (shuffled_table, "labels"),
    "high": (lambda name, seed: rate_of_table(name, seed, 1.0, "adam"), "learning_rate"),
    "high for sgd": (lambda name, seed: rate_of_table(name, seed, 100.0, "sgd"), "learning_rate"),
    "low": (lambda name, seed: rate_of_table(name, seed, 1e-6, "adam"), "learning_rate"),
    "low for sgd": (lambda name, seed: rate_of_table(name, seed, 1e-6, "sgd"), "learning_rate"),
    "dead": (dead_table, "first_units"),
}
"""Faults of tables, and the check that finds each first."""
