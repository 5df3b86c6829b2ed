"""Start `glassnet play` (its path is the argument), come in by the link it prints, and fetch the page and its files."""

import http.client
import re
import subprocess
import sys
from contextlib import closing
from urllib.parse import urlsplit


def get(address: str, path: str, headers: dict[str, str]) -> tuple[int, http.client.HTTPMessage, str]:
    """Status, headers and body."""
    with closing(http.client.HTTPConnection(address, timeout=60)) as connection:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode("utf-8", "replace")


def check(url: str) -> None:
    """The page must be there, with all files that it names, and closed to whoever has no token."""
    parts = urlsplit(url)
    status, headers, _ = get(parts.netloc, f"/?{parts.query}", {})
    assert status == 303, f"the launch link gives {status}"
    cookie = {"Cookie": headers["set-cookie"].split(";")[0]}
    status, _, page = get(parts.netloc, "/", cookie)
    assert status == 200 and "not built" not in page, "the wheel does not hold the playground's page"
    names = re.findall(r'(?:src|href)="\.?(/assets/[^"]+)"', page)
    assert any(name.endswith(".js") for name in names), f"the page names no script: {page[:300]}"
    for name in names:
        status, headers, body = get(parts.netloc, name, cookie)
        assert status == 200 and body, f"{name} gives {status}"
        print(name, headers["content-type"], f"{len(body):,} bytes")
    assert get(parts.netloc, "/", {})[0] == 403, "the page is open without the token"


def main() -> None:
    """Start, check, end."""
    command = [sys.argv[1], "play", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            check(process.stdout.readline().strip())
        finally:
            process.terminate()
    print("the page is served")


main()
