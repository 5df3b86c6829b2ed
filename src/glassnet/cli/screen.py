"""What is shown: results on stdout; notes, progress and errors on stderr. NO_COLOR and pipes get plain text."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["Screen", "grid", "plain_number"]


class Screen:
    """The two streams of a command.

    With `json` the results go into one document instead of tables; with `quiet` (or `json`) there are no notes.
    """

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json, self.quiet = json, quiet

    def note(self, label: str, text: str) -> None:
        """A line on stderr: what was assumed or done."""
        if not (self.quiet or self.json):
            from rich.text import Text

            line = Text.assemble((f"{label:<12}", "dim"), text)
            self._console(sys.stderr).print(line, soft_wrap=not sys.stderr.isatty())

    def warn(self, text: str) -> None:
        """A line on stderr that the reader should not miss."""
        if not self.quiet:
            from rich.text import Text

            line = Text.assemble(("warning".ljust(12), "yellow"), text)
            self._console(sys.stderr).print(line, soft_wrap=not sys.stderr.isatty())

    def show(self, *things: Any) -> None:
        """Tables and text on stdout."""
        if not self.json:
            console = self._console(sys.stdout)
            for thing in things:
                console.print(thing)

    def document(self, content: Mapping[str, Any]) -> None:
        """The one JSON document on stdout."""
        if self.json:
            import json

            print(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))

    def _console(self, stream: Any) -> "Console":
        from rich.console import Console

        # a pipe has no width: tables there are as wide as they need
        width = None if stream.isatty() else 200
        return Console(file=stream, highlight=False, width=width, markup=False, emoji=False)


def grid(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, left: int = 1) -> "Table":
    """A table with a title, thin lines, and all but the `left` first columns aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, header_style="dim", pad_edge=False
    )
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(cell if hasattr(cell, "__rich_console__") else _cell(cell) for cell in row))
    return table


def _cell(value: Any) -> Any:
    from rich.text import Text

    return value if isinstance(value, Text) else Text(str(value))


def plain_number(value: float | None) -> str:
    """Four significant figures, without an exponent where that is readable.

    >>> plain_number(0.97651), plain_number(53.4192), plain_number(123456.7), plain_number(None)
    ('0.9765', '53.42', '123,457', '-')
    """
    if value is None:
        return "-"
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        digits = 4 if abs(value) < 10 else 2
        return f"{value:.{digits}f}"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.3e}"
