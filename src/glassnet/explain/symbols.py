"""The lectures' symbols in LaTeX, in the notation of your choice.

parentheses   W^{(2)}_{1,2}    Lecture 5, Class 2, Lecture 23, Introduction
brackets      W^{[2]}_{1,2}    EE514
subscript     W_{2}            glassnet's own names, W2[1,2]
"""

import re
from collections.abc import Callable

from glassnet.errors import InvalidParameterError, nearest
from glassnet.explain.places import Index

__all__ = ["NOTATIONS", "entry_symbol", "formula_symbols"]


def _above(left: str, right: str) -> Callable[[str, str, str], str]:
    """The layer as a superscript; in braces where more may come above it."""

    def write(letter: str, layer: str, index: str) -> str:
        symbol = f"{letter}^{{{left}{layer}{right}}}"
        return f"{symbol}_{{{index}}}" if index else f"{{{symbol}}}"

    return write


NOTATIONS: dict[str, Callable[[str, str, str], str]] = {
    "parentheses": _above("(", ")"),
    "brackets": _above("[", "]"),
    "subscript": lambda letter, layer, index: rf"{letter}_{{{';'.join(filter(None, (layer, index)))}}}",
}
"""Notation -> (letter, layer, index) -> LaTeX."""

_NAME = re.compile(r"(?P<slot>[a-z]_)?(?P<kind>dL_d|d)?(?P<letter>delta|[a-zA-Z])(?P<layer>\d+)(?P<new>_new)?")
_PLAIN = {"loss": "J", "losses": "L", "penalty": "R"}


def notation(name: str) -> Callable[[str, str, str], str]:
    """Look a notation up.

    >>> notation("brackets")("W", "2", "1,2")
    'W^{[2]}_{1,2}'
    """
    if name not in NOTATIONS:
        near = nearest(name, NOTATIONS) or f"; known are {', '.join(NOTATIONS)}"
        raise InvalidParameterError(f"unknown notation '{name}'{near}")
    return NOTATIONS[name]


def entry_symbol(name: str, index: Index, style: str = "parentheses") -> str:
    """The symbol of one number; its index counts from 1.

    >>> entry_symbol("W2_new", (1, 2)), entry_symbol("dL_da1", (2,)), entry_symbol("g1", (1,), "brackets")
    ('{W^{(2)}_{1,2}}^{new}', '\\\\frac{\\\\partial J}{\\\\partial a^{(1)}_{2}}', "g'(z^{[1]}_{1})")
    """
    write, places = notation(style), ",".join(map(str, index))
    match = _NAME.fullmatch(name)
    if match is None:
        letter = _PLAIN.get(name, name)
        return f"{letter}_{{{places}}}" if places else letter
    letter = r"\delta" if match["letter"] == "delta" else match["letter"]
    if letter == "g":
        return f"g'({write('z', match['layer'], places)})"
    symbol = write(letter, match["layer"], places)
    if match["slot"]:
        return f"{match['slot'][0]}({symbol})"
    if match["kind"]:
        return rf"\frac{{\partial J}}{{\partial {symbol}}}"
    return f"{{{symbol}}}^{{new}}" if match["new"] else symbol


def formula_symbols(formula: str, layer: int, style: str = "parentheses") -> str:
    """A formula of the table for one layer.

    >>> formula_symbols("z_{l} = W_{l} a_{l-1} + b_{l}", 2)
    '{z^{(2)}} = {W^{(2)}} {a^{(1)}} + {b^{(2)}}'
    """
    write = notation(style)

    def put(match: "re.Match[str]") -> str:
        return write(match[1], str(layer + int(match[2] or 0)), "")

    return re.sub(r"(\\?[a-zA-Z]+)_\{l([+-]1)?\}", put, formula)
