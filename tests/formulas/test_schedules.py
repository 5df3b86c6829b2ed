"""Schedules against torch.optim.lr_scheduler, at their landmarks, and as text."""

import math

import numpy as np
import pytest

from glassnet import SCHEDULES, InvalidParameterError, schedule
from glassnet.formulas.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    LinearWarmup,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    Step,
)
from tolerances import SCHEDULE, relative

EPOCHS = 20
EXAMPLES = {
    "constant": Constant(0.1),
    "step": Step(0.1, factor=0.5, every=3),
    "exponential": Exponential(0.1, factor=0.9),
    "inverse_scaling": InverseScaling(0.1, power=0.5),
    "cosine": Cosine(0.1, final=0.001),
    "one_cycle": OneCycle(0.1, rise=0.3),
    "linear_warmup": LinearWarmup(0.1, over=4, start=0.2),
    "reduce_on_plateau": ReduceOnPlateau(0.1, factor=0.2, monitor="val_loss"),
}
by_class = pytest.mark.parametrize("cls", SCHEDULES.values(), ids=lambda c: c.name)


def test_an_example_of_each():
    assert set(EXAMPLES) == set(SCHEDULES)
    assert all(EXAMPLES[name].name == name for name in EXAMPLES)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("step", lambda s, o: s.StepLR(o, 3, 0.5)),
        ("exponential", lambda s, o: s.ExponentialLR(o, 0.9)),
        ("cosine", lambda s, o: s.CosineAnnealingLR(o, EPOCHS, 0.001)),
        ("linear_warmup", lambda s, o: s.LinearLR(o, 0.2, 1.0, 4)),
    ],
)
def test_against_torch(name, theirs):
    torch = pytest.importorskip("torch")
    rule = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler, expected = theirs(torch.optim.lr_scheduler, rule), []
    for _ in range(EPOCHS):
        expected.append(rule.param_groups[0]["lr"])
        rule.step()
        scheduler.step()
    actual = [EXAMPLES[name].value(t, EPOCHS) for t in range(EPOCHS)]
    assert relative(actual, expected) <= SCHEDULE
    assert not relative(np.array(actual) * 1.0001, expected) <= SCHEDULE


def test_one_cycle_against_torch():
    """Landmarks are shared: start, peak, end; PyTorch counts whole steps, so its last one is our t = epochs."""
    torch = pytest.importorskip("torch")
    rule = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    steps = 101
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        rule, 0.1, total_steps=steps, pct_start=31 / 101, div_factor=25, final_div_factor=400
    )
    expected = []
    for _ in range(steps):
        expected.append(rule.param_groups[0]["lr"])
        rule.step()
        if len(expected) < steps:
            scheduler.step()
    mine = OneCycle(0.1, rise=0.3, start=25, end=1e4)
    actual = [mine.value(t, steps - 1) for t in range(steps)]
    assert relative(actual, expected) <= 1e-9


def test_one_cycle_landmarks():
    mine = OneCycle(0.1, rise=0.25, start=10, end=100)
    assert mine.value(0, 8) == pytest.approx(0.01)
    assert mine.value(2, 8) == pytest.approx(0.1)
    assert mine.value(8, 8) == mine.value(99, 8) == pytest.approx(0.001)
    assert mine.value(1, 8) == pytest.approx(0.055)  # half way up, by a cosine


@pytest.mark.parametrize(
    ("name", "t", "expected"),
    [
        ("constant", 7, 0.1),
        ("step", 2.999, 0.1),
        ("step", 3, 0.05),
        ("step", 9.5, 0.0125),
        ("exponential", 0.5, 0.1 * math.sqrt(0.9)),
        ("inverse_scaling", 3, 0.05),
        ("cosine", 0, 0.1),
        ("cosine", 10, 0.0505),
        ("cosine", 25, 0.001),
        ("linear_warmup", 0, 0.02),
        ("linear_warmup", 2, 0.06),
        ("linear_warmup", 9, 0.1),
        ("reduce_on_plateau", 9, 0.1),
    ],
)
def test_values(name, t, expected):
    assert EXAMPLES[name].value(t, EPOCHS) == pytest.approx(expected, rel=SCHEDULE)


def test_step_at_fractions_of_an_epoch():
    """0.3 / 0.1 rounds to 2.999…: the third step still begins at t = 0.3."""
    mine = Step(1.0, factor=0.5, every=0.1)
    assert [mine.value(k / 10, 1) for k in range(10)] == [0.5**k for k in range(10)]


@by_class
def test_values_are_finite_and_smooth_in_time(cls):
    for t in np.linspace(0, 2 * EPOCHS, 200):
        value = EXAMPLES[cls.name].value(float(t), EPOCHS)
        assert isinstance(value, float) and 0 <= value <= 0.1 * (1 + 1e-12)


@by_class
def test_an_array_of_times_gives_the_values_one_by_one(cls):
    """To the bit, wherever in the array a time stands: a resumed run cuts elsewhere."""
    times = np.random.default_rng(0).uniform(0, 1.2 * EPOCHS, 133)
    for planned in (EXAMPLES[cls.name], cls(1)):
        values = planned.values(times, EPOCHS)
        assert values.dtype == np.float64 and values.shape == times.shape
        assert values.tolist() == [planned.value(t, EPOCHS) for t in times.tolist()]
        for start in range(9):
            assert np.array_equal(planned.values(times[start:], EPOCHS), values[start:])
    assert planned.values(times[:0], EPOCHS).shape == (0,)


@by_class
def test_spec_text_round_trip(cls):
    for one in (EXAMPLES[cls.name], cls(0.3)):
        assert schedule(str(one)) == one
    assert schedule(cls.name, initial=0.25) == cls(0.25)
    assert schedule(f"{cls.name}(0.5)", initial=0.25) == cls(0.5)


@by_class
def test_every_schedule_says_what_it_is(cls):
    assert cls.latex and cls.source and ">>>" in cls.__doc__
    assert issubclass(cls, Schedule)
    planned = EXAMPLES[cls.name]
    depends = any(planned.value(t, 20) != planned.value(t, 40) for t in range(20))
    assert cls.needs_epochs == depends


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(-1), "constant: initial must be a number >= 0"),
        (lambda: Constant(float("inf")), "constant: initial"),
        (lambda: Step(0.1, every=0), "step: every must be a number > 0"),
        (lambda: OneCycle(0.1, rise=1), "one_cycle: rise must be a number > 0 and < 1"),
        (lambda: OneCycle(0.1, end=0), "one_cycle: end"),
        (lambda: LinearWarmup(0.1, over=0), "linear_warmup: over"),
        (lambda: LinearWarmup(0.1, start=2), "linear_warmup: start"),
        (lambda: schedule("cosine"), "of which initial is needed"),
        (lambda: schedule("cosine(0.1, last=3)"), "cosine takes initial, final"),
        (lambda: schedule("cosin(0.1)"), "did you mean 'cosine'"),
        (lambda: schedule(None), "constant: initial must be"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(InvalidParameterError) as caught:
        make()
    assert message in str(caught.value)


def test_numbers_become_constants():
    assert schedule(0.2) == schedule("0.2") == Constant(0.2)
    assert schedule(Cosine(1.0)) == Cosine(1.0)
