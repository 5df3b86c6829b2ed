"""A derivation as text, Markdown, HTML with MathML, and JSON; `explain.typesetting` makes the LaTeX document."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.explain.mathml import mathml
from glassnet.explain.typesetting import (
    HEADINGS,
    aligned,
    formula_rows,
    given_rows,
    latex_steps,
    matrix,
    sentence,
    whole,
)
from glassnet.explain.words import latex_number

if TYPE_CHECKING:
    from glassnet.explain.derivation import Derivation, Line, Paragraph, Step

__all__ = ["document", "html", "html_body", "markdown", "text", "wrapped"]

STYLE = """\
body { font-family: system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.45; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.25rem; margin-top: 2.5rem; border-bottom: 1px solid #ccc; }
h3 { font-size: 1.1rem; margin-top: 2rem; }
h4 { font-size: 1rem; margin: 1.6rem 0 0.2rem; }
p { margin: 0.3rem 0; }
math { font-size: 1.1rem; }
td { padding: 0.25rem 0.3rem; vertical-align: baseline; }
td:first-child { text-align: right; white-space: nowrap; }
.scroll { overflow: auto hidden; padding: 0.3rem 0; }
.given math, .formulas math { margin-right: 2rem; }
.more { color: #666; }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #e6e6e6; } h2 { border-color: #444; } }
"""
FEW = 24  # numbers of a given tensor that text shows


def _number(value: float, d: "Derivation") -> str:
    return f"{value:.{d.digits}g}"


# --- text -------------------------------------------------------------------------------------------------------


def wrapped(line: str, width: int) -> list[str]:
    """A line of text in rows of this width, broken before signs and spaces, under its equals sign.

    >>> wrapped("z = 1 + 2 + 3", 9)
    ['z = 1 + 2', '    + 3']
    """
    if not width or len(line) <= width:
        return [line]
    equation = re.match(r" *\S* = ", line)
    if equation is None:  # words, or a list of numbers
        indent = len(line) - len(line.lstrip()) + 2
        return textwrap.wrap(
            line, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
        )
    indent = min(equation.end(), width // 2)
    rows, row = [], ""
    for term in re.split(r"(?= [+-] )", line):
        pieces = [term] if len(term) <= width - indent else re.split(r"(?= [·/] )|(?<=,)(?= )", term)
        for piece in pieces:
            if row.strip() and len(row) + len(piece) > width:
                rows.append(row)
                row = " " * indent + piece.lstrip()
            else:
                row += piece
    return [*rows, row]


def _heading(part: "Paragraph") -> str:
    return part.meaning + (f", shape {' x '.join(map(str, part.shape))}" if part.shape else "")


def _text_steps(line: "Line") -> list[str]:
    """Symbols, numbers, value, each once."""
    return list(dict.fromkeys((line.symbols, line.numbers, line.shown)))


def _flat(values: np.ndarray, d: "Derivation") -> str:
    if values.size > FEW:
        return f"{' x '.join(map(str, values.shape))} numbers"
    if values.ndim == 0:
        return _number(float(values), d)
    return f"[{', '.join(_flat(one, d) for one in values)}]"


def text(d: "Derivation", width: int = 0) -> str:
    """For a terminal, in lines of that width (0: as long as they are)."""
    out = [d.title, *(f"  {line}" for line in d.conventions), ""]
    out += [f"  {item.text} = {_flat(item.values, d)}" for item in (*d.given, *d.steps[0].given)]
    for step in d.steps:
        out += _text_step(d, step)
    return "\n".join(row for line in out for row in wrapped(line, width))


def _text_step(d: "Derivation", step: "Step") -> Iterator[str]:
    part = ""
    if len(d.steps) > 1:
        yield from ("", f"===== step {step.number} of {len(d.steps)} =====")
    for p in step.paragraphs:
        if p.part != part:
            part = p.part
            yield from ("", f"--- {HEADINGS[part].lower()} ---")
        yield from ("", f"{p.text}   ({_heading(p)})")
        for line in p.lines:
            wide = " " * len(line.label)
            yield from (f"  {line.label if not i else wide} = {step}" for i, step in enumerate(_text_steps(line)))
        if p.left_out:
            yield f"  and {p.left_out} more"
    if step.loss_after is not None:
        yield from ("", f"loss after the update: {_number(step.loss_after, d)}")


# --- Markdown ---------------------------------------------------------------------------------------------------


def _block(part: "Paragraph", *, first: bool) -> list[str]:
    rows = formula_rows(part) if first else []
    rows += [row for line in part.lines for row in aligned(line)]
    rows += [f"{symbol} &= {' = '.join(steps)}" for symbol, steps in whole(part)]
    return [r"\begin{aligned}", *(row + r" \\" for row in rows[:-1]), rows[-1], r"\end{aligned}"]


def markdown(d: "Derivation") -> str:
    """Markdown with LaTeX."""
    out = [f"# {d.title}", "", *(f"- {line}" for line in d.conventions), "", "**Given**"]
    for row in given_rows((*d.given, *d.steps[0].given), d.digits):
        out += ["", f"$$ {row} $$"]
    for step in d.steps:
        out += _markdown_step(d, step)
    return "\n".join(out) + "\n"


def _markdown_step(d: "Derivation", step: "Step") -> Iterator[str]:
    part, level = "", "##"
    if len(d.steps) > 1:
        yield from ("", f"## Step {step.number}")
        level = "###"
    for p in step.paragraphs:
        if p.part != part:
            part = p.part
            yield from ("", f"{level} {HEADINGS[part]}")
        head, _, rest = sentence(p, first=step.number == 1).partition(". ")
        yield from ("", f"**{head.rstrip('.')}.** {rest}".rstrip())
        yield from ("", "$$", *_block(p, first=step.number == 1), "$$")
        if p.left_out:
            yield from ("", f"… and {p.left_out} more.")
    if step.loss_after is not None:
        yield from ("", f"After the update the loss is ${latex_number(_number(step.loss_after, d))}$.")


# --- HTML -------------------------------------------------------------------------------------------------------


def html(d: "Derivation") -> str:
    """A page of its own."""
    return page(d.title, html_body(d))


def page(title: str, body: str) -> str:
    """A page around a body; it loads nothing from anywhere."""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>{escape(title)}</title><style>{STYLE}</style>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def html_body(d: "Derivation") -> str:
    """What stands in the page, for a notebook."""
    items = "".join(f"<li>{escape(line)}</li>" for line in d.conventions)
    given = " ".join(
        mathml(rf"{item.symbol} = {matrix(item.values, d.digits)}") for item in (*d.given, *d.steps[0].given)
    )
    out = [f"<h1>{escape(d.title)}</h1>", f"<ul>{items}</ul>", f'<div class="scroll given">{given}</div>']
    for step in d.steps:
        out += _html_step(d, step)
    return "\n".join(out)


def _html_step(d: "Derivation", step: "Step") -> Iterator[str]:
    part, first = "", step.number == 1
    if len(d.steps) > 1:
        yield f"<h2>Step {step.number}</h2>"
    for p in step.paragraphs:
        if p.part != part:
            part = p.part
            yield f"<h3>{HEADINGS[part]}</h3>"
        head, _, rest = sentence(p, first=first).partition(". ")
        yield f"<h4>{escape(head.rstrip('.'))}</h4>" + (f"<p>{escape(rest)}</p>" if rest else "")
        if first and formula_rows(p):
            yield f'<p class="scroll formulas">{" ".join(mathml(f) for f in p.formulas)}</p>'
        yield equations([*((line.latex, latex_steps(line)) for line in p.lines), *whole(p)])
        if p.left_out:
            yield f'<p class="more">… and {p.left_out} more</p>'
    if step.loss_after is not None:
        yield f"<p>After the update the loss is {mathml(latex_number(_number(step.loss_after, d)))}.</p>"


def equations(lines: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Symbols, each with what it is equal to, as a table."""
    rows = "".join(
        f"<tr><td>{mathml(symbol)}</td><td>{' '.join(mathml(f'= {step}') for step in steps)}</td></tr>"
        for symbol, steps in lines
    )
    return f'<div class="scroll"><table>{rows}</table></div>'


# --- JSON -------------------------------------------------------------------------------------------------------


def document(d: "Derivation") -> dict[str, Any]:
    """For JSON."""
    keys = ("label", "index", "symbols", "numbers", "latex", "symbols_latex", "numbers_latex", "value")
    lines = [
        {
            "step": step.number,
            "part": part.part,
            "name": part.name,
            "meaning": part.meaning,
            "formula": part.formula,
            "shape": list(part.shape),
            "values": part.values.tolist(),
            "entries": [{key: getattr(line, key) for key in keys} for line in part.lines],
        }
        for step in d.steps
        for part in step.paragraphs
    ]
    return {
        "title": d.title,
        "conventions": list(d.conventions),
        "given": {item.name: item.values.tolist() for item in (*d.given, *d.steps[0].given)},
        "losses": [step.loss for step in d.steps],
        "lines": lines,
        "loss_after": d.loss_after,
    }
