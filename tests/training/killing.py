"""Runs killed with SIGKILL at random moments, resumed until they are done, compared bit for bit.

Two ways to die: from outside after a random time, and inside a save, at a random line of the code that writes the
file. Most workers are forks of this process; every seventh is a fresh interpreter.
"""

import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a fork has one thread

import numpy as np

from glassnet import Adam, BatchNorm, Callback, Checkpoint, Dense, Dropout, EarlyStopping, Network, ReduceOnPlateau

EPOCHS = 120
WRITERS = ("atomic.py", "container.py", "tensors.py", "seal.py", "checkpoints.py")


class Ready(Callback):
    """Tells the supervisor that training goes on."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def on_epoch_begin(self, run) -> None:
        if self.descriptor >= 0:
            os.write(self.descriptor, b".")
            self.descriptor = -1


def train(folder: Path, descriptor: int = -1) -> None:
    """Train the network of this test, or go on; leave result.npz and result.json."""
    draw = np.random.default_rng(5)
    X = draw.normal(size=(70, 6))
    y = (X @ draw.normal(size=(6, 3)) + draw.normal(size=(70, 3))).argmax(1)
    layers = [Dense(12, "relu", norm=BatchNorm()), Dropout(0.2), Dense(8, "tanh"), Dense(3, "softmax")]
    net = Network(6, layers, seed=11, l2=1e-3)
    path = folder / "run.checkpoint"
    rules = [EarlyStopping(patience=100), ReduceOnPlateau(factor=0.7, patience=5)]
    history = net.fit(
        X,
        y,
        optimizer=Adam(0.01),
        batch_size=16,
        epochs=EPOCHS,
        validation=0.2,
        class_weight="balanced",
        callbacks=[*rules, Ready(descriptor), Checkpoint(path, interval=0.005)],
        resume=path if path.exists() else None,
    )
    records = [{k: v for k, v in record.items() if k != "seconds"} for record in history.records]
    summary = {"records": records, "stopped": history.stopped, "best": history.best_epoch}
    (folder / "result.json").write_text(json.dumps(summary))
    np.savez(folder / "result.npz", theta=net.parameters.vector, buffers=net.buffers.vector)


def die_in_a_save(lines: int) -> None:
    """Kill this process at the given line, counted over all that the code of a save executes."""
    left = [lines]

    def local(frame: FrameType, event: str, argument: object):
        if event == "line":
            left[0] -= 1
            if left[0] <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return local

    def trace(frame: FrameType, event: str, argument: object):
        inside = frame.f_code.co_filename.endswith(WRITERS) and "glassnet" in frame.f_code.co_filename
        return local if inside else None

    sys.settrace(trace)


def start(folder: Path, fresh: bool, lines: int) -> tuple[int, int]:
    """Start a worker; returns its process id and the descriptor that it writes to when training begins."""
    reader, writer = os.pipe()
    if fresh:
        command = [sys.executable, __file__, "worker", str(folder), str(writer), str(lines)]
        pid = subprocess.Popen(command, pass_fds=[writer]).pid
    else:
        pid = os.fork()
        if pid == 0:
            work(folder, writer, lines)
    os.close(writer)
    return pid, reader


def work(folder: Path, descriptor: int, lines: int) -> None:
    """The worker's life."""
    code = 1
    try:
        if lines:
            die_in_a_save(lines)
        train(folder, descriptor)
        code = 0
    finally:
        os._exit(code)


def same(folder: Path, expected: Path) -> bool:
    """Whether weights, running statistics and history are the expected ones, bit for bit."""
    with np.load(folder / "result.npz") as mine, np.load(expected / "result.npz") as theirs:
        bits = all(mine[name].tobytes() == theirs[name].tobytes() for name in ("theta", "buffers"))
    return bits and (folder / "result.json").read_text() == (expected / "result.json").read_text()


def one_life(folder: Path, draw: random.Random, number: int, reach: float) -> tuple[str, int]:
    """Start a worker and kill it; how it died: "killed", "saving" or "done", and its checkpoint's progress."""
    fresh, lines = number % 7 == 6, draw.randint(1, 1500) if number % 2 else 0
    pid, reader = start(folder, fresh, lines)
    select.select([reader], [], [], 60)  # the worker trains, or is dead
    if not lines:
        time.sleep(draw.uniform(0, reach))
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(reader)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return ("saving" if lines else "killed"), status
    assert status == 0, f"the worker failed with status {status}"
    return "done", status


def campaign(kills: int, seed: int = 0, report=None) -> dict[str, int]:
    """Kill runs until `kills` have died; every run is resumed until done and must end with the expected bits."""
    draw = random.Random(seed)
    counts = {"killed": 0, "saving": 0, "runs": 0, "resumed": 0}
    with tempfile.TemporaryDirectory() as root:
        expected, folder = Path(root, "expected"), Path(root, "killed")
        for place in (expected, folder, warm := Path(root, "warm")):
            place.mkdir()
        train(warm)  # makes the machine code, where there is none
        began = time.perf_counter()
        train(expected)
        reach = (time.perf_counter() - began) / 2
        number = 0
        while counts["killed"] + counts["saving"] < kills or any(folder.iterdir()):
            over = counts["killed"] + counts["saving"] >= kills
            counts["resumed"] += (folder / "run.checkpoint").exists()
            if over:
                pid, reader = start(folder, True, 0)
                _, status = os.waitpid(pid, 0)
                os.close(reader)
                assert status == 0, status
                how = "done"
            else:
                how, _ = one_life(folder, draw, number, reach)
            number += 1
            if how != "done":
                counts[how] += 1
                if report:
                    report(counts)
                continue
            counts["runs"] += 1
            assert same(folder, expected), "a resumed run ended with other bits"
            for file in folder.iterdir():
                file.unlink()
    return counts


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        work(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    print(json.dumps(campaign(int(sys.argv[1]), int(sys.argv[2]))))
