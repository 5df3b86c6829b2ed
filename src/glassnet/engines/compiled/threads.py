"""Python threads inside machine code: who may run how many, and how a call on several is made.

Machine code runs without the interpreter's lock, so two Python threads are two cores. They meet at barriers (see
`drivers.wait_for_all`) that spin, which is only good while each has a core of its own. So all calls of a process
that ask for more than one thread share the cores, and make do with what is free. No result depends on how many.

Helper threads stay and wait for the next call: to begin one takes the system about 0.1 ms, and where the matrix unit is
used (see `matrix_unit`), as long again for its registers. A child process begins with none, and makes its own.
"""

import ctypes
import operator
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from queue import SimpleQueue
from typing import Any

import numpy as np

from glassnet.engines.compiled import frame as f

__all__ = ["CALL", "SPEED", "borrowed", "cores", "run_on", "yield_address"]

CALL = 0.1  # seconds of one call, roughly: what Ctrl-C waits for
SPEED = 5e10  # floating-point operations a second of one thread, roughly: for decisions, never for results

Call = tuple[Any, int, int]
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
    """A thread that waits until it is asked, works, and waits again. No KeyboardInterrupt ever comes to it."""

    def __init__(self) -> None:
        self.asked: SimpleQueue[tuple[Callable[[], None], threading.Event]] = SimpleQueue()
        threading.Thread(target=self._work, name="glassnet", daemon=True).start()

    def _work(self) -> None:
        while True:
            work, done = self.asked.get()
            try:
                work()
            finally:
                _idle.append(self)
                done.set()


def _helper() -> _Helper:
    """One that waits, or a new one."""
    try:
        return _idle.pop()
    except IndexError:
        return _Helper()


def _at_once(calls: Sequence[Call], helpers: Sequence[_Helper], begun: threading.Lock) -> None:
    """All calls, the first here and the others on these helpers; none if `begun` is taken."""
    if not begun.acquire(blocking=False):
        return
    done = [threading.Event() for _ in helpers]
    (first, *others) = (partial(function, *more) for function, *more in calls)
    for helper, call, its in zip(helpers, others, done, strict=True):
        helper.asked.put((call, its))
    first()
    for its in done:
        its.wait()


def run_on(calls: Sequence[Call], shared: np.ndarray | None = None, *, watched: bool = False) -> None:
    """Make all calls at once, each (function, address of operands, address of frame) on a thread of its own.

    The first runs on the calling thread, which is deaf to Ctrl-C meanwhile; `watched`, it only waits, and tells the
    others through `shared` to stop when it is interrupted. It returns or raises when all have ended.
    """
    own, others = ([], calls) if watched else (calls[:1], calls[1:])
    begin: list[Callable[[], object]] = [partial(function, *more) for function, *more in own]
    if not others:
        begin[0]()
        return
    helpers = [_helper() for _ in others]  # all of them, before any of them works on these arrays
    begun, done = threading.Lock(), threading.Event()
    begin.insert(0, partial(helpers[0].asked.put, (partial(_at_once, others, helpers[1:], begun), done)))
    interrupted: BaseException | None = None
    while True:  # whatever happens, nobody may leave while machine code works on these arrays
        try:
            if interrupted is None:
                # Python looks for an interrupt between its own steps, and `map` over what is written in C is one step:
                # so it comes before all of these calls or after them, and no call is left alone at a barrier.
                list(map(operator.call, begin))
            elif begun.acquire(blocking=False):  # the others have not begun, and never will
                break
            done.wait()
            break
        except BaseException as error:
            interrupted = error
            if shared is not None:
                shared[f.STOP] = 1
    if interrupted is not None:
        raise interrupted


@cache
def yield_address() -> int:
    """Address of the system's function by which a thread lets others run."""
    library = ctypes.windll.kernel32 if sys.platform == "win32" else ctypes.CDLL(None)
    function = library.SwitchToThread if sys.platform == "win32" else library.sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0
