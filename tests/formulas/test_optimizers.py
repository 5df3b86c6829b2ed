"""Every update rule against torch.optim through the update pass; decay, freezing and clipping."""

import numpy as np
import pytest

from glassnet import OPTIMIZERS, Architecture, Dense, InvalidParameterError, optimizer
from glassnet.formulas.optimizers import SGD, Adam, AdamW, Momentum, NAdam, RMSprop
from glassnet.formulas.schedules import Cosine, Step
from glassnet.network.parameters import parameter_layout
from glassnet.network.updates import clip_gradient, gradient_norm, update
from tolerances import TRAJECTORY, relative

NET = Architecture(3, (Dense(4, "tanh"), Dense(2)), dtype="float64")
LAYOUT = parameter_layout(NET)
RULES = {
    "sgd": lambda o, p: o.SGD(p, lr=0.05),
    "momentum": lambda o, p: o.SGD(p, lr=0.05, momentum=0.8),
    "nesterov": lambda o, p: o.SGD(p, lr=0.05, momentum=0.8, nesterov=True),
    "adagrad": lambda o, p: o.Adagrad(p, lr=0.05),
    "rmsprop": lambda o, p: o.RMSprop(p, lr=0.05, alpha=0.9),
    "adam": lambda o, p: o.Adam(p, lr=0.05, betas=(0.85, 0.97)),
    "adamw": lambda o, p: o.AdamW(p, lr=0.05, betas=(0.85, 0.97), weight_decay=0.1),
    "nadam": lambda o, p: o.NAdam(p, lr=0.05, betas=(0.85, 0.97)),
}
OURS = {
    "momentum": {"momentum": 0.8},
    "nesterov": {"momentum": 0.8},
    "adam": {"beta_1": 0.85, "beta_2": 0.97},
    "adamw": {"beta_1": 0.85, "beta_2": 0.97, "weight_decay": 0.1},
    "nadam": {"beta_1": 0.85, "beta_2": 0.97},
}


class Ours:
    """The update pass with its state, over a whole parameter vector."""

    def __init__(self, rule, net=NET, dtype=np.float64, seed=0):
        self.rule, self.net = rule, net
        self.theta = np.random.default_rng(seed).normal(size=LAYOUT.size).astype(dtype)
        self.slots = np.zeros((len(rule.slots), LAYOUT.size), dtype)
        self.carried = np.array(rule.carried, np.float64)

    def step(self, gradient, eta=None):
        eta = self.rule.learning_rate if eta is None else eta
        update(self.net, self.rule, self.theta, gradient, self.slots, self.carried, eta, self.rule.weight_decay)


def gradients(kind, seed=1):
    """A function (theta, step) -> gradient: of a random convex quadratic, or random numbers."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(LAYOUT.size, LAYOUT.size))
    A, c = A @ A.T / LAYOUT.size, rng.normal(size=LAYOUT.size)
    noise = rng.normal(size=(50, LAYOUT.size))
    return (lambda theta, t: A @ (theta - c)) if kind == "quadratic" else (lambda theta, t: noise[t])


def torch_run(torch, name, kind, start, steps=50):
    parameters = [torch.tensor(start[s.start : s.stop].copy(), requires_grad=True) for s in LAYOUT.slices]
    weights = [p for p, s in zip(parameters, LAYOUT.slices, strict=True) if s.is_weight]
    others = [p for p, s in zip(parameters, LAYOUT.slices, strict=True) if not s.is_weight]
    groups = [{"params": weights}, {"params": others, "weight_decay": 0.0}]
    rule, gradient = RULES[name](torch.optim, groups), gradients(kind)
    for t in range(steps):
        flat = gradient(np.concatenate([p.detach().numpy() for p in parameters]), t)
        for p, s in zip(parameters, LAYOUT.slices, strict=True):
            p.grad = torch.tensor(flat[s.start : s.stop])
        rule.step()
    return np.concatenate([p.detach().numpy() for p in parameters])


@pytest.mark.parametrize("kind", ["quadratic", "random"])
@pytest.mark.parametrize("name", RULES)
def test_fifty_steps_against_torch(name, kind, request):
    torch = pytest.importorskip("torch")
    mine = Ours(optimizer(name, learning_rate=0.05, **OURS.get(name, {})))
    before = torch.get_default_dtype()
    request.addfinalizer(lambda: torch.set_default_dtype(before))
    torch.set_default_dtype(torch.float64)  # else NAdam keeps its product of momenta in float32
    expected, gradient = torch_run(torch, name, kind, mine.theta), gradients(kind)
    start = mine.theta.copy()
    for t in range(50):
        mine.step(gradient(mine.theta, t))
    assert relative(mine.theta, expected) <= TRAJECTORY
    assert relative(mine.theta, start) > 0.01


def theirs(name):
    """scikit-learn's own optimizers, and the rules here that are to equal them."""
    from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

    if name == "adam":
        make = lambda p: AdamOptimizer(p, 0.05, 0.85, 0.97, 1e-3)  # noqa: E731
        return make, optimizer("adam(0.05, beta_1=0.85, beta_2=0.97, epsilon=1e-3, epsilon_hat=True)")
    make = lambda p: SGDOptimizer(p, 0.05, "constant", 0.8, name == "nesterov")  # noqa: E731
    return make, optimizer(f"{name}(0.05, momentum=0.8, rate_inside=True)")


@pytest.mark.parametrize("name", ["momentum", "nesterov", "adam"])
def test_fifty_steps_against_scikit_learn_with_changing_rates(name):
    make, rule = theirs(name)
    mine, gradient = Ours(rule), gradients("quadratic")
    vector = mine.theta.copy()
    other = make([vector])
    for t in range(50):
        rate = 0.05 if name == "adam" else 0.05 / (1 + t)
        other.learning_rate = rate
        other.update_params([vector], [gradient(vector, t)])
        mine.step(gradient(mine.theta, t), rate)
    assert relative(mine.theta, vector) <= TRAJECTORY
    plain = Ours(optimizer(name, learning_rate=0.05, **OURS[name]))
    for t in range(50):
        plain.step(gradient(plain.theta, t), 0.05 if name == "adam" else 0.05 / (1 + t))
    assert not relative(plain.theta, vector) <= TRAJECTORY


def test_torch_covers_every_rule():
    assert set(RULES) == set(OPTIMIZERS)


def test_a_wrong_constant_is_caught():
    torch = pytest.importorskip("torch")
    mine = Ours(Adam(0.05, beta_1=0.85, beta_2=0.9701))
    expected, gradient = torch_run(torch, "adam", "quadratic", mine.theta), gradients("quadratic")
    for t in range(50):
        mine.step(gradient(mine.theta, t))
    assert not relative(mine.theta, expected) <= TRAJECTORY


@pytest.mark.parametrize("cls", OPTIMIZERS.values(), ids=lambda c: c.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_rule_goes_downhill_and_keeps_dtype(cls, dtype):
    mine, gradient = Ours(cls(0.02), dtype=dtype), gradients("quadratic")
    before = gradient_norm(gradient(mine.theta, 0))
    for _ in range(300):
        mine.step(gradient(mine.theta, 0).astype(dtype))
    assert gradient_norm(gradient(mine.theta, 0)) < 0.7 * before
    assert mine.theta.dtype == mine.slots.dtype == dtype


def test_first_steps_by_hand():
    """Adam's first step is eta in each direction; RMSprop's eta / sqrt(1 - rho); momentum's second adds mu."""
    g = np.where(np.arange(LAYOUT.size) % 2, 3.0, -0.2)
    for rule, size in ((Adam(0.1), 0.1), (RMSprop(0.1, rho=0.75), 0.2)):
        mine = Ours(rule)
        start = mine.theta.copy()
        mine.step(g)
        assert np.allclose(start - mine.theta, size * np.sign(g), rtol=1e-6)
    mine = Ours(Momentum(0.1, momentum=0.5))
    start = mine.theta.copy()
    mine.step(g)
    mine.step(g)
    assert np.allclose(start - mine.theta, 0.1 * g * (1 + 1.5))


@pytest.mark.parametrize("cls", OPTIMIZERS.values(), ids=lambda c: c.name)
def test_decay_shrinks_weights_only_and_stands_outside_the_gradient(cls):
    plain, decayed = Ours(cls(0.1, weight_decay=0.0)), Ours(cls(0.1, weight_decay=0.5))
    start, g = plain.theta.copy(), gradients("random")(None, 0)
    plain.step(g)
    decayed.step(g)
    for s in LAYOUT.slices:
        shrunk = 0.1 * 0.5 * start[s.start : s.stop] if s.is_weight else 0.0
        expected = plain.theta[s.start : s.stop] - shrunk
        assert relative(decayed.theta[s.start : s.stop], expected) <= 1e-14
    assert np.array_equal(plain.slots, decayed.slots)


@pytest.mark.parametrize("cls", OPTIMIZERS.values(), ids=lambda c: c.name)
def test_frozen_tensors_are_untouched(cls):
    frozen = Architecture(3, (Dense(4, "tanh"), Dense(2)), dtype="float64", frozen=("W1", "b2"))
    held, free = Ours(cls(0.1, weight_decay=0.2), frozen), Ours(cls(0.1, weight_decay=0.2))
    start = held.theta.copy()
    for t in range(3):
        g = gradients("random")(None, t)
        held.step(g)
        free.step(g)
    for s in LAYOUT.slices:
        part = slice(s.start, s.stop)
        if s.name in ("W1", "b2"):
            assert np.array_equal(held.theta[part], start[part]) and not held.slots[:, part].any()
        else:
            assert np.array_equal(held.theta[part], free.theta[part])
            assert not np.any(held.theta[part] == start[part])


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_clipping_against_torch(scale):
    torch = pytest.importorskip("torch")
    g = np.random.default_rng(5).normal(size=200) * scale
    for limit in (0.01 * scale, 5.0, 1e9):
        mine, theirs = g.copy(), torch.zeros(200, dtype=torch.float64, requires_grad=True)
        theirs.grad = torch.tensor(g.copy())
        clip_gradient(mine, gradient_norm(mine), limit, None)
        norm = torch.nn.utils.clip_grad_norm_([theirs], limit)
        assert float(norm) == pytest.approx(gradient_norm(g), rel=1e-12)
        # PyTorch divides by norm + 1e-6
        assert relative(mine, theirs.grad.numpy()) <= 2e-6 / gradient_norm(g)
        assert gradient_norm(mine) <= limit * (1 + 1e-12)
        mine, theirs.grad = g.copy(), torch.tensor(g.copy())
        clip_gradient(mine, gradient_norm(mine), None, limit)
        torch.nn.utils.clip_grad_value_([theirs], limit)
        assert np.array_equal(mine, theirs.grad.numpy())


def test_clipping_by_value_then_by_norm():
    g = np.array([30.0, -40.0, 0.5])
    clip_gradient(g, gradient_norm(g), 1.0, 4.0)
    assert relative(g, np.array([4, -4, 0.5]) / np.sqrt(32.25)) <= 1e-14


def test_gradient_norm_is_added_up_in_float64():
    assert gradient_norm(np.full(4, 1e30, np.float32)) == pytest.approx(2e30)
    assert np.isnan(gradient_norm(np.array([1.0, np.nan])))


@pytest.mark.parametrize("cls", OPTIMIZERS.values(), ids=lambda c: c.name)
def test_spec_text_round_trip(cls):
    for rule in (cls(), cls(0.25), cls(np.float32(0.5)), cls(Cosine(0.1)), cls(0.1, Step(0.2, factor=0.3, every=2))):
        assert optimizer(str(rule)) == rule
        assert "np." not in str(rule)
    assert optimizer(f"{cls.name}(cosine(0.1))") == cls(Cosine(0.1))
    assert optimizer(cls.name, learning_rate=0.3).learning_rate == 0.3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), "sgd: learning_rate must be a number >= 0, got -0.1"),
        (lambda: SGD(float("nan")), "sgd: learning_rate"),
        (lambda: AdamW(weight_decay=-1), "adamw: weight_decay"),
        (lambda: Adam(beta_1=1.0), "adam: beta_1 must be a number >= 0 and < 1, got 1.0"),
        (lambda: Momentum(momentum=1.1), "momentum: momentum"),
        (lambda: Momentum(rate_inside=1), "momentum: rate_inside must be True or False"),
        (lambda: optimizer("adam(epsilon_hat=0.1)"), "adam: epsilon_hat must be True or False"),
        (lambda: RMSprop(rho=-0.1), "rmsprop: rho"),
        (lambda: NAdam(momentum_decay=-1), "nadam: momentum_decay"),
        (lambda: Adam(epsilon="small"), "adam: epsilon"),
        (lambda: optimizer("adam(0.1, beta=3)"), "adam takes learning_rate, weight_decay, beta_1"),
        (lambda: optimizer("sgd(1, 2, 3)"), "sgd takes learning_rate, weight_decay"),
        (lambda: optimizer("adamm"), "unknown optimizer 'adamm'; did you mean 'adam'?"),
        (lambda: optimizer(None), "cannot read optimizer None"),
        (lambda: SGD("cosine"), "of which initial is needed"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(InvalidParameterError) as caught:
        make()
    assert message in str(caught.value)
