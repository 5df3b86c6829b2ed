"""The LaTeX of formulas as MathML, which browsers show without any help: the small part of LaTeX that we write."""

import re
from html import escape

from glassnet.errors import InvalidParameterError

__all__ = ["mathml"]

_TOKEN = re.compile(r"\\(?:text|operatorname|mathrm|mathcal)\{[^{}]*\}|\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?|[a-zA-Z]|\S")
_FUNCTIONS = ("log", "exp", "max", "min", "sin", "cos", "tanh", "arg")
_SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "kappa": "κ", "lambda": "λ",
    "mu": "μ", "rho": "ρ", "sigma": "σ", "tau": "τ", "theta": "θ", "varphi": "φ", "Phi": "Φ", "ell": "ℓ",
    "partial": "∂", "cdot": "·", "odot": "⊙", "top": "⊤", "sum": "∑", "prod": "∏", "leftarrow": "←", "le": "≤",
    "ge": "≥", "ne": "≠", "times": "×", "dots": "…", "cdots": "⋯", "vdots": "⋮", "ddots": "⋱", "infty": "∞",
}  # fmt: skip
_LETTERS = "αβγδεηκλμρστθφΦℓ"
_SCRIPT = {"L": "ℒ"}
_FENCES = ("(", ")", "[", "]", "|")
_ACCENTS = {"hat": "^", "tilde": "~", "bar": "¯"}
_IGNORED = ("Bigl", "Bigr", "bigl", "bigr", ",", ";", "displaystyle")


def mathml(latex: str) -> str:
    """One formula as a <math> element.

    >>> mathml("z_{1}")
    '<math displaystyle="true"><mrow><msub><mi>z</mi><mrow><mn>1</mn></mrow></msub></mrow></math>'

    Raises
    ------
    InvalidParameterError
        If there is a command that is not known here.
    """
    return f'<math displaystyle="true">{_Reader(_TOKEN.findall(latex.replace("{pmatrix}", " "))).row()}</math>'


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
        if token in _FENCES:
            return f'<mo stretchy="false" lspace="0" rspace="0">{token}</mo>'
        kind = "mn" if token[0].isdigit() else "mi" if token.isalpha() else "mo"
        return f"<{kind}>{escape('−' if token == '-' else token)}</{kind}>"

    def command(self, name: str) -> str:
        if name in ("frac", "tfrac"):
            return f"<mfrac>{self.atom()}{self.atom()}</mfrac>"
        if name == "sqrt":
            return f"<msqrt>{self.atom()}</msqrt>"
        if name in _ACCENTS:
            return f"<mover>{self.atom()}<mo>{_ACCENTS[name]}</mo></mover>"
        kind, brace, words = name.partition("{")
        if brace:
            words = words[:-1].replace("\\", "")
            if kind == "mathcal":
                return f"<mi>{_SCRIPT.get(words, words)}</mi>"
            return f"<mtext>{escape(words.replace(' ', chr(0xA0)))}</mtext>"
        if name == "begin":
            return self.matrix()
        if name == "left":
            opening, inner = self.take(), self.row("\\right")
            return f"<mrow><mo>{opening}</mo>{inner}<mo>{self.take()}</mo></mrow>"
        if name in _FUNCTIONS:
            return f'<mi>{name}</mi><mspace width="0.17em"/>'
        if name in _SYMBOLS:
            kind = "mi" if _SYMBOLS[name] in _LETTERS else "mo"
            return f"<{kind}>{_SYMBOLS[name]}</{kind}>"
        if name in ("quad", "qquad"):
            return f'<mspace width="{len(name) - 3}em"/>'
        if name in _IGNORED:
            return ""
        raise InvalidParameterError(f"no MathML for the LaTeX command '\\{name}'; add it to explain.mathml")

    def matrix(self) -> str:
        """A pmatrix, from behind its \\begin."""
        rows, cells = list[str](), list[str]()
        while self.place < len(self.tokens):
            cells.append(self.row("&", r"\\", r"\end"))
            end = self.tokens[self.place - 1]
            if end != "&":
                rows.append("<mtr>" + "".join(f"<mtd>{cell}</mtd>" for cell in cells) + "</mtr>")
                cells = []
            if end == r"\end":
                break
        return f"<mrow><mo>(</mo><mtable>{''.join(rows)}</mtable><mo>)</mo></mrow>"
