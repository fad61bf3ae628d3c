"""What to type next: commands of wirelab for one lab, as a person who stands here would write them."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import join

from orchestrator.checks.exhaustion import ENGINE_DISK, Exhausted
from orchestrator.errors import doctor_command
from orchestrator.model.roles import ROLES
from orchestrator.model.topology import Topology
from orchestrator.planning.lab_ref import LabRef

# What every image of ours holds.
EVERYWHERE = frozenset({"cat", "ip"})


@dataclass(frozen=True)
class Commands:
    """`scenario_ref` is the scenario's name or path; `lab` is named only where it is not the scenario's own name.

    `with_faults`: faults are in, so that healing is what repairs the lab. `member` is the one on which the lab stands.
    """

    topology: Topology
    scenario_ref: str = ""
    with_faults: bool = False
    member: str = ""

    def _typed(self, command: str, *words: str) -> str:
        named = LabRef.of(self.scenario_ref, self.topology.scenario.name, self.topology.lab)
        return named.command(command, *words)

    def repair(self) -> str:
        """Heal the faults that are in; where none is in, repair what somebody changed by hand."""
        return self._typed("heal") if self.with_faults else self.up()

    def start_anew(self, node: str) -> str:
        """The node is stopped and started: so its network is as it was, whatever was changed inside it."""
        return f"{self._typed('inject', 'stop', node)} && {self._typed('heal')}"

    def relieve(self, node: str, exhausted: Exhausted) -> str:
        """What gives a node back a resource of which it has no more."""
        match exhausted.resource:
            case "memory":
                return self.logs(node)
            case "disk" if exhausted.where == ENGINE_DISK:
                return doctor_command(self.member)
            case _:
                return self.start_anew(node)

    def up(self) -> str:
        return self._typed("up")

    def ps(self) -> str:
        return self._typed("ps")

    def logs(self, node: str) -> str:
        return self._typed("logs", node)

    def check(self, name: str) -> str:
        return self._typed("check", "--only", name)

    def run(self, node: str, *argv: str) -> str:
        """Run a program in a node; where the node lacks it, read the node's log instead."""
        declared = self.topology.node(node)
        tools = ROLES[declared.role].tools | EVERYWHERE
        if declared.image or argv[0] not in tools:
            return self.logs(node)
        return self.run_again(node, *argv)

    def run_again(self, node: str, *argv: str) -> str:
        """Run a program that is known to be in the node."""
        return f"{self._typed('exec', node)} -- {join(argv)}"
