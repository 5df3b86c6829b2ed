"""Checks of inputs, splits and labels: what no training can mend."""

import warnings
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from glassnet.diagnosis.findings import FINE, LOOK, SKIPPED, WRONG, Judgement, Verdict, graded
from glassnet.diagnosis.probes import plain
from glassnet.errors import GlassnetError
from glassnet.model import Network
from glassnet.network.architecture import Architecture
from glassnet.tables.splits import shared_duplicates
from glassnet.training.metrics import METRICS

if TYPE_CHECKING:
    from glassnet.diagnosis.case import Case
    from glassnet.engines.base import Data

__all__ = ["balance", "columns", "inputs", "labels", "leak", "linear", "splits"]

FEW = 40  # rows below which chance decides


def inputs(case: "Case") -> Judgement:
    """Root mean square of each input: near 1 where inputs are standardized or lie in [0, 1]."""
    X = case.data.X.astype(np.float64)
    sizes = np.sqrt(np.mean(np.square(X), axis=0))
    varied = np.ptp(X, axis=0) > 0
    binary = np.all((X == 0) | (X == 1), axis=0)  # rare categories are small, and meant to be
    largest = int(np.argmax(sizes))
    tiny = int(np.count_nonzero(varied & ~binary & (sizes < 0.01)))
    numbers = {"largest_rms": float(sizes[largest]), "tiny_inputs": tiny, "inputs": X.shape[1]}
    advice = "standardize the inputs: --scaling standard; in Python TableClassifier(scaling='standard'), or "
    advice += "(X - X.mean(0)) / X.std(0) with the training rows' numbers"
    if not varied.any():
        return Judgement(WRONG, "no input varies: every row is the same", "check which columns are read", numbers)
    verdict = graded(float(sizes[largest]), 10, 100)
    if verdict != FINE:
        name = _name(case, largest)
        return Judgement(verdict, f"input {name} has a root mean square of {sizes[largest]:.3g}", advice, numbers)
    if tiny:
        return Judgement(LOOK, f"{tiny} of {X.shape[1]} inputs are below 0.01 all along", advice, numbers)
    return Judgement(FINE, f"inputs are of the order of 1 (largest root mean square {sizes[largest]:.3g})", "", numbers)


def _name(case: "Case", place: int) -> str:
    return next(f"'{name}'" for name, places in case.columns if place in places)


def columns(case: "Case") -> Judgement:
    """Columns that are empty, or the same in every row; where pixels and counts are 0 throughout, that is usual."""
    empty = [name for name, why in case.dropped if why.startswith("all values are missing")]
    same = [name for name, why in case.dropped if why.startswith("constant") and why.split()[-1] not in ("0", "0.0")]
    X = case.data.X
    still = np.flatnonzero((np.ptp(X, axis=0) == 0) & (X[0] != 0)) if not case.dropped else ()
    same += [name for name, places in case.columns if len(places) == 1 and places[0] in still]
    numbers = {"empty": empty, "constant": same, "left_out": [name for name, _ in case.dropped]}
    found = [*(f"'{name}' has no values" for name in empty), *(f"'{name}' is the same in every row" for name in same)]
    if found and len(found) < len(case.columns) + len(case.dropped):
        meaning = f"column {found[0]}" + (f", and {len(found) - 1} more tell nothing" if len(found) > 1 else "")
        first = (empty + same)[0]
        advice = f"check how the table was made; if it is meant, leave it out: --drop {first} (drop=['{first}'])"
        return Judgement(LOOK, meaning, advice, numbers)
    out = f"; {len(case.dropped)} left out" if case.dropped else ""
    return Judgement(FINE, f"every column that is used has different values{out}", "", numbers)


def leak(case: "Case") -> Judgement:
    """How well each column alone tells the target: the share of errors that it removes, or its rank correlation."""
    if len(case.columns) == 1 or len(case.data) < FEW:
        return Judgement(SKIPPED, f"needs two columns and {FEW} rows")
    rows = case.sample()
    tells = _tells_class if case.classes is not None else _tells_number
    target = case.classes[rows] if case.classes is not None else case.data.Y[rows, 0]
    found = [(*tells(case.data.X[rows[:, None], list(places)], target), name) for name, places in case.columns]
    copies = [name for _, copied, name in found if copied]
    share, _, best = max(found, key=lambda each: each[0])
    numbers = {"best_column": best, "share": share, "copies": copies}
    drop = "leave it out: --drop {0}; in Python drop=['{0}'] or X without it"
    if copies:
        return Judgement(WRONG, f"column '{copies[0]}' is the target in other words", drop.format(copies[0]), numbers)
    if share >= 0.99:
        advice = f"ask whether it is known when you predict; if not, {drop.format(best)}"
        return Judgement(LOOK, f"column '{best}' alone tells the target ({share:.1%})", advice, numbers)
    return Judgement(FINE, f"no column alone tells the target (best: '{best}', {share:.0%})", "", numbers)


def _tells_class(values: np.ndarray, classes: np.ndarray) -> tuple[float, bool]:
    """The share of errors that thresholds on one column remove, and whether each of its values stands for one class."""
    from sklearn.tree import DecisionTreeClassifier

    K, n = len(np.unique(classes)), len(classes)
    tree = DecisionTreeClassifier(max_leaf_nodes=max(K, 2), random_state=0).fit(values, classes)
    wrong = float(np.mean(tree.predict(values) != classes))
    chance = 1 - np.bincount(classes).max() / n
    different = np.unique(values, axis=0, return_inverse=True)[1].ravel()
    pairs = len(np.unique(np.stack([different, classes]), axis=1).T)
    return (1 - wrong / chance if chance else 0.0), bool(K > 1 and pairs == K == different.max() + 1)


def _tells_number(values: np.ndarray, target: np.ndarray) -> tuple[float, bool]:
    """The largest rank correlation of an input with the target, and whether the order is the same."""
    from scipy.stats import rankdata

    ranked = rankdata(np.column_stack([values, target]), axis=0)
    centred = ranked - ranked.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.abs(centred[:, :-1].T @ centred[:, -1]) / (lengths[:-1] * lengths[-1])
    best = float(np.nan_to_num(r).max())
    return best, best >= 0.9999


def splits(case: "Case") -> Judgement:
    """Rows of the held-out parts that stand, the same, among the training rows."""
    parts = [part for part in (case.held, *case.elsewhere) if part is not None]
    if not parts:
        return Judgement(SKIPPED, "no rows are held out", "hold some out: --validation 0.15; in Python validation=0.15")
    n = len(case.data)
    stacked = [np.hstack([part.X, part.Y]) for part in (case.data, *parts)]
    frame = pl.DataFrame(np.vstack(stacked))
    ends = np.cumsum([len(part) for part in stacked])
    held = int(ends[-1]) - n
    shared = shared_duplicates(frame, (np.arange(n), np.arange(n, ends[-1])))
    numbers = {"shared": shared, "held_out": held}
    if not shared:
        return Judgement(FINE, f"none of {held:,} held-out rows stands among the training rows", "", numbers)
    few = frame[:n].n_unique() < n / 2  # a table of few possible rows repeats itself
    verdict = WRONG if shared >= 0.1 * held and not few else LOOK
    meaning = f"{shared:,} of {held:,} held-out rows stand, the same, among the training rows: scores on them flatter"
    advice = "remove repeated rows before splitting (polars: frame.unique(maintain_order=True)), or split by group"
    return Judgement(verdict, meaning, advice, numbers)


def balance(case: "Case") -> Judgement:
    """The rarest class against an equal share."""
    if case.classes is None:
        return Judgement(SKIPPED, "the target is not one class a row")
    K = max(case.architecture.output.units, 2)
    counts = np.bincount(case.classes, minlength=K)
    rarest, share = int(counts.argmin()), float(counts.min() / counts.sum())
    numbers = {
        "rarest_class": rarest,
        "rarest_rows": int(counts[rarest]),
        "largest_share": float(counts.max() / counts.sum()),
    }
    said = f"the rarest class has {counts[rarest]:,} of {counts.sum():,} rows"
    if share * K >= 0.2 or case.fit["class_weight"] is not None:
        weighted = ", and classes are weighted" if case.fit["class_weight"] is not None else ""
        return Judgement(FINE, said + weighted, "", numbers)
    meaning = f"{said}: always saying the largest is right in {counts.max() / counts.sum():.0%}"
    advice = "weigh the classes: --class-weight balanced; in Python class_weight='balanced'; judge by balanced accuracy"
    return Judgement(LOOK, meaning, advice, numbers)


def labels(case: "Case") -> Judgement:
    """Whether a random forest's predictions, each for rows it did not see, go with the targets: a t-value."""
    if len(case.data) < FEW:
        return Judgement(SKIPPED, f"fewer than {FEW} rows: chance decides")
    from sklearn.ensemble import RandomForestRegressor

    rows = case.sample()
    X, Y = case.data.X[rows], case.data.Y[rows].astype(np.float64)
    forest = RandomForestRegressor(50, min_samples_leaf=3, max_features=1 / 3, oob_score=True, random_state=0)
    forest.fit(X, Y[:, 0] if Y.shape[1] == 1 else Y)
    P = forest.oob_prediction_.reshape(Y.shape)
    together = np.sum((P - P.mean(axis=0)) * (Y - Y.mean(axis=0)), axis=1)  # (n,) covariance, row by row
    error = float(together.std() / np.sqrt(len(together)))
    t = float(together.mean()) / error if error else 0.0
    numbers = {"t": t, "rows": len(rows)}
    verdict: Verdict = FINE if t >= 4 else LOOK if t >= 2 else WRONG
    if verdict == FINE:
        return Judgement(FINE, f"the inputs tell something about the target (t = {t:.1f})", "", numbers)
    meaning = f"the inputs tell {'next to nothing' if t >= 2 else 'nothing'} about the target (t = {t:.1f})"
    advice = "check that rows and labels were not shuffled apart, and that --target (y) is the right column"
    return Judgement(verdict, meaning, advice, numbers)


def linear(case: "Case") -> Judgement:
    """The same outputs without hidden layers, fitted by L-BFGS: accuracy or R^2 on the held-out rows."""
    if len(case.architecture.dense) == 1:
        return Judgement(SKIPPED, "the network is a linear model itself")
    judged: Data = case.held or case.data
    if len(judged) < 20:
        return Judgement(SKIPPED, "fewer than 20 rows to judge by")
    name = "accuracy" if case.classes is not None else "r2"
    score = _linear_score(case, plain(case.architecture, linear=True), judged, name)
    if score is None:
        return Judgement(SKIPPED, "L-BFGS does not fit this output and loss")
    where = "held-out" if case.held else "training"
    said = (
        f"a linear model reaches {'an accuracy' if name == 'accuracy' else 'an R²'} of {score:.3f} on the {where} rows"
    )
    numbers = {name: score, "held_out": case.held is not None}
    if score >= 0.99:
        advice = "take it: --hidden none; in Python hidden=(), or Network without hidden layers"
        return Judgement(LOOK, f"{said}: it needs no hidden layers", advice, numbers)
    return Judgement(FINE, f"{said}: there is something left to learn", "", numbers)


def _linear_score(case: "Case", architecture: Architecture, judged: "Data", name: str) -> float | None:
    import msgspec

    from glassnet.network.parameters import initial_buffers, initial_parameters

    rows = case.sample()
    penalized = msgspec.structs.replace(architecture, l2=1 / len(rows))
    weights, buffers = initial_parameters(penalized, case.network.seed), initial_buffers(penalized)
    model = Network.from_parts(penalized, weights, buffers, case.network.seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(case.data.X[rows], case.data.Y[rows], optimizer="lbfgs", epochs=200)
        score = METRICS[name].measure(judged.Y, model.predict(judged.X), None, True)
    except GlassnetError:
        return None
    return score if np.isfinite(score) else None
