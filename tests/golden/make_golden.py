"""Write the golden files of the present format version. They are written once and then only ever read.

    python tests/golden/make_golden.py

A new format version gets files of its own; the old ones stay, and must go on predicting the same.
"""

import json
from pathlib import Path

import numpy as np
import polars as pl

from glassnet import BatchNorm, Dense, Dropout, Network, RandomizedLeakyReLU, TableClassifier, TableRegressor
from glassnet.files.container import FORMAT_VERSION

HERE = Path(__file__).parent
X = [[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]]
FRAME = pl.DataFrame(
    {
        "mass": [1.5, 2.5, None, 4.0, 5.5, 6.0, 7.25, 8.0],
        "island": ["north", "south", "north", None, "south", "north", "south", "north"],
        "tagged": [True, False, True, True, False, False, True, False],
    }
)
KIND = ["a", "b", "a", "c", "b", "c", "a", "b"]
SIZE = [1.0, 2.5, 1.5, 3.0, 4.5, 5.0, 5.5, 7.0]


def models():
    """One model of each kind, trained a little."""
    layers = [Dense(4, "swish", norm=BatchNorm()), Dropout(0.2), Dense(3), RandomizedLeakyReLU(), Dense(2, "softmax")]
    network = Network(2, layers, l2=0.01, seed=3)
    network.fit(X, [0, 1, 1], epochs=3, batch_size=2)
    classifier = TableClassifier((4,), activation="leaky_relu(alpha=0.2)", epochs=5).fit(FRAME, KIND)
    regressor = TableRegressor((3,), epochs=5, dtype="float64").fit(FRAME, SIZE)
    return {"network": network, "table_classifier": classifier, "table_regressor": regressor}


def predictions(model) -> list:
    """What each model says of the fixed rows."""
    if isinstance(model, Network):
        return np.asarray(model.predict(X), float).tolist()
    return (model.predict_proba(FRAME) if isinstance(model, TableClassifier) else model.predict(FRAME)).tolist()


if __name__ == "__main__":
    expected = {}
    for kind, model in models().items():
        model.save(HERE / f"v{FORMAT_VERSION}_{kind}.glassnet")
        expected[kind] = predictions(model)
    (HERE / f"v{FORMAT_VERSION}_expected.json").write_text(json.dumps(expected, indent=1) + "\n")
