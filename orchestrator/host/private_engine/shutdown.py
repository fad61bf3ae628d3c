"""Ends the private engine whole: processes, mounts, bridges, firewall, sysctls, run files.

Works from what is there, not from what should be: it gives the same result after a tidy stop, after SIGKILL of any
process, and when it was itself interrupted before.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import EngineMissing, Leftovers
from orchestrator.host.private_engine.conflicting_daemon import another_dockerd
from orchestrator.host.private_engine.host_snapshot import HostSnapshot
from orchestrator.host.private_engine.paths import PrivatePaths
from orchestrator.host.processes import (
    arguments,
    clock_ticks_at_start,
    is_stopped,
    name_of,
    network_of,
    process,
    processes,
    send_signal,
    wait_gone,
    with_descendants,
)

if TYPE_CHECKING:
    from psutil import Process

Notify = Callable[[str], None]
_PROGRAMS = re.compile(r"dockerd|containerd(-shim.*)?")
_CGROUPS = Path("/sys/fs/cgroup")


def own_daemons(paths: PrivatePaths) -> tuple[Process, ...]:
    """The engine's own processes: dockerd, containerd and shims that were started with our paths as arguments."""
    marks = {
        f"--pidfile={paths.pid_file}",
        str(paths.containerd_config),
        str(paths.containerd_socket),
    }
    candidates = (process for process in processes() if _PROGRAMS.fullmatch(name_of(process)))
    return tuple(process for process in candidates if marks & set(arguments(process)))


def resume(daemons: tuple[Process, ...]) -> bool:
    """Let those go on that somebody has stopped (SIGSTOP); whether there were any."""
    stopped = [daemon for daemon in daemons if is_stopped(daemon)]
    for daemon in stopped:
        send_signal(daemon, signal.SIGCONT)
    return bool(stopped)


def end(paths: PrivatePaths, notify: Notify) -> bool:
    """End and undo everything; False if there was nothing. Raises Leftovers naming what would not go."""
    daemons = own_daemons(paths)
    before = HostSnapshot.load(paths.before)
    if not daemons and not paths.before.exists() and not mounts(paths):
        return False
    here = network_of("self") or ""
    _refuse_elsewhere(daemons, here)
    notify("stopping wirelab's own container engine")
    _end_processes(paths, daemons)
    _unmount(paths)
    if before is not None and before.network == here:
        before.restore(_own_bridges(paths, before))
    _remove_cgroups(paths)
    _report_leftovers(paths, before is None and bool(daemons))
    _remove_run_files(paths)
    return True


def mounts(paths: PrivatePaths) -> tuple[str, ...]:
    """What is mounted below the engine's folders (proc(5), mountinfo), deepest first."""
    roots = tuple(f"{root.resolve()}/" for root in (paths.root, paths.runtime))
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        points = [_unescaped(line.split()[4]) for line in table]
    return tuple(sorted((point for point in points if point.startswith(roots)), reverse=True))


def _unescaped(point: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)


def _refuse_elsewhere(daemons: tuple[Process, ...], here: str) -> None:
    for daemon in daemons:
        where = network_of(daemon.pid)
        if name_of(daemon) == "dockerd" and where not in (here, None):
            raise EngineMissing(
                f"the private engine (pid {daemon.pid}) runs in another network namespace",
                why=f"it is in {where}, this command in {here}: its rules can only be removed from there",
                hint=f"nsenter --target {daemon.pid} --net --mount wirelab engine down",
            )


def _end_processes(paths: PrivatePaths, daemons: tuple[Process, ...]) -> None:
    """First politely, dockerd before containerd, so that containers are stopped; then whatever is left, at once."""
    resume(daemons)  # a stopped process does not see SIGTERM
    for name, seconds in (("dockerd", 30.0), ("containerd", 5.0)):
        group = [daemon for daemon in daemons if name_of(daemon) == name]
        for daemon in group:
            send_signal(daemon, signal.SIGTERM)
        wait_gone(group, seconds)
    rest = with_descendants((*own_daemons(paths), *_container_processes(paths)))
    for process_left in rest:
        send_signal(process_left, signal.SIGKILL)
    wait_gone(rest, 10.0)


def _container_processes(paths: PrivatePaths) -> tuple[Process, ...]:
    """First processes of containers, as the runtime wrote them down: they stay when their shim was killed."""
    daemons = []
    for path in paths.exec_root.glob("runtime-*/*/*/state.json"):
        try:
            state = json.loads(path.read_bytes())
            now = process(int(state["init_process_pid"]))
            if now is not None and clock_ticks_at_start(now) == int(state["init_process_start"]):
                daemons.append(now)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # half written, or of a runtime that writes something else
    return tuple(daemons)


def _unmount(paths: PrivatePaths) -> None:
    for point in mounts(paths):
        # the exit code says nothing: parents may go with their children; what stays is reported
        subprocess.run(("umount", "--lazy", "--no-mtab", point), capture_output=True, timeout=30, check=False)


def _own_bridges(paths: PrivatePaths, before: HostSnapshot) -> tuple[str, ...]:
    """The bridges that our engine made. Beside another engine, only those that our engine's own records name."""
    new = before.new_bridges()
    records = paths.data_root / "network" / "files" / "local-kv.db"
    known = records.read_bytes() if records.exists() else b""
    named = set(re.findall(rb'"BridgeName":"([^"]+)"', known))
    custom = {name.decode() for name in named} - set(before.links)
    if another_dockerd() is None:
        return tuple(sorted({*new, *custom}))
    return tuple(name for name in new if name.removeprefix("br-").encode() in known)


def _remove_cgroups(paths: PrivatePaths) -> None:
    """Remove the empty control groups of our containers; dockerd does so itself when it may end tidily."""
    containers = paths.data_root / "containers"
    for folder in containers.iterdir() if containers.is_dir() else ():
        for pattern in (f"docker/{folder.name}", f"*/docker/{folder.name}"):
            for group in _CGROUPS.glob(pattern):
                _remove_cgroup(group)


def _remove_cgroup(group: Path) -> None:
    for path, _, _ in os.walk(group, topdown=False):
        try:
            os.rmdir(path)
        except OSError:
            continue


def _report_leftovers(paths: PrivatePaths, unknown_before: bool) -> None:
    leftovers = [f"process {daemon.pid} ({name_of(daemon)})" for daemon in own_daemons(paths)]
    leftovers += [f"mount {point}" for point in mounts(paths)]
    if unknown_before:
        leftovers.append(f"bridges and firewall chains, because {paths.before} was lost")
    if leftovers:
        raise Leftovers(
            "the private engine was stopped, but not all of it is gone",
            why=", ".join(leftovers),
            hint="wirelab engine down; if that does not help, restart the machine",
        )


def _remove_run_files(paths: PrivatePaths) -> None:
    for folder in (paths.exec_root, paths.containerd_state):
        shutil.rmtree(folder, ignore_errors=True)
    for path in (paths.socket, paths.containerd_socket, paths.pid_file, paths.host_open):
        path.unlink(missing_ok=True)
    Path(f"{paths.containerd_socket}.ttrpc").unlink(missing_ok=True)
    if paths.runtime != paths.root:
        shutil.rmtree(paths.runtime, ignore_errors=True)
    paths.before.unlink(missing_ok=True)
