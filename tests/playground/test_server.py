"""The real server: `glassnet play` in a process of its own, reached over its port."""

import http.client
import json
import signal
import socket
import time
from contextlib import closing
from urllib.parse import urlsplit

import pytest

pytest.importorskip("uvicorn", reason="the playground's server is an extra: glassnet[play]")

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from glassnet.playground.frames import unpack
from served import playing


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSNET_STATE", str(tmp_path / "state"))


def get(url: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, http.client.HTTPMessage, str]:
    """Status, headers and body."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)) as connection:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()


def cookie_of(url: str) -> str:
    parts = urlsplit(url)
    status, headers, _ = get(url, f"/?{parts.query}")
    assert status == 303
    return str(headers["set-cookie"]).split(";")[0]


def test_a_page_comes_in_trains_and_leaves_and_ctrl_c_ends_it_in_silence(tmp_path):
    table = tmp_path / "small.csv"
    table.write_text("a,b,kind\n" + "".join(f"{i},{i * i},{'xy'[i % 2]}\n" for i in range(40)))
    with playing(str(table), "--target", "kind", "--port", "0") as (process, url):
        base = url.split("/?")[0]
        cookie = cookie_of(url)
        assert get(url, "/")[0] == 403
        assert get(url, "/", {"Cookie": cookie})[0] == 200
        assert "token" not in get(url, "/", {"Cookie": cookie})[2]
        with connect(
            base.replace("http", "ws") + "/socket",
            origin=base,  # pyright: ignore[reportArgumentType]
            subprotocols=["glassnet-1"],  # pyright: ignore[reportArgumentType]
            additional_headers={"Cookie": cookie},
            max_size=None,
        ) as ws:
            assert ws.subprotocol == "glassnet-1"

            def ask(do: str, number: int, **fields) -> dict:
                ws.send(json.dumps({"do": do, "id": number, **fields}))
                while True:
                    header, _ = unpack(ws.recv())
                    if header["type"] == "setup":
                        setups.append(header)
                    if header["type"] in ("done", "error") and header["id"] == number:
                        return header

            setups: list[dict] = []
            assert ask("hello", 1)["type"] == "done"
            assert setups[0]["setup"]["data"]["target"] == "kind" and setups[0]["classes"] == ["x", "y"]
            assert ask("play", 2)["type"] == "done"
            assert ask("step", 3, unit="epoch")["type"] == "done"
            ws.send("x" * (2**20 + 1))  # beyond the limit of a message: the socket is closed, the server lives
            with pytest.raises(Exception, match="1009"):
                while True:
                    ws.recv()
        assert get(url, "/", {"Cookie": cookie})[0] == 200
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=20)
        assert process.returncode == 0 and out == ""
        assert "Traceback" not in error and "token" not in error


def test_ctrl_c_ends_it_while_a_page_trains():
    with playing("--port", "0") as (process, url):
        base, cookie = url.split("/?")[0], cookie_of(url)
        with connect(
            base.replace("http", "ws") + "/socket",
            origin=base,  # pyright: ignore[reportArgumentType]
            subprotocols=["glassnet-1"],  # pyright: ignore[reportArgumentType]
            additional_headers={"Cookie": cookie},
        ) as ws:
            ws.send('{"do": "hello", "id": 1}')
            ws.send('{"do": "play", "id": 2}')
            while unpack(ws.recv())[0].get("id") != 2:
                pass
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=20)
        assert process.returncode == 0 and "Traceback" not in error and "Exception" not in error
        assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "headers",
    [{}, {"Cookie": "glassnet-1=x"}, {"Host": "evil.example"}],
    ids=["no cookie", "another cookie", "foreign host"],
)
def test_a_socket_that_may_not_come_in_is_refused_before_it_is_open(headers):
    with playing("--port", "0") as (_, url):
        base = url.split("/?")[0]
        with (
            pytest.raises(InvalidStatus) as caught,
            connect(
                base.replace("http", "ws") + "/socket",
                origin=base,  # pyright: ignore[reportArgumentType]
                subprotocols=["glassnet-1"],  # pyright: ignore[reportArgumentType]
                additional_headers=headers,
            ),
        ):
            pass
        assert caught.value.response.status_code in (400, 403)


def test_a_cookie_outlives_the_server_and_the_launch_link_does_not():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with playing("--port", port) as (process, url):
        cookie = cookie_of(url)
        process.kill()
    with playing("--port", port) as (_, again):
        assert again != url
        assert get(again, "/", {"Cookie": cookie})[0] == 200
        assert get(again, f"/?{urlsplit(url).query}")[0] == 403
