"""A result written as a formula in LaTeX, read from its graph."""

from typing import Any

import numpy as np

from glassnet.autograd.chain import ordered
from glassnet.autograd.tape import Node, plain
from glassnet.autograd.tensor import Tensor
from glassnet.errors import AutogradError

__all__ = ["latex"]

BINDING = {"add": 1, "subtract": 1, "negative": 2, "multiply": 2, "matmul": 2, "power": 3, "square": 3, "transpose": 3}
"""How strongly a rule binds its operands; what binds more weakly gets parentheses. Others need none."""
ATOM = 4
SILENT = {"where", "clip", "index", "scatter", "concatenate", "reshape", "broadcast_to", "astype"}
"""Rules whose settings a formula would hide."""
LONGEST = 400


def latex(result: Tensor) -> str:
    """Write a result as a formula of the named tensors that it was computed from.

    Raises
    ------
    AutogradError
        For a choice, an index or a change of shape, which a formula would hide; for an unnamed parameter, and for a
        formula that is too long to read.

    >>> from glassnet.autograd import Tensor, latex, sigmoid
    >>> z = Tensor(1.0, requires_grad=True, name="z")
    >>> print(latex(z * sigmoid(2 * z + 1)))
    z \\cdot \\sigma(2 \\cdot z + 1)
    """
    words: dict[int, tuple[str, int]] = {}
    for tensor in ordered(result):
        words[id(tensor)] = _operation(tensor.node, words) if tensor.node is not None else _leaf(tensor)
        if len(words[id(tensor)][0]) > LONGEST:
            raise AutogradError(f"the formula is longer than {LONGEST} characters")
    return words[id(result)][0]


def _leaf(item: Any) -> tuple[str, int]:
    """A name, or a single number."""
    if isinstance(item, Tensor) and item.name:
        return item.name, ATOM
    value = plain(item)
    if isinstance(item, Tensor) or np.ndim(value):
        raise AutogradError("a formula needs names for its parameters and arrays: t.named('w')")
    return f"{float(value):.6g}", ATOM if value >= 0 else BINDING["add"]


def _operation(node: Node, words: dict[int, tuple[str, int]]) -> tuple[str, int]:
    rule = node.rule
    if rule.name in SILENT or not all(v is None or v is False or v == -1 for v in node.settings.values()):
        raise AutogradError(f"a formula cannot show '{rule.name}'")
    operands = [words[id(a)] if id(a) in words else _leaf(a) for a in node.arguments]
    own = BINDING.get(rule.name, ATOM)
    if "{}" not in rule.latex:
        return f"{rule.latex}({', '.join(text for text, _ in operands)})", ATOM
    texts = [text for text, _ in operands]
    if own < ATOM:
        for i, (text, binding) in enumerate(operands):
            last = i == 1
            if rule.name == "power" and last:
                continue  # an exponent stands by itself
            # a - (b + c), and (-a)^2 and (a^b)^c
            if binding < own + (own == BINDING["power"] or (last and rule.name == "subtract")):
                texts[i] = rf"\left({text}\right)"
    return rule.latex.format(*texts), own
