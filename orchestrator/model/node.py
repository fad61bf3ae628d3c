"""A node: what every role has in common. Each role adds its own settings (`model/roles/`)."""

from __future__ import annotations

from typing import Annotated

from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.mounted_files import CONFIGURATION, MountedFiles
from orchestrator.model.name_lookup import Hosts, ResolverOptions, SearchList
from orchestrator.model.tls import ServerTls
from orchestrator.model.values import (
    Address,
    Bound,
    DnsNames,
    Label,
    NetworkName,
    NetworkNames,
    NodeNames,
    Port,
    Texts,
    formed,
)

# Of one node: each is a container.
MOST_REPLICAS = 64


class Attachment(ScenarioModel):
    """How a node stands on one network."""

    address: Address | None = Field(
        None, description="The node's address there; wirelab chooses a free one if absent.", examples=["192.168.7.20"]
    )


# A node on no network hears nobody, and nobody reaches it.
NodeNetworks = (
    Annotated[NetworkNames, Field(min_length=1)] | Annotated[dict[NetworkName, Attachment], Field(min_length=1)]
)
# A name may hold more for the engine, but not for a shell, and `=` would end it (environ(7)).
VariableName = Annotated[str, *formed("[A-Za-z_][A-Za-z0-9_.-]*", "the name of a variable, such as GREETING")]
_IMAGE_PART = "[a-z0-9]+((\\.|__?|-+)[a-z0-9]+)*"
# https://pkg.go.dev/github.com/distribution/reference
ImageName = Annotated[
    str,
    *formed(
        f"([A-Za-z0-9.-]+(:[0-9]+)?/)?{_IMAGE_PART}(/{_IMAGE_PART})*"
        "(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?",
        "the name of an image, such as nginx:1.27",
    ),
]


class Listener(ScenarioModel):
    """A socket on which a node listens: the servers of wirelab's roles bind it, those of your own are expected to."""

    port: Port = Field(description="The port, 0 to 65535.", examples=[80])
    protocol: str = Field("tcp", pattern="^(tcp|udp)$", description="tcp or udp.", examples=["udp"])
    address: Bound | None = Field(
        None,
        description="Where it is bound: all, loopback, one address, or the node's address on a network; all if absent.",
        examples=["all", "loopback", "front", "192.168.7.20"],
    )
    tls: bool | ServerTls = Field(
        False,
        description="true: it speaks TLS, with a certificate that wirelab makes (/wirelab/tls-PORT.pem and .key). "
        "A mapping says what is in the certificate.",
        examples=[
            True,
            {"names": ["www.shop.lab"]},
            {"name": "wrong.lab"},
            {"expired": True},
            {"authority": "unknown"},
            {"intermediate": "not_sent"},
            {"server_names": {"www.shop.lab": {}, "old.shop.lab": {"expired": True}}},
        ],
    )


class Limits(ScenarioModel):
    """What a node may use at most; without them one node could take the machine from the others."""

    memory: int = Field(128, ge=16, le=65536, description="Memory in MiB.", examples=[256])
    cpus: float = Field(1.0, ge=0.01, le=64, description="Processors, 0.5 is half of one.", examples=[0.5])
    pids: int = Field(128, ge=8, le=32768, description="Processes and threads.", examples=[64])


class Node(ScenarioModel):
    """What every node can say of itself, whatever its role."""

    role: str = Field(description="What the node is.")
    image: ImageName | None = Field(
        None,
        description="An image of your own, used as it is, instead of the role's. "
        "If it runs as root, `up` needs --trusted.",
        examples=["nginx:1.27"],
    )
    command: Texts | None = Field(
        None,
        min_length=1,
        description="What the node runs instead of the image's own command.",
        examples=[["python3", "-m", "http.server", "8080"]],
    )
    environment: dict[VariableName, str] = Field(
        default_factory=dict,
        description="Environment variables. Never put a secret here: they are plain to see.",
        examples=[{"GREETING": "hello"}],
    )
    networks: NodeNetworks | None = Field(
        None,
        description="The networks on which the node stands; all of them when absent.",
        examples=[["front"], {"front": {"address": "192.168.7.20"}}],
    )
    address: Address | None = Field(
        None, description="The node's address, where the scenario has one network.", examples=["192.168.7.20"]
    )
    on: Label | None = Field(
        None,
        description="The member on which the node stands, in a lab that is split over several members (`up --split`); "
        "without it, wirelab chooses. In other labs it has no effect.",
        examples=["big"],
    )
    routes: NetworkNames | None = Field(
        None,
        description="The networks behind a router to which this node knows a way; all of them when absent, [] is none.",
        examples=[["back"], []],
    )
    uses: NodeNames = Field(
        (), description="The nodes of which this one is a client. They become ready before it.", examples=[["db"]]
    )
    replicas: int | None = Field(
        None,
        ge=1,
        le=MOST_REPLICAS,
        description="How many machines like this there are: app becomes app-1, app-2 …, and the name app leads to all.",
        examples=[3],
    )
    resolvers: DnsNames | None = Field(
        None,
        description="The DNS servers that this node asks, in this order; the first three that resolve for others "
        "when absent.",
        examples=[["dns-1", "dns-2"]],
    )
    search: SearchList | None = Field(
        None,
        description="The domains with which a short name is completed, in this order; the lab's domain when absent, "
        "[] is none.",
        examples=[["shop.lab", "corp.lab"], []],
    )
    resolv_options: ResolverOptions | None = Field(
        None,
        description="Options of the node's /etc/resolv.conf (resolv.conf(5)).",
        examples=[{"ndots": 5, "timeout": 2, "attempts": 1, "rotate": True}],
    )
    hosts: Hosts = Field(
        default_factory=dict,
        description="More lines of the node's /etc/hosts (hosts(5)): a name and its address, or several.",
        examples=[{"db.shop.lab": "${db}", "old.shop.lab": ["192.0.2.9", "192.0.2.10"]}],
    )
    files: MountedFiles = Field(
        default_factory=dict,
        description="Text files of the scenario's folder that the node sees, read-only: the path in the node, and the "
        "file. If one changes, `up` makes the node anew.",
        examples=[{"/wirelab/nginx.conf": "nginx.conf", "/usr/lib/wirelab/pg_hba.conf": "pg_hba.conf"}],
    )
    listens: Annotated[tuple[Listener, ...], Field(strict=False)] | None = Field(
        None, description="Where the node listens, if not where its role says.", examples=[[{"port": 8080}]]
    )
    privileged_ports: bool = Field(
        False,
        description="true: ports below 1024 need a privilege, as on most machines, and no program here has it.",
        examples=[True],
    )
    limits: Limits | None = Field(
        None, description="What the node may use at most; the role has its own defaults.", examples=[{"memory": 256}]
    )
    client_certificate: str | None = Field(
        None,
        pattern="^(lab|unknown)$",
        description="The node has a certificate as a client (/wirelab/client.pem and .key), signed by the lab's "
        "authority or by one that nobody trusts; none when absent.",
        examples=["lab", "unknown"],
    )
    tls_keys: bool = Field(
        False,
        description="true: curl and Python in this node write the keys of their TLS sessions (SSLKEYLOGFILE), so that "
        "`trace` shows HTTPS decrypted.",
        examples=[True],
    )

    @property
    def is_customized(self) -> bool:
        """Whether the author brings the program or its configuration, so that wirelab does not know what it logs."""
        return bool(self.image or self.command) or any(target.startswith(CONFIGURATION) for target in self.files)

    def attachments(self, networks: tuple[str, ...]) -> dict[str, Attachment]:
        """Network -> attachment, in the order of declaration; `networks` are all networks of the scenario."""
        if isinstance(self.networks, dict):
            return dict(self.networks)
        names = networks if self.networks is None else self.networks
        return {name: Attachment(address=self.address if len(names) == 1 else None) for name in names}
