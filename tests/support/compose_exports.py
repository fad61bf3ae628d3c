"""The scenarios of this checkout as Compose files: `tests/unit/rendering/compose_files/NAME.yaml`.

The images are called by their names alone, for their tags change with their files. `python
tests/support/compose_exports.py` (with the repository and tests/support on PYTHONPATH) writes the files anew; read the
difference before you commit it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import library

from orchestrator.engine.fake import FakeEngine
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.lab import Lab
from orchestrator.lab.settings import Settings
from orchestrator.rendering.compose import ComposeExport, compose_export

GOLDEN = Path(__file__).parents[1] / "unit" / "rendering" / "compose_files"


def export_of(name: str, state: Path) -> ComposeExport:
    """The scenario as a Compose file, with its addresses where nothing else is; `state` is an empty folder."""
    reading = library.loaded(name).reading
    settings = Settings(images=lambda names: {image: f"wirelab/{image}" for image in names}, routes=tuple)
    lab = Lab(FakeEngine([]), StateFolder(state), name, reading.scenario, reading.texts, settings)
    observed = lab.observe()
    return compose_export(lab.topology(observed), observed, "compose-files")


def rewrite() -> None:
    """Write the files anew."""
    GOLDEN.mkdir(exist_ok=True)
    for name in library.NAMES:
        with tempfile.TemporaryDirectory() as state:
            (GOLDEN / f"{name}.yaml").write_text(export_of(name, Path(state)).text, "utf-8")


if __name__ == "__main__":
    rewrite()
