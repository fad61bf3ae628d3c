"""A new layer of `why` is a file in diagnosis/layers/ and its place in LAYERS (CONTRIBUTING, "How to add")."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYER = '''\
"""Path MTU: whether a large packet gets through."""

from orchestrator.checks.probes import RunProgram
from orchestrator.diagnosis.layer_probe import ConnectionAttempt, LayerProbe, LayerReading, LayerReadings, ran_or_reason


def _ping(attempt: ConnectionAttempt) -> RunProgram:
    return RunProgram(attempt.asker, ("ping", "-M", "do", "-s", "1400", str(attempt.address)))


def _read(attempt: ConnectionAttempt, results: dict) -> LayerReading:
    readings, result = LayerReadings(), ran_or_reason(results[_ping(attempt)])
    if isinstance(result, str):
        readings.not_probed.append(result)
    elif result.exit_code:
        sentence = f"No large packet gets from {attempt.asker} to {attempt.target_name}."
        readings.broken("large packets are lost", sentence, attempt.commands.ps(), "answer")
    else:
        readings.held.append("large packets get through")
    return readings.result()


PATH_MTU = LayerProbe(
    "path_mtu",
    "path MTU",
    lambda attempt: (_ping(attempt),),
    _read,
    needed=lambda attempt: attempt.address is not None,
    depends_on=("tcp",),
)
'''
WALK = """\
from orchestrator.checks.probes import ProgramResult
from walk_harness import far, program, tcp, walked

LOST = program("ping", ProgramResult(1, "", "message too long"))
SILENT = program("curl", ProgramResult(28, "", "curl: (28) timed out"))
CHECK = {"from_": "client", "http": "http://app-1.shop.lab/"}
for rules in ((), (LOST, SILENT), (LOST, tcp("Connection refused"))):
    lab = far()
    lab.rules += rules
    walk = walked(lab, **CHECK)
    verdicts = [f"{layer.title}: {layer.verdict}" for layer in walk.layers if layer.name == "path_mtu"]
    print(*verdicts or ["no such layer"])
    print(walk.broken.name if walk.broken else None, walk.sentence)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with a copy of the program."""
    shutil.copytree(ROOT / "orchestrator", tmp_path / "orchestrator", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def add_layer(program: Path) -> None:
    layers = program / "orchestrator" / "diagnosis" / "layers"
    (layers / "path_mtu.py").write_text(LAYER, "utf-8")
    listed = (layers / "__init__.py").read_text("utf-8")
    line = "from orchestrator.diagnosis.layers.path_mtu import PATH_MTU\n"
    listed = listed.replace(
        "from orchestrator.diagnosis.layers.resolver", f"{line}from orchestrator.diagnosis.layers.resolver"
    )
    (layers / "__init__.py").write_text(listed.replace("TCP, TLS, ANSWER)", "TCP, PATH_MTU, TLS, ANSWER)"), "utf-8")


def walks(program: Path) -> list[str]:
    path = os.pathsep.join((str(program), str(ROOT / "tests" / "support")))
    environment = {**os.environ, "PYTHONPATH": path, "WIRELAB_STATE": str(program / "state")}
    argv = [sys.executable, "-c", WALK]
    done = subprocess.run(argv, cwd=program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_file_and_its_place_add_a_layer(program: Path) -> None:
    """The layer is asked where it is needed; it explains the answer, and the connection before it explains it."""
    add_layer(program)
    held, _, lost, cause, explained, earlier = walks(program)
    assert held == "path MTU: pass"
    assert (lost, cause) == ("path MTU: fail", "path_mtu No large packet gets from client to app-1.")
    assert explained == "path MTU: fail"
    assert earlier.startswith("tcp ")


@pytest.mark.slow
def test_without_its_place_there_is_no_such_layer(program: Path) -> None:
    assert walks(program)[0] == "no such layer"
