"""The panels as a person uses them, in Chromium on the real server; numbers are compared with the library's own."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("playwright", reason="playwright, which drives the browser, is not installed")

import glassnet
from glassnet import Dense, Network
from served import fragment, press

LAYERS = [
    {"units": 3, "activation": "tanh", "batch_norm": False, "dropout": 0.0},
    {"units": 2, "activation": "relu", "batch_norm": False, "dropout": 0.0},
]
SIZES = (2, 3, 2, 1)


def tensors(theta: np.ndarray) -> dict[str, np.ndarray]:
    """Theta as snapshots carry it, by name: W (out, in) row by row, then b."""
    found: dict[str, np.ndarray] = {}
    at = 0
    for layer, (units, inputs) in enumerate(zip(SIZES[1:], SIZES, strict=False), start=1):
        for name, shape in ((f"W{layer}", (units, inputs)), (f"b{layer}", (units,))):
            size = int(np.prod(shape))
            found[name] = theta[at : at + size].reshape(shape)
            at += size
    assert at == len(theta)
    return found


def network_of(here) -> Network:
    """The network of the page, built anew from the numbers that it was sent."""
    network = Network(2, [Dense(3, "tanh"), Dense(2, "relu"), Dense(1, "sigmoid")], "binary_cross_entropy")
    for name, values in tensors(here.frames["snapshot"][1]["theta"]).items():
        network.parameters[name] = values
    return network


def opened(visit, panel: str, **setup: Any):
    return visit(fragment(view={"panel": panel}, setup={"layers": LAYERS, **setup}))


def trained(here) -> None:
    for epoch in (1, 2, 3):
        press(here, "Step")
        here.until(lambda epoch=epoch: here.now["epoch"] == epoch)


def test_the_walk_shows_the_numbers_of_explain(visit):
    here = opened(visit, "explain", optimizer={"name": "sgd", "learning_rate": 0.1})
    trained(here)
    here.page.get_by_label("Training example", exact=True).last.fill("7")
    here.page.keyboard.press("Enter")
    press(here, "Explain this example")
    here.page.wait_for_selector(".line .katex")
    data = here.frames["data"][1]
    expected = network_of(here).explain(
        data["train"][[6]], data["train_y"][[6]], optimizer=glassnet.optimizer("sgd(learning_rate=0.1)"), entries=64
    )
    assert {part.name for part in expected.paragraphs} >= {"z1", "a3", "loss", "delta2", "dW1", "W3_new"}
    for number, part in enumerate(expected.paragraphs):
        spoken = here.page.locator(".line").get_attribute("aria-label")
        line = next(line for line in part.lines if spoken.startswith(f"{line.label} = "))
        shown = float(spoken.split(" = ")[-1].replace("\u2212", "-"))
        assert shown == pytest.approx(line.value, rel=1e-4, abs=1e-7), part.name
        cells = here.page.locator(".values .cell").all_inner_texts()
        if cells:
            values = [float(cell.replace("\u2212", "-")) for cell in cells]
            np.testing.assert_allclose(values, part.values.ravel(), rtol=6e-3, atol=1e-7, err_msg=part.name)
        assert here.page.get_by_text(f"{number + 1} of {len(expected.paragraphs)} ·").count() == 1
        if number + 1 < len(expected.paragraphs):
            press(here, "Next")
    end = here.text(".foot .end")
    after, before = (float(text) for text in re.findall(r"is ([\d.]+) instead of ([\d.]+)", end)[0])
    loss = next(part for part in expected.paragraphs if part.name == "loss")
    assert after == pytest.approx(expected.loss_after, rel=1e-4)
    assert before == pytest.approx(float(loss.values), rel=1e-4)
    assert "less" in end


def test_explaining_points_at_the_network_and_leaves_it_alone(visit):
    here = opened(visit, "explain")
    press(here, "Play")
    here.until(lambda: here.now["epoch"] > 1)
    press(here, "Explain this example")
    here.page.wait_for_selector(".line .katex")
    here.until(lambda: not here.now["playing"])
    theta = here.theta
    assert "target" in here.page.locator("#unit-1-0").get_attribute("class")
    assert "target" not in here.page.locator("#unit-1-1").get_attribute("class")
    here.page.get_by_role("navigation", name="Steps of the pass").get_by_role("button", name="Backward").click()
    for _ in range(3):
        here.page.keyboard.press("ArrowRight")
    assert here.theta == theta and here.now["step"] > 0
    here.page.keyboard.press("Escape")
    here.page.get_by_role("region", name="Explanation").wait_for(state="detached")
    assert here.page.locator(".unit.target").count() == 0


def test_a_click_on_a_point_chooses_the_example(visit):
    here = opened(visit, "explain")
    press(here, "Explain this example")
    here.page.wait_for_selector(".line .katex")
    shown, axes = here.frames["data"][1]["train"], here.frames["data"][0]["axes"]
    alone = max(range(len(shown)), key=lambda i: np.sort(np.hypot(*(shown - shown[i]).T))[1])
    across, up = (float(shown[alone][k] - axes[k]["low"]) / (axes[k]["high"] - axes[k]["low"]) for k in (0, 1))
    number = here.page.get_by_label("Training example", exact=True).last
    plane = here.page.locator(".plane").bounding_box()
    here.page.mouse.click(plane["x"] + across * plane["width"], plane["y"] + (1 - up) * plane["height"])
    here.until(lambda: number.input_value() == str(alone + 1))
    z = here.page.locator(".values .cell").first
    network = network_of(here)
    expected = network.explain(shown[[alone]], [0.0]).paragraphs[0].values.ravel()[0]
    here.until(lambda: abs(float(z.inner_text().replace("\u2212", "-")) - expected) < 1e-3 * abs(expected))


@pytest.mark.parametrize("kind", ["model", "python", "pytorch", "keras", "json"])
def test_files_come_down(visit, kind, tmp_path):
    here = opened(visit, "share")
    with here.page.expect_download() as download:
        here.page.locator(f"[data-export={kind}]").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    if kind == "json":
        assert json.loads(file.read_text())["setup"]["layers"][0]["units"] == 3
    elif kind != "model":
        compile(file.read_text(), str(file), "exec")


def exported_model(here, folder: Path) -> Path:
    with here.page.expect_download() as download:
        here.page.locator("[data-export=model]").click()
    download.value.save_as(folder / "network.glassnet")
    return folder / "network.glassnet"


def test_the_model_file_predicts_what_the_page_shows(visit, tmp_path):
    here = opened(visit, "share")
    trained(here)
    loaded = glassnet.load(exported_model(here, tmp_path))
    x = here.frames["data"][1]["test"]
    np.testing.assert_array_equal(loaded.predict(x), network_of(here).predict(x))
    axes, surface = here.frames["data"][0]["axes"], here.frames["snapshot"][1]["surface"]
    corner = [[axes[0]["low"], axes[1]["high"]]]
    assert loaded.predict(corner)[0, 0] == pytest.approx(surface[0, 0, 0], abs=1e-6)


def test_a_model_file_is_opened_again_with_its_weights(visit, tmp_path):
    here = opened(visit, "share")
    trained(here)
    file, theta = exported_model(here, tmp_path), here.theta
    there = visit(fragment(view={"panel": "share"}))
    assert there.theta != theta
    there.page.get_by_label("Model file").set_input_files(file)
    there.page.get_by_text("network.glassnet is open", exact=False).wait_for()
    there.until(lambda: there.theta == theta)
    assert [layer["units"] for layer in there.frames["setup"][0]["setup"]["layers"]] == [3, 2]


def test_a_file_that_is_no_model_is_refused_in_one_line(visit, tmp_path):
    (tmp_path / "plants.csv").write_text("a,b\n1,2\n")
    here = opened(visit, "share")
    theta = here.theta
    here.page.get_by_label("Model file").set_input_files(tmp_path / "plants.csv")
    refusal = here.page.get_by_role("tabpanel").get_by_role("alert")
    refusal.wait_for()
    assert len(refusal.inner_text().splitlines()) == 1
    assert here.theta == theta
    here.errors.clear()  # the browser itself tells of the refused request


def test_pictures_of_network_and_surface(visit, tmp_path):
    here = opened(visit, "share")
    for kind in ("network-svg", "network-png", "surface-png"):
        with here.page.expect_download() as download:
            here.page.locator(f"[data-export={kind}]").click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        content = file.read_bytes()
        if file.suffix == ".svg":
            text = content.decode()
            assert text.count("<path") >= 2 * 3 + 3 * 2 + 2 and "Layer 2" in text and "data:image/png" in text
            assert "var(--" not in text and " class=" not in text
        else:
            assert content.startswith(b"\x89PNG") and len(content) > 10_000


def test_a_race_runs_to_its_end_and_leaves_the_run_alone(visit):
    here = opened(visit, "race")
    theta = here.theta
    here.page.get_by_label("Epochs", exact=True).fill("12")
    press(here, "Start the race")
    here.page.locator(".verdict").wait_for()
    header, curves = here.frames["race"]
    assert header["finished"] and header["epoch"] == 12
    first = {float(curves[f"curve{i}"][0, 1]) for i in range(len(header["names"]))}
    assert len(first) == 1  # one start
    best = min(range(len(header["names"])), key=lambda i: curves[f"curve{i}"][-1, 1])
    learning_rate = header["optimizers"][best]["learning_rate"]
    assert f" {learning_rate:g} is first" in here.text(".verdict")
    assert here.theta == theta
    here.page.get_by_role("button", name="Use it above").first.click()
    here.until(lambda: here.frames["setup"][0]["setup"]["optimizer"]["name"] == header["names"][best])
    assert here.frames["setup"][0]["setup"]["optimizer"]["learning_rate"] == learning_rate


def test_a_link_with_a_lesson_opens_with_hidden_controls_and_the_task(visit):
    here = opened(visit, "share")
    here.page.get_by_text("Make it a lesson").click()
    here.page.get_by_label("Task, shown above the network").fill("Find <i>one</i> straight cut.")
    here.page.get_by_role("checkbox", name="Data", exact=True).check()
    here.page.get_by_role("checkbox", name="The panels below").check()
    address = here.page.get_by_label("Address of this run").input_value()
    pupil = visit("#" + address.split("#")[1])
    assert pupil.text(".task") == "Find <i>one</i> straight cut."
    assert pupil.page.get_by_role("region", name="Data").count() == 0
    assert pupil.page.get_by_role("tab").count() == 0
    assert pupil.page.get_by_role("region", name="Inputs").count() == 1
    assert [layer["units"] for layer in pupil.frames["setup"][0]["setup"]["layers"]] == [3, 2]


def test_why_a_unit_is_dead(visit):
    here = opened(visit, "histograms")
    here.page.locator("#unit-2-1").click()
    bias = here.page.get_by_role("dialog").get_by_label("bias")
    bias.fill("-100")
    bias.press("Enter")
    here.page.keyboard.press("Escape")
    tab = here.page.get_by_role("tab", name=re.compile("Gradient flow"))
    here.until(lambda: "1 dead unit" in tab.inner_text())
    tab.click()
    here.page.get_by_text("Unit 2 of layer 2 is dead.").wait_for()
    z = network_of(here).trace(here.frames["data"][1]["train"])["z2"][:, 1]
    low, high = (f"{end:.2f}".replace("-", "\u2212") for end in (z.min(), z.max()))
    assert f"(from {low} to {high}; its bias is \u2212100.00)" in here.text(".why")
    press(here, "Show it in the network")
    assert "target" in here.page.locator("#unit-2-1").get_attribute("class")
    press(here, "Leaky ReLU in layer 2")
    here.page.get_by_text("Unit 2 of layer 2 is dead.").wait_for(state="detached")


def test_mistakes_and_residuals_are_those_of_the_test_data(visit):
    here = opened(visit, "mistakes")
    trained(here)
    data = here.frames["data"][1]
    said = (network_of(here).predict(data["test"])[:, 0] >= 0.5).astype(int)
    expected = [int(np.sum((data["test_y"] == i) & (said == j))) for i in (0, 1) for j in (0, 1)]
    here.until(lambda: [int(text) for text in here.page.locator("td.count").all_inner_texts()] == expected)
    here.page.get_by_role("radio", name="Plane").click()
    here.page.get_by_text("A test prediction is off by").wait_for()


def test_the_graph_is_drawn_and_the_hidden_plane_too(visit):
    here = opened(visit, "graph")
    here.page.wait_for_selector("#panel .drawing svg text")
    assert "tanh(z" in here.text("#panel .drawing")
    here.page.get_by_role("tab", name="Hidden space").click()
    here.page.wait_for_selector("path.bent")
    points = network_of(here).trace(here.frames["data"][1]["train"])["a2"]
    np.testing.assert_allclose(here.frames["snapshot"][1]["hidden_points"], points, atol=1e-6)


def dropped(here, name: str, content: bytes) -> bool:
    """Drag a file over the page and let it go; whether the page took it from the browser, which would open it."""
    return here.page.evaluate(
        """([name, text]) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0))], name));
            return ["dragover", "drop"].every((kind) => {
                const event = new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
                return !document.querySelector("main").dispatchEvent(event);
            });
        }""",
        [name, base64.b64encode(content).decode()],
    )


def test_a_csv_that_is_dropped_is_learned_from(visit):
    here = visit()
    rows = "\n".join(f"{i % 7},{-i % 5},{'yes' if i % 7 > 3 else 'no'}" for i in range(60))
    assert dropped(here, "answers.csv", f"a,b,answer\n{rows}\n".encode())
    here.until(lambda: here.frames["setup"][0]["setup"]["data"]["kind"] == "table")
    setup = here.frames["setup"][0]
    assert (setup["inputs"], setup["classes"], setup["setup"]["data"]["target"]) == (
        ["a", "b"],
        ["no", "yes"],
        "answer",
    )
    assert "answers.csv: 60 rows, 3 columns" in here.text("section[aria-label=Data]")
    assert here.page.get_by_text("Drop a CSV file").count() == 0
    assert dropped(here, "broken.csv", b"")
    here.page.get_by_role("alert").first.wait_for()
    assert here.frames["setup"][0]["inputs"] == ["a", "b"]
    here.errors.clear()  # the browser itself tells of the refused upload


def test_a_model_that_is_dropped_brings_its_weights(visit, tmp_path):
    here = opened(visit, "share")
    trained(here)
    there = visit()
    assert dropped(there, "network.glassnet", exported_model(here, tmp_path).read_bytes())
    there.page.get_by_text("network.glassnet is open", exact=False).wait_for()
    there.until(lambda: there.theta == here.theta)


def test_a_lesson_without_data_takes_no_file_and_is_not_left_for_it(visit):
    here = visit(fragment(hide=["data"]))
    assert dropped(here, "answers.csv", b"a,b\n1,2\n3,4\n")
    press(here, "Step")
    here.until(lambda: here.now["epoch"] == 1)
    assert here.frames["setup"][0]["setup"]["data"]["kind"] == "circle"


def test_training_stops_at_an_epoch_and_goes_on_when_asked(visit):
    here = visit()
    press(here, "More")
    stop = here.page.get_by_label("Stop at epoch")
    stop.fill("12")
    stop.press("Enter")
    here.until(lambda: here.frames["setup"][0]["setup"]["stop"]["epoch"] == 12)
    here.page.get_by_label("Speed").select_option("full speed")
    press(here, "Play")
    here.until(lambda: here.now["status"].startswith("stopped"))
    assert here.now["epoch"] == 12 and not here.now["playing"]
    assert here.text(".status") == "stopped: epoch 12 reached"
    here.page.get_by_text("Stopped: epoch 12 reached.").wait_for()
    press(here, "Play")
    here.until(lambda: here.now["epoch"] > 12)
    stop.fill("0")
    stop.press("Enter")
    here.page.get_by_text("At least 1", exact=False).wait_for()


def test_training_stops_at_a_loss(visit):
    here = visit()
    press(here, "More")
    stop = here.page.get_by_label("Stop at loss")
    stop.fill("0.2")
    stop.press("Enter")
    here.until(lambda: here.frames["setup"][0]["setup"]["stop"]["loss"] == 0.2)
    press(here, "Play")
    here.until(lambda: here.now["status"].startswith("stopped"))
    here.page.reload()  # which brings the whole curve
    here.page.wait_for_selector(".network")
    here.until(lambda: len(here.frames["history"][1]["epochs"]) > 1)
    losses = here.frames["history"][1]["loss_train"][here.frames["history"][1]["epochs"] % 1 == 0]
    assert losses[-1] <= 0.2 < losses[:-1].min()
