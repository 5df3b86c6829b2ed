"""`glassnet play`: what it prints and opens, what it begins with, and mistakes in one line; no server runs here."""

import importlib.util
import socket

import pytest

pytest.importorskip("uvicorn", reason="the playground's server is an extra: glassnet[play]")

from glassnet.playground import server


@pytest.fixture(autouse=True)
def served(monkeypatch, tmp_path):
    """What would be served: rooms and keys; and no browser opens."""
    found: list[tuple] = []

    def serve(rooms, keys, listener):
        found.append((rooms, keys))
        listener.close()

    monkeypatch.setattr(server, "serve", serve)
    monkeypatch.setattr("glassnet.cli.play._open", lambda url: found.append(("opened", url)))
    monkeypatch.setenv("GLASSNET_STATE", str(tmp_path))
    return found


def test_the_link_stands_alone_on_stdout_and_is_opened(run, served):
    done = run("play", "--port", "0")
    assert done.code == 0
    (word, url), (rooms, keys) = served
    assert done.out == f"http://127.0.0.1:{keys.port}/?token={keys.launch}\n" and (word, url) == (
        "opened",
        done.out.strip(),
    )
    assert "works once" in done.err and str(keys.launch) not in done.err and keys.secret not in done.out + done.err
    assert rooms.start.data.kind == "circle"


def test_no_browser_opens_none(run, served):
    assert run("play", "--no-browser", "--port", "0").code == 0
    assert len(served) == 1


@pytest.mark.parametrize("word", ["spiral", "multi-gauss"])
def test_a_toy_is_what_it_begins_with(run, served, word):
    assert run("play", word, "--no-browser", "--port", "0").code == 0
    assert served[0][0].start.data.kind == word.replace("-", "_")


def test_a_table_is_what_it_begins_with(run, served, good):
    assert run("play", good, "--target", "label", "--no-browser", "--port", "0").code == 0
    rooms, _ = served[0]
    assert rooms.start.data.kind == "table" and rooms.start.data.target == "label"
    assert next(iter(rooms.tables)) == rooms.start.data.table
    assert "iris" in rooms.tables


def test_built_in_tables_know_their_target(run, served):
    assert run("play", "iris", "--no-browser", "--port", "0").code == 0
    assert served[0][0].start.data.target == "species"


def test_a_fixed_port_keeps_its_secret_and_a_chance_one_does_not(run, served):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(2):
        assert run("play", "--no-browser", "--port", port).code == 0
        assert run("play", "--no-browser", "--port", "0").code == 0
    fixed, chance = [[keys.secret for _, keys in served[i::2]] for i in (0, 1)]
    assert fixed[0] == fixed[1] and chance[0] != chance[1]
    assert len({keys.launch for _, keys in served}) == 4


def test_letting_the_network_in_is_warned_of_in_words(run, served):
    done = run("play", "--no-browser", "--port", "0", "--host", "localhost")
    assert "cross the network unencrypted" in done.err
    assert served[0][1].hosts == {f"localhost:{served[0][1].port}"}


def test_a_port_in_use_is_one_line(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen at 127.0.0.1:{port}" in run("play", "--port", port).complaint


def test_the_usual_port_in_use_gives_way_to_a_free_one(run, served, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr("glassnet.cli.play.PORT", taken.getsockname()[1])
        assert run("play", "--no-browser").code == 0
        assert served[0][1].port != taken.getsockname()[1]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--port many", "--port must be a whole number"),
        ("--port 70000", "--port must be a whole number from 0 to 65,535"),
        ("--host 0.0.0.0", "name one address"),
        ("--host 203.0.113.7 --port 0", "cannot listen at 203.0.113.7"),
        ("nothing.csv --port 0", "no such file"),
        ("spirall --port 0", "did you mean 'spiral'"),
        ("--target a --port 0", "--target needs a table"),
        ("spiral --target a --port 0", "--target needs a table"),
        ("iris --target colour --port 0", "has no column 'colour'"),
    ],
)
def test_what_cannot_be_is_one_line(run, words, text):
    assert text in run("play", *words.split()).complaint


def test_a_table_without_a_target_lists_its_columns(run, good):
    assert "say which column to predict with --target" in run("play", good, "--port", "0").complaint


def test_a_table_that_cannot_be_learned_from_is_told_at_the_start(run, tmp_path):
    file = tmp_path / "flat.csv"
    file.write_text("a,y\n1,x\n1,x\n1,x\n1,x\n")
    assert "only one class" in run("play", file, "-t", "y", "--port", "0").complaint


def test_without_the_extra_it_says_how_to_get_it(run, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "uvicorn" else find(name))
    assert run("play").complaint.endswith('the playground needs uvicorn: pip install "glassnet[play]"')


# --- with a model -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Model files by name: what `glassnet fit --out` and the page write."""
    from glassnet import Dense, Network, TableClassifier, TableRegressor
    from glassnet.tables import load_dataset

    folder = tmp_path_factory.mktemp("models")
    networks = {
        "two": Network(2, [Dense(3, "tanh"), Dense(1, "sigmoid")], seed=5),
        "numbers": Network(2, [Dense(3, "tanh"), Dense(1)]),
        "line": Network(1, [Dense(3, "tanh"), Dense(1)]),
        "seven": Network(7, [Dense(3, "tanh"), Dense(1)]),
        "three": Network(2, [Dense(3, "tanh"), Dense(3, "softmax")], "cross_entropy"),
        "wide": Network(2, [Dense(300, "tanh"), Dense(1)]),
        "summed": Network(2, [Dense(3, "tanh"), Dense(1, "sigmoid")], reduction="sum"),
    }
    for name, table in (("iris", TableClassifier), ("diabetes", TableRegressor)):
        data = load_dataset(name)
        features = data.frame.drop(data.target)
        networks[name] = table(hidden=(5,), epochs=3, random_state=0).fit(features, data.frame[data.target])
    frame = data.frame.rename({data.target: "goal"})
    networks["own"] = TableRegressor(hidden=(5,), epochs=3, random_state=0).fit(frame.drop("goal"), frame["goal"])
    frame.write_csv(folder / "own.csv")
    for name, model in networks.items():
        model.save(folder / f"{name}.glassnet")
    return folder, networks


def first_session(served):
    rooms, _ = served[0]
    session, _ = rooms.enter(None, None)
    session.close()
    return session.trainer


@pytest.mark.parametrize(("name", "kind"), [("two", "circle"), ("numbers", "multi_gauss"), ("line", "function")])
def test_a_network_alone_is_shown_on_data_that_it_fits(run, served, models, name, kind):
    folder, networks = models
    done = run("play", folder / f"{name}.glassnet", "--no-browser", "--port", "0")
    assert done.code == 0 and f"network, on {kind}, built-in data that it fits" in done.err
    trainer = first_session(served)
    assert trainer.setup.data.kind == kind and trainer.setup.loss == "auto" and not trainer.marks
    assert trainer.state.theta.tolist() == networks[name].parameters.vector.tolist()
    assert trainer.setup.seed == networks[name].seed and len(trainer.rows) == 1


def test_a_network_is_shown_on_the_data_that_are_named(run, served, models):
    folder, networks = models
    assert run("play", "spiral", "-m", folder / "two.glassnet", "--no-browser", "--port", "0").code == 0
    trainer = first_session(served)
    assert trainer.setup.data.kind == "spiral"
    assert trainer.state.theta.tolist() == networks["two"].parameters.vector.tolist()


@pytest.mark.parametrize("words", [["iris.glassnet"], ["own.csv", "--model", "own.glassnet"], ["diabetes.glassnet"]])
def test_a_table_model_predicts_on_the_page_what_it_predicts(run, served, models, words):
    folder, networks = models
    given = [folder / word if "." in word else word for word in words]
    done = run("play", *given, "--no-browser", "--port", "0")
    assert done.code == 0 and "with its own preprocessing" in done.err
    trainer, model = first_session(served), networks[words[-1].split(".")[0]]
    data = trainer.problem.dataset
    table = trainer.tables[trainer.setup.data.table]
    assert trainer.setup.data.target == model.target_.name
    _, outputs = trainer.evaluate(trainer.problem.train)
    rows = table.frame.drop(table.target)[data.order[: len(data.X)]]
    if data.classes is None:
        assert model.predict(rows) == pytest.approx(data.scale[0] + data.scale[1] * outputs[:, 0], rel=1e-5)
    else:
        assert model.predict_proba(rows) == pytest.approx(outputs, abs=1e-6)
    trainer.change({"data": {"features": list(table.frame.columns[:2])}})  # then it is another problem, as always
    assert len(trainer.problem.dataset.inputs) == 2


def test_a_setup_of_another_network_begins_with_its_own_weights(run, served, models):
    folder, networks = models
    assert run("play", folder / "two.glassnet", "--no-browser", "--port", "0").code == 0
    rooms, _ = served[0]
    for setup, same in (({"data": {"kind": "xor"}}, True), ({"layers": [{"units": 4}]}, False)):
        session, notice = rooms.enter(None, setup)
        session.close()
        theta = session.trainer.state.theta.tolist()
        assert notice is None and (theta == networks["two"].parameters.vector.tolist()) == same


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("seven.glassnet", "no built-in problem has 7 inputs and 1 output; give the data"),
        ("three.glassnet", "no built-in problem has 2 inputs and 3 outputs; give the data"),
        ("wide.glassnet", "wide.glassnet: layers.0.units"),
        ("summed.glassnet", "has no sum over the examples"),
        ("missing.glassnet", "there is no such file"),
        ("own.glassnet", "holds no rows to show it on; give a table with these columns"),
        ("two.glassnet -m two.glassnet", "give one of them"),
        ("two.glassnet --target y", "--target needs a table"),
        ("iris.glassnet --target y", "predicts 'species'; leave --target out"),
        ("own.csv -m own.csv", "is not a glassnet file"),
        ("own.csv -m iris.glassnet", "has no column 'species', which"),
        ("own.csv -t goal -m two.glassnet", "has 2 inputs and 1 output, but the present data give 10 inputs"),
        ("plane -m two.glassnet", "binary_cross_entropy takes targets in [0, 1]"),
        (
            "own.csv -t goal -m numbers.glassnet",
            "has 2 inputs and 1 output, but the present data give 10 inputs",
        ),
        ("circle -m iris.glassnet", "has no column 'species', which"),
    ],
)
def test_a_model_that_cannot_be_shown_is_one_line(run, models, words, text):
    folder, _ = models
    given = [folder / word if word.endswith((".glassnet", ".csv")) else word for word in words.split()]
    assert text in run("play", *given, "--port", "0").complaint


def test_a_damaged_model_file_is_one_line(run, models, tmp_path):
    folder, _ = models
    broken = tmp_path / "broken.glassnet"
    broken.write_bytes((folder / "two.glassnet").read_bytes()[:-5])
    assert "damaged" in run("play", broken, "--port", "0").complaint
