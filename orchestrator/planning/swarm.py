"""What a split lab needs of its members: one Docker Swarm in which they all are, and a manager of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from ipaddress import IPv4Network

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.quick_dataclass import dataclass

# Each member takes one of the 16 addresses in `swarm_range` of every network that spans; one is the broadcast address.
MOST_MEMBERS = 14
DOCS = "docs/members.md says how to join engines in a Swarm"


@dataclass(frozen=True)
class SwarmMember:
    """What the engine of a member says of its Swarm. `node` is its id there, empty where it is in none.

    `states` has the nodes that a manager knows: id -> state, such as `ready`; a worker knows none.
    """

    name: str
    node: str = ""
    is_manager: bool = False
    is_rootless: bool = False
    is_podman: bool = False
    states: Mapping[str, str] = field(default_factory=dict)


def require_swarm(members: Sequence[SwarmMember]) -> str:
    """The member that manages the Swarm of all of them; the first of several. Raises WorldError or UsageInvalid."""
    if not 2 <= len(members) <= MOST_MEMBERS:
        what = f"a lab is split over 2 to {MOST_MEMBERS} members, and {len(members)} are named"
        raise UsageInvalid(what, hint="--split a,b; for one member: --member a")
    for member in members:
        _require_able(member)
    managers = [member for member in members if member.is_manager]
    if not managers:
        names = ", ".join(member.name for member in members)
        what = f"none of the members {names} manages the Swarm"
        why = "only a manager makes networks that span members"
        hint = f"on a manager: docker node promote NODE; or name a manager too. {DOCS}"
        raise WorldError(what, why=why, hint=hint)
    manager = managers[0]
    for member in members:
        _require_known(member, manager)
    return manager.name


def _require_able(member: SwarmMember) -> None:
    hint = f"split the lab over others, or bring it up on it alone: --member {member.name}"
    if member.is_podman:
        what = f"a split lab cannot stand on the member {member.name!r}: it is Podman"
        raise WorldError(what, why="Podman cannot join a Docker Swarm", hint=hint)
    if member.is_rootless:
        what = f"a split lab cannot stand on the member {member.name!r}: its engine runs rootless"
        raise WorldError(what, why="a rootless engine cannot make a network that spans machines", hint=hint)
    if not member.node:
        what = f"the member {member.name!r} is in no Docker Swarm"
        why = "the networks of a split lab span its members, and a Swarm makes such networks"
        hint = f"on the manager: docker swarm join-token worker; then run on {member.name} what it prints. {DOCS}"
        raise WorldError(what, why=why, hint=hint)


def _require_known(member: SwarmMember, manager: SwarmMember) -> None:
    state = manager.states.get(member.node, "")
    if not state:
        what = f"the members {manager.name!r} and {member.name!r} are in different Swarms"
        hint = f"on {member.name}: docker swarm leave; then join it to the Swarm of {manager.name}. {DOCS}"
        raise WorldError(what, why=f"{manager.name!r} does not know the node {member.node}", hint=hint)
    if state != "ready":
        what = f"the Swarm says that the member {member.name!r} is {state}"
        why = f"the networks of the manager {manager.name!r} do not reach it"
        hint = f"see: wirelab members doctor {member.name}; on {manager.name}: docker node ls"
        raise WorldError(what, why=why, hint=hint)


def swarm_range(subnet: IPv4Network) -> IPv4Network:
    """The last part of a spanning network's range, at least 16 addresses: no node stands there.

    The Swarm takes one address for each member with a container on the network, by default from the first ones on,
    where it meets our nodes.
    """
    *_, last = subnet.subnets(new_prefix=min(28, subnet.prefixlen + 4))
    return last
