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
