"""Worked examples: a computation with the numbers that somebody wrote down, as a TOML file.

The file is not trusted: everything is checked, and what is wrong is one line with the file, the place and the remedy.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassnet.errors import DataError, nearest
from glassnet.explain.arithmetic import decimal, digits
from glassnet.explain.chains import Chain
from glassnet.explain.given import LARGEST, read_chain, read_counting, read_setting
from glassnet.explain.places import Entry, Index, Setting, indices
from glassnet.explain.quantities import Pass, Tensor

__all__ = ["Claim", "WorkedExample", "example_names", "read_example", "worked_example"]

SHIPPED = Path(__file__).parent / "examples"
LARGEST_FILE, LONGEST_NUMBER = 1_000_000, 60
MOST_STEPS, MOST_PRODUCTS = 1000, 20_000
NUMBER = re.compile(r"[+-]?(\d+\.?(\d*)|\.(\d+))(?:[eE]([+-]?\d{1,3}))?")
NETWORK_KEYS = ("loss", "reduction", "optimizer", "l1", "l2", "x", "y", "layers")
CHAIN_KEYS = ("expressions", "at")
COUNT_KEYS = ("units", "rows")
KEYS = ("title", "source", *NETWORK_KEYS, *CHAIN_KEYS, *COUNT_KEYS, "claims")


@dataclass(frozen=True)
class Claim:
    """A number as it was written: its place in the computation, its digits, its value, one unit in the last place."""

    entry: Entry
    text: str
    value: Any
    unit: Any


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
        raise DataError(f"{name} is not TOML: {error}") from None
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
    blocks = _blocks(document.get("claims"))
    claims: dict[Entry, Claim] = {}
    blank = 0
    for number, block in enumerate(blocks, start=1):
        written, left_open = _claims(block, f"claims[{number}]", table, flat)
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
    setting, flat = read_setting(document)
    return Pass(setting), flat


def _check_size(setting: Setting, steps: int) -> None:
    weights = sum(m * n for m, n in zip(setting.sizes, setting.sizes[1:], strict=False))
    if weights * setting.rows * steps > MOST_PRODUCTS:
        raise DataError(
            f"{weights:,} weights, {setting.rows:,} examples and {steps:,} steps are more than a computation by hand; "
            "take a smaller network, or `glassnet gradcheck`"
        )


# --- claims -----------------------------------------------------------------------------------------------------


def _blocks(value: Any) -> list[Mapping[str, Any]]:
    if not value:
        raise DataError('there are no claims; write [[claims]] with step = 1 and numbers such as loss = "0.1122"')
    if not isinstance(value, list) or not all(isinstance(block, Mapping) for block in value):
        raise DataError("claims must be tables; write [[claims]] above each step's numbers")
    return value


def _claims(block: Mapping[str, Any], where: str, table: Pass | Chain, flat: bool) -> tuple[list[Claim], int]:
    """What a block writes down, and how many numbers it leaves blank."""
    step = block.get("step", 1 if isinstance(table, Chain) else None)
    if step is None:
        raise DataError(f"{where} lacks its step; write step = 1")
    if isinstance(step, bool) or not isinstance(step, int) or not 1 <= step <= MOST_STEPS:
        raise DataError(f"{where}: step must be a whole number from 1 to {MOST_STEPS}, got {step!r}")
    if step > 1 and (isinstance(table, Chain) or not any(name.endswith("_new") for name in table.tensors)):
        remedy = "expressions have one step" if isinstance(table, Chain) else "a second step needs an optimizer"
        raise DataError(f"{where}: step {step}: {remedy}")
    found: list[Claim] = []
    blank = 0
    for name, value in block.items():
        if isinstance(table, Chain) and name in table.blank:
            blank += 1
        elif name != "step":
            tensor = table.tensors.get(name)
            if tensor is None:
                raise DataError(f"{where}: {_missing(name, table)}")
            shape = tensor.shape[1:] if flat and tensor.per_example else tensor.shape
            texts = _flat_texts(value, shape, f"{where}: {name}")
            places = (Entry(step, name, index) for index in indices(tensor.shape))
            filled = [(entry, text) for entry, text in zip(places, texts, strict=True) if not _is_blank(text)]
            found += [_claim(entry, text, f"{where}: {name}") for entry, text in filled]
            blank += len(texts) - len(filled)
    return found, blank


def _is_blank(text: Any) -> bool:
    return isinstance(text, str) and not text.strip(" _")


def _missing(name: str, table: Pass | Chain) -> str:
    known = ", ".join(table.tensors)
    near = nearest(name, table.tensors)
    if isinstance(table, Pass) and not near:
        kind = re.sub(r"\d+", "", name)
        if kind in ("losses", "loss", "penalty", "dL_da", "g", "delta", "dW", "db") and table.setting.loss is None:
            return f"'{name}' needs a loss; write loss = \"half_squared_error\" or another, and y"
        if kind.endswith("_new") and table.setting.rule is None:
            return f"'{name}' needs an optimizer; write optimizer = {{ name = \"sgd\", learning_rate = 0.5 }}"
        if kind in ("W", "b"):
            return f"'{name}' is given; what a step makes of it is '{name}_new'"
    return f"unknown name '{name}'{near} (there are: {known})"


def _flat_texts(value: Any, shape: Sequence[int], where: str) -> list[Any]:
    """The entries of a nested list of this shape, in order; axes of length 1 may be left out or put in."""
    axes, flat = [], [value]
    while any(isinstance(part, list) for part in flat):
        lengths = {len(part) if isinstance(part, list) else -1 for part in flat}
        axes.append(lengths.pop() if len(lengths) == 1 else -1)
        flat = [item for part in flat for item in (part if isinstance(part, list) else [part])]
    if [n for n in axes if n != 1] == [n for n in shape if n != 1] and not any(isinstance(item, dict) for item in flat):
        return flat
    wanted = " x ".join(map(str, shape)) or "of one number"
    raise DataError(f'{where} must have the shape {wanted}; a number that was not written down is ""')


def _claim(entry: Entry, value: Any, where: str) -> Claim:
    text = repr(value) if isinstance(value, int | float) else value
    text = text.strip() if isinstance(text, str) else ""
    match = NUMBER.fullmatch(text.replace("\u2212", "-")) if len(text) <= LONGEST_NUMBER else None
    if match is None:
        raise DataError(f'{where}: {value!r} is no number; write the printed digits, such as "0.8934"')
    if abs(decimal(match[0])) > LARGEST:
        raise DataError(f"{where}: {text} is too large")
    decimals, exponent = match[2] or match[3] or "", int(match[4] or 0)
    return Claim(entry, text, decimal(match[0]), digits.mpf(10) ** (exponent - len(decimals)))
