"""Every equality of every derivation, by SymPy; the first and last expression are the record's own functions."""

import itertools
import random
import re

import pytest

from explain.symbolic import (
    SYMPY,
    Algebra,
    at_random,
    cases,
    entries,
    free_indices,
    is_zero,
    symbol,
    sympy,
)
from glassnet import ACTIVATIONS, LOSSES, OPTIMIZERS, derive
from glassnet.errors import InvalidParameterError
from glassnet.explain.proofs import PROOFS, Equalities, Proof, Step
from glassnet.formulas.penalties import penalty_slope, penalty_value

PARTS = [pytest.param(p, e, id=f"{p.name}-{i}") for p in PROOFS.values() for i, e in enumerate(p.parts)]


def sizes(part: Equalities) -> tuple[int, ...]:
    """Arrays of two and three entries; where there are none, one."""
    indexed = any("[" in text for text in (*part.where, *(step.expression for step in part.steps)))
    return (2, 3) if indexed and "batch" not in part.title else (2,)


def settings(part: Equalities):
    """Every size, place and case: an Algebra, an index, a substitution."""
    letters = free_indices(part)
    for size in sizes(part):
        algebra = Algebra(part, size)
        for places in itertools.product(range(size), repeat=len(letters)):
            for case in cases(part, size):
                yield algebra, dict(zip(letters, places, strict=True)), case


def faults(part: Equalities, *, symbolic: bool = True) -> list[str]:
    """Steps that do not equal the one before them, by algebra and at random numbers."""
    rng = random.Random(0)
    found: list[str] = []
    for algebra, index, case in settings(part):
        values = [sympy.sympify(algebra.value(step.expression, **index)).subs(case) for step in part.steps]
        for (one, other), step in zip(itertools.pairwise(values), part.steps[1:], strict=True):
            near = all(abs(at_random(one - other, rng)) < 1e-20 for _ in range(3))
            if not near or (symbolic and not is_zero(one - other)):
                found.append(f"{step.expression} at {index} where {case}")
    return found


@pytest.mark.parametrize(("proof", "part"), PARTS)
def test_every_equality_holds(proof, part):
    assert len(part.steps) > 1
    assert faults(part) == []


@pytest.mark.parametrize(("proof", "part"), PARTS)
def test_every_step_has_a_reason_in_words(proof, part):
    assert part.steps[0].reason == ""
    assert all(step.reason for step in part.steps[1:])


@pytest.mark.parametrize(
    "wrong",
    [
        Equalities("a sign", (Step("d(a, z)"), Step("-a * (1 - a)", "wrong")), where=("a = 1 / (1 + exp(-z))",)),
        Equalities("a factor", (Step("partial((a - y)**2, a)"), Step("a - y", "wrong"))),
        Equalities("a piece", (Step("d(max(0, z), z)"), Step("1", "wrong")), when="z < 0"),
        Equalities(
            "an index",
            (Step("partial(a[k], z[j])"), Step("a[k] * (kronecker(k, j) - a[k])", "wrong")),
            where=("a[k] = exp(z[k]) / sum(i, exp(z[i]))",),
        ),
        Equalities("a transpose", (Step("sum(k, W[k, j] * u[k])"), Step("(W @ u)[j]", "wrong"))),
    ],
    ids=lambda part: part.title,
)
def test_a_wrong_step_is_found(wrong):
    assert faults(wrong)
    assert faults(wrong, symbolic=False)


# --- what is proved is what glassnet computes -------------------------------------------------------------------


def constants(record):
    return [symbol(name) for name in record.constants]


def same(expression, other, case) -> bool:
    return is_zero(sympy.sympify(expression).subs(case) - sympy.sympify(other).subs(case))


def elementwise(record, part, value) -> bool:
    """An activation of single numbers: what `value` makes of z and a is the last expression, and the first."""
    z = symbol("z")
    for algebra, index, case in settings(part):
        a = SYMPY(record.function)(z, *constants(record))
        sides = [algebra.value(step.expression, **index) for step in (part.steps[0], part.steps[-1])]
        signs = [case] if z in case else [{**case, z: symbol("p")}, {**case, z: -symbol("p")}]
        if not all(same(side, value(z, a), each) for side in sides for each in signs):
            return False
    return True


@pytest.mark.parametrize("name", [n for n, r in ACTIVATIONS.items() if not r.rowwise])
def test_an_activation_is_what_is_derived(name):
    record, proof = ACTIVATIONS[name], derive(name)
    slopes = [part for part in proof.parts if part.proves == "derivative"]
    assert slopes
    for part in slopes:
        (definition,) = (text.split(" = ")[1] for text in part.where if text.startswith("a = "))
        value = Equalities("", (Step("a"), Step(definition)), part.where, part.when)
        assert elementwise(record, value, lambda z, a: a)
        assert elementwise(record, part, lambda z, a: sympy.diff(a, z))
        if record.derivative is not None:
            own = SYMPY(record.derivative)
            assert elementwise(record, part, lambda z, a, own=own: own(z, a, *constants(record)))
    for part in proof.parts:
        if part.proves == "function":
            assert elementwise(record, part, lambda z, a: a)
    kinks = {when for when in ("z > 0", "z < 0") if any(part.when == when for part in slopes)}
    assert len(kinks) == (2 if record.kinks else 0)


@pytest.mark.parametrize("name", [n for n, r in ACTIVATIONS.items() if r.rowwise])
def test_a_rowwise_activation_is_what_is_derived(name):
    record, proof = ACTIVATIONS[name], derive(name)
    proved = {part.proves: part for part in proof.parts}
    for size in (2, 3):
        z = entries("z", size)
        a, da = SYMPY(record.function)(z), entries("da", size)
        back = SYMPY(record.vjp)(z, a, da)
        whole = sum(da[k] * a[k] for k in range(size))
        value, vjp = (Algebra(proved[key], size) for key in ("function", "vjp"))
        for k in range(size):
            assert all(is_zero(value.value(step.expression, k=k) - a[k]) for step in proved["function"].steps)
            for step in (proved["vjp"].steps[0], proved["vjp"].steps[-1]):
                assert is_zero(vjp.value(step.expression, j=k) - back[k])
            assert is_zero(sympy.diff(whole, symbol("z", k)) - back[k])


def of_loss(record, part, size):
    """What the last expression must be, at every place: from the record's own functions."""
    one = not free_indices(part) and "[" not in part.steps[-1].expression
    z, a, y = (symbol(n) if one else entries(n, size) for n in ("z", "a", "y"))
    if any(text.startswith(("a = ", "a[k] = ")) for text in part.where):
        a = SYMPY(ACTIVATIONS[record.link].function)(z)
    if part.proves == "canonical":
        return record.canonical * (a - y)
    own = SYMPY(getattr(record, part.proves))
    numbers = (a, y) if part.proves in ("function", "derivative") else (z, a, y)
    return own(*numbers, *constants(record))


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_what_is_derived(name):
    record, proof = LOSSES[name], derive(name)
    wanted = {"derivative"} | ({"canonical"} if record.canonical and record.linked is None else set())
    wanted |= {"linked", "linked_derivative"} if record.linked is not None and name != "perceptron" else set()
    assert wanted <= {part.proves for part in proof.parts}
    for part in proof.parts:
        for algebra, index, case in settings(part):
            right = of_loss(record, part, algebra.size)
            for step in (part.steps[0], part.steps[-1]):
                (place,) = index.values() or (None,)
                wanted = right if place is None else right[place]
                signs = [case] if symbol("z") in case else [case, *({**case, symbol("z"): s} for s in _SIGNS)]
                assert all(same(algebra.value(step.expression, **index), wanted, each) for each in signs[-2:])


_SIGNS = (symbol("p"), -symbol("p"))


@pytest.mark.parametrize("name", [n for n, r in LOSSES.items() if not r.simplex])
def test_the_definition_of_a_loss_is_the_record_s(name):
    record = LOSSES[name]
    for part in derive(name).parts:
        if part.proves != "derivative":
            continue
        for algebra, _, case in settings(part):
            own = SYMPY(record.function)(symbol("a"), symbol("y"), *constants(record))
            written = algebra.value("L") if part.where else algebra.value("abs(a - y)")
            assert same(written, own, case)


def test_the_definition_of_cross_entropy_is_the_record_s():
    record = LOSSES["cross_entropy"]
    for part in derive("cross_entropy").parts:
        for size in (2, 3):
            algebra = Algebra(part, size)
            a = [algebra.value("a[k]", k=k) for k in range(size)]
            own = sum(SYMPY(record.function)(a[k], symbol("y", k)) for k in range(size))
            assert is_zero(algebra.value("L") - own)


def test_penalties_are_what_is_derived():
    w, lam = symbol("w"), symbol("lam")
    for name, strengths in (("l1", (lam, 0)), ("l2", (0, lam))):
        for part in derive(name).parts:
            for algebra, _, case in settings(part):
                assert same(algebra.value("J") - algebra.value("L"), SYMPY(penalty_value)(w, *strengths), case)
                if part.proves:
                    own = sympy.diff(algebra.value("L"), w) + SYMPY(penalty_slope)(w, *strengths)
                    assert same(algebra.value(part.steps[-1].expression), own, case)


def test_batch_normalization_is_what_is_derived():
    """The last line with numbers is delta of a layer with batch normalization."""
    import numpy as np

    from glassnet import BatchNorm, Dense, Network
    from glassnet.network.passes import Draws, Trace, backward, example_weights, forward

    net = Network(1, [Dense(1, "identity", norm=BatchNorm())], "half_squared_error", reduction="sum", dtype="float64")
    rng = np.random.default_rng(0)
    X, Y, views = rng.normal(size=(3, 1)), rng.normal(size=(3, 1)), net.parameters
    trace: Trace = forward(net.architecture, views, net.buffers, X, Draws(0, 0))
    backward(net.architecture, views, trace, Y, example_weights("sum", 3, None, np.float64))
    part = next(part for part in derive("batch_norm").parts if part.proves)
    algebra = Algebra(part, 3)
    ds = (trace["a1"] - Y)[:, 0] * float(views["gamma1"][0])
    numbers = {symbol("z", i): trace["z1"][i, 0] for i in range(3)} | {symbol("u", i): ds[i] for i in range(3)}
    numbers[symbol("epsilon")] = net.architecture.layers[0].norm.epsilon
    for j in range(3):
        value = algebra.value(part.steps[-1].expression, j=j).subs(numbers)
        assert float(value) == pytest.approx(trace["delta1"][j, 0], rel=1e-9)


@pytest.mark.parametrize(("name", "slot", "letter"), [
    ("momentum", 0, "mu"), ("adagrad", 0, ""), ("rmsprop", 0, "rho"), ("adam", 0, "beta_1"),
])  # fmt: skip
def test_an_optimizer_s_average_is_what_is_derived(name, slot, letter):
    rule, part = OPTIMIZERS[name](), next(part for part in derive(name).parts if part.proves == name)
    update, slots = SYMPY(rule.update), (sympy.Integer(0),) * len(rule.slots)
    carried, constants = rule.carried, rule.constants.values()
    for number in (1, 2, 3):
        carried = rule.carry(carried, *constants)
        coefficients = tuple(map(sympy.Float, rule.coefficients(0.1, carried, *constants)))
        slots = update(sympy.Integer(0), symbol(f"g{number}"), slots, coefficients)[1]
    value = {"mu": 0.9, "rho": 0.9, "beta_1": 0.9}.get(letter, 0.0)
    difference = Algebra(part, 2).value(part.steps[-1].expression).subs(symbol(letter or "mu"), value) - slots[slot]
    assert abs(at_random(sympy.expand(difference), random.Random(1))) < 1e-12


# --- every record has one, and it can be shown ------------------------------------------------------------------


def test_every_activation_and_loss_is_derived():
    assert {*ACTIVATIONS, *LOSSES} <= set(PROOFS)


@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_can_be_shown(name):
    proof: Proof = derive(name)
    assert proof.text().startswith(f"{name}: ")
    assert "<math" in proof.html() and "</html>" in proof.html()
    assert proof.latex().count(r"\begin{align*}") == len(proof.parts)
    assert proof.latex().count("{") == proof.latex().count("}")
    rows = [line for line in proof.markdown().splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} == {4}
    steps = proof.document()["parts"][0]["steps"]
    assert [step["expression"] for step in steps] == [step.expression for step in proof.parts[0].steps]


@pytest.mark.parametrize(
    ("word", "name"),
    [("BCE", "binary_cross_entropy"), ("silu", "swish"), ("batch-norm", "batch_norm"), ("dW", "weight_gradient")],
)
def test_other_names_are_known(word, name):
    assert derive(word).name == name


@pytest.mark.parametrize(
    ("word", "message"),
    [("sigmiod", "did you mean 'sigmoid'?"), ("nonsense", r"\(there are: delta, weight_gradient")],
)
def test_what_is_not_derived_is_named(word, message):
    with pytest.raises(InvalidParameterError, match=message):
        derive(word)
