"""The formulas above the lines of a paragraph: of the table in the notation at hand, and with whole matrices in it."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from glassnet.explain.kinds import ACTIVATION, DERIVATIVE, LINKED_DELTA, LOSS, LOSSES, OUTPUT_SLOPE
from glassnet.explain.places import Setting
from glassnet.explain.quantities import Tensor
from glassnet.explain.symbols import Notation
from glassnet.explain.typesetting import matrix
from glassnet.explain.words import latex_number

if TYPE_CHECKING:
    from glassnet.explain.board import Board

__all__ = ["general", "product"]

TURNED = {
    r"W_{l} a_{l-1}": r"W_{l}^\top a_{l-1}",
    r"a_{l-1} W_{l}^\top": r"a_{l-1} W_{l}",
    r"W_{l+1}^\top \delta_{l+1}": r"W_{l+1} \delta_{l+1}",
    r"\delta_{l+1} W_{l+1}": r"\delta_{l+1} W_{l+1}^\top",
    r"\delta_{l} a_{l-1}^\top": r"a_{l-1} \delta_{l}^\top",
    r"\delta_{l}^\top a_{l-1}": r"a_{l-1}^\top \delta_{l}",
    "<W{l}> <a{l-1}>": r"<W{l}>^\top <a{l-1}>",
    r"<W{l+1}>^\top <delta{l+1}>": "<W{l+1}> <delta{l+1}>",
    r"<delta{l}> <a{l-1}>^\top": r"<a{l-1}> <delta{l}>^\top",
}
"""Products with W as (outputs, inputs) -> the same with W as (inputs, outputs)."""


def general(s: Setting, symbols: Notation, tensor: Tensor) -> Iterator[str]:
    """In LaTeX: the formula of the table, and the one of the activation or the loss that it uses."""
    quantity, letter = tensor.quantity, symbols.letter("losses")[1]
    if quantity is not DERIVATIVE:
        yield symbols.formula(_of_layer(s, tensor, _of_batch(s, symbols, tensor)), tensor.layer, s.depth)
    if quantity in (ACTIVATION, DERIVATIVE):
        g = s.activations[tensor.layer - 1]
        yield g.latex if quantity is ACTIVATION else g.derivative_latex
    if quantity is LINKED_DELTA and s.loss is not None and s.loss.canonical is not None:
        yield symbols.formula(_difference(s, s.loss.canonical), tensor.layer, s.depth)
    if quantity is LOSSES and s.loss is not None:
        yield f"{letter} = {symbols.of_loss(s.loss.latex)}"
    if quantity is OUTPUT_SLOPE and s.loss is not None:
        yield f"{letter}' = {symbols.of_loss(s.loss.derivative_latex)}"


def _of_batch(s: Setting, symbols: Notation, tensor: Tensor) -> str:
    """The formula for one example, for examples as rows or as columns, and for W this way or that."""
    quantity, one = tensor.quantity, s.rows == 1
    formula = quantity.rows if quantity.rows and not one and symbols.batch == "rows" else quantity.formula
    if quantity is LOSS:
        formula = _objective(s)
    if quantity is LOSSES and one:
        formula = "L = L(a_{l}, y)"
    if quantity is OUTPUT_SLOPE and one and not s.weighted:
        formula = formula.replace("v L'", "L'")
    if quantity in (LOSSES, LOSS, OUTPUT_SLOPE):
        formula = formula.replace("L", symbols.letter("losses")[1])
    return _turned(formula) if symbols.order == "in,out" else formula


def _objective(s: Setting) -> str:
    """How the losses of the examples add up."""
    mean = rf"\frac{{1}}{{{s.rows}}} " if s.reduction == "mean" else ""
    total = r"\sum_i v_i L_i" if s.weighted else "L" if s.rows == 1 else rf"{mean}\sum_i L_i"
    return f"J = {total}{' + R' if s.l1 or s.l2 else ''}"


def _difference(s: Setting, factor: float) -> str:
    """What is left of delta where the loss's link is the canonical one."""
    share = "v" if s.weighted else rf"\tfrac{{1}}{{{s.rows}}}" if s.reduction == "mean" and s.rows > 1 else ""
    front = f"{share}{f'{factor:g}' if factor != 1 else ''}"
    return r"\delta_{l} = " + (rf"{front} \, (a_{{l}} - y)" if front else "a_{l} - y")


def _turned(formula: str) -> str:
    """The formula with W as (inputs, outputs)."""
    way = next((way for way in TURNED if way in formula), None)
    return formula if way is None else formula.replace(way, TURNED[way])


def _of_layer(s: Setting, tensor: Tensor, formula: str) -> str:
    """With what really comes into this layer, its own activation, and b only where there is one."""
    if not tensor.layer:
        return formula
    if not s.biases[tensor.layer - 1]:
        formula = formula.replace(" + b_{l}", "")
    formula = formula.replace("a_{l-1}", f"{s.leaving(tensor.layer - 1)}_{{l-1}}")
    if tensor.quantity is ACTIVATION:
        letter, named, _ = s.activations[tensor.layer - 1].latex.partition("(z)")  # g, sigma, tanh
        formula = formula.replace("g(z_{l})", f"{letter if named else 'g'}({s.before(tensor.layer)}_{{l}})")
    return formula


def product(board: "Board", tensor: Tensor, step: int) -> str:
    """The whole quantity with matrices plugged in, for one example; nothing where that does not help."""
    s, layer, trace, template = board.setting, tensor.layer, board.traces[step - 1], tensor.quantity.matrices
    if not template or not board.flat or s.unit or s.clipped:
        return ""
    template = _turned(template) if board.look.symbols.order == "in,out" else template
    template = template.replace("a{l-1}", f"{s.leaving(layer - 1)}{{l-1}}")
    for part, number in (("{l}", layer), ("{l-1}", layer - 1), ("{l+1}", layer + 1)):
        template = template.replace(part, str(number))
    template = template if f"b{layer}" in trace else template.replace(f" + <b{layer}>", "")

    def put(match: "re.Match[str]") -> str:
        values = board.turned(np.asarray(trace[match[1]]), match[1])
        numbers = matrix(values[0] if board.per_example(match[1]) else values, board.look.digits)
        return numbers if values.size > 1 else rf"\left({numbers}\right)"

    rate = latex_number(board.look.number(float(trace["eta"]))) if "eta" in trace else ""
    return re.sub(r"<(\w+)>", put, template.replace("<eta>", rate))
