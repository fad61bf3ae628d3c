"""A state folder of a bench's own, on the engine that wirelab uses with the user's."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WIRELAB = (sys.executable, "-m", "orchestrator")


def engine_url(wirelab: tuple[str, ...] = WIRELAB) -> str:
    """The engine that wirelab uses, from `wirelab engine env`."""
    done = subprocess.run((*wirelab, "engine", "env"), capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.strip().rpartition("DOCKER_HOST=")[2].strip("'\"")


@contextmanager
def own_state(lab: str) -> Iterator[None]:
    """Labs of this process and its commands do not meet the user's; at the end the basic lab of this name goes."""
    os.environ["DOCKER_HOST"] = engine_url()
    with tempfile.TemporaryDirectory() as state:
        os.environ["WIRELAB_STATE"] = state
        try:
            yield
        finally:
            subprocess.run((*WIRELAB, "down", "basic", "--lab", lab), check=False, capture_output=True, cwd=ROOT)
