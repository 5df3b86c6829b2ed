"""Making machine code: a Ctrl-C is never lost, and other users of Numba in the process see nothing of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import glassnet
from glassnet.engines.compiled import machine_code, stages

OTHERS = """
import math
import numpy as np
from numba import njit
from glassnet import Dense, Network

def hypotenuse(a, b):
    return math.sqrt(a * a + b * b)

def largest(a, b):
    numbers = np.empty(2)
    numbers[:] = a, b
    return max((numbers[0], numbers[1])), math.tanh(a)

def predict():
    network = Network(1, [Dense(1, "tanh"), Dense(1, "identity")], engine="compiled")
    network.parameters["W1"], network.parameters["W2"] = [[1.0]], [[1.0]]
    return network.predict([[0.5]]).item()

def others():
    return njit(hypotenuse)(3.0, 4.0), njit(largest)(0.5, 1.5)

for call in ORDER:
    print(call())
"""


@pytest.fixture
def keys(monkeypatch, tmp_path, request):
    """Two stages that nobody has made yet."""
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path))
    monkeypatch.setitem(stages.STAGES, request.node.name, stages.STAGES["transpose"])
    return [(request.node.name, dtype) for dtype in ("float32", "float64")]


@pytest.mark.parametrize("order", ["predict, others", "others, predict", "others, predict, others"])
def test_other_functions_that_numba_compiles(order, tmp_path):
    """With their own allocations and their own mathematics, before and after ours, by the same names of Numba's."""
    script = OTHERS.replace("ORDER", f"({order})")
    environment = {
        **os.environ,
        "GLASSNET_CACHE": str(tmp_path),
        "PYTHONPATH": str(Path(glassnet.__file__).parents[1]),
    }
    printed = subprocess.check_output([sys.executable, "-c", script], env=environment, text=True, timeout=120)
    tanh = 0.46211715726  # of 1/2
    for call, line in zip(order.split(", "), printed.splitlines(), strict=True):
        if call == "predict":
            assert float(line) == pytest.approx(tanh, rel=1e-6)
        else:
            assert line.startswith("(5.0, (1.5, ")
            assert float(line.rstrip(")").split()[-1]) == pytest.approx(tanh, rel=1e-9)


def test_an_interrupt_that_python_dropped(keys, monkeypatch):
    """As in a weak reference's callback: it is raised when the stage is made, and the stage is kept."""
    make, made = machine_code._compile, []

    def dropping(key):
        made.append(key)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return make(key)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(machine_code, "_compile", dropping)
        with pytest.raises(KeyboardInterrupt):
            machine_code.addresses(keys)
        assert made == keys[:1]
        assert machine_code._read(keys[0]) is not None
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_of_ones_own_is_left_alone(keys, monkeypatch):
    heard = []
    make = machine_code._compile

    def disturbed(key):
        signal.raise_signal(signal.SIGINT)
        return make(key)

    before = signal.signal(signal.SIGINT, lambda *_: heard.append(True))
    try:
        monkeypatch.setattr(machine_code, "_compile", disturbed)
        assert all(machine_code.addresses(keys))
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(heard) == len(keys)
