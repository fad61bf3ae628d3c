"""Which node of a split lab stands on which member, and which networks then span members. Pure.

If all nodes of a network stand on one member, the network is a bridge there; otherwise it is an overlay of the members'
Docker Swarm. Nodes are spread evenly, and so that few networks span members. A node never moves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from orchestrator.errors import UsageInvalid
from orchestrator.model.roles import ROLES
from orchestrator.model.scenario import Scenario
from orchestrator.quick_dataclass import dataclass

# In a larger lab the first placement stays as it is: comparing all pairs of nodes takes the square of their number.
MOST_COMPARED = 64
# A smaller range has no room for the addresses that the Swarm takes for itself (`swarm_range`).
MAX_PREFIX_LENGTH = 26
Groups = list[tuple[str, ...]]


@dataclass(frozen=True)
class Split:
    """The members of a split lab in the order of their names, the manager among them, and node -> member."""

    members: tuple[str, ...]
    manager: str
    nodes: Mapping[str, str]

    def members_of(self, scenario: Scenario, network: str) -> tuple[str, ...]:
        """The members on which a network has nodes; more than one where it spans."""
        there = {self.nodes[node] for node in nodes_on(scenario)[network]}
        return tuple(member for member in self.members if member in there)


def nodes_on(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """Network -> its nodes, in the order of the file."""
    names = tuple(scenario.all_networks)
    nodes: dict[str, list[str]] = {name: [] for name in names}
    for node, declared in scenario.nodes.items():
        for network in declared.attachments(names):
            nodes[network].append(node)
    return {network: tuple(listed) for network, listed in nodes.items()}


def unspannable(scenario: Scenario) -> dict[str, str]:
    """The networks whose nodes must stand on one member, and why."""
    routers = [name for name, node in scenario.nodes.items() if ROLES[node.role].forwards]
    reasons = {}
    for name, nodes in nodes_on(scenario).items():
        network = scenario.all_networks[name]
        if network.ipv6:
            reasons[name] = "it has ipv6: true, and an overlay of a Swarm carries IPv4 only"
        elif not network.internal:
            reasons[name] = "it has internal: false, and each member has a way out of its own"
        elif router := next((node for node in nodes if node in routers), ""):
            reasons[name] = f"the router {router!r} stands on it, and an overlay carries only packets of its own nodes"
        elif network.subnet and network.subnet.prefixlen > MAX_PREFIX_LENGTH:
            why = f"its subnet {network.subnet} is smaller than a /{MAX_PREFIX_LENGTH}"
            reasons[name] = f"{why}, and the Swarm takes addresses of it for itself"
    return reasons


def split_nodes(
    scenario: Scenario, members: Iterable[str], manager: str, standing: Mapping[str, str] | None = None
) -> Split:
    """Place each node: where it stands, or where its `on` says, or so that few networks span and nodes spread evenly.

    Raises UsageInvalid if the file asks for a placement that is impossible.
    """
    names = tuple(sorted(members))
    groups, reasons = _groups(scenario)
    fixed = _fixed(scenario, groups, reasons, names, standing or {})
    placed = _improved(scenario, groups, fixed, _filled(scenario, groups, fixed, names))
    nodes = {node: placed[group] for group in groups for node in group}
    if len(set(nodes.values())) < 2:
        raise _unsplit(scenario, names, reasons)
    return Split(names, manager, {node: nodes[node] for node in scenario.nodes})


def _groups(scenario: Scenario) -> tuple[Groups, dict[str, str]]:
    """The nodes that must stand together, in the order of the file; and the networks that do not span, with why."""
    reasons, nodes = unspannable(scenario), nodes_on(scenario)
    group_of = {node: {node} for node in scenario.nodes}
    for network in reasons:
        joined = {other for node in nodes[network] for other in group_of[node]}
        group_of.update(dict.fromkeys(joined, joined))
    order = {node: position for position, node in enumerate(scenario.nodes)}
    groups = {id(group): tuple(sorted(group, key=order.__getitem__)) for group in group_of.values()}
    return list(groups.values()), reasons


def _fixed(
    scenario: Scenario,
    groups: Groups,
    reasons: Mapping[str, str],
    members: Sequence[str],
    standing: Mapping[str, str],
) -> dict[tuple[str, ...], str]:
    """The groups whose member the file or an earlier placement gives."""
    fixed: dict[tuple[str, ...], str] = {}
    for group in groups:
        wanted = {node: member for node in group if (member := _wanted(scenario, node, members, standing))}
        if len(set(wanted.values())) > 1:
            raise _torn(scenario, wanted, reasons)
        if wanted:
            fixed[group] = next(iter(wanted.values()))
    return fixed


def _wanted(scenario: Scenario, node: str, members: Sequence[str], standing: Mapping[str, str]) -> str:
    declared = scenario.nodes[node].on or ""
    if declared and declared not in members:
        what = f"the node {node!r} belongs on the member {declared!r}, and the lab is not split over it"
        why = f"the file says on: {declared}, and the members are {', '.join(members)}"
        hint = f"--split {','.join((*members, declared))}, or change `on` of {node!r}"
        raise UsageInvalid(what, why=why, hint=hint)
    stands = standing.get(node, "")
    if declared and stands and declared != stands:
        what = f"the node {node!r} stands on the member {stands!r}, and the file now says on: {declared}"
        hint = f"say on: {stands}, or remove the lab first: wirelab down"
        raise UsageInvalid(what, why="a node stays where it came up first", hint=hint)
    return stands or declared


def _torn(scenario: Scenario, wanted: Mapping[str, str], reasons: Mapping[str, str]) -> UsageInvalid:
    nodes = nodes_on(scenario)
    network = next(
        (name for name in reasons if len({wanted[node] for node in nodes[name] if node in wanted}) > 1),
        next(name for name in reasons if set(nodes[name]) & set(wanted)),
    )
    places = ", ".join(f"{node} on {member}" for node, member in wanted.items())
    what = f"the network {network!r} cannot span members: {reasons[network]}"
    return UsageInvalid(
        what,
        why=f"the file or an earlier up puts its nodes on several: {places}",
        hint="give these nodes the same `on`",
    )


def _unsplit(scenario: Scenario, members: Sequence[str], reasons: Mapping[str, str]) -> UsageInvalid:
    why = next(
        (f"the nodes of the network {name!r} must stand on one member: {why}" for name, why in reasons.items()), ""
    )
    why = why or f"all {len(scenario.nodes)} nodes stand on one member"
    hint = f"bring the lab up on one member: --member {members[0]}"
    return UsageInvalid(f"the scenario {scenario.name!r} cannot be split", why=why, hint=hint)


def _filled(
    scenario: Scenario, groups: Groups, fixed: Mapping[tuple[str, ...], str], members: Sequence[str]
) -> dict[tuple[str, ...], str]:
    """Fill one member after the other, each time with the group that shares most networks with the groups there."""
    nodes, group_of = nodes_on(scenario), {node: group for group in groups for node in group}
    networks = {group: [name for name, there in nodes.items() if set(there) & set(group)] for group in groups}
    placed, free = dict(fixed), [group for group in groups if group not in fixed]
    least, more = divmod(len(scenario.nodes), len(members))
    for position, member in enumerate(members):
        quota = least + (position < more)
        count = sum(len(group) for group, where in placed.items() if where == member)
        ties: Counter[tuple[str, ...]] = Counter()

        def count_ties(group: tuple[str, ...], ties: Counter[tuple[str, ...]] = ties) -> None:
            for network in networks[group]:
                for other in {group_of[node] for node in nodes[network]}:
                    ties[other] += 1000 // len(nodes[network])

        for group in [group for group, where in placed.items() if where == member]:
            count_ties(group)
        while fitting := [group for group in free if count + len(group) <= quota]:
            best = max(fitting, key=ties.__getitem__)
            placed[best] = member
            free.remove(best)
            count += len(best)
            count_ties(best)
    for group in free:
        load = Counter(dict.fromkeys(members, 0))
        for other, member in placed.items():
            load[member] += len(other)
        placed[group] = min(members, key=load.__getitem__)
    return placed


def _improved(
    scenario: Scenario,
    groups: Groups,
    fixed: Mapping[tuple[str, ...], str],
    placed: dict[tuple[str, ...], str],
) -> dict[tuple[str, ...], str]:
    """Exchange two groups of one size for as long as that lets fewer networks span."""
    free = [group for group in groups if group not in fixed]
    if len(free) > MOST_COMPARED:
        return placed
    best, cost = placed, _cost(scenario, placed)
    better = True
    while better:
        better = False
        for left, right in combinations(free, 2):
            if best[left] == best[right] or len(left) != len(right):
                continue
            trial = {**best, left: best[right], right: best[left]}
            if (trial_cost := _cost(scenario, trial)) < cost:
                best, cost, better = trial, trial_cost, True
    return best


def _cost(scenario: Scenario, placed: Mapping[tuple[str, ...], str]) -> tuple[int, int]:
    """How many networks span, and on how many members all of them stand together."""
    member_of = {node: member for group, member in placed.items() for node in group}
    counts = [len({member_of[node] for node in nodes}) for nodes in nodes_on(scenario).values()]
    return sum(count > 1 for count in counts), sum(counts)
