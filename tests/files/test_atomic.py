"""A write ends with the new file or with an error and the old one; nothing in between, nothing left over."""

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from glassnet.errors import GlassnetError, WriteError
from glassnet.files.atomic import prove_writable, write_bytes, write_text
from glassnet.files.container import read_container

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions, links and signals")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "m.glassnet"
    path.write_bytes(b"old")
    return path


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def assert_untouched(old: Path) -> None:
    assert old.read_bytes() == b"old"
    assert list(old.parent.iterdir()) == [old]


def test_writes_and_replaces(tmp_path: Path):
    path = tmp_path / "a"
    for data in (b"one", b"", b"three" * 100_000):
        write_bytes(path, data)
        assert path.read_bytes() == data
    write_text(str(path), "η\r\n")
    assert path.read_bytes() == "η\r\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_bare_name_goes_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    prove_writable("a")
    write_bytes("a", b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


def test_the_longest_name_is_fine(tmp_path: Path):
    path = tmp_path / ("n" * 255)
    prove_writable(path)
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


@posix
def test_permissions(tmp_path: Path, umask: int):
    path = tmp_path / "a"
    write_bytes(path, b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    for mode in (0o600, 0o644, 0o666, 0o755):
        path.chmod(mode)
        write_bytes(path, b"y")
        assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_a_private_file_is_private_from_the_first_moment(old: Path, monkeypatch: pytest.MonkeyPatch):
    old.chmod(0o600)
    modes: list[int] = []
    opened = os.open

    def spy(path: str, flags: int, mode: int = 0o777) -> int:
        descriptor = opened(path, flags, mode)
        if flags & os.O_CREAT:
            modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    monkeypatch.setattr(os, "open", spy)
    write_bytes(old, b"secret")
    assert modes == [0o600]


@posix
def test_a_link_stays_and_its_target_is_written(old: Path, tmp_path: Path):
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "link").symlink_to("../m.glassnet")
    (folder / "dangling").symlink_to("new")
    for name in ("link", "dangling"):
        prove_writable(folder / name)
        write_bytes(folder / name, b"via")
        assert (folder / name).is_symlink()
    assert old.read_bytes() == (folder / "new").read_bytes() == b"via"


# --- the order of the steps ---


@posix
def test_flush_then_replace_then_flush_the_folder(old: Path, monkeypatch: pytest.MonkeyPatch):
    steps = []
    fsync, replace = os.fsync, Path.replace

    def spy_fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("folder" if is_folder else f"file {os.fstat(descriptor).st_size}")
        fsync(descriptor)

    def spy_replace(self: Path, target: Path) -> Path:
        assert self.parent == target.parent
        steps.append("replace")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(Path, "replace", spy_replace)
    write_bytes(old, b"12345")
    assert steps == ["file 5", "replace", "folder"]


# --- failures ---


def failing(number: int):
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


STEPS = {"open": (os, "open"), "fsync": (os, "fsync"), "replace": (Path, "replace")}
CAUSES = {
    errno.ENOSPC: "No space left on device; free some space",
    errno.EACCES: "Permission denied; choose a folder that you may write in",
    errno.EROFS: "Read-only file system; choose another folder",
    errno.EDQUOT: "quota",
    errno.EIO: "check the disk",
    errno.EBUSY: "choose another folder",
}


@pytest.mark.parametrize("number", CAUSES, ids=errno.errorcode.get)
@pytest.mark.parametrize("step", STEPS)
def test_a_failed_step_leaves_the_old_file(step: str, number: int, old: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(*STEPS[step], failing(number))
    with pytest.raises(WriteError, match=CAUSES[number]) as caught:
        write_bytes(old, b"new")
    assert str(old) in str(caught.value) and str(caught.value).isprintable()
    assert caught.value.errno == number
    assert isinstance(caught.value, OSError) and isinstance(caught.value, GlassnetError)
    monkeypatch.undo()
    assert_untouched(old)


@pytest.mark.parametrize("step", ["open", "fsync"])
def test_the_proof_finds_the_same_failures(step: str, old: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(*STEPS[step], failing(errno.ENOSPC))
    with pytest.raises(WriteError, match="No space left"):
        prove_writable(old)
    monkeypatch.undo()
    assert_untouched(old)


def test_an_interrupt_leaves_the_old_file(old: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(old, b"new")
    assert_untouched(old)


@posix
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, old: Path):
    """The kernel itself refuses the bytes: a limit on the size of files."""
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        "from glassnet.files.atomic import *; write_bytes(sys.argv[1], bytes(100_000))"
    )
    run = subprocess.run([sys.executable, "-c", program, old], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert f"WriteError: cannot write {old}: File too large" in run.stderr
    assert_untouched(old)


@posix
@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_flush_folders_is_fine(number: int, old: Path, monkeypatch: pytest.MonkeyPatch):
    fail_for_folders(monkeypatch, number)
    write_bytes(old, b"new")
    assert old.read_bytes() == b"new"


@posix
def test_a_folder_that_fails_to_flush_is_told(old: Path, monkeypatch: pytest.MonkeyPatch):
    fail_for_folders(monkeypatch, errno.EIO)
    with pytest.raises(WriteError, match="the new file is in place, but may be lost in a power cut: Input/output"):
        write_bytes(old, b"new")
    assert old.read_bytes() == b"new"
    assert list(old.parent.iterdir()) == [old]


def fail_for_folders(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    fsync = os.fsync

    def fail(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)


# --- places where no file can go: refused by the proof and by the write alike ---


@pytest.fixture(params=[prove_writable, lambda path: write_bytes(path, b"new")], ids=["prove", "write"])
def attempt(request: pytest.FixtureRequest):
    return request.param


def test_a_missing_folder_gives_the_command(attempt, tmp_path: Path):
    with pytest.raises(WriteError, match=r"there is no folder .*/a b/c; make it: mkdir -p '.*/a b/c'"):
        attempt(tmp_path / "a b" / "c" / "m.glassnet")
    assert not list(tmp_path.iterdir())


def test_a_file_where_a_folder_should_be(attempt, old: Path):
    for path in (old / "m", old / "deeper" / "m"):
        with pytest.raises(WriteError, match=r"m\.glassnet is a file, not a folder"):
            attempt(path)
    assert_untouched(old)


def test_a_folder_is_no_file(attempt, tmp_path: Path):
    for path in (tmp_path, f"{tmp_path}/new/", "", ".", "/"):
        with pytest.raises(WriteError, match="it is a folder; add a file name"):
            attempt(path)
    assert not list(tmp_path.iterdir())


@posix
def test_a_read_only_file_is_protected(attempt, old: Path):
    old.chmod(0o444)
    with pytest.raises(WriteError, match=r"a read-only file stands there; .*chmod u\+w"):
        attempt(old)
    assert_untouched(old)


@posix
def test_a_folder_that_may_not_be_written(attempt):
    with tempfile.TemporaryDirectory() as name:  # not tmp_path, which only its owner may enter
        old, me = Path(name, "m.glassnet"), os.geteuid()
        old.write_bytes(b"old")
        old.chmod(0o666)
        old.parent.chmod(0o555)
        try:
            if me == 0:
                os.seteuid(65534)  # root may write everywhere: be somebody else for a moment
            with pytest.raises(WriteError, match="Permission denied; choose a folder"):
                attempt(old)
        finally:
            os.seteuid(me)
            old.parent.chmod(0o755)
        assert_untouched(old)


@posix
def test_a_folder_of_the_kernel_that_not_even_root_may_write(attempt):
    if not Path("/proc/self").is_dir():
        pytest.skip("no /proc here")
    with pytest.raises(WriteError, match="cannot write /proc/self/m"):
        attempt("/proc/self/m.glassnet")


@posix
def test_devices_and_pipes_are_not_replaced(attempt, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for path in (os.devnull, tmp_path / "pipe"):
        with pytest.raises(WriteError, match="it is a device or a pipe"):
            attempt(path)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@posix
def test_impossible_names(attempt, tmp_path: Path):
    (tmp_path / "loop").symlink_to("loop")
    for name, words in {
        "n" * 256: "File name too long; choose a shorter",
        "a\0b": "null",
        "loop": "symbolic",
    }.items():
        with pytest.raises(WriteError, match=words) as caught:
            attempt(f"{tmp_path}/{name}")
        assert str(caught.value).isprintable()


def test_the_proof_leaves_no_trace(old: Path):
    before = old.stat()
    prove_writable(old)
    prove_writable(old.with_name("new"))
    assert_untouched(old)
    assert (old.stat().st_ino, old.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


# --- a sudden death ---

LOOP = """
import sys, itertools, numpy as np
from glassnet.files.container import write_container
for i in itertools.count():
    tensors = {"W1": np.full(20_000 + 1_000 * (i % 50), float(i))}
    write_container(sys.argv[1], tensors, {"i": i}, kind="checkpoint")
    if i == 0: print("saved", flush=True)
"""


@posix
def test_kill_9_during_a_save_always_leaves_a_whole_file(tmp_path: Path):
    path, saved, chance = tmp_path / "c.glassnet", set(), random.Random(0)
    for _ in range(10):
        with subprocess.Popen([sys.executable, "-c", LOOP, path], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None and process.stdout.readline() == b"saved\n"
            time.sleep(chance.uniform(0.01, 0.1))
            process.send_signal(signal.SIGKILL)
        box = read_container(path, kind="checkpoint")
        assert (box.tensors["W1"] == box.document["i"]).all()
        assert len(box.tensors["W1"]) == 20_000 + 1_000 * (box.document["i"] % 50)
        saved.add(box.document["i"])
    assert max(saved) > 0
