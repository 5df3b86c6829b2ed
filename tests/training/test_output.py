"""What a run says: progress on stderr, the CSV log, the TensorBoard log."""

import csv
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from glassnet import Callback, Checkpoint, CSVLog, Progress, TensorBoard, WriteError
from training.problems import StopAt, classes, network

SCRIPT = """
import time
from glassnet import Callback, Dense, Network
class Slow(Callback):
    def on_epoch_end(self, run, record):
        time.sleep(0.05)
        print("data", run.history.epochs)
net = Network(2, [Dense(1, "sigmoid")], seed=1)
net.fit([[0, 1], [1, 0]], [0, 1], epochs=8, validation=([[0, 1]], [0]), callbacks=[Slow()], verbose=1)
"""


def on_terminal(**environment):
    """Run SCRIPT with stderr on a pseudo terminal and stdout in a pipe."""
    master, slave = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "CI")}
    env |= {"TERM": "xterm-256color", "COLUMNS": "150", **environment}
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=slave, env=env) as child:
        os.close(slave)
        seen = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            seen += piece
        data = child.stdout.read()
    os.close(master)
    assert child.returncode == 0, seen
    return seen.decode(), data.decode()


DATA = "".join(f"data {i}\n" for i in range(1, 9))
COLOR = re.compile(r"\x1b\[[0-9;]*(3[0-8]|4[0-8]|9[0-7])[0-9;]*m")


def test_a_terminal_gets_a_bar_with_the_time_left_and_stdout_the_data_alone():
    seen, data = on_terminal()
    assert data == DATA
    assert "epoch 8/8" in seen and "100%" in seen and "━" in seen
    assert re.search(r"\d+:\d\d", seen), "time left"
    assert re.search(r"loss \d\.\d+  accuracy [01]", seen)
    assert COLOR.search(seen)


def test_no_color_is_honoured():
    seen, data = on_terminal(NO_COLOR="1")
    assert "epoch 8/8" in seen and data == DATA
    assert COLOR.search(seen) is None


def test_a_dumb_terminal_gets_lines():
    seen, data = on_terminal(TERM="dumb")
    assert seen.count("epoch ") == 8 and "\x1b" not in seen and data == DATA


def test_without_a_terminal_one_line_an_epoch_on_stderr():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout == DATA
    lines = done.stderr.splitlines()
    assert len(lines) == 8
    for number, line in enumerate(lines, start=1):
        assert re.fullmatch(
            rf"epoch {number}/8  loss \d\S*  validation_loss \d\S*  validation_accuracy [01]\S*"
            + (r"  \d+ s left" if number > 1 else ""),  # the first epoch may make machine code
            line,
        ), line
    assert lines[-1].endswith("0 s left")


def test_quiet_by_default_and_without_any_stderr(capfd, monkeypatch):
    X, y = classes()
    network(X, y).fit(X, y, epochs=2)
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(sys, "stderr", None)
    network(X, y).fit(X, y, epochs=2, verbose=1)
    assert capfd.readouterr().out == ""


def test_one_progress_serves_two_runs(capfd):
    X, y = classes()
    shown = Progress()
    for _ in range(2):
        network(X, y).fit(X, y, epochs=2, callbacks=[shown])
    assert capfd.readouterr().err.count("epoch 2/2") == 2


def rows(path):
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_csv_log_is_the_history_bit_for_bit(tmp_path):
    X, y = classes()
    path = tmp_path / "log.csv"
    history = network(X, y).fit(X, y, epochs=3, validation=0.2, callbacks=[CSVLog(path)])
    assert list(rows(path)[0]) == ["epoch", *history]
    assert [{k: float(v) for k, v in row.items() if k != "epoch"} for row in rows(path)] == history.records
    assert [row["epoch"] for row in rows(path)] == ["1", "2", "3"]


def test_the_csv_log_grows_with_the_run(tmp_path):
    X, y = classes()
    path, lengths = tmp_path / "log.csv", []

    class Look(Callback):
        def on_epoch_end(self, run, record):
            lengths.append(len(rows(path)))

    network(X, y).fit(X, y, epochs=3, callbacks=[CSVLog(path), Look()])
    assert lengths == [1, 2, 3]


def test_the_csv_log_is_whole_after_a_resume(tmp_path):
    X, y = classes()
    path, checkpoint = tmp_path / "log.csv", tmp_path / "run"
    callbacks = [CSVLog(path), Checkpoint(checkpoint, interval=0)]
    with pytest.raises(KeyboardInterrupt):
        network(X, y).fit(X, y, epochs=5, callbacks=[*callbacks, StopAt(4, KeyboardInterrupt())])
    assert len(rows(path)) == 4
    history = network(X, y).fit(X, y, epochs=5, callbacks=callbacks, resume=checkpoint)
    assert [row["epoch"] for row in rows(path)] == ["1", "2", "3", "4", "5"]
    assert list(rows(path)[0]) == ["epoch", *history] and next(iter(history)) == "loss"
    assert [float(row["loss"]) for row in rows(path)] == history["loss"]


def test_a_log_that_cannot_be_written_is_an_error_before_and_during_the_run(tmp_path):
    X, y = classes()
    net = network(X, y)
    with pytest.raises(WriteError, match=r"cannot write the log .*No such file or directory; choose another path"):
        net.fit(X, y, callbacks=[CSVLog(tmp_path / "no" / "log.csv")])
    if Path("/dev/full").exists():
        with pytest.raises(WriteError, match="No space left on device"):
            net.fit(X, y, callbacks=[CSVLog("/dev/full")])


def test_tensorboard_logs_can_be_read(tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    X, y = classes()
    network(X, y).fit(X, y, epochs=1, callbacks=[TensorBoard(tmp_path)])
    history = network(X, y).fit(X, y, epochs=3, callbacks=[TensorBoard(tmp_path / "b")])
    found = {}
    (file,) = (tmp_path / "b").iterdir()
    data = file.read_bytes()
    while data:  # TFRecord: length, its checksum, the event, its checksum
        length = int.from_bytes(data[:8], "little")
        event = Event.FromString(data[12 : 12 + length])
        data = data[16 + length :]
        for value in event.summary.value:
            found.setdefault(value.tag, {})[event.step] = value.simple_value
    assert set(found) == set(history)
    for name in history:
        expected = {i: np.float32(v) for i, v in enumerate(history[name], start=1)}
        assert found[name] == pytest.approx(expected, rel=1e-6)


def test_a_tensorboard_folder_that_cannot_be_made_is_an_error(tmp_path):
    pytest.importorskip("tensorboardX")
    X, y = classes()
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot write the log"):
        network(X, y).fit(X, y, callbacks=[TensorBoard(tmp_path / "file" / "b")])
