"""What the playground takes at most, as data, and the error that names the field at fault."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from glassnet.errors import InvalidParameterError

__all__ = ["LIMITS", "Limits", "RefusedError", "at_most", "located"]


@dataclass(frozen=True)
class Limits:
    """Upper bounds. They keep one page from taking the machine's memory, and a drawing from growing illegible.

    >>> LIMITS.layers, LIMITS.document()["units"]
    (8, 64)
    """

    layers: int = 8  # hidden ones
    units: int = 64  # of a layer
    inputs: int = 200  # features after preprocessing
    classes: int = 20
    parameters: int = 50_000
    points: int = 5_000  # drawn by hand, or of a toy problem
    rows: int = 50_000  # of a table
    columns: int = 200
    upload_bytes: int = 16 * 2**20
    message_bytes: int = 2**20
    tables: int = 8  # uploaded in one session
    sessions: int = 16
    expression: int = 200  # characters
    batch_size: int = 50_000
    steps: int = 10_000  # of one step command
    racers: int = 8
    race_epochs: int = 5_000
    surface: int = 120  # points a side
    undo: int = 50
    keyframes: int = 64
    keyframe_bytes: int = 64 * 2**20

    def document(self) -> dict[str, Any]:
        """The bounds by name, for the page."""
        return asdict(self)


LIMITS = Limits()


class RefusedError(InvalidParameterError):
    """A command or a setup breaks a rule; `field` is its path, such as "layers.0.units"."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


def at_most(number: float, bound: str, what: str, field: str | None = None) -> None:
    """Refuse a number above the bound of this name.

    >>> at_most(9, "layers", "hidden layers", "layers")
    Traceback (most recent call last):
    glassnet.playground.limits.RefusedError: 9 hidden layers are more than the playground's 8
    """
    most = getattr(LIMITS, bound)
    if number > most:
        raise RefusedError(f"{number:,} {what} are more than the playground's {most:,}", field)


def located(error: Exception, whole: str) -> RefusedError:
    """An error of msgspec, "… - at `$.layers[0].units`", with the path in front; `whole` names what has no path.

    >>> located(ValueError("Expected `int` - at `$.layers[0].units`"), "the setup")
    RefusedError('layers.0.units: expected int')
    """
    message, _, place = str(error).partition(" - at `$")
    path = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", place.rstrip("`")).strip(".")
    unknown = re.search(r"unknown field `(.*)`", message)
    if unknown:
        path, message = f"{path}.{unknown[1]}".strip("."), "There is no such field"
    message = f"{path or whole}: {message[0].lower()}{message[1:]}".replace("`", "")
    return RefusedError(message, path or None)
