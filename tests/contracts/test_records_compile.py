"""The riskiest decision, proven: one plain function of a record serves NumPy and Numba.

Every function of every record is compiled in float32 and float64 and must give NumPy's values and dtype.
"""

import numpy as np
import pytest

from glassnet.formulas import elementary
from glassnet.formulas.activations import ACTIVATIONS
from glassnet.formulas.losses import LOSSES
from glassnet.formulas.optimizers import OPTIMIZERS
from glassnet.formulas.randomness import bits, hash_end, hash_prefix, hash_word
from tolerances import RECORD_ULP, close

numba = pytest.importorskip("numba")
from contracts import numba_elementary  # noqa: E402  registers the overloads

DTYPES = [np.float32, np.float64]
EDGES = [0.0, -0.0, 1e-30, -1e-30, 1e-3, -1e-3, 0.5, -0.5, 1, -1, 3, -7, 30, -30, 80, -80, 1e4, -1e4]
GRID = np.concatenate([np.linspace(-6, 6, 97), EDGES, [np.inf, -np.inf, np.nan]])


def compile_(function):
    """Compile a record's function; the plain functions it calls are made known to Numba first."""
    numba_elementary.know_helpers(function)
    return numba.njit(error_model="numpy")(function)


def loop(function, columns, constants=()):
    """Apply the compiled function to one element after another, as an engine will; dtypes as Numba inferred."""
    compiled = compile_(function)
    out = [compiled(*(c[i] for c in columns), *constants) for i in range(len(columns[0]))]
    dtype = numba.np.numpy_support.as_dtype(compiled.nopython_signatures[0].return_type)
    return np.array(out, dtype=dtype)


def check_elementwise(function, columns, constants, dtype, floor=0.0):
    columns = [np.asarray(c, dtype) for c in columns]
    constants = [dtype(c) for c in constants]
    with np.errstate(all="ignore"):
        expected = function(*columns, *constants)
    assert expected.dtype == dtype
    actual = loop(function, columns, constants)
    assert actual.dtype == dtype, f"Numba widens to {actual.dtype}"
    assert close(actual, expected, RECORD_ULP, floor), columns[0][~(actual == expected)]


ELEMENTWISE = [r for r in ACTIVATIONS.values() if not r.rowwise]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("record", ELEMENTWISE, ids=lambda r: r.name)
def test_activation(record, dtype):
    constants = list(record.constants.values())
    check_elementwise(record.function, [GRID], constants, dtype)
    if record.derivative is not None:
        with np.errstate(all="ignore"):
            a = record.value(GRID.astype(dtype))
        # a derivative may pass through 0 where its terms, of size 1, cancel
        check_elementwise(record.derivative, [GRID, a], constants, dtype, floor=1.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("record", LOSSES.values(), ids=lambda r: r.name)
def test_loss(record, dtype):
    constants = list(record.constants.values())
    unit = record.domain.low == 0
    a = np.tile([0.0, 1e-9, 0.2, 0.5, 0.9, 1.0], 4) if unit else np.tile([-2.0, -0.3, 0.0, 0.5, 1.0, 4.0], 4)
    y = np.repeat([0.0, 0.3, 0.5, 1.0], 6)
    for function in (record.function, record.derivative):
        check_elementwise(function, [a, y], constants, dtype)
    if record.linked is not None and not record.simplex:
        z = np.tile([-1e4, -20.0, -0.5, 0.0, 3.0, 30.0], 4)
        for function in (record.linked, record.linked_derivative):
            check_elementwise(function, [z, a, y], constants, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rowwise_softmax_and_cross_entropy(dtype):
    """A rowwise record compiles for one row, which NumPy sees as the last axis."""
    Z = np.array([[1, 2, 3], [1e4, -1e4, 0], [-5, -5, -5], [0.1, -30, 80]], dtype)
    Y = np.array([[0, 1, 0], [0, 0, 1], [0.2, 0.3, 0.5], [1, 0, 0]], dtype)
    softmax, ce = ACTIVATIONS["softmax"], LOSSES["cross_entropy"]
    A = softmax.function(Z)
    cases = [
        (softmax.function, (Z,)),
        (softmax.vjp, (Z, A, Y)),
        (ce.linked, (Z, A, Y)),
        (ce.linked_derivative, (Z, A, Y)),
    ]
    for function, arrays in cases:
        expected = function(*arrays)
        compiled = compile_(function)
        actual = np.array([np.atleast_1d(compiled(*(m[i] for m in arrays))) for i in range(len(Z))], dtype)
        returned = compiled.nopython_signatures[0].return_type
        assert getattr(returned, "dtype", returned) == numba.from_dtype(np.dtype(dtype))
        assert close(actual, expected, RECORD_ULP), function.__name__


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cls", OPTIMIZERS.values(), ids=lambda c: c.name)
def test_update_rule(cls, dtype):
    """carry and coefficients run in float64, update in the parameters' dtype, slots included."""
    rule = cls(0.01)
    constants = tuple(rule.constants.values())
    carried = compile_(cls.carry)(rule.carried, *constants)
    assert carried == pytest.approx(cls.carry(rule.carried, *constants))
    in64 = cls.coefficients(0.01, cls.carry(rule.carried, *constants), *constants)
    assert compile_(cls.coefficients)(0.01, carried, *constants) == pytest.approx(in64)
    coefficients = tuple(dtype(c) for c in in64)
    rng = np.random.default_rng(0)
    theta, g = rng.normal(size=(2, 50)).astype(dtype)
    slots = tuple(np.abs(rng.normal(size=(len(rule.slots), 50))).astype(dtype))
    expected, new_slots = cls.update(theta, g, slots, coefficients)
    assert expected.dtype == dtype

    compiled = compile_(cls.update)
    results = [compiled(theta[i], g[i], tuple(s[i] for s in slots), coefficients) for i in range(50)]
    float_type = numba.from_dtype(np.dtype(dtype))
    returned = compiled.nopython_signatures[0].return_type
    assert set(np.ravel([returned[0], *returned[1]])) == {float_type}, f"Numba widens to {returned}"
    assert close(np.array([r[0] for r in results], dtype), expected, RECORD_ULP)
    for mine, theirs in zip(np.array([r[1] for r in results], dtype).T, new_slots, strict=True):
        assert close(mine, theirs, RECORD_ULP)


def test_random_bits():
    index = np.arange(1000, dtype=np.uint64)
    prefix = hash_prefix(7, 3, 2)
    words = loop(hash_word, [np.full(1000, prefix), index])
    actual = loop(hash_end, [words])
    assert words.dtype == actual.dtype == np.uint64
    assert np.array_equal(actual, bits(prefix, index))


def test_a_bare_literal_is_caught():
    """The contract can fail: `1 + exp(-z)` with a bare 1 widens float32 to float64 under Numba."""

    def careless(z):
        return 1 / (1 + np.exp(-z))

    with pytest.raises(AssertionError, match="widens"):
        check_elementwise(careless, [GRID], [], np.float32)


def test_a_wrong_value_is_caught():
    def wrong_under_numba(z):
        return elementary.exp(z) * FACTOR  # Numba froze 1.001 when it compiled

    FACTOR = np.float32(1.001)
    with pytest.raises(AssertionError):
        actual = loop(wrong_under_numba, [np.ones(3, np.float32)])
        assert close(actual, elementary.exp(np.ones(3, np.float32)), RECORD_ULP)


def test_comparison_fails_on_nan():
    assert not close(np.array([1.0, np.nan]), np.array([1.0, 2.0]), RECORD_ULP)
