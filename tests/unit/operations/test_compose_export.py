"""The Compose file of a lab on the disk: the file, the files that it mounts, and who may read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_in_memory import IMAGES, InMemoryWorkspace

from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import UsageInvalid
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.secret_source import NOT_GENERATED
from orchestrator.operations.compose_export import export_compose
from orchestrator.operations.scenario_library import LoadedScenario, load_scenario

ROOT = Path(__file__).parents[3]


@pytest.fixture
def workspace(tmp_path: Path) -> InMemoryWorkspace:
    return InMemoryWorkspace(StateFolder(tmp_path / "state"), "fake", FakeEngine(list(IMAGES.values())))


@pytest.fixture(scope="module")
def basic() -> LoadedScenario:
    return load_scenario(str(ROOT / "scenarios" / "basic"))


def test_the_file_and_what_it_mounts_are_written(
    workspace: InMemoryWorkspace, basic: LoadedScenario, tmp_path: Path
) -> None:
    """Both nodes that know the password have the same one; the folder is closed, and below it all can be read."""
    export_compose(workspace, basic, None, tmp_path / "shop.yaml")
    folder = tmp_path / "shop-files"
    password = (folder / "db" / "files" / "password").read_text()
    assert "./shop-files/app/files" in (tmp_path / "shop.yaml").read_text()
    assert password == (folder / "app" / "files" / "password").read_text() != NOT_GENERATED
    assert (folder / "client" / "files").is_dir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o055 for path in folder.rglob("*") if path.is_dir()} == {0o055}
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o644}


def test_without_a_file_nothing_is_written(workspace: InMemoryWorkspace, basic: LoadedScenario, tmp_path: Path) -> None:
    assert "./compose-files/app/files" in export_compose(workspace, basic, None, None).text
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over_a_folder(workspace: InMemoryWorkspace, basic: LoadedScenario, tmp_path: Path) -> None:
    (tmp_path / "shop-files").mkdir()
    with pytest.raises(UsageInvalid) as raised:
        export_compose(workspace, basic, None, tmp_path / "shop.yaml")
    assert (raised.value.what, raised.value.hint) == (
        f"{tmp_path / 'shop-files'} is already there", "remove it, or name another file: -o shop-2.yaml",
    )  # fmt: skip
    assert not (tmp_path / "shop.yaml").exists()


def test_a_folder_that_is_not_there_is_told(
    workspace: InMemoryWorkspace, basic: LoadedScenario, tmp_path: Path
) -> None:
    with pytest.raises(UsageInvalid, match="cannot be written"):
        export_compose(workspace, basic, None, tmp_path / "nowhere" / "shop.yaml")
