"""`wirelab members` and --member, as they are typed: what is refused, and what is printed without any engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.cli.main import main
from orchestrator.host.members.member import Member
from orchestrator.host.members.registry import add_member, members
from orchestrator.host.state_folder import StateFolder

pytestmark = pytest.mark.slow


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    monkeypatch.setenv("WIRELAB_STATE", str(tmp_path))
    return StateFolder(tmp_path)


def typed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    out, err = capsys.readouterr()
    return int(str(ended.value.code or 0)), out, err


def test_without_members_the_way_to_one_is_named(state: StateFolder, capsys: pytest.CaptureFixture[str]) -> None:
    hint = "there is no member; add one: wirelab members add NAME ssh://USER@HOST\n"
    assert typed(capsys, "members", "ls") == (0, hint, "")
    assert typed(capsys, "members", "doctor") == (0, "", hint)
    assert not state.root.joinpath("members.json").exists()


def test_a_member_that_does_not_answer_is_listed_with_the_reason(
    state: StateFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    add_member(state, Member("big", f"unix://{state.root}/gone.sock", architecture="x86_64"))
    code, out, _ = typed(capsys, "members", "ls", "--json")
    why = f"nobody listens on unix://{state.root}/gone.sock"
    assert (code, json.loads(out)["members"][0]["why"]) == (3, why)
    code, out, err = typed(capsys, "members", "doctor", "--json")
    assert (code, json.loads(out)["members"]) == (3, [])
    assert "error: the member 'big' does not answer" in err


def test_an_engine_that_does_not_answer_is_not_added(state: StateFolder, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = typed(capsys, "members", "add", "big", f"unix://{state.root}/gone.sock")
    assert (code, members(state)) == (3, ())
    assert "error: the member 'big' does not answer" in err


def test_all_members_are_forgotten_at_once_or_one(state: StateFolder, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b", "c"):
        add_member(state, Member(name, f"unix:///{name}.sock"))
    assert typed(capsys, "members", "rm")[0] == typed(capsys, "members", "rm", "a", "--all")[0] == 2
    assert typed(capsys, "members", "rm", "b")[2] == "'b' (unix:///b.sock) is no member any more\n"
    assert [member.name for member in members(state)] == ["a", "c"]
    assert typed(capsys, "members", "rm", "--all")[0] == 0
    assert members(state) == ()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--member", "nobody"), "error: there is no member 'nobody'"),
        (("--members", "a,nobody"), "error: there is no member 'nobody'"),
        (("--members", "a,,b"), "'a,,b' is not a list of names"),
        (("--member", "a", "--members", "a"), "error: --member cannot be combined with --members"),
    ],
)
@pytest.mark.parametrize("command", ["up", "run", "learn", "web"])
def test_a_wrong_choice_of_a_member_is_refused_before_anything_is_made(
    state: StateFolder, capsys: pytest.CaptureFixture[str], command: str, words: tuple[str, ...], sentence: str
) -> None:
    assert_refused(state, capsys, (command, "basic", *words), sentence)


def assert_refused(
    state: StateFolder, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    """The command says so where the only member is `a`, and makes nothing."""
    add_member(state, Member("a", "unix:///nobody-here.sock"))
    code, _, err = typed(capsys, *words)
    assert code == 2
    assert sentence in err
    assert not (state.root / "labs").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--split", "a,nobody"), "error: there is no member 'nobody'"),
        (("--split", "a,a"), "error: --split takes the names of two members or more"),
        (("--split", "a,b", "--member", "a"), "error: --split cannot be combined with --member or --members"),
    ],
)
@pytest.mark.parametrize("command", ["up", "run"])
def test_a_wrong_choice_of_several_members_is_refused_before_anything_is_made(
    state: StateFolder, capsys: pytest.CaptureFixture[str], command: str, words: tuple[str, ...], sentence: str
) -> None:
    assert_refused(state, capsys, (command, "basic", *words), sentence)
