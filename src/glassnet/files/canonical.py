"""Canonical JSON: one value has one text, so equal models are equal files.

Keys are sorted, there are no spaces, everything outside ASCII is escaped (so even a lone surrogate in a
column name survives), floats are the shortest text that reads back as the same bits, and NaN and the
infinities, which JSON does not have, are refused. Reading checks that the text is the canonical one.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from glassnet.errors import ModelFileError

__all__ = ["canonical", "parse", "plain"]


def canonical(value: Any) -> str:
    """Return the one text of a JSON value.

    Raises
    ------
    ValueError, TypeError, RecursionError
        For what JSON cannot hold; `plain` says first, and better, where it stands.

    Examples
    --------
    >>> canonical({"b": [1, 0.1, None], "a": "η"})
    '{"a":"\\\\u03b7","b":[1,0.1,null]}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def parse(text: str) -> Any:
    """Read one JSON value; `canonical` of the answer must be the text again where that matters.

    Raises
    ------
    ValueError, RecursionError
        For what is not JSON.

    Examples
    --------
    >>> parse('{"a":[1,null]}')
    {'a': [1, None]}
    """
    return json.loads(text)


def plain(value: Any, where: str = "document") -> Any:
    """Return the value made of dict, list, str, int, float, bool and None only; tuples become lists.

    Raises
    ------
    ModelFileError
        For anything else, a key that is not a str, or a float that is not finite; names the place.

    Examples
    --------
    >>> plain({"shape": (2, 3)})
    {'shape': [2, 3]}
    >>> plain({"loss": [0.5, float("nan")]})
    Traceback (most recent call last):
    glassnet.errors.ModelFileError: cannot save document.loss[1]: nan is not finite; use None
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise ModelFileError(f"cannot save {where}: {float(value)} is not finite; use None")
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {_key(key, where): plain(item, f"{where}.{key}") for key, item in items}
    if isinstance(value, list | tuple):
        return [plain(item, f"{where}[{i}]") for i, item in enumerate(cast("list[Any]", value))]
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    raise ModelFileError(
        f"cannot save {where}: JSON has no {kind}; use dict, list, str, int, float, bool or None "
        "(NumPy values: .item() or .tolist())"
    )


def _key(key: Any, where: str) -> str:
    if isinstance(key, str):
        return key
    raise ModelFileError(f"cannot save {where}: its key {key!r} is not a str; write it as one")
