"""The socket, as the page uses it: what is answered, what is told, what snapshots carry."""

import json
import time

import numpy as np
import pytest

import glassnet
from glassnet.playground import connection
from glassnet.playground.limits import LIMITS
from glassnet.playground.setup import Setup, setup_document
from glassnet.playground.views import VIEWS
from playing import SMALL, Page, connected, playground


@pytest.fixture
def client():
    with playground() as found:
        yield found


@pytest.fixture
def page(client):
    with connected(client) as found:
        found.do("hello")
        yield found


def test_hello_tells_all_that_there_is_to_choose(page: Page):
    kinds = [header["type"] for header, _ in page.seen if header["type"] != "notice"]  # of machine code being made
    assert kinds == ["hello", "setup", "data", "history", "snapshot", "done"]
    hello, _ = page.last("hello")
    assert hello["version"] == glassnet.__version__
    names = {kind: [record["name"] for record in records] for kind, records in hello["registries"].items()}
    for kind in ("activations", "losses", "optimizers", "initializers"):
        assert names[kind] == list(getattr(glassnet, kind.upper()))
    assert "reduce_on_plateau" not in names["schedules"] and "cosine" in names["schedules"]
    assert hello["limits"]["layers"] == LIMITS.layers
    assert hello["default_setup"] == json.loads(json.dumps(setup_document(Setup())))
    assert hello["start"]["data"]["size"] == 60
    assert [kind["name"] for kind in hello["data_kinds"]][-3:] == ["function", "points", "table"]
    assert hello["tables"][0]["id"] == "iris"


def test_setup_data_and_snapshot_belong_together(page: Page):
    setup, _ = page.last("setup")
    shapes = {tensor["name"]: tensor["shape"] for tensor in setup["tensors"]}
    assert shapes == {"W1": [3, 2], "b1": [3], "W2": [1, 3], "b2": [1]}
    data, arrays = page.last("data")
    assert arrays["train"].shape == (42, 2) and arrays["test"].shape == (18, 2)
    assert [axis["name"] for axis in data["axes"]] == ["x1", "x2"]
    snapshot, arrays = page.last("snapshot")
    assert snapshot["number"] == setup["number"] and snapshot["epoch"] == 0 and snapshot["status"] == "ready"
    assert (
        arrays["theta"].shape == (13,)
        and arrays["surface"].shape == (1, 50, 50)
        and arrays["units"].shape == (3, 20, 20)
    )


def test_every_input_comes_as_a_picture(page: Page):
    page.do("change", setup={"inputs": ["x1", "x2", "cos(3*x1) + x2", "1/x1"]})
    _, data = page.last("data")
    across, down = np.meshgrid(np.linspace(-6, 6, 20), np.linspace(6, -6, 20))
    expected = np.array([across, down, np.cos(3 * across) + down, 1 / across])
    np.testing.assert_allclose(data["inputs"], expected, rtol=1e-6, atol=1e-6)
    page.do("change", setup={"data": {"kind": "function"}, "inputs": ["x", "sin(x)"]})
    _, data = page.last("data")
    x = np.linspace(-3, 3, 20)
    np.testing.assert_allclose(data["inputs"], np.array([[x], [np.sin(x)]]), rtol=1e-6, atol=1e-6)


def test_the_inputs_of_a_table_are_pictured_over_the_plane_that_is_shown(page: Page):
    page.do("change", setup={"data": {"kind": "table", "table": "iris", "axes": ["petal_length_cm", "petal_width_cm"]}})
    header, data = page.last("data")
    assert data["inputs"].shape == (4, 20, 20)
    setup, _ = page.last("setup")
    varying = [name for name, picture in zip(setup["inputs"], data["inputs"], strict=True) if np.ptp(picture) > 1e-6]
    assert varying == ["petal_length_cm", "petal_width_cm"]
    assert [axis["name"] for axis in header["axes"]] == varying
    length = data["inputs"][setup["inputs"].index("petal_length_cm")]
    assert np.all(np.diff(length, axis=1) > 0) and np.allclose(length, length[0])


def test_theta_and_surface_are_those_of_the_network_in_python(page: Page):
    page.do("step", unit="epoch", count=4)
    snapshot, arrays = page.snapshot()
    setup, _ = page.last("setup")
    exported = page.client.get(f"/export/model?session={page.session}").content
    network = glassnet.Network.from_parts(*_from_bytes(exported))
    assert np.array_equal(arrays["theta"], np.concatenate([view.ravel() for view in network.parameters.values()]))
    across, down = np.meshgrid(np.linspace(-6, 6, 50), np.linspace(6, -6, 50))  # row 0 is the top
    there = network.predict(np.column_stack([across.ravel(), down.ravel()])).reshape(50, 50)
    assert np.allclose(arrays["surface"][0], there, atol=1e-6)
    _, data = page.last("data")
    assert snapshot["loss_test"] == pytest.approx(network.loss(data["test"], data["test_y"]), rel=1e-5)
    assert setup["tensors"][0]["name"] == "W1"


def _from_bytes(data: bytes):
    from glassnet.files.model_file import network_from_bytes

    return network_from_bytes(data, "exported")


def test_a_change_is_told_before_it_is_done(page: Page):
    del page.seen[:]
    page.do("change", setup={"layers": [{"units": 2}], "data": {"kind": "xor"}})
    kinds = [header["type"] for header, _ in page.seen]
    assert kinds.index("setup") < kinds.index("data") < kinds.index("done")
    setup, _ = page.last("setup")
    assert setup["setup"]["layers"][0]["units"] == 2 and setup["can_undo"].startswith("change of data.kind, layers")
    page.do("undo")
    assert page.last("setup")[0]["setup"]["data"]["kind"] == "circle"
    assert page.last("setup")[0]["can_undo"] is None


def test_a_refused_change_names_the_field_and_changes_nothing(page: Page):
    answer = page.refused("change", setup={"layers": [{"units": 1000}]})
    assert answer["field"] == "layers.0.units" and "64" in answer["message"]
    page.do("ping")
    assert page.last("setup")[0]["number"] == 0


def test_playing_sends_snapshots_with_history_and_takes_commands(page: Page):
    page.do("play", speed=200)
    page.until("snapshot")
    first, _ = page.until("snapshot")
    assert first["playing"] and first["status"] == "playing"
    page.do("edit", tensor="b1", index=[0], value=2.0)
    page.do("change", setup={"optimizer": {"learning_rate": 0.001}, "layers": [{"units": 4}]})
    later, arrays = page.until("snapshot")
    assert later["playing"] and arrays["theta"].shape == (17,)
    while "history" not in arrays:
        later, arrays = page.until("snapshot")
    assert arrays["history"].shape[1] == 5 and arrays["history"][-1, 0] == pytest.approx(later["epoch"], rel=1e-6)
    page.do("pause")
    paused, _ = page.snapshot()
    assert not paused["playing"] and paused["status"] == "ready"


def test_the_history_of_a_page_is_whole(page: Page):
    """What `history` holds and what snapshots add are the session's rows, none lost and none twice."""
    page.do("play")
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        page.receive()
    page.do("pause")
    page.snapshot()
    rows: list[float] = []
    for header, arrays in page.seen:
        if header["type"] == "history":
            rows = arrays["epochs"].tolist()
        elif header["type"] == "snapshot" and "history" in arrays:
            rows += arrays["history"][:, 0].tolist()
    with connected(page.client) as again:
        again.do("hello", session=page.session)
        assert again.last("history")[1]["epochs"].tolist() == rows


def test_slowed_play_keeps_its_speed(page: Page):
    page.do("play", speed=40)
    page.until("snapshot")
    began, start = time.monotonic(), page.until("snapshot")[0]["epoch"]
    while time.monotonic() - began < 1.0:
        snapshot, _ = page.until("snapshot")
    assert (snapshot["epoch"] - start) / (time.monotonic() - began) < 60


def test_snapshots_come_at_most_thirty_times_a_second(page: Page):
    page.do("play")
    page.until("snapshot")
    began, count = time.monotonic(), 0
    while time.monotonic() - began < 1.0:
        page.until("snapshot")
        count += 1
    assert count <= 1.0 / connection.PERIOD + 2


def test_stop_rules_end_playing_at_the_very_epoch(page: Page):
    page.do("change", setup={"stop": {"epoch": 7}})
    page.do("play")
    notice = page.notice()
    assert "epoch 7" in notice["text"]
    snapshot, _ = page.snapshot()
    assert snapshot["epoch"] == 7 and snapshot["status"].startswith("stopped")
    page.do("change", setup={"stop": {"epoch": None, "loss": 0.6}})
    page.do("reset")
    page.do("play")
    notice = page.notice()
    assert "loss" in notice["text"]
    history = page.snapshot()
    assert history[0]["loss_train"] <= 0.6


def test_a_nan_is_told_with_its_tensor(page: Page):
    page.do(
        "change", setup={"loss": "squared_error", "output_activation": "identity", "layers": [{"activation": "relu"}]}
    )
    page.do("change", setup={"optimizer": {"name": "sgd", "learning_rate": 1e8}})
    page.do("play")
    notice = page.notice()
    assert notice["level"] == "error" and notice["undo"]
    snapshot, _ = page.snapshot()
    assert not snapshot["playing"] and snapshot["first_bad"] and snapshot["first_bad"] in notice["text"]
    assert np.all(np.isfinite(page.snapshot()[1]["theta"]))
    page.do("undo")
    assert page.snapshot()[0]["first_bad"] is None


# --- what snapshots carry ---------------------------------------------------------------------------------------------


def test_snapshots_carry_what_is_watched(page: Page):
    page.do("change", setup={"layers": [{"units": 4, "activation": "relu"}, {"units": 2}]})
    page.do("watch", what=list(VIEWS), size=30, unit="2.1", probe=[1.0, -2.0])
    _, arrays = page.until("snapshot")
    assert arrays["surface"].shape == (1, 30, 30) and arrays["unit"].shape == (30, 30)
    assert arrays["units"].shape == (6, 20, 20) and arrays["probe"].shape == (2 + 4 + 2 + 1,)
    assert arrays["histograms"].shape == (3, 2, 20) and arrays["flow"].shape == (3, 3)
    assert arrays["confusion"].sum() == 18 and arrays["hidden_points"].shape == (42, 2)
    assert arrays["hidden_grid"].shape == (61, 61, 2)
    assert arrays["histograms"][0, 0].sum() == 42 * 4
    page.do("watch", what=[])
    assert set(page.until("snapshot")[1]) == {"theta", "unit", "probe"}
    page.do("watch", unit=None, probe=None)
    assert set(page.until("snapshot")[1]) == {"theta"}


def test_what_is_watched_is_checked(page: Page):
    assert page.refused("watch", what=["sunset"])["field"] == "what"
    assert page.refused("watch", size=10_000)["field"] == "size"
    assert page.refused("watch", unit="one")["field"] == "unit"
    page.do("watch", unit="9.9")  # a layer that has gone is no error


def test_a_unit_that_is_dead_is_named_with_its_reason(page: Page):
    page.do("change", setup={"layers": [{"units": 3, "activation": "relu"}]})
    page.do("edit", tensor="b1", index=[1], value=-1000.0)
    page.do("watch", what=["flow"])
    header, arrays = page.until("snapshot")
    assert [item[:2] for item in header["dead"]] == [[1, 1]] and header["dead"][0][2].startswith("dead")
    assert arrays["flow"][0, 2] == pytest.approx(1 / 3)
    theta, (_, data) = arrays["theta"], page.last("data")
    z = data["train"] @ theta[:6].reshape(3, 2)[1] - 1000.0
    np.testing.assert_allclose(header["dead"][0][3:], [z.min(), z.max()], rtol=1e-5)
    page.do("change", setup={"layers": [{"units": 3, "activation": "tanh"}]})
    header, _ = page.snapshot()
    assert header["dead"][0][:2] == [1, 1] and header["dead"][0][2].startswith(("dead", "saturated"))


def test_the_flow_s_update_is_what_the_optimizer_then_does(page: Page):
    page.do("change", setup={"batch_size": 1000, "optimizer": {"name": "momentum", "learning_rate": 0.1}})
    page.do("step", unit="batch", count=3)
    page.do("watch", what=["flow"])
    _, arrays = page.until("snapshot")
    before, flow = arrays["theta"], arrays["flow"]
    page.do("step", unit="batch")
    after = page.snapshot()[1]["theta"]
    W, moved = before[:6], (after - before)[:6]
    assert np.linalg.norm(moved) / np.linalg.norm(W) == pytest.approx(flow[0, 1], rel=1e-3)


def test_several_classes_give_several_surfaces(page: Page):
    page.do("change", setup={"data": {"kind": "table", "table": "iris"}})
    _, arrays = page.snapshot()
    assert arrays["surface"].shape == (3, 50, 50)
    assert np.allclose(arrays["surface"].sum(axis=0), 1, atol=1e-5)
    assert page.last("setup")[0]["classes"] == ["setosa", "versicolor", "virginica"]


def test_a_function_of_x_is_a_curve_with_residuals(page: Page):
    page.do("change", setup={"data": {"kind": "function", "expression": "x^2"}})
    page.do("watch", what=["surface", "units", "residuals", "confusion"])
    _, arrays = page.until("snapshot")
    assert arrays["surface"].shape == (1, 1, 50) and arrays["residuals"].shape == (18, 2)
    assert page.last("data")[0]["line"] and "confusion" not in arrays


def test_a_formula_may_be_without_a_value_in_places(page: Page):
    page.do("change", setup={"inputs": ["x1", "1/x2"]})
    page.do("watch", what=["surface", "units", "hidden"], size=51, probe=[1.0, 0.0])
    header, arrays = page.until("snapshot")
    gone = np.isnan(arrays["surface"][0])
    assert gone[25].all() and gone.sum() == 51  # where x2 = 0, and nowhere else
    assert np.isnan(arrays["probe"]).any()
    assert all(low is not None and high is not None for low, high in header["unit_ranges"])
    assert page.refused("explain", x=[1.0, 0.0], y=1)


def test_steps_that_take_long_stop_and_say_where(page: Page, monkeypatch):
    monkeypatch.setattr("glassnet.playground.session.STEP_SECONDS", 0.01)
    page.do("step", unit="epoch", count=LIMITS.steps)
    assert "stopped after 0.01 s" in page.notice()["text"]
    assert 0 < page.snapshot()[0]["epoch"] < LIMITS.steps
    page.do("step", unit="epoch")


def test_a_test_that_waits_for_a_frame_in_vain_fails_and_says_what_it_saw(page: Page, monkeypatch):
    monkeypatch.setattr("playing.PATIENCE", 1)
    with pytest.raises(pytest.fail.Exception, match=r"no frame for 1 s; seen so far: hello, setup, .*snapshot"):
        page.until("nothing of the kind")


# --- points, explain, graph, race -------------------------------------------------------------------------------------


def test_points_are_drawn_and_taken_away(page: Page):
    page.do("add_points", points=[[5.5, -5.5, 2]])
    setup, _ = page.last("setup")
    assert setup["setup"]["data"]["kind"] == "points" and setup["classes"] == ["0", "1", "2"]
    _, data = page.last("data")
    everyone = np.vstack([data["train"], data["test"]])
    place = int(np.flatnonzero(np.all(everyone == [5.5, -5.5], axis=1))[0])
    page.do("remove_points", indexes=[place])
    _, data = page.last("data")
    assert len(data["train"]) + len(data["test"]) == 60
    assert not np.any(np.all(np.vstack([data["train"], data["test"]]) == [5.5, -5.5], axis=1))
    page.do("change", setup={"data": {"kind": "plane"}})
    assert page.refused("add_points", points=[[0, 0, 1]])["field"] == "points"


def test_an_explanation_is_network_explain_s(page: Page):
    page.do("step", unit="epoch", count=2)
    page.do("change", setup={"optimizer": {"name": "sgd", "learning_rate": 0.5}})
    page.do("explain", example=5, entries=4)
    found, _ = page.last("explanation")
    exported = page.client.get(f"/export/model?session={page.session}").content
    network = glassnet.Network.from_parts(*_from_bytes(exported))
    inputs = np.array([list(found["inputs"].values())])
    expected = network.explain(inputs, [found["y"]], optimizer="sgd(0.5)").document()
    assert found["derivation"] == json.loads(json.dumps(expected))
    assert found["output"] == pytest.approx(network.predict(inputs)[0].tolist())
    before = page.snapshot()[1]["theta"]
    page.do("explain", x=[1.0, 2.0], y=1)
    assert np.array_equal(page.snapshot()[1]["theta"], before)
    for fields in ({}, {"example": 42}, {"x": [1.0, 2.0]}, {"x": [1.0], "y": 0}, {"x": [1.0, 2.0], "y": 2}):
        assert page.refused("explain", **fields)["field"] in ("example", "x", "y")


def test_the_graph_is_network_graph_s(page: Page):
    page.do("graph", example=0)
    svg = page.last("graph")[0]["svg"]
    assert svg.startswith("<svg") and "J = sum(losses)" in svg and "style=" not in svg


def test_a_race_is_a_run_of_each_optimizer_from_the_same_start(page: Page):
    page.do("step", unit="epoch", count=3)
    before = page.snapshot()[1]["theta"]
    page.do("race", optimizers=[{"name": "sgd", "learning_rate": 0.1}, {"name": "adam"}], epochs=12)
    while not any(header["type"] == "race" and header["finished"] for header, _ in page.seen):
        page.receive()
    header, arrays = page.last("race")
    assert header["names"] == ["sgd", "adam"] and header["epoch"] == 12
    assert arrays["curve0"].shape == arrays["curve1"].shape == (13, 5)
    assert np.array_equal(arrays["curve0"][0], arrays["curve1"][0])
    assert np.array_equal(page.snapshot()[1]["theta"], before)
    page.do("change", setup={"optimizer": {"name": "sgd", "learning_rate": 0.1}})
    page.do("reset")
    page.do("step", unit="epoch", count=12)
    assert page.snapshot()[0]["loss_train"] == pytest.approx(arrays["curve0"][-1, 1], rel=1e-6)


def test_a_race_can_be_stopped_and_refused(page: Page):
    assert page.refused("race", optimizers=[{"name": "tortoise"}])["field"] == "optimizers.0"
    assert page.refused("race", optimizers=[])["field"] == "optimizers"
    page.do("race", optimizers=[{"name": "sgd"}] * 2, epochs=LIMITS.race_epochs)
    page.do("stop_race")
    page.do("ping")


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_a_page_that_comes_again_finds_its_session(client):
    with connected(client) as page:
        page.do("hello", setup={"data": {"kind": "xor"}})
        page.do("step", unit="epoch", count=3)
        name, (_, arrays) = page.session, page.snapshot()
    with connected(client) as again:
        again.do("hello", session=name)
        assert again.session == name and again.last("snapshot")[0]["epoch"] == 3
        assert np.array_equal(again.last("snapshot")[1]["theta"], arrays["theta"])
        assert again.last("setup")[0]["setup"]["data"]["kind"] == "xor"


def test_a_session_that_has_gone_begins_anew_with_the_address_s_setup(client):
    with connected(client) as page:
        page.do("hello", session="gone", setup={"seed": 9})
        assert page.session != "gone" and page.last("setup")[0]["setup"]["seed"] == 9


def test_a_setup_that_cannot_be_is_told_and_not_taken(client):
    with connected(client) as page:
        page.do("hello", setup={"layers": [{"units": -1}]})
        notice, _ = page.last("notice")
        assert notice["level"] == "warning" and "layers.0.units" in notice["text"]
        assert page.last("setup")[0]["setup"]["layers"][0]["units"] == SMALL["layers"][0]["units"]


def test_tabs_have_sessions_of_their_own(client):
    with connected(client) as one, connected(client) as two:
        one.do("hello")
        two.do("hello")
        assert one.session != two.session
        one.do("step")
        assert two.snapshot()[0]["epoch"] == 0


def test_a_second_page_takes_a_session_over(client):
    with connected(client) as one:
        one.do("hello")
        with connected(client) as two:
            two.do("hello", session=one.session)
            assert one.socket.receive()["type"] == "websocket.close"
            two.do("step")
            assert two.snapshot()[0]["epoch"] == 1


def test_commands_before_hello_and_a_second_hello_are_refused(client):
    with connected(client) as page:
        assert "hello" in page.refused("play")["message"]
        page.do("hello")
        assert "already" in page.refused("hello")["message"]


def test_sessions_are_limited_and_lonely_ones_make_room(client, monkeypatch):
    monkeypatch.setattr("glassnet.playground.rooms.LIMITS", type(LIMITS)(sessions=2))
    with connected(client) as one, connected(client) as two:
        one.do("hello")
        two.do("hello")
        with connected(client) as three:
            assert "2 open pages" in three.refused("hello")["message"]
    with connected(client) as four:
        four.do("hello")


def test_layout_of_theta_is_that_of_the_tensors(page: Page):
    page.do("change", setup={"layers": [{"units": 4, "batch_norm": True}, {"units": 2}]})
    setup, _ = page.last("setup")
    sizes = [int(np.prod(tensor["shape"])) for tensor in setup["tensors"]]
    assert page.snapshot()[1]["theta"].size == sum(sizes) == setup["parameters"]
    assert [tensor["name"] for tensor in setup["tensors"]][:3] == ["W1", "gamma1", "beta1"]
