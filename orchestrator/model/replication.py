"""Replication of a database: the files by which a primary and its replicas know each other.

A replica has no password of its own for its clients: its rows are those of its primary, roles and passwords included.
The secret that is its own is the one with which it logs in to the primary.
"""

from __future__ import annotations

PASSWORD_FILE = "password"
# On a replica: what it is to be, the host of its primary and its role there; and its password there.
REPLICATION_FILE = "replication"
REPLICATION_PASSWORD_FILE = "replication-password"
# On a primary: the role and the password of each replica.
REPLICATION_USERS_FILE = "replication-users"
STANDBY, PRIMARY = "standby", "primary"


def replication_role(replica: str) -> str:
    """The role of PostgreSQL as which a replica logs in to its primary."""
    return f"replication-{replica}"


def secret_file(replica_of: str | None) -> str:
    """The file in which a node keeps its own secret."""
    return REPLICATION_PASSWORD_FILE if replica_of else PASSWORD_FILE
