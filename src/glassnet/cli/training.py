"""Train for `fit`: the paths proven first, then the estimator, with its errors told in the words of the options."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassnet.errors import DivergenceError, GlassnetError, InvalidParameterError

if TYPE_CHECKING:
    from glassnet.cli.fit import Fit
    from glassnet.cli.problems import Problem
    from glassnet.cli.screen import Screen
    from glassnet.cli.settings import Plan

__all__ = ["prove_paths", "save", "trained"]


def prove_paths(fit: "Fit") -> None:
    """Refuse paths that cannot be written, or that would overwrite what is read; read the checkpoint once."""
    from glassnet.cli.names import for_option
    from glassnet.files.atomic import prove_writable
    from glassnet.files.container import read_container

    if fit.resume is not None:
        with for_option("--resume"):
            read_container(fit.resume, kind="checkpoint")
    outputs = {"--out": fit.out, "--checkpoint": fit.checkpoint, "--csv-log": fit.csv_log}
    inputs = {"DATA": fit.data, "--test": fit.test}
    taken: dict[Path, str] = {Path(path).resolve(): name for name, path in inputs.items() if path is not None}
    if fit.resume is not None and fit.out is not None:
        outputs["--resume"] = fit.resume
    for name, path in outputs.items():
        if path is None:
            continue
        other = taken.setdefault(Path(path).resolve(), name)
        if other != name and {other, name} != {"--checkpoint", "--resume"}:
            raise InvalidParameterError(f"{name} and {other} are the same file {path}; choose another name")
        with for_option(name):
            prove_writable(path)


def trained(fit: "Fit", plan: "Plan", problem: "Problem", screen: "Screen") -> Any:
    """The fitted estimator."""
    from glassnet import Checkpoint, TableClassifier, TableRegressor
    from glassnet.cli.announcing import Announcer

    path = fit.checkpoint or fit.resume
    announcer = Announcer(screen, problem, plan, verbose=fit.verbose)
    callbacks = [*plan.callbacks, announcer, *([Checkpoint(path)] if path else [])]
    kind = TableClassifier if problem.task == "classification" else TableRegressor
    model = kind(**plan.parameters, callbacks=callbacks, verbose=0 if fit.quiet else 1)
    announcer.model = model
    try:
        return model.fit(*problem.training, validation_data=problem.validation, resume=fit.resume)
    except DivergenceError as error:
        raise GlassnetError(_diverged(error)) from error
    except InvalidParameterError as error:
        raise InvalidParameterError(in_options(str(error))) from error
    except KeyboardInterrupt:
        if path is None or not Path(path).exists():
            raise KeyboardInterrupt("; nothing was saved (--checkpoint FILE would have kept the state)") from None
        raise KeyboardInterrupt(f"; go on with the same command and --resume {path}") from None


def _diverged(error: DivergenceError) -> str:
    return (
        f"training diverged: NaN or infinity in {error.tensor} at epoch {error.epoch}, step {error.step}; nothing was "
        "saved; try a smaller --lr, --clip-norm 5, or --scaling standard"
    )


OPTIONS = {
    "learning_rate": "--lr",
    "weight_column": "--weights",
    "random_state": "--seed",
    "hidden": "--hidden",
    "threads": "--threads",
    "epochs": "--epochs",
    "batch_size": "--batch-size",
    "class_weight": "--class-weight",
    "label_smoothing": "--label-smoothing",
    "clip_norm": "--clip-norm",
    "loss": "--loss",
    "optimizer": "--optimizer",
    "TargetMetric:": "--target-metric:",
    "weight_decay": "--weight-decay",
    "numeric": "--numeric",
    "categorical": "--categorical",
    "drop": "--drop",
    "l2": "--l2",
    "l1": "--l1",
    "Dense:": "--hidden:",
    "Dropout:": "--dropout:",
    "layer": "--activation: layer",
    "Newton-Raphson": "--optimizer: Newton-Raphson",
    "L-BFGS": "--optimizer: L-BFGS",
    "least": "--optimizer: least",
}


def in_options(message: str) -> str:
    """An estimator's message, with the option for the argument that it begins with.

    >>> in_options("class_weight is for classification")
    '--class-weight is for classification'
    """
    inner = message.removeprefix("Network: ")
    first, space, rest = inner.partition(" ")
    if inner != message and first not in OPTIONS:
        return f"--hidden: {inner}"
    return f"{OPTIONS.get(first, first)}{space}{rest}"


def save(path: str | None, model: Any) -> None:
    """Write the model, if asked for."""
    if path is not None:
        model.save(path)


def judged(path: str | None, model: Any, problem: "Problem", screen: "Screen") -> dict[str, Any]:
    """The report on the test rows; the scores go into the model's file too."""
    from glassnet.cli import reporting

    if problem.test is not None:
        screen.note("judging", "the test rows, by the network and by two baselines")
    try:
        report = reporting.judged(model, problem)
    except KeyboardInterrupt:
        kept = f"the model is in {path}, without test scores" if path else "nothing was saved (--out FILE would have)"
        raise KeyboardInterrupt(f"; {kept}") from None
    scores = report["test"] or {}
    model.metrics_ = {f"test_{name}": value for name, value in scores.items() if isinstance(value, float)}
    save(path, model)
    return report
