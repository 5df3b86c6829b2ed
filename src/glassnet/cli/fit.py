"""`glassnet fit DATA`: train on a table and report on rows that training never saw.

`Learning` holds what every command takes that sets up a network and its training.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from glassnet.cli.options import DATA, NETWORK, OUTPUT, TRAINING, Data, Json, Noise, Quiet, Rows, Target, option

__all__ = ["Fit", "Learning"]


@dataclass(frozen=True)
class Learning:
    """Options for the data, the network and the training."""

    data: Data
    target: Target = None
    task: Annotated[
        str | None,
        option(
            "--task", value="TASK", panel=DATA, help="classification or regression; told by the target if not given."
        ),
    ] = None
    test: Annotated[
        str | None,
        option("--test", value="FILE", panel=DATA, help="A table of test rows; then DATA is not split for it."),
    ] = None
    test_fraction: Annotated[
        str, option("--test-fraction", value="SHARE", panel=DATA, help="Share of the rows to test on; 0 for none.")
    ] = "0.15"
    validation: Annotated[
        str,
        option(
            "--validation",
            "--validation-fraction",
            value="SHARE",
            panel=DATA,
            help="Share of the rows to watch and stop by; 0 for none.",
        ),
    ] = "0.15"
    categorical: Annotated[
        str | None,
        option("--categorical", value="COL,COL", panel=DATA, help="Columns to be read as categories, though numbers."),
    ] = None
    numeric: Annotated[
        str | None, option("--numeric", value="COL,COL", panel=DATA, help="Columns to be read as numbers, though text.")
    ] = None
    drop: Annotated[str | None, option("--drop", value="COL,COL", panel=DATA, help="Columns to leave out.")] = None
    weights: Annotated[
        str | None,
        option("--weights", value="COL", panel=DATA, help="Column of row weights >= 0 for training; it is no feature."),
    ] = None
    scaling: Annotated[
        str | None,
        option(
            "--scaling",
            value="HOW",
            panel=DATA,
            help="Of numeric columns: standard, minmax, robust or none. {default:scaling}",
        ),
    ] = None
    noise: Noise = None
    rows: Rows = None
    hidden: Annotated[
        str | None,
        option(
            "--hidden",
            value="UNITS",
            panel=NETWORK,
            help="Units of the hidden layers, such as 64,32; none is linear or logistic regression. {default:hidden}",
        ),
    ] = None
    activation: Annotated[
        str | None,
        option(
            "--activation",
            value="NAME",
            panel=NETWORK,
            help="Of the hidden layers, such as tanh or 'elu(alpha=0.5)': {activations}. {default:activation}",
        ),
    ] = None
    loss: Annotated[
        str | None,
        option(
            "--loss",
            value="NAME",
            panel=NETWORK,
            help="What training lowers: {losses}. Default: cross-entropy for classes, squared_error for numbers.",
        ),
    ] = None
    dropout: Annotated[
        str | None,
        option(
            "--dropout",
            value="RATE",
            panel=NETWORK,
            help="Probability, from 0 to below 1, to drop a hidden activation in training; auto is 0.2, and 0 for "
            "solvers. {default:dropout}",
        ),
    ] = None
    batch_norm: Annotated[
        bool, option("--batch-norm", panel=NETWORK, help="Batch normalization in the hidden layers.")
    ] = False
    initializer: Annotated[
        str | None,
        option(
            "--initializer",
            value="NAME",
            panel=NETWORK,
            help="First weights: {initializers}. Default: what suits the activation.",
        ),
    ] = None
    l1: Annotated[
        str | None, option("--l1", value="LAMBDA", panel=NETWORK, help="Penalty l1 * sum |W|. {default:l1}")
    ] = None
    l2: Annotated[
        str | None,
        option("--l2", value="LAMBDA", panel=NETWORK, help="Penalty l2/2 * sum W^2; auto is 1/rows. {default:l2}"),
    ] = None
    dtype: Annotated[
        str | None,
        option("--dtype", value="TYPE", panel=NETWORK, help="Of the numbers: float32 or float64. {default:dtype}"),
    ] = None
    optimizer: Annotated[
        str | None,
        option("--optimizer", value="NAME", panel=TRAINING, help="One of {optimizers}. {default:optimizer}"),
    ] = None
    lr: Annotated[
        str | None,
        option(
            "--lr",
            value="RATE",
            panel=TRAINING,
            help="Learning rate > 0. Default: the optimizer's own, 0.001 for adam.",
        ),
    ] = None
    schedule: Annotated[
        str | None,
        option(
            "--schedule",
            value="NAME",
            panel=TRAINING,
            help="How --lr changes over the epochs, such as cosine or 'step(factor=0.5, every=20)': {schedules}.",
        ),
    ] = None
    batch_size: Annotated[
        str | None,
        option(
            "--batch-size",
            value="ROWS",
            panel=TRAINING,
            help="Rows a step; auto is about sqrt(n), from 32 to 1024. {default:batch_size}",
        ),
    ] = None
    epochs: Annotated[
        str | None,
        option(
            "--epochs",
            value="N",
            panel=TRAINING,
            help="At most so many passes over the training rows, or auto. {default:epochs}",
        ),
    ] = None
    patience: Annotated[
        str | None,
        option(
            "--patience",
            value="N",
            panel=TRAINING,
            help="Stop after N epochs without a better validation loss, and go back to the best weights; 0 never "
            "stops, auto goes with the rows. {default:patience}",
        ),
    ] = None
    weight_decay: Annotated[
        str | None,
        option(
            "--weight-decay",
            value="RATE",
            panel=TRAINING,
            help="Decoupled from the gradient. Default: the optimizer's own, 0 for most.",
        ),
    ] = None
    label_smoothing: Annotated[
        str | None,
        option(
            "--label-smoothing",
            value="EPSILON",
            panel=TRAINING,
            help="Moves the targets of a cross-entropy towards equal shares. {default:label_smoothing}",
        ),
    ] = None
    class_weight: Annotated[
        str | None,
        option("--class-weight", value="HOW", panel=TRAINING, help="balanced counts each class alike. Default: none."),
    ] = None
    clip_norm: Annotated[
        str | None,
        option(
            "--clip-norm", value="BOUND", panel=TRAINING, help="Bound of the gradient's norm, such as 5. Default: none."
        ),
    ] = None
    clip_value: Annotated[
        str | None,
        option("--clip-value", value="BOUND", panel=TRAINING, help="Bound of the gradient's entries. Default: none."),
    ] = None
    seed: Annotated[
        str,
        option("--seed", value="N", panel=TRAINING, help="Of split, first weights and order; the same gives the same."),
    ] = "0"
    engine: Annotated[
        str | None,
        option(
            "--engine",
            value="NAME",
            panel=TRAINING,
            help="What computes: compiled, reference, or auto, the first that takes the network. {default:engine}",
        ),
    ] = None
    threads: Annotated[
        str | None,
        option(
            "--threads",
            value="N",
            panel=TRAINING,
            help="How many threads may train; the result is the same. Default: as many as pay.",
        ),
    ] = None


@dataclass(frozen=True)
class Fit(Learning):
    """Train a network on a table, and judge it on a test part that it never saw.

    The rows are split 70/15/15 into training, validation and test, stratified for classes.
    """

    time_budget: Annotated[
        str | None, option("--time-budget", value="SECONDS", panel=TRAINING, help="Stop after so many seconds.")
    ] = None
    target_metric: Annotated[
        str | None,
        option(
            "--target-metric",
            value="NAME=VALUE",
            panel=TRAINING,
            help="Stop when a number of the history is reached, such as validation_accuracy=0.95.",
        ),
    ] = None
    out: Annotated[
        str | None,
        option(
            "--out", "-o", value="MODEL", panel=OUTPUT, help="Write the model to this file, such as model.glassnet."
        ),
    ] = None
    checkpoint: Annotated[
        str | None,
        option("--checkpoint", value="FILE", panel=OUTPUT, help="Write the state of training to this file as it goes."),
    ] = None
    resume: Annotated[
        str | None,
        option(
            "--resume",
            value="FILE",
            panel=OUTPUT,
            help="Go on from a checkpoint of the same data and options, and go on writing it.",
        ),
    ] = None
    csv_log: Annotated[
        str | None,
        option("--csv-log", value="FILE", panel=OUTPUT, help="Write the history to this file, a line an epoch."),
    ] = None
    tensorboard: Annotated[
        str | None, option("--tensorboard", value="DIR", panel=OUTPUT, help="Write the history for TensorBoard.")
    ] = None
    json: Json = False
    quiet: Quiet = False
    verbose: Annotated[
        bool, option("--verbose", "-v", panel=OUTPUT, help="Say what was done with every column, however many.")
    ] = False

    def run(self) -> int:
        """Check the options and paths, read, split, train, save, report."""
        from glassnet.cli import announcing, problems, reporting, settings, training
        from glassnet.cli.screen import Screen

        plan = replace(settings.read_plan(self), callbacks=settings.read_callbacks(self))
        training.prove_paths(self)
        screen = Screen(json=self.json, quiet=self.quiet)
        problem = problems.read_problem(self, plan)
        model = training.trained(self, plan, problem, screen)
        announcing.announce_training(screen, model)
        training.save(self.out, model)  # before judging, which may take long or fail
        report = training.judged(self.out, model, problem, screen)
        reporting.show(screen, problem, report)
        announcing.announce_next(screen, self)
        screen.document(reporting.document(self, model, problem, plan, report))
        return 0
