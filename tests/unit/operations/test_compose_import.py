"""A Compose file becomes a scenario that `validate` accepts, with a note for each thing that has no equal."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

import pytest
from compose_imports import COME_UP, FOLDER, NAMES, imported, notes_of
from damaged_files import PIECES
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import FileInvalid, UsageInvalid, WorldError
from orchestrator.operations.compose_import import FolderOnDisk, Imported, import_compose, write_scenario
from orchestrator.operations.scenario_library import load_scenario
from orchestrator.reading.compose.translation import Translation

SMALL = "services:\n  web: {image: 'python:3', command: python -m http.server, volumes: ['%s:/x']}\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_public_shape_becomes_a_scenario(name: str, tmp_path: Path) -> None:
    """`python tests/support/compose_imports.py` writes the notes anew."""
    made = imported(name, tmp_path / name)
    scenario = load_scenario(str(tmp_path / name)).reading.scenario
    assert notes_of(made) == (FOLDER / name / "notes.txt").read_text("utf-8")
    assert scenario.name == name
    # Each note stands in the scenario, too; some several times, where several nodes share what is noted.
    text = made.file.read_text("utf-8")
    assert all(str(note) in text for note in made.notes)
    # What comes up proves something; of what does not, the notes say why.
    assert scenario.checks or name not in COME_UP
    assert name in COME_UP or any(words in notes_of(made) for words in ("builds no image", "of its own"))


def test_at_least_ten_of_twenty_come_up() -> None:
    assert len(NAMES) == 20
    assert len(COME_UP) >= 10
    assert set(COME_UP) <= set(NAMES)


def import_text(text: str, folder: Path) -> Imported:
    source = folder / "from"
    source.mkdir(exist_ok=True)
    (source / "compose.yaml").write_text(text, "utf-8", errors="surrogateescape")
    return import_compose(source / "compose.yaml", folder / "shop", source)


def refusal(text: str, folder: Path) -> str:
    with pytest.raises((FileInvalid, UsageInvalid)) as raised:
        import_text(text, folder)
    assert not (folder / "shop").exists()
    error = raised.value
    return "\n".join(map(str, error.problems)) if isinstance(error, FileInvalid) else f"{error.what}: {error.why}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nodes: {}\n", "compose.yaml:1:1: a Compose file has a mapping `services`, with one service at least"),
        ("services: {}\n", "compose.yaml:1:1: a Compose file has a mapping `services`, with one service at least"),
        ("services: [a\n", "compose.yaml:1:11: the '[' that opens here needs a ',' or a ']'"),
        ("services:\n  a: {image: x}\n  a: {image: y}\n", "compose.yaml:3:3: services.a: the key 'a' is given twice; "
         "the first one is in line 2"),
    ],
)  # fmt: skip
def test_what_is_no_compose_file_is_told_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    assert refusal(text, tmp_path) == said


def test_what_the_language_refuses_is_not_written(tmp_path: Path) -> None:
    """Here an image whose name no engine knows."""
    said = refusal("services: {a: {image: 'UPPER CASE'}}\n", tmp_path)
    assert said.startswith("compose.yaml cannot become a scenario: nodes.a.image: ")


@pytest.mark.parametrize(
    "source", ["/etc/passwd", "../secret.txt", "link.txt", "folder", "large.txt", "binary", "pipe"]
)
def test_nothing_outside_of_the_folder_is_read(source: str, tmp_path: Path) -> None:
    """Nor through links, nor what is large, no text, or no file; each is noted, and the rest is made."""
    here = tmp_path / "from"
    here.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.txt").write_text("secret")
    (here / "link.txt").symlink_to(tmp_path / "secret.txt")
    (here / "folder").symlink_to(tmp_path / "elsewhere")
    (here / "large.txt").write_text("x" * (1024 * 1024 + 1))
    (here / "binary").write_bytes(b"\x00\xff")
    os.mkfifo(here / "pipe")
    made = import_text(SMALL % (source if source.startswith(("/", ".")) else f"./{source}"), tmp_path)
    assert any("volumes.0" in note.path for note in made.notes)
    assert [path.name for path in made.file.parent.rglob("*") if path.is_file()] == ["scenario.yaml"]
    assert "secret" not in "".join(path.name for path in made.file.parent.rglob("*"))


def test_a_file_of_the_folder_is_copied(tmp_path: Path) -> None:
    """The negative control of the test above."""
    here = tmp_path / "from"
    here.mkdir()
    (here / "page.txt").write_text("a page")
    made = import_text(SMALL % "./page.txt", tmp_path)
    assert (made.file.parent / "files" / "page.txt").read_text() == "a page"


def test_a_link_to_another_compose_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "compose.yaml").write_text(SMALL % "./x")
    (tmp_path / "from" / "compose.yaml").symlink_to(tmp_path / "compose.yaml")
    with pytest.raises(UsageInvalid, match="cannot be read"):
        import_compose(tmp_path / "from" / "compose.yaml", tmp_path / "shop", tmp_path)


def test_no_variable_of_this_process_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of somebody else could otherwise carry a secret away."""
    monkeypatch.setenv("TOKEN_OF_MINE", "secret")
    text = "services: {a: {image: alpine, environment: {A: '$TOKEN_OF_MINE', TOKEN_OF_MINE: }}}\n"
    made = import_text(text, tmp_path)
    assert "secret" not in made.file.read_text()
    assert len([note for note in made.notes if "TOKEN_OF_MINE" in note.message]) == 2


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    with pytest.raises(UsageInvalid) as raised:
        import_text(SMALL % "./x", tmp_path)
    assert raised.value.what == f"{tmp_path / 'shop'} is already there"
    assert raised.value.hint == f"-o {tmp_path / 'shop-2'}, or remove the folder first"
    assert list((tmp_path / "shop").iterdir()) == []


def test_what_cannot_be_written_whole_leaves_nothing(tmp_path: Path) -> None:
    """Here the second file cannot be made. Folders that the import made on its way are gone, too."""
    long = f"{'x' * 300}.txt"
    translation = Translation({}, {"a.txt": "a", long: "b"}, (), {})
    (tmp_path / "file").write_text("")
    with pytest.raises(WorldError, match="cannot write"):
        write_scenario(tmp_path / "deep" / "deeper" / "shop", "x", translation)
    with pytest.raises(UsageInvalid):
        write_scenario(tmp_path / "file" / "shop", "x", translation)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    made = write_scenario(tmp_path / "deep" / "deeper" / "shop", "x", Translation({}, {"d/a.txt": "a"}, (), {}))
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["deep/deeper/shop/d/a.txt", "deep/deeper/shop/scenario.yaml"]
    assert made.read_text("utf-8") == "x"


def test_a_name_that_no_scenario_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageInvalid) as raised:
        import_compose(FOLDER / "page" / "compose.yaml", tmp_path / "My_Shop", tmp_path)
    assert raised.value.hint == f"-o {tmp_path / 'my-shop'}"


def test_services_that_wait_for_each_other_are_told(tmp_path: Path) -> None:
    text = "services:\n  a: {image: alpine, depends_on: [b]}\n  b: {image: alpine, depends_on: [a]}\n"
    made = import_text(text, tmp_path)
    assert [str(note) for note in made.notes if "in turn" in note.message] == [
        "compose.yaml:3:3: services.b: a waits for it in turn"
    ]


def test_no_more_than_some_files_of_a_folder_are_looked_at(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number}.txt").write_text("x")
    assert len(FolderOnDisk(tmp_path).files_below(".")) == 64


@pytest.mark.slow
@given(st.sampled_from(NAMES), st.lists(st.tuples(st.floats(0, 1), st.sampled_from(PIECES)), max_size=3))
def test_a_damaged_file_is_told_or_becomes_a_valid_scenario(
    tmp_path_factory: pytest.TempPathFactory, name: str, damage: list[tuple[float, str]]
) -> None:
    """Whatever stands in it, nothing else is raised than what tells a person what is wrong."""
    text = (FOLDER / name / "compose.yaml").read_text("utf-8")
    for where, piece in damage:
        at = int(where * len(text))
        text = text[:at] + piece + text[at:]
    folder = tmp_path_factory.mktemp(secrets.token_hex(4))
    with suppress(FileInvalid, UsageInvalid):
        made = import_text(text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"), folder)
        load_scenario(str(made.file.parent))
