"""Python threads inside machine code: who may run how many, and how a call on several is made.

Machine code runs without the interpreter's lock, so two Python threads are two cores. They meet at barriers (see
`drivers.wait_for_all`) that spin, which is only good while each has a core of its own. So all calls of a process
that ask for more than one thread share the cores, and make do with what is free. No result depends on how many.

Helper threads stay and wait for the next call: to begin one takes the system about 0.1 ms, and where the matrix unit is
used (see `matrix_unit`), as long again for its registers. A child process begins with none, and makes its own.
"""

import ctypes
import os
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from glassnet.engines.compiled import frame as f

__all__ = ["CALL", "SPEED", "borrowed", "cores", "run_on", "yield_address"]

CALL = 0.1  # seconds of one call, roughly: what Ctrl-C waits for
SPEED = 5e10  # floating-point operations a second of one thread, roughly: for decisions, never for results

_LATELY = 0.1  # seconds: who was here so lately will be here again

_lock = threading.Lock()
_running = 0  # threads in machine code
_callers: dict[int, float] = {}  # Python threads that were here lately, and when
_idle: list["_Helper"] = []


def _begin_again() -> None:
    global _lock, _running
    _lock, _running = threading.Lock(), 0
    _callers.clear()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)


def cores() -> int:
    """Cores this process may use; OMP_NUM_THREADS, which joblib sets in its workers, bounds them."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(count, int(limit)) if limit.isdigit() and int(limit) > 0 else count


@contextmanager
def borrowed(wanted: int | None) -> Generator[int]:
    """How many threads a call may have: `wanted`, as far as cores are free; at least one.

    None asks for all cores, or for a fair share of them where several Python threads come lately, as in a grid search:
    else the first one takes them all while the second one is between two calls.
    """
    global _running  # noqa: PLW0603
    me = threading.get_ident()
    with _lock:
        now = _callers[me] = time.monotonic()
        for other in [caller for caller, then in _callers.items() if now - then > _LATELY]:
            del _callers[other]
        most = 1 if wanted == 1 else cores()
        threads = max(1, min(most - _running, most // len(_callers) if wanted is None else wanted))
        _running += threads
    try:
        yield threads
    finally:
        with _lock:
            _running -= threads
            _callers[me] = time.monotonic()


class _Helper:
    """A thread that waits for a call, makes it, and waits again."""

    def __init__(self) -> None:
        self.call: tuple[Any, int, int] | None = None
        self.wanted, self.done = threading.Lock(), threading.Lock()  # held until it is so
        self.wanted.acquire()
        self.done.acquire()
        threading.Thread(target=self._work, name="glassnet", daemon=True).start()

    def _work(self) -> None:
        while True:
            self.wanted.acquire()
            assert self.call is not None
            function, operands, frame = self.call
            try:
                function(operands, frame)
            finally:
                self.done.release()

    def begin(self, call: tuple[Any, int, int]) -> None:
        """Have the call made; `done` can be had when it has ended."""
        self.call = call
        self.wanted.release()


def _helper() -> _Helper:
    """One that waits, or a new one."""
    try:
        return _idle.pop()
    except IndexError:
        return _Helper()


def run_on(calls: Sequence[tuple[Any, int, int]], shared: np.ndarray | None = None, *, watched: bool = False) -> None:
    """Make all calls at once, each (function, address of operands, address of frame) on a thread of its own.

    The first runs on the calling thread, which is deaf to Ctrl-C meanwhile; `watched`, it only waits, and tells the
    others through `shared` to stop when it is interrupted. It returns or raises when all have ended.
    """
    own, others = (None, calls) if watched else (calls[0], calls[1:])
    if own is not None and not others:
        own[0](own[1], own[2])
        return
    helpers = [_helper() for _ in others]  # all of them, before any of them works on these arrays
    for helper, call in zip(helpers, others, strict=True):
        helper.begin(call)
    interrupted: BaseException | None = None
    if own is not None:
        own[0](own[1], own[2])
    for helper in helpers:
        while True:  # whatever happens, nobody may leave while machine code works on these arrays
            try:
                helper.done.acquire()
                break
            except BaseException as error:
                interrupted = error
                if shared is not None:
                    shared[f.STOP] = 1
    _idle.extend(helpers)
    if interrupted is not None:
        raise interrupted


@cache
def yield_address() -> int:
    """Address of the system's function by which a thread lets others run."""
    library = ctypes.windll.kernel32 if sys.platform == "win32" else ctypes.CDLL(None)
    function = library.SwitchToThread if sys.platform == "win32" else library.sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0
