"""Starts and ends the private engine through `sudo` for a person who is not root but may become it without password.

One command of ours runs as root and does the whole work; nothing else is done with its rights. What it says is passed
on line by line, and its three-line error becomes our error.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from orchestrator.errors import LEFTOVERS, EngineMissing, Leftovers
from orchestrator.host.state_folder import StateFolder

Notify = Callable[[str], None]
# What the engine and apt need to reach the world as this user does; sudo would drop them.
_PASSED = (
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip


def may_become_root(sudo: str = "sudo") -> bool:
    """Whether sudo lets this user in without asking anything."""
    try:
        done = subprocess.run((sudo, "-n", "true"), capture_output=True, timeout=15, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def engine_as_root(
    words: Sequence[str], state: StateFolder, environ: Mapping[str, str], notify: Notify, sudo: str = "sudo"
) -> None:
    """Run `wirelab engine WORDS` as root on this user's state folder. Raises what it raised."""
    state.private(state.engine)  # made by us first, so that the state folder stays this user's
    package = str(Path(__file__).parents[3])
    search = os.pathsep.join(filter(None, (package, environ.get("PYTHONPATH"))))
    values = {name: environ[name] for name in _PASSED if name in environ}
    values |= {"WIRELAB_STATE": str(state.root), "PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1"}
    pairs = (f"{name}={value}" for name, value in values.items())
    argv = (sudo, "-n", "env", *pairs, sys.executable, "-m", "orchestrator", "engine", *words)
    error: dict[str, str] = {}
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=os.sep
    ) as running:
        for line in running.stderr or ():
            word, _, rest = line.rstrip().partition(":")
            if word in ("error", "why", "try"):
                error[word] = rest.strip()
            else:
                notify(line.rstrip())
    if running.returncode != 0:
        kind = Leftovers if running.returncode == LEFTOVERS else EngineMissing
        what = error.get("error", "the part of wirelab that runs as root failed")
        why = error.get("why", f"it ended with exit code {running.returncode}")
        raise kind(what, why=why, hint=error.get("try", ""))
