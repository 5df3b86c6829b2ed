"""Initial weights: how widely they spread follows the layer's fan-in and fan-out."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from glassnet.errors import InvalidParameterError
from glassnet.formulas.randomness import generator
from glassnet.formulas.registry import Registry, resolve, spec_text

__all__ = ["INITIALIZERS", "Initializer", "initializer"]


@dataclass(frozen=True)
class Initializer:
    """A rule for initial weights.

    `draw(rng, fan_in, fan_out, *constants)` returns a float64 array (fan_out, fan_in).
    """

    name: str
    draw: Callable[..., np.ndarray]
    latex: str
    source: str
    constants: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    limits: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))

    def weights(self, seed: int, layer: int, fan_in: int, fan_out: int) -> np.ndarray:
        """Draw the weights (fan_out, fan_in) of a layer; they depend on the seed and the layer's number only."""
        return self.draw(generator(seed, "weights", layer), fan_in, fan_out, *self.constants.values())

    def __str__(self) -> str:
        return spec_text(self.name, self.constants)


INITIALIZERS: Registry[Initializer] = Registry("initializer")


def initializer(spec: "str | Initializer", **constants: float) -> Initializer:
    """Look an initializer up by name, alias or spec text.

    >>> initializer("xavier").name
    'glorot_uniform'
    >>> initializer("uniform(low=-0.1, high=0.1)").weights(seed=0, layer=1, fan_in=3, fan_out=2).shape
    (2, 3)
    """
    return resolve(INITIALIZERS, spec, constants)


def _zeros(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    return np.zeros((fan_out, fan_in))


def _uniform(rng: np.random.Generator, fan_in: int, fan_out: int, low: float, high: float) -> np.ndarray:
    if low > high:
        raise InvalidParameterError(f"initializer uniform: low must not be above high, got {low:g} and {high:g}")
    return rng.uniform(low, high, (fan_out, fan_in))


def _normal(rng: np.random.Generator, fan_in: int, fan_out: int, mean: float, std: float) -> np.ndarray:
    return rng.normal(mean, std, (fan_out, fan_in))


def _scaled(variance: Callable[[int, int], float], uniform: bool) -> Callable[..., np.ndarray]:
    """Weights of mean 0 and the given variance; U(-l, l) has variance l^2 / 3."""

    def draw(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
        std = math.sqrt(variance(fan_in, fan_out))
        if uniform:
            return _uniform(rng, fan_in, fan_out, -math.sqrt(3.0) * std, math.sqrt(3.0) * std)
        return _normal(rng, fan_in, fan_out, 0.0, std)

    return draw


def _glorot(fan_in: int, fan_out: int) -> float:
    return 2.0 / (fan_in + fan_out)


def _he(fan_in: int, fan_out: int) -> float:
    return 2.0 / fan_in


def _lecun(fan_in: int, fan_out: int) -> float:
    return 1.0 / fan_in


_GLOROT = "Glorot and Bengio (2010), Understanding the Difficulty of Training Deep Feedforward Neural Networks"
_HE = "He, Zhang, Ren and Sun (2015), Delving Deep into Rectifiers"
_LECUN = "LeCun, Bottou, Orr and Mueller (1998), Efficient BackProp"

for _record, _aliases in (
    (Initializer("zeros", _zeros, r"w = 0", "lecture 5: to be avoided, all units stay alike"), ("zero",)),
    (
        Initializer(
            "uniform",
            _uniform,
            r"w \sim U(l, h)",
            "Rumelhart, Hinton and Williams (1986)",
            MappingProxyType({"low": -0.05, "high": 0.05}),
        ),
        (),
    ),
    (
        Initializer(
            "normal",
            _normal,
            r"w \sim N(\mu, s^2)",
            "Nielsen (2015), Neural Networks and Deep Learning",
            MappingProxyType({"mean": 0.0, "std": 0.05}),
            MappingProxyType({"std": (0.0, 1e6)}),
        ),
        ("gaussian",),
    ),
    (
        Initializer("glorot_uniform", _scaled(_glorot, True), r"w \sim U(\pm\sqrt{6 / (n_{in} + n_{out})})", _GLOROT),
        ("glorot", "xavier", "xavier_uniform"),
    ),
    (
        Initializer("glorot_normal", _scaled(_glorot, False), r"w \sim N(0, 2 / (n_{in} + n_{out}))", _GLOROT),
        ("xavier_normal",),
    ),
    (
        Initializer("he_uniform", _scaled(_he, True), r"w \sim U(\pm\sqrt{6 / n_{in}})", _HE),
        ("kaiming_uniform",),
    ),
    (
        Initializer("he_normal", _scaled(_he, False), r"w \sim N(0, 2 / n_{in})", _HE),
        ("he", "kaiming", "kaiming_normal"),
    ),
    (
        Initializer("lecun_uniform", _scaled(_lecun, True), r"w \sim U(\pm\sqrt{3 / n_{in}})", _LECUN),
        (),
    ),
    (
        Initializer("lecun_normal", _scaled(_lecun, False), r"w \sim N(0, 1 / n_{in})", _LECUN),
        ("lecun",),
    ),
):
    INITIALIZERS.add(_record.name, _record, _aliases)
