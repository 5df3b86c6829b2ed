"""Initial weights: mean, variance, bounds, and that seed and layer decide every bit."""

import numpy as np
import pytest

from glassnet import INITIALIZERS, InvalidParameterError, initializer

FAN_IN, FAN_OUT = 300, 200  # 60,000 draws
VARIANCE = {
    "zeros": 0.0,
    "uniform": 0.1**2 / 12,
    "normal": 0.05**2,
    "glorot_uniform": 2 / (FAN_IN + FAN_OUT),
    "glorot_normal": 2 / (FAN_IN + FAN_OUT),
    "he_uniform": 2 / FAN_IN,
    "he_normal": 2 / FAN_IN,
    "lecun_uniform": 1 / FAN_IN,
    "lecun_normal": 1 / FAN_IN,
}
by_rule = pytest.mark.parametrize("rule", INITIALIZERS.values(), ids=lambda r: r.name)


def moments_hold(weights, variance, uniform) -> bool:
    """Mean and variance within 5 standard errors of 0 and `variance`; a uniform draw within its bounds."""
    n = weights.size
    fourth = 9 / 5 if uniform else 3  # kurtosis
    mean_error = 5 * np.sqrt(variance / n)
    variance_error = 5 * variance * np.sqrt((fourth - 1) / n)
    inside = not uniform or np.abs(weights).max() <= np.sqrt(3 * variance)
    reaches = not uniform or np.abs(weights).max() >= 0.999 * np.sqrt(3 * variance)
    return bool(
        abs(weights.mean()) <= mean_error and abs(weights.var() - variance) <= variance_error and inside and reaches
    )


@by_rule
@pytest.mark.parametrize("seed", [0, 7])
def test_moments(rule, seed):
    weights = rule.weights(seed, 1, FAN_IN, FAN_OUT)
    assert weights.shape == (FAN_OUT, FAN_IN) and weights.dtype == np.float64
    assert np.all(np.isfinite(weights))
    if rule.name in VARIANCE:
        assert moments_hold(weights, VARIANCE[rule.name], "uniform" in rule.name)


def test_wrong_moments_are_caught():
    weights = INITIALIZERS["he_uniform"].weights(0, 1, FAN_IN, FAN_OUT)
    assert not moments_hold(weights * 1.02, 2 / FAN_IN, True)
    assert not moments_hold(weights + 0.003, 2 / FAN_IN, True)
    assert not moments_hold(weights * np.nan, 2 / FAN_IN, True)
    assert not moments_hold(INITIALIZERS["he_normal"].weights(0, 1, FAN_IN, FAN_OUT), 2 / FAN_IN, True)


@by_rule
def test_seed_and_layer_decide_every_bit(rule):
    first = rule.weights(3, 1, 5, 4)
    assert np.array_equal(first, rule.weights(3, 1, 5, 4))
    if rule.name != "zeros":
        assert not np.any(first == rule.weights(4, 1, 5, 4))
        assert not np.any(first == rule.weights(3, 2, 5, 4))


@pytest.mark.parametrize(("fan_in", "fan_out"), [(2, 3), (100, 10), (1, 1)])
def test_fan_formulas(fan_in, fan_out):
    """The bounds themselves: the same uniform draws in [-1, 1), scaled."""
    base = INITIALIZERS["glorot_uniform"].weights(0, 1, fan_in, fan_out) / np.sqrt(6 / (fan_in + fan_out))
    assert np.all(np.abs(base) <= 1)
    for name, bound in (("he_uniform", np.sqrt(6 / fan_in)), ("lecun_uniform", np.sqrt(3 / fan_in))):
        assert np.allclose(INITIALIZERS[name].weights(0, 1, fan_in, fan_out) / bound, base, rtol=1e-12)
    z = INITIALIZERS["glorot_normal"].weights(0, 1, fan_in, fan_out) / np.sqrt(2 / (fan_in + fan_out))
    for name, std in (("he_normal", np.sqrt(2 / fan_in)), ("lecun_normal", np.sqrt(1 / fan_in))):
        assert np.allclose(INITIALIZERS[name].weights(0, 1, fan_in, fan_out) / std, z, rtol=1e-12)


def test_constants():
    drawn = initializer("uniform(low=2, high=3)").weights(0, 1, 50, 40)
    assert drawn.min() >= 2 and drawn.max() < 3
    drawn = initializer("normal(mean=5, std=0.1)").weights(0, 1, 100, 100)
    assert abs(drawn.mean() - 5) < 0.005 and abs(drawn.std() - 0.1) < 0.005
    with pytest.raises(InvalidParameterError, match="normal: std must be a number >= 0"):
        initializer("normal(std=-1)")


@pytest.mark.parametrize(
    ("alias", "name"),
    [("xavier", "glorot_uniform"), ("he", "he_normal"), ("kaiming_uniform", "he_uniform"), ("lecun", "lecun_normal")],
)
def test_aliases(alias, name):
    assert initializer(alias).name == name


def test_uniform_bounds_in_the_wrong_order_are_refused():
    with pytest.raises(InvalidParameterError, match="low must not be above high"):
        initializer("uniform(low=1, high=0)").weights(0, 1, 2, 2)
