"""The chain rule for one parameter, factor by factor: a sum over all paths from the loss back to it.

Backward from the loss each quantity leads to those that it is computed from, and every such edge has one partial
derivative. A path's product of them, summed over all paths, is the derivative; backpropagation is the same sum with
what the paths share taken out.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from glassnet.errors import InvalidParameterError, nearest
from glassnet.explain.arithmetic import decimal
from glassnet.explain.chain_rule import ChainRule, Factor, Path
from glassnet.explain.places import LEAVES, Entry
from glassnet.explain.words import Words

if TYPE_CHECKING:
    from glassnet.explain.board import Board

__all__ = ["chain_rule"]

NAME = re.compile(r"(W|b|gamma|beta)(\d+)\[(\d+(?:,\d+)?)\]")
CLOSE = 1e-9


def chain_rule(board: "Board", name: str, step: int, most: int) -> ChainRule:
    """The chain rule for a parameter of a step; see `Derivation.chain`."""
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= 10_000:
        raise InvalidParameterError(f"chain: most must be a whole number from 1 to 10000, got {most!r}")
    goal = _goal(board, name)
    graph = _Graph(board, step, goal)
    count = graph.count(_LOSS)
    gradient = Entry(step, f"d{goal.name}", goal.index)
    exact, digits, label = board.value(gradient), board.look.digits, board.label(gradient, step)
    shown = f"d{graph.label(_LOSS).text}/d{graph.label(goal).text}"
    notes = tuple(graph.notes)
    if count == 0:
        raise InvalidParameterError(f"chain: no path leads from the loss back to {name}")
    if count > most:
        note = f"{count} paths are more than {most}: layer by layer, with what they share taken out"
        lines = tuple(board.line(entry) for entry in graph.shared())
        return ChainRule(name, shown, label.latex, count, (), lines, exact, (*notes, note), digits)
    paths = tuple(Path(tuple(factors)) for factors in graph.walk(_LOSS))
    total = math.fsum(path.value for path in paths)
    return ChainRule(name, shown, label.latex, count, paths, (), total, notes, digits)


def _goal(board: "Board", name: str) -> Entry:
    """The parameter that a name means."""
    match = NAME.fullmatch(name.replace(" ", ""))
    shapes = {f"{kind}{layer}": shape for kind, layer, shape in board.setting.tensors()}
    if match is None:
        raise InvalidParameterError(f"chain: write the parameter like W1[1,2] or b2[1], got '{name}'")
    tensor, index = f"{match[1]}{match[2]}", tuple(int(i) - 1 for i in match[3].split(","))
    if tensor not in shapes:
        near = nearest(tensor, shapes) or f" (there are: {', '.join(shapes)})"
        raise InvalidParameterError(f"chain: there is no {tensor}{near}")
    shape = shapes[tensor]
    if len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape, strict=True)):
        places = " x ".join(map(str, shape))
        raise InvalidParameterError(f"chain: {tensor} is {places}, and indices count from 1; got '{name}'")
    if f"d{tensor}" not in board.traces[0]:
        raise InvalidParameterError("chain: there is no backward pass; give y, and layers that a gradient can pass")
    return Entry(0, tensor, index)


_LOSS = Entry(0, "loss", ())
Edge = tuple[Entry, float]
"""What a quantity is computed from, and the partial derivative by it."""


@dataclass
class _Graph:
    """What each quantity is computed from, with the partial derivatives, as far as it leads to the goal."""

    board: "Board"
    step: int
    goal: Entry
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        s = self.board.setting
        self.layer = int(re.sub(r"\D", "", self.goal.name))
        self.joined = s.activations[-1].derivative is None and not s.activations[-1].rowwise
        self.joined = self.joined or not self._factors_agree()
        if self.joined:
            self.notes.append("the output's derivative is taken in one, by z, where the loss is computed from z")
        self.seen: dict[Entry, list[Edge]] = {}
        self.ways: dict[Entry, int] = {}

    def _factors_agree(self) -> bool:
        """Whether dL/da times da/dz is delta: not where a has rounded to 0 or 1."""
        s, trace, last = self.board.setting, self.board.traces[self.step - 1], self.board.setting.depth
        g, z, a = s.activations[-1], np.asarray(trace[f"{s.before(last)}{last}"]), np.asarray(trace[f"a{last}"])
        delta = np.asarray(trace[f"dL_ds{last}" if last in s.norms else f"delta{last}"])
        with np.errstate(all="ignore"):
            product = g.backward(z, a, np.asarray(trace[f"dL_da{last}"]))
        scale = max(float(np.linalg.norm(delta)), 1e-300)
        eps = CLOSE if delta.dtype == np.float64 else 1e-4
        return bool(np.linalg.norm(product - delta) <= eps * scale)

    # --- walking ---

    def edges(self, node: Entry) -> list[Edge]:
        """Where a quantity leads, backwards."""
        if node not in self.seen:
            self.seen[node] = list(self._edges(node))
        return self.seen[node]

    def count(self, node: Entry) -> int:
        """How many paths lead from a quantity to the goal."""
        if node == self.goal:
            return 1
        if node not in self.ways:
            self.ways[node] = sum(self.count(below) for below, _ in self.edges(node))
        return self.ways[node]

    def walk(self, node: Entry) -> Iterator[list[Factor]]:
        """All paths from a quantity to the goal."""
        if node == self.goal:
            yield []
            return
        for below, value in self.edges(node):
            if self.count(below):
                factor = self._factor(node, below, value)
                yield from ([factor, *rest] for rest in self.walk(below))

    def shared(self) -> Iterator[Entry]:
        """The entries that stand for all paths together, layer by layer down to the goal."""
        board, s = self.board, self.board.setting
        kept = board.look.entries
        for layer in range(s.depth, self.layer - 1, -1):
            units = [self.goal.index[0]] if layer == self.layer else list(range(s.sizes[layer]))[:kept]
            for name in (f"{kind}{layer}" for kind in ("dL_dd", "dL_dr", "dL_da", "g", "dL_ds", "delta")):
                if name in board.table.tensors:
                    rows = range(min(s.rows, kept))
                    yield from (Entry(self.step, name, (i, k)) for i in rows for k in units)
        yield Entry(self.step, f"d{self.goal.name}", self.goal.index)

    # --- the edges ---

    def label(self, node: Entry) -> Words:
        """The symbol of a quantity."""
        if node == _LOSS:
            latex = self.board.look.symbols.letter("loss")[1]
            return Words(latex[-2:].strip("}"), decimal(0), latex=latex)
        if node == self.goal:
            node = self._parameter(node)
        return self.board.label(node, self.step)

    def _parameter(self, node: Entry) -> Entry:
        frozen = node.name in self.board.setting.frozen
        return node if self.step == 1 or frozen else Entry(self.step - 1, f"{node.name}_new", node.index)

    def _factor(self, above: Entry, below: Entry, value: float) -> Factor:
        up, down = self.label(above), self.label(below)
        if (above, below) == (_LOSS, self.goal):  # straight from the penalty
            up = Words("penalty", decimal(0), latex="R")
        return Factor(f"d{up.text}/d{down.text}", rf"\frac{{\partial {up.latex}}}{{\partial {down.latex}}}", value)

    def _at(self, name: str, index: tuple[int, ...]) -> Entry:
        return Entry(0 if name == "a0" else self.step, name, index)

    def _value(self, name: str, index: tuple[int, ...]) -> float:
        return self.board.value(self._at(name, index))

    def _weight(self, name: str, index: tuple[int, ...]) -> float:
        return self.board.value(self._parameter(Entry(0, name, index)))

    def _edges(self, node: Entry) -> Iterator[Edge]:
        s = self.board.setting
        if node == _LOSS:
            yield from self._from_loss()
            return
        match = re.fullmatch(r"(a|r|d|s|zhat|z)(\d+)", node.name)
        assert match is not None
        kind, layer = match[1], int(match[2])
        if layer < self.layer:
            return
        i, k = node.index
        if kind in ("r", "d"):
            factor = next(f for f, out in LEAVES.values() if out == kind)
            yield self._at(self._behind(kind, layer), (i, k)), self._value(f"{factor}{layer}", (i, k))
        elif kind == "a":
            yield from self._from_activation(node, layer)
        elif kind == "s":
            yield self._at(f"zhat{layer}", (i, k)), self._weight(f"gamma{layer}", (k,))
            for name, value in ((f"gamma{layer}", self._value(f"zhat{layer}", (i, k))), (f"beta{layer}", 1.0)):
                if Entry(0, name, (k,)) == self.goal:
                    yield self.goal, value
        elif kind == "zhat":
            yield from self._from_normalized(node, layer)
        else:
            yield from self._from_sum(node, layer, s.leaving(layer - 1))

    def _from_loss(self) -> Iterator[Edge]:
        """The derivative by each output, and what the penalty adds directly."""
        s, last = self.board.setting, self.board.setting.depth
        name = f"{s.before(last)}{last}" if self.joined else f"a{last}"
        slope = (f"dL_ds{last}" if last in s.norms else f"delta{last}") if self.joined else f"dL_da{last}"
        for i in range(s.rows):
            for k in range(s.sizes[-1]):
                yield self._at(name, (i, k)), self._value(slope, (i, k))
        if (s.l1 or s.l2) and self.goal.name.startswith("W"):
            share = s.rows if s.average_penalty else 1
            w = self._weight(self.goal.name, self.goal.index)
            yield self.goal, (s.l1 * float(np.sign(w)) + s.l2 * w) / share

    def _behind(self, kind: str, layer: int) -> str:
        """What comes into the dropout, or the drawn slopes, whose output has this letter."""
        letters = ["a", *(LEAVES[type(what)][1] for what in self.board.setting.behind(layer))]
        return f"{letters[letters.index(kind) - 1]}{layer}"

    def _from_activation(self, node: Entry, layer: int) -> Iterator[Edge]:
        s, (i, k) = self.board.setting, node.index
        before, g = f"{s.before(layer)}{layer}", s.activations[layer - 1]
        if not g.rowwise:
            yield self._at(before, (i, k)), self._value(f"g{layer}", (i, k))
            return
        trace, unit = self.board.traces[self.step - 1], np.zeros((1, s.sizes[layer]))
        unit[0, k] = 1.0
        z, a = (np.asarray(trace[name][i : i + 1], np.float64) for name in (before, f"a{layer}"))
        row = g.backward(z, a, unit)[0]  # da_k / dz_j for all j
        for j, value in enumerate(row):
            yield self._at(before, (i, j)), float(value)

    def _from_normalized(self, node: Entry, layer: int) -> Iterator[Edge]:
        """The batch's own statistics make each normalized value depend on every example."""
        s, (i, k) = self.board.setting, node.index
        scale = self._value(f"scale{layer}", (k,))
        if layer not in s.by_batch:
            yield self._at(f"z{layer}", (i, k)), scale
            return
        zhat = [self._value(f"zhat{layer}", (j, k)) for j in range(s.rows)]
        for j in range(s.rows):
            value = scale * ((i == j) - 1 / s.rows - zhat[i] * zhat[j] / s.rows)
            yield self._at(f"z{layer}", (j, k)), value

    def _from_sum(self, node: Entry, layer: int, leaving: str) -> Iterator[Edge]:
        """z leads to the weights of its unit, to its bias, and to what came in."""
        i, k = node.index
        name = f"{leaving}{layer - 1}"
        if self.goal.name == f"b{layer}" and self.goal.index == (k,):
            yield self.goal, 1.0
        for j in range(self.board.setting.sizes[layer - 1]):
            if self.goal.name == f"W{layer}" and self.goal.index == (k, j):
                yield self.goal, self._value(name, (i, j))
            elif layer > self.layer:
                yield self._at(name, (i, j)), self._weight(f"W{layer}", (k, j))
