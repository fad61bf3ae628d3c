"""How long it takes until nothing is left of a lab whose command, or whose test process, was killed by SIGKILL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import quote

from bare import Engine

ROOT = Path(__file__).resolve().parent.parent
GIVE_UP_SECONDS = 60
SUITE = """\
import pytest

@pytest.mark.lab("basic")
def test_it(lab):
    print("standing", flush=True)
    while True:
        pass
"""


def up_killed(wirelab: tuple[str, ...], lab: str, word: str, environ: Mapping[str, str]) -> float:
    """Seconds from SIGKILL, sent when `up` tells of a step with this word, until nothing of the lab is left."""
    argv = (*wirelab, "up", "basic", "--lab", lab)
    with subprocess.Popen(argv, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr
        for line in process.stderr:
            if b" ok " in line and word.encode() in line:
                break
        return _killed(process, environ)


def pytest_killed(folder: Path, environ: Mapping[str, str]) -> float:
    """The same for a pytest whose lab stands."""
    suite = folder / "test_killed.py"
    suite.write_text(SUITE)
    announced = any(entry_point.name == "wirelab" for entry_point in entry_points(group="pytest11"))
    plugin = () if announced else ("-p", "orchestrator.pytest_plugin")
    argv = (sys.executable, "-m", "pytest", *plugin, "-s", "-p", "no:cacheprovider", "--rootdir", str(folder), suite)
    path = os.pathsep.join(filter(None, (str(ROOT), environ.get("PYTHONPATH"))))
    with subprocess.Popen(
        argv, env={**environ, "PYTHONPATH": path}, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        if not any(b"standing" in line for line in process.stdout):
            raise SystemExit("the lab of the test process did not stand")
        return _killed(process, environ)


def _killed(process: subprocess.Popen[bytes], environ: Mapping[str, str]) -> float:
    process.kill()
    began = time.monotonic()
    while remaining := _remaining(environ):
        if time.monotonic() - began > GIVE_UP_SECONDS:
            raise SystemExit(f"left behind after {GIVE_UP_SECONDS} s: {remaining}")
        time.sleep(0.02)
    return time.monotonic() - began


def _remaining(environ: Mapping[str, str]) -> list[str]:
    """What the state folder names of runs and labs, and what the engine has of those runs.

    The file of a run goes last, when its clean-up has looked twice and found nothing.
    """
    state = Path(environ["WIRELAB_STATE"])
    runs = [path.name for path in (state / "runs").glob("*")]
    engine = Engine(environ["DOCKER_HOST"])
    names = [path.name for path in (state / "labs").glob("*")]
    for run in runs:
        wanted = quote(json.dumps({"label": [f"wirelab.run={run}"]}))
        names += [container["Id"] for container in engine.call("GET", f"/containers/json?all=1&filters={wanted}")]
        names += [network["Id"] for network in engine.call("GET", f"/networks?filters={wanted}")]
        names += [volume["Name"] for volume in engine.call("GET", f"/volumes?filters={wanted}")["Volumes"] or ()]
    return names
