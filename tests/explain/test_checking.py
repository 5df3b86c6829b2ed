"""Verdicts, each on a computation small enough to judge by eye."""

import math

import pytest

from glassnet.explain.checking import check
from glassnet.explain.findings import VERDICTS
from glassnet.explain.worked import worked_example

NEURON = {"x": [0.5], "layers": [{"activation": "sigmoid", "W": [[2.0]]}]}  # z = 1, a = 0.731058...
TRAINED = {**NEURON, "y": [0.0], "loss": "half_squared_error", "optimizer": {"name": "sgd", "learning_rate": 0.1}}


def verdicts(document, *blocks, **claims):
    blocks = blocks or ({"step": 1, **claims},)
    report = check(document | {"claims": list(blocks)})
    return {f"{finding.label}@{finding.step}": finding.verdict for finding in report.findings}


@pytest.mark.parametrize(
    ("z", "a", "expected"),
    [
        ("1.0", "0.731", ("ok", "ok")),
        ("1.0", "0.7311", ("ok", "ok")),
        ("1.0", "0.732", ("ok", "last_digit")),
        ("1.0", "0.730", ("ok", "last_digit")),
        ("1.0", "0.733", ("ok", "slip")),
        ("1.0", "-0.731", ("ok", "slip")),
        ("1.10", "0.731", ("slip", "ok")),  # the right number, whatever came before
        ("1.100", "0.7503", ("slip", "follows")),  # 1 / (1 + exp(-1.1)) = 0.75026
        ("1.100", "0.7505", ("slip", "follows")),  # z may be anything up to 1.1005: 0.75035, and one digit more
        ("1.100", "0.7506", ("slip", "slip")),
        ("1.001", "0.7313", ("last_digit", "rounding")),  # 0.73125 from 1.001, whose rounding is no slip
    ],
)
def test_a_number_and_what_is_computed_from_it(z, a, expected):
    assert tuple(verdicts(NEURON, z1=[z], a1=[a]).values()) == expected


@pytest.mark.parametrize("claimed", ["0.12", "0.13", "0.125", ".125", "1.25e-1", "+0.125", " 0.125 "])
def test_a_tie_rounds_either_way(claimed):
    assert verdicts({"x": [0.25], "layers": [{"W": [[0.5]]}]}, z1=[claimed]) == {"z1[1]@1": "ok"}


def test_plain_numbers_count_with_their_shortest_digits():
    assert verdicts(NEURON, z1=[1], a1=[0.731]) == {"z1[1]@1": "ok", "a1[1]@1": "ok"}


def test_the_typographic_minus_is_a_minus():
    assert verdicts({"x": [-1.0], "layers": [{"W": [[2.0]]}]}, z1=["\N{MINUS SIGN}2.0"]) == {"z1[1]@1": "ok"}


def test_a_number_that_was_never_rounded_is_not_widened():
    """z = 2 exactly. If "2" stood for 1.5 ... 2.5, everything from 0.818 to 0.924 would be fine."""
    assert verdicts({"x": [1.0], "layers": [{"activation": "sigmoid", "W": [[2.0]]}]}, z1=["2"], a1=["0.9"]) == {
        "z1[1]@1": "ok",
        "a1[1]@1": "ok",
    }
    assert verdicts({"x": [1.0], "layers": [{"activation": "sigmoid", "W": [[2.0]]}]}, z1=["2"], a1=["0.85"]) == {
        "z1[1]@1": "ok",
        "a1[1]@1": "slip",
    }


def test_a_line_that_was_not_written_down_is_carried():
    """The loss comes from the printed z through an a that is not there: 0.5 * 0.7503^2 = 0.2815."""
    assert verdicts(TRAINED, z1=["1.100"], loss="0.2815") == {"z1[1]@1": "slip", "loss@1": "follows"}
    assert verdicts(TRAINED, z1=["1.100"], loss="0.2672") == {"z1[1]@1": "slip", "loss@1": "ok"}
    assert verdicts(TRAINED, z1=["1.100"], loss="0.2915") == {"z1[1]@1": "slip", "loss@1": "slip"}


def test_the_next_step_goes_on_from_what_was_printed():
    """dW = 0.731059 * 0.196612 * 0.5 = 0.0718678, so W = 1.99281; from a printed 1.90, z = 0.95 follows."""
    good = verdicts(TRAINED, {"step": 1, "W1_new": [["1.9928"]]}, {"step": 2, "z1": ["0.9964"]})
    assert set(good.values()) == {"ok"}
    bad = verdicts(TRAINED, {"step": 1, "W1_new": [["1.900"]]}, {"step": 2, "z1": ["0.950"]})
    assert bad == {"W1_new[1,1]@1": "slip", "z1[1]@2": "follows"}


def test_the_output_delta_comes_from_its_factors_where_both_are_written_down():
    linked = {**NEURON, "y": [1.0], "loss": "binary_cross_entropy"}  # delta = a - y = -0.268941
    assert verdicts(linked, delta1=["-0.2689"]) == {"delta1[1]@1": "ok"}
    assert verdicts(linked, dL_da1=["-1.4"], g1=["0.20"], delta1=["-0.280"])["delta1[1]@1"] == "rounding"
    assert verdicts(linked, g1=["0.20"], delta1=["-0.280"])["delta1[1]@1"] == "slip"


def test_a_printed_output_stays_in_its_range():
    """1.000 for a sigmoid is at most 1, so the logarithm has a value; z = 9 gives 0.00012, which 1.000 allows."""
    saturated = {"x": [9.0], "y": [1.0], "loss": "binary_cross_entropy"}
    saturated |= {"layers": [{"activation": "sigmoid", "W": [[1.0]]}]}
    assert verdicts(saturated, a1=["1.000"], loss="0.0003") == {"a1[1]@1": "ok", "loss@1": "rounding"}
    assert verdicts(saturated, a1=["1.000"], loss="-0.0003") == {"a1[1]@1": "ok", "loss@1": "slip"}
    assert verdicts(saturated, a1=["1.000"], loss="0.003") == {"a1[1]@1": "ok", "loss@1": "slip"}


def test_what_has_no_value_from_a_slip_is_no_crash():
    """log(1 - 1.5) does not exist: nothing follows from that slip but the right number."""
    document = {**NEURON, "y": [0.0], "loss": "binary_cross_entropy"}
    assert verdicts(document, a1=["1.500"], loss="0.4") == {"a1[1]@1": "slip", "loss@1": "slip"}
    assert verdicts(document, a1=["1.500"], loss="1.313") == {"a1[1]@1": "slip", "loss@1": "ok"}


def test_a_slip_of_an_optimizers_slot_is_carried_into_the_weights():
    """v = g = 0.0718678 in the first step of momentum, W = 2 - 0.1 v."""
    document = TRAINED | {"optimizer": {"name": "momentum", "learning_rate": 0.1}}
    assert verdicts(document, v_W1=[["0.07187"]], W1_new=[["1.99281"]]) == {
        "v_W1[1,1]@1": "ok",
        "W1_new[1,1]@1": "ok",
    }
    assert verdicts(document, v_W1=[["0.17000"]], W1_new=[["1.98300"]]) == {
        "v_W1[1,1]@1": "slip",
        "W1_new[1,1]@1": "follows",
    }


def test_blanks_are_not_judged():
    report = check({"x": [1.0], "layers": [{"W": [[1.0], [2.0]]}], "claims": [{"step": 1, "z1": ["", "2.0"]}]})
    assert [(finding.index, finding.verdict) for finding in report.findings] == [((2,), "ok")]


def test_several_examples_have_an_index_of_their_own():
    document = {"x": [[1.0], [2.0]], "y": [0.0, 1.0], "loss": "squared_error", "reduction": "mean"}
    document["layers"] = [{"W": [[1.0]], "b": [0.5]}]
    found = verdicts(document, z1=[["1.5"], ["2.5"]], losses=["2.25", "2.25"], loss="2.25", dW1=[["4.5"]])
    assert found == {
        "z1[1,1]@1": "ok",
        "z1[2,1]@1": "ok",
        "losses[1]@1": "ok",
        "losses[2]@1": "ok",
        "loss@1": "ok",
        "dW1[1,1]@1": "ok",
    }


def test_the_report():
    report = check(NEURON | {"claims": [{"step": 1, "z1": ["1.100"], "a1": ["0.7503"]}]})
    slip = report.first_slip
    assert slip is not None and not report.passed
    assert (slip.step, slip.name, slip.index, slip.claimed, slip.label) == (1, "z1", (1,), "1.100", "z1[1]")
    assert (slip.exact, slip.expected, slip.formula) == (1.0, 1.0, "z1 = W1 x")
    assert (slip.symbols, slip.numbers) == ("W1[1,1] · x[1]", "2.0 · 0.5")
    assert report.counts == {**dict.fromkeys(VERDICTS, 0), "slip": 1, "follows": 1}
    document = report.document()
    assert document["claims"][0] == {
        "step": 1, "name": "z1", "index": [1], "claimed": "1.100", "exact": 1.0, "verdict": "slip"
    }  # fmt: skip
    assert document["first_slip"]["name"] == "z1" and document["first_slip"]["index"] == [1]
    follows = report.findings[1]
    assert follows.expected is not None and math.isclose(follows.expected, 1 / (1 + math.exp(-1.1)))
    assert follows.numbers == "1 / (1 + exp(-1.100))"


def test_a_report_without_slips():
    report = check(worked_example(NEURON | {"claims": [{"step": 1, "z1": ["1.0"]}]}))
    assert report.passed and report.first_slip is None and report.document()["first_slip"] is None


EXPRESSIONS = {"expressions": ["u = x**2", "f = sin(u)"], "at": {"x": 2.0}}


def test_a_slip_in_the_chain_rule():
    """cos(4) = -0.6536; a lost minus goes on to the product, 4 * 0.6536 = 2.6146."""
    found = verdicts(EXPRESSIONS, u="4", df_du="0.6536", du_dx="4", df_dx="2.6146")
    assert found == {"u@1": "ok", "du_dx@1": "ok", "df_du@1": "slip", "df_dx@1": "follows"}
    slip = check(EXPRESSIONS | {"claims": [{"u": "4", "df_du": "0.6536"}]}).first_slip
    assert slip is not None and (slip.symbols, slip.numbers) == ("cos(u)", "cos(4)")
    slip = check(EXPRESSIONS | {"claims": [{"df_du": "0.6536"}]}).first_slip
    assert slip is not None and (slip.symbols, slip.numbers) == ("cos(x^2)", "cos(2.0^2)")
