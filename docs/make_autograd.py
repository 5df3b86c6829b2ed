"""Draw the graphs of docs/autograd.md: three examples of the lectures, every number from the tape.

Run: python docs/make_autograd.py (or `make records`)
"""

from pathlib import Path

from glassnet.autograd import Graph, Tensor, expressions, graph, log, sigmoid

FOLDER = Path(__file__).parent


def chain_rule() -> Graph:
    """Lecture 5, chain rule: sin(x^2) at x = 2."""
    return graph(expressions(["u = x**2", "f = sin(u)"], at={"x": 2.0})["f"])


def neuron() -> Graph:
    """Lecture 5, gradient calculation: one sigmoid neuron with squared error."""
    at = {
        "w": Tensor(0.5, True, "w"),
        "b": Tensor(1.0, True, "b"),
        "x": Tensor(2.0, name="x"),
        "y": Tensor(1.0, name="y"),
    }
    z = (at["w"] * at["x"] + at["b"]).named("z")
    a = sigmoid(z).named("a")
    return graph(((a - at["y"]) ** 2).named("L"))


def network() -> Graph:
    """Lecture 23: a 2-2-1 network with binary cross-entropy, for an example of class 1."""
    W1, b1 = Tensor([[0.1, 0.4], [0.2, 0.5]], True, "W1"), Tensor([0.3, 0.6], True, "b1")
    W2, b2 = Tensor([0.7, 0.8], True, "W2"), Tensor(0.9, True, "b2")
    z1 = (W1 @ Tensor([1.0, 2.0], name="x") + b1).named("z1")
    a1 = sigmoid(z1).named("a1")
    z2 = (W2 @ a1 + b2).named("z2")
    return graph((-log(sigmoid(z2).named("a2"))).named("L"))


PICTURES = {"graph_chain_rule": chain_rule, "graph_neuron": neuron, "graph_network": network}

if __name__ == "__main__":
    for name, make in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(make().svg(), encoding="utf-8")
        print(f"wrote {name}.svg")
