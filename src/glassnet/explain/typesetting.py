"""A derivation as a LaTeX document that reads like a lecture: headings, sentences, equations within the margins.

LaTeX does not break a line of an alignment by itself, so each is measured here, roughly, and broken at its equals signs
and between its terms; what has no place to break is scaled down.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassnet.explain.words import latex_number

if TYPE_CHECKING:
    from glassnet.explain.derivation import Derivation, Given, Line, Paragraph, Step

__all__ = [
    "HEADINGS",
    "aligned",
    "escaped",
    "latex",
    "latex_steps",
    "matrix",
    "sentence",
    "whole",
    "width",
]

WIDEST = 44.0  # of the text, in the font's em
MOST_ROWS, MOST_COLUMNS = 6, 6
HEADINGS = {"forward": "Forward pass", "loss": "Loss", "backward": "Backward pass", "update": "Update"}
PREAMBLE = r"""\documentclass[10pt, fleqn]{article}
\usepackage[a4paper, margin=2cm]{geometry}
\usepackage{amsmath}
\usepackage{graphicx}
\setlength{\parindent}{0pt}
\setlength{\mathindent}{2em}
\setlength{\parskip}{4pt plus 2pt}
\allowdisplaybreaks[1]
\begin{document}
"""

# --- how wide a formula is --------------------------------------------------------------------------------------

_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\S")
_WIDE = {"+": 1.3, "-": 1.3, "=": 1.5, r"\cdot": 0.9, ",": 0.45, r"\dots": 1.3, r"\leftarrow": 1.7, r"\quad": 1.0,
         r"\qquad": 2.0, r"\sum": 1.4, r"\left": 0.0, r"\right": 0.0, r"\displaystyle": 0.0, "&": 1.0, r"\log": 1.5,
         r"\exp": 1.6, r"\tanh": 2.2, r"\max": 1.9, r"\min": 1.8, r"\sin": 1.4, r"\cos": 1.5, r"\top": 0.6}  # fmt: skip


def width(formula: str) -> float:
    r"""About how wide a formula is, in em.

    >>> width("z") < width("z^{(1)}_{1}") < width(r"\frac{z + 1}{z}") < 5
    True
    """
    return _Measure(_TOKEN.findall(formula)).row()


class _Measure:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.place = tokens, 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def row(self) -> float:
        total = 0.0
        while self.peek() not in ("", "}"):
            total += self.scripted()
        self.place += 1
        return total

    def scripted(self) -> float:
        total, scripts = self.atom(), [0.0]
        while self.peek() in ("_", "^"):
            self.place += 1
            scripts.append(0.72 * self.atom())
        return total + max(scripts)

    def atom(self) -> float:
        token = self.peek()
        self.place += 1
        if token == "{":
            return self.row()
        if token in (r"\frac", r"\tfrac"):
            return (1.0 if token == r"\frac" else 0.75) * max(self.atom(), self.atom()) + 0.25
        if token == r"\sqrt":
            return self.atom() + 0.9
        if token in (r"\hat", r"\bar", r"\tilde"):
            return self.atom()
        if token in (r"\text", r"\operatorname", r"\mathcal", r"\mathrm"):
            return self.atom() + 0.3
        if token in _WIDE:
            return _WIDE[token]
        return 0.5 if token.isdigit() or token in "().[]|'" else 0.62


# --- rows of an alignment ---------------------------------------------------------------------------------------


def _breaks(formula: str, signs: Sequence[str]) -> list[str]:
    """The formula cut before each of the signs that stands in no braces and no parentheses."""
    parts, depth, start, place = [], 0, 0, 0
    while place < len(formula):
        rest = formula[place:]
        if rest.startswith((r"\left(", r"\left|")):
            depth += 1
            place += 5
        elif rest.startswith((r"\right)", r"\right|")):
            depth -= 1
            place += 6
        depth += (formula[place] == "{") - (formula[place] == "}")
        if depth == 0 and place and any(rest.startswith(sign) for sign in signs):
            parts.append(formula[start:place])
            start = place
        place += 1
    return [*parts, formula[start:]]


def _filled(formula: str, room: float) -> list[str]:
    """The formula in rows of this width; what has no place to break is scaled down."""
    rows = [""]
    for term in _breaks(formula, (" + ", " - ")):
        pieces = [term] if width(term) <= room else _breaks(term, (r" \cdot ",))
        for piece in pieces:
            fitting = piece
            if width(piece) > room:
                fitting = rf"\resizebox{{{room:.1f}em}}{{!}}{{$\displaystyle {piece}$}}"
            if rows[-1] and width(rows[-1]) + width(fitting) > room:
                rows.append("")
            rows[-1] += fitting
    return rows


def latex_steps(line: "Line") -> list[str]:
    """Symbols, numbers, value, each once."""
    return list(dict.fromkeys((line.symbols_latex, line.numbers_latex, latex_number(line.shown))))


def aligned(line: "Line", most: float = WIDEST) -> list[str]:
    """The rows of one number, `symbol &= formula = numbers = value`, in as few rows as the width allows."""
    steps = latex_steps(line)
    room = most - width(line.latex) - 1.5
    if sum(width(step) + 1.5 for step in steps) <= room:
        return [f"{line.latex} &= {' = '.join(steps)}"]
    rows: list[str] = []
    for step in steps:
        if rows and width(rows[-1]) + width(step) + 3 <= room and step == steps[-1]:
            rows[-1] += f" = {step}"
            continue
        first, *others = _filled(step, room - 2)
        rows += [f"&= {first}", *(rf"&\quad {other.strip()}" for other in others)]
    return [f"{line.latex} {rows[0]}", *rows[1:]]


def _split(formula: str) -> str:
    """A formula with the mark of its alignment before the first equals sign or arrow."""
    for sign in (" = ", r" \leftarrow "):
        parts = _breaks(formula, (sign,))
        if len(parts) > 1:
            return f"{parts[0]} &{''.join(parts[1:]).lstrip()}"
    return rf"&\phantom{{=}}\; {formula}"


def matrix(values: np.ndarray, digits: int, rows: int = MOST_ROWS, columns: int = MOST_COLUMNS) -> str:
    """Numbers in parentheses: a vector as a column; the middle of what is large is left out.

    >>> matrix(np.array([[1.0, 2.5]]), 4)
    '\\\\begin{pmatrix} 1 & 2.5 \\\\end{pmatrix}'
    """
    array = np.atleast_1d(values)
    array = array[:, None] if array.ndim == 1 else array
    if array.size == 1:
        return latex_number(f"{float(array.ravel()[0]) + 0.0:.{digits}g}")
    down, across = _kept(array.shape[0], rows), _kept(array.shape[1], columns)

    def cell(i: int | None, j: int | None) -> str:
        if i is None or j is None:
            return r"\ddots" if i is j else r"\vdots" if i is None else r"\cdots"
        return latex_number(f"{float(array[i, j]) + 0.0:.{digits}g}")

    body = r" \\ ".join(" & ".join(cell(i, j) for j in across) for i in down)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def _kept(n: int, most: int) -> list[int | None]:
    """Indices of n things of which most are shown, None for those between."""
    return [*range(n)] if n <= most else [*range(most - 2), None, n - 1]


# --- the document -----------------------------------------------------------------------------------------------


def escaped(words: str) -> str:
    """Words for LaTeX."""
    special = {
        "^": r"\textasciicircum{}",
        "~": r"\~{}",
        "\\": r"\textbackslash{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
    }
    return "".join(special.get(c) or (f"\\{c}" if c in "#$%&_{}" else c) for c in words)


def latex(d: "Derivation") -> str:
    """A document for LaTeX."""
    out = [PREAMBLE + rf"\section*{{\raggedright {escaped(d.title)}}}", r"\begin{itemize} \setlength{\itemsep}{0pt}"]
    out += [*(rf"\item {escaped(_sentence_case(line))}." for line in d.conventions), r"\end{itemize}"]
    out += [r"\subsection*{Given}", *_given((*d.given, *d.steps[0].given), d.digits)]
    for step in d.steps:
        out += _step(d, step)
    if len(d.steps) > 1 and d.loss_after is not None:
        out += _course(d)
    return "\n".join([*out, r"\end{document}"]) + "\n"


def given_rows(given: Sequence["Given"], digits: int) -> list[str]:
    """Symbols with their numbers, as many in a row as there is room for."""
    rows, used = [""], 0.0
    for item in given:
        size = _matrix_width(item.values, digits) + width(item.symbol) + 3.5
        if rows[-1] and used + size > WIDEST:
            rows.append("")
            used = 0.0
        rows[-1] += (r" \qquad " if rows[-1] else "") + rf"{item.symbol} = {matrix(item.values, digits)}"
        used += size
    return rows


def _given(given: Sequence["Given"], digits: int) -> list[str]:
    return [r"\begin{gather*}", " \\\\\n".join(given_rows(given, digits)), r"\end{gather*}"]


def _matrix_width(values: np.ndarray, digits: int) -> float:
    array = np.atleast_2d(values).T if values.ndim == 1 else np.atleast_2d(values)
    kept = [j for j in _kept(array.shape[1], MOST_COLUMNS) if j is not None]
    cells = [max(width(latex_number(f"{float(x):.{digits}g}")) for x in array[:, j]) for j in kept]
    return sum(cells) + len(kept) + 2


def _step(d: "Derivation", step: "Step") -> Iterator[str]:
    if len(d.steps) > 1:
        yield rf"\section*{{Step {step.number}}}"
    if step.number > 1:
        yield "The same again, from the parameters that the step before ended with:"
        yield from _given(step.given, d.digits)
    part = ""
    for paragraph in step.paragraphs:
        if paragraph.part != part:
            part = paragraph.part
            yield rf"\subsection*{{{HEADINGS[part]}}}"
        yield from _paragraph(paragraph, step.number == 1)
    if step.loss is not None and step.loss_after is not None:
        before, after = (latex_number(f"{x:.{d.digits}g}") for x in (step.loss, step.loss_after))
        yield rf"\medskip The step took the loss from ${d.loss_symbol} = {before}$ to ${d.loss_symbol} = {after}$."


def sentence(paragraph: "Paragraph", *, first: bool = True) -> str:
    """What a quantity is, and in the first step why it is computed."""
    layer = f" of layer {paragraph.layer}" if paragraph.layer and paragraph.part != "loss" else ""
    shape = ""
    if paragraph.values.size > 1:
        unit = " values" if len(paragraph.shape) == 1 else ""
        shape = f" ({' x '.join(map(str, paragraph.shape))}{unit})"
    return f"{_sentence_case(paragraph.meaning)}{layer}{shape}. {paragraph.why if first else ''}".strip()


def _paragraph(p: "Paragraph", first: bool) -> Iterator[str]:
    head, _, rest = sentence(p, first=first).partition(". ")
    title = escaped(head.rstrip(".")).replace(" x ", r" $\times$ ")
    yield rf"\paragraph{{{title}.}} {escaped(rest)}"
    rows = formula_rows(p) if first else []
    rows += [row for line in p.lines for row in aligned(line)]
    rows += [f"{symbol} &= {' = '.join(steps)}" for symbol, steps in whole(p)]
    yield r"\begin{align*}"
    yield " \\\\\n".join(rows)
    yield r"\end{align*}"


def formula_rows(p: "Paragraph") -> list[str]:
    """The formulas of a paragraph, in one row if there is room; none where its one line says the same."""
    if len(p.lines) == 1 and p.formulas[0] == f"{p.lines[0].latex} = {p.lines[0].symbols_latex}":
        return []
    row = r", \qquad ".join([_split(p.formulas[0]), *p.formulas[1:]])
    return [row] if width(row) <= WIDEST else [_split(formula) for formula in p.formulas]


def whole(p: "Paragraph") -> list[tuple[str, list[str]]]:
    """All values at once, and how they come from whole matrices, where there is room for that."""
    size = _matrix_width(p.values, p.digits) if p.values.size > 1 else WIDEST
    if size > WIDEST - 8:
        return []
    fits = p.product and width(p.symbol) + _columns(p.product) + size + 3 < WIDEST
    return [(p.symbol, [*([p.product] if fits else []), matrix(p.values, p.digits)])]


def _columns(product: str) -> float:
    """About how wide matrices beside one another are: each as wide as its widest row."""
    total = 0.0
    for number, piece in enumerate(re.split(r"\\begin\{pmatrix\}|\\end\{pmatrix\}", product)):
        total += width(piece) if number % 2 == 0 else max(map(width, piece.split(r" \\ "))) + 1.5
    return total


def _course(d: "Derivation") -> Iterator[str]:
    """The loss, step by step."""
    yield r"\section*{The loss, step by step}"
    yield r"\begin{tabular}{rl}"
    yield rf"step & ${d.loss_symbol}$ \\ \hline"
    losses = [step.loss for step in d.steps] + [d.loss_after]
    for number, loss in enumerate(losses, 1):
        name = str(number) if number <= len(d.steps) else "afterwards"
        yield rf"{name} & ${latex_number(f'{loss:.{d.digits}g}')}$ \\"
    yield r"\end{tabular}"


def _sentence_case(words: str) -> str:
    return words[:1].upper() + words[1:]
