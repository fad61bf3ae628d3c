"""Resources of a node that are used up: what is read inside the node, and the sentences about it."""

from __future__ import annotations

from typing import Any, Literal

from orchestrator.quick_dataclass import dataclass

# A program cannot write a whole page of PostgreSQL into less.
FULL_KIB = 8
MIB = 1024
# Builtins of the shell alone, and df(1) in the shell's place: a node may have no further process. The kernel counts
# what it ended for want of memory, in version 1 and 2 of control groups. A program is named that has as many open
# descriptors as it may have (proc_pid_limits(5)).
SCRIPT = """\
for f in /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events; do
  [ -r "$f" ] && while read -r key value; do [ "$key" = oom_kill ] && echo "killed $value"; done <"$f"
done
for f in /sys/fs/cgroup/pids /sys/fs/cgroup; do
  [ -r "$f/pids.max" ] && read -r most <"$f/pids.max" && read -r now <"$f/pids.current" && echo "processes $now $most"
done
for p in /proc/[0-9]*; do
  set -- "$p"/fd/*
  [ -L "$1" ] && [ -r "$p/limits" ] || continue
  while read -r a b c soft rest; do [ "$a $b $c" = "Max open files" ] && break; done <"$p/limits"
  case $soft in *[!0-9]* | '') continue ;; esac
  [ "$#" -ge "$soft" ] && read -r name <"$p/comm" && echo "open $# $soft ${p#/proc/} $name"
done 2>/dev/null
exec df -Pk 2>/dev/null"""
ARGV = ("sh", "-c", SCRIPT)
# SCRIPT itself is a process, which could start another one below the limit.
OWN = 1
ENGINE_DISK = "the engine's disk"
# What the kernel shows of itself; nothing is written there.
KERNEL_FOLDERS = ("/dev", "/proc", "/sys")


@dataclass(frozen=True)
class Exhausted:
    """A resource of which a node has no more.

    `used` counts ended programs (memory), processes, KiB (disk) or descriptors; `limit` is in MiB (memory), processes,
    KiB or descriptors. `where` is the folder that is full, or the program that has no further descriptor.
    Memory is what happened since the node's last start; the others are so now.
    """

    resource: Literal["memory", "processes", "disk", "descriptors"]
    used: int
    limit: int
    where: str = ""

    def fact(self) -> str:
        """In a few words, for a table."""
        match self.resource:
            case "memory":
                return "out of memory"
            case "processes":
                return f"no process left ({self.used} of {self.limit})"
            case "disk":
                return f"{self.where} is full"
            case "descriptors":
                return f"no descriptor left in {self.where}"

    def reason(self, node: str) -> str:
        """Why something could not be done in a node."""
        return f"{node} has {self.fact()}"

    def sentence(self, node: str) -> str:
        """What a person must know: the node, the resource, its limit, and what follows. Without a full stop."""
        match self.resource:
            case "memory":
                programs = "a program" if self.used == 1 else f"{self.used} programs"
                why = f"that wanted more than its {self.limit} MiB (limits: memory)"
                return f"The node {node} was out of memory: the kernel ended {programs} {why}"
            case "processes":
                count = f"{self.used} of {self.limit} processes and threads run (limits: pids)"
                return f"The node {node} has no process left: {count}, and a shell can start no program"
            case "disk":
                return (
                    f"The disk of the node {node} is full: {self.where} holds {_size(self.limit)}, and nothing is free"
                )
            case "descriptors":
                count = f"{self.used} of {self.limit} are open (ulimit -n)"
                follows = "it opens no further file or socket"
                return f"The program {self.where} in {node} has no descriptor left: {count}, and {follows}"

    def document(self) -> dict[str, Any]:
        """As it stands in `wirelab ps --json`."""
        return {"resource": self.resource, "used": self.used, "limit": self.limit, "where": self.where or None}


def read_exhausted(text: str, memory_limit: int) -> tuple[Exhausted, ...]:
    """What SCRIPT printed of a node that may have so many MiB of memory."""
    exhausted: list[Exhausted] = []
    for line in text.splitlines():
        match line.split():
            case ("killed", count) if int(count):
                exhausted.append(Exhausted("memory", int(count), memory_limit))
            case ("processes", running, limit) if limit.isdigit() and int(running) >= int(limit):
                exhausted.append(Exhausted("processes", min(int(running) - OWN, int(limit)), int(limit)))
            case ("open", used, limit, process, *name):
                exhausted.append(Exhausted("descriptors", int(used), int(limit), f"{' '.join(name)} ({process})"))
            case (kind, size, _used, available, share, *folder) if share.endswith("%") and int(available) < FULL_KIB:
                if where := _written_folder(kind, " ".join(folder)):
                    exhausted.append(Exhausted("disk", int(size), int(size), where))
    return tuple(exhausted)


def _written_folder(kind: str, folder: str) -> str:
    """How a full file system is named; empty where no program writes."""
    if folder != "/dev/shm" and folder.startswith(KERNEL_FOLDERS):
        return ""
    return folder if kind in ("tmpfs", "shm") else ENGINE_DISK


def _size(kib: int) -> str:
    return f"{kib // MIB} MiB" if kib >= MIB else f"{kib} KiB"
