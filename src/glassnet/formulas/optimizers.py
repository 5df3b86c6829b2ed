"""Optimizers: update rules on one flat vector of parameters theta, given its gradient g.

A rule has three parts, each a plain function of numbers:

* `carry(carried, *constants)`: numbers that change by the step alone, such as beta^t (float64);
* `coefficients(eta, carried, *constants)`: all that does not depend on the element, once a step (float64);
* `update(theta, g, slots, coefficients)` -> (theta, slots): the elementwise rule itself, in the dtype of theta.

NumPy runs `update` on the whole vector; Numba compiles the same function for one element.
"""

# pyright: reportMissingParameterType=false

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, ClassVar

from glassnet.errors import InvalidParameterError
from glassnet.formulas.elementary import sqrt
from glassnet.formulas.registry import Registry, check_number, parse_spec, spec_text
from glassnet.formulas.schedules import Schedule, schedule

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Momentum",
    "NAdam",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "optimizer",
]


@dataclass(frozen=True)
class Optimizer:
    """Base class of the first-order rules.

    Attributes
    ----------
    learning_rate : float or Schedule
        eta of each step; a schedule may also be given as its text.
    weight_decay : float or Schedule
        Decoupled decay: weights (never biases) shrink by theta <- theta - eta * weight_decay * theta before each
        update, outside the gradient (Loshchilov and Hutter, 2019). For lambda/2 |W|^2 in the loss, see `l2`.
    slots : tuple of str
        Names of the vectors of parameter length that the rule keeps.
    carried : tuple of float
        Initial values of the numbers that `carry` advances.
    corrected : mapping
        Slot -> which carried number c corrects its bias, slot / (1 - c). With corrected slots in their place the rule
        is the one for c = 0.
    """

    learning_rate: float | Schedule = 0.01
    weight_decay: float | Schedule = 0.0
    name: ClassVar[str] = ""
    latex: ClassVar[str] = ""
    source: ClassVar[str] = ""
    slots: ClassVar[tuple[str, ...]] = ()
    carried: ClassVar[tuple[float, ...]] = ()
    corrected: ClassVar[Mapping[str, int]] = MappingProxyType({})
    carry: ClassVar[Callable[..., tuple[float, ...]]]
    coefficients: ClassVar[Callable[..., tuple[float, ...]]]
    update: ClassVar[Callable[..., tuple[Any, tuple[Any, ...]]]]

    def __post_init__(self) -> None:
        for name in ("learning_rate", "weight_decay"):
            value: Any = getattr(self, name)
            if isinstance(value, str):
                value = schedule(value)
            elif not isinstance(value, Schedule):
                value = check_number(self.name, name, value, 0)
            object.__setattr__(self, name, value)
        for name, value in self.constants.items():
            if name in ("rate_inside", "epsilon_hat"):
                if not isinstance(value, bool):
                    raise InvalidParameterError(f"{self.name}: {name} must be True or False, got {value!r}")
                continue
            share = name.startswith(("beta", "momentum", "rho")) and name != "momentum_decay"
            below_one = share and name != "momentum"
            number = check_number(self.name, name, value, 0, 1 if share else float("inf"), open_high=below_one)
            object.__setattr__(self, name, number)

    @property
    def constants(self) -> dict[str, float]:
        """The rule's own numbers and choices: all fields but learning rate and weight decay."""
        names = [item.name for item in fields(self) if item.name not in ("learning_rate", "weight_decay")]
        return {name: getattr(self, name) for name in names}

    @property
    def corrections(self) -> Mapping[str, int]:
        """`corrected`, or nothing where epsilon-hat moves the corrections into the learning rate."""
        return {} if self.constants.get("epsilon_hat") else self.corrected

    def __str__(self) -> str:
        return spec_text(self.name, {item.name: _plain(getattr(self, item.name)) for item in fields(self)})


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Schedule) else value


OPTIMIZERS: Registry[type[Optimizer]] = Registry("optimizer")


def optimizer(spec: "str | Optimizer", **options: Any) -> Optimizer:
    """Look an optimizer up by name or spec text, with its numbers set.

    >>> optimizer("adam", learning_rate=0.01).learning_rate
    0.01
    >>> optimizer("momentum(0.1, momentum=0.5)")
    Momentum(learning_rate=0.1, weight_decay=0.0, momentum=0.5, rate_inside=False)
    """
    if isinstance(spec, Optimizer):
        return spec
    name, positional, named = parse_spec(spec, OPTIMIZERS.kind)
    cls = OPTIMIZERS[name]
    try:
        return cls(*positional, **{**named, **options})
    except TypeError:
        names = ", ".join(item.name for item in fields(cls))
        raise InvalidParameterError(f"optimizer '{spec}': {cls.name} takes {names}") from None


def _optimizer(name: str, *aliases: str) -> Callable[[type[Any]], type[Any]]:
    def register(cls: type[Optimizer]) -> type[Optimizer]:
        cls.name = name
        OPTIMIZERS.add(name, cls, aliases)
        return cls

    return register


# --- the formulas -----------------------------------------------------------------------------------------------


def nothing(carried, *constants):
    return carried


def sgd_coefficients(eta, carried):
    return (eta,)


def sgd(theta, g, slots, coefficients):
    (eta,) = coefficients
    return theta - eta * g, slots


def momentum_coefficients(eta, carried, momentum, rate_inside):
    return (1.0, eta, momentum) if rate_inside else (eta, 1.0, momentum)


def heavy_ball(theta, g, slots, coefficients):
    (v,) = slots
    outside, inside, mu = coefficients  # one is eta, the other 1
    v = mu * v + inside * g
    return theta - outside * v, (v,)


def nesterov(theta, g, slots, coefficients):
    (v,) = slots
    outside, inside, mu = coefficients
    g = inside * g
    v = mu * v + g
    return theta - outside * (g + mu * v), (v,)


def adagrad_coefficients(eta, carried, epsilon):
    return eta, epsilon


def adagrad(theta, g, slots, coefficients):
    (s,) = slots
    eta, epsilon = coefficients
    s = s + g * g
    return theta - eta * g / (sqrt(s) + epsilon), (s,)


def rmsprop_coefficients(eta, carried, rho, epsilon):
    return eta, rho, 1.0 - rho, epsilon


def rmsprop(theta, g, slots, coefficients):
    (s,) = slots
    eta, rho, rest, epsilon = coefficients
    s = rho * s + rest * g * g
    return theta - eta * g / (sqrt(s) + epsilon), (s,)


def adam_carry(carried, beta_1, beta_2, epsilon, epsilon_hat):
    power_1, power_2 = carried
    return power_1 * beta_1, power_2 * beta_2


def adam_coefficients(eta, carried, beta_1, beta_2, epsilon, epsilon_hat):
    power_1, power_2 = carried  # beta_1^t, beta_2^t
    rate = eta / (1.0 - power_1)
    correction = 1.0 / (1.0 - power_2)
    if epsilon_hat:  # the correction of v goes into the rate, and epsilon stays as it is
        rate, correction = rate * math.sqrt(1.0 - power_2), 1.0
    return rate, correction, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2, epsilon


def adam(theta, g, slots, coefficients):
    m, v = slots
    rate, correction, beta_1, rest_1, beta_2, rest_2, epsilon = coefficients
    m = beta_1 * m + rest_1 * g
    v = beta_2 * v + rest_2 * g * g
    return theta - rate * m / (sqrt(v * correction) + epsilon), (m, v)


def nadam_carry(carried, beta_1, beta_2, epsilon, momentum_decay):
    mu_product, mu, mu_next, power_2, t = carried
    t = t + 1.0
    mu = beta_1 * (1.0 - 0.5 * 0.96 ** (t * momentum_decay))
    mu_next = beta_1 * (1.0 - 0.5 * 0.96 ** ((t + 1.0) * momentum_decay))
    return mu_product * mu, mu, mu_next, power_2 * beta_2, t


def nadam_coefficients(eta, carried, beta_1, beta_2, epsilon, momentum_decay):
    mu_product, mu, mu_next, power_2, _ = carried
    rate_g = eta * (1.0 - mu) / (1.0 - mu_product)
    rate_m = eta * mu_next / (1.0 - mu_product * mu_next)
    correction = 1.0 / (1.0 - power_2)
    return rate_g, rate_m, correction, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2, epsilon


def nadam(theta, g, slots, coefficients):
    m, v = slots
    rate_g, rate_m, correction, beta_1, rest_1, beta_2, rest_2, epsilon = coefficients
    m = beta_1 * m + rest_1 * g
    v = beta_2 * v + rest_2 * g * g
    return theta - (rate_g * g + rate_m * m) / (sqrt(v * correction) + epsilon), (m, v)


@_optimizer("sgd", "gradient_descent", "gd")
@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: theta <- theta - eta g. With batches of one it is stochastic, with all examples batch GD.

    >>> SGD(0.5)
    SGD(learning_rate=0.5, weight_decay=0.0)
    """

    latex: ClassVar[str] = r"\theta \leftarrow \theta - \eta g"
    source: ClassVar[str] = "lecture 23, gradient-based optimization"
    carry = staticmethod(nothing)
    coefficients = staticmethod(sgd_coefficients)
    update = staticmethod(sgd)


@_optimizer("momentum", "sgd_momentum")
@dataclass(frozen=True)
class Momentum(Optimizer):
    """Heavy ball: v <- mu v + g, theta <- theta - eta v.

    With `rate_inside` v <- mu v + eta g, theta <- theta - v, as in scikit-learn: the same as long as eta is, but steps
    that v remembers keep the learning rate at which they were taken. `momentum` is mu, in [0, 1].

    >>> Momentum(0.1).momentum
    0.9
    """

    momentum: float = 0.9
    rate_inside: bool = False
    latex: ClassVar[str] = r"v \leftarrow \mu v + g, \quad \theta \leftarrow \theta - \eta v"
    source: ClassVar[str] = "Polyak (1964); in PyTorch's form, with eta outside of v"
    slots: ClassVar[tuple[str, ...]] = ("v",)
    carry = staticmethod(nothing)
    coefficients = staticmethod(momentum_coefficients)
    update = staticmethod(heavy_ball)


@_optimizer("nesterov", "nag")
@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Momentum that looks ahead: v <- mu v + g, theta <- theta - eta (g + mu v).

    `momentum` is mu, in [0, 1]; `rate_inside` as in `Momentum`.

    >>> Nesterov(0.1).slots
    ('v',)
    """

    momentum: float = 0.9
    rate_inside: bool = False
    latex: ClassVar[str] = r"v \leftarrow \mu v + g, \quad \theta \leftarrow \theta - \eta (g + \mu v)"
    source: ClassVar[str] = "Nesterov (1983); Sutskever et al. (2013)"
    slots: ClassVar[tuple[str, ...]] = ("v",)
    carry = staticmethod(nothing)
    coefficients = staticmethod(momentum_coefficients)
    update = staticmethod(nesterov)


@_optimizer("adagrad")
@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Steps shrink with the sum of squared gradients: s <- s + g^2, theta <- theta - eta g / (sqrt(s) + epsilon).

    >>> Adagrad().epsilon
    1e-10
    """

    epsilon: float = 1e-10
    latex: ClassVar[str] = r"s \leftarrow s + g^2, \quad \theta \leftarrow \theta - \eta g / (\sqrt{s} + \epsilon)"
    source: ClassVar[str] = "Duchi, Hazan and Singer (2011)"
    slots: ClassVar[tuple[str, ...]] = ("s",)
    carry = staticmethod(nothing)
    coefficients = staticmethod(adagrad_coefficients)
    update = staticmethod(adagrad)


@_optimizer("rmsprop")
@dataclass(frozen=True)
class RMSprop(Optimizer):
    """As Adagrad with a fading sum: s <- rho s + (1 - rho) g^2.

    `rho` in [0, 1) is the share of the old sum that stays; `epsilon` keeps the division finite.

    >>> RMSprop().rho
    0.9
    """

    learning_rate: float | Schedule = 0.001
    rho: float = 0.9
    epsilon: float = 1e-8
    latex: ClassVar[str] = (
        r"s \leftarrow \rho s + (1 - \rho) g^2, \quad \theta \leftarrow \theta - \eta g / (\sqrt{s} + \epsilon)"
    )
    source: ClassVar[str] = "Tieleman and Hinton (2012), COURSERA lecture 6.5"
    slots: ClassVar[tuple[str, ...]] = ("s",)
    carry = staticmethod(nothing)
    coefficients = staticmethod(rmsprop_coefficients)
    update = staticmethod(rmsprop)


@_optimizer("adam")
@dataclass(frozen=True)
class Adam(Optimizer):
    """Momentum and RMSprop with bias correction.

    m <- beta_1 m + (1 - beta_1) g, v <- beta_2 v + (1 - beta_2) g^2,
    theta <- theta - eta m_hat / (sqrt(v_hat) + epsilon), m_hat = m / (1 - beta_1^t), v_hat = v / (1 - beta_2^t).

    With `epsilon_hat` epsilon is the paper's epsilon-hat, the quicker form at the end of its section 2, as in
    scikit-learn: theta <- theta - eta sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon).

    >>> Adam(1e-3).beta_2
    0.999
    """

    learning_rate: float | Schedule = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    epsilon_hat: bool = False
    latex: ClassVar[str] = (
        r"m \leftarrow \beta_1 m + (1 - \beta_1) g, \; v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \;"
        r"\theta \leftarrow \theta - \eta \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}"
    )
    source: ClassVar[str] = "Kingma and Ba (2015)"
    slots: ClassVar[tuple[str, ...]] = ("m", "v")
    carried: ClassVar[tuple[float, ...]] = (1.0, 1.0)
    corrected: ClassVar[Mapping[str, int]] = MappingProxyType({"m": 0, "v": 1})
    carry = staticmethod(adam_carry)
    coefficients = staticmethod(adam_coefficients)
    update = staticmethod(adam)


@_optimizer("adamw")
@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay on by default (on weights only; PyTorch's decays biases as well).

    `beta_1`, `beta_2`, `epsilon` and `epsilon_hat` as in `Adam`; `weight_decay` is the decay a step and unit of
    learning rate.

    >>> AdamW().weight_decay
    0.01
    """

    learning_rate: float | Schedule = 0.001
    weight_decay: float | Schedule = 0.01
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    epsilon_hat: bool = False
    latex: ClassVar[str] = r"\theta \leftarrow \theta - \eta \lambda \theta, \text{ then Adam}"
    source: ClassVar[str] = "Loshchilov and Hutter (2019)"
    slots: ClassVar[tuple[str, ...]] = ("m", "v")
    carried: ClassVar[tuple[float, ...]] = (1.0, 1.0)
    corrected: ClassVar[Mapping[str, int]] = MappingProxyType({"m": 0, "v": 1})
    carry = staticmethod(adam_carry)
    coefficients = staticmethod(adam_coefficients)
    update = staticmethod(adam)


@_optimizer("nadam")
@dataclass(frozen=True)
class NAdam(Optimizer):
    """Adam with Nesterov's look-ahead and a momentum that warms up, mu_t = beta_1 (1 - 0.96^(t psi) / 2).

    `beta_1`, `beta_2` and `epsilon` as in `Adam`; psi is `momentum_decay`.

    >>> NAdam().momentum_decay
    0.004
    """

    learning_rate: float | Schedule = 0.002
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    momentum_decay: float = 0.004
    latex: ClassVar[str] = (
        r"\theta \leftarrow \theta - \frac{\eta}{\sqrt{\hat v} + \epsilon} "
        r"\Bigl(\frac{(1 - \mu_t) g}{1 - \prod_{i \le t} \mu_i} + \frac{\mu_{t+1} m}{1 - \prod_{i \le t+1} \mu_i}\Bigr)"
    )
    source: ClassVar[str] = "Dozat (2016)"
    slots: ClassVar[tuple[str, ...]] = ("m", "v")
    carried: ClassVar[tuple[float, ...]] = (1.0, 0.0, 0.0, 1.0, 0.0)
    corrected: ClassVar[Mapping[str, int]] = MappingProxyType({"v": 3})
    carry = staticmethod(nadam_carry)
    coefficients = staticmethod(nadam_coefficients)
    update = staticmethod(nadam)
