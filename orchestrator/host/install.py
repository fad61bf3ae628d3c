"""Installs the distribution's Docker Engine package on Debian and Ubuntu, as root, and lets no service start.

Debian's maintainer scripts ask `/usr/sbin/policy-rc.d` before they start anything (deb-systemd-invoke(1p),
invoke-rc.d(8)); 101 means "action forbidden".
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import EngineMissing

Notify = Callable[[str], None]
PACKAGES = ("docker.io", "iptables", "ca-certificates")
_PROGRAM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UNITS = ("docker.service", "docker.socket", "containerd.service")
_QUIET = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBCONF_NONINTERACTIVE_SEEN": "true",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_SUSPEND": "1",
    "LC_ALL": "C.UTF-8",
}
_INSTALL = (
    "install",
    "--yes",
    "--no-install-recommends",
    "--option=Dpkg::Options::=--force-confdef",
    "--option=Dpkg::Options::=--force-confold",
)
# Otherwise apt fetches a package of which a source in /etc/apt tells, although its file was named.
_NO_SOURCES = ("--option=Dir::Etc::sourcelist=/dev/null", "--option=Dir::Etc::sourceparts=/dev/null")
_LOCK_SECONDS = 300.0
_MARK = "# written by wirelab while it installs a package; nothing may start meanwhile"
_TOLD = ("Get:", "Setting up ", "Unpacking ")


@dataclass(frozen=True)
class Ran:
    """How a program ended, and the last lines it wrote, both streams together."""

    exit_code: int
    lines: tuple[str, ...]


# argv, additions to the environment, what to do with each line
Run = Callable[[Sequence[str], Mapping[str, str], Callable[[str], None]], Ran]


def run_program(argv: Sequence[str], environ: Mapping[str, str], on_line: Callable[[str], None]) -> Ran:
    """Run a program to its end; it gets no input, so it cannot ask."""
    last: deque[str] = deque(maxlen=40)
    with subprocess.Popen(
        tuple(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **environ},
    ) as running:
        for line in running.stdout or ():
            last.append(line.rstrip())
            on_line(line.rstrip())
    return Ran(running.returncode, tuple(last))


def installed() -> bool:
    """Both programs of an engine are there, whoever installed them."""
    path = f"{os.environ.get('PATH', '')}:{_PROGRAM_PATH}"
    return all(shutil.which(name, path=path) for name in ("dockerd", "containerd"))


def is_debian(os_release: str) -> bool:
    """Whether this text of /etc/os-release (os-release(5)) is that of Debian, Ubuntu, or one built on them."""
    values = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    words = f"{values.get('ID', '')} {values.get('ID_LIKE', '')}".replace('"', "").split()
    return "debian" in words or "ubuntu" in words


@dataclass(frozen=True)
class Apt:
    """apt-get, with its collaborators: how programs run, where the root folder is, the clock."""

    run: Run = run_program
    root: Path = Path("/")
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def install(self, notify: Notify) -> None:
        """Install the engine's package and what it needs. Raises EngineMissing with apt's last lines."""
        with self._nothing_starts():
            updated = self._apt(("update",), notify)
            added = self._apt((*_INSTALL, "--no-upgrade", *PACKAGES), notify)
        if added.exit_code != 0:
            raise _failed(updated, added)
        self._leave_services_off()

    def install_files(self, files: Sequence[Path], notify: Notify) -> None:
        """Install packages that lie in files, without a network. Raises EngineMissing with apt's last lines."""
        with self._nothing_starts():
            added = self._apt((*_INSTALL, *_NO_SOURCES, *map(str, files)), notify)
        if added.exit_code != 0:
            raise _failed(added)
        self._leave_services_off()

    def _apt(self, words: tuple[str, ...], notify: Notify) -> Ran:
        """One call of apt-get; waits while another program holds the package lock."""
        deadline = self.clock() + _LOCK_SECONDS
        said_once = False
        while True:
            remaining = max(0, round(deadline - self.clock()))
            argv = ("apt-get", f"--option=DPkg::Lock::Timeout={remaining}", "--quiet", *words)
            ran = self.run(argv, _QUIET, lambda line: _tell(line, notify))
            if ran.exit_code == 0 or not _lock_held(ran) or self.clock() >= deadline:
                return ran
            if not said_once:
                notify("another program is installing packages; waiting for it")
                said_once = True
            self.sleep(2.0)

    @contextmanager
    def _nothing_starts(self) -> Iterator[None]:
        """Forbid every start of a service meanwhile; afterwards the policy is what it was."""
        policy = self.root / "usr/sbin/policy-rc.d"
        kept = policy.with_name("policy-rc.d.before-wirelab")
        if not _is_ours(policy) and os.path.lexists(policy):  # ours is there only if an earlier run was killed
            os.rename(policy, kept)
        try:
            policy.write_text(f"#!/bin/sh\n{_MARK}\nexit 101\n", encoding="utf-8")
            policy.chmod(0o755)
            yield
        finally:
            policy.unlink(missing_ok=True)
            if os.path.lexists(kept):
                os.rename(kept, policy)

    def _leave_services_off(self) -> None:
        """The package also switches its services on for the next boot; we do not need them, so they stay off."""
        if (self.root / "usr/bin/systemctl").exists():
            self.run(("systemctl", "--no-reload", "disable", *_UNITS), {}, lambda _line: None)


def _is_ours(policy: Path) -> bool:
    try:
        return _MARK in policy.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _tell(line: str, notify: Notify) -> None:
    if line.startswith(_TOLD):
        notify(f"  {line}")


def _lock_held(ran: Ran) -> bool:
    return any("Could not get lock" in line or "Unable to lock" in line for line in ran.lines)


def _failed(*runs: Ran) -> EngineMissing:
    """The error for apt's last run, with what it and the runs before it said."""
    added = runs[-1]
    telling = [line for ran in runs for line in ran.lines if line.startswith(("E:", "Err:"))]
    last = telling[-3:] or added.lines[-3:]
    return EngineMissing(
        "the Docker Engine package could not be installed",
        why="; ".join(last) or f"apt-get ended with exit code {added.exit_code}",
        hint="check the network and /etc/apt, then: apt-get update && apt-get install docker.io",
    )
