"""A plan: steps with ids, reasons and an order. It holds every decision; whoever carries it out decides nothing.

It prints as text (`rendering/plans.py`): each step with what it needs. That text is what tests expect.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from orchestrator.model.credentials import Credentials
from orchestrator.model.secret import Secret
from orchestrator.planning.specs import Attach, ContainerSpec, NetworkSpec
from orchestrator.quick_dataclass import dataclass


@dataclass(frozen=True)
class BuildImage:
    """Build one of wirelab's own images, which the engine lacks."""

    image: str


@dataclass(frozen=True)
class MakeNetwork:
    spec: NetworkSpec
    network: str


@dataclass(frozen=True)
class RemoveNetwork:
    network_id: str
    name: str


@dataclass(frozen=True)
class MakeCapture:
    """Start the recorder and wait until it records. `networks` has their bridges; empty where the plan makes them."""

    spec: ContainerSpec
    networks: Mapping[str, str]


@dataclass(frozen=True)
class RemoveVolume:
    name: str


@dataclass(frozen=True)
class KeepPassword:
    """Write the new password of a node into its folder, before anybody uses it."""

    node: str
    file: str
    password: Secret


@dataclass(frozen=True)
class KeepCredentials:
    """Write the new certificates and key pairs into the lab's folder, for later commands."""

    credentials: Credentials


@dataclass(frozen=True)
class WriteFiles:
    """Make the files of a node just these; `resolv.conf` is written in place, for it is mounted by its inode."""

    node: str
    texts: Mapping[str, str]


@dataclass(frozen=True)
class MakeNode:
    """Create the container, put it on its networks, start it."""

    node: str
    spec: ContainerSpec
    loaded: str


@dataclass(frozen=True)
class StartNode:
    node: str
    container: str
    loaded: str


@dataclass(frozen=True)
class StopNode:
    """`container` is empty where the plan itself makes it; so it is of the other actions on a node."""

    node: str
    container: str


@dataclass(frozen=True)
class PauseNode:
    node: str
    container: str


@dataclass(frozen=True)
class UnpauseNode:
    node: str
    container: str


@dataclass(frozen=True)
class Reconnect:
    """Put a node back on a network at its own address."""

    node: str
    container: str
    leave: bool
    attach: Attach


@dataclass(frozen=True)
class LeaveNetwork:
    """`network_id` is empty where the plan itself makes the network of that name."""

    node: str
    container: str
    network_id: str
    network: str = ""


@dataclass(frozen=True)
class Reload:
    """Tell the program that its files have changed, and wait until its log says that it goes by them (`says`).

    `refuses` is what it says where it does not; both are empty where nobody knows what the program says.
    """

    node: str
    container: str
    signal: str
    loaded: str
    says: str = ""
    refuses: str = ""


@dataclass(frozen=True)
class RemoveNode:
    node: str
    container: str


@dataclass(frozen=True)
class AwaitReady:
    """Wait until the node's service answers. `probe` is looked for from beside a node that cannot probe itself."""

    node: str
    probe: str
    beside: ContainerSpec | None


@dataclass(frozen=True)
class CutOff:
    """The node drops these packets (`FaultEffect`) when they arrive, and nothing else; `helper` does it."""

    node: str
    container: str
    addresses: tuple[str, ...]
    helper: ContainerSpec


@dataclass(frozen=True)
class SetRoutes:
    """The node has just these routes through others; `helper` sets them."""

    node: str
    routes: str
    helper: ContainerSpec


# What changes the container of one node.
NodeAction = (
    MakeNode | StartNode | StopNode | PauseNode | UnpauseNode | Reconnect | LeaveNetwork | Reload | RemoveNode
    | AwaitReady | CutOff | SetRoutes
)  # fmt: skip

Action = (
    MakeNetwork | RemoveNetwork | RemoveVolume | WriteFiles | MakeCapture | BuildImage | KeepPassword | KeepCredentials
    | NodeAction
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One thing to do. `needs` are the ids of the steps that must be done before; `why` is for people."""

    id: str
    action: Action
    why: str
    needs: tuple[str, ...] = ()
    shows: str = ""

    def __str__(self) -> str:
        what = f"{self.id} {self.shows}".rstrip()
        return f"{what}  ({self.why})"


@dataclass(frozen=True)
class Plan:
    """The steps in an order in which they could be done one by one."""

    lab: str
    steps: tuple[Step, ...]

    def __bool__(self) -> bool:
        return bool(self.steps)

    def without(self, done: Collection[str]) -> Plan:
        """The rest of the plan after these steps."""
        rest = (step for step in self.steps if step.id not in done)
        return Plan(
            self.lab, tuple(replace(step, needs=tuple(n for n in step.needs if n not in done)) for step in rest)
        )

    def __str__(self) -> str:
        """The steps without their needs; `rendering/plans.py` has those too."""
        return "\n".join(str(step) for step in self.steps)


def in_order(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps with what they need before them, and of each need only what no other need implies.

    A need that none of these steps meets is met already, and is left out. Otherwise the order stays.
    """
    ids = {step.id for step in steps}
    ordered: list[Step] = []
    # Step -> all that is done before it.
    before: dict[str, set[str]] = {}
    waiting = list(steps)
    while waiting:
        postponed = []
        for step in waiting:
            needs = [need for need in dict.fromkeys(step.needs) if need in ids]
            if not all(need in before for need in needs):
                postponed.append(step)
                continue
            implied = set().union(*(before[need] for need in needs))
            before[step.id] = implied | set(needs)
            ordered.append(replace(step, needs=tuple(need for need in needs if need not in implied)))
        if len(postponed) == len(waiting):
            raise ValueError(f"steps that need each other: {', '.join(step.id for step in waiting)}")
        waiting = postponed
    return tuple(ordered)
