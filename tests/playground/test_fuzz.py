"""Whatever a page sends is answered, by `done` or by one line; the session lives on."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassnet.playground import commands
from glassnet.playground.limits import LIMITS
from playing import SMALL, Page, connected, playground

NAMES = [kind.__struct_config__.tag for kind in commands.Command.__subclasses__()]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["W1", "b1", "x1", "adam", "spiral", "table", "iris", "epoch", "softmax", 0, 1, -1, 1e308, 10**400]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ["setup", "unit", "back", "count", "tensor", "index", "value", "points", "indexes", "what", "size", "probe"]
FIELDS += ["example", "x", "y", "entries", "optimizers", "epochs", "speed", "session"]
COMMANDS = st.builds(
    lambda do, fields: {"do": do, "id": 7, **fields},
    st.sampled_from([name for name in NAMES if name != "play"]) | st.text(max_size=5),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3),
)
SETUPS = st.dictionaries(
    st.sampled_from(["data", "inputs", "layers", "output_activation", "loss", "l1", "l2", "optimizer", "schedule"])
    | st.sampled_from(["batch_size", "clip_norm", "initializer", "seed", "stop"]),
    VALUES,
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def page():
    with playground() as client, connected(client) as found:
        found.do("hello")
        found.do("watch", what=[])
        yield found


def answered(page: Page, text: str | bytes) -> dict[str, Any]:
    """Send it; the answer, after which the session still answers."""
    page.send(text)
    answer, _ = page.until("done", "error")
    if answer["type"] == "error":
        message = answer["message"]
        assert message and "\n" not in message and "this is a bug" not in message, message
        assert "Traceback" not in message and "object at 0x" not in message
    page.do("ping")
    page.seen.clear()
    return answer


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(COMMANDS)
def test_commands_of_any_kind_are_answered(page, command):
    answer = answered(page, json.dumps(command))
    assert answer["id"] == 7


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(SETUPS)
def test_setups_of_any_kind_are_taken_or_refused_by_field(page, setup):
    answer = answered(page, json.dumps({"do": "change", "id": 8, "setup": setup}))
    if answer["type"] == "error":
        assert answer["field"] is None or isinstance(answer["field"], str)
    page.do("change", setup=SMALL)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=100) | st.binary(max_size=100) | VALUES.map(json.dumps))
def test_what_is_no_command_is_an_error(page, text):
    assert answered(page, text)["type"] == "error"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '{"do": "step"}',
        '{"id": 1}',
        '{"do": "step", "id": "one"}',
        '{"do": "step", "id": -1}',
        '{"do": "step", "id": 1, "count": 0}',
        '{"do": "step", "id": 1, "count": 1e9}',
        '{"do": "step", "id": 1, "count": true}',
        '{"do": "step", "id": 1, "unit": "mile"}',
        '{"do": "edit", "id": 1, "tensor": "W1", "index": [0, 0], "value": NaN}',
        '{"do": "edit", "id": 1, "tensor": "W1", "index": [0, 0], "value": Infinity}',
        '{"do": "edit", "id": 1, "tensor": "W1", "index": [0, 0], "value": 1e999}',
        '{"do": "edit", "id": 1, "tensor": "W1", "index": [0, 0], "value": 1e300}',
        '{"do": "edit", "id": 1, "tensor": "W1", "index": [0.5, 0], "value": 1}',
        '{"do": "change", "id": 1, "setup": {"l2": 1e999}}',
        '{"do": "change", "id": 1, "setup": {"optimizer": {"name": "adam", "learning_rate": true}}}',
        '{"do": "play", "id": 1, "speed": 0}',
        '{"do": "ping", "id": 1, "more": 2}',
        "[" * 5000,
        '{"do": "change", "id": 1, "setup": ' + '{"data": ' * 2000 + "1" + "}" * 2000 + "}",
        b"\xff\xfe",
        b"\x00" * 100,
    ],
    ids=range(25),
)
def test_nonsense_is_an_error_in_one_line(page, text):
    assert answered(page, text)["type"] == "error"


def test_every_command_of_the_protocol_is_known():
    handled = {"hello", "change", "play", "pause", "step", "reset", "new_weights", "edit", "undo", "add_points"}
    handled |= {"remove_points", "watch", "explain", "graph", "race", "stop_race", "ping"}
    assert set(NAMES) == handled
    assert LIMITS.message_bytes == 2**20
    assert issubclass(commands.Command, msgspec.Struct)
