"""What all tests share: Hypothesis without chance or deadlines, and a word on which oracles were missing."""

import os
from collections.abc import Iterator

import hypothesis
import pytest

from oracles import missing_oracles, oracle_line, unmet

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session", autouse=True)
def _object_code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One folder of object code for the session, shared by its workers, so that the user's stays as it was."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "object-code"
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("GLASSNET_CACHE"):
            patch.setenv("GLASSNET_CACHE", str(folder))
        patch.setenv("GLASSNET_QUIET", "1")  # stderr is compared, and the folder begins empty
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require-oracles", action="store_true", help="fail when a test is skipped for want of an oracle")


def _reasons(config: pytest.Config) -> list[str]:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    reports = terminal.stats.get("skipped", []) if terminal else []
    return [str(r.longrepr[2]) if isinstance(r.longrepr, tuple) else str(r.longrepr) for r in reports]


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    terminalreporter.write_line(oracle_line(missing_oracles(), _reasons(config)))
    for line in unmet(missing_oracles(), _reasons(config)) if config.getoption("--require-oracles") else ():
        terminalreporter.write_line(f"--require-oracles: {line}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    on_worker = hasattr(config, "workerinput")
    if config.getoption("--require-oracles") and not on_worker and unmet(missing_oracles(), _reasons(config)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
