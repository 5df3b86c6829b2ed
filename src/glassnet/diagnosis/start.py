"""Checks of the first pass: what a network should show before its first step."""

import math
from typing import TYPE_CHECKING

import numpy as np

from glassnet.diagnosis.findings import FINE, LOOK, SKIPPED, WRONG, Judgement, Verdict, graded
from glassnet.model import check_gradients
from glassnet.network.passes import Trace

if TYPE_CHECKING:
    from glassnet.diagnosis.case import Case

__all__ = ["asleep", "first_loss", "flow", "gradient", "overfit", "symmetry", "units"]

DEAD = 0.01  # a slope below so much of the activation's largest lets nothing through
ROWS = 16


def first_loss(case: "Case") -> Judgement:
    """The loss of the first pass against that of an output that knows nothing."""
    found, expected = float(np.mean(case.start["losses"], dtype=np.float64)), case.constant_loss
    numbers = {"loss": found, "expected": expected}
    K = max(case.architecture.output.units, 2)
    cross = {"cross_entropy": f"ln {K}", "binary_cross_entropy": "ln 2 an output"}
    what = cross.get(case.architecture.objective.name, "that of always predicting the mean")
    if not math.isfinite(found):
        bad = case.start.first_bad()
        return Judgement(WRONG, f"the first loss is not finite; the first such tensor is {bad}", SCALE, numbers)
    if expected <= 0:
        return Judgement(WRONG, "every target is the same: there is nothing to learn", "check --target (y)", numbers)
    said = f"the first loss is {found:.4g}"
    if found <= 0.5 * expected:
        return Judgement(FINE, f"{said}, below {expected:.4g} ({what}): the network has been trained", "", numbers)
    bounds = (4, 8) if case.architecture.objective.name in cross else (25, 100)  # squares grow faster than logarithms
    verdict = graded(found / expected, *bounds)
    if verdict == FINE:
        return Judgement(FINE, f"{said}; knowing nothing gives {expected:.4g} ({what})", "", numbers)
    return Judgement(verdict, f"{said}, {found / expected:.3g} times the {expected:.4g} of {what}", SCALE, numbers)


SCALE = (
    "begin with small weights and zero biases (leave --initializer out; in Python a fresh Network), standardized "
    "inputs and, for numbers, a standardized target (TableRegressor does it)"
)


def symmetry(case: "Case") -> Judgement:
    """Units of a hidden layer with the same weights."""
    layers = range(1, len(case.architecture.dense))
    alike = [f"W{number}" for number in layers if _alike(case.network.parameters[f"W{number}"])]
    if alike:
        meaning = f"all units of {', '.join(alike)} begin alike, and so stay alike: the layer is worth one unit"
        advice = "draw random weights: leave --initializer out, or say he_uniform or glorot_uniform (initializer=...)"
        return Judgement(WRONG, meaning, advice, {"alike": alike})
    return Judgement(FINE, "the units of each hidden layer differ", "", {"alike": alike})


def _alike(W: np.ndarray) -> bool:
    return len(W) > 1 and bool(np.all(W[0] == W))


def gradient(case: "Case") -> Judgement:
    """Backpropagation against central differences in float64, on a few rows."""
    X, Y = case.probe[0][:ROWS].astype(np.float64), case.probe[1][:ROWS]
    sizes = np.maximum(np.sqrt(np.mean(np.square(X), axis=0)), 1)  # large inputs would only round the differences
    report = check_gradients(case.network, X / sizes, Y, max_per_tensor=30, tolerance=1e-5)
    wrong = [t for t in report.tensors if t.compared and not t.passed]
    worst = max((t.error for t in report.tensors if t.compared), default=math.nan)
    numbers = {"largest_error": worst, "wrong": [t.name for t in wrong]}
    if wrong:
        t = wrong[-1]
        meaning = f"the gradient of {t.name} is wrong: {t.analytic:.4g} where differences give {t.numeric:.4g}"
        advice = "mend the derivative of your own activation or loss (glassnet.custom derives it by itself); glassnet "
        return Judgement(
            WRONG, meaning, f"{advice}gradcheck --all and check_gradients(net, X, y) show every tensor", numbers
        )
    if math.isnan(worst):
        return Judgement(LOOK, "every entry is at a kink: nothing could be compared", "take other rows", numbers)
    return Judgement(FINE, f"backpropagation and central differences agree (largest error {worst:.0e})", "", numbers)


def asleep(case: "Case", trace: Trace) -> dict[str, tuple[float, str]]:
    """Per hidden layer the share that lets no gradient through, and what of it: dead units, or saturated outputs.

    A unit is dead when its slope is below 1% of the activation's largest in every row. For activations bounded on both
    sides (sigmoid, tanh) the share counts outputs: such a slope there means saturation.
    """
    found: dict[str, tuple[float, str]] = {}
    for number, layer in enumerate(case.architecture.dense[:-1], start=1):
        slopes = case.slopes(trace, number)
        if slopes is None:
            continue
        flat = slopes < DEAD
        bounded = math.isfinite(layer.g.range.low) and math.isfinite(layer.g.range.high)
        share = float(flat.mean() if bounded else flat.all(axis=0).mean())
        found[f"a{number}"] = (share, "outputs saturated" if bounded else "units dead")
    return found


def units(case: "Case") -> Judgement:
    """See `asleep`, at the first weights."""
    advice = "begin with smaller weights and zero biases (leave --initializer out), standardize the inputs, or take "
    return judged(asleep(case, case.start), f"{advice}--activation leaky_relu (activation='leaky_relu')")


def judged(found: dict[str, tuple[float, str]], advice: str) -> Judgement:
    """The verdict on the worst layer: dead units from 25% and 60%, saturated outputs from 25% and 50%."""
    if not found:
        return Judgement(SKIPPED, "no hidden layer with slopes of its own")
    numbers = {name: share for name, (share, _) in found.items()}
    verdicts: dict[str, Verdict] = {
        n: graded(s, 0.25, 0.5 if what.startswith("outputs") else 0.6) for n, (s, what) in found.items()
    }
    order: list[Verdict] = [FINE, LOOK, WRONG]
    name = max(found, key=lambda layer: (order.index(verdicts[layer]), found[layer][0]))
    share, what = found[name]
    said = f"{share:.0%} of the {what} in {name}"
    if verdicts[name] == FINE:
        return Judgement(FINE, f"at most {said}", "", numbers)
    return Judgement(verdicts[name], f"{said}: no gradient passes through them", advice, numbers)


def flow(case: "Case") -> Judgement:
    """The gradient's norm, layer by layer, at the first weights."""
    layers = range(1, len(case.architecture.dense) + 1)
    norms = {f"dW{number}": float(np.linalg.norm(case.start[f"dW{number}"].astype(np.float64))) for number in layers}
    values = list(norms.values())
    total, least, most = math.hypot(*values), min(values), max(values)
    if not math.isfinite(total) or total > 1e4:
        advice = (
            "standardize the inputs (--scaling standard), clip (--clip-norm 5; clip_norm=5), begin with small weights"
        )
        return Judgement(WRONG, f"the gradient explodes: its norm is {total:.3g}", advice, norms)
    shown = ", ".join(f"{name} {norm:.2g}" for name, norm in list(norms.items())[:6])
    advice = "take relu with its own initializer (--activation relu), fewer layers, or --batch-norm (norm=BatchNorm())"
    if len(values) > 1 and most > 0 and least < 1e-3 * most:
        weakest = min(norms, key=lambda name: norms[name])
        verdict = WRONG if least < 1e-5 * most else LOOK
        meaning = f"the gradient vanishes in {weakest}: {least:.1e} beside {most:.1e}"
        return Judgement(verdict, meaning, advice, norms)
    if most == 0:
        return Judgement(WRONG, "the gradient is 0 everywhere", advice, norms)
    if total > 100:
        advice = "standardize the inputs (--scaling standard), or clip: --clip-norm 5 (clip_norm=5)"
        return Judgement(LOOK, f"the gradient is large: its norm is {total:.3g}", advice, norms)
    return Judgement(FINE, f"gradients reach every layer ({shown})", "", norms)


def overfit(case: "Case") -> Judgement:
    """Train a copy on a few rows, without dropout and penalties, until it knows them: it should, and quickly."""
    rows, first, best = case.overfit
    share = best / case.constant_loss if case.constant_loss > 0 else math.nan
    numbers = {"rows": rows, "first_loss": first, "best_loss": best}
    room = case.architecture.parameter_count >= 2 * rows * case.architecture.output.units
    said = f"trained on {rows} rows alone, the loss goes from {first:.3g} to {best:.3g}"
    if share < 0.2:
        return Judgement(FINE, f"{said}: it can learn a small batch by heart", "", numbers)
    verdict = LOOK if share < 0.6 or not room or len(case.architecture.dense) == 1 else WRONG
    advice = (
        "mend what is found above first; else more units (--hidden 64,64), another activation, a lower learning rate"
    )
    return Judgement(verdict, f"{said}: it cannot learn even a small batch by heart", advice, numbers)
