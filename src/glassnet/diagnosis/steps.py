"""Checks of the first steps: the learning rate and what it does to the layers."""

import math
from typing import TYPE_CHECKING

import numpy as np

from glassnet.diagnosis.findings import FINE, LOOK, SKIPPED, WRONG, Judgement
from glassnet.diagnosis.start import asleep, judged

if TYPE_CHECKING:
    from glassnet.diagnosis.case import Case

__all__ = ["falls", "learning_rate", "units_later", "updates"]


def learning_rate(case: "Case") -> Judgement:
    """The rate against the one from which on the loss rises, found by a range test."""
    if case.solver:
        return Judgement(SKIPPED, f"{case.solver} chooses its own steps")
    test = case.rates
    rate, limit, good = case.peak_rate, test.limit, test.suggested
    numbers = {"learning_rate": rate, "limit": limit, "suggested": good}
    advice = f"take --lr {good:g} (learning_rate={good:g})"
    end = f"the loss rises from {limit:.2g} on" if limit else "up to 10 the loss does not rise"
    if limit is not None and rate >= limit / 2:
        verdict = WRONG if rate >= limit else LOOK
        return Judgement(verdict, f"the learning rate {rate:g} is too high: {end}", advice, numbers)
    top = limit if limit is not None else 10 * good
    if rate < 1e-4 * top:
        verdict = WRONG if rate < 1e-5 * top else LOOK
        return Judgement(verdict, f"the learning rate {rate:g} is too low: {end}", advice, numbers)
    return Judgement(
        FINE, f"the learning rate {rate:g} is in the useful range: {end}; {good:g} is a good start", "", numbers
    )


def falls(case: "Case") -> Judgement:
    """The loss of the first steps against that of the last ones watched."""
    if case.solver:
        return Judgement(SKIPPED, f"{case.solver} chooses its own steps")
    seen = case.steps
    advice = "a learning rate that the range test suggests, --clip-norm 5 (clip_norm=5), standardized inputs"
    if seen.diverged:
        return Judgement(WRONG, f"training diverges: {seen.diverged}", advice, {"steps": len(seen.losses)})
    width = max(len(seen.losses) // 10, 1)
    scale = min(case.fit["batch_size"], len(case.data)) if case.architecture.reduction == "sum" else 1
    first, last = (float(np.mean(part)) / scale for part in (seen.losses[:width], seen.losses[-width:]))
    numbers = {"first": first, "last": last, "steps": len(seen.losses)}
    said = f"in {len(seen.losses):,} steps the loss goes from {first:.4g} to {last:.4g}"
    if last > 2 * max(first, case.constant_loss):
        return Judgement(WRONG, f"{said}: it rises", advice, numbers)
    if last > 4 * case.constant_loss > 0:
        far = f"it is still {last / case.constant_loss:.3g} times that of knowing nothing"
        return Judgement(LOOK, f"{said}: {far}", advice, numbers)
    if last < 0.95 * first or last < 0.9 * case.constant_loss:
        return Judgement(FINE, said, "", numbers)
    return Judgement(
        LOOK,
        f"{said}: it hardly falls",
        "mend what is found above; else train longer (--epochs), or "
        "with the learning rate that the range test suggests",
        numbers,
    )


def updates(case: "Case") -> Judgement:
    """|W new - W| / |W| of a step, in the middle of those watched; near 1e-3 is usual."""
    if case.solver:
        return Judgement(SKIPPED, f"{case.solver} chooses its own steps")
    ratios = np.array(case.steps.update_ratios)  # (looks, L)
    if not len(ratios):
        return Judgement(SKIPPED, "training diverged at once")
    middle = np.nanmedian(np.where(np.isfinite(ratios), ratios, np.nan), axis=0)
    numbers = {f"W{number}": float(value) for number, value in enumerate(middle, start=1)}
    low, high = float(np.nanmin(middle)), float(np.nanmax(middle))
    good = f"--lr {case.rates.suggested:g} (learning_rate={case.rates.suggested:g})"
    if high > 0.1:
        verdict = WRONG if high > 1 else LOOK
        return Judgement(verdict, f"a step changes weights by {high:.1%}: too much", f"lower the rate: {good}", numbers)
    if low < 1e-6:
        what = "a step hardly changes some weights"
        return Judgement(LOOK, f"{what} (by {low:.0e} of their size)", f"mend what is found above, or {good}", numbers)
    return Judgement(FINE, f"a step changes the weights by {low:.1g} to {high:.1g} of their size", "", numbers)


def units_later(case: "Case") -> Judgement:
    """See `start.asleep`, after the steps watched."""
    if case.solver:
        return Judgement(SKIPPED, f"{case.solver} chooses its own steps")
    if case.steps.last is None or not math.isfinite(float(case.steps.last["loss"])):
        return Judgement(SKIPPED, "training diverged")
    advice = "lower the learning rate (--lr), clip (--clip-norm 5), or take --activation leaky_relu or --batch-norm"
    return judged(asleep(case, case.steps.last), advice)
