"""Examples without a network: every line gives its value, and all forms show it."""

import json

import pytest

from explain.test_words import computed
from glassnet.cli.explain import has_network
from glassnet.errors import InvalidParameterError
from glassnet.explain.arithmetic import digits
from glassnet.explain.expressing import derive_example
from glassnet.explain.look import Look
from glassnet.explain.worked import example_names, read_example

NAMES = [name for name in example_names() if not has_network(name)]


def test_there_are_some():
    assert {"lecture-5-sine", "lecture-5-squared-error"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_lines_give_their_values(name):
    derivation = derive_example(read_example(name), Look(digits=17))
    claimed = {claim.entry.name: claim for claim in read_example(name).claims}
    for part in derivation.paragraphs:
        for line in part.lines:
            value = computed(line.numbers, sin=lambda x: float(digits.sin(x)), cos=lambda x: float(digits.cos(x)))
            assert value == pytest.approx(line.value, rel=1e-9, abs=1e-12), line.numbers
        if part.name in claimed and part.values.ndim == 0:
            claim = claimed[part.name]
            assert float(part.values) == pytest.approx(float(claim.value), rel=0.01), part.name  # rounded on the way
    assert "<math" in derivation.html() and json.dumps(derivation.document()) and derivation.markdown()


def test_derivatives_come_last():
    parts = [part.name for part in derive_example(read_example("lecture-5-sine"), Look()).paragraphs]
    assert parts == ["u", "f", "du_dx", "df_du", "df_dx"]


def test_there_is_no_chain_to_ask_for():
    with pytest.raises(InvalidParameterError, match="there is no network"):
        derive_example(read_example("lecture-5-sine"), Look()).chain("W1[1,1]")
