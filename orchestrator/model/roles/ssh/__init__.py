"""ssh: an OpenSSH server; who uses it gets a key that opens it, and knows its host key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.language import Field
from orchestrator.model.node import Listener, Node
from orchestrator.model.roles.role import FILES_AT, PeerLog, Role, Serving, bound_to

if TYPE_CHECKING:
    from orchestrator.model.topology_view import TopologyView

USER = "student"
# Passwords are no way in. The files belong to whoever runs wirelab, which StrictModes would not bear.
CONFIG = f"""\
HostKey {FILES_AT}/host.key
AuthorizedKeysFile {FILES_AT}/authorized_keys
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PidFile none
LogLevel VERBOSE
PrintMotd no
Subsystem sftp internal-sftp
"""


class Ssh(Node):
    """A machine to log in to (RFC 4252, public keys only). The nodes that use it have the key, and its host key."""

    role: Literal["ssh"] = Field(description="An OpenSSH server.")


def files(topology: TopologyView, node: str) -> Mapping[str, str]:
    keys = topology.credentials.keys.get(node, {})
    listens = "".join(
        f"ListenAddress {f'[{host}]' if ':' in host else host}:{listener.port}\n"
        for listener in topology.listeners_of(node)
        for host in bound_to(topology, node, listener)
    )
    texts = {"sshd_config": listens + CONFIG}
    if keys:
        texts["host.key"], texts["authorized_keys"] = keys["host"].private.reveal(), keys["user"].public
    return texts


def for_clients(topology: TopologyView, node: str, _client: str) -> Mapping[str, str]:
    """The client's key, the host key that it must meet, and the settings that name both (ssh_config(5))."""
    keys = topology.credentials.keys.get(node, {})
    if not keys:
        return {}
    name = topology.name_of(node)
    hosts = " ".join((node, name, f"{name}.", *map(str, topology.addresses_of(node))))
    config = f"""\
Host {hosts}
    User {USER}
    Port {topology.listeners_of(node)[0].port}
    HostKeyAlias {name}
    IdentityFile {FILES_AT}/{node}.key
    IdentitiesOnly yes
    ConnectTimeout 3
    UserKnownHostsFile {FILES_AT}/{node}.known_hosts
"""
    return {
        f"{node}.ssh_config": config,
        f"{node}.key": keys["user"].private.reveal(),
        f"{node}.known_hosts": f"{name} {keys['host'].public}",
    }


ROLE = Role(
    name="ssh",
    summary="An OpenSSH server. The nodes that use it log in by a key: `ssh NODE`.",
    node=Ssh,
    image="ssh",
    user=10022,
    listeners=(Listener(port=22),),
    serving=Serving(),
    serves=ApplicationProtocol.SSH,
    ready="tcp:22",
    tmpfs={"/tmp": "size=16m,mode=1777", "/home/student": "size=4m,uid=10022,gid=10022,mode=700"},
    keys=("host", "user"),
    files=files,
    for_clients=for_clients,
    peer_source=PeerLog("its log", r"Accepted \S+ for \S+ from ([0-9a-f.:]+) port \d+"),
    tools=frozenset({"bash", "ss"}),
)
