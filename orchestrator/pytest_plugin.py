"""wirelab for test suites: `@pytest.mark.lab("basic")` with a `lab` fixture, and scenario files whose checks are tests.

Every lab of a test process stands under one run with one watchdog: whatever happens to the process, what it made is
removed. Labs bear the worker's name and a random word, so that those of parallel workers do not meet.

pytest imports this module at each start, also for suites that use no lab: what is heavy is imported where it is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from orchestrator.operations.guarded_workspace import GuardedWorkspace, GuardedWorkspaces, Opener
    from orchestrator.operations.lab_handle import LabHandle
    from orchestrator.operations.scenario_library import LoadedScenario

FILE = "scenario.yaml"
LIBRARY = "scenarios"
Done = TypeVar("Done")
BUNDLE = "wirelab_bundle"  # the name under which JUnit output of pytest has the bundle's place
MARKER = (
    'lab(scenario, scope="module", capture=False): the scenario, by name or path, that the `lab` fixture brings up; '
    'scope "session" keeps one lab for all tests that name the same scenario; capture=True records it from the start'
)


class Labs:
    """The labs of this test process, each engine under one run and one watchdog; nothing is opened until needed.

    New labs come up on these members, each on the one with the most free memory; without members, on the engine in use.
    """

    def __init__(self, worker: str, members: Sequence[str] = (), open_one: Opener | None = None) -> None:
        self._worker = worker
        self._members = members
        self._open_one = open_one
        self._engines: GuardedWorkspaces | None = None
        self._standing: dict[tuple[Path, str, bool], LabHandle] = {}
        # Of each scope the labs of which anything may be there: also where `up` failed, or Ctrl-C came right after it.
        self._begun: dict[str, list[tuple[GuardedWorkspace, str]]] = {}

    def open(self, loaded: LoadedScenario, scope: str, *, capture: bool = False) -> LabHandle:
        """The scenario's lab of that scope, brought up if it does not stand yet."""
        key = (loaded.folder / loaded.file, scope, capture)
        if key not in self._standing:
            from orchestrator.operations.lab_handle import LabHandle, fresh_name

            name = fresh_name(loaded, self._worker)
            guarded = self._reached().of(name, len(loaded.reading.scenario.nodes))
            lab = guarded.lab(loaded, name, capture=capture)
            self._begun.setdefault(scope, []).append((guarded, name))
            lab.up()
            self._standing[key] = LabHandle(lab, guarded.workspace, loaded)
        return self._standing[key]

    def _reached(self) -> GuardedWorkspaces:
        if self._engines is None:
            from orchestrator.operations.guarded_workspace import GuardedWorkspace, GuardedWorkspaces

            self._engines = GuardedWorkspaces(self._members, self._open_one or GuardedWorkspace.open)
        return self._engines

    def close_scope(self, scope: str) -> None:
        """Take down the labs of one scope, all of them, even if one cannot be removed."""
        from orchestrator.errors import WirelabError

        self._standing = {key: lab for key, lab in self._standing.items() if key[1] != scope}
        left: list[tuple[GuardedWorkspace, str]] = []
        troubles: list[WirelabError] = []
        for guarded, name in reversed(self._begun.get(scope, [])):
            try:
                guarded.down(name)
            except WirelabError as error:
                left.insert(0, (guarded, name))
                troubles.append(error)
        self._begun[scope] = left
        if troubles:
            raise troubles[0]

    def close(self) -> None:
        """Take down all. What cannot be removed is left to the watchdog, which then is not sent away."""
        from orchestrator.errors import WirelabError

        troubles: list[WirelabError] = []
        for scope in sorted(self._begun):
            try:
                self.close_scope(scope)
            except WirelabError as error:
                troubles.append(error)
        if troubles:
            raise troubles[0]
        if self._engines:
            self._engines.close()
            self._engines = None


LABS = pytest.StashKey[Labs]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("wirelab")
    group.addoption(
        "--lab-bundles",
        metavar="DIR",
        default="lab-bundles",
        help="Where to keep what is left of a lab in which a test failed: report, logs, packets (%(default)s).",
    )
    group.addoption(
        "--lab-members",
        metavar="A,B,C",
        help="Bring each lab up on the member with the most free memory; `local` is the engine in use.",
    )
    parser.addini("lab_members", "The members on which labs come up, unless --lab-members names others.", "args")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    config.stash[LABS] = Labs(os.environ.get("PYTEST_XDIST_WORKER", "main"), _members(config))


def _members(config: pytest.Config) -> tuple[str, ...]:
    """The members that the command line names, or else the configuration. Raises UsageError."""
    text = config.getoption("--lab-members")
    if text is None:
        return tuple(config.getini("lab_members"))
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise pytest.UsageError(f"--lab-members: {text!r} is not a list of names such as a,b,c")
    return names


def pytest_unconfigure(config: pytest.Config) -> None:
    """A lab that could not be removed is told in our three lines, and the tests are not green."""
    from orchestrator.errors import WirelabError

    labs = config.stash.get(LABS, None)
    try:
        if labs:
            labs.close()
    except WirelabError as error:
        raise pytest.UsageError(error_text(error)) from error


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> LabHandle:
    """The lab that the test's marker names, up and ready; taken down with the module, or with the session."""
    marker = request.node.get_closest_marker("lab")
    if marker is None or len(marker.args) != 1:
        pytest.fail('the `lab` fixture needs a marker that names a scenario: @pytest.mark.lab("basic")', pytrace=False)
    if unknown := sorted(marker.kwargs.keys() - {"scope", "capture"}):
        pytest.fail(f"a lab marker has scope= and capture=, not {unknown[0]}=", pytrace=False)
    scope = marker.kwargs.get("scope", "module")
    if scope not in ("module", "session"):
        pytest.fail(f'the scope of a lab is "module" or "session", not {scope!r}', pytrace=False)
    labs = request.config.stash[LABS]
    module = request.node.getparent(pytest.Module)
    key = module.nodeid if module and scope == "module" else "session"
    if key != "session":
        module.addfinalizer(lambda: _plainly(lambda: labs.close_scope(key)))
    capture = bool(marker.kwargs.get("capture", False))
    return _plainly(lambda: labs.open(_load(marker.args[0], request.path.parent), key, capture=capture))


def _load(name: str, near: Path) -> LoadedScenario:
    """A scenario by name or path, seen from the folder of the test's file."""
    from orchestrator.operations.scenario_library import load_scenario

    return load_scenario(str(name), near)


def _plainly(do: Callable[[], Done]) -> Done:
    """The three lines of an error of ours instead of a traceback through code that the reader does not know."""
    from orchestrator.errors import WirelabError

    try:
        return do()
    except WirelabError as error:
        text = error_text(error)
    pytest.fail(text, pytrace=False)


def error_text(error: Any) -> str:
    """What, why and what to try; for a wrong file, every mistake."""
    if problems := getattr(error, "problems", ()):
        return "\n".join(str(problem) for problem in problems)
    lines = (f"error: {error.what}", error.why and f"why:   {error.why}", error.hint and f"try:   {error.hint}")
    return "\n".join(line for line in lines if line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails while its lab stands leaves a bundle; its error and the JUnit output say where."""
    lab = _lab_of(item)
    if lab and call.excinfo and not item.config.getoption("fulltrace"):
        without_internals(call.excinfo)
    report = yield
    if lab and report.failed and report.when != "teardown":
        from orchestrator.operations.failure_bundle import write_bundle

        folder = item.config.rootpath / item.config.getoption("--lab-bundles")
        bundle = write_bundle(folder, item.nodeid, report.longreprtext, lab.made, lab.loaded, lab.findings)
        add_sentence(report, bundle.sentence)
        # pytest's own JUnit output reads the properties of the item's last report, the terminal those of this one.
        for properties in (item.user_properties, report.user_properties):
            properties.append((BUNDLE, bundle.path or bundle.sentence))
    return report


def without_internals(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Let the traceback end in the test's own code, and show of an error of ours only its three lines."""
    from orchestrator.errors import WirelabError

    shown = _outside_of_package(excinfo.tb)
    if shown:
        # From raw entries: what pytest cuts later, it cuts from these.
        excinfo.traceback = type(excinfo.traceback)(shown)
    error = excinfo.value
    if isinstance(error, WirelabError):
        error.__cause__, error.__suppress_context__ = None, True
        error.args = (error_text(error),)


def _outside_of_package(traceback: TracebackType | None) -> TracebackType | None:
    """The same traceback without the frames of this package."""
    if traceback is None:
        return None
    rest = _outside_of_package(traceback.tb_next)
    frame = traceback.tb_frame
    if Path(frame.f_code.co_filename).is_relative_to(Path(__file__).resolve().parent):
        return rest
    return TracebackType(rest, frame, traceback.tb_lasti, traceback.tb_lineno)


def add_sentence(report: pytest.TestReport, sentence: str) -> None:
    """Let the error of a failed test end with the sentence: in the terminal and in both texts of JUnit output."""
    error: Any = report.longrepr  # an error that pytest formats has no public type
    if hasattr(error, "addsection"):
        error.addsection("wirelab", sentence)
        if error.reprcrash:
            error.reprcrash.message += f"\n{sentence}"
    else:
        report.longrepr = f"{report.longreprtext}\n\n{sentence}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The places once more, where nobody has to look for them."""
    reports = [*terminalreporter.stats.get("failed", ()), *terminalreporter.stats.get("error", ())]
    properties = [pair for report in reports for pair in getattr(report, "user_properties", ())]  # not of a collection
    kept = [str(value) for name, value in properties if name == BUNDLE]
    if kept:
        terminalreporter.section("wirelab")
        for line in dict.fromkeys(kept):
            terminalreporter.write_line(line)


def _lab_of(item: pytest.Item) -> LabHandle | None:
    """The lab in which a test runs, if it stands."""
    lab = item.parent.lab if isinstance(item, CheckItem) and hasattr(item.parent, "lab") else None
    fixture = getattr(item, "funcargs", {}).get("lab")  # somebody else's fixture may have this name
    if lab or fixture is None:
        return lab
    from orchestrator.operations.lab_handle import LabHandle

    return fixture if isinstance(fixture, LabHandle) else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    """scenarios/NAME/scenario.yaml, or a scenario file that the command line names, is a file of tests."""
    if file_path.name != FILE:
        return None
    named = parent.session.isinitpath(file_path)
    if not named and file_path.parent.parent.name != LIBRARY:
        return None
    return ScenarioFile.from_parent(parent, path=file_path)


class ScenarioFile(pytest.File):
    """A scenario: its lab stands while its checks run."""

    loaded: LoadedScenario
    lab: LabHandle

    def collect(self) -> Iterator[CheckItem]:
        """One item a check. A wrong file is reported with all its mistakes."""
        from orchestrator.errors import WirelabError

        try:
            self.loaded = _load(str(self.path), Path.cwd())
        except WirelabError as error:
            raise self.CollectError(error_text(error)) from error
        for place, check in enumerate(self.loaded.reading.scenario.checks):
            yield CheckItem.from_parent(self, name=check.name, place=place)

    def setup(self) -> None:
        labs = self.config.stash[LABS]
        self.lab = _plainly(lambda: labs.open(self.loaded, self.nodeid))

    def teardown(self) -> None:
        labs = self.config.stash[LABS]
        _plainly(lambda: labs.close_scope(self.nodeid))


class CheckDidNotHold(Exception):
    """A finding that is not a pass; `unknown` is never green."""


class CheckItem(pytest.Item):
    """One check of a scenario."""

    parent: ScenarioFile

    def __init__(self, *, place: int, **more: Any) -> None:
        super().__init__(**more)
        self.place = place

    def runtest(self) -> None:
        from orchestrator.checks.causes import explained_before, shared_causes
        from orchestrator.lab.faults import check as check_with_faults
        from orchestrator.rendering.findings import finding_text

        lab = self.parent.lab.made
        (finding,) = check_with_faults(lab, [lab.scenario.checks[self.place]])
        findings = self.parent.lab.findings
        findings[self.place] = finding
        if finding.verdict != "pass":
            raise CheckDidNotHold(finding_text(finding, explained_before(finding, shared_causes(findings.values()))))
        self.add_report_section("call", "evidence", finding_text(finding))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What was expected and what was seen, with the line of the file where the check stands."""
        from orchestrator.errors import WirelabError

        path, line, _ = self.reportinfo()
        if isinstance(excinfo.value, CheckDidNotHold):
            return f"{excinfo.value}\n\n{_relative(path)}:{(line or 0) + 1}"
        if isinstance(excinfo.value, WirelabError):
            return error_text(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        mark = self.parent.loaded.reading.positions.get(("checks", self.place))
        return self.path, (mark.line - 1 if mark else None), self.name


def _relative(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
