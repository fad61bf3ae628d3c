"""Fetch the scenario of an address, let somebody decide, and keep it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.source import source_of
from orchestrator.operations.remote_scenarios.address import ScenarioAddress
from orchestrator.operations.remote_scenarios.archive import Archive
from orchestrator.operations.remote_scenarios.download import download
from orchestrator.operations.remote_scenarios.expiry import expire, mark_used
from orchestrator.operations.remote_scenarios.git_repository import fetch_commit
from orchestrator.operations.remote_scenarios.kept import KeptScenarios
from orchestrator.operations.scenario_library import FILE, LoadedScenario, load_scenario

MOST_NAMED = 20


@dataclass(frozen=True)
class FetchedScenario:
    """A scenario that the user has not yet agreed to. `pin` identifies the content that holds it."""

    address: ScenarioAddress
    pin: str
    loaded: LoadedScenario

    @property
    def pinned_address(self) -> str:
        """What to type to get exactly this content again."""
        return self.address.pinned(self.pin)


@dataclass(frozen=True)
class _Tree:
    """Folders with scenarios: kept already, or to be kept under the pin."""

    folder: Path
    pin: str
    is_kept: bool


def obtain_scenario(
    state: StateFolder,
    address: ScenarioAddress,
    folder: str | None,
    lab_name: str | None,
    decide: Callable[[FetchedScenario], None],
    notify: Callable[[str], None],
) -> LoadedScenario:
    """The scenario of an address, as kept in the state folder; `folder` says which one, if there are several.

    `decide` raises an error if the scenario must not be used. Then nothing is kept, as after any other error.
    """
    kept = KeptScenarios(state)
    with _tree_of(kept, address, notify) as tree:
        place = _chosen(tree.folder, address, folder)
        loaded = load_scenario(str(tree.folder / place / FILE), cwd=tree.folder)
        _require_own_lab(state, lab_name or loaded.reading.scenario.name, kept.place(tree.pin) / place / FILE)
        decide(FetchedScenario(address, tree.pin, loaded))
        files = tree.folder if tree.is_kept else kept.keep(tree.folder, tree.pin, address.url)
        mark_used(files.parent)
        expire(state, kept.folder)
    return load_scenario(str(files / place / FILE))


def _require_own_lab(state: StateFolder, lab_name: str, file: Path) -> None:
    """Raise UsageInvalid if a lab of that name was made from another file, because its nodes would be replaced."""
    source = source_of(state, lab_name)
    if source and source.file != str(file):
        raise UsageInvalid(
            f"the lab {lab_name!r} is made from another file",
            why=f"it was made from {source.file}",
            hint="give the new one another name: --lab NAME",
        )


@contextmanager
def _tree_of(kept: KeptScenarios, address: ScenarioAddress, notify: Callable[[str], None]) -> Iterator[_Tree]:
    if address.pin and (files := kept.find(address.pin)):
        notify(f"{address.url} was fetched before, and is taken from {files.parent}")
        yield _Tree(files, address.pin, is_kept=True)
        return
    with kept.staging() as part:
        notify(f"fetching {address.url}")
        archive, tree = part / "archive", part / "files"
        if address.is_git:
            pin = f"git-{fetch_commit(address, part / 'repository', archive)}"
        else:
            pin = f"sha256-{download(address, archive)}"
            _require_pinned(address, pin)
        tree.mkdir()
        Archive(archive, address.url).unpack_scenarios(tree)
        yield _Tree(tree, pin, is_kept=False)


def _require_pinned(address: ScenarioAddress, pin: str) -> None:
    if address.pin and address.pin != pin:
        raise WorldError(
            f"{address.url} has another hash than --hash says",
            why=f"its hash is {pin.replace('-', ':')}, and not {address.pin.replace('-', ':')}",
            hint="ask who gave you the hash; the file may have been changed, or made anew",
        )


def _chosen(tree: Path, address: ScenarioAddress, wanted: str | None) -> PurePosixPath:
    """The folder of the scenario: the only one, or the one whose path ends with what is wanted."""
    folders = sorted(PurePosixPath(file.parent.relative_to(tree).as_posix()) for file in tree.rglob(FILE))
    parts = PurePosixPath(wanted.strip("/")).parts if wanted else ()
    fitting = [folder for folder in folders if not parts or folder.parts[-len(parts) :] == parts]
    if wanted and (exact := PurePosixPath(wanted)) in folders:
        return exact
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(map(str, (fitting or folders)[:MOST_NAMED])) + (", …" if len(folders) > MOST_NAMED else "")
    if not fitting:
        what, why = f"{address.url} has no scenario in a folder {wanted!r}", f"it has scenarios in: {names}"
        raise UsageInvalid(what, why=why, hint=f"--folder {folders[0]}")
    what, why = f"{address.url} holds {len(fitting)} scenarios", f"they are in the folders {names}"
    raise UsageInvalid(what, why=why, hint=f"--folder {fitting[0]}")
