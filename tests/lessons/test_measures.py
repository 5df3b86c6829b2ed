"""What the lessons measure with, against outside truth."""

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.preprocessing import StandardScaler

from glassnet import Dense, Network
from glassnet.lessons.backpropagation_cost import measured, multiplications
from glassnet.lessons.log_sum_exp import exact
from glassnet.lessons.tables import moons_in_parts, numbers, standardized
from glassnet.lessons.test_set_tuning import luck


def test_standardized_is_scikit_learns():
    X, _ = numbers("digits")  # some of its columns are constant
    np.testing.assert_allclose(standardized(X), StandardScaler().fit_transform(X), atol=1e-12)


def test_the_exact_loss_is_scipys_where_that_is_exact():
    z = np.array([-3.0, 700.0, 690.5])
    assert exact(z, 2) == pytest.approx(logsumexp(z) - z[2], rel=1e-13)
    assert exact(np.array([0.0, 1e6]), 0) == 1e6


def test_luck_is_what_throwing_coins_gives():
    scores = np.random.default_rng(0).binomial(50, 0.5, (20_000, 30)) / 50
    assert luck(1, 50) == pytest.approx(0.5)
    assert luck(30, 50) == pytest.approx(scores.max(axis=1).mean(), abs=0.001)


def test_multiplications_of_a_small_network_counted_by_hand():
    net = Network(2, [Dense(3, "tanh"), Dense(1)])
    # forward 2 * 3 + 3 * 1; backward dW2 3, W2^T delta2 3, dW1 6
    assert multiplications(net) == (9, 12)


@pytest.mark.parametrize(("sides", "passes", "off"), [(2, 2 * 13, 1e-8), (1, 13 + 1, 1e-4)])
def test_measured_gradients_leave_the_network_as_it_was(sides, passes, off):
    net = Network(2, [Dense(3, "tanh"), Dense(1)], dtype="float64", seed=1)
    before, (X, y) = net.parameters.vector.copy(), (np.eye(2), np.array([0.3, -1.0]))
    slopes, done = measured(net, X, y, 1e-5, sides)
    assert done == passes
    np.testing.assert_allclose(slopes, net.loss_and_gradient(X, y)[1].vector, atol=off)
    np.testing.assert_array_equal(net.parameters.vector, before)


def test_parts_share_no_point():
    (X, _), (Z, _) = moons_in_parts(40, 30, seed=2)
    assert len(np.unique(np.vstack([X, Z]), axis=0)) == 70
