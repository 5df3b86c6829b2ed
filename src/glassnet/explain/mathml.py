"""The LaTeX of formulas as MathML, which browsers show without any help: the small part of LaTeX that we write."""

import re
from html import escape

from glassnet.errors import InvalidParameterError

__all__ = ["mathml"]

_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?|[a-zA-Z]|\S")
_FUNCTIONS = ("log", "exp", "max", "min", "sin", "cos", "tanh")
_SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "lambda": "λ", "mu": "μ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "theta": "θ", "Phi": "Φ", "varphi": "φ",
    "partial": "∂", "cdot": "·", "odot": "⊙", "top": "⊤", "sum": "∑", "prod": "∏", "leftarrow": "←", "le": "≤",
}  # fmt: skip
_LETTERS = "αβγδεηλμπρστθΦφ"
_IGNORED = ("Bigl", "Bigr", "bigl", "bigr", ",", ";")


def mathml(latex: str) -> str:
    """One formula as a <math> element.

    >>> mathml("z_{1}")
    '<math displaystyle="true"><mrow><msub><mi>z</mi><mrow><mn>1</mn></mrow></msub></mrow></math>'

    Raises
    ------
    InvalidParameterError
        If there is a command that is not known here.
    """
    return f'<math displaystyle="true">{_Reader(_TOKEN.findall(latex)).row()}</math>'


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.place = tokens, 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.place += 1
        return token

    def row(self, *ends: str) -> str:
        """Everything up to one of the ends, which is taken too."""
        parts: list[str] = []
        while self.place < len(self.tokens) and self.peek() not in ends:
            sign = self.peek() == "-" and (not parts or parts[-1].startswith("<mo"))
            parts.append(self._sign() if sign else self.scripted())
        self.take()
        return f"<mrow>{''.join(parts)}</mrow>"

    def _sign(self) -> str:
        self.take()
        return '<mo form="prefix">−</mo>'  # of a number: no space around it

    def scripted(self) -> str:
        """An atom with what hangs on it."""
        base, below, above = self.atom(), "", ""
        while self.peek() in ("_", "^", "'"):
            mark = self.take()
            if mark == "_":
                below = self.atom()
            else:
                above += "<mo>′</mo>" if mark == "'" else self.atom()
        if below and above:
            return f"<msubsup>{base}{below}<mrow>{above}</mrow></msubsup>"
        if below:
            return f"<msub>{base}{below}</msub>"
        return f"<msup>{base}<mrow>{above}</mrow></msup>" if above else base

    def atom(self) -> str:
        token = self.take()
        if token == "{":
            return self.row("}")
        if token.startswith("\\"):
            return self.command(token[1:])
        kind = "mn" if token[0].isdigit() else "mi" if token.isalpha() else "mo"
        return f"<{kind}>{escape('−' if token == '-' else token)}</{kind}>"

    def command(self, name: str) -> str:
        if name in ("frac", "tfrac"):
            return f"<mfrac>{self.atom()}{self.atom()}</mfrac>"
        if name == "sqrt":
            return f"<msqrt>{self.atom()}</msqrt>"
        if name == "hat":
            return f"<mover>{self.atom()}<mo>^</mo></mover>"
        if name in ("operatorname", "text"):
            return f"<mtext>{escape(self.letters())}</mtext>"
        if name == "left":
            opening, inner = self.take(), self.row("\\right")
            return f"<mrow><mo>{opening}</mo>{inner}<mo>{self.take()}</mo></mrow>"
        if name in _FUNCTIONS:
            return f"<mi>{name}</mi>"
        if name in _SYMBOLS:
            kind = "mi" if _SYMBOLS[name] in _LETTERS else "mo"
            return f"<{kind}>{_SYMBOLS[name]}</{kind}>"
        if name in _IGNORED or name == "quad":
            return '<mspace width="1em"/>' if name == "quad" else ""
        raise InvalidParameterError(f"no MathML for the LaTeX command '\\{name}'; add it to explain.mathml")

    def letters(self) -> str:
        """The text of a group."""
        out = ""
        self.take()
        while self.peek() not in ("}", ""):
            out += self.take() + (" " if self.peek() == "then" else "")
        self.take()
        return out
