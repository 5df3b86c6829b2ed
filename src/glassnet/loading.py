"""`glassnet.load`: any model file, whatever kind of model is in it."""

from pathlib import Path
from typing import Any

from glassnet.errors import ModelFileError
from glassnet.files.container import read_container
from glassnet.model import Network

__all__ = ["load"]


def load(path: str | Path) -> Any:
    """Read a `.glassnet` file: a Network, a TableClassifier or a TableRegressor. Nothing in the file is executed.

    Raises
    ------
    ModelFileError
        If the file is missing, corrupt, of an unknown version, or a checkpoint.

    >>> import glassnet, tempfile, pathlib
    >>> net = glassnet.Network(2, [glassnet.Dense(1)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "small.glassnet"
    ...     net.save(path)
    ...     glassnet.load(path)
    Network(2-1, squared_error, 3 parameters, float32, engine=compiled)
    """
    kind = read_container(path).kind
    if kind == "network":
        return Network.load(path)
    if kind == "checkpoint":
        raise ModelFileError(f"'{path}' is a checkpoint, not a model: give it to fit(..., resume=path) or --resume")
    from glassnet.estimators.table import TableClassifier, TableRegressor

    return (TableClassifier if kind == "table_classifier" else TableRegressor).load(path)
