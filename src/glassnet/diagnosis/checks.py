"""The checklist: every check in the order in which people should read them, and `diagnose`, which goes through it."""

from typing import Any

from glassnet.diagnosis import data, start, steps
from glassnet.diagnosis.case import Case, Column, case_of
from glassnet.diagnosis.findings import Check, Diagnosis, Finding
from glassnet.engines.base import check_trainable
from glassnet.errors import InvalidParameterError
from glassnet.model import Network
from glassnet.training.options import whole_number

__all__ = ["CHECKS", "diagnose"]

_TIPS = "Lecture 5, implementation tips"
_DEAD = "Class 2 and EE514, activation functions: saturation and dead units"

CHECKS: tuple[Check, ...] = (
    Check(
        "inputs",
        "are the inputs of one scale?",
        "data",
        "root mean square of each input: look from 10, wrong from 100; look where inputs stay below 0.01",
        f"{_TIPS}: normalize inputs; LeCun et al. (1998), Efficient BackProp",
        data.inputs,
    ),
    Check(
        "columns",
        "does every column tell something?",
        "data",
        "a column without any value, or with one value that is not 0 in every row: look",
        f"{_TIPS}: look at the data before the network",
        data.columns,
    ),
    Check(
        "leak",
        "does a column give the target away?",
        "data",
        "one column alone: wrong where its values stand for the classes one to one (numbers: in the same order), look "
        "where it removes 99% of the errors (numbers: rank correlation 0.99)",
        "Kaufman et al. (2012), Leakage in Data Mining",
        data.leak,
    ),
    Check(
        "splits",
        "are the held-out rows new?",
        "data",
        "held-out rows that equal a training row: look from one, wrong from 10% where rows do not repeat anyway",
        f"{_TIPS}: split data properly",
        data.splits,
    ),
    Check(
        "balance",
        "are the classes of like size?",
        "data",
        "the rarest class has less than a fifth of an equal share, and classes are not weighted: look",
        "He and Garcia (2009), Learning from Imbalanced Data",
        data.balance,
    ),
    Check(
        "labels",
        "do the inputs tell anything about the target?",
        "data",
        "t-value of the covariance between targets and a random forest's out-of-bag predictions: look below 4, wrong "
        "below 2",
        "Breiman (2001), Random Forests; Zhang et al. (2017): networks learn even random labels by heart",
        data.labels,
    ),
    Check(
        "linear",
        "is a network needed?",
        "data",
        "accuracy or R² of the same output without hidden layers: look from 0.99",
        f"{_TIPS}: start simple, compare with baselines",
        data.linear,
    ),
    Check(
        "symmetry",
        "do the units begin different?",
        "start",
        "rows of W_l that are all the same in a hidden layer: wrong",
        f"{_TIPS}: initialize with Xavier or He, never with zeros",
        start.symmetry,
    ),
    Check(
        "gradient_check",
        "is the gradient right?",
        "start",
        "relative error against central differences in float64, tensor by tensor: wrong from 1e-5",
        f"{_TIPS}: numerical gradient check",
        start.gradient,
    ),
    Check(
        "first_loss",
        "is the first loss right?",
        "start",
        "over the loss of knowing nothing: ln K, look from 4, wrong from 8; for numbers the mean's, from 25 and 100",
        "Lecture 5, loss functions: cross-entropy of K equal outputs; Stanford CS231n notes, sanity checks",
        start.first_loss,
    ),
    Check(
        "first_units",
        "do the units let gradients through at the start?",
        "start",
        "dead units: look from 25%, wrong from 60%; saturated outputs (sigmoid, tanh): look from 25%, wrong from 50%",
        _DEAD,
        start.units,
    ),
    Check(
        "gradient_flow",
        "do gradients reach every layer?",
        "start",
        "norm of dW_l over the largest: look below 1e-3, wrong below 1e-5; of all: look above 100, wrong above 1e4",
        f"{_TIPS}: check gradient flow; Glorot and Bengio (2010)",
        start.flow,
    ),
    Check(
        "overfit",
        "can it learn a small batch by heart?",
        "start",
        "best loss on 16 rows, no dropout, no penalties, over that of knowing nothing: look from 0.2, wrong from 0.6",
        f"{_TIPS}: overfit a small data set first",
        start.overfit,
    ),
    Check(
        "learning_rate",
        "is the learning rate in range?",
        "steps",
        "against the rate from which on the loss rises: look from half of it or below 1e-4 of it, wrong from all of it "
        "or below 1e-5 of it",
        "Smith (2017), Cyclical Learning Rates; Lecture 5: a rate set too high is a common pitfall",
        steps.learning_rate,
    ),
    Check(
        "loss_falls",
        "does the loss fall?",
        "steps",
        "last tenth of the first steps: look from 0.95 of the first tenth, or 4 times the loss of knowing nothing; "
        "wrong from twice the first tenth, or if not finite",
        f"{_TIPS}: monitor training",
        steps.falls,
    ),
    Check(
        "updates",
        "are the steps of the right size?",
        "steps",
        "|W new - W| / |W|, median of the first steps: look above 0.1 or below 1e-6, wrong above 1",
        "Stanford CS231n notes, ratio of updates to weights, there about 1e-3",
        steps.updates,
    ),
    Check(
        "later_units",
        "do the units still let gradients through?",
        "steps",
        "as first_units, after the first steps",
        f"{_DEAD}; {_TIPS}: visualize activations",
        steps.units_later,
    ),
)
"""Data, then the first pass, then the first steps: what comes later may follow from what comes before."""

TRAINING = {
    "optimizer": "adam",
    "batch_size": 32,
    "epochs": 10,
    "class_weight": None,
    "clip_norm": None,
    "clip_value": None,
}


def diagnose(model: Any, X: Any, y: Any, *, validation: Any = None, test: Any = None, **training: Any) -> Diagnosis:
    """Go through the lectures' debugging checklist with a model and its data. Neither is changed.

    Parameters
    ----------
    model : Network, TableClassifier or TableRegressor
        A Network as it stands, fresh or trained; an estimator that is not fitted with the first weights and the way of
        training that its `fit` would have, one that is fitted with its present weights.
    X, y
        Training rows, as for the model's own `fit`.
    validation : share or (X, y), optional
        Rows to judge by, as for `Network.fit`; for an estimator (X, y), without it the share that `fit` would hold out.
    test : (X, y), optional
        Rows that training must not know; looked at for repeated rows alone.
    training : optional
        For a Network the arguments of its `fit`: optimizer, batch_size, epochs, sample_weight, class_weight, clip_norm,
        clip_value. An estimator has its own.

    Raises
    ------
    InvalidParameterError, DataError
        As the model's own `fit` does.

    Source: Lecture 5, implementation tips and best practices; Smith (2017) for the range test.

    >>> import numpy as np
    >>> from glassnet import Dense, Network, diagnose
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> net = Network(4, [Dense(16, "relu"), Dense(1, "sigmoid")])
    >>> diagnosis = diagnose(net, X, X[:, 0] > 0.5 * X[:, 1], optimizer="adam(10)")
    >>> diagnosis.first.name
    'learning_rate'
    """
    case = _network_case if isinstance(model, Network) else _table_case
    found = case(model, X, y, validation, test, training)
    check_trainable(found.architecture)
    findings = tuple(_found(check, found) for check in CHECKS)
    return Diagnosis(findings, _series(found))


def _found(check: Check, case: Case) -> Finding:
    judgement = check.judge(case)
    told = {name: getattr(check, name) for name in ("name", "title", "stage", "rule", "source")}
    return Finding(**told, **vars(judgement))


def _network_case(net: Network, X: Any, y: Any, validation: Any, test: Any, training: dict[str, Any]) -> Case:
    weights = training.pop("sample_weight", None)
    unknown = [name for name in training if name not in TRAINING]
    if unknown:
        raise InvalidParameterError(
            f"diagnose: no argument '{unknown[0]}' (known: sample_weight, {', '.join(TRAINING)})"
        )
    options = TRAINING | training
    for name in ("batch_size", "epochs"):
        options[name] = whole_number(name, options[name])
    return case_of(net, X, y, validation=validation, test=test, columns=(), sample_weight=weights, fit=options)


def _table_case(model: Any, X: Any, y: Any, validation: Any, test: Any, training: dict[str, Any]) -> Case:
    from sklearn.base import clone

    if not hasattr(model, "begin_again"):
        kind = type(model).__name__
        raise InvalidParameterError(f"diagnose: model must be a Network, TableClassifier or TableRegressor, got {kind}")
    if training:
        raise InvalidParameterError(f"diagnose: set {next(iter(training))} in the {type(model).__name__} itself")
    fitted = hasattr(model, "network_")
    own: Any = model if fitted else clone(model)
    inputs, targets, options = (own.begin_again if fitted else own.begin)(X, y, validation_data=validation)
    tested = None if test is None else (own.transform_inputs(test[0]), own.target_.encode(test[1]))
    columns: list[Column] = []
    for column in own.preprocessing_.columns:
        first = columns[-1][1][-1] + 1 if columns else 0
        columns.append((column.name, tuple(range(first, first + len(column.feature_names)))))
    return case_of(
        own.network_,
        inputs,
        targets,
        validation=options["validation"],
        test=tested,
        columns=columns,
        sample_weight=options["sample_weight"],
        fit={name: options[name] for name in TRAINING},
        dropped=[(column.name, column.why) for column in own.preprocessing_.dropped],
    )


def _series(case: Case) -> dict[str, Any]:
    """What the figure shows, as lists."""
    layers = range(1, len(case.architecture.dense) + 1)
    last = case.steps.last if not case.solver else None
    passes = {"start": case.start, **({} if last is None else {"later": last})}
    series: dict[str, Any] = {
        "activations": {
            when: {f"a{number}": trace[f"a{number}"].ravel().tolist()[:20_000] for number in layers}
            for when, trace in passes.items()
        }
    }
    if case.solver:
        return series
    return series | {
        "loss": case.steps.losses,
        "steps": case.steps.at,
        "gradient_norms": {f"W{number}": [row[number - 1] for row in case.steps.gradient_norms] for number in layers},
        "update_ratios": {f"W{number}": [row[number - 1] for row in case.steps.update_ratios] for number in layers},
        "range_test": {
            "rates": case.rates.rates,
            "losses": case.rates.losses,
            "limit": case.rates.limit,
            "suggested": case.rates.suggested,
            "learning_rate": case.peak_rate,
        },
    }
