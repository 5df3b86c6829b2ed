"""The commands of the protocol as frozen data: decoding checks them whole, with the field at fault."""

from dataclasses import replace
from typing import Annotated, Any, Literal

import msgspec

from glassnet.playground.limits import LIMITS, RefusedError, located
from glassnet.playground.views import VIEWS, Watch

__all__ = ["Command", "command_id", "decode"]

Meta = msgspec.Meta
Id = Annotated[int, Meta(ge=0, le=2**53)]
Word = Annotated[str, Meta(max_length=64)]
Point = tuple[float, float, Annotated[int, Meta(ge=0)]]
Count = Annotated[int, Meta(ge=1, le=LIMITS.steps)]
Row = Annotated[int, Meta(ge=0)]
Numbers = Annotated[tuple[float, ...], Meta(max_length=2)]


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag=str.lower):
    """Each is answered by `done` or `error` with its id."""

    id: Id


class Hello(Command, frozen=True):
    """Join a session, or begin one."""

    session: Word | None = None
    setup: dict[str, Any] | None = None


class Change(Command, frozen=True):
    """Merge a partial setup."""

    setup: dict[str, Any]


class Play(Command, frozen=True):
    """Train on; at most `speed` epochs a second."""

    speed: Annotated[float, Meta(gt=0, le=1e6)] | None = None


class Pause(Command, frozen=True):
    """Stop training."""


class Step(Command, frozen=True):
    """Forth or back."""

    unit: Literal["example", "batch", "epoch"] = "epoch"
    back: bool = False
    count: Count = 1


class Reset(Command, frozen=True):
    """The same initial weights."""


class NewWeights(Command, frozen=True, tag="new_weights"):
    """The next seed."""


class Edit(Command, frozen=True):
    """One number of a tensor."""

    tensor: Word
    index: Annotated[tuple[Row, ...], Meta(max_length=2)]
    value: float


class Undo(Command, frozen=True):
    """Before the last change, edit, reset or NaN."""


class AddPoints(Command, frozen=True, tag="add_points"):
    """Rows x1, x2, class."""

    points: Annotated[tuple[Point, ...], Meta(min_length=1, max_length=LIMITS.points)]


class RemovePoints(Command, frozen=True, tag="remove_points"):
    """Rows of the data as drawn: training rows first, then test rows."""

    indexes: Annotated[tuple[Row, ...], Meta(min_length=1, max_length=LIMITS.points)]


class WatchFor(Command, frozen=True, tag="watch"):
    """What snapshots carry."""

    what: Annotated[tuple[Word, ...], Meta(max_length=20)] | None = None
    size: Annotated[int, Meta(ge=2, le=LIMITS.surface)] | None = None
    unit: Annotated[str, Meta(pattern=r"^\d{1,3}\.\d{1,6}$")] | msgspec.UnsetType | None = msgspec.UNSET
    probe: tuple[float, float] | msgspec.UnsetType | None = msgspec.UNSET

    def over(self, watch: Watch) -> Watch:
        """What is named here, and the rest as it was."""
        found = watch
        if self.what is not None:
            unknown = [name for name in self.what if name not in VIEWS]
            if unknown:
                raise RefusedError(f"what: nothing to watch by the name '{unknown[0]}' ({', '.join(VIEWS)})", "what")
            found = replace(found, what=frozenset(self.what))
        if self.size is not None:
            found = replace(found, size=self.size)
        if self.unit is not msgspec.UNSET:
            layer, _, unit = (self.unit or "").partition(".")
            found = replace(found, unit=(int(layer), int(unit)) if self.unit else None)
        if self.probe is not msgspec.UNSET:
            found = replace(found, probe=self.probe)
        return found


class Explain(Command, frozen=True):
    """Forward, loss, backward and update of one example, in formulas and numbers."""

    example: Row | None = None
    x: Numbers | None = None
    y: float | None = None
    entries: Annotated[int, Meta(ge=1, le=LIMITS.units)] = 8


class GraphOf(Command, frozen=True, tag="graph"):
    """The computational graph of one example."""

    example: Row = 0


class Race(Command, frozen=True):
    """Several optimizers from the same start."""

    optimizers: Annotated[tuple[dict[str, Any], ...], Meta(min_length=1, max_length=LIMITS.racers)]
    epochs: Annotated[int, Meta(ge=1, le=LIMITS.race_epochs)] = 100


class StopRace(Command, frozen=True, tag="stop_race"):
    """End it."""


class Ping(Command, frozen=True):
    """Are you there?"""


AnyCommand = (
    Hello
    | Change
    | Play
    | Pause
    | Step
    | Reset
    | NewWeights
    | Edit
    | Undo
    | AddPoints
    | RemovePoints
    | WatchFor
    | Explain
    | GraphOf
    | Race
    | StopRace
    | Ping
)
_decoder = msgspec.json.Decoder(AnyCommand)


def decode(text: str | bytes) -> Any:
    """A command from its JSON; RefusedError says what is wrong with it.

    >>> decode('{"do": "step", "id": 1, "unit": "batch"}').count
    1
    >>> decode('{"do": "fly", "id": 1}')
    Traceback (most recent call last):
    glassnet.playground.limits.RefusedError: do: invalid value 'fly'
    """
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise located(error, "the command") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise RefusedError(f"the command is no JSON: {str(error).splitlines()[0]}") from None


def command_id(text: str | bytes) -> int | None:
    """The id of a command that could not be decoded, if it has one."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    found = document.get("id") if isinstance(document, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None
