"""Numbers that somebody wrote down, read from the [[claims]] of a worked example."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glassnet.errors import DataError, nearest
from glassnet.explain.arithmetic import decimal, digits
from glassnet.explain.chains import Chain
from glassnet.explain.given import LARGEST
from glassnet.explain.places import Entry, indices
from glassnet.explain.quantities import Pass

__all__ = ["Claim", "claim_blocks", "read_claims"]

LONGEST_NUMBER, MOST_STEPS = 60, 1000
NUMBER = re.compile(r"[+-]?(\d+\.?(\d*)|\.(\d+))(?:[eE]([+-]?\d{1,3}))?")


@dataclass(frozen=True)
class Claim:
    """A number as it was written: its place in the computation, its digits, its value, one unit in the last place."""

    entry: Entry
    text: str
    value: Any
    unit: Any


def claim_blocks(value: Any) -> list[Mapping[str, Any]]:
    """The [[claims]] of a document."""
    if not value:
        raise DataError('there are no claims; write [[claims]] with step = 1 and numbers such as loss = "0.1122"')
    if not isinstance(value, list) or not all(isinstance(block, Mapping) for block in value):
        raise DataError("claims must be tables; write [[claims]] above each step's numbers")
    return value


def read_claims(block: Mapping[str, Any], where: str, table: Pass | Chain, flat: bool) -> tuple[list[Claim], int]:
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
    whole = name.partition("[")[0]
    if whole != name and whole in table.tensors:
        return f"unknown name '{name}'; write all of {whole} as a list, with \"\" for what was not written down"
    kind = re.sub(r"\d+", "", name)
    if isinstance(table, Pass) and kind in ("W", "b"):
        return f"'{name}' is given; what a step makes of it is '{name}_new'"
    if isinstance(table, Pass) and not near:
        if kind in ("losses", "loss", "penalty", "dL_da", "g", "delta", "dW", "db") and table.setting.loss is None:
            return f"'{name}' needs a loss; write loss = \"half_squared_error\" or another, and y"
        if kind.endswith("_new") and table.setting.rule is None:
            return f"'{name}' needs an optimizer; write optimizer = {{ name = \"sgd\", learning_rate = 0.5 }}"
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
    count = f"{shape[0]} number{'s' * (shape[0] != 1)}" if len(shape) == 1 else "one number"
    wanted = f"the shape {' x '.join(map(str, shape))}" if len(shape) > 1 else count
    given = " x ".join(str(n) if n >= 0 else "?" for n in axes) or "1"
    raise DataError(f'{where} must have {wanted}, got {given}; a number that was not written down is ""')


def _claim(entry: Entry, value: Any, where: str) -> Claim:
    text = repr(value) if isinstance(value, int | float) else value
    text = text.strip() if isinstance(text, str) else ""
    match = NUMBER.fullmatch(text.replace("\u2212", "-")) if len(text) <= LONGEST_NUMBER else None
    if match is None:
        example = text.replace(",", ".") if re.fullmatch(r"[+-]?\d+,\d+", text) else "0.8934"
        raise DataError(f'{where}: {value!r} is no number; write the printed digits, such as "{example}"')
    if abs(decimal(match[0])) > LARGEST:
        raise DataError(f"{where}: {text} is too large")
    decimals, exponent = match[2] or match[3] or "", int(match[4] or 0)
    return Claim(entry, text, decimal(match[0]), digits.mpf(10) ** (exponent - len(decimals)))
