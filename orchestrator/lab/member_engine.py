"""The engine of a member. Where it does not see this machine's files, the nodes mount copies of them.

The copies are in a volume of the lab on the member, filled by a short-lived container of ours. Before Engine 26 no
mount can name a single file of a volume, such as resolv.conf. So each mount names the path that the volume has on the
member's machine, in the place of the folder here.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from typing import IO

from orchestrator.engine.docker import DockerEngine
from orchestrator.errors import FileUnseen, NotFound, WorldError, doctor_command
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.member_pin import copies_files
from orchestrator.planning import labels
from orchestrator.planning.snapshot import RESOLVER_FILE
from orchestrator.planning.specs import Bind, ContainerSpec, NamedVolume

FILES_AT = "/lab-files"
LONGEST_SECONDS = 60
# In place, as the lab's folder here is written: a container goes on seeing the inode that it has mounted. What is no
# longer there goes.
PUT = r"""
set -e
mkdir -p "$FILES/$0/files"; cd "$FILES/$0"
tar --extract --overwrite --no-same-owner --file -
cd files
for file in * .[!.]*; do
  kept=; for name in "$@"; do if [ "$file" = "$name" ]; then kept=1; fi; done
  [ "$kept" ] || rm -rf -- "$file"
done
"""


def files_volume(lab: str) -> str:
    """The volume with the copies of a lab's files. No node's name holds a dot."""
    return labels.name_of(lab, ".files")


class MemberEngine(DockerEngine):
    """An engine that is a member's: labs whose files are copied there mount the copies."""

    def __init__(self, url: str, state: StateFolder, member: str = "") -> None:
        super().__init__(url, member)
        self._state = state
        # As the specs have the paths (`Lab.observe`).
        self._labs = os.fsencode(state.labs).decode(errors="surrogateescape") + "/"

    def make_container(self, spec: ContainerSpec) -> str:
        return super().make_container(replace(spec, binds=tuple(map(self._there, spec.binds))))

    def _there(self, bind: Bind) -> Bind:
        lab, nodes, below = bind.source.removeprefix(self._labs).partition("/nodes/")
        if not bind.source.startswith(self._labs) or not nodes or not copies_files(self._state, lab, self._member):
            return bind
        try:
            return Bind(f"{self.volume_folder(files_volume(lab))}/{below}", bind.target)
        except NotFound as error:
            what = f"the copies of the files of the lab {lab!r} are gone from its member {self._member!r}"
            raise FileUnseen(what, why=error.why or error.what, hint=f"wirelab reset {lab}") from error

    def put_files(self, node_folder: Path, own: Mapping[str, str], image: str) -> None:
        """Make the copies of a node's files just what its folder here holds.

        `own` are the labels of the lab's things, `image` one of ours. Raises WorldError with what tar said.
        """
        lab, node = own[labels.LAB], node_folder.name
        volume = NamedVolume(files_volume(lab), FILES_AT, {**own, labels.FILES: "on"})
        spec = ContainerSpec(
            name=labels.name_of(lab, f"{node}-files-{token_hex(3)}"),
            image=image,
            labels={**own, labels.NODE: node, labels.SIDECAR: "files"},
            member=self._member,
            command=("sleep", str(LONGEST_SECONDS)),
            user="0",
            environment={"FILES": FILES_AT},
            volumes=(volume,),
        )
        carrier = super().make_container(spec)
        try:
            self.start(carrier)
            with tempfile.TemporaryFile() as tar:
                names = pack(node_folder, tar)
                self._put(carrier, ("sh", "-c", PUT, node, *names), tar, node)
        finally:
            with suppress(NotFound):
                self.remove_container(carrier)

    def _put(self, carrier: str, argv: Sequence[str], tar: IO[bytes], node: str) -> None:
        tar.seek(0)
        written: list[bytes] = []
        code = self.attached(carrier, argv, lambda _stream, piece: written.append(piece), tar.fileno())
        if code != 0:
            why = b"".join(written).decode("utf-8", "replace").strip()[-500:] or f"it ended with exit code {code}"
            what = f"the files of {node!r} could not be copied to the member {self._member!r}"
            raise WorldError(what, why=why, hint=doctor_command(self._member))


def open_member_engine(url: str, state: StateFolder, member: str) -> MemberEngine:
    """The engine of a member at `url`, by what it says that it speaks; without a member that in use.

    Raises EngineMissing.
    """
    engine = MemberEngine(url, state, member)
    if not engine.speaks_libpod:
        return engine
    from orchestrator.engine.podman.engine import PodmanEngine

    class PodmanMemberEngine(MemberEngine, PodmanEngine):
        """The same of Podman, whose capabilities stand behind ours."""

    engine.close()
    return PodmanMemberEngine(url, state, member)


def pack(node_folder: Path, target: IO[bytes]) -> list[str]:
    """Write what a node mounts to `target` as a tar file; the names of the files in its folder `files`."""
    names = sorted(file.name for file in (node_folder / "files").glob("*"))
    with tarfile.open(fileobj=target, mode="w") as tar:
        tar.add(node_folder / "files", "files")
        if (node_folder / RESOLVER_FILE).is_file():
            tar.add(node_folder / RESOLVER_FILE, RESOLVER_FILE)
    return names
