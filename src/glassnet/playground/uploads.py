"""Tables that the page sends: bytes of a CSV within the limits, cells that stay text, names that are only shown."""

from glassnet.playground.limits import RefusedError, at_most
from glassnet.playground.tabular import Table, checked_table
from glassnet.tables.csvtext import parse_csv
from glassnet.tables.inference import infer_types

__all__ = ["shown_name", "uploaded_table"]

LONGEST_NAME = 80


def shown_name(name: str, otherwise: str) -> str:
    """What to call a file: its last part, without what does not print; it is never a path here.

    >>> shown_name("../../etc/passwd", "table"), shown_name("", "table")
    ('passwd', 'table')
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:LONGEST_NAME].strip() or otherwise


def uploaded_table(data: bytes, name: str) -> Table:
    """The table of a CSV, or of a TSV if its name ends so."""
    title = shown_name(name, "table.csv")
    separator = "\t" if title.lower().endswith((".tsv", ".tab")) else ","
    header = data.split(b"\n", 1)[0]
    at_most(header.count(separator.encode()) + 1, "columns", "columns")
    if b'"' not in data:  # quoted cells may hold line ends
        at_most(data.count(b"\n"), "rows", "lines")
    frame = infer_types(parse_csv(data, separator, title))
    if frame.width < 2:
        raise RefusedError(f"{title} has one column; a table needs a column to predict and one to learn from")
    return checked_table(title, frame)
