"""Writing a file so that a reader sees the old one or the new one, each whole, and never a mixture.

The bytes go to a temporary file in the same folder, are flushed to the disk (`fsync`), and take the name
in one step (`os.replace`); then the folder is flushed, so that the new name outlives a power cut. A crash
in between leaves the old file and, at worst, a stray `.glassnet-….tmp` that may be deleted.

What `open(path, "w")` refuses is refused here too, although `os.replace` alone would do it: a file that
somebody made read-only is protected on purpose. Devices and pipes are refused: a rename would destroy them.

Source: T. S. Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014.
"""

import errno
import os
import secrets
import shlex
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from glassnet.errors import WriteError

__all__ = ["AnyPath", "prove_writable", "shown", "write_bytes", "write_text"]

AnyPath = str | os.PathLike[str]

_ELSEWHERE = "choose another folder"
_FIXES = {
    errno.ENOSPC: "free some space or choose another disk",
    errno.EDQUOT: "free some of your quota or choose another disk",
    errno.EACCES: "choose a folder that you may write in, or change its permissions",
    errno.EPERM: "choose a folder that you may write in, or change its permissions",
    errno.EROFS: _ELSEWHERE,
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "choose a path without a loop of links",
    errno.EIO: "check the disk or choose another one",
}
_NO_FOLDER_FSYNC = {errno.EINVAL, errno.ENOTSUP, errno.EACCES}  # some file systems; a folder without "r"


class _Target(NamedTuple):
    """Where the bytes go, links followed, and the permissions to keep (None: a new file)."""

    path: Path
    mode: int | None


def write_bytes(path: AnyPath, data: bytes) -> None:
    """Write `data` to `path`: afterwards the file is either the new one or, after an error, the old one.

    A new file gets the permissions that `open` would give it; an existing file keeps its own. A symbolic
    link is followed, and what it points to is written.

    Parameters
    ----------
    path : str or PathLike
        The file. Its folder must exist.
    data : bytes
        The whole content.

    Raises
    ------
    WriteError
        With the path, the cause ("No space left on device") and what to do; no temporary file is left.
        `errno` is the cause's. Only if the very last step fails, the flush of the folder, is the new
        file already in place, whole; the message says so.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes(Path(folder, "a.bin"), b"whole")
    ...     Path(folder, "a.bin").read_bytes()
    b'whole'
    """
    with _explained(path):
        target = _target(path)
        with _beside(target) as (temporary, stream):
            _to_disk(stream, data)
            temporary.replace(target.path)
    with _explained(path, "the new file is in place, but may be lost in a power cut: "):
        _fsync_folder(target.path.parent)


def write_text(path: AnyPath, text: str) -> None:
    r"""Write `text` as UTF-8, line ends as they are, with the promises of `write_bytes`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_text(Path(folder, "a.txt"), "η = 0.01\n")
    ...     Path(folder, "a.txt").read_text(encoding="utf-8")
    'η = 0.01\n'
    """
    write_bytes(path, text.encode("utf-8"))


def prove_writable(path: AnyPath) -> None:
    """Prove, before a long job, that `write_bytes(path, …)` will find its place; leave no trace.

    The folder must exist and must let us create, fill, flush and remove a file; `path` must not be a
    folder, a device or a read-only file. What stands at `path` is not touched. How much space is left
    cannot be promised.

    Raises
    ------
    WriteError
        As `write_bytes` would, and for the same reasons.

    Examples
    --------
    >>> prove_writable("no/such/folder/model.glassnet")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    glassnet.errors.WriteError: cannot write no/such/folder/model.glassnet: ...; make it: mkdir -p ...
    """
    with _explained(path):
        target = _target(path)
        with _beside(target) as (temporary, stream):
            _to_disk(stream, b"\0")
            temporary.unlink()


def shown(path: AnyPath) -> str:
    r"""Return the path as one printable line for a message.

    >>> shown("model.glassnet"), shown("a\nb")
    ('model.glassnet', "'a\\nb'")
    """
    text = os.fspath(path)
    return text if text and text.isprintable() else repr(text)


@contextmanager
def _explained(path: AnyPath, note: str = "") -> Generator[None]:
    """Turn whatever the system says into one line that names the path, the cause and the mending."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        cause = error.strerror or str(error)
        failure = _refusal(path, note + cause, _FIXES.get(error.errno or 0, _ELSEWHERE))
        failure.errno = error.errno
        raise failure from error
    except ValueError as error:  # a NUL or a lone surrogate in the path
        raise _refusal(path, str(error), "choose another name") from error


def _refusal(path: AnyPath, cause: str, fix: str) -> WriteError:
    return WriteError(f"cannot write {shown(path)}: {cause}; {fix}")


def _target(path: AnyPath) -> _Target:
    """Follow links and refuse every place where a plain file cannot or must not be put."""
    target = Path(os.path.realpath(path))
    _check_folder(path, target.parent)
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mode = None
    if os.fspath(path).endswith(os.sep) or (mode is not None and stat.S_ISDIR(mode)):
        raise _refusal(path, "it is a folder", "add a file name")
    if mode is None:
        return _Target(target, None)
    if not stat.S_ISREG(mode):
        raise _refusal(path, "it is a device or a pipe, not a file", "choose a file name")
    if not mode & 0o222 or not os.access(target, os.W_OK):  # root may write anything: ask the mode too
        fix = f"choose another name or allow it: chmod u+w {shlex.quote(str(target))}"
        raise _refusal(path, "a read-only file stands there", fix)
    return _Target(target, stat.S_IMODE(mode) & 0o777)


def _check_folder(path: AnyPath, folder: Path) -> None:
    try:
        folder_mode = folder.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        standing = next(p for p in folder.parents if p.exists())
        if standing.is_dir():
            fix = f"make it: mkdir -p {shlex.quote(str(folder))}"
            raise _refusal(path, f"there is no folder {shown(folder)}", fix) from None
        raise _refusal(path, f"{shown(standing)} is a file, not a folder", _ELSEWHERE) from None
    if not stat.S_ISDIR(folder_mode):
        raise _refusal(path, f"{shown(folder)} is a file, not a folder", _ELSEWHERE)


@contextmanager
def _beside(target: _Target) -> Generator[tuple[Path, IO[bytes]]]:
    """Open a new file next to the target, with the target's permissions; whatever happens, remove it."""
    temporary = target.path.with_name(f".glassnet-{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o666 if target.mode is None else target.mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if target.mode is not None and stat.S_IMODE(os.fstat(descriptor).st_mode) != target.mode:
                temporary.chmod(target.mode)  # the umask took some bits away
            yield temporary, stream
    finally:
        with suppress(OSError):  # after a replace there is nothing to remove
            temporary.unlink()


def _to_disk(stream: IO[bytes], data: bytes) -> None:
    """Write, flush, fsync and close: only a closed file can be renamed everywhere."""
    stream.write(data)
    stream.flush()
    os.fsync(stream.fileno())
    stream.close()


def _fsync_folder(folder: Path) -> None:
    """Flush the folder's entries, on the systems that can (Windows cannot)."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_FSYNC:
            raise
