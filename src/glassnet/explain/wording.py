"""The line of a number as text: with symbols, and with the numbers that were written down plugged in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glassnet.explain.arithmetic import digits
from glassnet.explain.claims import Claim
from glassnet.explain.places import Entry
from glassnet.explain.words import WORDS, Words, shown
from glassnet.explain.worked import WorkedExample

__all__ = ["Wording"]

DEEP, LONGEST = 3, 240


@dataclass(frozen=True)
class Wording:
    """Writes lines of a worked example.

    Attributes
    ----------
    example : WorkedExample
    claims : mapping
        What was written down.
    used : callable
        The entries that the formula of an entry uses.
    value : callable
        A number for an entry that was not written down.
    """

    example: WorkedExample
    claims: Mapping[Entry, Claim]
    used: Callable[[Entry], tuple[Entry, ...]]
    value: Callable[[Entry], Any]

    def numbers(self, entry: Entry) -> Words:
        """The line with numbers; its value is what the formula gives from them."""
        return self._line(entry, self._number, DEEP)

    def symbols(self, entry: Entry) -> Words:
        """The line with the names of its numbers."""
        label, step = self.example.label, entry.step
        return self._line(entry, lambda e: Words(label(e, step), self._number(e).value), DEEP)

    def _line(self, entry: Entry, name: Callable[[Entry], Words], depth: int) -> Words:
        """Lines before it that were not written down are put in, if that stays short."""
        line = self.example.table.line(entry, self.claims)
        words = {e: self._put(e, name, depth) for e in self.used(entry)}
        unused = WORDS.number(0)
        try:
            result = line.compute(WORDS, *([words.get(e, unused) for e in group] for group in line.inputs))
        except ZeroDivisionError:
            return Words("undefined", digits.nan)
        return self._line(entry, name, 0) if len(result.text) > LONGEST and depth else result

    def _put(self, entry: Entry, name: Callable[[Entry], Words], depth: int) -> Words:
        if entry.step == 0 or entry in self.claims or not depth:
            return name(entry)
        return self._line(entry, name, depth - 1)

    def _number(self, entry: Entry) -> Words:
        if entry.step == 0:
            return WORDS.number(self.example.table.data[entry])
        if entry in self.claims:
            return Words(self.claims[entry].text, self.claims[entry].value)
        value = self.value(entry)
        return Words(shown(value), value)
