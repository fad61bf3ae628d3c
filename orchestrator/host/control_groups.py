"""How much more memory a process may use, by the limits of its control groups (cgroups(7))."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PROCESSES = Path("/proc")
# The files of a limit and of what is used, in version 2, and in version 1 below its own hierarchy.
FILES = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))


def free_in_groups(process: int | str, root: Path = ROOT, processes: Path = PROCESSES) -> int | None:
    """The bytes that the narrowest limit leaves; None if no group has a limit, or if it is not known.

    Files that the kernel can give up count as free.
    """
    rooms = [room for folder in _groups(process, root, processes) if (room := _room(folder)) is not None]
    return min(rooms, default=None)


def _groups(process: int | str, root: Path, processes: Path) -> Iterator[Path]:
    """The folders of the groups of a process, with all groups around them."""
    with suppress(OSError):
        for line in (processes / str(process) / "cgroup").read_text("utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            hierarchy = root / "memory" if "memory" in controllers.split(",") else root
            if controllers and hierarchy == root:
                continue
            folder = hierarchy / path.strip("/")
            yield folder
            yield from (above for above in folder.parents if above.is_relative_to(hierarchy))


def _room(folder: Path) -> int | None:
    for limit_file, used_file in FILES:
        with suppress(OSError, ValueError):  # "max" is no number: there is no limit
            limit, used = (int((folder / file).read_text("ascii")) for file in (limit_file, used_file))
            return max(0, limit - used + _reclaimable(folder))
    return None


def _reclaimable(folder: Path) -> int:
    with suppress(OSError, ValueError):
        rows = dict(line.split(" ", 1) for line in (folder / "memory.stat").read_text("ascii").splitlines())
        return int(rows.get("total_inactive_file") or rows.get("inactive_file") or 0)
    return 0
