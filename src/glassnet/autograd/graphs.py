"""The computational graph of a result: every node with its value and its gradient, as SVG, DOT or Mermaid."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.autograd.chain import cotangents
from glassnet.autograd.tape import describe, plain
from glassnet.autograd.tensor import Tensor
from glassnet.errors import AutogradError

__all__ = ["Graph", "GraphNode", "graph"]

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPTS = str.maketrans("-0123456789.", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹·")


@dataclass(frozen=True)
class GraphNode:
    """One tensor: its name, the operation that made it, and what it holds.

    `kind` is "parameter" (a gradient is wanted), "constant" (none is), "operation" or "result" (the root). `gradient`
    is empty for a constant.
    """

    name: str
    formula: str
    value: str
    gradient: str
    kind: str
    scalar: bool

    @property
    def title(self) -> str:
        """As in "u = x²"."""
        return f"{self.name} = {self.formula}" if self.formula else self.name


@dataclass(frozen=True)
class Graph:
    """A computational graph: tensors as nodes, and edges from each argument to what was computed from it.

    Attributes
    ----------
    nodes : tuple of GraphNode
        In the order of computation.
    edges : tuple of (int, int, str)
        From node, to node, and the local derivative where both are single numbers.

    A notebook shows it as a picture.

    >>> from glassnet.autograd import Tensor, graph, sin
    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> picture = graph(sin((x**2).named("u")).named("f"))
    >>> [node.title for node in picture.nodes]
    ['x', 'u = x²', 'f = sin(u)']
    >>> print(picture.mermaid())
    flowchart LR
      n0["x<br/>2 | −2.615"]
      n1["u = x²<br/>4 | −0.6536"]
      n2["f = sin(u)<br/>−0.7568 | 1"]
      n0 -->|× 4| n1
      n1 -->|× −0.6536| n2
    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[tuple[int, int, str], ...]

    def svg(self) -> str:
        """The picture, drawn here without another program; readable on light and on dark pages."""
        from glassnet.autograd.drawing import draw

        return draw(self.nodes, self.edges)

    def _repr_svg_(self) -> str:
        return self.svg()

    def dot(self) -> str:
        """The graph in Graphviz's language."""
        lines = ["digraph {", "  rankdir=LR;", '  node [shape=box, style=rounded, fontname="monospace"];']
        for i, node in enumerate(self.nodes):
            lines.append(f'  n{i} [label="{_quoted(node.title)}\\n{_contents(node)}"];')
        for start, end, local in self.edges:
            lines.append(f"  n{start} -> n{end}" + (f' [label="× {local}"];' if local else ";"))
        return "\n".join([*lines, "}"])

    def mermaid(self) -> str:
        """The graph in Mermaid's language, which many Markdown pages show."""
        lines = ["flowchart LR"]
        for i, node in enumerate(self.nodes):
            lines.append(f'  n{i}["{_entities(node.title)}<br/>{_contents(node)}"]')
        for start, end, local in self.edges:
            lines.append(f"  n{start} -->" + (f"|× {local}| n{end}" if local else f" n{end}"))
        return "\n".join(lines)


def graph(root: Tensor, upstream: Any = None, *, limit: int = 200, numbers: int = 4) -> Graph:
    """The computational graph of a result, with value | gradient at each node; nothing in it changes.

    Call it before `backward()`, which frees the graph, or after `backward(retain_graph=True)`.

    Parameters
    ----------
    root : Tensor
        A loss or another result; one number, unless `upstream` is given.
    upstream : array, optional
        The gradient of what comes after the root.
    limit : int
        The most nodes that are drawn.
    numbers : int
        Arrays with at most so many entries are shown in numbers, larger ones by their shape.

    Raises
    ------
    AutogradError
        For a graph with more nodes than the limit, one that was freed, and a root that is no one number.

    >>> from glassnet.autograd import Tensor, graph
    >>> w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> graph((w * w).sum().named("J")).nodes[0].gradient
    '[2, 4]'
    """
    if not isinstance(root, Tensor):
        raise AutogradError(f"graph takes a Tensor, got {type(root).__name__}")
    order, found = cotangents(root, upstream)
    items: list[Any] = []  # in order of computation: each node's arguments stand before it
    places: dict[int, int] = {}
    for tensor in order:
        arguments = tensor.node.arguments if tensor.node is not None else ()
        for item in [*(a for a in arguments if _is_node(a)), tensor]:
            if id(item) not in places:
                places[id(item)] = len(items)
                items.append(item)
    if len(items) > limit:
        raise AutogradError(
            f"the graph of {describe(root)} has {len(items):,} nodes, more than limit={limit:,} that can be read: draw "
            "a part of it, graph(an earlier tensor), or raise the limit"
        )
    names = _names(items)
    nodes = tuple(_node(item, root, names, found, numbers) for item in items)
    edges: dict[tuple[int, int], float | None] = {}
    for tensor in order:
        for position, argument in enumerate(tensor.node.arguments if tensor.node is not None else ()):
            if _is_node(argument):
                pair, local = (places[id(argument)], places[id(tensor)]), _local(tensor, position)
                known = edges.get(pair, 0.0)
                edges[pair] = None if local is None or known is None else known + local
    written = tuple((a, b, "" if local is None else _number(local, 4)) for (a, b), local in edges.items())
    return Graph(nodes, written)


def _is_node(argument: Any) -> bool:
    """Tensors and arrays are nodes; single numbers stand in the formula."""
    return isinstance(argument, Tensor) or (isinstance(argument, np.ndarray) and argument.ndim > 0)


def _names(items: list[Any]) -> dict[int, str]:
    """Their own names; v1, v2 ... for results without one, c1, c2 ... for constants."""
    taken = {item.name for item in items if isinstance(item, Tensor) and item.name}
    names: dict[int, str] = {}
    for item in items:
        own = item.name if isinstance(item, Tensor) else None
        letter = "v" if isinstance(item, Tensor) and item.requires_grad else "c"
        number = 1
        while not own:
            own = f"{letter}{number}" if f"{letter}{number}" not in taken else None
            number += 1
        taken.add(own)
        names[id(item)] = own
    return names


def _node(item: Any, root: Tensor, names: dict[int, str], found: dict[int, Any], numbers: int) -> GraphNode:
    differentiated = id(item) in found
    made = isinstance(item, Tensor) and item.node is not None
    kind = "result" if item is root else "operation" if made else "parameter" if differentiated else "constant"
    return GraphNode(
        _pretty(names[id(item)]),
        _formula(item, names) if made else "",
        _array(plain(item), numbers),
        _array(found[id(item)], numbers) if differentiated else "",
        kind,
        np.size(plain(item)) == 1,
    )


def _formula(tensor: Any, names: dict[int, str]) -> str:
    """The operation with the names of its arguments: x², w · x, sin(u)."""
    rule, arguments = tensor.node.rule, tensor.node.arguments
    words = [_pretty(names[id(a)]) if _is_node(a) else _number(float(plain(a)), 4) for a in arguments]
    if rule.name == "power" and not _is_node(arguments[1]):
        return words[0] + words[1].replace("−", "-").translate(SUPERSCRIPTS)
    if "{}" in rule.text:
        return rule.text.format(*(f"({w})" if w.startswith("−") else w for w in words))
    axis = tensor.node.settings.get("axis")
    return f"{rule.text}({', '.join([*words, f'axis={axis}'] if axis is not None else words)})"


def _pretty(name: str) -> str:
    """W1 as W₁; other names as they are."""
    stem = name.rstrip("0123456789")
    return stem + name[len(stem) :].translate(SUBSCRIPTS) if len(stem) == 1 else name


def _local(tensor: Any, position: int) -> float | None:
    """dresult/dargument where both are single numbers."""
    node, argument = tensor.node, tensor.node.arguments[position]
    if tensor.size != 1 or not isinstance(argument, Tensor) or argument.size != 1 or not argument.requires_grad:
        return None
    operands = [plain(a) for a in node.arguments]
    return float(np.sum(node.rule.vjp(position)(np.ones(tensor.shape), tensor.value, *operands, **node.settings)))


def _number(value: float, digits: int) -> str:
    return f"{value + 0.0:.{digits}g}".replace("-", "−")  # + 0.0: no minus before a zero


def _array(value: Any, numbers: int) -> str:
    """A number, the numbers of a small array, the shape of a larger one."""
    value = np.asarray(value)
    if value.ndim == 0 or value.size == 1:
        return _number(float(value.reshape(())), 4)
    if value.size > numbers:
        return "(" + " × ".join(map(str, value.shape)) + ")"

    def text(part: Any) -> str:
        return "[" + ", ".join(map(text, part)) + "]" if isinstance(part, list) else _number(part, 3)

    return text(value.tolist())


def _contents(node: GraphNode) -> str:
    return f"{node.value} | {node.gradient}" if node.gradient else node.value


def _quoted(text: str) -> str:
    """For a string of DOT."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _entities(text: str) -> str:
    """For a quoted text of Mermaid: its own marks as entities."""
    return "".join(c if c.isalnum() or c in " =.,·+−/()[]√σ×²ᵀ…'" or ord(c) > 127 else f"#{ord(c)};" for c in text)
