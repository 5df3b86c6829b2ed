"""Python threads inside machine code: two trainings at once, fork, Ctrl-C, and who may have how many cores."""

import faulthandler
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engines.compiled.twins import COMPILED, Twin, bits
from glassnet import Adam, Architecture, BatchNorm, Dense
from glassnet.engines.compiled import engine as engine_module
from glassnet.engines.compiled import steps as steps_module
from glassnet.engines.compiled import threads
from glassnet.engines.compiled.threads import borrowed, cores, run_on

TWIN = Twin(
    Architecture(20, (Dense(64, "relu", norm=BatchNorm()), Dense(32, "tanh"), Dense(3, "softmax")), dtype="float32"),
    Adam(),
    64,
    1000,
    {"threads": 2, "clip_norm": 1.0},
)
STEPS = 60
LONG = 60  # seconds after which a training that hangs is given up

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def fit(twin: Twin = TWIN) -> bytes:
    state = twin.start()
    return bits(state, COMPILED.begin(twin.program, state, twin.data).advance(twin.work(STEPS)))


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Results of jobs that Python threads do at the same time."""
    found: list[Any] = [None] * len(jobs)

    def do(number: int, job: Callable[[], Any]) -> None:
        found[number] = job()

    workers = [threading.Thread(target=do, args=(k, job), daemon=True) for k, job in enumerate(jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(LONG)
        assert not worker.is_alive(), "a training hangs"
    return found


def in_a_child(job: Callable[[], bool]) -> int:
    """Fork; the child does the job and ends with 0 where it is true. -1: it hung."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a process with threads, from Python 3.12 on
        child = os.fork()
    if child == 0:
        try:
            signal.alarm(LONG)
            os._exit(0 if job() else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


# --- several at once --------------------------------------------------------------------------------------------------


def test_two_trainings_at_once(two_cores):
    """Each asks for both cores; the bits are those of one after the other."""
    other = replace(TWIN, n=700, batch=33)
    expected = [fit(), fit(other)]
    for _ in range(3):
        assert at_once(fit, lambda: fit(other)) == expected
    assert threads._running == 0


def test_training_and_predicting_at_once(two_cores, monkeypatch):
    monkeypatch.setattr(engine_module, "_SHARED_ROWS", 0.0)
    state, data = TWIN.start(), TWIN.data

    def predict() -> bytes:
        net = TWIN.architecture
        return b"".join(COMPILED.predict(net, state.theta, state.buffers, data.X).tobytes() for _ in range(20))

    expected = [fit(), predict(), predict()]
    assert at_once(fit, predict, predict) == expected
    assert threads._running == 0


def test_many_small_ones(two_cores):
    twins = [replace(TWIN, options={"threads": k % 3 or None}, batch=20 + k) for k in range(8)]
    expected = [fit(twin) for twin in twins]
    assert at_once(*(lambda twin=twin: fit(twin) for twin in twins)) == expected


# --- who may have how many --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("setting", "most"), [("1", 1), ("2", 2), ("3", 3), ("", 4), ("0", 4), ("many", 4), ("99", 4)])
def test_cores_are_those_of_the_process_within_omp_num_threads(setting, most, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 5, 7}, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", setting)
    assert cores() == most
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert cores() == min(most, 3)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot bind a process to cores")
def test_cores_of_a_process_that_is_bound_to_one():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
    code += "from glassnet.engines.compiled.threads import cores; print(cores())"
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_cores_are_shared_and_given_back(monkeypatch):
    monkeypatch.setattr(threads, "_callers", {})  # of other tests, which were here lately
    monkeypatch.setattr(threads, "cores", lambda: 4)
    with borrowed(3) as first, borrowed(3) as second, borrowed(None) as third, borrowed(2) as fourth:
        assert (first, second, third, fourth) == (3, 1, 1, 1), "one each at least"
        assert threads._running == 6
    assert threads._running == 0
    with borrowed(None) as all_of_them:
        assert all_of_them == 4
    with borrowed(9) as no_more_than_there_are:
        assert no_more_than_there_are == 4
    with pytest.raises(ZeroDivisionError), borrowed(2):
        raise ZeroDivisionError
    assert threads._running == 0


def test_python_threads_that_come_in_turn_share_the_cores(monkeypatch):
    """A grid search by two: the first must not take all cores while the second is between two of its calls."""
    monkeypatch.setattr(threads, "_callers", {})  # of other tests, which were here lately
    monkeypatch.setattr(threads, "cores", lambda: 4)
    clock, found = [100.0], []
    monkeypatch.setattr(threads.time, "monotonic", lambda: clock[0])

    def call(wanted: int | None = None) -> int:
        def job() -> None:
            with borrowed(wanted) as count:
                found.append(count)

        other = threading.Thread(target=job)
        other.start()
        other.join()
        return found[-1]

    def here(wanted: int | None = None) -> int:
        with borrowed(wanted) as count:
            return count

    assert here() == 4, "alone"
    both = call(), here()
    assert both == (2, 2), "one after the other, so that both cores would be free"
    assert here(3) == 3, "who names a number gets it"
    clock[0] += 1
    assert here() == 4, "the other one is gone"


def test_given_back_after_an_engine_failed(two_cores, monkeypatch):
    def broken(*arguments: Any, **options: Any) -> None:
        assert threads._running > 0
        raise MemoryError

    for module in (engine_module, steps_module):
        monkeypatch.setattr(module, "run_on", broken)
    monkeypatch.setattr(engine_module, "_SHARED_ROWS", 0.0)
    state = TWIN.start()
    with pytest.raises(MemoryError):
        fit()
    with pytest.raises(MemoryError):
        COMPILED.predict(TWIN.architecture, state.theta, state.buffers, TWIN.data.X)
    assert threads._running == 0


def test_every_call_of_run_on_is_made_once():
    found: list[tuple[int, int, str]] = []

    def call(op: int, frame: int) -> None:
        found.append((op, frame, threading.current_thread().name))

    run_on([(call, k, 10 * k) for k in range(3)])
    assert sorted(f[:2] for f in found) == [(0, 0), (1, 10), (2, 20)]
    assert (0, 0, threading.current_thread().name) in found, "the first here"
    found.clear()
    run_on([(call, 7, 70)], watched=True)
    assert found[0][:2] == (7, 70) and found[0][2] != threading.current_thread().name


@pytest.mark.parametrize("watched", [False, True])
def test_an_interrupt_at_any_step_leaves_no_call_alone(watched):
    """Two calls that wait for each other, as at a barrier, and an interrupt at the k-th step of run_on, for every k."""
    steps, hits = 0, -1
    faulthandler.dump_traceback_later(60, exit=True)  # a thread that waits for ever can be ended in no other way

    def tracer(frame, event, arg):
        nonlocal steps
        if frame.f_code is not run_on.__code__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            steps += 1
            if steps == hits:
                time.sleep(0.005)  # what has been begun gets under way
                raise KeyboardInterrupt
        return tracer

    for hits in range(1, 1000):
        meeting, running, made, steps = threading.Barrier(2), set[int](), [], 0

        def call(op, frame, meeting=meeting, running=running, made=made):
            running.add(op)
            meeting.wait(timeout=5)
            made.append(op)
            running.remove(op)

        interrupted = False
        sys.settrace(tracer)
        try:
            run_on([(call, k, 0) for k in range(2)], watched=watched)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            sys.settrace(None)
        assert not running and sorted(made) in ([], [0, 1]), hits
        if not interrupted:
            assert steps < hits and len(made) == 2
            break
    faulthandler.cancel_dump_traceback_later()
    assert hits > 50


# --- fork -------------------------------------------------------------------------------------------------------------


@needs_fork
def test_fit_fork_fit(two_cores):
    """In the child and again in the parent, the same bits."""
    expected = fit()
    assert in_a_child(lambda: fit() == expected and threads._running == 0) == 0
    assert fit() == expected
    assert in_a_child(lambda: fit() != expected) == 1, "the check can fail"


@needs_fork
def test_fork_while_another_thread_trains(two_cores):
    """The child has none of the other thread's cores taken, and its locks are free."""
    expected, stop, runs = fit(), threading.Event(), []

    def train() -> None:
        while not stop.is_set():
            runs.append(fit())

    worker = threading.Thread(target=train, daemon=True)
    worker.start()
    try:
        codes = [in_a_child(lambda: threads._running == 0 and fit() == expected) for _ in range(3)]
    finally:
        stop.set()
        worker.join(LONG)
    assert codes == [0, 0, 0] and set(runs) == {expected} and not worker.is_alive()
    assert threads._running == 0


# --- Ctrl-C -----------------------------------------------------------------------------------------------------------

INTERRUPTED = """
import signal, sys, time
import numpy as np
from glassnet import Adam, Architecture, Dense
from glassnet.engines.base import Data, Program, Slice, fresh_state
from glassnet.engines.compiled import engine, threads
from glassnet.engines.compiled.engine import CompiledEngine
from glassnet.network.parameters import initial_buffers, initial_parameters

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin deaf to it
how, count = sys.argv[1], int(sys.argv[2])
threads.cores = lambda: 2
net = Architecture(50, (Dense(400, "tanh"), Dense(400, "tanh"), Dense(3, "softmax")))
rows, steps = (400_000, 2) if how == "step" else (100, 20_000)
rng = np.random.default_rng(0)
data = Data(rng.normal(size=(rows, 50)).astype("float32"), np.eye(3, dtype="float32")[rng.integers(0, 3, rows)])
program = Program(net, Adam(), rows, threads=count)
state = fresh_state(program, initial_parameters(net, 0), initial_buffers(net))
before = state.theta.copy(), state.slots.copy(), state.carried.copy()
run = CompiledEngine().begin(program, state, data)
run_on, inside = engine.run_on, []

def counted(code):
    def call(op, frame):
        inside.append(1)
        code(op, frame)
        inside.pop()

    return call

engine.run_on = lambda calls, *more, **options: run_on([(counted(c[0]), *c[1:]) for c in calls], *more, **options)

def work(steps):
    bounds = np.arange(steps + 1) * rows
    return Slice(np.tile(np.arange(rows), steps), bounds, np.full(steps, 1e-3), np.zeros(steps), np.zeros((steps, 0)))

few = min(rows, 256)
small = Program(net, Adam(), few, threads=count)
tiny = fresh_state(small, state.theta.copy(), state.buffers)
first = Slice(np.arange(few), np.array([0, few]), np.full(1, 1e-3), np.zeros(1), np.zeros((1, 0)))
CompiledEngine().begin(small, tiny, data).advance(first)  # compiles
long = work(steps)
print("ready", flush=True)
start = time.perf_counter()
try:
    run.advance(long)
except KeyboardInterrupt:
    same = all(np.array_equal(a, b) for a, b in zip(before, (state.theta, state.slots, state.carried)))
    finite = bool(np.all(np.isfinite(state.theta)))
    print("interrupted", state.step, same or state.step > 0, finite, threads._running, len(inside))
else:
    print("came to its end after", time.perf_counter() - start)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to one process")
@pytest.mark.parametrize("threads_", [1, 2])
@pytest.mark.parametrize("how", ["step", "slice"])
def test_ctrl_c_is_answered_within_a_second(how, threads_):
    """In the middle of one giant step, and of a slice of many; the state is that of before."""
    command = [sys.executable, "-c", INTERRUPTED, how, str(threads_)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(1.0)
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        answer = process.stdout.readline().split()
        seconds = time.perf_counter() - start
        assert answer[0] == "interrupted", answer
        assert answer[2:] == ["True", "True", "0", "0"], "the state of before, no core taken, no thread still inside"
        assert seconds < 3.0, "a second, and the time of a busy machine"
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
