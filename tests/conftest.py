"""What all tests share: Hypothesis without chance or deadlines, and a word on which oracles were missing."""

import os

import hypothesis
import pytest

from oracles import missing_oracles, oracle_line, unmet

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


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
