"""Run the few tests that failed beside others once more, alone, and say so plainly.

`-p tests.second_try --failed-list FILE`, beside `-p tests.counts`, writes the failed tests into FILE when the run ends,
or why there is no second try. `python -m tests.second_try FILE [OPTION...]` then runs each of them in a pytest of its
own, with these options, and ends with 0 only if all pass. docs/decisions/a-second-try-that-is-seen.md says why.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.counts import forbidden_skips

MOST = 5


class FailedList:
    """Collects which tests failed, and what forbids a second try."""

    def __init__(self, path: Path, skipped: Callable[[], bool]) -> None:
        self._path = path
        self._skipped = skipped
        self._failed: dict[str, None] = {}
        self._refused = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.failed:
            return
        self._failed[report.nodeid] = None
        # pytest-xdist reports so a test whose process ended: a crash, or the time limit of setup/test.
        if report.when not in ("setup", "call", "teardown"):
            self._refused = f"{report.nodeid} crashed, or took longer than a test may"

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._refused = f"{report.nodeid} could not be collected"

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        refused = self._refused
        if len(self._failed) > MOST:
            refused = refused or f"{len(self._failed)} tests failed, and chance explains {MOST} at most"
        if self._skipped():
            refused = refused or "a test was skipped that must run"
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or not self._failed:
            refused = refused or "the run did not end with failed tests alone"
        self._path.write_text(json.dumps({"refused": refused, "failed": list(self._failed)}), "utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--failed-list", type=Path, metavar="FILE", help="Write into FILE which tests to try again.")


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("failed_list")
    # The workers of pytest-xdist report to the process that started them.
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailedList(path, partial(forbidden_skips, config)))


def try_again(path: Path, options: Sequence[str]) -> bool:
    """Whether all tests of the list pass now, each in a process of its own."""
    try:
        failed_list = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        failed_list = {"refused": "the run left no list of its failures", "failed": []}
    if failed_list["refused"]:
        print(f"no second try: {failed_list['refused']}", flush=True)
        return False
    outcomes = {}
    for test in failed_list["failed"]:
        print(f"---- second try, alone: {test}", flush=True)
        done = subprocess.run((sys.executable, "-m", "pytest", "-q", "-p", "tests.counts", *options, test), check=False)
        outcomes[test] = "passed" if done.returncode == 0 else "FAILED AGAIN"
    print("---- These tests failed at first; the reports are above.", flush=True)
    for test, outcome in outcomes.items():
        print(f"second try: {test} {outcome}", flush=True)
    return set(outcomes.values()) == {"passed"}


if __name__ == "__main__":
    sys.exit(0 if try_again(Path(sys.argv[1]), sys.argv[2:]) else 1)
