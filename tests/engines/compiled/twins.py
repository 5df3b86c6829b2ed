"""The same training on the compiled engine and on the reference: what both begin from, and how far they end apart."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from glassnet import ArchitectureError
from glassnet.engines.base import Data, Program, Slice, StepLog, TrainState, dropout_layers, fresh_state, untrainable
from glassnet.engines.compiled.engine import CompiledEngine
from glassnet.engines.reference import ReferenceEngine
from glassnet.formulas.activations import ACTIVATIONS
from glassnet.formulas.losses import LOSSES
from glassnet.formulas.optimizers import Optimizer
from glassnet.network.architecture import Architecture, Dense
from glassnet.network.parameters import buffer_layout, initial_buffers, initial_parameters, parameter_layout

COMPILED, REFERENCE = CompiledEngine(), ReferenceEngine()


@dataclass(frozen=True)
class Twin:
    """A training that both engines can do."""

    architecture: Architecture
    rule: Optimizer
    batch: int = 16
    n: int = 50
    options: Mapping[str, Any] = field(default_factory=dict)  # of Program
    weighted: bool = False
    decay: float = 0.1

    @property
    def program(self) -> Program:
        return Program(self.architecture, self.rule, self.batch, **{"seed": 5, **self.options})

    @property
    def data(self) -> Data:
        """Targets that the loss is defined for; weights of examples with zeros among them."""
        net, rng = self.architecture, np.random.default_rng(self.n)
        K, targets = net.output.units, net.objective.targets
        Y = rng.normal(size=(self.n, K))
        if net.output.g.rowwise:  # and one of them 1, or the gradient may be nothing but rounding
            Y = np.eye(K)[rng.integers(0, K, self.n)]
        elif targets.low == 0:
            Y = rng.integers(0, 2 if targets.high == 1 else 5, (self.n, K))
        w = rng.choice([0, 0.5, 1, 2], self.n).astype(float) if self.weighted else None
        return Data(rng.normal(0, 0.5, (self.n, net.inputs)).astype(net.dtype), Y.astype(net.dtype), w)

    def work(self, steps: int) -> Slice:
        """Steps over shuffled epochs, each with a short last batch where the batch size does not divide n."""
        rng, epochs = np.random.default_rng(1), -(-steps // -(-self.n // self.batch))
        order = np.concatenate([rng.permutation(self.n) for _ in range(epochs)])
        bounds = [e * self.n + i for e in range(epochs) for i in range(0, self.n, self.batch)] + [epochs * self.n]
        rates = np.linspace(0.002, 0.004, steps) / (self.batch if self.architecture.reduction == "sum" else 1)
        dropped = np.full((steps, len(dropout_layers(self.architecture))), 0.3)
        return Slice(order, np.array(bounds[: steps + 1]), rates, np.full(steps, self.decay), dropped)

    def start(self, seed: int = 1) -> TrainState:
        """Fresh, but with biases, gamma, beta and running statistics that are not at rest."""
        net = self.architecture
        theta, buffers = 0.5 * initial_parameters(net, seed), initial_buffers(net)
        rng = np.random.default_rng(seed)
        for piece in parameter_layout(net).slices:
            if not piece.is_weight:
                theta[piece.start : piece.stop] += rng.uniform(-0.2, 0.2, piece.stop - piece.start)
        buffers += rng.uniform(0, 0.3, buffers.size).astype(net.dtype)
        return fresh_state(self.program, theta, buffers)


def part(work: Slice, first: int, last: int) -> Slice:
    """Steps first to last."""
    here = slice(first, last)
    rates = work.learning_rates[here], work.weight_decays[here], work.dropout_rates[here]
    return Slice(work.order, work.bounds[first : last + 1], *rates)


def copied(state: TrainState) -> TrainState:
    arrays = (a.copy() for a in (state.theta, state.buffers, state.slots, state.carried))
    return TrainState(*arrays, step=state.step, epoch=state.epoch)


def bits(state: TrainState, *logs: StepLog) -> bytes:
    """All that a training leaves."""
    arrays = [state.theta, state.buffers, state.slots, state.carried]
    arrays += [np.concatenate([getattr(log, of) for log in logs]) for of in ("losses", "gradient_norms")]
    return b"".join(np.ascontiguousarray(a).tobytes() for a in arrays) + str(state.step).encode()


def tensor_errors(architecture: Architecture, actual: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """For each tensor the norm of the difference, relative to its norm.

    A tensor whose gradient cancels to nothing is measured by the whole: below 1e-3 of that, rounding is all it has.
    """
    layout, errors = parameter_layout(architecture), {}
    least = 1e-3 * np.linalg.norm(expected.astype(np.float64))
    for piece in layout.slices:
        a, b = (v[piece.start : piece.stop].astype(np.float64) for v in (actual, expected))
        size, apart = max(np.linalg.norm(b), least), np.linalg.norm(a - b)
        errors[piece.name] = 0.0 if apart == 0 else float(apart / size)
    return errors


def state_errors(architecture: Architecture, actual: TrainState, expected: TrainState) -> dict[str, float]:
    """The same for the parameters, each slot, the running statistics and the optimizer's numbers."""
    errors = tensor_errors(architecture, actual.theta, expected.theta)
    for k, (mine, theirs) in enumerate(zip(actual.slots, expected.slots, strict=True)):
        errors |= {f"slot{k} {name}": e for name, e in tensor_errors(architecture, mine, theirs).items()}
    for piece in buffer_layout(architecture).slices:
        a, b = (s.buffers[piece.start : piece.stop].astype(np.float64) for s in (actual, expected))
        errors[piece.name] = float(np.linalg.norm(a - b) / np.linalg.norm(b))
    if expected.carried.size:
        errors["carried"] = float(np.max(np.abs(actual.carried - expected.carried)))
    return errors


def worst(errors: Mapping[str, float]) -> tuple[float, str]:
    """The largest error and whose it is; NaN counts as the largest."""
    return max((np.inf if np.isnan(e) else e, name) for name, e in errors.items())


# --- pairwise cover ---------------------------------------------------------------------------------------------------


def output_forms() -> list[tuple[str, str]]:
    """Each loss with the activation it owns, and with one it does not where there is one that can be trained."""
    forms = []
    for name, loss in LOSSES.items():
        names = [loss.link] if loss.linked else []
        names += [g for g in ("tanh", "sigmoid", "softmax", "softplus") if g != loss.link]
        possible = [g for g in names if _possible(name, g)]
        forms += [(name, g) for g in possible[: 2 if loss.linked else 3]]
    return forms


def _possible(loss: str, g: str) -> bool:
    try:
        return untrainable(Architecture(2, (Dense(3, g),), loss)) is None
    except ArchitectureError:
        return False


def hidden_activations() -> list[str]:
    return [name for name, record in ACTIVATIONS.items() if record.trainable]


def pairwise(factors: Mapping[str, Sequence[Any]], seed: int = 0) -> list[dict[str, Any]]:
    """Cases in which every two values of every two factors meet; greedy, the same each time."""
    rng, names = random.Random(seed), list(factors)
    indexed = {name: range(len(values)) for name, values in factors.items()}
    left = {
        ((a, i), (b, j)): None for a, b in combinations(names, 2) for i in indexed[a] for j in indexed[b]
    }  # a dict keeps its order, a set of strings does not
    cases = []
    while left:
        best: dict[str, int] = {}
        most = -1
        for _ in range(20):
            case = dict(rng.choice(list(left)) if len(left) < 500 else next(iter(left)))
            for name in rng.sample(names, len(names)):
                if name not in case:
                    case[name] = max(indexed[name], key=lambda i: (_gain(left, names, case, name, i), rng.random()))
            gain = sum((x, y) in left for x, y in combinations([(n, case[n]) for n in names], 2))
            if gain > most:
                best, most = case, gain
        for pair in combinations([(n, best[n]) for n in names], 2):
            left.pop(pair, None)
        cases.append({name: factors[name][best[name]] for name in names})
    return cases


def _gain(left: Mapping[Any, None], names: list[str], case: Mapping[str, int], name: str, i: int) -> int:
    place = names.index(name)
    pairs = (((name, i), (n, k)) if place < names.index(n) else ((n, k), (name, i)) for n, k in case.items())
    return sum(pair in left for pair in pairs)
