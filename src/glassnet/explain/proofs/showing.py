"""A proof as text, Markdown, LaTeX, HTML with MathML, and JSON."""

import textwrap
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from glassnet.explain.mathml import mathml
from glassnet.explain.rendering import STYLE
from glassnet.explain.typesetting import escaped

if TYPE_CHECKING:
    from glassnet.explain.proofs.proof import Equalities, Proof

__all__ = ["document", "html", "html_body", "latex", "markdown", "text"]

WIDTH, WIDEST, LONG_LEFT = 100, 56, 30
MORE_STYLE = "td:first-child { text-align: left; }\ntd.why { color: #555; padding-left: 1.5rem; }\n"


def _heading(part: "Equalities", write: Callable[[str], str]) -> str:
    return f"{part.title}, where {write(part.when)}" if part.when else part.title


def _words(text: str, words: Callable[[str], str], formula: Callable[[str], str]) -> str:
    """A reason or a remark: its words, and its formulas between backticks."""
    return "".join((formula if i % 2 else words)(part) for i, part in enumerate(text.split("`")))


def _same(words: str) -> str:
    return words


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- text -------------------------------------------------------------------------------------------------------


def text(proof: "Proof") -> str:
    """For a terminal."""
    out = [f"{proof.name}: {proof.title}"]
    for part in proof.parts:
        out += ["", _heading(part, part.plain)]
        for number, definition in enumerate(part.where):
            out.append(f"  {'     ' if number else 'with '}{part.plain(definition)}")
        asked, *steps = part.steps
        out += ["", f"  {part.plain(asked.expression)}", *_lines(part, steps)]
    remark = _words(proof.remark, _same, proof.parts[-1].plain)
    return "\n".join([*out, *(["", textwrap.fill(remark, WIDTH)] if remark else [])])


def _lines(part: "Equalities", steps: list[Any]) -> list[str]:
    """Each equality with its reason beside it, or below it where the expression is long."""
    shown = [part.plain(step.expression) for step in steps]
    width = max((len(line) for line in shown if len(line) <= WIDEST), default=0)
    out: list[str] = []
    for line, step in zip(shown, steps, strict=True):
        reason, fits = _words(step.reason, _same, part.plain), len(line) <= width
        out += [f"    = {line:{width}}   {reason}"] if fits else [f"    = {line}", f"      {'':{width}}   {reason}"]
    return out


# --- Markdown ---------------------------------------------------------------------------------------------------


def markdown(proof: "Proof", level: int = 1) -> str:
    """Markdown with LaTeX: a table of equalities and reasons for each part."""
    out = [f"{'#' * level} {proof.name}", "", f"**{_capital(proof.title)}.**"]
    for part in proof.parts:
        title = _heading(part, lambda text, part=part: _dollars(part.latex(text)))
        out += ["", f"*{_capital(title)}*" + (": with " if part.where else "") + _definitions(part)]
        out += ["", "| | equals | because |", "| --- | --- | --- |"]
        asked, *steps = part.steps
        for number, step in enumerate(steps):
            left = _dollars(part.latex(asked.expression)) if number == 0 else ""
            because = _words(step.reason, _same, lambda text, part=part: _dollars(part.latex(text)))
            out.append(f"| {left} | {_dollars('= ' + part.latex(step.expression))} | {because} |")
    remark = _words(proof.remark, _same, lambda text: _dollars(proof.parts[-1].latex(text)))
    return "\n".join([*out, *(["", remark] if remark else [])]) + "\n"


def _definitions(part: "Equalities") -> str:
    return ", ".join(_dollars(part.latex(definition)) for definition in part.where)


def _dollars(formula: str) -> str:
    """A formula that may stand in a table: its own bars would end the cell."""
    return f"${formula.replace('|', chr(92) + 'vert ')}$"


# --- LaTeX ------------------------------------------------------------------------------------------------------

PREAMBLE = (
    r"\documentclass{article}",
    r"\usepackage[margin=2cm]{geometry}",
    r"\usepackage{amsmath}",
    r"\usepackage[utf8]{inputenc}",
    r"\allowdisplaybreaks",
    r"\newcommand{\why}[1]{\parbox[t]{5cm}{\raggedright\small #1}}",
)


def latex(proof: "Proof") -> str:
    """A document for LaTeX."""
    title = f"{proof.name}: {proof.title}"
    out = [*PREAMBLE, r"\begin{document}", rf"\section*{{{escaped(title)}}}"]
    for part in proof.parts:
        out += _part_latex(part)
    remark = _words(proof.remark, escaped, lambda text: f"${proof.parts[-1].latex(text)}$")
    return "\n".join([*out, remark, r"\end{document}"]) + "\n"


def _part_latex(part: "Equalities") -> list[str]:
    def formula(text: str) -> str:
        return f"${part.latex(text)}$"

    out = [rf"\subsection*{{{_capital(_heading(part, formula))}}}"]
    if part.where:
        out.append(f"With {', '.join(map(formula, part.where))}:")
    asked, *steps = part.steps
    reasons = [_words(step.reason, escaped, formula) for step in steps]
    pairs = zip(steps, reasons, strict=True)
    rows = [rf"&= {part.latex(step.expression)} && \why{{{reason}}} \\[1ex]" for step, reason in pairs]
    rows[-1] = rows[-1].removesuffix(r" \\[1ex]")
    first = part.latex(asked.expression)
    if len(part.plain(asked.expression)) > LONG_LEFT:  # a line of its own
        first = rf"&\phantom{{={{}}}} {first} \\[1ex]"
    return [*out, r"\begin{align*}", first, *rows, r"\end{align*}"]


# --- HTML and JSON ----------------------------------------------------------------------------------------------


def html(proof: "Proof") -> str:
    """A page of its own."""
    head = f'<meta charset="utf-8"><title>{escape(proof.name)}</title><style>{STYLE}{MORE_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{html_body(proof)}\n</body></html>\n'


def html_body(proof: "Proof") -> str:
    """What stands in the page, for a notebook."""
    out = [f"<h1>{escape(proof.name)}: {escape(proof.title)}</h1>"]
    for part in proof.parts:
        out += _part_html(part)
    remark = _words(proof.remark, escape, lambda text: mathml(proof.parts[-1].latex(text)))
    return "\n".join([*out, *([f"<p>{remark}</p>"] if remark else [])])


def _part_html(part: "Equalities") -> list[str]:
    def formula(text: str) -> str:
        return mathml(part.latex(text))

    out = [f"<h2>{_capital(_heading(part, formula))}</h2>"]
    if part.where:
        out.append(f"<p>With {', '.join(map(formula, part.where))}:</p>")
    asked, *steps = part.steps
    rows = [f"<tr><td>{formula(asked.expression)}</td><td></td></tr>"]
    for step in steps:
        because = _words(step.reason, escape, formula)
        equal = mathml(f"= {part.latex(step.expression)}")
        rows.append(f'<tr><td>{equal}</td><td class="why">{because}</td></tr>')
    return [*out, f'<div class="scroll"><table>{"".join(rows)}</table></div>']


def document(proof: "Proof") -> dict[str, Any]:
    """For JSON."""

    def written(part: "Equalities", expression: str) -> dict[str, str]:
        return {"expression": expression, "latex": part.latex(expression), "text": part.plain(expression)}

    parts = [
        {
            "title": part.title,
            "when": written(part, part.when) if part.when else None,
            "where": [written(part, definition) for definition in part.where],
            "steps": [
                {**written(part, step.expression), "reason": _words(step.reason, _same, part.plain)}
                for step in part.steps
            ],
        }
        for part in proof.parts
    ]
    remark = _words(proof.remark, _same, proof.parts[-1].plain)
    return {"name": proof.name, "title": proof.title, "parts": parts, "remark": remark}
