"""The optional packages that tests compare with, and what to say about those that are missing."""

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import pytest

ORACLES = ("torch", "pandas", "pyarrow", "palmerpenguins", "numba", "tensorboardX", "sympy", "playwright", "keras")


def missing_oracles() -> list[str]:
    """Those that cannot be imported here."""
    return [name for name in ORACLES if find_spec(name) is None]


def import_or_skip(name: str) -> ModuleType:
    """The module; a test that wants one which itself imports an oracle that is not here is skipped."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in ORACLES:
            raise
        pytest.skip(f"{name} imports {error.name}")


def is_named(oracle: str, reason: str) -> bool:
    """Whether a test was skipped for want of this oracle, by the reason that it gave."""
    words = reason.replace("'", " ").replace(":", " ").replace(",", " ").replace(".", " ").split()
    return oracle.lower() in (word.lower() for word in words)


def oracle_line(missing: Iterable[str], reasons: Iterable[str]) -> str:
    """One line: which oracles are missing, and how many tests each of them would have run."""
    reasons = list(reasons)
    parts = [f"{name} ({sum(is_named(name, reason) for reason in reasons)} skipped)" for name in missing]
    return f"oracles missing: {', '.join(parts)}" if parts else f"oracles: all here ({', '.join(ORACLES)})"


def unmet(missing: Iterable[str], reasons: Iterable[str]) -> list[str]:
    """Why a run that requires every oracle fails; empty when it had them all and skipped nothing for want of one."""
    skipped = [reason for reason in reasons if any(is_named(name, reason) for name in ORACLES)]
    return [
        *(f"oracle {name} is missing" for name in missing),
        *(f"skipped for want of an oracle: {r}" for r in skipped),
    ]
