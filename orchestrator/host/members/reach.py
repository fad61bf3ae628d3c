"""Reach a member's engine: the address at which it answers on this machine, with a connection that is started on need.

A connection outlives the command that started it, so that the watchdog of that command, and the next command, find it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from orchestrator.errors import EngineMissing, MemberUnreachable
from orchestrator.host.members.member import LOCAL, Member, ssh_place
from orchestrator.host.members.names import SPLIT_SCHEME, is_split, parts
from orchestrator.host.members.registry import member_named, members
from orchestrator.host.members.sockets import MemberSockets, member_sockets
from orchestrator.host.ping import Pinged, Reply, ping
from orchestrator.host.state_folder import StateFolder


class Tunnel(Protocol):
    """A process that forwards a socket of this machine to a member's engine."""

    def start(self) -> None: ...

    def end(self) -> None: ...


def member_url(state: StateFolder, member: Member, environ: Mapping[str, str] = os.environ) -> str:
    """The address at which the engine would answer, whether or not it does. Starts nothing."""
    if not _has_tunnel(member):
        return member.address
    return member_sockets(state, member.name, environ).url


def reach_member(state: StateFolder, member: Member, environ: Mapping[str, str] = os.environ) -> str:
    """The address at which the member's engine answers now. Raises MemberUnreachable."""
    url = member_url(state, member, environ)
    pinged = ping(url)
    if pinged.reply is Reply.ABSENT and _has_tunnel(member):
        sockets = member_sockets(state, member.name, environ)
        with _alone(sockets.lock):
            # Another process may have connected while we waited.
            pinged = ping(url)
            if pinged.reply is Reply.ABSENT:
                _tunnel(member, sockets, environ).start()
                pinged = ping(url)
    if pinged.reply is not Reply.ANSWERS:
        raise _silent(member, pinged)
    return url


def reach_home(state: StateFolder, home: str) -> str:
    """The address at which the member of that name answers now, or all of several. Raises MemberUnreachable.

    Of several it is no address of one engine, but names them (`SPLIT_SCHEME`).
    """
    if not is_split(home):
        return reach_member(state, member_named(state, home))
    for name in parts(home):
        reach_part(state, name)
    return f"{SPLIT_SCHEME}{home}"


def reach_part(state: StateFolder, name: str, environ: Mapping[str, str] = os.environ) -> str:
    """The address of one of the members of a split lab, the engine in use among them. Raises MemberUnreachable."""
    if name != LOCAL:
        return reach_member(state, member_named(state, name), environ)
    from orchestrator.host.find import running_engine

    engine = running_engine(environ, state)
    if engine is None:
        raise MemberUnreachable(LOCAL, why="no engine is in use", hint="wirelab engine status")
    return engine.url


def reach_url(state: StateFolder, url: str) -> None:
    """Start the connection behind this address if a member has it and it is gone. Raises MemberUnreachable."""
    if url.startswith(SPLIT_SCHEME):
        reach_home(state, url.removeprefix(SPLIT_SCHEME))
        return
    for member in members(state):
        if _has_tunnel(member) and member_url(state, member) == url:
            reach_member(state, member)


def member_at(state: StateFolder, url: str) -> str:
    """The member whose engine answers at `url`; empty if it is no member's."""
    return next((member.name for member in members(state) if member_url(state, member) == url), "")


@contextmanager
def naming_member(member: str, url: str) -> Iterator[None]:
    """Let an error of the engine at `url`, which does not answer any more, name the member whose it is.

    Another engine may be asked inside too: its error stays. Without a member nothing is changed.
    """
    try:
        yield
    except MemberUnreachable:
        raise
    except EngineMissing as error:
        if not member or ping(url).reply is Reply.ANSWERS:
            raise
        raise MemberUnreachable(member, why=error.why or error.what) from error


def leave_member(state: StateFolder, member: Member, environ: Mapping[str, str] = os.environ) -> None:
    """End the connection of a member, if there is one, and remove its files."""
    if not _has_tunnel(member):
        return
    sockets = member_sockets(state, member.name, environ)
    with _alone(sockets.lock):
        _tunnel(member, sockets, environ).end()
        for path in (sockets.socket, sockets.control, sockets.lock):
            path.unlink(missing_ok=True)
    if sockets.lock.parent != state.root / "members":
        with suppress(OSError):  # other members may have sockets there
            sockets.lock.parent.rmdir()


def _has_tunnel(member: Member) -> bool:
    return member.scheme == "ssh" or member.is_tls


def _tunnel(member: Member, sockets: MemberSockets, environ: Mapping[str, str]) -> Tunnel:
    if member.is_tls:
        from orchestrator.host.members.tls_tunnel import TlsTunnel

        return TlsTunnel(member, sockets)
    from orchestrator.host.members.ssh_tunnel import SshTunnel

    return SshTunnel(member, sockets, environ)


def _silent(member: Member, pinged: Pinged) -> MemberUnreachable:
    """The error for an engine that does not answer, in words about the member."""
    if pinged.reply is Reply.DENIED:
        hint = "sudo usermod -aG docker $USER, then log in again"
        return MemberUnreachable(member.name, why=pinged.why, hint=hint)
    if member.scheme == "ssh":
        why = f"the ssh connection stands, and no engine answers behind it: {pinged.why}"
        place = ssh_place(member.address)
        port = f"-p {place.port} " if place.port else ""
        hint = f"see whether the engine there answers that user: ssh {port}{place.destination} docker version"
        return MemberUnreachable(member.name, why=why, hint=hint)
    hint = f"start that engine; see what is wrong: wirelab members doctor {member.name}"
    return MemberUnreachable(member.name, why=pinged.why, hint=hint)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process at a time connects."""
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
