"""database: a PostgreSQL server with one database, `app`, owned by the role `app`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.language import Field
from orchestrator.model.node import Limits, Listener, Node
from orchestrator.model.postgresql_settings import SETTINGS_FILE, PostgresqlSettings, settings_text
from orchestrator.model.replication import REPLICATION_FILE, STANDBY, replication_role
from orchestrator.model.roles.role import Role, Serving, Volume
from orchestrator.model.values import Label, Reference

if TYPE_CHECKING:
    from orchestrator.model.topology_view import TopologyView

DatabaseName = Annotated[Label, Reference("node", serves=ApplicationProtocol.POSTGRESQL)]


class Database(Node):
    """PostgreSQL; its password is random in each lab and known to the nodes that use it."""

    role: Literal["database"] = Field(description="A PostgreSQL server.")
    seed: str | None = Field(
        None,
        min_length=1,
        description="A file of SQL beside the scenario, run once in one transaction in the fresh database.",
        examples=["seed.sql"],
    )
    same_password_as: DatabaseName | None = Field(
        None,
        description="The database whose password this one has, too: so a client of one can log in to the other.",
        examples=["db-1"],
    )
    settings: PostgresqlSettings = Field(
        default_factory=dict,
        description="Settings of PostgreSQL, as in postgresql.conf. For who may log in from where, mount a pg_hba.conf "
        "of your own (`files`).",
        examples=[{"max_connections": 10, "statement_timeout": "2s", "log_statement": "all"}],
    )
    replica_of: DatabaseName | None = Field(
        None,
        description="The primary of which this database is a replica: a copy that follows it by streaming replication, "
        "and can only be read.",
        examples=["db"],
    )


def files(topology: TopologyView, node: str) -> Mapping[str, str]:
    """The settings; and the seed, or what a replica must know of its primary."""
    declared: Any = topology.node(node)
    texts = {SETTINGS_FILE: settings_text(declared.settings)} if declared.settings else {}
    if declared.replica_of:
        return {**texts, REPLICATION_FILE: replication_text(STANDBY, topology, node)}
    return {**texts, "seed.sql": topology.texts[declared.seed]} if declared.seed else texts


def replication_text(state: str, topology: TopologyView, node: str) -> str:
    """What the replica is to be, where its primary is, and the role as which it logs in there."""
    primary: str = topology.node(node).replica_of  # type: ignore[attr-defined]
    named = topology.resolvers_of(node)
    host = f"{topology.name_of(primary)}." if named else str(topology.address_for(node, primary))
    return f"{state} {host} {replication_role(node)}\n"


ROLE = Role(
    name="database",
    summary="A PostgreSQL server with the database `app`, seeded from SQL of yours.",
    node=Database,
    image="database",
    user=10432,
    listeners=(Listener(port=5432),),
    serves=ApplicationProtocol.POSTGRESQL,
    ready="database",
    limits=Limits(memory=256),
    tmpfs={"/tmp": "size=16m,mode=1777", "/run/postgresql": "size=1m,uid=10432,gid=10432,mode=755"},
    volume=Volume("/var/lib/postgresql/cluster", from_files=("seed.sql",)),
    secret=True,
    files=files,
    mentions=lambda node: (node.seed,) if node.seed else (),
    password_from=lambda node: node.replica_of or node.same_password_as,
    replica_of=lambda node: node.replica_of,
    reload="HUP",
    reload_files=frozenset({REPLICATION_FILE}),
    reloaded="wirelab: replication is",
    refused="wirelab: replication stays",
    peer_source="sessions",
    serving=Serving(most=0),
    tools=frozenset({"bash", "ss", "psql"}),
)
