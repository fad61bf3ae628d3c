"""Prints how many tests ran, how many were skipped and why; with `--no-skips` a skipped test fails the run.

Loaded with `-p tests.counts`: a run that quietly leaves out the tests that need an engine proves nothing. Only what a
machine with an engine may really be unable to do is excused, by the very words of the reason.
"""

from __future__ import annotations

from collections import Counter

import pytest

EXCUSED = (
    "a private engine runs on Linux only",
    "making namespaces needs root",
    "only root can become another user",
    "the engine does not isolate IPv6",
    "no Chromium is installed; setup/programs installs Debian's",
    "nft is not installed; setup/programs installs it",
    "Docker Compose v2 is not installed; setup/programs unpacks Debian's",
    "no dockerd is installed; the engine in use is not of this machine",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="A skipped test fails the run.")


def _skips(config: pytest.Config) -> Counter[str]:
    """How often each reason was given."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = reporter.stats.get("skipped", []) if reporter else []
    given = [report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr for report in reports]
    return Counter(str(reason).removeprefix("Skipped: ") for reason in given)


def forbidden_skips(config: pytest.Config) -> bool:
    """Whether a test was skipped in a run that must skip none."""
    return config.getoption("--no-skips") and any(reason not in EXCUSED for reason in _skips(config))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK and forbidden_skips(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    ran = sum(len(terminalreporter.stats.get(outcome, [])) for outcome in ("passed", "failed", "xfailed", "xpassed"))
    skips = _skips(config)
    terminalreporter.write_sep("-", "counts")
    terminalreporter.write_line(f"run: {ran}   skipped: {skips.total()}")
    for reason, count in sorted(skips.items()):
        terminalreporter.write_line(f"  {count} x {reason}")
    if forbidden_skips(config):
        terminalreporter.write_line("A skipped test fails this run: this machine can run an engine.", red=True)
