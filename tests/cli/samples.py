"""Small tables for the tests of the command line."""

from pathlib import Path

import numpy as np


def table(n: int = 60, seed: int = 0) -> list[tuple[float, float, str, str]]:
    """Rows a, b, kind, label: the label says whether a > b."""
    rng = np.random.default_rng(seed)
    points = rng.random((n, 2)).round(4).tolist()
    return [(a, b, "uv"[rng.integers(2)], "pos" if a > b else "neg") for a, b in points]


def write_csv(path: Path, rows, head: str = "a,b,kind,label") -> Path:
    """Write rows under a header."""
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path
