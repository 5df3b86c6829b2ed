"""What "auto" means: defaults that follow the number of training rows.

Chosen on the built-in tables and toy problems over several seeds each (`benchmarks/tables.py` measures them), to do
well on small noisy tables without keeping the network from what larger or cleaner ones can teach it.
"""

import math
from typing import Any

from glassnet.training.solvers import SOLVERS

__all__ = ["default_batch_size", "default_dropout", "default_epochs", "default_l2", "default_patience"]


def default_batch_size(n: int) -> int:
    """The power of two nearest to sqrt(n), within 32 and 1024: the lectures' range of batch sizes.

    >>> default_batch_size(400), default_batch_size(50_000)
    (32, 256)
    """
    return min(max(2 ** round(math.log2(n) / 2), 32), 1024)


def default_l2(n: int) -> float:
    """1/n: a standard normal prior on each weight, against a mean loss over n rows.

    >>> default_l2(400)
    0.0025
    """
    return 1.0 / n


def default_dropout(optimizer: Any) -> float:
    """0.2; none for solvers, which need a loss that is the same at each look.

    >>> default_dropout("adam"), default_dropout("lbfgs")
    (0.2, 0.0)
    """
    name = optimizer.split("(")[0] if isinstance(optimizer, str) else getattr(optimizer, "name", "")
    return 0.0 if name in SOLVERS else 0.2


def default_epochs(n: int, batch_size: Any) -> int:
    """As many as 10,000 updates need, within 100 and 1,000.

    >>> default_epochs(400, 32), default_epochs(50_000, 256)
    (770, 100)
    """
    return _epochs_for(10_000, n, batch_size, 100, 1_000)


def default_patience(n: int, batch_size: Any) -> int:
    """As many epochs as 1,000 updates need, within 10 and 100.

    >>> default_patience(400, 32)
    77
    """
    return _epochs_for(1_000, n, batch_size, 10, 100)


def _epochs_for(updates: int, n: int, batch_size: Any, least: int, most: int) -> int:
    size = batch_size if isinstance(batch_size, int) and batch_size > 0 else n  # what is wrong is refused elsewhere
    return max(least, min(most, math.ceil(updates / math.ceil(n / size))))
