"""What the environment tells the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class SettingsInvalid(ValueError):
    """A setting that cannot be used; the text says which, and why."""


@dataclass(frozen=True)
class Target:
    """The database that the service is a client of; the password is read from its file at each connection."""

    host: str
    port: int
    name: str
    user: str
    password_file: str


@dataclass(frozen=True)
class Settings:
    """The node's name, where to listen, and the database, if there is one."""

    node: str
    address: str
    port: int
    database: Target | None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Settings:
        """Read PORT, or LISTEN (`ADDRESS:PORT`; `*:PORT` is every address), and DATABASE_*; raises SettingsInvalid."""
        address, port = "0.0.0.0", environ.get("PORT", "80")
        if listen := environ.get("LISTEN"):
            address, _, port = listen.rpartition(":")
            # an empty host is every address, of IPv4 and of IPv6
            address = "" if address == "*" else address.strip("[]") or "0.0.0.0"
        return cls(environ.get("HOSTNAME", "app"), address, _port(port), _target(environ))


def _target(environ: Mapping[str, str]) -> Target | None:
    host = environ.get("DATABASE_HOST")
    if not host:
        return None
    return Target(
        host,
        _port(environ.get("DATABASE_PORT", "5432")),
        environ.get("DATABASE_NAME", "app"),
        environ.get("DATABASE_USER", "app"),
        environ.get("DATABASE_PASSWORD_FILE", "/wirelab/password"),
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise SettingsInvalid(f"{text!r} is not a port number (1 to 65535)")
    return int(text)
