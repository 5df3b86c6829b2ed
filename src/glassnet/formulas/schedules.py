"""Schedules: a value as training goes on. One list serves the learning rate, dropout and weight decay.

Time t is counted in epochs and goes on inside them: the 33rd of the 64 steps of the third epoch begins at t = 2.5.
A schedule gives one value a step, so warm-ups and one-cycle runs are smooth; `epochs` is the planned length.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import ClassVar, TypeVar

import numpy as np

from glassnet.errors import InvalidParameterError
from glassnet.formulas.registry import Registry, check_number, parse_spec, spec_text

__all__ = [
    "SCHEDULES",
    "Constant",
    "Cosine",
    "Exponential",
    "InverseScaling",
    "LinearWarmup",
    "OneCycle",
    "ReduceOnPlateau",
    "Schedule",
    "Step",
    "schedule",
]


@dataclass(frozen=True)
class Schedule:
    """Base class: `initial` is the value that the formula scales.

    Subclasses give `values(t, epochs)` for times t in epochs of a run planned for `epochs`.
    """

    initial: float
    name: ClassVar[str] = ""
    latex: ClassVar[str] = ""
    source: ClassVar[str] = ""
    needs_epochs: ClassVar[bool] = False  # whether the planned length changes the values

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name == "monitor":
                continue
            value = check_number(self.name or "schedule", item.name, getattr(self, item.name), 0)
            object.__setattr__(self, item.name, int(value) if item.type == "int" or item.type is int else value)

    def values(self, t: np.ndarray, epochs: float) -> np.ndarray:
        """The values (float64) at times t (epochs, from 0) of a run planned for `epochs`; each by its time alone."""
        raise NotImplementedError

    def value(self, t: float, epochs: float) -> float:
        """The value at one time."""
        return float(self.values(np.array([t], np.float64), epochs)[0])

    def __str__(self) -> str:
        return spec_text(self.name, asdict(self))


SCHEDULES: Registry[type[Schedule]] = Registry("schedule")
Kind = TypeVar("Kind", bound=Schedule)


def _schedule(name: str, *aliases: str) -> Callable[[type[Kind]], type[Kind]]:
    def register(cls: type[Kind]) -> type[Kind]:
        cls.name = name
        SCHEDULES.add(name, cls, aliases)
        return cls

    return register


def schedule(spec: "float | str | Schedule", initial: float | None = None) -> Schedule:
    """A schedule from a number, a spec text or a schedule.

    >>> schedule(0.1)
    Constant(initial=0.1)
    >>> schedule("step(0.1, factor=0.5, every=5)").value(12, epochs=20)
    0.025
    >>> schedule("cosine", initial=0.01)
    Cosine(initial=0.01, final=0.0)
    """
    if isinstance(spec, Schedule):
        return spec
    if not isinstance(spec, str):
        return Constant(spec)
    try:
        return Constant(float(spec))
    except ValueError:
        name, positional, named = parse_spec(spec, "schedule")
    cls = SCHEDULES[name]
    if initial is not None and not positional:
        named.setdefault("initial", initial)
    try:
        return cls(*positional, **named)
    except TypeError:
        names = ", ".join(item.name for item in fields(cls))
        raise InvalidParameterError(
            f"schedule '{spec}': {cls.name} takes {names}, of which initial is needed"
        ) from None


@_schedule("constant")
@dataclass(frozen=True)
class Constant(Schedule):
    """The same value all along.

    >>> Constant(0.1).value(7, epochs=10)
    0.1
    """

    latex: ClassVar[str] = r"\eta_t = \eta_0"
    source: ClassVar[str] = "neural networks class 2, gradient descent update"

    def values(self, t: np.ndarray, epochs: float) -> np.ndarray:
        """See `Schedule.values`."""
        return np.full(t.shape, self.initial)


@_schedule("step", "step_decay")
@dataclass(frozen=True)
class Step(Schedule):
    """Times `factor` after every `every` epochs.

    >>> Step(0.1, factor=0.5, every=10).value(25, epochs=100)
    0.025
    """

    factor: float = 0.5
    every: float = 10.0
    latex: ClassVar[str] = r"\eta_t = \eta_0\, f^{\lfloor t / k \rfloor}"
    source: ClassVar[str] = "Goodfellow, Bengio and Courville (2016), section 8.3"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.name, "every", self.every, 0, open_low=True)

    def values(self, t: np.ndarray, epochs: float) -> np.ndarray:
        """See `Schedule.values`."""
        return self.initial * self.factor ** np.floor(t / self.every * (1 + 1e-12))  # 0.3 / 0.1 is 2.999…


@_schedule("exponential", "exponential_decay")
@dataclass(frozen=True)
class Exponential(Schedule):
    """Times `factor` an epoch, smoothly.

    >>> Exponential(0.1, factor=0.9).value(0, epochs=10)
    0.1
    """

    factor: float = 0.95
    latex: ClassVar[str] = r"\eta_t = \eta_0\, f^{t}"
    source: ClassVar[str] = "Goodfellow, Bengio and Courville (2016), section 8.3"

    def values(self, t: np.ndarray, epochs: float) -> np.ndarray:
        """See `Schedule.values`."""
        return self.initial * self.factor**t


@_schedule("inverse_scaling", "invscaling", "inverse")
@dataclass(frozen=True)
class InverseScaling(Schedule):
    """Divided by a power of time.

    >>> InverseScaling(0.1, power=0.5).value(3, epochs=10)
    0.05
    """

    power: float = 0.5
    latex: ClassVar[str] = r"\eta_t = \eta_0 / (1 + t)^{p}"
    source: ClassVar[str] = "Robbins and Monro (1951); scikit-learn's `invscaling`"

    def values(self, t: np.ndarray, epochs: float) -> np.ndarray:
        """See `Schedule.values`."""
        return self.initial / (1.0 + t) ** self.power


@_schedule("cosine", "cosine_annealing")
@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine wave from `initial` down to `final` over the planned epochs.

    >>> round(Cosine(0.1).value(5, epochs=10), 6)
    0.05
    """

    final: float = 0.0
    latex: ClassVar[str] = r"\eta_t = \eta_T + \tfrac{1}{2}(\eta_0 - \eta_T)(1 + \cos(\pi t / T))"
    source: ClassVar[str] = "Loshchilov and Hutter (2017), SGDR"

    needs_epochs: ClassVar[bool] = True

    def values(self, t: np.ndarray, epochs: float) -> np.ndarray:
        """See `Schedule.values`."""
        done = np.minimum(t / epochs, 1.0)
        return self.final + 0.5 * (self.initial - self.final) * (1.0 + np.cos(np.pi * done))


@_schedule("one_cycle", "onecycle")
@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from initial/start to `initial` in the first part of the run, then down to initial/end, by cosines.

    >>> OneCycle(0.1, rise=0.3).value(3, epochs=10)
    0.1
    """

    rise: float = 0.3
    start: float = 25.0
    end: float = 1e4
    latex: ClassVar[str] = r"\eta_0 / s \;\nearrow\; \eta_0 \;\searrow\; \eta_0 / e"
    source: ClassVar[str] = "Smith and Topin (2018), Super-Convergence"

    needs_epochs: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.name, "rise", self.rise, 0, 1, open_low=True, open_high=True)
        for name in ("start", "end"):
            check_number(self.name, name, getattr(self, name), 0, open_low=True)

    def values(self, t: np.ndarray, epochs: float) -> np.ndarray:
        """See `Schedule.values`."""
        done = np.minimum(t / epochs, 1.0)
        up, top = done < self.rise, self.initial
        low, high = np.where(up, top / self.start, top), np.where(up, top, top / self.end)
        part = np.where(up, done / self.rise, (done - self.rise) / (1.0 - self.rise))
        return high + (low - high) * 0.5 * (1.0 + np.cos(np.pi * part))


@_schedule("linear_warmup", "linear_warm_up", "warmup", "warm_up")
@dataclass(frozen=True)
class LinearWarmup(Schedule):
    """From start * initial to `initial` in a straight line over `over` epochs, then constant.

    >>> round(LinearWarmup(0.1, over=4, start=0.2).value(2, epochs=10), 6)
    0.06
    """

    over: float = 5.0
    start: float = 0.01
    latex: ClassVar[str] = r"\eta_t = \eta_0 \bigl(s + (1 - s) \min(1, t / w)\bigr)"
    source: ClassVar[str] = "Goyal et al. (2017), Accurate, Large Minibatch SGD"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.name, "over", self.over, 0, open_low=True)
        check_number(self.name, "start", self.start, 0, 1)

    def values(self, t: np.ndarray, epochs: float) -> np.ndarray:
        """See `Schedule.values`."""
        return self.initial * (self.start + (1.0 - self.start) * np.minimum(1.0, t / self.over))


@_schedule("reduce_on_plateau", "plateau")
@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """Times `factor` whenever `monitor` has not improved for `patience` epochs, but not below `minimum`.

    The formula is constant; training counts the plateaus (in its state, so that a checkpoint keeps them).

    >>> ReduceOnPlateau(0.1).value(50, epochs=100)
    0.1
    """

    factor: float = 0.1
    patience: int = 10
    min_delta: float = 1e-4
    minimum: float = 0.0
    monitor: str | None = None
    latex: ClassVar[str] = r"\eta \leftarrow \max(f \eta, \eta_{\min}) \text{ on a plateau}"
    source: ClassVar[str] = "lecture 5, learning rate decay"

    def values(self, t: np.ndarray, epochs: float) -> np.ndarray:
        """See `Schedule.values`."""
        return np.full(t.shape, self.initial)
