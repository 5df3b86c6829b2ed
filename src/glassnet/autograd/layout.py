"""Where the nodes of a graph go: layers from left to right, few crossings, short edges.

The steps are those of Sugiyama, Tagawa and Toda (1981), Methods for Visual Understanding of Hierarchical System
Structures: assign layers, split long edges, order each layer by the mean place of its neighbours, then move nodes as
near to their neighbours as the distances allow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

__all__ = ["Placed", "place"]

GAP_Y, BEND = 26.0, 16.0
SWEEPS = 12


@dataclass(frozen=True)
class Placed:
    """Centres of the nodes, the points through which each edge goes, and the size of the whole."""

    centres: list[tuple[float, float]]
    routes: list[list[tuple[float, float]]]
    width: float
    height: float


def place(sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]], gap: float) -> Placed:
    """Lay out nodes of these sizes (width, height), layers `gap` apart; each edge leads to a later node."""
    layer = _layers(len(sizes), edges)
    heights = [height for _, height in sizes]
    chains: list[list[int]] = []  # each edge as a chain from layer to layer, through bends
    bends: dict[tuple[int, int], int] = {}  # the edges of a node share theirs
    for start, end in edges:
        chain = [start]
        for between in range(layer[start] + 1, layer[end]):
            if (start, between) not in bends:
                bends[start, between] = len(layer)
                layer.append(between)
                heights.append(BEND)
            chain.append(bends[start, between])
        chains.append([*chain, end])
    links = list(dict.fromkeys(link for chain in chains for link in pairwise(chain)))
    rows: list[list[int]] = [[] for _ in range(max(layer, default=0) + 1)]
    for node, number in enumerate(layer):
        rows[number].append(node)
    before: list[list[int]] = [[] for _ in layer]
    after: list[list[int]] = [[] for _ in layer]
    for start, end in links:
        after[start].append(end)
        before[end].append(start)
    rows = _ordered(rows, before, after)
    y = _heights(rows, before, after, heights)
    widths = [max((sizes[n][0] for n in row if n < len(sizes)), default=0.0) for row in rows]
    lefts = np.cumsum([0.0, *(w + gap for w in widths)])
    x = [float(lefts[number] + widths[number] / 2) for number in layer]
    top = min(y[n] - heights[n] / 2 for n in range(len(layer)))
    bottom = max(y[n] + heights[n] / 2 for n in range(len(layer)))
    y = [v - top for v in y]
    routes = [
        [
            (x[a] + sizes[a][0] / 2, y[a]),
            *(
                point
                for n in chain[1:-1]
                for point in ((lefts[layer[n]], y[n]), (lefts[layer[n]] + widths[layer[n]], y[n]))
            ),
            (x[b] - sizes[b][0] / 2, y[b]),
        ]
        for chain, (a, b) in zip(chains, edges, strict=True)
    ]
    return Placed(list(zip(x, y, strict=True))[: len(sizes)], routes, float(lefts[-1] - gap), bottom - top)


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Each node as far right as what uses it allows: the longest way to the result decides."""
    ahead = [0] * count
    for start, end in sorted(edges, key=lambda edge: -edge[1]):
        ahead[start] = max(ahead[start], ahead[end] + 1)
    return [max(ahead, default=0) - steps for steps in ahead]


def _ordered(rows: list[list[int]], before: list[list[int]], after: list[list[int]]) -> list[list[int]]:
    """The order within each layer with the fewest crossings that sweeps to and fro find."""
    best, fewest = [row[:] for row in rows], _crossings(rows, after)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        neighbours = before if forward else after
        for row in rows if forward else reversed(rows):
            at = {n: i for other in rows for i, n in enumerate(other)}
            own = {n: i for i, n in enumerate(row)}
            row.sort(
                key=lambda n: (float(np.mean([at[m] for m in neighbours[n]])) if neighbours[n] else own[n], own[n])
            )
        crossings = _crossings(rows, after)
        if crossings < fewest:
            best, fewest = [row[:] for row in rows], crossings
    return best


def _crossings(rows: list[list[int]], after: list[list[int]]) -> int:
    """Pairs of links that cross."""
    at = {n: i for row in rows for i, n in enumerate(row)}
    total = 0
    for row in rows:
        ends = [at[m] for n in row for m in sorted(after[n], key=at.__getitem__)]
        total += sum(later < earlier for i, earlier in enumerate(ends) for later in ends[i + 1 :])
    return total


def _heights(
    rows: list[list[int]], before: list[list[int]], after: list[list[int]], heights: list[float]
) -> list[float]:
    """The vertical places: each layer as near to the mean of its neighbours as its order and the gaps allow."""
    y = [0.0] * len(heights)
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else list(reversed(rows)):
            if not row:
                continue
            gaps = [0.0, *((heights[a] + heights[b]) / 2 + GAP_Y for a, b in pairwise(row))]
            offsets = np.cumsum(gaps)
            wishes = []
            for n, offset in zip(row, offsets, strict=True):
                near = before[n] + after[n] if sweep else []
                wishes.append((float(np.mean([y[m] for m in near])) if near else y[n]) - offset)
            for n, value, offset in zip(row, _rising(wishes), offsets, strict=True):
                y[n] = value + float(offset)
    return y


def _rising(wishes: list[float]) -> list[float]:
    """The numbers that never fall and are nearest to the wishes, by pooling adjacent violators."""
    pools: list[list[float]] = []  # sum, count
    for wish in wishes:
        pools.append([wish, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, count = pools.pop()
            pools[-1][0] += total
            pools[-1][1] += count
    return [total / count for total, count in pools for _ in range(int(count))]
