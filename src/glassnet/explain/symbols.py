"""The lectures' symbols, as text and in LaTeX, in the notation of your choice.

All notations name the same numbers; a notation is data. Inside the house a number has glassnet's name and index, W2 and
(1, 2); here it gets the symbol that a reader of the lecture expects.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from glassnet.errors import InvalidParameterError, nearest
from glassnet.explain.places import Index

__all__ = ["CONSTANTS", "NOTATIONS", "Notation", "notation"]

LETTERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "delta": ("delta", r"\delta"), "gamma": ("gamma", r"\gamma"), "beta": ("beta", r"\beta"),
        "zhat": ("zhat", r"\hat{z}"), "mean": ("mean", r"\mu"), "var": ("var", r"v"), "scale": ("scale", r"\kappa"),
        "mask": ("mask", "m"), "slope": ("slope", "r'"), "u_mask": ("u", "u"), "u_slope": ("u", "u"),
        "rate": ("rate", "p"),
        "losses": ("losses", "L"), "loss": ("loss", "J"), "penalty": ("penalty", "R"),
        "gradient_norm": ("gradient_norm", "N"),
    }
)  # fmt: skip
"""glassnet's letter -> text and LaTeX; all others are their own."""

CONSTANTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "eta": ("eta", r"\eta"), "weight_decay": ("decay", r"\lambda_d"), "epsilon": ("epsilon", r"\epsilon"),
        "rho": ("rho", r"\rho"), "momentum": ("mu", r"\mu"), "beta_1": ("beta1", r"\beta_1"),
        "beta_2": ("beta2", r"\beta_2"),
        "power_1": ("beta1^t", r"\beta_1^t"), "power_2": ("beta2^t", r"\beta_2^t"), "mu_product": ("M", "M"),
        "mu": ("mu_t", r"\mu_t"), "mu_next": ("mu_next", r"\mu_{t+1}"), "alpha": ("alpha", r"\alpha"),
        "scale": ("lambda", r"\lambda"), "delta": ("d", "d"), "tau": ("tau", r"\tau"), "l1": ("l1", r"\lambda_1"),
        "l2": ("l2", r"\lambda_2"), "clip_norm": ("C", "C"), "clip_value": ("c", "c"), "lower": ("l", "l"),
        "upper": ("h", "h"),
    }
)  # fmt: skip
"""Settable number -> text and LaTeX."""

_NAME = re.compile(
    r"(?P<running>running_)?(?:(?P<slot>[a-z]+)_(?=[Wbg]))?(?P<wrt>dL_d|d(?=[Wbg]))?"
    r"(?P<letter>u_mask|u_slope|[a-zA-Z]+?)(?P<layer>\d+)(?P<end>_new|_clipped)?"
)
_TEMPLATE = re.compile(r"\\?[a-zA-Z]+_\{l([+-]1)?\}|(?<![\\a-zA-Z])[Jy](?![a-zA-Z])")
_TEXT = re.compile(r"(?<![A-Za-z_])(dL_d)?(delta|zhat|z|a|x|y|g)(\d*)(?![A-Za-z_])")


_PRODUCTS = (
    (r"(W\d+) ([ard]\d+|x)\b", r"\1^T \2"),
    (r"(W\d+)\^T (delta\d+)", r"\1 \2"),
    (r"(delta\d+) ([ard]\d+|x)\^T", r"\2 \1^T"),
)
"""Products with W as (outputs, inputs) -> the same with W as (inputs, outputs), as text."""


@dataclass(frozen=True)
class Notation:
    """How symbols look.

    Attributes
    ----------
    name, where : str
        What to ask for, and who writes so.
    around : (str, str)
        What stands around the number of the layer above a letter; empty: it stands below, before the index.
    letters : mapping
        glassnet's letter -> text and LaTeX, where it is another than usual.
    output, target : (str, str)
        The network's output and the target.
    rate : (str, str)
        The learning rate.
    order : str
        Which index of W comes first: "out,in" or "in,out".
    bias, batch : str
        "separate" or "unit"; "rows" or "columns".
    """

    name: str
    where: str
    around: tuple[str, str] = ("(", ")")
    letters: Mapping[str, tuple[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    output: tuple[str, str] | None = None
    target: tuple[str, str] = ("y", "y")
    rate: tuple[str, str] = ("eta", r"\eta")
    order: str = "out,in"
    bias: str = "separate"
    batch: str = "rows"

    def letter(self, letter: str) -> tuple[str, str]:
        """A letter as text and LaTeX."""
        return self.letters.get(letter) or LETTERS.get(letter) or (letter, letter)

    def constant(self, name: str) -> tuple[str, str]:
        """A settable number as text and LaTeX."""
        word = rf"\operatorname{{{name}}}".replace("_", r"\_")
        return self.rate if name == "eta" else CONSTANTS.get(name, (name, word))

    def above(self, letter: str, layer: int, places: str) -> str:
        """The LaTeX of a letter with its layer and its index; in braces where more may come above it."""
        left, right = self.around
        if not left:
            below = ";".join(filter(None, (str(layer), places)))
            return f"{letter}_{{{below}}}"
        symbol = f"{letter}^{{{left}{layer}{right}}}"
        return f"{symbol}_{{{places}}}" if places else f"{{{symbol}}}"

    def _places(self, letter: str, index: Index, per_example: bool) -> str:
        """An index from 1 as it is written; b is W's column 0 where a unit 0 stands for it."""
        if letter == "b" and self.bias == "unit":
            index = (*index, 0)
        if letter in ("W", "b") and len(index) == 2 and self.order == "in,out":
            index = index[::-1]
        if per_example and len(index) == 2 and self.batch == "columns":
            index = index[::-1]
        return ",".join(map(str, index))

    def latex(self, name: str, index: Index, depth: int, per_example: bool = False) -> str:
        """The symbol of one number; its index counts from 1, `depth` is the number of the last layer.

        >>> n = NOTATIONS["parentheses"]
        >>> n.latex("W2_new", (1, 2), 2), n.latex("dL_da1", (2,), 2), NOTATIONS["brackets"].latex("g1", (1,), 2)
        ('{W^{(2)}_{1,2}}^{\\\\text{new}}', '\\\\frac{\\\\partial J}{\\\\partial a^{(1)}_{2}}', "g'(z^{[1]}_{1})")
        """
        match = _NAME.fullmatch(name)
        if match is None:
            places = self._places(name, index, per_example)
            symbol = self.target[1] if name == "y" else "x" if name == "x" else self.letter(name)[1]
            return f"{symbol}_{{{places}}}" if places else symbol
        letter, layer = match["letter"], int(match["layer"])
        places = self._places(letter, index, per_example)
        if letter == "g":
            return f"g'({self._core('z', layer, places, depth)})"
        symbol = self._core(letter, layer, places, depth)
        if match["running"]:
            symbol = rf"\bar{{{self.letter(letter)[1]}}}_{{{places}}}"
        if match["wrt"]:
            symbol = rf"\frac{{\partial {self.letter('loss')[1]}}}{{\partial {symbol}}}"
        if match["slot"]:
            slot = match["slot"].removesuffix("hat")
            symbol = rf"\hat{{{slot}}}({symbol})" if slot != match["slot"] else f"{slot}({symbol})"
        ends = {"_new": r"\text{new}", "_clipped": r"\text{clip}"}
        return f"{{{symbol}}}^{{{ends[match['end']]}}}" if match["end"] else symbol

    def _core(self, letter: str, layer: int, places: str, depth: int) -> str:
        if letter == "one":
            letter, places = "a", "0"
        if letter == "a" and layer == 0:
            return f"x_{{{places}}}" if places else "x"
        if letter == "a" and layer == depth and self.output is not None:
            return f"{self.output[1]}_{{{places}}}" if places else self.output[1]
        if letter == "b" and self.bias == "unit":
            letter, places = "W", places or "0"
        if letter == "W" and not places:
            return self.above("W", layer, "")
        return self.above(self.letter(letter)[1], layer, places)

    def text(self, name: str, index: Index, depth: int, per_example: bool = False) -> str:
        """The symbol of one number as text.

        >>> NOTATIONS["subscript"].text("W2_new", (1, 2), 2), NOTATIONS["lecture-23"].text("a1", (2,), 2)
        ('W2_new[1,2]', 'u1[2]')
        """
        match = _NAME.fullmatch(name)
        letter = match["letter"] if match else name
        places = self._places(letter, index, per_example)
        if letter == "one" and match:
            return f"{'x' if match['layer'] == '0' else self.letter('a')[0] + match['layer']}[0]"
        word = self.words(name, depth)
        if letter == "b" and self.bias == "unit":
            word = word.replace("b", "W", 1)
        return f"{word}[{places}]" if places else word

    def words(self, text: str, depth: int) -> str:
        """A formula's text with the letters of this notation."""

        def put(match: "re.Match[str]") -> str:
            before, letter, layer = match[1] or "", match[2], match[3]
            if (letter == "a" and layer == "0") or (letter == "x" and not layer):
                return f"{before}x"
            if letter == "y" and not layer:
                return self.target[0]
            if letter == "a" and layer == str(depth) and self.output is not None:
                return f"{before}{self.output[0]}"
            return f"{before}{self.letter(letter)[0]}{layer}"

        for pattern, turned in _PRODUCTS if self.order == "in,out" else ():
            text, done = re.subn(pattern, turned, text)
            if done:
                break
        return _TEXT.sub(put, text)

    def formula(self, template: str, layer: int, depth: int) -> str:
        """A formula of the table for one layer.

        >>> NOTATIONS["parentheses"].formula("z_{l} = W_{l} a_{l-1} + b_{l}", 2, 2)
        '{z^{(2)}} = {W^{(2)}} {a^{(1)}} + {b^{(2)}}'
        """

        def put(match: "re.Match[str]") -> str:
            if match[0] in "Jy":
                return self.letter("loss")[1] if match[0] == "J" else self.target[1]
            letter = match[0].partition("_")[0].removeprefix("\\")
            symbol = self._core(letter, layer + int(match[1] or 0), "", depth)
            return symbol if symbol.startswith("{") or not self.around[0] else f"{{{symbol}}}"

        if self.bias == "unit":
            template = re.sub(r" \+ b_\{l\}", "", template)
        words = re.sub(r"\\(mean|var|scale)(?![a-z_])", lambda m: self.letter(m[1])[1], template)
        return _TEMPLATE.sub(put, words)

    def of_loss(self, latex: str) -> str:
        """The formula of a loss's record, which is written with a_k, y_k and z_k.

        >>> NOTATIONS["introduction"].of_loss(r"-\\sum_k y_k \\log a_k")
        '-\\\\sum_k t_k \\\\log y_k'
        """
        letters = {"a": self.output[1] if self.output else self.letter("a")[1], "y": self.target[1]}
        letters["z"] = self.letter("z")[1]
        return re.sub(r"(?<![a-zA-Z])([ayz])(?=_)", lambda m: letters[m[1]], latex)


_OWN = "glassnet's own names, W2[1,2]"
_LOSS = {"loss": ("loss", "L"), "losses": ("losses", r"\ell")}
NOTATIONS: dict[str, Notation] = {
    item.name: item
    for item in (
        Notation("parentheses", "the layer in parentheses above"),
        Notation("brackets", "the layer in brackets above", ("[", "]")),
        Notation("subscript", _OWN, ("", "")),
        Notation("lecture-5", "Lecture 5", letters=MappingProxyType(_LOSS)),
        Notation(
            "class-2", "Neural Networks Class 2", letters=MappingProxyType(_LOSS),
            output=("yhat", r"\hat{y}"), batch="columns",
        ),
        Notation(
            "lecture-23", "Lecture 23",
            letters=MappingProxyType(
                {"z": ("a", "a"), "a": ("u", "u"), "W": ("W", "w"), **_LOSS}
            ),
            output=("yhat", r"\hat{y}"), order="in,out",
        ),
        Notation(
            "introduction", "Introduction to Neural Networks",
            letters=MappingProxyType(
                {"W": ("W", "w"), **_LOSS, "loss": ("loss", r"\mathcal{L}")}
            ),
            output=("y", "y"), target=("t", "t"), bias="unit",
        ),
        Notation(
            "ee514", "EE514", ("[", "]"),
            MappingProxyType({"W": ("W", "w"), **_LOSS, "loss": ("loss", r"\mathcal{L}")}),
            output=("ytilde", r"\tilde{y}"), rate=("alpha", r"\alpha"), batch="columns",
        ),
    )
}  # fmt: skip
"""All notations by name."""


def notation(name: str, bias: str | None = None, batch: str | None = None) -> Notation:
    """Look a notation up, with the bias and the batch another way if that is asked for.

    Raises
    ------
    InvalidParameterError
        If there is no such notation, or no such way.

    >>> notation("brackets", batch="columns").batch
    'columns'
    """
    if name not in NOTATIONS:
        near = nearest(name, NOTATIONS) or f"; known are {', '.join(NOTATIONS)}"
        raise InvalidParameterError(f"unknown notation '{name}'{near}")
    for what, given, choices in (("bias", bias, ("separate", "unit")), ("batch", batch, ("rows", "columns"))):
        if given is not None and given not in choices:
            raise InvalidParameterError(f"{what} must be '{choices[0]}' or '{choices[1]}', got {given!r}")
    found = NOTATIONS[name]
    return replace(found, bias=bias or found.bias, batch=batch or found.batch)
