"""A computational graph as SVG. Boxes have a light ground of their own, so the picture can stand on any page."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from glassnet.autograd.layout import place

if TYPE_CHECKING:
    from glassnet.autograd.graphs import GraphNode

__all__ = ["draw"]

INK, GRADIENT, SOFT, LINE, PAPER = "#1f2937", "#b34700", "#768194", "#8d97a8", "#ffffff"
GROUND = {"parameter": "#e3effa", "constant": "#eef0f3", "operation": "#ffffff", "result": "#fdf1dc"}
TITLE, BODY, SMALL = 14, 13, 11
WIDTH = 0.602  # of a letter of a monospace font, in units of its size
PAD, LINE_HEIGHT, MARGIN = 12, 21, 14
FONT = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


def draw(nodes: "Sequence[GraphNode]", edges: Sequence[tuple[int, int, str]]) -> str:
    """The picture: inputs on the left, the result on the right."""
    gap = max([46.0, *(_pill_width(local) + 30 for *_, local in edges if local)])
    placed = place([_size(node) for node in nodes], [(a, b) for a, b, _ in edges], gap)
    caption = "value | gradient" + (", × local derivative" if any(local for *_, local in edges) else "")
    least = WIDTH * SMALL * len(caption)
    width, height = max(placed.width, least) + 2 * MARGIN, placed.height + 2 * MARGIN + 22
    parts = [_edge([(x + MARGIN, y + MARGIN) for x, y in route]) for route in placed.routes]
    for route, (*_, local) in zip(placed.routes, edges, strict=True):
        if local:
            parts.append(_pill([(x + MARGIN, y + MARGIN) for x, y in route], local))
    for node, (x, y) in zip(nodes, placed.centres, strict=True):
        parts.append(_box(node, x + MARGIN, y + MARGIN))
    parts.append(_text(MARGIN, height - 10, caption, SMALL, SOFT, "start"))
    arrow = (
        '<defs><marker id="glassnet-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0 0.5 8 4 0 7.5z" fill="{LINE}"/></marker></defs>'
    )
    title = f"<title>{escape(f'Computational graph of {nodes[-1].title}')}</title>"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" font-family="{FONT}">'
    )
    return head + title + arrow + "\n" + "\n".join(parts) + "\n</svg>\n"


def _lines(node: "GraphNode") -> list[list[tuple[str, str]]]:
    """The rows below the title: value and gradient side by side for numbers, one below the other for arrays."""
    value, gradient = (node.value, INK), (node.gradient, GRADIENT)
    if not node.gradient:
        return [[value]]
    return [[value, gradient]] if node.scalar or len(node.value + node.gradient) < 18 else [[value], [gradient]]


def _size(node: "GraphNode") -> tuple[float, float]:
    rows = _lines(node)
    title = len(node.title) * WIDTH * TITLE
    body = max(sum(len(text) * WIDTH * BODY for text, _ in row) + (2 * PAD) * (len(row) - 1) for row in rows)
    return max(title, body, 34) + 2 * PAD, LINE_HEIGHT * (1 + len(rows)) + 11


def _box(node: "GraphNode", x: float, y: float) -> str:
    width, height = _size(node)
    left, top, rows = x - width / 2, y - height / 2, _lines(node)
    rule = top + LINE_HEIGHT + 5
    parts = [
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="7" '
        f'fill="{GROUND[node.kind]}" stroke="{LINE}"/>',
        _text(x, top + LINE_HEIGHT - 3, node.title, TITLE, INK, bold=True),
        _stroke(left, rule, left + width, rule),
    ]
    for i, row in enumerate(rows):
        base = rule + LINE_HEIGHT * (i + 1) - 4
        if len(row) == 1:
            parts.append(_text(x, base, *_style(row[0])))
            continue
        # the bar stands where both sides have room
        wide = [len(text) * WIDTH * BODY + 2 * PAD for text, _ in row]
        bar = left + wide[0] + (width - sum(wide)) / 2
        parts += [_stroke(bar, rule, bar, top + height), _text((left + bar) / 2, base, *_style(row[0]))]
        parts.append(_text((bar + left + width) / 2, base, *_style(row[1])))
    return "".join(parts)


def _style(cell: tuple[str, str]) -> tuple[str, int, str]:
    return cell[0], BODY, cell[1]


def _text(x: float, y: float, words: str, size: int, colour: str, anchor: str = "middle", *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"'
    return f'<text {place}{weight} xml:space="preserve">{escape(words)}</text>'


def _stroke(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{LINE}" stroke-opacity="0.55"/>'


def _edge(points: list[tuple[float, float]]) -> str:
    """A curve that leaves and arrives level; straight where it passes a layer."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x1, y1), (x2, y2) in pairwise(points):
        middle = (x1 + x2) / 2
        path += f"C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    return f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.5" marker-end="url(#glassnet-arrow)"/>'


def _pill_width(local: str) -> float:
    return len(f"× {local}") * WIDTH * SMALL + 10


def _pill(points: list[tuple[float, float]], local: str) -> str:
    """The local derivative, in the middle of the edge's last stretch, which it shares with no other."""
    (x1, y1), (x2, y2) = points[-2:]
    x, y, width = (x1 + x2) / 2, (y1 + y2) / 2, _pill_width(local)
    box = f'<rect x="{x - width / 2:.1f}" y="{y - 9:.1f}" width="{width:.1f}" height="17" rx="8" fill="{PAPER}"'
    return f'{box} stroke="{LINE}" stroke-opacity="0.55"/>{_text(x, y + 3.5, f"× {local}", SMALL, GRADIENT)}'
