"""The options of `fit`, checked before anything is read: arguments of the estimator, shares, callbacks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from glassnet.cli.names import for_option
from glassnet.cli.rules import LARGEST_SEED, choice, column_names, number, share, units, whole
from glassnet.errors import InvalidParameterError, nearest
from glassnet.formulas.registry import parse_spec

if TYPE_CHECKING:
    from glassnet.cli.fit import Fit, Learning

__all__ = ["Plan", "read_callbacks", "read_plan"]


@dataclass(frozen=True)
class Plan:
    """`parameters` are arguments of the estimator; the shares say how the rows are split."""

    parameters: dict[str, Any]
    task: str | None
    seed: int
    validation: float
    test: float
    callbacks: tuple[Any, ...] = ()


def positive(option: str, text: str) -> float:
    """A number > 0."""
    return number(option, text, 0, open_low=True)


def not_negative(option: str, text: str) -> float:
    """A number >= 0."""
    return number(option, text, 0)


def count(option: str, text: str) -> int:
    """A whole number >= 1."""
    return whole(option, text, 1)


def patience(option: str, text: str) -> int | None:
    """A number of epochs; 0 is no early stopping."""
    return whole(option, text, 0) or None


def or_auto(read: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    """A reader that also takes auto, which the estimator turns into a number."""
    return lambda option, text: text if text == "auto" else read(option, text)


def record(kind: str) -> Callable[[str, str], str]:
    """A reader that lets the registry check a name and its numbers."""

    def read(option: str, text: str) -> str:
        import glassnet

        with for_option(option):
            getattr(glassnet, kind)(text)
        return text

    return read


def rule(option: str, text: str) -> Any:
    """An optimizer or a solver: a name, or a name with numbers."""
    from glassnet import OPTIMIZERS
    from glassnet.training.solvers import SOLVERS, solver

    name = text.split("(")[0].strip()
    if name in SOLVERS:
        with for_option(option):
            solver(text)
        return text
    if name not in OPTIMIZERS:
        known = [*OPTIMIZERS, *SOLVERS]
        raise InvalidParameterError(
            f"{option}: no optimizer '{name}'{nearest(name, known)} (known: {', '.join(known)})"
        )
    return record("optimizer")(option, text)


def rate(option: str, text: str) -> Any:
    """A dropout rate: a number, auto, or a schedule such as linear_warmup(0.5)."""
    if text == "auto":
        return text
    return record("schedule")(option, text) if "(" in text else number(option, text, 0, 1)


def scaling(option: str, text: str) -> str:
    """How numeric columns are scaled."""
    from glassnet.tables.columns import Scaling

    return choice(option, text, get_args(Scaling))


def balance(option: str, text: str) -> str | None:
    """Weights of the classes."""
    return None if choice(option, text, ("balanced", "none")) == "none" else text


def engine(option: str, text: str) -> str:
    """The name of an engine, or auto."""
    from glassnet.model import ENGINES

    return choice(option, text, ("auto", *(one.name for one in ENGINES)))


def dtype(option: str, text: str) -> str:
    """The type of the numbers."""
    return choice(option, text, ("float32", "float64"))


READERS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "hidden": ("hidden", units),
    "activation": ("activation", record("activation")),
    "loss": ("loss", record("loss")),
    "dropout": ("dropout", rate),
    "initializer": ("initializer", record("initializer")),
    "l1": ("l1", not_negative),
    "l2": ("l2", or_auto(not_negative)),
    "dtype": ("dtype", dtype),
    "optimizer": ("optimizer", rule),
    "lr": ("learning_rate", positive),
    "batch_size": ("batch_size", or_auto(count)),
    "epochs": ("epochs", or_auto(count)),
    "patience": ("patience", or_auto(patience)),
    "weight_decay": ("weight_decay", not_negative),
    "label_smoothing": ("label_smoothing", share),
    "class_weight": ("class_weight", balance),
    "clip_norm": ("clip_norm", positive),
    "clip_value": ("clip_value", positive),
    "scaling": ("scaling", scaling),
    "engine": ("engine", engine),
    "threads": ("threads", count),
    "weights": ("weight_column", lambda _, text: text),
    "categorical": ("categorical", lambda _, text: column_names(text)),
    "numeric": ("numeric", lambda _, text: column_names(text)),
    "drop": ("drop", lambda _, text: column_names(text)),
}
"""Option of `fit` -> argument of the estimator, and what reads it. What is not given is left to the estimator."""


def read_plan(fit: "Learning") -> Plan:
    """Check every option that can be checked without the data."""
    seed = whole("--seed", fit.seed, 0, LARGEST_SEED)
    parameters: dict[str, Any] = {"random_state": seed, "batch_norm": fit.batch_norm}
    for field, (name, read) in READERS.items():
        text = getattr(fit, field)
        if text is not None:
            parameters[name] = read(f"--{field.replace('_', '-')}", text)
    if fit.schedule is not None:
        parameters["learning_rate"] = _scheduled(fit.schedule, parameters)
    validation = share("--validation", fit.validation)
    test = 0.0 if fit.test is not None else share("--test-fraction", fit.test_fraction)
    if validation + test >= 1:
        raise InvalidParameterError("--validation and --test-fraction leave no rows to train on: their sum must be < 1")
    if validation == 0:
        if parameters.get("patience") not in (None, "auto"):
            raise InvalidParameterError("--patience needs validation rows to watch; leave out --validation 0")
        parameters["patience"] = None
    task = None if fit.task is None else choice("--task", fit.task, ("classification", "regression"))
    return Plan(parameters, task, seed, validation, test)


def _own_start(text: str) -> bool:
    """Whether a schedule's text says where it begins."""
    _, positional, named = parse_spec(text, "schedule")
    return bool(positional) or "initial" in named


def _scheduled(text: str, parameters: dict[str, Any]) -> str:
    """A schedule that begins with --lr, or with the optimizer's own rate."""
    from glassnet import optimizer, schedule
    from glassnet.cli.names import estimator_defaults
    from glassnet.training.solvers import SOLVERS

    if parameters.get("optimizer", "").split("(")[0] in SOLVERS:
        raise InvalidParameterError(
            f"--schedule: {parameters['optimizer']} chooses its own steps; leave --schedule out"
        )
    if "learning_rate" in parameters and _own_start(text):
        raise InvalidParameterError(f"--lr: the schedule '{text}' has its own first value; leave one of them out")
    rule = optimizer(parameters.get("optimizer", estimator_defaults()["optimizer"]))
    with for_option("--schedule"):
        return str(schedule(text, initial=parameters.get("learning_rate", rule.learning_rate)))


def read_callbacks(fit: "Fit") -> tuple[Any, ...]:
    """What `fit` does besides while it trains: rules that end it, logs."""
    from glassnet import CSVLog, TargetMetric, TensorBoard, TimeBudget
    from glassnet.training.metrics import METRICS

    found: list[Any] = []
    if fit.target_metric is not None:
        name, _, value = fit.target_metric.partition("=")
        if not name or not value:
            raise InvalidParameterError(
                f"--target-metric must be like validation_accuracy=0.95, got '{fit.target_metric}'"
            )
        known = ("loss", "validation_loss", *METRICS, *(f"validation_{metric}" for metric in METRICS))
        found.append(TargetMetric(choice("--target-metric", name, known), number("--target-metric", value)))
    if fit.time_budget is not None:
        found.append(TimeBudget(positive("--time-budget", fit.time_budget)))
    if fit.csv_log is not None:
        found.append(CSVLog(fit.csv_log))
    if fit.tensorboard is not None:
        found.append(TensorBoard(fit.tensorboard))
    return tuple(found)
