"""A member: an engine that the user named, and how to reach it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.errors import UsageInvalid
from orchestrator.quick_dataclass import dataclass

# The engine in use stands under this name beside the members.
LOCAL = "local"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
REMOTE_SOCKET = "/var/run/docker.sock"
SCHEMES = "unix:///PATH, ssh://USER@HOST[:PORT] or tcp://HOST:PORT"
# What ssh would take for an option, or a shell for more than a word.
SSH_WORD = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.:%-]*")


@dataclass(frozen=True)
class Member:
    """`address` is what the user typed. `cacert`, `cert` and `key` are the files of TLS, all or none of them.

    `engine_id` and `architecture` are what the engine said of itself when it was added.
    """

    name: str
    address: str
    cacert: str = ""
    cert: str = ""
    key: str = ""
    engine_id: str = ""
    architecture: str = ""

    @property
    def scheme(self) -> str:
        return self.address.partition("://")[0]

    @property
    def is_tls(self) -> bool:
        return bool(self.cacert)


def member_of_words(name: str, address: str, files: Mapping[str, str | None], *, insecure: bool) -> Member:
    """The member that a command line declares. `files` has the paths of --cacert, --cert and --key.

    Raises UsageInvalid, with the option or the part of the address that is wrong.
    """
    if name == LOCAL or not NAME.fullmatch(name):
        why = f"{LOCAL!r} is the engine in use" if name == LOCAL else "it is 1 to 32 of the letters a-z, digits and '-'"
        raise UsageInvalid(f"{name!r} is no name for a member", why=why, hint="wirelab members add big ssh://me@big")
    given = {option: path for option, path in files.items() if path}
    scheme = address.partition("://")[0]
    if scheme != "tcp" and (given or insecure):
        option = next(iter(given), "insecure")
        raise UsageInvalid(f"--{option} belongs to tcp://", why=f"the address is {address}", hint="leave it out")
    match scheme:
        case "unix":
            _require_socket(address)
        case "ssh":
            ssh_place(address)
        case "tcp":
            _require_tcp(address)
            given = _tls_files(address, given, insecure)
        case _:
            what = f"{address!r} is no address of a member"
            raise UsageInvalid(what, why=f"an address is {SCHEMES}", hint="wirelab members add big ssh://me@big")
    return Member(name, address, given.get("cacert", ""), given.get("cert", ""), given.get("key", ""))


@dataclass(frozen=True)
class SshPlace:
    """Whom to call, and the engine's socket there."""

    destination: str
    port: int | None
    socket: str


def ssh_place(address: str) -> SshPlace:
    """The parts of `ssh://[USER@]HOST[:PORT][/SOCKET]`. Raises UsageInvalid."""
    hint = "ssh://USER@HOST, ssh://USER@HOST:2222 or ssh://USER@HOST/PATH/OF/docker.sock"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise UsageInvalid(f"{address!r} is no address for ssh", why=str(error), hint=hint) from error
    if parts.password or parts.query or parts.fragment:
        why = "an address holds no password; ssh takes a key" if parts.password else "there is text after the host"
        raise UsageInvalid(f"{parts.hostname!r} is given with more than ssh takes", why=why, hint=hint)
    words = [word for word in (parts.username, parts.hostname) if word is not None]
    if not parts.hostname or not all(SSH_WORD.fullmatch(word) for word in words):
        raise UsageInvalid(f"{address!r} is no address for ssh", why="it names no host", hint=hint)
    return SshPlace("@".join(words), port, parts.path if parts.path.strip("/") else REMOTE_SOCKET)


def _require_socket(address: str) -> None:
    path = address.removeprefix("unix://")
    if not path.startswith("/"):
        what = f"{address!r} names no socket"
        raise UsageInvalid(what, why="a path after unix:// begins with /", hint="unix:///run/other/docker.sock")


def _require_tcp(address: str) -> None:
    from orchestrator.engine.address import host_and_port

    rest = address.removeprefix("tcp://")
    try:
        host, port = host_and_port(rest)
        valid = bool(rest.rpartition(":")[0] and host) and 0 < port < 65536 and "/" not in rest
    except ValueError:
        valid = False
    if not valid:
        hint = "tcp://HOST:2376 with TLS, or ssh://USER@HOST"
        raise UsageInvalid(f"{address!r} is no address of an engine", why="it names no host and port", hint=hint)


def _tls_files(address: str, given: Mapping[str, str], insecure: bool) -> dict[str, str]:
    if insecure and given:
        raise UsageInvalid("--insecure and the files of TLS are opposites", hint="give one of them")
    if insecure:
        return {}
    if missing := [option for option in ("cacert", "cert", "key") if option not in given]:
        why = (
            "who reaches this port is root on that machine: without TLS everybody on the way can"
            if not given
            else f"TLS takes three files, and --{missing[0]} is missing"
        )
        hint = "add --cacert FILE --cert FILE --key FILE, use ssh://USER@HOST, or say --insecure"
        raise UsageInvalid(f"{address} needs TLS", why=why, hint=hint)
    for option, path in given.items():
        if not Path(path).is_file():
            raise UsageInvalid(f"--{option}: there is no file {path}", hint="name a PEM file")
    return {option: str(Path(path).absolute()) for option, path in given.items()}
