"""What is shown: results on stdout; notes, progress and errors on stderr. NO_COLOR and pipes get plain text."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Group

__all__ = ["Screen", "grid", "plain_number", "put"]

UNLIMITED = 10_000


class Screen:
    """The two streams of a command.

    `json` puts one document in the place of the results on stdout; `quiet` leaves the notes on stderr out.
    """

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json, self.quiet = json, quiet
        if quiet:
            os.environ["GLASSNET_QUIET"] = "1"  # what is said when machine code has to be made first

    def note(self, label: str, text: Any, *, style: str = "dim") -> None:
        """A line on stderr: what was assumed or done."""
        if self.quiet:
            return
        from rich.table import Table

        line = Table.grid(padding=(0, 2))
        line.add_column(style=style, min_width=8, no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(label, text)
        sys.stdout.flush()  # so that results and notes keep their order where both go to one place
        put(sys.stderr, line)

    def warn(self, text: str) -> None:
        """A line on stderr that the reader should not miss."""
        self.note("warning", text, style="yellow")

    def show(self, *things: Any) -> None:
        """Tables and text on stdout."""
        for thing in () if self.json else things:
            put(sys.stdout, thing)

    def document(self, content: Mapping[str, Any]) -> None:
        """The one JSON document on stdout."""
        if self.json:
            import json

            unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
            print(json.dumps(content, indent=2, ensure_ascii=not unicode, allow_nan=False))


def put(stream: Any, thing: Any) -> None:
    """Print on a terminal in its width and colours; elsewhere plain, without wrapping or spaces at line ends."""
    from rich.console import Console

    plain = not stream.isatty() or bool(os.environ.get("NO_COLOR"))
    console = Console(
        file=stream,
        width=None if stream.isatty() else UNLIMITED,
        color_system=None if plain else "auto",
        force_terminal=False if plain else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    if not plain:
        console.print(thing)
        return
    with console.capture() as text:
        console.print(thing)
    stream.write("".join(f"{line.rstrip()}\n" for line in text.get().splitlines()))


def grid(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, left: int = 1) -> "Group":
    """A table under a title; all but the `left` first columns are aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, header_style="dim", border_style="dim", show_edge=False, pad_edge=False)
    table.show_header = any(columns)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return Group("", Text(title, "bold"), table)


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
