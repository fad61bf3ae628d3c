"""`setup/programs` unpacks Docker Compose v2 once, where the system has none, and says so where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from doc_pages import ROOT

COMPOSE = "usr/libexec/docker/cli-plugins/docker-compose"
STUBS = {
    "chromium": "exit 0",
    "nft": "exit 0",
    "docker": "exit 1",
    "docker-compose": "echo 1.29.2",
    "apt-get": """
case "$*" in
*indextargets*) echo http://archive.example.net/debian/ ;;
*download*) echo "$*" >>"$CALLS"; touch docker-compose_2_all.deb ;;
*) echo "$*" >>"$CALLS" ;;
esac""",
    # As `dpkg-deb --extract FILE FOLDER`.
    "dpkg-deb": f"""
mkdir -p "$3/{os.path.dirname(COMPOSE)}"
printf '#!/bin/sh\\necho 2.26\\n' >"$3/{COMPOSE}"
chmod +x "$3/{COMPOSE}" """,
}
needs_debian = pytest.mark.skipif(
    "\nID=debian\n" not in (Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""),
    reason="only Debian has this package",
)


def programs(folder: Path, **changed: str) -> tuple[str, list[str], bool]:
    """Run it beside programs that answer so: what it said, what it asked of apt-get, whether Compose is unpacked."""
    calls, bin_folder = folder / "calls", folder / "bin"
    bin_folder.mkdir(exist_ok=True)
    for name, text in {**STUBS, **changed}.items():
        (bin_folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin_folder / name).chmod(0o755)
    (folder / "setup").mkdir(exist_ok=True)
    shutil.copy(ROOT / "setup/programs", folder / "setup/programs")
    calls.write_text("")
    environ = {"PATH": f"{bin_folder}:/usr/bin:/bin", "CALLS": str(calls)}
    done = subprocess.run((str(folder / "setup/programs"),), env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr, calls.read_text().splitlines(), os.access(folder / "build/programs/docker-compose", os.X_OK)


@needs_debian
def test_compose_is_unpacked_once_where_the_system_has_version_1(tmp_path: Path) -> None:
    said, asked, unpacked = programs(tmp_path)
    assert "unpacking Debian 13's docker-compose" in said
    assert (len(asked), unpacked) == (2, True)
    assert programs(tmp_path) == ("", [], True)


@pytest.mark.parametrize("changed", [{"docker": "echo v2.40"}, {"docker-compose": "echo v5.0.1"}])
def test_nothing_is_unpacked_where_compose_is_there(tmp_path: Path, changed: dict[str, str]) -> None:
    assert programs(tmp_path, **changed) == ("", [], False)


@needs_debian
@pytest.mark.parametrize("changed", [{"apt-get": "exit 1"}, {"dpkg-deb": "echo it is damaged >&2; exit 2"}])
def test_where_it_cannot_be_unpacked_the_tests_are_said_to_be_skipped(tmp_path: Path, changed: dict[str, str]) -> None:
    said, _, unpacked = programs(tmp_path, **changed)
    assert "could not be unpacked, so the tests of exported Compose files will be skipped" in said
    assert not unpacked
