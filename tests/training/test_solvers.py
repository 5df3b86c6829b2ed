"""Full-batch solvers against scikit-learn and closed forms."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge

from glassnet import (
    LBFGS,
    Architecture,
    ArchitectureError,
    BatchNorm,
    Checkpoint,
    Dense,
    DivergenceError,
    Dropout,
    InvalidParameterError,
    LeastSquares,
    Network,
    NewtonRaphson,
    ResumeError,
    SingularHessianError,
)
from training.problems import Keep, StopAt, classes, network, numbers, vector

NEWTON_OR_LBFGS = pytest.mark.parametrize("solver", [NewtonRaphson(), LBFGS(tolerance=1e-9)])
WEIGHTED = pytest.mark.parametrize("weighted", [False, True])


def weights_or_none(n, weighted):
    return np.random.default_rng(7).uniform(0.2, 3, n) if weighted else None


def one_layer(d, K, activation, **options):
    return Network(d, [Dense(K, activation)], dtype="float64", **options)


@NEWTON_OR_LBFGS
@WEIGHTED
@pytest.mark.parametrize("C", [0.1, 1.0, 100.0])
def test_logistic_regression_is_scikit_learns(solver, weighted, C):
    X, y = classes(n=200, K=2)
    weights = weights_or_none(200, weighted)
    theirs = LogisticRegression(C=C, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(X, y, weights)
    net = one_layer(4, 1, "sigmoid", reduction="sum", l2=1 / C)
    history = net.fit(X, y, optimizer=solver, epochs=500, sample_weight=weights)
    assert "converged" in history.stopped
    np.testing.assert_allclose(net.parameters["W1"], theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(net.parameters["b1"], theirs.intercept_, atol=1e-5)
    np.testing.assert_allclose(net.predict(X)[:, 0], theirs.predict_proba(X)[:, 1], atol=1e-5)


@NEWTON_OR_LBFGS
@WEIGHTED
@pytest.mark.parametrize("C", [0.1, 10.0])
def test_multinomial_regression_is_scikit_learns(solver, weighted, C):
    X, y = classes(n=200, K=3)
    weights = weights_or_none(200, weighted)
    theirs = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, y, weights)
    net = one_layer(4, 3, "softmax", reduction="sum", l2=1 / C)
    net.fit(X, y, optimizer=solver, epochs=500, sample_weight=weights)
    np.testing.assert_allclose(net.parameters["W1"], theirs.coef_, atol=1e-5)
    bias = net.parameters["b1"]
    np.testing.assert_allclose(bias - bias.mean(), theirs.intercept_ - theirs.intercept_.mean(), atol=1e-5)
    np.testing.assert_allclose(net.predict(X), theirs.predict_proba(X), atol=1e-5)


@NEWTON_OR_LBFGS
def test_without_penalty_or_bias_too(solver):
    X, y = classes(n=300, K=2)
    theirs = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, fit_intercept=False).fit(X, y)
    net = Network(4, [Dense(1, "sigmoid", bias=False)], dtype="float64")
    net.fit(X, y, optimizer=solver, epochs=500)
    np.testing.assert_allclose(net.parameters["W1"], theirs.coef_, atol=1e-5)


def test_unpenalized_softmax_gives_scikit_learns_probabilities():
    X, y = classes(n=300, K=3)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(X, y)
    net = one_layer(4, 3, "softmax")
    net.fit(X, y, optimizer=NewtonRaphson(), epochs=100)
    np.testing.assert_allclose(net.predict(X), theirs.predict_proba(X), atol=1e-5)


@WEIGHTED
@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("solver", [LeastSquares(), NewtonRaphson(), LBFGS(tolerance=1e-10)])
@pytest.mark.parametrize("loss", ["squared_error", "half_squared_error"])
def test_linear_regression_is_the_least_squares_solution(solver, weighted, K, loss):
    X, Y = numbers(n=80, K=K)
    weights = weights_or_none(80, weighted)
    theirs = LinearRegression().fit(X, Y, weights)
    net = one_layer(4, K, "identity", loss=loss)
    net.fit(X, Y, optimizer=solver, epochs=500, sample_weight=weights)
    np.testing.assert_allclose(net.parameters["W1"], theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(net.parameters["b1"], theirs.intercept_, atol=1e-6)


@WEIGHTED
@pytest.mark.parametrize("solver", [LeastSquares(), NewtonRaphson(), LBFGS(tolerance=1e-10)])
def test_l2_is_ridge_regression(solver, weighted):
    X, Y = numbers(n=80)
    weights, alpha = weights_or_none(80, weighted), 3.0
    theirs = Ridge(alpha=alpha, tol=1e-12).fit(X, Y, weights)
    net = one_layer(4, 1, "identity", reduction="sum", l2=2 * alpha)
    net.fit(X, Y, optimizer=solver, epochs=500, sample_weight=weights)
    np.testing.assert_allclose(net.parameters["W1"].ravel(), np.ravel(theirs.coef_), atol=1e-6)
    np.testing.assert_allclose(net.parameters["b1"], theirs.intercept_, atol=1e-6)
    mean = 1.0 if weights is None else weights.mean()
    averaged = one_layer(4, 1, "identity", l2=2 * alpha / mean, average_penalty=True)
    averaged.fit(X, Y, optimizer=solver, epochs=500, sample_weight=weights)
    np.testing.assert_allclose(averaged.parameters["W1"], net.parameters["W1"], atol=1e-6)


@NEWTON_OR_LBFGS
@WEIGHTED
def test_poisson_regression_is_scikit_learns(solver, weighted):
    X, _ = numbers(n=200)
    y = np.random.default_rng(3).poisson(np.exp(X @ [0.3, -0.2, 0.5, 0.0] + 0.4)).astype(float)
    weights = weights_or_none(200, weighted)
    theirs = PoissonRegressor(alpha=0.3, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(X, y, weights)
    net = one_layer(4, 1, "exponential", loss="poisson", l2=0.3)
    net.fit(X, y, optimizer=solver, epochs=500, sample_weight=weights)
    np.testing.assert_allclose(net.parameters["W1"].ravel(), theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(net.parameters["b1"], theirs.intercept_, atol=1e-5)


def test_least_squares_with_dependent_columns_takes_a_solution_of_the_least_loss():
    X, Y = numbers(n=50)
    X = np.hstack([X, X[:, :1]])
    net = one_layer(5, 1, "identity")
    net.fit(X, Y, optimizer=LeastSquares(), epochs=1)
    A = np.hstack([X, np.ones((50, 1))])
    np.testing.assert_allclose(net.predict(X), A @ np.linalg.lstsq(A, Y, rcond=None)[0], atol=1e-10)
    np.testing.assert_allclose(net.parameters["W1"][0, 0], net.parameters["W1"][0, 4])


def test_newton_converges_quadratically_and_from_far_away():
    X, y = classes(n=200, K=2)
    net = one_layer(4, 1, "sigmoid", l2=0.1)
    net.parameters["W1"] = [[30.0, -40, 20, 10]]
    history = net.fit(X, y, optimizer="newton", epochs=100)
    norms = history["gradient_norm"]
    assert history.stopped.startswith("Newton-Raphson converged") and len(norms) < 30
    J = [loss + penalty for loss, penalty in zip(history["loss"], history["penalty"], strict=True)]
    assert all(later <= earlier for earlier, later in pairwise(J))
    assert norms[-1] < 100 * norms[-2] ** 2 + 1e-12


def test_newton_in_float32_and_on_columns_of_very_different_units():
    X, y = classes(n=200, K=2)
    scales = np.array([1e-6, 1, 1e3, 1e6])
    net = one_layer(4, 1, "sigmoid")
    net.fit(X, y, optimizer="newton", epochs=100)
    other = one_layer(4, 1, "sigmoid")
    other.parameters["W1"] = np.zeros((1, 4))
    other.fit(X * scales, y, optimizer=NewtonRaphson(tolerance=1e-14), epochs=100)
    np.testing.assert_allclose(other.parameters["W1"] * scales, net.parameters["W1"], rtol=1e-5)
    single = Network(4, [Dense(1, "sigmoid")], dtype="float32")
    history = single.fit(X, y, optimizer="newton", epochs=100)
    np.testing.assert_allclose(single.parameters["W1"], net.parameters["W1"], rtol=1e-3)
    assert "converged" in history.stopped


@pytest.mark.parametrize("activation, K", [("sigmoid", 1), ("softmax", 3), ("identity", 1)])
def test_a_duplicate_column_is_singular_and_l2_mends_it(activation, K):
    X, y = classes(n=100, K=max(K, 2))
    X = np.hstack([X, X[:, :1]])
    net = one_layer(5, K, activation)
    before = vector(net)
    with pytest.raises(SingularHessianError, match=r"rank \d+ of \d+.*linearly dependent.*set l2=1e-4.*LBFGS\(\)"):
        net.fit(X, y, optimizer=NewtonRaphson(), epochs=50)
    assert np.array_equal(vector(net), before)
    history = one_layer(5, K, activation, l2=1e-4).fit(X, y, optimizer=NewtonRaphson(), epochs=50)
    assert "converged" in history.stopped


@pytest.mark.parametrize("K", [2, 3])
def test_separable_classes_without_penalty_are_refused_and_say_so(K):
    X = np.linspace(-1, 1, 30)[:, None]
    y = np.digitize(X[:, 0], np.linspace(-1, 1, K + 1)[1:-1])
    X = np.hstack([X, X**2])
    net = one_layer(2, 1, "sigmoid") if K == 2 else one_layer(2, 3, "softmax")
    with pytest.raises(SingularHessianError, match=r"separable.*l2=1e-4"):
        net.fit(X, y, optimizer=NewtonRaphson(), epochs=200)
    assert np.all(np.isfinite(vector(net)))


def test_a_group_that_is_separable_in_part_is_found_too():
    X, y = classes(n=100, K=2)
    group = np.zeros(100)
    group[:10] = 1
    y[:10] = 1  # all of the group are of class 1: its coefficient has no finite value
    net = one_layer(5, 1, "sigmoid")
    with pytest.raises(SingularHessianError, match="separable"):
        net.fit(np.column_stack([X, group]), y, optimizer=NewtonRaphson(), epochs=200)


def test_a_constant_column_beside_the_bias_is_singular():
    X, y = classes(n=100, K=2)
    X[:, 0] = 3
    with pytest.raises(SingularHessianError, match="dependent or constant"):
        one_layer(4, 1, "sigmoid").fit(X, y, optimizer=NewtonRaphson(), epochs=50)


def test_the_hessian_is_the_derivative_of_the_gradient():
    from glassnet.training.solvers import Problem, hessian

    X, y = classes(n=40)
    net = one_layer(4, 3, "softmax", l2=0.3)
    from glassnet.training.targets import prepare

    problem = Problem(net.architecture, net.engine, net.buffers.vector, prepare(net.architecture, X, y))
    theta, h = vector(net), 1e-6
    columns = []
    for i in range(theta.size):
        e = np.zeros_like(theta)
        e[i] = h
        columns.append((problem.value_and_gradient(theta + e)[1] - problem.value_and_gradient(theta - e)[1]) / (2 * h))
    np.testing.assert_allclose(hessian(problem, theta), np.stack(columns), atol=1e-8)


def test_lbfgs_is_scipys_on_a_hidden_layer():
    from scipy.optimize import minimize

    X, y = classes(n=60)
    net, other = network(X, y, l2=0.01), network(X, y, l2=0.01)

    def objective(theta):
        other.parameters.vector[:] = theta
        value, gradient = other.loss_and_gradient(X, y)
        return value, gradient.vector.copy()

    expected = minimize(
        objective, vector(net), jac=True, method="L-BFGS-B", options={"maxiter": 20, "gtol": 0, "ftol": 0}
    )
    keep = Keep()
    history = net.fit(X, y, optimizer=LBFGS(tolerance=0), epochs=20, callbacks=[keep])
    assert history.epochs == 20 and history.stopped == "after 20 epochs"
    np.testing.assert_allclose(vector(net), expected.x, rtol=1e-12)
    assert "learning_rate" not in history
    assert history["loss"][-1] + history["penalty"][-1] == pytest.approx(expected.fun)
    assert np.array_equal(keep.weights[-1], vector(net))


def test_solvers_take_callbacks_validation_and_frozen_tensors():
    X, y = classes(n=60)
    net = network(X, y, frozen=["W1"])
    before = net.parameters["W1"].copy()
    history = net.fit(X, y, optimizer="lbfgs(memory=5)", epochs=50, validation=0.2, callbacks=[StopAt(3)])
    assert history.stopped == "the user's rule" and history.epochs == 3 and history.finished
    assert len(history["validation_loss"]) == 3
    assert np.array_equal(net.parameters["W1"], before)


@pytest.mark.parametrize(
    "net, solver, words",
    [
        (lambda: one_layer(2, 1, "tanh"), NewtonRaphson(), "link"),
        (lambda: Network(2, [Dense(3, "tanh"), Dense(1)]), NewtonRaphson(), "one Dense layer"),
        (lambda: one_layer(2, 1, "sigmoid", l1=0.1), NewtonRaphson(), "l1"),
        (lambda: one_layer(2, 1, "sigmoid", frozen=["b1"]), NewtonRaphson(), "frozen"),
        (lambda: Network(5001, [Dense(1)]), NewtonRaphson(), "LBFGS"),
        (lambda: one_layer(2, 1, "sigmoid"), LeastSquares(), "identity"),
        (lambda: Network(2, [Dense(3, "tanh"), Dense(1)]), LeastSquares(), "one Dense layer"),
        (lambda: one_layer(2, 1, "identity", l1=0.1), LeastSquares(), "closed form"),
        (lambda: Network(2, [Dense(3, "tanh"), Dropout(0.5), Dense(1)]), LBFGS(), "dropout"),
        (lambda: Network(2, [Dense(3, "tanh", norm=BatchNorm()), Dense(1)]), LBFGS(), "BatchNorm"),
    ],
)
def test_a_network_that_a_solver_cannot_train_is_refused_before_anything_is_written(net, solver, words, tmp_path):
    from glassnet import CSVLog

    net = net()
    with pytest.raises(InvalidParameterError, match=words):
        d = net.architecture.inputs
        net.fit(np.zeros((2, d)), [0, 1], optimizer=solver, callbacks=[CSVLog(tmp_path / "log.csv")])
    assert not list(tmp_path.iterdir())


def test_solvers_by_name_and_their_numbers():
    from glassnet.training.solvers import solver

    assert solver("L-BFGS(memory=3)") == LBFGS(memory=3)
    assert str(LBFGS(relative=0.1)) == "lbfgs(tolerance=1e-06, memory=10, relative=0.1, evaluations=1000000000)"
    assert solver(str(LBFGS())) == LBFGS()
    with pytest.raises(InvalidParameterError, match="takes tolerance, memory"):
        solver("lbfgs(depth=3)")
    with pytest.raises(InvalidParameterError, match="memory"):
        LBFGS(memory=0)
    with pytest.raises(InvalidParameterError, match=r"optimizer must be one of .*adam.*lbfgs"):
        one_layer(2, 1, "sigmoid").fit(np.eye(2), [0, 1], optimizer=3)
    with pytest.raises(InvalidParameterError, match="did you mean 'newton'"):
        one_layer(2, 1, "sigmoid").fit(np.eye(2), [0, 1], optimizer="newtn")


@pytest.mark.parametrize("solver", [LBFGS(), NewtonRaphson()])
def test_solvers_refuse_checkpoints_and_resume(solver, tmp_path):
    net, path = one_layer(2, 1, "sigmoid"), tmp_path / "a"
    for options in ({"callbacks": [Checkpoint(path)]}, {"resume": path}):
        with pytest.raises(ResumeError, match="cannot be resumed"):
            net.fit(np.eye(2), [0, 1], optimizer=solver, **options)
    assert not path.exists()


@pytest.mark.parametrize("solver", [LBFGS(), NewtonRaphson(), LeastSquares()])
def test_a_solver_that_meets_infinity_says_which_tensor(solver):
    X = np.full((4, 2), 1e200)
    X[1] = -1e200
    net = one_layer(2, 1, "identity")
    net.parameters["W1"] = [[1e150, 1e150]]
    before = vector(net)
    with pytest.raises(DivergenceError, match=r"in z1 at epoch 1, step 1; try l2=1e-4, or standardized") as caught:
        net.fit(X, [0.0, 1, 2, 3], optimizer=solver)
    assert (caught.value.tensor, caught.value.epoch, caught.value.step) == ("z1", 1, 1)
    assert np.array_equal(vector(net), before)


def test_architecture_errors_are_parameter_errors():
    assert issubclass(ArchitectureError, InvalidParameterError)
    assert Architecture(1, (Dense(1),)).loss == "squared_error"
