"""`setup/engine-beside` starts nothing for a name that it does not know, and says what it wants."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from doc_pages import ROOT


@pytest.mark.parametrize(
    "words", [(), ("start", "podman-3", "FOLDER"), ("begin", "podman-5", "FOLDER"), ("start", "podman-5")]
)
def test_what_it_does_not_know_is_refused_with_the_usage(words: tuple[str, ...], tmp_path: Path) -> None:
    argv = [str(tmp_path / "e") if word == "FOLDER" else word for word in words]
    done = subprocess.run(
        (str(ROOT / "setup/engine-beside"), *argv), capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("setup/engine-beside start|stop docker-26|podman-5|podman-4 FOLDER")
    assert not (tmp_path / "e").exists()
