"""The names that the registries hold, for help and for errors."""

import ast
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from glassnet.errors import GlassnetError, InvalidParameterError

__all__ = ["estimator_defaults", "for_option", "registry_names", "with_names"]


def registry_names(kind: str) -> tuple[str, ...]:
    """Names of the records of one kind, in the registry's order.

    >>> "relu" in registry_names("activations"), "lbfgs" in registry_names("optimizers")
    (True, True)
    """
    import glassnet
    from glassnet.training.solvers import SOLVERS

    names: Iterable[str] = getattr(glassnet, kind.upper())
    return (*names, *(SOLVERS if kind == "optimizers" else ()))


def with_names(text: str) -> str:
    """Put names for {activations}, {losses}, … {datasets}, {examples}, {lessons}, {proofs},
    and an estimator's default for {default:epochs}.

    >>> with_names("one of {schedules}").startswith("one of constant")
    True
    >>> with_names("{default:activation}")
    'Default: relu.'
    """

    def listed(match: "re.Match[str]") -> str:
        kind, _, name = match[1].partition(":")
        if kind == "default":
            return f"Default: {_shown(estimator_defaults()[name])}."
        if kind == "datasets":
            from glassnet.tables import dataset_names

            return ", ".join(dataset_names())
        if kind == "examples":
            from glassnet.explain.worked import example_names

            return ", ".join(example_names())
        if kind == "lessons":
            from glassnet.lessons import LESSONS

            return ", ".join(LESSONS)
        if kind == "proofs":
            from glassnet.explain.proofs import PROOFS

            return ", ".join(PROOFS)
        return ", ".join(registry_names(kind))

    return re.sub(
        r"\{(activations|losses|optimizers|schedules|initializers|datasets|examples|lessons|proofs|default:\w+)\}",
        listed,
        text,
    )


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


@lru_cache
def estimator_defaults() -> dict[str, Any]:
    """Defaults of the Table estimators, read from their source: importing them takes a second.

    >>> estimator_defaults()["scaling"]
    'standard'
    """
    source = Path(__file__).parents[1] / "estimators" / "base.py"
    tree = ast.parse(source.read_text("utf-8"))
    start = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "__init__").args
    positional = zip(reversed(start.args), reversed(start.defaults), strict=False)
    named = zip(start.kwonlyargs, start.kw_defaults, strict=True)
    return {argument.arg: ast.literal_eval(value) for argument, value in (*positional, *named) if value is not None}


@contextmanager
def for_option(option: str) -> Generator[None]:
    """Say in an error to which option it belongs.

    >>> with for_option("--activation"):
    ...     raise InvalidParameterError("unknown activation 'rellu'")
    Traceback (most recent call last):
    glassnet.errors.InvalidParameterError: --activation: unknown activation 'rellu'
    """
    try:
        yield
    except GlassnetError as error:
        raise InvalidParameterError(f"{option}: {error}") from error
