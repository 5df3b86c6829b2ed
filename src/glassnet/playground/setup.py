"""The Setup: all that determines a run, as frozen data. The page keeps it in its URL; partial ones are merged over it.

data -> inputs -> layers -> output, loss, penalties -> optimizer, schedule, batch size -> initializer, seed -> stop
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from glassnet.playground.limits import LIMITS, RefusedError, at_most, located

__all__ = ["DataSetup", "LayerSetup", "Setup", "StopSetup", "changed_fields", "merged", "read", "setup_document"]

Meta = msgspec.Meta
Seed = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Share = Annotated[float, Meta(ge=0, le=0.5)]
Size = Annotated[int, Meta(ge=2, le=LIMITS.points)]
Formula = Annotated[str, Meta(min_length=1, max_length=LIMITS.expression)]
Name = Annotated[str, Meta(max_length=LIMITS.expression)]
Positive = Annotated[float, Meta(gt=0)]
Penalty = Annotated[float, Meta(ge=0)]
Axes = Literal["pca"] | tuple[Name, Name]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Frozen, and strict about unknown fields."""


class DataSetup(_Record, frozen=True):
    """What is learned from. Each kind reads its own fields and leaves the others be.

    `kind` is a toy problem (`noise`, `size`), "function" (`expression` of x, `noise`, `size`), "points" drawn by hand
    (`points`, rows of x1, x2 and a class number) or "table" (`table`, `target`, `features`, `axes`).
    """

    kind: Name = "circle"
    noise: Share = 0.1
    size: Size = 500
    train_share: Annotated[float, Meta(ge=0.1, le=0.9)] = 0.7
    seed: Seed = 0
    expression: Formula = "sin(2*x)"
    points: Annotated[tuple[tuple[float, float, int], ...], Meta(max_length=LIMITS.points)] = ()
    table: Name | None = None
    target: Name | None = None
    features: Annotated[tuple[Name, ...], Meta(max_length=LIMITS.columns)] | None = None
    axes: Axes | None = None


class LayerSetup(_Record, frozen=True):
    """A hidden layer."""

    units: Annotated[int, Meta(ge=1, le=LIMITS.units)] = 8
    activation: Name = "tanh"
    batch_norm: bool = False
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0


class StopSetup(_Record, frozen=True):
    """Where playing stops by itself: at the end of an epoch, or once the training loss is this low."""

    epoch: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    loss: float | None = None


class Setup(_Record, frozen=True):
    """All that determines a run: the same setup gives the same numbers.

    >>> Setup().optimizer["name"], len(Setup().layers)
    ('adam', 2)
    """

    data: DataSetup = DataSetup()
    inputs: Annotated[tuple[Formula, ...], Meta(min_length=1, max_length=LIMITS.inputs)] = ("x1", "x2")
    layers: tuple[LayerSetup, ...] = (LayerSetup(), LayerSetup())
    output_activation: Name = "auto"
    loss: Name = "auto"
    l1: Penalty = 0.0
    l2: Penalty = 0.0
    optimizer: dict[str, Any] = msgspec.field(default_factory=lambda: {"name": "adam", "learning_rate": 0.03})
    schedule: dict[str, Any] | None = None
    batch_size: Annotated[int, Meta(ge=1, le=LIMITS.batch_size)] = 32
    clip_norm: Positive | None = None
    initializer: Name = "auto"
    seed: Seed = 0
    stop: StopSetup = StopSetup()


def setup_document(setup: Setup) -> dict[str, Any]:
    """The setup as plain JSON types."""
    return msgspec.to_builtins(setup)


def read(document: Any) -> Setup:
    """A Setup from JSON types, all fields checked.

    >>> read({"layers": [{"units": 0}]})
    Traceback (most recent call last):
    glassnet.playground.limits.RefusedError: layers.0.units: expected int >= 1
    """
    if isinstance(document, Mapping) and isinstance(document.get("layers"), list):
        at_most(len(document["layers"]), "layers", "hidden layers", "layers")
    try:
        setup = msgspec.convert(document, Setup)
    except msgspec.ValidationError as error:
        raise located(error, "the setup") from None
    return setup


def merged(setup: Setup, partial: Any) -> Setup:
    """A partial document over a setup: objects merge key by key, lists replace; then all is checked.

    An optimizer or a schedule of another name keeps the learning rate and nothing else of the old one. Another kind of
    data brings the inputs that belong to it, unless the partial document names some.

    >>> merged(Setup(), {"optimizer": {"name": "sgd"}, "data": {"noise": 0.2}}).optimizer
    {'learning_rate': 0.03, 'name': 'sgd'}
    """
    if not isinstance(partial, Mapping):
        raise RefusedError(f"a setup must be an object, got {type(partial).__name__}", "setup")
    document = setup_document(setup)
    for key in ("optimizer", "schedule"):
        old, new = document[key], partial.get(key)
        if isinstance(new, Mapping) and old is not None and new.get("name", old["name"]) != old["name"]:
            document[key] = {k: v for k, v in old.items() if k == "learning_rate"} if key == "optimizer" else None
    found = read(_over(document, partial))
    return found if "inputs" in partial else _with_fitting_inputs(setup, found)


def _with_fitting_inputs(old: Setup, new: Setup) -> Setup:
    was, is_ = old.data.kind == "function", new.data.kind == "function"
    if was == is_:
        return new
    return msgspec.structs.replace(new, inputs=("x",) if is_ else ("x1", "x2"))


def _over(base: Any, partial: Any) -> Any:
    if not (isinstance(base, Mapping) and isinstance(partial, Mapping)):
        return partial
    return {**base, **{key: _over(base.get(key), value) for key, value in partial.items()}}


def changed_fields(old: Any, new: Any, path: str = "") -> list[str]:
    """Paths of the fields in which two documents differ; a list counts as one.

    >>> changed_fields({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}})
    ['a.c']
    """
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return [] if old == new else [path]
    inside = f"{path}." if path else ""
    return [found for key in {**old, **new} for found in changed_fields(old.get(key), new.get(key), f"{inside}{key}")]
