"""Every route and the socket refuse whoever is not the playground's own page, and nothing leads out of its files."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from glassnet.playground import security
from glassnet.playground.limits import LIMITS
from glassnet.playground.rooms import Rooms
from glassnet.playground.security import Guard, Keys
from glassnet.playground.server import application
from playing import BASE, ORIGIN, SMALL, connected, playground

ROUTES = [
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/assets/index.js"),
    ("GET", "/index.html"),
    ("GET", "/nothing"),
    ("POST", "/upload?session=x&name=a.csv"),
    ("POST", "/import?session=x"),
    ("GET", "/export/model?session=x"),
    ("GET", "/export/python?session=x"),
    ("GET", "/export/pytorch?session=x"),
    ("GET", "/export/keras?session=x"),
    ("GET", "/export/json?session=x"),
    ("OPTIONS", "/upload"),
    ("DELETE", "/upload"),
    ("PUT", "/"),
]
UNSAFE = [route for route in ROUTES if route[0] not in ("GET", "HEAD")]


@pytest.fixture(scope="module")
def keys():
    return Keys(8421)


@pytest.fixture(scope="module")
def client(keys):
    """A client without the cookie."""
    with TestClient(application(Rooms({}, SMALL), keys), base_url=BASE, follow_redirects=False) as found:
        yield found


def cookie(keys: Keys, secret: str | None = None) -> dict[str, str]:
    return {"cookie": f"{keys.cookie}={keys.secret if secret is None else secret}"}


def refused_socket(client: TestClient, headers: dict[str, str], url: str = BASE) -> bool:
    """Whether the socket is refused before it is accepted."""
    try:
        with client.websocket_connect(url.replace("http", "ws") + "/socket", ["glassnet-1"], headers=headers):
            return False
    except (WebSocketDisconnect, WebSocketDenialResponse):
        return True


def test_the_page_s_own_requests_pass(client, keys):
    """The checks below would prove nothing if all were refused."""
    own = {**cookie(keys), **ORIGIN}
    for method, path in ROUTES:
        assert client.request(method, path, headers=own).status_code != 403
    assert not refused_socket(client, own)
    assert client.get("/", headers=cookie(keys)).status_code == 200  # typed into the address bar: no Origin
    assert client.get("/", headers={**cookie(keys), "host": "localhost:8421"}).status_code == 200


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cookie": "glassnet-8421="},
        {"cookie": "glassnet-8421=wrong"},
        {"cookie": "glassnet-8422={secret}"},
        {"cookie": ";;=;"},
    ],
    ids=["no cookie", "empty", "wrong", "of another port", "garbage"],
)
def test_without_the_token_every_route_is_refused(client, keys, method, path, headers):
    given_headers = {name: value.format(secret=keys.secret) for name, value in headers.items()}
    response = client.request(method, path, headers={**ORIGIN, **given_headers})
    assert response.status_code == 403
    assert refused_socket(client, {**ORIGIN, **given_headers})


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8421",
        "127.0.0.1",
        "127.0.0.1:8422",
        "127.0.0.1.evil.example:8421",
        "localhost:8421.",
        "0.0.0.0:8421",
        "[::]:8421",
        "",
    ],
)
def test_with_a_foreign_host_every_route_is_refused(client, keys, method, path, host):
    headers = {**cookie(keys), "host": host, "origin": f"http://{host}"}
    assert client.request(method, path, headers=headers).status_code == 403
    assert refused_socket(client, headers)


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "https://127.0.0.1:8421",
        "http://127.0.0.1:8422",
        "http://localhost:8421",
        "http://127.0.0.1:8421/",
        "http://127.0.0.1:8421.evil.example",
        "http://127.0.0.1",
    ],
)
def test_with_a_foreign_or_null_origin_every_route_is_refused(client, keys, method, path, origin):
    headers = {**cookie(keys), "origin": origin}
    assert client.request(method, path, headers=headers).status_code == 403
    assert refused_socket(client, headers)


@pytest.mark.parametrize(("method", "path"), UNSAFE)
def test_what_changes_something_needs_an_origin_from_the_same_site(client, keys, method, path):
    assert client.request(method, path, headers=cookie(keys)).status_code == 403
    for site in ("cross-site", "same-site", "none"):
        headers = {**cookie(keys), **ORIGIN, "sec-fetch-site": site}
        assert client.request(method, path, headers=headers).status_code == 403
    headers = {**cookie(keys), **ORIGIN, "sec-fetch-site": "same-origin"}
    assert client.request(method, path, headers=headers).status_code != 403


def test_the_socket_needs_an_origin(client, keys):
    assert refused_socket(client, cookie(keys))


def test_a_header_that_comes_twice_counts_as_none(client, keys):
    twice = [("host", "127.0.0.1:8421"), ("host", "evil.example"), *cookie(keys).items()]
    assert asyncio.run(_status(keys, twice)) == 403
    origins = [("host", "127.0.0.1:8421"), ("origin", BASE), ("origin", "http://evil.example"), *cookie(keys).items()]
    assert asyncio.run(_status(keys, origins)) == 403
    once = [("host", "127.0.0.1:8421"), *cookie(keys).items()]
    assert asyncio.run(_status(keys, once)) == 200


async def _status(keys: Keys, headers: list[tuple[str, str]]) -> int:
    """The status that the guard lets through or gives, for headers that a client library would not send."""
    found: list[int] = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        found.append(message.get("status", 0))

    async def receive():
        return {"type": "http.request", "body": b""}

    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": raw}
    await Guard(app, keys)(scope, receive, send)
    return found[0]


# --- the token --------------------------------------------------------------------------------------------------------


def test_the_launch_token_works_once_and_becomes_a_strict_cookie():
    keys = Keys(8421)
    with TestClient(application(Rooms({}), keys), base_url=BASE, follow_redirects=False) as client:
        launch = keys.launch
        assert client.get("/?token=wrong").status_code == 403
        assert client.get(f"/x?token={launch}").status_code == 403  # only the front door takes it
        response = client.get(f"/?token={launch}")
        assert response.status_code == 303 and response.headers["location"] == "/"
        value = response.headers["set-cookie"]
        assert value.startswith("glassnet-8421=") and keys.secret in value and str(launch) not in value
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            assert word in value
        assert client.get("/").status_code == 200
        assert client.get(f"/?token={launch}").status_code == 303  # the same browser may open the link again
        client.cookies.clear()
        again = client.get(f"/?token={launch}")
        assert again.status_code == 403 and "has been used" in again.text


def test_the_launch_token_is_refused_from_another_page():
    keys = Keys(8421)
    with TestClient(application(Rooms({}), keys), base_url=BASE, follow_redirects=False) as client:
        response = client.get(f"/?token={keys.launch}", headers={"origin": "http://evil.example"})
        assert response.status_code == 403 and keys.launch is not None


def test_two_servers_have_different_tokens():
    assert len({key for _ in range(20) for key in (Keys(1).launch, Keys(1).secret)}) == 40


def test_tokens_are_compared_in_constant_time(monkeypatch):
    compared: list[tuple[bytes, bytes]] = []
    digest = security.hmac.compare_digest

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return digest(a, b)

    monkeypatch.setattr(security.hmac, "compare_digest", compare)
    keys = Keys(1)
    assert not keys.spend("x")
    assert not keys.admits("glassnet-1=x")
    assert keys.admits(f"glassnet-1={keys.secret}")
    assert len(compared) == 3


@given(st.text())
def test_any_token_and_cookie_but_the_right_one_is_refused(text):
    keys = Keys(8421)
    assert not keys.spend(text)
    assert not keys.admits(text)
    assert not keys.admits(f"glassnet-8421={text}")
    assert keys.launch is not None


# --- what is answered -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/nothing", "/export/model?session=x"])
@pytest.mark.parametrize("allowed", [True, False])
def test_every_answer_carries_the_policy(client, keys, path, allowed):
    headers = client.get(path, headers=cookie(keys) if allowed else {}).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self';") and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "*" not in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer" and headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/../security.py",
        "/..%2fsecurity.py",
        "/%2e%2e/security.py",
        "/assets/../../server.py",
        "//etc/passwd",
        "/assets/",
        "/assets",
        "/.hidden",
        "/C:%5Cboot.ini",
        "/index.html%00.js",
        "/note.py",
    ],
)
def test_no_path_leads_out_of_the_built_files_and_no_folder_is_listed(tmp_path, path):
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>page</title>")
    (static / "assets" / "a.js").write_text("1")
    (static / "note.py").write_text("secret")
    (static / ".hidden").write_text("secret")
    (tmp_path / "security.py").write_text("secret")
    keys = Keys(8421)
    with TestClient(application(Rooms({}), keys, static), base_url=BASE, headers=cookie(keys)) as client:
        response = client.get(path)
        assert response.status_code == 404 and "secret" not in response.text and "a.js" not in response.text
        page = client.get("/")
        assert page.headers["content-type"].startswith("text/html") and "<title>page" in page.text
        assert client.get("/assets/a.js").headers["content-type"].startswith("text/javascript")


def test_a_link_out_of_the_built_files_is_not_followed(tmp_path):
    static = tmp_path / "static"
    static.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (static / "a.txt").symlink_to(tmp_path / "secret.txt")
    keys = Keys(8421)
    with TestClient(application(Rooms({}), keys, static), base_url=BASE, headers=cookie(keys)) as client:
        assert client.get("/a.txt").status_code == 404


def test_an_error_holds_no_path_and_no_html(client, keys):
    own = {**cookie(keys), **ORIGIN}
    response = client.post("/upload?session=<script>&name=/etc/passwd", headers=own, content=b"a")
    assert response.status_code == 400 and response.headers["content-type"] == "application/json"
    assert "/etc" not in response.text


# --- limits -----------------------------------------------------------------------------------------------------------


def test_an_upload_that_is_too_long_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr("glassnet.playground.transfer.LIMITS", type(LIMITS)(upload_bytes=2**20))
    with playground() as client, connected(client) as page:
        page.do("hello")
        url = f"/upload?session={page.session}&name=a.csv"
        assert client.post(url, content=b"x" * (2**20 + 1), headers=ORIGIN).status_code == 413

        parts = (b"a,b\n" * 10_000 for _ in range(40))  # no length is announced
        response = client.post(url, content=parts, headers=ORIGIN)
        assert response.status_code == 413 and "1 MB" in response.json()["error"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"a\n1\n2\n", "one column"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"a,b\n1\n", "1 cell"),
        (b"a,a\n1,2\n", "twice"),
        (b",".join(b"c%d" % i for i in range(LIMITS.columns + 1)) + b"\n", "columns"),
        (b"a,b\n" + b"1,2\n" * (LIMITS.rows + 1), "more than the playground's 50,000"),
        (b'a,b\n"1",2\n' + b"1,2\n" * (LIMITS.rows + 1), "more than the playground's 50,000"),
    ],
)
def test_a_table_that_cannot_be_is_refused_in_one_line(content, words):
    with playground() as client, connected(client) as page:
        page.do("hello")
        response = client.post(f"/upload?session={page.session}&name=t.csv", content=content, headers=ORIGIN)
        assert response.status_code == 400 and words in response.json()["error"]
        assert "\n" not in response.json()["error"]


def test_cells_and_names_stay_text():
    nasty = "<img src=x onerror=alert(1)>"
    rows = "".join(f"{i},{nasty if i % 2 else '=1+1'}\n" for i in range(20))
    with playground() as client, connected(client) as page:
        page.do("hello")
        response = client.post(
            f"/upload?session={page.session}",
            params={"session": page.session, "name": "../../<b>t</b>.csv"},
            content=f"a,{nasty}\n{rows}".encode(),
            headers=ORIGIN,
        )
        document = response.json()
        assert document["title"] == "b>.csv"  # the part after the last slash, as text
        assert [column["name"] for column in document["columns"]] == ["a", nasty]
        page.do("change", setup={"data": {"kind": "table", "table": document["table"]}})
        assert page.last("setup")[0]["classes"] == [nasty, "=1+1"]
        program = client.get(f"/export/python?session={page.session}").text
        compile(program, "exported", "exec")


def test_old_uploads_make_room(monkeypatch):
    monkeypatch.setattr("glassnet.playground.session.LIMITS", type(LIMITS)(tables=2))
    with playground() as client, connected(client) as page:
        page.do("hello")
        names = []
        for _ in range(3):
            url = f"/upload?session={page.session}&name=t.csv"
            names.append(client.post(url, content=b"a,b\n1,2\n3,4\n5,6\n7,8\n", headers=ORIGIN).json()["table"])
        assert len(set(names)) == 3
        assert page.refused("change", setup={"data": {"kind": "table", "table": names[0]}})["field"] == "data.table"
        page.do("change", setup={"data": {"kind": "table", "table": names[2]}})
