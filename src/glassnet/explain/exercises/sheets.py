"""A sheet of an exercise, with blanks or with the answers, as text, Markdown and LaTeX."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from glassnet.explain.typesetting import escaped

__all__ = ["SHEET_FORMS", "Answer", "Given", "Made", "Question", "Sheet"]

BLANK_TEXT, BLANK_LATEX = "________", r"\underline{\hspace{2cm}}"
WIDE_LATEX = r"\underline{\hspace{12cm}}"
LONG = 44
PREAMBLE = (
    r"\documentclass{article}",
    r"\usepackage[margin=2cm]{geometry}",
    r"\usepackage{amsmath}",
    r"\usepackage[utf8]{inputenc}",
    r"\setlength{\parindent}{0pt}",
    r"\allowdisplaybreaks",
)


@dataclass(frozen=True)
class Given:
    """A line of what is given: words, or a formula (LaTeX and text)."""

    words: str = ""
    latex: str = ""
    text: str = ""


@dataclass(frozen=True)
class Answer:
    """What is asked for, how it comes about, and its value; each as LaTeX and as text."""

    latex: str
    text: str
    line_latex: str
    line_text: str
    value: str


@dataclass(frozen=True)
class Question:
    """Numbers that are asked for together, with the formula that gives them, if that is told."""

    words: str
    answers: tuple[Answer, ...]
    latex: str = ""
    text: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Sheet:
    """A page: what is given, and what is asked for, part by part."""

    title: str
    given: tuple[Given, ...]
    parts: tuple[tuple[str, tuple[Question, ...]], ...]

    def plain(self, solved: bool) -> str:
        """For a terminal."""
        out = [self.title + (": solution" if solved else ""), ""]
        out += [f"  {given.text}" if given.text else given.words for given in self.given if given.text or given.words]
        for heading, questions in self.parts:
            out += ["", heading] if heading else []
            for question in questions:
                formula = f"   ({question.words})" if question.text else ""
                out += ["", (question.text or question.words) + formula]
                out += [line for answer in question.answers for line in _plain_answer(answer, solved, question.wide)]
        return "\n".join(out) + "\n"

    def markdown(self, solved: bool) -> str:
        """Markdown with LaTeX."""
        out = [f"# {self.title}" + (": solution" if solved else ""), ""]
        for given in self.given:
            out += [f"$$ {given.latex} $$" if given.latex else given.words, ""]
        for heading, questions in self.parts:
            out += [f"## {heading}", ""] if heading else []
            for question in questions:
                formula = f": ${question.latex}$" if question.latex else "."
                out += [f"**{_capital(question.words)}**{formula}", ""]
                out += ["$$", *_aligned(question, "aligned", solved), "$$", ""]
        return "\n".join(out).rstrip() + "\n"

    def latex(self, solved: bool) -> str:
        """A document for LaTeX, which needs amsmath and geometry only."""
        title = escaped(self.title) + (": solution" if solved else "")
        out = [*PREAMBLE, r"\begin{document}", rf"\section*{{{title}}}"]
        if not solved:
            out += [r"Name: \underline{\hspace{6cm}} \hfill Date: \underline{\hspace{3cm}}\bigskip", ""]
        for given in self.given:
            out += [rf"\[ {given.latex} \]" if given.latex else f"{escaped(given.words)}\n"]
        for heading, questions in self.parts:
            out += [rf"\subsection*{{{escaped(heading)}}}"] if heading else []
            for question in questions:
                formula = f": ${question.latex}$" if question.latex else "."
                out += [rf"\textbf{{{escaped(_capital(question.words))}}}{formula}"]
                out += _aligned(question, "align*", solved)
        return "\n".join([*out, r"\end{document}"]) + "\n"


Made = tuple[dict[str, Any], dict[str, Any], dict[str, str], Sheet]
"""An exercise: the worked example with blanks, and filled in; what stands beside its names; the page for people."""

SHEET_FORMS: dict[str, Callable[[Sheet, bool], str]] = {
    "text": Sheet.plain,
    "markdown": Sheet.markdown,
    "latex": Sheet.latex,
}
"""Forms for people; the fourth, TOML, is the exercise's document."""


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _plain_answer(answer: Answer, solved: bool, wide: bool) -> list[str]:
    if not solved:
        return [f"  {answer.text} = {BLANK_TEXT * (8 if wide else 1)}"]
    steps = list(dict.fromkeys((answer.line_text, answer.value)))
    return [f"  {answer.text if not i else ' ' * len(answer.text)} = {step}" for i, step in enumerate(steps)]


def _aligned(question: Question, environment: str, solved: bool) -> list[str]:
    rows: list[str] = []
    for answer in question.answers:
        if not solved:
            rows.append(rf"{answer.latex} &= {WIDE_LATEX if question.wide else BLANK_LATEX}")
            continue
        steps = list(dict.fromkeys((answer.line_latex, answer.value)))
        if len(answer.line_text) <= LONG:
            steps = [" = ".join(steps)]
        rows += [rf"{answer.latex if not i else ''} &= {step}" for i, step in enumerate(steps)]
    end = r" \\" if solved else r" \\[1.5ex]"  # room to write
    return [rf"\begin{{{environment}}}", *(row + end for row in rows[:-1]), rows[-1], rf"\end{{{environment}}}"]
