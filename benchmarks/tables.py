"""How well do the defaults do on real tables, beside the peers a user would try first?

Each seed splits the rows 70/15/15 (stratified); every contender learns from the same inputs and is judged on the same
test part. glassnet stops by the validation part; scikit-learn's MLP gets training and validation rows together (with
and without its own early stopping; the better mean is shown), as do the linear models.

Run: python benchmarks/tables.py [--seeds 10]. palmerpenguins comes from PyPI, Fashion-MNIST from Debian's
package dataset-fashion-mnist (--fashion FOLDER); what is not there is left out and named.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

from glassnet import TableClassifier, TableRegressor, load_dataset, read_table
from glassnet.tables import drop_missing_target, fit_preprocessing, quantile_groups, split_rows

FASHION = Path("/usr/share/datasets/fashion-mnist")
Table = tuple[pl.DataFrame, pl.Series, bool]


def tables() -> dict[str, Callable[[], Table]]:
    """Name -> features, target, and whether the task is classification."""
    return {
        "penguins": penguins,
        **{name: lambda name=name: built_in(name) for name in ("breast_cancer", "wine", "iris", "digits", "diabetes")},
    }


def penguins() -> Table:
    """344 rows with text columns and missing values."""
    import palmerpenguins

    file = next(Path(palmerpenguins.__file__).parent.rglob("penguins.csv"))
    frame = read_table(file)
    features, target, _ = drop_missing_target(frame.drop("species"), frame["species"])
    return features, target, True


def built_in(name: str) -> Table:
    """A table that comes with glassnet."""
    data = load_dataset(name)
    return data.frame.drop(data.target), data.frame[data.target], data.task == "classification"


def contenders(classes: bool, seed: int) -> dict[str, list[Any]]:
    """The peers at their defaults; of several variants the best mean counts."""
    if classes:
        mlp: list[Any] = [MLPClassifier(random_state=seed, early_stopping=stop) for stop in (False, True)]
        return {"constant": [DummyClassifier()], "linear": [LogisticRegression(max_iter=5000)], "scikit-learn MLP": mlp}
    mlp = [MLPRegressor(random_state=seed, early_stopping=stop, max_iter=1000) for stop in (False, True)]
    return {"constant": [DummyRegressor()], "linear": [LinearRegression()], "scikit-learn MLP": mlp}


def one_seed(features: pl.DataFrame, target: pl.Series, classes: bool, seed: int) -> dict[str, tuple[float, float]]:
    """Test score (accuracy, or R^2) and seconds of fit, for each contender."""
    strata = target if classes else quantile_groups(target.to_numpy())
    training, validation, test = split_rows(len(target), stratify=strata, seed=seed)
    both = np.concatenate([training, validation])
    prepared = fit_preprocessing(features[training])
    Z, Z_test = prepared.transform(features[both]), prepared.transform(features[test])
    scores: dict[str, tuple[float, float]] = {}
    for name, variants in contenders(classes, seed).items():
        for number, model in enumerate(variants):
            start = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(Z, target[both].to_numpy())
            seconds = time.perf_counter() - start
            scores[f"{name}/{number}"] = (float(model.score(Z_test, target[test].to_numpy())), seconds)
    ours = (TableClassifier if classes else TableRegressor)(random_state=seed)
    start = time.perf_counter()
    ours.fit(features[training], target[training], validation_data=(features[validation], target[validation]))
    seconds = time.perf_counter() - start
    scores["glassnet/0"] = (float(ours.score(features[test], target[test])), seconds)
    return scores


def row(name: str, runs: list[dict[str, tuple[float, float]]], classes: bool) -> list[str]:
    """Mean and spread over the seeds, for each contender; of its variants the better."""
    cells = [name, "accuracy" if classes else "R²"]
    for contender in ("constant", "linear", "scikit-learn MLP", "glassnet"):
        variants = [key for key in runs[0] if key.startswith(f"{contender}/")]
        values = [np.array([run[key][0] for run in runs]) for key in variants]
        best = max(values, key=np.mean)
        cells.append(f"{best.mean():.3f} ± {best.std():.3f}")
    return cells


def fashion(folder: Path) -> list[str]:
    """The lectures' 784-128-10 network on Fashion-MNIST: its own 10,000 test images, one seed."""
    train, test = (read_table(folder / f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k"))
    X, y, X_test, y_test = train.drop("label"), train["label"], test.drop("label"), test["label"]
    model = TableClassifier(hidden=(128,), epochs=20).fit(X, y)
    prepared = model.preprocessing_
    linear = LogisticRegression(max_iter=50)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        linear.fit(prepared.transform(X)[:20_000], y[:20_000].to_numpy())
    baseline = linear.score(prepared.transform(X_test), y_test.to_numpy())
    constant = float(np.bincount(y_test.to_numpy()).max() / len(y_test))
    return [
        "Fashion-MNIST, 784-128-10",
        "accuracy",
        f"{constant:.3f}",
        f"{baseline:.3f} (20,000 rows)",
        "not run",
        f"{model.score(X_test, y_test):.3f}",
    ]


def main() -> None:
    """Print the table, a row as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="splits and weights 0, 1, ... (default 10)")
    parser.add_argument("--fashion", type=Path, default=FASHION, help="folder of Fashion-MNIST's IDX files")
    options = parser.parse_args()
    head = ["table", "measure", "constant", "linear model", "scikit-learn MLP", "glassnet"]
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for name, load in tables().items():
        try:
            features, target, classes = load()
        except ImportError as error:
            print(f"(left out: {name}, {error})")
            continue
        runs = [one_seed(features, target, classes, seed) for seed in range(options.seeds)]
        print("| " + " | ".join(row(name, runs, classes)) + " |", flush=True)
    if (options.fashion / "train-images-idx3-ubyte.gz").exists():
        print("| " + " | ".join(fashion(options.fashion)) + " |")
    else:
        print(f"(left out: Fashion-MNIST, no files in {options.fashion})")


if __name__ == "__main__":
    main()
