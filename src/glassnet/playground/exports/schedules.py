"""The schedule of the learning rate as a plain function of `epoch`, and of the planned `epochs` where it needs them."""

from dataclasses import asdict
from string import Template

from glassnet.formulas.schedules import Schedule
from glassnet.playground.problem import PLANNED_EPOCHS, Problem

__all__ = ["initial", "rate_texts"]

BODIES = {
    "constant": "return initial",
    "step": "return initial * factor ** np.floor(epoch / every * (1 + 1e-12))",
    "exponential": "return initial * factor**epoch",
    "inverse_scaling": "return initial / (1 + epoch) ** power",
    "cosine": """done = min(epoch / epochs, 1)
return final + (initial - final) / 2 * (1 + np.cos(np.pi * done))""",
    "one_cycle": """done = min(epoch / epochs, 1)
if done < rise:
    low, high, part = initial / start, initial, done / rise
else:
    low, high, part = initial, initial / end, (done - rise) / (1 - rise)
return high + (low - high) / 2 * (1 + np.cos(np.pi * part))""",
    "linear_warmup": "return initial * (start + (1 - start) * min(1, epoch / over))",
}
"""Name -> body, in the names of the schedule's parameters."""
FUNCTION = Template('''
def learning_rate(epoch$planned):
    """The schedule $name at a time in epochs: 2.5 is in the midst of the third$run."""
    $names = $values
$body
''')


def initial(value: float | Schedule) -> float:
    """The number itself, or the one that a schedule begins with."""
    return value.initial if isinstance(value, Schedule) else value


def rate_texts(problem: Problem, time: str) -> dict[str, str]:
    """The learning rate at first; of a schedule also its function, a call at a time, and a word on it, else empty."""
    rate = problem.program.optimizer.learning_rate
    first = {"rate": repr(initial(rate))}
    if not isinstance(rate, Schedule):
        return {**first, "rate_function": "", "rate_now": "", "planned": ""}
    return {
        **first,
        "rate_function": _function(rate, problem.setup.stop.epoch or PLANNED_EPOCHS),
        "rate_now": f"learning_rate({time}{', epochs' if rate.needs_epochs else ''})",
        "planned": " The schedule plans for these epochs." if rate.needs_epochs else "",
    }


def _function(rate: Schedule, epochs: int) -> str:
    numbers = asdict(rate)
    return FUNCTION.substitute(
        name=rate.name,
        planned=f", epochs={epochs}" if rate.needs_epochs else "",
        run=", of a run of so many epochs" if rate.needs_epochs else "",
        names=", ".join(numbers),
        values=", ".join(map(repr, numbers.values())),
        body="".join(f"    {line}\n" for line in BODIES[rate.name].splitlines()),
    )
