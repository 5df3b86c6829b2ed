"""What the tests of the compiled engine share."""

import pytest

from glassnet.engines.compiled import threads


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads may run, whatever OMP_NUM_THREADS and this machine say."""
    monkeypatch.setattr(threads, "cores", lambda: 2)
