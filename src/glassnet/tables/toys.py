"""Toy problems on a plane of two inputs x1, x2, about [-6, 6] on each side.

The geometry is that of TensorFlow Playground (https://playground.tensorflow.org), written anew: there as here
`noise` runs from 0 to 0.5. For circle, xor, plane and multi_gauss it moves the point that decides the answer,
not the point that is shown; for spiral it moves the point; for gauss it widens the clouds.
"""

from collections.abc import Callable

import numpy as np

__all__ = ["circle", "gauss", "moons", "multi_gauss", "plane", "spiral", "xor"]

RADIUS = 5.0
SIDE = 6.0
Toy = Callable[[int, float, np.random.Generator], tuple[np.ndarray, np.ndarray]]


def halves(n: int) -> np.ndarray:
    """Labels (n,): the first half 1, the second 0.

    >>> halves(3).tolist()
    [1, 1, 0]
    """
    return (np.arange(n) < (n + 1) // 2).astype(np.int64)


def circle(n: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A disc of radius 2.5 inside a ring from 3.5 to 5.

    >>> import numpy as np
    >>> X, y = circle(4, 0.0, np.random.default_rng(0))
    >>> (np.hypot(*X.T) < 2.5).astype(int).tolist() == y.tolist()
    True
    """
    inside = halves(n) == 1
    distance = rng.uniform(np.where(inside, 0.0, 0.7 * RADIUS), np.where(inside, 0.5 * RADIUS, RADIUS))
    angle = rng.uniform(0, 2 * np.pi, n)
    X = np.column_stack([distance * np.sin(angle), distance * np.cos(angle)])
    moved = X + noise * rng.uniform(-RADIUS, RADIUS, (n, 2))
    return X, (np.hypot(moved[:, 0], moved[:, 1]) < 0.5 * RADIUS).astype(np.int64)


def xor(n: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Four squares: 1 where x1 and x2 have the same sign; a gap of 0.3 beside each axis.

    >>> import numpy as np
    >>> X, y = xor(4, 0.0, np.random.default_rng(0))
    >>> (X.prod(axis=1) >= 0).astype(int).tolist() == y.tolist()
    True
    """
    near = rng.uniform(-RADIUS, RADIUS, (n, 2))
    X = near + np.where(near > 0, 0.3, -0.3)
    moved = X + noise * rng.uniform(-RADIUS, RADIUS, (n, 2))
    return X, (moved[:, 0] * moved[:, 1] >= 0).astype(np.int64)


def gauss(n: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two round clouds about (2, 2) and (-2, -2); their variance runs from 0.5 to 4 with the noise.

    >>> import numpy as np
    >>> gauss(4, 0.1, np.random.default_rng(0))[1].tolist()
    [1, 1, 0, 0]
    """
    y = halves(n)
    variance = 0.5 + 7.0 * noise
    return np.where(y == 1, 2.0, -2.0)[:, None] + np.sqrt(variance) * rng.standard_normal((n, 2)), y


def spiral(n: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two arms that wind 1.75 times about the origin.

    >>> import numpy as np
    >>> X, y = spiral(4, 0.0, np.random.default_rng(0))
    >>> X[0].tolist(), y.tolist()
    ([0.0, 0.0], [1, 1, 0, 0])
    """
    y = halves(n)
    first = int(y.sum())
    along = np.concatenate([np.arange(first) / first, np.arange(n - first) / max(1, n - first)])
    angle = 1.75 * along * 2 * np.pi + np.where(y == 1, 0.0, np.pi)
    X = RADIUS * along[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
    return X + noise * rng.uniform(-1, 1, (n, 2)), y


def moons(n: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles that interlock (scikit-learn's), centred and enlarged three times.

    >>> import numpy as np
    >>> moons(4, 0.0, np.random.default_rng(0))[0].shape
    (4, 2)
    """
    from sklearn.datasets import make_moons

    X, y = make_moons(n, noise=noise or None, random_state=int(rng.integers(2**31)))
    return 3.0 * (np.asarray(X) - np.array([0.5, 0.25])), np.asarray(y, dtype=np.int64)


def plane(n: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A slope: y = (x1 + x2) / 10.

    >>> import numpy as np
    >>> X, y = plane(4, 0.0, np.random.default_rng(0))
    >>> np.allclose(y, X.sum(axis=1) / 10)
    True
    """
    X = rng.uniform(-SIDE, SIDE, (n, 2))
    moved = X + noise * rng.uniform(-SIDE, SIDE, (n, 2))
    return X, moved.sum(axis=1) / 10.0


def multi_gauss(n: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Six cones of height 1 and radius 2, up and down in turn, on a grid of 3 by 2.

    >>> import numpy as np
    >>> bool(np.abs(multi_gauss(50, 0.0, np.random.default_rng(0))[1]).max() <= 1)
    True
    """
    centers = np.array([[-4.0, 2.5], [0.0, 2.5], [4.0, 2.5], [-4.0, -2.5], [0.0, -2.5], [4.0, -2.5]])
    signs = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    X = rng.uniform(-SIDE, SIDE, (n, 2))
    moved = X + noise * rng.uniform(-SIDE, SIDE, (n, 2))
    distance = np.linalg.norm(moved[:, None, :] - centers, axis=2)  # (n, 6)
    heights = signs * (1.0 - np.minimum(distance, 2.0) / 2.0)
    return X, heights[np.arange(n), np.abs(heights).argmax(axis=1)]
