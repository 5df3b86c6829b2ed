"""In which form a text is written, and where to."""

from pathlib import Path
from typing import TYPE_CHECKING

from glassnet.errors import InvalidParameterError

if TYPE_CHECKING:
    from glassnet.cli.screen import Screen

__all__ = ["FORMS", "form_of", "show_or_write"]

FORMS = ("text", "markdown", "latex", "html")
SUFFIXES = {".txt": "text", ".md": "markdown", ".tex": "latex", ".html": "html"}


def form_of(form: str | None, out: str | None) -> str:
    """The form that --format names, or that the file's name ends in; text for a terminal.

    >>> form_of(None, "board.tex"), form_of("html", None), form_of(None, None)
    ('latex', 'html', 'text')
    """
    from glassnet.cli.rules import choice

    suffix = Path(out).suffix.lower() if out is not None else ".txt"
    if form is not None:
        return choice("--format", form, FORMS)
    if suffix not in SUFFIXES:
        raise InvalidParameterError(f"--out must end in {', '.join(SUFFIXES)}, or say --format; got '{out}'")
    return SUFFIXES[suffix]


def show_or_write(screen: "Screen", content: str, form: str, out: str | None) -> None:
    """On stdout, or into a file, which is then named."""
    if out is None:
        screen.show(content.rstrip("\n"))
        return
    from glassnet.files.atomic import write_text

    write_text(out, content)
    screen.note("written", f"{form} to {out}")
