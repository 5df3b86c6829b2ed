"""The tape: what each operation was computed from, so that the chain rule can walk back through it.

A result keeps a `Node`: the rule that made it and the arguments. Two things protect what a rule needs later. Results
are read-only, so NumPy refuses to write into them. Arrays that can be written to (a parameter's, a user's own data)
leave a checksum when an operation reads them; the backward pass compares and names what has changed in between. A
checksum also sees changes that no version counter sees: of an array that the caller still holds.
"""

import contextvars
import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import AutogradError

__all__ = [
    "RULES",
    "Node",
    "Recorded",
    "Rule",
    "checksum",
    "describe",
    "enable_grad",
    "is_recording",
    "no_grad",
    "plain",
]

Vjp = Callable[..., Any]


@dataclass(frozen=True)
class Rule:
    """One operation: its value, and for each argument the product of upstream and local gradient.

    Attributes
    ----------
    value : callable
        `(*arrays, **settings) -> array`, in NumPy.
    vjps : tuple of callable
        For each argument `(g, y, *arguments, **settings) -> array`, with g the upstream gradient dL/dy and y the
        result. Any shape that broadcasts with the argument's will do: `tensor.cotangents` fits it.
    text, latex : str
        How a graph writes it: "{} + {}", or the name of a function.
    each : callable or None
        For any number of arguments: `position -> vjp`, in place of `vjps`.
    """

    name: str
    value: Callable[..., Any]
    vjps: tuple[Vjp, ...]
    text: str
    latex: str
    says: str
    each: Callable[[int], Vjp] | None = None

    def vjp(self, position: int) -> Vjp:
        """The rule of one argument."""
        return self.each(position) if self.each is not None else self.vjps[position]


RULES: dict[str, Rule] = {}
"""All operations by name; `glassnet.autograd.rules` fills it."""


class Recorded:
    """What the tape knows of a Tensor."""

    __slots__ = ()
    name: str | None
    requires_grad: bool
    node: "Node | None"

    @property
    def value(self) -> np.ndarray:
        """The numbers."""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        raise NotImplementedError


class Node:
    """How a result was made: rule, arguments (Tensors, arrays, numbers), settings, and the arguments' checksums."""

    __slots__ = ("arguments", "freed", "marks", "rule", "settings")

    def __init__(self, rule: Rule, arguments: tuple[Any, ...], settings: Mapping[str, Any]) -> None:
        self.rule, self.arguments, self.settings = rule, arguments, settings
        self.marks = tuple(checksum(plain(a)) for a in arguments)
        self.freed = False

    def free(self) -> None:
        """Let go of the arguments: what nobody else holds is gone."""
        self.arguments, self.settings, self.marks, self.freed = (), {}, (), True

    def check(self) -> None:
        """Refuse to differentiate where an argument is no longer what the operation read."""
        for argument, mark in zip(self.arguments, self.marks, strict=True):
            if mark is not None and checksum(plain(argument)) != mark:
                raise AutogradError(
                    f"{describe(argument)} was changed in place after '{self.rule.name}' had used it, so its gradient "
                    "would be wrong: change it after backward(), or give the operation a copy"
                )


def plain(argument: Any) -> Any:
    """The array or number in an argument."""
    return argument.value if isinstance(argument, Recorded) else argument


def checksum(value: Any) -> int | None:
    """A checksum of an array that can be written to; None for what cannot change."""
    if not isinstance(value, np.ndarray) or not value.flags.writeable:
        return None
    return zlib.crc32(np.ascontiguousarray(value).data)


def describe(argument: Any) -> str:
    """An argument in a message: its name, or what it is, and its shape."""
    if isinstance(argument, Recorded):
        return f"Tensor '{argument.name}' {argument.shape}" if argument.name else f"a Tensor {argument.shape}"
    return f"an array {argument.shape}" if isinstance(argument, np.ndarray) else f"{argument!r}"


# --- recording --------------------------------------------------------------------------------------------------

_recording = contextvars.ContextVar("recording", default=True)  # each thread has its own


def is_recording() -> bool:
    """Whether operations are recorded here and now."""
    return _recording.get()


@contextmanager
def _switch(on: bool) -> Generator[None]:
    token = _recording.set(on)
    try:
        yield
    finally:
        _recording.reset(token)


def no_grad() -> Any:
    """Within this context (or decorated function) nothing is recorded, and parameters may be changed in place.

    Holds for the thread that it is used in.

    >>> from glassnet.autograd import Tensor, no_grad
    >>> w = Tensor(1.0, requires_grad=True)
    >>> with no_grad():
    ...     w -= 0.25
    >>> w
    Tensor(0.75, requires_grad=True)
    """
    return _switch(False)


def enable_grad() -> Any:
    """The opposite of `no_grad`."""
    return _switch(True)
