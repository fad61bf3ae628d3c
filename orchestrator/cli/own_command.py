"""How this program is called from the terminal in which it runs, for commands that a person is to type."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from shlex import quote


def own_command(*, in_new_terminal: bool = False) -> str:
    """`wirelab`, or its path: the virtual environment that `make` creates is not in PATH until somebody activates it.

    An activated environment is in the PATH of this terminal, and not in that of a new one.
    """
    own = Path(sys.prefix) / "bin" / "wirelab"
    if not sys.prefix.endswith(".venv") or (not in_new_terminal and shutil.which("wirelab") == str(own)):
        return "wirelab"
    return quote(str(own.relative_to(Path.cwd()) if own.is_relative_to(Path.cwd()) else own))
