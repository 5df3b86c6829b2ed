"""Validate, then time: from the same weights and batches all contenders must reach the same losses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.speed.processes import Worker
from benchmarks.speed.workloads import FULL_BATCH_EPOCHS, Workload

__all__ = ["DisagreementError", "check_fault", "check_row"]

TOLERANCE = 5e-4
"""Of losses, relative to the first. Adam divides by the root of v, so rounding in small gradients grows with the
steps, and scikit-learn adds epsilon before the bias correction instead of after it. Narrow networks
agree to 3e-6, the widest to 1.4e-4."""

PROBABILITY_TOLERANCE = 1e-5
"""Of predictions, absolute: float32, sums of 784 products."""

PLANTED = 1.02
"""Factor on the learning rate that the check must notice: it moves the losses by 2e-3 or more on every row."""

STEPS = 20  # an epoch; two epochs are compared, so that shuffling and the optimizer's memory take part

Mine = tuple[str, Worker]


class DisagreementError(Exception):
    """Two contenders do not compute the same."""


def _short(workload: Workload) -> Workload:
    return workload if workload.full_batch else replace(workload, rows=min(workload.rows, STEPS * workload.batch))


def _epochs(workload: Workload) -> int:
    return FULL_BATCH_EPOCHS if workload.full_batch else 2


def check_row(workload: Workload, ours: Mine, peers: Mapping[str, Sequence[Mine]]) -> float:
    """Compare every variant of every contender with glassnet; the largest relative difference.

    The loss of an epoch is the mean over its batches. Raises DisagreementError.
    """
    short = _short(workload)
    variants = ours[1].call("load", short)
    if workload.kind == "predict":
        return _check_predictions(short, ours, variants, peers)
    epochs, worst = _epochs(short), 0.0
    orders = ours[1].call("orders", variants[0], epochs)
    expected = ours[1].call("losses", variants[0], epochs, orders)
    for name, worker in [ours, *(mine for several in peers.values() for mine in several)]:
        for variant in worker.call("load", short):
            found = worker.call("losses", variant, epochs, orders)
            worst = max(worst, _compare(workload, f"{name} ({variant})", expected, found))
    return worst


def _check_predictions(
    workload: Workload, ours: Mine, variants: list[str], peers: Mapping[str, Sequence[Mine]]
) -> float:
    expected = ours[1].call("probabilities", variants[0])
    worst = 0.0
    for name, worker in [ours, *(mine for several in peers.values() for mine in several)]:
        for variant in worker.call("load", workload):
            found = worker.call("probabilities", variant)
            difference = float(np.max(np.abs(expected - found)))
            if not difference <= PROBABILITY_TOLERANCE:
                raise DisagreementError(f"{workload.name}: {name} ({variant}) predicts otherwise, by {difference:.2g}")
            worst = max(worst, difference)
    return worst


def _compare(workload: Workload, who: str, expected: list[float], found: list[float]) -> float:
    if len(expected) != len(found):
        raise DisagreementError(f"{workload.name}: {who} gave {len(found)} losses, glassnet {len(expected)}")
    worst = max(abs(a - b) for a, b in zip(expected, found, strict=True)) / abs(expected[0])
    if not worst <= TOLERANCE:
        raise DisagreementError(
            f"{workload.name}: {who} reaches the losses {_text(found)}, glassnet {_text(expected)}: "
            f"relative difference {worst:.2g}, allowed {TOLERANCE:.0e}"
        )
    return worst


def _text(losses: list[float]) -> str:
    return ", ".join(f"{loss:.6f}" for loss in losses)


def check_fault(workload: Workload, ours: Mine, judged: Mine) -> None:
    """The check must fail when a contender's learning rate is wrong by a little; raises AssertionError if not."""
    short = _short(workload)
    variant, epochs = ours[1].call("load", short)[0], _epochs(short)
    orders = ours[1].call("orders", variant, epochs)
    expected = ours[1].call("losses", variant, epochs, orders)
    judged[1].call("load", short)
    other = judged[1].call("with_learning_rate", PLANTED)[0]
    try:
        _compare(workload, judged[0], expected, judged[1].call("losses", other, epochs, orders))
    except DisagreementError:
        return
    raise AssertionError(f"the check let a learning rate of {PLANTED} times the right one pass ({judged[0]})")
