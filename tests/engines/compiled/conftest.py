"""One folder of object code for the whole test session, shared by its workers, so that the user's stays as it was."""

import os
from collections.abc import Iterator

import pytest

from glassnet.engines.compiled import threads


@pytest.fixture(scope="session", autouse=True)
def _object_code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "object-code"
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("GLASSNET_CACHE"):
            patch.setenv("GLASSNET_CACHE", str(folder))
        yield


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads may run, whatever OMP_NUM_THREADS and this machine say."""
    monkeypatch.setattr(threads, "cores", lambda: 2)
