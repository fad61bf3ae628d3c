"""A scenario: networks, nodes and the checks that prove what the author claims."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Self, Union

from orchestrator.model.checks import Check
from orchestrator.model.language import Discriminator, Field, ScenarioModel
from orchestrator.model.node import Node
from orchestrator.model.records import Records
from orchestrator.model.replicas import groups_of, with_machines
from orchestrator.model.replication import PASSWORD_FILE, secret_file
from orchestrator.model.roles import ROLES
from orchestrator.model.roles.role import Role
from orchestrator.model.values import Domain, Label, Subnet

AnyNode: Any = Annotated[Union[tuple(role.node for role in ROLES.values())], Discriminator("role")]  # noqa: UP007

ONLY_NETWORK = "lab"


def _with_primary(node: Node) -> Node:
    primary = ROLES[node.role].replica_of(node)
    if primary is None or primary in node.uses:
        return node
    return node.model_copy(update={"uses": (*node.uses, primary)})


class Network(ScenarioModel):
    """A private network. Nothing leaves it unless `internal: false` says so."""

    subnet: Subnet | None = Field(
        None,
        description="The range of addresses; a free part of 192.168.0.0/16 when absent.",
        examples=["192.168.7.0/24"],
    )
    internal: bool = Field(
        True,
        description="true: nothing leaves the network (an engine of old lets nodes reach its own host). "
        "false: nodes may reach the outside.",
        examples=[False],
    )
    ipv6: bool = Field(
        False,
        description="true: beside its IPv4 address each node has an IPv6 address here, both chosen by wirelab.",
        examples=[True],
    )


class Scenario(ScenarioModel):
    """A system of machines and the proofs that it works.

    Once read, `nodes` are single machines: those of a node with replicas stand in its place.
    """

    name: Label = Field(description="The scenario's name, also the name of its folder.", examples=["basic"])
    title: str = Field(
        min_length=1,
        description="One line that says what the scenario shows.",
        examples=["A server that is also a client"],
    )
    domain: Domain = Field(
        "wire.lab",
        description="The domain of the lab's own DNS; node `app` becomes app.<domain>.",
        examples=["shop.lab"],
    )
    networks: dict[Label, Network | None] = Field(
        default_factory=dict,
        description="The networks by name; one private network when absent.",
        examples=[{"front": {"subnet": "192.168.7.0/24"}, "back": None}],
    )
    records: Records = Field(
        default_factory=dict,
        description="More records of the lab's domain, beside the nodes' own, by name inside the domain.",
        examples=[
            {"www": {"CNAME": "app"}, "@": {"MX": "10 mail", "TXT": "hello"}},
            {"_http._tcp": {"SRV": "0 5 80 app"}, "many": {"A": ["${app-1}", "${app-2}"], "ttl": 5}},
        ],
    )
    nodes: dict[Label, AnyNode] = Field(
        min_length=1,
        description="The machines by name.",
        examples=[{"db": {"role": "database"}, "app": {"role": "app", "uses": ["db"]}}],
    )
    capture: bool = Field(
        False,
        description="true: what crosses the networks is recorded from the first packet; no node starts before.",
        examples=[True],
    )
    checks: tuple[Check, ...] = Field(
        (),
        strict=False,
        description="What must hold, each with a sentence that says it.",
        examples=[[{"name": "The app accepts", "from": "client", "connects": "app.shop.lab:80"}]],
    )

    def completed(self) -> Self:
        """The scenario with the machines of each group in its place. A replica uses its primary."""
        machines = with_machines(self.nodes)
        return self.model_copy(update={"nodes": {name: _with_primary(node) for name, node in machines.items()}})

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The name of a node with replicas -> its machines."""
        return groups_of(self.nodes)

    def machines(self, name: str) -> tuple[str, ...]:
        """The machines for which a name stands: those of a group, or the one that bears it."""
        return self.groups.get(name, (name,))

    @cached_property
    def roles(self) -> Mapping[str, Role]:
        """Node name -> its role, in the order of the file."""
        return {name: ROLES[node.role] for name, node in self.nodes.items()}

    def servers_of(self, protocol: str) -> tuple[str, ...]:
        """The nodes whose role serves an application protocol, in the order of the file."""
        return self._servers.get(protocol, ())

    @cached_property
    def _servers(self) -> Mapping[str, tuple[str, ...]]:
        servers: dict[str, list[str]] = {}
        for name, role in self.roles.items():
            servers.setdefault(role.serves, []).append(name)
        return {protocol: tuple(names) for protocol, names in servers.items()}

    def password_owner(self, node: str) -> str:
        """The node whose password a node has: its own, or that of the one that it names."""
        named = self.roles[node].password_from(self.nodes[node]) or node
        return node if named == node else self.password_owner(named)

    def primary_of(self, node: str) -> str | None:
        """The node of which a node is a replica."""
        return self.roles[node].replica_of(self.nodes[node])

    def replicas_of(self, primary: str) -> tuple[str, ...]:
        """The nodes that are replicas of a node, in the order of the file."""
        return tuple(name for name in self.nodes if self.primary_of(name) == primary)

    @cached_property
    def secret_files(self) -> Mapping[str, str]:
        """Node -> the file in which it keeps a secret of its own; a node with the password of another one has none."""
        files = {name: secret_file(self.primary_of(name)) for name, role in self.roles.items() if role.secret}
        return {
            name: file for name, file in files.items() if file != PASSWORD_FILE or self.password_owner(name) == name
        }

    @cached_property
    def all_networks(self) -> dict[str, Network]:
        """Network name -> network; a scenario that declares none has one, named `lab`."""
        declared = {name: network or Network() for name, network in self.networks.items()}
        return declared or {ONLY_NETWORK: Network()}

    def node(self, name: str) -> Node:
        node: Node = self.nodes[name]
        return node
