"""The loop against a loop written by hand in NumPy, and against PyTorch: same start, same order, same weights."""

import math

import numpy as np
import pytest

from glassnet import SGD, Adagrad, Adam, AdamW, Cosine, Dense, Momentum, NAdam, Nesterov, Network, RMSprop
from glassnet.training.slices import epoch_order
from tolerances import TORCH, relative
from training.problems import Keep, classes, network, vector

EPOCHS, BATCH = 4, 7  # 30 examples: four batches of 7 and one of 2


def by_hand(net, X, y, weights, rule, l2, eta=0.05):
    """Backpropagation for tanh - sigmoid with binary cross-entropy, written out; returns W1, b1, W2, b2."""
    P = [net.parameters[name].copy() for name in ("W1", "b1", "W2", "b2")]
    m, v, t = [p * 0 for p in P], [p * 0 for p in P], 0
    for epoch in range(EPOCHS):
        order = epoch_order(net.seed, epoch, len(X))
        for start in range(0, len(X), BATCH):
            rows = order[start : start + BATCH]
            W1, b1, W2, b2 = P
            x, target, w = X[rows], y[rows, None], weights[rows, None] / weights.mean() / len(rows)
            h = np.tanh(x @ W1.T + b1)
            p = 1 / (1 + np.exp(-(h @ W2.T + b2)))
            delta2 = w * (p - target)
            delta1 = (delta2 @ W2) * (1 - h**2)
            G = [delta1.T @ x + l2 * W1, delta1.sum(0), delta2.T @ h + l2 * W2, delta2.sum(0)]
            t += 1
            if rule == "sgd":
                P = [p - eta * g for p, g in zip(P, G, strict=True)]
                continue
            m = [0.9 * a + 0.1 * g for a, g in zip(m, G, strict=True)]
            v = [0.999 * a + 0.001 * g**2 for a, g in zip(v, G, strict=True)]
            P = [
                p - eta * (a / (1 - 0.9**t)) / (np.sqrt(b / (1 - 0.999**t)) + 1e-8)
                for p, a, b in zip(P, m, v, strict=True)
            ]
    return P


@pytest.mark.parametrize("rule", ["sgd", "adam"])
@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_same_weights_as_a_loop_written_by_hand(rule, l2, weighted):
    X, y = classes(n=30, K=2)
    weights = np.random.default_rng(1).uniform(0.1, 3, 30) if weighted else np.ones(30)
    net = network(X, y, l2=l2)
    expected = by_hand(net, X, y, weights, rule, l2)
    optimizer = SGD(0.05) if rule == "sgd" else Adam(0.05)
    net.fit(X, y, optimizer=optimizer, batch_size=BATCH, epochs=EPOCHS, sample_weight=weights if weighted else None)
    for name, value in zip(("W1", "b1", "W2", "b2"), expected, strict=True):
        assert relative(net.parameters[name], value) < 1e-12, name


def torch_pairs():
    torch = pytest.importorskip("torch")
    o = torch.optim
    return {
        "sgd": (SGD(0.1), lambda p: o.SGD(p, 0.1)),
        "momentum": (Momentum(0.05, momentum=0.8), lambda p: o.SGD(p, 0.05, momentum=0.8)),
        "nesterov": (Nesterov(0.05, momentum=0.8), lambda p: o.SGD(p, 0.05, momentum=0.8, nesterov=True)),
        "adagrad": (Adagrad(0.1), lambda p: o.Adagrad(p, 0.1)),
        "rmsprop": (RMSprop(0.01), lambda p: o.RMSprop(p, 0.01, alpha=0.9)),
        "adam": (Adam(0.01), lambda p: o.Adam(p, 0.01)),
        "adamw": (AdamW(0.01, weight_decay=0.1), lambda p: o.AdamW(p, 0.01, weight_decay=0.1)),
        "nadam": (NAdam(0.01), lambda p: o.NAdam(p, 0.01)),
    }


def torch_loop(net, X, y, weights, make, *, l2=0.0, clip=None, rate=None, decay_biases=False):
    """PyTorch trains the same network; returns its tensors by our names."""
    import torch

    given = {name: torch.tensor(np.array(value), requires_grad=True) for name, value in net.parameters.items()}
    W = [value for name, value in given.items() if name.startswith("W")]
    b = [value for name, value in given.items() if name.startswith("b")]
    rule = make([{"params": W}, {"params": b, "weight_decay": 0.0}])
    X, y, weights = torch.tensor(X), torch.tensor(y), torch.tensor(weights)
    steps = math.ceil(len(X) / BATCH)
    for epoch in range(EPOCHS):
        order = torch.tensor(epoch_order(net.seed, epoch, len(X)))
        for step, start in enumerate(range(0, len(X), BATCH)):
            if rate is not None:
                for group in rule.param_groups:
                    group["lr"] = rate(epoch + step / steps)
            rows = order[start : start + BATCH]
            a = X[rows]
            for number in range(1, len(W)):
                a = torch.tanh(a @ given[f"W{number}"].T + given[f"b{number}"])
            z = a @ W[-1].T + b[-1]
            each = torch.nn.functional.cross_entropy(z, y[rows], reduction="none")
            loss = (each * weights[rows]).sum() / weights.mean() / len(rows)
            loss = loss + l2 / 2 * sum((w**2).sum() for w in W)
            rule.zero_grad()
            loss.backward()
            if clip is not None:
                norm = math.sqrt(sum(float((p.grad**2).sum()) for p in [*W, *b]))
                for p in [*W, *b]:  # PyTorch's own clipping adds 1e-6 to the norm
                    p.grad *= min(1, clip / norm)
            rule.step()
    return {name: value.detach().numpy() for name, value in given.items()}


def deep(seed=3, **options):
    layers = [Dense(6, "tanh"), Dense(5, "tanh"), Dense(3, "softmax")]
    return Network(4, layers, dtype="float64", seed=seed, **options)


def agree(net, theirs, tolerance=TORCH):
    for name, value in theirs.items():
        assert relative(net.parameters[name], value) < tolerance, name


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "nadam"])
def test_every_rule_trains_as_in_pytorch(name):
    ours, make = torch_pairs()[name]
    X, y = classes(n=30)
    weights = np.random.default_rng(1).uniform(0.1, 3, 30)
    net = deep(l2=0.02)
    theirs = torch_loop(net, X, y, weights, make, l2=0.02)
    net.fit(X, y, optimizer=ours, batch_size=BATCH, epochs=EPOCHS, sample_weight=weights)
    agree(net, theirs, 1e-7 if name == "nadam" else TORCH)  # PyTorch keeps NAdam's product of momenta in float32


def test_clipping_and_schedules_as_in_pytorch():
    torch = pytest.importorskip("torch")
    X, y = classes(n=30)
    net, rule = deep(), Cosine(0.5, final=0.01)
    theirs = torch_loop(
        net,
        X,
        y,
        np.ones(30),
        lambda p: torch.optim.SGD(p, 0.5),
        clip=0.2,
        rate=lambda t: 0.01 + (0.5 - 0.01) * (1 + math.cos(math.pi * t / EPOCHS)) / 2,
    )
    net.fit(X, y, optimizer=SGD(rule), batch_size=BATCH, epochs=EPOCHS, clip_norm=0.2)
    agree(net, theirs)


def test_this_comparison_can_fail():
    X, y = classes(n=30)
    ours, make = torch_pairs()["adam"]
    net = deep()
    theirs = torch_loop(net, X, y, np.ones(30), make, l2=1e-7)
    net.fit(X, y, optimizer=ours, batch_size=BATCH, epochs=EPOCHS)
    assert not all(relative(net.parameters[name], value) < TORCH for name, value in theirs.items())


@pytest.mark.parametrize("batch_size", [1, 7, 30, 1000])
def test_stochastic_mini_batch_and_batch_use_every_example_once_an_epoch(batch_size):
    X, y = classes(n=30)
    net = network(X, y)
    theta, eta = vector(net), 0.01
    steps = math.ceil(30 / batch_size)
    seen = []
    engine = net.engine

    class Spy:
        name = engine.name

        def __getattr__(self, name):
            return getattr(engine, name)

        def begin(self, program, state, data):
            self.training = engine.begin(program, state, data)
            return self

        def advance(self, work):
            seen.append(np.arange(30) if work.order is None else work.order.copy())
            return self.training.advance(work)

    net.engine = Spy()
    keep = Keep()
    net.fit(X, y, optimizer=SGD(eta), batch_size=batch_size, epochs=2, callbacks=[keep])
    order = np.concatenate(seen)
    assert keep.run.state.step == 2 * steps
    assert sorted(order[:30].tolist()) == sorted(order[30:].tolist()) == list(range(30))
    if batch_size < 30:
        assert order[:30].tolist() != order[30:].tolist(), "the order is drawn anew each epoch"
    assert not np.array_equal(theta, vector(net))


def test_the_order_is_a_uniform_permutation_of_seed_and_epoch_alone():
    assert np.array_equal(epoch_order(5, 3, 100), epoch_order(5, 3, 100))
    assert not np.array_equal(epoch_order(5, 3, 100), epoch_order(5, 4, 100))
    assert not np.array_equal(epoch_order(5, 3, 100), epoch_order(6, 3, 100))
    places = np.stack([epoch_order(0, epoch, 5) for epoch in range(4000)])
    counts = np.stack([np.bincount(places[:, i], minlength=5) for i in range(5)])
    assert np.all(np.abs(counts - 800) < 6 * np.sqrt(4000 * 0.2 * 0.8)), "each example stands everywhere equally often"


def test_the_history_of_full_batch_descent_is_what_the_formulas_give():
    X, y = classes(n=30, K=2)
    net, other = network(X, y, l2=0.1), network(X, y, l2=0.1)
    held = classes(n=20, K=2, seed=9)
    history = net.fit(X, y, optimizer=SGD(0.1), batch_size=30, epochs=3, validation=held)
    for epoch in range(3):
        loss, gradient = other.loss_and_gradient(X, y)
        shrunk = 0.05 * sum(np.sum(other.parameters[name] ** 2) for name in ("W1", "W2") if name in other.parameters)
        other._theta -= 0.1 * gradient.vector
        p = other.predict(held[0])[:, 0]
        record = history.records[epoch]
        assert record["loss"] == pytest.approx(loss - shrunk, rel=1e-12)
        assert record["penalty"] == pytest.approx(shrunk, rel=1e-12)
        assert record["gradient_norm"] == pytest.approx(np.linalg.norm(gradient.vector), rel=1e-12)
        expected = -np.mean(held[1] * np.log(p) + (1 - held[1]) * np.log(1 - p))
        assert record["validation_loss"] == pytest.approx(expected, rel=1e-12)
        assert record["validation_accuracy"] == np.mean((p > 0.5) == held[1])
        assert record["learning_rate"] == 0.1
        assert record["seconds"] > 0
    names = "loss validation_loss validation_accuracy penalty learning_rate gradient_norm seconds"
    assert list(history) == names.split()
    assert history.stopped == "after 3 epochs"
    assert history.epochs == len(history["loss"]) == 3
