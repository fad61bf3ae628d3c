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
class Tls:
    """The files with the server's certificate and its key, and with the authority that its clients must have a
    certificate of; empty where none is asked of them."""

    certificate: str
    key: str
    client_authority: str


@dataclass(frozen=True)
class Settings:
    """The node's name, where to listen, with TLS or without, and the database, if there is one."""

    node: str
    address: str
    port: int
    database: Target | None
    tls: Tls | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Settings:
        """Read PORT, or LISTEN (`ADDRESS:PORT`; `*:PORT` is every address), TLS_* and DATABASE_*; raises
        SettingsInvalid."""
        address, port = "0.0.0.0", environ.get("PORT", "80")
        if listen := environ.get("LISTEN"):
            address, _, port = listen.rpartition(":")
            # an empty host is every address, of IPv4 and of IPv6
            address = "" if address == "*" else address.strip("[]") or "0.0.0.0"
        return cls(environ.get("HOSTNAME", "app"), address, _port(port), _target(environ), _tls(environ))


def _tls(environ: Mapping[str, str]) -> Tls | None:
    certificate, key = environ.get("TLS_CERTIFICATE_FILE", ""), environ.get("TLS_KEY_FILE", "")
    if bool(certificate) != bool(key):
        raise SettingsInvalid("TLS_CERTIFICATE_FILE and TLS_KEY_FILE belong together; set both, or neither")
    return Tls(certificate, key, environ.get("TLS_CLIENT_AUTHORITY_FILE", "")) if certificate else None


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
