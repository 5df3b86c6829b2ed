"""Shapes and parameter counts of a network, as a chain of expressions of its sizes: m rows and n0, n1, … units."""

from collections.abc import Iterator, Sequence

from glassnet.explain.chains import Chain
from glassnet.explain.expressions import parse

__all__ = ["counted", "counting"]

Counts = tuple[tuple[str, str], ...]


def counted(depth: int) -> Iterator[tuple[str, Counts]]:
    """What there is to count, in words, with names and formulas.

    >>> [formula for _, counts in counted(1) for _, formula in counts]
    ['n1', 'n0', 'n1', 'm', 'n1', 'n1 * n0 + n1', 'parameters1']
    """
    for layer in range(1, depth + 1):
        units, below = f"n{layer}", f"n{layer - 1}"
        yield f"shape of the weights W{layer}", ((f"W{layer}_rows", units), (f"W{layer}_columns", below))
        yield f"length of the biases b{layer}", ((f"b{layer}_length", units),)
        yield f"shape of z{layer} and a{layer} for all rows", ((f"z{layer}_rows", "m"), (f"z{layer}_columns", units))
        yield f"parameters of layer {layer}", ((f"parameters{layer}", f"{units} * {below} + {units}"),)
    yield "parameters of the network", (("parameters", " + ".join(f"parameters{n}" for n in range(1, depth + 1))),)


def counting(units: Sequence[int], rows: int) -> Chain:
    """The chain for inputs and units of each layer, n_0 to n_L, and a batch of rows.

    >>> chain = counting((3, 4, 2), 32)
    >>> chain.by_name["parameters1"].text, chain.at["n1"]
    ('n1 * n0 + n1', 4.0)
    """
    counts = (count for _, counts in counted(len(units) - 1) for count in counts)
    sizes = {"m": float(rows), **{f"n{layer}": float(n) for layer, n in enumerate(units)}}
    return Chain(tuple(parse(f"{name} = {formula}") for name, formula in counts), sizes, whole=True)
