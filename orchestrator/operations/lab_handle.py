"""A lab as Python code sees it: `open_lab` for scripts, and the same handle for the tests of the pytest plugin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import NotFound, UsageInvalid
from orchestrator.operations.guarded_workspace import GuardedWorkspace, GuardedWorkspaces
from orchestrator.operations.node_access import require_node
from orchestrator.operations.workspace import Workspace, valid_lab_name

if TYPE_CHECKING:
    from orchestrator.checks.findings import Finding
    from orchestrator.engine.programs import Output
    from orchestrator.lab.lab import Lab
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.trace import Trace


class ChecksFailed(AssertionError):
    """Checks that do not hold: first each cause of several, then each check with what was seen and its own cause."""

    def __init__(self, lab_name: str, findings: tuple[Finding, ...]) -> None:
        from orchestrator.checks.causes import shared_causes
        from orchestrator.rendering.findings import cause_sentence

        self.findings = findings
        causes = shared_causes(findings)
        lines = [f"these checks of the lab {lab_name} do not hold:", *map(cause_sentence, causes)]
        for finding in findings:
            explained = any(finding in cause for cause in causes)
            lines.append(_explained_failure(finding) if explained else _failure(finding))
        super().__init__("\n".join(lines))


def _explained_failure(finding: Finding) -> str:
    return f"- {finding.check} ({finding.verdict}): {finding.judgement.actual}"


def _failure(finding: Finding) -> str:
    lines = [f"- {finding.check} ({finding.verdict})", f"  expected: {finding.judgement.expected}"]
    lines.append(f"  seen: {finding.judgement.actual}")
    if finding.why and finding.why.broken:
        lines.append(f"  cause: {finding.why.sentence}")
    return "\n".join(lines)


@dataclass(frozen=True)
class NodeHandle:
    """One node of a lab."""

    lab: LabHandle
    name: str

    @property
    def container(self) -> str:
        """The id of the node's container. Raises NotFound if the node has none."""
        container = self.lab.made.observe().container_of(self.name)
        if container is None:
            raise NotFound(f"the node {self.name!r} of the lab {self.lab.name!r} has no container")
        return container.id

    def run(self, *argv: str, seconds: float = 30.0, user: str = "") -> Output:
        """Run a program in the node; its exit_code, out and err. EngineRefused if it takes longer than `seconds`.

        The lab's journal tells of it, as of a program of `wirelab exec`.
        """
        from orchestrator.events import ProgramEvent

        publish = self.lab.workspace.without_watcher().publisher(self.lab.workspace.journal(self.lab.name))
        publish(ProgramEvent("started", self.name, argv))
        output = self.run_unrecorded(*argv, seconds=seconds, user=user)
        publish(ProgramEvent("ended", self.name, argv, output.exit_code))
        return output

    def run_unrecorded(self, *argv: str, seconds: float = 30.0, user: str = "") -> Output:
        """Run a program of wirelab's own in the node: it is nobody's work on the lab."""
        return self.lab.made.engine.run(self.container, argv, seconds=seconds, user=user)


@dataclass(frozen=True, repr=False)
class LabHandle:
    """A lab that is up. `findings` has the last finding of each check that ran, by its place in the file."""

    made: Lab
    workspace: Workspace
    loaded: LoadedScenario
    findings: dict[int, Finding] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Short, for pytest prints it with each test that fails."""
        return f"<the lab {self.name}>"

    @property
    def name(self) -> str:
        """The lab's own name, which everything of it bears as the label `wirelab.lab`."""
        return self.made.name

    @property
    def member(self) -> str:
        """The member on which the lab stands; empty for the engine in use."""
        return self.workspace.member

    @property
    def docker_host(self) -> str:
        """The address of the engine, as DOCKER_HOST takes it."""
        return self.workspace.url

    def node(self, name: str) -> NodeHandle:
        """A node by the name that it has in the file. Raises UsageInvalid where the file has no such node."""
        return NodeHandle(self, require_node(self.made.scenario, name))

    def address(self, name: str) -> str:
        """The node's address; its first one where it has several."""
        require_node(self.made.scenario, name)
        return str(self.made.topology(self.made.observe()).addresses(name)[0])

    def check(self, name: str | None = None) -> tuple[Finding, ...]:
        """Run all checks of the scenario, or those whose name holds `name`, and return a finding for each."""
        from orchestrator.lab import faults

        checks = [check for check in self.made.scenario.checks if name is None or name in check.name]
        if not checks and name is not None:
            known = "; ".join(check.name for check in self.made.scenario.checks)
            raise UsageInvalid(f"no check of {self.made.scenario.name} holds {name!r}", why=f"they are: {known}")
        findings = faults.check(self.made, checks)
        places = {id(check): place for place, check in enumerate(self.made.scenario.checks)}
        self.findings.update((places[id(check)], finding) for check, finding in zip(checks, findings, strict=True))
        return findings

    def prove(self, name: str | None = None) -> None:
        """Run checks as `check` does. Raises ChecksFailed, which names each that does not hold, and why."""
        __tracebackhide__ = True  # pytest then shows the line of the test
        failed = tuple(finding for finding in self.check(name) if finding.verdict != "pass")
        if failed:
            raise ChecksFailed(self.name, failed)

    def inject(self, *words: str) -> str:
        """Put a fault in, in the words of the command line: `lab.inject("stop", "dns")`. Returns its id."""
        from orchestrator.lab import faults
        from orchestrator.operations.faults import fault_of_words

        change = faults.inject(self.made, fault_of_words(words, self.made.scenario))
        return change.faults[0].id

    def heal(self, *fault_ids: str) -> None:
        """Heal these faults and leave everything else as it is. UsageInvalid if one of them is not in.

        Without an id: heal all faults, and repair whatever else is not as the file declares. Raises NotFound where the
        lab is gone.
        """
        if fault_ids:
            from orchestrator.lab import faults

            faults.heal(self.made, fault_ids)
            return
        self.made.standing()
        self.made.up(healed=[fault.id for fault in self.made.faults()])

    def up(self) -> None:
        """Make the lab what its file declares, also where all of it is gone. Faults that are in stay in."""
        self.made.up()

    def logs(self, node: str) -> str:
        """What a node has written so far."""
        from orchestrator.lab.node_logs import LogSelection, written_lines

        return "\n".join(written_lines(self.made.engine, self.node(node).container, LogSelection()))

    def trace(self, *argv: str, node: str = "") -> Trace:
        """Run a command in a node, the first client by default; `.story` tells what it caused across all nodes."""
        from orchestrator.operations.trace import trace_command

        return trace_command(self.workspace, self.loaded, self.name, argv, node_name=node)[1]


def fresh_name(loaded: LoadedScenario, middle: str) -> str:
    """A name for a lab that no other lab bears."""
    from secrets import token_hex

    return f"{loaded.reading.scenario.name[:30]}-{middle}-{token_hex(3)}"


@contextmanager
def open_lab(
    scenario: str | Path,
    *,
    name: str | None = None,
    keep: bool = False,
    capture: bool = False,
    member: str | None = None,
    members: Sequence[str] = (),
) -> Iterator[LabHandle]:
    """Bring a scenario's lab up, under a fresh name or `name`, and remove it at the end unless `keep`.

    `capture` records it from the start. A new lab comes up on the engine of `member`, or on the one of `members` that
    has the most free memory. If this process dies, the lab is removed; with `keep`, only while it comes up.

    Raises UsageInvalid where a lab of that name is up already, for its end here would remove it.
    """
    from orchestrator.operations.scenario_library import load_scenario

    if isinstance(members, str):
        raise UsageInvalid(
            "members must be a list of names", why=f"it is the text {members!r}", hint='members=["a", "b"]'
        )
    if member and members:
        raise UsageInvalid("member cannot be combined with members", hint="give one of them")
    loaded = load_scenario(str(scenario), Path.cwd())
    lab_name = valid_lab_name(name) if name else fresh_name(loaded, "py")
    engines = GuardedWorkspaces((member,) if member else tuple(members))
    guarded = engines.of(lab_name, len(loaded.reading.scenario.nodes))
    with lab_in(guarded, loaded, lab_name, keep=keep, capture=capture) as lab:
        yield lab


@contextmanager
def lab_in(
    guarded: GuardedWorkspace, loaded: LoadedScenario, lab_name: str, *, keep: bool = False, capture: bool = False
) -> Iterator[LabHandle]:
    """As `open_lab`, in a guarded workspace, which is closed at the end.

    Where the lab cannot be removed it is left to the watchdog, which then is not sent away.
    """
    lab = guarded.lab(loaded, lab_name, capture=capture)
    ours = True
    try:
        if not keep and lab.observe().containers:
            ours = False
            hint = "give another name, or keep=True"
            raise UsageInvalid(f"the lab {lab_name!r} is up already", why="open_lab removes its lab", hint=hint)
        lab.up()
        if keep:
            guarded.guard.release()
        yield LabHandle(lab, guarded.workspace, loaded)
    finally:
        if ours and not keep:
            guarded.down(lab_name)
        guarded.close()
