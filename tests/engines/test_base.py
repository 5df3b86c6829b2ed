"""Which engine runs a network: by name, by "auto", and why none."""

import numpy as np
import pytest

from glassnet import Adam, Architecture, Dense, Dropout, EngineError, InvalidParameterError, Network
from glassnet.engines.base import Program, choose, dropout_layers, fresh_state
from glassnet.engines.reference import ReferenceEngine
from glassnet.network.parameters import initial_buffers, initial_parameters

NET = Architecture(2, (Dropout(0.1), Dense(3, "relu"), Dropout(0.2), Dense(1)))


class Picky(ReferenceEngine):
    def __init__(self, name, *reasons):
        self.name, self.reasons = name, list(reasons)

    def refuses(self, architecture, optimizer=None):
        return self.reasons


def test_by_name_and_auto():
    reference, picky = ReferenceEngine(), Picky("compiled", "no dropout")
    assert choose("reference", NET, [picky, reference]) is reference
    assert choose("auto", NET, [picky, reference]) is reference
    assert choose("auto", NET, [Picky("fast"), reference]).name == "fast"
    assert reference.refuses(NET) == []


@pytest.mark.parametrize(
    ("name", "suggestion"), [("referense", "; did you mean 'reference'?"), ("compield", "did you mean 'compiled'?")]
)
def test_an_unknown_engine_suggests(name, suggestion):
    with pytest.raises(InvalidParameterError) as caught:
        choose(name, NET, [Picky("compiled"), ReferenceEngine()])
    assert suggestion in str(caught.value) and "(known: auto, compiled, reference)" in str(caught.value)
    with pytest.raises(InvalidParameterError, match="did you mean 'reference'"):
        Network(2, [Dense(1)], engine="referense")


def test_a_refusal_lists_every_reason():
    engines = [Picky("compiled", "no dropout", "no relu"), Picky("torch", "torch is not installed")]
    with pytest.raises(EngineError) as caught:
        choose("auto", NET, engines)
    message = str(caught.value)
    assert "compiled: no dropout; compiled: no relu; torch: torch is not installed" in message
    with pytest.raises(EngineError) as caught:
        choose("torch", NET, engines)
    assert "torch is not installed" in str(caught.value) and "compiled" not in str(caught.value)


def test_fresh_state():
    program = Program(NET, Adam(), batch_size=4)
    theta = initial_parameters(NET, 0)
    state = fresh_state(program, theta, initial_buffers(NET))
    assert state.theta is theta and state.step == state.epoch == 0
    assert state.slots.shape == (2, theta.size) and state.slots.dtype == np.float32 and not state.slots.any()
    assert state.carried.tolist() == [1.0, 1.0] and state.carried.dtype == np.float64
    assert [layer.rate for layer in dropout_layers(NET)] == [0.1, 0.2]
