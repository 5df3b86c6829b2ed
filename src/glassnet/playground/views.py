"""What a snapshot shows beside the weights, each from one pass: surfaces, units, histograms, flow, errors.

A view is a function of a `Look` that gives arrays and entries of the header; `VIEWS` lists them by the names that the
page watches.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from glassnet.engines.base import Data, TrainState
from glassnet.network.architecture import Architecture
from glassnet.network.parameters import buffer_layout, parameter_layout
from glassnet.network.passes import Trace, backward, example_weights, forward, objective
from glassnet.network.updates import clip_gradient, gradient_norm, update
from glassnet.playground.dataset import UNIT_SIDE
from glassnet.playground.problem import Problem
from glassnet.playground.way_back import Moment
from glassnet.training.targets import targets_as_classes

__all__ = ["VIEWS", "Look", "Seen", "Watch", "look_at"]

HIDDEN_SIDE = 61  # every third line is drawn, through all its points: bent as smoothly as the layers bend it
BINS = 20
MOST_ROWS = 1_000  # of the training data, for histograms, flow and the hidden space
SATURATED = 0.01  # a slope below this everywhere, relative to the steepest there can be at 0


@dataclass(frozen=True)
class Watch:
    """What the page wants to see from now on."""

    what: frozenset[str] = frozenset({"surface", "units"})
    size: int = 50
    unit: tuple[int, int] | None = None
    probe: tuple[float, float] | None = None


@dataclass
class Seen:
    """What views found: entries of the header, and arrays."""

    header: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """A moment of a problem, to be looked at in another thread; nothing in it changes."""

    problem: Problem
    moment: Moment
    watch: Watch

    @property
    def architecture(self) -> Architecture:
        """The network."""
        return self.problem.architecture

    @property
    def hidden(self) -> range:
        """Numbers of the hidden layers."""
        return range(1, len(self.architecture.dense))

    def passed(self, X: np.ndarray) -> Trace:
        """A prediction pass over inputs (m, d)."""
        views = parameter_layout(self.architecture).views(self.moment.theta)
        buffers = buffer_layout(self.architecture).views(self.moment.buffers)
        return forward(self.architecture, views, buffers, np.ascontiguousarray(X, self.architecture.dtype))

    def over_grid(self, side: int) -> Trace:
        """A pass over the shown box."""
        return self.passed(self.problem.dataset.grid_inputs(side))

    @cached_property
    def coarse(self) -> Trace:
        """The pass for the units' small pictures."""
        return self.over_grid(UNIT_SIDE)

    @cached_property
    def backward(self) -> tuple[Trace, np.ndarray]:
        """Forward and backward pass over (the first rows of) the training data, and the gradient."""
        train, theta = self.problem.train, self.moment.theta
        X, Y = train.X[:MOST_ROWS], train.Y[:MOST_ROWS]
        trace = self.passed(X)
        views = parameter_layout(self.architecture).views(theta)
        v = example_weights(self.architecture.reduction, len(X), None, theta.dtype)
        objective(self.architecture, views, trace, Y, v)
        return trace, backward(self.architecture, views, trace, Y, v)

    @cached_property
    def test_outputs(self) -> np.ndarray:
        """Outputs (m, K) for the test data."""
        return self.problem.engine.predict(
            self.architecture, self.moment.theta, self.moment.buffers, self.problem.test.X
        )


def look_at(look: Look) -> Seen:
    """All that is watched."""
    seen = Seen()
    with np.errstate(all="ignore"):  # what overflows is shown as it is
        for name, view in VIEWS.items():
            if name in look.watch.what:
                view(look, seen)
        _unit(look, seen)
        _probe(look, seen)
    return seen


def surface(look: Look, seen: Seen) -> None:
    """The outputs over the box, (K, s, s), row 0 at the top."""
    side = look.watch.size
    seen.arrays["surface"] = look.problem.dataset.pictures(look.over_grid(side).output, side)


def units(look: Look, seen: Seen) -> None:
    """Activations of all hidden units over the box, (U, 20, 20), and the lowest and highest of each."""
    found = [look.coarse[f"a{number}"] for number in look.hidden]
    all_units = np.hstack(found) if found else np.zeros((len(look.coarse.output), 0), np.float32)
    seen.arrays["units"] = look.problem.dataset.pictures(all_units, UNIT_SIDE)
    seen.header["unit_ranges"] = np.column_stack(
        [np.fmin.reduce(all_units, axis=0), np.fmax.reduce(all_units, axis=0)]
    ).tolist()


def _unit(look: Look, seen: Seen) -> None:
    """One unit's activation over the box, as fine as the surface."""
    if look.watch.unit is None:
        return
    layer, unit = look.watch.unit
    if not 1 <= layer <= len(look.architecture.dense) or unit >= look.architecture.dense[layer - 1].units:
        return  # the layer has been taken away while the pointer was over it
    side = look.watch.size
    seen.arrays["unit"] = look.problem.dataset.pictures(look.over_grid(side)[f"a{layer}"][:, [unit]], side)[0]
    seen.header["unit"] = f"{layer}.{unit}"


def _probe(look: Look, seen: Seen) -> None:
    """All activations at one shown point, layer after layer, the inputs first."""
    if look.watch.probe is None:
        return
    trace = look.passed(look.problem.dataset.inputs_at(np.array([look.watch.probe], np.float64)))
    numbers = range(len(look.architecture.dense) + 1)
    seen.arrays["probe"] = np.concatenate([trace[f"a{number}"][0] for number in numbers])
    seen.header["probe"] = list(look.watch.probe)


def histograms(look: Look, seen: Seen) -> None:
    """Per layer the activations and the weights' gradients: counts (L, 2, 20), lowest and highest edge (L, 2, 2)."""
    trace, _ = look.backward
    pairs = [(trace[f"a{n}"], trace[f"dW{n}"]) for n in range(1, len(look.architecture.dense) + 1)]
    found = [[_counted(values) for values in pair] for pair in pairs]
    seen.arrays["histograms"] = np.array([[counts for counts, _ in pair] for pair in found])
    seen.arrays["histogram_edges"] = np.array([[ends for _, ends in pair] for pair in found])


def _counted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    finite = values[np.isfinite(values)].astype(np.float64)
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    if not high - low > 1e-12 * max(1.0, abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    return np.histogram(finite, BINS, (low, high))[0], np.array([low, high])


def flow(look: Look, seen: Seen) -> None:
    """Per layer: norm of dW, norm of its next update by norm of W, share of dead or saturated units; (L, 3).

    The header's `dead` has, for each such unit, layer, unit, why, and its lowest and highest z.
    """
    trace, gradient = look.backward
    dead = {n: _idle_units(look, trace, n) for n in look.hidden}
    moved = _next_update(look, gradient)
    rows: list[tuple[float, float, float]] = []
    layout = parameter_layout(look.architecture)
    steps, weights = layout.views(moved), layout.views(look.moment.theta)
    for number, layer in enumerate(look.architecture.dense, start=1):
        W = f"W{number}"
        size = float(np.linalg.norm(weights[W]))
        share = len(dead.get(number, ())) / layer.units
        ratio = float(np.linalg.norm(steps[W])) / size if size else 0.0
        rows.append((float(np.linalg.norm(trace[f"d{W}"])), ratio, share))
    seen.arrays["flow"] = np.array(rows)
    seen.header["dead"] = [
        [n, unit, why, *(float(end(trace[f"z{n}"][:, unit])) for end in (np.min, np.max))]
        for n, found in dead.items()
        for unit, why in found
    ]


def _idle_units(look: Look, trace: Trace, number: int) -> list[tuple[int, str]]:
    """Units through which (almost) no gradient passes, whatever the example, and why."""
    layer = look.architecture.dense[number - 1]
    if layer.g.derivative is None:
        return []
    slopes = np.abs(trace[f"g{number}"]).max(axis=0)
    at_rest = np.float32(0.0)
    steepest = max(1e-3, abs(float(layer.g.slope(at_rest, layer.g.value(at_rest)))))
    out: list[tuple[int, str]] = []
    for unit in np.flatnonzero(slopes < SATURATED * steepest).tolist():
        if slopes[unit] == 0:
            out.append((unit, f"dead: the slope of {layer.g.name} is 0 at every training point"))
        else:
            out.append((unit, f"saturated: the slope of {layer.g.name} is below {SATURATED} at every training point"))
    return out


def _next_update(look: Look, gradient: np.ndarray) -> np.ndarray:
    """What the optimizer would do with this gradient (P,): the change of the parameters."""
    problem, moment = look.problem, look.moment
    theta, gradient, slots, carried = (
        moment.theta.copy(),
        gradient.copy(),
        moment.slots.copy(),
        moment.carried.copy(),
    )
    run = problem.run(TrainState(theta, moment.buffers, slots, carried, moment.step))
    time = moment.first / -(-len(problem.train) // min(problem.program.batch_size, len(problem.train)))
    clip_gradient(gradient, gradient_norm(gradient), problem.program.clip_norm, None)
    eta, decay = run.value("learning_rate", time), run.value("weight_decay", time)
    update(problem.architecture, problem.program.optimizer, theta, gradient, slots, carried, eta, decay)
    return theta - moment.theta


def confusion(look: Look, seen: Seen) -> None:
    """Counts (K, K) of the test data: true class down, predicted class across."""
    data = look.problem.dataset
    if data.classes is None:
        return
    K = len(data.classes)
    true, found = data.y_test.astype(np.int64), targets_as_classes(look.test_outputs)
    seen.arrays["confusion"] = np.bincount(true * K + found, minlength=K * K).reshape(K, K)


def residuals(look: Look, seen: Seen) -> None:
    """Predicted and true (m, 2) of the test data."""
    data: Data = look.problem.test
    if look.problem.dataset.classes is None:
        seen.arrays["residuals"] = np.column_stack([look.test_outputs[:, 0], data.Y[:, 0]])


def hidden(look: Look, seen: Seen) -> None:
    """Where training points (n, 2) and the box's grid (61, 61, 2) lie in the last hidden layer of two units."""
    two = [n for n in look.hidden if look.architecture.dense[n - 1].units == 2]
    if not two:
        return
    name = f"a{two[-1]}"
    seen.arrays["hidden_points"] = look.passed(look.problem.train.X[:MOST_ROWS])[name]
    seen.arrays["hidden_grid"] = look.over_grid(HIDDEN_SIDE)[name].reshape(
        *look.problem.dataset.grid_shape(HIDDEN_SIDE), 2
    )
    seen.header["hidden_layer"] = two[-1]


VIEWS: dict[str, Callable[[Look, Seen], None]] = {
    view.__name__: view for view in (surface, units, histograms, flow, confusion, residuals, hidden)
}
