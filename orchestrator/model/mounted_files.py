"""Files of the scenario's folder that a node sees, read-only, in place of those of its image or of wirelab."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated

from orchestrator.model.language import Field
from orchestrator.model.values import formed

# What a node mounts read-only of its own files, and where.
FILES_AT = "/wirelab"
# What the engine and wirelab write for each node, and what the kernel has there.
TAKEN = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/proc", "/sys", "/dev")
# What is a folder on each machine (hier(7)).
FOLDERS = frozenset(
    f"/{name}"
    for name in (
        "bin", "boot", "etc", "home", "lib", "lib64", "media", "mnt", "opt", "root", "run", "sbin", "srv", "tmp", "usr",
        "usr/bin", "usr/lib", "usr/local", "usr/local/bin", "usr/sbin", "usr/share", "var", "var/lib", "var/log",
    )
)  # fmt: skip
# Where the programs of wirelab's images read how they are to work.
CONFIGURATION = (f"{FILES_AT}/", "/usr/lib/wirelab/")
MOST_FILES = 32
# How the file is called among the node's files: no file of a role has such a name.
PREFIX = "mounted-"

FilePath = Annotated[str, *formed(r"(/\.?[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*)+", "a path such as /etc/nginx/nginx.conf")]
MountedFiles = dict[FilePath, Annotated[str, Field(min_length=1)]]


def kept_as(target: str) -> str:
    """The name, among the node's files, of the file that the node sees at a path.

    Below /wirelab it takes the place of wirelab's own file.
    """
    path = PurePosixPath(target)
    if str(path.parent) == FILES_AT:
        return path.name
    return f"{PREFIX}{hashlib.sha256(target.encode()).hexdigest()[:8]}-{path.name}"


def mounts_of(files: Mapping[str, str]) -> dict[str, str]:
    """The name among the node's files of each file that needs a mount of its own -> where the node sees it."""
    return {name: target for target in files if (name := kept_as(target)).startswith(PREFIX)}
