"""wirelab's own engine: a `dockerd` and its `containerd` that touch nothing of the system's.

Sockets, data, run folders, pid file, configuration and logs are in the state folder. The processes have a session of
their own, so they outlive the command that started them; the next command finds them by socket and by argument list.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import EngineMissing
from orchestrator.host.ping import Reply, ping
from orchestrator.host.private_engine import netlink
from orchestrator.host.private_engine.conflicting_daemon import refuse_beside_another
from orchestrator.host.private_engine.host_access import close_or_tell
from orchestrator.host.private_engine.host_snapshot import HostSnapshot
from orchestrator.host.private_engine.paths import PrivatePaths
from orchestrator.host.private_engine.shutdown import end, own_daemons, resume
from orchestrator.host.processes import name_of
from orchestrator.host.state_folder import StateFolder

Notify = Callable[[str], None]
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
# GOGC of Go's runtime package: by how many percent the heap may grow before the next garbage collection. dockerd starts
# itself anew as a process for each container, and spent most of that time on garbage collection. With 400 instead of
# 100, running a container took 181 ms of the engine's processor time instead of 230, and dockerd 108 MB instead of 89.
_GARBAGE_PERCENT = "400"
# Plugins that would share files with another containerd of this machine, or that no engine needs.
_NO_PLUGINS = ("io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri")


@dataclass(frozen=True)
class PrivateStatus:
    """Whether the private engine answers, under which pid, and whether an ended one left something to undo."""

    url: str
    answers: bool
    pid: int | None
    leftovers: bool


class PrivateEngine:
    """Starts, finds and ends the one private engine of a state folder. `up` and `down` need root.

    `seconds` bounds each wait: for the engine's first answer, for another process that is starting or ending it.
    """

    def __init__(self, state: StateFolder, *, environ: Mapping[str, str], seconds: float = 60.0) -> None:
        self.state = state
        self.paths = PrivatePaths.of(state)
        self.environ = environ
        self.seconds = seconds

    def status(self) -> PrivateStatus:
        """What is there now; changes nothing."""
        answers = ping(self.paths.url).reply is Reply.ANSWERS
        daemons = [daemon for daemon in own_daemons(self.paths) if name_of(daemon) == "dockerd"]
        pid = daemons[0].pid if daemons else None
        return PrivateStatus(self.paths.url, answers, pid, not answers and self.paths.before.exists())

    def up(self, notify: Notify) -> str:
        """Start the engine unless it answers; its URL. On any failure, Ctrl-C included, nothing of it is left."""
        self.state.private(self.paths.root)
        with self._alone(notify):
            if resume(own_daemons(self.paths)):
                notify("wirelab's own container engine was stopped (SIGSTOP); it goes on now")
            # nobody else starts it now; a busy engine gets time before it is taken for a dead one
            if ping(self.paths.url, seconds=self.seconds).reply is Reply.ANSWERS:
                return self.paths.url
            end(self.paths, notify)  # whatever an engine that died has left
            refuse_beside_another()
            notify("starting wirelab's own container engine")
            try:
                self._start()
                close_or_tell(self.paths, netlink.close_host, notify)
            except BaseException:
                end(self.paths, notify)
                raise
        return self.paths.url

    def down(self, notify: Notify, *, purge: bool = False) -> bool:
        """End the engine and undo all that it changed; with `purge` its images and volumes go too.

        False when there was nothing to end. Raises Leftovers when something could not be removed.
        """
        if not self.paths.root.exists() and not own_daemons(self.paths):
            return False
        self.state.private(self.paths.root)
        with self._alone(notify):
            ended = end(self.paths, notify)
            if purge:
                shutil.rmtree(self.paths.root)
        return ended

    def _start(self) -> None:
        paths = self.paths
        for folder in (paths.runtime, paths.exec_root, paths.data_root, paths.containerd_root):
            folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        paths.daemon_config.write_text("{}\n", encoding="utf-8")  # /etc/docker/daemon.json is another engine's
        paths.containerd_config.write_text(_containerd_toml(paths), encoding="utf-8")
        HostSnapshot.observed().save(paths.before)
        containerd = self._spawn("containerd", ("--config", str(paths.containerd_config)))
        self._await(containerd, "containerd", lambda: paths.containerd_socket.exists())
        dockerd = self._spawn("dockerd", dockerd_arguments(paths, self._group()))
        self._await(dockerd, "dockerd", lambda: ping(paths.url).reply is Reply.ANSWERS)

    def _group(self) -> int:
        """The group that may use the socket: that of the person, also when sudo stands between."""
        return int(self.environ.get("SUDO_GID") or os.getgid())

    def _spawn(self, name: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        environ = daemon_environment(self.environ)
        program = shutil.which(name, path=environ["PATH"])
        if program is None:
            raise EngineMissing(
                f"the program {name} is not installed",
                why=f"looked in {environ['PATH']}",
                hint="install your distribution's Docker Engine package",
            )
        with open(self.paths.log(name), "wb") as log:
            return subprocess.Popen(
                (program, *arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environ,
                start_new_session=True,
            )

    def _await(self, running: subprocess.Popen[bytes], name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self.seconds
        while not ready():
            if running.poll() is not None:
                raise self._failed(name, f"{name} ended with exit code {running.returncode}")
            if time.monotonic() > deadline:
                raise self._failed(name, f"{name} was not ready after {self.seconds:g} s")
            time.sleep(0.02)

    def _failed(self, name: str, why: str) -> EngineMissing:
        log = self.paths.log(name)
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        telling = [line for line in lines if "level=fatal" in line or "failed to start" in line] or lines
        return EngineMissing(
            "wirelab's own container engine did not start",
            why="; ".join([why, *telling[-2:]]),
            hint=f"read {log}; the engine needs root with all capabilities, cgroups and iptables",
        )

    @contextmanager
    def _alone(self, notify: Notify) -> Iterator[None]:
        """Hold the engine's lock, which the kernel frees if we die."""
        deadline = time.monotonic() + self.seconds
        said_once = False
        while True:
            lock = os.open(self.paths.lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            if _locked(lock, self.paths.lock):
                break
            os.close(lock)
            if time.monotonic() > deadline:
                raise EngineMissing(
                    "another wirelab process is starting or stopping the engine and does not finish",
                    why=f"waited {self.seconds:g} s for {self.paths.lock}",
                    hint="wirelab engine status",
                )
            if not said_once:
                notify("waiting for another wirelab process that starts or stops the engine")
                said_once = True
            time.sleep(0.05)
            self.paths.root.mkdir(parents=True, exist_ok=True)
        try:
            yield
        finally:
            os.close(lock)


def _locked(lock: int, path: Path) -> bool:
    """Take the lock if it is free, and make sure that it is still the file of that name (a purge removes it)."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return path.exists() and os.path.samestat(os.fstat(lock), os.stat(path))


def daemon_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the engine's programs: that of the caller, without the variables for clients of an engine."""
    kept = {key: value for key, value in environ.items() if not key.startswith("DOCKER_")}
    search = f"{environ.get('PATH', '')}:{_SYSTEM_PATH}".lstrip(":")
    return {"GOGC": _GARBAGE_PERCENT} | kept | {"PATH": search}


def dockerd_arguments(paths: PrivatePaths, group: int) -> tuple[str, ...]:
    """How dockerd is started: everything of its own, no default bridge, IPv6 kept apart where there is IPv6."""
    isolate_ipv6 = ("--experimental", "--ip6tables") if Path("/proc/net/if_inet6").exists() else ()
    return (
        f"--config-file={paths.daemon_config}",
        f"--containerd={paths.containerd_socket}",
        f"--data-root={paths.data_root}",
        f"--exec-root={paths.exec_root}",
        f"--pidfile={paths.pid_file}",
        f"--host={paths.url}",
        f"--group={group}",
        "--bridge=none",
        *isolate_ipv6,
        "--userland-proxy=false",
        "--log-opt=max-size=10m",
        "--shutdown-timeout=5",
    )


def _containerd_toml(paths: PrivatePaths) -> str:
    # JSON strings and lists are also TOML's
    return (
        "version = 2\n"
        f"root = {json.dumps(str(paths.containerd_root))}\n"
        f"state = {json.dumps(str(paths.containerd_state))}\n"
        f"disabled_plugins = {json.dumps(_NO_PLUGINS)}\n"
        "[grpc]\n"
        f"  address = {json.dumps(str(paths.containerd_socket))}\n"
    )
