"""A derivation: steps of training written out line by line, as a teacher writes them on a board; data to be shown.

Each line has its symbol, the formula in symbols, the formula with the numbers plugged in, the value and the shape. The
values are read from traces; `explain.board` only writes down how each one came about.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import InvalidParameterError
from glassnet.explain import rendering
from glassnet.explain.places import Index
from glassnet.explain.typesetting import latex

if TYPE_CHECKING:
    from glassnet.explain.board import Board
    from glassnet.explain.chain_rule import ChainRule

__all__ = ["Derivation", "Given", "Line", "Paragraph", "Step"]


@dataclass(frozen=True)
class Line:
    """One number: its index from 1, the line in symbols and in numbers (text and LaTeX), the value."""

    label: str
    index: Index
    symbols: str
    numbers: str
    latex: str
    symbols_latex: str
    numbers_latex: str
    value: float
    shown: str


@dataclass(frozen=True)
class Paragraph:
    """One quantity: its formula, its shape, its values, and the lines of its first entries.

    Attributes
    ----------
    name, meaning, text, why : str
        glassnet's name, what it is, the formula as text, and a sentence on it.
    formulas : tuple of str
        In LaTeX: the formula of the table, and the one of the activation, loss or optimizer, if that is another.
    symbol : str
        The whole quantity in LaTeX.
    shape : tuple of int
        One example has no axis of its own.
    product : str
        The formula in LaTeX with whole matrices plugged in, where that helps.
    layer, part : int, str
        0 where it belongs to no layer; "forward", "loss", "backward" or "update".
    """

    name: str
    meaning: str
    text: str
    why: str
    formulas: tuple[str, ...]
    symbol: str
    shape: tuple[int, ...]
    values: np.ndarray
    lines: tuple[Line, ...]
    product: str
    layer: int
    part: str
    digits: int

    @property
    def left_out(self) -> int:
        """How many entries are not written out."""
        return self.values.size - len(self.lines)

    @property
    def formula(self) -> str:
        """The formula of the table in LaTeX."""
        return self.formulas[0]


@dataclass(frozen=True)
class Given:
    """Numbers that a derivation starts from: x, y, W1 and so on."""

    name: str
    text: str
    symbol: str
    values: np.ndarray


@dataclass(frozen=True)
class Step:
    """One forward pass, backward pass and update.

    Attributes
    ----------
    number : int
        From 1.
    given : tuple of Given
        The parameters that it starts from.
    paragraphs : tuple of Paragraph
        In the order of computation.
    loss, loss_after : float or None
        At the beginning, and with the updated parameters.
    """

    number: int
    given: tuple[Given, ...]
    paragraphs: tuple[Paragraph, ...]
    loss: float | None
    loss_after: float | None


@dataclass(frozen=True)
class Derivation:
    """Steps of training, ready to be shown.

    Attributes
    ----------
    title : str
        The network in one line.
    conventions : tuple of str
        How to read it: rows or columns, which reduction, where the bias is.
    given : tuple of Given
        Inputs and targets.
    steps : tuple of Step
    loss_symbol : str
        The loss in LaTeX, J or as the notation has it.
    digits : int
        Significant figures of all numbers.
    board : Board, optional
        What wrote it: `board.traces` holds the numbers of each step. None where there is no network.

    >>> from glassnet import Dense, Network
    >>> net = Network(1, [Dense(1, "sigmoid")], "half_squared_error", dtype="float64")
    >>> net.parameters["W1"], net.parameters["b1"] = [[0.5]], [1.0]
    >>> print(*net.explain([[2.0]]).text().splitlines()[-3:], sep="\\n")
      a1[1] = 1 / (1 + exp(-z1[1]))
            = 1 / (1 + exp(-2))
            = 0.880797
    """

    title: str
    conventions: tuple[str, ...]
    given: tuple[Given, ...]
    steps: tuple[Step, ...]
    loss_symbol: str
    digits: int
    board: "Board | None" = field(repr=False, compare=False)

    @property
    def paragraphs(self) -> tuple[Paragraph, ...]:
        """Those of all steps."""
        return tuple(part for step in self.steps for part in step.paragraphs)

    @property
    def loss_after(self) -> float | None:
        """The loss after the last update, if there was one."""
        return self.steps[-1].loss_after

    def chain(self, name: str, step: int = 1, *, most: int = 64) -> "ChainRule":
        """The chain rule for one parameter, factor by factor, as a sum over all paths from the loss back to it.

        Parameters
        ----------
        name : str
            Such as "W1[1,2]", "b2[1]" or "gamma1[3]"; indices count from 1.
        step : int
            Of which step, from 1.
        most : int
            Paths that are written out. With more the chain rule is written layer by layer, by delta.

        Raises
        ------
        InvalidParameterError
            If there is no such parameter, no such step, or no backward pass.

        >>> from glassnet import Dense, Network
        >>> net = Network(2, [Dense(2, "tanh"), Dense(2)], seed=1, dtype="float64")
        >>> chain = net.explain([[1.0, 2.0]], [[0.5, 0.5]]).chain("W1[1,1]")
        >>> gradient = net.trace([[1.0, 2.0]], [[0.5, 0.5]])["dW1"][0, 0]
        >>> len(chain.paths), round(chain.value - gradient.item(), 12)
        (2, 0.0)
        """
        from glassnet.explain.paths import chain_rule

        if isinstance(step, bool) or not isinstance(step, int) or not 1 <= step <= len(self.steps):
            raise InvalidParameterError(f"chain: step must be a whole number from 1 to {len(self.steps)}, got {step!r}")
        if self.board is None:
            raise InvalidParameterError("chain: there is no network; the derivatives above are the chain rule already")
        return chain_rule(self.board, name, step, most)

    def text(self, width: int = 0) -> str:
        """For a terminal, in lines of that width (0: as long as they are)."""
        return rendering.text(self, width)

    def markdown(self) -> str:
        """Markdown with LaTeX, as GitHub, Jupyter and most editors show it."""
        return rendering.markdown(self)

    def latex(self) -> str:
        """A document for LaTeX, which needs amsmath, geometry and graphicx only."""
        return latex(self)

    def html(self) -> str:
        """A page of its own, with MathML: nothing is loaded from anywhere."""
        return rendering.html(self)

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return rendering.document(self)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_html_(self) -> str:
        return rendering.html_body(self)

    def __str__(self) -> str:
        return self.text()
