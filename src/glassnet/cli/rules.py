"""The text of an option to its value; what breaks a rule is named with the option, the rule and what was given."""

import math

from glassnet.errors import InvalidParameterError, nearest

__all__ = ["LARGEST_SEED", "choice", "column_names", "number", "share", "units", "whole"]

LARGEST_SEED = 2**32 - 1
MOST_UNITS = 1_000_000
NO_LAYERS = ("none", "")


def number(
    option: str,
    text: str,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = True,
) -> float:
    """A finite number within bounds.

    >>> number("--lr", "0.01", 0, open_low=True)
    0.01
    >>> number("--dropout", "1.5", 0, 1)
    Traceback (most recent call last):
    glassnet.errors.InvalidParameterError: --dropout must be a number >= 0 and < 1, got '1.5'
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    above = low < value if open_low else low <= value
    below = value < high if open_high else value <= high
    if math.isfinite(value) and above and below:
        return value
    bounds = [f"{'>' if open_low else '>='} {low:g}"] if low > -math.inf else []
    bounds += [f"{'<' if open_high else '<='} {high:g}"] if high < math.inf else []
    rule = " ".join(["a finite number" if not bounds else "a number", " and ".join(bounds)]).strip()
    raise InvalidParameterError(f"{option} must be {rule}, got '{text}'")


def whole(option: str, text: str, low: int, high: int | None = None) -> int:
    """A whole number from `low` to `high`.

    >>> whole("--epochs", "0", 1)
    Traceback (most recent call last):
    glassnet.errors.InvalidParameterError: --epochs must be a whole number >= 1, got '0'
    """
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if value >= low and (high is None or value <= high):
        return value
    rule = f">= {low}" if high is None else f"from {low:,} to {high:,}"
    raise InvalidParameterError(f"{option} must be a whole number {rule}, got '{text}'")


def share(option: str, text: str) -> float:
    """A share of the rows, from 0 to below 1.

    >>> share("--validation", "0.15")
    0.15
    """
    return number(option, text, 0, 1)


def units(option: str, text: str) -> tuple[int, ...]:
    """Units of the hidden layers: "64,32", or "none".

    >>> units("--hidden", "64,32"), units("--hidden", "none")
    ((64, 32), ())
    """
    if text.strip().lower() in NO_LAYERS:
        return ()
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = (0,)
    if min(found) >= 1 and max(found) <= MOST_UNITS:
        return found
    rule = f"whole numbers from 1 to {MOST_UNITS:,} with commas, such as 64,32, or none"
    raise InvalidParameterError(f"{option} must be {rule}; got '{text}'")


def column_names(text: str | None) -> tuple[str, ...]:
    """Names with commas between them.

    >>> column_names("sex, island"), column_names(None)
    (('sex', 'island'), ())
    """
    return tuple(filter(None, (part.strip() for part in (text or "").split(","))))


def choice(option: str, text: str, choices: tuple[str, ...]) -> str:
    """One of these words.

    >>> choice("--task", "regresion", ("classification", "regression"))
    Traceback (most recent call last):
    glassnet.errors.InvalidParameterError: --task must be classification or regression; did you mean 'regression'?
    """
    if text in choices:
        return text
    listed = f"{', '.join(choices[:-1])} or {choices[-1]}"
    raise InvalidParameterError(f"{option} must be {listed}{nearest(text, choices) or f', got {text!r}'}")
