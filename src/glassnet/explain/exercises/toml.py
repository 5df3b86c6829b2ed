"""Worked examples as TOML text: what `explain.worked` reads."""

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["toml_text"]


def toml_text(document: Mapping[str, Any], remarks: Mapping[str, str] | None = None, head: str = "") -> str:
    """A worked example as TOML; a remark stands behind the key of this name.

    >>> print(toml_text({"x": [1.0, 2.0], "claims": [{"step": 1, "z1": [""]}]}, {"z1": "z1 = W1 x"}))
    x = [1.0, 2.0]
    <BLANKLINE>
    [[claims]]
    step = 1
    z1 = [""]  # z1 = W1 x
    <BLANKLINE>
    """
    out = [f"# {line}" for line in head.splitlines()] + ([""] if head else [])
    told = remarks or {}
    tables = [key for key, value in document.items() if _is_tables(value)]
    out += [f"{key} = {_value(value)}" for key, value in document.items() if key not in tables]
    for key in tables:
        for block in document[key]:
            out += ["", f"[[{key}]]"]
            out += [f"{k} = {_value(v)}" + (f"  # {told[k]}" if k in told else "") for k, v in block.items()]
    return "\n".join(out) + "\n"


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{k} = {_value(v)}' for k, v in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)
