"""What a proof is: lists of equalities, each step with its reason."""

from dataclasses import dataclass, field
from typing import Any

from glassnet.explain.proofs import showing
from glassnet.explain.proofs.writing import Symbols, latex, plain

__all__ = ["Equalities", "Proof", "Step", "equalities"]


@dataclass(frozen=True)
class Step:
    """One of several equal expressions, in the language of `proofs.writing`, and why it equals the one before it.

    In the reason, too, what stands between backticks is in that language.

    >>> Step("a * (1 - a)", "definition of `a`").reason
    'definition of `a`'
    """

    expression: str
    reason: str = ""


@dataclass(frozen=True)
class Equalities:
    """Expressions that are all equal, from what is asked for to the formula that glassnet computes.

    Attributes
    ----------
    title : str
        What is shown.
    steps : tuple of Step
        The first is what is asked for; each later one equals the one before it, for its reason.
    where : tuple of str
        Definitions, such as "a = 1 / (1 + exp(-z))".
    when : str
        The condition under which it holds; empty for always.
    proves : str
        Which function of the record the last expression is: "derivative", "vjp", "linked" …; empty for none.
    symbols : mapping
        Names that are written otherwise here, as (LaTeX, text).
    """

    title: str
    steps: tuple[Step, ...]
    where: tuple[str, ...] = ()
    when: str = ""
    proves: str = ""
    symbols: Symbols = field(default_factory=dict)

    def latex(self, text: str) -> str:
        """An expression, a definition or the condition in LaTeX."""
        return latex(text, self.symbols)

    def plain(self, text: str) -> str:
        """The same for a terminal."""
        return plain(text, self.symbols)


@dataclass(frozen=True)
class Proof:
    """A derivation in symbols.

    Attributes
    ----------
    name : str
        Of the record, or of the rule of the network.
    title : str
        What is derived.
    parts : tuple of Equalities
        In the order of reading.
    remark : str
        What else is to be said: the choice at a kink, what the result is good for.

    >>> from glassnet import derive
    >>> print(derive("exponential").text())
    exponential: the derivative of the exponential
    <BLANKLINE>
    derivative
      with a = exp(z)
    <BLANKLINE>
      da/dz
        = d/dz exp(z)   definition of a
        = exp(z)        the exponential is its own derivative
        = a             definition of a
    """

    name: str
    title: str
    parts: tuple[Equalities, ...]
    remark: str = ""

    def text(self) -> str:
        """For a terminal."""
        return showing.text(self)

    def markdown(self, level: int = 1) -> str:
        """Markdown with LaTeX, as GitHub, Jupyter and most editors show it; its heading is of this level."""
        return showing.markdown(self, level)

    def latex(self) -> str:
        """A document for LaTeX, which needs amsmath and geometry only."""
        return showing.latex(self)

    def html(self) -> str:
        """A page of its own, with MathML: nothing is loaded from anywhere."""
        return showing.html(self)

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return showing.document(self)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_html_(self) -> str:
        return showing.html_body(self)

    def __str__(self) -> str:
        return self.text()


def equalities(
    title: str,
    asked: str,
    *steps: tuple[str, str],
    where: tuple[str, ...] = (),
    when: str = "",
    proves: str = "",
    symbols: Symbols | None = None,
) -> Equalities:
    """Equalities from texts: what is asked for, then pairs of an expression and its reason."""
    return Equalities(title, (Step(asked), *(Step(*pair) for pair in steps)), where, when, proves, symbols or {})
