"""The Compose files of `tests/compose_files`, and what wirelab says of each: `notes.txt` beside it.

`python tests/support/compose_imports.py` (with the repository on PYTHONPATH) writes the notes anew; read the difference
before you commit it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from orchestrator.operations.compose_import import Imported, import_compose

FOLDER = Path(__file__).parents[1] / "compose_files"
NAMES = tuple(sorted(file.parent.name for file in FOLDER.glob("*/compose.yaml")))
# Their images are at hand, or wirelab's own roles stand in for them: they come up on a machine without a registry.
COME_UP = (
    "addresses", "aliases", "job-after-server", "long-syntax", "page", "replicas", "reverse-proxy", "seeded-database",
    "shared-settings", "static-site", "three-tiers", "tuned-database",
)  # fmt: skip


def imported(name: str, folder: Path) -> Imported:
    """The scenario of a Compose file, written to a folder that is not there yet."""
    return import_compose(FOLDER / name / "compose.yaml", folder, FOLDER / name)


def notes_of(made: Imported) -> str:
    return "".join(f"{note}\n" for note in made.notes)


def rewrite() -> None:
    """Write the notes anew."""
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            (FOLDER / name / "notes.txt").write_text(notes_of(imported(name, Path(folder) / name)), "utf-8")


if __name__ == "__main__":
    rewrite()
