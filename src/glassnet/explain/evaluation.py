"""Every number of a computation in exact arithmetic."""

from itertools import islice
from typing import Any

from glassnet.explain.arithmetic import EXACT, decimal, digits
from glassnet.explain.chains import Chain
from glassnet.explain.places import Entry
from glassnet.explain.quantities import Pass

__all__ = ["evaluate"]


def evaluate(table: Pass | Chain, steps: int = 1) -> dict[Entry, Any]:
    """Every entry of the first steps from the data alone, in 50 digits and in the order of computation.

    What has no value (a division by 0, a logarithm of a negative number) is NaN.

    >>> from glassnet import read_example
    >>> values = evaluate(read_example("lecture-5-one-neuron").table)
    >>> digits.nstr(values[Entry(1, "loss", ())], 6)
    '0.0142093'
    """
    known: dict[Entry, Any] = {entry: decimal(value) for entry, value in table.data.items()}
    given = len(known)
    for step in range(1, steps + 1):
        for name, index in table.entries():
            entry = Entry(step, name, index)
            line = table.line(entry)
            try:
                known[entry] = line.compute(EXACT, *([known[e] for e in group] for group in line.inputs))
            except ZeroDivisionError:
                known[entry] = digits.nan
    return dict(islice(known.items(), given, None))
