"""Registries of records, and the one text form in which a record is named.

A name with its numbers is text such as `relu`, `leaky_relu(alpha=0.2)` or `step(0.1, factor=0.5)`: the same on
the command line, in JSON, in a model file and in Python.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from glassnet.errors import InvalidParameterError, nearest

__all__ = ["Registry", "check_number", "parse_spec", "resolve", "spec_text"]

R = TypeVar("R")
_SPEC = re.compile(r"\s*([A-Za-z][\w\- ]*?)\s*(?:\((.*)\))?\s*")
_WORDS = {"None": None, "null": None, "True": True, "true": True, "False": False, "false": False}
_PAIR = re.compile(r"""([^=('"]+)=(.*)""")


class Registry(Mapping[str, R], Generic[R]):
    """Name -> record, with the aliases people type.

    >>> from glassnet.formulas.activations import ACTIVATIONS
    >>> ACTIVATIONS["logistic"].name
    'sigmoid'
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._records: dict[str, R] = {}
        self._aliases: dict[str, str] = {}
        self.on_change: list[Callable[[], object]] = []

    def add(self, name: str, record: R, aliases: tuple[str, ...] = ()) -> R:
        """Put a record in; a taken name is an error."""
        for word in (name, *aliases):
            if word in self._records or word in self._aliases:
                raise InvalidParameterError(f"{self.kind} '{word}' is already registered")
        self._records[name] = record
        self._aliases.update(dict.fromkeys(aliases, name))
        return record

    def put(self, name: str, record: R) -> R:
        """Put a record in, in place of the one of this name if there is one; who remembers records is told."""
        self._records[name] = record
        self._tell()
        return record

    def remove(self, name: str) -> None:
        """Take a record out."""
        del self._records[name]
        self._tell()

    def _tell(self) -> None:
        for forget in self.on_change:
            forget()

    def _key(self, name: str) -> str:
        key = name.strip().lower().replace("-", "_").replace(" ", "_")
        return self._aliases.get(key, key)

    def __getitem__(self, name: str) -> R:
        key = self._key(name)
        if key not in self._records:
            words = [*self._records, *self._aliases]
            raise InvalidParameterError(
                f"unknown {self.kind} '{name}'{nearest(key, words)} (known: {', '.join(self._records)})"
            )
        return self._records[key]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._key(name) in self._records

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


def parse_spec(text: str, kind: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Split `name(1, key=2)` into name, positional and keyword values.

    >>> parse_spec("leaky_relu(alpha=0.2)", "activation")
    ('leaky_relu', [], {'alpha': 0.2})
    """
    match = _SPEC.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidParameterError(f"cannot read {kind} {text!r}: write it like name or name(key=0.5)")
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for part in filter(None, _parts(match[2] or "")):
        pair = _PAIR.fullmatch(part)
        if pair is None:
            positional.append(_value(part))
        elif pair[1].strip() in named:
            raise InvalidParameterError(f"{kind} '{text}' gives {pair[1].strip()} twice")
        else:
            named[pair[1].strip()] = _value(pair[2].strip())
    return match[1], positional, named


def _parts(text: str) -> Iterator[str]:
    """Split at the commas that stand outside of quotes and parentheses."""
    depth, quote, start = 0, "", 0
    for i, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "," and depth == 0:
            yield text[start:i].strip()
            start = i + 1
        else:
            depth += (letter == "(") - (letter == ")")
    yield text[start:].strip()


def _value(word: str) -> Any:
    if word in _WORDS:
        return _WORDS[word]
    try:
        return int(word)
    except ValueError:
        pass
    try:
        return float(word)
    except ValueError:
        return word.strip("'\"")


def spec_text(name: str, constants: Mapping[str, Any]) -> str:
    """The inverse of `parse_spec`; floats are written so that they read back to the same bits."""
    if not constants:
        return name
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in constants.items())})"


def resolve(registry: "Registry[R]", spec: "str | R", constants: Mapping[str, Any]) -> R:
    """Look a record up by spec text (a record passes through) and set its constants; unknown ones are refused."""
    record: Any = spec
    given = dict(constants)
    if isinstance(spec, str):
        name, positional, named = parse_spec(spec, registry.kind)
        record = registry[name]
        if len(positional) > len(record.constants):
            raise InvalidParameterError(f"{registry.kind} '{spec}': {name} takes {len(record.constants)} numbers")
        first = dict(zip(record.constants, positional, strict=False))
        twice = first.keys() & named.keys()
        if twice:
            raise InvalidParameterError(f"{registry.kind} '{spec}' gives {min(twice)} twice")
        given = {**first, **named, **given}
    elif not isinstance(spec, type(next(iter(registry.values())))):
        names = ", ".join(registry)
        raise InvalidParameterError(f"{registry.kind} must be a name or a record, got {spec!r} (names: {names})")
    if not given:
        return record
    for key, value in given.items():
        if key not in record.constants:
            known = ", ".join(record.constants) or "none"
            raise InvalidParameterError(
                f"{registry.kind} {record.name} has no constant '{key}'{nearest(key, record.constants)} "
                f"(it has: {known})"
            )
        given[key] = check_number(record.name, key, value, *record.limits.get(key, ()))
    return replace(record, constants=MappingProxyType({**record.constants, **given}))


def check_number(
    owner: str,
    name: str,
    value: Any,
    low: float = float("-inf"),
    high: float = float("inf"),
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return value as a float, or say which rule it breaks.

    >>> check_number("Adam", "beta_1", 0.9, 0, 1, open_high=True)
    0.9
    """
    rule = f"a number {'>' if open_low else '>='} {low:g}" if low > float("-inf") else "a finite number"
    if high < float("inf"):
        rule += f" and {'<' if open_high else '<='} {high:g}"
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    inside = (number > low if open_low else number >= low) and (number < high if open_high else number <= high)
    if isinstance(value, bool) or not inside or abs(number) == float("inf"):
        raise InvalidParameterError(f"{owner}: {name} must be {rule}, got {value!r}")
    return number
