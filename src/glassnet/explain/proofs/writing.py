"""The language of the proofs, and how it is written: one text, read as Python, shown as LaTeX or on a terminal.

    a[k] * (kronecker(k, j) - a[j])         a_{k} (\\delta_{kj} - a_{j})        a_k · (δ_kj - a_j)

Besides arithmetic and the usual functions it has `partial(L, z[j])` and `d(a, z)` for derivatives, `sum(k, …)`, a
matrix's transpose `W.T`, products `W @ a`, and comparisons, which are conditions.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["FORMS", "Symbols", "Writer", "latex", "plain"]

Symbols = Mapping[str, tuple[str, str]]
SUM, BIG, PRODUCT, POWER, ATOM = 1.0, 1.5, 2.0, 3.0, 4.0
"""What binds how strongly; BIG reaches as far to the right as it can: a sum's sign, a derivative's."""

SYMBOLS: Symbols = {
    name: (f"\\{name}", letter)
    for name, letter in {
        "alpha": "α", "beta": "β", "delta": "δ", "epsilon": "ε", "eta": "η", "gamma": "γ", "mu": "μ", "rho": "ρ",
        "tau": "τ", "theta": "θ", "pi": "π", "sigma": "σ", "Phi": "Φ",
    }.items()
} | {"phi": (r"\varphi", "φ"), "lam": (r"\lambda", "λ"), "scale": (r"\lambda", "λ"), "dg": ("g'", "g'")}  # fmt: skip
"""Names that are written otherwise: LaTeX and text. A # is where an index goes; otherwise it hangs below."""

FORMS: Mapping[str, tuple[str, str]] = {
    "exp": ("e^{#}", "exp(#)"),
    "sqrt": (r"\sqrt{#}", "sqrt(#)"),
    "abs": (r"\left|#\right|", "|#|"),
    "log": (r"\log#", "log#"),
    "tanh": (r"\tanh#", "tanh#"),
    "erf": (r"\operatorname{erf}#", "erf#"),
    "sign": (r"\operatorname{sign}#", "sign#"),
    "max": (r"\max#", "max#"),
    "min": (r"\min#", "min#"),
}
"""Functions: LaTeX and text around the argument. Where the # stands alone, with its parentheses."""

COMPARISONS: Mapping[type[ast.cmpop], tuple[str, str]] = {
    ast.Gt: (">", ">"),
    ast.Lt: ("<", "<"),
    ast.LtE: (r"\le", "<="),
    ast.GtE: (r"\ge", ">="),
    ast.Eq: ("=", "="),
}
LATEX, TEXT = 0, 1


def latex(text: str, symbols: Symbols | None = None) -> str:
    """An expression, a definition or a condition as LaTeX.

    >>> latex("exp(-z[k]) / sum(j, exp(-z[j]))")
    '\\\\frac{e^{-z_{k}}}{\\\\sum_{j} e^{-z_{j}}}'
    """
    return Writer(LATEX, {**SYMBOLS, **(symbols or {})}).whole(text)


def plain(text: str, symbols: Symbols | None = None) -> str:
    """The same for a terminal.

    >>> plain("a[k] * (kronecker(k, j) - a[j])"), plain("partial(L, z[j])"), plain("(1 - x**2) / 2")
    ('a_k · (δ_kj - a_j)', '∂L/∂z_j', '(1 - x²) / 2')
    """
    return Writer(TEXT, {**SYMBOLS, **(symbols or {})}).whole(text)


@dataclass(frozen=True)
class Written:
    """Text, and how strongly it binds."""

    text: str
    level: float = ATOM


@dataclass(frozen=True)
class Writer:
    """Writes syntax trees in one medium."""

    medium: int
    symbols: Symbols = field(default_factory=dict)

    def whole(self, text: str) -> str:
        """An expression, a condition, or a definition: two expressions with a = between them."""
        return " = ".join(self.write(ast.parse(side, mode="eval").body).text for side in text.split(" = "))

    def write(self, node: ast.expr) -> Written:
        """Any node."""
        match node:
            case ast.Constant():
                return Written(str(node.value))
            case ast.Name():
                return Written(self.symbol(node.id))
            case ast.Subscript():
                return Written(self._indexed(node))
            case ast.Attribute():
                base = self.write(node.value).text
                return Written((rf"{{{base}}}^\top", f"{base}^T")[self.medium])
            case ast.UnaryOp():
                return Written(f"-{self._within(node.operand, BIG)}", min(PRODUCT, self.write(node.operand).level))
            case ast.Compare():
                sign = COMPARISONS[type(node.ops[0])][self.medium]
                return Written(f"{self.write(node.left).text} {sign} {self.write(node.comparators[0]).text}", SUM)
            case ast.BinOp():
                return self._operation(node)
            case ast.Call():
                return self._call(node)
            case _:
                raise AssertionError(ast.unparse(node))

    def symbol(self, name: str) -> str:
        """A name without an index."""
        return self.symbols[name][self.medium] if name in self.symbols else name

    def _indexed(self, node: ast.Subscript) -> str:
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        index = "".join(self.write(place).text for place in places)
        base = self.symbol(node.value.id) if isinstance(node.value, ast.Name) else self._bracketed(node.value)
        below = "_{#}" if self.medium == LATEX else "_#"
        return (base if "#" in base else base + below).replace("#", index)

    # --- arithmetic ---

    def _within(self, node: ast.expr, level: float, *, left: bool = False) -> str:
        """A part, in parentheses where it binds weaker, or begins with a minus that would stand after a sign."""
        part = self.write(node)
        minus = part.text.startswith("-") and not left
        return part.text if part.level >= level and not minus else self._bracketed(node)

    def _bracketed(self, node: ast.expr) -> str:
        text = self.write(node).text
        tall = self.medium == LATEX and any(word in text for word in (r"\frac", r"\sum"))
        return rf"\left({text}\right)" if tall else f"({text})"

    def _operation(self, node: ast.BinOp) -> Written:
        match node.op:
            case ast.Add() | ast.Sub():
                return self._sum(node)
            case ast.Mult() | ast.MatMult():
                return self._product(node)
            case ast.Div():
                if self.medium == LATEX:
                    return Written(rf"\frac{{{self.write(node.left).text}}}{{{self.write(node.right).text}}}", PRODUCT)
                left = self._within(node.left, PRODUCT, left=True)
                return Written(f"{left} / {self._within(node.right, POWER)}", PRODUCT)
            case _:
                return self._power(node)

    def _sum(self, node: ast.BinOp) -> Written:
        plus = isinstance(node.op, ast.Add)
        first = self.write(node.left)
        left = self._bracketed(node.left) if first.level == BIG else first.text
        right = self.write(node.right)
        if plus and right.text.startswith("-") and right.level > SUM:
            return Written(f"{left} - {right.text[1:]}", SUM)
        last = self._within(node.right, SUM if plus else BIG)
        return Written(f"{left} {'+' if plus else '-'} {last}", SUM)

    def _product(self, node: ast.BinOp) -> Written:
        left, right = self._within(node.left, PRODUCT, left=True), self._within(node.right, BIG)
        quotient = isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.Div)
        if self.medium == TEXT and quotient:
            right = self._bracketed(node.right)
        sign = " · " if self.medium == TEXT and isinstance(node.op, ast.Mult) else " "
        if self.medium == LATEX and not right.startswith(("(", r"\left(")):
            sign = r" \cdot " if right[0].isdigit() or "\\partial" in left + right else r" \, "
        return Written(f"{left}{sign}{right}", BIG if self.write(node.right).level == BIG else PRODUCT)

    def _power(self, node: ast.BinOp) -> Written:
        base, exponent = self._within(node.left, ATOM), self.write(node.right).text
        if self.medium == LATEX:
            return Written(f"{base}^{{{exponent}}}", POWER)
        short = {"2": "²", "3": "³"}.get(exponent, f"^{self._within(node.right, ATOM)}")
        return Written(f"{base}{short}", POWER)

    # --- functions ---

    def _call(self, node: ast.Call) -> Written:
        assert isinstance(node.func, ast.Name)
        name, arguments = node.func.id, node.args
        if name == "sum":
            index, body = self.write(arguments[0]).text, self._within(arguments[1], BIG)
            return Written((rf"\sum_{{{index}}} {body}", f"Σ_{index} {body}")[self.medium], BIG)
        if name in ("d", "partial"):
            return self._derivative(name, *arguments)
        if name == "kronecker":
            index = "".join(self.write(place).text for place in arguments)
            return Written((rf"\delta_{{{index}}}", f"δ_{index}")[self.medium])
        inner = ", ".join(self.write(argument).text for argument in arguments)
        form = FORMS[name][self.medium] if name in FORMS else f"{self.symbol(name)}#"
        if form.endswith("#"):
            tall = self.medium == LATEX and any(word in inner for word in (r"\frac", r"\sum"))
            inner = rf"\left({inner}\right)" if tall else f"({inner})"
        return Written(form.replace("#", inner), POWER if name == "exp" else ATOM)

    def _derivative(self, name: str, what: ast.expr, by: ast.expr) -> Written:
        sign = {"d": ("d", "d"), "partial": (r"\partial ", "∂")}[name][self.medium]
        of, variable = self.write(what), self.write(by).text
        if of.level == ATOM and isinstance(what, ast.Name | ast.Subscript):
            form = (rf"\frac{{{sign}{of.text}}}{{{sign}{variable}}}", f"{sign}{of.text}/{sign}{variable}")
            return Written(form[self.medium], PRODUCT if self.medium == LATEX else ATOM)
        body = of.text if of.level >= POWER else self._bracketed(what)
        form = (rf"\frac{{{sign}}}{{{sign}{variable}}} {body}", f"{sign}/{sign}{variable} {body}")
        return Written(form[self.medium], BIG)
