"""Worked examples: a computation with the numbers that somebody wrote down, as a TOML file.

The file is not trusted: everything is checked, and what is wrong is one line with the file, the place and the remedy.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassnet.errors import DataError, nearest
from glassnet.explain.chains import Chain
from glassnet.explain.claims import Claim, claim_blocks, read_claims
from glassnet.explain.given import read_chain, read_counting, read_setting
from glassnet.explain.places import Entry, Index, Setting
from glassnet.explain.quantities import Pass, Tensor

__all__ = ["WorkedExample", "example_names", "read_example", "worked_example"]

SHIPPED = Path(__file__).parent / "examples"
LARGEST_FILE, MOST_PRODUCTS = 1_000_000, 20_000
NETWORK_KEYS = ("loss", "reduction", "optimizer", "l1", "l2", "x", "y", "layers")
CHAIN_KEYS = ("expressions", "at")
COUNT_KEYS = ("units", "rows")
TOML_ADVICE = {
    "Cannot overwrite": "a key stands once, and each layer and step begins with double brackets: [[layers]]",
    "Cannot declare": "each layer and each step begins with double brackets: [[layers]], [[claims]]",
    "Unclosed array": "a quote or a bracket is missing there or above",
    "Illegal character": "a quote is missing there",
    "Invalid value": 'numbers have a decimal point, and text stands in straight quotes: "1.2"',
    "Invalid statement": "every line is key = value, and a remark begins with #",
    "Expected '='": "every line is key = value",
}
"""What the parser says, and what to do."""
KEYS = ("title", "source", *NETWORK_KEYS, *CHAIN_KEYS, *COUNT_KEYS, "claims")


@dataclass(frozen=True)
class WorkedExample:
    """A computation and the numbers that somebody wrote down for it.

    Attributes
    ----------
    name : str
        Where it comes from: a file, or the name of a shipped example.
    title, source : str
        For people.
    table : Pass or Chain
        How each number is computed; a network's, or that of a chain of expressions.
    claims : tuple of Claim
        What was written down.
    steps : int
        The last step that claims something.
    flat : bool
        Whether x is one example without an index of its own.
    blank : int
        How many numbers are still to be filled in.

    >>> example = read_example("lecture-5-one-neuron")
    >>> example.title, [claim.text for claim in example.claims][:2]
    ('One sigmoid neuron: forward, backward, update', ['2', '0.881'])
    """

    name: str
    title: str
    source: str
    table: Pass | Chain
    claims: tuple[Claim, ...]
    steps: int
    flat: bool
    blank: int = 0

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        """A tensor's shape as people write it: one example has no axis of its own."""
        return tensor.shape[1:] if self.flat and tensor.per_example else tensor.shape

    def index(self, entry: Entry) -> Index:
        """An entry's index as people write it, from 1."""
        tensor = self.table.tensors.get(entry.name)
        flat = self.flat and (tensor.per_example if tensor else entry.name in ("a0", "y"))
        return tuple(i + 1 for i in (entry.index[1:] if flat else entry.index))

    def label(self, entry: Entry, step: int) -> str:
        """An entry as a line of a step names it: `x[2]`, `W1_new[1,2]`, and `W1[1,2]` in the step after."""
        name = "x" if entry.name == "a0" else entry.name
        name = name.removesuffix("_new") if 0 < entry.step < step else name
        index = self.index(entry)
        return f"{name}[{','.join(map(str, index))}]" if index else name


def example_names() -> tuple[str, ...]:
    """Names of the shipped examples.

    >>> "lecture-23-bce" in example_names()
    True
    """
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def read_example(source: str | Path) -> WorkedExample:
    """Read a worked example from a TOML file, or by the name of a shipped one.

    Parameters
    ----------
    source : str or Path
        A path, or a name without folder and suffix, such as "lecture-23-bce".

    Raises
    ------
    DataError
        If there is no such example, or the file is no worked example.

    >>> read_example("lecture-5-perceptron").source
    'Lecture 5, perceptron calculation example'
    """
    text, path = str(source), Path(source)
    is_name = not path.suffix and path.name == text
    if is_name and text in example_names():
        return _parsed((SHIPPED / f"{text}.toml").read_bytes(), text)
    if is_name and not path.exists():
        near = nearest(text, example_names()) or f"; shipped are {', '.join(example_names())}"
        raise DataError(f"'{text}' is neither a file nor a shipped example{near}")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise DataError(f"cannot read {text}: {error.strerror or error}") from None
    if len(content) > LARGEST_FILE:
        raise DataError(f"{text} is larger than {LARGEST_FILE:,} bytes; a worked example is a short text")
    return _parsed(content, text)


def _parsed(content: bytes, name: str) -> WorkedExample:
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise DataError(f"{name} is not text in UTF-8; write the worked example as a TOML file") from None
    except tomllib.TOMLDecodeError as error:
        remedy = next((f"; {advice}" for words, advice in TOML_ADVICE.items() if words in str(error)), "")
        raise DataError(f"{name} is not TOML: {error}{remedy}") from None
    except RecursionError:
        raise DataError(f"{name} is nested too deeply for a worked example") from None
    return worked_example(document, name)


def worked_example(document: Mapping[str, Any], name: str = "example") -> WorkedExample:
    """Check what a file holds, or the same as a dict, and make a worked example of it.

    Parameters
    ----------
    document : mapping
        The keys of the file: x, y, layers, loss, claims …
    name : str
        What errors call it.

    Raises
    ------
    DataError
        If something is missing, unknown or does not fit; the message names the place and the remedy.

    >>> example = worked_example({
    ...     "x": [1.0], "layers": [{"W": [[2.0]], "activation": "relu"}], "claims": [{"step": 1, "z1": ["2.0"]}]
    ... })
    >>> example.claims[0].text
    '2.0'
    """
    try:
        return _checked(document, name)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None


def _checked(document: Mapping[str, Any], name: str) -> WorkedExample:
    unknown = next((key for key in document if key not in KEYS), None)
    if unknown is not None:
        near = nearest(unknown, KEYS) or f" (known: {', '.join(KEYS)})"
        raise DataError(f"unknown key '{unknown}'{near}")
    words = {key: document.get(key, "") for key in ("title", "source")}
    for key, value in words.items():
        if not isinstance(value, str):
            raise DataError(f"{key} must be text in quotes, got {value!r}")
    table, flat = _table(document)
    blocks = claim_blocks(document.get("claims"))
    claims: dict[Entry, Claim] = {}
    blank = 0
    for number, block in enumerate(blocks, start=1):
        written, left_open = read_claims(block, f"claims[{number}]", table, flat)
        blank += left_open
        for claim in written:
            if claim.entry in claims:
                raise DataError(f"step {claim.entry.step} claims {claim.entry.name} twice; write it once")
            claims[claim.entry] = claim
    steps = max((claim.entry.step for claim in claims.values()), default=1)
    if isinstance(table, Pass):
        _check_size(table.setting, steps)
    return WorkedExample(
        name, words["title"] or name, words["source"], table, tuple(claims.values()), steps, flat, blank
    )


def _table(document: Mapping[str, Any]) -> tuple[Pass | Chain, bool]:
    kinds = {"a network": NETWORK_KEYS, "expressions": CHAIN_KEYS, "shapes": COUNT_KEYS}
    found = {kind: next((key for key in keys if key in document), "") for kind, keys in kinds.items()}
    present = [kind for kind, key in found.items() if key]
    if len(present) > 1:
        one, two = present[:2]
        raise DataError(f"'{found[two]}' and '{found[one]}' are in one file; write {two} and {one} in two")
    if found["expressions"]:
        return read_chain(document), False
    if found["shapes"]:
        return read_counting(document), False
    inside = [block for key in ("layers", "claims") for block in _tables(document.get(key)) if "x" in block]
    if "x" not in document and inside:
        raise DataError("x stands below [[layers]] or [[claims]]; it belongs above the first of them, as y and loss do")
    setting, flat = read_setting(document)
    return Pass(setting), flat


def _tables(value: Any) -> list[Mapping[str, Any]]:
    return [block for block in value if isinstance(block, Mapping)] if isinstance(value, list) else []


def _check_size(setting: Setting, steps: int) -> None:
    weights = sum(m * n for m, n in zip(setting.sizes, setting.sizes[1:], strict=False))
    if weights * setting.rows * steps > MOST_PRODUCTS:
        raise DataError(
            f"{weights:,} weights, {setting.rows:,} examples and {steps:,} steps are more than a computation by hand; "
            "take a smaller network, or `glassnet gradcheck`"
        )
