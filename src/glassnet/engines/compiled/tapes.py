"""Tapes: instructions as rows of numbers, each the address of a stage and its operands (see `frame`)."""

from dataclasses import dataclass, field

import numpy as np

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.machine_code import addresses
from glassnet.engines.compiled.memory import bits

__all__ = ["Tape", "Tensor"]

_REGISTERS = 4  # columns up to which a row of z is kept in registers


@dataclass(frozen=True)
class Tensor:
    """Where rows of numbers lie: a field of the frame, a distance in bytes, elements from row to row, columns."""

    field: int
    offset: int
    step: int
    columns: int

    @property
    def place(self) -> tuple[int, int]:
        """The two operands that name it."""
        return self.field, self.offset

    @property
    def fixed(self) -> tuple[str, ...]:
        """What ends the key of a stage of whole rows: how many columns, when they are few and without gaps."""
        return (str(self.columns),) if self.step == self.columns <= _REGISTERS else ()


@dataclass
class Tape:
    """Instructions, whose stages are named by key until `resolve`."""

    keys: list[tuple[str, ...]] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)

    def add(self, key: tuple[str, ...], *operands: int | float) -> None:
        """One more instruction; floats go in as their bits."""
        self.keys.append(key)
        numbers = [bits(x) if isinstance(x, float) else int(x) for x in operands]
        assert len(numbers) < f.WIDTH, (key, numbers)
        self.rows.append([0, *numbers, *[0] * (f.WIDTH - 1 - len(numbers))])

    def __add__(self, other: "Tape") -> "Tape":
        return Tape(self.keys + other.keys, self.rows + other.rows)

    def resolve(self) -> np.ndarray:
        """The tape as numbers (instructions, WIDTH), each stage's address in its place."""
        table = np.array(self.rows, np.int64).reshape(-1, f.WIDTH)
        table[:, 0] = addresses(self.keys)
        return table
