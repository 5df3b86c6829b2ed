"""A network's layers, shapes and parameter counts as text."""

import math

from glassnet.network.architecture import Architecture, Dense, Dropout

__all__ = ["summary_rows", "summary_text"]


def summary_rows(architecture: Architecture) -> list[tuple[str, str, str, int]]:
    """Layer, activation, shapes and number of parameters of each layer, in order.

    >>> summary_rows(Architecture(3, (Dense(4, "relu"), Dense(1))))[0]
    ('1 dense', 'relu', 'W1 (4, 3), b1 (4,)', 16)
    """
    rows: list[tuple[str, str, str, int]] = []
    for number, layer in zip(architecture.numbers, architecture.layers, strict=True):
        if isinstance(layer, Dense):
            mine = [(name, shape) for name, of, shape in architecture.tensors() if of == number]
            shapes = ", ".join(f"{name} {shape}" for name, shape in mine)
            norm = "batch norm + " if layer.norm is not None else ""
            rows.append((f"{number} dense", norm + layer.activation, shapes, sum(math.prod(s) for _, s in mine)))
        elif isinstance(layer, Dropout):
            rows.append(("  dropout", f"rate {layer.rate}", "", 0))
        else:
            rows.append(("  randomized leaky relu", f"slope {layer.lower:g} to {layer.upper:g}", "", 0))
    return rows


def summary_text(architecture: Architecture) -> str:
    """The summary as a table, the parameter count in its last line."""
    rows = [("layer", "activation", "tensors", "parameters")]
    rows += [(a, b, c, f"{d:,}" if d else "") for a, b, c, d in summary_rows(architecture)]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}" for a, b, c, d in rows]
    frozen = f"frozen: {', '.join(architecture.frozen)}" if architecture.frozen else "all trained"
    sizes = "-".join(str(n) for n in architecture.sizes)
    head = f"{sizes} network, loss {architecture.loss} ({architecture.reduction}), {architecture.dtype}"
    return "\n".join(
        [head, *(line.rstrip() for line in lines), f"parameters: {architecture.parameter_count:,}, {frozen}"]
    )
