"""The kept secret: the same again, readable for its owner alone, and made anew when it is not to be trusted."""

import os
import stat
import time

import pytest

from glassnet.playground.secrets_file import OLDEST, kept_secret, state_folder


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSNET_STATE", str(tmp_path / "state"))


def path():
    return state_folder() / "playground-8421.secret"


def test_a_port_keeps_its_secret_and_another_has_its_own():
    first = kept_secret(8421)
    assert kept_secret(8421) == first and len(first) == 43
    assert kept_secret(8422) != first
    assert [file.name for file in sorted(state_folder().iterdir())] == [
        "playground-8421.secret",
        "playground-8422.secret",
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_only_the_owner_can_read_it():
    kept_secret(8421)
    assert stat.S_IMODE(path().stat().st_mode) == 0o600
    assert stat.S_IMODE(state_folder().stat().st_mode) == 0o700


def open_to_others():
    path().chmod(0o644)


def malformed():
    path().write_text("x" * 42 + "\n")


def too_long():
    path().write_text(path().read_text() + "A")


def empty():
    path().write_text("")


def old():
    then = time.time() - OLDEST - 100
    os.utime(path(), (then, then))


def from_the_future():
    then = time.time() + 10_000
    os.utime(path(), (then, then))


def a_link():
    path().rename(path().with_name("elsewhere"))
    path().symlink_to("elsewhere")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("spoil", [open_to_others, malformed, too_long, empty, old, from_the_future, a_link])
def test_one_that_is_not_to_be_trusted_is_made_anew(spoil):
    first = kept_secret(8421)
    spoil()
    second = kept_secret(8421)
    assert second != first and len(second) == 43
    assert kept_secret(8421) == second and not path().is_symlink()
    assert stat.S_IMODE(path().stat().st_mode) == 0o600


def test_without_a_folder_there_is_one_for_this_run(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GLASSNET_STATE", str(tmp_path / "file" / "state"))
    assert kept_secret(8421) != kept_secret(8421)
