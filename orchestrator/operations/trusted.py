"""Which scenario files are trusted: they may have images that run as root, and make a very large lab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from orchestrator.host.bundled_files import bundled_files

if TYPE_CHECKING:
    from orchestrator.operations.scenario_library import LoadedScenario

VARIABLE = "WIRELAB_TRUSTED"


def is_trusted(scenario: LoadedScenario, environ: Mapping[str, str]) -> bool:
    """Whether it came with wirelab, or the variable trusts all files. `up --trusted` trusts one file."""
    library = bundled_files("scenarios").resolve()
    return environ.get(VARIABLE, "") not in ("", "0") or scenario.folder.resolve().parent == library
