"""What a network is, as data: frozen layer specs, validated once, JSON in and out.

Layers with weights count from 1 to L; dropout and randomized activations stand between them and have no number of
their own: they act on the activations of the layer before them (or on the input, as layer 0).
"""

import math
from functools import lru_cache
from numbers import Integral
from typing import Any, Literal, TypeAlias

import msgspec

from glassnet.errors import ArchitectureError
from glassnet.formulas.activations import ACTIVATIONS, Activation, activation
from glassnet.formulas.initializers import initializer
from glassnet.formulas.losses import LOSSES, Loss, default_loss, loss
from glassnet.formulas.ranges import UNIT
from glassnet.formulas.registry import check_number
from glassnet.formulas.schedules import Schedule, schedule

__all__ = ["Architecture", "BatchNorm", "Dense", "Dropout", "Layer", "RandomizedLeakyReLU"]

_activation, _loss = lru_cache(activation), lru_cache(loss)  # asked for at every step
ACTIVATIONS.on_change.append(_activation.cache_clear)
LOSSES.on_change.append(_loss.cache_clear)
LIMIT_UNITS = 1_000_000
LIMIT_PARAMETERS = 2**31


class BatchNorm(
    msgspec.Struct, frozen=True, tag="batch_norm", tag_field="kind", forbid_unknown_fields=True, repr_omit_defaults=True
):
    """Batch normalization of the pre-activation: gamma (z - mean) / sqrt(var + epsilon) + beta.

    In training mean and var are the batch's (var over n); in prediction they are running averages, updated by
    `running <- (1 - momentum) running + momentum batch` (with the batch's variance over n - 1). The layer's own
    bias is left out: beta takes its place. As in PyTorch.

    Source: Ioffe and Szegedy (2015).

    >>> BatchNorm().momentum
    0.1
    """

    momentum: float = 0.1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        put = msgspec.structs.force_setattr
        put(self, "momentum", check_number("BatchNorm", "momentum", self.momentum, 0, 1))
        put(self, "epsilon", check_number("BatchNorm", "epsilon", self.epsilon, 0, open_low=True))


class Dense(
    msgspec.Struct, frozen=True, tag="dense", tag_field="kind", forbid_unknown_fields=True, repr_omit_defaults=True
):
    """A fully connected layer: z = W a + b, a = g(z), with W (units, inputs) and b (units,).

    Parameters
    ----------
    units : int
        Number of neurons.
    activation : str or Activation
        g, such as "relu" or "leaky_relu(alpha=0.2)".
    norm : BatchNorm, optional
        Normalizes z before the activation.
    bias : bool
        Whether the layer has b.
    initializer : str, optional
        Initial weights; by default what suits the activation (He for rectifiers, Glorot else). Biases start at 0.

    >>> Dense(64, "relu")
    Dense(units=64, activation='relu')
    """

    units: int
    activation: str = "identity"
    norm: BatchNorm | None = None
    bias: bool = True
    initializer: str | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "units", _check_units("Dense", "units", self.units))
        msgspec.structs.force_setattr(self, "activation", str(activation(self.activation)))
        if self.initializer is not None:
            msgspec.structs.force_setattr(self, "initializer", str(initializer(self.initializer)))
        if self.norm is not None and not isinstance(self.norm, BatchNorm):
            raise ArchitectureError(f"Dense: norm must be BatchNorm() or None, got {self.norm!r}")
        if not isinstance(self.bias, bool):
            raise ArchitectureError(f"Dense: bias must be True or False, got {self.bias!r}")

    @property
    def g(self) -> Activation:
        """The activation's record."""
        return _activation(self.activation)

    @property
    def has_bias(self) -> bool:
        """Whether there is a b: asked for, and not replaced by the normalization's beta."""
        return self.bias and self.norm is None


class Dropout(
    msgspec.Struct, frozen=True, tag="dropout", tag_field="kind", forbid_unknown_fields=True, repr_omit_defaults=True
):
    """In training, each activation of the layer before is 0 with probability `rate`, else divided by 1 - rate.

    Source: Srivastava et al. (2014), in its inverted form: prediction needs no scaling.

    Parameters
    ----------
    rate : float or Schedule
        Probability to drop, in [0, 1).

    >>> Dropout(0.2).rate
    0.2
    """

    rate: float | str = 0.5

    def __post_init__(self) -> None:
        rate: Any = self.rate
        if isinstance(rate, Schedule | str):
            rate = schedule(rate)
            check_number("Dropout", "rate", rate.initial, 0, 1, open_high=True)
            msgspec.structs.force_setattr(self, "rate", str(rate))
        else:
            msgspec.structs.force_setattr(self, "rate", check_number("Dropout", "rate", rate, 0, 1, open_high=True))

    @property
    def schedule(self) -> Schedule:
        """The rate as a schedule."""
        return schedule(self.rate)


class RandomizedLeakyReLU(
    msgspec.Struct, frozen=True, tag="rrelu", tag_field="kind", forbid_unknown_fields=True, repr_omit_defaults=True
):
    """Leaky ReLU whose slope below 0 is drawn from U(lower, upper) in training, and is its mean in prediction.

    It acts on the layer before, which should have the identity activation.

    Source: Xu, Wang, Chen and Li (2015), Empirical Evaluation of Rectified Activations.

    >>> RandomizedLeakyReLU().lower
    0.125
    """

    lower: float = 0.125
    upper: float = 1 / 3

    def __post_init__(self) -> None:
        put = msgspec.structs.force_setattr
        put(self, "lower", check_number("RandomizedLeakyReLU", "lower", self.lower, 0))
        put(self, "upper", check_number("RandomizedLeakyReLU", "upper", self.upper, self.lower))


Layer: TypeAlias = Dense | Dropout | RandomizedLeakyReLU


class Architecture(msgspec.Struct, frozen=True, forbid_unknown_fields=True, repr_omit_defaults=True):
    """Inputs, layers and the objective that they are trained for.

    The objective is J = L + l1 sum |W| + (l2 / 2) sum W^2, with L the reduced loss; biases, gamma and beta are
    never penalized. With `average_penalty` both penalties are divided by the number m of examples of the pass, the
    lectures' lambda / 2m: then they belong to the sum over the examples, and a larger data set outweighs them.

    Parameters
    ----------
    inputs : int
        Number of input features d.
    layers : sequence of Dense, Dropout, RandomizedLeakyReLU
        The last one is Dense.
    loss : str or Loss, optional
        By default the one whose link the output activation is.
    reduction : {"mean", "sum"}
        How examples are added up: the (weighted) mean, or the (weighted) sum.
    l1, l2 : float
        Strength of the penalties.
    average_penalty : bool
        Divide the penalties by the number of examples of each pass: of the batch, in training.
    label_smoothing : float
        epsilon: targets of a cross-entropy move to (1 - epsilon) y + epsilon / K (binary: K = 2).
    frozen : sequence of str
        Tensors that training leaves alone ("W1", "b2"), or whole layers by number ("1").
    dtype : {"float32", "float64"}
        Of parameters and arithmetic.

    Raises
    ------
    ArchitectureError
        If the parts do not make a network together.

    >>> net = Architecture(3, (Dense(4, "relu"), Dense(3, "relu"), Dense(1, "sigmoid")))
    >>> net.loss, net.sizes
    ('binary_cross_entropy', (3, 4, 3, 1))
    """

    inputs: int
    layers: tuple[Layer, ...]
    loss: str = ""
    reduction: Literal["mean", "sum"] = "mean"
    l1: float = 0.0
    l2: float = 0.0
    label_smoothing: float = 0.0
    frozen: tuple[str, ...] = ()
    dtype: Literal["float32", "float64"] = "float32"
    average_penalty: bool = False

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "inputs", _check_units("Network", "inputs", self.inputs))
        layers = tuple(self.layers) if isinstance(self.layers, list | tuple) else (self.layers,)
        msgspec.structs.force_setattr(self, "layers", layers)
        _check_layers(layers)
        given: str | Loss = self.loss or default_loss(self.output.g)
        msgspec.structs.force_setattr(self, "loss", str(loss(given)))
        self.objective.check_output(self.output.g, self.output.units)
        for name, choices in (("reduction", ("mean", "sum")), ("dtype", ("float32", "float64"))):
            if getattr(self, name) not in choices:
                raise ArchitectureError(f"Network: {name} must be one of {choices}, got {getattr(self, name)!r}")
        for name in ("l1", "l2"):
            msgspec.structs.force_setattr(self, name, check_number("Network", name, getattr(self, name), 0))
        if not isinstance(self.average_penalty, bool):
            raise ArchitectureError(f"Network: average_penalty must be True or False, got {self.average_penalty!r}")
        smoothing = check_number("Network", "label_smoothing", self.label_smoothing, 0, 1, open_high=True)
        msgspec.structs.force_setattr(self, "label_smoothing", smoothing)
        if smoothing and (self.objective.targets != UNIT or self.objective.canonical is None):
            raise ArchitectureError(f"Network: label_smoothing is for cross-entropies, not for {self.loss}")
        if self.parameter_count > LIMIT_PARAMETERS:
            raise ArchitectureError(f"Network: {self.parameter_count:,} parameters are more than {LIMIT_PARAMETERS:,}")
        msgspec.structs.force_setattr(self, "frozen", self._frozen_tensors())

    @property
    def dense(self) -> tuple[Dense, ...]:
        """The layers with weights, 1 to L."""
        return tuple(layer for layer in self.layers if isinstance(layer, Dense))

    @property
    def output(self) -> Dense:
        """The output layer, L."""
        return self.dense[-1]

    @property
    def objective(self) -> Loss:
        """The loss's record."""
        return _loss(self.loss)

    def penalty_share(self, examples: int) -> float:
        """What l1 and l2 are multiplied by in a pass over so many examples: 1/m with `average_penalty`, else 1."""
        return 1 / examples if self.average_penalty else 1.0

    @property
    def sizes(self) -> tuple[int, ...]:
        """n_0, n_1, ..., n_L."""
        return (self.inputs, *(layer.units for layer in self.dense))

    @property
    def numbers(self) -> tuple[int, ...]:
        """For each entry of `layers` the number of the layer with weights that it is, or acts on."""
        count, numbers = 0, []
        for layer in self.layers:
            count += isinstance(layer, Dense)
            numbers.append(count)
        return tuple(numbers)

    def tensors(self) -> list[tuple[str, int, tuple[int, ...]]]:
        """Name, layer number and shape of each parameter, in order."""
        out: list[tuple[str, int, tuple[int, ...]]] = []
        for number, (layer, fan_in) in enumerate(zip(self.dense, self.sizes, strict=False), start=1):
            out.append((f"W{number}", number, (layer.units, fan_in)))
            if layer.has_bias:
                out.append((f"b{number}", number, (layer.units,)))
            if layer.norm is not None:
                out += [(f"{name}{number}", number, (layer.units,)) for name in ("gamma", "beta")]
        return out

    @property
    def parameter_count(self) -> int:
        """P: the sum of n_(l-1) n_l + n_l over the layers, for plain ones.

        >>> Architecture(3, (Dense(4, "tanh"), Dense(3, "tanh"), Dense(1))).parameter_count
        35
        """
        return sum(math.prod(shape) for _, _, shape in self.tensors())

    def is_frozen(self, number: int) -> bool:
        """Whether training leaves the whole layer alone, its running statistics too."""
        return all(name in self.frozen for name, layer, _ in self.tensors() if layer == number)

    def _frozen_tensors(self) -> tuple[str, ...]:
        frozen: Any = self.frozen
        words = {str(word) for word in ((frozen,) if isinstance(frozen, str | int) else frozen)}
        tensors = [(name, str(number)) for name, number, _ in self.tensors()]
        unknown = words - {word for pair in tensors for word in pair}
        if unknown:
            names = ", ".join(name for name, _ in tensors)
            raise ArchitectureError(f"Network: frozen names no tensor or layer '{min(unknown)}' (tensors: {names})")
        return tuple(name for name, number in tensors if name in words or number in words)


def _check_units(owner: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or not 1 <= int(value) <= LIMIT_UNITS:
        raise ArchitectureError(f"{owner}: {name} must be a whole number from 1 to {LIMIT_UNITS:,}, got {value!r}")
    return int(value)


def _check_layers(layers: tuple[Any, ...]) -> None:
    for layer in layers:
        if not isinstance(layer, Dense | Dropout | RandomizedLeakyReLU):
            raise ArchitectureError(
                f"Network: layers must be Dense, Dropout or RandomizedLeakyReLU, got {layer!r}; write Dense(8, 'relu')"
            )
    if not layers or not isinstance(layers[-1], Dense):
        raise ArchitectureError("Network: the last layer must be Dense: it gives the outputs")
    before: Any = None
    for layer in layers:
        if isinstance(layer, RandomizedLeakyReLU) and not (isinstance(before, Dense) and before.g.name == "identity"):
            raise ArchitectureError("Network: RandomizedLeakyReLU must follow a Dense layer with activation 'identity'")
        if isinstance(layer, Dropout) and isinstance(before, Dropout):
            raise ArchitectureError("Network: two Dropout layers in a row; one with the joint rate does the same")
        before = layer
