"""Write a lab as a Compose file, with the files that its services mount."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid
from orchestrator.operations.output_file import replace_file

if TYPE_CHECKING:
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.rendering.compose import ComposeExport

DEFAULT_NAME = "compose.yaml"


def export_compose(
    workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, file: Path | None
) -> ComposeExport:
    """The lab as a Compose file: with the addresses and secrets that it has, or those that `up` would give it.

    Writes it to `file`, with the mounted files in a folder beside it; without `file` no secret is drawn, and nothing is
    written. Raises UsageInvalid where it cannot be written.
    """
    from orchestrator.lab.secret_source import PLACEHOLDER_SECRETS, RANDOM_SECRETS
    from orchestrator.rendering.compose import compose_export

    lab = workspace.lab(scenario, lab_name)
    observed = lab.observe(RANDOM_SECRETS if file else PLACEHOLDER_SECRETS)
    folder = mounted_folder(file or Path(DEFAULT_NAME))
    export = compose_export(lab.topology(observed), observed, folder.name)
    if file:
        _write_files(folder, export)
        replace_file(file, (export.text.encode(),))
    return export


def mounted_folder(file: Path) -> Path:
    """Where the files are that the services of this Compose file mount."""
    return file.with_name(f"{file.stem}-files")


def _write_files(folder: Path, export: ComposeExport) -> None:
    """Write the mounted files into a new folder. It is closed to other people: it holds passwords and private keys."""
    try:
        folder.mkdir(mode=0o700)
        for name in export.folders:
            # Readable below the closed folder: a service runs as another user than we are.
            for mounted in (folder.parent / name).parent, folder.parent / name:
                mounted.mkdir()
                mounted.chmod(0o755)
        for name, text in export.files.items():
            path = folder.parent / name
            path.write_text(text, encoding="utf-8", errors="surrogateescape")
            path.chmod(0o644)
    except FileExistsError as error:
        why = "the files of an earlier export may be in it, or other ones"
        hint = f"remove it, or name another file: -o {folder.name.removesuffix('-files')}-2.yaml"
        raise UsageInvalid(f"{folder} is already there", why=why, hint=hint) from error
    except OSError as error:
        raise UsageInvalid(f"{folder} cannot be written", why=error.strerror or str(error)) from error
