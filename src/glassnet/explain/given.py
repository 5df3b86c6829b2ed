"""What a worked example gives: the network with its numbers, or the expressions, checked key by key."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from glassnet.errors import DataError, GlassnetError, InvalidParameterError, nearest
from glassnet.explain.chains import Chain
from glassnet.explain.counting import counting
from glassnet.explain.expressions import DERIVATIVES, Expression, parse
from glassnet.explain.places import Entry, Setting
from glassnet.formulas.activations import Activation, activation
from glassnet.formulas.losses import Loss, loss
from glassnet.formulas.optimizers import Optimizer, optimizer
from glassnet.formulas.registry import check_number

__all__ = ["LARGEST", "read_chain", "read_counting", "read_setting"]

LAYER_KEYS = ("activation", "W", "b")
ABOVE = ("title", "source", "loss", "reduction", "optimizer", "l1", "l2", "x", "y")
MOST_EXPRESSIONS, LARGEST = 20, 1e300
MOST_SIZES, LARGEST_SIZE = 50, 10_000_000


def read_setting(document: Mapping[str, Any]) -> tuple[Setting, bool]:
    """The network of a worked example, and whether x is one example without an index of its own."""
    if "x" not in document:
        raise DataError("x is missing: the input, such as x = [1.0, 2.0], or one list for each example")
    x, flat = _rows(document["x"], "x")
    sizes, activations, biases, data = [x.shape[1]], [], [], _entries("a0", x)
    layers = document.get("layers", [])
    if not isinstance(layers, list) or not all(isinstance(layer, Mapping) for layer in layers):
        raise DataError("layers must be tables; write [[layers]] above each layer's activation, W and b")
    for number, layer in enumerate(layers, start=1):
        g, W, b = _layer(layer, number, sizes[-1])
        sizes.append(len(W))
        activations.append(g)
        biases.append(b is not None)
        data |= _entries(f"W{number}", W) | ({} if b is None else _entries(f"b{number}", b))
    record = _loss(document, activations, sizes[-1])
    if record is not None:
        y = _targets(document["y"], len(x), sizes[-1], flat)
        if not record.targets.holds(y):
            raise DataError(f"y: loss {record.name} is for targets in {record.targets}")
        if not layers and not record.domain.holds(x):
            raise DataError(f"x: loss {record.name} is for outputs in {record.domain}")
        data |= _entries("y", y)
    reduction = document.get("reduction", "sum")
    if reduction not in ("sum", "mean"):
        raise DataError(f'reduction must be "sum" or "mean" over the examples, got {reduction!r}')
    setting = Setting(
        tuple(sizes), tuple(activations), tuple(biases), len(x), data, record, reduction,
        _strength(document, "l1"), _strength(document, "l2"), _rule(document, record),
    )  # fmt: skip
    return setting, flat


def _entries(name: str, values: np.ndarray) -> dict[Entry, float]:
    return {Entry(0, name, index): float(value) for index, value in np.ndenumerate(values)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(value: Any, where: str, axes: int, example: str) -> np.ndarray:
    """Finite numbers in a list, or a list of lists of one length."""

    def fail(what: str) -> DataError:
        return DataError(f"{where} {what}; write it like {example}")

    def walk(part: Any, left: int) -> None:
        if left:
            if not isinstance(part, list) or not part:
                raise fail("must be a list of lists of numbers" if axes > 1 else "must be a list of numbers")
            for item in part:
                walk(item, left - 1)
        elif not _is_number(part):
            raise fail(f"holds {part!r} where a number should be")
        elif not abs(part) <= LARGEST:
            raise fail("holds a number that is too large, or not finite")

    walk(value, axes)
    if axes == 2 and len({len(row) for row in value}) > 1:
        raise fail("has rows of different lengths")
    return np.array(value, np.float64)


def _rows(value: Any, where: str) -> tuple[np.ndarray, bool]:
    nested = isinstance(value, list) and any(isinstance(item, list) for item in value)
    example = "x = [1.0, 2.0], or x = [[0.0, 1.0], [1.0, 1.0]] for two examples"
    if nested:
        return _numbers(value, where, 2, example), False
    return _numbers(value if isinstance(value, list) else [value], where, 1, example)[None, :], True


def _layer(layer: Mapping[str, Any], number: int, below: int) -> tuple[Activation, np.ndarray, np.ndarray | None]:
    where = f"layers[{number}]"
    unknown = next((key for key in layer if key not in LAYER_KEYS), None)
    if unknown is not None:
        near = nearest(unknown, LAYER_KEYS)
        if not near and unknown in ABOVE:
            near = "; it belongs above the first [[layers]]"
        raise DataError(f"{where}: unknown key '{unknown}'{near} (known: {', '.join(LAYER_KEYS)})")
    if "W" not in layer:
        raise DataError(f"{where} lacks W, its weights as (outputs, inputs): here {below} numbers in each row")
    W = _numbers(layer["W"], f"{where}.W", 2, "W = [[0.1, 0.4], [0.2, 0.5]]")
    if W.shape[1] != below:
        turned = "; it seems to be transposed" if W.shape[0] == below else ""
        raise DataError(
            f"{where}.W is {W.shape[0]} x {W.shape[1]}, but {_given(number)} {below} values: W must be "
            f"(outputs, inputs), with {below} numbers in each row{turned}"
        )
    b = None
    if "b" in layer:
        given = layer["b"]
        b = _numbers(given if isinstance(given, list) else [given], f"{where}.b", 1, "b = [0.3, 0.6]")
        if len(b) != len(W):
            raise DataError(f"{where}.b has {len(b)} numbers, but W has {len(W)} rows: one bias for each output")
    try:
        return activation(layer.get("activation", "identity")), W, b
    except InvalidParameterError as error:
        raise DataError(f"{where}.activation: {error}") from None


def _given(number: int) -> str:
    return "x gives" if number == 1 else f"layer {number - 1} gives"


def _loss(document: Mapping[str, Any], activations: list[Activation], outputs: int) -> Loss | None:
    if "loss" not in document:
        if "y" in document:
            raise DataError('y is given, but no loss; write loss = "half_squared_error", or leave y out')
        return None
    try:
        record = loss(document["loss"])
        if activations:
            record.check_output(activations[-1], outputs)
    except InvalidParameterError as error:
        raise DataError(f"loss: {error}") from None
    if "y" not in document:
        raise DataError(f"loss {record.name} needs y, the targets, such as y = [{', '.join(['1.0'] * outputs)}]")
    return record


def _targets(value: Any, rows: int, outputs: int, flat: bool) -> np.ndarray:
    """Targets (rows, outputs); one example, or one output, may be a plain list."""
    nested = isinstance(value, list) and any(isinstance(item, list) for item in value)
    row = f"[{', '.join(['1.0'] * outputs)}]"
    example = f"y = {row}" if flat else f"y = [{row}, …]"
    y = _numbers(value if isinstance(value, list) else [value], "y", 2 if nested else 1, example)
    if y.size == rows * outputs and (nested or flat or outputs == 1) and (not nested or y.shape == (rows, outputs)):
        return y.reshape(rows, outputs)
    shape = " x ".join(map(str, y.shape))
    raise DataError(
        f"y has the shape {shape}, but there are {rows} examples with {outputs} outputs; write it like {example}"
    )


def _strength(document: Mapping[str, Any], key: str) -> float:
    try:
        return check_number("example", key, document.get(key, 0.0), 0)
    except InvalidParameterError as error:
        raise DataError(str(error).removeprefix("example: ")) from None


def _rule(document: Mapping[str, Any], record: Loss | None) -> Optimizer | None:
    if "optimizer" not in document:
        return None
    if record is None:
        raise DataError("an optimizer needs a loss; write loss and y, or leave the optimizer out")
    given = document["optimizer"]
    options = dict(given) if isinstance(given, Mapping) else {"name": given}
    name = options.pop("name", None)
    try:
        if not isinstance(name, str):
            raise InvalidParameterError('write it like { name = "sgd", learning_rate = 0.5 }')
        return optimizer(name, **options)
    except (GlassnetError, TypeError) as error:
        raise DataError(f"optimizer: {error}") from None


# --- expressions ------------------------------------------------------------------------------------------------


def read_chain(document: Mapping[str, Any]) -> Chain:
    """The expressions of a worked example, with the values of their variables."""
    texts, at = document.get("expressions"), document.get("at", {})
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise DataError('expressions must be a list of text, such as expressions = ["u = x**2", "f = sin(u)"]')
    if len(texts) > MOST_EXPRESSIONS:
        raise DataError(f"{len(texts)} expressions are more than {MOST_EXPRESSIONS}")
    if not isinstance(at, Mapping):
        raise DataError("at must give the variables, such as at = { x = 2.0 }")
    for name, value in at.items():
        if not _is_number(value) or not abs(value) <= LARGEST:
            raise DataError(f"at: {name} must be a finite number, got {value!r}")
    known, found, blank = {*at}, list[Expression](), list[str]()
    for text in texts:
        name, equals, formula = text.partition("=")
        if equals and not formula.strip() and name.strip().isidentifier():
            blank.append(name.strip())
            continue
        expression = parse(text)
        if expression.name in known or expression.name in DERIVATIVES:
            raise DataError(f"expressions: the name '{expression.name}' is taken; give '{text}' another")
        if "_d" in expression.name:
            raise DataError(f"expressions: the name '{expression.name}' reads like a derivative; give '{text}' another")
        missing = next((name for name in expression.names if name not in known), None)
        if missing is not None:
            near = nearest(missing, known) or f"; write it above, or give it in at = {{ {missing} = 2.0 }}"
            near = "; it is still blank" if missing in blank else near
            raise DataError(f"expressions: '{text}' uses '{missing}', which is not known there{near}")
        known.add(expression.name)
        found.append(expression)
    return Chain(tuple(found), {name: float(value) for name, value in at.items()}, blank=tuple(blank))


# --- shapes -----------------------------------------------------------------------------------------------------


def read_counting(document: Mapping[str, Any]) -> Chain:
    """The sizes of a network whose shapes and parameters are counted."""
    units, rows = document.get("units"), document.get("rows", 1)
    if not isinstance(units, list) or not 2 <= len(units) <= MOST_SIZES or not all(map(_is_size, units)):
        raise DataError(
            f"units must be the inputs and the units of each layer, such as units = [3, 4, 2], got {units!r}"
        )
    if not _is_size(rows):
        raise DataError(f"rows must be a whole number of examples, such as rows = 32, got {rows!r}")
    return counting(units, rows)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_SIZE
