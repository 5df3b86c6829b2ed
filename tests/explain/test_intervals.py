"""Hulls hold every value, and no more: compared with a fine grid of points, evaluated by the records under NumPy."""

import mpmath
import numpy as np
import pytest

from glassnet import ACTIVATIONS, LOSSES
from glassnet.explain.arithmetic import EXACT, decimal, digits, row
from glassnet.explain.hulls import hull
from glassnet.explain.intervals import RANGES

SMOOTH = [name for name, g in ACTIVATIONS.items() if not g.rowwise]
CENTRES = [-3.2, -0.6, -0.0004, 0.0003, 0.25, 1.8]
WIDTH = 0.001


def close_to(ends, values, *, jump: float = 0.0) -> bool:
    """Whether the ends enclose all values, and lie at most 3% of their spread (and a jump) outside."""
    low, high, least, most = float(ends[0]), float(ends[1]), float(np.min(values)), float(np.max(values))
    slack = 0.03 * (most - least) + jump + 1e-12
    return low <= least + 1e-12 and most <= high + 1e-12 and low >= least - slack and high <= most + slack


def box(*centres):
    return [(decimal(float(c)) - decimal(WIDTH) / 2, decimal(float(c)) + decimal(WIDTH) / 2) for c in centres]


def grid(centre):
    return np.linspace(centre - WIDTH / 2, centre + WIDTH / 2, 2001)


@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("name", SMOOTH)
def test_an_activation_of_one_number(name, centre):
    g = ACTIVATIONS[name]
    ends = hull(lambda A, z: A(g.function)(z[0], *A.constants(g.constants)), box(centre))
    assert close_to(ends, g.value(grid(centre)))


@pytest.mark.parametrize("centre", [0.1, 0.5001, 0.7685])
@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_a_derivative_from_the_activation(name, centre):
    """a (1 - a) and 1 - a^2 use a twice; 0.5 is a turning point of the first."""
    g = ACTIVATIONS[name]
    ends = hull(lambda A, a: A(g.derivative)(A.number(0), a[0]), box(centre))
    assert close_to(ends, g.derivative(grid(centre), grid(centre)))


@pytest.mark.parametrize("centre", [-1.3, -0.0004, 0.7])
@pytest.mark.parametrize("name", [n for n in SMOOTH if ACTIVATIONS[n].derivative is not None])
def test_a_derivative_of_z_and_a(name, centre):
    """z and a vary independently, as printed digits do."""
    g = ACTIVATIONS[name]
    a = float(g.value(np.float64(centre)))
    ends = hull(lambda A, v: A(g.derivative)(*v, *A.constants(g.constants)), box(centre, a))
    Z, A_ = np.meshgrid(grid(centre)[::50], grid(a)[::50])
    assert close_to(ends, g.slope(Z, A_))


@pytest.mark.parametrize("target", [0.0, 1.0, 0.4])
@pytest.mark.parametrize("centre", [0.0007, 0.4, 0.9991])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_and_its_derivative(name, centre, target):
    loss, a = LOSSES[name], grid(centre)
    constants = tuple(loss.constants.values())
    for function in (loss.function, loss.derivative):

        def compute(A, v, function=function):
            return A(function)(v[0], A.number(target), *A.constants(loss.constants))

        values = function(a, np.full_like(a, target), *map(np.float64, constants))
        steep = 0.01 if not 0.01 < centre < 0.99 else 0.0  # 1 / (a (1 - a)) at the ends: somewhat wider is allowed
        assert close_to(hull(compute, box(centre)), values, jump=steep), function


def test_softmax_is_not_widened_by_its_shift():
    """Each output rises with its own z and falls with the others, so its extremes lie at corners."""
    z = np.array([0.3, 0.3, -1.2])
    for k in range(3):
        ends = hull(lambda A, v, k=k: A(ACTIVATIONS["softmax"].function)(row(v))[k], box(*z))
        signs = np.where(np.arange(3) == k, 1, -1) * WIDTH / 2
        corners = [ACTIVATIONS["softmax"].function(z + s)[k] for s in (-signs, signs)]
        assert np.allclose([float(end) for end in ends], corners, rtol=1e-12)


@pytest.mark.parametrize("name", ["sin", "cos"])
@pytest.mark.parametrize("centre", [0.0, 1.5706, 3.1417, 4.0, 4.7121, -7.8538, 100.0])
def test_waves(name, centre):
    ends = hull(lambda A, x: A.functions[name](x[0]), box(centre))
    assert close_to(ends, getattr(np, name)(grid(centre)))


def test_a_jump_gives_both_sides():
    g = ACTIVATIONS["step"]
    assert hull(lambda A, z: A(g.function)(z[0]), box(5.0)) == (1, 1)
    low, high = hull(lambda A, z: A(g.function)(z[0]), box(0.0))
    assert low <= 0 and high >= 1


def test_division_by_an_interval_around_zero_leaves_everything_open():
    low, high = hull(lambda A, x: A.number(1) / x[0], box(0.0))
    assert low == -mpmath.inf and high == mpmath.inf


def test_a_logarithm_below_zero_has_no_value():
    with pytest.raises(ZeroDivisionError):
        hull(lambda A, x: A.functions["log"](x[0]), box(-2.0))


def test_what_is_known_stays_a_point():
    x = decimal("0.3")
    assert hull(lambda A, v: v[0] * v[0] - A.number(1), [(x, x)]) == (x * x - 1,) * 2


def test_a_wrong_hull_is_seen():
    ends = hull(lambda A, a: a[0] * (1 - a[0]), box(0.7685))
    plain = RANGES.number("0.7685")
    assert not close_to((ends[0], ends[1] + decimal(WIDTH) / 10), grid(0.7685) * (1 - grid(0.7685)))
    assert not close_to(plain.ends, grid(0.7685))


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "sqrt", "tanh", "erf"])
def test_exact_functions_are_those_of_mpmath(name):
    """At twice the digits, with mpmath's own functions."""
    for x in ("0.001", "0.5", "2.75", "40"):
        with mpmath.workdps(100):
            expected = getattr(mpmath, name)(mpmath.mpf(x))
            assert abs(mpmath.mpf(EXACT.functions[name](digits.mpf(x))) / expected - 1) < mpmath.mpf(10) ** -48
