"""The playground as a person meets it: the real page in Chromium, the real server, mouse, touch and keys."""

import base64
import gzip
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("playwright", reason="playwright, which drives the browser, is not installed")

from served import fragment, playing, press

STATIC = Path(__file__).parents[2] / "src" / "glassnet" / "playground" / "static"
ACCURACY = "dl dd >> nth=2"
LOSS = "dl dd >> nth=0"


def full_speed(visit) -> None:
    visit.page.get_by_label("Speed").select_option("full speed")


def test_the_spiral_is_learned_to_95_percent(visit):
    here = visit(fragment(setup={"stop": {"loss": 0.05}}))  # at full speed nobody could stop it at a good moment
    here.page.get_by_role("radio", name="Spiral").click()
    full_speed(here)
    press(here, "Play")
    here.until(lambda: here.now["status"].startswith("stopped"), 60)
    assert float(here.text(ACCURACY).split()[0]) >= 95
    y = here.frames["data"][1]["train_y"]
    assert set(y) == {0.0, 1.0} and len(y) == 350


def test_a_table_is_opened_its_text_stays_text_and_it_is_learned(visit, tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        f"{rng.normal(3 * k, 0.5):.3f},{rng.normal(-2 * k, 0.5):.3f},{name}" for k in range(3) for name in "abc"[k] * 40
    ]
    text = "height,<b>width</b>,kind\n" + "\n".join(rows).replace(",a", ",<img src=x onerror=document.title=1>")
    table = tmp_path / "plants.csv"
    table.write_text(text + "\n")
    here = visit()
    here.page.set_input_files("input[type=file][accept*=csv]", table)
    here.until(lambda: here.frames["setup"][0]["classes"] is not None and len(here.frames["setup"][0]["classes"]) == 3)
    assert here.frames["setup"][0]["setup"]["data"]["target"] == "kind"
    full_speed(here)
    press(here, "Play")
    here.until(lambda: here.now["score_train"] >= 0.95)
    press(here, "Pause")
    assert "<img src=x" in here.text(".outcome .head")
    assert here.page.locator("img").count() == 0 and here.page.title() == "glassnet playground"


def test_columns_and_axes_of_a_table_are_chosen(visit):
    here = visit()
    here.page.get_by_label("Or a table").select_option("iris")
    here.until(lambda: len(here.frames["setup"][0]["inputs"]) == 4)
    here.page.get_by_label("Surface shows").select_option("two features")
    here.until(lambda: here.frames["data"][0]["axes"][0]["name"] == here.frames["setup"][0]["inputs"][0])
    here.page.get_by_text("4 of 4 features").click()
    here.page.get_by_role("checkbox", name="petal_length_cm").uncheck()
    here.until(lambda: len(here.frames["setup"][0]["inputs"]) == 3)


def test_a_table_that_cannot_be_read_is_one_line(visit, tmp_path):
    table = tmp_path / "empty.csv"
    table.write_text("")
    here = visit()
    here.page.set_input_files("input[type=file][accept*=csv]", table)
    here.page.get_by_role("alert").first.wait_for()
    assert here.frames["setup"][0]["setup"]["data"]["kind"] == "circle"
    here.errors.clear()  # the browser itself tells of the refused upload


def test_a_weight_is_edited_the_loss_changes_and_undo_brings_it_back(visit):
    here = visit()
    press(here, "Step")
    here.until(lambda: here.now["epoch"] == 1)
    before, theta = here.text(LOSS), here.theta
    here.page.locator("#unit-3-0").click()
    field = here.page.get_by_label("from unit 3", exact=True)
    field.fill("3.5")
    field.press("Enter")
    here.until(lambda: here.text(LOSS) != before)
    W3 = here.frames["snapshot"][1]["theta"][2 * 8 + 8 + 8 * 8 + 8 :][:8]
    assert W3[2] == 3.5 and here.theta != theta
    here.page.keyboard.press("Escape")
    here.page.get_by_role("button", name="Undo").click()
    here.until(lambda: here.theta == theta)
    assert here.text(LOSS) == before


def test_a_weight_is_pressed_on_its_curve_and_edited(visit):
    here = visit()
    x, y = here.page.evaluate(
        """() => {
            const path = document.querySelector(".curves path");  // W1[1,1], near its beginning, where none crosses it
            const { x, y } = path.getPointAtLength(0.93 * path.getTotalLength());
            const at = new DOMPoint(x, y).matrixTransform(path.getScreenCTM());
            return [at.x, at.y];
        }"""
    )
    here.page.mouse.move(x, y)
    label, value = here.text("output.weight").split(" = ")
    row, column = (int(number) - 1 for number in label[3:-1].split(","))
    W1 = here.frames["snapshot"][1]["theta"][:16].reshape(8, 2)
    assert float(value.replace("\u2212", "-")) == pytest.approx(W1[row, column], abs=1e-4)
    here.page.mouse.click(x, y)
    editor = here.page.get_by_role("dialog", name=f"Weight {label}")
    assert f"to unit {row + 1} of layer 1" in editor.inner_text()
    editor.get_by_label(label, exact=True).fill("2.5")
    here.page.keyboard.press("Enter")
    here.until(lambda: here.frames["snapshot"][1]["theta"][2 * row + column] == 2.5)
    here.page.keyboard.press("Escape")
    editor.wait_for(state="detached")


def test_a_bias_is_edited_while_it_trains(visit):
    here = visit()
    press(here, "Play")
    here.page.locator(".bias").last.locator(".dot").click()
    field = here.page.get_by_role("dialog").get_by_role("textbox")
    field.fill("-40")
    field.press("Enter")
    here.until(lambda: here.frames["snapshot"][1]["theta"][-1] < -20)
    assert here.now["playing"]


@pytest.mark.parametrize("unit", ["epoch", "batch"])
def test_step_back_returns_to_identical_numbers(visit, unit):
    here = visit()
    here.page.get_by_label("Step by").select_option(unit)
    thetas, losses = [here.theta], [here.text(LOSS)]
    for _ in range(3):
        step = here.now["step"]
        press(here, "Step")
        here.until(lambda step=step: here.now["step"] > step)
        thetas.append(here.theta)
        losses.append(here.text(LOSS))
    assert len(set(thetas)) == 4
    for theta, loss in list(zip(thetas, losses, strict=True))[-2::-1]:
        step = here.now["step"]
        press(here, "Step back")
        here.until(lambda step=step: here.now["step"] < step)
        assert here.theta == theta
        assert here.text(LOSS) == loss


def test_reset_returns_to_the_same_weights_and_new_weights_are_others(visit):
    here = visit()
    first = here.theta
    press(here, "Step")
    here.until(lambda: here.theta != first)
    press(here, "Reset")
    here.until(lambda: here.theta == first)
    press(here, "New weights")
    here.until(lambda: here.theta != first and here.now["epoch"] == 0)


def told(here) -> dict[str, Any]:
    """What the address says."""
    text = here.page.url.partition("#")[2]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) if text else {}


def test_the_address_holds_the_run(visit):
    here = visit()
    here.page.get_by_role("radio", name="Moons").click()
    here.page.get_by_label("Activation of layer 1").select_option("relu")
    here.page.get_by_label("Add a unit to layer 2").click()
    here.page.get_by_label("Learning rate", exact=True).fill("0.007")
    here.page.keyboard.press("Enter")
    here.until(lambda: here.frames["setup"][0]["setup"]["optimizer"]["learning_rate"] == 0.007)
    press(here, "Reset")
    press(here, "Step")
    here.until(lambda: here.now["epoch"] == 1)
    setup, theta = here.frames["setup"][0]["setup"], here.theta
    here.until(lambda: told(here).get("setup", {}).get("optimizer", {}).get("learning_rate") == 0.007)

    here.page.reload()
    here.page.wait_for_selector(".network")
    here.until(lambda: here.now["epoch"] == 1)
    assert here.theta == theta  # its own session goes on

    other = visit("#" + here.page.url.split("#")[1])
    assert other.frames["setup"][0]["setup"] == setup
    press(other, "Step")
    other.until(lambda: other.now["epoch"] == 1)
    assert other.theta == theta  # and another begins the same run


def test_an_address_that_is_cut_off_is_told_and_does_no_harm(visit):
    here = visit(fragment(setup={"l2": 0.5})[:-3])
    assert "cut off" in here.text(".notices")
    assert here.frames["setup"][0]["setup"]["l2"] == 0


def test_a_lesson_hides_controls_and_tells_the_task(visit):
    here = visit(fragment(task="<b>One</b> unit: which weights?", hide=["data", "settings"], setup={"l2": 0.25}))
    assert here.text(".task") == "<b>One</b> unit: which weights?"
    assert here.page.get_by_role("region", name="Data").count() == 0
    assert here.page.get_by_label("Seed", exact=True).count() == 0
    assert here.frames["setup"][0]["setup"]["l2"] == 0.25


def test_all_by_keyboard(visit):
    here = visit()
    keyboard = here.page.keyboard

    def focused() -> str:
        return str(
            here.page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText")
        )

    def tab_to(name: str) -> None:
        for _ in range(80):
            keyboard.press("Tab")
            if name in focused():
                return
        raise AssertionError(f"Tab does not reach {name}")

    keyboard.press("Space")
    here.until(lambda: here.now["playing"])
    keyboard.press("Space")
    here.until(lambda: not here.now["playing"])
    keyboard.press("r")
    here.until(lambda: here.now["epoch"] == 0)
    keyboard.press("ArrowRight")
    here.until(lambda: here.now["epoch"] == 1)
    keyboard.press("ArrowLeft")
    here.until(lambda: here.now["epoch"] == 0)

    tab_to("Play")
    keyboard.press("Enter")
    here.until(lambda: here.now["playing"])
    keyboard.press("Enter")
    here.until(lambda: not here.now["playing"])

    tab_to("Circle")
    keyboard.press("ArrowRight")
    here.until(lambda: here.frames["setup"][0]["setup"]["data"]["kind"] == "xor")

    tab_to("Unit 1 of layer 1")
    keyboard.press("ArrowRight")
    assert focused() == "Unit 1 of layer 2"
    keyboard.press("ArrowDown")
    assert focused() == "Unit 2 of layer 2"
    keyboard.press("Enter")
    here.page.get_by_role("dialog", name="Unit 2 of layer 2").wait_for()
    keyboard.press("Control+A")
    keyboard.type("1.75")
    keyboard.press("Enter")
    here.until(lambda: here.frames["snapshot"][1]["theta"][2 * 8 + 8 + 8 * 8 + 1] == 1.75)  # its bias stands first
    keyboard.press("Escape")
    assert focused() == "Unit 2 of layer 2"

    keyboard.press("?")
    here.page.get_by_role("dialog", name="Help").wait_for()
    keyboard.press("Escape")

    keyboard.press("d")
    tab_to("Plane to draw on")
    for key in ("ArrowRight", "ArrowUp", "2", "Enter"):
        keyboard.press(key)
    here.until(lambda: len(here.frames["setup"][0]["setup"]["data"]["points"]) == 501)
    assert here.frames["setup"][0]["setup"]["data"]["points"][-1] == [0.24, 0.24, 1]


def at_rest(here, read: Callable[[], object]) -> Any:
    """What is read once it has been the same for a second: commands of a stroke follow each other."""
    seen = [read()]

    def same() -> bool:
        seen.append(read())
        return len(seen) > 20 and len(set(seen[-20:])) == 1

    here.until(same)
    return seen[-1]


def test_points_are_drawn_and_taken_away_by_mouse(visit):
    here = visit()
    here.page.get_by_role("button", name="Draw").click()
    here.page.get_by_role("button", name="Class 2").click()
    plane = here.page.locator(".plane").bounding_box()
    x, y = plane["x"] + 12, plane["y"] + 12
    here.page.mouse.move(x, y)
    here.page.mouse.down()
    here.page.mouse.move(x + 60, y, steps=12)
    here.page.mouse.up()
    here.until(lambda: here.frames["setup"][0]["classes"] == ["0", "1", "2"])
    count = at_rest(here, lambda: len(here.frames["setup"][0]["setup"]["data"]["points"]))
    assert 502 <= count <= 504  # 20 pixels apart; a busy browser joins some moves of the mouse
    here.page.get_by_role("button", name="Eraser").click()
    here.page.mouse.click(x, y)
    here.until(lambda: len(here.frames["setup"][0]["setup"]["data"]["points"]) == count - 1)


def painted(here, unit: str, share: float) -> list[int]:
    """The colour of a unit's picture, so far along its diagonal from the upper left corner."""
    return here.page.evaluate(
        """([unit, share]) => {
            const canvas = document.querySelector(".network canvas");
            const [all, box] = [canvas, document.querySelector(`#${unit} rect`)].map((e) => e.getBoundingClientRect());
            const [x, y] = [box.x - all.x + share * box.width, box.y - all.y + share * box.height];
            const ratio = canvas.width / all.width;
            const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
            pixel.drawImage(canvas, x * ratio, y * ratio, 1, 1, 0, 0, 1, 1);
            return [...pixel.getImageData(0, 0, 1, 1).data];
        }""",
        [unit, share],
    )


def test_an_input_of_ones_own_and_the_reason_when_it_is_none(visit):
    here = visit()
    own = here.page.get_by_label("Your own")
    own.fill("x1^2 + x2^2")
    own.press("Enter")
    here.until(lambda: here.frames["setup"][0]["inputs"] == ["x1", "x2", "x1^2 + x2^2"])
    # its picture: white at the middle, blue at the corner, as nothing else is drawn on the canvas there
    here.until(lambda: painted(here, "unit-0-2", 0.05)[2] > painted(here, "unit-0-2", 0.05)[0] + 40)
    red, _, blue, alpha = painted(here, "unit-0-2", 0.5)
    assert alpha == 255 and abs(blue - red) < 40
    own = here.page.get_by_label("Your own")
    own.fill("__import__('os')")
    own.press("Enter")
    here.page.get_by_role("region", name="Inputs").get_by_role("alert").wait_for()
    assert here.frames["setup"][0]["inputs"] == ["x1", "x2", "x1^2 + x2^2"]


def test_a_nan_is_told_and_undone(visit):
    layer = {"units": 4, "activation": "identity", "batch_norm": False, "dropout": 0}
    setup = {"data": {"kind": "plane"}, "layers": [layer], "optimizer": {"name": "sgd", "learning_rate": 1e6}}
    here = visit(fragment(setup=setup))
    press(here, "Play")
    notice = here.page.locator(".notice", has=here.page.get_by_role("button", name="Undo"))
    notice.wait_for()
    notice.get_by_role("button", name="Undo").click()
    here.until(lambda: not here.now["playing"] and np.isfinite(here.frames["snapshot"][1]["theta"]).all())


def test_a_phone_shows_it_all_without_scrolling_sideways(visit):
    here = visit(phone=True)
    tabs = here.page.get_by_role("tab")
    for i in range(tabs.count()):
        tabs.nth(i).tap()
        here.page.wait_for_timeout(150)
        width = here.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width == [390, 390], f"panel {tabs.nth(i).inner_text()} is {width} wide"
    here.page.get_by_role("button", name="Play").tap()
    here.until(lambda: here.now["epoch"] > 3)
    here.page.get_by_role("button", name="Pause").tap()
    here.page.locator("#unit-1-2").tap()
    editor = here.page.get_by_role("dialog", name="Unit 3 of layer 1")
    editor.get_by_label("bias").fill("0.5")
    editor.get_by_label("bias").press("Enter")
    here.until(lambda: 0.5 in here.frames["snapshot"][1]["theta"])
    editor.get_by_role("button", name="Close").tap()
    here.page.get_by_role("button", name="Settings").tap()
    here.page.get_by_label("Optimizer", exact=True).select_option("sgd")
    here.until(lambda: here.frames["setup"][0]["setup"]["optimizer"]["name"] == "sgd")


def test_the_walk_is_taken_once(visit):
    here = visit(walk=True)
    walk = here.page.get_by_role("dialog", name="A short walk")
    walk.get_by_role("button", name="Next").click()
    walk.get_by_role("button", name="Next").click()
    walk.get_by_role("button", name="Play").click()
    here.until(lambda: here.now["playing"])
    walk.get_by_role("button", name="Skip").click()
    here.page.reload()
    here.page.wait_for_selector(".network")
    assert walk.count() == 0


def test_the_page_runs_under_its_policy(visit, server):
    here = visit()
    policy = here.page.request.get(server.base).headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    for tab in here.page.get_by_role("tab").all():
        tab.click()
        here.page.wait_for_timeout(200)
    # the fixture looks at the console; here, that the policy is at work at all
    here.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p id=probe style=\"color: red\">')")
    assert here.errors and all("inline style" in error for error in here.errors)
    here.errors.clear()


@pytest.mark.usefixtures("chromium")  # which knows whether the page is built
def test_the_page_is_small_and_holds_nothing_inline():
    assets = list((STATIC / "assets").iterdir())
    scripts = [gzip.compress(path.read_bytes(), 9) for path in assets if path.suffix == ".js"]
    assert scripts and sum(map(len, scripts)) < 300_000
    page = (STATIC / "index.html").read_text()
    assert "<script>" not in page and "style=" not in page and "data:" not in page
    assert not any("url(data:" in path.read_text() for path in assets if path.suffix == ".css")
    assert {path.suffix for path in assets} <= {".js", ".css", ".woff2", ".svg"}


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


def shown(visit, text: str):
    """What stands in sight; the same may stand where only screen readers find it."""
    return visit.page.get_by_text(text, exact=False).locator("visible=true").first


def stepped(here) -> None:
    """One click is one epoch, from the beginning."""
    here.until(lambda: here.now["epoch"] == 0, 60)
    press(here, "Step")
    here.until(lambda: here.now["epoch"] == 1, 60)


@pytest.mark.parametrize("known", [True, False], ids=["the cookie still holds", "the cookie is unknown"])
def test_the_page_says_that_the_server_is_gone_and_goes_on_when_it_is_back(
    visit, server_of, monkeypatch, tmp_path, known
):
    port = free_port()
    with playing("--port", port) as (process, link):
        here = visit(fragment(setup={"l2": 0.125}), at=server_of(process, link))
        stepped(here)
        process.kill()
        shown(here, "The connection to the server is lost").wait_for()
    if not known:
        monkeypatch.setenv("GLASSNET_STATE", str(tmp_path / "elsewhere"))
        here.expected += ("Failed to load resource: the server responded with a status of 403",)
    with playing("--port", port) as (_, link):
        if not known:
            shown(here, "The server was started again").wait_for()
            here.page.context.new_page().goto(link)  # as the page says; all pages of a browser share the cookie
        here.until(lambda: here.page.locator(".notice.error").count() == 0)
        assert here.frames["setup"][0]["setup"]["l2"] == 0.125
        stepped(here)
