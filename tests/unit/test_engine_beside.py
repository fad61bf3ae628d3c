"""`setup/engine-beside` starts nothing for a name that it does not know, and says what it wants."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from doc_pages import ROOT


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("start", "podman-3", "FOLDER"),
        ("start", "podman-5-user", "FOLDER"),
        ("begin", "podman-5", "FOLDER"),
        ("start", "podman-5"),
    ],
)
def test_what_it_does_not_know_is_refused_with_the_usage(words: tuple[str, ...], tmp_path: Path) -> None:
    argv = [str(tmp_path / "e") if word == "FOLDER" else word for word in words]
    done = subprocess.run(
        (str(ROOT / "setup/engine-beside"), *argv), capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("setup/engine-beside start|stop docker-26|podman-5|podman-4[-rootless] FOLDER")
    assert not (tmp_path / "e").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_rootless_engine_needs_a_folder_of_an_ordinary_user(tmp_path: Path) -> None:
    argv = (str(ROOT / "setup/engine-beside"), "start", "podman-5-rootless", str(tmp_path))
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (3, "")
    assert "does not belong to an ordinary user" in done.stderr
    assert list(tmp_path.iterdir()) == []
