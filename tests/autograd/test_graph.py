"""Drawn graphs hold what the tape holds; SVG is well-formed, DOT and Mermaid escape, boxes do not overlap."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet import AutogradError
from glassnet.autograd import Tensor, expressions, graph, log, sigmoid, sin
from glassnet.autograd.drawing import WIDTH
from glassnet.autograd.layout import place


def chain():
    return expressions(["u = x**2", "f = sin(u)"], {"x": 2.0})


def network():
    """A 2-2-1 network with binary cross-entropy."""
    W1, b1 = Tensor([[0.1, 0.4], [0.2, 0.5]], True, "W1"), Tensor([0.3, 0.6], True, "b1")
    W2, b2 = Tensor([[0.7, 0.8]], True, "W2"), Tensor([0.9], True, "b2")
    a1 = sigmoid(Tensor([[1.0, 2.0]], name="x") @ W1.T + b1).named("a1")
    a2 = sigmoid(a1 @ W2.T + b2).named("a2")
    return -log(a2).sum().named("L")


def test_nodes_hold_value_and_gradient():
    x, u, f = graph(chain()["f"]).nodes
    assert (x.title, x.value, x.gradient, x.kind) == ("x", "2", "−2.615", "parameter")
    assert (u.title, u.value, u.gradient, u.kind) == ("u = x²", "4", "−0.6536", "operation")
    assert (f.title, f.value, f.gradient, f.kind) == ("f = sin(u)", "−0.7568", "1", "result")


def test_edges_hold_the_local_derivative_and_their_product_is_the_gradient():
    assert graph(chain()["f"]).edges == ((0, 1, "4"), (1, 2, "−0.6536"))
    x = Tensor(3.0, True, "x")
    assert graph((x * x).named("y")).edges == ((0, 1, "6"),)  # both uses together


def test_drawing_changes_nothing():
    f = chain()["f"]
    graph(f)
    assert f.grad is None
    f.backward(retain_graph=True)
    before = f.grad.copy()
    assert graph(f).nodes[0].gradient == "−2.615" and f.grad == before
    f.backward()
    with pytest.raises(AutogradError, match="freed"):
        graph(f)


def test_names_of_what_has_none():
    v1 = Tensor(1.0, True, "v1")
    nodes = graph((v1 * np.ones(2) + Tensor([1.0, 2.0])).sum()).nodes
    assert [node.name for node in nodes] == ["v₁", "c₁", "v₂", "c₂", "v₃", "v₄"]
    assert [node.kind for node in nodes].count("constant") == 2 and not nodes[1].gradient


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.float64(1 / 3), "0.3333"),
        ([0.5], "0.5"),
        ([1.0, -2.0], "[1, −2]"),
        ([[1.0, 2.0], [3.0, 4.0]], "[[1, 2], [3, 4]]"),
        (np.ones((3, 4)), "(3 × 4)"),
        (np.ones(5), "(5)"),
        (1e-9, "1e−09"),
    ],
)
def test_small_arrays_in_numbers_large_ones_by_shape(value, shown):
    assert graph((Tensor(value, True, "w") * 1.0).sum()).nodes[0].value == shown


def test_formulas_of_the_operations():
    a, b = Tensor(2.0, True, "a"), Tensor(3.0, True, "b")
    cases = {
        a + b: "a + b",
        a - 1: "a − 1",
        -2 * a: "(−2) · a",
        a / b: "a / b",
        a**2: "a²",
        a**-0.5: "a⁻⁰·⁵",
        a**b: "a^b",
        -a: "−a",
        abs(a): "|a|",
        a.reshape(1).T: "v₁ᵀ",
        a.sum(): "sum(a)",
        a.reshape(1).sum(axis=0): "sum(v₁, axis=0)",
        sigmoid(a): "σ(a)",
        sin(a): "sin(a)",
    }
    for tensor, text in cases.items():
        assert graph(tensor.sum() if tensor.ndim else tensor).nodes[-1 - bool(tensor.ndim)].formula == text


def test_svg_is_whole_and_holds_every_text():
    drawn = graph(network())
    tree = ElementTree.fromstring(drawn.svg())
    texts = [e.text for e in tree.iter("{http://www.w3.org/2000/svg}text")]
    for node in drawn.nodes:
        assert node.title in texts and node.value in texts and (not node.gradient or node.gradient in texts)
    assert len(list(tree.iter("{http://www.w3.org/2000/svg}marker"))) == 1
    assert drawn._repr_svg_() == drawn.svg() and "style" not in drawn.svg()


def boxes(svg):
    found = re.findall(r'<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)" rx="7"', svg)
    return [tuple(map(float, box)) for box in found]


def test_boxes_stay_apart_and_inside_and_hold_their_words():
    drawn = graph(network())
    svg = drawn.svg()
    width, height = map(float, re.search(r'width="(\d+)" height="(\d+)"', svg).groups())
    found = boxes(svg)
    assert len(found) == len(drawn.nodes)
    for i, (x, y, w, h) in enumerate(found):
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
        assert w >= len(drawn.nodes[i].title) * 14 * WIDTH
        for x2, y2, w2, h2 in found[:i]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)).filter(lambda e: e[0] != e[1]), max_size=40))
def test_any_graph_without_cycles_can_be_laid_out(pairs):
    edges = sorted({(min(e), max(e)) for e in pairs})
    sizes = [(40.0 + 5 * i, 30.0) for i in range(15)]
    placed = place(sizes, edges, 50.0)
    assert len(placed.centres) == 15 and len(placed.routes) == len(edges)
    for a, b in edges:
        assert placed.centres[a][0] < placed.centres[b][0]  # forward
    for (a, b), route in zip(edges, placed.routes, strict=True):
        assert route[0][1] == placed.centres[a][1] and route[-1][1] == placed.centres[b][1]
        assert all(p[0] <= q[0] + 1e-9 for p, q in pairwise(route))
    for i in range(15):
        for j in range(i):
            (x, y), (x2, y2) = placed.centres[i], placed.centres[j]
            apart = abs(x - x2) >= (sizes[i][0] + sizes[j][0]) / 2 - 1e-6
            assert apart or abs(y - y2) >= 30 - 1e-6


def test_no_crossing_where_none_is_needed():
    # two chains that a bad order would cross
    placed = place([(10.0, 10.0)] * 5, [(0, 3), (1, 2), (2, 4), (3, 4)], 10.0)
    y = [c[1] for c in placed.centres]
    assert (y[0] < y[1]) == (y[3] < y[2])


def test_text_is_escaped_everywhere():
    nasty = 'w<b>"&|\\]'
    drawn = graph((Tensor(2.0, True, nasty) * 1.0).named("y;--> z"))
    texts = [e.text for e in ElementTree.fromstring(drawn.svg()).iter("{http://www.w3.org/2000/svg}text")]
    assert nasty in texts
    assert '\\"&|\\\\]' in drawn.dot()
    line = next(line for line in drawn.mermaid().splitlines() if line.startswith("  n0"))
    assert not re.search(r'[<"&|\\;>]', re.sub(r"<br/>| \| |#\d+;|\[\"|\"\]$", "", line)), line


def test_dot_and_mermaid_hold_all_nodes_and_edges():
    drawn = graph(network())
    dot, mermaid = drawn.dot(), drawn.mermaid()
    assert dot.count("[label=") >= len(drawn.nodes) and dot.count("->") == len(drawn.edges)
    assert mermaid.count("-->") == len(drawn.edges) and mermaid.startswith("flowchart LR")
    assert "\\n" in dot and "<br/>" in mermaid


def test_large_graphs_are_refused_with_advice():
    x = y = Tensor(1.0, True)
    for _ in range(300):
        y = y * 1.01
    with pytest.raises(AutogradError, match=r"301 nodes, more than limit=200.*raise the limit"):
        graph(y)
    assert len(graph(y, limit=301).nodes) == 301
    assert graph(x * 2).nodes


def test_what_cannot_be_drawn():
    with pytest.raises(AutogradError, match="takes a Tensor"):
        graph(3.0)
    with pytest.raises(AutogradError, match="requires_grad"):
        graph(Tensor(1.0) * 2)
    with pytest.raises(AutogradError, match="not one number"):
        graph(Tensor([1.0, 2.0], True) * 2)
    assert graph(Tensor([1.0, 2.0], True) * 2, np.ones(2)).nodes[0].gradient == "[2, 2]"
