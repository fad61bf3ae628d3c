"""`open_lab` on a real engine, in a thread of a process that knows no pytest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lab_bench import Engine
from suites import SMALL

SCRIPT = """\
import sys, threading
from orchestrator import ChecksFailed, open_lab

def work():
    with open_lab("small.yaml") as lab:
        lab.prove()
        answer = lab.node("client").run("dig", "+short", "client.shop.lab")
        print("address", answer.out.strip() == lab.address("client"))
        print("logs", bool(lab.logs("dns")), "story", lab.trace("dig", "client.shop.lab").story.began is not None)
        fault_id = lab.inject("stop", "dns")
        try:
            lab.prove()
        except ChecksFailed as error:
            print(error)
        lab.heal(fault_id)
        lab.prove("The name")
    print("pytest", "pytest" in sys.modules)

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def test_a_script_uses_a_lab_in_a_thread(engine: Engine, tmp_path: Path) -> None:
    """It is proved, broken, explained, healed, and gone at the end, with its run."""
    (tmp_path / "small.yaml").write_text(SMALL)
    state = tmp_path / "state"
    environ = {**engine.environ, "WIRELAB_STATE": str(state)}
    done = subprocess.run(
        (sys.executable, "-c", SCRIPT),
        env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["address True", "logs True story True"]
    assert "- The name is known (fail)" in lines
    assert any(line.startswith("  cause: ") and "dns" in line for line in lines)
    assert lines[-1] == "pytest False"
    assert [path.name for folder in ("labs", "runs") for path in (state / folder).glob("*")] == []
