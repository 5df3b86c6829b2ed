"""What is shown of a derivation, and how: digits, entries, terms, notation."""

from dataclasses import dataclass
from functools import cached_property

from glassnet.errors import InvalidParameterError
from glassnet.explain.symbols import Notation, notation

__all__ = ["Look"]

LIMITS = (("digits", 17), ("entries", 10_000), ("terms", 10_000))


@dataclass(frozen=True)
class Look:
    """Options of a derivation; `Network.explain` says what each means.

    >>> Look(digits=4).symbols.name
    'parentheses'
    """

    digits: int = 6
    entries: int = 4
    terms: int = 8
    notation: str = "parentheses"
    bias: str | None = None
    batch: str | None = None

    def __post_init__(self) -> None:
        for name, limit in LIMITS:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= limit:
                raise InvalidParameterError(f"explain: {name} must be a whole number from 1 to {limit}, got {value!r}")
        notation(self.notation, self.bias, self.batch)

    @cached_property
    def symbols(self) -> Notation:
        """The notation."""
        return notation(self.notation, self.bias, self.batch)

    def number(self, value: float) -> str:
        """A number as it is shown."""
        return f"{value + 0.0:.{self.digits}g}"  # + 0.0: no minus before 0
