"""The records that formulas are: an activation or a loss, as mathematics and as data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from glassnet.errors import ArchitectureError
from glassnet.formulas.elementary import constant
from glassnet.formulas.ranges import ANY, Interval
from glassnet.formulas.registry import spec_text

__all__ = ["Activation", "Loss"]


@dataclass(frozen=True)
class Activation:
    """An activation function a = g(z) with its derivative, as mathematics and as data.

    Attributes
    ----------
    name, latex, derivative_latex, source : str
        For people: the name, both formulas, and the paper or lecture they come from.
    function : callable
        `(z, *constants) -> a`; for a rowwise record over the last axis.
    derivative : callable or None
        `(z, a, *constants) -> da/dz`, elementwise; None for a rowwise record and for one that trains nowhere.
    vjp : callable or None
        `(z, a, da, *constants) -> dz` of a rowwise record: da times the Jacobian of the row.
    range : Interval
        All values that a can take.
    initializer : str
        The initializer that suits the layer's weights.
    constants : mapping
        Settable numbers of the formula with their values, such as alpha.
    limits : mapping
        Lowest and highest value of each constant; without an entry any finite number will do.
    kinks : tuple of float
        Where the derivative jumps; there the record's own choice holds.
    by_output : bool
        Whether g'(z) can be said by a alone: `derivative(a, a)` is then `derivative(z, a)`, and z need not be kept
        for the backward pass. So it is with sigmoid, a (1 - a), and tanh, 1 - a^2.
    """

    name: str
    function: Callable[..., Any]
    derivative: Callable[..., Any] | None
    latex: str
    derivative_latex: str
    source: str
    range: Interval = ANY
    initializer: str = "glorot_uniform"
    constants: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    limits: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))
    kinks: tuple[float, ...] = ()
    vjp: Callable[..., Any] | None = None
    by_output: bool = False

    @property
    def rowwise(self) -> bool:
        """Whether one output depends on the whole row (softmax)."""
        return self.vjp is not None

    @property
    def trainable(self) -> bool:
        """Whether gradients can pass; False for `step`, whose derivative is 0 wherever it exists."""
        return self.derivative is not None or self.vjp is not None

    def value(self, z: Any) -> Any:
        """Compute a = g(z) with this record's constants; dtype in, dtype out."""
        return self.function(z, *(constant(z, c) for c in self.constants.values()))

    def slope(self, z: Any, a: Any) -> Any:
        """Compute g'(z) of an elementwise record, given a = g(z)."""
        assert self.derivative is not None, self.name
        return self.derivative(z, a, *(constant(z, c) for c in self.constants.values()))

    def backward(self, z: Any, a: Any, da: Any) -> Any:
        """Carry dL/da back to dL/dz: da * g'(z), or the row's vector-Jacobian product."""
        if self.vjp is None:
            return da * self.slope(z, a)
        return self.vjp(z, a, da, *(constant(z, c) for c in self.constants.values()))

    def __str__(self) -> str:
        return spec_text(self.name, self.constants)


@dataclass(frozen=True)
class Loss:
    """A loss with its derivative, as mathematics and as data.

    Attributes
    ----------
    function, derivative : callable
        `(a, y, *constants)` -> value of each output, and its derivative by a; elementwise.
    link : str or None
        The activation for which `linked` holds.
    linked, linked_derivative : callable or None
        `(z, a, y, *constants)` -> value and dL/dz from the pre-activation. `linked` of a rowwise loss gives one
        value a row.
    canonical : float or None
        The factor c in delta = c (a - y), where the link is the canonical one (then the Hessian by z is c times
        the activation's Jacobian).
    domain : Interval
        What the outputs a may be; an activation whose range leaves it is refused.
    targets : Interval
        What the targets y may be.
    simplex : bool
        Whether outputs and targets are distributions over the K classes.
    kinks : tuple of float
        Values of a - y where the derivative jumps.
    likelihood : str
        The distribution whose negative log-likelihood this is.
    """

    name: str
    function: Callable[..., Any]
    derivative: Callable[..., Any]
    latex: str
    derivative_latex: str
    source: str
    likelihood: str
    link: str | None = None
    linked: Callable[..., Any] | None = None
    linked_derivative: Callable[..., Any] | None = None
    linked_latex: str = ""
    canonical: float | None = None
    domain: Interval = ANY
    targets: Interval = ANY
    simplex: bool = False
    constants: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    limits: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))
    kinks: tuple[float, ...] = ()

    def _constants(self, z: Any) -> tuple[Any, ...]:
        return tuple(constant(z, c) for c in self.constants.values())

    def owns(self, activation: Activation) -> bool:
        """Whether value and delta come from the pre-activation of this output activation."""
        return self.linked is not None and activation.name == self.link

    def values(self, activation: Activation, z: Any, a: Any, y: Any) -> Any:
        """Loss of each example (n,), the sum over its outputs."""
        if self.linked is not None and self.owns(activation):
            each = self.linked(z, a, y, *self._constants(z))
        else:
            each = self.function(a, y, *self._constants(a))
        return np.sum(each, axis=-1)

    def slope(self, a: Any, y: Any) -> Any:
        """dL/da of each output (n, K)."""
        return self.derivative(a, y, *self._constants(a))

    def delta(self, activation: Activation, z: Any, a: Any, y: Any) -> Any:
        """dL/dz of the output layer (n, K), before the examples' weights."""
        if self.linked_derivative is not None and self.owns(activation):
            return self.linked_derivative(z, a, y, *self._constants(z))
        return activation.backward(z, a, self.slope(a, y))

    def check_output(self, activation: Activation, outputs: int) -> None:
        """Refuse an output layer on which this loss makes no sense, and say which to take."""
        advice = f"use '{self.link}'" if self.link else "use another activation or loss"
        if self.name == "perceptron" and activation.name != "step":
            raise ArchitectureError(f"loss perceptron is for step units, not {activation.name}; use 'step'")
        if self.simplex and activation.name != "softmax":
            raise ArchitectureError(
                f"loss {self.name} needs outputs that are a distribution over the classes, which {activation.name} "
                "does not give; use 'softmax', or binary_cross_entropy with 'sigmoid'"
            )
        if activation.name == "softmax" and outputs == 1:
            raise ArchitectureError(
                "softmax over one output is always 1; use 'sigmoid' with binary_cross_entropy, or K outputs"
            )
        if not activation.range.inside(self.domain):
            raise ArchitectureError(
                f"loss {self.name} is defined for outputs in {self.domain}, but {activation.name} gives "
                f"{activation.range}; {advice}"
            )

    def __str__(self) -> str:
        return spec_text(self.name, self.constants)
