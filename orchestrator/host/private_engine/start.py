"""Decides whether this machine can have a private engine, says what that takes, asks, and starts it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.errors import EngineMissing
from orchestrator.host.state_folder import StateFolder

Notify = Callable[[str], None]
Confirm = Callable[[str], bool]
# capabilities(7): what an engine cannot do without
_NEEDED = {12: "CAP_NET_ADMIN", 21: "CAP_SYS_ADMIN"}


def start_private_engine(environ: Mapping[str, str], state: StateFolder, *, notify: Notify, confirm: Confirm) -> str:
    """Install what is missing, start wirelab's own engine, and return its URL. Raises EngineMissing.

    Says what will be done and asks `confirm` first; "no" leaves everything as it is.
    """
    if not sys.platform.startswith("linux"):
        raise _missing(f"this is {sys.platform}", "install Docker Desktop and start it")
    from orchestrator.host.install import installed

    there = installed()
    if not there:
        _require_debian(Path("/etc/os-release"))
    as_root = os.geteuid() == 0
    _require_rights(as_root)
    if as_root:  # another user may not see which namespace a dockerd is in; the part that runs as root will
        _refuse_beside_another(state)
    notify(_intent(state, there=there, as_root=as_root))
    if not confirm("Go on?"):
        raise _missing("you said no to wirelab's own engine", "start Docker Engine, or answer yes")
    if as_root:
        return start_as_root(environ, state, notify=notify)
    from orchestrator.host.private_engine.paths import PrivatePaths
    from orchestrator.host.private_engine.sudo import engine_as_root

    engine_as_root(("up", "--yes", "--private"), state, environ, notify)
    return PrivatePaths.of(state).url


def start_as_root(environ: Mapping[str, str], state: StateFolder, *, notify: Notify) -> str:
    """The part that needs root: install if need be, and start."""
    from orchestrator.host.install import Apt, installed
    from orchestrator.host.private_engine.daemon import PrivateEngine

    if not installed():
        _require_debian(Path("/etc/os-release"))
        _refuse_beside_another(state)
        notify("installing the distribution's Docker Engine package; its service stays off")
        Apt().install(notify)
    return PrivateEngine(state, environ=environ).up(notify)


def end_private_engine(environ: Mapping[str, str], state: StateFolder, *, purge: bool, notify: Notify) -> bool | None:
    """End the private engine and undo all it changed; with `purge` its images go too.

    False if there was none; None if a command that ran as root did it and said so.
    """
    if not sys.platform.startswith("linux") or not state.engine.exists():
        return False
    if os.geteuid() != 0 and any(state.engine.iterdir()):
        from orchestrator.host.private_engine.sudo import engine_as_root

        _require_rights(as_root=False)
        engine_as_root(("down", *(("--purge",) if purge else ())), state, environ, notify)
        return None
    from orchestrator.host.private_engine.daemon import PrivateEngine

    return PrivateEngine(state, environ=environ).down(notify, purge=purge)


def missing_capabilities(status: str) -> tuple[str, ...]:
    """The capabilities that an engine needs and this process lacks, from the text of /proc/self/status (proc(5))."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            held = int(line.split()[1], 16)
            return tuple(name for bit, name in _NEEDED.items() if not held >> bit & 1)
    return ()


def _refuse_beside_another(state: StateFolder) -> None:
    """Our own engine, which another command may be starting right now, is no reason to refuse."""
    from orchestrator.host.private_engine.conflicting_daemon import refuse_beside_another
    from orchestrator.host.private_engine.paths import PrivatePaths
    from orchestrator.host.private_engine.shutdown import own_daemons

    refuse_beside_another(frozenset(each.pid for each in own_daemons(PrivatePaths.of(state))))


def _require_debian(os_release: Path) -> None:
    from orchestrator.host.install import is_debian

    text = os_release.read_text(encoding="utf-8") if os_release.exists() else ""
    if not is_debian(text):
        raise _missing(
            "Docker Engine is not installed, and wirelab installs it on Debian and Ubuntu only",
            "install your distribution's Docker Engine package and start it",
        )


def _require_rights(as_root: bool) -> None:
    if not as_root:
        from orchestrator.host.private_engine.sudo import may_become_root

        if not may_become_root():
            raise _missing(
                "this user is not root and sudo wants a password or is not there",
                "sudo -v and run this command again, or ask an administrator to install and start Docker Engine",
            )
        return
    lacking = missing_capabilities(Path("/proc/self/status").read_text(encoding="ascii"))
    if lacking:
        raise _missing(
            f"this looks like a container without {' and '.join(lacking)}, where no engine can run",
            "run the container with --privileged, or hand it an engine with DOCKER_HOST",
        )


def _intent(state: StateFolder, *, there: bool, as_root: bool) -> str:
    steps = [] if there else ["install the distribution's Docker Engine package (docker.io)"]
    steps.append(f"start an engine of wirelab's own in {state.engine}")
    how = "" if as_root else ", with sudo"
    return f"no container engine answers; wirelab will {' and '.join(steps)}{how}."


def _missing(why: str, hint: str) -> EngineMissing:
    return EngineMissing("no container engine answers", why=why, hint=hint)
