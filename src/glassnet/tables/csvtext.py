"""Comma- and tab-separated text, read strictly (RFC 4180): every cell arrives, or an error names the place."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice

import polars as pl

from glassnet.errors import DataError

__all__ = ["check_text", "parse_csv"]

BOM = b"\xef\xbb\xbf"
ROWS_AT_ONCE = 20_000  # keeps the Python strings of the careful reader within some hundred MB


def parse_csv(data: bytes, separator: str, source: str) -> pl.DataFrame:
    r"""Read CSV bytes into a frame whose columns are all text; an empty cell is null or "".

    Raises DataError for text that is not UTF-8, NUL bytes, a missing or doubtful header, ragged rows, or no rows.

    >>> parse_csv(b'a,b\r\n1,"x, y"\r\n', ",", "t.csv").rows()
    [('1', 'x, y')]
    """
    check_text(data, source)
    data = data.removeprefix(BOM)
    if not data.strip():
        raise DataError(f"{source}: the file is empty; it must hold a header line and rows of data")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n") if b'"' not in data else data
    body = data.rstrip(b"\n") + b"\n"
    # Without quotes, blank lines and lone carriage returns a line is a row, and polars reads it in parallel.
    plain = not any(mark in body for mark in (b'"', b"\r", b"\n\n")) and not body.startswith(b"\n")
    frame = read_plain(body, separator, source) if plain else read_careful(data.decode(), separator, source)
    if frame.height == 0:
        raise DataError(f"{source}: the file has a header but no rows; add rows of data below the header")
    return frame


def check_text(data: bytes, source: str) -> None:
    r"""Refuse bytes that are not UTF-8 text, naming the first offset.

    >>> check_text(b"caf\xc3\xa9", "t.csv")
    """
    try:
        if not data.isascii():
            data.decode("utf-8")
    except UnicodeDecodeError as error:
        hint = " (it looks like UTF-16)" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise DataError(
            f"{source}: not UTF-8 text: byte 0x{data[error.start]:02x} at offset {error.start}{hint}; "
            "save the file as UTF-8"
        ) from None
    if (offset := data.find(b"\0")) >= 0:
        raise DataError(
            f"{source}: NUL byte at offset {offset}: this is not a text file, or it is damaged; save it as UTF-8 text"
        )


def read_plain(body: bytes, separator: str, source: str) -> pl.DataFrame:
    r"""Read text in which every line is a row and every separator separates.

    >>> read_plain(b"a\tb\n1\t2\n", "\t", "t.tsv").columns
    ['a', 'b']
    """
    head, _, rows = body.partition(b"\n")
    names = header_names(head.decode().split(separator), separator, source)
    mark, width = separator.encode(), len(names)
    for number, line in enumerate(io.BytesIO(rows), start=2):
        if line.count(mark) + 1 != width:
            raise ragged(source, number, line.count(mark) + 1, width)
    if not rows:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    return pl.read_csv(
        rows,
        has_header=False,
        new_columns=names,
        separator=separator,
        quote_char=None,
        infer_schema=False,
    )


def read_careful(text: str, separator: str, source: str) -> pl.DataFrame:
    r"""Read text with quoted cells, blank lines or old line ends; blank lines are skipped.

    >>> read_careful('a,b\n"1\n2",3\n', ",", "t.csv").rows()
    [('1\n2', '3')]
    """
    rows = numbered_rows(text, separator, source)
    names = header_names(next(rows)[1], separator, source)
    parts: list[pl.DataFrame] = []
    schema = dict.fromkeys(names, pl.String)
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        for number, cells in chunk:
            if len(cells) != len(names):
                raise ragged(source, number, len(cells), len(names))
        parts.append(pl.DataFrame([cells for _, cells in chunk], schema=schema, orient="row"))
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def numbered_rows(text: str, separator: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line where the row starts, its cells).

    >>> list(numbered_rows("a\\n\\nb", ",", "t.csv"))
    [(1, ['a']), (3, ['b'])]
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    start = 1
    try:
        for cells in reader:
            if cells:
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{source}: line {start}: a quoted cell is not closed, or text follows its closing quote ({error}); "
            'close it, and write a quote inside it as ""'
        ) from None


def header_names(cells: Sequence[str], separator: str, source: str) -> list[str]:
    """Return the names of the columns, stripped; refuse empty and repeated ones.

    >>> header_names(["a", " b"], ",", "t.csv")
    ['a', 'b']
    """
    names = [cell.strip() for cell in cells]
    first: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if not name:
            raise DataError(
                f"{source}: column {place} has no name in the header line; name it, or leave it out "
                "(pandas: to_csv(index=False))"
            )
        if name in first:
            raise DataError(
                f"{source}: the header names column '{name}' twice (columns {first[name]} and {place}); "
                "rename one of them"
            )
        first[name] = place
    for other, word in ((";", "semicolons"), ("\t", "tabs"), (",", "commas")):
        if len(names) == 1 and other in cells[0] and other != separator:
            wanted = "tabs (.tsv)" if separator == "\t" else "commas (.csv)"
            raise DataError(f"{source}: the header is separated by {word}; save the file with {wanted}")
    return names


def ragged(source: str, line: int, found: int, wanted: int) -> DataError:
    """Build the error for a row of the wrong length.

    >>> print(ragged("t.csv", 3, 1, 2))
    t.csv: line 3 has 1 cell, the header has 2; mend the line (a cell with a separator needs quotes)
    """
    cells = "1 cell" if found == 1 else f"{found} cells"
    return DataError(
        f"{source}: line {line} has {cells}, the header has {wanted}; "
        "mend the line (a cell with a separator needs quotes)"
    )
