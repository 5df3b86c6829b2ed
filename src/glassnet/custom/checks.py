"""A formula is tried before it trains: everything that training would trip over is said here, in one line."""

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.autograd import Tensor
from glassnet.errors import GlassnetError, InvalidParameterError
from glassnet.formulas.ranges import Interval
from glassnet.formulas.records import Activation, Loss

__all__ = ["check_activation", "check_loss", "inside"]

PROBES = np.array([-3.17, -1.23, -0.41, 0.0, 0.37, 1.09, 2.71])
H = 6e-6  # of central differences: about the cube root of eps
TOLERANCE = 1e-5


def check_activation(record: Activation) -> None:
    """Try the formula of an activation on a few numbers, 0 among them."""
    z = np.tile(PROBES, (2, 1)) * [[1.0], [0.7]] if record.rowwise else PROBES[:, None] * [1.0, 0.7]
    a = _tried(record, "z", record.function, z)
    if a.shape != z.shape:
        raise InvalidParameterError(f"{record.name}: f must keep the shape of z, got {a.shape} for {z.shape}")
    _check_finite(record.name, "f", a, z)
    if not (np.all(a >= record.range.low) and np.all(a <= record.range.high)):
        odd = a[(a < record.range.low) | (a > record.range.high)][0]
        raise InvalidParameterError(f"{record.name}: f gives {odd:.6g}, outside of its range {record.range}")
    if record.rowwise:
        alone, what = np.concatenate([record.value(row[None]) for row in z]), "row for itself"
    else:
        alone, what = np.array([[record.value(np.array([[v]]))[0, 0] for v in row] for row in z]), "number for itself"
    if not np.allclose(a, alone, rtol=1e-9, atol=1e-12):
        advice = "" if record.rowwise else "; a function of whole rows needs rowwise=True"
        raise InvalidParameterError(f"{record.name}: f must compute each {what}{advice}")
    _check_float32(record, record.value(z.astype(np.float32)))
    upstream = np.cos(np.arange(z.size)).reshape(z.shape)  # any will do
    slope = record.backward(z, a, upstream)
    _check_finite(record.name, "the derivative of f", slope, z)
    _check_slope(record.name, lambda moved: record.value(moved) * upstream, z, slope, record.rowwise)


def check_loss(record: Loss) -> None:
    """Try the formula of a loss on outputs of its domain and targets."""
    a, y = inside(record.domain), inside(record.targets)[::-1].copy()
    each = _tried(record, "a", record.function, a, y)
    if each.shape not in ((len(a), 1), a.shape):
        raise InvalidParameterError(
            f"{record.name}: f must give one loss for each example, {(len(a),)} for outputs {a.shape}, "
            f"got {each.shape[:-1] if each.shape[-1:] == (1,) else each.shape}"
        )
    _check_finite(record.name, "f", each, a)
    alone = np.concatenate([record.function(a[i : i + 1], y[i : i + 1], *record.constants.values()) for i in (0, 1, 2)])
    if not np.allclose(each, alone, rtol=1e-9, atol=1e-12):
        raise InvalidParameterError(f"{record.name}: f must compute each example for itself, without the others")
    _check_float32(record, record.function(np.float32(a), np.float32(y), *record.constants.values()))
    slope = record.slope(a, y)
    _check_finite(record.name, "the derivative of f", slope, a)
    constants = tuple(record.constants.values())
    _check_slope(record.name, lambda moved: record.function(moved, y, *constants), a, slope, rowwise=True)


def inside(interval: Interval) -> np.ndarray:
    """Some numbers (3, 2) of an interval."""
    low = interval.low if np.isfinite(interval.low) else min(-2.0, interval.high - 4)
    high = interval.high if np.isfinite(interval.high) else max(2.0, low + 4)
    return low + (high - low) * np.array([[0.13, 0.52], [0.38, 0.81], [0.67, 0.29]])


def _tried(record: Any, letter: str, function: Any, *arrays: np.ndarray) -> np.ndarray:
    """The value, computed twice from the same numbers; what goes wrong is said in one line."""
    constants, name = tuple(record.constants.values()), record.name
    given = [Tensor(a, requires_grad=not i) for i, a in enumerate(arrays)]
    try:
        raw = function.formula(*given, *constants)
    except GlassnetError as error:
        raise InvalidParameterError(f"{name}: {error}") from error
    except (TypeError, ValueError, AttributeError, NameError, IndexError) as error:
        raise InvalidParameterError(f"{name}: f fails: {error}") from error
    if not isinstance(raw, Tensor):
        raise InvalidParameterError(
            f"{name}: f must give a Tensor, got a {type(raw).__name__}: write it with functions of glassnet.autograd"
        )
    if not raw.requires_grad:
        raise InvalidParameterError(
            f"{name}: f cannot be differentiated: its result does not come from {letter} by Tensor operations "
            "(comparisons, .value and detach() pass no gradient)"
        )
    if any(not np.array_equal(t.value, a) for t, a in zip(given, arrays, strict=True)):
        raise InvalidParameterError(f"{name}: f must not change its arguments")
    first, second = (function(*arrays, *constants) for _ in range(2))
    if not np.array_equal(first, second, equal_nan=True):
        raise InvalidParameterError(f"{name}: f must give the same every time (does it draw random numbers?)")
    return first


def _check_finite(name: str, what: str, values: np.ndarray, at: np.ndarray) -> None:
    bad = ~np.isfinite(values)
    if np.any(bad):
        place = at[bad][0] if bad.shape == at.shape else at[bad[..., 0]][0]
        raise InvalidParameterError(
            f"{name}: {what} is {values[bad][0]} at {np.array2string(np.asarray(place))}; where a branch must not be "
            "computed, give it other numbers: log(where(z > 0, z, 1))"
        )


def _check_float32(record: Any, value: np.ndarray) -> None:
    if value.dtype != np.float32:
        raise InvalidParameterError(
            f"{record.name}: f gives {value.dtype} for float32: use Python numbers in it, not arrays of NumPy"
        )


def _check_slope(name: str, f: Callable[[np.ndarray], Any], x: np.ndarray, slope: np.ndarray, rowwise: bool) -> None:
    """The derivative by the tape against central differences; places that look like a kink are left out."""
    for index in np.ndindex(x.shape):
        sides: list[float] = []
        for step in (H, 0.0, -H):
            moved = x.copy()
            moved[index] += step
            value = f(moved)
            sides.append(float(np.sum(value[index[0]] if rowwise else value[index])))
        up, down = (sides[0] - sides[1]) / H, (sides[1] - sides[2]) / H
        smooth = abs(up - down) <= 1e-3 * max(1.0, abs(up), abs(down))
        if smooth and not abs((up + down) / 2 - slope[index]) <= TOLERANCE * max(1.0, abs(up)):
            raise InvalidParameterError(
                f"{name}: at {x[index]:.4g} the derivative of f by its operations is {slope[index]:.6g}, but by "
                f"differences {(up + down) / 2:.6g} (.value and detach() pass no gradient)"
            )
