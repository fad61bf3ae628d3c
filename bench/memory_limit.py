"""A real limit for the memory of all containers of an engine on this machine, and of a process beside them.

The limit stands on the control group in which the engine makes the groups of its containers (Docker: `docker`, with the
cgroupfs driver). Needs root. Other containers of that engine count, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NAME = "docker"
# The files of the limit, of the most that was used, and of how often the kernel ended a process, by version.
VERSIONS = (
    (ROOT / "memory" / NAME, "memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"),
    (ROOT / NAME, "memory.max", "memory.peak", "memory.events"),
)


@dataclass(frozen=True)
class LimitedGroup:
    """The group under its limit."""

    folder: Path
    peak_file: str
    events_file: str

    def take(self, process: int) -> None:
        """Count this process, and those that it starts from now on. Version 2 allows no process beside groups."""
        inner = self.folder if (self.folder / "memory.limit_in_bytes").exists() else self.folder / "bench"
        inner.mkdir(exist_ok=True)
        (inner / "cgroup.procs").write_text(str(process), "ascii")

    @property
    def most_megabytes(self) -> int:
        """The most that was used, with the files that the kernel keeps in memory as long as there is room."""
        return int((self.folder / self.peak_file).read_text("ascii")) // 1024 // 1024

    def killed(self) -> int:
        """How many processes the kernel has ended, in this group and all within it, for want of memory."""
        files = (self.folder / self.events_file, *self.folder.glob(f"*/{self.events_file}"))
        lines = [line.split() for file in files for line in file.read_text("ascii").splitlines()]
        return sum(int(words[1]) for words in lines if words[0] == "oom_kill")


@contextmanager
def memory_limit(megabytes: int) -> Iterator[LimitedGroup]:
    """Limit the group inside the `with` block. Exits where there is no such group, or where it may not be changed."""
    version = next((version for version in VERSIONS if (version[0] / version[1]).exists()), None)
    if version is None:
        raise SystemExit(f"bench: no control group {NAME!r}: --memory needs Docker's cgroupfs driver, and a container")
    if os.geteuid() != 0:
        raise SystemExit("bench: --memory changes a control group; only root may do so")
    folder, limit_file, peak_file, events_file = version
    limit, before = folder / limit_file, (folder / limit_file).read_text("ascii").strip()
    limit.write_text(str(megabytes * 1024 * 1024), "ascii")
    try:
        if limit_file == "memory.limit_in_bytes":
            (folder / peak_file).write_text("0", "ascii")  # counts from now on
        yield LimitedGroup(folder, peak_file, events_file)
    finally:
        limit.write_text("-1" if before.isdigit() and int(before) >= 1 << 60 else before, "ascii")
