"""Draw docs/see_through.svg: one training step of a small network, every number read from a trace.

Run: python docs/make_picture.py
"""

from pathlib import Path

import numpy as np

from glassnet import SGD, Dense, Network

OUT = Path(__file__).with_name("see_through.svg")
WIDTH, HEIGHT, R = 920, 470, 44
INK, SOFT, PLUS, MINUS, PAPER = "#1f2937", "#6b7280", "#0072b2", "#d55e00", "#ffffff"  # colour-blind safe
COLUMNS = [110, 400, 690]
ROWS = {2: [130, 300], 1: [215]}
FORMULAS = [
    (75, "z = W a + b"),
    (190, "a = σ(z)"),
    (325, "δ₂ = (a − y) σ′(z)"),
    (500, "δ₁ = W₂ᵀ δ₂ ⊙ σ′(z)"),
    (660, "∂J/∂W = δ aᵀ"),
    (815, "W ← W − η ∂J/∂W"),
]


def text(
    x: float, y: float, words: str, size: int = 14, colour: str = INK, anchor: str = "middle", bold: bool = False
) -> str:
    """One line of text, with true minus signs."""
    words = words if "<" in words else words.replace("-", "−")
    weight = ' font-weight="600"' if bold else ""
    place = f'x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}"{weight}>{words}</text>'


def edge(start: tuple[float, float], end: tuple[float, float], w: float, dw: float, place: float) -> str:
    """A weight: blue where positive, orange where negative, as wide as it is large; its number and its gradient."""
    (x1, y1), (x2, y2) = start, end
    length = float(np.hypot(x2 - x1, y2 - y1))
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    x1, y1, x2, y2 = x1 + ux * R, y1 + uy * R, x2 - ux * R, y2 - uy * R
    x, y = x1 + (x2 - x1) * place, y1 + (y2 - y1) * place
    colour = PLUS if w >= 0 else MINUS
    ends = f'x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}"'
    line = f'<line {ends} stroke="{colour}" stroke-width="{1 + 5 * abs(w):.1f}" stroke-opacity="0.55"/>'
    box = f'<rect x="{x - 46:.0f}" y="{y - 19:.0f}" width="92" height="37" rx="7" fill="{PAPER}" fill-opacity="0.94"/>'
    return (
        line + box + text(x, y - 3, f"w {w:.4g}", 14, colour, bold=True) + text(x, y + 13, f"∂J/∂w {dw:.4f}", 11, SOFT)
    )


def unit(x: float, y: float, lines: list[str], below: str) -> str:
    """A unit with its numbers inside, and its delta below."""
    circle = f'<circle cx="{x}" cy="{y}" r="{R}" fill="#f3f6fa" stroke="{INK}" stroke-width="1.5"/>'
    top = y + 5 - 9 * (len(lines) - 1)
    inside = "".join(text(x, top + 18 * i, line, 14, bold=i == len(lines) - 1) for i, line in enumerate(lines))
    return circle + inside + (text(x, y + R + 19, below, 13, SOFT) if below else "")


def draw() -> str:
    """The 2-2-1 network of lecture 5's backpropagation example, one step of gradient descent."""
    net = Network(2, [Dense(2, "sigmoid"), Dense(1, "sigmoid")], loss="half_squared_error", dtype="float64")
    net.parameters.update(W1=[[0.4, 0.6], [0.3, 0.5]], b1=[0.1, 0.2], W2=[[0.7, 0.8]], b2=[0.3])
    trace = net.trace([[0.5, 1.0]], [1.0], optimizer=SGD(0.5))
    places = [[(x, y) for y in ROWS[n]] for x, n in zip(COLUMNS, (2, 2, 1), strict=True)]
    parts: list[str] = []
    for layer in (1, 2):
        W, dW = net.parameters[f"W{layer}"], trace[f"dW{layer}"]
        for j, end in enumerate(places[layer]):
            for i, start in enumerate(places[layer - 1]):
                parts.append(edge(start, end, W[j, i], dW[j, i], 0.5 if i == j or layer == 2 else 0.25))
    for i, (x, y) in enumerate(places[0]):
        parts.append(
            unit(x, y, [f"x<tspan baseline-shift='sub' font-size='10'>{i + 1}</tspan>", f"{trace['a0'][0, i]:g}"], "")
        )
    for layer in (1, 2):
        for j, (x, y) in enumerate(places[layer]):
            z, a, delta = (trace[f"{name}{layer}"][0, j] for name in ("z", "a", "delta"))
            parts.append(unit(x, y, [f"z {z:.4f}", f"a {a:.4f}"], f"δ {delta:.5f}"))
            parts.append(text(x, y - R - 10, f"b {net.parameters[f'b{layer}'][j]:g}", 13, SOFT))
    x = COLUMNS[2] + R + 24
    y = ROWS[1][0]
    parts.append(text(x, y - 14, "y = 1", 14, INK, "start"))
    parts.append(text(x, y + 6, f"J = {trace['loss']:.5f}", 14, INK, "start", bold=True))
    after = Network(2, net.architecture.layers, loss="half_squared_error", dtype="float64")
    after.parameters.update({name: trace[f"{name}_new"] for name in after.parameters})
    parts.append(text(x, y + 26, f"next {after.loss([[0.5, 1.0]], [1.0]):.5f}", 13, SOFT, "start"))
    parts.append(text(COLUMNS[0], 54, "input", 13, SOFT))
    parts.append(text(COLUMNS[1], 54, "hidden, sigmoid", 13, SOFT))
    parts.append(text(COLUMNS[2], 54, "output, sigmoid", 13, SOFT))
    new = ", ".join(f"{value:.4f}" for value in trace["W2_new"][0])
    parts += [text(x, 412, formula) for x, formula in FORMULAS]
    parts.append(text(WIDTH / 2, 440, f"after one step with η = 0.5:  W₂ = [{new}]", 13, SOFT))
    fonts = 'font-family="ui-sans-serif, system-ui, Helvetica, Arial, sans-serif"'
    style = f'{fonts} style="font-variant-numeric: tabular-nums"'
    title = "<title>One step of backpropagation in a 2-2-1 network, with every number</title>"
    frame = f'<rect width="{WIDTH}" height="{HEIGHT}" rx="14" fill="{PAPER}" stroke="#e5e7eb"/>'
    body = title + frame + "".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" {style}>{body}</svg>\n'


if __name__ == "__main__":
    OUT.write_text(draw(), encoding="utf-8")
    print(f"wrote {OUT.name}")
