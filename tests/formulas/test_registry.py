"""Names and spec texts: round trips, near misses, every registry alike."""

import math
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet import (
    ACTIVATIONS,
    INITIALIZERS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    InvalidParameterError,
    activation,
    initializer,
    loss,
    optimizer,
    schedule,
)
from glassnet.formulas.ranges import ANY, POSITIVE, UNIT, Interval
from glassnet.formulas.registry import Registry, check_number, parse_spec, spec_text

REGISTRIES = [ACTIVATIONS, LOSSES, INITIALIZERS, OPTIMIZERS, SCHEDULES]
LOOKUP = {
    "activation": activation,
    "loss": loss,
    "initializer": initializer,
    "optimizer": optimizer,
    "schedule": schedule,
}
EVERY = [(registry, name) for registry in REGISTRIES for name in registry]
every_name = pytest.mark.parametrize(("registry", "name"), EVERY, ids=lambda x: x if isinstance(x, str) else x.kind)

names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,12}", fullmatch=True)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60)
words = st.text(st.characters(codec="ascii", exclude_characters="'\"\\", categories=("L", "N", "P", "S")), max_size=12)
reproducible = settings(derandomize=True, deadline=None)


@reproducible
@given(names, st.dictionaries(names, numbers | st.none() | words, max_size=4))
def test_spec_round_trip(name, constants):
    text = spec_text(name, constants)
    back, positional, named = parse_spec(text, "thing")
    assert (back, positional, named) == (name, [], constants)
    assert all(math.copysign(1, named[k]) == math.copysign(1, v) for k, v in constants.items() if v == 0)


@reproducible
@given(names, st.lists(numbers, min_size=1, max_size=4), st.sampled_from(["", " ", "  "]))
def test_positional_numbers(name, values, space):
    text = f"{space}{name}{space}({f'{space},{space}'.join(map(repr, values))}){space}"
    assert parse_spec(text, "thing") == (name, values, {})


@reproducible
@given(names, names, st.dictionaries(names, numbers, max_size=3))
def test_specs_nest(outer, inner, constants):
    nested = spec_text(inner, constants)
    assert parse_spec(f"{outer}({nested}, 1)", "thing")[1] == [nested, 1]
    assert parse_spec(spec_text(outer, {"rate": nested}), "thing")[2] == {"rate": nested}


@reproducible
@given(st.floats(1e-6, 1e6))
def test_constants_keep_their_bits(alpha):
    assert activation(str(activation("leaky_relu", alpha=alpha))).constants["alpha"] == alpha
    assert loss(str(loss("huber", delta=alpha))).constants["delta"] == alpha


@pytest.mark.parametrize("text", ["", "relu(", "(0.1)", "relu)", "3", "relu(0.1) x", "_x", None, 3, ["relu"]])
def test_unreadable_texts(text):
    with pytest.raises(
        InvalidParameterError, match=r"cannot read activation .*: write it like name or name\(key=0.5\)"
    ):
        parse_spec(text, "activation")


@pytest.mark.parametrize("text", ["leaky_relu(0.2, alpha=0.3)", "leaky_relu(alpha=0.2, alpha=0.3)"])
def test_a_constant_given_twice(text):
    with pytest.raises(InvalidParameterError, match="gives alpha twice"):
        activation(text)


@every_name
def test_a_misspelt_name_suggests_the_nearest(registry, name):
    for wrong in (name + name[-1], name[0] + name):
        with pytest.raises(InvalidParameterError) as caught:
            registry[wrong]
        assert f"unknown {registry.kind} '{wrong}'; did you mean '{name}'?" in str(caught.value)
        assert wrong not in registry
        with pytest.raises(InvalidParameterError, match="did you mean"):
            LOOKUP[registry.kind](wrong)


@every_name
def test_spelling_is_forgiving(registry, name):
    record = registry[name]
    for spelling in (name.upper(), f" {name} ", name.replace("_", "-"), name.replace("_", " ").title()):
        assert registry[spelling] is record and spelling in registry


@every_name
def test_records_are_complete(registry, name):
    record = registry[name]
    assert record.name == name
    assert record.latex and record.source
    if not isinstance(record, type):
        assert LOOKUP[registry.kind](str(record)) == record
        assert LOOKUP[registry.kind](record) is record
        assert isinstance(record.constants, MappingProxyType)
        assert set(record.limits) <= set(record.constants)


def test_what_is_nowhere_near_gets_no_suggestion():
    with pytest.raises(InvalidParameterError, match=r"unknown activation 'xyzzy' \(known: step, identity"):
        ACTIVATIONS["xyzzy"]
    assert 3 not in ACTIVATIONS and None not in ACTIVATIONS


def test_a_taken_name_is_an_error():
    registry = Registry("thing")
    registry.add("a", 1, ("b",))
    for name, aliases in (("a", ()), ("b", ()), ("c", ("a",)), ("c", ("b",))):
        with pytest.raises(InvalidParameterError, match="already registered"):
            registry.add(name, 2, aliases)
    assert list(registry) == ["a"] and len(registry) == 1 and registry["b"] == 1


@pytest.mark.parametrize(
    ("value", "options", "rule"),
    [
        (-1, {"low": 0}, "a number >= 0"),
        (0, {"low": 0, "open_low": True}, "a number > 0"),
        (1, {"low": 0, "high": 1, "open_high": True}, "a number >= 0 and < 1"),
        (2, {"low": 0, "high": 1}, "a number >= 0 and <= 1"),
        (float("nan"), {}, "a finite number"),
        (float("inf"), {}, "a finite number"),
        (True, {}, "a finite number"),
        ("one", {"low": 0}, "a number >= 0"),
        (None, {"low": 0}, "a number >= 0"),
    ],
)
def test_check_number_refuses(value, options, rule):
    with pytest.raises(InvalidParameterError) as caught:
        check_number("Owner", "name", value, **options)
    assert str(caught.value) == f"Owner: name must be {rule}, got {value!r}"


def test_check_number_accepts():
    for value in (0.5, np.float32(0.5), "0.5", np.array(0.5)):
        number = check_number("Owner", "name", value, 0, 1)
        assert number == 0.5 and type(number) is float


def test_intervals():
    unit = Interval(0, 1, open=True)
    assert unit.inside(UNIT) and not UNIT.inside(unit) and UNIT.inside(UNIT)
    assert POSITIVE.inside(ANY) and not ANY.inside(POSITIVE)
    assert Interval(0, float("inf")).inside(ANY) and not Interval(0, float("inf")).inside(POSITIVE)
    assert not Interval(-1, 1, open=True).inside(UNIT)
    assert unit.holds(np.array([0.5])) and not unit.holds(np.array([0.5, 1.0])) and UNIT.holds(np.array([0.0, 1.0]))
    assert not UNIT.holds(np.array([np.nan])) and not unit.holds(np.array([np.nan]))
    assert str(unit) == "(0, 1)" and str(UNIT) == "[0, 1]"
