"""The checks: what an author claims, each typed by the key that names its kind.

In every text of a check `${random}` is a word that is new at each try, `${NODE}` the address of a node on the
asker's network, `${NODE.ipv6}` its IPv6 address there, `${NODE.NETWORK}` and `${NODE.NETWORK.ipv6}` its addresses on
one network, and `${NODE.name}` its name in the lab's DNS. `${loopback}` is 127.0.0.1, `${loopback.ipv6}` is ::1.
"""

from __future__ import annotations

from typing import Annotated, Any

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.check_keys import HttpKeys, ResolvesKeys, Substring
from orchestrator.model.check_values import DurationRange, ExpectedPeers, Sockets, SqlRows
from orchestrator.model.fault_steps import Heal, fault_steps
from orchestrator.model.faults import FAULTS, Fault
from orchestrator.model.language import Field, ScenarioModel, kind_by_key, union_by_key
from orchestrator.model.values import (
    BindPlace,
    DisplayName,
    HostPort,
    NodeName,
    Reference,
    ReplyPlace,
    Seconds,
    SourceAddress,
    Texts,
    VariantNames,
)

VERIFY = ("ok", "hostname mismatch", "expired", "unknown authority", "missing intermediate")
CONNECTION_STATES = ("usable", "closed", "reset", "silent", "unanswered")
BIND_ERRORS = ("EADDRINUSE", "EACCES", "EADDRNOTAVAIL")


class BaseCheck(ScenarioModel):
    """What every check can say."""

    name: str = Field(
        min_length=1, description="One sentence: what is proved.", examples=["The client gets an answer from the app"]
    )
    within: Seconds = Field(
        5.0, description="Seconds after which a check that does not hold has failed.", examples=[10]
    )
    during: Faults | None = Field(
        None,
        description="A fault that is put in before the check is judged, and healed afterwards; of a list one after the "
        "other. `heal` takes one of them out again, and `check` must hold when the list has come so far.",
        examples=[{"stop": "dns"}, [{"stop": "dns"}, {"stop": "db"}, {"heal": "stop-dns"}]],
    )
    after: Faults | None = Field(
        None,
        description="A fault, or a list of them, that is put in and healed again before the check is judged: what was "
        "broken recovers.",
        examples=[{"stop": "db"}],
    )
    first: tuple[Check, ...] = Field(
        (),
        strict=False,
        description="Checks that must hold just before this one, in this order, with the same ${random}.",
        examples=[[{"name": "The client asks", "from": "client", "http": "http://app.shop.lab/items"}]],
    )
    before: tuple[Check, ...] = Field(
        (),
        strict=False,
        description="Checks that must hold just before the fault is put in.",
        examples=[[{"name": "The resolver learns the name", "from": "client", "resolves": "app.shop.lab"}]],
    )

    @property
    def fault_steps(self) -> tuple[ScenarioModel, ...]:
        """What this check does, during or before it is judged: BaseFault, Heal, CheckStep; none: it breaks nothing."""
        return fault_steps(self.during or self.after)


class NodeCheck(BaseCheck):
    """A check that is asked from a node."""

    asker: NodeName = Field(alias="from", description="The node that asks.", examples=["client"])
    takes: DurationRange | None = Field(
        None,
        description="How long the question itself must take. Leave wide margins: a machine may be busy.",
        examples=[{"at_least": 0.5, "at_most": 8}],
    )


class Resolves(NodeCheck, ResolvesKeys):
    """A DNS question is answered, by the asker's own resolver unless another server is named (RFC 1035)."""


class ConnectionCheck(NodeCheck):
    """A check about a TCP connection."""

    family: str | None = Field(
        None,
        pattern="^(ipv4|ipv6)$",
        description="The version of IP, as of a program that tries only one; of a name, both when absent.",
        examples=["ipv4"],
    )
    from_address: SourceAddress | None = Field(
        None,
        description="The address of the asker from which the connection leaves; the one that its kernel chooses when "
        "absent. `connects` also holds only where the server sees that address.",
        examples=["${client.front}", "192.168.7.20"],
    )


class Connects(ConnectionCheck):
    """A TCP connection is accepted (RFC 9293)."""

    connects: HostPort = Field(
        description="host:port to which the asker must be able to connect.",
        examples=["app.shop.lab:80", "127.0.0.1:80"],
    )


class CannotConnect(ConnectionCheck):
    """A TCP connection is not made: refused by an RST, or met with silence while the target proved to listen; of a
    name, at each of its addresses."""

    cannot_connect: HostPort = Field(
        description="host:port to which the asker must not get through.", examples=["127.0.0.1:80", "${db}:5432"]
    )


class HoldsOpen(ConnectionCheck):
    """A TCP connection is opened and used; at the end it is used again, and the check says what became of it meanwhile
    (RFC 9293). Where the check has a fault, the connection is opened before that."""

    holds_open: HostPort = Field(
        description="host:port to which the connection is opened.", examples=["app.shop.lab:80", "${db}:5432"]
    )
    send: str = Field(
        min_length=1,
        description="The text that is sent when the connection is opened, and again at the end; the server answers it.",
        examples=["GET /health HTTP/1.1\r\nHost: app\r\n\r\n"],
    )
    contains: Substring = Field(None, description="A text that each reply must hold.", examples=["200 OK"])
    idle: float = Field(
        0.0, ge=0, le=60, description="Seconds without a byte before the text is sent again.", examples=[3]
    )
    state: str = Field(
        "usable",
        pattern=f"^({'|'.join(CONNECTION_STATES)})$",
        description="What must have become of it: the text is answered again; the server has closed it; an RST came; "
        "nothing acknowledges the text; or the server's kernel acknowledges it and its program does not answer.",
        examples=["closed", "silent"],
    )


class Http(NodeCheck, HttpKeys):
    """An HTTP request is answered as declared (RFC 9110)."""


class Udp(NodeCheck):
    """A UDP datagram is answered, from the address to which it was sent unless another one is named (RFC 768)."""

    udp: HostPort = Field(
        description="host:port to which one datagram is sent; of a name, to the first address.",
        examples=["app.shop.lab:5000", "${app}:5000"],
    )
    send: str = Field("", description="The text in the datagram, as UTF-8.", examples=["ping"])
    contains: Substring = Field(None, description="A text that the reply must hold.", examples=["pong"])
    answered: bool = Field(
        True,
        description="false: the datagram must be refused by an ICMP message. Silence proves nothing: UDP confirms "
        "nothing, and each datagram may be lost.",
        examples=[False],
    )
    answered_from: ReplyPlace | None = Field(
        None,
        description="Another address from which the reply must come, and its port where that differs too. A program "
        "that has connected its socket gets no such reply (udp(7)).",
        examples=["${app}", "192.168.7.20:5001"],
    )


class Sql(NodeCheck):
    """PostgreSQL answers a statement as declared. What the statement changes is rolled back."""

    sql: str = Field(
        min_length=1,
        description="The statement, or several with ';' between them.",
        examples=["select name from items"],
    )
    database: Annotated[NodeName, Reference("node", serves=ApplicationProtocol.POSTGRESQL)] | None = Field(
        None, description="The database node; may be left out where the asker uses just one.", examples=["db"]
    )
    host: HostPort | None = Field(
        None,
        description="host:port of the way to the database, where that is not its own name and port: an alias, or a "
        "proxy before it.",
        examples=["db-alias.shop.lab:5432", "pool.shop.lab:6432"],
    )
    rows: SqlRows | None = Field(
        None, description="The rows that must come, in order; null is no text.", examples=[[["anvil"], ["rocket"]]]
    )
    password: str | None = Field(
        None, description="A password instead of the right one, to show that it is refused.", examples=["wrong"]
    )
    fails: Substring = Field(
        None,
        description="A text in the message of the server's error, or its SQLSTATE; the statement must then fail.",
        examples=["password authentication failed"],
    )


class Runs(NodeCheck):
    """A program run inside the node ends as declared."""

    runs: Texts = Field(
        min_length=1,
        description="The program and its arguments; no shell.",
        examples=[["getent", "hosts", "app.shop.lab"]],
    )
    exit: int = Field(0, ge=0, le=255, description="The exit code that must come.", examples=[2])
    contains: Substring = Field(None, description="A text that the output must hold.", examples=["anvil"])
    lacks: Substring = Field(None, description="A text that the output must not hold.", examples=["error"])


class Tls(NodeCheck):
    """A TLS handshake, and what the asker finds when it verifies the server's certificate (RFC 8446, RFC 5280)."""

    tls: HostPort = Field(description="host:port to shake hands with.", examples=["www.shop.lab:443"])
    server_name: str | None = Field(
        None,
        min_length=1,
        description="The name that is sent (SNI) and must stand in the certificate; the host when absent.",
        examples=["shop.shop.lab"],
    )
    verify: str = Field(
        "ok",
        pattern=f"^({'|'.join(VERIFY)})$",
        description="What the asker must find, which trusts the lab's own authority.",
        examples=["ok", "hostname mismatch", "expired", "unknown authority", "missing intermediate"],
    )
    knows_intermediate: bool = Field(
        False,
        description="true: the asker has the certificate of the lab's intermediate authority already, as a browser "
        "that has met it at another server.",
        examples=[True],
    )
    client_certificate: bool = Field(
        False,
        description="true: the asker presents the client certificate of its node, and the server must accept it.",
        examples=[True],
    )
    accepted: bool | None = Field(
        None,
        description="Whether the server goes on after the handshake (true), or refuses the client (false), as a server "
        "does that requires a client certificate. When absent, the check looks at this only if it presents a "
        "certificate.",
        examples=[True, False],
    )
    subject: Substring = Field(
        None, description="A text that the certificate's subject must hold.", examples=["CN=www.shop.lab"]
    )
    issuer: Substring = Field(None, description="A text that the certificate's issuer must hold.", examples=["wirelab"])


class Listens(BaseCheck):
    """What is bound on a node, by its own socket table. The engine's sockets on 127.0.0.11 do not count."""

    node: NodeName = Field(description="The node that listens.", examples=["app"])
    listens: Sockets = Field(
        description="The sockets that must be there.", examples=[[{"port": 80, "address": "all"}], []]
    )
    lacks: Sockets = Field((), description="Sockets that must not be there.", examples=[[{"port": 5432}]])
    exactly: bool = Field(
        False, description="true: no other socket may be there besides those of listens.", examples=[True]
    )


class BindCheck(NodeCheck):
    """A program on the asker tries to bind a socket."""

    protocol: str = Field("tcp", pattern="^(tcp|udp)$", description="tcp or udp.", examples=["udp"])
    reuse_address: bool | None = Field(
        None,
        description="Whether the program sets SO_REUSEADDR, as servers do; where absent, both must end alike (tcp).",
        examples=[True, False],
    )


class Binds(BindCheck):
    """A program can bind this address and port; port 0 lets the kernel pick one (bind(2), ip(7))."""

    binds: BindPlace = Field(
        description="address:port; 0.0.0.0 is every address of the machine.", examples=["127.0.0.1:0", "0.0.0.0:8080"]
    )


class CannotBind(BindCheck):
    """A program cannot bind this address and port, for this reason (bind(2))."""

    cannot_bind: BindPlace = Field(
        description="address:port; 0.0.0.0 is every address of the machine.", examples=["0.0.0.0:80", "${db}:80"]
    )
    error: str = Field(
        pattern=f"^({'|'.join(BIND_ERRORS)})$",
        description="The kernel's reason: it is taken, it needs a privilege, or the address belongs to nobody here.",
        examples=["EADDRINUSE"],
    )


class Sees(BaseCheck):
    """A server saw a peer by its own address: by its access log, its sessions, or its socket table."""

    node: NodeName = Field(description="The server.", examples=["app"])
    sees: NodeName = Field(
        description="The node whose address the server must have seen, since the check began.", examples=["client"]
    )


class Roles(BaseCheck):
    """Nodes really were client and server to each other since the check began: by the capture where one runs,
    otherwise by the servers' own logs, sessions and socket tables; never by `uses`."""

    roles: dict[NodeName, ExpectedPeers] = Field(
        min_length=1,
        description="Node -> whose server and whose client it was. Others may have been seen too.",
        examples=[{"app": {"server_to": ["client"], "client_of": ["db", "dns"]}}],
    )

    @property
    def node(self) -> str:
        """The node that the check speaks of first."""
        return next(iter(self.roles))


KINDS: dict[str, type[BaseCheck]] = {
    "resolves": Resolves,
    "connects": Connects,
    "cannot_connect": CannotConnect,
    "holds_open": HoldsOpen,
    "http": Http,
    "udp": Udp,
    "sql": Sql,
    "tls": Tls,
    "runs": Runs,
    "listens": Listens,
    "binds": Binds,
    "cannot_bind": CannotBind,
    "sees": Sees,
    "roles": Roles,
}


def kind_of(check: Any) -> str | None:
    """The kind of a check, from the key that names it; None where there is none or more than one."""
    return kind_by_key(check, KINDS)


Check: Any = union_by_key(KINDS, VariantNames("check", "what is proved", "with a name and what is proved"))


class CheckStep(ScenarioModel):
    """A check that must hold when the list has come so far; where it does not, the rest of the list is left out."""

    check: Check = Field(
        description="The check, as under `checks`, without a fault of its own.",
        examples=[{"name": "The app still answers", "from": "client", "http": "http://app.shop.lab/"}],
    )


FaultStep: Any = union_by_key(
    {**FAULTS, Heal.kind: Heal, "check": CheckStep},
    VariantNames("fault", "what is broken (or, in a list, healed again or checked)", "such as {stop: dns}"),
)
Faults = Annotated[
    Annotated[tuple[FaultStep, ...], Field(strict=False, min_length=1)] | Fault,
    DisplayName("a fault, or a list of faults"),
]
