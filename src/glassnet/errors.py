"""Every error that glassnet raises on purpose.

    GlassnetError
    ├── InvalidParameterError (ValueError)    an argument breaks its rule; names parameter, rule and value
    │   └── ArchitectureError                 layers, activation and loss that do not fit together
    ├── AutogradError (ValueError)            a Tensor or its graph cannot be computed or differentiated
    ├── DataError (ValueError)                a table, column or array cannot be used as it is
    ├── EngineError                           no engine can run this network, with the reasons
    ├── DivergenceError (ArithmeticError)     NaN or infinity in training: epoch, step, first bad tensor
    ├── SingularHessianError (ArithmeticError)  Newton-Raphson has no unique step
    ├── ResumeError (ValueError)              a checkpoint of other data or other options
    ├── ModelFileError                        a model or checkpoint file is not whole, not ours, or not consistent
    └── WriteError (OSError)                  a file could not be written; the old one is still there

Each message is one line: what is wrong, where, and how to mend it. The command line prints it and exits with 2.
"""

import difflib
from collections.abc import Iterable

__all__ = [
    "ArchitectureError",
    "AutogradError",
    "DataError",
    "DivergenceError",
    "EngineError",
    "GlassnetError",
    "InvalidParameterError",
    "ModelFileError",
    "ResumeError",
    "SingularHessianError",
    "WriteError",
    "nearest",
]


class GlassnetError(Exception):
    """Base class: `except GlassnetError` catches every error that glassnet raises on purpose."""


class InvalidParameterError(GlassnetError, ValueError):
    """An argument breaks its rule. The message names the parameter, the rule and the value."""


class ArchitectureError(InvalidParameterError):
    """Layers, activations and loss that do not make a network together."""


class AutogradError(GlassnetError, ValueError):
    """A Tensor cannot be computed or differentiated: shapes, types, a freed graph, values changed in between."""


class DataError(GlassnetError, ValueError):
    """A table, column or array cannot be used as it is. The message names the place."""


class EngineError(GlassnetError):
    """No engine can run the network; the message lists the reasons."""


class DivergenceError(GlassnetError, ArithmeticError):
    """A NaN or an infinity appeared in training.

    Attributes
    ----------
    epoch, step : int
        Where it happened; both count from 1, `step` over the whole run.
    tensor : str
        The first non-finite tensor in the order of computation, such as `z1`, `loss` or `dW2`.
    """

    def __init__(self, message: str, *, epoch: int, step: int, tensor: str) -> None:
        super().__init__(message)
        self.epoch, self.step, self.tensor = epoch, step, tensor


class SingularHessianError(GlassnetError, ArithmeticError):
    """Newton-Raphson found no unique step; the message says what to do."""


class ResumeError(GlassnetError, ValueError):
    """A checkpoint belongs to other data or other options; the message says which."""


class ModelFileError(GlassnetError):
    """A model or checkpoint file is corrupt, of an unknown version, or inconsistent."""


class WriteError(GlassnetError, OSError):
    """A file could not be written. What stood there before is untouched."""


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return "; did you mean 'relu'?" for a near miss, and "" where nothing is near.

    >>> nearest("rellu", ["relu", "tanh"])
    "; did you mean 'relu'?"
    """
    found = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f"; did you mean '{found[0]}'?" if found else ""
