"""Input features and functions as formulas of the shown coordinates: read by a whitelist, never executed."""

import ast
import re
from collections.abc import Mapping, Sequence

import numpy as np

from glassnet.autograd import expressions
from glassnet.errors import AutogradError
from glassnet.playground.limits import LIMITS, RefusedError

__all__ = ["FEATURES", "evaluated", "features", "features_anywhere", "parsed"]

FEATURES = ("x1", "x2", "x1^2", "x2^2", "x1*x2", "sin(x1)", "sin(x2)")
"""Those that the page offers by name; any other formula of x1 and x2 will do."""

ELEMENTWISE = frozenset(
    [
        "exp",
        "log",
        "ln",
        "log1p",
        "expm1",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "tanh",
        "arctan",
        "sigmoid",
        "softplus",
        "relu",
        "abs",
        "absolute",
        "erf",
        "maximum",
        "minimum",
    ]
)
"""A feature of one point may not look at the others, as a sum or a mean would."""


def evaluated(text: str, at: Mapping[str, np.ndarray], field: str) -> np.ndarray:
    """The formula's value (n,) at points (n,) by name; x^2 may stand for x**2.

    >>> import numpy as np
    >>> evaluated("x1^2 + 1", {"x1": np.array([2.0, 3.0])}, "inputs.0").tolist()
    [5.0, 10.0]
    """
    known = ", ".join(at)
    if len(text) > LIMITS.expression:
        raise RefusedError(f"'{text[:40]}…' is longer than {LIMITS.expression} characters", field)
    try:
        tree = parsed(text)
        value = expressions(f"feature_ = {ast.unparse(tree)}", at)["feature_"].value
    except (AutogradError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise RefusedError(_why(text, error, known), field) from None
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Call | ast.MatMult)]
    across = [ast.unparse(call.func) if isinstance(call, ast.Call) else "@" for call in used]
    across = [name for name in across if name not in ELEMENTWISE]
    if across:
        raise RefusedError(f"'{text}': {across[0]} looks across points; a feature is computed from one point", field)
    n = len(next(iter(at.values())))
    return np.broadcast_to(np.asarray(value, np.float64), (n,))


def parsed(text: str) -> ast.expr:
    """The formula's tree, with x^2 read as x**2; nothing of it is run."""
    return ast.parse(text.strip().replace("^", "**"), mode="eval").body


def _why(text: str, error: Exception, known: str) -> str:
    """The reader's reason without its place, which counts from the name that was put in front."""
    if not isinstance(error, AutogradError):
        return f"'{text}' is not a formula: write it with {known}, numbers, + - * / ^ and functions such as sin"
    reason = re.sub(r"^expression 1(, column \d+)?: | \(in '.*'\)$", "", str(error))
    infinite = re.match(r"(\S+) of .* is not finite", reason, re.DOTALL)
    if infinite:
        return f"'{text}': {infinite[1]} is not finite at some of the points; choose a formula that is, such as x1^2"
    return f"'{text}': {reason}".replace("feature_ = ", "")


def features_anywhere(names: Sequence[str], at: Mapping[str, np.ndarray]) -> np.ndarray:
    """The same for any points (n, d), NaN for those where a formula is not finite, as 1/x1 at 0.

    >>> import numpy as np
    >>> features_anywhere(["1/x1"], {"x1": np.array([2.0, 0.0])}).tolist()
    [[0.5], [nan]]
    """
    try:
        return features(names, at)
    except RefusedError:
        n = len(next(iter(at.values())))
        if n == 1:
            return np.full((1, len(names)), np.nan)
        halves = ({name: values[part] for name, values in at.items()} for part in (slice(n // 2), slice(n // 2, None)))
        return np.vstack([features_anywhere(names, half) for half in halves])


def features(names: Sequence[str], at: Mapping[str, np.ndarray]) -> np.ndarray:
    """The input features (n, d) of points given by their coordinates.

    >>> import numpy as np
    >>> features(["x2", "x1*x2"], {"x1": np.array([2.0]), "x2": np.array([3.0])}).tolist()
    [[3.0, 6.0]]
    """
    return np.column_stack([evaluated(name, at, f"inputs.{i}") for i, name in enumerate(names)])
