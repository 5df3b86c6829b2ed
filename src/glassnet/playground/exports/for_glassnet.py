"""The program for glassnet: the same network, and `fit` with the same settings gives the same bits."""

from glassnet.playground.exports.shared import filled, holes, listed
from glassnet.playground.problem import Problem
from glassnet.playground.way_back import Moment

__all__ = ["glassnet_program"]

TEMPLATE = '''$head
from glassnet import $names, optimizer

$data
def new_network():
    """The network with its initial weights."""
    return Network(
        $inputs,
        [
$layers        ],
        $loss,
        l1=$l1,
        l2=$l2,
        seed=$seed,
    )


network = new_network()
for name, values in WEIGHTS.items():
    (network.parameters if name in network.parameters else network.buffers)[name] = np.array(values, np.float32)


def predict(X):
    """Outputs (n, $outputs) for inputs (n, $inputs)."""
    return network.predict(X)


def train(X, y, epochs=$epochs):
    """A new network, trained as in the playground."""
    fresh = new_network()
    rule = optimizer($rule)
    fresh.fit(X, y, optimizer=rule, batch_size=$batch_size, epochs=epochs, clip_norm=$clip_norm)
    return fresh
'''


def glassnet_program(problem: Problem, moment: Moment) -> str:
    """The session for glassnet."""
    a, program = problem.architecture, problem.program
    normalized = {"BatchNorm"} if any(layer.norm is not None for layer in a.dense) else set()
    return filled(
        TEMPLATE,
        **holes(problem, moment, "glassnet (pip install glassnet)"),
        names=", ".join(sorted({type(layer).__name__ for layer in a.layers} | {"Network"} | normalized)),
        layers=listed([repr(layer) for layer in a.layers], 12),
        loss=repr(a.loss),
        l1=repr(a.l1),
        l2=repr(a.l2),
        rule=repr(str(program.optimizer)),
        clip_norm=repr(program.clip_norm),
    )
