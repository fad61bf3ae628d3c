"""The copies of a node's files on a member: packed here, and written there in place, so that mounts see the change."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.member_engine import PUT, MemberEngine, files_volume, pack
from orchestrator.lab.member_pin import copies_files, member_of, pin_lab
from orchestrator.planning.specs import Bind

pytestmark = pytest.mark.slow


def node_folder(place: Path, texts: dict[str, str]) -> Path:
    folder = place / "labs" / "shop" / "nodes" / "dns"
    (folder / "files").mkdir(parents=True, exist_ok=True)
    for stray in (folder / "files").iterdir():
        stray.unlink()
    for name, text in texts.items():
        (folder / "files" / name).write_text(text)
    (folder / "resolv.conf").write_text(f"nameserver 192.0.2.{len(texts)}\n")
    (folder / "record.json").write_text("{}")
    return folder


def put(folder: Path, there: Path) -> None:
    """What runs in the container, run here."""
    content = io.BytesIO()
    names = pack(folder, content)
    environ = {**os.environ, "FILES": str(there)}
    subprocess.run(("sh", "-c", PUT, "dns", *names), input=content.getvalue(), env=environ, check=True)


def test_what_the_node_mounts_is_packed_and_nothing_else(tmp_path: Path) -> None:
    content = io.BytesIO()
    assert pack(node_folder(tmp_path, {"zone": "a", "named.conf": "b"}), content) == ["named.conf", "zone"]
    content.seek(0)
    with tarfile.open(fileobj=content) as tar:
        assert sorted(tar.getnames()) == ["files", "files/named.conf", "files/zone", "resolv.conf"]


def test_a_change_keeps_the_inode_and_what_is_gone_here_is_gone_there(tmp_path: Path) -> None:
    there = tmp_path / "there"
    odd = {"with space": "1", "-dash": "2", "a'quote": "3", "kept": "4"}
    put(node_folder(tmp_path, {**odd, "gone": "5", ".hidden": "6"}), there)
    before = {path.name: path.stat().st_ino for path in (there / "dns").rglob("*") if path.is_file()}
    assert before.keys() == {*odd, "gone", ".hidden", "resolv.conf"}
    put(node_folder(tmp_path, {**odd, "kept": "changed", "new": "7"}), there)
    after = {path.name: path.stat().st_ino for path in (there / "dns").rglob("*") if path.is_file()}
    assert after.keys() == {*odd, "new", "resolv.conf"}
    assert all(after[name] == before[name] for name in (*odd, "resolv.conf"))
    assert (there / "dns" / "files" / "kept").read_text() == "changed"
    assert (there / "dns" / "resolv.conf").read_text() == "nameserver 192.0.2.5\n"


class Elsewhere(MemberEngine):
    """An engine of which only the folder of a volume is asked."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self._member = "big"
        self._labs = f"{state.labs}/"

    def volume_folder(self, volume: str) -> str:
        return f"/volumes/{volume}/_data"


def test_only_the_files_of_labs_that_are_copied_are_mounted_from_the_volume(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    pin_lab(state, "far", "big", copies=("big",))
    pin_lab(state, "near", "big")
    assert [(member_of(state, lab), copies_files(state, lab)) for lab in ("far", "near", "none")] == [
        ("big", True),
        ("big", False),
        ("", False),
    ]
    engine = Elsewhere(state)
    far = engine._there(Bind(f"{state.labs}/far/nodes/dns/resolv.conf", "/etc/resolv.conf"))
    assert far == Bind(f"/volumes/{files_volume('far')}/_data/dns/resolv.conf", "/etc/resolv.conf")
    for source in (f"{state.labs}/near/nodes/dns/files", "/srv/lab.pcapng", f"{state.labs}/far/other"):
        assert engine._there(Bind(source, "/x")).source == source
