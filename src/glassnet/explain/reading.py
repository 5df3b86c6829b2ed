"""From traces to a derivation: what network they are of, what is said above, and all steps on the board."""

from collections.abc import Sequence

import numpy as np

from glassnet.errors import InvalidParameterError
from glassnet.explain.board import Board
from glassnet.explain.derivation import Derivation
from glassnet.explain.look import Look
from glassnet.explain.places import Entry, Setting
from glassnet.explain.quantities import Pass
from glassnet.explain.stating import conventions, title
from glassnet.formulas.optimizers import Optimizer
from glassnet.network.architecture import Architecture, Dense, Dropout
from glassnet.network.passes import Trace

__all__ = ["derive_steps", "setting_of"]


def derive_steps(
    architecture: Architecture,
    traces: Sequence[Trace],
    rule: Optimizer | None,
    look: Look,
    *,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Derivation:
    """Write down how every number of some steps came about.

    Parameters
    ----------
    architecture, rule
        The network, and the optimizer, if any.
    traces : sequence of Trace
        One a step, and where there are updates one more with the loss after the last.
    clip_norm, clip_value : float, optional
        Bounds of the gradient.

    Raises
    ------
    InvalidParameterError
        If a number of a trace is not finite, or an optimizer of the user's own is no plain formula.
    """
    moved = "eta" in traces[0]
    steps = len(traces) - 1 if moved else len(traces)
    setting = setting_of(architecture, traces, rule if moved else None, look, clip_norm, clip_value)
    for number, trace in enumerate(traces[:steps], 1):
        bad = trace.first_bad()
        if bad is not None:
            raise InvalidParameterError(
                f"explain: {bad} of step {number} is not finite; take a lower learning rate, or smaller numbers"
            )
    board = Board(Pass(setting), traces, look)
    return Derivation(
        title(setting),
        conventions(setting, architecture, look.symbols, steps),
        board.data(),
        tuple(board.step(number) for number in range(1, steps + 1)),
        look.symbols.letter("loss")[1],
        look.digits,
        board,
    )


def setting_of(
    architecture: Architecture,
    traces: Sequence[Trace],
    rule: Optimizer | None,
    look: Look,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Setting:
    """The network of traces as a hand computation has it."""
    first = traces[0]
    n, layers, uniform = len(first["a0"]), architecture.dense, 1 / len(first["a0"])
    given = {"a0": first["a0"], **first.given}
    if look.symbols.bias == "unit":
        given |= {f"one{layer}": np.ones(n) for layer in range(len(layers))}
    training = any(name.startswith(("u_", "running_")) for name in first.given)
    acting = [
        (number, layer)
        for number, layer in zip(architecture.numbers, architecture.layers, strict=True)
        if not isinstance(layer, Dense) and not (isinstance(layer, Dropout) and f"mask{number}" not in first)
    ]
    usual = np.full(n, uniform if architecture.reduction == "mean" else 1.0)
    return Setting(
        architecture.sizes,
        tuple(layer.g for layer in layers),
        tuple(layer.has_bias for layer in layers),
        n,
        {Entry(0, name, i): float(v) for name, values in given.items() for i, v in np.ndenumerate(np.asarray(values))},
        architecture.objective if "y" in first else None,
        architecture.reduction,
        architecture.l1,
        architecture.l2,
        rule,
        architecture.average_penalty,
        {number: layer.norm for number, layer in enumerate(layers, 1) if layer.norm is not None},
        tuple((number, layer) for number, layer in acting if not isinstance(layer, Dense)),
        training,
        frozenset(first.batch_normalized),
        "v" in first and not np.allclose(first["v"], usual, rtol=1e-6),
        clip_norm if rule else None,
        clip_value if rule else None,
        architecture.frozen,
        len(traces) - 1 if rule else 0,
        tuple(first.given["carried"].tolist()) if rule and "carried" in first.given else None,
        look.symbols.bias == "unit",
    )
