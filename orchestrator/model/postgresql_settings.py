"""Settings of PostgreSQL that an author may say, and how they stand in a configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from orchestrator.model.values import DisplayName, formed

# The file, beside postgresql.conf, that has the last word.
SETTINGS_FILE = "settings.conf"
# What wirelab itself says: where the server is found, what its log tells, whom it lets in, whom it follows.
OWN_SETTINGS = frozenset({
    "cluster_name", "config_file", "data_directory", "external_pid_file", "hba_file", "hot_standby", "ident_file",
    "include", "include_dir", "include_if_exists", "listen_addresses", "log_connections", "log_destination",
    "log_disconnections", "log_line_prefix", "log_timezone", "logging_collector", "port", "primary_conninfo",
    "unix_socket_directories", "wal_level",
})  # fmt: skip

SettingName = Annotated[
    str, *formed("[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)?", "the name of a setting of PostgreSQL, such as max_connections")
]
SettingValue = Annotated[str | bool | int | float, DisplayName("text, a number, or true or false")]
PostgresqlSettings = dict[SettingName, SettingValue]


def settings_text(settings: Mapping[str, object]) -> str:
    """Lines of postgresql.conf (PostgreSQL, "Parameter Interaction via the Configuration File")."""
    return "".join(f"{name} = {_written(value)}\n" for name, value in settings.items())


def _written(value: object) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case int() | float():
            return str(value)
    quoted = str(value).replace("\\", "\\\\").replace("'", "''").replace("\n", " ")
    return f"'{quoted}'"
