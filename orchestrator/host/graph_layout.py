"""Runs the layout engine: Graphviz's `dot`, in the version that the package pygraphviz brings with it.

It runs in a process of its own: it is a large library in C, which may crash, hang, or write about fonts.
"""

from __future__ import annotations

import os
import subprocess
import sys

from orchestrator.errors import LayoutMissing

SECONDS = 60.0
PROGRAM = """\
import sys
import pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format="json", prog="dot"))
"""


def lay_out(text: str, python: str = sys.executable, seconds: float = SECONDS) -> str:
    """Graphviz's JSON for a graph in its own language. Raises LayoutMissing.

    No fonts are looked for: the sizes of all boxes are given, and so the same text has the same layout everywhere.
    """
    environ = {**os.environ, "FONTCONFIG_FILE": os.devnull}
    try:
        done = subprocess.run(
            (python, "-c", PROGRAM), input=text.encode(), capture_output=True, timeout=seconds, env=environ, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _missing(f"it did not end within {seconds:.0f} s") from error
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise _missing(last[0] if last else f"it ended with exit code {done.returncode}")
    return done.stdout.decode()


def _missing(why: str) -> LayoutMissing:
    return LayoutMissing(
        "the picture cannot be drawn: the layout engine does not work here",
        why=why,
        hint="pip install 'wirelab[pictures]' (in a checkout: pip install -e '.[pictures]'), or --format mermaid",
    )
