"""What a student does in the first minutes: learn the spiral, mend a dead unit, follow one example to a new weight."""

import re
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("playwright", reason="playwright, which drives the browser, is not installed")

from served import press

SIZES = (2, 8, 8, 1)


def parameters(theta: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """W (out, in) and b (out,) of each layer, as snapshots carry them."""
    found, at = [], 0
    for inputs, units in pairwise(SIZES):
        W = theta[at : at + units * inputs].reshape(units, inputs)
        found.append((W, theta[at + W.size : at + W.size + units]))
        at += W.size + units
    return found


def loss_of(theta: np.ndarray, x: np.ndarray, y: float) -> float:
    """Binary cross-entropy of one example (2,) after ReLU, tanh and sigmoid, written out once more."""
    (W1, b1), (W2, b2), (W3, b3) = parameters(theta)
    z = (W3 @ np.tanh(W2 @ np.maximum(W1 @ x + b1, 0) + b2) + b3)[0]
    return float(np.logaddexp(0, z) - y * z)


def value_on_board(here, heading: str) -> float:
    """Go on to a step of the explanation; the value of the number that is written out there."""
    for _ in range(40):
        if here.text(".board h3").startswith(heading):
            spoken = here.page.locator(".line").get_attribute("aria-label")
            return float(spoken.split(" = ")[-1].replace("\u2212", "-"))
        here.page.get_by_role("button", name="Next", exact=True).click()
    raise AssertionError(f"no step is called {heading}")


def test_a_students_first_minutes(visit):
    here = visit(walk=True)
    here.page.get_by_role("dialog", name="A short walk").get_by_role("button", name="Skip").click()

    # the spiral, to more than 95 % of the test examples
    here.page.get_by_role("radio", name="Spiral").click()
    here.page.get_by_label("Speed").select_option("full speed")
    press(here, "Play")
    here.until(lambda: float(here.text("dl dd >> nth=3").split()[0]) > 95, 60)
    press(here, "Pause")
    here.until(lambda: not here.now["playing"])

    # a unit that its bias has killed, the reason, and the cure
    here.page.get_by_label("Activation of layer 1").select_option("relu")
    here.page.get_by_label("Optimizer", exact=True).select_option("sgd")
    unit = here.page.locator("#unit-1-2")
    unit.click()
    editor = here.page.get_by_role("dialog", name="Unit 3 of layer 1")
    editor.get_by_label("bias").fill("-1000")
    editor.get_by_label("bias").press("Enter")
    editor.get_by_text("Dead: its slope is 0 for every training example").wait_for()
    assert "dead" in unit.get_attribute("class")
    editor.get_by_role("button", name="Why, and what helps").click()
    here.page.get_by_text("Unit 3 of layer 1 is dead.").wait_for()
    without = here.frames["data"][1]["train"] @ parameters(here.frames["snapshot"][1]["theta"])[0][0][2]
    reached = re.search(r"It is the bias: without it z⁽¹⁾₃ would reach (\S+)\. ", here.text(".why"))
    assert float(reached[1]) == pytest.approx(without.max(), abs=0.0051)  # two decimals of float32 numbers near 1000
    press(here, "Set its bias to 0")
    here.until(lambda: "dead" not in unit.get_attribute("class"))

    # one example, forward, backward and to the new weight
    here.page.get_by_role("tab", name="Explain").click()
    press(here, "Explain this example")
    here.page.wait_for_selector(".line .katex")
    steps = here.page.get_by_role("navigation", name="Steps of the pass")
    theta, data = here.frames["snapshot"][1]["theta"].astype(np.float64), here.frames["data"][1]
    x, y = data["train"][0].astype(np.float64), float(data["train_y"][0])
    steps.get_by_role("button", name="Loss", exact=True).click()
    assert value_on_board(here, "Loss") == pytest.approx(loss_of(theta, x, y), rel=1e-4)
    steps.get_by_role("button", name="Backward", exact=True).click()
    gradient = value_on_board(here, "Gradient of the weights, layer 2")
    at, h = 2 * 8 + 8, 1e-6
    up, down = theta.copy(), theta.copy()
    up[at] += h
    down[at] -= h
    assert gradient == pytest.approx((loss_of(up, x, y) - loss_of(down, x, y)) / (2 * h), rel=1e-3, abs=1e-7)
    steps.get_by_role("button", name="Update", exact=True).click()
    rate = here.frames["setup"][0]["setup"]["optimizer"]["learning_rate"]
    assert value_on_board(here, "New weights, layer 2") == pytest.approx(theta[at] - rate * gradient, rel=1e-5)
