"""A derivation as text, Markdown, LaTeX, HTML with MathML, and JSON."""

from html import escape
from typing import TYPE_CHECKING, Any

from glassnet.explain.mathml import mathml
from glassnet.explain.words import latex_number

if TYPE_CHECKING:
    from glassnet.explain.derivation import Derivation, Line, Paragraph

__all__ = ["STYLE", "document", "escaped", "html", "html_body", "latex", "markdown", "text"]

STYLE = """\
body { font-family: system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { font-size: 1rem; margin-top: 2rem; }
math { font-size: 1.1rem; }
td { padding: 0.15rem 0.3rem; vertical-align: baseline; }
td:first-child { text-align: right; }
.scroll { overflow-x: auto; }
"""


def _steps(line: "Line") -> list[str]:
    """Symbols, numbers, value, each once, as text."""
    return list(dict.fromkeys((line.symbols, line.numbers, line.shown)))


def _latex_steps(line: "Line") -> list[str]:
    return list(dict.fromkeys((line.symbols_latex, line.numbers_latex, latex_number(line.shown))))


def _heading(part: "Paragraph") -> str:
    return part.meaning + (f", shape {' x '.join(map(str, part.shape))}" if part.shape else "")


def text(d: "Derivation") -> str:
    """For a terminal."""
    out = [d.title, *(f"  {line}" for line in d.conventions)]
    for part in d.paragraphs:
        out += ["", f"{part.text}   ({_heading(part)})"]
        for line in part.lines:
            wide = " " * len(line.label)
            out += [f"  {line.label if not i else wide} = {step}" for i, step in enumerate(_steps(line))]
        if part.left_out:
            out.append(f"  and {part.left_out} more")
    if d.loss_after is not None:
        out += ["", f"loss after the update: {d.loss_after:.6g}"]
    return "\n".join(out)


def _aligned(part: "Paragraph", environment: str) -> list[str]:
    rows: list[str] = []
    for line in part.lines:
        rows += [rf"{line.latex if not i else ''} &= {step}" for i, step in enumerate(_latex_steps(line))]
    return [rf"\begin{{{environment}}}", *(row + r" \\" for row in rows[:-1]), rows[-1], rf"\end{{{environment}}}"]


def markdown(d: "Derivation") -> str:
    """Markdown with LaTeX."""
    out = [f"# {d.title}", "", *(f"- {line}" for line in d.conventions)]
    for part in d.paragraphs:
        out += ["", f"## {_heading(part).capitalize()}", "", f"$$ {part.formula} $$"]
        out += ["", "$$", *_aligned(part, "aligned"), "$$"]
        if part.left_out:
            out += ["", f"… and {part.left_out} more."]
    if d.loss_after is not None:
        out += ["", f"After the update the loss is ${latex_number(f'{d.loss_after:.6g}')}$."]
    return "\n".join(out) + "\n"


def latex(d: "Derivation") -> str:
    """A document for LaTeX."""
    out = [r"\documentclass{article}", r"\usepackage[margin=2cm]{geometry}", r"\usepackage{amsmath}"]
    out += [r"\allowdisplaybreaks", r"\begin{document}", rf"\section*{{{escaped(d.title)}}}"]
    out += [r"\begin{itemize}", *(rf"\item {escaped(line)}" for line in d.conventions), r"\end{itemize}"]
    for part in d.paragraphs:
        out += [rf"\subsection*{{{escaped(_heading(part).capitalize())}}}", rf"\[ {part.formula} \]"]
        out += _aligned(part, "align*")
        if part.left_out:
            out.append(rf"\dots{{}} and {part.left_out} more.")
    if d.loss_after is not None:
        out += ["", rf"\bigskip\noindent After the update the loss is ${latex_number(f'{d.loss_after:.6g}')}$."]
    return "\n".join([*out, r"\end{document}"]) + "\n"


def escaped(words: str) -> str:
    """Words for LaTeX."""
    return "".join(f"\\{c}" if c in "#$%&_{}" else c for c in words)


def html(d: "Derivation") -> str:
    """A page of its own."""
    head = f'<meta charset="utf-8"><title>{escape(d.title)}</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{html_body(d)}\n</body></html>\n'


def html_body(d: "Derivation") -> str:
    """What stands in the page, for a notebook."""
    items = "".join(f"<li>{escape(line)}</li>" for line in d.conventions)
    out = [f"<h1>{escape(d.title)}</h1>", f"<ul>{items}</ul>"]
    for part in d.paragraphs:
        out += [f"<h2>{escape(_heading(part).capitalize())}</h2>", f"<p>{mathml(part.formula)}</p>"]
        rows = [
            f"<tr><td>{mathml(line.latex) if not i else ''}</td><td>{mathml(f'= {step}')}</td></tr>"
            for line in part.lines
            for i, step in enumerate(_latex_steps(line))
        ]
        out.append(f'<div class="scroll"><table>{"".join(rows)}</table></div>')
        if part.left_out:
            out.append(f"<p>… and {part.left_out} more.</p>")
    if d.loss_after is not None:
        out.append(f"<p>After the update the loss is {mathml(latex_number(f'{d.loss_after:.6g}'))}.</p>")
    return "\n".join(out)


def document(d: "Derivation") -> dict[str, Any]:
    """For JSON."""
    keys = ("label", "index", "symbols", "numbers", "latex", "symbols_latex", "numbers_latex", "value")
    lines = [
        {
            "name": part.name,
            "meaning": part.meaning,
            "formula": part.formula,
            "shape": list(part.shape),
            "values": part.values.tolist(),
            "entries": [{key: getattr(line, key) for key in keys} for line in part.lines],
        }
        for part in d.paragraphs
    ]
    return {"title": d.title, "conventions": list(d.conventions), "lines": lines, "loss_after": d.loss_after}
