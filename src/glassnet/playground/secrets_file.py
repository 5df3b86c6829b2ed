"""The cookie's secret, kept for each port, so that a page finds its way back after the server was started again.

The launch token is new at every start and works once; the cookie that it became stays good while this file does. Only
its owner may read it. One that others can read, that is a link, malformed or older than a month, is made anew.
"""

import os
import re
import secrets
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["kept_secret", "state_folder"]

LENGTH = 43  # characters of 32 random bytes
OLDEST = 30 * 24 * 3600.0  # seconds
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
_NO_FOLDER = (OSError, RuntimeError)  # of a disk, and of Path.home() for a user who has none


def state_folder() -> Path:
    """Where this user's programs keep their state; GLASSNET_STATE names another folder."""
    given = os.environ.get("GLASSNET_STATE")
    if given:
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "glassnet"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "glassnet"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "glassnet"


def kept_secret(port: int) -> str:
    """The secret of this port: the one that is kept, or a new one; without a folder to keep it, one for this run."""
    new = secrets.token_urlsafe(32)
    try:
        path = state_folder() / f"playground-{port}.secret"
        found = _read(path)
        if found is None:
            _write(path, new)
    except _NO_FOLDER:
        return new
    return found or new


def _read(path: Path) -> str | None:
    """What is kept there, if nobody else can have read or written it."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    with os.fdopen(file, "rb") as stream:
        status = os.fstat(file)
        text = stream.read(LENGTH + 1).decode("ascii", "replace") if stat.S_ISREG(status.st_mode) else ""
    mine = os.name == "nt" or (status.st_uid == os.getuid() and not status.st_mode & 0o077)
    young = 0 <= time.time() - status.st_mtime + 60 < OLDEST
    return text if mine and young and _FORM.fullmatch(text) else None


def _write(path: Path, text: str) -> None:
    """In one step, and never readable for others."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(text.encode())
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
