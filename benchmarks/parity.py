"""scikit-learn's MLPClassifier and MLPRegressor beside glassnet's, with the same parameters, on real tables.

Each seed splits the rows 75/25 (stratified for classes) and is the random state of both; inputs are standardized on the
training rows, and so are the targets of a regression. The two fit and predict in turn, the first one by turns, on one
thread each. Times are of whole calls, from arrays to arrays, in processor time, which does not count what else the
machine did; a ratio is scikit-learn's time over glassnet's of the same seed, the median over the seeds with their
range. Everything is compiled before anything is timed.

At the end a grid search over 8 settings with 3 folds on digits, by one Python thread and by two: seconds by the clock,
the median of five runs taken by turns.

Run: python benchmarks/parity.py [--seeds 10] [--write docs/parity.md]. What is not installed is left out and named.
"""

import argparse
import platform
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

import glassnet
from glassnet import MLPClassifier, MLPRegressor

SOLVERS: dict[str, dict[str, Any]] = {
    "adam, the default": {},
    "sgd with early stopping": {"solver": "sgd", "early_stopping": True, "learning_rate_init": 0.01},
    "lbfgs": {"solver": "lbfgs"},
}
PREDICTIONS = 20  # calls that one time of predict is the least of


@dataclass(frozen=True)
class Run:
    """What one seed gave: scores and seconds, scikit-learn's first."""

    scores: tuple[float, float]
    epochs: tuple[int, int]
    fit: tuple[float, float, float]  # the last in float32
    predict: tuple[float, float]


def penguins() -> tuple[np.ndarray, np.ndarray]:
    """Islands, sex and four measures of 333 birds without gaps; the species."""
    import palmerpenguins

    frame = palmerpenguins.load_penguins().dropna()
    words = OneHotEncoder(sparse_output=False).fit_transform(frame[["island", "sex"]])
    numbers = frame[["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]].to_numpy(float)
    return np.hstack([numbers, words]), frame["species"].to_numpy(str)


def tables() -> dict[str, tuple[Callable[[], tuple[np.ndarray, np.ndarray]], bool]]:
    """Name -> loader of X and y, and whether y are classes."""
    bundled = dict.fromkeys(("iris", "wine", "breast_cancer", "digits"), True) | {"diabetes": False, "linnerud": False}
    read = {name: (partial(getattr(datasets, f"load_{name}"), return_X_y=True), c) for name, c in bundled.items()}
    return {**read, "penguins": (penguins, True)}


def split(X: np.ndarray, y: np.ndarray, classes: bool, seed: int) -> list[np.ndarray]:
    """X_train, X_test, y_train, y_test, standardized."""
    parts = train_test_split(X, y, random_state=seed, stratify=y if classes else None)
    scaler = StandardScaler().fit(parts[0])
    parts[:2] = [scaler.transform(part) for part in parts[:2]]
    if not classes:
        train = parts[2].reshape(len(parts[2]), -1)
        mean, deviation = train.mean(axis=0), train.std(axis=0)
        parts[2:] = [((p.reshape(len(p), -1) - mean) / deviation).reshape(p.shape) for p in parts[2:]]
    return parts


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what it returned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        start = time.process_time()
        result = call()
        return time.process_time() - start, result


def one_seed(X: np.ndarray, y: np.ndarray, classes: bool, seed: int, options: dict[str, Any]) -> Run:
    """Both fits, the first by turns, and glassnet's in float32."""
    X_train, X_test, y_train, y_test = split(X, y, classes, seed)
    theirs, ours = (TheirClassifier, MLPClassifier) if classes else (TheirRegressor, MLPRegressor)
    models = [theirs(**options, random_state=seed), ours(**options, random_state=seed, threads=1)]
    seconds = [0.0, 0.0]
    for which in (0, 1) if seed % 2 else (1, 0):
        seconds[which], _ = timed(partial(models[which].fit, X_train, y_train))
    single, _ = timed(partial(ours(**options, random_state=seed, threads=1, dtype="float32").fit, X_train, y_train))
    least = [np.inf, np.inf]
    for _ in range(PREDICTIONS):
        for which in (0, 1):
            least[which] = min(least[which], timed(partial(models[which].predict, X_test))[0])
    scores = tuple(float(model.score(X_test, y_test)) for model in models)
    return Run(scores, tuple(m.n_iter_ for m in models), (*seconds, single), tuple(least))  # pyright: ignore


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{np.median(values):.1f} ({min(values):.1f}-{max(values):.1f})"


def row(name: str, shape: tuple[int, ...], classes: bool, runs: list[Run]) -> list[str]:
    """A table's cells."""
    both = np.array([run.scores for run in runs])
    means = [f"{mean:.3f} ± {sd:.3f}" for mean, sd in zip(both.mean(axis=0), both.std(axis=0), strict=True)]
    return [
        name,
        f"{shape[0]} x {shape[1]}",
        "accuracy" if classes else "R²",
        *means,
        f"{np.abs(both[:, 0] - both[:, 1]).max():.1g}",
        f"{sum(run.epochs[0] == run.epochs[1] for run in runs)} of {len(runs)}",
        f"{1e3 * np.median([run.fit[1] for run in runs]):.1f} ms",
        spread([run.fit[0] / run.fit[1] for run in runs]),
        spread([run.fit[0] / run.fit[2] for run in runs]),
        spread([run.predict[0] / run.predict[1] for run in runs]),
    ]


GRID = {"alpha": [1e-5, 1e-4, 1e-3, 1e-2], "learning_rate_init": [1e-3, 3e-3]}
SEARCHES = 5


def search(cls: Any, jobs: int, own: dict[str, Any], X: np.ndarray, y: np.ndarray) -> float:
    """Seconds by the clock of a grid search by so many Python threads."""
    model = cls(random_state=0, max_iter=60, **own)
    start = time.perf_counter()
    with joblib.parallel_config("threading"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        GridSearchCV(model, GRID, cv=3, n_jobs=jobs).fit(X, y)
    return time.perf_counter() - start


def searches() -> list[str]:
    """The table of grid searches."""
    X, y = tables()["digits"][0]()
    ways = [("scikit-learn", TheirClassifier, {}), ("glassnet, `threads=1`", MLPClassifier, {"threads": 1})]
    ways.append(("glassnet, as it comes", MLPClassifier, {}))
    lines = ["", "## Grid search by two Python threads", ""]
    lines += ["| | `n_jobs=1` | `n_jobs=2` | gain |", "| --- | --- | --- | --- |"]
    seconds: dict[tuple[str, int], list[float]] = {}
    for _ in range(SEARCHES):
        for name, cls, own in ways:
            for jobs in (1, 2):
                seconds.setdefault((name, jobs), []).append(search(cls, jobs, own, X / 16, y))
    for name, _, _ in ways:
        one, two = (float(np.median(seconds[name, jobs])) for jobs in (1, 2))
        lines.append(f"| {name} | {one:.2f} s | {two:.2f} s | {one / two:.2f} |")
        print(lines[-1], flush=True)
    return [*lines, "", AS_IT_COMES]


AS_IT_COMES = """As it comes, glassnet trains one network on both cores where that pays, and with two searching threads
each on one."""

HEAD = ["table", "rows x inputs", "measure", "scikit-learn", "glassnet", "largest difference of a seed"]
HEAD += ["same epochs", "fit here", "fit ratio", "in float32", "predict ratio"]


def report(seeds: int) -> str:
    """The page, as it is written."""
    about = (__doc__ or "").split("\n\nRun")[0].split("\n\n", 1)[1].strip()
    versions = f"Python {platform.python_version()}, glassnet {glassnet.__version__}, "
    versions += f"scikit-learn {sklearn.__version__}, numpy {np.__version__}"
    lines = ["# Parity with scikit-learn", "", "Written by `python benchmarks/parity.py --write docs/parity.md`.", ""]
    lines += [
        about,
        "",
        f"- Machine: {processor()}, {platform.system()}",
        f"- Versions: {versions}",
        f"- Seeds: {seeds}",
    ]
    lines += ["- Parameters: scikit-learn's defaults (100 hidden units, at most 200 epochs) but for what is named"]
    for title, options in SOLVERS.items():
        given = ", ".join(f"{key}={value!r}" for key, value in {**options, "random_state": "seed"}.items())
        lines += ["", f"## {title}", "", f"`{given.replace(repr('seed'), 'seed')}`", ""]
        lines += ["| " + " | ".join(HEAD) + " |", "|" + " --- |" * len(HEAD)]
        for name, (load, classes) in tables().items():
            try:
                X, y = load()
            except ImportError as error:
                lines.append(f"(left out: {name}, {error})")
                continue
            one_seed(X, y, classes, seeds, options)  # machine code is made here
            runs = [one_seed(X, y, classes, seed, options) for seed in range(seeds)]
            lines.append("| " + " | ".join(row(name, X.shape, classes, runs)) + " |")
            print(lines[-1], flush=True)
    return "\n".join([*lines, *searches()]) + "\n"


def processor() -> str:
    """The processor's name, as the system tells it."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor()


def main() -> None:
    """Print the rows as they come; write the page if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="splits and random states 0, 1, ... (default 10)")
    parser.add_argument("--write", type=Path, help="write the page to this file")
    options = parser.parse_args()
    with threadpool_limits(1):
        page = report(options.seeds)
    if options.write:
        options.write.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
