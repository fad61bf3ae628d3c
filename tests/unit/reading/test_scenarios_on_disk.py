"""Scenarios are found by name or by path; what cannot be read is told; the commands that print the language."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from orchestrator.cli import help as help_
from orchestrator.cli import new, schema, validate
from orchestrator.errors import FileInvalid, UsageInvalid, WirelabError
from orchestrator.operations.lessons.files import load_lesson
from orchestrator.operations.scenario_library import all_scenarios, find_scenario, load_scenario

GOOD = "name: {0}\ntitle: The {0} one\nnodes: {{c: {{role: client}}}}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the scenarios `one` and `broken`, in which we stand."""
    for name, text in (("one", GOOD.format("one")), ("broken", "title: Half of a\nnodes: [")):
        (tmp_path / "scenarios" / name).mkdir(parents=True)
        (tmp_path / "scenarios" / name / "scenario.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: click.Command, *arguments: str) -> int:
    """The exit code of a command; errors come out as they are."""
    result = command.main(list(arguments), standalone_mode=False)
    return result if isinstance(result, int) else 0


@pytest.mark.parametrize("name", ["one", "scenarios/one", "scenarios/one/", "./scenarios/one/scenario.yaml"])
def test_a_scenario_is_found_by_name_folder_and_file(here: Path, name: str) -> None:
    """All four ways lead to the same file, which is shown as seen from here."""
    loaded = load_scenario(name, here)
    assert loaded.reading.scenario.name == "one"
    assert loaded.folder == here / "scenarios" / "one"
    assert loaded.file == "scenarios/one/scenario.yaml"


def test_a_name_is_looked_for_in_the_folders_above(here: Path) -> None:
    """From deep inside a project its scenarios have their names; without a name it is the one where we stand."""
    deep = here / "scenarios" / "one"
    assert find_scenario("one", deep / "sub") == deep / "scenario.yaml"
    assert find_scenario(None, deep) == deep / "scenario.yaml"


def test_wirelabs_own_scenarios_have_names_everywhere(here: Path) -> None:
    """`basic` is found from any folder."""
    assert load_scenario("basic", here).reading.scenario.name == "basic"


def test_the_list_has_titles_also_of_broken_files(here: Path) -> None:
    """One broken file does not hide the others, nor itself."""
    listed = dict(all_scenarios(here))
    assert listed["one"] == "The one one"
    assert listed["broken"] == "Half of a"
    assert "basic" in listed


def test_a_mistyped_name_is_answered_with_the_nearest_one(here: Path) -> None:
    """And with nothing else: a list of all scenarios would hide it."""
    with pytest.raises(UsageInvalid) as caught:
        find_scenario("onee", here)
    assert (caught.value.why, caught.value.hint) == ("", "did you mean 'one'?")


@pytest.mark.parametrize("name", [None, "", "a\0b", "x" * 5000])
def test_an_unknown_name_is_answered_with_the_list(here: Path, name: str | None) -> None:
    """Where no scenario has a name like it, the answer is the scenarios with their titles."""
    with pytest.raises(UsageInvalid) as caught:
        find_scenario(name, here)
    assert re.search(r"one +The one one", caught.value.why)


def test_what_cannot_be_read_is_told_before_anything_is_made(here: Path) -> None:
    """A folder, a missing file, bytes that are no text, a pipe: each with its reason."""
    (here / "latin.yaml").write_bytes(b"name: a\ntitle: caf\xe9\n")
    os.mkfifo(here / "pipe.yaml")
    told = {}
    for name in ("scenarios", "nothing.yaml", "latin.yaml", "pipe.yaml"):
        with pytest.raises(UsageInvalid) as caught:
            load_scenario(name, here)
        told[name] = f"{caught.value.what}: {caught.value.why}"
    assert told == {
        "scenarios": "'scenarios' is a folder without a scenario: there is no scenario.yaml in it",
        "nothing.yaml": f"there is no file 'nothing.yaml': looked for {here}/nothing.yaml",
        "latin.yaml": "latin.yaml is not text: byte 19, in line 2, is not UTF-8",
        "pipe.yaml": "pipe.yaml cannot be read: it is not a regular file",
    }


@pytest.mark.slow
def test_a_very_large_file_is_not_read_whole(here: Path) -> None:
    """Ten megabytes are refused for their size, also where a character is cut in two."""
    (here / "big.yaml").write_text("a: " + "é" * 5_000_000)
    with pytest.raises(FileInvalid, match=r"big\.yaml has 1 mistake") as caught:
        load_scenario("big.yaml", here)
    assert "256 KiB" in caught.value.problems[0].message


SEEDED = "name: s\ntitle: t\nnodes: {{db: {{role: database, seed: {0}}}}}\n"


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ("seed.sql", None),
        ("sub/seed.sql", None),
        ("nothing.sql", "there is no file 'nothing.sql' beside the scenario"),
        ("sub", "'sub' cannot be read: it is a folder"),
        ("bytes.sql", "'bytes.sql' is not text: byte 1, in line 1, is not UTF-8"),
        ("link.sql", "'link.sql' leads out of the scenario's folder by a link"),
    ],
)
def test_files_beside_a_scenario_are_read_with_it(tmp_path: Path, seed: str, message: str | None) -> None:
    """A file that a node mentions is in the reading, or the reason why not is told at its place."""
    folder = tmp_path / "s"
    (folder / "sub").mkdir(parents=True)
    for name in ("seed.sql", "sub/seed.sql", "../outside.sql"):
        (folder / name).write_text("select 1;")
    (folder / "bytes.sql").write_bytes(b"\xff\xfe")
    (folder / "link.sql").symlink_to(tmp_path / "outside.sql")
    (folder / "scenario.yaml").write_text(SEEDED.format(seed))
    if message is None:
        assert load_scenario(str(folder), tmp_path).reading.texts == {seed: "select 1;"}
        return
    with pytest.raises(FileInvalid) as caught:
        load_scenario(str(folder), tmp_path)
    assert [str(problem) for problem in caught.value.problems] == [f"s/scenario.yaml:3:36: nodes.db.seed: {message}"]


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_validate_says_what_is_in_a_valid_file(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for a person, one document for a program."""
    assert run(validate.command, "basic") == 0
    assert capsys.readouterr().out.startswith("basic: valid: 4 nodes, ")
    assert run(validate.command, "one", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["valid"], document["nodes"], document["problems"]) == (1, True, 1, [])


def test_validate_tells_a_program_every_problem(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the problems are data, and the exit code is 2."""
    (here / "bad.yaml").write_text("name: X\nnodes: {c: {role: client, usez: []}}\n")
    assert run(validate.command, "bad.yaml", "--json") == 2
    document = json.loads(capsys.readouterr().out)
    assert not document["valid"]
    assert [(p["line"], p["column"], p["path"]) for p in document["problems"]] == [
        (1, 1, ""),
        (1, 7, "name"),
        (2, 27, "nodes.c.usez"),
    ]


def test_new_writes_a_valid_scenario_and_never_over_another(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `new` writes is valid as it is; a second time it refuses and leaves the files alone."""
    assert run(new.command, "my-lab") == 0
    assert capsys.readouterr().out == "scenarios/my-lab/scenario.yaml\n"
    reading = load_scenario("my-lab", here).reading
    assert (reading.scenario.name, set(reading.texts)) == ("my-lab", {"seed.sql"})
    (here / "scenarios/my-lab/seed.sql").write_text("mine")
    with pytest.raises(UsageInvalid, match="already there"):
        run(new.command, "my-lab")
    assert (here / "scenarios/my-lab/seed.sql").read_text() == "mine"


def test_new_writes_a_valid_lesson_where_one_is_wished(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(new.command, "plain") == 0
    assert not (here / "scenarios" / "plain" / "lesson.md").exists()
    assert run(new.command, "my-lab", "--lesson") == 0
    assert "wirelab lesson prove my-lab" in capsys.readouterr().err
    assert run(validate.command, "my-lab") == 0
    assert "a lesson of 2 tasks" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["My", "a_b", "../x", "a/b", "-a", "", "a" * 64])
def test_new_refuses_a_name_that_dns_would_refuse(here: Path, name: str) -> None:
    """The name becomes a part of the domain, and nothing is written outside of scenarios/."""
    with pytest.raises(UsageInvalid, match="cannot be the name"):
        run(new.command, "--", name)
    assert sorted(path.name for path in (here / "scenarios").iterdir()) == ["broken", "one"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("uses", "The nodes of which this one is a client"),
        ("nodes.uses", "example:  uses: [db]"),
        ("checks.resolves", "DNS question"),
        ("roles", "database  A PostgreSQL server"),
        ("database", "seed"),
        ("networks", "subnet"),
        ("observe", "What the packets must show."),
        ("lesson.tasks.observe", "What the packets must show."),
        ("holds", "lesson.tasks.holds"),
        ("ask", "lesson.tasks.ask"),
        ("predict", "lesson.tasks.predict"),
        ("repair", "breaks the lab first"),
        ("hints", "lesson.tasks.hints"),
        ("solve", "lesson.tasks.solve"),
        ("wrong", "lesson.tasks.wrong"),
        ("allow", "lesson.tasks.allow"),
        ("needs", "lesson.tasks.needs"),
        ("after", "lesson.tasks.after"),
        ("setup", "lesson.tasks.setup"),
        ("vars", "lesson.vars"),
        ("listens", "observation listens"),
    ],
)
def test_help_explains_a_key_with_an_example(key: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A key, a dotted key, a role, a kind of check: each is explained from the model."""
    assert run(help_.command, key) == 0
    assert words in capsys.readouterr().out


def test_checks_and_faults_of_a_lesson_are_explained_once(capsys: pytest.CaptureFixture[str]) -> None:
    """They are those of the scenario language."""
    assert run(help_.command, "rcode") == 0
    shown = capsys.readouterr().out
    assert ("lesson.tasks.observe.rcode" in shown, "lesson.tasks.holds.rcode" in shown) == (True, False)


@pytest.mark.slow
def test_help_without_a_key_lists_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    """The list has each key of the reference."""
    from orchestrator.rendering.language_reference import sections

    assert run(help_.command) == 0
    listed = set(capsys.readouterr().out.replace(":", " ").split())
    assert {entry.key for section in sections() for entry in section.entries} <= listed


@pytest.mark.slow
def test_help_for_an_unknown_key_names_the_nearest() -> None:
    """`usez` is answered with `uses`."""
    with pytest.raises(UsageInvalid) as caught:
        run(help_.command, "usez")
    assert caught.value.hint == "did you mean 'uses'?  wirelab help uses"


@pytest.mark.slow
def test_schema_prints_the_schema_and_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is, byte for byte, what the repository holds."""
    root = Path(__file__).parents[3]
    assert run(schema.command) == 0
    assert capsys.readouterr().out == (root / "scenario.schema.json").read_text("utf-8")
    assert run(schema.command, "--reference") == 0
    assert capsys.readouterr().out == (root / "docs/scenario-reference.md").read_text("utf-8")


@pytest.mark.slow
def test_what_an_encoding_lacks_is_written_as_a_question_mark(tmp_path: Path) -> None:
    """Standard output of a terminal that knows ASCII alone, and a folder whose name it cannot write."""
    folder = tmp_path / "drei Männer"
    folder.mkdir()
    (folder / "scenario.yaml").write_text("name: men\ntitle: Three\nnodes: {client: {role: client}}\n")
    command = (sys.executable, "-m", "orchestrator", "validate", folder.name, "--json")
    environ = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    ran = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["file"] == "drei M?nner/scenario.yaml"


def test_a_scenario_that_is_a_link_out_of_its_folder_is_not_read(tmp_path: Path) -> None:
    """Messages quote the lines of a file: of nothing else that this user can read, in CI logs too."""
    (tmp_path / "secret").write_text("password hunter2: [")
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "scenario.yaml").symlink_to(tmp_path / "secret")
    with pytest.raises(UsageInvalid) as raised:
        load_scenario(str(folder))
    assert (raised.value.why, "hunter2" in str(raised.value)) == ("it is a link that leads out of its folder", False)
    (folder / "scenario.yaml").unlink()
    (folder / "real.yaml").write_text(GOOD.format("shop"))
    (folder / "scenario.yaml").symlink_to("real.yaml")
    assert load_scenario(str(folder)).reading.scenario.name


@pytest.mark.parametrize("outside", [True, False], ids=["out of its folder", "inside of it"])
def test_a_lesson_that_is_a_link_is_read_inside_of_its_folder_only(tmp_path: Path, outside: bool) -> None:
    """What is wrong with a lesson is told with words of the file."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "scenario.yaml").write_text(GOOD.format("shop"))
    secret = (tmp_path if outside else folder) / "secret"
    secret.write_text("---\nhunter2: 5\n---\n")
    (folder / "lesson.md").symlink_to(secret)
    with pytest.raises(WirelabError) as raised:
        load_lesson(load_scenario(str(folder)))
    problems = raised.value.problems if isinstance(raised.value, FileInvalid) else ()
    told = "\n".join((*raised.value.lines(), *map(str, problems)))
    assert ("it is a link that leads out of its folder" in told, "hunter2" in told) == (outside, not outside)


def test_a_list_of_scenarios_reads_regular_files_of_its_own_alone(tmp_path: Path) -> None:
    """Nobody waits at a pipe, and no line of another file is shown as a title."""
    (tmp_path / "secret").write_text("title: hunter2\n")
    for name in ("linked", "piped", "right"):
        (tmp_path / "scenarios" / name).mkdir(parents=True)
    (tmp_path / "scenarios/linked/scenario.yaml").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "scenarios/piped/scenario.yaml")
    (tmp_path / "scenarios/right/scenario.yaml").write_text(GOOD.format("right"))
    titles = dict(all_scenarios(tmp_path))
    assert (titles["linked"], titles["piped"]) == ("(cannot be read)", "(cannot be read)")
    assert titles["right"] not in ("", "(cannot be read)")
