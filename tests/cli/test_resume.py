"""A run that is killed, at any moment, goes on from its last checkpoint to the same file, bit for bit."""

import os
import signal
import subprocess
import sys
import time

import pytest

CODE = "import sys; from glassnet.cli import main; sys.exit(main())"
WORDS = ["fit", "breast_cancer", "--hidden", "32,32", "--epochs", "500", "--patience", "0", "--dropout", "0.2", "-q"]
WORDS += ["--engine", "reference"]  # machine code is through before it can be killed


def command(*words: object) -> list[str]:
    return [sys.executable, "-c", CODE, *WORDS, *map(str, words)]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_kill_9_and_resume(tmp_path):
    subprocess.run(command("-o", "whole.glassnet"), check=True, cwd=tmp_path, stdout=subprocess.DEVNULL)
    checkpoint = tmp_path / "c.ck"
    slow = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command("--checkpoint", checkpoint, "-o", "killed.glassnet"), cwd=tmp_path, stdout=subprocess.DEVNULL, env=slow
    )
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert checkpoint.exists()
    assert not (tmp_path / "killed.glassnet").exists()
    resumed = command("--resume", checkpoint, "-o", "resumed.glassnet")
    subprocess.run(resumed, check=True, cwd=tmp_path, stdout=subprocess.DEVNULL)
    assert (tmp_path / "resumed.glassnet").read_bytes() == (tmp_path / "whole.glassnet").read_bytes()


def test_resume_with_more_epochs_goes_on(run, good):
    words = ("fit", good, "-t", "label", "--hidden", 4, "--patience", 0)
    assert run(*words, "--epochs", 6, "-o", "whole.glassnet").code == 0
    assert run(*words, "--epochs", 3, "--checkpoint", "c.ck").code == 0
    done = run(*words, "--epochs", 6, "--resume", "c.ck", "-o", "resumed.glassnet")
    assert "going on after epoch 3" in done.err
    assert good.with_name("resumed.glassnet").read_bytes() == good.with_name("whole.glassnet").read_bytes()


def test_resume_keeps_writing_the_same_file(run, good):
    words = ("fit", good, "-t", "label", "--hidden", 4, "--patience", 0)
    assert run(*words, "--epochs", 2, "--checkpoint", "c.ck").code == 0
    before = good.with_name("c.ck").read_bytes()
    assert run(*words, "--epochs", 4, "--resume", "c.ck", "--checkpoint", "d.ck").code == 0
    assert good.with_name("c.ck").read_bytes() == before
    assert run(*words, "--epochs", 4, "--resume", "c.ck").code == 0
    assert good.with_name("c.ck").read_bytes() != before
