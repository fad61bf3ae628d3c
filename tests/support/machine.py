"""A machine within the machine: network, mount and process namespaces in which an engine meets no other dockerd."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab_bench import CHECKOUT, piped

# Marks of a test that starts a container engine in a machine within the machine.
NEEDS_ENGINE_OF_ITS_OWN = (
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a private engine runs on Linux only"),
    pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() != 0, reason="making namespaces needs root"),
    pytest.mark.skipif(
        shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None,
        reason="no dockerd is installed; the engine in use is not of this machine",
    ),
)

# Copies of other engines' mounts are dropped, for they would come and go while we look: layers, namespaces, and the
# shared memory of containers. The new /sys belongs to the new
# network namespace; the control groups are bound in again below it. The first process ignores SIGCHLD, so that the
# kernel buries orphans, as an init would.
FIRST_PROCESS = """
set -e
for other in $(grep -E '/mounts/shm | - (overlay|nsfs) ' /proc/self/mountinfo | cut -d ' ' -f 5 | grep -vx /); do
  umount -l "$other" 2>&- || true
done
mkdir "$1/cgroup"; mount --rbind /sys/fs/cgroup "$1/cgroup"
mount -t sysfs sysfs /sys; mount --rbind "$1/cgroup" /sys/fs/cgroup; umount -l "$1/cgroup"
echo 0 > /proc/sys/net/ipv4/ip_forward
exec "$2" -c 'import signal as s; s.signal(s.SIGCHLD, s.SIG_IGN); print("ready", flush=True)
while True: s.pause()'
"""
# counters and random values, and what other programs of the host change meanwhile
VOLATILE = re.compile(
    r"(fs\.(dentry-state|file-nr|inode-nr|inode-state|quota|aio-nr)|kernel\.(ns_last_pid|random|pty|sched|perf)|vm\.|"
    r"net\.netfilter\.nf_conntrack_count|dev\.)"
)


@dataclass(frozen=True)
class Machine:
    """A machine within the machine; `state` is the state folder of the wirelab commands run on it."""

    first: int
    state: Path

    def argv(self, *argv: str) -> tuple[str, ...]:
        return ("nsenter", "-t", str(self.first), "--net", "--mount", "--pid", *argv)

    def environ(self, state: Path | None = None) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("DOCKER_", "XDG_"))}
        own = {"WIRELAB_STATE": str(state or self.state), "HOME": str(self.state), "PYTHONPATH": str(CHECKOUT)}
        return kept | own | {"CI": "true"}

    def start(self, *words: str, state: Path | None = None) -> subprocess.Popen[str]:
        """Begin `wirelab engine WORDS`."""
        return self.command("engine", *words, state=state)

    def command(self, *words: str, state: Path | None = None) -> subprocess.Popen[str]:
        """Begin `wirelab WORDS`."""
        return subprocess.Popen(
            self.argv(sys.executable, "-m", "orchestrator", *words),
            env=self.environ(state),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def engine(self, *words: str, state: Path | None = None, expect: int = 0) -> tuple[str, str]:
        """Run `wirelab engine WORDS`; its two outputs."""
        running = self.start(*words, state=state)
        out, err = running.communicate(timeout=240)
        assert running.returncode == expect, f"exit code {running.returncode}\n{out}{err}"
        return out, err

    def plain(self, *argv: str) -> str:
        done = subprocess.run(self.argv(*argv), capture_output=True, text=True, check=True, timeout=240)
        return done.stdout

    def pids(self, name: str) -> list[int]:
        """Pids, as this machine numbers them, of the processes with this name."""
        lines = self.plain("ps", "-eo", "pid=,comm=,stat=").splitlines()
        rows = [line.split(None, 2) for line in lines]
        return [int(pid) for pid, comm, stat in rows if comm == name and not stat.startswith("Z")]

    def send(self, signal_name: str, name: str) -> None:
        """Send a signal to the processes with this name. One that has ended by then, such as a fork, gets none."""
        for pid in self.pids(name):
            subprocess.run(self.argv("kill", f"-{signal_name}", str(pid)), capture_output=True, check=False)

    def start_held(self) -> subprocess.Popen[str]:
        """`engine up`, under way: its dockerd is stopped before it can answer, and goes on with `go_on`.

        On a busy machine dockerd may have been quicker: then it is ended, and another one started.
        """
        for _ in range(20):
            running = self.start("up")
            while running.poll() is None and not self.pids("dockerd"):
                time.sleep(0.005)
            self.send("STOP", "dockerd")
            # It opens its socket when all else is done.
            if running.poll() is None and not (self.state / "engine" / "docker.sock").exists():
                return running
            self.go_on()
            running.communicate(timeout=240)
            self.engine("down")
        raise AssertionError("dockerd was always quicker")

    def go_on(self) -> None:
        self.send("CONT", "dockerd")

    def kill(self, name: str) -> None:
        self.send("KILL", name)

    def look(self) -> dict[str, list[str]]:
        """Everything that an engine might change, as plain tools see it."""
        mountinfo = self.plain("cat", "/proc/self/mountinfo").splitlines()
        sysctls = self.plain("sysctl", "-a").splitlines()
        processes = self.plain("ps", "-eo", "comm=,args=").splitlines()
        # Groups of other tests' labs go while they are listed, of which find complains.
        listing = "find /sys/fs/cgroup -type d -path '*/docker/*' 2>/dev/null || true"
        groups = self.plain("sh", "-c", listing).splitlines()
        return {
            "processes": sorted(line for line in processes if line.split()[0] != "ps"),
            "mounts": sorted(" ".join(line.split()[3:6]) for line in mountinfo),
            "links": [line.split(": ", 1)[1] for line in self.plain("ip", "-o", "link").splitlines()],
            "nftables": self.plain("nft", "list", "ruleset").splitlines(),
            "sysctls": [line for line in sysctls if not VOLATILE.match(line)],
            "control groups": [line for line in groups if any(id in line for id in self.containers())],
        }

    def containers(self) -> list[str]:
        folder = self.state / "engine" / "data" / "containers"
        return os.listdir(folder) if folder.is_dir() else []


@contextmanager
def fresh_machine() -> Iterator[Machine]:
    """A fresh machine; afterwards all of it goes, whatever happened."""
    state = Path(tempfile.mkdtemp(prefix="wl-"))  # short: sockets live below it
    outer = subprocess.Popen(
        ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
         "sh", "-c", FIRST_PROCESS, "sh", str(state), sys.executable),
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert piped(outer.stdout).readline() == "ready\n"
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        (state / "cgroup").rmdir()
        yield Machine(int(children[0]), state)
    finally:
        outer.kill()
        outer.wait()
        piped(outer.stdout).close()
        shutil.rmtree(state, ignore_errors=True)
